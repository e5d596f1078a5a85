//! What is read for forecasts: finished batches and calls, batches that are away, and how estimates were kept. Nothing is
//! written here: estimates are written with their jobs.

use super::{Coverage, Outcome, coverage::gather};
use crate::store::{DbError, Exec};
use chrono::{DateTime, Utc};

/// A finished batch.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct BackRow {
    /// When it was cut, to be sent at once.
    pub created_at: DateTime<Utc>,
    /// When its results were taken in.
    pub finished_at: DateTime<Utc>,
    /// Jobs in it.
    pub jobs: i64,
    /// Input tokens in it, estimated.
    pub tokens: i64,
}

/// When the last batch of a provider came back.
///
/// # Errors
/// If the database fails.
pub async fn last_back(x: &mut impl Exec, provider: &str) -> Result<Option<DateTime<Utc>>, DbError> {
    let row: Option<(DateTime<Utc>,)> = x
        .query(
            "SELECT finished_at FROM batches WHERE state = 'done' AND provider = $1 AND finished_at IS NOT NULL \
             ORDER BY finished_at DESC LIMIT 1",
        )
        .bind(provider.to_owned())
        .opt()
        .await?;
    Ok(row.map(|(at,)| at))
}

/// A provider's batches that came back since a time, in the order of their sending; of many the newest. Those that were
/// cancelled tell nothing of how long batches take.
///
/// # Errors
/// If the database fails.
pub async fn back_since(
    x: &mut impl Exec,
    provider: &str,
    since: DateTime<Utc>,
    most: i64,
) -> Result<Vec<BackRow>, DbError> {
    let mut rows: Vec<BackRow> = x
        .query(
            "SELECT created_at, finished_at, jobs, tokens FROM batches WHERE state = 'done' AND provider = $1 \
             AND finished_at >= $2 AND (remote_state IS NULL OR remote_state <> 'cancelled') \
             ORDER BY finished_at DESC LIMIT $3",
        )
        .bind(provider.to_owned())
        .bind(since)
        .bind(most)
        .all()
        .await?;
    rows.sort_by_key(|row| row.created_at);
    Ok(rows)
}

/// When a provider last answered a call.
///
/// # Errors
/// If the database fails.
pub async fn last_answer(x: &mut impl Exec, provider: &str) -> Result<Option<DateTime<Utc>>, DbError> {
    let row: Option<(DateTime<Utc>,)> = x
        .query(
            "SELECT ended_at FROM calls WHERE state = 'answered' AND provider = $1 AND ended_at IS NOT NULL \
             ORDER BY ended_at DESC LIMIT 1",
        )
        .bind(provider.to_owned())
        .opt()
        .await?;
    Ok(row.map(|(at,)| at))
}

/// When a provider's answered calls began and ended since a time; of many the newest.
///
/// # Errors
/// If the database fails.
pub async fn answered_since(
    x: &mut impl Exec,
    provider: &str,
    since: DateTime<Utc>,
    most: i64,
) -> Result<Vec<(DateTime<Utc>, DateTime<Utc>)>, DbError> {
    x.query(
        "SELECT started_at, ended_at FROM calls WHERE state = 'answered' AND provider = $1 AND ended_at >= $2 \
         ORDER BY ended_at DESC LIMIT $3",
    )
    .bind(provider.to_owned())
    .bind(since)
    .bind(most)
    .all()
    .await
}

/// Batches that take a slot: provider, when each was cut, and its jobs.
///
/// # Errors
/// If the database fails.
pub async fn away(x: &mut impl Exec) -> Result<Vec<(String, DateTime<Utc>, i64)>, DbError> {
    x.query(
        "SELECT provider, created_at, jobs FROM batches WHERE state IN ('written', 'sending', 'sent') \
         ORDER BY provider, created_at",
    )
    .all()
    .await
}

/// Jobs that were cut into batches since a time, by provider.
///
/// # Errors
/// If the database fails.
pub async fn cut_since(x: &mut impl Exec, since: DateTime<Utc>) -> Result<Vec<(String, i64)>, DbError> {
    x.query(
        "SELECT provider, CAST(SUM(jobs) AS BIGINT) FROM batches WHERE created_at >= $1 GROUP BY provider",
    )
    .bind(since)
    .all()
    .await
}

/// What was reckoned for jobs that were marked since a time, and what they took; of many the newest. Those that were given
/// the answer to an earlier request tell nothing of how long answers take.
///
/// # Errors
/// If the database fails.
pub async fn outcomes(x: &mut impl Exec, since: DateTime<Utc>, most: i64) -> Result<Vec<Outcome>, DbError> {
    x.query(
        "SELECT provider, lane, route, arrived_at, finished_at, reckoned_p50, reckoned_p90 FROM model_jobs \
         WHERE state = 'done' AND finished_at >= $1 AND reckoned_p50 IS NOT NULL AND reckoned_p90 IS NOT NULL \
         AND same_as IS NULL \
         ORDER BY finished_at DESC LIMIT $2",
    )
    .bind(since)
    .bind(most)
    .all()
    .await
}

/// How first estimates were kept by jobs that ended since a time, and by those that are late now. What became a dead
/// letter, or is still away when it was promised to be back, was not kept.
///
/// # Errors
/// If the database fails.
pub async fn coverage(
    x: &mut impl Exec,
    since: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<Vec<Coverage>, DbError> {
    // Each state by itself: so each part walks an index of its own.
    let late = |state: &str| {
        format!(
            "SELECT provider, lane, route, COUNT(*) AS jobs, CAST(0 AS BIGINT) AS within_p50, \
             CAST(0 AS BIGINT) AS within_p90 FROM model_jobs WHERE {state} AND promised_at < $2 \
             GROUP BY provider, lane, route"
        )
    };
    let parts = [
        "SELECT provider, lane, route, COUNT(*) AS jobs, \
         CAST(SUM(CASE WHEN finished_at <= likely_at THEN 1 ELSE 0 END) AS BIGINT) AS within_p50, \
         CAST(SUM(CASE WHEN finished_at <= promised_at THEN 1 ELSE 0 END) AS BIGINT) AS within_p90 \
         FROM model_jobs WHERE state = 'done' AND finished_at >= $1 AND promised_at IS NOT NULL AND same_as IS NULL \
         GROUP BY provider, lane, route"
            .to_owned(),
        late("state = 'dead' AND finished_at >= $1"),
        late("state = 'queued'"),
        late("state = 'batched'"),
        late("state = 'calling' AND route = 'realtime'"),
    ];
    let rows = x.query(parts.join(" UNION ALL ")).bind(since).bind(now).all().await?;
    Ok(gather(rows))
}
