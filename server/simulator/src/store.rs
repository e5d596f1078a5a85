//! The database of the simulator: files, batches, the ledger. Every change is on disk when its function returns.

use std::{path::Path, time::Duration};

use chrono::{DateTime, Utc};
use serde::{Serialize, de::DeserializeOwned};
use sqlx::{
    Row, Sqlite, SqlitePool, Transaction,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow, SqliteSynchronous},
};

use crate::{
    Error,
    batch::Batch,
    ledger::{LedgerLine, LedgerSummary},
    models::Provider,
    openai::files::StoredFile,
};

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS files (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    purpose TEXT NOT NULL,
    doc TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS batches (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    provider TEXT NOT NULL,
    open INTEGER NOT NULL,
    doc TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS batches_by_provider ON batches (provider, seq);
CREATE INDEX IF NOT EXISTS batches_open ON batches (seq) WHERE open = 1;
CREATE TABLE IF NOT EXISTS ledger (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    provider TEXT NOT NULL,
    batch_id TEXT,
    custom_id TEXT,
    model TEXT NOT NULL,
    prompt_digest TEXT NOT NULL,
    input_tokens INTEGER NOT NULL,
    cached_tokens INTEGER NOT NULL,
    cache_write_tokens INTEGER NOT NULL,
    cache_write_long_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    price_nano_usd INTEGER NOT NULL,
    response_id TEXT NOT NULL UNIQUE,
    usable INTEGER NOT NULL,
    answered_at_ms INTEGER NOT NULL
) STRICT;
";

/// The order of a list by age.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    OldestFirst,
    NewestFirst,
}

/// One page of a list.
#[derive(Debug)]
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    pub(crate) more: bool,
}

/// Where a page of a list begins.
#[derive(Clone, Debug)]
pub(crate) enum Cursor<'a> {
    Start,
    /// After the object with this id, in the order of the list.
    After(&'a str),
    /// Before the object with this id: the page that ends right before it.
    Before(&'a str),
}

/// The database: one connection that writes, several that read.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    write: SqlitePool,
    read: SqlitePool,
}

