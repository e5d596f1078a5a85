//! The tables `batches` and `batch_items`. Each change of state is one statement with the old state, and where it
//! matters the owner, in its condition.

pub mod split;

use super::{Composed, Strategy};
use crate::{
    cost_control::Measures,
    provider::{Keep, RemoteState},
    store::{AssignmentId, BatchId, DbError, Exec, JobId, Json, Rows, SubmissionId},
};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use std::{collections::HashMap, ops::Range};
use uuid::Uuid;

/// Where a batch stands.
///
/// ```text
/// written -> sending -> sent -> ended -> done
///    ^---------'          '--------'---> failed
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum BatchState {
    /// Written down; the provider has surely not created it.
    Written,
    /// A creation call was or is under way; the provider may have created it.
    Sending,
    /// The provider has it.
    Sent,
    /// The provider is done; results are being taken in.
    Ended,
    /// All results are taken in.
    Done,
    /// The provider refused it; its jobs went back.
    Failed,
}

impl BatchState {
    /// The name in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Written => "written",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Ended => "ended",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }
}

/// A batch.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Batch {
    /// Its id.
    pub id: BatchId,
    /// By which it is found at the provider.
    pub token: String,
    /// Provider's name.
    pub provider: String,
    /// The model.
    pub model: String,
    /// Where it stands.
    pub state: BatchState,
    /// Jobs in it.
    pub jobs: i64,
    /// Bytes of its input, estimated.
    pub bytes: i64,
    /// Input tokens, estimated.
    pub tokens: i64,
    /// Why it was cut.
    pub reason: String,
    /// When it was cut.
    pub created_at: DateTime<Utc>,
    /// The process at work on it.
    pub owner: Option<String>,
    /// Until when that process may be taken to be alive.
    pub lease_until: Option<DateTime<Utc>>,
    /// The creation call cannot have been made before.
    pub send_from: Option<DateTime<Utc>>,
    /// Creation calls made.
    pub sends: i64,
    /// The uploaded input at the provider.
    pub input_id: Option<String>,
    /// The batch at the provider.
    pub remote_id: Option<String>,
    /// The provider's own state, as last seen.
    pub remote_state: Option<String>,
    /// Answered, as the provider reports while it runs.
    pub completed: i64,
    /// Failed, as the provider reports while it runs.
    pub failed: i64,
    /// When the provider had it.
    pub sent_at: Option<DateTime<Utc>>,
    /// When the provider was seen to be done.
    pub ended_at: Option<DateTime<Utc>>,
    /// When all results were taken in.
    pub finished_at: Option<DateTime<Utc>>,
    /// Times it was asked about.
    pub polls: i64,
    /// Calls about it that failed in a row.
    pub failures: i64,
    /// When it is to be looked at next.
    pub look_at: DateTime<Utc>,
    /// What went wrong last.
    pub error: Option<String>,
    /// How its jobs were put together.
    pub strategy: Strategy,
    /// How its prompts are marked for the provider's cache: the same each time they are written.
    pub prefix_cache: Keep,
    /// The measures of cost control under which it was put together.
    #[sqlx(try_from = "i64")]
    pub measures: Measures,
    /// The batch that it was split from.
    pub parent: Option<BatchId>,
    /// Its number among the parts of that batch, from 1.
    pub split: Option<i64>,
    /// The parts that it was itself split into.
    pub parts: Option<i64>,
}

