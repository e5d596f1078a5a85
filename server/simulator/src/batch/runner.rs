//! Moves batches on, each in a task of its own, and goes on after a restart where it stopped.
//!
//! Results are written to a file, flushed, and only then is one transaction committed that holds how many bytes of
//! the file count, how many requests are done, and their lines in the ledger. Whatever the moment of a crash, a
//! request is answered in the ledger exactly once.

use std::{fs::File, io, os::unix::fs::FileExt, path::PathBuf, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use tokio::task::spawn_blocking;

use super::{
    Batch, Counts, Ending, State,
    chunk::{self, Chunk},
    input::Input,
    plan::Pace,
};
use crate::{
    Error, error::At, faults::Fault, gemini, models::Provider, openai, openai::files::StoredFile,
    simulator::Core,
};

/// The most requests in one transaction.
const CHUNK: u64 = 500;
/// Progress is made in at least so many steps.
const STEPS: u64 = 20;
/// How long a batch pauses after an error of the simulator itself.
const PAUSE: Duration = Duration::from_secs(1);

/// Goes on with every batch that hasn't ended.
pub(crate) async fn resume(core: &Arc<Core>) -> Result<usize, Error> {
    let open = core.store.open_batches().await?;
    let count = open.len();
    for batch in open {
        spawn(core, batch.provider, batch.id);
    }
    Ok(count)
}

/// Works on a batch until it ends.
pub(crate) fn spawn(core: &Arc<Core>, provider: Provider, id: String) {
    let runner = Runner { core: core.clone(), provider, id, work: None };
    let stop = core.stop.clone();
    core.tasks.spawn(async move {
        tokio::select! {
            () = runner.run() => {}
            () = stop.cancelled() => {}
        }
    });
}

/// What to do next.
enum Next {
    /// Look again at once.
    Again,
    /// Look again at this time, or when something has changed.
    At(DateTime<Utc>),
    /// There is nothing more to do.
    End,
}

/// The open files of a batch.
struct Work {
    input: Input,
    output: File,
    errors: File,
}

struct Runner {
    core: Arc<Core>,
    provider: Provider,
    id: String,
    work: Option<Arc<Work>>,
}

impl Runner {
    async fn run(mut self) {
        let mut changes = self.core.changes();
        loop {
            changes.mark_unchanged();
            let next = match self.step().await {
                Ok(next) => next,
                Err(error) => {
                    tracing::error!(batch = self.id, %error, "a batch can't go on; trying again");
                    self.work = None;
                    tokio::time::sleep(PAUSE).await;
                    Next::Again
                }
            };
            match next {
                Next::Again => {}
                Next::At(time) => tokio::select! {
                    () = self.core.clock.sleep_until(time) => {}
                    _ = changes.changed() => {}
                },
                Next::End => return,
            }
        }
    }

    async fn step(&mut self) -> Result<Next, Error> {
        let core = self.core.clone();
        let Some(batch) = core.store.batch(self.provider, &self.id).await? else { return Ok(Next::End) };
        if batch.state.is_final() {
            return Ok(Next::End);
        }
        let settings = core.settings();
        let now = core.clock.now();
        let pace = Pace::of(&settings, &batch);
        let expired = now >= batch.times.expires;
        if expired && batch.ending.is_none() {
            return self.end_early(Ending::Expired).await;
        }
        match (batch.state, batch.ending) {
            (State::Validating, None) => {
                if settings.hold || batch.held {
                    return Ok(Next::At(batch.times.expires));
                }
                if now < pace.begins(&batch) {
                    return Ok(Next::At(pace.begins(&batch)));
                }
                self.validate(batch).await
            }
            (State::InProgress, None) => self.progress(batch, &pace, now).await,
            (State::Finalizing, None) => {
                let since = batch.times.finalizing.unwrap_or(now);
                let ends = pace.ends(&settings, &batch, since).min(batch.times.expires);
                if now < ends { Ok(Next::At(ends)) } else { self.finish(batch).await }
            }
            (_, Some(ending)) => {
                if batch.done < batch.counts.total {
                    return self.leave(batch, ending).await;
                }
                let since = batch.times.cancelling.unwrap_or(now);
                let ends = pace.ends(&settings, &batch, since);
                if batch.state == State::Cancelling && now < ends {
                    return Ok(Next::At(ends));
                }
                self.finish(batch).await
            }
            _ => Ok(Next::End),
        }
    }

    /// Reads the input file through. Anthropic's requests were looked at when the batch was made.
    async fn validate(&mut self, batch: Batch) -> Result<Next, Error> {
        let core = self.core.clone();
        let _permit = permit(&self.core).await;
        let checked = spawn_blocking(move || match batch.provider {
            Provider::Gemini => gemini::validate::validate(&core, &batch),
            Provider::OpenAi | Provider::Anthropic => openai::validate::validate(&core, &batch),
        })
        .await??;
        let now = self.core.clock.now();
        let _admission = self.core.admission.lock().await;
        let others = self.core.store.open_batches().await?;
        let limit = self.core.settings().enqueued_token_limit;
        self.update(&[], &[], |batch| match checked {
            Err(errors) => {
                batch.errors = errors;
                batch.enter(State::Failed, now);
            }
            Ok(checked) => {
                batch.counts.total = checked.requests;
                batch.enqueued_tokens = checked.tokens;
                batch.model = Some(checked.model);
                match openai::validate::over_limit(batch, &others, limit) {
                    Some(error) => {
                        batch.errors = vec![error];
                        batch.enter(State::Failed, now);
                    }
                    None => batch.enter(State::InProgress, now),
                }
            }
        })
        .await?;
        Ok(Next::Again)
    }

    /// Answers what is due.
    async fn progress(&mut self, batch: Batch, pace: &Pace, now: DateTime<Utc>) -> Result<Next, Error> {
        let settings = self.core.settings();
        let total = batch.counts.total;
        if let Some(stop) = batch.plan.stop_after(total)
            && batch.done >= stop
        {
            let expires = batch.plan.has(Fault::BatchExpired);
            return self.end_early(if expires { Ending::Expired } else { Ending::Cancelled }).await;
        }
        if settings.hold || batch.held || batch.plan.has(Fault::BatchStuck) {
            return Ok(Next::At(batch.times.expires));
        }
        if batch.done >= total {
            self.update(&[], &[], |batch| {
                if batch.ending.is_none() {
                    batch.enter(State::Finalizing, now);
                }
            })
            .await?;
            return Ok(Next::Again);
        }
        let stops = [settings.hold_after, batch.plan.stop_after(total), Some(total)];
        let stop = stops.into_iter().flatten().min().unwrap_or(total);
        let to = pace.due(&batch, now).min(batch.done + CHUNK).min(stop);
        if batch.done >= stop {
            return Ok(Next::At(batch.times.expires));
        }
        // Small steps aren't worth a transaction, unless they complete what is wanted.
        let step = (total / STEPS).clamp(1, CHUNK);
        if to < stop && to < batch.done + step {
            let time = pace.time_of(&batch, (batch.done + step).min(stop));
            return Ok(time.map_or(Next::Again, Next::At));
        }
        self.chunk(&batch, to, chunk::answer).await?;
        Ok(Next::Again)
    }

    /// Lists what an ended batch leaves undone.
    async fn leave(&mut self, batch: Batch, ending: Ending) -> Result<Next, Error> {
        let to = (batch.done + CHUNK).min(batch.counts.total);
        self.chunk(&batch, to, move |core, batch, lines| chunk::leave(core, batch, lines, ending)).await?;
        Ok(Next::Again)
    }

    /// Ends a batch before its work is done.
    async fn end_early(&mut self, ending: Ending) -> Result<Next, Error> {
        let now = self.core.clock.now();
        self.update(&[], &[], |batch| {
            if batch.ending.is_none() {
                batch.ending = Some(ending);
                let state = if ending == Ending::Cancelled { State::Cancelling } else { State::Finalizing };
                batch.enter(state, now);
            }
        })
        .await?;
        Ok(Next::Again)
    }

    /// Works through requests up to a position and makes the outcome durable.
    async fn chunk(
        &mut self,
        batch: &Batch,
        to: u64,
        work_on: impl FnOnce(&Core, &Batch, &[(super::input::Span, Vec<u8>)]) -> Chunk + Send + 'static,
    ) -> Result<(), Error> {
        let work = self.work(batch).await?;
        let core = self.core.clone();
        let before = batch.clone();
        let holder = self.core.clone();
        let permit = permit(&holder).await;
        let chunk = spawn_blocking(move || {
            let path = core.folder.content(&before.input_name());
            let lines = work.input.read(before.done as usize, to as usize).at(path)?;
            let chunk = work_on(&core, &before, &lines);
            append(&core, &work.output, &before.output_id, before.output_bytes, &chunk.output)?;
            append(&core, &work.errors, &before.error_id, before.error_bytes, &chunk.errors)?;
            Ok::<_, Error>(chunk)
        })
        .await??;
        drop(permit);
        let done = to - batch.done;
        self.update(&chunk.ledger, &[], |batch| {
            batch.done += done;
            batch.output_bytes += chunk.output.len() as u64;
            batch.error_bytes += chunk.errors.len() as u64;
            batch.usage.add(&chunk.usage);
            add(&mut batch.counts, &chunk.counts);
        })
        .await
    }

    /// Puts a batch into its final state and its results where they can be read.
    async fn finish(&mut self, batch: Batch) -> Result<Next, Error> {
        let now = self.core.clock.now();
        let state = match batch.ending {
            None => State::Completed,
            Some(Ending::Expired) => State::Expired,
            Some(Ending::Cancelled) => State::Cancelled,
        };
        let files =
            if self.provider == Provider::Anthropic { vec![] } else { StoredFile::results(&batch, now) };
        self.core.folder.flush_names()?;
        self.update(&[], &files, |batch| batch.enter(state, now)).await?;
        for (id, bytes) in [(&batch.output_id, batch.output_bytes), (&batch.error_id, batch.error_bytes)] {
            // Anthropic's results can be read even if there are none.
            if bytes == 0 && (self.provider != Provider::Anthropic || *id == batch.error_id) {
                self.core.folder.remove(&self.core.folder.content(id));
            }
        }
        self.release(&batch).await?;
        Ok(Next::End)
    }

    /// Removes requests that nobody can ask for any more.
    async fn release(&self, batch: &Batch) -> Result<(), Error> {
        let gone = match &batch.input_file_id {
            None => true,
            Some(id) => self.core.store.file(id).await?.is_none() && !self.core.store.file_in_use(id).await?,
        };
        if gone {
            self.core.folder.remove(&self.core.folder.content(&batch.input_name()));
        }
        Ok(())
    }

    /// The open files, opened when first needed.
    async fn work(&mut self, batch: &Batch) -> Result<Arc<Work>, Error> {
        if let Some(work) = &self.work {
            return Ok(work.clone());
        }
        let core = self.core.clone();
        let batch = batch.clone();
        let work = spawn_blocking(move || Work::open(&core, &batch)).await??;
        Ok(self.work.insert(Arc::new(work)).clone())
    }

    async fn update(
        &self,
        lines: &[crate::ledger::LedgerLine],
        files: &[StoredFile],
        change: impl FnOnce(&mut Batch),
    ) -> Result<(), Error> {
        let changed = self.core.store.update_batch(&self.id, lines, files, |batch| {
            change(batch);
            Ok::<_, std::convert::Infallible>(())
        });
        if let Some(Ok(batch)) = changed.await? {
            tracing::debug!(
                batch = batch.id,
                state = batch.state.as_str(),
                done = batch.done,
                total = batch.counts.total,
                "batch"
            );
        }
        Ok(())
    }
}

impl Work {
    fn open(core: &Core, batch: &Batch) -> Result<Self, Error> {
        let path = core.folder.content(&batch.input_name());
        let mut input = Input::open(&path, |_, _| {}).at(path)?;
        if batch.plan.shuffle {
            input.shuffle(core.dice.number(&["order", &batch.id]));
        }
        let results = |id: &str, bytes: u64| {
            let path = core.folder.content(id);
            let file = File::options().create(true).truncate(false).write(true).open(&path).at(&path)?;
            // What an interrupted write left behind goes.
            file.set_len(bytes).at(&path)?;
            Ok::<_, Error>(file)
        };
        let output = results(&batch.output_id, batch.output_bytes)?;
        let errors = results(&batch.error_id, batch.error_bytes)?;
        core.folder.flush_names()?;
        Ok(Self { input, output, errors })
    }
}

fn append(core: &Core, file: &File, id: &str, at: u64, bytes: &[u8]) -> Result<(), Error> {
    if bytes.is_empty() {
        return Ok(());
    }
    let path: PathBuf = core.folder.content(id);
    let write = || -> io::Result<()> {
        file.write_all_at(bytes, at)?;
        core.folder.flush(file)
    };
    write().at(path)
}

fn add(counts: &mut Counts, more: &Counts) {
    counts.completed += more.completed;
    counts.failed += more.failed;
    counts.cancelled += more.cancelled;
    counts.expired += more.expired;
}

async fn permit(core: &Core) -> Option<tokio::sync::SemaphorePermit<'_>> {
    // The semaphore is never closed.
    core.processors.acquire().await.ok()
}
