//! The tables `ledger`, `held`, `spending`, `budgets`, `budget_changes` and `budget_alerts`.

use super::{Budget, Line, Month, Spending, day_of, days, limit::INSTITUTION};
use crate::{
    provider::cache::Marked,
    store::{BudgetAlertId, BudgetChangeId, DbError, Dialect, Exec, JobId, NanoUsd, PersonId, Rows, World},
};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use std::collections::{BTreeMap, HashMap, HashSet};

const LINES: Rows = Rows {
    insert: "INSERT INTO ledger (id, at, day, kind, job_id, batch_id, call_id, provider, model, course_id, \
             cost_centre, reserved_nano, expected_nano, spent_nano, response_id, input_tokens, cached_tokens, \
             cache_write_tokens, cache_write_long_tokens, output_tokens, reasoning_tokens, note)",
    columns: 22,
    tail: "",
};

const HELD: Rows = Rows {
    insert: "INSERT INTO held (scope, reserved_nano, expected_nano)",
    columns: 3,
    tail: "ON CONFLICT (scope) DO UPDATE SET reserved_nano = held.reserved_nano + excluded.reserved_nano, \
           expected_nano = held.expected_nano + excluded.expected_nano",
};

const SPENT: Rows = Rows {
    insert: "INSERT INTO spending (month, scope, spent_nano)",
    columns: 3,
    tail: "ON CONFLICT (month, scope) DO UPDATE SET spent_nano = spending.spent_nano + excluded.spent_nano",
};

/// Writes lines and moves all sums by them; to be called within the transaction of what they record.
///
/// # Errors
/// If the database fails, or an answer (provider and response id) was booked before.
pub async fn record(x: &mut impl Exec, lines: &[Line]) -> Result<(), DbError> {
    LINES
        .insert(x, lines, |q, line| {
            q.put(line.id);
            q.put(line.at);
            q.put(line.day);
            q.put(line.kind);
            q.put(line.account.job_id);
            q.put(line.batch_id);
            q.put(line.call_id);
            q.put(line.account.provider.clone());
            q.put(line.account.model.clone());
            q.put(line.account.course_id);
            q.put(line.account.cost_centre.clone());
            q.put(line.reserved);
            q.put(line.expected);
            q.put(line.spent);
            q.put(line.response_id.clone());
            q.put(line.tokens.input_tokens);
            q.put(line.tokens.cached_tokens);
            q.put(line.tokens.cache_write_tokens);
            q.put(line.tokens.cache_write_long_tokens);
            q.put(line.tokens.output_tokens);
            q.put(line.tokens.reasoning_tokens);
            q.put(line.note.clone());
        })
        .await?;
    // Each table's rows in the order of their keys, and the tables always in this order, so that two transactions never
    // wait for each other in a circle.
    let mut held: BTreeMap<String, [NanoUsd; 2]> = BTreeMap::new();
    let mut spent: BTreeMap<(String, String), NanoUsd> = BTreeMap::new();
    for line in lines {
        for scope in [INSTITUTION.to_owned(), line.account.course_id.to_string()] {
            if line.spent != NanoUsd::ZERO {
                *spent.entry((Month::of(line.day).to_string(), scope.clone())).or_default() += line.spent;
            }
            let sums = held.entry(scope).or_default();
            sums[0] += line.reserved;
            sums[1] += line.expected;
        }
    }
    let held: Vec<_> = held.into_iter().collect();
    HELD.insert(x, &held, |q, (scope, [reserved, expected])| {
        q.put(scope.clone());
        q.put(*reserved);
        q.put(*expected);
    })
    .await?;
    let spent: Vec<_> = spent.into_iter().collect();
    SPENT
        .insert(x, &spent, |q, ((month, scope), spent)| {
            q.put(month.clone());
            q.put(scope.clone());
            q.put(*spent);
        })
        .await?;
    days::add(x, lines).await
}

/// What is held now, and what was spent in a month; all scopes in order.
///
/// # Errors
/// If the database fails.
pub async fn spending(x: &mut impl Exec, month: Month) -> Result<Vec<Spending>, DbError> {
    sums(x, month, "").await
}

/// The same, kept from changing until the transaction ends.
///
/// # Errors
/// If the database fails.
pub async fn spending_for_update(x: &mut impl Exec, month: Month) -> Result<Vec<Spending>, DbError> {
    let lock = match x.dialect() {
        Dialect::Sqlite => "",
        Dialect::Postgres => " FOR UPDATE",
    };
    // The institution's row is there from then on, so that there is something to lock: whatever is held or spent moves it.
    x.query(
        "INSERT INTO held (scope, reserved_nano, expected_nano) VALUES ($1, 0, 0) ON CONFLICT (scope) DO NOTHING",
    )
    .bind(INSTITUTION.to_owned())
    .exec()
    .await?;
    sums(x, month, lock).await
}

