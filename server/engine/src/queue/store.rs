//! The tables `model_jobs`, `decisions` and `past_decisions`. Each change of state is one statement with the old state in its condition.

mod queued;
mod same;

pub use queued::{Queued, queued};
pub use same::{Requested, requested, same_as, wait_no_longer, waits_over};

use super::{Job, JobState, Lane, Promise};
use crate::{
    routing::Decision,
    store::{
        AssignmentId, BatchId, DbError, EditId, Exec, JobId, Json, NanoUsd, PersonId, Rows, SubmissionId,
        in_chunks, places,
    },
    submission::{Sent, TrackingId},
};
use chrono::{DateTime, Utc};
use std::collections::HashMap;

const JOBS: Rows = Rows {
    insert: "INSERT INTO model_jobs (id, submission_id, state, lane, route, provider, model, priority, deadline, \
             arrived_at, joined, ready_at, input_tokens, output_tokens, max_output, bytes, work_bytes, attempt, failures, kills, \
             diverted, reserved_nano, expected_nano, course_id, cost_centre, likely_at, promised_at, \
             reckoned_p50, reckoned_p90, steps, hold)",
    columns: 31,
    tail: "",
};

const DECISIONS: Rows = Rows { insert: "INSERT INTO decisions (job_id, decision)", columns: 2, tail: "" };

/// Writes new jobs with the decisions that sent them their way, and what was promised of them.
///
/// # Errors
/// If the database fails, or a submission has a job already.
pub async fn insert(x: &mut impl Exec, jobs: &[(Job, Decision, Promise)]) -> Result<(), DbError> {
    JOBS.insert(x, jobs, |q, (job, _, promise)| {
        q.put(job.id);
        q.put(job.submission_id);
        q.put(job.state);
        q.put(job.lane);
        q.put(job.route);
        q.put(job.provider.clone());
        q.put(job.model.clone());
        q.put(job.priority);
        q.put(job.deadline);
        q.put(job.arrived_at);
        q.put(job.joined);
        q.put(job.ready_at);
        q.put(job.input_tokens);
        q.put(job.output_tokens);
        q.put(job.max_output);
        q.put(job.bytes);
        q.put(job.work_bytes);
        q.put(job.attempt);
        q.put(job.failures);
        q.put(job.kills);
        q.put(job.diverted);
        q.put(job.reserved);
        q.put(job.expected);
        q.put(job.course_id);
        q.put(job.cost_centre.clone());
        q.put(promise.estimate.from);
        q.put(promise.estimate.to);
        q.put(promise.reckoned.p50);
        q.put(promise.reckoned.p90);
        q.put(job.steps.clone());
        q.put(job.hold);
    })
    .await?;
    DECISIONS
        .insert(x, jobs, |q, (job, decision, _)| {
            q.put(job.id);
            q.put(Json(decision.clone()));
        })
        .await?;
    Ok(())
}

const COLUMNS: &str = "id, submission_id, state, lane, route, provider, model, priority, deadline, arrived_at, \
    joined, ready_at, input_tokens, output_tokens, max_output, bytes, work_bytes, attempt, failures, kills, diverted, batch_id, reserved_nano, \
    expected_nano, course_id, cost_centre, steps, hold";

/// A job.
///
/// # Errors
/// If the database fails.
pub async fn find(x: &mut impl Exec, id: JobId) -> Result<Option<Job>, DbError> {
    x.query(format!("SELECT {COLUMNS} FROM model_jobs WHERE id = $1")).bind(id).opt().await
}

/// Several jobs, in no order.
///
/// # Errors
/// If the database fails.
pub async fn find_many(x: &mut impl Exec, ids: &[JobId]) -> Result<Vec<Job>, DbError> {
    let mut jobs = Vec::with_capacity(ids.len());
    for (places, chunk) in in_chunks(ids) {
        let mut query = x.query_in_order(format!("SELECT {COLUMNS} FROM model_jobs WHERE id IN ({places})"));
        for id in chunk {
            query.put(*id);
        }
        jobs.extend(query.all().await?);
    }
    Ok(jobs)
}

