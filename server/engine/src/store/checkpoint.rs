//! Moving what was committed from SQLite's write-ahead log into its file. A connection of its own does it: a commit that
//! did it on its way would hold up all others for as long as the disk takes.

use sqlx::SqlitePool;
use std::time::Duration;
use tokio::sync::mpsc;

/// From one time to the next, while there are commits.
const EVERY: Duration = Duration::from_millis(250);

/// With so many pages in the log the next commit does it after all, since the log can only begin anew when nobody writes.
pub(super) const BACKSTOP: &str = "8000";

/// Hears of commits. What it hears of them is acted upon until the last of its clones is gone.
#[derive(Clone, Debug)]
pub struct Checkpoints {
    commits: mpsc::Sender<()>,
}

impl Checkpoints {
    /// By one of these connections.
    pub(super) fn by(pool: SqlitePool) -> Self {
        let (commits, mut heard) = mpsc::channel(1);
        tokio::spawn(async move {
            while heard.recv().await.is_some() {
                match sqlx::query("PRAGMA wal_checkpoint(PASSIVE)").execute(&pool).await {
                    Ok(_) => {}
                    Err(sqlx::Error::PoolClosed) => break,
                    // The commits are safe in the log, and the next ones try again.
                    Err(error) => tracing::warn!(%error, "SQLite's log could not be moved into its file"),
                }
                tokio::time::sleep(EVERY).await;
            }
        });
        Self { commits }
    }

    /// Something was committed.
    pub(super) fn wanted(&self) {
        // A word that waits already says it as well.
        let _ = self.commits.try_send(());
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use crate::store::{Exec as _, testing::FreshDb};
    use std::time::Duration;

    #[tokio::test]
    async fn what_was_committed_goes_into_the_file() {
        let fresh = FreshDb::sqlite().await;
        let path = fresh.address.strip_prefix("sqlite:").unwrap().to_owned();
        let size = || std::fs::metadata(&path).unwrap().len();
        let before = size();
        let mut db = fresh.db.clone();
        db.query("CREATE TABLE large (bytes BLOB NOT NULL)").exec().await.unwrap();
        let mut tx = db.begin().await.unwrap();
        // Far fewer pages than a commit itself would move.
        tx.query("INSERT INTO large VALUES (zeroblob(1000000))").exec().await.unwrap();
        tx.commit().await.unwrap();
        let moved = async {
            // Pages that were free before are used first.
            while size() < before + 900_000 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), moved).await.expect("the file grows");
        fresh.remove().await;
    }
}
