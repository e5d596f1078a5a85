//! One submission as it stands now: what student, staff, page, live connection and API are all shown from.

use super::{Interim, Quick, Submission, SubmissionState, TrackingId, store};
use crate::{
    answer::{self, Borrowed},
    engine::{Engine, EngineError, Marking},
    identity::{Act, Actor, Denied, IdentityError},
    queue::{self, Estimate, Job, JobState, Spot, store::PastDecision},
    result::{self, Assessment},
    routing::Decision,
    store::{DeadLetterId, SubmissionId},
};
use chrono::{DateTime, Utc};
use std::sync::Arc;

/// A submission with all that belongs to it.
#[derive(Clone, Debug)]
pub struct SubmissionView {
    /// The submission.
    pub submission: Submission,
    /// Its assignment, course and rubric.
    pub marking: Arc<Marking>,
    /// Its job.
    pub job: Job,
    /// Where it was sent, and why.
    pub decision: Decision,
    /// Decisions that held before, the first first; for staff only.
    pub past: Vec<PastDecision>,
    /// What went wrong last, for staff only.
    pub failure: Option<String>,
    /// The dead letter that waits for a person, for staff only.
    pub dead_letter: Option<DeadLetterId>,
    /// Why it was closed without marks, where it was.
    pub closing: Option<String>,
    /// Its place, while it waits.
    pub spot: Option<Spot>,
    /// When marks will be there, while that can be told.
    pub estimate: Option<Estimate>,
    /// Feedback that was given at once.
    pub quick: Quick,
    /// Feedback that followed; none yet in the first second.
    pub interim: Option<Interim>,
    /// When marking began.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// Share of the way that is over, 0 to 1, by the time passed of the time expected.
    pub progress: f64,
    /// The marks; for a student only once they are released.
    pub assessment: Option<Assessment>,
    /// It was given the answer to an earlier request. Of other students nobody but staff is told.
    pub borrowed: Option<Borrowed>,
    /// Who looks may see what staff see.
    pub staff: bool,
}

/// A submission can't be shown.
#[derive(Debug, thiserror::Error)]
pub enum ViewError {
    /// It is not there for this person.
    #[error("There is no such submission. Check the address, or the account you signed in with.")]
    NotFound,
    /// The person may not.
    #[error(transparent)]
    Identity(IdentityError),
    /// Our fault.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl From<crate::store::DbError> for ViewError {
    fn from(error: crate::store::DbError) -> Self {
        Self::Engine(error.into())
    }
}

impl From<IdentityError> for ViewError {
    fn from(error: IdentityError) -> Self {
        if matches!(error, IdentityError::Denied(Denied::NotFound)) {
            Self::NotFound
        } else {
            Self::Identity(error)
        }
    }
}

impl Engine {
    /// A submission by its tracking id. Another student's is not there.
    ///
    /// # Errors
    /// If it is not there for this person, or the database fails.
    pub async fn submission(&self, actor: &Actor, id: &TrackingId) -> Result<SubmissionView, ViewError> {
        let submission = store::find_tracked(&mut self.db(), id).await?.ok_or(ViewError::NotFound)?;
        let marking = self.marking(submission.assignment_id).await?;
        let course = marking.context.course.id;
        self.identity().check(actor, &Act::SeeSubmission { student: submission.student_id, course }).await?;
        let staff = self.identity().check(actor, &Act::SeeCourseWork { course }).await.is_ok();
        self.view(submission, marking, staff).await
    }

