//! What the page of budgets shows of cost control.

use super::NanoUsd;
use chrono::{DateTime, Utc};

/// How cost control stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CostControl {
    /// All measures, in the order in which they are taken.
    pub measures: Vec<CostMeasure>,
    /// What was taken and given up in the month, the newest first.
    pub changes: Vec<CostChange>,
    /// Economy models that are set, as "model of provider".
    pub economy_models: Vec<String>,
}

/// A measure that saves money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CostMeasure {
    /// The value of the form.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// What it does.
    pub what: String,
    /// Who decides about it: the value of the form.
    pub mode: String,
    /// Since when it is on.
    pub on_since: Option<DateTime<Utc>>,
    /// What it saved in the month, and over how many answers; none: that can't be told.
    pub saved: Option<(NanoUsd, u64)>,
}

/// A measure that was taken or given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CostChange {
    /// When.
    pub at: DateTime<Utc>,
    /// What people call the measure.
    pub title: String,
    /// Taken; else given up.
    pub taken: bool,
    /// Why.
    pub why: String,
    /// The administrator who did it; none: the projection.
    pub by: Option<String>,
}
