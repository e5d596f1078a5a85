//! Sending a batch to its provider exactly once (SPEC 3.4).
//!
//! A batch is written down before the provider hears of it. The creation call is made only in state `sending`, which is
//! stored first; whoever finds a batch in that state without the provider's id looks for it there, adopts it, and sends
//! it again only where it surely is not there and can't appear any more.

use super::{Batch, BatchState, Limit, calls_for, store};
use crate::{
    crash,
    engine::{Engine, EngineError},
    event::{self, EventKind},
    jobs::{self, Task, Verdict},
    provider::{
        CallError, ErrorClass, Found, Outgoing, Provider, RemoteBatch, Sought,
        health::{NotNow, Work},
    },
    recovery::{Next, after_failure, insist},
    store::BatchId,
};
use chrono::{DateTime, TimeDelta, Utc};
use std::time::Duration;

/// A provider's list of batches may lag behind by so much.
const SETTLE: TimeDelta = TimeDelta::seconds(2);

/// How long a batch that can't be told apart is waited for between two looks.
const UNDECIDED: TimeDelta = TimeDelta::seconds(5);

/// What a step of sending came to.
enum Step {
    /// The provider has it.
    Sent,
    /// Look again at this time, in this state; with what went wrong.
    Later { state: BatchState, at: DateTime<Utc>, failures: i64, error: Option<String> },
    /// The provider will never take it like this.
    Refused(CallError),
    /// The provider fails, and others may take its jobs.
    HandBack(String),
    /// Another process has taken over.
    NotOurs,
}

impl Engine {
    /// Sends a batch, or goes on where a process ended while it sent it.
    ///
    /// # Errors
    /// If the database fails.
    pub(crate) async fn send_batch(&self, id: BatchId) -> Result<Verdict, EngineError> {
        let now = self.now();
        let mut db = self.db();
        let claimed = store::claim(
            &mut db,
            id,
            [BatchState::Written, BatchState::Sending],
            self.owner(),
            now,
            self.lease_until(),
        )
        .await?;
        let Some(batch) = claimed else { return Ok(Verdict::Done) };
        let _at_work = self.at_work(id);
        let step = match self.provider(&batch.provider) {
            Err(error) => Step::Later {
                state: batch.state,
                at: now + TimeDelta::seconds(30),
                failures: batch.failures,
                error: Some(error.to_string()),
            },
            Ok(entry) => match batch.state {
                BatchState::Sending => {
                    self.reconcile(&batch, &*entry.provider, entry.create_timeout()).await?
                }
                _ => match self.health().begin(&batch.provider, Work::Batch) {
                    Ok(_under_way) => self.send(&batch, &*entry.provider).await?,
                    Err(not_now) => self.not_now(&batch, &not_now),
                },
            },
        };
        match step {
            Step::Sent => Ok(Verdict::Done),
            Step::NotOurs => Ok(Verdict::Done),
            Step::HandBack(why) => {
                self.hand_back(&batch, &why).await?;
                Ok(Verdict::Done)
            }
            Step::Refused(error) => {
                self.give_batch_up(&batch, &error).await?;
                Ok(Verdict::Done)
            }
            Step::Later { state, at, failures, error } => {
                // Looking for a batch is no sign of life of its creation call: the wait for that call's end counts from
                // the last one, or it would never be over.
                let alive = match batch.state {
                    BatchState::Sending => batch.lease_until.unwrap_or(now),
                    _ => self.now(),
                };
                let error = error.as_deref();
                let with = store::Release { state, alive, look_at: at, failures, error };
                store::release(&mut db, id, self.owner(), with).await?;
                Ok(Verdict::LookAgain(at))
            }
        }
    }

    /// Nothing can be sent to the provider now: the batch waits, without using up an attempt. Where the provider has
    /// failed for some time and another works, its jobs go back into the queue, where they are decided again; those of a
    /// part of a split batch wait, since the other parts take their turns by it.
    fn not_now(&self, batch: &Batch, not_now: &NotNow) -> Step {
        let now = self.now();
        let patience = TimeDelta::seconds(i64::from(self.health().settings().redecide_seconds));
        let another = self
            .providers()
            .iter()
            .any(|entry| entry.name != batch.provider && self.health().is_up(&entry.name));
        if another
            && batch.split.is_none()
            && not_now.paused_since.is_some_and(|since| now - since >= patience)
        {
            return Step::HandBack(not_now.why.clone());
        }
        Step::Later {
            state: BatchState::Written,
            at: not_now.until,
            failures: batch.failures,
            error: Some(not_now.why.clone()),
        }
    }

