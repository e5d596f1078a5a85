//! What commitments would save, over the wire.

use super::equal_models::Arbitrage;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What commitments would have saved in the last whole months.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CommitmentReport {
    /// The months that were measured, the first first; none: there is nothing to go by yet.
    #[schema(example = json!(["2026-08", "2026-09", "2026-10"]))]
    pub months: Vec<String>,
    /// By provider.
    pub providers: Vec<ProviderFigures>,
    /// What is assumed.
    pub assumptions: Vec<String>,
    /// What to know about the figures as a whole.
    pub notes: Vec<String>,
    /// What the same work would have cost at models that are held equal.
    pub equal_models: Arbitrage,
}

/// Figures of a provider.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ProviderFigures {
    /// Provider's name.
    pub provider: String,
    /// All its models together: what a commitment to the provider is about.
    pub all: CommitmentFigures,
    /// Each model: what a commitment to that model alone is about.
    pub models: Vec<CommitmentFigures>,
}

/// Figures of a model, or of all of a provider.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CommitmentFigures {
    /// The model; none: all of the provider's.
    pub model: Option<String>,
    /// What was used in each measured month, in the order of `months` of the report.
    pub months: Vec<MonthUse>,
    /// Spent in the leanest month, in nano-dollars.
    pub least_nano_usd: i64,
    /// Spent in a month on average, in nano-dollars.
    pub mean_nano_usd: i64,
    /// Spent in the highest month, in nano-dollars.
    pub highest_nano_usd: i64,
    /// What a commitment would save, by discount; none where nothing was spent.
    pub offers: Vec<CommitmentOffer>,
    /// What to know about these figures.
    pub notes: Vec<String>,
}

/// What was used in a month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MonthUse {
    /// The month.
    #[schema(example = "2026-10")]
    pub month: String,
    /// Spent by both routes, in nano-dollars.
    pub spent_nano_usd: i64,
    /// In batches.
    pub batch: RouteUse,
    /// By calls in real time.
    pub realtime: RouteUse,
}

/// What was used by one route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RouteUse {
    /// Answers.
    pub answers: i64,
    /// Tokens read, those from the cache included.
    pub input_tokens: i64,
    /// Of these, from the provider's cache.
    pub cached_tokens: i64,
    /// Tokens written.
    pub output_tokens: i64,
    /// Spent, in nano-dollars.
    pub spent_nano_usd: i64,
}

/// What commitments at one discount would have saved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CommitmentOffer {
    /// The discount, in percent.
    pub discount_percent: f64,
    /// So much of a commitment must be used for it to cost no more than it saves, in percent.
    pub break_even_percent: f64,
    /// The largest that every measured month would have used up; none where some month spent nothing.
    pub safe: Option<Commitment>,
    /// The one that saves most on what was measured; none where none saves.
    pub best: Option<Commitment>,
    /// One as large as the mean month.
    pub mean: Commitment,
    /// One as large as the highest month.
    pub highest: Commitment,
}

/// A commitment of one size, held against the measured months.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Commitment {
    /// Work that it covers in each month, at the prices that were booked, in nano-dollars.
    pub covers_nano_usd: i64,
    /// What is paid for it in each month, used or not, in nano-dollars.
    pub pays_nano_usd: i64,
    /// Saved over all measured months, in nano-dollars; below zero it would have cost more.
    pub saved_nano_usd: i64,
    /// Work that it covers and that the leanest month would not have used, in nano-dollars.
    pub unused_nano_usd: i64,
    /// What that would have been paid with, in nano-dollars.
    pub unused_cost_nano_usd: i64,
}
