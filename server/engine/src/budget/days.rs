//! The table `spending_days`: what was spent on each day, and for what.

use super::{Kind, Line, Month};
use crate::{
    cost_control::Measures,
    provider::Usage,
    store::{CourseId, DbError, Exec, NanoUsd, Rows},
};
use chrono::NaiveDate;
use std::collections::BTreeMap;

const ROWS: Rows = Rows {
    insert: "INSERT INTO spending_days (day, course_id, cost_centre, provider, model, batched, measures, spent_nano, \
             answers, input_tokens, cached_tokens, cache_write_tokens, cache_write_long_tokens, output_tokens)",
    columns: 14,
    tail: "ON CONFLICT (day, course_id, cost_centre, provider, model, batched, measures) DO UPDATE SET \
           spent_nano = spending_days.spent_nano + excluded.spent_nano, \
           answers = spending_days.answers + excluded.answers, \
           input_tokens = spending_days.input_tokens + excluded.input_tokens, \
           cached_tokens = spending_days.cached_tokens + excluded.cached_tokens, \
           cache_write_tokens = spending_days.cache_write_tokens + excluded.cache_write_tokens, \
           cache_write_long_tokens = spending_days.cache_write_long_tokens + excluded.cache_write_long_tokens, \
           output_tokens = spending_days.output_tokens + excluded.output_tokens",
};

/// What money went to: a course at a model, by one route.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, sqlx::FromRow)]
pub struct Way {
    /// The course.
    pub course_id: CourseId,
    /// The course's cost centre.
    pub cost_centre: String,
    /// Provider's name.
    pub provider: String,
    /// The model.
    pub model: String,
    /// In a batch; else by calls in real time.
    pub batched: bool,
}

/// What was paid for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct Paid {
    /// Spent.
    #[sqlx(rename = "spent_nano")]
    pub spent: NanoUsd,
    /// Answers.
    pub answers: i64,
    /// All tokens read.
    pub input_tokens: i64,
    /// Of these, from the provider's cache.
    pub cached_tokens: i64,
    /// Of these, written to the cache for a short time.
    pub cache_write_tokens: i64,
    /// Of these, written to the cache for a long time.
    pub cache_write_long_tokens: i64,
    /// All tokens written.
    pub output_tokens: i64,
}

impl Paid {
    /// Adds another sum.
    pub fn add(&mut self, other: &Self) {
        self.spent += other.spent;
        self.answers += other.answers;
        self.input_tokens += other.input_tokens;
        self.cached_tokens += other.cached_tokens;
        self.cache_write_tokens += other.cache_write_tokens;
        self.cache_write_long_tokens += other.cache_write_long_tokens;
        self.output_tokens += other.output_tokens;
    }

    /// The tokens as a provider without its cache would have counted them.
    #[must_use]
    pub fn uncached(&self) -> Usage {
        Usage {
            input_tokens: count(self.input_tokens),
            output_tokens: count(self.output_tokens),
            ..Usage::default()
        }
    }

    /// The tokens read alone.
    #[must_use]
    pub fn read(&self) -> Usage {
        Usage {
            input_tokens: count(self.input_tokens),
            cached_tokens: count(self.cached_tokens),
            cache_write_tokens: count(self.cache_write_tokens),
            cache_write_long_tokens: count(self.cache_write_long_tokens),
            ..Usage::default()
        }
    }

    /// The columns of sums, as a query asks for them.
    pub(crate) fn sums() -> String {
        let sum = |column: &str| format!("CAST(SUM({column}) AS BIGINT) AS {column}");
        let columns = [
            "spent_nano",
            "answers",
            "input_tokens",
            "cached_tokens",
            "cache_write_tokens",
            "cache_write_long_tokens",
            "output_tokens",
        ];
        columns.map(sum).join(", ")
    }
}

