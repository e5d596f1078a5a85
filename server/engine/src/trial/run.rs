//! Asking about one work of a trial, and booking what was asked.

use super::{
    TrialError,
    store::{self, End, OpenWork, Stood, Trial},
};
use crate::{
    budget::{self, Line, Tokens},
    course::Course,
    engine::{Engine, EngineError, Marking},
    jobs::Verdict,
    provider::{CallError, Keep, Reply, Request, health::Work},
    recovery::{Next, after_failure},
    result::{Good, validate},
    store::{TrialWorkId, Tx},
    submission,
};
use chrono::TimeDelta;
use std::sync::Arc;

/// A trial that is not done by then is given up: it holds money, and somebody waits for it.
const LONGEST: TimeDelta = TimeDelta::hours(6);

impl Engine {
    /// Asks about one work of a trial.
    ///
    /// # Errors
    /// If the database fails.
    pub(crate) async fn try_work(&self, id: TrialWorkId) -> Result<Verdict, EngineError> {
        let mut db = self.db();
        let Some(work) = store::waiting(&mut db, id).await? else { return Ok(Verdict::Done) };
        let now = self.now();
        if work.ready_at > now {
            return Ok(Verdict::LookAgain(work.ready_at));
        }
        let Some(trial) = store::find(&mut db, work.trial_id).await? else { return Ok(Verdict::Done) };
        let course = &self.trial_context(&trial).await?.course;
        if trial.stopped {
            // It was put back in the moment of the stop.
            let mut tx = self.db().begin().await?;
            self.stop_waiting_tries(&mut tx, &trial, course).await?;
            tx.commit().await?;
            return Ok(Verdict::Done);
        }
        if now - trial.started_at > LONGEST {
            return self.drop_try(&trial, course, &work, "the trial went on for too long").await;
        }
        let marking = match self.trial_marking(trial.assignment_id, trial.marker.prompt_version).await {
            Ok(marking) => marking,
            Err(TrialError::Engine(error)) => return Err(error),
            Err(error) => return self.drop_try(&trial, course, &work, &error.to_string()).await,
        };
        let entry = match self.provider(&trial.marker.provider) {
            Ok(entry) => entry,
            // It was switched off meanwhile: nothing was asked.
            Err(error) => return self.drop_try(&trial, course, &work, &error.to_string()).await,
        };
        let _turn = entry.turn().await;
        let max_output = marking.stable.max_output_tokens;
        let size = Work::Call {
            input_tokens: u64::try_from(work.asked_tokens).unwrap_or(0),
            output_tokens: u64::from(max_output),
        };
        let _under_way = match self.health().begin(&trial.marker.provider, size) {
            Ok(permit) => permit,
            Err(not_now) => {
                store::postpone(&mut db, id, not_now.until).await?;
                return Ok(Verdict::LookAgain(not_now.until));
            }
        };
        let Some(text) = submission::store::works(&mut db, &[work.submission_id]).await?.pop() else {
            return self.drop_try(&trial, course, &work, "the submission is gone").await;
        };
        let _at_work = self.at_work(id);
        if !store::take(&mut db, id, self.owner(), self.lease_until()).await? {
            return Ok(Verdict::Done);
        }
        let request = Request {
            model: Arc::from(&*trial.marker.model),
            prompt: marking.prompt(&text.text),
            // Works of a trial follow each other at once, and what one has written the next one reads.
            keep: Keep::Short,
        };
        match entry.provider.call(&request).await {
            Ok(reply) => self.book_answer(&trial, &marking, &work, reply, &text.text).await,
            Err(error) if error.maybe_done => {
                self.book_lost_try(&trial, course, &work, &error.to_string()).await
            }
            Err(error) => self.try_again(&trial, course, &work, &error).await,
        }
    }

    /// Works whose process has ended while it asked: booked as spent without an answer.
    ///
    /// # Errors
    /// If the database fails.
    pub(crate) async fn lose_orphaned_tries(&self) -> Result<(), EngineError> {
        for work in store::orphaned(&mut self.db(), self.now(), 100).await? {
            let Some(trial) = store::find(&mut self.db(), work.trial_id).await? else { continue };
            let context = self.trial_context(&trial).await?;
            self.book_lost_try(&trial, &context.course, &work, "the process that asked ended").await?;
        }
        Ok(())
    }

