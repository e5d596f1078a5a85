//! Jobs with the same request: what their requests are made from, and whose answer they wait for or were given
//! (`model_jobs.same_as`).

use crate::store::{AssignmentId, DbError, Digest, Exec, JobId, in_chunks, in_chunks_of_rows};
use chrono::{DateTime, Utc};

/// What the request of a job is made from, beside its provider and model.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Requested {
    /// The job.
    pub job_id: JobId,
    /// The assignment whose work it marks.
    pub assignment_id: AssignmentId,
    /// Digest of the work.
    #[sqlx(rename = "digest")]
    pub work: Digest,
}

/// What the requests of jobs are made from, in no order; those that a person edited are left out.
///
/// # Errors
/// If the database fails.
pub async fn requested(x: &mut impl Exec, ids: &[JobId]) -> Result<Vec<Requested>, DbError> {
    let mut found = Vec::with_capacity(ids.len());
    for (places, chunk) in in_chunks(ids) {
        let mut query = x.query_in_order(format!(
            "SELECT j.id AS job_id, s.assignment_id, w.digest FROM model_jobs j \
             JOIN submissions s ON s.id = j.submission_id JOIN works w ON w.submission_id = s.id \
             WHERE j.edit_id IS NULL AND j.id IN ({places})"
        ));
        for id in chunk {
            query.put(*id);
        }
        found.extend(query.all().await?);
    }
    Ok(found)
}

/// Notes with queued jobs which other job has the same request: each waits for that one's answer, or, where it began at a
/// time, is given it now. Answers those that were still queued.
///
/// # Errors
/// If the database fails.
pub async fn same_as(
    x: &mut impl Exec,
    pairs: &[(JobId, JobId)],
    began: Option<DateTime<Utc>>,
) -> Result<Vec<JobId>, DbError> {
    let mut noted = Vec::with_capacity(pairs.len());
    for (rows, chunk) in in_chunks_of_rows(x.dialect(), pairs, 3) {
        let mut query = x.query(format!(
            "WITH same (id, first_id, began) AS (VALUES {rows}) UPDATE model_jobs SET same_as = same.first_id, \
             started_at = COALESCE(started_at, same.began) FROM same \
             WHERE model_jobs.id = same.id AND state = 'queued' RETURNING model_jobs.id"
        ));
        for (job, first) in chunk {
            query.put(*job);
            query.put(*first);
            query.put(began);
        }
        noted.extend(query.all::<(JobId,)>().await?.into_iter().map(|(id,)| id));
    }
    Ok(noted)
}

/// Has queued jobs wait for no other's answer any more.
///
/// # Errors
/// If the database fails.
pub async fn wait_no_longer(x: &mut impl Exec, ids: &[JobId]) -> Result<(), DbError> {
    for (places, chunk) in in_chunks(ids) {
        let mut query = x.query_in_order(format!(
            "UPDATE model_jobs SET same_as = NULL WHERE state = 'queued' AND id IN ({places})"
        ));
        for id in chunk {
            query.put(*id);
        }
        query.exec().await?;
    }
    Ok(())
}

/// Jobs that wait for the answer of one that is no longer with its provider, and those that wait and came before a time;
/// at most so many.
///
/// # Errors
/// If the database fails.
pub async fn waits_over(x: &mut impl Exec, before: DateTime<Utc>, most: i64) -> Result<Vec<JobId>, DbError> {
    let rows: Vec<(JobId,)> = x
        .query(
            "SELECT w.id FROM model_jobs w LEFT JOIN model_jobs f ON f.id = w.same_as \
             WHERE w.state = 'queued' AND w.same_as IS NOT NULL \
             AND (f.state IS NULL OR f.state NOT IN ('batched', 'calling') OR w.arrived_at < $1) \
             LIMIT $2",
        )
        .bind(before)
        .bind(most)
        .all()
        .await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}
