//! Marks by a person for work that could not be marked automatically.

use super::{
    RemedyError, RemedyOutcome,
    dead_letter::{Decided, Resolution},
    store,
};
use crate::{
    budget::{self, Line},
    course::ReleasePolicy,
    engine::Engine,
    event::{self, EventKind},
    identity::{Act, Actor, Denied, IdentityError},
    jobs, notice,
    queue::{self, JobState},
    result::{self, Entered, Good, Marks},
    store::{DeadLetterId, NanoUsd},
    submission::{self, SubmissionState},
};

impl Engine {
    /// The marks that an administrator, or an instructor of the course, gives by hand become the submission's assessment,
    /// released as the assignment says.
    ///
    /// # Errors
    /// If there is no such dead letter for this person, or a field is wrong; then nothing was done.
    pub async fn mark_by_hand(
        &self,
        actor: &Actor,
        id: DeadLetterId,
        entered: &Entered,
    ) -> Result<RemedyOutcome, RemedyError> {
        let letter = store::find(&mut self.db(), id).await?;
        let letter = letter.ok_or(IdentityError::Denied(Denied::NotFound))?;
        self.identity().check(actor, &Act::ReleaseMarks { course: letter.course_id }).await?;
        let marking = self.marking(letter.assignment_id).await?;
        let rubric = &marking.context.rubric;
        let marks: Marks = result::by_hand(rubric, entered).map_err(RemedyError::Wrong)?;
        // Quire itself gives no marks.
        let by = actor.person_id().ok_or(IdentityError::Denied(Denied::NotFound))?;
        let decided = Decided { resolution: Resolution::Marked, by: actor.person(), reason: None };
        let now = self.now();
        let mut tx = self.db().begin().await?;
        if !store::resolve(&mut tx, id, &decided, now).await? {
            return Ok(RemedyOutcome::WasResolved);
        }
        let Some(job) = queue::store::find(&mut tx, letter.job_id).await? else {
            return Ok(RemedyOutcome::NotFound);
        };
        let (dead, ids) = (JobState::Dead, [job.id]);
        let ended = queue::store::finish(&mut tx, &ids, dead, job.batch_id, JobState::Done, None, now);
        if ended.await?.is_empty() {
            return Ok(RemedyOutcome::WasResolved);
        }
        if job.reserved != NanoUsd::ZERO {
            let line = Line::release(self.world(), self.zone(), job.account(), job.held(), "marked by hand");
            budget::record(&mut tx, &[line]).await?;
        }
        let released = marking.context.assignment.release == ReleasePolicy::AtOnce;
        let good = Good::new(&marks);
        let assessment = result::store::New {
            id: self.world().id(),
            submission: job.submission_id,
            job: job.id,
            total: good.total.0,
            most: rubric.most().0,
            confidence: None,
            decided: result::store::Decided::Person(by),
            created_at: now,
            released_at: released.then_some(now),
            marks: good.marks,
        };
        result::store::insert(&mut tx, &[assessment]).await?;
        let (state, kind) = if released {
            (SubmissionState::Completed, EventKind::Completed)
        } else {
            (SubmissionState::InReview, EventKind::InReview)
        };
        submission::store::set_state(&mut tx, &[job.submission_id], state).await?;
        event::record(&mut tx, now, kind, &[job.submission_id.0]).await?;
        if released {
            let subject = job.submission_id.0;
            let ready = notice::New { person: letter.student_id, kind: notice::Kind::Ready, subject };
            let task = self.tell(&mut tx, &[ready]).await?;
            jobs::push(&mut tx, task.as_slice(), None).await?;
        }
        tx.commit().await?;
        Ok(RemedyOutcome::Done)
    }
}