    async fn view(
        &self,
        submission: Submission,
        marking: Arc<Marking>,
        staff: bool,
    ) -> Result<SubmissionView, ViewError> {
        let mut db = self.db();
        let id = submission.id;
        let missing = || EngineError::Missing { what: "a submission", id: id.to_string() };
        let (quick, interim) = store::interim(&mut db, id).await?.ok_or_else(missing)?;
        let (job, decision, failure) = queue::store::of_submission(&mut db, id).await?.ok_or_else(missing)?;
        let (started_at, finished_at) = queue::store::times(&mut db, job.id).await?.unwrap_or_default();
        let (spot, estimate) = self.whereabouts(&job).await?;
        let past = if staff { queue::store::past_decisions(&mut db, job.id).await? } else { Vec::new() };
        let assessment =
            result::store::of_submission(&mut db, id).await?.filter(|a| staff || a.released_at.is_some());
        let borrowed = match job.state {
            JobState::Done => answer::store::given(&mut db, job.id)
                .await?
                .filter(|borrowed| staff || (assessment.is_some() && borrowed.kept_from().is_some())),
            _ => None,
        };
        let dead_letter = match submission.state {
            SubmissionState::NeedsAttention if staff => self.open_dead_letter(id).await?,
            _ => None,
        };
        let closing = match submission.state {
            SubmissionState::Closed => self.closing(id).await?.map(|(reason, _)| reason),
            _ => None,
        };
        Ok(SubmissionView {
            progress: progress(&submission, &job, estimate, self.now()),
            submission,
            marking,
            job,
            decision,
            past,
            failure: failure.filter(|_| staff),
            dead_letter,
            closing,
            spot,
            estimate,
            quick,
            interim,
            started_at,
            finished_at,
            assessment,
            borrowed,
            staff,
        })
    }

    /// Brings place, estimate and share of the way up to date, without reading the submission again.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn refresh(&self, view: &mut SubmissionView) -> Result<(), EngineError> {
        (view.spot, view.estimate) = self.whereabouts(&view.job).await?;
        view.progress = progress(&view.submission, &view.job, view.estimate, self.now());
        Ok(())
    }

    /// The text that was handed in.
    ///
    /// # Errors
    /// If it is not there for this person, or the database fails.
    pub async fn submitted_text(&self, actor: &Actor, id: &TrackingId) -> Result<String, ViewError> {
        let submission = store::find_tracked(&mut self.db(), id).await?.ok_or(ViewError::NotFound)?;
        let marking = self.marking(submission.assignment_id).await?;
        let course = marking.context.course.id;
        self.identity().check(actor, &Act::SeeSubmission { student: submission.student_id, course }).await?;
        let work = store::works(&mut self.db(), &[submission.id]).await?.pop().ok_or(ViewError::NotFound)?;
        Ok(work.text)
    }

    /// Notes that the student has seen the result.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn note_viewed(&self, actor: &Actor, view: &SubmissionView) -> Result<(), EngineError> {
        if actor.person_id() == Some(view.submission.student_id)
            && view.submission.viewed_at.is_none()
            && view.submission.state == SubmissionState::Completed
        {
            store::set_viewed(&mut self.db(), view.submission.id, self.now()).await?;
        }
        Ok(())
    }

    /// Adds the feedback that needs no model but more than a moment.
    ///
    /// # Errors
    /// If the database fails.
    pub(crate) async fn add_interim(&self, ids: &[SubmissionId]) -> Result<(), EngineError> {
        let mut db = self.db();
        let works = store::works_without_interim(&mut db, ids).await?;
        let mut ready = Vec::with_capacity(works.len());
        for work in works {
            let marking = self.marking(work.assignment_id).await?;
            let last = match work.previous_id {
                Some(previous) => store::works(&mut db, &[previous]).await?.pop().map(|w| w.text),
                None => None,
            };
            let interim = super::interim::full(&work.text, &marking.brief, last.as_deref());
            ready.push((work.id, interim));
        }
        let mut tx = self.db().begin().await?;
        store::set_interim(&mut tx, &ready).await?;
        let subjects: Vec<uuid::Uuid> = ready.iter().map(|(id, _)| id.0).collect();
        crate::event::record(&mut tx, self.now(), crate::event::EventKind::Interim, &subjects).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// Time passed of the time expected; never full before the end.
#[expect(clippy::cast_precision_loss, reason = "a share for show")]
fn progress(submission: &Submission, job: &Job, estimate: Option<Estimate>, now: DateTime<Utc>) -> f64 {
    if matches!(job.state, JobState::Done | JobState::Withdrawn) || submission.state.is_final() {
        return 1.0;
    }
    let Some(estimate) = estimate else { return 0.95 };
    let passed = (now - submission.submitted_at).num_milliseconds().max(0) as f64;
    let middle = estimate.from + (estimate.to - estimate.from) / 2;
    let left = (middle - now).num_milliseconds().max(0) as f64;
    if passed + left <= 0.0 { 0.0 } else { (passed / (passed + left)).min(0.95) }
}