impl Batch {
    /// A new batch that is written down now; what its jobs come to is to be filled in.
    #[must_use]
    pub fn written(
        id: BatchId,
        token: String,
        (provider, model): (&str, &str),
        strategy: Strategy,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            id,
            token,
            provider: provider.to_owned(),
            model: model.to_owned(),
            state: BatchState::Written,
            jobs: 0,
            bytes: 0,
            tokens: 0,
            reason: String::new(),
            created_at: now,
            owner: None,
            lease_until: None,
            send_from: None,
            sends: 0,
            input_id: None,
            remote_id: None,
            remote_state: None,
            completed: 0,
            failed: 0,
            sent_at: None,
            ended_at: None,
            finished_at: None,
            polls: 0,
            failures: 0,
            look_at: now,
            error: None,
            strategy,
            prefix_cache: Keep::Short,
            measures: Measures::default(),
            parent: None,
            split: None,
            parts: None,
        }
    }

    /// The name that staff see: a part is called after the batch that it was split from.
    #[must_use]
    pub fn name(&self) -> String {
        match (self.parent, self.split) {
            (Some(parent), Some(split)) => format!("{parent}_split_{split}"),
            _ => self.id.to_string(),
        }
    }

    /// When it was sent, or will be at the earliest.
    #[must_use]
    pub fn expected_start(&self) -> DateTime<Utc> {
        self.sent_at.unwrap_or(if self.split.is_some() { self.look_at } else { self.created_at })
    }
}

const COLUMNS: &str = "id, token, provider, model, state, jobs, bytes, tokens, reason, created_at, owner, \
    lease_until, send_from, sends, input_id, remote_id, remote_state, completed, failed, sent_at, ended_at, \
    finished_at, polls, failures, look_at, error, strategy, prefix_cache, measures, parent, split, parts";

/// Writes a batch down with its items, and why they were put together so; the jobs are moved by
/// `queue::store::put_into_batch`.
///
/// # Errors
/// If the database fails.
pub async fn insert(
    x: &mut impl Exec,
    batch: &Batch,
    composed: Option<&Composed>,
    jobs: &[JobId],
) -> Result<(), DbError> {
    x.query(
        "INSERT INTO batches (id, token, provider, model, state, jobs, bytes, tokens, reason, created_at, sends, \
         completed, failed, polls, failures, look_at, strategy, composition, parent, split, prefix_cache, measures) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, 0, 0, 0, 0, $11, $12, $13, $14, $15, $16, $17)",
    )
    .bind(batch.id)
    .bind(batch.token.clone())
    .bind(batch.provider.clone())
    .bind(batch.model.clone())
    .bind(batch.state)
    .bind(batch.jobs)
    .bind(batch.bytes)
    .bind(batch.tokens)
    .bind(batch.reason.clone())
    .bind(batch.created_at)
    .bind(batch.look_at)
    .bind(batch.strategy)
    .bind(composed.map(|composed| Json(composed.clone())))
    .bind(batch.parent)
    .bind(batch.split)
    .bind(batch.prefix_cache)
    .bind(batch.measures.number())
    .exec()
    .await?;
    const ITEMS: Rows =
        Rows { insert: "INSERT INTO batch_items (batch_id, place, job_id)", columns: 3, tail: "" };
    let items: Vec<(i64, JobId)> = (0..).zip(jobs.iter().copied()).collect();
    ITEMS
        .insert(x, &items, |q, (place, job)| {
            q.put(batch.id);
            q.put(*place);
            q.put(*job);
        })
        .await?;
    Ok(())
}

/// The measures of cost control under which a batch was put together.
///
/// # Errors
/// If the database fails.
pub async fn measures(x: &mut impl Exec, id: BatchId) -> Result<Measures, DbError> {
    let found: Option<(i64,)> = x.query("SELECT measures FROM batches WHERE id = $1").bind(id).opt().await?;
    Ok(found.map_or_else(Measures::default, |(number,)| Measures::from_number(number)))
}

/// A batch.
///
/// # Errors
/// If the database fails.
pub async fn find(x: &mut impl Exec, id: BatchId) -> Result<Option<Batch>, DbError> {
    x.query(format!("SELECT {COLUMNS} FROM batches WHERE id = $1")).bind(id).opt().await
}

/// Why a batch's jobs were put together as they were; none for parts of a split one.
///
/// # Errors
/// If the database fails.
pub async fn composition(x: &mut impl Exec, id: BatchId) -> Result<Option<Composed>, DbError> {
    let row: Option<(Option<Json<Composed>>,)> =
        x.query("SELECT composition FROM batches WHERE id = $1").bind(id).opt().await?;
    Ok(row.and_then(|(composed,)| composed).map(|composed| composed.0))
}

