//! Who was moved back: a student is told when a place worsens, once for each time (SPEC 9.1).

use super::Snapshot;
use crate::store::JobId;
use std::collections::HashMap;

/// The worst place at which each waiting job was seen so far.
#[derive(Debug, Default)]
pub struct Furthest(HashMap<JobId, u32>);

impl Furthest {
    /// Looks at the places of a moment. Answers the jobs that stand further back than ever before; a job's first place
    /// is no move. Jobs that wait no more are forgotten.
    pub fn look(&mut self, snapshot: &Snapshot) -> Vec<JobId> {
        let mut moved = Vec::new();
        let mut now = HashMap::with_capacity(snapshot.waiting());
        for (job, place) in snapshot.places() {
            let worst = self.0.get(&job).copied();
            if worst.is_some_and(|worst| place > worst) {
                moved.push(job);
            }
            now.insert(job, worst.map_or(place, |worst| worst.max(place)));
        }
        self.0 = now;
        moved.sort_unstable();
        moved
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        queue::{Lane, store::Queued},
        routing::Route,
    };
    use chrono::{DateTime, TimeDelta};

    fn snapshot(jobs: &[(u128, i64)]) -> Snapshot {
        let queued: Vec<Queued> = jobs
            .iter()
            .map(|(n, seconds)| Queued {
                id: JobId(uuid::Uuid::from_u128(*n)),
                lane: Lane::Standard,
                route: Route::Batch,
                provider: "openai".into(),
                priority: 0,
                deadline: DateTime::UNIX_EPOCH + TimeDelta::days(1),
                arrived_at: DateTime::UNIX_EPOCH + TimeDelta::seconds(*seconds),
            })
            .collect();
        Snapshot::new(&queued, DateTime::UNIX_EPOCH)
    }

    #[test]
    fn a_job_is_told_of_once_for_each_time_that_it_moves_back() {
        let job = |n| JobId(uuid::Uuid::from_u128(n));
        let mut furthest = Furthest::default();
        assert!(furthest.look(&snapshot(&[(1, 10), (2, 20)])).is_empty(), "the first place is no move");
        assert_eq!(furthest.look(&snapshot(&[(1, 10), (2, 20), (3, 5)])), [job(1), job(2)]);
        assert!(furthest.look(&snapshot(&[(1, 10), (2, 20), (3, 5)])).is_empty(), "told already");
        assert!(furthest.look(&snapshot(&[(2, 20), (3, 5)])).is_empty(), "moving up is good");
        assert!(
            furthest.look(&snapshot(&[(2, 20), (3, 5), (4, 6)])).is_empty(),
            "not further back than before"
        );
        assert_eq!(furthest.look(&snapshot(&[(2, 20), (3, 5), (4, 6), (5, 7)])), [job(2)]);
        assert!(furthest.look(&snapshot(&[])).is_empty());
        assert!(furthest.look(&snapshot(&[(2, 20)])).is_empty(), "it begins anew");
    }
}
