//! The tables `dead_letters`, `request_edits` and `dead_letter_looks`.

use super::{
    Recovery,
    dead_letter::{Cause, DeadLetter, Death, Decided, next_recovery},
    edit::Prepared,
    filter::Filter,
};
use crate::{
    identity::Person,
    store::{
        AssignmentId, DbError, DeadLetterId, EditId, Exec, JobId, LookId, Rows, SubmissionId, World,
        in_chunks,
    },
};
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
        let mut query = x.query_in_order(format!(
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
    a.course_id, s.student_id, p.email AS student, d.provider, d.model, d.route, d.cause, d.why, d.died_at, \
    d.recoveries, d.recover_at, d.resolution, d.resolved_at, d.resolved_by, r.name AS resolver, d.reason \
    FROM dead_letters d JOIN submissions s ON s.id = d.submission_id JOIN assignments a ON a.id = s.assignment_id \
    JOIN people p ON p.id = s.student_id LEFT JOIN people r ON r.id = d.resolved_by";

/// A dead letter.
///
/// # Errors
/// If the database fails.
pub async fn find(x: &mut impl Exec, id: DeadLetterId) -> Result<Option<DeadLetter>, DbError> {
    x.query(format!("{SELECT} WHERE d.id = $1")).bind(id).opt().await
}

/// All dead letters of a job, the first first.
///
/// # Errors
/// If the database fails.
pub async fn of_job(x: &mut impl Exec, job: JobId) -> Result<Vec<DeadLetter>, DbError> {
    x.query(format!("{SELECT} WHERE d.job_id = $1 ORDER BY d.died_at, d.id")).bind(job).all().await
}

/// The open dead letter of a submission, where it has one.
///
/// # Errors
/// If the database fails.
pub async fn open_of(x: &mut impl Exec, submission: SubmissionId) -> Result<Option<DeadLetterId>, DbError> {
    let row: Option<(DeadLetterId,)> = x
        .query(
            "SELECT d.id FROM model_jobs j JOIN dead_letters d ON d.job_id = j.id \
             WHERE j.submission_id = $1 AND d.resolution IS NULL",
        )
        .bind(submission)
        .opt()
        .await?;
    Ok(row.map(|(id,)| id))
}

/// Why and when a submission was closed without marks, where it was.
///
/// # Errors
/// If the database fails.
pub async fn closing_of(
    x: &mut impl Exec,
    submission: SubmissionId,
) -> Result<Option<(String, DateTime<Utc>)>, DbError> {
    x.query(
        "SELECT COALESCE(d.reason, ''), d.resolved_at FROM model_jobs j JOIN dead_letters d ON d.job_id = j.id \
         WHERE j.submission_id = $1 AND d.resolution = 'discarded' ORDER BY d.resolved_at DESC LIMIT 1",
    )
    .bind(submission)
    .opt()
    .await
}

/// How many dead letters there are.
///
/// # Errors
/// If the database fails.
pub async fn count(x: &mut impl Exec, filter: &Filter) -> Result<i64, DbError> {
    let mut query = x.query(format!(
        "SELECT COUNT(*) FROM dead_letters d JOIN submissions s ON s.id = d.submission_id WHERE {}",
        filter.sql()
    ));
    filter.bind(&mut query);
    let (total,): (i64,) = query.one().await?;
    Ok(total)
}

/// Dead letters, the newest first.
///
/// # Errors
/// If the database fails.
pub async fn list(
    x: &mut impl Exec,
    filter: &Filter,
    skip: i64,
    most: i64,
) -> Result<Vec<DeadLetter>, DbError> {
    let mut query = x.query(format!(
        "{SELECT} WHERE {} ORDER BY d.died_at DESC, d.id DESC LIMIT ${} OFFSET ${}",
        filter.sql(),
        Filter::PLACES + 1,
        Filter::PLACES + 2
    ));
    filter.bind(&mut query);
    query.bind(most).bind(skip).all().await
}

/// Ids of dead letters, the oldest first.
///
/// # Errors
/// If the database fails.
pub async fn ids(x: &mut impl Exec, filter: &Filter, most: i64) -> Result<Vec<DeadLetterId>, DbError> {
    let mut query = x.query(format!(
        "SELECT d.id FROM dead_letters d JOIN submissions s ON s.id = d.submission_id WHERE {} \
         ORDER BY d.died_at, d.id LIMIT ${}",
        filter.sql(),
        Filter::PLACES + 1
    ));
    filter.bind(&mut query);
    let rows: Vec<(DeadLetterId,)> = query.bind(most).all().await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// The providers of dead letters, by name, and the assignments, by title: what a list can be narrowed to.
///
/// # Errors
/// If the database fails.
pub async fn choices(x: &mut impl Exec) -> Result<(Vec<String>, Vec<(AssignmentId, String)>), DbError> {
    let providers: Vec<(String,)> =
        x.query("SELECT DISTINCT provider FROM dead_letters ORDER BY provider").all().await?;
    let assignments = x
        .query(
            "SELECT a.id, a.title FROM assignments a WHERE a.id IN (SELECT s.assignment_id FROM dead_letters d \
             JOIN submissions s ON s.id = d.submission_id) ORDER BY a.title, a.id",
        )
        .all()
        .await?;
    Ok((providers.into_iter().map(|(name,)| name).collect(), assignments))
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

// Summaries -------------------------------------------------------------------------------------------------------------

/// Open dead letters that a person must look at and no summary has counted.
const UNTOLD: &str = "resolution IS NULL AND recover_at IS NULL AND told_at IS NULL";

/// There are dead letters that a person must look at and no summary has counted.
///
/// # Errors
/// If the database fails.
pub async fn any_untold(x: &mut impl Exec) -> Result<bool, DbError> {
    let row: Option<(DeadLetterId,)> =
        x.query(format!("SELECT id FROM dead_letters WHERE {UNTOLD} LIMIT 1")).opt().await?;
    Ok(row.is_some())
}

/// When the last summary was made, but for one made at this very time.
///
/// # Errors
/// If the database fails.
pub async fn last_told(
    x: &mut impl Exec,
    but: Option<DateTime<Utc>>,
) -> Result<Option<DateTime<Utc>>, DbError> {
    let (at,): (Option<DateTime<Utc>>,) = x
        .query("SELECT MAX(told_at) FROM dead_letters WHERE $1 IS NULL OR told_at <> $1")
        .bind(but)
        .one()
        .await?;
    Ok(at)
}

/// Notes that a summary counts all that none has counted; answers how many.
///
/// # Errors
/// If the database fails.
pub async fn set_told(x: &mut impl Exec, now: DateTime<Utc>) -> Result<u64, DbError> {
    x.query(format!("UPDATE dead_letters SET told_at = $1 WHERE {UNTOLD}")).bind(now).exec().await
}

/// How many open dead letters a person must look at, by cause, the most first.
///
/// # Errors
/// If the database fails.
pub async fn open_by_cause(x: &mut impl Exec) -> Result<Vec<(Cause, i64)>, DbError> {
    x.query(
        "SELECT cause, COUNT(*) FROM dead_letters WHERE resolution IS NULL AND recover_at IS NULL \
         GROUP BY cause ORDER BY 2 DESC, 1",
    )
    .all()
    .await
}

// Edits and looks -------------------------------------------------------------------------------------------------------

/// A change that a person made in a request before it was sent again.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Edited {
    /// When.
    pub made_at: DateTime<Utc>,
    /// The name of who did it; none: Quire itself.
    pub editor: Option<String>,
    /// Why.
    pub reason: String,
    /// Most tokens of the answer from then on.
    pub max_output: i64,
    /// What is sent in place of the work; none: the work as handed in.
    pub text: Option<String>,
}

pub(super) async fn insert_edit(
    x: &mut impl Exec,
    id: EditId,
    letter: &DeadLetter,
    prepared: &Prepared,
    decided: &Decided<'_>,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    x.query(
        "INSERT INTO request_edits (id, dead_letter_id, job_id, made_at, made_by, reason, max_output, text) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(id)
    .bind(letter.id)
    .bind(letter.job_id)
    .bind(now)
    .bind(decided.by.map(|person| person.id))
    .bind(decided.reason.unwrap_or_default().to_owned())
    .bind(prepared.max_output)
    .bind(prepared.text.clone())
    .exec()
    .await?;
    Ok(())
}

/// The edits of a job's request, the first first.
///
/// # Errors
/// If the database fails.
pub async fn edits(x: &mut impl Exec, job: JobId) -> Result<Vec<Edited>, DbError> {
    x.query(
        "SELECT e.made_at, p.name AS editor, e.reason, e.max_output, e.text FROM request_edits e \
         LEFT JOIN people p ON p.id = e.made_by WHERE e.job_id = $1 ORDER BY e.made_at, e.id",
    )
    .bind(job)
    .all()
    .await
}

pub(super) async fn insert_look(
    x: &mut impl Exec,
    world: &World,
    letter: DeadLetterId,
    by: Option<&Person>,
) -> Result<(), DbError> {
    x.query(
        "INSERT INTO dead_letter_looks (id, dead_letter_id, looked_at, looked_by) VALUES ($1, $2, $3, $4)",
    )
    .bind(world.id::<LookId>())
    .bind(letter)
    .bind(world.now())
    .bind(by.map(|person| person.id))
    .exec()
    .await?;
    Ok(())
}

/// When the student's text was shown with a job's dead letters, and to whom, the first first.
///
/// # Errors
/// If the database fails.
pub async fn looks(x: &mut impl Exec, job: JobId) -> Result<Vec<(DateTime<Utc>, Option<String>)>, DbError> {
    x.query(
        "SELECT l.looked_at, p.name FROM dead_letter_looks l JOIN dead_letters d ON d.id = l.dead_letter_id \
         LEFT JOIN people p ON p.id = l.looked_by WHERE d.job_id = $1 ORDER BY l.looked_at, l.id",
    )
    .bind(job)
    .all()
    .await
}
