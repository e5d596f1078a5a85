//! The tables `webhook_deliveries` and `webhook_gone`.

use crate::store::{DbError, DeliveryId, Dialect, Exec, Tx};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum State {
    /// It is to be posted, for the first time or again.
    Waiting,
    /// A process is posting it.
    Sending,
    /// The address took it.
    Delivered,
    /// It was given up.
    Failed,
}

impl State {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Sending => "sending",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }
}

/// A bill that is posted, without its body.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Delivery {
    /// Its id.
    pub id: DeliveryId,
    /// The month, such as `2026-11`.
    pub month: String,
    /// Where it stands.
    pub state: State,
    /// How often it was posted since it was written or last asked for by a person.
    pub attempts: i64,
    /// When it is posted next; where it is being posted, when it is given to another process.
    pub next_at: DateTime<Utc>,
    /// The status of the last answer; none where there was no answer.
    pub last_status: Option<i64>,
    /// Why it was not taken the last time.
    pub last_error: Option<String>,
    /// When it was written.
    pub created_at: DateTime<Utc>,
    /// When it was last posted.
    pub attempted_at: Option<DateTime<Utc>>,
    /// When the address took it.
    pub delivered_at: Option<DateTime<Utc>>,
}

const COLUMNS: &str =
    "id, month, state, attempts, next_at, last_status, last_error, created_at, attempted_at, delivered_at";

/// Writes the bill of a month down to be posted at once; false where it is there already.
pub(super) async fn insert(
    x: &mut impl Exec,
    id: DeliveryId,
    month: &str,
    body: String,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let written = x
        .query(
            "INSERT INTO webhook_deliveries (id, month, body, state, attempts, next_at, created_at) \
             VALUES ($1, $2, $3, 'waiting', 0, $4, $4) ON CONFLICT (month) DO NOTHING",
        )
        .bind(id)
        .bind(month.to_owned())
        .bind(body)
        .bind(now)
        .exec()
        .await?;
    Ok(written > 0)
}

/// The last month of which there is a delivery.
pub(super) async fn last_month(x: &mut impl Exec) -> Result<Option<String>, DbError> {
    let row: Option<(String,)> =
        x.query("SELECT month FROM webhook_deliveries ORDER BY month DESC LIMIT 1").opt().await?;
    Ok(row.map(|(month,)| month))
}

/// Some delivery was due at this time.
pub(super) async fn any_due(x: &mut impl Exec, now: DateTime<Utc>) -> Result<bool, DbError> {
    let row: Option<(DateTime<Utc>,)> = x
        .query("SELECT next_at FROM webhook_deliveries WHERE state IN ('waiting', 'sending') ORDER BY next_at LIMIT 1")
        .opt()
        .await?;
    Ok(row.is_some_and(|(at,)| at <= now))
}

/// A delivery that this process posts.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct Claim {
    pub(super) id: DeliveryId,
    pub(super) month: String,
    pub(super) body: String,
    /// This attempt included.
    pub(super) attempts: i64,
    /// When the lease ends.
    #[sqlx(rename = "next_at")]
    pub(super) until: DateTime<Utc>,
}

