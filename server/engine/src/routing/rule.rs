//! Rules: ordered conditions over the facts, each with an action (SPEC 2.4).

use super::{Facts, ProviderFacts, check};
use crate::{queue::Lane, store::NanoUsd};
use cel::{Context, Program, Value};
use serde::{Deserialize, Serialize};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

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

/// A rule with its condition made ready.
struct Compiled {
    rule: Rule,
    program: Program,
    /// The condition looks at facts that are estimates, see [`Estimates`].
    estimates: bool,
}

/// Those facts that are estimates, which a decision varies to see how sure it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimates {
    /// Share of the budget that is used.
    pub used: f64,
    /// Jobs waiting.
    pub waiting: i64,
    /// Jobs with providers.
    pub sent: i64,
}

impl From<&Facts> for Estimates {
    fn from(facts: &Facts) -> Self {
        Self { used: facts.budget.used, waiting: facts.load.waiting, sent: facts.load.sent }
    }
}

/// Rules made ready to be asked.
pub struct RuleSet {
    /// Version of the set; replays name it.
    pub version: i64,
    rules: Vec<Compiled>,
    /// The facts that some rule looks at, by their names.
    looked_at: HashSet<&'static str>,
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
            .map(|rule| match check::parse(&rule.condition) {
                Ok(program) => {
                    let estimates = ESTIMATES.iter().any(|name| program.references().has_variable(name));
                    Ok(Compiled { rule, program, estimates })
                }
                Err(fault) => Err(RuleError::Syntax { rule: rule.name, problem: fault.to_string() }),
            })
            .collect::<Result<Vec<_>, _>>()?;
        let looks = |name: &&str| rules.iter().any(|rule| rule.program.references().has_variable(name));
        let looked_at = FACTS.into_iter().chain(ESTIMATES).filter(looks).collect();
        Ok(Self { version, rules, looked_at, root: Context::default() })
    }

    /// Asks the rules about these facts.
    #[must_use]
    pub fn ask<'a>(&'a self, facts: &'a Facts) -> Asking<'a> {
        let mut context = self.root.new_inner_scope();
        for name in FACTS {
            if self.looked_at.contains(name) {
                context.add_variable_from_value(name, value(name, facts));
            }
        }
        Asking { set: self, facts, context, known: vec![None; self.rules.len()], asked: Vec::new() }
    }
}

impl RuleSet {
    /// Each rule, in order, with whether it applies to these facts, or why it can't be asked.
    #[must_use]
    pub fn each(&self, facts: &Facts) -> Vec<(Rule, Result<bool, RuleError>)> {
        let asking = self.ask(facts);
        let scope = with_estimates(&asking.context, self, facts, facts.into());
        self.rules.iter().map(|compiled| (compiled.rule.clone(), holds(compiled, &scope))).collect()
    }
}

/// The rules being asked about the facts of one decision, with one estimate or another.
pub struct Asking<'a> {
    set: &'a RuleSet,
    facts: &'a Facts,
    context: Context<'a, 'static>,
    /// What is known of the rules that don't look at estimates: it holds for all of them.
    known: Vec<Option<Result<bool, RuleError>>>,
    /// What came of each question so far.
    asked: Vec<(Estimates, First<'a>)>,
}

/// The first rule that applies, and what was wrong with rules before it (which count as not applying).
pub(super) type First<'a> = (Option<&'a Rule>, Vec<RuleError>);

impl std::fmt::Debug for Asking<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Asking").field("set", self.set).field("known", &self.known).finish_non_exhaustive()
    }
}

