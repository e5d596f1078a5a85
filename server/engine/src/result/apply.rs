//! What follows from judged answers, written down in one transaction: assessments, the ledger, the state of jobs and
//! submissions, notices and events (SPEC 5.1). Doing it twice changes nothing the second time.

use super::{Given, Good, Judged, store};
use crate::{
    answer::{self, Reuse},
    batching,
    budget::{self, Held, Line, Tokens},
    cost_control::Measure,
    crash,
    engine::{Engine, EngineError, Marking},
    event::{self, EventKind},
    jobs::{self, Task},
    notice,
    provider::Reply,
    queue::{self, Job, JobState},
    recovery::{self, Cause, Death, Way},
    routing::Route,
    store::{BatchId, CallId, CourseId, Digest, JobId, NanoUsd, PersonId, SubmissionId, Tx},
    submission::{self, SubmissionState},
};
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::{HashMap, HashSet, hash_map::Entry};

/// Where an answer came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A line of a batch's results.
    Batch(BatchId),
    /// A call in real time.
    Call(CallId),
    /// An earlier request for the same work; the job was not sent.
    Earlier,
}

/// One job whose request ended.
#[derive(Clone, Debug)]
pub struct Arrived {
    /// The job, as it was when its answer came.
    pub job: Job,
    /// The student.
    pub student: PersonId,
    /// A person approves the marks before they are released.
    pub held_for_approval: bool,
    /// The most points of its rubric, in hundredths.
    pub most: i64,
    /// The prompt's template and version.
    pub template: String,
    /// Digest of the part of the prompt that all work of the assignment shares.
    pub prompt: Digest,
    /// What the answer comes to.
    pub judged: Judged,
}

impl Arrived {
    /// A student's job whose work is marked so, and what its answer came to.
    #[must_use]
    pub fn new(job: Job, student: PersonId, marking: &Marking, judged: Judged) -> Self {
        Self {
            student,
            held_for_approval: marking.held_for_approval() || job.hold,
            job,
            most: marking.context.rubric.most().0,
            template: marking.template(),
            prompt: marking.stable.digest.clone(),
            judged,
        }
    }
}

impl Judged {
    /// How it is noted with the batch.
    const fn name(&self) -> &'static str {
        match self {
            Self::Marked(..) | Self::Given(..) => "marked",
            Self::Unusable { .. } => "unusable",
            Self::Failed { .. } | Self::Diverted { .. } => "failed",
            Self::Unfinished { .. } => "unfinished",
        }
    }
}

/// What a transaction has gathered to write at its end.
#[derive(Default)]
struct Effects {
    lines: Vec<Line>,
    assessments: Vec<store::New>,
    completed: Vec<SubmissionId>,
    in_review: Vec<SubmissionId>,
    returned: Vec<SubmissionId>,
    deaths: Vec<Death>,
    notices: Vec<notice::New>,
    calls: Vec<(JobId, DateTime<Utc>)>,
    saved: Vec<(Measure, NanoUsd)>,
    reuses: Vec<Reuse>,
}

impl Engine {
    /// Takes in answers of one source.
    ///
    /// # Errors
    /// If the database fails; then nothing of it was done.
    pub(crate) async fn take_in(&self, source: Source, arrived: Vec<Arrived>) -> Result<(), EngineError> {
        if arrived.is_empty() {
            return Ok(());
        }
        let mut tx = self.db().begin().await?;
        self.take_in_tx(&mut tx, source, arrived).await?;
        crash::point("ingest.before_chunk_commit");
        tx.commit().await?;
        crash::point("ingest.after_chunk_commit");
        Ok(())
    }

