//! What the splitting of a batch reads and writes.

use super::{Batch, BatchState, COLUMNS};
use crate::store::{BatchId, DbError, Exec, JobId};
use chrono::{DateTime, Utc};

/// A job of a batch that has no result yet, with what it adds to the batch.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Piece {
    /// The job.
    pub job_id: JobId,
    /// Its input tokens, estimated.
    pub tokens: i64,
    /// Its bytes, estimated.
    pub bytes: i64,
}

/// Jobs of a batch that are still in it and have no result, in the order sent.
///
/// # Errors
/// If the database fails.
pub async fn pieces(x: &mut impl Exec, id: BatchId) -> Result<Vec<Piece>, DbError> {
    x.query(
        "SELECT i.job_id, j.input_tokens AS tokens, j.bytes FROM batch_items i JOIN model_jobs j ON j.id = i.job_id \
         WHERE i.batch_id = $1 AND i.outcome IS NULL AND j.state = 'batched' AND j.batch_id = $1 ORDER BY i.place",
    )
    .bind(id)
    .all()
    .await
}

/// The greatest number of a part so far; 0 where there is none.
///
/// # Errors
/// If the database fails.
pub async fn last_number(x: &mut impl Exec, parent: BatchId) -> Result<i64, DbError> {
    let (last,): (i64,) =
        x.query("SELECT COALESCE(MAX(split), 0) FROM batches WHERE parent = $1").bind(parent).one().await?;
    Ok(last)
}

/// Notes into how many parts a batch was split.
///
/// # Errors
/// If the database fails.
pub async fn set_parts(x: &mut impl Exec, id: BatchId, parts: i64) -> Result<(), DbError> {
    x.query("UPDATE batches SET parts = $2 WHERE id = $1").bind(id).bind(parts).exec().await?;
    Ok(())
}

/// Notes the limit of tokens that the provider named when it refused a batch.
///
/// # Errors
/// If the database fails.
pub async fn set_named_limit(x: &mut impl Exec, id: BatchId, tokens: i64) -> Result<(), DbError> {
    x.query("UPDATE batches SET named_limit = $2 WHERE id = $1").bind(id).bind(tokens).exec().await?;
    Ok(())
}

/// The least limit of tokens that a provider named for a model since a time.
///
/// # Errors
/// If the database fails.
pub async fn named_limit(
    x: &mut impl Exec,
    provider: &str,
    model: &str,
    since: DateTime<Utc>,
) -> Result<Option<i64>, DbError> {
    let (limit,): (Option<i64>,) = x
        .query("SELECT MIN(named_limit) FROM batches WHERE provider = $1 AND model = $2 AND created_at >= $3")
        .bind(provider.to_owned())
        .bind(model.to_owned())
        .bind(since)
        .one()
        .await?;
    Ok(limit)
}

/// The parts of a batch, in the order in which they are sent.
///
/// # Errors
/// If the database fails.
pub async fn parts(x: &mut impl Exec, parent: BatchId) -> Result<Vec<Batch>, DbError> {
    x.query(format!("SELECT {COLUMNS} FROM batches WHERE parent = $1 ORDER BY split"))
        .bind(parent)
        .all()
        .await
}

/// How far the part before another one has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Before {
    /// Where it stands.
    pub state: BatchState,
    /// When the provider had it.
    pub sent_at: Option<DateTime<Utc>>,
    /// When it was given up or taken in.
    pub finished_at: Option<DateTime<Utc>>,
}

/// The part with the number before `split`; none before the first.
///
/// # Errors
/// If the database fails.
pub async fn before(x: &mut impl Exec, parent: BatchId, split: i64) -> Result<Option<Before>, DbError> {
    x.query("SELECT state, sent_at, finished_at FROM batches WHERE parent = $1 AND split = $2")
        .bind(parent)
        .bind(split - 1)
        .opt()
        .await
}

/// What of a provider is out, apart from parts that wait for their turn: batches, and input tokens of one model.
///
/// # Errors
/// If the database fails.
pub async fn out(x: &mut impl Exec, provider: &str, model: &str) -> Result<(i64, i64), DbError> {
    x.query(
        "SELECT COUNT(*), CAST(COALESCE(SUM(CASE WHEN model = $2 THEN tokens ELSE 0 END), 0) AS BIGINT) FROM batches \
         WHERE provider = $1 AND (state IN ('sending', 'sent') OR (state = 'written' AND parent IS NULL))",
    )
    .bind(provider.to_owned())
    .bind(model.to_owned())
    .one()
    .await
}
