//! Budgets over the wire.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// The money of a month.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Budgets {
    /// The month, in the institution's time zone.
    #[schema(example = "2026-11")]
    pub month: String,
    /// It has not ended: more will be spent in it.
    pub open: bool,
    /// The institution, then the courses that have a budget, by their codes.
    pub standings: Vec<BudgetStanding>,
    /// What was spent by the end of each day.
    pub by_day: Vec<SpentByDay>,
    /// What the money went to.
    pub spending: Vec<SpendingPart>,
    /// What to do about it.
    pub advice: Vec<BudgetAdvice>,
    /// Budgets that were set and removed in the month, the newest first.
    pub changes: Vec<BudgetChange>,
}

/// A recommendation about the month's money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BudgetAdvice {
    /// Its kind: `no_budget`, `stopped`, `passed`, `nearly_used`, `will_pass`, `much_in_real_time`.
    pub kind: String,
    /// What is so.
    pub title: String,
    /// What to do about it.
    pub detail: String,
}

/// How a budget stands, or spending without one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BudgetStanding {
    /// `all` for the institution, or the course's id: what `/budgets/{scope}` takes.
    #[schema(example = "all")]
    pub scope: String,
    /// The course's code; none: the institution.
    pub course: Option<String>,
    /// What may be spent in each month, in nano-dollars; none: no budget is set.
    pub limit_nano_usd: Option<i64>,
    /// At the limit work waits in the queue.
    pub hard_stop: bool,
    /// Spent, in nano-dollars.
    pub spent_nano_usd: i64,
    /// Expected for work under way, in nano-dollars.
    pub expected_nano_usd: i64,
    /// Reserved for work under way at its worst case, in nano-dollars.
    pub reserved_nano_usd: i64,
    /// The share of the limit that is spent or expected.
    pub used: Option<f64>,
    /// What the month will come to; none in a month that has ended, or before a whole day of spend has passed.
    pub projection: Option<Projection>,
}

/// What a month will come to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Projection {
    /// Nine of ten such months come to more, in nano-dollars.
    pub low_nano_usd: i64,
    /// The most likely, in nano-dollars.
    pub likely_nano_usd: i64,
    /// Nine of ten such months come to less, in nano-dollars.
    pub high_nano_usd: i64,
    /// Whole days of the past that it rests on.
    pub days: u64,
    /// The weekly rhythm is in it; else it carries on the mean of the days.
    pub weekly: bool,
}

/// What was spent by the end of a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SpentByDay {
    /// The day, in the institution's time zone.
    #[schema(value_type = String, format = Date, example = "2026-11-29")]
    pub day: NaiveDate,
    /// Spent in the month by its end, in nano-dollars.
    pub spent_nano_usd: i64,
}

/// What a course spent at a model, by one route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SpendingPart {
    /// The course's id.
    pub course: Uuid,
    /// Its cost centre when it was spent.
    pub cost_centre: String,
    /// Provider's name.
    pub provider: String,
    /// The model.
    pub model: String,
    /// In batches; else by calls in real time.
    pub batched: bool,
    /// Spent, in nano-dollars.
    pub spent_nano_usd: i64,
    /// What the same answers would cost in real time without a cache, at today's prices, in nano-dollars; none where there
    /// is no price today.
    pub realtime_nano_usd: Option<i64>,
    /// Answers.
    pub answers: i64,
    /// Tokens read, those from the cache included.
    pub input_tokens: i64,
    /// Of these, from the provider's cache.
    pub cached_tokens: i64,
    /// Tokens written.
    pub output_tokens: i64,
}

/// A budget to be set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewBudget {
    /// What may be spent in each month, in nano-dollars: 1 dollar is 1000000000.
    #[schema(minimum = 0, example = 500_000_000_000_i64)]
    pub limit_nano_usd: i64,
    /// At the limit work waits in the queue rather than being sent.
    pub hard_stop: bool,
}

/// A budget was set or removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BudgetChange {
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: DateTime<Utc>,
    /// `all` for the institution, or a course's id.
    pub scope: String,
    /// How much a month from then on, in nano-dollars; none: it was removed.
    pub limit_nano_usd: Option<i64>,
    /// At the limit, work is queued and not sent.
    pub hard_stop: bool,
    /// The name of who did; none: the set-up file, or a person who is gone.
    pub by: Option<String>,
}
