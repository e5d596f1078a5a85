//! The attempts to have a submission marked, for staff.

use crate::{
    engine::{Engine, EngineError},
    routing::Route,
    store::{BatchId, Exec, JobId, NanoUsd},
};
use chrono::{DateTime, Utc};

/// One attempt.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// Real time or batch.
    pub route: Route,
    /// Provider's name.
    pub provider: String,
    /// The model.
    pub model: String,
    /// The batch.
    pub batch: Option<BatchId>,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it ended; none while it runs.
    pub ended_at: Option<DateTime<Utc>>,
    /// How it ended (`marked`, `answered`, `unusable`, `failed`, `unfinished`, `lost`); none while it runs.
    pub outcome: Option<String>,
    /// What went wrong.
    pub error: Option<String>,
    /// Tokens read and written, where an answer came.
    pub tokens: Option<(i64, i64)>,
    /// What it cost.
    pub spent: Option<NanoUsd>,
}

#[derive(sqlx::FromRow)]
struct Row {
    provider: String,
    model: String,
    batch_id: Option<BatchId>,
    started_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
    outcome: Option<String>,
    error: Option<String>,
    input_tokens: Option<i64>,
    output_tokens: Option<i64>,
    spent_nano: Option<NanoUsd>,
}

impl Engine {
    /// All attempts for a job, the newest first.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn attempts(&self, job: JobId) -> Result<Vec<Attempt>, EngineError> {
        let mut db = self.db();
        let batched: Vec<Row> = db
            .query(
                "SELECT b.provider, b.model, b.id AS batch_id, b.created_at AS started_at, \
                 CASE WHEN i.outcome IS NULL THEN NULL ELSE COALESCE(b.finished_at, b.ended_at) END AS ended_at, \
                 i.outcome, i.said AS error, l.input_tokens, l.output_tokens, l.spent_nano \
                 FROM batch_items i JOIN batches b ON b.id = i.batch_id \
                 LEFT JOIN ledger l ON l.job_id = i.job_id AND l.batch_id = b.id AND l.kind = 'settle' \
                 WHERE i.job_id = $1",
            )
            .bind(job)
            .all()
            .await?;
        let called: Vec<Row> = db
            .query(
                "SELECT c.provider, c.model, CASE WHEN 1 = 0 THEN c.id END AS batch_id, c.started_at, c.ended_at, \
                 CASE WHEN c.state = 'started' THEN NULL ELSE c.state END AS outcome, c.error, \
                 l.input_tokens, l.output_tokens, l.spent_nano \
                 FROM calls c LEFT JOIN ledger l ON l.job_id = c.job_id AND l.call_id = c.id AND l.kind IN ('settle', 'lost') \
                 WHERE c.job_id = $1",
            )
            .bind(job)
            .all()
            .await?;
        let mut attempts: Vec<Attempt> = batched
            .into_iter()
            .map(|row| attempt(Route::Batch, row))
            .chain(called.into_iter().map(|row| attempt(Route::Realtime, row)))
            .collect();
        attempts.sort_by_key(|a| std::cmp::Reverse(a.started_at));
        Ok(attempts)
    }
}

fn attempt(route: Route, row: Row) -> Attempt {
    Attempt {
        route,
        provider: row.provider,
        model: row.model,
        batch: row.batch_id,
        started_at: row.started_at,
        ended_at: row.ended_at,
        outcome: row.outcome,
        error: row.error,
        tokens: row.input_tokens.zip(row.output_tokens),
        spent: row.spent_nano,
    }
}
