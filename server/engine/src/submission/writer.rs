//! Writing hand-ins down: those that come at the same time share one transaction and one sync of the disk, so that a
//! rush before a deadline costs little, and each is answered only once it is durable (SPEC 1.3).

use super::{New, SubmissionState, store};
use crate::{
    budget::{self, Line},
    crash,
    engine::{Engine, EngineError, WeakEngine},
    event::{self, EventKind},
    identity::{self, Student},
    jobs::{self, Task},
    notice,
    queue::{self, Job, JobState, Promise},
    routing::{Decision, Route},
    store::{NanoUsd, SubmissionId, Together, Tx},
};
use std::sync::Arc;

/// One hand-in, ready to be written.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) new: New,
    /// Whose work it is; written down with it where they are new.
    pub(crate) student: Student,
    pub(crate) job: Job,
    pub(crate) decision: Decision,
    /// When its marks are there, as its student is told.
    pub(crate) promise: Promise,
    /// What is to be held for it.
    pub(crate) most: NanoUsd,
}

/// What writing came to.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum WriteError {
    /// The key, the draft or the tracking id was taken meanwhile.
    #[error("taken meanwhile")]
    Taken,
    /// It could not be written; nothing of it was kept.
    #[error("{0}")]
    Failed(Arc<EngineError>),
}

impl WriteError {
    /// It may be the fault of one among many, rather than of the database, which would fail for each of them.
    fn is_of_one(&self) -> bool {
        !matches!(self, Self::Failed(error) if matches!(&**error, EngineError::Db(error) if error.is_passing()))
    }
}

/// The way to the one writer of a process.
#[derive(Debug)]
pub(crate) struct Writer(Together<Entry, Result<(), WriteError>>);

impl Writer {
    /// Starts the writer; it ends with the engine.
    pub(crate) fn start(engine: WeakEngine) -> Self {
        Self(Together::start(move |entries| write_all(engine.clone(), entries)))
    }

    /// Writes one hand-in; answers when it is on disk.
    pub(crate) async fn write(&self, entry: Entry) -> Result<(), WriteError> {
        let stopped = || WriteError::Failed(Arc::new(EngineError::Stopping));
        self.0.ask(entry).await.unwrap_or_else(|| Err(stopped()))
    }
}

/// Writes entries, all in one transaction; where that fails, each half in its own, down to the one that stands in the way
/// of the others. Nothing comes of it once the engine is gone.
async fn write_all(engine: WeakEngine, entries: Vec<Entry>) -> Vec<Result<(), WriteError>> {
    let Some(engine) = engine.upgrade() else { return Vec::new() };
    let mut written = Vec::with_capacity(entries.len());
    let mut parts = vec![&entries[..]];
    while let Some(part) = parts.pop() {
        match write_together(&engine, part).await {
            Ok(()) => written.extend(part.iter().map(|_| Ok(()))),
            Err(error) if part.len() > 1 && error.is_of_one() => {
                let (first, second) = part.split_at(part.len() / 2);
                parts.extend([second, first]);
            }
            Err(error) => written.extend(part.iter().map(|_| Err(error.clone()))),
        }
    }
    for new in entries.iter().map(|entry| &entry.student).filter(|student| student.is_new()) {
        engine.identity().forget_student(new).await;
    }
    written
}

async fn write_together(engine: &Engine, entries: &[Entry]) -> Result<(), WriteError> {
    let attempt = async {
        let mut tx = engine.db().begin().await?;
        write(engine, &mut tx, entries).await?;
        crash::point("hand_in.before_commit");
        tx.commit().await?;
        crash::point("hand_in.after_commit");
        Ok::<_, EngineError>(())
    };
    attempt.await.map_err(|error| match error {
        EngineError::Db(error) if error.is_unique_violation() => WriteError::Taken,
        error => WriteError::Failed(Arc::new(error)),
    })
}

async fn write(engine: &Engine, tx: &mut Tx, entries: &[Entry]) -> Result<(), EngineError> {
    let now = engine.now();
    let news: Vec<&New> = entries.iter().map(|e| &e.new).collect();
    identity::write_new(tx, entries.iter().map(|entry| &entry.student)).await?;
    store::insert(tx, &news).await?;
    // At a hard stop the job is stored without a reservation, which is taken before it is sent.
    let mut budgets = if engine.has_hard_stop() { Some(engine.budgets_for_update(tx).await?) } else { None };
    let mut lines = Vec::with_capacity(entries.len());
    let mut job_rows = Vec::with_capacity(entries.len());
    for entry in entries {
        let mut job = entry.job.clone();
        if budgets.as_mut().is_none_or(|b| b.take(job.course_id, entry.most)) {
            job.reserved = entry.most;
            lines.push(Line::reserve(engine.world(), engine.zone(), job.account(), job.held()));
        }
        job_rows.push((job, entry.decision.clone(), entry.promise));
    }
    queue::store::insert(tx, &job_rows).await?;
    budget::record(tx, &lines).await?;
    let subjects: Vec<uuid::Uuid> = news.iter().map(|new| new.submission.id.0).collect();
    event::record(tx, now, EventKind::Received, &subjects).await?;
    let notices: Vec<notice::New> = news
        .iter()
        .map(|new| notice::New {
            person: new.submission.student_id,
            kind: notice::Kind::Received,
            subject: new.submission.id.0,
        })
        .collect();
    let told = engine.tell(tx, &notices).await?;
    for previous in news.iter().filter_map(|new| new.submission.previous_id) {
        withdraw(engine, tx, previous).await?;
    }
    let mut tasks = vec![Task::Interim(news.iter().map(|new| new.submission.id).collect())];
    tasks.extend(told);
    tasks.extend(
        job_rows.iter().filter(|(job, ..)| job.route == Route::Realtime).map(|(job, ..)| Task::Call(job.id)),
    );
    jobs::push(tx, &tasks, None).await?;
    Ok(())
}

/// A newer draft withdraws the one before, unless that was sent already.
async fn withdraw(engine: &Engine, tx: &mut Tx, id: SubmissionId) -> Result<(), EngineError> {
    let Some((job, ..)) = queue::store::of_submission(tx, id).await? else { return Ok(()) };
    let now = engine.now();
    let why = "a newer draft was handed in";
    let ended =
        queue::store::finish(tx, &[job.id], JobState::Queued, None, JobState::Withdrawn, Some(why), now)
            .await?;
    if ended.is_empty() {
        return Ok(());
    }
    if job.held().reserved != NanoUsd::ZERO {
        let line = Line::release(engine.world(), engine.zone(), job.account(), job.held(), why);
        budget::record(tx, &[line]).await?;
    }
    store::set_state(tx, &[id], SubmissionState::Withdrawn).await?;
    event::record(tx, now, EventKind::Withdrawn, &[id.0]).await?;
    Ok(())
}
