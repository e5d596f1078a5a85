//! Booking what measures saved that change where works go, by the providers' own figures, as answers come.

use super::{Measure, Step, saved::book, store};
use crate::{
    budget::day_of,
    engine::Engine,
    provider::Usage,
    routing::Route,
    store::{DbError, Exec, NanoUsd},
};
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;

impl Engine {
    /// What each step saved of an answer that cost so much.
    pub(crate) fn saved_by_steps(
        &self,
        steps: &[Step],
        usage: &Usage,
        spent: NanoUsd,
        now: DateTime<Utc>,
    ) -> Vec<(Measure, NanoUsd)> {
        // In real time providers find again what they keep: what the batch wrote anew would mostly have been read.
        let at_once = Usage {
            cached_tokens: usage.cached_tokens + usage.cache_write_tokens + usage.cache_write_long_tokens,
            cache_write_tokens: 0,
            cache_write_long_tokens: 0,
            ..*usage
        };
        let cost = |step: &Step| {
            let (usage, batch) = match step.route {
                Route::Batch => (usage, true),
                Route::Realtime => (&at_once, false),
            };
            self.cost(&step.provider, &step.model, usage, batch, now).ok()
        };
        book(steps, spent, cost)
    }

    /// Books what was saved; to be called within the transaction of the answers.
    pub(crate) async fn note_saved(
        &self,
        x: &mut impl Exec,
        saved: &[(Measure, NanoUsd)],
    ) -> Result<(), DbError> {
        if saved.is_empty() {
            return Ok(());
        }
        let mut sums: BTreeMap<Measure, (i64, NanoUsd)> = BTreeMap::new();
        for (measure, amount) in saved {
            let (answers, sum) = sums.entry(*measure).or_default();
            *answers += 1;
            *sum += *amount;
        }
        let sums: Vec<_> = sums.into_iter().collect();
        store::add(x, day_of(self.now(), self.zone()), &sums).await
    }
}
