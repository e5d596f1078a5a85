//! The table `assessments`.

use super::Marks;
use crate::store::{AssessmentId, DbError, Exec, JobId, Json, Rows, SubmissionId};
use chrono::{DateTime, Utc};

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
    /// Provider's name.
    pub provider: String,
    /// The model that answered.
    pub model: String,
    /// The provider's id of the answer.
    pub response_id: String,
    /// The prompt's template and version.
    pub template: String,
    /// When it was written.
    pub created_at: DateTime<Utc>,
    /// When the student may see it.
    pub released_at: Option<DateTime<Utc>>,
    /// The marks.
    pub marks: Marks,
}

const ASSESSMENTS: Rows = Rows {
    insert: "INSERT INTO assessments (id, submission_id, job_id, total, most, confidence, provider, model, \
             response_id, template, created_at, released_at, marks)",
    columns: 13,
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
            q.put(new.provider.clone());
            q.put(new.model.clone());
            q.put(new.response_id.clone());
            q.put(new.template.clone());
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
    /// Provider's name.
    pub provider: String,
    /// The model that answered.
    pub model: String,
    /// The provider's id of the answer.
    pub response_id: String,
    /// The prompt's template and version.
    pub template: String,
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
        "SELECT id, submission_id, total, most, confidence, provider, model, response_id, template, created_at, \
         released_at, marks FROM assessments WHERE submission_id = $1 ORDER BY created_at DESC LIMIT 1",
    )
    .bind(id)
    .opt()
    .await
}
