//! Deciding again about work that was not sent yet (SPEC 2.5): when its provider has failed for some time, and when its
//! batch would come back too late for its deadline. The old decision is kept with the job.

use super::{Decision, Facts, Route, UrgencyFacts, decide, urgency};
use crate::{
    budget::{self, Line},
    engine::{Engine, EngineError},
    event::{self, EventKind},
    jobs::{self, Task},
    queue::{self, Job, JobState, no_hurry},
    store::{JobId, NanoUsd, SubmissionId},
    submission,
};
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::HashMap;

/// Jobs decided in one transaction.
const CHUNK: i64 = 200;

/// Chunks decided between two looks after the queue.
const CHUNKS: usize = 5;

/// What was looked at once is looked at again after this time, if it still waits.
const ROUND: TimeDelta = TimeDelta::seconds(30);

/// How far through the waiting work a round has come.
#[derive(Clone, Copy, Debug, Default)]
struct Round {
    /// The last one that was looked at; none: the round is over.
    after: Option<JobId>,
    /// When the next round begins.
    next: Option<DateTime<Utc>>,
}

/// Rounds through the work that waits for providers that fail, and through all work with deadlines.
#[derive(Debug, Default)]
pub(crate) struct Rounds {
    failing: HashMap<String, Round>,
    late: Round,
}

/// Why work is decided again.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Cause {
    /// Its provider has failed for some time.
    Fails { provider: String, why: String },
    /// Its batch would come back after its deadline.
    Late,
}

impl Cause {
    fn words(&self) -> String {
        match self {
            Self::Fails { provider, why } => format!("{provider} does not work now ({why})"),
            Self::Late => "a batch would come back after the deadline".to_owned(),
        }
    }
}

/// The facts of now, for work whose own facts were seen before.
#[must_use]
pub fn facts_of_now(
    seen: Facts,
    marks_by: Option<DateTime<Utc>>,
    immediate: bool,
    now: DateTime<Utc>,
) -> Facts {
    let asked = UrgencyFacts {
        kind: seen.assignment.kind,
        marks_by,
        tier: seen.student.tier,
        immediate_feedback: immediate,
    };
    let mut facts = seen;
    facts.urgency = urgency(&asked, now);
    facts.assignment.minutes_to_deadline = marks_by.map(|by| (by - now).num_minutes());
    facts
}

/// Whether a new decision is worth moving waiting work: it goes another way, and who takes it answers.
#[must_use]
pub fn is_worth_it(provider: &str, route: Route, new: &Decision) -> bool {
    let answers = new.facts.providers.iter().any(|p| p.name == new.provider && p.healthy);
    answers && (new.provider != provider || new.route != route)
}

impl Engine {
    /// Decides again about unsent work where that is due.
    ///
    /// # Errors
    /// If the database fails.
    pub(crate) async fn decide_again_due(&self) -> Result<(), EngineError> {
        let now = self.now();
        let patience = TimeDelta::seconds(i64::from(self.health().settings().redecide_seconds));
        let failing: Vec<_> =
            self.health().pauses().into_iter().filter(|(_, pause)| now - pause.since >= patience).collect();
        self.rounds().failing.retain(|name, _| failing.iter().any(|(failing, _)| failing == name));
        for (provider, pause) in failing {
            let mut round = self.rounds().failing.get(&provider).copied().unwrap_or_default();
            let cause = Cause::Fails { provider: provider.clone(), why: pause.reason() };
            for _ in 0..CHUNKS {
                let Some(after) = round.begin(now) else { break };
                let ids = queue::store::queued_for(&mut self.db(), &provider, after, CHUNK).await?;
                round.end(&ids, now);
                self.decide_again(&ids, &cause).await?;
            }
            self.rounds().failing.insert(provider, round);
        }
        let mut round = self.rounds().late;
        for _ in 0..CHUNKS {
            let Some(after) = round.begin(now) else { break };
            let ids = queue::store::queued_with_deadline(&mut self.db(), no_hurry(), after, CHUNK).await?;
            round.end(&ids, now);
            let late = self.too_late(&ids, now).await?;
            self.decide_again(&late, &Cause::Late).await?;
        }
        self.rounds().late = round;
        Ok(())
    }

    /// Those of these jobs whose batches would come back after their deadlines.
    async fn too_late(&self, ids: &[JobId], now: DateTime<Utc>) -> Result<Vec<JobId>, EngineError> {
        let jobs = queue::store::find_many(&mut self.db(), ids).await?;
        let is_late =
            |job: &&Job| job.route == Route::Batch && self.estimate_queued(job, now).to > job.deadline;
        Ok(jobs.iter().filter(is_late).map(|job| job.id).collect())
    }

