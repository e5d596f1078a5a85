//! Batches as administrators see them.

use super::{Batch, Composed, store};
use crate::{
    engine::{Engine, EngineError},
    identity::{Act, Actor, IdentityError},
    queue::{Estimate, JobState, Lane},
    store::{BatchId, DbError, Exec, NanoUsd},
    submission::{Page, TrackingId},
};

/// A batch with what became of its jobs and what it cost.
#[derive(Clone, Debug)]
pub struct BatchView {
    /// The batch.
    pub batch: Batch,
    /// How many results were taken in, by outcome (`marked`, `unusable`, `failed`, `unfinished`, `absent`); none: not yet.
    pub outcomes: Vec<(Option<String>, i64)>,
    /// What was booked for it.
    pub spent: NanoUsd,
    /// What its jobs were expected to cost when it was cut.
    pub expected: NanoUsd,
    /// Tokens read, of these from the cache, and written, as the provider counted them.
    pub tokens: (i64, i64, i64),
    /// When it will be back, while it is away; of one that was split, when its last part will.
    pub estimate: Option<Estimate>,
    /// Why its jobs were put together so; not in lists.
    pub composed: Option<Composed>,
    /// The parts that it was split into; not in lists.
    pub parts: Vec<Batch>,
}

/// One job of a batch.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct BatchJob {
    /// The submission that it marks.
    pub tracking_id: TrackingId,
    /// The assignment's title.
    pub assignment: String,
    /// Its lane.
    pub lane: Lane,
    /// Where the job stands now.
    pub state: JobState,
    /// How its result in this batch was taken in; none: not yet.
    pub outcome: Option<String>,
    /// What went wrong with it last.
    pub failure: Option<String>,
    /// Tokens read, where an answer came.
    pub input_tokens: Option<i64>,
    /// Of these, from the cache.
    pub cached_tokens: Option<i64>,
    /// Tokens written.
    pub output_tokens: Option<i64>,
    /// What it cost.
    pub spent_nano: Option<NanoUsd>,
}

/// A batch can't be shown.
#[derive(Debug, thiserror::Error)]
pub enum BatchViewError {
    /// There is none of this id.
    #[error("There is no such batch.")]
    NotFound,
    /// The person may not.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// Our fault.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl From<DbError> for BatchViewError {
    fn from(error: DbError) -> Self {
        Self::Engine(error.into())
    }
}

impl Engine {
    /// Batches, the newest first, a page at a time; of one state, or all.
    ///
    /// # Errors
    /// If the person may not, or the database fails.
    pub async fn batches(
        &self,
        actor: &Actor,
        state: Option<super::BatchState>,
        page: i64,
        per_page: i64,
    ) -> Result<Page<BatchView>, BatchViewError> {
        self.identity().check(actor, &Act::SeeBatches).await?;
        let mut db = self.db();
        let page = page.max(1);
        let total = store::count(&mut db, state).await?;
        let batches = store::page(&mut db, state, per_page, (page - 1).saturating_mul(per_page)).await?;
        let mut rows = Vec::with_capacity(batches.len());
        for batch in batches {
            rows.push(self.batch_view(batch).await?);
        }
        Ok(Page { rows, page, per_page, total })
    }

    /// Batches that are not finished, the newest first.
    ///
    /// # Errors
    /// If the person may not, or the database fails.
    pub async fn open_batches(&self, actor: &Actor) -> Result<Vec<BatchView>, BatchViewError> {
        self.identity().check(actor, &Act::SeeBatches).await?;
        let mut rows = Vec::new();
        for batch in store::open(&mut self.db()).await?.into_iter().rev() {
            rows.push(self.batch_view(batch).await?);
        }
        Ok(rows)
    }

    /// One batch with a page of its jobs.
    ///
    /// # Errors
    /// If it is not there, the person may not, or the database fails.
    pub async fn batch(
        &self,
        actor: &Actor,
        id: BatchId,
        page: i64,
        per_page: i64,
    ) -> Result<(BatchView, Page<BatchJob>), BatchViewError> {
        self.identity().check(actor, &Act::SeeBatches).await?;
        let mut db = self.db();
        let batch = store::find(&mut db, id).await?.ok_or(BatchViewError::NotFound)?;
        let page = page.max(1);
        let rows = store::batch_jobs(&mut db, id, per_page, (page - 1).saturating_mul(per_page)).await?;
        let total = batch.jobs;
        let composed = store::composition(&mut db, id).await?;
        let parts = match batch.parts {
            Some(_) => store::split::parts(&mut db, batch.parent.unwrap_or(id)).await?,
            None => Vec::new(),
        };
        let last = parts.iter().filter_map(|part| self.back(part)).max_by_key(|estimate| estimate.to);
        let view = self.batch_view(batch).await?;
        let view = BatchView { composed, parts, estimate: view.estimate.or(last), ..view };
        Ok((view, Page { rows, page, per_page, total }))
    }

    async fn batch_view(&self, batch: Batch) -> Result<BatchView, EngineError> {
        let mut db = self.db();
        let outcomes = store::outcomes(&mut db, batch.id).await?;
        let (spent, input, cached, output): (NanoUsd, i64, i64, i64) = db
            .query(
                "SELECT CAST(COALESCE(SUM(l.spent_nano), 0) AS BIGINT), \
                 CAST(COALESCE(SUM(l.input_tokens), 0) AS BIGINT), CAST(COALESCE(SUM(l.cached_tokens), 0) AS BIGINT), \
                 CAST(COALESCE(SUM(l.output_tokens), 0) AS BIGINT) FROM batch_items i \
                 JOIN ledger l ON l.job_id = i.job_id AND l.batch_id = i.batch_id WHERE i.batch_id = $1",
            )
            .bind(batch.id)
            .one()
            .await?;
        let (expected,): (NanoUsd,) = db
            .query(
                "SELECT CAST(COALESCE(SUM(j.expected_nano), 0) AS BIGINT) FROM batch_items i \
                 JOIN model_jobs j ON j.id = i.job_id WHERE i.batch_id = $1",
            )
            .bind(batch.id)
            .one()
            .await?;
        let estimate = self.back(&batch);
        let tokens = (input, cached, output);
        let (composed, parts) = (None, Vec::new());
        Ok(BatchView { batch, outcomes, spent, expected, tokens, estimate, composed, parts })
    }

    /// When a batch will be back, while it is away.
    fn back(&self, batch: &Batch) -> Option<Estimate> {
        let away = batch.ended_at.is_none() && batch.finished_at.is_none();
        away.then(|| self.estimate_sent(batch))
    }
}