/// Several jobs with the works that they mark, in no order.
///
/// # Errors
/// If the database fails.
pub async fn with_works(x: &mut impl Exec, ids: &[JobId]) -> Result<Vec<(Job, Sent)>, DbError> {
    #[derive(sqlx::FromRow)]
    struct Row {
        #[sqlx(flatten)]
        job: Job,
        assignment_id: AssignmentId,
        student_id: PersonId,
        text: String,
        handed_in: Option<String>,
    }
    let parts = |row: Row| {
        let Row { job, assignment_id, student_id, text, handed_in } = row;
        let id = job.submission_id;
        (job, Sent { id, assignment_id, student_id, text, handed_in })
    };
    let mut found = Vec::with_capacity(ids.len());
    for (places, chunk) in in_chunks(ids) {
        let mut query = x.query_in_order(format!(
            "SELECT j.*, s.assignment_id, s.student_id, COALESCE(e.text, w.text) AS text, \
             CASE WHEN e.text IS NOT NULL THEN w.text END AS handed_in \
             FROM (SELECT {COLUMNS}, edit_id FROM model_jobs WHERE id IN ({places})) j \
             JOIN submissions s ON s.id = j.submission_id JOIN works w ON w.submission_id = s.id \
             LEFT JOIN request_edits e ON e.id = j.edit_id"
        ));
        for id in chunk {
            query.put(*id);
        }
        found.extend(query.all::<Row>().await?.into_iter().map(parts));
    }
    Ok(found)
}

/// Jobs of a provider's model that may be sent now, in no order, at most `most` of them; those that wait for the answer to
/// the same request may not.
///
/// # Errors
/// If the database fails.
pub async fn ready(
    x: &mut impl Exec,
    provider: &str,
    model: &str,
    now: DateTime<Utc>,
    most: i64,
) -> Result<Vec<Job>, DbError> {
    x.query(format!(
        "SELECT {COLUMNS} FROM model_jobs WHERE state = 'queued' AND route = 'batch' AND provider = $1 AND model = $2 \
         AND ready_at <= $3 AND same_as IS NULL ORDER BY ready_at LIMIT $4"
    ))
    .bind(provider.to_owned())
    .bind(model.to_owned())
    .bind(now)
    .bind(most)
    .all()
    .await
}

/// What waits for one model of a provider.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Backlog {
    /// Provider's name.
    pub provider: String,
    /// The model.
    pub model: String,
    /// The lane.
    pub lane: Lane,
    /// Jobs that may be sent now.
    pub ready: i64,
    /// All that wait.
    pub waiting: i64,
    /// When the oldest of those that may be sent came.
    pub oldest: Option<DateTime<Utc>>,
    /// When marks of the most pressing of those are needed.
    pub soonest: Option<DateTime<Utc>>,
    /// Input tokens of those that may be sent, estimated.
    pub input_tokens: i64,
    /// Their output tokens, estimated.
    pub output_tokens: i64,
    /// Their bytes, estimated.
    pub bytes: i64,
}

/// What waits for batches, by provider, model and lane.
///
/// # Errors
/// If the database fails.
pub async fn backlog(x: &mut impl Exec, now: DateTime<Utc>) -> Result<Vec<Backlog>, DbError> {
    // Those that wait for the answer to the same request are not sent: no batch is to be cut for them.
    const READY: &str = "ready_at <= $1 AND same_as IS NULL";
    x.query(format!(
        "SELECT provider, model, lane, CAST(SUM(CASE WHEN {READY} THEN 1 ELSE 0 END) AS BIGINT) AS ready, \
         COUNT(*) AS waiting, MIN(CASE WHEN {READY} THEN arrived_at END) AS oldest, \
         MIN(CASE WHEN {READY} THEN deadline END) AS soonest, \
         CAST(SUM(CASE WHEN {READY} THEN input_tokens ELSE 0 END) AS BIGINT) AS input_tokens, \
         CAST(SUM(CASE WHEN {READY} THEN output_tokens ELSE 0 END) AS BIGINT) AS output_tokens, \
         CAST(SUM(CASE WHEN {READY} THEN bytes ELSE 0 END) AS BIGINT) AS bytes \
         FROM model_jobs WHERE state = 'queued' AND route = 'batch' GROUP BY provider, model, lane"
    ))
    .bind(now)
    .all()
    .await
}