    /// Decides about unsent jobs by the facts of now, and moves those that go another way, with the money held for them.
    async fn decide_again(&self, ids: &[JobId], cause: &Cause) -> Result<(), EngineError> {
        if ids.is_empty() {
            return Ok(());
        }
        let now = self.now();
        let mut db = self.db();
        let jobs = queue::store::find_many(&mut db, ids).await?;
        let mut decisions = queue::store::decisions(&mut db, ids).await?;
        let submissions: Vec<SubmissionId> = jobs.iter().map(|job| job.submission_id).collect();
        let assignments = submission::store::assignments(&mut db, &submissions).await?;
        let mut moved = Vec::new();
        for job in jobs.into_iter().filter(|job| job.state == JobState::Queued) {
            let (Some(old), Some(assignment)) =
                (decisions.remove(&job.id), assignments.get(&job.submission_id))
            else {
                continue;
            };
            let marking = self.marking(*assignment).await?;
            let course = &marking.context.course;
            let marks_by = Some(job.deadline).filter(|by| *by < no_hurry());
            let mut facts = facts_of_now(old.facts.clone(), marks_by, course.immediate_feedback, now);
            let load = self.load();
            facts.budget.used = load.budgets.used(course.id);
            facts.budget.left = load.budgets.left(course.id);
            facts.policy = self.policy_facts(&marking);
            facts.clock = self.clock_facts(now);
            facts.measures = load.measures.of_routing();
            (facts.load.waiting, facts.load.sent) = (load.waiting, load.sent);
            let tokens = u64::try_from(job.input_tokens).unwrap_or(0);
            facts.providers = self.provider_facts(tokens, job.output_tokens, job.max_output, now);
            let Ok(mut new) = decide(&self.rules(), facts) else { continue };
            if is_worth_it(&job.provider, job.route, &new) {
                new.reasoning = format!("Decided again, as {}. {}", cause.words(), new.reasoning);
                moved.push((job, old, new));
            }
        }
        self.move_all(moved, cause, now).await
    }

    async fn move_all(
        &self,
        moved: Vec<(Job, Decision, Decision)>,
        cause: &Cause,
        now: DateTime<Utc>,
    ) -> Result<(), EngineError> {
        if moved.is_empty() {
            return Ok(());
        }
        let mut tx = self.db().begin().await?;
        let mut budgets =
            if self.has_hard_stop() { Some(self.budgets_for_update(&mut tx).await?) } else { None };
        let (mut lines, mut calls, mut events) = (Vec::new(), Vec::new(), Vec::new());
        for (job, old, new) in moved {
            let mut next = Job {
                provider: new.provider.clone(),
                model: new.model.clone(),
                route: new.route,
                lane: new.lane,
                failures: 0,
                diverted: 0,
                ready_at: now,
                steps: new.kept_steps(),
                hold: new.hold,
                ..job.clone()
            };
            next.expected = self.expected(&next)?;
            // At a hard stop nothing is held before it is sent.
            if job.reserved != NanoUsd::ZERO {
                next.reserved = self.worst_case(&next)?;
                let more = (next.reserved - job.reserved).max(NanoUsd::ZERO);
                if budgets.as_mut().is_some_and(|budgets| !budgets.take(job.course_id, more)) {
                    continue;
                }
            }
            let why = format!("{}; decided again: sent to {}", cause.words(), next.provider);
            if !queue::store::decide_again(&mut tx, &job, &next, &new, &why).await? {
                continue;
            }
            queue::store::keep_decision(&mut tx, job.id, now, &why, &old).await?;
            tracing::info!(job.id = %job.id, from = job.provider, to = next.provider, why, "a job was decided again");
            if job.reserved != NanoUsd::ZERO {
                lines.push(Line::release(self.world(), self.zone(), job.account(), job.held(), &why));
                lines.push(Line::reserve(self.world(), self.zone(), next.account(), next.held()));
            }
            if next.route == Route::Realtime {
                calls.push(Task::Call(next.id));
            }
            self.note_assigned(&next);
            events.push(job.submission_id.0);
        }
        budget::record(&mut tx, &lines).await?;
        event::record(&mut tx, now, EventKind::Returned, &events).await?;
        if !calls.is_empty() {
            jobs::push(&mut tx, &calls, None).await?;
        }
        tx.commit().await?;
        Ok(())
    }
}

impl Round {
    /// After which job to go on; none: nothing is to be done yet.
    fn begin(&self, now: DateTime<Utc>) -> Option<JobId> {
        match (self.after, self.next) {
            (Some(after), _) => Some(after),
            (None, Some(next)) if next > now => None,
            (None, _) => Some(JobId(uuid::Uuid::nil())),
        }
    }

    fn end(&mut self, ids: &[JobId], now: DateTime<Utc>) {
        let full = i64::try_from(ids.len()).unwrap_or(i64::MAX) >= CHUNK;
        self.after = ids.last().copied().filter(|_| full);
        self.next = Some(now + ROUND);
    }
}
