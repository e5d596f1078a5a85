//! The tables `submissions` and `works`.

use super::{Quick, Submission, SubmissionState, TrackingId};
use crate::store::{
    AssignmentId, DbError, Digest, Exec, Json, PersonId, Rows, SubmissionId, in_chunks, in_chunks_of_rows,
    in_order, places,
};
use chrono::{DateTime, Utc};

const SUBMISSIONS: Rows = Rows {
    insert: "INSERT INTO submissions (id, tracking_id, assignment_id, student_id, handed_in_by, draft, previous_id, \
             state, submitted_at, idempotency, words, file_name, text_digest)",
    columns: 13,
    tail: "",
};

const WORKS: Rows =
    Rows { insert: "INSERT INTO works (submission_id, digest, text, quick)", columns: 4, tail: "" };

/// A submission with what is stored beside it.
#[derive(Clone, Debug)]
pub struct New {
    /// The submission.
    pub submission: Submission,
    /// The key under which it was handed in.
    pub idempotency: Option<String>,
    /// Digest of what was handed in, and by whom.
    pub text_digest: String,
    /// Feedback given at once.
    pub quick: Quick,
    /// Digest of the text alone.
    pub work_digest: Digest,
    /// The text.
    pub text: String,
}

/// Writes new submissions.
///
/// # Errors
/// If the database fails; a unique violation where the key, the draft or the tracking id is taken.
pub async fn insert(x: &mut impl Exec, new: &[&New]) -> Result<(), DbError> {
    SUBMISSIONS
        .insert(x, new, |q, new| {
            let s = &new.submission;
            q.put(s.id);
            q.put(s.tracking_id.clone());
            q.put(s.assignment_id);
            q.put(s.student_id);
            q.put(s.handed_in_by);
            q.put(s.draft);
            q.put(s.previous_id);
            q.put(s.state);
            q.put(s.submitted_at);
            q.put(new.idempotency.clone());
            q.put(s.words);
            q.put(s.file_name.clone());
            q.put(new.text_digest.clone());
        })
        .await?;
    WORKS
        .insert(x, new, |q, new| {
            q.put(new.submission.id);
            q.put(new.work_digest.clone());
            q.put(new.text.clone());
            q.put(Json(new.quick.clone()));
        })
        .await?;
    Ok(())
}

const COLUMNS: &str = "id, tracking_id, assignment_id, student_id, handed_in_by, draft, previous_id, state, \
    submitted_at, words, file_name, viewed_at";

/// A submission by its id.
///
/// # Errors
/// If the database fails.
pub async fn find(x: &mut impl Exec, id: SubmissionId) -> Result<Option<Submission>, DbError> {
    x.query(format!("SELECT {COLUMNS} FROM submissions WHERE id = $1")).bind(id).opt().await
}

/// A submission by its tracking id.
///
/// # Errors
/// If the database fails.
pub async fn find_tracked(x: &mut impl Exec, id: &TrackingId) -> Result<Option<Submission>, DbError> {
    x.query(format!("SELECT {COLUMNS} FROM submissions WHERE tracking_id = $1")).bind(id.clone()).opt().await
}

/// Someone who hands in.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Who does it.
    pub by: PersonId,
    /// The key under which they do it.
    pub key: Option<String>,
    /// For which assignment.
    pub assignment: AssignmentId,
    /// Whose work it is.
    pub student: PersonId,
}

/// What there is already when someone hands in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Before {
    /// The submission that was handed in under the same key, and the digest of its text and assignment.
    pub same_key: Option<(SubmissionId, AssignmentId, String)>,
    /// The student's last draft, with its number.
    pub last: Option<(SubmissionId, i64)>,
}

/// The query of [`before`] for these rows of placeholders. It is a union where an OR would do, so that each side has its
/// index, and a cross join, so that SQLite goes from those who ask to the submissions, not the other way round.
pub(super) fn before_sql(rows: &str) -> String {
    const FOUND: &str = "SELECT a.n AS asked, s.id, s.assignment_id, s.student_id, s.draft, s.text_digest, \
        coalesce(s.idempotency = a.idempotency, FALSE) AS same_key FROM asked a CROSS JOIN submissions s";
    format!(
        "WITH asked (n, person, idempotency, assignment, student) AS (VALUES {rows}) \
         {FOUND} WHERE s.handed_in_by = a.person AND s.idempotency = a.idempotency \
         UNION ALL {FOUND} WHERE s.assignment_id = a.assignment AND s.student_id = a.student"
    )
}

