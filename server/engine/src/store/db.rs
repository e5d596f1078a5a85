//! Pools, transactions and queries over either database.

use super::{
    checkpoint::{self, Checkpoints},
    many::in_order,
    sqlite_tx::SqliteTx,
};
use sqlx::{
    Arguments, AssertSqlSafe, Database, Encode, FromRow, PgConnection, PgPool, Postgres, SqlSafeStr, SqlStr,
    Sqlite, SqlitePool, Transaction, Type,
    postgres::{PgArguments, PgConnectOptions, PgPoolOptions, PgRow},
    sqlite::{
        SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow,
        SqliteSynchronous,
    },
};
use std::{borrow::Cow, str::FromStr, time::Duration};

/// The database failed, or its address is wrong.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// A statement failed.
    #[error("the database refused a statement or could not be reached: {0}")]
    Sql(#[from] sqlx::Error),
    /// The schema could not be brought up to date.
    #[error("the database's schema could not be brought up to date: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// The address names no database that Quire knows.
    #[error("\"{0}\" is not a database address; write sqlite:PATH or postgres://USER:PASSWORD@HOST/NAME")]
    Address(String),
    /// A transaction lost rows that were to be written with it.
    #[error("rows of a transaction were given up before they were written; nothing of it was kept")]
    GivenUp,
    /// A task could not be put into its queue.
    #[error("a task could not be put into its queue: {0}")]
    Push(String),
    /// A query failed for which several had waited; the text of its error.
    #[error("{0}")]
    Shared(String),
}

impl DbError {
    /// The database can't be reached or is too busy; later it may work.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Sql(sqlx::Error::Database(e)) => {
                // SQLite: locked, busy. PostgreSQL: connection errors, resources, an operator's intervention.
                e.code().is_some_and(|code| {
                    matches!(&*code, "5" | "6" | "261" | "262" | "517")
                        || ["08", "53", "57"].iter().any(|class| code.len() == 5 && code.starts_with(class))
                })
            }
            Self::Sql(e) => matches!(
                e,
                sqlx::Error::Io(_)
                    | sqlx::Error::Tls(_)
                    | sqlx::Error::PoolTimedOut
                    | sqlx::Error::PoolClosed
                    | sqlx::Error::WorkerCrashed
            ),
            // What several had waited for fails for all of them mostly when the database is away.
            Self::Shared(_) => true,
            Self::Migrate(_) | Self::Address(_) | Self::Push(_) | Self::GivenUp => false,
        }
    }

    /// A row with the same unique value is there already.
    #[must_use]
    pub fn is_unique_violation(&self) -> bool {
        matches!(self, Self::Sql(sqlx::Error::Database(e)) if e.is_unique_violation())
    }
}

/// A value that both databases can store.
pub trait Val:
    Type<Sqlite> + Type<Postgres> + for<'q> Encode<'q, Sqlite> + for<'q> Encode<'q, Postgres> + Send
{
}
impl<T> Val for T where
    T: Type<Sqlite> + Type<Postgres> + for<'q> Encode<'q, Sqlite> + for<'q> Encode<'q, Postgres> + Send
{
}

/// A row that both databases can give.
pub trait Rec: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}
impl<T> Rec for T where T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}

/// Which database it is, for the few places where the SQL must differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

/// A database. On SQLite one connection writes and others read; on PostgreSQL one pool does both.
#[derive(Clone, Debug)]
pub enum Db {
    /// One file.
    Sqlite {
        /// The one connection that writes.
        write: SqlitePool,
        /// Connections that read.
        read: SqlitePool,
        /// Told of each transaction that was committed.
        checkpoints: Checkpoints,
    },
    /// A server.
    Postgres(PgPool),
}

/// Memory for pages of SQLite's one connection that writes, and of each of those that read, in KiB (negative, as SQLite
/// wants it): what is read is mostly read once, and the system keeps the file in memory as well.
const WRITE_CACHE: &str = "-10240";
const READ_CACHE: &str = "-1024";

/// How long a transaction on PostgreSQL may stand still.
const IDLE_IN_TRANSACTION: &str = "10s";