/// Puts queued jobs into a batch; answers those that were still queued.
///
/// # Errors
/// If the database fails.
pub async fn put_into_batch(
    x: &mut impl Exec,
    ids: &[JobId],
    batch: BatchId,
    now: DateTime<Utc>,
) -> Result<Vec<JobId>, DbError> {
    let mut taken = Vec::with_capacity(ids.len());
    for chunk in ids.chunks(256) {
        let mut query = x.query_in_order(format!(
            "UPDATE model_jobs SET state = 'batched', batch_id = $1, started_at = COALESCE(started_at, $2) \
             WHERE state = 'queued' AND id IN ({}) RETURNING id",
            places(3, chunk.len())
        ));
        query.put(batch);
        query.put(now);
        for id in chunk {
            query.put(*id);
        }
        taken.extend(query.all::<(JobId,)>().await?.into_iter().map(|(id,)| id));
    }
    Ok(taken)
}

/// Moves jobs from one batch into another; answers those that were in it.
///
/// # Errors
/// If the database fails.
pub async fn move_to_batch(
    x: &mut impl Exec,
    ids: &[JobId],
    from: BatchId,
    to: BatchId,
) -> Result<Vec<JobId>, DbError> {
    let mut moved = Vec::with_capacity(ids.len());
    for chunk in ids.chunks(256) {
        let mut query = x.query_in_order(format!(
            "UPDATE model_jobs SET batch_id = $1 WHERE state = 'batched' AND batch_id = $2 AND id IN ({}) RETURNING id",
            places(3, chunk.len())
        ));
        query.put(to);
        query.put(from);
        for id in chunk {
            query.put(*id);
        }
        moved.extend(query.all::<(JobId,)>().await?.into_iter().map(|(id,)| id));
    }
    Ok(moved)
}

/// The assignments whose work jobs mark.
///
/// # Errors
/// If the database fails.
pub async fn assignments(x: &mut impl Exec, ids: &[JobId]) -> Result<HashMap<JobId, AssignmentId>, DbError> {
    let mut found = HashMap::with_capacity(ids.len());
    for (places, chunk) in in_chunks(ids) {
        let mut query = x.query_in_order(format!(
            "SELECT j.id, s.assignment_id FROM model_jobs j JOIN submissions s ON s.id = j.submission_id \
             WHERE j.id IN ({places})"
        ));
        for id in chunk {
            query.put(*id);
        }
        found.extend(query.all::<(JobId, AssignmentId)>().await?);
    }
    Ok(found)
}

/// Takes a queued job for a call in real time; false where it is no longer queued or not ready.
///
/// # Errors
/// If the database fails.
pub async fn take_for_call(x: &mut impl Exec, id: JobId, now: DateTime<Utc>) -> Result<bool, DbError> {
    let rows = x
        .query(
            "UPDATE model_jobs SET state = 'calling', started_at = COALESCE(started_at, $2) \
             WHERE id = $1 AND state = 'queued' AND ready_at <= $2",
        )
        .bind(id)
        .bind(now)
        .exec()
        .await?;
    Ok(rows == 1)
}

/// What a job is put back into the queue with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Return {
    /// When it may be sent again.
    pub ready_at: DateTime<Utc>,
    /// Answers that could not be used, so far.
    pub attempt: i64,
    /// Calls or batches that failed, so far.
    pub failures: i64,
    /// Processes that ended while at work on it, so far.
    pub kills: i64,
    /// What is held for it.
    pub reserved: NanoUsd,
    /// What went wrong, for staff.
    pub failure: Option<String>,
}

/// Puts a job back into the queue from the state it was in, with its place in the order; false where it has moved on.
///
/// # Errors
/// If the database fails.
pub async fn put_back(x: &mut impl Exec, job: &Job, with: &Return) -> Result<bool, DbError> {
    let rows = x
        .query(
            "UPDATE model_jobs SET state = 'queued', batch_id = NULL, ready_at = $3, attempt = $4, failures = $5, \
             kills = $6, reserved_nano = $7, failure = COALESCE($8, failure) \
             WHERE id = $1 AND state = $2 AND (batch_id = $9 OR (batch_id IS NULL AND $9 IS NULL))",
        )
        .bind(job.id)
        .bind(job.state)
        .bind(with.ready_at)
        .bind(with.attempt)
        .bind(with.failures)
        .bind(with.kills)
        .bind(with.reserved)
        .bind(with.failure.clone())
        .bind(job.batch_id)
        .exec()
        .await?;
    Ok(rows == 1)
}

