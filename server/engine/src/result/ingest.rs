//! Taking in the results of a batch: as a stream, in chunks, each chunk in one transaction (SPEC 5.1, 5.2).

use super::{Arrived, Judged, Source, judge, sweep::Sweep};
use crate::{
    batching::{self, Batch, BatchState, Limit, calls_for},
    crash,
    engine::{Engine, EngineError, Marking},
    event::{self, EventKind},
    jobs::Verdict,
    provider::{BatchComplaint, CallError, ErrorClass, Outcome, ParsedLine, RemoteBatch, RemoteState},
    queue::{self, Job},
    recovery::insist,
    store::{BatchId, JobId},
    submission,
};
use chrono::TimeDelta;
use futures::{StreamExt, stream::BoxStream};
use std::collections::{HashMap, HashSet};
use tokio::sync::mpsc;
use tracing::Instrument as _;

/// So many results are held, or all that come, before the first are taken in: of few that are held next to none are
/// neighbours, and to take them in costs several times as much.
const HELD_FIRST: usize = 20_000;

impl Engine {
    /// Takes in the results of a batch whose provider is done, and closes it.
    ///
    /// # Errors
    /// If the database fails.
    pub(crate) async fn ingest_batch(&self, id: BatchId) -> Result<Verdict, EngineError> {
        let mut db = self.db();
        let states = [BatchState::Ended, BatchState::Ended];
        let claimed =
            batching::store::claim(&mut db, id, states, self.owner(), self.now(), self.lease_until()).await?;
        let Some(batch) = claimed else { return Ok(Verdict::Done) };
        let _at_work = self.at_work(id);
        match self.ingest(&batch).await? {
            Ok(()) => Ok(Verdict::Done),
            Err(error) => {
                let failures = batch.failures + 1;
                // The answers are paid for: they are fetched until they come.
                let wait = insist(&self.settings().retry, &error, failures);
                let at = self.now() + wait.max(TimeDelta::seconds(1));
                tracing::warn!(batch.id = %id, %error, "the results of a batch could not be fetched");
                let text = error.to_string();
                let with = batching::store::Release {
                    state: BatchState::Ended,
                    alive: self.now(),
                    look_at: at,
                    failures,
                    error: Some(&text),
                };
                batching::store::release(&mut db, id, self.owner(), with).await?;
                Ok(Verdict::LookAgain(at))
            }
        }
    }

    /// The outer result is ours, the inner one the provider's.
    async fn ingest(&self, batch: &Batch) -> Result<Result<(), CallError>, EngineError> {
        let entry = self.provider(&batch.provider)?;
        let remote_id = batch.remote_id.clone().unwrap_or_default();
        let remote = match entry.provider.poll(&remote_id).await {
            Ok(remote) => Some(remote),
            // It was seen to be gone before: nothing can come of it.
            Err(error) if error.class == ErrorClass::NotFound => None,
            Err(error) => return Ok(Err(error)),
        };
        if let Some(remote) = &remote {
            let lines = match entry.provider.results(remote).await {
                Ok(lines) => lines,
                Err(error) => return Ok(Err(error)),
            };
            if let Some(broken) = self.take_in_results(batch, lines).await? {
                return Ok(Err(broken));
            }
            if let Some(doubt) = self.doubt(batch, remote).await? {
                return Ok(Err(doubt));
            }
        }
        let refused = remote.as_ref().is_some_and(|r| r.state == RemoteState::Failed);
        if refused
            && let Some(remote) = &remote
            && self.take_in_refused(batch, &remote.complaints).await?
        {
            // It was split, and closed with that.
            return Ok(Ok(()));
        }
        self.take_in_rest(batch, remote.map(|r| r.state)).await?;
        crash::point("ingest.before_close");
        let now = self.now();
        let mut tx = self.db().begin().await?;
        let to = if refused { BatchState::Failed } else { BatchState::Done };
        batching::store::close(&mut tx, batch.id, self.owner(), to, None, now).await?;
        event::record(&mut tx, now, EventKind::Batch, &[batch.id.0]).await?;
        tx.commit().await?;
        Ok(Ok(()))
    }

    /// Takes in all results that arrive; answers what broke their stream off, if something did. What arrived before is good
    /// all the same. While a chunk is written down, the next one is judged and the one after it read.
    async fn take_in_results(
        &self,
        batch: &Batch,
        lines: BoxStream<'static, Result<ParsedLine, CallError>>,
    ) -> Result<Option<CallError>, EngineError> {
        let most = usize::try_from(self.settings().ingest_chunk).unwrap_or(1_000).max(1);
        let (to_judge, read) = mpsc::channel(1);
        let (to_write, mut judged) = mpsc::channel(1);
        // If one of them ends early, those before it end with their next chunk.
        let reader = tokio::spawn(read_results(batch.clone(), lines, most, to_judge).in_current_span());
        let judge = tokio::spawn(self.clone().judge_results(batch.clone(), read, to_write).in_current_span());
        while let Some(arrived) = judged.recv().await {
            self.take_in(Source::Batch(batch.id), arrived).await?;
        }
        let gone = |error| EngineError::Busy(format!("the results could not be read: {error}"));
        judge.await.map_err(gone)??;
        reader.await.map_err(gone)?
    }