impl<'a> Asking<'a> {
    /// The first rule that applies with these estimates.
    pub fn first(&mut self, mut estimates: Estimates) -> First<'a> {
        // What no rule looks at makes no new question.
        if !self.set.looked_at.contains(BUDGET) {
            estimates.used = 0.0;
        }
        if !self.set.looked_at.contains(LOAD) {
            (estimates.waiting, estimates.sent) = (0, 0);
        }
        if let Some((_, first)) = self.asked.iter().find(|(asked, _)| *asked == estimates) {
            return first.clone();
        }
        let first = self.first_of(estimates);
        self.asked.push((estimates, first.clone()));
        first
    }

    fn first_of(&mut self, estimates: Estimates) -> First<'a> {
        let mut wrong = Vec::new();
        let mut scope = None;
        for (compiled, known) in self.set.rules.iter().zip(&mut self.known) {
            let applies = if compiled.estimates {
                let scope = scope
                    .get_or_insert_with(|| with_estimates(&self.context, self.set, self.facts, estimates));
                holds(compiled, scope)
            } else {
                known.get_or_insert_with(|| holds(compiled, &self.context)).clone()
            };
            match applies {
                Ok(true) => return (Some(&compiled.rule), wrong),
                Ok(false) => {}
                Err(error) => wrong.push(error),
            }
        }
        (None, wrong)
    }
}

/// These facts, and those estimates that some rule looks at.
fn with_estimates<'c>(
    context: &'c Context<'_, 'static>,
    set: &RuleSet,
    facts: &Facts,
    estimates: Estimates,
) -> Context<'c, 'static> {
    let mut scope = context.new_inner_scope();
    for name in ESTIMATES.into_iter().filter(|name| set.looked_at.contains(name)) {
        scope.add_variable_from_value(name, estimated(name, estimates, facts));
    }
    scope
}

fn holds(Compiled { rule, program, .. }: &Compiled, context: &Context<'_, '_>) -> Result<bool, RuleError> {
    let outcome = |problem| RuleError::Outcome { rule: rule.name.clone(), problem };
    match program.execute(context) {
        Ok(Value::Bool(holds)) => Ok(holds),
        Ok(other) => Err(outcome(format!("the condition gave {:?}, not true or false", other.type_of()))),
        Err(error) => Err(outcome(in_words(&error.to_string()))),
    }
}

/// What went wrong when a condition was asked. Numbers that can't be put in order are told as a missing function.
fn in_words(told: &str) -> String {
    let order = ["'_<_'", "'_<=_'", "'_>_'", "'_>=_'"].iter().any(|sign| told.contains(sign));
    let numbers =
        ["(double, double)", "(int, double)", "(double, int)"].iter().any(|kinds| told.contains(kinds));
    if order && numbers {
        return "a calculation gives no number, as 0 divided by 0 gives none".to_owned();
    }
    told.to_owned()
}

fn text(text: &str) -> Value {
    Value::String(Arc::new(text.to_owned()))
}

fn map<const N: usize>(entries: [(&str, Value); N]) -> Value {
    let entries: HashMap<String, Value> = entries.map(|(name, value)| (name.to_owned(), value)).into();
    Value::Map(entries.into())
}

/// The names of the facts that no estimate changes, as rules use them.
const FACTS: [&str; 7] = ["urgency", "assignment", "submission", "student", "cost", "providers", "clock"];

/// One of [`FACTS`].
fn value(name: &str, facts: &Facts) -> Value {
    let Facts { urgency, assignment, submission, student, clock, providers, .. } = facts;
    match name {
        "urgency" => text(urgency.name()),
        "assignment" => map([
            ("type", text(assignment.kind.name())),
            ("course", text(&assignment.course)),
            ("language", text(&assignment.language)),
            ("criteria", Value::Int(assignment.criteria)),
            ("minutes_to_deadline", assignment.minutes_to_deadline.map_or(Value::Null, Value::Int)),
        ]),
        "submission" => map([
            ("words", Value::Int(submission.words)),
            ("tokens", Value::Int(submission.tokens)),
            ("output_tokens", Value::Int(submission.output_tokens)),
            ("draft", Value::Int(submission.draft)),
            ("code", Value::Float(submission.code)),
            ("formulas", Value::Int(submission.formulas)),
        ]),
        "student" => {
            map([("tier", text(student.tier.name())), ("drafts_left", Value::Int(student.drafts_left))])
        }
        "cost" => cost(facts),
        "providers" => {
            let up = providers.iter().filter(|p| p.healthy);
            map([
                ("all", Value::Int(i64::try_from(providers.len()).unwrap_or(i64::MAX))),
                ("up", Value::Int(i64::try_from(up.clone().count()).unwrap_or(i64::MAX))),
                ("free_jobs", Value::Int(up.map(|p| p.free_jobs.max(0)).sum())),
            ])
        }
        "clock" => map([
            ("peak", Value::Bool(clock.peak)),
            ("hour", Value::Int(clock.hour)),
            ("weekday", Value::Int(clock.weekday)),
        ]),
        _ => Value::Null,
    }
}