/// Batches that are not finished.
///
/// # Errors
/// If the database fails.
pub async fn open(x: &mut impl Exec) -> Result<Vec<Batch>, DbError> {
    x.query(format!(
        "SELECT {COLUMNS} FROM batches WHERE state IN ('written', 'sending', 'sent', 'ended') ORDER BY created_at"
    ))
    .all()
    .await
}

/// Open batches that should have been looked at a grace ago and that no living process is at work on.
///
/// # Errors
/// If the database fails.
pub async fn due(
    x: &mut impl Exec,
    now: DateTime<Utc>,
    grace: TimeDelta,
    most: i64,
) -> Result<Vec<Batch>, DbError> {
    x.query(format!(
        "SELECT {COLUMNS} FROM batches WHERE state IN ('written', 'sending', 'sent', 'ended') AND look_at <= $1 \
         AND (owner IS NULL OR lease_until <= $2) ORDER BY look_at LIMIT $3"
    ))
    .bind(now - grace)
    .bind(now)
    .bind(most)
    .all()
    .await
}

/// Takes a batch that nobody, or a process whose lease has ended, is at work on; answers it as it was before.
///
/// # Errors
/// If the database fails.
pub async fn claim(
    x: &mut impl Exec,
    id: BatchId,
    states: [BatchState; 2],
    owner: &str,
    now: DateTime<Utc>,
    lease_until: DateTime<Utc>,
) -> Result<Option<Batch>, DbError> {
    let Some(before) = find(x, id).await? else { return Ok(None) };
    let free = before.owner.is_none() || before.lease_until.is_none_or(|until| until <= now);
    if !states.contains(&before.state) || !free {
        return Ok(None);
    }
    let rows = x
        .query(
            "UPDATE batches SET owner = $2, lease_until = $3 WHERE id = $1 AND state = $4 \
             AND (owner IS NULL OR lease_until <= $5)",
        )
        .bind(id)
        .bind(owner.to_owned())
        .bind(lease_until)
        .bind(before.state)
        .bind(now)
        .exec()
        .await?;
    Ok((rows == 1).then_some(before))
}

/// How a batch is let go.
#[derive(Clone, Copy, Debug)]
pub struct Release<'a> {
    /// The state that it is left in.
    pub state: BatchState,
    /// The last sign of life of whoever was sending it; kept as `lease_until`.
    pub alive: DateTime<Utc>,
    /// When it is to be looked at again.
    pub look_at: DateTime<Utc>,
    /// Calls about it that failed in a row.
    pub failures: i64,
    /// What went wrong, where something did.
    pub error: Option<&'a str>,
}

/// Lets a batch go; false where it is no longer ours.
///
/// # Errors
/// If the database fails.
pub async fn release(
    x: &mut impl Exec,
    id: BatchId,
    owner: &str,
    with: Release<'_>,
) -> Result<bool, DbError> {
    let rows = x
        .query(
            "UPDATE batches SET state = $3, owner = NULL, lease_until = $4, look_at = $5, failures = $6, \
             error = COALESCE($7, error) WHERE id = $1 AND owner = $2",
        )
        .bind(id)
        .bind(owner.to_owned())
        .bind(with.state)
        .bind(with.alive)
        .bind(with.look_at)
        .bind(with.failures)
        .bind(with.error.map(str::to_owned))
        .exec()
        .await?;
    Ok(rows == 1)
}

/// Notes the uploaded input.
///
/// # Errors
/// If the database fails.
pub async fn set_input(
    x: &mut impl Exec,
    id: BatchId,
    owner: &str,
    input: Option<&str>,
) -> Result<bool, DbError> {
    let rows = x
        .query("UPDATE batches SET input_id = $3 WHERE id = $1 AND owner = $2 AND state IN ('written', 'sending')")
        .bind(id)
        .bind(owner.to_owned())
        .bind(input.map(str::to_owned))
        .exec()
        .await?;
    Ok(rows == 1)
}

