//! Following a batch at its provider, with back-off and jitter (SPEC 3.5).

use super::{Batch, BatchState, store};
use crate::{
    engine::{Engine, EngineError},
    event::{self, EventKind},
    jobs::{self, Task, Verdict},
    provider::{CallError, ErrorClass, RemoteBatch, RemoteState},
    recovery::insist,
    store::BatchId,
};
use chrono::{DateTime, TimeDelta, Utc};

impl Engine {
    /// Asks the provider where a batch stands.
    ///
    /// # Errors
    /// If the database fails.
    pub(crate) async fn poll_batch(&self, id: BatchId) -> Result<Verdict, EngineError> {
        let mut db = self.db();
        let Some(batch) = store::find(&mut db, id).await? else { return Ok(Verdict::Done) };
        let (BatchState::Sent, Some(remote_id)) = (batch.state, batch.remote_id.clone()) else {
            return Ok(Verdict::Done);
        };
        let now = self.now();
        if batch.look_at > now {
            return Ok(Verdict::LookAgain(batch.look_at));
        }
        let next = now + self.poll_wait(&batch, now);
        if !store::begin_poll(&mut db, id, batch.look_at, next).await? {
            return Ok(Verdict::Done);
        }
        let entry = self.provider(&batch.provider)?;
        match entry.provider.poll(&remote_id).await {
            Ok(remote) if remote.state.is_final() => {
                self.batch_ended(&batch, &remote).await?;
                Ok(Verdict::Done)
            }
            Ok(remote) => {
                let counts = counts(&remote);
                let moved = batch.remote_state.as_deref() != Some(&store::remote_state_name(remote.state))
                    || counts.is_some_and(|c| c != (batch.completed, batch.failed));
                let seen = store::Seen {
                    remote_state: remote.state,
                    counts,
                    look_at: next,
                    failures: 0,
                    error: None,
                };
                let mut tx = self.db().begin().await?;
                store::set_seen(&mut tx, id, &seen).await?;
                if moved {
                    event::record(&mut tx, now, EventKind::Batch, &[id.0]).await?;
                }
                tx.commit().await?;
                Ok(Verdict::LookAgain(next))
            }
            Err(error) if error.class == ErrorClass::NotFound => {
                self.batch_vanished(&batch, &error).await?;
                Ok(Verdict::Done)
            }
            Err(error) => {
                let failures = batch.failures + 1;
                // The batch is paid for: it is asked about until it answers.
                let at = next.max(now + insist(&self.settings().retry, &error, failures));
                tracing::warn!(batch.id = %id, %error, "a batch could not be asked about");
                store::set_poll_failed(&mut db, id, at, failures, &error.to_string()).await?;
                Ok(Verdict::LookAgain(at))
            }
        }
    }

    async fn batch_ended(&self, batch: &Batch, remote: &RemoteBatch) -> Result<(), EngineError> {
        let now = self.now();
        let complaint = remote
            .complaints
            .iter()
            .map(|c| match c.line {
                Some(line) => format!("line {line}: {} ({})", c.message, c.code),
                None => format!("{} ({})", c.message, c.code),
            })
            .collect::<Vec<_>>()
            .join("; ");
        let error = (!complaint.is_empty()).then_some(complaint.as_str());
        let mut tx = self.db().begin().await?;
        if store::set_ended(&mut tx, batch.id, remote.state, counts(remote), error, now).await? {
            event::record(&mut tx, now, EventKind::Batch, &[batch.id.0]).await?;
            jobs::push(&mut tx, &[Task::Ingest(batch.id)], None).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// The provider no longer knows the batch: it was deleted, or its results have expired. Nothing can come of it.
    async fn batch_vanished(&self, batch: &Batch, error: &CallError) -> Result<(), EngineError> {
        tracing::error!(batch.id = %batch.id, %error, "the provider no longer knows a batch; its jobs go back");
        let remote = RemoteBatch {
            id: batch.remote_id.clone().unwrap_or_default(),
            state: RemoteState::Cancelled,
            counts: None,
            created_at: None,
            complaints: vec![crate::provider::BatchComplaint {
                code: "not_found".to_owned(),
                message: "the provider no longer knows the batch".to_owned(),
                line: None,
            }],
            results: Vec::new(),
        };
        self.batch_ended(batch, &remote).await
    }

    /// How long to wait before the next look: a tenth of the time that has passed, within the provider's bounds, give
    /// or take a fifth so that batches are not all asked about at once.
    pub(crate) fn poll_wait(&self, batch: &Batch, now: DateTime<Utc>) -> TimeDelta {
        let (first, most) = self.provider(&batch.provider).map_or((10, 300), |entry| entry.poll_bounds());
        let passed = (now - batch.sent_at.unwrap_or(now)).num_milliseconds();
        let wait = (passed / 10).clamp(first * 1000, most * 1000);
        #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "a wait of minutes")]
        let jittered = (wait as f64 * (0.8 + 0.4 * self.world().fraction())) as i64;
        TimeDelta::milliseconds(jittered)
    }
}

fn counts(remote: &RemoteBatch) -> Option<(i64, i64)> {
    let int = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    remote.counts.map(|c| (int(c.completed), int(c.failed)))
}