    async fn book_answer(
        &self,
        trial: &Trial,
        marking: &Marking,
        work: &OpenWork,
        reply: Reply,
        text: &str,
    ) -> Result<Verdict, EngineError> {
        let (now, marker, course) = (self.now(), &trial.marker, &marking.context.course);
        let spent = match &reply.usage {
            Some(usage) => self
                .cost(&marker.provider, &marker.model, usage, false, now)
                .unwrap_or_else(|_| work.held().reserved),
            // No figures never means free.
            None => work.held().reserved,
        };
        let tokens = reply.usage.map(Tokens::from).unwrap_or_default();
        let (state, marks, error) = match validate::marks(&reply.answer, &marking.context.rubric, text) {
            Ok(checked) => {
                let good = Good::new(&checked.marks);
                ("marked", Some((good.total.0, good.marks)), None)
            }
            Err(unusable) => ("unusable", None, Some(unusable.to_string())),
        };
        let line =
            Line::settle(self.world(), self.zone(), trial.account(course, work.id), work.held(), spent);
        let line = Line {
            call_id: Some(work.call()),
            response_id: Some(reply.response_id).filter(|id| !id.is_empty()),
            tokens,
            note: Some("a trial".to_owned()),
            ..line
        };
        self.end_try(trial, work, Stood::Asking, &End { state, spent, tokens, marks, error }, line).await
    }

    async fn book_lost_try(
        &self,
        trial: &Trial,
        course: &Course,
        work: &OpenWork,
        why: &str,
    ) -> Result<Verdict, EngineError> {
        tracing::warn!(trial.id = %trial.id, why, "a call of a trial was cut off; it is booked as spent without an answer");
        let account = trial.account(course, work.id);
        let line = Line::lost(self.world(), self.zone(), account, work.held(), work.call());
        let end =
            End { state: "lost", spent: work.held().reserved, error: Some(why.to_owned()), ..End::default() };
        self.end_try(trial, work, Stood::Asking, &end, line).await
    }

    /// Nothing was paid: it is asked again where the retry table says so.
    async fn try_again(
        &self,
        trial: &Trial,
        course: &Course,
        work: &OpenWork,
        error: &CallError,
    ) -> Result<Verdict, EngineError> {
        let counted = u32::try_from(work.failures + 1).unwrap_or(u32::MAX);
        let (wait, failures) = match after_failure(&self.settings().retry, error, counted) {
            Next::Again(wait) => (wait, work.failures + 1),
            // An outage uses up no attempt.
            Next::Wait(wait) => (wait, work.failures),
            Next::GiveUp => {
                return self.release_try(trial, course, work, Stood::Asking, &error.to_string()).await;
            }
        };
        let at = self.now() + TimeDelta::from_std(wait).unwrap_or(TimeDelta::hours(1));
        let mut tx = self.db().begin().await?;
        // A person may be stopping the trial in this moment.
        let stopped = store::lock(&mut tx, trial.id).await?;
        let back = store::put_back(&mut tx, work.id, failures, at, &error.to_string()).await?;
        if stopped {
            self.stop_waiting_tries(&mut tx, trial, course).await?;
        }
        tx.commit().await?;
        Ok(if back && !stopped { Verdict::LookAgain(at) } else { Verdict::Done })
    }

    /// A work that can't be asked about at all.
    async fn drop_try(
        &self,
        trial: &Trial,
        course: &Course,
        work: &OpenWork,
        why: &str,
    ) -> Result<Verdict, EngineError> {
        self.release_try(trial, course, work, Stood::Waiting, why).await
    }

    /// Ends a work without an answer, for which nothing was paid.
    async fn release_try(
        &self,
        trial: &Trial,
        course: &Course,
        work: &OpenWork,
        from: Stood,
        why: &str,
    ) -> Result<Verdict, EngineError> {
        let account = trial.account(course, work.id);
        let line = Line::release(self.world(), self.zone(), account, work.held(), why);
        let end = End { state: "failed", error: Some(why.to_owned()), ..End::default() };
        self.end_try(trial, work, from, &end, line).await
    }

    async fn end_try(
        &self,
        trial: &Trial,
        work: &OpenWork,
        from: Stood,
        end: &End,
        line: Line,
    ) -> Result<Verdict, EngineError> {
        let now = self.now();
        let mut tx = self.db().begin().await?;
        if store::end(&mut tx, work.id, from, end, now).await? {
            budget::record(&mut tx, &[line]).await?;
            store::end_if_done(&mut tx, trial.id, now).await?;
        } else {
            tracing::warn!(trial.id = %trial.id, work = %work.id, state = end.state, "another process has ended this work of a trial; passed over");
        }
        tx.commit().await?;
        Ok(Verdict::Done)
    }

    /// Stops all that waits of a trial, and ends the trial where nothing of it is asked any more.
    pub(super) async fn stop_waiting_tries(
        &self,
        tx: &mut Tx,
        trial: &Trial,
        course: &Course,
    ) -> Result<(), EngineError> {
        let now = self.now();
        let stopped = store::stop_waiting(tx, trial.id, now).await?;
        let line = |work: &OpenWork| {
            let account = trial.account(course, work.id);
            Line::release(self.world(), self.zone(), account, work.held(), "the trial was stopped")
        };
        let lines: Vec<Line> = stopped.iter().map(line).collect();
        budget::record(tx, &lines).await?;
        store::end_if_done(tx, trial.id, now).await?;
        Ok(())
    }
}