    /// Judges the chunks of results that were read, as long as somebody takes them.
    async fn judge_results(
        self,
        batch: Batch,
        mut read: mpsc::Receiver<Vec<(JobId, Outcome)>>,
        to: mpsc::Sender<Vec<Arrived>>,
    ) -> Result<(), EngineError> {
        // Judged results take several times the memory: the next are made once the last were taken.
        while let Ok(place) = to.reserve().await {
            let Some(outcomes) = read.recv().await else { break };
            place.send(self.judge_outcomes(&batch, outcomes).await?);
        }
        Ok(())
    }

    /// Results that lack requests which the provider should have answered are fetched once more before that is believed: a
    /// download that broke off between two lines looks whole, and what was paid for would be asked again.
    async fn doubt(&self, batch: &Batch, remote: &RemoteBatch) -> Result<Option<CallError>, EngineError> {
        if remote.state == RemoteState::Failed || remote.results.is_empty() {
            return Ok(None);
        }
        let outcomes = batching::store::outcomes(&mut self.db(), batch.id).await?;
        let missing: i64 =
            outcomes.iter().filter(|(outcome, _)| outcome.is_none()).map(|(_, count)| *count).sum();
        if missing == 0 {
            return Ok(None);
        }
        // As many were missing the last time as well: so it is.
        if batching::store::note_missing(&mut self.db(), batch.id, missing).await? {
            return Ok(None);
        }
        let words = format!("the results hold no readable line for {missing} of {} requests", batch.jobs);
        Ok(Some(CallError::new(ErrorClass::Malformed, words)))
    }

    /// Judges what a batch's results say of its jobs.
    async fn judge_outcomes(
        &self,
        batch: &Batch,
        outcomes: Vec<(JobId, Outcome)>,
    ) -> Result<Vec<Arrived>, EngineError> {
        let ids: Vec<JobId> = outcomes.iter().map(|(job, _)| *job).collect();
        let mut outcomes: HashMap<JobId, Outcome> = outcomes.into_iter().collect();
        self.judge_all(batch, &ids, |engine, job, marking, work| {
            let outcome = outcomes.remove(&job.id)?;
            let settings = engine.settings();
            Some(judge(
                outcome,
                job,
                &marking.context.rubric,
                work,
                settings.lanes.of(job.lane),
                &settings.retry,
            ))
        })
        .await
    }

    /// Jobs of the batch with what is needed to judge their answers; those that have left it are passed over.
    async fn judge_all(
        &self,
        batch: &Batch,
        ids: &[JobId],
        mut judged: impl FnMut(&Self, &Job, &Marking, &submission::Sent) -> Option<Judged>,
    ) -> Result<Vec<Arrived>, EngineError> {
        let mut db = self.db();
        let jobs = queue::store::with_works(&mut db, ids).await?;
        let mut arrived = Vec::with_capacity(jobs.len());
        for (mut job, work) in jobs {
            let marking = self.marking(work.assignment_id).await?;
            // An answer that comes late still belongs to the batch it was asked in.
            job.batch_id = Some(batch.id);
            job.provider.clone_from(&batch.provider);
            job.model.clone_from(&batch.model);
            if let Some(judged) = judged(self, &job, &marking, &work) {
                arrived.push(Arrived::new(job, work.student_id, &marking, judged));
            }
        }
        Ok(arrived)
    }

    /// A provider refused the whole batch. One that is too large is split, and that is answered with true. Else the jobs
    /// that the provider complains of fail, and the others go back to their places.
    async fn take_in_refused(
        &self,
        batch: &Batch,
        complaints: &[BatchComplaint],
    ) -> Result<bool, EngineError> {
        let (single, whole): (Vec<_>, Vec<_>) = complaints.iter().partition(|c| c.line.is_some());
        for complaint in single {
            let place = i64::try_from(complaint.line.unwrap_or(0)).unwrap_or(i64::MAX) - 1;
            let items = batching::store::items(&mut self.db(), batch.id, place, 1).await?;
            let jobs: Vec<JobId> = items.iter().filter(|i| i.place == place).map(|i| i.job_id).collect();
            self.take_in_failures(batch, &jobs, &complaint.error()).await?;
        }
        for complaint in &whole {
            let error = complaint.error();
            if let Some(limit) = calls_for(error.class, &error.message, batch.jobs, batch.tokens)
                && self.split_batch(batch, limit, &error.message).await?
            {
                return Ok(true);
            }
        }
        for complaint in whole {
            let error = complaint.error();
            // Nothing is known against any one job: it counts as the provider's failure.
            let class = match error.class {
                ErrorClass::Invalid => ErrorClass::Provider,
                ErrorClass::QueueFull => self.note_limit(batch, &error).await?,
                class => class,
            };
            self.take_in_all(batch, &CallError { class, ..error }).await?;
        }
        Ok(false)
    }