async fn sums(x: &mut impl Exec, month: Month, lock: &str) -> Result<Vec<Spending>, DbError> {
    let held: Vec<(String, NanoUsd, NanoUsd)> = x
        .query(format!("SELECT scope, reserved_nano, expected_nano FROM held ORDER BY scope{lock}"))
        .all()
        .await?;
    let spent: Vec<(String, NanoUsd)> = x
        .query(format!("SELECT scope, spent_nano FROM spending WHERE month = $1 ORDER BY scope{lock}"))
        .bind(month.to_string())
        .all()
        .await?;
    let mut sums: BTreeMap<String, Spending> = BTreeMap::new();
    for (scope, reserved, expected) in held {
        let sum = Spending { scope: scope.clone(), reserved, expected, spent: NanoUsd::ZERO };
        sums.insert(scope, sum);
    }
    for (scope, spent) in spent {
        let sum = sums.entry(scope.clone()).or_insert_with(|| Spending { scope, ..Spending::default() });
        sum.spent = spent;
    }
    Ok(sums.into_values().collect())
}

/// All budgets.
///
/// # Errors
/// If the database fails.
pub async fn budgets(x: &mut impl Exec) -> Result<Vec<Budget>, DbError> {
    x.query("SELECT id, scope, limit_nano, hard_stop FROM budgets ORDER BY scope").all().await
}

/// Creates or changes the budget of a scope (`all` or a course's id).
///
/// # Errors
/// If the database fails.
pub async fn save_budget(
    x: &mut impl Exec,
    world: &World,
    scope: &str,
    (limit, hard_stop): (NanoUsd, bool),
    by: Option<PersonId>,
) -> Result<(), DbError> {
    note_change(x, world, scope, Some((limit, hard_stop)), by).await?;
    x.query(
        "INSERT INTO budgets (id, scope, limit_nano, hard_stop) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (scope) DO UPDATE SET limit_nano = excluded.limit_nano, hard_stop = excluded.hard_stop",
    )
    .bind(world.id::<crate::store::BudgetId>())
    .bind(scope.to_owned())
    .bind(limit)
    .bind(hard_stop)
    .exec()
    .await?;
    Ok(())
}

/// Removes the budget of a scope; false where there was none.
///
/// # Errors
/// If the database fails.
pub(super) async fn remove_budget(
    x: &mut impl Exec,
    world: &World,
    scope: &str,
    by: Option<PersonId>,
) -> Result<bool, DbError> {
    let rows = x.query("DELETE FROM budgets WHERE scope = $1").bind(scope.to_owned()).exec().await?;
    if rows > 0 {
        note_change(x, world, scope, None, by).await?;
    }
    Ok(rows > 0)
}

/// A budget was set or removed.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct BudgetChange {
    /// When.
    #[sqlx(rename = "changed_at")]
    pub at: DateTime<Utc>,
    /// `all` for the institution, or a course's id.
    pub scope: String,
    /// How much a month from then on; none: it was removed.
    #[sqlx(rename = "limit_nano")]
    pub limit: Option<NanoUsd>,
    /// At the limit, work is queued and not sent.
    pub hard_stop: bool,
    /// The name of who did; none: the set-up file, or a person who is gone.
    #[sqlx(rename = "by_name")]
    pub by: Option<String>,
}

