//! What a workload costs, step by step: each request is summed exactly and rounded once, as the ledger does it.

use super::{Offer, PlanError, Workload};
use crate::{
    provider::{
        Keep, Usage,
        cache::{BatchCache, MEASURED_DAYS, TRIAL},
    },
    store::NanoUsd,
};

/// How often prompts in batches are expected to be read from the provider's cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hits {
    /// By the provider's own figures in the ledger: of a hundred tokens so many, seen in so many answers.
    Measured(u32, i64),
    /// By the provider's documentation, at the lower end of what it names: of a hundred requests so many.
    Documented(u32),
    /// Nothing is documented or measured: none.
    Unknown,
    /// The shared part is too short to be kept, or the provider documents no cache.
    Never,
}

impl Hits {
    /// What is to be expected of an offer.
    #[must_use]
    pub fn expected(offer: &Offer, workload: &Workload) -> Self {
        if !offer.caches(workload) {
            return Self::Never;
        }
        let enough = offer.measured.filter(super::Marked::is_enough);
        if let Some((marked, hits)) = enough.and_then(|marked| Some((marked, marked.hits()?))) {
            return Self::Measured(hits, marked.answers);
        }
        offer.documented().batch_hits.map_or(Self::Unknown, |range| Self::Documented(range.low))
    }

    /// Of a hundred requests, those that read the shared part from the cache.
    #[must_use]
    pub const fn of_hundred(self) -> u32 {
        match self {
            Self::Measured(hits, _) | Self::Documented(hits) => hits,
            Self::Unknown | Self::Never => 0,
        }
    }
}

/// How many of the prompts in batches are marked for the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marking {
    /// All of them, kept for so long.
    All(Keep),
    /// Only as many as a trial takes.
    Trial,
    /// None.
    None,
}

/// Requests of a month that are marked on trial: a trial begins again when what was measured is too old.
pub const TRIALS_A_MONTH: u64 = (30 / MEASURED_DAYS.cast_unsigned() + 1) * TRIAL.cast_unsigned();

/// What a workload costs a month at one model, step by step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Costs {
    /// All in real time, every prompt read afresh.
    pub realtime_uncached: NanoUsd,
    /// All in real time; every prompt but the first of its assignment is read from the cache.
    pub realtime_cached: NanoUsd,
    /// What can wait in batches, the rest in real time; every prompt read afresh.
    pub batch_uncached: NanoUsd,
    /// The same; prompts in real time are read from the cache.
    pub batch: NanoUsd,
    /// The same; prompts in batches are read from the cache as often as is expected.
    pub prefix: NanoUsd,
    /// The same; work that repeats other work is not asked for again.
    pub quire: NanoUsd,
}

/// The requests of a workload at one model.
pub struct Requests<'a> {
    /// The workload.
    pub workload: &'a Workload,
    /// The model.
    pub offer: &'a Offer,
}

/// What a request does with the shared part of its prompt.
#[derive(Clone, Copy)]
enum Shared {
    Afresh,
    Reads,
    Writes(Keep),
}