    pub(crate) async fn take_in_tx(
        &self,
        tx: &mut Tx,
        source: Source,
        mut arrived: Vec<Arrived>,
    ) -> Result<(), EngineError> {
        let now = self.now();
        let (from, batch) = match source {
            Source::Batch(id) => (JobState::Batched, Some(id)),
            Source::Call(_) => (JobState::Calling, None),
            Source::Earlier => (JobState::Queued, None),
        };
        if let Some(batch) = batch {
            // A result that was noted before is not taken in again.
            let mut fresh = HashSet::new();
            for name in ["marked", "unusable", "failed", "unfinished"] {
                let ids: Vec<JobId> =
                    arrived.iter().filter(|a| a.judged.name() == name).map(|a| a.job.id).collect();
                fresh.extend(batching::store::set_outcome(tx, batch, &ids, name).await?);
            }
            arrived.retain(|a| fresh.remove(&a.job.id));
            let mut said: HashMap<&str, Vec<JobId>> = HashMap::new();
            for a in &arrived {
                if let Some(why) = a.judged.why() {
                    said.entry(why).or_default().push(a.job.id);
                }
            }
            for (why, jobs) in said {
                batching::store::set_said(tx, batch, &jobs, why).await?;
            }
        }
        self.divert(tx, &mut arrived).await?;
        let measures = match batch {
            Some(batch) => batching::store::measures(tx, batch).await?,
            // A call shares the provider's cache with batches, and is dearer where they keep it warm no more.
            None => self.load().measures.of_batches(),
        };
        let mut effects = Effects::default();
        let ids_where = |want: fn(&Judged) -> bool| -> Vec<JobId> {
            arrived.iter().filter(|a| want(&a.judged)).map(|a| a.job.id).collect()
        };
        let marked = ids_where(|j| matches!(j, Judged::Marked(..) | Judged::Given(..)));
        let dead = ids_where(|j| {
            matches!(j, Judged::Unusable { again: None, .. } | Judged::Failed { again: None, .. })
        });
        let mut ended: HashSet<JobId> =
            queue::store::finish(tx, &marked, from, batch, JobState::Done, None, now)
                .await?
                .into_iter()
                .collect();
        ended.extend(queue::store::finish(tx, &dead, from, batch, JobState::Dead, None, now).await?);
        for a in arrived {
            self.take_in_one(tx, source, a, &ended, &mut effects, now).await?;
        }
        effects.lines.iter_mut().for_each(|line| line.measures = measures);
        self.write(tx, effects, now).await
    }

