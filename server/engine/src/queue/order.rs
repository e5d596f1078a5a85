//! The one order of the queue: priority, then deadline, then arrival, with ageing so that nothing starves (SPEC 1.5).
//!
//! It is kept here alone: places and lines ([`super::Snapshot`]) and what goes into a batch (`batching::compose`) all sort
//! by [`Place::rank`].
//!
//! **Nothing starves.** A job gains one step of priority for each full [`AGEING_SECONDS`] that it has waited, without
//! end. Two jobs gain at the same pace, so what decides between them is the priority that they came with and the time
//! between their arrivals: one that comes [`overtaken_for`] later can never go first, however high its priority and
//! however near its deadline. So only those that came within that time can ever be before a job, and of them there are
//! only so many; once they are sent it is the job's turn. Deadlines decide only between jobs whose priorities, aged,
//! are the same.

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

/// Seconds after which nothing that comes can go before a job of this priority any more.
#[must_use]
pub const fn overtaken_for(priority: i64) -> i64 {
    // One span more than the steps between them, since spans are counted in full.
    (priority - PRIORITY_HIGH + 1) * AGEING_SECONDS
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
    use proptest::prelude::*;

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

    proptest! {
        /// Whatever comes late enough stays behind, at all times.
        #[test]
        fn who_comes_later_than_that_never_overtakes(
            priority in prop::sample::select(vec![PRIORITY_HIGH, PRIORITY_MEDIUM, PRIORITY_LOW]),
            arrived in 0..100_000_i64,
            later in 0..100_000_i64,
            deadlines in (0..1_000_000_i64, 0..1_000_000_i64),
            waited in 0..1_000_000_i64,
        ) {
            let old = place(priority, deadlines.0, arrived, 1);
            let came = arrived + overtaken_for(priority) + later;
            let young = place(PRIORITY_HIGH, deadlines.1, came, 2);
            let now = DateTime::UNIX_EPOCH + TimeDelta::seconds(came + waited);
            prop_assert!(old.rank(now) < young.rank(now));
        }

        /// A provider that sends fewer than keep coming sends the oldest all the same, in bounded time.
        #[test]
        fn no_job_waits_for_ever(
            sent in 1..4_usize,
            coming in prop::collection::vec((0..6_usize, 0..3_i64, 0..5_000_i64), 50),
        ) {
            let every = 300;
            let old = place(PRIORITY_LOW, 9_000_000, 0, 1);
            let mut queue = vec![old];
            let mut n = 1_u128;
            // What can come before it, and the rounds that it takes to send all of that.
            let rounds = overtaken_for(PRIORITY_LOW) / every + 1;
            let most = coming.iter().map(|(jobs, ..)| *jobs).max().unwrap_or(0);
            let bound = rounds + rounds * i64::try_from(most.div_ceil(sent)).unwrap() + 1;
            for round in 0..=bound {
                let at = round * every;
                let now = DateTime::UNIX_EPOCH + TimeDelta::seconds(at);
                let (jobs, priority, deadline) = coming[usize::try_from(round).unwrap() % coming.len()];
                for _ in 0..jobs {
                    n += 1;
                    queue.push(place(priority * 10, at + deadline, at, n));
                }
                queue.sort_by_key(|p| p.rank(now));
                queue.drain(..sent.min(queue.len()));
                if !queue.contains(&old) {
                    return Ok(());
                }
            }
            prop_assert!(false, "it still waits after {} rounds, {} before it", bound, queue.len());
        }
    }
}