/// What the work is expected to cost at the cheapest provider that answers, or at the cheapest where none does.
fn cost(facts: &Facts) -> Value {
    let cheapest = |of: &dyn Fn(&ProviderFacts) -> Option<NanoUsd>| {
        let up = facts.providers.iter().filter(|p| p.healthy).filter_map(of).min();
        up.or_else(|| facts.providers.iter().filter_map(of).min())
    };
    let realtime = cheapest(&|p| Some(p.realtime_cost)).unwrap_or_default();
    // Where nobody takes batches, all goes in real time.
    let batch = cheapest(&|p| p.batch.then_some(p.batch_cost)).unwrap_or(realtime);
    let most = cheapest(&|p| Some(p.realtime_most)).unwrap_or_default();
    map([
        ("realtime_usd", Value::Float(realtime.dollars())),
        ("batch_usd", Value::Float(batch.dollars())),
        ("saved_usd", Value::Float((realtime - batch).dollars())),
        ("affordable", Value::Bool(facts.budget.left.is_none_or(|left| left >= most))),
    ])
}

const BUDGET: &str = "budget";
const LOAD: &str = "load";

/// The names of the facts that hold estimates.
const ESTIMATES: [&str; 2] = [BUDGET, LOAD];

/// One of [`ESTIMATES`].
fn estimated(name: &str, estimates: Estimates, facts: &Facts) -> Value {
    match name {
        BUDGET => {
            let left = facts.budget.left.map_or(Value::Null, |left| Value::Float(left.dollars()));
            map([("used", Value::Float(estimates.used)), ("left_usd", left)])
        }
        LOAD => map([("waiting", Value::Int(estimates.waiting)), ("sent", Value::Int(estimates.sent))]),
        _ => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{super::tests::facts, *};
    use crate::routing::vocabulary::{Fact, Holds, VOCABULARY};
    use cel::objects::Key;

    fn is_as_said(fact: &Fact, value: &Value) {
        match (fact.holds, value) {
            (_, Value::Null) => assert!(fact.can_be_missing, "{}", fact.name),
            (Holds::Truth, Value::Bool(_))
            | (Holds::Whole, Value::Int(_))
            | (Holds::Number, Value::Float(_))
            | (Holds::Text, Value::String(_)) => {}
            (Holds::Word(words), Value::String(word)) => assert!(words().contains(&word.as_str()), "{word}"),
            (Holds::Parts(parts), Value::Map(map)) => {
                assert_eq!(map.map.len(), parts.len(), "{}", fact.name);
                for part in parts {
                    let value = map.map.get(&Key::String(Arc::new(part.name.to_owned())));
                    is_as_said(part, value.unwrap_or_else(|| panic!("{}.{}", fact.name, part.name)));
                }
            }
            (holds, value) => panic!("{} is {value:?}, not {holds:?}", fact.name),
        }
    }

    /// What is checked while a rule is typed is what its condition finds when it is asked.
    #[test]
    fn facts_are_what_the_vocabulary_says() {
        let facts = facts();
        let mut known: Vec<&str> = FACTS.into_iter().chain(ESTIMATES).collect();
        for fact in VOCABULARY {
            let value = if ESTIMATES.contains(&fact.name) {
                estimated(fact.name, (&facts).into(), &facts)
            } else {
                value(fact.name, &facts)
            };
            is_as_said(fact, &value);
            known.retain(|name| *name != fact.name);
        }
        assert_eq!(known, Vec::<&str>::new());
    }
}
