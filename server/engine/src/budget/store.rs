//! The tables `ledger`, `spending` and `budgets`.

use super::{Budget, Line, Spending, limit::INSTITUTION};
use crate::store::{DbError, Dialect, Exec, JobId, NanoUsd, Rows, World};
use std::collections::BTreeMap;

const LINES: Rows = Rows {
    insert: "INSERT INTO ledger (id, at, month, kind, job_id, batch_id, call_id, provider, model, course_id, \
             cost_centre, reserved_nano, expected_nano, spent_nano, response_id, input_tokens, cached_tokens, \
             cache_write_tokens, cache_write_long_tokens, output_tokens, reasoning_tokens, note)",
    columns: 22,
    tail: "",
};

const SUMS: Rows = Rows {
    insert: "INSERT INTO spending (month, scope, reserved_nano, expected_nano, spent_nano)",
    columns: 5,
    tail: "ON CONFLICT (month, scope) DO UPDATE SET \
           reserved_nano = spending.reserved_nano + excluded.reserved_nano, \
           expected_nano = spending.expected_nano + excluded.expected_nano, \
           spent_nano = spending.spent_nano + excluded.spent_nano",
};

/// Writes lines and moves the month's sums by them; to be called within the transaction of what they record.
///
/// # Errors
/// If the database fails, or an answer (provider and response id) was booked before.
pub async fn record(x: &mut impl Exec, lines: &[Line]) -> Result<(), DbError> {
    LINES
        .insert(x, lines, |q, line| {
            q.put(line.id);
            q.put(line.at);
            q.put(line.month.clone());
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
    // In the order of their keys, so that two transactions never wait for each other in a circle.
    let mut sums: BTreeMap<(String, String), [NanoUsd; 3]> = BTreeMap::new();
    for line in lines {
        for scope in [INSTITUTION.to_owned(), line.account.course_id.to_string()] {
            let sum = sums.entry((line.month.clone(), scope)).or_default();
            sum[0] += line.reserved;
            sum[1] += line.expected;
            sum[2] += line.spent;
        }
    }
    let sums: Vec<_> = sums.into_iter().collect();
    SUMS.insert(x, &sums, |q, ((month, scope), [reserved, expected, spent])| {
        q.put(month.clone());
        q.put(scope.clone());
        q.put(*reserved);
        q.put(*expected);
        q.put(*spent);
    })
    .await
}

/// The sums of a month, all scopes.
///
/// # Errors
/// If the database fails.
pub async fn spending(x: &mut impl Exec, month: &str) -> Result<Vec<Spending>, DbError> {
    x.query("SELECT scope, reserved_nano, expected_nano, spent_nano FROM spending WHERE month = $1 ORDER BY scope")
        .bind(month.to_owned())
        .all()
        .await
}

/// The sums of a month, kept from changing until the transaction ends.
///
/// # Errors
/// If the database fails.
pub async fn spending_for_update(x: &mut impl Exec, month: &str) -> Result<Vec<Spending>, DbError> {
    let lock = match x.dialect() {
        Dialect::Sqlite => "",
        Dialect::Postgres => " FOR UPDATE",
    };
    // The institution's row is there from then on, so that there is something to lock.
    x.query(
        "INSERT INTO spending (month, scope, reserved_nano, expected_nano, spent_nano) VALUES ($1, $2, 0, 0, 0) \
         ON CONFLICT (month, scope) DO NOTHING",
    )
    .bind(month.to_owned())
    .bind(INSTITUTION.to_owned())
    .exec()
    .await?;
    x.query(format!(
        "SELECT scope, reserved_nano, expected_nano, spent_nano FROM spending WHERE month = $1 ORDER BY scope{lock}"
    ))
    .bind(month.to_owned())
    .all()
    .await
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
    limit: NanoUsd,
    hard_stop: bool,
) -> Result<(), DbError> {
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

const COLUMNS: &str = "SELECT id, at, month, kind, job_id, batch_id, call_id, provider, model, course_id, \
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

/// What was spent in a month, summed by line time to the hour, the first first.
///
/// # Errors
/// If the database fails.
pub async fn spent_by_hour(
    x: &mut impl Exec,
    month: &str,
) -> Result<Vec<(chrono::DateTime<chrono::Utc>, NanoUsd)>, DbError> {
    let hour = match x.dialect() {
        Dialect::Sqlite => "substr(at, 1, 13)",
        Dialect::Postgres => "date_trunc('hour', at)",
    };
    x.query(format!(
        "SELECT MIN(at), CAST(SUM(spent_nano) AS BIGINT) FROM ledger WHERE month = $1 GROUP BY {hour} ORDER BY 1"
    ))
    .bind(month.to_owned())
    .all()
    .await
}

/// Tokens that were paid for, by provider and model.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct PaidTokens {
    /// Provider's name.
    pub provider: String,
    /// The model.
    pub model: String,
    input_tokens: i64,
    output_tokens: i64,
}

impl PaidTokens {
    /// As a provider without its cache would have counted them.
    #[must_use]
    pub fn usage(&self) -> crate::provider::Usage {
        crate::provider::Usage {
            input_tokens: u64::try_from(self.input_tokens).unwrap_or(0),
            output_tokens: u64::try_from(self.output_tokens).unwrap_or(0),
            ..crate::provider::Usage::default()
        }
    }
}

/// Tokens that were paid for in a month.
///
/// # Errors
/// If the database fails.
pub async fn tokens_of_month(x: &mut impl Exec, month: &str) -> Result<Vec<PaidTokens>, DbError> {
    x.query(
        "SELECT provider, model, CAST(SUM(input_tokens) AS BIGINT) AS input_tokens, \
         CAST(SUM(output_tokens) AS BIGINT) AS output_tokens FROM ledger \
         WHERE month = $1 AND kind = 'settle' GROUP BY provider, model ORDER BY provider, model",
    )
    .bind(month.to_owned())
    .all()
    .await
}
