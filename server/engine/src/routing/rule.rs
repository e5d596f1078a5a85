//! Rules: ordered conditions over the facts, each with an action (SPEC 2.4).

use crate::queue::Lane;
use serde::{Deserialize, Serialize};

/// Which way an action sends the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// Mark in real time.
    Realtime,
    /// Mark in a batch.
    Batch,
    /// Mark in a batch unless the batch would come back too late and the budget affords real time.
    PreferBatch,
    /// Mark in a batch unless the work is urgent.
    BatchUnlessUrgent,
}

/// What a rule does when it applies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Action {
    /// Which way.
    pub way: Way,
    /// Sets the lane; none: by urgency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lane: Option<Lane>,
    /// Sets the provider by name; none: the cheapest that suits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Sets the model by name; none: the one that its provider marks with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Marks wait for a person's approval before they are released.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hold: bool,
}

impl Action {
    /// Sends the work this way and sets nothing else.
    #[must_use]
    pub const fn of(way: Way) -> Self {
        Self { way, lane: None, provider: None, model: None, hold: false }
    }
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Short name, such as `budget_conservation`.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// Condition in CEL (Common Expression Language) over the facts, true or false.
    pub condition: String,
    /// What is done where it holds.
    pub action: Action,
    /// The smallest that applies wins.
    pub priority: i64,
    /// Switched on.
    pub enabled: bool,
}

/// The rules that Quire starts with.
#[must_use]
pub fn seeded() -> Vec<Rule> {
    let rule = |priority, name: &str, title: &str, condition: &str, way, lane| Rule {
        name: name.to_owned(),
        title: title.to_owned(),
        condition: condition.to_owned(),
        action: Action { lane, ..Action::of(way) },
        priority,
        enabled: true,
    };
    vec![
        rule(1, "high_urgency_override", "Urgent work at once", r#"urgency == "high""#, Way::Realtime, None),
        rule(2, "budget_conservation", "Budget conservation", "budget.used > 0.8", Way::PreferBatch, None),
        rule(3, "peak_hours_optimization", "Peak hours", "clock.peak", Way::BatchUnlessUrgent, None),
        rule(
            4,
            "assessment_type_optimization",
            "Practice and drafts",
            r#"assignment.type in ["practice", "draft", "formative"]"#,
            Way::Batch,
            Some(Lane::Economy),
        ),
    ]
}

/// A rule can't be used.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum RuleError {
    /// The condition is no expression.
    #[error("rule \"{rule}\": the condition can't be read: {problem}")]
    Syntax {
        /// The rule's name.
        rule: String,
        /// What is wrong, with its place.
        problem: String,
    },
    /// The condition gave something else than true or false, or failed.
    #[error("rule \"{rule}\": {problem}")]
    Outcome {
        /// The rule's name.
        rule: String,
        /// What it gave.
        problem: String,
    },
}