    /// Puts the jobs of a batch that was not sent back into their places.
    async fn hand_back(&self, batch: &Batch, why: &str) -> Result<(), EngineError> {
        tracing::info!(batch.id = %batch.id, why, "a batch that was not sent is given up; its jobs go back");
        self.take_in_rest(batch, None).await?;
        let now = self.now();
        let mut tx = self.db().begin().await?;
        store::close(&mut tx, batch.id, self.owner(), BatchState::Failed, Some(why), now).await?;
        event::record(&mut tx, now, EventKind::Batch, &[batch.id.0]).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Uploads and creates; a part of a split batch when its turn comes.
    async fn send(&self, batch: &Batch, provider: &dyn Provider) -> Result<Step, EngineError> {
        let mut db = self.db();
        let wait = |at| Step::Later { state: BatchState::Written, at, failures: batch.failures, error: None };
        if let Some(at) = self.turn_of(batch).await? {
            return Ok(wait(at));
        }
        let (outgoing, input) = match &batch.input_id {
            // Uploaded by a process that ended before it went on.
            Some(input) => (self.outgoing(batch, batch.bytes), Some(input.clone())),
            None => {
                let bytes = match self.measure(batch).await {
                    Ok(bytes) => bytes,
                    Err(error) => {
                        return Ok(later(batch, BatchState::Written, self.now(), &error.to_string()));
                    }
                };
                if batch.jobs > 1 && u64::try_from(bytes).unwrap_or(0) > provider.capabilities().limits.bytes
                {
                    let why = format!("its input has {bytes} bytes, more than the provider takes");
                    return Ok(Step::Refused(CallError::new(ErrorClass::TokenLimit, why)));
                }
                let outgoing = self.outgoing(batch, bytes);
                match provider.upload(&outgoing, self.lines(batch)).await {
                    Ok(input) => {
                        crash::point("send.after_upload");
                        if !store::set_input(&mut db, batch.id, self.owner(), input.as_deref()).await? {
                            return Ok(Step::NotOurs);
                        }
                        crash::point("send.after_input_stored");
                        (outgoing, input)
                    }
                    // An upload costs nothing and is simply made again.
                    Err(error) => return Ok(self.send_failed(batch, BatchState::Written, error)),
                }
            }
        };
        match self.begin_send(batch).await? {
            Some(true) => {}
            Some(false) => return Ok(Step::NotOurs),
            None => return Ok(wait(self.now() + UNDECIDED)),
        }
        crash::point("send.before_create");
        match provider.create(&outgoing, input.as_deref(), self.lines(batch)).await {
            Ok(remote) => {
                crash::point("send.after_create");
                self.adopt(batch, provider, &remote).await
            }
            Err(error) if error.maybe_done => {
                tracing::warn!(batch.id = %batch.id, %error, "a batch may or may not have been created; looking for it");
                let failures = batch.failures + 1;
                Ok(Step::Later {
                    state: BatchState::Sending,
                    at: self.now() + SETTLE,
                    failures,
                    error: Some(error.to_string()),
                })
            }
            Err(error) => {
                // The input may be what is wrong (it may have expired): upload it anew next time.
                store::set_input(&mut db, batch.id, self.owner(), None).await?;
                Ok(self.send_failed(batch, BatchState::Written, error))
            }
        }
    }

    fn outgoing(&self, batch: &Batch, bytes: i64) -> Outgoing {
        Outgoing {
            token: batch.token.clone(),
            model: batch.model.clone(),
            requests: u64::try_from(batch.jobs).unwrap_or(0),
            bytes: u64::try_from(bytes).unwrap_or(0),
        }
    }

    /// Notes that the provider has the batch. A duplicate that another process has replaced is cancelled at once.
    async fn adopt(
        &self,
        batch: &Batch,
        provider: &dyn Provider,
        remote: &RemoteBatch,
    ) -> Result<Step, EngineError> {
        let now = self.now();
        let look_at = now + self.poll_wait(batch, now);
        let mut tx = self.db().begin().await?;
        if store::set_sent(&mut tx, batch.id, self.owner(), &remote.id, now, look_at).await? {
            event::record(&mut tx, now, EventKind::Batch, &[batch.id.0]).await?;
            jobs::push(&mut tx, &[Task::Poll(batch.id)], Some(look_at)).await?;
            tx.commit().await?;
            return Ok(Step::Sent);
        }
        tx.rollback().await?;
        tracing::error!(batch.id = %batch.id, remote = %remote.id, "this process was stopped for so long that another took the batch over; cancelling the duplicate");
        if let Err(error) = provider.cancel(&remote.id).await {
            tracing::error!(batch.id = %batch.id, remote = %remote.id, %error, "the duplicate could not be cancelled; cancel it at the provider");
        }
        Ok(Step::NotOurs)
    }

    /// Looks for a batch whose creation call may have reached the provider.
    async fn reconcile(
        &self,
        batch: &Batch,
        provider: &dyn Provider,
        create_timeout: Duration,
    ) -> Result<Step, EngineError> {
        let mut db = self.db();
        let now = self.now();
        let send_from = batch.send_from.unwrap_or(batch.created_at);
        let known =
            store::known_remote_ids(&mut db, &batch.provider, batch.created_at - TimeDelta::days(2)).await?;
        let sought = Sought {
            token: batch.token.clone(),
            requests: u64::try_from(batch.jobs).unwrap_or(0),
            not_before: send_from,
            known,
        };
        let wait = |at: DateTime<Utc>, why: &str| Step::Later {
            state: BatchState::Sending,
            at,
            failures: batch.failures,
            error: Some(why.to_owned()),
        };
        let mut fenced = false;
        loop {
            match provider.find(&sought).await {
                Ok(Found::Batch(remote)) => {
                    tracing::info!(batch.id = %batch.id, remote = %remote.id, "found the batch at its provider");
                    return self.adopt(batch, provider, &remote).await;
                }
                Ok(Found::Undecided(_)) => {
                    let why = "a batch that fits still runs at the provider; waiting for its end to tell whether it is this one";
                    return Ok(wait(now + UNDECIDED, why));
                }
                Ok(Found::Absent) if fenced => break,
                Ok(Found::Absent) => {}
                Err(error) => return Ok(self.send_failed(batch, BatchState::Sending, error)),
            }
            // Not there now. May it still appear?
            if let Some(input) = &batch.input_id {
                match provider.fence(input).await {
                    // Now no creation from this input can succeed: one more look decides.
                    Ok(true) => {
                        fenced = true;
                        continue;
                    }
                    Ok(false) => {}
                    Err(error) => return Ok(self.send_failed(batch, BatchState::Sending, error)),
                }
            }
            // A call that was under way when its process last gave a sign of life has ended by then.
            let timeout = TimeDelta::from_std(create_timeout).unwrap_or(TimeDelta::minutes(10));
            let surely_over = batch.lease_until.unwrap_or(send_from) + timeout + SETTLE;
            if now < surely_over {
                return Ok(wait(surely_over, "waiting until the creation call can no longer be under way"));
            }
            break;
        }
        tracing::info!(batch.id = %batch.id, "the batch is surely not at its provider; sending it again");
        store::set_input(&mut db, batch.id, self.owner(), None).await?;
        Ok(Step::Later { state: BatchState::Written, at: now, failures: batch.failures, error: None })
    }

    fn send_failed(&self, batch: &Batch, state: BatchState, error: CallError) -> Step {
        if state == BatchState::Written && split_for(batch, &error).is_some() {
            // It would be refused again: it is split at once.
            return Step::Refused(error);
        }
        let failures = batch.failures + 1;
        let next = after_failure(&self.settings().retry, &error, u32::try_from(failures).unwrap_or(u32::MAX));
        let at = |wait: Duration| self.now() + TimeDelta::from_std(wait).unwrap_or(TimeDelta::hours(1));
        tracing::warn!(batch.id = %batch.id, %error, "a batch could not be sent");
        let counted = |at| Step::Later { state, at, failures, error: Some(error.to_string()) };
        match next {
            Next::Again(wait) => counted(at(wait)),
            Next::Wait(wait) => {
                Step::Later { state, at: at(wait), failures: batch.failures, error: Some(error.to_string()) }
            }
            // A batch that may be at the provider is never given up, only looked for again.
            Next::GiveUp if state == BatchState::Sending => {
                counted(self.now() + insist(&self.settings().retry, &error, failures))
            }
            Next::GiveUp => Step::Refused(error),
        }
    }

    /// Splits a batch that is too large; else puts the jobs of a refused batch back, or gives them up where that is
    /// useless.
    async fn give_batch_up(&self, batch: &Batch, error: &CallError) -> Result<(), EngineError> {
        if let Some(limit) = split_for(batch, error)
            && self.split_batch(batch, limit, &error.to_string()).await?
        {
            return Ok(());
        }
        tracing::error!(batch.id = %batch.id, %error, "a batch was given up; its jobs go back");
        self.take_in_all(batch, error).await?;
        let now = self.now();
        let mut tx = self.db().begin().await?;
        store::close(&mut tx, batch.id, self.owner(), BatchState::Failed, Some(&error.to_string()), now)
            .await?;
        event::record(&mut tx, now, EventKind::Batch, &[batch.id.0]).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// How a refusal calls for a split, where it does.
fn split_for(batch: &Batch, error: &CallError) -> Option<Limit> {
    calls_for(error.class, &error.message, batch.jobs, batch.tokens)
}

fn later(batch: &Batch, state: BatchState, now: DateTime<Utc>, error: &str) -> Step {
    Step::Later {
        state,
        at: now + TimeDelta::seconds(5),
        failures: batch.failures,
        error: Some(error.to_owned()),
    }
}
