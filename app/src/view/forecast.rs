//! Estimates and schedules as administrators see them.

use super::{Lane, Route};
use chrono::TimeDelta;

/// How estimates were kept, and what they are made from.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimates {
    /// The days that are looked at.
    pub days: u64,
    /// All work whose time has come: jobs, and the shares back before the middle and before the end of their range; none
    /// where there is none yet.
    pub whole: Option<(u64, f64, f64)>,
    /// By provider, lane and route.
    pub kept: Vec<EstimatesKept>,
    /// What is known of each provider's times.
    pub providers: Vec<ProviderTimes>,
}

/// How estimates of one kind were kept.
#[derive(Clone, Debug, PartialEq)]
pub struct EstimatesKept {
    /// The provider.
    pub provider: String,
    /// The lane.
    pub lane: Lane,
    /// The route.
    pub route: Route,
    /// Jobs whose time has come.
    pub jobs: u64,
    /// The share back before the middle of the range.
    pub before_middle: f64,
    /// The share back before its end.
    pub before_end: f64,
}

/// What is known of one provider's times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderTimes {
    /// The provider.
    pub provider: String,
    /// Half of the batches sent now come back within this time, nine of ten within that.
    pub batches: (TimeDelta, TimeDelta),
    /// What that leans on: "from 43 batches of the last 14 days".
    pub basis: String,
    /// The same of calls.
    pub calls: (TimeDelta, TimeDelta),
    /// What that leans on.
    pub calls_basis: String,
    /// Which model is in use, and why, a sentence.
    pub model: String,
    /// When to send.
    pub schedule: ScheduleAdvice,
}

/// When to send batches to a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleAdvice {
    /// What it comes to, a sentence.
    pub summary: String,
    /// The windows that are named, the best first; none where too little is known.
    pub windows: Vec<ScheduleWindow>,
}

/// Hours of the day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleWindow {
    /// What it is named for.
    pub kind: WindowKind,
    /// "02:00 to 05:00", in the institution's zone.
    pub hours: String,
    /// Half of the batches sent then come back within this time, nine of ten within that.
    pub expected: (TimeDelta, TimeDelta),
    /// Why, a sentence.
    pub reason: String,
}

/// What a window is named for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowKind {
    /// The best.
    Primary,
    /// Nearly as good.
    Alternative,
    /// To be avoided.
    Avoid,
}
