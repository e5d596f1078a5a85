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
    /// Inserts all items, `bind` giving each item's columns in order. Within a transaction they may wait for other rows of
    /// it, and what is wrong with them is told at the latest when it commits.
    ///
    /// # Errors
    /// If the database refuses a statement.
    pub async fn insert<T: Sync>(
        &self,
        x: &mut impl Exec,
        items: &[T],
        mut bind: impl FnMut(&mut Query<'_>, &T) + Send,
    ) -> Result<(), DbError> {
        for (rows, chunk) in in_chunks_of_rows(x.dialect(), items, self.columns) {
            let mut query = x.later(format!("{} VALUES {rows} {}", self.insert, self.tail));
            for item in chunk {
                bind(&mut query, item);
            }
            query.later().await?;
        }
        Ok(())
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

/// A statement whose placeholders `$1, $2, …` each stand once and in order, as it goes to the database. SQLite takes them
/// for names, which it looks up in a list, from its beginning: it gets them without.
pub(crate) fn in_order(dialect: Dialect, sql: String) -> String {
    if dialect == Dialect::Postgres {
        return sql;
    }
    let mut parts = sql.split('$');
    let mut unnamed = String::with_capacity(sql.len());
    unnamed.push_str(parts.next().unwrap_or_default());
    for (n, part) in (1_usize..).zip(parts) {
        let rest = part.trim_start_matches(|c: char| c.is_ascii_digit());
        debug_assert_eq!(part[..part.len() - rest.len()].parse(), Ok(n), "they stand in order: {sql}");
        unnamed.push('?');
        unnamed.push_str(rest);
    }
    unnamed
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::store::{Db, Tx, testing::each_db};

    const NUMBERS: Rows = Rows { insert: "INSERT INTO numbers (n, name)", columns: 2, tail: "" };

    #[test]
    fn sqlite_gets_placeholders_without_names() {
        let sql = format!("UPDATE t SET a = $1 WHERE b = $2 AND c IN ({})", places(3, 9));
        let unnamed = "UPDATE t SET a = ? WHERE b = ? AND c IN (?, ?, ?, ?, ?, ?, ?, ?, ?)";
        assert_eq!(in_order(Dialect::Sqlite, sql.clone()), unnamed);
        assert_eq!(in_order(Dialect::Postgres, sql.clone()), sql);
        assert_eq!(in_order(Dialect::Sqlite, "SELECT 1".to_owned()), "SELECT 1");
    }

    async fn insert(x: &mut impl Exec, numbers: &[i64]) -> Result<(), DbError> {
        let bind = |q: &mut Query<'_>, n: &i64| {
            q.put(*n);
            q.put(format!("{n}"));
        };
        NUMBERS.insert(x, numbers, bind).await
    }

    async fn count(x: &mut impl Exec) -> (i64, Option<i64>) {
        x.query("SELECT COUNT(*), CAST(SUM(n) AS BIGINT) FROM numbers WHERE name = CAST(n AS TEXT)")
            .one()
            .await
            .unwrap()
    }

    async fn table(db: &mut Db) {
        let sql = "CREATE TABLE numbers (n BIGINT PRIMARY KEY, name TEXT NOT NULL)";
        db.query(sql).exec().await.unwrap();
    }

    #[tokio::test]
    async fn rows_are_there_for_whatever_is_asked_after_them() {
        each_db(async |mut db| {
            table(&mut db).await;
            let mut tx = db.begin().await.unwrap();
            insert(&mut tx, &[1, 2, 3]).await.unwrap();
            insert(&mut tx, &[4]).await.unwrap();
            assert_eq!(count(&mut tx).await, (4, Some(10)));
            insert(&mut tx, &(5..=20_000).collect::<Vec<_>>()).await.unwrap();
            tx.query("DELETE FROM numbers WHERE n = $1").bind(20_000_i64).exec().await.unwrap();
            insert(&mut tx, &[0]).await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(count(&mut db).await, (20_000, Some(19_999 * 10_000)));
            insert(&mut db, &[-1]).await.unwrap();
            assert_eq!(count(&mut db).await.0, 20_001);
        })
        .await;
    }

    #[tokio::test]
    async fn a_row_that_is_refused_is_told_of_and_takes_its_transaction_with_it() {
        each_db(async |mut db| {
            table(&mut db).await;
            insert(&mut db, &[1]).await.unwrap();
            let attempt = async |mut tx: Tx, rows: &[i64]| {
                insert(&mut tx, &[2]).await?;
                insert(&mut tx, &[1]).await?;
                insert(&mut tx, rows).await?;
                tx.commit().await
            };
            // Few rows are written when it commits; many are written while others are made ready.
            for rows in [vec![3], (3..20_000).collect()] {
                let refused = attempt(db.begin().await.unwrap(), &rows).await.unwrap_err();
                assert!(refused.is_unique_violation(), "{refused}");
                assert_eq!(count(&mut db).await, (1, Some(1)));
            }
        })
        .await;
    }

    #[tokio::test]
    async fn a_transaction_given_up_while_rows_are_written_leaves_none() {
        each_db(async |mut db| {
            table(&mut db).await;
            for round in 0..3 {
                let mut tx = db.begin().await.unwrap();
                insert(&mut tx, &(0..20_000).collect::<Vec<_>>()).await.unwrap();
                if round == 0 {
                    tx.rollback().await.unwrap()
                } else {
                    drop(tx)
                }
                let mut tx = db.begin().await.unwrap();
                assert_eq!(count(&mut tx).await, (0, None));
            }
        })
        .await;
    }

    #[tokio::test]
    async fn rows_given_up_half_way_are_not_missed_in_silence() {
        let db = crate::store::testing::FreshDb::sqlite().await;
        let mut handle = db.db.clone();
        table(&mut handle).await;
        let mut tx = handle.begin().await.unwrap();
        insert(&mut tx, &[1]).await.unwrap();
        drop(tx.later("INSERT INTO numbers (n, name) VALUES (?, ?)".to_owned()).bind(2_i64));
        insert(&mut tx, &[3]).await.unwrap();
        assert!(matches!(tx.commit().await, Err(DbError::GivenUp)));
        assert_eq!(count(&mut handle).await, (0, None));
        db.remove().await;
    }
}
