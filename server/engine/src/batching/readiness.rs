//! When a provider's queue may be cut into a batch (SPEC 1.6). Pure.

use chrono::{DateTime, TimeDelta, Utc};

/// What waits for one model of a provider, and what its calendar says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueFacts {
    /// Urgent jobs whose gathering is over.
    pub urgent: i64,
    /// Standard jobs whose gathering is over.
    pub standard: i64,
    /// Economy jobs whose gathering is over.
    pub economy: i64,
    /// When the oldest urgent or standard one of them came.
    pub oldest: Option<DateTime<Utc>>,
    /// When the oldest economy one of them came.
    pub oldest_economy: Option<DateTime<Utc>>,
    /// The provider's schedule has fired since the last look.
    pub fired: bool,
    /// The economy schedule has fired since the last look.
    pub economy_fired: bool,
    /// Batches of the provider that are being sent or marked.
    pub open_batches: i64,
}

/// Sizes and times that a provider's queue is cut by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// A batch is worth its while from here.
    pub min: i64,
    /// No batch is larger.
    pub max: i64,
    /// Batches at once.
    pub slots: i64,
    /// A job waits no longer than this for its batch.
    pub longest: TimeDelta,
    /// An economy job waits no longer than this.
    pub longest_economy: TimeDelta,
}

/// Why a batch is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Enough jobs are there.
    Size,
    /// An urgent job waits for a batch.
    Urgent,
    /// The oldest job has waited long enough.
    Age,
    /// The schedule fired.
    Schedule,
    /// The economy schedule fired, or enough economy jobs are there.
    Economy,
}

impl Reason {
    /// In words, for staff.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Size => "enough jobs had gathered",
            Self::Urgent => "an urgent job was waiting",
            Self::Age => "the oldest job had waited long enough",
            Self::Schedule => "the provider's schedule fired",
            Self::Economy => "it was time for economy work",
        }
    }
    /// Economy jobs go along.
    #[must_use]
    pub const fn takes_economy(self) -> bool {
        matches!(self, Self::Economy)
    }
}

/// Whether a cut may happen now, and why. While every slot is taken jobs gather on.
#[must_use]
pub fn readiness(facts: &QueueFacts, sizes: &Sizes, now: DateTime<Utc>) -> Option<Reason> {
    if facts.open_batches >= sizes.slots {
        return None;
    }
    let old = |oldest: Option<DateTime<Utc>>, longest| oldest.is_some_and(|at| now - at >= longest);
    let hurried = facts.urgent + facts.standard;
    // Economy jobs wait for their own hour or a full batch of their own, and then take all others along.
    if facts.economy > 0
        && (facts.economy_fired
            || facts.economy >= sizes.max
            || old(facts.oldest_economy, sizes.longest_economy))
    {
        return Some(Reason::Economy);
    }
    if hurried == 0 {
        return None;
    }
    if facts.urgent > 0 {
        Some(Reason::Urgent)
    } else if hurried >= sizes.min {
        Some(Reason::Size)
    } else if old(facts.oldest, sizes.longest) {
        Some(Reason::Age)
    } else if facts.fired {
        Some(Reason::Schedule)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZES: Sizes = Sizes {
        min: 10,
        max: 100,
        slots: 2,
        longest: TimeDelta::minutes(10),
        longest_economy: TimeDelta::hours(3),
    };

    #[test]
    fn each_reason_and_none() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::hours(9);
        let ago = |minutes| Some(now - TimeDelta::minutes(minutes));
        let of = |facts: QueueFacts| readiness(&facts, &SIZES, now);
        let none = QueueFacts::default();
        assert_eq!(of(none), None);
        assert_eq!(of(QueueFacts { fired: true, economy_fired: true, ..none }), None);
        assert_eq!(of(QueueFacts { standard: 9, oldest: ago(9), ..none }), None);
        assert_eq!(of(QueueFacts { standard: 10, ..none }), Some(Reason::Size));
        assert_eq!(of(QueueFacts { urgent: 1, ..none }), Some(Reason::Urgent));
        assert_eq!(of(QueueFacts { standard: 1, oldest: ago(10), ..none }), Some(Reason::Age));
        assert_eq!(of(QueueFacts { standard: 1, fired: true, ..none }), Some(Reason::Schedule));
        assert_eq!(of(QueueFacts { standard: 50, urgent: 5, open_batches: 2, ..none }), None);
        assert_eq!(of(QueueFacts { economy: 99, fired: true, oldest_economy: ago(60), ..none }), None);
        assert_eq!(of(QueueFacts { economy: 1, economy_fired: true, ..none }), Some(Reason::Economy));
        assert_eq!(of(QueueFacts { economy: 100, ..none }), Some(Reason::Economy));
        assert_eq!(of(QueueFacts { economy: 1, oldest_economy: ago(180), ..none }), Some(Reason::Economy));
    }
}
