//! What changed from one version of the rules to the next, in words.

use super::{Action, Rule, Way};
use crate::queue::Lane;

impl Action {
    /// What it does, in words, such as "batch, economy lane, with openai".
    #[must_use]
    pub fn words(&self) -> String {
        let mut words = self.way.words().to_owned();
        if let Some(lane) = self.lane {
            words.push_str(match lane {
                Lane::Urgent => ", urgent lane",
                Lane::Standard => ", standard lane",
                Lane::Economy => ", economy lane",
            });
        }
        if let Some(provider) = &self.provider {
            words.push_str(&format!(", with {provider}"));
        }
        if let Some(model) = &self.model {
            words.push_str(&format!(", by the model {model}"));
        }
        if self.hold {
            words.push_str(", marks held for approval");
        }
        words
    }
}

impl Way {
    /// What it does, in words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Realtime => "mark in real time",
            Self::Batch => "batch",
            Self::PreferBatch => "prefer batch",
            Self::BatchUnlessUrgent => "batch unless urgent",
        }
    }
}

/// What changed, a sentence for each change; empty where nothing did.
#[must_use]
pub(super) fn changes(before: &[Rule], after: &[Rule]) -> Vec<String> {
    let mut told = Vec::new();
    for gone in before.iter().filter(|rule| after.iter().all(|other| other.name != rule.name)) {
        told.push(format!("“{}” removed", gone.title));
    }
    for rule in in_order(after) {
        let Some(was) = before.iter().find(|other| other.name == rule.name) else {
            told.push(format!("“{}” added: when {}, {}", rule.title, rule.condition, rule.action.words()));
            continue;
        };
        if was.title != rule.title {
            told.push(format!("“{}” is now called “{}”", was.title, rule.title));
        }
        if was.condition != rule.condition {
            told.push(format!(
                "“{}” applies when {} (before: {})",
                rule.title, rule.condition, was.condition
            ));
        }
        if was.action != rule.action {
            told.push(format!("“{}”: {} (before: {})", rule.title, rule.action.words(), was.action.words()));
        }
        if was.enabled != rule.enabled {
            told.push(format!("“{}” switched {}", rule.title, if rule.enabled { "on" } else { "off" }));
        }
    }
    let names = |rules: &[Rule], others: &[Rule]| -> Vec<String> {
        let kept = |rule: &&Rule| others.iter().any(|other| other.name == rule.name);
        in_order(rules).into_iter().filter(kept).map(|rule| rule.name.clone()).collect()
    };
    if names(before, after) != names(after, before) {
        let order: Vec<_> = in_order(after).into_iter().map(|rule| format!("“{}”", rule.title)).collect();
        told.push(format!("the order is now {}", order.join(", ")));
    }
    told
}

/// Rules in the order in which they are asked.
#[must_use]
pub fn in_order(rules: &[Rule]) -> Vec<&Rule> {
    let mut rules: Vec<_> = rules.iter().collect();
    rules.sort_by_key(|rule| (rule.priority, &rule.name));
    rules
}

#[cfg(test)]
mod tests {
    use super::super::seeded;
    use super::*;

    #[test]
    fn each_change_is_told() {
        let before = seeded();
        assert_eq!(changes(&before, &before), Vec::<String>::new());
        let mut after = before.clone();
        after.remove(3);
        after[0].enabled = false;
        after[1].condition = "budget.used > 0.7".to_owned();
        after[1].title = "Thrift".to_owned();
        after[2].action = Action {
            lane: Some(Lane::Economy),
            provider: Some("openai".to_owned()),
            model: Some("gpt-6".to_owned()),
            hold: true,
            ..Action::of(Way::Batch)
        };
        after[2].priority = 0;
        after.push(Rule {
            name: "new".to_owned(),
            title: "New".to_owned(),
            priority: 9,
            ..before[3].clone()
        });
        assert_eq!(
            changes(&before, &after),
            [
                "“Practice and drafts” removed",
                "“Peak hours”: batch, economy lane, with openai, by the model gpt-6, marks held for approval (before: batch unless urgent)",
                "“Urgent work at once” switched off",
                "“Budget conservation” is now called “Thrift”",
                "“Thrift” applies when budget.used > 0.7 (before: budget.used > 0.8)",
                "“New” added: when assignment.type in [\"practice\", \"draft\", \"formative\"], batch, economy lane",
                "the order is now “Peak hours”, “Urgent work at once”, “Thrift”, “New”",
            ]
        );
    }
}