/// Notes that the creation call is about to be made; false where the batch is no longer ours.
///
/// # Errors
/// If the database fails.
pub async fn begin_send(
    x: &mut impl Exec,
    id: BatchId,
    owner: &str,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let rows = x
        .query(
            "UPDATE batches SET state = 'sending', send_from = $3, sends = sends + 1 \
             WHERE id = $1 AND owner = $2 AND state = 'written' AND lease_until > $3",
        )
        .bind(id)
        .bind(owner.to_owned())
        .bind(now)
        .exec()
        .await?;
    Ok(rows == 1)
}

/// Notes the batch at the provider; false where the batch is no longer ours.
///
/// # Errors
/// If the database fails.
pub async fn set_sent(
    x: &mut impl Exec,
    id: BatchId,
    owner: &str,
    remote_id: &str,
    now: DateTime<Utc>,
    look_at: DateTime<Utc>,
) -> Result<bool, DbError> {
    let rows = x
        .query(
            "UPDATE batches SET state = 'sent', remote_id = $3, sent_at = $4, look_at = $5, owner = NULL, \
             lease_until = NULL, failures = 0, error = NULL WHERE id = $1 AND owner = $2 AND state = 'sending'",
        )
        .bind(id)
        .bind(owner.to_owned())
        .bind(remote_id.to_owned())
        .bind(now)
        .bind(look_at)
        .exec()
        .await?;
    Ok(rows == 1)
}

/// Takes the next look at a sent batch, so that only one process asks; false where another did.
///
/// # Errors
/// If the database fails.
pub async fn begin_poll(
    x: &mut impl Exec,
    id: BatchId,
    seen: DateTime<Utc>,
    next: DateTime<Utc>,
) -> Result<bool, DbError> {
    let rows = x
        .query(
            "UPDATE batches SET look_at = $3, polls = polls + 1 WHERE id = $1 AND state = 'sent' AND look_at = $2",
        )
        .bind(id)
        .bind(seen)
        .bind(next)
        .exec()
        .await?;
    Ok(rows == 1)
}

/// What a look at the provider showed.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The provider's state.
    pub remote_state: RemoteState,
    /// Answered and failed so far, where the provider tells.
    pub counts: Option<(i64, i64)>,
    /// Next look.
    pub look_at: DateTime<Utc>,
    /// Failed looks in a row.
    pub failures: i64,
    /// What was wrong.
    pub error: Option<String>,
}

/// Notes what a look showed.
///
/// # Errors
/// If the database fails.
pub async fn set_seen(x: &mut impl Exec, id: BatchId, seen: &Seen) -> Result<(), DbError> {
    x.query(
        "UPDATE batches SET remote_state = $2, completed = COALESCE($3, completed), failed = COALESCE($4, failed), \
         look_at = $5, failures = $6, error = $7 WHERE id = $1 AND state = 'sent'",
    )
    .bind(id)
    .bind(remote_state_name(seen.remote_state))
    .bind(seen.counts.map(|c| c.0))
    .bind(seen.counts.map(|c| c.1))
    .bind(seen.look_at)
    .bind(seen.failures)
    .bind(seen.error.clone())
    .exec()
    .await?;
    Ok(())
}