/// The decisions that sent jobs their way.
///
/// # Errors
/// If the database fails.
pub async fn decisions(x: &mut impl Exec, ids: &[JobId]) -> Result<HashMap<JobId, Decision>, DbError> {
    let mut decisions = HashMap::with_capacity(ids.len());
    for (places, chunk) in in_chunks(ids) {
        let mut query =
            x.query_in_order(format!("SELECT job_id, decision FROM decisions WHERE job_id IN ({places})"));
        for id in chunk {
            query.put(*id);
        }
        let rows: Vec<(JobId, Json<Decision>)> = query.all().await?;
        decisions.extend(rows.into_iter().map(|(id, decision)| (id, decision.0)));
    }
    Ok(decisions)
}

/// The first decisions about jobs whose id is this one or later, as JSON, in the order of their ids; at most so many.
///
/// # Errors
/// If the database fails.
pub async fn first_decisions(
    x: &mut impl Exec,
    from: JobId,
    most: i64,
) -> Result<Vec<(JobId, String)>, DbError> {
    x.query(
        "SELECT d.job_id, CAST(COALESCE((SELECT p.decision FROM past_decisions p WHERE p.job_id = d.job_id \
         ORDER BY p.ended_at LIMIT 1), d.decision) AS TEXT) FROM decisions d WHERE d.job_id >= $1 \
         ORDER BY d.job_id LIMIT $2",
    )
    .bind(from)
    .bind(most)
    .all()
    .await
}

/// How many jobs whose id is this one or later each rule sent its way, by the rule's name; none where nothing applied.
///
/// # Errors
/// If the database fails.
pub async fn decided_by(x: &mut impl Exec, from: JobId) -> Result<Vec<(Option<String>, i64)>, DbError> {
    x.query("SELECT decision ->> 'rule', COUNT(*) FROM decisions WHERE job_id >= $1 GROUP BY 1")
        .bind(from)
        .all()
        .await
}

/// The tracking ids of the submissions that jobs belong to.
///
/// # Errors
/// If the database fails.
pub async fn tracking_ids(x: &mut impl Exec, ids: &[JobId]) -> Result<HashMap<JobId, TrackingId>, DbError> {
    let mut found = HashMap::with_capacity(ids.len());
    for (places, chunk) in in_chunks(ids) {
        let mut query = x.query_in_order(format!(
            "SELECT j.id, s.tracking_id FROM model_jobs j JOIN submissions s ON s.id = j.submission_id \
             WHERE j.id IN ({places})"
        ));
        for id in chunk {
            query.put(*id);
        }
        found.extend(query.all::<(JobId, TrackingId)>().await?);
    }
    Ok(found)
}

/// Puts a job back into the queue for another provider: `to` is the job as it is to be; false where it has moved on from
/// the state and batch of `from`.
///
/// # Errors
/// If the database fails.
pub async fn divert(x: &mut impl Exec, from: &Job, to: &Job, why: &str) -> Result<bool, DbError> {
    let rows = x
        .query(
            "UPDATE model_jobs SET state = 'queued', batch_id = NULL, ready_at = $3, failures = $4, diverted = $5, \
             route = $6, provider = $7, model = $8, reserved_nano = $9, expected_nano = $10, failure = $11 \
             WHERE id = $1 AND state = $2 AND (batch_id = $12 OR (batch_id IS NULL AND $12 IS NULL))",
        )
        .bind(from.id)
        .bind(from.state)
        .bind(to.ready_at)
        .bind(to.failures)
        .bind(to.diverted)
        .bind(to.route)
        .bind(to.provider.clone())
        .bind(to.model.clone())
        .bind(to.reserved)
        .bind(to.expected)
        .bind(why.to_owned())
        .bind(from.batch_id)
        .exec()
        .await?;
    Ok(rows == 1)
}

/// Sends a job that still waits another way: `to` is the job as it is to be; false where it no longer waits for the
/// provider and route of `from`.
///
/// # Errors
/// If the database fails.
pub async fn decide_again(
    x: &mut impl Exec,
    from: &Job,
    to: &Job,
    decision: &Decision,
    why: &str,
) -> Result<bool, DbError> {
    let rows = x
        .query(
            "UPDATE model_jobs SET ready_at = $4, failures = $5, diverted = $6, lane = $7, route = $8, provider = $9, \
             model = $10, reserved_nano = $11, expected_nano = $12, failure = $13, same_as = NULL, steps = $15, hold = $16 \
             WHERE id = $1 AND state = 'queued' AND provider = $2 AND route = $3 AND reserved_nano = $14",
        )
        .bind(from.id)
        .bind(from.provider.clone())
        .bind(from.route)
        .bind(to.ready_at)
        .bind(to.failures)
        .bind(to.diverted)
        .bind(to.lane)
        .bind(to.route)
        .bind(to.provider.clone())
        .bind(to.model.clone())
        .bind(to.reserved)
        .bind(to.expected)
        .bind(why.to_owned())
        .bind(from.reserved)
        .bind(to.steps.clone())
        .bind(to.hold)
        .exec()
        .await?;
    if rows == 1 {
        x.query("UPDATE decisions SET decision = $2 WHERE job_id = $1")
            .bind(from.id)
            .bind(Json(decision.clone()))
            .exec()
            .await?;
    }
    Ok(rows == 1)
}