/// Looks up what there is already, for each of those who ask. A key is known again to whoever used it, and, whoever used
/// it, for the same student's same assignment: so an import over HTTP and one on the database are one.
///
/// # Errors
/// If the database fails.
pub async fn before(x: &mut impl Exec, asked: &[Asked]) -> Result<Vec<Before>, DbError> {
    #[derive(sqlx::FromRow)]
    struct Row {
        asked: i64,
        id: SubmissionId,
        assignment_id: AssignmentId,
        student_id: PersonId,
        draft: i64,
        text_digest: String,
        same_key: bool,
    }
    let mut found = vec![Before::default(); asked.len()];
    let mut at = 0_i64;
    for (rows, chunk) in in_chunks_of_rows(x.dialect(), asked, 5) {
        let mut query = x.query(before_sql(&rows));
        for asked in chunk {
            query.put(at);
            query.put(asked.by);
            query.put(asked.key.clone());
            query.put(asked.assignment);
            query.put(asked.student);
            at += 1;
        }
        for row in query.all::<Row>().await? {
            let Some((asked, before)) =
                usize::try_from(row.asked).ok().and_then(|n| Some((asked.get(n)?, found.get_mut(n)?)))
            else {
                continue;
            };
            if row.assignment_id == asked.assignment
                && row.student_id == asked.student
                && before.last.is_none_or(|(_, draft)| draft < row.draft)
            {
                before.last = Some((row.id, row.draft));
            }
            if row.same_key {
                before.same_key = Some((row.id, row.assignment_id, row.text_digest));
            }
        }
    }
    Ok(found)
}

/// Moves submissions to a state, unless they are in a final one of the student's own making (withdrawn).
///
/// # Errors
/// If the database fails.
pub async fn set_state(
    x: &mut impl Exec,
    ids: &[SubmissionId],
    state: SubmissionState,
) -> Result<(), DbError> {
    for chunk in ids.chunks(256) {
        let sql = format!(
            "UPDATE submissions SET state = $1 WHERE state <> 'withdrawn' AND id IN ({})",
            places(2, chunk.len())
        );
        let mut query = x.later(in_order(x.dialect(), sql));
        query.put(state);
        for id in chunk {
            query.put(*id);
        }
        query.later().await?;
    }
    Ok(())
}

/// A submission with its text, as marking needs it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Work {
    /// The submission.
    pub id: SubmissionId,
    /// Its tracking id.
    pub tracking_id: TrackingId,
    /// Its assignment.
    pub assignment_id: AssignmentId,
    /// The student.
    pub student_id: PersonId,
    /// The text.
    pub text: String,
}

/// The texts of several submissions, in no order.
///
/// # Errors
/// If the database fails.
pub async fn works(x: &mut impl Exec, ids: &[SubmissionId]) -> Result<Vec<Work>, DbError> {
    let mut works = Vec::with_capacity(ids.len());
    for (places, chunk) in in_chunks(ids) {
        let mut query = x.query_in_order(format!(
            "SELECT s.id, s.tracking_id, s.assignment_id, s.student_id, w.text FROM submissions s \
             JOIN works w ON w.submission_id = s.id WHERE s.id IN ({places})"
        ));
        for id in chunk {
            query.put(*id);
        }
        works.extend(query.all().await?);
    }
    Ok(works)
}

/// A submission as it is sent to be marked.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Sent {
    /// The submission.
    pub id: SubmissionId,
    /// Its assignment.
    pub assignment_id: AssignmentId,
    /// The student.
    pub student_id: PersonId,
    /// The text as it is sent: as handed in, or as a person edited it.
    pub text: String,
    /// The text as it was handed in, where another is sent.
    pub handed_in: Option<String>,
}

/// Several submissions as they are sent to be marked, in no order.
///
/// # Errors
/// If the database fails.
pub async fn as_sent(x: &mut impl Exec, ids: &[SubmissionId]) -> Result<Vec<Sent>, DbError> {
    let mut sent = Vec::with_capacity(ids.len());
    for (places, chunk) in in_chunks(ids) {
        let mut query = x.query_in_order(format!(
            "SELECT s.id, s.assignment_id, s.student_id, COALESCE(e.text, w.text) AS text, \
             CASE WHEN e.text IS NOT NULL THEN w.text END AS handed_in FROM submissions s \
             JOIN works w ON w.submission_id = s.id JOIN model_jobs j ON j.submission_id = s.id LEFT JOIN request_edits e ON e.id = j.edit_id \
             WHERE s.id IN ({places})"
        ));
        for id in chunk {
            query.put(*id);
        }
        sent.extend(query.all().await?);
    }
    Ok(sent)
}