/// The name of a provider's state as it is stored.
pub(crate) fn remote_state_name(state: RemoteState) -> String {
    serde_json::to_value(state).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

/// Notes that looking failed.
///
/// # Errors
/// If the database fails.
pub async fn set_poll_failed(
    x: &mut impl Exec,
    id: BatchId,
    look_at: DateTime<Utc>,
    failures: i64,
    error: &str,
) -> Result<(), DbError> {
    x.query("UPDATE batches SET look_at = $2, failures = $3, error = $4 WHERE id = $1 AND state = 'sent'")
        .bind(id)
        .bind(look_at)
        .bind(failures)
        .bind(error.to_owned())
        .exec()
        .await?;
    Ok(())
}

/// Moves a batch on once its provider is done; false where it has moved already.
///
/// # Errors
/// If the database fails.
pub async fn set_ended(
    x: &mut impl Exec,
    id: BatchId,
    remote_state: RemoteState,
    counts: Option<(i64, i64)>,
    error: Option<&str>,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let rows = x
        .query(
            "UPDATE batches SET state = 'ended', remote_state = $2, completed = COALESCE($3, completed), \
             failed = COALESCE($4, failed), ended_at = $5, look_at = $5, failures = 0, error = $6 \
             WHERE id = $1 AND state = 'sent'",
        )
        .bind(id)
        .bind(remote_state_name(remote_state))
        .bind(counts.map(|c| c.0))
        .bind(counts.map(|c| c.1))
        .bind(now)
        .bind(error.map(str::to_owned))
        .exec()
        .await?;
    Ok(rows == 1)
}

/// Closes a batch from one of our states; false where it is no longer ours.
///
/// # Errors
/// If the database fails.
pub async fn close(
    x: &mut impl Exec,
    id: BatchId,
    owner: &str,
    to: BatchState,
    error: Option<&str>,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let rows = x
        .query(
            "UPDATE batches SET state = $3, finished_at = $4, error = COALESCE($5, error), owner = NULL, \
             lease_until = NULL WHERE id = $1 AND owner = $2",
        )
        .bind(id)
        .bind(owner.to_owned())
        .bind(to)
        .bind(now)
        .bind(error.map(str::to_owned))
        .exec()
        .await?;
    Ok(rows == 1)
}

/// Prolongs the leases of batches that a process is at work on.
///
/// # Errors
/// If the database fails.
pub async fn renew(
    x: &mut impl Exec,
    owner: &str,
    ids: &[Uuid],
    until: DateTime<Utc>,
) -> Result<(), DbError> {
    for id in ids {
        x.query("UPDATE batches SET lease_until = $3 WHERE id = $1 AND owner = $2")
            .bind(*id)
            .bind(owner.to_owned())
            .bind(until)
            .exec()
            .await?;
    }
    Ok(())
}

/// One job of a batch with what is needed to write its request.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Item {
    /// Its place in the batch, from 0.
    pub place: i64,
    /// The job.
    pub job_id: JobId,
    /// The submission that it marks.
    pub submission_id: SubmissionId,
    /// How its result was taken in; none yet.
    pub outcome: Option<String>,
    /// Most tokens of its answer.
    pub max_output: i64,
}

/// Items of a batch from a place on.
///
/// # Errors
/// If the database fails.
pub async fn items(x: &mut impl Exec, id: BatchId, from: i64, most: i64) -> Result<Vec<Item>, DbError> {
    x.query(
        "SELECT i.place, i.job_id, j.submission_id, i.outcome, j.max_output FROM batch_items i \
         JOIN model_jobs j ON j.id = i.job_id WHERE i.batch_id = $1 AND i.place >= $2 ORDER BY i.place LIMIT $3",
    )
    .bind(id)
    .bind(from)
    .bind(most)
    .all()
    .await
}

/// One request of a batch, as it is to be written.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Asked {
    /// The job.
    pub job_id: JobId,
    /// Most tokens of its answer.
    pub max_output: i64,
    /// Bytes of the request, estimated.
    pub bytes: i64,
    /// The assignment whose work it marks.
    pub assignment_id: AssignmentId,
    /// The text as it is sent: as handed in, or as a person edited it.
    pub text: String,
}

