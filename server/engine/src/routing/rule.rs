//! Rules: ordered conditions over the facts, each with an action (SPEC 2.4).

use super::Facts;
use crate::queue::Lane;
use cel::{Context, Program, Value};
use serde::{Deserialize, Serialize};
use std::{collections::HashMap, sync::Arc};

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
        action: Action { way, lane, provider: None },
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
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
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

/// Rules made ready to be asked.
pub struct RuleSet {
    /// Version of the set; replays name it.
    pub version: i64,
    rules: Vec<(Rule, Program)>,
    root: Context<'static, 'static>,
}

impl std::fmt::Debug for RuleSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RuleSet").field("version", &self.version).field("rules", &self.rules.len()).finish()
    }
}

impl RuleSet {
    /// Compiles the rules that are switched on and puts them in order.
    ///
    /// # Errors
    /// If a condition can't be read.
    pub fn compile(version: i64, mut rules: Vec<Rule>) -> Result<Self, RuleError> {
        rules.sort_by(|a, b| (a.priority, &a.name).cmp(&(b.priority, &b.name)));
        let rules = rules
            .into_iter()
            .filter(|rule| rule.enabled)
            .map(|rule| match Program::compile(&rule.condition) {
                Ok(program) => Ok((rule, program)),
                Err(errors) => {
                    Err(RuleError::Syntax { rule: rule.name, problem: errors.to_string().trim().to_owned() })
                }
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { version, rules, root: Context::default() })
    }

    /// The first rule that applies, and what was wrong with rules before it (which count as not applying).
    #[must_use]
    pub fn first(&self, facts: &Facts) -> (Option<&Rule>, Vec<RuleError>) {
        let mut wrong = Vec::new();
        if self.rules.is_empty() {
            return (None, wrong);
        }
        let mut context = self.root.new_inner_scope();
        for (name, value) in values(facts) {
            context.add_variable_from_value(name, value);
        }
        for (rule, program) in &self.rules {
            match program.execute(&context) {
                Ok(Value::Bool(true)) => return (Some(rule), wrong),
                Ok(Value::Bool(false)) => {}
                Ok(other) => wrong.push(RuleError::Outcome {
                    rule: rule.name.clone(),
                    problem: format!("the condition gave {:?}, not true or false", other.type_of()),
                }),
                Err(error) => {
                    wrong.push(RuleError::Outcome { rule: rule.name.clone(), problem: error.to_string() });
                }
            }
        }
        (None, wrong)
    }
}

/// The facts under the names that rules use.
fn values(facts: &Facts) -> [(&'static str, Value); 7] {
    let text = |s: &str| Value::String(Arc::new(s.to_owned()));
    let map = |entries: &[(&str, Value)]| -> Value {
        let entries: HashMap<String, Value> =
            entries.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect();
        Value::Map(entries.into())
    };
    let Facts { urgency, assignment, submission, student, budget, clock, load, .. } = facts;
    [
        ("urgency", text(urgency.name())),
        (
            "assignment",
            map(&[
                ("type", text(assignment.kind.name())),
                ("course", text(&assignment.course)),
                ("language", text(&assignment.language)),
                ("criteria", Value::Int(assignment.criteria)),
                ("minutes_to_deadline", assignment.minutes_to_deadline.map_or(Value::Null, Value::Int)),
            ]),
        ),
        (
            "submission",
            map(&[
                ("words", Value::Int(submission.words)),
                ("tokens", Value::Int(submission.tokens)),
                ("draft", Value::Int(submission.draft)),
            ]),
        ),
        (
            "student",
            map(&[("tier", text(student.tier.name())), ("drafts_left", Value::Int(student.drafts_left))]),
        ),
        (
            "budget",
            map(&[
                ("used", Value::Float(budget.used)),
                ("left_usd", budget.left.map_or(Value::Null, |left| Value::Float(left.dollars()))),
            ]),
        ),
        (
            "clock",
            map(&[
                ("peak", Value::Bool(clock.peak)),
                ("hour", Value::Int(clock.hour)),
                ("weekday", Value::Int(clock.weekday)),
            ]),
        ),
        ("load", map(&[("waiting", Value::Int(load.waiting)), ("sent", Value::Int(load.sent))])),
    ]
}