impl Requests<'_> {
    /// What one request costs.
    fn one(&self, shared: Shared, batch: bool) -> NanoUsd {
        let w = self.workload;
        let mut usage =
            Usage { input_tokens: w.input_tokens(), output_tokens: w.output_tokens, ..Usage::default() };
        match shared {
            Shared::Reads => usage.cached_tokens = w.shared_tokens,
            Shared::Writes(Keep::Long) => usage.cache_write_long_tokens = w.shared_tokens,
            Shared::Writes(Keep::Short) => usage.cache_write_tokens = w.shared_tokens,
            Shared::Afresh | Shared::Writes(Keep::Off) => {}
        }
        self.offer.terms.cost(&usage, batch)
    }

    /// So many requests that read the shared part afresh.
    fn afresh(&self, count: u64, batch: bool) -> Result<NanoUsd, PlanError> {
        times(self.one(Shared::Afresh, batch), count)
    }

    /// So many requests, of which so many read the shared part from the cache and the others write it there.
    fn marked(&self, count: u64, reads: u64, keep: Keep, batch: bool) -> Result<NanoUsd, PlanError> {
        let reads = reads.min(count);
        plus(
            times(self.one(Shared::Reads, batch), reads)?,
            times(self.one(Shared::Writes(keep), batch), count - reads)?,
        )
    }

    /// So many requests in real time, all of an assignment but the first one reading from the cache; or afresh where that
    /// is not worth it or can't be.
    fn realtime_cached(&self, count: u64) -> Result<NanoUsd, PlanError> {
        let afresh = self.afresh(count, false)?;
        if !self.offer.caches(self.workload) {
            return Ok(afresh);
        }
        let firsts = count.div_ceil(self.workload.works_per_assignment);
        Ok(afresh.min(self.marked(count, count - firsts, Keep::Short, false)?))
    }

    /// How prompts in batches are marked, by what is set and by what is expected: as the engine does it.
    #[must_use]
    pub fn marking(&self, hits: Hits) -> Marking {
        match (self.offer.batch_cache, hits) {
            (_, Hits::Never) | (BatchCache::Off, _) => Marking::None,
            (BatchCache::Short, _) => Marking::All(Keep::Short),
            (BatchCache::Long, _) => Marking::All(Keep::Long),
            (BatchCache::Auto, Hits::Unknown) => Marking::Trial,
            (BatchCache::Auto, Hits::Measured(..)) => {
                match self.offer.measured.is_some_and(|marked| marked.pays(&self.offer.terms)) {
                    true => Marking::All(Keep::Short),
                    false => Marking::Trial,
                }
            }
            (BatchCache::Auto, Hits::Documented(low)) => {
                if self.pays_from().is_some_and(|from| low >= from) {
                    Marking::All(Keep::Short)
                } else {
                    Marking::Trial
                }
            }
        }
    }

    /// Of a hundred requests in batches, so many must read the shared part from the cache for marks to save money; none
    /// where no number is enough.
    #[must_use]
    pub fn pays_from(&self) -> Option<u32> {
        let afresh = self.afresh(100, true).ok()?;
        (0..=100_u32).find(|reads| {
            self.marked(100, u64::from(*reads), Keep::Short, true).is_ok_and(|marked| marked < afresh)
        })
    }

    /// So many requests in batches.
    fn batched(&self, count: u64, hits: Hits, marking: Marking) -> Result<NanoUsd, PlanError> {
        let marked = |count: u64, keep| {
            let together = self.workload.works_per_assignment;
            let may = count - count.div_ceil(together);
            let reads = u128::from(count) * u128::from(hits.of_hundred()) / 100;
            self.marked(count, u64::try_from(reads).unwrap_or(count).min(may), keep, true)
        };
        match marking {
            Marking::None => self.afresh(count, true),
            Marking::All(keep) => marked(count, keep),
            Marking::Trial => {
                let trial = count.min(TRIALS_A_MONTH);
                plus(marked(trial, Keep::Short)?, self.afresh(count - trial, true)?)
            }
        }
    }

    /// All steps.
    ///
    /// # Errors
    /// If a sum is too large to be counted.
    pub fn costs(&self, hits: Hits, marking: Marking) -> Result<Costs, PlanError> {
        let all = self.workload.assessments;
        let (urgent, waiting) = if self.offer.batches { self.workload.routes() } else { (all, 0) };
        let in_batches = self.afresh(waiting, true)?;
        let urgent_cached = self.realtime_cached(urgent)?;
        Ok(Costs {
            realtime_uncached: self.afresh(all, false)?,
            realtime_cached: self.realtime_cached(all)?,
            batch_uncached: plus(self.afresh(urgent, false)?, in_batches)?,
            batch: plus(urgent_cached, in_batches)?,
            prefix: plus(urgent_cached, self.batched(waiting, hits, marking)?)?,
            quire: self.without_repeats(hits, marking)?,
        })
    }

    /// All but what repeats other work, where answers are given again; what can wait in batches.
    fn without_repeats(&self, hits: Hits, marking: Marking) -> Result<NanoUsd, PlanError> {
        let asked = if self.offer.reuses { self.workload.without_repeats() } else { *self.workload };
        let requests = Requests { workload: &asked, offer: self.offer };
        let (urgent, waiting) = if self.offer.batches { asked.routes() } else { (asked.assessments, 0) };
        plus(requests.realtime_cached(urgent)?, requests.batched(waiting, hits, marking)?)
    }
}

fn times(one: NanoUsd, count: u64) -> Result<NanoUsd, PlanError> {
    let count = i64::try_from(count).map_err(|_| PlanError::TooLarge)?;
    one.0.checked_mul(count).map(NanoUsd).ok_or(PlanError::TooLarge)
}

fn plus(a: NanoUsd, b: NanoUsd) -> Result<NanoUsd, PlanError> {
    a.0.checked_add(b.0).map(NanoUsd).ok_or(PlanError::TooLarge)
}
