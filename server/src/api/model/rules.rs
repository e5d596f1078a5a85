//! Routing rules over the wire.

use super::{Lane, RouteType};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Which way a rule sends work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RuleWay {
    /// In real time.
    Realtime,
    /// In a batch.
    Batch,
    /// In a batch, unless that would come back too late and the budget affords real time.
    PreferBatch,
    /// In a batch, unless the work is urgent.
    BatchUnlessUrgent,
}

/// What a rule does where it applies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleAction {
    /// Which way.
    pub way: RuleWay,
    /// Sets the lane; left out: by urgency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lane: Option<Lane>,
    /// Sets the provider, by its name; left out: the cheapest that suits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Sets the model, by its name; left out: the one that the provider marks with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// A person approves the marks before they are released.
    #[serde(default)]
    pub hold: bool,
}

/// A routing rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Its name, one of a kind: small letters, digits and `_`.
    #[schema(example = "budget_conservation")]
    pub name: String,
    /// What people call it.
    #[schema(example = "Budget conservation")]
    pub title: String,
    /// When it applies: a condition in CEL over the facts that `/rules/facts` lists.
    #[schema(example = "budget.used > 0.8")]
    pub condition: String,
    /// What it does.
    pub action: RuleAction,
    /// Of the rules that apply the one with the smallest number decides.
    pub priority: i64,
    /// Switched on.
    pub enabled: bool,
}

/// The rules in force.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Rules {
    /// The version.
    pub version: i64,
    /// Since when.
    pub since: DateTime<Utc>,
    /// Who put it in force; none: Quire itself.
    pub author: Option<String>,
    /// The rules, in the order in which they are asked.
    pub rules: Vec<Rule>,
    /// Who decided about the works of the last seven days.
    pub decided: Vec<RuleShare>,
}

/// How much of the work a rule decided about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RuleShare {
    /// The rule's name; none: no rule applied.
    pub rule: Option<String>,
    /// Works.
    pub works: i64,
}

/// Rules to be put in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRules {
    /// The version that was read and changed. Where another one is in force by now, nothing is changed.
    pub based_on: i64,
    /// All rules.
    pub rules: Vec<Rule>,
}

/// An earlier version to be put in force again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RestoreRules {
    /// The version in force when this was asked for.
    pub based_on: i64,
    /// The version whose rules are wanted.
    pub version: i64,
}

/// A version of the rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RuleVersion {
    /// Its number.
    pub version: i64,
    /// Since when it was in force.
    pub since: DateTime<Utc>,
    /// Who put it in force; none: Quire itself.
    pub author: Option<String>,
    /// What changed with it, a sentence each; none for the first.
    pub changes: Option<Vec<String>>,
    /// Its rules.
    pub rules: Vec<Rule>,
}

/// Versions of the rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RuleVersions {
    /// The newest first.
    pub versions: Vec<RuleVersion>,
}

/// A condition to be checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckCondition {
    /// The condition.
    #[schema(example = "budget.used > 0.8")]
    pub condition: String,
}

/// What is wrong with a condition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConditionFaults {
    /// From left to right; empty: it can be used.
    pub faults: Vec<ConditionFault>,
}

/// One thing wrong with a condition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConditionFault {
    /// Where, in characters from 1.
    pub column: usize,
    /// What is wrong and what to do.
    #[schema(example = "budget has no “usd”. Did you mean “used”?")]
    pub message: String,
}

/// A fact that conditions can look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RuleFact {
    /// Its name.
    #[schema(example = "budget.used")]
    pub name: String,
    /// `truth`, `whole`, `number` or `text`.
    pub holds: String,
    /// What it can be, where that is one of a few words; else empty.
    pub words: Vec<String>,
    /// It can be missing: `null`.
    pub can_be_missing: bool,
    /// What it says.
    pub about: String,
}

/// The facts that conditions can look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RuleFacts {
    /// In no order that matters.
    pub facts: Vec<RuleFact>,
}

/// A replay of past decisions to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplayRules {
    /// The rules to be replayed; left out: those in force.
    #[serde(default)]
    pub rules: Option<Vec<Rule>>,
    /// Over how many days back, 1 to 366.
    pub days: i64,
}

/// What other rules would have changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RulesReplay {
    /// Works that were replayed.
    pub replayed: u64,
    /// Works whose decisions can't be replayed.
    pub left_out: u64,
    /// As it was decided.
    pub was: ReplaySide,
    /// As it would be decided.
    pub would_be: ReplaySide,
    /// Works that would go another way.
    pub changed: u64,
    /// The newest of these, at most 1,000.
    pub changes: Vec<ReplayChange>,
}

/// What came of one way of deciding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReplaySide {
    /// Works marked in real time.
    pub realtime: u64,
    /// Works marked in batches.
    pub batch: u64,
    /// Works whose marks a rule holds for approval.
    pub held: u64,
    /// Expected cost of all, in nano-dollars.
    pub cost_nano_usd: i64,
    /// Seconds within which half of them are expected back.
    pub half_within_seconds: i64,
    /// The longest expected wait, in seconds.
    pub longest_wait_seconds: i64,
}

/// A work that would go another way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReplayChange {
    /// The submission; none where it is gone.
    pub tracking_id: Option<String>,
    /// Where it went.
    pub was: ReplayedRoute,
    /// Where it would go.
    pub would_be: ReplayedRoute,
}

/// Where a work goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReplayedRoute {
    /// Real time or batch.
    #[serde(rename = "type")]
    pub kind: RouteType,
    /// The lane.
    pub lane: Lane,
    /// The provider's name.
    pub provider: String,
    /// The model.
    pub model: String,
    /// A rule holds the marks for approval.
    pub held: bool,
    /// The rule; none where none applied.
    pub rule: Option<String>,
    /// Expected cost, in nano-dollars.
    pub cost_nano_usd: i64,
}

/// Rules to be tried on one submission.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TryRules {
    /// The rules.
    pub rules: Vec<Rule>,
    /// The submission.
    #[schema(example = "QR-7F3K-92MD")]
    pub tracking_id: String,
}

/// What rules say of one submission.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TriedRules {
    /// What was decided.
    pub was: super::Route,
    /// What would be decided from the same facts.
    pub would_be: super::Route,
    /// Each rule that is switched on, in order.
    pub asked: Vec<AskedRule>,
}

/// Whether a rule applies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AskedRule {
    /// The rule's name.
    pub rule: String,
    /// It applies; none: it can't be asked.
    pub applies: Option<bool>,
    /// Why it can't be asked.
    pub problem: Option<String>,
}
