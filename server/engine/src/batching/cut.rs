//! Cutting: ready jobs of a provider become batches that are written down, all in one transaction.

use super::{Batch, BatchState, QueueFacts, Reason, Room, Sizes, compose, new_token, readiness, store};
use crate::{
    budget, crash,
    engine::{Engine, EngineError},
    event::{self, EventKind},
    jobs::{self, Task},
    notice,
    provider::registry,
    queue::{self, Lane},
    recovery::Cause,
    store::{BatchId, Exec, JobId, SubmissionId},
    submission::{self, SubmissionState},
};
use chrono::{DateTime, Utc};
use std::collections::{HashMap, HashSet};

/// Jobs looked at in one cut: more than any provider's slots hold.
const MOST_CANDIDATES: i64 = 200_000;

impl Engine {
    /// Which providers' queues may be cut now; called once a second.
    ///
    /// # Errors
    /// If the database fails.
    pub(crate) async fn ready_to_cut(&self, since: DateTime<Utc>) -> Result<Vec<String>, EngineError> {
        let now = self.now();
        let mut db = self.db();
        let backlog = queue::store::backlog(&mut db, now).await?;
        if backlog.iter().all(|b| b.ready == 0) {
            return Ok(Vec::new());
        }
        let in_flight = store::in_flight(&mut db).await?;
        let mut ready = Vec::new();
        for entry in self.providers() {
            if !entry.provider.capabilities().batch {
                if backlog.iter().any(|b| b.provider == entry.name && b.ready > 0) {
                    ready.push(entry.name.clone());
                }
                continue;
            }
            let models: HashSet<&str> =
                backlog.iter().filter(|b| b.provider == entry.name).map(|b| b.model.as_str()).collect();
            let any = models
                .into_iter()
                .any(|model| self.reason_to_cut(&entry, model, &backlog, &in_flight, since, now).is_some());
            if any {
                ready.push(entry.name.clone());
            }
        }
        Ok(ready)
    }

