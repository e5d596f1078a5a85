//! What the workers do with each task, and what they look after once a second.

use super::{Engine, EngineError, WeakEngine};
use crate::{
    batching::{self, BatchState},
    calling,
    jobs::{self, Handler, Task, Verdict},
    notice,
    queue::{self, JobState},
    store::{JobId, SubmissionId},
    submission, trial,
};
use chrono::TimeDelta;
use std::{
    sync::PoisonError,
    time::{Duration, Instant},
};

/// Hints lost by a crash are issued again this often.
const SWEEP: Duration = Duration::from_secs(3);

/// How long to wait after our own failure.
const PAUSE: Duration = Duration::from_secs(2);

#[async_trait::async_trait]
impl Handler for Engine {
    async fn handle(&self, task: Task) -> Verdict {
        let what = format!("{task:?}");
        let outcome = match task {
            Task::Interim(ids) => self.add_interim(&ids).await.map(|()| Verdict::Done),
            Task::Call(id) => self.call_job(id).await,
            Task::Try(id) => self.try_work(id).await,
            Task::Cut { provider } => {
                let since = self.now() - TimeDelta::seconds(5);
                self.cut(&provider, since).await.map(|_| Verdict::Done)
            }
            Task::Submit(id) => self.send_batch(id).await,
            Task::Poll(id) => self.poll_batch(id).await,
            Task::Ingest(id) => self.ingest_batch(id).await,
            Task::Deliver => self.deliver_notices().await,
            Task::PostBills => self.post_bills().await,
        };
        outcome.unwrap_or_else(|error| {
            tracing::warn!(task = what, %error, "a task failed; it is tried again");
            Verdict::Retry { after: PAUSE, why: error.to_string() }
        })
    }

    async fn tick(&self) {
        if let Err(error) = self.look_after().await {
            tracing::warn!(%error, "looking after the queue failed; it is tried again in a second");
        }
    }
}

impl Engine {
    /// When this process last looked after the queue; none: never.
    #[must_use]
    pub fn last_tick(&self) -> Option<Instant> {
        self.0.ticked.lock().unwrap_or_else(PoisonError::into_inner).map(|(at, _)| at)
    }

    async fn look_after(&self) -> Result<(), EngineError> {
        let now = self.now();
        let since = {
            let mut ticked = self.0.ticked.lock().unwrap_or_else(PoisonError::into_inner);
            let since = ticked.map_or(now - TimeDelta::seconds(1), |(_, at)| at);
            *ticked = Some((Instant::now(), now));
            // A fire of a schedule during a long pause still counts.
            since.max(now - TimeDelta::minutes(5))
        };
        for provider in self.ready_to_cut(since).await? {
            self.cut(&provider, since).await?;
        }
        if now.timestamp() % i64::try_from(SWEEP.as_secs()).unwrap_or(3) == 0 {
            self.sweep().await?;
            self.tell_of_outages().await?;
            self.tell_of_budgets().await?;
            self.control_costs().await?;
            self.bill_ended_months().await?;
        }
        self.decide_again_due().await?;
        self.tell_who_moved_back().await
    }

    /// Gives a notice to students whose work stands further back than ever before.
    async fn tell_who_moved_back(&self) -> Result<(), EngineError> {
        let snapshot = self.snapshot();
        let moved = {
            let mut furthest = self.0.furthest.lock().unwrap_or_else(PoisonError::into_inner);
            let (seen, at) = &mut *furthest;
            if *at == Some(snapshot.made_at) {
                return Ok(());
            }
            *at = Some(snapshot.made_at);
            seen.look(&snapshot)
        };
        if moved.is_empty() {
            return Ok(());
        }
        let jobs = queue::store::find_many(&mut self.db(), &moved).await?;
        // Some may have been sent meanwhile.
        let waiting: Vec<SubmissionId> =
            jobs.iter().filter(|job| job.state == JobState::Queued).map(|job| job.submission_id).collect();
        if waiting.is_empty() {
            return Ok(());
        }
        let mut tx = self.db().begin().await?;
        let notices: Vec<notice::New> = submission::store::students(&mut tx, &waiting)
            .await?
            .into_iter()
            .map(|(submission, person)| notice::New {
                person,
                kind: notice::Kind::Delayed,
                subject: submission.0,
            })
            .collect();
        let task = self.tell(&mut tx, &notices).await?;
        jobs::push(&mut tx, task.as_slice(), None).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Issues hints again that a crash may have swallowed. A hint too many does no harm.
    async fn sweep(&self) -> Result<(), EngineError> {
        let now = self.now();
        self.lose_orphaned_calls().await?;
        self.lose_orphaned_tries().await?;
        self.recover_due().await?;
        self.sum_up_deaths().await?;
        self.end_waits().await?;
        let grace = TimeDelta::seconds(2);
        let mut tasks: Vec<Task> = batching::store::due(&mut self.db(), now, grace, 200)
            .await?
            .into_iter()
            .map(|batch| match batch.state {
                BatchState::Written | BatchState::Sending => Task::Submit(batch.id),
                BatchState::Sent => Task::Poll(batch.id),
                BatchState::Ended | BatchState::Done | BatchState::Failed => Task::Ingest(batch.id),
            })
            .collect();
        let calls: Vec<JobId> = queue::store::calls_due(&mut self.db(), now - grace, 200).await?;
        tasks.extend(calls.into_iter().map(Task::Call));
        let tries = trial::due(&mut self.db(), now - grace, 8).await?;
        tasks.extend(tries.into_iter().map(Task::Try));
        let interim = crate::submission::store::without_interim(&mut self.db(), now - grace, 200).await?;
        if !interim.is_empty() {
            tasks.push(Task::Interim(interim));
        }
        if crate::notice::any_due(&mut self.db(), now - grace).await? {
            tasks.push(Task::Deliver);
        }
        if self.bills_due(now - grace).await? {
            tasks.push(Task::PostBills);
        }
        if !tasks.is_empty() {
            jobs::push_now(&self.db(), &tasks, None).await?;
        }
        Ok(())
    }
}

/// Prolongs the leases of what this process is at work on, well before they end.
pub(super) async fn keep_leases(engine: WeakEngine) {
    loop {
        let Some(strong) = engine.upgrade() else { return };
        let seconds = strong.settings().lease_seconds.max(2);
        let ids: Vec<_> = strong.works().keys().copied().collect();
        let until = strong.lease_until();
        let mut db = strong.db();
        let renewed = async {
            batching::store::renew(&mut db, strong.owner(), &ids, until).await?;
            calling::store::renew(&mut db, strong.owner(), &ids, until).await?;
            trial::renew(&mut db, strong.owner(), &ids, until).await
        };
        if let Err(error) = renewed.await {
            tracing::warn!(%error, "leases could not be prolonged; trying again");
        }
        drop(strong);
        tokio::time::sleep(Duration::from_secs(u64::from(seconds) / 3)).await;
    }
}