    /// Keeps the limit that a provider names when its queue is full, for the next cut. A job alone that passes it is too
    /// large, however long it waits.
    async fn note_limit(&self, batch: &Batch, error: &CallError) -> Result<ErrorClass, EngineError> {
        let Some(Limit::Tokens(most)) = batching::named(&error.message) else { return Ok(error.class) };
        batching::store::split::set_named_limit(&mut self.db(), batch.id, most).await?;
        let alone = batch.jobs == 1 && batch.tokens > most;
        Ok(if alone { ErrorClass::TokenLimit } else { error.class })
    }

    /// What is done with the jobs for which no result came.
    pub(crate) async fn take_in_rest(
        &self,
        batch: &Batch,
        state: Option<RemoteState>,
    ) -> Result<(), EngineError> {
        if state == Some(RemoteState::Ended) {
            let missing =
                CallError::new(ErrorClass::Malformed, "the provider's results held no readable line for it");
            return self.take_in_all(batch, &missing).await;
        }
        loop {
            let jobs = self.open_items(batch).await?;
            if jobs.is_empty() {
                return Ok(());
            }
            self.take_in_unfinished(batch, &jobs).await?;
        }
    }

    /// All jobs of a batch that have no result yet failed alike.
    pub(crate) async fn take_in_all(&self, batch: &Batch, error: &CallError) -> Result<(), EngineError> {
        loop {
            let jobs = self.open_items(batch).await?;
            if jobs.is_empty() {
                return Ok(());
            }
            self.take_in_failures(batch, &jobs, error).await?;
        }
    }

    async fn open_items(&self, batch: &Batch) -> Result<Vec<JobId>, EngineError> {
        let most = i64::from(self.settings().ingest_chunk.max(1));
        Ok(batching::store::open_items(&mut self.db(), batch.id, most).await?)
    }

    /// Jobs of a batch that failed alike, without an answer.
    async fn take_in_failures(
        &self,
        batch: &Batch,
        jobs: &[JobId],
        error: &CallError,
    ) -> Result<(), EngineError> {
        let arrived = self
            .judge_all(batch, jobs, |engine, job, _, _| {
                Some(super::failed(error, job, &engine.settings().retry))
            })
            .await?;
        self.note_absent(batch, jobs, &arrived).await?;
        self.take_in(Source::Batch(batch.id), arrived).await
    }

    async fn take_in_unfinished(&self, batch: &Batch, jobs: &[JobId]) -> Result<(), EngineError> {
        let why = "the batch ended before it was answered";
        let arrived = self
            .judge_all(batch, jobs, |_, _, _, _| Some(Judged::Unfinished { why: why.to_owned() }))
            .await?;
        self.note_absent(batch, jobs, &arrived).await?;
        self.take_in(Source::Batch(batch.id), arrived).await
    }

    /// Items whose job is gone (erased) are noted, so that the batch can close.
    async fn note_absent(
        &self,
        batch: &Batch,
        jobs: &[JobId],
        arrived: &[Arrived],
    ) -> Result<(), EngineError> {
        let there: HashSet<JobId> = arrived.iter().map(|a| a.job.id).collect();
        let absent: Vec<JobId> = jobs.iter().filter(|id| !there.contains(id)).copied().collect();
        if !absent.is_empty() {
            let mut tx = self.db().begin().await?;
            batching::store::set_outcome(&mut tx, batch.id, &absent, "absent").await?;
            tx.commit().await?;
        }
        Ok(())
    }
}

/// Reads results and hands them on in chunks, as long as somebody takes them; answers what broke their stream off.
async fn read_results(
    batch: Batch,
    lines: BoxStream<'static, Result<ParsedLine, CallError>>,
    most: usize,
    to: mpsc::Sender<Vec<(JobId, Outcome)>>,
) -> Result<Option<CallError>, EngineError> {
    let (mut lines, mut more) = (lines.ready_chunks(most), true);
    let (mut sweep, mut broken) = (Sweep::default(), None);
    let mut enough = HELD_FIRST.max(most);
    loop {
        // Many are waited for at first; then more are read until the next ones are asked for.
        let arrived = tokio::select! {
            biased;
            place = to.reserve(), if !more || sweep.len() >= enough => {
                enough = most;
                let Ok(place) = place else { return Ok(broken) };
                let outcomes = sweep.next(most)?;
                if outcomes.is_empty() {
                    return Ok(broken);
                }
                place.send(outcomes);
                continue;
            }
            arrived = lines.next(), if more => arrived,
        };
        let Some(arrived) = arrived else {
            more = false;
            continue;
        };
        for item in arrived {
            match item {
                Ok(line) => sweep.add(&batch, line)?,
                Err(error) => {
                    broken.get_or_insert(error);
                    more = false;
                }
            }
        }
    }
}
