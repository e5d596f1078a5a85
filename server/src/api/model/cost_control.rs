//! Cost control over the wire.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How cost control stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CostControl {
    /// The month that savings and changes are of, in the institution's time zone.
    #[schema(example = "2026-11")]
    pub month: String,
    /// What this month will likely come to, in nano-dollars; none without a budget, or before a whole day of spend.
    pub likely_nano_usd: Option<i64>,
    /// The institution's budget, in nano-dollars; none: there is none, and nothing is taken by itself.
    pub limit_nano_usd: Option<i64>,
    /// All measures, in the order in which they are taken.
    pub measures: Vec<CostMeasure>,
    /// What was taken and given up in the month, the newest first.
    pub changes: Vec<CostControlChange>,
    /// Economy models that are set.
    pub economy_models: Vec<EconomyModel>,
}

/// A measure that saves money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CostMeasure {
    /// Its name: `caching`, `larger_batches`, `delay` or `economy`.
    #[schema(example = "delay")]
    pub measure: String,
    /// What people call it.
    pub title: String,
    /// What it does.
    pub what: String,
    /// Who decides about it: `automatic` (the month's projection), or that it stays `on` or `off`.
    #[schema(example = "automatic")]
    pub mode: String,
    /// Since when it is on; none: it is off.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub on_since: Option<DateTime<Utc>>,
    /// What it saved in the month by the providers' own figures, in nano-dollars; below 0 where it cost more; none where
    /// that can't be told.
    pub saved_nano_usd: Option<i64>,
    /// Answers that this was measured by.
    pub answers: Option<i64>,
}

/// A measure that was taken or given up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CostControlChange {
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: DateTime<Utc>,
    /// The measure.
    pub measure: String,
    /// Taken; else given up.
    pub taken: bool,
    /// Why.
    pub why: String,
    /// The administrator who did it; none: the projection.
    pub by: Option<String>,
}

/// A provider's economy model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EconomyModel {
    /// Provider's name.
    pub provider: String,
    /// The model.
    pub model: String,
    /// The provider's usual model, which would do the work otherwise.
    pub usual: String,
    /// How far the marks of both agree, as a trial found; none where none was made.
    pub agreement: Option<super::prompts::ModelAgreement>,
}

/// Who is to decide about a measure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCostMode {
    /// `automatic`, `on` or `off`.
    #[schema(example = "automatic")]
    pub mode: String,
}
