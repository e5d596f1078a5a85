//! The tables `asked` and `reuses`.

use super::{Borrowed, First, Reuse, ReusedBy};
use crate::{
    budget::Tokens,
    result::Marks,
    store::{
        DbError, Dialect, Digest, Exec, JobId, Json, NanoUsd, Rows, SubmissionId, in_chunks,
        in_chunks_of_rows,
    },
};
use chrono::NaiveDate;

/// Notes requests that were never asked before, each with the job that asks it; answers those that were noted. Another
/// transaction that notes the same one is waited for.
///
/// # Errors
/// If the database fails.
pub async fn note(x: &mut impl Exec, asks: &[(Digest, JobId)]) -> Result<Vec<Digest>, DbError> {
    let mut noted = Vec::with_capacity(asks.len());
    for (rows, chunk) in in_chunks_of_rows(x.dialect(), asks, 2) {
        let mut query = x.query(format!(
            "INSERT INTO asked (request, job_id) VALUES {rows} ON CONFLICT (request) DO NOTHING RETURNING request"
        ));
        for (request, job) in chunk {
            query.put(request.clone());
            query.put(*job);
        }
        noted.extend(query.all::<(Digest,)>().await?.into_iter().map(|(request,)| request));
    }
    Ok(noted)
}

/// The jobs that asked requests last, kept from changing until the transaction ends.
///
/// # Errors
/// If the database fails.
pub async fn asked(x: &mut impl Exec, requests: &[Digest]) -> Result<Vec<(Digest, JobId)>, DbError> {
    // On SQLite a transaction that writes is alone.
    let lock = match x.dialect() {
        Dialect::Sqlite => "",
        Dialect::Postgres => " FOR UPDATE",
    };
    let mut found = Vec::with_capacity(requests.len());
    for (places, chunk) in in_chunks(requests) {
        let mut query = x.query_in_order(format!(
            "SELECT request, job_id FROM asked WHERE request IN ({places}) ORDER BY request{lock}"
        ));
        for request in chunk {
            query.put(request.clone());
        }
        found.extend(query.all().await?);
    }
    Ok(found)
}

/// Another job asks a request from now on.
///
/// # Errors
/// If the database fails.
pub async fn take_over(x: &mut impl Exec, request: &Digest, job: JobId) -> Result<(), DbError> {
    x.query("UPDATE asked SET job_id = $2 WHERE request = $1").bind(request.clone()).bind(job).exec().await?;
    Ok(())
}

/// How jobs stand that asked requests before, in no order.
///
/// # Errors
/// If the database fails.
pub async fn firsts(x: &mut impl Exec, ids: &[JobId]) -> Result<Vec<First>, DbError> {
    let mut found = Vec::with_capacity(ids.len());
    for (places, chunk) in in_chunks(ids) {
        let mut query = x.query_in_order(format!(
            "SELECT j.id, j.state, j.provider, j.model, j.edit_id IS NOT NULL AS edited, \
             j.same_as IS NOT NULL AS given, a.prompt FROM model_jobs j \
             LEFT JOIN assessments a ON a.job_id = j.id AND a.decided_by IS NULL WHERE j.id IN ({places})"
        ));
        for id in chunk {
            query.put(*id);
        }
        found.extend(query.all().await?);
    }
    Ok(found)
}

/// The marks that a model gave for a job.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Answer {
    /// The job.
    pub job_id: JobId,
    /// Provider's name.
    pub provider: String,
    /// The model that answered.
    pub model: String,
    /// The provider's id of the answer.
    pub response_id: String,
    /// The prompt's template and version.
    pub template: String,
    /// Digest of the prompt without the work.
    pub prompt: Digest,
    /// The marks.
    pub marks: Json<Marks>,
}

/// The marks that models gave for jobs, in no order.
///
/// # Errors
/// If the database fails.
pub async fn answers(x: &mut impl Exec, ids: &[JobId]) -> Result<Vec<Answer>, DbError> {
    let mut found = Vec::with_capacity(ids.len());
    for (places, chunk) in in_chunks(ids) {
        let mut query = x.query_in_order(format!(
            "SELECT job_id, provider, model, response_id, template, prompt, marks FROM assessments \
             WHERE decided_by IS NULL AND job_id IN ({places})"
        ));
        for id in chunk {
            query.put(*id);
        }
        found.extend(query.all().await?);
    }
    Ok(found)
}

/// A draft that is to be marked, beside one before it that a model marked.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct MarkedDraft {
    /// The job of the draft that is to be marked.
    pub job_id: JobId,
    /// The draft that is to be marked.
    pub now: SubmissionId,
    /// The job of the one before.
    pub first_id: JobId,
    /// The one before.
    pub before: SubmissionId,
    /// Digest of the prompt by which that was marked.
    pub prompt: Digest,
    /// Its marks are released.
    pub released: bool,
}