/// Takes the first delivery that is due, so that nobody else posts it before the lease ends.
pub(super) async fn claim(
    tx: &mut Tx,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Option<Claim>, DbError> {
    let locked = match tx.dialect() {
        Dialect::Sqlite => "",
        Dialect::Postgres => "FOR UPDATE SKIP LOCKED",
    };
    tx.query(format!(
        "UPDATE webhook_deliveries SET state = 'sending', attempts = attempts + 1, next_at = $2, attempted_at = $1 \
         WHERE id IN (SELECT id FROM webhook_deliveries WHERE state IN ('waiting', 'sending') AND next_at <= $1 \
         ORDER BY next_at, month LIMIT 1 {locked}) RETURNING id, month, body, attempts, next_at"
    ))
    .bind(now)
    .bind(until)
    .opt()
    .await
}

/// Notes that the address took it; false where another process has it by now.
pub(super) async fn set_delivered(
    x: &mut impl Exec,
    claim: &Claim,
    status: u16,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let noted = x
        .query(
            "UPDATE webhook_deliveries SET state = 'delivered', last_status = $4, last_error = NULL, \
             delivered_at = $5 WHERE id = $1 AND state = 'sending' AND attempts = $2 AND next_at = $3",
        )
        .bind(claim.id)
        .bind(claim.attempts)
        .bind(claim.until)
        .bind(i64::from(status))
        .bind(now)
        .exec()
        .await?;
    Ok(noted > 0)
}

/// Notes that it was not taken, and when it is posted again; none: it is given up.
pub(super) async fn set_failed(
    x: &mut impl Exec,
    claim: &Claim,
    status: Option<u16>,
    why: &str,
    again: Option<DateTime<Utc>>,
) -> Result<bool, DbError> {
    let state = if again.is_some() { State::Waiting } else { State::Failed };
    let noted = x
        .query(
            "UPDATE webhook_deliveries SET state = $4, last_status = $5, last_error = $6, next_at = $7 \
             WHERE id = $1 AND state = 'sending' AND attempts = $2 AND next_at = $3",
        )
        .bind(claim.id)
        .bind(claim.attempts)
        .bind(claim.until)
        .bind(state)
        .bind(status.map(i64::from))
        .bind(why.to_owned())
        .bind(again.unwrap_or(claim.until))
        .exec()
        .await?;
    Ok(noted > 0)
}

/// The deliveries, the latest month first, at most so many.
pub(super) async fn list(x: &mut impl Exec, most: i64) -> Result<Vec<Delivery>, DbError> {
    x.query(format!("SELECT {COLUMNS} FROM webhook_deliveries ORDER BY month DESC LIMIT $1"))
        .bind(most)
        .all()
        .await
}

/// One delivery.
pub(super) async fn find(x: &mut impl Exec, id: DeliveryId) -> Result<Option<Delivery>, DbError> {
    x.query(format!("SELECT {COLUMNS} FROM webhook_deliveries WHERE id = $1")).bind(id).opt().await
}

/// Has it posted now, with all its attempts anew; false where it is being posted, or there is none.
pub(super) async fn set_again(
    x: &mut impl Exec,
    id: DeliveryId,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let set = x
        .query(
            "UPDATE webhook_deliveries SET state = 'waiting', attempts = 0, next_at = $2 \
             WHERE id = $1 AND NOT (state = 'sending' AND next_at > $2)",
        )
        .bind(id)
        .bind(now)
        .exec()
        .await?;
    Ok(set > 0)
}

// Addresses that are gone ---------------------------------------------------------------------------------------------

/// An address said that it is gone: nothing more is posted there.
pub(super) async fn set_gone(x: &mut impl Exec, target: &str, now: DateTime<Utc>) -> Result<(), DbError> {
    x.query("INSERT INTO webhook_gone (target, at) VALUES ($1, $2) ON CONFLICT (target) DO NOTHING")
        .bind(target.to_owned())
        .bind(now)
        .exec()
        .await?;
    Ok(())
}

/// When an address said that it is gone; none: it did not.
pub(super) async fn gone(x: &mut impl Exec, target: &str) -> Result<Option<DateTime<Utc>>, DbError> {
    let row: Option<(DateTime<Utc>,)> =
        x.query("SELECT at FROM webhook_gone WHERE target = $1").bind(target.to_owned()).opt().await?;
    Ok(row.map(|(at,)| at))
}

/// An address is tried again.
pub(super) async fn forget_gone(x: &mut impl Exec, target: &str) -> Result<(), DbError> {
    x.query("DELETE FROM webhook_gone WHERE target = $1").bind(target.to_owned()).exec().await?;
    Ok(())
}