/// Requests of a batch by their places, those left out that were taken in already: they went back to the queue when the
/// batch was given up and its process ended half way through.
///
/// # Errors
/// If the database fails.
pub async fn asked(x: &mut impl Exec, id: BatchId, places: Range<i64>) -> Result<Vec<Asked>, DbError> {
    x.query(
        "SELECT i.job_id, j.max_output, j.bytes, s.assignment_id, COALESCE(e.text, w.text) AS text FROM batch_items i \
         JOIN model_jobs j ON j.id = i.job_id JOIN submissions s ON s.id = j.submission_id \
         JOIN works w ON w.submission_id = s.id LEFT JOIN request_edits e ON e.id = j.edit_id \
         WHERE i.batch_id = $1 AND i.place >= $2 AND i.place < $3 AND i.outcome IS NULL ORDER BY i.place",
    )
    .bind(id)
    .bind(places.start)
    .bind(places.end)
    .all()
    .await
}

/// Requests of a batch that differ in nothing but their works and ids.
#[derive(Clone, Copy, Debug, sqlx::FromRow)]
pub struct Alike {
    /// The assignment.
    pub assignment_id: AssignmentId,
    /// Most tokens of the answer.
    pub max_output: i64,
    /// How many there are.
    pub requests: i64,
    /// Bytes by which all of them are larger than as many for empty works.
    pub work_bytes: i64,
}

/// The requests that [`asked`] gives for a whole batch, counted.
///
/// # Errors
/// If the database fails.
pub async fn alike(x: &mut impl Exec, id: BatchId) -> Result<Vec<Alike>, DbError> {
    x.query(
        "SELECT s.assignment_id, j.max_output, COUNT(*) AS requests, CAST(SUM(j.work_bytes) AS BIGINT) AS work_bytes \
         FROM batch_items i JOIN model_jobs j ON j.id = i.job_id JOIN submissions s ON s.id = j.submission_id \
         JOIN works w ON w.submission_id = s.id WHERE i.batch_id = $1 AND i.outcome IS NULL \
         GROUP BY s.assignment_id, j.max_output",
    )
    .bind(id)
    .all()
    .await
}

