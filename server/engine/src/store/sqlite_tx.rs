//! A transaction on SQLite. Rows that nobody asks back for wait, and go to SQLite's thread many in one message, since a
//! message costs as much as the writing of many rows; while it writes them, the next are made ready.

use super::{checkpoint::Checkpoints, db::DbError};
use sqlx::{Arguments as _, AssertSqlSafe, Sqlite, SqliteConnection, Transaction, sqlite::SqliteArguments};
use tokio::task::JoinHandle;

/// So many values wait at most: longer statements take more memory, once they are prepared and kept, than they save time.
const MOST_WAITING: usize = 2_048;

/// A transaction with the statements that wait to be run in it.
#[derive(Debug)]
pub(crate) struct SqliteTx {
    conn: Conn,
    sql: String,
    args: SqliteArguments,
    /// A statement took the arguments to add its own, and has not given them back.
    taken: bool,
    /// Some were taken and never came back, or could not be run.
    lost: bool,
    checkpoints: Checkpoints,
}

#[derive(Debug)]
enum Conn {
    Here(Transaction<'static, Sqlite>),
    /// It runs statements, and comes back with how that went.
    Away(JoinHandle<(Transaction<'static, Sqlite>, Result<(), sqlx::Error>)>),
    /// It never came back.
    Gone,
}

impl SqliteTx {
    pub(super) fn new(tx: Transaction<'static, Sqlite>, checkpoints: Checkpoints) -> Self {
        let (sql, args) = (String::new(), SqliteArguments::default());
        Self { conn: Conn::Here(tx), sql, args, taken: false, lost: false, checkpoints }
    }

    /// The connection, once it is back; what waits is not run.
    ///
    /// # Errors
    /// If what it ran failed, now or before.
    pub(crate) async fn here(&mut self) -> Result<&mut SqliteConnection, DbError> {
        self.back().await.map(|tx| &mut **tx)
    }

    async fn back(&mut self) -> Result<&mut Transaction<'static, Sqlite>, DbError> {
        if let Conn::Away(away) = &mut self.conn {
            // A wait that is cancelled can be begun again.
            let back = away.await;
            self.conn = Conn::Gone;
            self.lost = true;
            if let Ok((tx, done)) = back {
                self.conn = Conn::Here(tx);
                done?;
                self.lost = false;
            }
        }
        match &mut self.conn {
            Conn::Here(tx) if !self.lost => Ok(tx),
            _ => Err(DbError::GivenUp),
        }
    }

    /// The connection, after all that waits was run.
    pub(super) async fn flush(&mut self) -> Result<&mut SqliteConnection, DbError> {
        if self.taken {
            return Err(DbError::GivenUp);
        }
        if self.sql.is_empty() {
            return self.here().await;
        }
        self.here().await?;
        let (sql, args) = self.take();
        // So it stays if this fails or is cancelled.
        self.lost = true;
        if let Conn::Here(tx) = &mut self.conn {
            sqlx::query_with(AssertSqlSafe(sql), args).execute(&mut **tx).await?;
            self.lost = false;
        }
        self.here().await
    }

    /// Has all that waits run, after what was sent before, without waiting for its end.
    async fn send(&mut self) -> Result<(), DbError> {
        self.here().await?;
        self.conn = match std::mem::replace(&mut self.conn, Conn::Gone) {
            Conn::Here(mut tx) => {
                let (sql, args) = self.take();
                Conn::Away(tokio::spawn(async move {
                    let done = sqlx::query_with(AssertSqlSafe(sql), args).execute(&mut *tx).await;
                    (tx, done.map(drop))
                }))
            }
            other => other,
        };
        Ok(())
    }

    fn take(&mut self) -> (String, SqliteArguments) {
        (std::mem::take(&mut self.sql), std::mem::take(&mut self.args))
    }

    /// Lends the arguments to a statement that adds its own.
    pub(super) fn lend(&mut self) -> SqliteArguments {
        self.lost |= self.taken;
        self.taken = true;
        std::mem::take(&mut self.args)
    }

    /// A statement has the arguments and will give them back.
    pub(super) const fn has_lent(&self) -> bool {
        self.taken
    }

    /// Takes the arguments back, with the statement that they are for.
    ///
    /// # Errors
    /// If statements that were sent before failed.
    pub(super) async fn take_back(&mut self, sql: &str, args: SqliteArguments) -> Result<(), DbError> {
        self.sql.push_str(sql);
        self.sql.push(';');
        self.args = args;
        self.taken = false;
        if self.args.len() >= MOST_WAITING { self.send().await } else { Ok(()) }
    }

    pub(super) async fn commit(mut self) -> Result<(), DbError> {
        self.flush().await?;
        match self.conn {
            Conn::Here(tx) => {
                tx.commit().await?;
                self.checkpoints.wanted();
                Ok(())
            }
            Conn::Away(_) | Conn::Gone => Err(DbError::GivenUp),
        }
    }

    pub(super) async fn rollback(mut self) -> Result<(), DbError> {
        if let Conn::Away(away) = &mut self.conn
            && let Ok((tx, _)) = away.await
        {
            self.conn = Conn::Here(tx);
        }
        match self.conn {
            Conn::Here(tx) => Ok(tx.rollback().await?),
            Conn::Away(_) | Conn::Gone => Ok(()),
        }
    }
}
