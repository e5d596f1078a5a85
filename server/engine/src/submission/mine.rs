//! What a person finds when they come in: their assignments, and their own work.

use super::{SubmissionState, TrackingId};
use crate::{
    course::{self, Assignment, Course, Points},
    engine::{Engine, EngineError},
    identity::{Actor, Role},
    queue::{self, Estimate},
    store::{AssignmentId, Exec, JobId, PersonId, SubmissionId},
};
use chrono::{DateTime, Utc};
use std::collections::HashMap;

/// One submission of one's own.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Mine {
    /// Its id.
    pub id: SubmissionId,
    /// What the student sees of it.
    pub tracking_id: TrackingId,
    /// The assignment.
    pub assignment_id: AssignmentId,
    /// The assignment's title.
    pub assignment: String,
    /// The course's title.
    pub course: String,
    /// Which draft.
    pub draft: i64,
    /// Drafts allowed.
    pub max_drafts: i64,
    /// Where it stands.
    pub state: SubmissionState,
    /// When it was handed in.
    pub submitted_at: DateTime<Utc>,
    /// When the student first saw the result.
    pub viewed_at: Option<DateTime<Utc>>,
    /// Its job.
    pub job_id: JobId,
    /// Released points.
    pub total: Option<Points>,
    /// The most points.
    pub most: Option<Points>,
}

/// Own submissions that are listed at most.
const MOST: i64 = 200;

impl Engine {
    /// The assignments of a person's courses in which they have a role, with their course.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn assignments_as(
        &self,
        actor: &Actor,
        role: Role,
    ) -> Result<Vec<(Assignment, Course)>, EngineError> {
        let mut db = self.db();
        let courses: Vec<Course> = match actor.person_id() {
            Some(person) => {
                let memberships = self
                    .identity()
                    .memberships(person)
                    .await
                    .map_err(|e| EngineError::Busy(e.to_string()))?;
                let mut courses = Vec::new();
                for id in memberships.courses(role) {
                    courses.extend(course::store::course(&mut db, id).await?);
                }
                courses
            }
            None => course::store::courses(&mut db).await?,
        };
        // Administrators see what instructors see, everywhere.
        let courses = if role == Role::Instructor && actor.is_admin() {
            course::store::courses(&mut db).await?
        } else {
            courses
        };
        let mut assignments = Vec::new();
        for course in courses {
            for assignment in course::store::assignments_of(&mut db, course.id).await? {
                assignments.push((assignment, course.clone()));
            }
        }
        Ok(assignments)
    }

    /// A person's own submissions, the newest first, with the estimate of each that still waits.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn my_submissions(
        &self,
        person: PersonId,
    ) -> Result<Vec<(Mine, Option<Estimate>)>, EngineError> {
        let mut db = self.db();
        let mine: Vec<Mine> = db
            .query(
                "SELECT s.id, s.tracking_id, s.assignment_id, a.title AS assignment, c.title AS course, s.draft, \
                 a.max_drafts, s.state, s.submitted_at, s.viewed_at, j.id AS job_id, r.total, r.most \
                 FROM submissions s JOIN assignments a ON a.id = s.assignment_id \
                 JOIN courses c ON c.id = a.course_id JOIN model_jobs j ON j.submission_id = s.id \
                 LEFT JOIN assessments r ON r.job_id = j.id AND r.released_at IS NOT NULL \
                 WHERE s.student_id = $1 ORDER BY s.submitted_at DESC, s.id DESC LIMIT $2",
            )
            .bind(person)
            .bind(MOST)
            .all()
            .await?;
        let waiting: Vec<JobId> = mine
            .iter()
            .filter(|m| matches!(m.state, SubmissionState::Queued | SubmissionState::Processing))
            .map(|m| m.job_id)
            .collect();
        let mut estimates = HashMap::new();
        for job in queue::store::find_many(&mut db, &waiting).await? {
            let (_, estimate) = self.whereabouts(&job).await?;
            estimates.insert(job.id, estimate);
        }
        Ok(mine
            .into_iter()
            .map(|m| {
                let estimate = estimates.get(&m.job_id).copied().flatten();
                (m, estimate)
            })
            .collect())
    }

    /// Submissions of several assignments by state.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn counts_by_assignment(
        &self,
    ) -> Result<HashMap<AssignmentId, Vec<(SubmissionState, i64)>>, EngineError> {
        let rows: Vec<(AssignmentId, SubmissionState, i64)> = self
            .db()
            .query("SELECT assignment_id, state, COUNT(*) FROM submissions GROUP BY assignment_id, state")
            .all()
            .await?;
        let mut counts: HashMap<AssignmentId, Vec<(SubmissionState, i64)>> = HashMap::new();
        for (assignment, state, count) in rows {
            counts.entry(assignment).or_default().push((state, count));
        }
        Ok(counts)
    }
}
