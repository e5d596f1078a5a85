//! Which results are taken in together. They come in any order, and rows of neighbouring jobs lie beside each other: taken
//! as they come, every transaction would change every page of the batch's rows, each for a row or two. So those that come
//! before they can be taken in are held, and those taken together are neighbours: like a lift, which passes each floor in turn, however its passengers come.

use super::spool::{Place, Spool};
use crate::{
    batching::Batch,
    engine::EngineError,
    provider::{Outcome, ParsedLine},
    store::{BatchId, JobId},
};
use std::{collections::BTreeMap, ops::Bound};

/// Results of a batch that have come and were not yet taken in.
#[derive(Debug, Default)]
pub(super) struct Sweep {
    held: BTreeMap<JobId, Place>,
    spool: Spool,
    /// The last that was taken.
    at: Option<JobId>,
}

impl Sweep {
    /// Results that are held.
    pub(super) fn len(&self) -> usize {
        self.held.len()
    }

    /// Holds what a line says of a job of this batch; other lines are told of and passed over.
    ///
    /// # Errors
    /// If it can't be kept.
    pub(super) fn add(&mut self, batch: &Batch, line: ParsedLine) -> Result<(), EngineError> {
        let line = match line {
            Ok(line) => line,
            // Its job is found missing at the end, and asked again.
            Err(error) => {
                tracing::warn!(batch.id = %batch.id, %error, "a result line can't be read; passed over");
                return Ok(());
            }
        };
        match line.custom_id.parts() {
            Some((token, job)) if token == batch.token => self.hold(batch.id, job, &line.outcome)?,
            _ => {
                tracing::warn!(batch.id = %batch.id, custom_id = %line.custom_id, "a result bears an id that was never sent; passed over");
            }
        }
        Ok(())
    }

    /// Of results with one id the first counts. One that comes after the first was taken is passed over when it is noted.
    fn hold(&mut self, batch: BatchId, job: JobId, outcome: &Outcome) -> Result<(), EngineError> {
        use std::collections::btree_map::Entry;
        match self.held.entry(job) {
            Entry::Vacant(free) => {
                free.insert(self.spool.put(outcome)?);
            }
            Entry::Occupied(_) => {
                tracing::warn!(batch.id = %batch, job.id = %job, "a result came twice; the first counts");
            }
        }
        Ok(())
    }

    /// Takes the next neighbours, at most so many, from the beginning again where there are none further on.
    ///
    /// # Errors
    /// If they can't be read.
    pub(super) fn next(&mut self, most: usize) -> Result<Vec<(JobId, Outcome)>, EngineError> {
        let from = |begin: Bound<JobId>| {
            let neighbours = self.held.range((begin, Bound::Unbounded)).take(most);
            neighbours.map(|(job, _)| *job).collect::<Vec<_>>()
        };
        let mut jobs = from(self.at.map_or(Bound::Unbounded, Bound::Excluded));
        if jobs.is_empty() {
            jobs = from(Bound::Unbounded);
        }
        self.at = jobs.last().copied();
        let places: Vec<_> = jobs.into_iter().filter_map(|job| self.held.remove_entry(&job)).collect();
        places.into_iter().map(|(job, place)| Ok((job, self.spool.get(place)?))).collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::store::Id as _;
    use proptest::prelude::*;

    fn job(n: u128) -> JobId {
        JobId::from_uuid(uuid::Uuid::from_u128(n))
    }

    fn hold(sweep: &mut Sweep, jobs: &[u128]) {
        for n in jobs {
            sweep.hold(BatchId(uuid::Uuid::nil()), job(*n), &Outcome::Expired).unwrap();
        }
    }

    fn next(sweep: &mut Sweep, most: usize) -> Vec<u128> {
        sweep.next(most).unwrap().into_iter().map(|(job, _)| job.0.as_u128()).collect()
    }

    #[test]
    fn neighbours_are_taken_in_turn_and_then_from_the_beginning() {
        let mut sweep = Sweep::default();
        hold(&mut sweep, &[9, 2, 5, 7, 3]);
        assert_eq!(next(&mut sweep, 2), [2, 3]);
        hold(&mut sweep, &[1, 4]);
        assert_eq!(next(&mut sweep, 2), [4, 5]);
        assert_eq!(next(&mut sweep, 9), [7, 9]);
        assert_eq!(next(&mut sweep, 9), [1]);
        assert_eq!((next(&mut sweep, 9), sweep.len()), (vec![], 0));
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
                hold(&mut sweep, &new);
                let taken = next(&mut sweep, most);
                prop_assert!(taken.len() <= most);
                prop_assert!(taken.is_sorted());
                seen.extend(taken);
            }
            while sweep.len() > 0 {
                let taken = next(&mut sweep, 7);
                prop_assert!(!taken.is_empty(), "it ends");
                seen.extend(taken);
            }
            seen.sort_unstable();
            prop_assert_eq!(seen, all.into_iter().collect::<Vec<_>>());
        }
    }
}
