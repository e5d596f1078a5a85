//! Many rows in one statement: the difference between thousands and tens of thousands of rows a second.

use super::db::{DbError, Exec, Query};
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
        let most = (MOST_PLACEHOLDERS / self.columns.max(1)).max(1);
        let mut written = 0;
        let mut rest = items;
        while !rest.is_empty() {
            // Powers of two, so that few different statements are prepared and cached.
            let size = if rest.len() >= most { most } else { 1 << rest.len().ilog2() };
            let (chunk, later) = rest.split_at(size.min(rest.len()));
            let mut query = x.query(self.sql(chunk.len()));
            for item in chunk {
                bind(&mut query, item);
            }
            written += query.exec().await?;
            rest = later;
        }
        Ok(written)
    }

    fn sql(&self, rows: usize) -> String {
        let mut sql = String::with_capacity(self.insert.len() + rows * self.columns * 6 + 40);
        sql.push_str(self.insert);
        sql.push_str(" VALUES ");
        let mut place = 0;
        for row in 0..rows {
            sql.push_str(if row == 0 { "(" } else { ", (" });
            for column in 0..self.columns {
                place += 1;
                // Writing to a String does not fail.
                let _ = write!(sql, "{}${place}", if column == 0 { "" } else { ", " });
            }
            sql.push(')');
        }
        sql.push(' ');
        sql.push_str(self.tail);
        sql
    }
}
