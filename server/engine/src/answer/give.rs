//! Giving jobs the answers to earlier requests for the same work.

use super::{LONGEST_WAIT, Likeness, Next, store};
use crate::{
    engine::{Engine, EngineError},
    event::{self, EventKind},
    jobs,
    provider::Usage,
    queue::{self, Job, JobState},
    result::{Arrived, Given, Good, Judged, Source, store::Decided},
    routing::Route,
    store::{JobId, NanoUsd, SubmissionId, Tx},
    submission::{self, SubmissionState},
};
use chrono::TimeDelta;
use std::collections::HashMap;

/// Jobs whose waiting is ended in one transaction.
const AT_ONCE: i64 = 200;

/// A draft that keeps the marks of one before it.
struct Near {
    text: String,
    /// It would have gone to the model that marked that one.
    same_model: bool,
}

impl Engine {
    /// Marks jobs as others with the same request were marked: `(job, first)`. Those that are no longer queued are passed
    /// over, so that a second time changes nothing.
    ///
    /// # Errors
    /// If the database fails.
    pub(crate) async fn give(&self, tx: &mut Tx, pairs: &[(JobId, JobId)]) -> Result<(), EngineError> {
        if pairs.is_empty() {
            return Ok(());
        }
        let begun = queue::store::same_as(tx, pairs, Some(self.now())).await?;
        // As they are now: nobody else can change them any more.
        let jobs = queue::store::find_many(tx, &begun).await?;
        let firsts_of: HashMap<JobId, JobId> = pairs.iter().copied().collect();
        let mut firsts: Vec<JobId> = begun.iter().filter_map(|job| firsts_of.get(job)).copied().collect();
        firsts.sort_unstable();
        firsts.dedup();
        let answers: HashMap<JobId, store::Answer> =
            store::answers(tx, &firsts).await?.into_iter().map(|answer| (answer.job_id, answer)).collect();
        let mut paid: HashMap<JobId, Vec<store::Paid>> = HashMap::new();
        for line in store::paid(tx, &firsts).await? {
            paid.entry(line.job_id).or_default().push(line);
        }
        let submissions: Vec<SubmissionId> = jobs.iter().map(|job| job.submission_id).collect();
        let students = submission::store::students(tx, &submissions).await?;
        let assignments = submission::store::assignments(tx, &submissions).await?;
        let near = self.near_works(tx, &jobs, &firsts_of).await?;
        let mut arrived = Vec::with_capacity(jobs.len());
        for job in jobs {
            let first = firsts_of.get(&job.id);
            let known = (
                first.and_then(|first| answers.get(first)),
                students.get(&job.submission_id),
                assignments.get(&job.submission_id),
            );
            // Without the answer it goes on waiting, until it is looked at again.
            let (Some(answer), Some(student), Some(assignment)) = known else { continue };
            let marking = self.marking(*assignment).await?;
            let mut marks = answer.marks.0.clone();
            let likeness = match near.get(&job.submission_id) {
                None => Likeness::SameWork,
                Some(near) => {
                    marks.place_in(&near.text);
                    Likeness::NearDraft
                }
            };
            let given = Given {
                good: Good::new(&marks),
                likeness,
                saved: match near.get(&job.submission_id) {
                    // The figures of another model say nothing of this one.
                    Some(near) if !near.same_model => job.expected,
                    _ => self.would_cost(&job, answer, paid.get(&answer.job_id).map_or(&[], Vec::as_slice)),
                },
                decided: Decided::Model {
                    provider: answer.provider.clone(),
                    model: answer.model.clone(),
                    response_id: answer.response_id.clone(),
                    template: answer.template.clone(),
                    prompt: answer.prompt.clone(),
                },
            };
            tracing::info!(job.id = %job.id, first = %answer.job_id, "{}", likeness.why());
            arrived.push(Arrived::new(job, *student, &marking, Judged::Given(Box::new(given))));
        }
        self.note_begun(tx, &arrived).await?;
        self.take_in_tx(tx, Source::Earlier, arrived).await
    }