impl Store {
    /// Opens the database. Unless `durable`, commits don't wait for the disk.
    pub(crate) async fn open(path: &Path, durable: bool) -> Result<Self, Error> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(if durable { SqliteSynchronous::Full } else { SqliteSynchronous::Off })
            .busy_timeout(Duration::from_secs(10));
        let write = SqlitePoolOptions::new().max_connections(1).connect_with(options.clone()).await?;
        sqlx::raw_sql(SCHEMA).execute(&write).await?;
        let read = SqlitePoolOptions::new().max_connections(4).connect_with(options.read_only(true)).await?;
        Ok(Self { write, read })
    }

    /// Lets go of all connections.
    pub(crate) async fn close(&self) {
        self.read.close().await;
        self.write.close().await;
    }

    async fn begin(&self) -> Result<Transaction<'static, Sqlite>, Error> {
        Ok(self.write.begin_with("BEGIN IMMEDIATE").await?)
    }

    /// A number kept under a name.
    pub(crate) async fn number(&self, name: &str) -> Result<Option<i64>, Error> {
        let sql = "SELECT value FROM meta WHERE name = $1";
        Ok(sqlx::query_scalar(sql).bind(name).fetch_optional(&self.read).await?)
    }

    /// Keeps a number under a name.
    pub(crate) async fn set_number(&self, name: &str, value: i64) -> Result<(), Error> {
        let sql = "INSERT INTO meta (name, value) VALUES ($1, $2)
                   ON CONFLICT (name) DO UPDATE SET value = excluded.value";
        sqlx::query(sql).bind(name).bind(value).execute(&self.write).await?;
        Ok(())
    }

    // Files

    /// Adds a file.
    pub(crate) async fn insert_file(&self, file: &StoredFile) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        insert_file(&mut tx, file).await?;
        Ok(tx.commit().await?)
    }

    /// The file with this id.
    pub(crate) async fn file(&self, id: &str) -> Result<Option<StoredFile>, Error> {
        let sql = "SELECT doc FROM files WHERE id = $1";
        sqlx::query(sql).bind(id).fetch_optional(&self.read).await?.map(|row| doc(&row, "file")).transpose()
    }

    /// A page of a provider's files, of one purpose or of all.
    pub(crate) async fn files(
        &self,
        provider: Provider,
        purpose: Option<&str>,
        from: Cursor<'_>,
        order: Order,
        limit: i64,
    ) -> Result<Page<StoredFile>, Error> {
        let (bounds, backwards) = self.bounds("files", from, order).await?;
        let sql = if order == Order::NewestFirst {
            "SELECT doc FROM files WHERE seq > $1 AND seq < $2 AND ($3 IS NULL OR purpose = $3)
                 AND coalesce(doc ->> 'provider', 'openai') = $5
             ORDER BY seq DESC LIMIT $4"
        } else {
            "SELECT doc FROM files WHERE seq > $1 AND seq < $2 AND ($3 IS NULL OR purpose = $3)
                 AND coalesce(doc ->> 'provider', 'openai') = $5
             ORDER BY seq LIMIT $4"
        };
        debug_assert!(!backwards, "files are paged forwards only");
        let rows = sqlx::query(sql)
            .bind(bounds.0)
            .bind(bounds.1)
            .bind(purpose)
            .bind(limit + 1)
            .bind(provider.as_str())
            .fetch_all(&self.read)
            .await?;
        page(rows, limit, false, "file")
    }

    /// Removes a file from the lists. Answers whether it was there.
    pub(crate) async fn delete_file(&self, id: &str) -> Result<bool, Error> {
        let done = sqlx::query("DELETE FROM files WHERE id = $1").bind(id).execute(&self.write).await?;
        Ok(done.rows_affected() > 0)
    }

    /// The files whose time is over.
    pub(crate) async fn expired_files(&self, now: DateTime<Utc>) -> Result<Vec<String>, Error> {
        let sql = "SELECT id FROM files WHERE datetime(doc ->> 'expires') <= datetime($1)";
        Ok(sqlx::query_scalar(sql).bind(now).fetch_all(&self.read).await?)
    }

    /// Whether an unfinished batch still reads this file.
    pub(crate) async fn file_in_use(&self, id: &str) -> Result<bool, Error> {
        Ok(self.open_batches().await?.iter().any(|batch| batch.input_file_id.as_deref() == Some(id)))
    }

    // Batches

    /// Adds a batch. Where it reads an input file, that must still be there in the same transaction: a file deleted
    /// before this is a batch that never starts. Answers whether it was there.
    pub(crate) async fn insert_batch(&self, batch: &Batch) -> Result<bool, Error> {
        let mut tx = self.begin().await?;
        if let Some(file) = &batch.input_file_id {
            let there: Option<i64> = sqlx::query_scalar("SELECT seq FROM files WHERE id = $1")
                .bind(file)
                .fetch_optional(&mut *tx)
                .await?;
            if there.is_none() {
                return Ok(false);
            }
        }
        sqlx::query("INSERT INTO batches (id, provider, open, doc) VALUES ($1, $2, $3, $4)")
            .bind(&batch.id)
            .bind(batch.provider.as_str())
            .bind(!batch.state.is_final())
            .bind(json(batch))
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(true)
    }

    /// The batch with this id.
    pub(crate) async fn batch(&self, provider: Provider, id: &str) -> Result<Option<Batch>, Error> {
        let sql = "SELECT doc FROM batches WHERE id = $1 AND provider = $2";
        let row = sqlx::query(sql).bind(id).bind(provider.as_str()).fetch_optional(&self.read).await?;
        row.map(|row| doc(&row, "batch")).transpose()
    }

    /// A page of a provider's batches, newest first.
    pub(crate) async fn batches(
        &self,
        provider: Provider,
        from: Cursor<'_>,
        limit: i64,
    ) -> Result<Page<Batch>, Error> {
        let (bounds, backwards) = self.bounds("batches", from, Order::NewestFirst).await?;
        let sql = if backwards {
            "SELECT doc FROM batches WHERE provider = $3 AND seq > $1 AND seq < $2 ORDER BY seq LIMIT $4"
        } else {
            "SELECT doc FROM batches WHERE provider = $3 AND seq > $1 AND seq < $2 ORDER BY seq DESC LIMIT $4"
        };
        let rows = sqlx::query(sql)
            .bind(bounds.0)
            .bind(bounds.1)
            .bind(provider.as_str())
            .bind(limit + 1)
            .fetch_all(&self.read)
            .await?;
        page(rows, limit, backwards, "batch")
    }

    /// All batches that haven't ended, oldest first.
    pub(crate) async fn open_batches(&self) -> Result<Vec<Batch>, Error> {
        let rows =
            sqlx::query("SELECT doc FROM batches WHERE open = 1 ORDER BY seq").fetch_all(&self.read).await?;
        rows.iter().map(|row| doc(row, "batch")).collect()
    }

    /// Changes a batch as it stands now, together with what comes with the change. `change` may refuse; then nothing
    /// is changed. Answers the batch as it stands after, or `None` if there is none with this id.
    pub(crate) async fn update_batch<E>(
        &self,
        id: &str,
        lines: &[LedgerLine],
        files: &[StoredFile],
        change: impl FnOnce(&mut Batch) -> Result<(), E>,
    ) -> Result<Option<Result<Batch, E>>, Error> {
        let mut tx = self.begin().await?;
        let row =
            sqlx::query("SELECT doc FROM batches WHERE id = $1").bind(id).fetch_optional(&mut *tx).await?;
        let Some(row) = row else { return Ok(None) };
        let mut batch: Batch = doc(&row, "batch")?;
        if let Err(refusal) = change(&mut batch) {
            return Ok(Some(Err(refusal)));
        }
        sqlx::query("UPDATE batches SET doc = $2, open = $3 WHERE id = $1")
            .bind(id)
            .bind(json(&batch))
            .bind(!batch.state.is_final())
            .execute(&mut *tx)
            .await?;
        insert_lines(&mut tx, lines).await?;
        for file in files {
            insert_file(&mut tx, file).await?;
        }
        tx.commit().await?;
        Ok(Some(Ok(batch)))
    }

    /// Removes a batch from the lists. Answers whether it was there.
    pub(crate) async fn delete_batch(&self, id: &str) -> Result<bool, Error> {
        let done = sqlx::query("DELETE FROM batches WHERE id = $1").bind(id).execute(&self.write).await?;
        Ok(done.rows_affected() > 0)
    }

    // Ledger

    /// Adds lines to the ledger.
    pub(crate) async fn insert_ledger(&self, lines: &[LedgerLine]) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        insert_lines(&mut tx, lines).await?;
        Ok(tx.commit().await?)
    }

    /// Lines of the ledger after a position, oldest first, with the position of the last.
    pub(crate) async fn ledger(&self, after: i64, limit: i64) -> Result<(Vec<LedgerLine>, i64), Error> {
        let sql = "SELECT seq, provider, batch_id, custom_id, model, prompt_digest, input_tokens, cached_tokens,
                          cache_write_tokens, cache_write_long_tokens, output_tokens, price_nano_usd, response_id,
                          usable, answered_at_ms
                   FROM ledger WHERE seq > $1 ORDER BY seq LIMIT $2";
        let rows = sqlx::query(sql).bind(after).bind(limit).fetch_all(&self.read).await?;
        let last = rows.last().map(|row| row.try_get("seq")).transpose()?.unwrap_or(after);
        let lines: Result<Vec<_>, sqlx::Error> = rows.iter().map(sqlx::FromRow::from_row).collect();
        Ok((lines?, last))
    }

    /// Totals of the ledger.
    pub(crate) async fn ledger_summary(&self) -> Result<LedgerSummary, Error> {
        let sql = "SELECT count(*) AS lines,
                          count(batch_id) AS batch_lines,
                          count(*) - count(batch_id) AS realtime_lines,
                          coalesce(sum(usable), 0) AS usable_lines,
                          (SELECT count(*) FROM (SELECT 1 FROM ledger WHERE usable AND batch_id IS NOT NULL
                                                 GROUP BY provider, custom_id HAVING count(*) > 1))
                              AS custom_ids_answered_twice,
                          coalesce(sum(input_tokens), 0) AS input_tokens,
                          coalesce(sum(cached_tokens), 0) AS cached_tokens,
                          coalesce(sum(cache_write_tokens), 0) AS cache_write_tokens,
                          coalesce(sum(output_tokens), 0) AS output_tokens,
                          coalesce(sum(price_nano_usd), 0) AS price_nano_usd
                   FROM ledger";
        Ok(sqlx::query_as(sql).fetch_one(&self.read).await?)
    }

    /// The positions between which a page lies, both excluded, and whether it is read from its end.
    async fn bounds(
        &self,
        table: &'static str,
        from: Cursor<'_>,
        order: Order,
    ) -> Result<((i64, i64), bool), Error> {
        let all = (0, i64::MAX);
        let (id, before) = match from {
            Cursor::Start => return Ok((all, false)),
            Cursor::After(id) => (id, false),
            Cursor::Before(id) => (id, true),
        };
        let sql = match table {
            "files" => "SELECT seq FROM files WHERE id = $1",
            _ => "SELECT seq FROM batches WHERE id = $1",
        };
        let seq: Option<i64> = sqlx::query_scalar(sql).bind(id).fetch_optional(&self.read).await?;
        // An unknown id ends the list, as a page past the last does.
        let Some(seq) = seq else { return Ok(((0, 0), false)) };
        let smaller = (order == Order::NewestFirst) != before;
        Ok((if smaller { (0, seq) } else { (seq, i64::MAX) }, before))
    }
}

