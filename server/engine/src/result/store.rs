//! The table `assessments`.

use super::Marks;
use crate::store::{AssessmentId, DbError, Digest, Exec, JobId, Json, NanoUsd, PersonId, Rows, SubmissionId};
use chrono::{DateTime, Utc};
use serde_json::value::RawValue;

/// Who decided on the marks.
#[derive(Clone, Debug)]
pub enum Decided {
    /// A model.
    Model {
        /// Provider's name.
        provider: String,
        /// The model that answered.
        model: String,
        /// The provider's id of the answer.
        response_id: String,
        /// The prompt's template and version.
        template: String,
        /// Digest of the part of the prompt that all work of the assignment shares.
        prompt: Digest,
    },
    /// A person.
    Person(PersonId),
}

/// An assessment to be written.
#[derive(Clone, Debug)]
pub struct New {
    /// Its id.
    pub id: AssessmentId,
    /// The submission.
    pub submission: SubmissionId,
    /// The job.
    pub job: JobId,
    /// All points, in hundredths.
    pub total: i64,
    /// The most points, in hundredths.
    pub most: i64,
    /// How sure the marker is, 0 to 1.
    pub confidence: Option<f64>,
    /// Who decided.
    pub decided: Decided,
    /// When it was written.
    pub created_at: DateTime<Utc>,
    /// When the student may see it.
    pub released_at: Option<DateTime<Utc>>,
    /// The marks.
    pub marks: Box<RawValue>,
}

const ASSESSMENTS: Rows = Rows {
    insert: "INSERT INTO assessments (id, submission_id, job_id, total, most, confidence, provider, model, \
             response_id, template, prompt, decided_by, created_at, released_at, marks)",
    columns: 15,
    tail: "",
};

/// Writes assessments.
///
/// # Errors
/// If the database fails, or a job has one already.
pub async fn insert(x: &mut impl Exec, new: &[New]) -> Result<(), DbError> {
    ASSESSMENTS
        .insert(x, new, |q, new| {
            q.put(new.id);
            q.put(new.submission);
            q.put(new.job);
            q.put(new.total);
            q.put(new.most);
            q.put(new.confidence);
            let (by_model, prompt, person) = match new.decided.clone() {
                Decided::Model { provider, model, response_id, template, prompt } => {
                    ([provider, model, response_id, template].map(Some), Some(prompt), None)
                }
                Decided::Person(person) => ([const { None }; 4], None, Some(person)),
            };
            for text in by_model {
                q.put(text);
            }
            q.put(prompt);
            q.put(person);
            q.put(new.created_at);
            q.put(new.released_at);
            q.put(Json(new.marks.clone()));
        })
        .await?;
    Ok(())
}

/// The marks and feedback of a submission.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Assessment {
    /// Its id.
    pub id: AssessmentId,
    /// The submission.
    pub submission_id: SubmissionId,
    /// All points, in hundredths.
    pub total: i64,
    /// The most points, in hundredths.
    pub most: i64,
    /// How sure the marker is, 0 to 1.
    pub confidence: Option<f64>,
    /// Provider's name; none where a person gave the marks.
    pub provider: Option<String>,
    /// The model that answered.
    pub model: Option<String>,
    /// The provider's id of the answer.
    pub response_id: Option<String>,
    /// The prompt's template and version.
    pub template: Option<String>,
    /// The name of the person who gave the marks; none: a model did.
    pub decided_by: Option<String>,
    /// When it was written.
    pub created_at: DateTime<Utc>,
    /// When the student may see it.
    pub released_at: Option<DateTime<Utc>>,
    /// The marks.
    pub marks: Json<Marks>,
}

/// The assessment of a submission.
///
/// # Errors
/// If the database fails.
pub async fn of_submission(x: &mut impl Exec, id: SubmissionId) -> Result<Option<Assessment>, DbError> {
    x.query(
        "SELECT a.id, a.submission_id, a.total, a.most, a.confidence, a.provider, a.model, a.response_id, a.template, \
         p.name AS decided_by, a.created_at, a.released_at, a.marks FROM assessments a \
         LEFT JOIN people p ON p.id = a.decided_by WHERE a.submission_id = $1 ORDER BY a.created_at DESC LIMIT 1",
    )
    .bind(id)
    .opt()
    .await
}

/// An answer of a model, with the work that it is about and what was spent on it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Answered {
    /// Provider's name.
    pub provider: String,
    /// The model that was asked.
    pub model: String,
    /// In a batch; else in real time.
    pub batched: bool,
    /// The work.
    pub text: String,
    /// The marks.
    pub marks: Json<Marks>,
    /// What was spent.
    #[sqlx(rename = "spent_nano")]
    pub spent: NanoUsd,
}

/// The newest answers of models that were asked for themselves, at most so many.
///
/// # Errors
/// If the database fails.
pub async fn newest_answers(x: &mut impl Exec, most: i64) -> Result<Vec<Answered>, DbError> {
    x.query(
        "SELECT j.provider, j.model, j.route = 'batch' AS batched, w.text, a.marks, \
         (SELECT CAST(COALESCE(SUM(l.spent_nano), 0) AS BIGINT) FROM ledger l WHERE l.job_id = j.id) AS spent_nano \
         FROM assessments a JOIN model_jobs j ON j.id = a.job_id AND j.same_as IS NULL \
         JOIN works w ON w.submission_id = a.submission_id \
         WHERE a.decided_by IS NULL ORDER BY a.id DESC LIMIT $1",
    )
    .bind(most)
    .all()
    .await
}