    /// Of these jobs those that are given the marks of an earlier draft of their own student, where the assignment has it so.
    async fn near_works(
        &self,
        tx: &mut Tx,
        jobs: &[Job],
        firsts: &HashMap<JobId, JobId>,
    ) -> Result<HashMap<SubmissionId, Near>, EngineError> {
        let ids: Vec<JobId> = jobs.iter().filter_map(|job| firsts.get(&job.id)).copied().collect();
        let before: HashMap<JobId, Job> =
            queue::store::find_many(tx, &ids).await?.into_iter().map(|job| (job.id, job)).collect();
        let all: Vec<SubmissionId> =
            jobs.iter().chain(before.values()).map(|job| job.submission_id).collect();
        let students = submission::store::students(tx, &all).await?;
        let assignments = submission::store::assignments(tx, &all).await?;
        let mut near = HashMap::new();
        for job in jobs {
            let Some(first) = firsts.get(&job.id).and_then(|first| before.get(first)) else { continue };
            let of = |id: &SubmissionId| students.get(id).copied().zip(assignments.get(id).copied());
            let Some(own) = of(&job.submission_id) else { continue };
            let allowed = self.marking(own.1).await?.context.assignment.near_draft_percent.is_some();
            if allowed && of(&first.submission_id) == Some(own) {
                let same_model = (&first.provider, &first.model) == (&job.provider, &job.model);
                near.insert(job.submission_id, same_model);
            }
        }
        let drafts: Vec<SubmissionId> = near.keys().copied().collect();
        let texts = submission::store::works(tx, &drafts).await?;
        let known = |work: submission::Work| {
            let same_model = near.get(&work.id).copied().unwrap_or(false);
            (work.id, Near { text: work.text, same_model })
        };
        Ok(texts.into_iter().map(known).collect())
    }

    /// Tells what is told when work is sent: a student sees the same as with any other.
    async fn note_begun(&self, tx: &mut Tx, arrived: &[Arrived]) -> Result<(), EngineError> {
        let of = |route: Route| -> Vec<SubmissionId> {
            arrived.iter().filter(|a| a.job.route == route).map(|a| a.job.submission_id).collect()
        };
        let now = self.now();
        let called = of(Route::Realtime);
        submission::store::set_state(tx, &called, SubmissionState::Processing).await?;
        let subjects: Vec<uuid::Uuid> = called.iter().map(|id| id.0).collect();
        event::record(tx, now, EventKind::Processing, &subjects).await?;
        let task = self.note_processing(tx, &of(Route::Batch), now).await?;
        jobs::push(tx, task.as_slice(), None).await?;
        Ok(())
    }

    /// What asking again would have cost: what the answer was booked at, at the price of the job's own route.
    fn would_cost(&self, job: &Job, answer: &store::Answer, paid: &[store::Paid]) -> NanoUsd {
        let batch = job.route == Route::Batch;
        let booked = paid
            .iter()
            .rev()
            .find(|line| line.response_id.as_ref() == Some(&answer.response_id))
            .or_else(|| paid.last());
        let Some(booked) = booked else { return job.expected };
        if booked.batched == batch {
            return booked.spent;
        }
        let usage = Usage::from(booked.tokens);
        if usage == Usage::default() {
            // The provider gave no figures.
            return job.expected;
        }
        self.cost(&answer.provider, &job.model, &usage, batch, self.now()).unwrap_or(job.expected)
    }

    /// Looks after jobs that waited for an answer to the same request: they are given it once it is there. Where the one
    /// that asked has failed, was withdrawn or takes too long, the next one asks in its turn.
    ///
    /// # Errors
    /// If the database fails.
    pub(crate) async fn end_waits(&self) -> Result<(), EngineError> {
        // Where answers are not to be given again, nobody waits for them.
        let longest = if self.settings().reuse_answers { LONGEST_WAIT } else { TimeDelta::zero() };
        let over = queue::store::waits_over(&mut self.db(), self.now() - longest, AT_ONCE).await?;
        if over.is_empty() {
            return Ok(());
        }
        let mut tx = self.db().begin().await?;
        let mut waiting = queue::store::find_many(&mut tx, &over).await?;
        waiting.retain(|job| job.state == JobState::Queued);
        let decided = self.next_of(&mut tx, &waiting, false).await?;
        let (mut given, mut moved, mut free) = (Vec::new(), Vec::new(), Vec::new());
        for (job, next) in waiting.iter().zip(decided) {
            match next {
                Next::Give(first) => given.push((job.id, first)),
                Next::Wait(first) => moved.push((job.id, first)),
                Next::Ask => free.push(job.id),
            }
        }
        queue::store::same_as(&mut tx, &moved, None).await?;
        queue::store::wait_no_longer(&mut tx, &free).await?;
        self.give(&mut tx, &given).await?;
        tx.commit().await?;
        Ok(())
    }
}