impl Db {
    /// Opens a database by its address (`sqlite:PATH` or `postgres://…`) without touching its schema.
    ///
    /// # Errors
    /// If the address is wrong or the database can't be opened.
    pub async fn open(address: &str) -> Result<Self, DbError> {
        if let Some(path) = address.strip_prefix("sqlite:") {
            if path.is_empty() {
                return Err(DbError::Address(address.to_owned()));
            }
            let options = SqliteConnectOptions::from_str(address)?
                .create_if_missing(true)
                // Works and marks are a few thousand bytes each. A database that is there keeps the size it was made with.
                .page_size(8192)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Full)
                .busy_timeout(Duration::from_secs(15))
                .foreign_keys(true)
                .pragma("temp_store", "MEMORY")
                .pragma("cache_size", WRITE_CACHE)
                .pragma("journal_size_limit", "67108864")
                .pragma("wal_autocheckpoint", checkpoint::BACKSTOP)
                // Rows on their way from SQLite's thread: with few of them the two threads wake each other all the time.
                .row_buffer_size(512)
                .statement_cache_capacity(256);
            let write = SqlitePoolOptions::new()
                .max_connections(1)
                .min_connections(1)
                .idle_timeout(None)
                .max_lifetime(None)
                .acquire_timeout(Duration::from_secs(30))
                // A file does not hang up: to ask each time whether the connection still stands costs as much as a query.
                .test_before_acquire(false)
                .connect_with(options.clone())
                .await?;
            let read = SqlitePoolOptions::new()
                .max_connections(6)
                .acquire_timeout(Duration::from_secs(30))
                .test_before_acquire(false)
                .connect_with(options.pragma("query_only", "ON").pragma("cache_size", READ_CACHE))
                .await?;
            let checkpoints = Checkpoints::by(read.clone());
            return Ok(Self::Sqlite { write, read, checkpoints });
        }
        if address.starts_with("postgres://") || address.starts_with("postgresql://") {
            let options = PgConnectOptions::from_str(address)
                .map_err(|_| DbError::Address(hide_password(address)))?
                // A process that is stopped in the middle of a transaction would hold its locks for as long: the server
                // ends the transaction instead, and the process finds out when it goes on.
                .options([("idle_in_transaction_session_timeout", IDLE_IN_TRANSACTION)]);
            let pool = PgPoolOptions::new()
                .max_connections(16)
                .acquire_timeout(Duration::from_secs(30))
                .connect_with(options)
                .await?;
            return Ok(Self::Postgres(pool));
        }
        Err(DbError::Address(hide_password(address)))
    }

    /// Which database it is.
    #[must_use]
    pub const fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite { .. } => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Begins a transaction that may write. On SQLite it takes the write lock at once.
    ///
    /// # Errors
    /// If no connection can be had in time.
    pub async fn begin(&self) -> Result<Tx, DbError> {
        let conn = match self {
            Self::Sqlite { write, checkpoints, .. } => {
                let tx = write.begin_with("BEGIN IMMEDIATE").await?;
                TxConn::Sqlite(SqliteTx::new(tx, checkpoints.clone()))
            }
            Self::Postgres(pool) => TxConn::Postgres(pool.begin().await?),
        };
        Ok(Tx { conn, after: Vec::new() })
    }

    /// Closes all connections, after the statements at work.
    pub async fn close(&self) {
        match self {
            Self::Sqlite { write, read, .. } => {
                read.close().await;
                write.close().await;
            }
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

/// An address fit to be shown: without its password.
fn hide_password(address: &str) -> String {
    url::Url::parse(address).map_or_else(
        |_| address.split(':').next().unwrap_or_default().to_owned() + ":…",
        |mut url| {
            if url.password().is_some() {
                let _ = url.set_password(Some("…"));
            }
            url.to_string()
        },
    )
}

/// A transaction; dropped without [`Tx::commit`] it is rolled back.
pub struct Tx {
    /// Statements on it don't see what waits to be written, see [`Query::later`].
    pub(crate) conn: TxConn,
    after: Vec<Box<dyn FnOnce() + Send + Sync>>,
}

/// The connection of a transaction, for the few places that speak to a database's own crate.
#[derive(Debug)]
pub(crate) enum TxConn {
    Sqlite(SqliteTx),
    Postgres(Transaction<'static, Postgres>),
}

impl std::fmt::Debug for Tx {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tx").field("conn", &self.conn).field("after", &self.after.len()).finish()
    }
}

impl Tx {
    /// Makes all of it durable, then does what [`Tx::after_commit`] was told.
    ///
    /// # Errors
    /// If the database can't.
    pub async fn commit(self) -> Result<(), DbError> {
        match self.conn {
            TxConn::Sqlite(tx) => tx.commit().await?,
            TxConn::Postgres(tx) => tx.commit().await?,
        }
        for act in self.after {
            act();
        }
        Ok(())
    }
    /// Undoes all of it now, rather than at some time after the drop.
    ///
    /// # Errors
    /// If the database can't.
    pub async fn rollback(self) -> Result<(), DbError> {
        match self.conn {
            TxConn::Sqlite(tx) => tx.rollback().await?,
            TxConn::Postgres(tx) => tx.rollback().await?,
        }
        Ok(())
    }
    /// Runs what waits to be written, see [`Query::later`].
    ///
    /// # Errors
    /// If the database fails.
    pub(crate) async fn flush(&mut self) -> Result<(), DbError> {
        match &mut self.conn {
            TxConn::Sqlite(tx) => tx.flush().await.map(drop),
            TxConn::Postgres(_) => Ok(()),
        }
    }
    /// Has something quick done once the transaction is durable, such as waking who waits for it. Never done if it is
    /// rolled back, nor if the process ends in between.
    pub fn after_commit(&mut self, act: impl FnOnce() + Send + Sync + 'static) {
        self.after.push(Box::new(act));
    }
}

/// Something that runs queries: a database or a transaction.
pub trait Exec: Send {
    /// A query with `$1` placeholders, to be bound and run.
    fn query(&mut self, sql: impl Into<Cow<'static, str>>) -> Query<'_>;
    /// A statement to be bound and given to [`Query::later`]; its placeholders are those of `many.rs`.
    fn later(&mut self, sql: String) -> Query<'_> {
        self.query(sql)
    }
    /// A query whose placeholders each stand once and in order, as lists of them do: cheaper on SQLite.
    fn query_in_order(&mut self, sql: String) -> Query<'_> {
        let sql = in_order(self.dialect(), sql);
        self.query(sql)
    }
    /// Which database it is.
    fn dialect(&self) -> Dialect;
}

/// Where a query runs.
#[derive(Debug)]
pub(super) enum Src<'c, D: Database, T> {
    /// On connections of pools: the first reads, the second writes.
    Pool(&'c sqlx::Pool<D>, &'c sqlx::Pool<D>),
    /// In a transaction, after what waits there.
    Tx(&'c mut T),
}

/// A query being bound.
#[derive(Debug)]
pub struct Query<'c> {
    inner: Inner<'c>,
    sql: SqlStr,
    wrong: Option<sqlx::error::BoxDynError>,
}

