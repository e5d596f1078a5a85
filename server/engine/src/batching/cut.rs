//! Cutting: ready jobs of a provider become batches that are written down, all in one transaction.

use super::{
    Batch, Circumstances, Composed, Composition, InLine, Prefix, Readiness, Room, Tuning, candidates,
    compose::{Limits, whole},
    new_token, rate,
    size::Shares,
    store,
};
use crate::{
    budget,
    cost_control::Measure,
    crash,
    engine::{Engine, EngineError, Entry},
    event::{self, EventKind},
    jobs::{self, Task},
    notice,
    provider::{Keep, cache::keep_in_batch, registry},
    queue::{self, Job},
    recovery::Cause,
    store::{BatchId, Exec, JobId, SubmissionId, Tx},
    submission::{self, SubmissionState},
};
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::{HashMap, HashSet};

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
        // What waits for one that is paused can still go elsewhere.
        for entry in self.providers().into_iter().filter(|entry| self.health().pause(&entry.name).is_none()) {
            if !entry.provider.capabilities().batch {
                if backlog.iter().any(|b| b.provider == entry.name && b.ready > 0) {
                    ready.push(entry.name.clone());
                }
                continue;
            }
            let models: HashSet<&str> =
                backlog.iter().filter(|b| b.provider == entry.name).map(|b| b.model.as_str()).collect();
            let any = models.into_iter().any(|model| {
                let queue = Shares::new(&entry, model, &backlog, &in_flight, now);
                matches!(self.readiness_of(&queue, since), Readiness::Cut(_))
            });
            if any {
                ready.push(entry.name.clone());
            }
        }
        Ok(ready)
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
            let waiting = Shares::new(&entry, &model, &backlog, &in_flight, now);
            let Readiness::Cut(reason) = self.readiness_of(&waiting, since) else { continue };
            let hard = entry.limits();
            let most_tokens = self.most_tokens(&mut tx, provider, &model, hard.enqueued_tokens).await?;
            let mut room = Room {
                jobs: waiting.sizes().max,
                batches: waiting.sizes().slots - waiting.open(),
                hard,
                tokens_left: most_tokens.map(|most| most.saturating_sub(waiting.enqueued())),
                target: waiting.sizes().max,
                least: waiting.sizes().min,
            };
            let (line, too_large) =
                self.line_to_ask(&mut tx, (provider, &model), reason.takes_economy(), &room, now).await?;
            if let (Some(left), Some(first), 0) = (&mut room.tokens_left, line.first(), waiting.enqueued()) {
                // A limit that the provider named, and not the settings, may be too narrow for the first job: the
                // provider must say that of the job itself, or it would wait for ever.
                *left = (*left).max(first.input_tokens);
            }
            let going = i64::try_from(line.len()).unwrap_or(i64::MAX);
            room.target = self.recommended(&waiting, Some(going)).size.min(room.jobs);
            let line = self.with_prefixes(&mut tx, line).await?;
            let limits = Limits {
                jobs: room.most_jobs(),
                bytes: whole(hard.bytes),
                tokens: most_tokens,
                enqueued: waiting.enqueued(),
            };
            let (compositions, composed) = self.composed(&waiting, &line, &room, limits);
            let keep = self.keep_in_batch(&entry, &model);
            for composition in compositions {
                let batch = Batch {
                    reason: reason.text().to_owned(),
                    prefix_cache: keep,
                    measures: self.load().measures.of_batches(),
                    ..Batch::written(
                        self.world().id(),
                        new_token(self.world()),
                        (provider, &model),
                        composed.strategy,
                        now,
                    )
                };
                let jobs: Vec<&Job> = composition.jobs.iter().map(|at| &line[*at].job).collect();
                if self.write_down(&mut tx, batch.clone(), &composition, &composed, jobs).await? {
                    cut.push(batch.id);
                }
            }
            let why = "the work alone is larger than the provider takes in one batch";
            self.bury_queued(&mut tx, &too_large, Cause::TooLarge, why).await?;
        }
        crash::point("cut.before_commit");
        tx.commit().await?;
        crash::point("cut.after_commit");
        Ok(cut)
    }

    /// The batches that the jobs in line make, and why.
    fn composed(
        &self,
        queue: &Shares<'_>,
        line: &[InLine],
        room: &Room,
        limits: Limits,
    ) -> (Vec<Composition>, Composed) {
        let load = self.load();
        let name = &queue.entry.name;
        let price = self.price(name, queue.model, queue.now).ok();
        let turnaround = self.expected_turnaround(&load, name);
        let usual = load.turnaround(name).unwrap_or(self.settings().turnaround_prior);
        // What a student was told counts from the latest time at which work of its age is cut.
        let told = |job: &Job| {
            let cut = (job.arrived_at + queue.sizes().longest).max(job.ready_at);
            (cut + TimeDelta::seconds(usual.p90)).min(job.deadline)
        };
        let by = Circumstances {
            price: price.as_ref(),
            turnaround: &*turnaround,
            promise: &told,
            slots: (queue.open(), queue.sizes().slots),
            tuning: &self.tuning(),
            now: queue.now,
        };
        rate(line, candidates(line, room), limits, &by)
    }

    /// How batches are put together now: while cost control asks for more caching, by cost and risk alone.
    fn tuning(&self) -> Tuning {
        let set = self.settings().batching;
        if self.load().measures.has(Measure::Caching) { Tuning { waiting_weight: 0, ..set } } else { set }
    }

    /// How the prompts of a batch that is cut now are marked for the provider's cache.
    pub(super) fn keep_in_batch(&self, entry: &Entry, model: &str) -> Keep {
        let load = self.load();
        let terms = self.price(&entry.name, model, self.now()).ok();
        keep_in_batch(entry.settings.batch_cache, load.marked(&entry.name, model), terms.as_ref())
    }

    /// The jobs with what each one's prompt shares with others.
    async fn with_prefixes(&self, tx: &mut Tx, line: Vec<Job>) -> Result<Vec<InLine>, EngineError> {
        let ids: Vec<JobId> = line.iter().map(|job| job.id).collect();
        let assignments = queue::store::assignments(tx, &ids).await?;
        let mut tokens = HashMap::new();
        for assignment in assignments.values().copied().collect::<HashSet<_>>() {
            let stable = self.marking(assignment).await?.stable_tokens;
            tokens.insert(assignment, i64::try_from(stable).unwrap_or(i64::MAX));
        }
        let prefix = |job: &Job| {
            let assignment = *assignments.get(&job.id)?;
            Some(Prefix { assignment, tokens: *tokens.get(&assignment)? })
        };
        Ok(line.into_iter().map(|job| InLine { prefix: prefix(&job), job }).collect())
    }

    /// Writes a batch down with its jobs; false where none of them is queued any more.
    async fn write_down(
        &self,
        tx: &mut Tx,
        batch: Batch,
        composition: &Composition,
        composed: &Composed,
        jobs: Vec<&Job>,
    ) -> Result<bool, EngineError> {
        let now = batch.created_at;
        let ids: Vec<JobId> = jobs.iter().map(|job| job.id).collect();
        let taken: HashSet<JobId> =
            queue::store::put_into_batch(tx, &ids, batch.id, now).await?.into_iter().collect();
        // A draft that was withdrawn meanwhile is no longer queued.
        let jobs: Vec<&Job> = jobs.into_iter().filter(|job| taken.contains(&job.id)).collect();
        if jobs.is_empty() {
            return Ok(false);
        }
        let batch = Batch {
            jobs: i64::try_from(jobs.len()).unwrap_or(i64::MAX),
            bytes: composition.bytes,
            tokens: composition.tokens,
            ..batch
        };
        let ids: Vec<JobId> = jobs.iter().map(|job| job.id).collect();
        store::insert(tx, &batch, Some(composed), &ids).await?;
        let submissions: Vec<SubmissionId> = jobs.iter().map(|job| job.submission_id).collect();
        let told = self.note_processing(tx, &submissions, now).await?;
        event::record(tx, now, EventKind::Batch, &[batch.id.0]).await?;
        let tasks: Vec<Task> = told.into_iter().chain([Task::Submit(batch.id)]).collect();
        jobs::push(tx, &tasks, None).await?;
        Ok(true)
    }

    /// Jobs for which money is held; holds it for those stored at a hard stop, as far as it goes.
    pub(super) async fn with_money(
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

    /// Tells that marking has begun; answers the task that sends the e-mails.
    pub(crate) async fn note_processing(
        &self,
        x: &mut impl Exec,
        submissions: &[SubmissionId],
        now: DateTime<Utc>,
    ) -> Result<Option<Task>, EngineError> {
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
        self.tell(x, &notices).await
    }
}
