//! Making a call, and booking one that was cut off.

use super::store::{self, Call};
use crate::{
    budget::{self, Held, Line},
    crash,
    engine::{Engine, EngineError},
    event::{self, EventKind},
    jobs::{self, Task, Verdict},
    provider::{CallError, ErrorClass, Keep, Outcome, Request, health::Work},
    queue::{self, Job, JobState},
    recovery::{Cause, Next, after_failure},
    result::{Arrived, Judged, Source, failed, judge},
    routing::Route,
    store::{JobId, NanoUsd, Tx},
    submission::{self, SubmissionState},
};
use chrono::TimeDelta;
use std::sync::Arc;

impl Engine {
    /// Asks for one job in real time.
    ///
    /// # Errors
    /// If the database fails.
    pub(crate) async fn call_job(&self, id: JobId) -> Result<Verdict, EngineError> {
        let mut db = self.db();
        let Some(mut job) = queue::store::find(&mut db, id).await? else { return Ok(Verdict::Done) };
        if job.state != JobState::Queued || job.route != Route::Realtime {
            return Ok(Verdict::Done);
        }
        let now = self.now();
        if job.ready_at > now {
            return Ok(Verdict::LookAgain(job.ready_at));
        }
        let entry = self.provider(&job.provider)?;
        // The provider allows so many at once; the others wait here, still queued.
        let _turn = entry.turn().await;
        let size =
            Work::Call { input_tokens: tokens(job.input_tokens), output_tokens: tokens(job.max_output) };
        let _under_way = match self.health().begin(&job.provider, size) {
            Ok(permit) => permit,
            Err(not_now) => {
                // It waits without using up an attempt, and without hints that are issued again meanwhile.
                queue::store::postpone(&mut db, id, not_now.until).await?;
                return Ok(Verdict::LookAgain(not_now.until));
            }
        };
        let Some(work) = submission::store::as_sent(&mut db, &[job.submission_id]).await?.pop() else {
            return Ok(Verdict::GiveUp { why: "the submission is gone".to_owned() });
        };
        let marking = self.marking(work.assignment_id).await?;
        let mut tx = self.db().begin().await?;
        if job.reserved == NanoUsd::ZERO {
            let mut budgets = self.budgets_for_update(&mut tx).await?;
            let most = self.worst_case(&job)?;
            if !budgets.take(job.course_id, most) {
                // At the hard stop: it waits until there is money again.
                return Ok(Verdict::LookAgain(now + TimeDelta::seconds(60)));
            }
            job.reserved = most;
            queue::store::set_reserved(&mut tx, id, most).await?;
            let line = Line::reserve(self.world(), self.zone(), job.account(), job.held());
            budget::record(&mut tx, &[line]).await?;
        }
        if let Some(verdict) = self.instead_of_call(&mut tx, &job).await? {
            tx.commit().await?;
            return Ok(verdict);
        }
        if !queue::store::take_for_call(&mut tx, id, now).await? {
            return Ok(Verdict::Done);
        }
        job.state = JobState::Calling;
        let call = Call {
            id: self.world().id(),
            job_id: id,
            provider: job.provider.clone(),
            model: job.model.clone(),
            owner: self.owner().to_owned(),
            started_at: now,
            lease_until: self.lease_until(),
            reserved: job.reserved,
        };
        store::begin(&mut tx, &call).await?;
        let _at_work = self.at_work(call.id);
        submission::store::set_state(&mut tx, &[job.submission_id], SubmissionState::Processing).await?;
        event::record(&mut tx, now, EventKind::Processing, &[job.submission_id.0]).await?;
        tx.commit().await?;
        crash::point("call.before_ask");
        let request = Request {
            model: Arc::from(&*job.model),
            prompt: marking.request(&work.text, job.max_output),
            // Calls follow each other at once, and what one has written the next one reads.
            keep: Keep::Short,
        };
        let answered = entry.provider.call(&request).await;
        crash::point("call.after_answer");
        let outcome = match answered {
            Ok(reply) => Outcome::Answered(reply),
            Err(error) if error.maybe_done => {
                tracing::warn!(job.id = %id, %error, "a call was cut off; it is booked as spent without an answer");
                self.lose_call(&call, &error).await?;
                return Ok(Verdict::Done);
            }
            Err(error) => Outcome::Failed(error),
        };
        let (state, response_id, failed) = match &outcome {
            Outcome::Answered(reply) => ("answered", Some(reply.response_id.clone()), None),
            Outcome::Failed(error) => ("failed", None, Some(error.to_string())),
            Outcome::Expired | Outcome::Cancelled => ("failed", None, None),
        };
        let settings = self.settings();
        let judged = judge(
            outcome,
            &job,
            &marking.context.rubric,
            &work,
            settings.lanes.of(job.lane),
            &settings.retry,
        );
        let error = match &judged {
            Judged::Unusable { why, .. } => Some(why.clone()),
            _ => failed,
        };
        let now = self.now();
        let mut tx = self.db().begin().await?;
        if !store::end(&mut tx, call.id, state, response_id.as_deref(), error.as_deref(), now).await? {
            // Another process took this one for dead and has booked the call as lost.
            tracing::warn!(job.id = %id, "an answer came after its call was booked as lost; passed over");
            return Ok(Verdict::Done);
        }
        let arrived = Arrived::new(job, work.student_id, &marking, judged);
        self.take_in_tx(&mut tx, Source::Call(call.id), vec![arrived]).await?;
        tx.commit().await?;
        Ok(Verdict::Done)
    }

