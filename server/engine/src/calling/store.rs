//! The table `calls`.

use crate::store::{CallId, DbError, Exec, JobId, NanoUsd};
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// A call that was begun.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Call {
    /// Its id.
    pub id: CallId,
    /// The job.
    pub job_id: JobId,
    /// Provider's name.
    pub provider: String,
    /// The model.
    pub model: String,
    /// The process that makes it.
    pub owner: String,
    /// When it was begun.
    pub started_at: DateTime<Utc>,
    /// Until when its process may be taken to be alive.
    pub lease_until: DateTime<Utc>,
    /// Held for it.
    #[sqlx(rename = "reserved_nano")]
    pub reserved: NanoUsd,
}

/// Writes a call down.
///
/// # Errors
/// If the database fails.
pub async fn begin(x: &mut impl Exec, call: &Call) -> Result<(), DbError> {
    x.query(
        "INSERT INTO calls (id, job_id, provider, model, state, owner, started_at, lease_until, reserved_nano) \
         VALUES ($1, $2, $3, $4, 'started', $5, $6, $7, $8)",
    )
    .bind(call.id)
    .bind(call.job_id)
    .bind(call.provider.clone())
    .bind(call.model.clone())
    .bind(call.owner.clone())
    .bind(call.started_at)
    .bind(call.lease_until)
    .bind(call.reserved)
    .exec()
    .await?;
    Ok(())
}

/// Ends a call that was begun; false where it has ended already.
///
/// # Errors
/// If the database fails.
pub async fn end(
    x: &mut impl Exec,
    id: CallId,
    state: &'static str,
    response_id: Option<&str>,
    error: Option<&str>,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let rows = x
        .query(
            "UPDATE calls SET state = $2, ended_at = $3, response_id = $4, error = $5 \
             WHERE id = $1 AND state = 'started'",
        )
        .bind(id)
        .bind(state.to_owned())
        .bind(now)
        .bind(response_id.map(str::to_owned))
        .bind(error.map(str::to_owned))
        .exec()
        .await?;
    Ok(rows == 1)
}

/// Calls whose process gave no sign of life in time.
///
/// # Errors
/// If the database fails.
pub async fn orphaned(x: &mut impl Exec, now: DateTime<Utc>, most: i64) -> Result<Vec<Call>, DbError> {
    x.query(
        "SELECT id, job_id, provider, model, owner, started_at, lease_until, reserved_nano FROM calls \
         WHERE state = 'started' AND lease_until <= $1 ORDER BY lease_until LIMIT $2",
    )
    .bind(now)
    .bind(most)
    .all()
    .await
}

/// Prolongs the leases of those calls that a process is making: one whose answer could not be booked is not kept for ever.
///
/// # Errors
/// If the database fails.
pub async fn renew(
    x: &mut impl Exec,
    owner: &str,
    ids: &[Uuid],
    until: DateTime<Utc>,
) -> Result<(), DbError> {
    for id in ids {
        x.query("UPDATE calls SET lease_until = $3 WHERE id = $1 AND owner = $2 AND state = 'started'")
            .bind(*id)
            .bind(owner.to_owned())
            .bind(until)
            .exec()
            .await?;
    }
    Ok(())
}

/// How many calls were spent without an answer, and what they were booked at, since a time.
///
/// # Errors
/// If the database fails.
pub async fn lost_since(x: &mut impl Exec, since: DateTime<Utc>) -> Result<(i64, NanoUsd), DbError> {
    x.query(
        "SELECT COUNT(*), CAST(COALESCE(SUM(reserved_nano), 0) AS BIGINT) FROM calls \
         WHERE state = 'lost' AND started_at >= $1",
    )
    .bind(since)
    .one()
    .await
}
