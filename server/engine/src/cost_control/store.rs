//! The tables `cost_control`, `cost_control_changes` and `cost_control_saved`.

use super::{Measure, Measures, Mode, State};
use crate::{
    budget::{Month, Paid},
    store::{ControlChangeId, DbError, Dialect, Exec, NanoUsd, PersonId, Rows, World},
};
use chrono::{DateTime, NaiveDate, Utc};

/// A measure that was taken or given up.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Change {
    /// When.
    pub at: DateTime<Utc>,
    /// The measure.
    pub measure: Measure,
    /// Taken; else given up.
    pub taken: bool,
    /// Why.
    pub why: String,
    /// The administrator who did it; none: the projection.
    #[sqlx(rename = "changed_by")]
    pub by: Option<String>,
}

const STATES: &str = "SELECT measure, mode, on_since, changed_at FROM cost_control";

/// How all measures stand, in the order in which they are taken.
pub(crate) async fn states(x: &mut impl Exec) -> Result<Vec<State>, DbError> {
    let mut states: Vec<State> = x.query(STATES).all().await?;
    states.sort_by_key(|state| state.measure);
    Ok(states)
}

/// The same, kept from changing until the transaction ends.
pub(super) async fn states_for_update(x: &mut impl Exec) -> Result<Vec<State>, DbError> {
    let lock = match x.dialect() {
        Dialect::Sqlite => "",
        Dialect::Postgres => " FOR UPDATE",
    };
    let mut states: Vec<State> = x.query(format!("{STATES} ORDER BY measure{lock}")).all().await?;
    states.sort_by_key(|state| state.measure);
    Ok(states)
}

/// Sets who decides about a measure.
pub(super) async fn set_mode(x: &mut impl Exec, measure: Measure, mode: Mode) -> Result<(), DbError> {
    x.query("UPDATE cost_control SET mode = $2 WHERE measure = $1").bind(measure).bind(mode).exec().await?;
    Ok(())
}

/// Takes a measure or gives it up, and keeps why; answers the id of the change.
pub(super) async fn change(
    x: &mut impl Exec,
    world: &World,
    (measure, taken): (Measure, bool),
    why: &str,
    by: Option<PersonId>,
) -> Result<ControlChangeId, DbError> {
    let now = world.now();
    x.query("UPDATE cost_control SET on_since = $2, changed_at = $3 WHERE measure = $1")
        .bind(measure)
        .bind(taken.then_some(now))
        .bind(now)
        .exec()
        .await?;
    note(x, world, (measure, taken), why, by).await
}

/// Keeps what was decided about a measure, and whether it is taken then; answers the id of the change.
pub(super) async fn note(
    x: &mut impl Exec,
    world: &World,
    (measure, taken): (Measure, bool),
    why: &str,
    by: Option<PersonId>,
) -> Result<ControlChangeId, DbError> {
    let (now, id) = (world.now(), world.id::<ControlChangeId>());
    x.query(
        "INSERT INTO cost_control_changes (id, at, measure, taken, why, changed_by) VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(id)
    .bind(now)
    .bind(measure)
    .bind(taken)
    .bind(why.to_owned())
    .bind(by)
    .exec()
    .await?;
    Ok(id)
}

/// The changes of a time, the newest first, at most `most`.
pub(super) async fn changes(
    x: &mut impl Exec,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
    most: i64,
) -> Result<Vec<Change>, DbError> {
    x.query(
        "SELECT c.at, c.measure, c.taken, c.why, p.name AS changed_by FROM cost_control_changes c \
         LEFT JOIN people p ON p.id = c.changed_by WHERE c.at >= $1 AND c.at < $2 ORDER BY c.at DESC, c.id DESC LIMIT $3",
    )
    .bind(from)
    .bind(to)
    .bind(most)
    .all()
    .await
}

/// Adds to what measures saved on a day.
pub(super) async fn add(
    x: &mut impl Exec,
    day: NaiveDate,
    sums: &[(Measure, (i64, NanoUsd))],
) -> Result<(), DbError> {
    const ROWS: Rows = Rows {
        insert: "INSERT INTO cost_control_saved (day, measure, answers, saved_nano)",
        columns: 4,
        tail: "ON CONFLICT (day, measure) DO UPDATE SET answers = cost_control_saved.answers + excluded.answers, \
               saved_nano = cost_control_saved.saved_nano + excluded.saved_nano",
    };
    ROWS.insert(x, sums, |q, (measure, (answers, saved))| {
        q.put(day);
        q.put(*measure);
        q.put(*answers);
        q.put(*saved);
    })
    .await
}

/// What measures saved in a month that changed where works went.
pub(super) async fn by_route(
    x: &mut impl Exec,
    month: Month,
) -> Result<Vec<(Measure, i64, NanoUsd)>, DbError> {
    x.query(
        "SELECT measure, CAST(SUM(answers) AS BIGINT), CAST(SUM(saved_nano) AS BIGINT) FROM cost_control_saved \
         WHERE day >= $1 AND day <= $2 GROUP BY measure",
    )
    .bind(month.first())
    .bind(month.last())
    .all()
    .await
}

/// What answers of one model by one route came to that were got under the same measures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answers {
    pub(super) provider: String,
    pub(super) model: String,
    pub(super) batched: bool,
    pub(super) measures: Measures,
    /// In the month that is asked about; else before it.
    pub(super) within: bool,
    pub(super) paid: Paid,
}

/// What answers came to from a day on, by model, route and measures.
pub(super) async fn by_measures(
    x: &mut impl Exec,
    from: NaiveDate,
    month: Month,
) -> Result<Vec<Answers>, DbError> {
    #[derive(sqlx::FromRow)]
    struct Row {
        provider: String,
        model: String,
        batched: bool,
        measures: i64,
        in_month: i64,
        #[sqlx(flatten)]
        paid: Paid,
    }
    let rows: Vec<Row> = x
        .query(format!(
            "SELECT provider, model, batched, measures, CAST(CASE WHEN day >= $2 THEN 1 ELSE 0 END AS BIGINT) AS in_month, {} \
             FROM spending_days WHERE day >= $1 AND day <= $3 GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5",
            Paid::sums()
        ))
        .bind(from)
        .bind(month.first())
        .bind(month.last())
        .all()
        .await?;
    let answers = |row: Row| Answers {
        provider: row.provider,
        model: row.model,
        batched: row.batched,
        measures: Measures::from_number(row.measures),
        within: row.in_month == 1,
        paid: row.paid,
    };
    Ok(rows.into_iter().map(answers).collect())
}