/// Jobs of a batch whose result has not been taken in.
///
/// # Errors
/// If the database fails.
pub async fn open_items(x: &mut impl Exec, id: BatchId, most: i64) -> Result<Vec<JobId>, DbError> {
    let rows: Vec<(JobId,)> = x
        .query(
            "SELECT job_id FROM batch_items WHERE batch_id = $1 AND outcome IS NULL ORDER BY place LIMIT $2",
        )
        .bind(id)
        .bind(most)
        .all()
        .await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Notes how results were taken in, unless it was noted before; answers the jobs for which it was noted now.
///
/// # Errors
/// If the database fails.
pub async fn set_outcome(
    x: &mut impl Exec,
    id: BatchId,
    jobs: &[JobId],
    outcome: &str,
) -> Result<Vec<JobId>, DbError> {
    let mut noted = Vec::with_capacity(jobs.len());
    for chunk in jobs.chunks(256) {
        let mut query = x.query_in_order(format!(
            "UPDATE batch_items SET outcome = $1 WHERE batch_id = $2 AND outcome IS NULL AND job_id IN ({}) \
             RETURNING job_id",
            crate::store::places(3, chunk.len())
        ));
        query.put(outcome.to_owned());
        query.put(id);
        for job in chunk {
            query.put(*job);
        }
        noted.extend(query.all::<(JobId,)>().await?.into_iter().map(|(id,)| id));
    }
    Ok(noted)
}

/// Notes what went wrong with jobs in a batch, for staff.
///
/// # Errors
/// If the database fails.
pub async fn set_said(x: &mut impl Exec, id: BatchId, jobs: &[JobId], said: &str) -> Result<(), DbError> {
    for chunk in jobs.chunks(256) {
        let mut query = x.query_in_order(format!(
            "UPDATE batch_items SET said = $1 WHERE batch_id = $2 AND job_id IN ({})",
            crate::store::places(3, chunk.len())
        ));
        query.put(said.to_owned());
        query.put(id);
        for job in chunk {
            query.put(*job);
        }
        query.exec().await?;
    }
    Ok(())
}

/// How many results of a batch were taken in, by outcome.
///
/// # Errors
/// If the database fails.
pub async fn outcomes(x: &mut impl Exec, id: BatchId) -> Result<Vec<(Option<String>, i64)>, DbError> {
    x.query("SELECT outcome, COUNT(*) FROM batch_items WHERE batch_id = $1 GROUP BY outcome ORDER BY outcome")
        .bind(id)
        .all()
        .await
}

/// Notes how many requests had no readable result when all results of a batch were fetched; true where it was as many the
/// time before, whatever went wrong in between.
///
/// # Errors
/// If the database fails.
pub async fn note_missing(x: &mut impl Exec, id: BatchId, missing: i64) -> Result<bool, DbError> {
    let rows = x
        .query("UPDATE batches SET missing = $2 WHERE id = $1 AND (missing IS NULL OR missing <> $2)")
        .bind(id)
        .bind(missing)
        .exec()
        .await?;
    Ok(rows == 0)
}

/// Provider's ids of the batches that are known, made since a time.
///
/// # Errors
/// If the database fails.
pub async fn known_remote_ids(
    x: &mut impl Exec,
    provider: &str,
    since: DateTime<Utc>,
) -> Result<Vec<String>, DbError> {
    let rows: Vec<(String,)> = x
        .query("SELECT remote_id FROM batches WHERE provider = $1 AND created_at >= $2 AND remote_id IS NOT NULL")
        .bind(provider.to_owned())
        .bind(since)
        .all()
        .await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Open batches of each provider's model, and their tokens.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct InFlight {
    /// Provider's name.
    pub provider: String,
    /// The model.
    pub model: String,
    /// Batches being sent or marked.
    pub batches: i64,
    /// Jobs in them, and in parts of split batches that wait for their turn.
    pub jobs: i64,
    /// Input tokens of the batches, estimated.
    pub tokens: i64,
}

/// What is with providers. A batch whose provider is done no longer takes a slot; of the parts of a split batch that wait
/// for their turn only the next one does, as they go one after the other.
///
/// # Errors
/// If the database fails.
pub async fn in_flight(x: &mut impl Exec) -> Result<Vec<InFlight>, DbError> {
    x.query(
        "SELECT provider, model, COUNT(CASE WHEN NOT waits THEN 1 END) AS batches, \
         CAST(SUM(jobs) AS BIGINT) AS jobs, \
         CAST(COALESCE(SUM(CASE WHEN NOT waits THEN tokens END), 0) AS BIGINT) AS tokens \
         FROM (SELECT provider, model, jobs, tokens, state = 'written' AND EXISTS (SELECT 1 FROM batches p \
         WHERE p.parent = b.parent AND p.split < b.split AND p.state = 'written') AS waits \
         FROM batches b WHERE state IN ('written', 'sending', 'sent')) AS open \
         GROUP BY provider, model ORDER BY provider, model",
    )
    .all()
    .await
}

/// What went to one model of a provider in the last week.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Recent {
    /// Provider's name.
    pub provider: String,
    /// The model.
    pub model: String,
    /// Jobs cut into batches in the last hour.
    pub hour: i64,
    /// Jobs.
    pub jobs: i64,
    /// Their input tokens, estimated.
    pub tokens: i64,
    /// Their bytes, estimated.
    pub bytes: i64,
    /// Jobs of the largest batch that came back.
    pub largest: Option<i64>,
    /// Jobs of the smallest batch that was split in the last day.
    pub refused: Option<i64>,
    /// The least number of tokens that the provider named as its limit in the last day.
    pub named_limit: Option<i64>,
}

