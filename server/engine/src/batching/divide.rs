//! Splitting a batch, and sending its parts one after the other (SPEC 6.2).
//!
//! In one transaction the batch is closed, its parts are written down and its jobs are moved into them: whoever dies
//! before it leaves the batch as it was, and whoever dies after it leaves parts that the sweep finds.

use super::{
    Batch, BatchState,
    compose::spared,
    new_token,
    split::{Limit, has_room, parts, turn},
    store,
};
use crate::{
    crash,
    engine::{Engine, EngineError},
    event::{self, EventKind},
    jobs::{self, Task},
    provider::registry,
    queue,
    store::{BatchId, JobId, Tx},
};
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::HashSet;

/// Limits that a provider named count for so long: it may have raised them since.
const REMEMBERED: TimeDelta = TimeDelta::days(1);

/// How a split is noted with the results of the batch that was split.
pub(crate) const SPLIT: &str = "split";

/// Most input tokens that may be enqueued for a model, with some to spare: by what is set, and by what the provider
/// named. None: no limit is known.
#[must_use]
pub fn most_tokens(set: Option<u64>, named: Option<i64>) -> Option<i64> {
    let named = named.and_then(|named| u64::try_from(named).ok());
    [set, named].into_iter().flatten().map(spared).min()
}

impl Engine {
    /// Most input tokens that may be enqueued for a model now.
    pub(crate) async fn most_tokens(
        &self,
        tx: &mut Tx,
        provider: &str,
        model: &str,
        set: Option<u64>,
    ) -> Result<Option<i64>, EngineError> {
        let since = self.now() - REMEMBERED;
        Ok(most_tokens(set, store::split::named_limit(tx, provider, model, since).await?))
    }

    /// Splits a batch of ours that its provider refused. False where fewer than two of its jobs are left: it can't be
    /// split, and nothing was done.
    pub(crate) async fn split_batch(
        &self,
        batch: &Batch,
        limit: Limit,
        why: &str,
    ) -> Result<bool, EngineError> {
        let now = self.now();
        let mut tx = self.db().begin().await?;
        let pieces = store::split::pieces(&mut tx, batch.id).await?;
        if pieces.len() < 2 {
            tx.rollback().await?;
            return Ok(false);
        }
        if !store::close(&mut tx, batch.id, self.owner(), BatchState::Failed, Some(why), now).await? {
            // Another process has taken over; it does what is to be done.
            tx.rollback().await?;
            return Ok(true);
        }
        if let Limit::Tokens(most) = limit {
            store::split::set_named_limit(&mut tx, batch.id, most).await?;
        }
        // Parts of a part belong to the first batch, and are numbered on.
        let family = batch.parent.unwrap_or(batch.id);
        let last = store::split::last_number(&mut tx, family).await?;
        let ranges = parts(&pieces, limit);
        let mut ids: Vec<BatchId> = Vec::with_capacity(ranges.len());
        for (range, number) in ranges.into_iter().zip(last + 1..) {
            let pieces = &pieces[range];
            let jobs: Vec<JobId> = pieces.iter().map(|p| p.job_id).collect();
            let wait = self.split_delay() * i32::try_from(ids.len()).unwrap_or(i32::MAX);
            let part = Batch {
                jobs: i64::try_from(jobs.len()).unwrap_or(i64::MAX),
                bytes: pieces.iter().map(|p| p.bytes).sum(),
                tokens: pieces.iter().map(|p| p.tokens).sum(),
                reason: "the batch that it is a part of was larger than the provider takes".to_owned(),
                look_at: now + wait,
                parent: Some(family),
                split: Some(number),
                prefix_cache: batch.prefix_cache,
                measures: batch.measures,
                ..Batch::written(
                    self.world().id(),
                    new_token(self.world()),
                    (&batch.provider, &batch.model),
                    batch.strategy,
                    now,
                )
            };
            let moved: HashSet<JobId> =
                queue::store::move_to_batch(&mut tx, &jobs, batch.id, part.id).await?.into_iter().collect();
            debug_assert_eq!(moved.len(), jobs.len(), "what was just read in this transaction is still so");
            store::insert(&mut tx, &part, None, &jobs).await?;
            jobs::push(&mut tx, &[Task::Submit(part.id)], Some(part.look_at)).await?;
            ids.push(part.id);
        }
        let all: Vec<JobId> = pieces.iter().map(|p| p.job_id).collect();
        store::set_outcome(&mut tx, batch.id, &all, SPLIT).await?;
        store::split::set_parts(&mut tx, batch.id, i64::try_from(ids.len()).unwrap_or(i64::MAX)).await?;
        let subjects: Vec<uuid::Uuid> = ids.iter().chain([&batch.id]).map(|id| id.0).collect();
        event::record(&mut tx, now, EventKind::Batch, &subjects).await?;
        crash::point("split.before_commit");
        tx.commit().await?;
        crash::point("split.after_commit");
        tracing::warn!(batch.id = %batch.id, parts = ids.len(), why, "a batch was split, since its provider takes none so large");
        Ok(true)
    }

    fn split_delay(&self) -> TimeDelta {
        TimeDelta::seconds(i64::from(self.settings().batching.split_delay_seconds))
    }

    /// When a part may be sent at the earliest; none: now.
    pub(crate) async fn turn_of(&self, batch: &Batch) -> Result<Option<DateTime<Utc>>, EngineError> {
        let (Some(parent), Some(number)) = (batch.parent, batch.split) else { return Ok(None) };
        let before = store::split::before(&mut self.db(), parent, number).await?;
        Ok(turn(before, self.split_delay(), self.now()))
    }

    /// Notes that the creation call of a batch is about to be made; false where it is no longer ours. A batch that was
    /// cut has its slot since then; a part must find a free one: `None` where there is none.
    pub(crate) async fn begin_send(&self, batch: &Batch) -> Result<Option<bool>, EngineError> {
        let now = self.now();
        if batch.split.is_none() {
            return Ok(Some(store::begin_send(&mut self.db(), batch.id, self.owner(), now).await?));
        }
        let entry = self.provider(&batch.provider)?;
        let mut tx = self.db().begin().await?;
        // Its row lock keeps two parts, and a cut, from taking one slot.
        registry::store::lock_for_cut(&mut tx, &batch.provider, now).await?;
        let out = store::split::out(&mut tx, &batch.provider, &batch.model).await?;
        let limit = entry.limits().enqueued_tokens;
        let tokens = self.most_tokens(&mut tx, &batch.provider, &batch.model, limit).await?;
        if !has_room(batch.tokens, out, (entry.sizes().slots, tokens)) {
            tx.rollback().await?;
            return Ok(None);
        }
        let ours = store::begin_send(&mut tx, batch.id, self.owner(), now).await?;
        tx.commit().await?;
        Ok(Some(ours))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_narrower_limit_holds() {
        assert_eq!(most_tokens(None, None), None);
        assert_eq!(most_tokens(Some(1_000), None), Some(900));
        assert_eq!(most_tokens(Some(1_000), Some(500)), Some(450));
        assert_eq!(most_tokens(None, Some(2_000)), Some(1_800));
        assert_eq!(most_tokens(Some(1_000), Some(-1)), Some(900));
    }
}