    async fn take_in_one(
        &self,
        tx: &mut Tx,
        source: Source,
        a: Arrived,
        ended: &HashSet<JobId>,
        effects: &mut Effects,
        now: DateTime<Utc>,
    ) -> Result<(), EngineError> {
        let job = &a.job;
        let ours = ended.contains(&job.id);
        match a.judged {
            Judged::Marked(good, reply) => {
                let held = if ours { job.held() } else { Held::default() };
                self.settle(job, held, source, &reply, effects, now)?;
                if !ours {
                    // The job has moved on without this answer (it was taken for lost); it is paid for all the same.
                    tracing::warn!(job.id = %job.id, "an answer came for a job that has moved on; it is booked");
                    return Ok(());
                }
                let decided = store::Decided::Model {
                    provider: job.provider.clone(),
                    model: reply.model,
                    response_id: reply.response_id,
                    template: a.template,
                    prompt: a.prompt,
                };
                let released = (!a.held_for_approval).then_some(now);
                effects.marked(a.student, self.assessment(job, a.most, *good, decided, released, now));
            }
            Judged::Given(given) => {
                if !ours {
                    // A newer draft withdrew it, or another process was faster.
                    return Ok(());
                }
                if job.held().reserved != NanoUsd::ZERO {
                    let (account, held) = (job.account(), job.held());
                    effects.lines.push(Line::release(
                        self.world(),
                        self.zone(),
                        account,
                        held,
                        given.likeness.why(),
                    ));
                }
                effects.reuses.push(Reuse::new(job, (given.likeness, given.saved), self.zone(), now));
                let Given { good, decided, .. } = *given;
                let released = (!a.held_for_approval).then_some(now);
                effects.marked(a.student, self.assessment(job, a.most, good, decided, released, now));
            }
            Judged::Unusable { why, reply, again: None } => {
                let held = if ours { job.held() } else { Held::default() };
                self.settle(job, held, source, &reply, effects, now)?;
                if ours {
                    self.bury(tx, job, Cause::Unusable, why, effects).await?;
                }
            }
            Judged::Failed { cause, why, again: None, .. } => {
                if ours {
                    if job.held().reserved != NanoUsd::ZERO {
                        let line = Line::release(self.world(), self.zone(), job.account(), job.held(), &why);
                        effects.lines.push(with_source(line, source));
                    }
                    self.bury(tx, job, cause, why, effects).await?;
                }
            }
            Judged::Unusable { why, reply, again: Some(wait) } => {
                let most = self.worst_case(job)?;
                let back = queue::store::Return {
                    ready_at: after(now, wait),
                    attempt: job.attempt + 1,
                    failures: job.failures,
                    kills: job.kills,
                    reserved: most,
                    failure: Some(why),
                };
                let moved = queue::store::put_back(tx, job, &back).await?;
                let held = if moved { job.held() } else { Held::default() };
                self.settle(job, held, source, &reply, effects, now)?;
                if moved {
                    let again = Held { reserved: most, expected: job.expected };
                    effects.lines.push(Line::reserve(self.world(), self.zone(), job.account(), again));
                    effects.returned(job, back.ready_at);
                }
            }
            Judged::Failed { why, again: Some(wait), counts, .. } => {
                let back = queue::store::Return {
                    failures: job.failures + i64::from(counts),
                    ready_at: after(now, wait),
                    ..same(job, why)
                };
                if queue::store::put_back(tx, job, &back).await? {
                    effects.returned(job, back.ready_at);
                }
            }
            Judged::Diverted { why, to, diverted } => {
                self.send_on(tx, source, job, why, to, diverted, effects).await?;
            }
            Judged::Unfinished { why } => {
                let back = queue::store::Return { ready_at: now, ..same(job, why) };
                if queue::store::put_back(tx, job, &back).await? {
                    effects.returned(job, now);
                }
            }
        }
        Ok(())
    }

