//! What the pages of routing rules show.

use super::{Lane, NanoUsd, Route};
use crate::data::FieldError;
use chrono::{DateTime, Utc};

/// The rules in force.
#[derive(Clone, Debug, PartialEq)]
pub struct Rules {
    /// The version.
    pub version: i64,
    /// Since when.
    pub since: DateTime<Utc>,
    /// Who put it in force; none: Quire itself.
    pub author: Option<String>,
    /// The rules, in the order in which they are asked.
    pub rules: Vec<Rule>,
    /// Share of the last seven days' work to which no rule applied; none where there was no work.
    pub nothing_applied: Option<f64>,
}

/// One rule of the list.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Its name, one of a kind.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// When it applies.
    pub condition: String,
    /// What it does, in words.
    pub action: String,
    /// Switched on.
    pub enabled: bool,
    /// Share of the last seven days' work that it decided about; none where there was no work.
    pub share: Option<f64>,
    /// The provider or model that it names is not set up.
    pub names_nobody: bool,
}

/// A rule being changed, or a new one, and what came of trying it.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleEdit {
    /// The version that is changed.
    pub version: i64,
    /// Its place in the order, from 1; none for a new one.
    pub place: Option<u64>,
    /// What the form holds.
    pub draft: RuleDraft,
    /// The providers that are set up, with their models.
    pub providers: Vec<(String, Vec<String>)>,
    /// The facts that conditions can look at: their names, what they hold, what they say.
    pub facts: Vec<RuleFact>,
    /// What is wrong with what was asked for.
    pub errors: Vec<FieldError>,
    /// What it would say of one submission.
    pub tried: Option<RuleTried>,
    /// What it would have changed.
    pub replay: Option<RuleReplay>,
}

/// What the form of a rule holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleDraft {
    /// The rule's name; empty for a new one.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// When it applies.
    pub condition: String,
    /// Which way, as in the API: `prefer_batch`.
    pub way: String,
    /// The lane, as in the API; empty: by urgency.
    pub lane: String,
    /// The provider; empty: the cheapest that suits.
    pub provider: String,
    /// The model; empty: the one that its provider marks with.
    pub model: String,
    /// Marks wait for a person's approval.
    pub hold: bool,
    /// Switched on.
    pub enabled: bool,
    /// The submission to try it on.
    pub tracking_id: String,
    /// Over how many days to replay.
    pub days: String,
}

/// A fact that conditions can look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleFact {
    /// Its name.
    pub name: String,
    /// What it holds, in words.
    pub holds: String,
    /// What it says.
    pub about: String,
}

/// What rules would say of one submission.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleTried {
    /// The submission.
    pub tracking_id: String,
    /// What was decided, in words.
    pub was: String,
    /// What would be decided, in words.
    pub would_be: String,
    /// It is the same way.
    pub same: bool,
    /// Why, in words.
    pub reasoning: String,
}

/// What rules would have changed.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleReplay {
    /// Over how many days.
    pub days: u64,
    /// Works that were replayed.
    pub replayed: u64,
    /// Works whose decisions can't be replayed.
    pub left_out: u64,
    /// How long it took, in milliseconds.
    pub milliseconds: u64,
    /// As it was decided.
    pub was: ReplaySide,
    /// As it would be decided.
    pub would_be: ReplaySide,
    /// Works that would go another way.
    pub changed: u64,
    /// The newest of these.
    pub changes: Vec<ReplayChange>,
}

/// What came of one way of deciding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplaySide {
    /// Works marked in real time.
    pub realtime: u64,
    /// Works marked in batches.
    pub batch: u64,
    /// Works whose marks a rule holds for approval.
    pub held: u64,
    /// Expected cost of all.
    pub cost: NanoUsd,
    /// Seconds within which half of them are expected back.
    pub half_within: i64,
    /// The longest expected wait, in seconds.
    pub longest: i64,
}

/// Where a work goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplayWay {
    /// The route.
    pub route: Route,
    /// The lane.
    pub lane: Lane,
    /// The provider.
    pub provider: String,
    /// The model.
    pub model: String,
    /// A rule holds its marks for approval.
    pub held: bool,
}

/// A work that would go another way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplayChange {
    /// The submission; none where it is gone.
    pub tracking_id: Option<String>,
    /// Where it went.
    pub was: ReplayWay,
    /// Where it would go.
    pub would_be: ReplayWay,
    /// What it was expected to cost, and would be.
    pub cost: (NanoUsd, NanoUsd),
}

/// Versions of the rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleVersions {
    /// The version in force.
    pub in_force: i64,
    /// The newest first.
    pub versions: Vec<RuleVersion>,
    /// Older ones begin with this number; none where there are no more.
    pub older: Option<i64>,
}

/// A version of the rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleVersion {
    /// Its number.
    pub version: i64,
    /// Since when it was in force.
    pub since: DateTime<Utc>,
    /// Who put it in force; none: Quire itself.
    pub author: Option<String>,
    /// What changed with it, a sentence each; none for the first.
    pub changes: Option<Vec<String>>,
    /// Its rules, in order, in words.
    pub rules: Vec<String>,
}
