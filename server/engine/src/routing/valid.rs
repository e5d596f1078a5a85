//! Whether rules can be put in force together.

use super::{Action, Rule, check};
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
    /// What people call it.
    pub title: String,
    /// The field of it.
    pub field: &'static str,
    /// What is wrong, and what to do.
    pub message: String,
}

/// Checks that these rules can be put in force together. The providers are those that are set up, with their models. A rule
/// that is there already may go on to name one that was switched off since: the rule does not apply until it is back, and
/// must not keep others from being changed.
///
/// # Errors
/// All that is wrong with them, in their order.
pub(super) fn validate(
    rules: &[Rule],
    there: &[Rule],
    providers: &[(String, Vec<String>)],
) -> Result<(), Vec<RuleFault>> {
    let mut faults = Vec::new();
    let title = |at: usize| rules.get(at).map(|rule| rule.title.clone()).unwrap_or_default();
    let mut found = |rule, field, message: String| {
        faults.push(RuleFault { rule, title: title(rule), field, message });
    };
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
        let is_there =
            |other: &Rule| other.enabled && (&other.name, &other.action) == (&rule.name, &rule.action);
        if rule.enabled
            && !there.iter().any(is_there)
            && let Some((field, message)) = nobody(&rule.action, providers)
        {
            found(at, field, message);
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

impl Action {
    /// It names a provider or a model that is not among these, the providers with their models.
    #[must_use]
    pub fn names_nobody(&self, offers: &[(String, Vec<String>)]) -> bool {
        nobody(self, offers).is_some()
    }
}

/// What an action names that is not set up: the field, and what is wrong.
fn nobody(action: &Action, providers: &[(String, Vec<String>)]) -> Option<(&'static str, String)> {
    let known = |names: Vec<&str>| {
        if names.is_empty() { "none is".to_owned() } else { format!("set up: {}", names.join(", ")) }
    };
    let whose: Vec<_> =
        providers.iter().filter(|(name, _)| action.provider.as_ref().is_none_or(|of| of == name)).collect();
    if let (Some(provider), []) = (&action.provider, whose.as_slice()) {
        let known = known(providers.iter().map(|(name, _)| name.as_str()).collect());
        return Some(("action.provider", format!("{provider} is not set up ({known})")));
    }
    let model = action.model.as_ref()?;
    let mut models: Vec<&str> = whose.iter().flat_map(|(_, models)| models).map(String::as_str).collect();
    if models.contains(&model.as_str()) {
        return None;
    }
    models.sort_unstable();
    models.dedup();
    let of = action.provider.as_ref().map_or_else(|| "any provider".to_owned(), Clone::clone);
    Some(("action.model", format!("{model} is no model of {of} ({})", known(models))))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::{Action, Way, seeded};
    use super::*;

    #[test]
    fn the_seeded_rules_can_be_put_in_force() {
        validate(&seeded(), &[], &[]).unwrap();
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
                action: Action { provider: Some("gone".to_owned()), ..Action::of(Way::Batch) },
                priority: 9,
                ..third.clone()
            },
            Rule {
                name: "another_model".to_owned(),
                action: Action {
                    provider: Some("openai".to_owned()),
                    model: Some("claude".to_owned()),
                    ..Action::of(Way::Batch)
                },
                priority: 10,
                ..third.clone()
            },
            Rule {
                name: "no_model".to_owned(),
                action: Action { model: Some("nothing".to_owned()), ..Action::of(Way::Batch) },
                priority: 11,
                ..third.clone()
            },
            Rule {
                name: "whoever_has_it".to_owned(),
                action: Action { model: Some("claude".to_owned()), ..Action::of(Way::Batch) },
                priority: 12,
                ..third
            },
        ];
        let set_up = [
            ("openai".to_owned(), vec!["gpt".to_owned(), "gpt-mini".to_owned()]),
            ("anthropic".to_owned(), vec!["claude".to_owned()]),
        ];
        let faults = validate(&rules, &[], &set_up).unwrap_err();
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
                "3 action.provider: gone is not set up (set up: openai, anthropic)",
                "4 action.model: claude is no model of openai (set up: gpt, gpt-mini)",
                "5 action.model: nothing is no model of any provider (set up: claude, gpt, gpt-mini)",
            ]
        );
        assert_eq!((faults[5].title.as_str(), faults[7].title.as_str()), ("Peak hours", "Peak hours"));
        // Those that are there already may go on to name what is gone.
        let kept = validate(&rules, &rules, &set_up).unwrap_err();
        assert_eq!(kept.len(), 5, "all but what is named");
        let off_before: Vec<Rule> =
            rules.iter().map(|rule| Rule { enabled: false, ..rule.clone() }).collect();
        assert_eq!(validate(&rules, &off_before, &set_up).unwrap_err().len(), 8);
        let mut off = rules;
        for rule in &mut off {
            rule.enabled = false;
        }
        assert_eq!(validate(&off, &[], &set_up).unwrap_err().len(), 5, "all but what is named");
        let many: Vec<_> =
            (0..=100).map(|n| Rule { name: format!("r{n}"), priority: n, ..seeded().remove(0) }).collect();
        assert_eq!(
            validate(&many, &[], &[]).unwrap_err()[0].message,
            "there are 101 rules; at most 100 can be in force"
        );
    }
}