    /// Calls whose process has ended: booked as spent without an answer, their jobs asked again.
    ///
    /// # Errors
    /// If the database fails.
    pub(crate) async fn lose_orphaned_calls(&self) -> Result<(), EngineError> {
        let orphaned = store::orphaned(&mut self.db(), self.now(), 100).await?;
        for call in orphaned {
            let killed = CallError::new(ErrorClass::Connection, "the process that made the call ended");
            self.lose(&call, &killed, true).await?;
        }
        Ok(())
    }

    async fn lose_call(&self, call: &Call, error: &CallError) -> Result<(), EngineError> {
        self.lose(call, error, false).await
    }

    async fn lose(&self, call: &Call, error: &CallError, killed: bool) -> Result<(), EngineError> {
        let now = self.now();
        let mut tx = self.db().begin().await?;
        if !store::end(&mut tx, call.id, "lost", None, Some(&error.to_string()), now).await? {
            return Ok(());
        }
        let Some(job) = queue::store::find(&mut tx, call.job_id).await? else {
            tx.commit().await?;
            return Ok(());
        };
        self.book_lost(&mut tx, call, job, error, killed).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn book_lost(
        &self,
        tx: &mut Tx,
        call: &Call,
        job: Job,
        error: &CallError,
        killed: bool,
    ) -> Result<(), EngineError> {
        let now = self.now();
        let held = Held { reserved: call.reserved, expected: job.expected };
        budget::record(tx, &[Line::lost(self.world(), self.zone(), job.account(), held, call.id)]).await?;
        if job.state != JobState::Calling {
            return Ok(());
        }
        let settings = self.settings();
        let kills = job.kills + i64::from(killed);
        let failures = job.failures + i64::from(!killed);
        let counted = u32::try_from(failures).unwrap_or(u32::MAX);
        let wait = if killed {
            // A kill uses up no attempt; a job that was at work in too many is taken to be their cause.
            (kills < i64::from(settings.most_kills)).then_some(TimeDelta::zero())
        } else {
            match after_failure(&settings.retry, error, counted) {
                Next::Again(wait) | Next::Wait(wait) => {
                    Some(TimeDelta::from_std(wait).unwrap_or(TimeDelta::hours(1)))
                }
                Next::GiveUp => None,
            }
        };
        let Some(wait) = wait else {
            // Nothing is held any more: the call was booked.
            let job = Job { reserved: NanoUsd::ZERO, ..job };
            queue::store::set_reserved(tx, job.id, NanoUsd::ZERO).await?;
            let Some(work) = submission::store::works(tx, &[job.submission_id]).await?.pop() else {
                return Ok(());
            };
            let marking = self.marking(work.assignment_id).await?;
            let judged = match failed(error, &job, &settings.retry) {
                Judged::Failed { cause, why, counts, .. } => Judged::Failed {
                    cause: if killed { Cause::Killed } else { cause },
                    why,
                    counts,
                    again: None,
                },
                other => other,
            };
            let arrived = Arrived::new(job, work.student_id, &marking, judged);
            return self.take_in_tx(tx, Source::Call(call.id), vec![arrived]).await;
        };
        let most = self.worst_case(&job)?;
        let ready_at = now + wait;
        let back = queue::store::Return {
            ready_at,
            attempt: job.attempt,
            failures,
            kills,
            reserved: most,
            failure: Some(error.to_string()),
        };
        if queue::store::put_back(tx, &job, &back).await? {
            let again = Held { reserved: most, expected: job.expected };
            budget::record(tx, &[Line::reserve(self.world(), self.zone(), job.account(), again)]).await?;
            submission::store::set_state(tx, &[job.submission_id], SubmissionState::Queued).await?;
            event::record(tx, now, EventKind::Returned, &[job.submission_id.0]).await?;
            jobs::push(tx, &[Task::Call(job.id)], Some(ready_at)).await?;
        }
        Ok(())
    }
}

fn tokens(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}