/// The students of several submissions.
///
/// # Errors
/// If the database fails.
pub async fn students(
    x: &mut impl Exec,
    ids: &[SubmissionId],
) -> Result<std::collections::HashMap<SubmissionId, PersonId>, DbError> {
    let mut students = std::collections::HashMap::with_capacity(ids.len());
    for (places, chunk) in in_chunks(ids) {
        let mut query =
            x.query_in_order(format!("SELECT id, student_id FROM submissions WHERE id IN ({places})"));
        for id in chunk {
            query.put(*id);
        }
        students.extend(query.all::<(SubmissionId, PersonId)>().await?);
    }
    Ok(students)
}

/// The assignments of several submissions.
///
/// # Errors
/// If the database fails.
pub async fn assignments(
    x: &mut impl Exec,
    ids: &[SubmissionId],
) -> Result<std::collections::HashMap<SubmissionId, AssignmentId>, DbError> {
    let mut assignments = std::collections::HashMap::with_capacity(ids.len());
    for (places, chunk) in in_chunks(ids) {
        let mut query =
            x.query_in_order(format!("SELECT id, assignment_id FROM submissions WHERE id IN ({places})"));
        for id in chunk {
            query.put(*id);
        }
        assignments.extend(query.all::<(SubmissionId, AssignmentId)>().await?);
    }
    Ok(assignments)
}

/// The feedback stored with a submission: what was given at once, and what followed.
///
/// # Errors
/// If the database fails.
pub async fn interim(
    x: &mut impl Exec,
    id: SubmissionId,
) -> Result<Option<(Quick, Option<super::Interim>)>, DbError> {
    let row: Option<(Json<Quick>, Option<Json<super::Interim>>)> =
        x.query("SELECT quick, interim FROM works WHERE submission_id = $1").bind(id).opt().await?;
    Ok(row.map(|(quick, interim)| (quick.0, interim.map(|i| i.0))))
}

/// Work whose fuller feedback is not there yet.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Unread {
    /// The submission.
    pub id: SubmissionId,
    /// Its assignment.
    pub assignment_id: AssignmentId,
    /// The draft before.
    pub previous_id: Option<SubmissionId>,
    /// The text.
    pub text: String,
}

/// Of these, the work whose fuller feedback is not there yet.
///
/// # Errors
/// If the database fails.
pub async fn works_without_interim(x: &mut impl Exec, ids: &[SubmissionId]) -> Result<Vec<Unread>, DbError> {
    let mut works = Vec::with_capacity(ids.len());
    for (places, chunk) in in_chunks(ids) {
        let mut query = x.query_in_order(format!(
            "SELECT s.id, s.assignment_id, s.previous_id, w.text FROM works w JOIN submissions s ON s.id = w.submission_id \
             WHERE w.interim IS NULL AND w.submission_id IN ({places})"
        ));
        for id in chunk {
            query.put(*id);
        }
        works.extend(query.all().await?);
    }
    Ok(works)
}

/// Submissions handed in before a time whose fuller feedback is still not there.
///
/// # Errors
/// If the database fails.
pub async fn without_interim(
    x: &mut impl Exec,
    before: DateTime<Utc>,
    most: i64,
) -> Result<Vec<SubmissionId>, DbError> {
    let rows: Vec<(SubmissionId,)> = x
        .query(
            "SELECT w.submission_id FROM works w JOIN submissions s ON s.id = w.submission_id \
             WHERE w.interim IS NULL AND s.submitted_at <= $1 ORDER BY w.submission_id LIMIT $2",
        )
        .bind(before)
        .bind(most)
        .all()
        .await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Stores fuller feedback.
///
/// # Errors
/// If the database fails.
pub async fn set_interim(
    x: &mut impl Exec,
    feedback: &[(SubmissionId, super::Interim)],
) -> Result<(), DbError> {
    for (id, interim) in feedback {
        x.query("UPDATE works SET interim = $2 WHERE submission_id = $1")
            .bind(*id)
            .bind(Json(interim.clone()))
            .exec()
            .await?;
    }
    Ok(())
}

/// Notes when the student first saw the result.
///
/// # Errors
/// If the database fails.
pub async fn set_viewed(x: &mut impl Exec, id: SubmissionId, now: DateTime<Utc>) -> Result<(), DbError> {
    x.query("UPDATE submissions SET viewed_at = $2 WHERE id = $1 AND viewed_at IS NULL")
        .bind(id)
        .bind(now)
        .exec()
        .await?;
    Ok(())
}