async fn note_change(
    x: &mut impl Exec,
    world: &World,
    scope: &str,
    budget: Option<(NanoUsd, bool)>,
    by: Option<PersonId>,
) -> Result<(), DbError> {
    let (limit, hard_stop) = budget.unzip();
    x.query(
        "INSERT INTO budget_changes (id, changed_at, scope, limit_nano, hard_stop, changed_by) \
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(world.id::<BudgetChangeId>())
    .bind(world.now())
    .bind(scope.to_owned())
    .bind(limit)
    .bind(hard_stop.unwrap_or(false))
    .bind(by)
    .exec()
    .await?;
    Ok(())
}

/// The budgets as they were at a time.
pub(super) async fn budgets_at(x: &mut impl Exec, at: DateTime<Utc>) -> Result<Vec<Budget>, DbError> {
    x.query(
        "SELECT c.id, c.scope, c.limit_nano, c.hard_stop FROM budget_changes c \
         WHERE c.changed_at < $1 AND c.limit_nano IS NOT NULL AND NOT EXISTS \
         (SELECT 1 FROM budget_changes d WHERE d.scope = c.scope AND d.changed_at < $1 AND d.id > c.id) \
         ORDER BY c.scope",
    )
    .bind(at)
    .all()
    .await
}

/// What was set and removed in a time, the newest first, at most `most`.
pub(super) async fn changes(
    x: &mut impl Exec,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
    most: i64,
) -> Result<Vec<BudgetChange>, DbError> {
    x.query(
        "SELECT c.changed_at, c.scope, c.limit_nano, c.hard_stop, p.name AS by_name FROM budget_changes c \
         LEFT JOIN people p ON p.id = c.changed_by WHERE c.changed_at >= $1 AND c.changed_at < $2 \
         ORDER BY c.id DESC LIMIT $3",
    )
    .bind(from)
    .bind(to)
    .bind(most)
    .all()
    .await
}

/// What was told of in a month: scope, threshold and the limit then.
pub(super) async fn told(
    x: &mut impl Exec,
    month: Month,
) -> Result<HashSet<(String, i64, NanoUsd)>, DbError> {
    let rows: Vec<(String, i64, NanoUsd)> = x
        .query("SELECT scope, percent, limit_nano FROM budget_alerts WHERE month = $1")
        .bind(month.to_string())
        .all()
        .await?;
    Ok(rows.into_iter().collect())
}

/// Notes that a threshold was passed; none where that is known.
pub(super) async fn note_alert(
    x: &mut impl Exec,
    world: &World,
    month: Month,
    budget: &Budget,
    percent: i64,
    used: NanoUsd,
) -> Result<Option<BudgetAlertId>, DbError> {
    let id: BudgetAlertId = world.id();
    let noted = x
        .query(
            "INSERT INTO budget_alerts (id, at, month, scope, course_id, percent, used_nano, limit_nano) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (month, scope, percent, limit_nano) DO NOTHING",
        )
        .bind(id)
        .bind(world.now())
        .bind(month.to_string())
        .bind(budget.scope.clone())
        .bind(budget.course())
        .bind(percent)
        .bind(used)
        .bind(budget.limit)
        .exec()
        .await?;
    Ok((noted == 1).then_some(id))
}

const COLUMNS: &str = "SELECT id, at, day, kind, job_id, batch_id, call_id, provider, model, course_id, \
    cost_centre, reserved_nano, expected_nano, spent_nano, response_id, input_tokens, cached_tokens, \
    cache_write_tokens, cache_write_long_tokens, output_tokens, reasoning_tokens, note FROM ledger";

/// All lines of a job, the first first.
///
/// # Errors
/// If the database fails.
pub async fn lines_of_job(x: &mut impl Exec, job: JobId) -> Result<Vec<Line>, DbError> {
    x.query(format!("{COLUMNS} WHERE job_id = $1 ORDER BY at, id")).bind(job).all().await
}

/// The line that books an answer.
///
/// # Errors
/// If the database fails.
pub async fn line_of_response(
    x: &mut impl Exec,
    provider: &str,
    response_id: &str,
) -> Result<Option<Line>, DbError> {
    x.query(format!("{COLUMNS} WHERE provider = $1 AND response_id = $2"))
        .bind(provider.to_owned())
        .bind(response_id.to_owned())
        .opt()
        .await
}

/// What was measured of providers' prompt caches in batches since a time, by provider and model: answers whose prompts were
/// read from the cache or written to it.
///
/// # Errors
/// If the database fails.
pub async fn marked(
    x: &mut impl Exec,
    since: DateTime<Utc>,
    zone: Tz,
) -> Result<HashMap<(String, String), Marked>, DbError> {
    /// The figures, and whose they are.
    #[derive(sqlx::FromRow)]
    struct Row {
        provider: String,
        model: String,
        #[sqlx(flatten)]
        marked: Marked,
    }
    let rows: Vec<Row> = x
        .query(
            "SELECT provider, model, COUNT(*) AS answers, CAST(SUM(cached_tokens) AS BIGINT) AS cached_tokens, \
             CAST(SUM(cache_write_tokens) AS BIGINT) AS cache_write_tokens, \
             CAST(SUM(cache_write_long_tokens) AS BIGINT) AS cache_write_long_tokens FROM ledger \
             WHERE day >= $1 AND at >= $2 AND kind = 'settle' AND batch_id IS NOT NULL \
             AND cached_tokens + cache_write_tokens + cache_write_long_tokens > 0 GROUP BY provider, model",
        )
        .bind(day_of(since, zone))
        .bind(since)
        .all()
        .await?;
    Ok(rows.into_iter().map(|row| ((row.provider, row.model), row.marked)).collect())
}