#[derive(Debug)]
enum Inner<'c> {
    Sqlite(Src<'c, Sqlite, SqliteTx>, SqliteArguments),
    Postgres(Src<'c, Postgres, PgConnection>, PgArguments),
}

fn safe(sql: Cow<'static, str>) -> SqlStr {
    match sql {
        Cow::Borrowed(text) => text.into_sql_str(),
        // Only `Rows` and the lists of `store.rs` files build text, from constants and numbers.
        Cow::Owned(text) => AssertSqlSafe(text).into_sql_str(),
    }
}

impl Exec for Db {
    fn query(&mut self, sql: impl Into<Cow<'static, str>>) -> Query<'_> {
        let inner = match self {
            Self::Sqlite { write, read, .. } => {
                Inner::Sqlite(Src::Pool(read, write), SqliteArguments::default())
            }
            Self::Postgres(pool) => Inner::Postgres(Src::Pool(pool, pool), PgArguments::default()),
        };
        Query { inner, sql: safe(sql.into()), wrong: None }
    }
    fn dialect(&self) -> Dialect {
        Self::dialect(self)
    }
}

impl Exec for Tx {
    fn query(&mut self, sql: impl Into<Cow<'static, str>>) -> Query<'_> {
        let inner = match &mut self.conn {
            TxConn::Sqlite(tx) => Inner::Sqlite(Src::Tx(tx), SqliteArguments::default()),
            TxConn::Postgres(tx) => Inner::Postgres(Src::Tx(&mut **tx), PgArguments::default()),
        };
        Query { inner, sql: safe(sql.into()), wrong: None }
    }
    fn later(&mut self, sql: String) -> Query<'_> {
        let inner = match &mut self.conn {
            TxConn::Sqlite(tx) => {
                let args = tx.lend();
                Inner::Sqlite(Src::Tx(tx), args)
            }
            TxConn::Postgres(tx) => Inner::Postgres(Src::Tx(&mut **tx), PgArguments::default()),
        };
        Query { inner, sql: safe(sql.into()), wrong: None }
    }
    fn dialect(&self) -> Dialect {
        match self.conn {
            TxConn::Sqlite(_) => Dialect::Sqlite,
            TxConn::Postgres(_) => Dialect::Postgres,
        }
    }
}

/// Runs a query on whichever database and source it has; outside a transaction on the pool `$pool`.
macro_rules! run {
    ($query:expr, $with:path, $method:ident, |$read:ident, $write:ident| $pool:ident $($then:tt)*) => {{
        let Query { inner, sql, wrong } = $query;
        if let Some(wrong) = wrong {
            return Err(DbError::Sql(sqlx::Error::Encode(wrong)));
        }
        match inner {
            Inner::Sqlite(Src::Pool($read, $write), args) => $with(sql, args).$method($pool).await?$($then)*,
            Inner::Sqlite(Src::Tx(tx), args) => $with(sql, args).$method(tx.flush().await?).await?$($then)*,
            Inner::Postgres(Src::Pool($read, $write), args) => $with(sql, args).$method($pool).await?$($then)*,
            Inner::Postgres(Src::Tx(tx), args) => $with(sql, args).$method(tx).await?$($then)*,
        }
    }};
}

impl Query<'_> {
    /// Binds the next placeholder.
    #[must_use]
    pub fn bind<T: Val>(mut self, value: T) -> Self {
        self.put(value);
        self
    }

    /// Binds the next placeholder, in place.
    pub fn put<T: Val>(&mut self, value: T) {
        let added = match &mut self.inner {
            Inner::Sqlite(_, args) => Arguments::add(args, value),
            Inner::Postgres(_, args) => Arguments::add(args, value),
        };
        if let Err(wrong) = added {
            self.wrong.get_or_insert(wrong);
        }
    }

    /// All rows.
    ///
    /// # Errors
    /// If the database fails or a row is not as expected.
    pub async fn all<R: Rec>(self) -> Result<Vec<R>, DbError> {
        Ok(run!(self, sqlx::query_as_with, fetch_all, |read, _write| read))
    }
    /// The row, if there is one.
    ///
    /// # Errors
    /// If the database fails or the row is not as expected.
    pub async fn opt<R: Rec>(self) -> Result<Option<R>, DbError> {
        Ok(run!(self, sqlx::query_as_with, fetch_optional, |read, _write| read))
    }
    /// The one row.
    ///
    /// # Errors
    /// If there is none, the database fails or the row is not as expected.
    pub async fn one<R: Rec>(self) -> Result<R, DbError> {
        Ok(run!(self, sqlx::query_as_with, fetch_one, |read, _write| read))
    }
    /// Runs the statement of [`Exec::later`] with others of its transaction, before anything else is asked there and at
    /// the latest when it commits; what goes wrong may thus be told later. Outside a transaction, and on PostgreSQL, it is
    /// run at once.
    ///
    /// # Errors
    /// If the database fails.
    pub(crate) async fn later(self) -> Result<(), DbError> {
        match self.inner {
            Inner::Sqlite(Src::Tx(tx), args) if tx.has_lent() => {
                if let Some(wrong) = self.wrong {
                    return Err(DbError::Sql(sqlx::Error::Encode(wrong)));
                }
                tx.take_back(self.sql.as_str(), args).await
            }
            _ => self.exec().await.map(drop),
        }
    }
    /// Runs the statement and answers how many rows it touched.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn exec(self) -> Result<u64, DbError> {
        Ok(run!(self, sqlx::query_with, execute, |_read, write| write.rows_affected()))
    }
}
