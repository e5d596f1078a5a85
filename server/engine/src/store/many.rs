//! Many rows in one statement: the difference between thousands and tens of thousands of rows a second.

use super::db::{DbError, Dialect, Exec, Query};
use std::fmt::Write;

/// The placeholders of one statement; SQLite's own limit is 32,766.
const MOST_PLACEHOLDERS: usize = 2_000;

/// Inserts of many rows into one table.
#[derive(Clone, Copy, Debug)]
pub struct Rows {
    /// `INSERT INTO table (columns)`.
    pub insert: &'static str,
    /// How many columns are bound for each row.
    pub columns: usize,
    /// What follows the values, such as `ON CONFLICT DO NOTHING`; may be empty.
    pub tail: &'static str,
}

impl Rows {
    /// Inserts all items, `bind` giving each item's columns in order; answers how many rows were written.
    ///
    /// # Errors
    /// If the database refuses a statement.
    pub async fn insert<T: Sync>(
        &self,
        x: &mut impl Exec,
        items: &[T],
        mut bind: impl FnMut(&mut Query<'_>, &T) + Send,
    ) -> Result<u64, DbError> {
        let mut written = 0;
        for (rows, chunk) in in_chunks_of_rows(x.dialect(), items, self.columns) {
            let mut query = x.query(format!("{} VALUES {rows} {}", self.insert, self.tail));
            for item in chunk {
                bind(&mut query, item);
            }
            written += query.exec().await?;
        }
        Ok(written)
    }
}

/// Rows of placeholders, `(…), (…)`, for chunks of a list; few different statements come of it. The statement can have
/// no placeholders beside them.
pub(crate) fn in_chunks_of_rows<I>(
    dialect: Dialect,
    items: &[I],
    columns: usize,
) -> impl Iterator<Item = (String, &[I])> + use<'_, I> {
    let most = (MOST_PLACEHOLDERS / columns.max(1)).max(1);
    chunks(items, most).map(move |chunk| (rows(dialect, chunk.len(), columns), chunk))
}

/// Placeholders `$1, $2, …` for chunks of a list; few different statements come of it.
pub(crate) fn in_chunks<I>(ids: &[I]) -> impl Iterator<Item = (String, &[I])> {
    chunks(ids, 256).map(|chunk| (places(1, chunk.len()), chunk))
}

/// Placeholders from `$first`, so many.
pub(crate) fn places(first: usize, count: usize) -> String {
    (first..first + count).map(|n| format!("${n}")).collect::<Vec<_>>().join(", ")
}

/// Chunks of at most so many. All but the full ones are powers of two, so that few different statements are prepared and
/// cached.
fn chunks<I>(items: &[I], most: usize) -> impl Iterator<Item = &[I]> {
    let mut rest = items;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let size = if rest.len() >= most { most } else { 1 << rest.len().ilog2() };
        let (chunk, later) = rest.split_at(size);
        rest = later;
        Some(chunk)
    })
}

fn rows(dialect: Dialect, rows: usize, columns: usize) -> String {
    let mut sql = String::with_capacity(rows * (columns * 6 + 4));
    let mut place = 0;
    for row in 0..rows {
        sql.push_str(if row == 0 { "(" } else { ", (" });
        for column in 0..columns {
            place += 1;
            sql.push_str(if column == 0 { "" } else { ", " });
            match dialect {
                // SQLite looks names up in a list, from its beginning: thousands of them take longer than the rows.
                Dialect::Sqlite => sql.push('?'),
                // Writing to a String does not fail.
                Dialect::Postgres => _ = write!(sql, "${place}"),
            }
        }
        sql.push(')');
    }
    sql
}
