//! The one order of the queue: priority, then deadline, then arrival, with ageing.

use crate::store::JobId;
use chrono::{DateTime, Utc};

/// A job's priority by urgency; smaller goes first.
pub const PRIORITY_HIGH: i64 = 0;
/// Neither high nor low.
pub const PRIORITY_MEDIUM: i64 = 10;
/// Can wait.
pub const PRIORITY_LOW: i64 = 20;

/// For each full span of this many seconds that a job has waited, its priority counts as one step better. A job of
/// low priority thus passes fresh ones of high priority after twenty spans (5 hours), so that nothing starves.
pub const AGEING_SECONDS: i64 = 900;

/// What a job's place in its lane depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Priority; smaller goes first.
    pub priority: i64,
    /// When marks are needed.
    pub deadline: DateTime<Utc>,
    /// When the job came into the queue; kept when it comes back.
    pub arrived_at: DateTime<Utc>,
    /// The job; of two that are alike in all else, the one made first goes first.
    pub job: JobId,
}

/// A place as it sorts at one moment.
pub type Rank = (i64, DateTime<Utc>, DateTime<Utc>, JobId);

impl Place {
    /// How the place sorts at this time: the least rank goes first.
    #[must_use]
    pub fn rank(&self, now: DateTime<Utc>) -> Rank {
        let waited = (now - self.arrived_at).num_seconds().max(0);
        (self.priority - waited / AGEING_SECONDS, self.deadline, self.arrived_at, self.job)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::store::Id;
    use chrono::TimeDelta;

    fn place(priority: i64, deadline: i64, arrived: i64, n: u128) -> Place {
        let t = |s| DateTime::UNIX_EPOCH + TimeDelta::seconds(s);
        Place {
            priority,
            deadline: t(deadline),
            arrived_at: t(arrived),
            job: JobId::from_uuid(uuid::Uuid::from_u128(n)),
        }
    }

    #[test]
    fn priority_then_deadline_then_arrival_then_id() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::seconds(100);
        let mut places = [
            place(20, 500, 1, 1),
            place(10, 900, 2, 2),
            place(10, 500, 9, 3),
            place(10, 500, 8, 4),
            place(10, 500, 8, 5),
            place(0, 900, 50, 6),
        ];
        places.sort_by_key(|p| p.rank(now));
        let ids: Vec<u128> = places.iter().map(|p| p.job.0.as_u128()).collect();
        assert_eq!(ids, [6, 4, 5, 3, 2, 1]);
    }

    #[test]
    fn nothing_starves() {
        let old = place(PRIORITY_LOW, 1_000_000, 0, 1);
        let fresh_at = |s| place(PRIORITY_HIGH, 10, s, 2);
        let passes_after = 21 * AGEING_SECONDS;
        let now = |s| DateTime::UNIX_EPOCH + TimeDelta::seconds(s);
        assert!(old.rank(now(60)) > fresh_at(60).rank(now(60)));
        assert!(old.rank(now(passes_after)) < fresh_at(passes_after).rank(now(passes_after)));
    }
}