/// Keeps a decision that another one took the place of.
///
/// # Errors
/// If the database fails.
pub async fn keep_decision(
    x: &mut impl Exec,
    id: JobId,
    ended_at: DateTime<Utc>,
    why: &str,
    decision: &Decision,
) -> Result<(), DbError> {
    x.query("INSERT INTO past_decisions (job_id, ended_at, why, decision) VALUES ($1, $2, $3, $4)")
        .bind(id)
        .bind(ended_at)
        .bind(why.to_owned())
        .bind(Json(decision.clone()))
        .exec()
        .await?;
    Ok(())
}

/// A decision that held before.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct PastDecision {
    /// Until when it held.
    pub ended_at: DateTime<Utc>,
    /// Why it was decided again, in words.
    pub why: String,
    /// The decision, with the facts that it saw.
    #[sqlx(json)]
    pub decision: Decision,
}

/// The decisions of a job that held before its present one, the first first.
///
/// # Errors
/// If the database fails.
pub async fn past_decisions(x: &mut impl Exec, id: JobId) -> Result<Vec<PastDecision>, DbError> {
    x.query("SELECT ended_at, why, decision FROM past_decisions WHERE job_id = $1 ORDER BY ended_at")
        .bind(id)
        .all()
        .await
}

/// Queued jobs of a provider after one, by id.
///
/// # Errors
/// If the database fails.
pub async fn queued_for(
    x: &mut impl Exec,
    provider: &str,
    after: JobId,
    most: i64,
) -> Result<Vec<JobId>, DbError> {
    let rows: Vec<(JobId,)> = x
        .query(
            "SELECT id FROM model_jobs WHERE state = 'queued' AND provider = $1 AND id > $2 ORDER BY id LIMIT $3",
        )
        .bind(provider.to_owned())
        .bind(after)
        .bind(most)
        .all()
        .await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Queued jobs for batches whose marks are needed before a time, after one, by id.
///
/// # Errors
/// If the database fails.
pub async fn queued_with_deadline(
    x: &mut impl Exec,
    before: DateTime<Utc>,
    after: JobId,
    most: i64,
) -> Result<Vec<JobId>, DbError> {
    let rows: Vec<(JobId,)> = x
        .query(
            "SELECT id FROM model_jobs WHERE state = 'queued' AND route = 'batch' AND deadline < $1 AND id > $2 \
             ORDER BY id LIMIT $3",
        )
        .bind(before)
        .bind(after)
        .bind(most)
        .all()
        .await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Has a job that waits not be sent before a time.
///
/// # Errors
/// If the database fails.
pub async fn postpone(x: &mut impl Exec, id: JobId, until: DateTime<Utc>) -> Result<(), DbError> {
    x.query("UPDATE model_jobs SET ready_at = $2 WHERE id = $1 AND state = 'queued' AND ready_at < $2")
        .bind(id)
        .bind(until)
        .exec()
        .await?;
    Ok(())
}

/// Puts a dead job back into the queue as it is now, with all its remedies ahead of it again; what it may cost is held
/// before it is sent. False where it is not dead any more.
///
/// # Errors
/// If the database fails.
pub async fn revive(x: &mut impl Exec, job: &Job) -> Result<bool, DbError> {
    let rows = x
        .query(
            "UPDATE model_jobs SET state = 'queued', batch_id = NULL, finished_at = NULL, attempt = 0, failures = 0, \
             kills = 0, diverted = 0, reserved_nano = 0, ready_at = $2, route = $3, provider = $4, model = $5, expected_nano = $6, \
             input_tokens = $7, max_output = $8, bytes = $9, work_bytes = $10 WHERE id = $1 AND state = 'dead'",
        )
        .bind(job.id)
        .bind(job.ready_at)
        .bind(job.route)
        .bind(job.provider.clone())
        .bind(job.model.clone())
        .bind(job.expected)
        .bind(job.input_tokens)
        .bind(job.max_output)
        .bind(job.bytes)
        .bind(job.work_bytes)
        .exec()
        .await?;
    Ok(rows == 1)
}

/// Notes the edit that holds for a job's request from now on.
///
/// # Errors
/// If the database fails.
pub async fn set_edit(x: &mut impl Exec, id: JobId, edit: EditId) -> Result<(), DbError> {
    x.query("UPDATE model_jobs SET edit_id = $2 WHERE id = $1").bind(id).bind(edit).exec().await?;
    Ok(())
}

/// Ends jobs that are all in one state and batch; answers those that still were there.
///
/// # Errors
/// If the database fails.
pub async fn finish(
    x: &mut impl Exec,
    ids: &[JobId],
    from: JobState,
    batch: Option<BatchId>,
    to: JobState,
    failure: Option<&str>,
    now: DateTime<Utc>,
) -> Result<Vec<JobId>, DbError> {
    let mut ended = Vec::with_capacity(ids.len());
    for chunk in ids.chunks(256) {
        let mut query = x.query_in_order(format!(
            "UPDATE model_jobs SET state = $1, finished_at = $2, reserved_nano = 0, failure = COALESCE($3, failure) \
             WHERE state = $4 AND (batch_id = $5 OR (batch_id IS NULL AND $6 IS NULL)) AND id IN ({}) RETURNING id",
            places(7, chunk.len())
        ));
        query.put(to);
        query.put(now);
        query.put(failure.map(str::to_owned));
        query.put(from);
        query.put(batch);
        query.put(batch);
        for id in chunk {
            query.put(*id);
        }
        ended.extend(query.all::<(JobId,)>().await?.into_iter().map(|(id,)| id));
    }
    Ok(ended)
}

/// Notes the money held for a job.
///
/// # Errors
/// If the database fails.
pub async fn set_reserved(x: &mut impl Exec, id: JobId, reserved: NanoUsd) -> Result<(), DbError> {
    x.query("UPDATE model_jobs SET reserved_nano = $2 WHERE id = $1").bind(id).bind(reserved).exec().await?;
    Ok(())
}

/// The job of a submission with the decision that sent it its way, and what went wrong last.
///
/// # Errors
/// If the database fails.
pub async fn of_submission(
    x: &mut impl Exec,
    submission: SubmissionId,
) -> Result<Option<(Job, Decision, Option<String>)>, DbError> {
    #[derive(sqlx::FromRow)]
    struct Row {
        #[sqlx(flatten)]
        job: Job,
        decision: Json<Decision>,
        failure: Option<String>,
    }
    let row: Option<Row> = x
        .query(format!(
            "SELECT {COLUMNS}, decision, failure FROM model_jobs JOIN decisions ON job_id = id WHERE submission_id = $1"
        ))
        .bind(submission)
        .opt()
        .await?;
    Ok(row.map(|row| (row.job, row.decision.0, row.failure)))
}

/// Queued jobs for calls in real time that should have begun before a time, the oldest first.
///
/// # Errors
/// If the database fails.
pub async fn calls_due(x: &mut impl Exec, before: DateTime<Utc>, most: i64) -> Result<Vec<JobId>, DbError> {
    let rows: Vec<(JobId,)> = x
        .query(
            "SELECT id FROM model_jobs WHERE state = 'queued' AND route = 'realtime' AND ready_at <= $1 \
             ORDER BY ready_at LIMIT $2",
        )
        .bind(before)
        .bind(most)
        .all()
        .await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Notes what went wrong with a job, for staff.
///
/// # Errors
/// If the database fails.
pub async fn set_failure(x: &mut impl Exec, id: JobId, failure: &str) -> Result<(), DbError> {
    x.query("UPDATE model_jobs SET failure = $2 WHERE id = $1")
        .bind(id)
        .bind(failure.to_owned())
        .exec()
        .await?;
    Ok(())
}

/// When work on a job began, and when it ended.
pub type Times = (Option<DateTime<Utc>>, Option<DateTime<Utc>>);

/// When work on a job began, and when it ended.
///
/// # Errors
/// If the database fails.
pub async fn times(x: &mut impl Exec, id: JobId) -> Result<Option<Times>, DbError> {
    x.query("SELECT started_at, finished_at FROM model_jobs WHERE id = $1").bind(id).opt().await
}
