//! The table `dead_letters`.

use super::{
    Recovery,
    dead_letter::{Cause, DeadLetter, Death, Decided, next_recovery},
};
use crate::store::{DbError, DeadLetterId, Exec, JobId, Rows, World, in_chunks};
use chrono::{DateTime, Utc};
use std::collections::HashMap;

const DEATHS: Rows = Rows {
    insert: "INSERT INTO dead_letters (id, job_id, submission_id, provider, model, route, cause, why, died_at, \
             recoveries, recover_at)",
    columns: 11,
    tail: "",
};

/// Writes deaths; answers those of them that a person must look at.
///
/// # Errors
/// If the database fails, or a job has an open dead letter already.
pub async fn insert<'a>(
    x: &mut impl Exec,
    world: &World,
    waits: &Recovery,
    deaths: &'a [Death],
) -> Result<Vec<&'a Death>, DbError> {
    if deaths.is_empty() {
        return Ok(Vec::new());
    }
    let now = world.now();
    let jobs: Vec<JobId> = deaths.iter().map(|death| death.job.id).collect();
    let recoveries = recoveries(x, &jobs).await?;
    let of = |death: &Death| recoveries.get(&death.job.id).copied().unwrap_or(0);
    DEATHS
        .insert(x, deaths, |q, death| {
            let job = &death.job;
            q.put(world.id::<DeadLetterId>());
            q.put(job.id);
            q.put(job.submission_id);
            q.put(job.provider.clone());
            q.put(job.model.clone());
            q.put(job.route);
            q.put(death.cause);
            q.put(death.why.clone());
            q.put(now);
            q.put(of(death));
            q.put(next_recovery(waits, death.cause, of(death)).map(|wait| now + wait));
        })
        .await?;
    Ok(deaths.iter().filter(|death| next_recovery(waits, death.cause, of(death)).is_none()).collect())
}

/// The scheduled recoveries that jobs had so far.
async fn recoveries(x: &mut impl Exec, jobs: &[JobId]) -> Result<HashMap<JobId, i64>, DbError> {
    let mut counts = HashMap::new();
    for (places, chunk) in in_chunks(jobs) {
        let mut query = x.query(format!(
            "SELECT job_id, COUNT(*) FROM dead_letters WHERE resolution = 'recovered' AND job_id IN ({places}) \
             GROUP BY job_id"
        ));
        for id in chunk {
            query.put(*id);
        }
        counts.extend(query.all::<(JobId, i64)>().await?);
    }
    Ok(counts)
}

const SELECT: &str = "SELECT d.id, d.job_id, d.submission_id, s.tracking_id, s.assignment_id, a.title AS assignment, \
    p.email AS student, d.provider, d.model, d.route, d.cause, d.why, d.died_at, d.recoveries, d.recover_at, \
    d.resolution, d.resolved_at, d.resolved_by, d.reason \
    FROM dead_letters d JOIN submissions s ON s.id = d.submission_id JOIN assignments a ON a.id = s.assignment_id \
    JOIN people p ON p.id = s.student_id";

/// A dead letter.
///
/// # Errors
/// If the database fails.
pub async fn find(x: &mut impl Exec, id: DeadLetterId) -> Result<Option<DeadLetter>, DbError> {
    x.query(format!("{SELECT} WHERE d.id = $1")).bind(id).opt().await
}

/// Which dead letters are asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Open ones, or those about which something was done; none: all.
    pub open: Option<bool>,
    /// Those of this cause only.
    pub cause: Option<Cause>,
}

impl Filter {
    /// `$1` is the cause.
    fn sql(self) -> &'static str {
        match self.open {
            None => "($1 IS NULL OR d.cause = $1)",
            Some(true) => "d.resolution IS NULL AND ($1 IS NULL OR d.cause = $1)",
            Some(false) => "d.resolution IS NOT NULL AND ($1 IS NULL OR d.cause = $1)",
        }
    }
}

/// A page of dead letters, the newest first, and how many there are in all.
///
/// # Errors
/// If the database fails.
pub async fn list(
    x: &mut impl Exec,
    filter: Filter,
    skip: i64,
    most: i64,
) -> Result<(Vec<DeadLetter>, i64), DbError> {
    let filtered = filter.sql();
    let (total,): (i64,) = x
        .query(format!("SELECT COUNT(*) FROM dead_letters d WHERE {filtered}"))
        .bind(filter.cause)
        .one()
        .await?;
    let rows = x
        .query(format!("{SELECT} WHERE {filtered} ORDER BY d.died_at DESC, d.id DESC LIMIT $2 OFFSET $3"))
        .bind(filter.cause)
        .bind(most)
        .bind(skip)
        .all()
        .await?;
    Ok((rows, total))
}

/// Open dead letters whose scheduled recovery is due, the longest due first.
///
/// # Errors
/// If the database fails.
pub async fn due(x: &mut impl Exec, now: DateTime<Utc>, most: i64) -> Result<Vec<DeadLetterId>, DbError> {
    let rows: Vec<(DeadLetterId,)> = x
        .query(
            "SELECT id FROM dead_letters WHERE resolution IS NULL AND recover_at <= $1 ORDER BY recover_at LIMIT $2",
        )
        .bind(now)
        .bind(most)
        .all()
        .await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Writes what was done; false where something had been done already.
///
/// # Errors
/// If the database fails.
pub(super) async fn resolve(
    x: &mut impl Exec,
    id: DeadLetterId,
    decided: &Decided<'_>,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let rows = x
        .query(
            "UPDATE dead_letters SET resolution = $2, resolved_at = $3, resolved_by = $4, reason = $5, \
             recover_at = NULL WHERE id = $1 AND resolution IS NULL",
        )
        .bind(id)
        .bind(decided.resolution)
        .bind(now)
        .bind(decided.by.map(|person| person.id))
        .bind(decided.reason.map(str::to_owned))
        .exec()
        .await?;
    Ok(rows == 1)
}
