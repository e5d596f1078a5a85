//! Submissions of an assignment, as staff see them: a page at a time, and all of them with their marks.

use super::{SubmissionState, TrackingId};
use crate::{
    course::Points,
    engine::{Engine, EngineError},
    identity::{Act, Actor, IdentityError},
    queue::Lane,
    result::Marks,
    routing::Route,
    store::{AssignmentId, DbError, Exec, Json},
};
use chrono::{DateTime, Utc};

/// One submission in a list.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Row {
    /// What the student sees of it.
    pub tracking_id: TrackingId,
    /// The student's name.
    pub student: String,
    /// The student's address.
    pub email: String,
    /// Which draft.
    pub draft: i64,
    /// Where it stands.
    pub state: SubmissionState,
    /// When it was handed in.
    pub submitted_at: DateTime<Utc>,
    /// Words.
    pub words: i64,
    /// Its lane.
    pub lane: Lane,
    /// Its route.
    pub route: Route,
    /// Provider's name.
    pub provider: String,
    /// The model that answered, where a model gave the marks.
    pub model: Option<String>,
    /// The person who gave the marks, where one did.
    pub decided_by: Option<String>,
    /// All points, where there are marks.
    pub total: Option<Points>,
    /// The most points.
    pub most: Option<Points>,
    /// How sure the marker is, 0 to 1.
    pub confidence: Option<f64>,
    /// When the student may see them.
    pub released_at: Option<DateTime<Utc>>,
    /// The marks.
    pub marks: Option<Json<Marks>>,
}

/// A page of a list.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// Its rows.
    pub rows: Vec<T>,
    /// Which page, from 1.
    pub page: i64,
    /// Rows on a full page.
    pub per_page: i64,
    /// Rows in all.
    pub total: i64,
}

/// A list can't be shown.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// It is not there for this person.
    #[error("There is no such assignment. Check the address, or the account you signed in with.")]
    NotFound,
    /// The person may not.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// Our fault.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl From<DbError> for ListError {
    fn from(error: DbError) -> Self {
        Self::Engine(error.into())
    }
}

const ROWS: &str = "SELECT s.tracking_id, p.name AS student, p.email, s.draft, s.state, s.submitted_at, s.words, \
    j.lane, j.route, COALESCE(a.provider, j.provider) AS provider, a.model, d.name AS decided_by, a.total, a.most, a.confidence, a.released_at, a.marks FROM submissions s \
    JOIN people p ON p.id = s.student_id JOIN model_jobs j ON j.submission_id = s.id \
    LEFT JOIN assessments a ON a.job_id = j.id LEFT JOIN people d ON d.id = a.decided_by";

impl Engine {
    /// Submissions of an assignment, the newest first, a page at a time.
    ///
    /// # Errors
    /// If the assignment is not there for this person, or the database fails.
    pub async fn submissions_of(
        &self,
        actor: &Actor,
        assignment: AssignmentId,
        state: Option<SubmissionState>,
        page: i64,
        per_page: i64,
    ) -> Result<Page<Row>, ListError> {
        self.may_see_work(actor, assignment).await?;
        let mut db = self.db();
        let (total,): (i64,) = db
            .query("SELECT COUNT(*) FROM submissions WHERE assignment_id = $1 AND ($2 IS NULL OR state = $2)")
            .bind(assignment)
            .bind(state)
            .one()
            .await?;
        let page = page.max(1);
        let rows = db
            .query(format!(
                "{ROWS} WHERE s.assignment_id = $1 AND ($2 IS NULL OR s.state = $2) \
                 ORDER BY s.submitted_at DESC, s.id DESC LIMIT $3 OFFSET $4"
            ))
            .bind(assignment)
            .bind(state)
            .bind(per_page)
            .bind((page - 1).saturating_mul(per_page))
            .all()
            .await?;
        Ok(Page { rows, page, per_page, total })
    }

    /// How many submissions of an assignment stand in each state.
    ///
    /// # Errors
    /// If the assignment is not there for this person, or the database fails.
    pub async fn submission_counts(
        &self,
        actor: &Actor,
        assignment: AssignmentId,
    ) -> Result<Vec<(SubmissionState, i64)>, ListError> {
        self.may_see_work(actor, assignment).await?;
        Ok(self
            .db()
            .query("SELECT state, COUNT(*) FROM submissions WHERE assignment_id = $1 GROUP BY state ORDER BY state")
            .bind(assignment)
            .all()
            .await?)
    }

    pub(super) async fn may_see_work(
        &self,
        actor: &Actor,
        assignment: AssignmentId,
    ) -> Result<(), ListError> {
        let marking = self.marking(assignment).await.map_err(|error| match error {
            EngineError::Missing { .. } => ListError::NotFound,
            error => error.into(),
        })?;
        self.identity().check(actor, &Act::SeeCourseWork { course: marking.context.course.id }).await?;
        Ok(())
    }
}

/// Figures over all submissions of an assignment.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct MarkingFigures {
    /// Mean of the released points, in hundredths.
    pub mean_hundredths: Option<f64>,
    /// What marking has cost so far.
    #[sqlx(rename = "spent_nano")]
    pub spent: crate::store::NanoUsd,
}

impl Engine {
    /// Figures over all submissions of an assignment; whoever asks has been checked.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn marking_figures(&self, assignment: AssignmentId) -> Result<MarkingFigures, EngineError> {
        Ok(self
            .db()
            .query(
                "SELECT (SELECT CAST(AVG(a.total) AS DOUBLE PRECISION) FROM assessments a \
                 JOIN submissions s ON s.id = a.submission_id WHERE s.assignment_id = $1 \
                 AND a.released_at IS NOT NULL) AS mean_hundredths, \
                 (SELECT CAST(COALESCE(SUM(l.spent_nano), 0) AS BIGINT) FROM ledger l \
                 JOIN model_jobs j ON j.id = l.job_id JOIN submissions s ON s.id = j.submission_id \
                 WHERE s.assignment_id = $1) AS spent_nano",
            )
            .bind(assignment)
            .one()
            .await?)
    }
}
