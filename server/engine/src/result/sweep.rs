//! Which results are taken in together. They come in any order, and rows of neighbouring jobs lie beside each other: taken
//! as they come, every transaction would change every page of the batch's rows, each for a row or two. So some are held,
//! and those taken together are neighbours: like a lift, which passes each floor in turn, however its passengers come.

use crate::{
    batching::Batch,
    provider::{Outcome, ParsedLine},
    store::JobId,
};
use std::{collections::BTreeMap, ops::Bound};

/// Results of a batch that have come and were not yet taken in.
#[derive(Debug, Default)]
pub(super) struct Sweep {
    held: BTreeMap<JobId, Outcome>,
    /// The last that was taken.
    at: Option<JobId>,
}

impl Sweep {
    /// Results that are held.
    pub(super) fn len(&self) -> usize {
        self.held.len()
    }

    /// Holds what a line says of a job of this batch; other lines are told of and passed over.
    pub(super) fn add(&mut self, batch: &Batch, line: ParsedLine) {
        let line = match line {
            Ok(line) => line,
            // Its job is found missing at the end, and asked again.
            Err(error) => {
                tracing::warn!(batch.id = %batch.id, %error, "a result line can't be read; passed over");
                return;
            }
        };
        match line.custom_id.parts() {
            Some((token, job)) if token == batch.token => self.hold(batch, job, line.outcome),
            _ => {
                tracing::warn!(batch.id = %batch.id, custom_id = %line.custom_id, "a result bears an id that was never sent; passed over");
            }
        }
    }

    /// Of results with one id the first counts. One that comes after the first was taken is passed over when it is noted.
    fn hold(&mut self, batch: &Batch, job: JobId, outcome: Outcome) {
        use std::collections::btree_map::Entry;
        match self.held.entry(job) {
            Entry::Vacant(free) => {
                free.insert(outcome);
            }
            Entry::Occupied(_) => {
                tracing::warn!(batch.id = %batch.id, job.id = %job, "a result came twice; the first counts");
            }
        }
    }

    /// Takes the next neighbours, at most so many, from the beginning again where there are none further on.
    pub(super) fn next(&mut self, most: usize) -> Vec<(JobId, Outcome)> {
        let from = |begin: Bound<JobId>| {
            let neighbours = self.held.range((begin, Bound::Unbounded)).take(most);
            neighbours.map(|(job, _)| *job).collect::<Vec<_>>()
        };
        let mut jobs = from(self.at.map_or(Bound::Unbounded, Bound::Excluded));
        if jobs.is_empty() {
            jobs = from(Bound::Unbounded);
        }
        self.at = jobs.last().copied();
        jobs.into_iter().filter_map(|job| self.held.remove_entry(&job)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Id as _;
    use proptest::prelude::*;

    fn job(n: u128) -> JobId {
        JobId::from_uuid(uuid::Uuid::from_u128(n))
    }

    fn numbers(taken: &[(JobId, Outcome)]) -> Vec<u128> {
        taken.iter().map(|(job, _)| job.0.as_u128()).collect()
    }

    #[test]
    fn neighbours_are_taken_in_turn_and_then_from_the_beginning() {
        let mut sweep = Sweep::default();
        let hold = |sweep: &mut Sweep, jobs: &[u128]| {
            sweep.held.extend(jobs.iter().map(|n| (job(*n), Outcome::Expired)));
        };
        hold(&mut sweep, &[9, 2, 5, 7, 3]);
        assert_eq!(numbers(&sweep.next(2)), [2, 3]);
        hold(&mut sweep, &[1, 4]);
        assert_eq!(numbers(&sweep.next(2)), [4, 5]);
        assert_eq!(numbers(&sweep.next(9)), [7, 9]);
        assert_eq!(numbers(&sweep.next(9)), [1]);
        assert_eq!((numbers(&sweep.next(9)), sweep.len()), (vec![], 0));
    }

    proptest! {
        /// Whatever comes when, each is taken once, and no more at once than was asked for.
        #[test]
        fn each_is_taken_once(
            rounds in prop::collection::vec((prop::collection::btree_set(0..10_000_u128, 0..40), 1..30_usize), 0..20),
        ) {
            let (mut sweep, mut seen, mut all) = (Sweep::default(), Vec::new(), std::collections::BTreeSet::new());
            for (jobs, most) in rounds {
                let new: Vec<u128> = jobs.into_iter().filter(|n| all.insert(*n)).collect();
                sweep.held.extend(new.iter().map(|n| (job(*n), Outcome::Expired)));
                let taken = numbers(&sweep.next(most));
                prop_assert!(taken.len() <= most);
                prop_assert!(taken.is_sorted());
                seen.extend(taken);
            }
            while sweep.len() > 0 {
                let taken = numbers(&sweep.next(7));
                prop_assert!(!taken.is_empty(), "it ends");
                seen.extend(taken);
            }
            seen.sort_unstable();
            prop_assert_eq!(seen, all.into_iter().collect::<Vec<_>>());
        }
    }
}
