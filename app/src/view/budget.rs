//! What the page of budgets shows.

use super::{CostControl, NanoUsd, Remark, Spend};
use chrono::{DateTime, NaiveDate, Utc};

/// The money of a month.
#[derive(Clone, Debug, PartialEq)]
pub struct Budget {
    /// The month's first day, in the institution's zone.
    pub month: NaiveDate,
    /// Today there, or the last day of a month that has ended.
    pub until: NaiveDate,
    /// The month has not ended.
    pub open: bool,
    /// The institution's spend.
    pub spend: Spend,
    /// What the institution's month will come to.
    pub projection: Option<Projection>,
    /// The institution, then the courses that have a budget.
    pub standings: Vec<Standing>,
    /// Cost control.
    pub control: CostControl,
    /// What to do.
    pub advice: Vec<Remark>,
    /// Spend by course, the largest first.
    pub courses: Vec<CourseSpend>,
    /// Spend by model and route, the largest first.
    pub ways: Vec<WaySpend>,
    /// Budgets that were set and removed in the month, the newest first: when, and in words.
    pub changes: Vec<(DateTime<Utc>, String)>,
    /// What such a month costs, and why.
    pub plan: Option<MonthPlan>,
    /// For whom a budget can be set: the value of the form, and the words.
    pub scopes: Vec<(String, String)>,
    /// What the form holds.
    pub draft: BudgetDraft,
}

/// What a month will come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Projection {
    /// Nine of ten such months come to more.
    pub low: NanoUsd,
    /// The most likely.
    pub likely: NanoUsd,
    /// Nine of ten such months come to less.
    pub high: NanoUsd,
    /// Whole days of the past that it rests on.
    pub days: u64,
    /// The weekly rhythm is in it.
    pub weekly: bool,
}

/// How one budget stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    /// The value of the form.
    pub scope: String,
    /// Whose: "The institution", or the course's code and title.
    pub whose: (String, Option<String>),
    /// What may be spent in a month, and whether work waits at that; none: no budget.
    pub limit: Option<(NanoUsd, bool)>,
    /// Spent.
    pub spent: NanoUsd,
    /// Expected for work under way.
    pub expected: NanoUsd,
    /// What is left, the worst case of work under way taken off.
    pub left: Option<NanoUsd>,
    /// Share of the limit that is spent or expected.
    pub used: Option<f64>,
    /// What the month will likely come to.
    pub likely: Option<NanoUsd>,
}

/// What a course spent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CourseSpend {
    /// Its code; none: it is gone.
    pub code: Option<String>,
    /// Its cost centre when the money was spent.
    pub cost_centre: String,
    /// Spent.
    pub spent: NanoUsd,
    /// Answers.
    pub answers: u64,
}

/// What was spent at a model by a route.
#[derive(Clone, Debug, PartialEq)]
pub struct WaySpend {
    /// Provider's name.
    pub provider: String,
    /// The model.
    pub model: String,
    /// In batches; else in real time.
    pub batched: bool,
    /// Spent.
    pub spent: NanoUsd,
    /// What the same would cost in real time without a cache, at today's prices.
    pub realtime: Option<NanoUsd>,
    /// Answers.
    pub answers: u64,
    /// Share of the tokens read that came from the provider's cache.
    pub cached: f64,
}

/// What a month of work costs at one model, in each of the ways.
#[derive(Clone, Debug, PartialEq)]
pub struct MonthPlan {
    /// "gpt-6-luna of openai".
    pub model: String,
    /// Works in the month.
    pub works: u64,
    /// They are carried on from what was measured in the month; else it is the reference workload.
    pub measured: bool,
    /// The ways, the dearest first, the last one Quire's.
    pub ways: Vec<(String, NanoUsd)>,
    /// Saved against real time with the provider's own caching, and without, in percent.
    pub saving: (f64, f64),
    /// The levers.
    pub levers: Vec<PlanLever>,
    /// What to do.
    pub steps: Vec<String>,
    /// The same work at other models, the cheapest first.
    pub others: Vec<OtherModel>,
    /// What is assumed, each in a line.
    pub assumptions: Vec<String>,
}

/// The same work at another model.
#[derive(Clone, Debug, PartialEq)]
pub struct OtherModel {
    /// "claude-haiku-5-5 of anthropic".
    pub model: String,
    /// What it costs a month.
    pub cost: NanoUsd,
    /// How far its marks agree, where a trial told.
    pub kappa: Option<f64>,
    /// They are judged equal.
    pub counts: bool,
}

/// What one lever saves.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanLever {
    /// Its name.
    pub name: String,
    /// Against real time with the provider's own caching.
    pub saved: NanoUsd,
    /// The same in percent.
    pub percent: f64,
    /// What it does, or why it is not used.
    pub why: String,
}

/// What the form of a budget holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BudgetDraft {
    /// For whom.
    pub scope: String,
    /// Dollars a month.
    pub limit: String,
    /// Work waits at the limit.
    pub hard_stop: bool,
}
