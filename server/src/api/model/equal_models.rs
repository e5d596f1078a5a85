//! Models that are held equal, and what the same work would have cost at each, over the wire.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// A provider's model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EqualModel {
    /// Provider's name.
    #[schema(example = "openai")]
    pub provider: String,
    /// The model.
    #[schema(example = "gpt-6-luna")]
    pub model: String,
}

/// Models to be held equal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewEqualGroup {
    /// The models, 2 to 20.
    pub models: Vec<EqualModel>,
    /// Where the judgement comes from, in 10 to 2000 characters.
    #[schema(
        example = "200 essays marked by both and by two teachers: quadratic weighted kappa 0.81 and 0.80"
    )]
    pub evidence: String,
}

/// Models that are held equal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EqualGroup {
    /// The group's name.
    pub group: String,
    /// The models, by provider and name.
    pub models: Vec<EqualModel>,
    /// Where the judgement comes from.
    pub evidence: String,
    /// A trial judged them so; nobody stated it.
    pub by_trial: bool,
    /// The id of who stated it; none: the command line.
    pub stated_by: Option<Uuid>,
    /// Their name.
    pub stated_by_name: Option<String>,
    /// When.
    pub stated_at: DateTime<Utc>,
}

/// What work would have cost at models that are held equal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Arbitrage {
    /// By group.
    pub groups: Vec<GroupComparison>,
    /// What is assumed.
    pub assumptions: Vec<String>,
    /// What to know about it.
    pub notes: Vec<String>,
}

/// A group of equal models, and what they did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct GroupComparison {
    /// The group.
    pub stated: EqualGroup,
    /// The work of each of its models that did any in the measured months.
    pub works: Vec<WorkComparison>,
}

/// The work of one model, held against the models that are equal to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct WorkComparison {
    /// Provider's name.
    pub provider: String,
    /// The model that did the work.
    pub model: String,
    /// Answers in batches.
    pub batch_answers: i64,
    /// Answers in real time.
    pub realtime_answers: i64,
    /// What was booked for it, in nano-dollars.
    pub spent_nano_usd: i64,
    /// What it would have cost at each model, the cheapest first.
    pub costs: Vec<EqualCost>,
    /// What the cheapest would have saved, in nano-dollars, both at today's prices; 0 where the work was done by the
    /// cheapest, none where it can't be said.
    pub saved_nano_usd: Option<i64>,
    /// The same in percent.
    pub saved_percent: Option<f64>,
    /// It is less than the estimate of tokens may be wrong by.
    pub within_error: bool,
}

/// What work would have cost at a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EqualCost {
    /// Provider's name.
    pub provider: String,
    /// The model.
    pub model: String,
    /// It is the one that did the work.
    pub own: bool,
    /// Each part by the route that it took, in nano-dollars.
    pub as_done_nano_usd: Option<i64>,
    /// All in real time, in nano-dollars.
    pub realtime_nano_usd: Option<i64>,
    /// All in batches, in nano-dollars; none where the provider takes none.
    pub batch_nano_usd: Option<i64>,
    /// Why nothing can be said.
    pub unknown: Option<String>,
    /// How far its marks agree with those of the model that did the work, as a trial found; none where none was made.
    pub agreement: Option<super::prompts::ModelAgreement>,
}