fn count(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

/// Moves the sums by lines of the ledger.
pub(super) async fn add(x: &mut impl Exec, lines: &[Line]) -> Result<(), DbError> {
    // In the order of their keys, as all rows that transactions share.
    let mut sums: BTreeMap<(NaiveDate, Way, Measures), Paid> = BTreeMap::new();
    for line in lines.iter().filter(|line| matches!(line.kind, Kind::Settle | Kind::Lost)) {
        let way = Way {
            course_id: line.account.course_id,
            cost_centre: line.account.cost_centre.clone(),
            provider: line.account.provider.clone(),
            model: line.account.model.clone(),
            batched: line.batch_id.is_some(),
        };
        sums.entry((line.day, way, line.measures)).or_default().add(&Paid {
            spent: line.spent,
            answers: i64::from(line.kind == Kind::Settle),
            input_tokens: line.tokens.input_tokens,
            cached_tokens: line.tokens.cached_tokens,
            cache_write_tokens: line.tokens.cache_write_tokens,
            cache_write_long_tokens: line.tokens.cache_write_long_tokens,
            output_tokens: line.tokens.output_tokens,
        });
    }
    let sums: Vec<_> = sums.into_iter().collect();
    ROWS.insert(x, &sums, |q, ((day, way, measures), paid)| {
        q.put(*day);
        q.put(way.course_id);
        q.put(way.cost_centre.clone());
        q.put(way.provider.clone());
        q.put(way.model.clone());
        q.put(way.batched);
        q.put(measures.number());
        q.put(paid.spent);
        q.put(paid.answers);
        q.put(paid.input_tokens);
        q.put(paid.cached_tokens);
        q.put(paid.cache_write_tokens);
        q.put(paid.cache_write_long_tokens);
        q.put(paid.output_tokens);
    })
    .await
}

/// What was spent from one day to another, on each day on which something was; of one course, or of all.
///
/// # Errors
/// If the database fails.
pub async fn by_day(
    x: &mut impl Exec,
    (from, to): (NaiveDate, NaiveDate),
    course: Option<CourseId>,
) -> Result<Vec<(NaiveDate, NanoUsd)>, DbError> {
    let of = if course.is_some() { "AND course_id = $3 " } else { "" };
    let mut query = x.query(format!(
        "SELECT day, CAST(SUM(spent_nano) AS BIGINT) FROM spending_days WHERE day >= $1 AND day <= $2 {of}\
         GROUP BY day ORDER BY day"
    ));
    query.put(from);
    query.put(to);
    if let Some(course) = course {
        query.put(course);
    }
    query.all().await
}

/// The same as sums: what was spent by the end of each day from one to another.
#[must_use]
pub fn summed(from: NaiveDate, to: NaiveDate, by_day: &[(NaiveDate, NanoUsd)]) -> Vec<(NaiveDate, NanoUsd)> {
    let mut sum = NanoUsd::ZERO;
    from.iter_days()
        .take_while(|day| *day <= to)
        .map(|day| {
            sum += by_day.iter().filter(|(at, _)| *at == day).map(|(_, spent)| *spent).sum();
            (day, sum)
        })
        .collect()
}

/// What the money of a month went to.
///
/// # Errors
/// If the database fails.
pub async fn by_way(x: &mut impl Exec, month: Month) -> Result<Vec<(Way, Paid)>, DbError> {
    by_way_until(x, month, month.next().first()).await
}

/// The same of its days before one of them.
///
/// # Errors
/// If the database fails.
pub async fn by_way_until(
    x: &mut impl Exec,
    month: Month,
    before: NaiveDate,
) -> Result<Vec<(Way, Paid)>, DbError> {
    #[derive(sqlx::FromRow)]
    struct Row {
        #[sqlx(flatten)]
        way: Way,
        #[sqlx(flatten)]
        paid: Paid,
    }
    let rows: Vec<Row> = x
        .query(format!(
            "SELECT course_id, cost_centre, provider, model, batched, {} FROM spending_days \
             WHERE day >= $1 AND day < $2 GROUP BY course_id, cost_centre, provider, model, batched \
             ORDER BY cost_centre, course_id, provider, model, batched",
            Paid::sums()
        ))
        .bind(month.first())
        .bind(before)
        .all()
        .await?;
    Ok(rows.into_iter().map(|row| (row.way, row.paid)).collect())
}
