//! The tables `provider_health` and `provider_outages`.

use super::figures::{Figures, Row};
use crate::store::{DbError, Exec, Json, OutageId, Rows, World};
use chrono::{DateTime, Utc};

const ROWS: Rows = Rows {
    insert: "INSERT INTO provider_health (provider, owner, updated_at, figures)",
    columns: 4,
    tail: "ON CONFLICT (provider, owner) DO UPDATE SET updated_at = excluded.updated_at, figures = excluded.figures",
};

/// Writes down what a process knows, and forgets what others wrote before a time.
///
/// # Errors
/// If the database fails.
pub async fn write(
    x: &mut impl Exec,
    owner: &str,
    figures: &[(String, Figures)],
    now: DateTime<Utc>,
    forget_before: DateTime<Utc>,
) -> Result<(), DbError> {
    ROWS.insert(x, figures, |q, (provider, figures)| {
        q.put(provider.clone());
        q.put(owner.to_owned());
        q.put(now);
        q.put(Json(figures.clone()));
    })
    .await?;
    x.query("DELETE FROM provider_health WHERE updated_at < $1").bind(forget_before).exec().await?;
    Ok(())
}

/// What all processes wrote down.
///
/// # Errors
/// If the database fails.
pub async fn rows(x: &mut impl Exec) -> Result<Vec<Row>, DbError> {
    x.query("SELECT provider, owner, updated_at, figures FROM provider_health ORDER BY provider, updated_at")
        .all()
        .await
}

/// An outage that administrators were told of.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Outage {
    /// Its id.
    pub id: OutageId,
    /// Provider's name.
    pub provider: String,
    /// Since when.
    pub began_at: DateTime<Utc>,
    /// Until when; none: it goes on.
    pub ended_at: Option<DateTime<Utc>>,
    /// What was wrong, in words.
    pub reason: String,
}

/// Writes an outage down; none where one of the provider is open already.
///
/// # Errors
/// If the database fails.
pub async fn begin_outage(
    x: &mut impl Exec,
    world: &World,
    provider: &str,
    began_at: DateTime<Utc>,
    reason: &str,
) -> Result<Option<OutageId>, DbError> {
    let id: OutageId = world.id();
    let rows = x
        .query(
            "INSERT INTO provider_outages (id, provider, began_at, reason) VALUES ($1, $2, $3, $4) \
             ON CONFLICT DO NOTHING",
        )
        .bind(id)
        .bind(provider.to_owned())
        .bind(began_at)
        .bind(reason.to_owned())
        .exec()
        .await?;
    Ok((rows == 1).then_some(id))
}

/// Outages that go on.
///
/// # Errors
/// If the database fails.
pub async fn open_outages(x: &mut impl Exec) -> Result<Vec<Outage>, DbError> {
    x.query(
        "SELECT id, provider, began_at, ended_at, reason FROM provider_outages WHERE ended_at IS NULL \
         ORDER BY provider",
    )
    .all()
    .await
}

/// Ends an outage; false where it has ended already.
///
/// # Errors
/// If the database fails.
pub async fn end_outage(x: &mut impl Exec, id: OutageId, now: DateTime<Utc>) -> Result<bool, DbError> {
    let rows = x
        .query("UPDATE provider_outages SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL")
        .bind(id)
        .bind(now)
        .exec()
        .await?;
    Ok(rows == 1)
}