async fn insert_file(tx: &mut Transaction<'static, Sqlite>, file: &StoredFile) -> Result<(), Error> {
    sqlx::query("INSERT INTO files (id, purpose, doc) VALUES ($1, $2, $3)")
        .bind(&file.id)
        .bind(&file.purpose)
        .bind(json(file))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// One statement for any number of lines: they travel as one JSON array.
async fn insert_lines(tx: &mut Transaction<'static, Sqlite>, lines: &[LedgerLine]) -> Result<(), Error> {
    if lines.is_empty() {
        return Ok(());
    }
    let sql = "INSERT INTO ledger (provider, batch_id, custom_id, model, prompt_digest, input_tokens, cached_tokens,
                   cache_write_tokens, cache_write_long_tokens, output_tokens, price_nano_usd, response_id, usable,
                   answered_at_ms)
               SELECT value ->> 'provider', value ->> 'batch_id', value ->> 'custom_id', value ->> 'model',
                   value ->> 'prompt_digest', value ->> 'input_tokens', value ->> 'cached_tokens',
                   value ->> 'cache_write_tokens', value ->> 'cache_write_long_tokens', value ->> 'output_tokens',
                   value ->> 'price_nano_usd', value ->> 'response_id', value ->> 'usable',
                   value ->> 'answered_at_ms'
               FROM json_each($1)";
    sqlx::query(sql).bind(json(lines)).execute(&mut **tx).await?;
    Ok(())
}

fn json<T: Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).expect("our own structs have string keys and no failing parts")
}

fn doc<T: DeserializeOwned>(row: &SqliteRow, what: &'static str) -> Result<T, Error> {
    let text: &str = row.try_get("doc")?;
    serde_json::from_str(text).map_err(|source| Error::Stored { what, source })
}

fn page<T: DeserializeOwned>(
    rows: Vec<SqliteRow>,
    limit: i64,
    backwards: bool,
    what: &'static str,
) -> Result<Page<T>, Error> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = rows.len() > limit;
    let mut items: Vec<T> = rows.iter().take(limit).map(|row| doc(row, what)).collect::<Result<_, _>>()?;
    if backwards {
        items.reverse();
    }
    Ok(Page { items, more })
}
