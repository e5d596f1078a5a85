//! The table `events`.

use crate::store::{DbError, Exec, Rows};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum EventKind {
    /// A submission was handed in.
    Received,
    /// Feedback that needs no model was added.
    Interim,
    /// Marking of a submission began.
    Processing,
    /// A submission went back into the queue.
    Returned,
    /// Marks are there and wait for a person.
    InReview,
    /// Marks were released.
    Completed,
    /// A submission ran out of automatic remedies.
    NeedsAttention,
    /// A newer draft took its place.
    Withdrawn,
    /// A person closed it without marks.
    Closed,
    /// A batch changed its state.
    Batch,
}

/// One event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Event {
    /// Its number; later ones are greater.
    pub seq: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// What.
    pub kind: EventKind,
    /// To what: a submission or a batch.
    pub subject_id: Uuid,
}

const EVENTS: Rows = Rows { insert: "INSERT INTO events (at, kind, subject_id)", columns: 3, tail: "" };

/// Writes events, within the transaction that they tell of.
///
/// # Errors
/// If the database fails.
pub async fn record(
    x: &mut impl Exec,
    at: DateTime<Utc>,
    kind: EventKind,
    subjects: &[Uuid],
) -> Result<(), DbError> {
    EVENTS
        .insert(x, subjects, |q, subject| {
            q.put(at);
            q.put(kind);
            q.put(*subject);
        })
        .await?;
    Ok(())
}

/// The number of the last event; 0 where there is none.
///
/// # Errors
/// If the database fails.
pub async fn last_seq(x: &mut impl Exec) -> Result<i64, DbError> {
    let (seq,): (Option<i64>,) = x.query("SELECT MAX(seq) FROM events").one().await?;
    Ok(seq.unwrap_or(0))
}

/// Events after a number, the first first.
///
/// # Errors
/// If the database fails.
pub async fn after(x: &mut impl Exec, seq: i64, most: i64) -> Result<Vec<Event>, DbError> {
    x.query("SELECT seq, at, kind, subject_id FROM events WHERE seq > $1 ORDER BY seq LIMIT $2")
        .bind(seq)
        .bind(most)
        .all()
        .await
}
