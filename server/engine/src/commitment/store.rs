//! What the report reads of the table `spending_days`. It writes to none.

use crate::store::{DbError, Exec};
use chrono::NaiveDate;

/// The first day on which anything was paid for; none: nothing ever was.
pub(super) async fn first_day(x: &mut impl Exec) -> Result<Option<NaiveDate>, DbError> {
    let row: Option<(NaiveDate,)> =
        x.query("SELECT day FROM spending_days ORDER BY day LIMIT 1").opt().await?;
    Ok(row.map(|(day,)| day))
}