/// What went to providers in the last week, by model. Parts of split batches are counted once, with those.
///
/// # Errors
/// If the database fails.
pub async fn recent(x: &mut impl Exec, now: DateTime<Utc>) -> Result<Vec<Recent>, DbError> {
    let sum = |what: &str| format!("CAST(COALESCE(SUM(CASE WHEN {what} END), 0) AS BIGINT)");
    let (hour, jobs, tokens, bytes) = (
        sum("parent IS NULL AND created_at >= $2 THEN jobs"),
        sum("parent IS NULL THEN jobs"),
        sum("parent IS NULL THEN tokens"),
        sum("parent IS NULL THEN bytes"),
    );
    x.query(format!(
        "SELECT provider, model, {hour} AS hour, {jobs} AS jobs, {tokens} AS tokens, {bytes} AS bytes, \
         MAX(CASE WHEN state = 'done' THEN jobs END) AS largest, \
         MIN(CASE WHEN parts IS NOT NULL AND named_limit IS NULL AND created_at >= $3 THEN jobs END) AS refused, \
         MIN(CASE WHEN created_at >= $3 THEN named_limit END) AS named_limit \
         FROM batches WHERE created_at >= $1 GROUP BY provider, model"
    ))
    .bind(now - TimeDelta::days(7))
    .bind(now - TimeDelta::hours(1))
    .bind(now - TimeDelta::days(1))
    .all()
    .await
}

/// How many batches there are, of one state or in all.
///
/// # Errors
/// If the database fails.
pub async fn count(x: &mut impl Exec, state: Option<BatchState>) -> Result<i64, DbError> {
    let (count,): (i64,) =
        x.query("SELECT COUNT(*) FROM batches WHERE $1 IS NULL OR state = $1").bind(state).one().await?;
    Ok(count)
}

/// Batches, the newest first, of one state or all.
///
/// # Errors
/// If the database fails.
pub async fn page(
    x: &mut impl Exec,
    state: Option<BatchState>,
    most: i64,
    skip: i64,
) -> Result<Vec<Batch>, DbError> {
    x.query(format!(
        "SELECT {COLUMNS} FROM batches WHERE $1 IS NULL OR state = $1 \
         ORDER BY created_at DESC, id DESC LIMIT $2 OFFSET $3"
    ))
    .bind(state)
    .bind(most)
    .bind(skip)
    .all()
    .await
}

/// Jobs of a batch in the order sent, with what became of them.
///
/// # Errors
/// If the database fails.
pub async fn batch_jobs(
    x: &mut impl Exec,
    id: BatchId,
    most: i64,
    skip: i64,
) -> Result<Vec<super::BatchJob>, DbError> {
    x.query(
        "SELECT s.tracking_id, a.title AS assignment, j.lane, j.state, i.outcome, j.failure, \
         l.input_tokens, l.cached_tokens, l.output_tokens, l.spent_nano FROM batch_items i \
         JOIN model_jobs j ON j.id = i.job_id JOIN submissions s ON s.id = j.submission_id \
         JOIN assignments a ON a.id = s.assignment_id \
         LEFT JOIN ledger l ON l.job_id = j.id AND l.batch_id = i.batch_id AND l.kind = 'settle' \
         WHERE i.batch_id = $1 ORDER BY i.place LIMIT $2 OFFSET $3",
    )
    .bind(id)
    .bind(most)
    .bind(skip)
    .all()
    .await
}

/// How many batches of each provider came back and were taken in, and how many ended, of those that were cut since a time.
/// Those that were split are counted by their parts.
///
/// # Errors
/// If the database fails.
pub async fn kept_since(
    x: &mut impl Exec,
    since: DateTime<Utc>,
) -> Result<HashMap<String, (i64, i64)>, DbError> {
    let rows: Vec<(String, i64, i64)> = x
        .query(
            "SELECT provider, CAST(SUM(CASE WHEN state = 'done' THEN 1 ELSE 0 END) AS BIGINT), COUNT(*) FROM batches \
             WHERE created_at >= $1 AND state IN ('done', 'failed') AND parts IS NULL GROUP BY provider",
        )
        .bind(since)
        .all()
        .await?;
    Ok(rows.into_iter().map(|(provider, kept, all)| (provider, (kept, all))).collect())
}
