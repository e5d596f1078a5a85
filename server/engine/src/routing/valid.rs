//! Whether rules can be put in force together.

use super::{Rule, check};
use std::collections::HashMap;

/// Most rules in force.
pub const MOST_RULES: usize = 100;

/// Longest name of a rule, and longest title, in characters.
const LONGEST_NAME: usize = 60;

/// Something wrong with one of several rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleFault {
    /// Which of them, from 0.
    pub rule: usize,
    /// The field of it.
    pub field: &'static str,
    /// What is wrong, and what to do.
    pub message: String,
}

/// Checks that these rules can be put in force together. The providers are those that are set up.
///
/// # Errors
/// All that is wrong with them, in their order.
pub(super) fn validate(rules: &[Rule], providers: &[&str]) -> Result<(), Vec<RuleFault>> {
    let mut faults = Vec::new();
    let mut found = |rule, field, message: String| faults.push(RuleFault { rule, field, message });
    if rules.len() > MOST_RULES {
        found(
            MOST_RULES,
            "name",
            format!("there are {} rules; at most {MOST_RULES} can be in force", rules.len()),
        );
    }
    let (mut names, mut places) = (HashMap::new(), HashMap::new());
    for (at, rule) in rules.iter().enumerate() {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if rule.name.is_empty() || rule.name.len() > LONGEST_NAME || !rule.name.chars().all(plain) {
            let message = format!(
                "a name has 1 to {LONGEST_NAME} of a to z, 0 to 9 and _, such as budget_conservation"
            );
            found(at, "name", message);
        } else if names.insert(&rule.name, at).is_some() {
            found(at, "name", format!("another rule has the name {} as well; give each its own", rule.name));
        }
        let title = rule.title.trim().chars().count();
        if title == 0 || title > LONGEST_NAME || rule.title.chars().any(char::is_control) {
            found(at, "title", format!("what people call it: 1 to {LONGEST_NAME} characters on one line"));
        }
        if let Some(other) = places.insert(rule.priority, &rule.title) {
            let message = format!(
                "“{other}” has the priority {} as well; the order would be left to chance",
                rule.priority
            );
            found(at, "priority", message);
        }
        for fault in check::check(&rule.condition).err().unwrap_or_default() {
            found(at, "condition", fault.to_string());
        }
        // A rule that is off may wait for its provider.
        if let Some(provider) = &rule.action.provider
            && rule.enabled
            && !providers.contains(&provider.as_str())
        {
            let known = if providers.is_empty() {
                "none is".to_owned()
            } else {
                format!("set up: {}", providers.join(", "))
            };
            found(at, "action.provider", format!("{provider} is not set up ({known})"));
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::{Action, Way, seeded};
    use super::*;

    #[test]
    fn the_seeded_rules_can_be_put_in_force() {
        validate(&seeded(), &[]).unwrap();
    }

    #[test]
    fn all_that_is_wrong_is_told() {
        let [first, second, third, _] = <[Rule; 4]>::try_from(seeded()).unwrap();
        let rules = [
            Rule { name: "No Name".to_owned(), title: " ".to_owned(), ..first },
            Rule { condition: "budget.usd > 1".to_owned(), priority: 3, ..second.clone() },
            Rule { name: second.name, ..third.clone() },
            Rule {
                name: "elsewhere".to_owned(),
                action: Action { way: Way::Batch, lane: None, provider: Some("gone".to_owned()) },
                priority: 9,
                ..third
            },
        ];
        let faults = validate(&rules, &["openai"]).unwrap_err();
        let told: Vec<_> =
            faults.iter().map(|fault| format!("{} {}: {}", fault.rule, fault.field, fault.message)).collect();
        assert_eq!(
            told,
            [
                "0 name: a name has 1 to 60 of a to z, 0 to 9 and _, such as budget_conservation",
                "0 title: what people call it: 1 to 60 characters on one line",
                "1 condition: Column 8: budget has no “usd”. Did you mean “used”?",
                "2 name: another rule has the name budget_conservation as well; give each its own",
                "2 priority: “Budget conservation” has the priority 3 as well; the order would be left to chance",
                "3 action.provider: gone is not set up (set up: openai)",
            ]
        );
        let mut off = rules;
        for rule in &mut off {
            rule.enabled = false;
        }
        assert_eq!(validate(&off, &["openai"]).unwrap_err().len(), 5, "all but the provider");
        let many: Vec<_> =
            (0..=100).map(|n| Rule { name: format!("r{n}"), priority: n, ..seeded().remove(0) }).collect();
        assert_eq!(
            validate(&many, &[]).unwrap_err()[0].message,
            "there are 101 rules; at most 100 can be in force"
        );
    }
}