    /// The assessment of a job that was marked.
    fn assessment(
        &self,
        job: &Job,
        most: i64,
        good: Good,
        decided: store::Decided,
        released_at: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> store::New {
        store::New {
            id: self.world().id(),
            submission: job.submission_id,
            job: job.id,
            total: good.total.0,
            most,
            confidence: good.confidence,
            decided,
            created_at: now,
            released_at,
            marks: good.marks,
        }
    }

    /// Finds another provider for those that theirs has failed for good, where there is one that can take them.
    async fn divert(&self, tx: &mut Tx, arrived: &mut [Arrived]) -> Result<(), EngineError> {
        let given_up = |judged: &Judged| match judged {
            Judged::Failed { cause, again: None, .. } => cause.calls_for_another_provider(),
            _ => false,
        };
        let ids: Vec<JobId> = arrived.iter().filter(|a| given_up(&a.judged)).map(|a| a.job.id).collect();
        if ids.is_empty() {
            return Ok(());
        }
        let decisions = queue::store::decisions(tx, &ids).await?;
        // One without a price could not be booked.
        let takes = |way: &Way| {
            let entry = self.provider(&way.provider);
            entry.is_ok_and(|entry| way.route == Route::Realtime || entry.provider.capabilities().batch)
                && self.is_priced(&way.provider, &way.model).is_ok()
        };
        for a in arrived.iter_mut().filter(|a| given_up(&a.judged)) {
            let Some(decision) = decisions.get(&a.job.id) else { continue };
            let chain = recovery::chain(decision, a.job.route);
            let next = recovery::next_way(&chain, a.job.diverted, &a.job.provider, takes);
            if let (Some((to, diverted)), Judged::Failed { why, .. }) = (next, &a.judged) {
                let why = format!("{why}; sent on to {}", to.provider);
                a.judged = Judged::Diverted { why, to, diverted };
            }
        }
        Ok(())
    }

    /// Puts a job into the queue of another provider, with the money held for it there.
    #[expect(clippy::too_many_arguments, reason = "each is a part of what was judged")]
    async fn send_on(
        &self,
        tx: &mut Tx,
        source: Source,
        job: &Job,
        why: String,
        to: Way,
        diverted: i64,
        effects: &mut Effects,
    ) -> Result<(), EngineError> {
        let mut next = Job {
            provider: to.provider,
            model: to.model,
            route: to.route,
            failures: 0,
            diverted,
            ready_at: self.now(),
            ..job.clone()
        };
        next.expected = self.expected(&next)?;
        next.reserved = self.worst_case(&next)?;
        if !queue::store::divert(tx, job, &next, &why).await? {
            return Ok(());
        }
        tracing::info!(job.id = %job.id, from = job.provider, to = next.provider, why, "a job was sent on");
        if job.held().reserved != NanoUsd::ZERO {
            let line = Line::release(self.world(), self.zone(), job.account(), job.held(), &why);
            effects.lines.push(with_source(line, source));
        }
        effects.lines.push(Line::reserve(self.world(), self.zone(), next.account(), next.held()));
        effects.returned(&next, next.ready_at);
        Ok(())
    }

    /// Books an answer at the provider's own figures. Where it gave none the answer is booked at the price that was
    /// held for it: no figures never means free.
    fn settle(
        &self,
        job: &Job,
        held: Held,
        source: Source,
        reply: &Reply,
        effects: &mut Effects,
        now: DateTime<Utc>,
    ) -> Result<(), EngineError> {
        let batch = matches!(source, Source::Batch(_));
        let cost = match reply.usage {
            Some(usage) => self.cost(&job.provider, &job.model, &usage, batch, now)?,
            // The price may have risen since: a hard stop holds by what was held.
            None if held.reserved > NanoUsd::ZERO => held.reserved,
            None => self.worst_case(job)?,
        };
        if let (Some(steps), Some(usage)) = (&job.steps, &reply.usage) {
            effects.saved.extend(self.saved_by_steps(steps, usage, cost, now));
        }
        let line = Line::settle(self.world(), self.zone(), job.account(), held, cost);
        effects.lines.push(Line {
            // A server that gives no ids leaves the bill to be matched by job.
            response_id: Some(reply.response_id.clone()).filter(|id| !id.is_empty()),
            tokens: reply.usage.map(Tokens::from).unwrap_or_default(),
            note: reply
                .usage
                .is_none()
                .then(|| "the provider gave no usable figures; booked at the price that was held".to_owned()),
            ..with_source(line, source)
        });
        Ok(())
    }

    /// Jobs that wait but can never be sent become dead letters.
    pub(crate) async fn bury_queued(
        &self,
        tx: &mut Tx,
        ids: &[JobId],
        cause: Cause,
        why: &str,
    ) -> Result<(), EngineError> {
        if ids.is_empty() {
            return Ok(());
        }
        let now = self.now();
        let jobs = queue::store::find_many(tx, ids).await?;
        let ended: HashSet<JobId> =
            queue::store::finish(tx, ids, JobState::Queued, None, JobState::Dead, Some(why), now)
                .await?
                .into_iter()
                .collect();
        let mut effects = Effects::default();
        for job in jobs.iter().filter(|job| ended.contains(&job.id)) {
            if job.held().reserved != NanoUsd::ZERO {
                effects.lines.push(Line::release(self.world(), self.zone(), job.account(), job.held(), why));
            }
            self.bury(tx, job, cause, why.to_owned(), &mut effects).await?;
        }
        self.write(tx, effects, now).await
    }

    /// Notes why a job became a dead letter.
    async fn bury(
        &self,
        tx: &mut Tx,
        job: &Job,
        cause: Cause,
        why: String,
        effects: &mut Effects,
    ) -> Result<(), EngineError> {
        tracing::warn!(job.id = %job.id, cause = cause.name(), why, "a job ran out of remedies");
        queue::store::set_failure(tx, job.id, &why).await?;
        effects.deaths.push(Death { job: job.clone(), cause, why });
        Ok(())
    }

    /// Writes dead letters, and tells administrators and the course's instructors of those that a person must look at.
    async fn write_deaths(
        &self,
        tx: &mut Tx,
        deaths: &[Death],
        notices: &mut Vec<notice::New>,
    ) -> Result<(), EngineError> {
        let for_people =
            recovery::store::insert(tx, self.world(), &self.settings().retry.recovery, deaths).await?;
        if for_people.is_empty() {
            return Ok(());
        }
        let admins: Vec<PersonId> =
            crate::identity::store::admins(tx).await?.into_iter().map(|admin| admin.id).collect();
        let mut staff: HashMap<CourseId, Vec<PersonId>> = HashMap::new();
        for death in for_people {
            let course = death.job.course_id;
            if let Entry::Vacant(free) = staff.entry(course) {
                let mut people = crate::identity::store::instructors(tx, course).await?;
                people.extend(&admins);
                people.sort_unstable();
                people.dedup();
                free.insert(people);
            }
            notices.extend(staff[&course].iter().map(|person| notice::New {
                person: *person,
                kind: notice::Kind::NeedsAttention,
                subject: death.job.submission_id.0,
            }));
        }
        Ok(())
    }

    async fn write(&self, tx: &mut Tx, effects: Effects, now: DateTime<Utc>) -> Result<(), EngineError> {
        let Effects {
            lines,
            assessments,
            completed,
            in_review,
            returned,
            deaths,
            mut notices,
            calls,
            saved,
            reuses,
        } = effects;
        self.write_deaths(tx, &deaths, &mut notices).await?;
        let dead: Vec<SubmissionId> = deaths.iter().map(|death| death.job.submission_id).collect();
        store::insert(tx, &assessments).await?;
        budget::record(tx, &lines).await?;
        self.note_saved(tx, &saved).await?;
        answer::store::insert_reuses(tx, &reuses).await?;
        let moves = [
            (&completed, SubmissionState::Completed, EventKind::Completed),
            (&in_review, SubmissionState::InReview, EventKind::InReview),
            (&returned, SubmissionState::Queued, EventKind::Returned),
            (&dead, SubmissionState::NeedsAttention, EventKind::NeedsAttention),
        ];
        for (ids, state, kind) in moves {
            submission::store::set_state(tx, ids, state).await?;
            let subjects: Vec<uuid::Uuid> = ids.iter().map(|id| id.0).collect();
            event::record(tx, now, kind, &subjects).await?;
        }
        let task = self.tell(tx, &notices).await?;
        jobs::push(tx, task.as_slice(), None).await?;
        for (job, at) in calls {
            jobs::push(tx, &[Task::Call(job)], Some(at)).await?;
        }
        Ok(())
    }
}

impl Effects {
    /// Marks are there: their student is told of them, or a person looks at them first.
    fn marked(&mut self, student: PersonId, new: store::New) {
        let submission = new.submission;
        if new.released_at.is_some() {
            self.completed.push(submission);
            let kind = notice::Kind::Ready;
            self.notices.push(notice::New { person: student, kind, subject: submission.0 });
        } else {
            self.in_review.push(submission);
        }
        self.assessments.push(new);
    }

    fn returned(&mut self, job: &Job, at: DateTime<Utc>) {
        self.returned.push(job.submission_id);
        if job.route == Route::Realtime {
            self.calls.push((job.id, at));
        }
    }
}

fn same(job: &Job, why: String) -> queue::store::Return {
    queue::store::Return {
        ready_at: job.ready_at,
        attempt: job.attempt,
        failures: job.failures,
        kills: job.kills,
        reserved: job.reserved,
        failure: Some(why),
    }
}

fn with_source(line: Line, source: Source) -> Line {
    match source {
        Source::Batch(id) => Line { batch_id: Some(id), ..line },
        Source::Call(id) => Line { call_id: Some(id), ..line },
        Source::Earlier => line,
    }
}

fn after(now: DateTime<Utc>, wait: std::time::Duration) -> DateTime<Utc> {
    now + TimeDelta::from_std(wait).unwrap_or(TimeDelta::hours(1))
}
