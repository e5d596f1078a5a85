//! What bills read of the tables `ledger`, `spending_days` and `courses`. They write to none.

use super::Month;
use crate::{
    budget::{Kind, Tokens},
    store::{BatchId, CourseId, DbError, Exec, LedgerLineId, NanoUsd},
};
use chrono::{DateTime, NaiveDate, Utc};

/// A line by which money was spent.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct Spent {
    pub(super) id: LedgerLineId,
    pub(super) day: NaiveDate,
    pub(super) at: DateTime<Utc>,
    pub(super) kind: Kind,
    pub(super) provider: String,
    pub(super) model: String,
    pub(super) course_id: CourseId,
    pub(super) cost_centre: String,
    pub(super) batch_id: Option<BatchId>,
    #[sqlx(rename = "spent_nano")]
    pub(super) spent: NanoUsd,
    #[sqlx(flatten)]
    pub(super) tokens: Tokens,
}

/// Where a reader of the lines stands: the last line that was read.
pub(super) type Place = (NaiveDate, DateTime<Utc>, LedgerLineId);

/// Lines of a month by which money was spent, day by day in the order of time, from the one after `after` on, at most
/// `most`.
pub(super) async fn spent(
    x: &mut impl Exec,
    month: &Month,
    cost_centre: Option<&str>,
    after: Place,
    most: i64,
) -> Result<Vec<Spent>, DbError> {
    let only = if cost_centre.is_some() { "AND cost_centre = $6" } else { "" };
    let query = x
        .query(format!(
            "SELECT id, day, at, kind, provider, model, course_id, cost_centre, batch_id, spent_nano, input_tokens, \
             cached_tokens, cache_write_tokens, cache_write_long_tokens, output_tokens, reasoning_tokens FROM ledger \
             WHERE day >= $1 AND day <= $2 AND (day > $1 OR at > $3 OR (at = $3 AND id > $4)) \
             AND kind IN ('settle', 'lost') {only} ORDER BY day, at, id LIMIT $5"
        ))
        .bind(after.0)
        .bind(month.days().1)
        .bind(after.1)
        .bind(after.2)
        .bind(most);
    match cost_centre {
        Some(name) => query.bind(name.to_owned()).all().await,
        None => query.all().await,
    }
}

/// The courses' codes.
pub(super) async fn course_codes(x: &mut impl Exec) -> Result<Vec<(CourseId, String)>, DbError> {
    x.query("SELECT id, code FROM courses").all().await
}

/// The courses' cost centres, by name.
pub(super) async fn cost_centres(x: &mut impl Exec) -> Result<Vec<String>, DbError> {
    let rows: Vec<(String,)> =
        x.query("SELECT DISTINCT cost_centre FROM courses ORDER BY cost_centre").all().await?;
    Ok(rows.into_iter().map(|(name,)| name).collect())
}

/// Something of a month is charged to a cost centre.
pub(super) async fn is_charged(x: &mut impl Exec, month: &Month, cost_centre: &str) -> Result<bool, DbError> {
    let row: Option<(i64,)> = x
        .query(
            "SELECT CAST(1 AS BIGINT) FROM ledger WHERE day >= $1 AND day <= $2 AND cost_centre = $3 LIMIT 1",
        )
        .bind(month.days().0)
        .bind(month.days().1)
        .bind(cost_centre.to_owned())
        .opt()
        .await?;
    Ok(row.is_some())
}

/// The first day on which anything was paid for; none: nothing ever was.
pub(crate) async fn first_day(x: &mut impl Exec) -> Result<Option<NaiveDate>, DbError> {
    let row: Option<(NaiveDate,)> =
        x.query("SELECT day FROM spending_days ORDER BY day LIMIT 1").opt().await?;
    Ok(row.map(|(day,)| day))
}
