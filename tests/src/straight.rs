//! The yardstick of the hand-in benchmark: the rows that Quire wrote, written again straight to SQLite in groups, with
//! nothing around it, as durably.

use anyhow::Context;
use sqlx::{
    AssertSqlSafe, Column as _, ConnectOptions as _, Connection as _, Row as _, SqliteConnection,
    TypeInfo as _, ValueRef as _,
    sqlite::{SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};
use std::{
    path::Path,
    time::{Duration, Instant},
};

/// A value as SQLite stores it.
#[derive(Clone, Debug)]
enum Value {
    Null,
    Integer(i64),
    Real(f64),
    Text(String),
    Blob(Vec<u8>),
}

/// Rows of one table.
#[derive(Debug)]
struct Table {
    name: String,
    columns: Vec<String>,
    rows: Vec<Vec<Value>>,
}

/// Tables that others refer to, and by how many groups they are written ahead of these.
const AHEAD: [(&str, usize); 2] = [("people", 4), ("enrolments", 2)];

/// SQLite takes at most this many bound values in a statement.
const MOST_VALUES: usize = 32_000;

/// Opens a database as Quire does.
async fn open(file: &Path) -> anyhow::Result<SqliteConnection> {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true);
    options.connect().await.with_context(|| format!("{} can't be opened", file.display()))
}

/// Writes what `written` has and `before` has not into `before`, in so many groups, each a transaction of its own.
/// Answers how long that took. Both are databases of the same schema.
///
/// # Errors
/// If a database fails.
pub async fn write_again(before: &Path, written: &Path, groups: usize) -> anyhow::Result<Duration> {
    let mut to = open(before).await?;
    let tables = {
        let mut from = open(written).await?;
        let tables = new_rows(&mut from, &mut to).await?;
        from.close().await?;
        tables
    };
    let begin = Instant::now();
    for group in 0..groups {
        let mut tx = to.begin_with("BEGIN IMMEDIATE").await?;
        for table in &tables {
            // Rows are dealt out by number, not by the transaction that wrote them, so a person could come after their
            // own work.
            let ahead = AHEAD.iter().find(|(name, _)| *name == table.name).map_or(0, |(_, ahead)| *ahead);
            let part = |n: usize| table.rows.len() * n.min(groups) / groups;
            let from = if group == 0 { 0 } else { part(group + ahead) };
            insert(&mut tx, table, &table.rows[from..part(group + ahead + 1)]).await?;
        }
        tx.commit().await?;
    }
    let took = begin.elapsed();
    to.close().await?;
    Ok(took)
}

/// The rows of every table beyond those that are there already, parents before children.
async fn new_rows(from: &mut SqliteConnection, to: &mut SqliteConnection) -> anyhow::Result<Vec<Table>> {
    let names: Vec<(String, bool)> = sqlx::query_as(
        "SELECT s.name, l.wr FROM sqlite_schema s JOIN pragma_table_list l ON l.name = s.name AND l.schema = 'main' \
         WHERE s.type = 'table' AND s.name NOT LIKE 'sqlite_%' ORDER BY s.rowid",
    )
    .fetch_all(&mut *from)
    .await?;
    let mut tables = Vec::new();
    for (name, without_rowid) in names {
        // Such a table is in the order of its key: its first column.
        let order = if without_rowid { "1" } else { "rowid" };
        let count = AssertSqlSafe(format!("SELECT count(*) FROM \"{name}\""));
        let (there,): (i64,) = sqlx::query_as(count).fetch_one(&mut *to).await?;
        let select =
            AssertSqlSafe(format!("SELECT * FROM \"{name}\" ORDER BY {order} LIMIT -1 OFFSET {there}"));
        let rows = sqlx::query(select).fetch_all(&mut *from).await?;
        let Some(first) = rows.first() else { continue };
        let columns = first.columns().iter().map(|column| column.name().to_owned()).collect();
        let rows = rows
            .iter()
            .map(|row| (0..row.len()).map(|at| value(row, at)).collect::<Result<_, _>>())
            .collect::<Result<_, _>>()?;
        tables.push(Table { name, columns, rows });
    }
    Ok(tables)
}

fn value(row: &sqlx::sqlite::SqliteRow, at: usize) -> anyhow::Result<Value> {
    let raw = row.try_get_raw(at)?;
    if raw.is_null() {
        return Ok(Value::Null);
    }
    Ok(match raw.type_info().name() {
        "INTEGER" => Value::Integer(row.try_get_unchecked(at)?),
        "REAL" => Value::Real(row.try_get_unchecked(at)?),
        "BLOB" => Value::Blob(row.try_get_unchecked(at)?),
        _ => Value::Text(row.try_get_unchecked(at)?),
    })
}

async fn insert(connection: &mut SqliteConnection, table: &Table, rows: &[Vec<Value>]) -> anyhow::Result<()> {
    for rows in rows.chunks(MOST_VALUES / table.columns.len().max(1)) {
        let columns = table.columns.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
        let row = format!("({})", vec!["?"; table.columns.len()].join(", "));
        let all = vec![row; rows.len()].join(", ");
        let sql = AssertSqlSafe(format!("INSERT INTO \"{}\" ({columns}) VALUES {all}", table.name));
        let mut arguments = SqliteArguments::default();
        for value in rows.iter().flatten().cloned() {
            use sqlx::Arguments as _;
            let added = match value {
                Value::Null => arguments.add(None::<i64>),
                Value::Integer(n) => arguments.add(n),
                Value::Real(x) => arguments.add(x),
                Value::Text(text) => arguments.add(text),
                Value::Blob(bytes) => arguments.add(bytes),
            };
            added.map_err(|error| anyhow::anyhow!("a value can't be bound: {error}"))?;
        }
        sqlx::query_with(sql, arguments).execute(&mut *connection).await?;
    }
    Ok(())
}