/// Drafts before those of these jobs, of the same student and for the same assignment, whose marks a model gave for
/// themselves; the newest of them last.
///
/// # Errors
/// If the database fails.
pub async fn marked_drafts(x: &mut impl Exec, ids: &[JobId]) -> Result<Vec<MarkedDraft>, DbError> {
    let mut found = Vec::new();
    for (places, chunk) in in_chunks(ids) {
        let mut query = x.query_in_order(format!(
            "SELECT j.id AS job_id, s.id AS now, e.id AS first_id, b.id AS before, m.prompt, \
             m.released_at IS NOT NULL AS released FROM model_jobs j \
             JOIN submissions s ON s.id = j.submission_id AND s.draft > 1 \
             JOIN submissions b ON b.assignment_id = s.assignment_id AND b.student_id = s.student_id AND b.draft < s.draft \
             JOIN model_jobs e ON e.submission_id = b.id AND e.state = 'done' AND e.edit_id IS NULL AND e.same_as IS NULL \
             JOIN assessments m ON m.job_id = e.id AND m.decided_by IS NULL \
             WHERE j.id IN ({places}) ORDER BY b.draft"
        ));
        for id in chunk {
            query.put(*id);
        }
        found.extend(query.all().await?);
    }
    Ok(found)
}

/// What an answer was booked at.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Paid {
    /// The job.
    pub job_id: JobId,
    /// In a batch; else in real time.
    pub batched: bool,
    /// What it cost.
    #[sqlx(rename = "spent_nano")]
    pub spent: NanoUsd,
    /// The provider's id of the answer; none: it gives no ids.
    pub response_id: Option<String>,
    /// Its tokens; all zero where the provider gave no figures.
    #[sqlx(flatten)]
    pub tokens: Tokens,
}

/// What the answers to jobs were booked at, the first booked first.
///
/// # Errors
/// If the database fails.
pub async fn paid(x: &mut impl Exec, ids: &[JobId]) -> Result<Vec<Paid>, DbError> {
    let mut found = Vec::with_capacity(ids.len());
    for (places, chunk) in in_chunks(ids) {
        let mut query = x.query_in_order(format!(
            "SELECT job_id, batch_id IS NOT NULL AS batched, spent_nano, response_id, input_tokens, cached_tokens, \
             cache_write_tokens, cache_write_long_tokens, output_tokens, reasoning_tokens FROM ledger \
             WHERE kind = 'settle' AND job_id IN ({places}) ORDER BY at, id"
        ));
        for id in chunk {
            query.put(*id);
        }
        found.extend(query.all().await?);
    }
    Ok(found)
}

const REUSES: Rows = Rows {
    insert: "INSERT INTO reuses (job_id, at, day, course_id, cost_centre, provider, model, route, likeness, saved_nano)",
    columns: 10,
    tail: "",
};

/// Notes answers that were given again, within the transaction that writes their marks.
///
/// # Errors
/// If the database fails, or a job was given one before.
pub async fn insert_reuses(x: &mut impl Exec, reuses: &[Reuse]) -> Result<(), DbError> {
    REUSES
        .insert(x, reuses, |q, reuse| {
            q.put(reuse.job);
            q.put(reuse.at);
            q.put(reuse.day);
            q.put(reuse.course);
            q.put(reuse.cost_centre.clone());
            q.put(reuse.provider.clone());
            q.put(reuse.model.clone());
            q.put(reuse.route);
            q.put(reuse.likeness);
            q.put(reuse.saved);
        })
        .await
}

/// How a job was given the answer to an earlier request; none where it was asked for itself.
///
/// # Errors
/// If the database fails.
pub async fn given(x: &mut impl Exec, job: JobId) -> Result<Option<Borrowed>, DbError> {
    x.query(
        "SELECT r.likeness, r.saved_nano, s.draft FROM reuses r JOIN model_jobs j ON j.id = r.job_id \
         JOIN model_jobs f ON f.id = j.same_as JOIN submissions s ON s.id = f.submission_id WHERE r.job_id = $1",
    )
    .bind(job)
    .opt()
    .await
}

/// Answers that were given again from one day to another, by course.
///
/// # Errors
/// If the database fails.
pub async fn reused(x: &mut impl Exec, (from, to): (NaiveDate, NaiveDate)) -> Result<Vec<ReusedBy>, DbError> {
    x.query(
        "SELECT r.course_id, c.code AS course, r.cost_centre, COUNT(*) AS answers, \
         CAST(SUM(CASE WHEN r.likeness = 'near_draft' THEN 1 ELSE 0 END) AS BIGINT) AS near_drafts, \
         CAST(SUM(CASE WHEN r.likeness = 'near_draft' THEN r.saved_nano ELSE 0 END) AS BIGINT) AS near_drafts_nano, \
         CAST(SUM(r.saved_nano) AS BIGINT) AS saved_nano FROM reuses r JOIN courses c ON c.id = r.course_id \
         WHERE r.day >= $1 AND r.day <= $2 GROUP BY r.course_id, c.code, r.cost_centre \
         ORDER BY c.code, r.cost_centre",
    )
    .bind(from)
    .bind(to)
    .all()
    .await
}