    fn reason_to_cut(
        &self,
        entry: &crate::engine::Entry,
        model: &str,
        backlog: &[queue::Backlog],
        in_flight: &[store::InFlight],
        since: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Option<Reason> {
        let of = |lane| {
            backlog.iter().find(move |b| b.provider == entry.name && b.model == model && b.lane == lane)
        };
        let ready = |lane| of(lane).map_or(0, |b| b.ready);
        let oldest = |lane| of(lane).and_then(|b| b.oldest);
        let fired =
            |schedule: &crate::provider::Schedule| schedule.next_after(since).is_some_and(|at| at <= now);
        let facts = QueueFacts {
            urgent: ready(Lane::Urgent),
            standard: ready(Lane::Standard),
            economy: ready(Lane::Economy),
            oldest: [oldest(Lane::Urgent), oldest(Lane::Standard)].into_iter().flatten().min(),
            oldest_economy: oldest(Lane::Economy),
            fired: fired(&entry.schedule),
            economy_fired: fired(&entry.economy_schedule),
            open_batches: in_flight.iter().filter(|f| f.provider == entry.name).map(|f| f.batches).sum(),
        };
        readiness(&facts, &entry.sizes(), now)
    }

    /// Cuts a provider's queue: all batches that may be cut now.
    ///
    /// # Errors
    /// If the database fails.
    pub(crate) async fn cut(
        &self,
        provider: &str,
        since: DateTime<Utc>,
    ) -> Result<Vec<BatchId>, EngineError> {
        let entry = self.provider(provider)?;
        let now = self.now();
        let mut tx = self.db().begin().await?;
        // Its row lock keeps two processes from cutting one queue at once.
        if !registry::store::lock_for_cut(&mut tx, provider, now).await? {
            return Ok(Vec::new());
        }
        let backlog = queue::store::backlog(&mut tx, now).await?;
        let mut cut = Vec::new();
        let mut models: Vec<String> = backlog
            .iter()
            .filter(|b| b.provider == provider && b.ready > 0)
            .map(|b| b.model.clone())
            .collect();
        models.sort();
        models.dedup();
        if !entry.provider.capabilities().batch {
            self.without_batches(&mut tx, provider, &models).await?;
            tx.commit().await?;
            return Ok(Vec::new());
        }
        for model in models {
            let in_flight = store::in_flight(&mut tx).await?;
            let Some(reason) = self.reason_to_cut(&entry, &model, &backlog, &in_flight, since, now) else {
                continue;
            };
            let sizes: Sizes = entry.sizes();
            let hard = entry.limits();
            let open: i64 = in_flight.iter().filter(|f| f.provider == provider).map(|f| f.batches).sum();
            let enqueued: i64 = in_flight
                .iter()
                .filter(|f| f.provider == provider && f.model == model)
                .map(|f| f.tokens)
                .sum();
            let room = Room {
                jobs: sizes.max,
                batches: sizes.slots - open,
                hard,
                tokens_left: hard
                    .enqueued_tokens
                    .map(|most| i64::try_from(most).unwrap_or(i64::MAX).saturating_sub(enqueued)),
            };
            let ready = queue::store::ready(&mut tx, provider, &model, now, MOST_CANDIDATES).await?;
            let ready = self.with_money(&mut tx, ready).await?;
            let (compositions, too_large) = compose(ready, reason.takes_economy(), &room, now);
            for composition in compositions {
                let batch = Batch {
                    id: self.world().id(),
                    token: new_token(self.world()),
                    provider: provider.to_owned(),
                    model: model.clone(),
                    state: BatchState::Written,
                    jobs: i64::try_from(composition.jobs.len()).unwrap_or(i64::MAX),
                    bytes: composition.bytes,
                    tokens: composition.tokens,
                    reason: reason.text().to_owned(),
                    created_at: now,
                    owner: None,
                    lease_until: None,
                    send_from: None,
                    sends: 0,
                    input_id: None,
                    remote_id: None,
                    remote_state: None,
                    completed: 0,
                    failed: 0,
                    sent_at: None,
                    ended_at: None,
                    finished_at: None,
                    polls: 0,
                    failures: 0,
                    look_at: now,
                    error: None,
                };
                let ids: Vec<JobId> = composition.jobs.iter().map(|job| job.id).collect();
                let taken: HashSet<JobId> =
                    queue::store::put_into_batch(&mut tx, &ids, batch.id, now).await?.into_iter().collect();
                // A draft that was withdrawn meanwhile is no longer queued.
                let jobs: Vec<&queue::Job> =
                    composition.jobs.iter().filter(|j| taken.contains(&j.id)).collect();
                if jobs.is_empty() {
                    continue;
                }
                let batch = Batch { jobs: i64::try_from(jobs.len()).unwrap_or(i64::MAX), ..batch };
                let ids: Vec<JobId> = jobs.iter().map(|job| job.id).collect();
                store::insert(&mut tx, &batch, &ids).await?;
                let submissions: Vec<SubmissionId> = jobs.iter().map(|job| job.submission_id).collect();
                self.note_processing(&mut tx, &submissions, now).await?;
                event::record(&mut tx, now, EventKind::Batch, &[batch.id.0]).await?;
                jobs::push(&mut tx, &[Task::Submit(batch.id)], None).await?;
                cut.push(batch.id);
            }
            let why = "the work alone is larger than the provider takes in one batch";
            self.bury_queued(&mut tx, &too_large, Cause::TooLarge, why).await?;
        }
        crash::point("cut.before_commit");
        tx.commit().await?;
        crash::point("cut.after_commit");
        Ok(cut)
    }

    /// Jobs for which money is held; holds it for those stored at a hard stop, as far as it goes.
    async fn with_money(
        &self,
        tx: &mut crate::store::Tx,
        ready: Vec<queue::Job>,
    ) -> Result<Vec<queue::Job>, EngineError> {
        if ready.iter().all(|job| job.reserved.0 > 0) {
            return Ok(ready);
        }
        let mut budgets = self.budgets_for_update(tx).await?;
        let mut lines = Vec::new();
        let mut funded = Vec::with_capacity(ready.len());
        for mut job in ready {
            if job.reserved.0 == 0 {
                let most = self.worst_case(&job)?;
                if !budgets.take(job.course_id, most) {
                    continue;
                }
                job.reserved = most;
                queue::store::set_reserved(tx, job.id, most).await?;
                lines.push(budget::Line::reserve(self.world(), self.zone(), job.account(), job.held()));
            }
            funded.push(job);
        }
        budget::record(tx, &lines).await?;
        Ok(funded)
    }

    /// Tells that marking has begun.
    pub(crate) async fn note_processing(
        &self,
        x: &mut impl Exec,
        submissions: &[SubmissionId],
        now: DateTime<Utc>,
    ) -> Result<(), EngineError> {
        submission::store::set_state(x, submissions, SubmissionState::Processing).await?;
        let subjects: Vec<uuid::Uuid> = submissions.iter().map(|id| id.0).collect();
        event::record(x, now, EventKind::Processing, &subjects).await?;
        let students: HashMap<SubmissionId, _> = submission::store::students(x, submissions).await?;
        let notices: Vec<_> = students
            .into_iter()
            .map(|(submission, student)| notice::New {
                person: student,
                kind: notice::Kind::Processing,
                subject: submission.0,
            })
            .collect();
        notice::enqueue(x, self.world(), &notices).await?;
        Ok(())
    }
}
