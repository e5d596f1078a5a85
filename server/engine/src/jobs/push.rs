//! Putting tasks into their queues.

use super::{Kind, Task, bell};
use crate::store::{Db, DbError, Tx, TxConn};
use apalis::prelude::TaskBuilder;
use chrono::{DateTime, Utc};

/// How many tasks one statement of PostgreSQL carries.
const CHUNK: usize = 2_000;

/// Puts tasks into their queues in the caller's transaction: they are there if and only if it commits, and then the
/// workers of this process start on them at once. With `run_at` they are not looked at before that time.
///
/// # Errors
/// If the database refuses them.
pub async fn push(tx: &mut Tx, tasks: &[Task], run_at: Option<DateTime<Utc>>) -> Result<(), DbError> {
    let at = run_at.map(whole_seconds);
    for kind in Kind::ALL {
        let mut rows = Vec::new();
        for task in tasks.iter().filter(|task| task.kind() == kind) {
            let body = serde_json::to_vec(task).map_err(|e| DbError::Push(e.to_string()))?;
            // Only the verdict decides whether a task is tried again, never apalis.
            let row = TaskBuilder::new(body).max_attempts(1);
            rows.push(match at {
                Some(at) => row.run_at_timestamp(at.unsigned_abs()).build(),
                None => row.build(),
            });
        }
        if rows.is_empty() {
            continue;
        }
        match &mut tx.conn {
            TxConn::Sqlite(tx) => apalis_sqlite::queries::push_tasks(tx.here().await?, kind.queue(), &rows)
                .await
                .map_err(|e| DbError::Push(e.to_string()))?,
            TxConn::Postgres(tx) => {
                while !rows.is_empty() {
                    let chunk = rows.drain(..rows.len().min(CHUNK)).collect();
                    apalis_postgres::queries::push_tasks(&mut **tx, kind.queue(), chunk)
                        .await
                        .map_err(|e| DbError::Push(e.to_string()))?;
                }
            }
        }
        tx.after_commit(move || bell::ring(kind));
    }
    Ok(())
}

/// Puts tasks into their queues in a transaction of its own.
///
/// # Errors
/// If the database refuses them.
pub async fn push_now(db: &Db, tasks: &[Task], run_at: Option<DateTime<Utc>>) -> Result<(), DbError> {
    let mut tx = db.begin().await?;
    push(&mut tx, tasks, run_at).await?;
    tx.commit().await
}

/// The first whole second since 1970 that is not before `at`, for apalis keeps whole seconds.
pub(super) fn whole_seconds(at: DateTime<Utc>) -> i64 {
    (at.timestamp() + i64::from(at.timestamp_subsec_nanos() > 0)).max(0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn times_are_rounded_up() {
        for (nanos, seconds) in [(0, 5), (1, 6), (999_999_999, 6)] {
            assert_eq!(whole_seconds(DateTime::from_timestamp(5, nanos).unwrap()), seconds);
        }
        assert_eq!(whole_seconds(DateTime::from_timestamp(-5, 0).unwrap()), 0);
    }
}
