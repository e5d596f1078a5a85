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
    /// To wait for more would put a promised time at risk.
    Promise,
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
            Self::Promise => "waiting for more would have put a promised time at risk",
        }
    }
    /// Economy jobs go along.
    #[must_use]
    pub const fn takes_economy(self) -> bool {
        matches!(self, Self::Economy)
    }
}

/// What a cut waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waits {
    /// No job may be sent.
    ForJobs,
    /// Every batch slot of the provider is taken; jobs gather on.
    ForASlot,
    /// Economy work waits for its own hour.
    ForEconomy,
    /// Fewer jobs than a batch is worth its while for.
    ForMin {
        /// Jobs there.
        have: i64,
        /// Jobs from which a batch is worth its while.
        min: i64,
    },
    /// A larger batch is better, and no promise suffers from waiting for it.
    ForMore {
        /// Jobs there.
        have: i64,
        /// Jobs that are recommended.
        size: i64,
        /// When it is cut all the same, for a promise's sake; none: by schedule or age.
        until: Option<DateTime<Utc>>,
    },
}

impl Waits {
    /// In words, for staff.
    #[must_use]
    pub fn text(self) -> String {
        match self {
            Self::ForJobs => "no job is ready to be sent".to_owned(),
            Self::ForASlot => {
                "every batch that the provider may have at once is out; jobs gather on".to_owned()
            }
            Self::ForEconomy => "economy work waits for its hour".to_owned(),
            Self::ForMin { have, min } => {
                format!("{have} of the {min} jobs are there that make a batch worth its while")
            }
            Self::ForMore { have, size, .. } => {
                format!(
                    "{have} of the {size} jobs are there that are recommended, and no promised time suffers"
                )
            }
        }
    }
}

/// Whether the queue is cut now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// Now, and why.
    Cut(Reason),
    /// Not now, and what it waits for.
    Wait(Waits),
}

/// How many jobs are worth waiting for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// Jobs that are recommended.
    pub size: i64,
    /// Until when more may be waited for without a promise suffering; none: until schedule or age cut.
    pub until: Option<DateTime<Utc>>,
}

/// Whether a cut may happen now, and why or why not. While every slot is taken jobs gather on; from the minimum on,
/// `target` says how many are worth waiting for.
#[must_use]
pub fn readiness(
    facts: &QueueFacts,
    sizes: &Sizes,
    target: impl FnOnce() -> Target,
    now: DateTime<Utc>,
) -> Readiness {
    use Readiness::{Cut, Wait};
    let hurried = facts.urgent + facts.standard;
    if hurried + facts.economy == 0 {
        return Wait(Waits::ForJobs);
    }
    if facts.open_batches >= sizes.slots {
        return Wait(Waits::ForASlot);
    }
    let old = |oldest: Option<DateTime<Utc>>, longest| oldest.is_some_and(|at| now - at >= longest);
    // Economy jobs wait for their own hour or a full batch of their own, and then take all others along.
    if facts.economy > 0
        && (facts.economy_fired
            || facts.economy >= sizes.max
            || old(facts.oldest_economy, sizes.longest_economy))
    {
        return Cut(Reason::Economy);
    }
    if hurried == 0 {
        return Wait(Waits::ForEconomy);
    }
    if facts.urgent > 0 {
        return Cut(Reason::Urgent);
    }
    if old(facts.oldest, sizes.longest) {
        return Cut(Reason::Age);
    }
    if facts.fired {
        return Cut(Reason::Schedule);
    }
    if hurried < sizes.min {
        return Wait(Waits::ForMin { have: hurried, min: sizes.min });
    }
    let Target { size, until } = target();
    if hurried >= size.min(sizes.max) {
        Cut(Reason::Size)
    } else if until.is_some_and(|until| until <= now) {
        Cut(Reason::Promise)
    } else {
        Wait(Waits::ForMore { have: hurried, size, until })
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
        let target = |size, until| Target { size, until };
        let any = |facts: QueueFacts, target| match readiness(&facts, &SIZES, || target, now) {
            Readiness::Cut(reason) => Some(reason),
            Readiness::Wait(_) => None,
        };
        let of = |facts: QueueFacts| any(facts, target(10, None));
        let none = QueueFacts::default();
        assert_eq!(of(none), None);
        assert_eq!(of(QueueFacts { fired: true, economy_fired: true, ..none }), None);
        assert_eq!(of(QueueFacts { standard: 9, oldest: ago(9), ..none }), None);
        assert_eq!(of(QueueFacts { standard: 10, ..none }), Some(Reason::Size));
        let (ten, later) = (QueueFacts { standard: 10, ..none }, now + TimeDelta::seconds(1));
        assert_eq!(any(ten, target(11, None)), None);
        assert_eq!(any(ten, target(11, Some(later))), None);
        assert_eq!(any(ten, target(11, Some(now))), Some(Reason::Promise));
        assert_eq!(any(QueueFacts { standard: 9, ..none }, target(9, Some(now))), None, "below the minimum");
        assert_eq!(
            any(QueueFacts { standard: 100, ..none }, target(900, None)),
            Some(Reason::Size),
            "no more go"
        );
        assert_eq!(any(QueueFacts { fired: true, ..ten }, target(90, None)), Some(Reason::Schedule));
        let waits = readiness(&ten, &SIZES, || target(40, Some(later)), now);
        let more = Waits::ForMore { have: 10, size: 40, until: Some(later) };
        assert_eq!(waits, Readiness::Wait(more));
        assert!(more.text().contains("10 of the 40"));
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
