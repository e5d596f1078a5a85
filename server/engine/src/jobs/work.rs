//! Working on tasks: a worker for each kind, clocks for what is regular, and an orderly stop.

use super::{
    Error, Handler, Kind, Settings, Task, Verdict, push::whole_seconds, queue::Body, queue::Queue, sql, watch,
};
use crate::store::Db;
use apalis::prelude::{Attempt, BoxDynError, Monitor, WorkerBuilder};
use apalis_cron::{CronScheduler, Tick};
use chrono::{DateTime, TimeDelta, Utc};
use cron::Schedule;
use futures::{FutureExt as _, future::BoxFuture};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{
    panic::AssertUnwindSafe,
    str::FromStr as _,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::Semaphore;
use tokio_util::{
    sync::CancellationToken,
    task::{AbortOnDropHandle, TaskTracker},
};

/// The longest pause before a task that panicked is tried again.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
/// How long the last words to the database may take once all tasks have ended.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// What apalis is told came of a task; beside it there is failure, which has words only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Outcome {
    /// It is done with.
    Done,
    /// It goes back into its queue.
    Again {
        /// Not before this second since 1970.
        at: i64,
        /// What came of it this time.
        why: String,
        /// Whether it counts as a first attempt.
        fresh: bool,
    },
}

impl Outcome {
    /// Reads what apalis kept; nothing for a failure.
    pub(super) fn read(result: Result<&Value, &String>) -> Option<Self> {
        Self::deserialize(result.ok()?).ok()
    }

    fn again(at: DateTime<Utc>, why: impl Into<String>, fresh: bool) -> Self {
        Self::Again { at: whole_seconds(at), why: why.into(), fresh }
    }
}

/// A verdict as apalis is told it.
fn outcome(verdict: Verdict, now: DateTime<Utc>) -> Result<Outcome, String> {
    match verdict {
        Verdict::Done => Ok(Outcome::Done),
        Verdict::Retry { after, why } => Ok(Outcome::again(later(now, after), why, false)),
        Verdict::LookAgain(at) => Ok(Outcome::again(at, "looks again later", true)),
        Verdict::GiveUp { why } => Err(why),
    }
}

fn later(now: DateTime<Utc>, after: Duration) -> DateTime<Utc> {
    TimeDelta::from_std(after)
        .ok()
        .and_then(|after| now.checked_add_signed(after))
        .unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// One second after the first attempt, twice as long after each further one.
fn pause_after_panic(attempt: usize) -> Duration {
    let doublings = u32::try_from(attempt.saturating_sub(1)).unwrap_or(u32::MAX).min(16);
    Duration::from_secs(1 << doublings).min(LONGEST_PAUSE)
}

/// What the workers of a process share.
pub(super) struct Process {
    pub(super) db: Db,
    pub(super) settings: Settings,
    /// No more tasks are begun.
    pub(super) stopping: CancellationToken,
    handler: Arc<dyn Handler>,
    /// Part of all its workers' names, and of nobody else's.
    name: String,
    /// The tasks still running are put back.
    abandon: CancellationToken,
    running: TaskTracker,
    slots: [Semaphore; Kind::ALL.len()],
    heard: Mutex<Instant>,
}

impl Process {
    pub(super) fn new(db: Db, handler: Arc<dyn Handler>, settings: Settings) -> Self {
        Self {
            slots: Kind::ALL.map(|kind| Semaphore::new(settings.share(kind).at_once.max(1))),
            db,
            settings,
            stopping: CancellationToken::new(),
            handler,
            name: uuid::Uuid::now_v7().simple().to_string(),
            abandon: CancellationToken::new(),
            running: TaskTracker::new(),
            heard: Mutex::new(Instant::now()),
        }
    }

    /// One of its workers was heard by the database just now.
    pub(super) fn was_heard(&self) {
        *self.heard.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn silence(&self) -> Duration {
        self.settings.heartbeat * self.settings.missed.max(1)
    }

    /// Looks at one task, in a runtime task of its own: a worker that has to start afresh does not drop it.
    async fn look(self: Arc<Self>, kind: Kind, body: Body, attempt: usize) -> Result<Outcome, String> {
        let task: Task = serde_json::from_slice(&body)
            .map_err(|e| format!("this version of Quire can't read the task ({e})"))?;
        let process = Arc::clone(&self);
        let job = self.running.spawn(async move {
            let slot = tokio::select! {
                biased;
                () = process.stopping.cancelled() => None,
                slot = process.slots[kind as usize].acquire() => slot.ok(),
            };
            if slot.is_none() {
                return Ok(Outcome::again(Utc::now(), "its worker stopped before it began", true));
            }
            tokio::select! {
                biased;
                verdict = process.handler.handle(task) => outcome(verdict, Utc::now()),
                () = process.abandon.cancelled() => Ok(Outcome::again(Utc::now(), "its worker stopped", true)),
            }
        });
        job.await.unwrap_or_else(|error| {
            let pause = pause_after_panic(attempt);
            tracing::error!(queue = kind.queue(), attempt, %error, "a task panicked; it is tried again in {pause:?}");
            Ok(Outcome::again(later(Utc::now(), pause), format!("it panicked: {error}"), false))
        })
    }

    /// Gives out again the tasks of processes that died.
    async fn resume_orphans(&self) {
        let silence = self.silence();
        if self.heard.lock().unwrap_or_else(PoisonError::into_inner).elapsed() >= silence {
            // The database was away for us, so likely for the others: they must be able to speak first.
            return;
        }
        let seconds = i64::try_from(silence.as_secs()).unwrap_or(i64::MAX);
        match sql::resume_orphans(&self.db, seconds, &self.name).await {
            Ok(0) => {}
            Ok(resumed) => tracing::info!(resumed, "tasks of a process that died are given out again"),
            Err(error) => tracing::warn!(%error, "could not look for tasks of processes that died"),
        }
    }

    /// Deletes finished tasks and dead workers that nobody will look at.
    async fn tidy(&self) {
        if let Err(error) = tidy(&self.db).await {
            tracing::warn!(%error, "could not tidy the task queues");
        }
    }
}

/// Deletes finished tasks beyond those kept, in small transactions with pauses as long as each took, and dead workers.
pub(super) async fn tidy(db: &Db) -> Result<(), crate::store::DbError> {
    for kind in Kind::ALL {
        let (done, failed) = kind.kept();
        for (status, keep) in [("Done", done), ("Failed", failed)] {
            loop {
                let began = Instant::now();
                if !sql::was_full(sql::forget(db, kind, status, keep).await?) {
                    break;
                }
                tokio::time::sleep(began.elapsed()).await;
            }
        }
    }
    sql::forget_workers(db).await?;
    Ok(())
}

/// Works on tasks until `shutdown` is cancelled. Then no more are begun; those running may end within
/// [`Settings::grace`], and what is left is put back for others.
///
/// # Errors
/// If the workers end by themselves, which a failing database does not make them do.
pub async fn run(
    db: Db,
    handler: Arc<dyn Handler>,
    settings: Settings,
    shutdown: CancellationToken,
) -> Result<(), Error> {
    let process = Arc::new(Process::new(db, handler, settings));
    // However this ends, nothing is left running.
    let _stop = (process.stopping.clone().drop_guard(), process.abandon.clone().drop_guard());

    let monitor = clocks(workers(&process), &process)?;
    let control = monitor.context();
    let mut monitor = AbortOnDropHandle::new(tokio::spawn(monitor.run()));
    let watcher = Arc::clone(&process);
    let watcher = AbortOnDropHandle::new(tokio::spawn(async move {
        let notifications = async {
            match &watcher.db {
                Db::Sqlite { .. } => std::future::pending().await,
                Db::Postgres(pool) => watch::notifications(pool).await,
            }
        };
        tokio::join!(watch::due(&watcher), notifications)
    }));

    tokio::select! {
        () = shutdown.cancelled() => {}
        ended = &mut monitor => {
            return Err(Error(match ended {
                Ok(Ok(())) => "no worker was left".to_owned(),
                Ok(Err(error)) => error.to_string(),
                Err(error) => error.to_string(),
            }));
        }
    }
    drop(watcher);
    process.stopping.cancel();
    process.running.close();
    if tokio::time::timeout(process.settings.grace, process.running.wait()).await.is_err() {
        tracing::warn!(tasks = process.running.len(), "tasks still run and are put back");
        process.abandon.cancel();
    }
    let last_words = async {
        process.running.wait().await;
        let _ = control.shutdown();
        let _ = monitor.await;
    };
    if tokio::time::timeout(LAST_WORDS, last_words).await.is_err() {
        tracing::warn!("the workers did not end in time; their tasks are given out again soon");
    }
    Ok(())
}

/// A worker for each kind of task.
fn workers(process: &Arc<Process>) -> Monitor {
    let stopping = process.stopping.clone();
    let monitor = Monitor::new().should_restart(move |worker, error| {
        tracing::warn!(worker = worker.name(), %error, "a worker ended");
        !stopping.is_cancelled()
    });
    Kind::ALL.into_iter().fold(monitor, |monitor, kind| {
        let process = Arc::clone(process);
        monitor.register(move |restarts| {
            let shared = Arc::clone(&process);
            WorkerBuilder::new(format!("{}-{}-{restarts}", kind.queue(), process.name))
                .backend(Queue::new(&process, kind))
                .build(move |body: Body, attempt: Attempt| {
                    let shared = Arc::clone(&shared);
                    async move { shared.look(kind, body, attempt.current()).await.map_err(BoxDynError::from) }
                })
        })
    })
}

/// Clocks for what is regular.
fn clocks(monitor: Monitor, process: &Arc<Process>) -> Result<Monitor, Error> {
    type Act = fn(Arc<Process>) -> BoxFuture<'static, ()>;
    let acts: [(&str, &str, Act); 3] = [
        ("tick", "* * * * * *", |process| async move { process.handler.tick().await }.boxed()),
        ("orphans", "* * * * * *", |process| async move { process.resume_orphans().await }.boxed()),
        ("tidy", "*/30 * * * * *", |process| async move { process.tidy().await }.boxed()),
    ];
    let mut monitor = monitor;
    for (name, when, act) in acts {
        let schedule = Schedule::from_str(when).map_err(|e| Error(e.to_string()))?;
        let process = Arc::clone(process);
        let busy = Arc::new(tokio::sync::Mutex::new(()));
        monitor = monitor.register(move |restarts| {
            let (shared, busy) = (Arc::clone(&process), Arc::clone(&busy));
            WorkerBuilder::new(format!("quire.{name}-{}-{restarts}", process.name))
                .backend(CronScheduler::new(schedule.clone()))
                .build(move |_: Tick| {
                    // In a runtime task of its own: the clock must not wait for it, or it ends in an error.
                    if let Ok(turn) = Arc::clone(&busy).try_lock_owned()
                        && !shared.stopping.is_cancelled()
                    {
                        let process = Arc::clone(&shared);
                        shared.running.spawn(async move {
                            let _turn = turn;
                            let acting = AssertUnwindSafe(act(Arc::clone(&process))).catch_unwind();
                            tokio::select! {
                                ended = acting => if ended.is_err() {
                                    tracing::error!("the clock \"{name}\" panicked; it goes on");
                                },
                                () = process.abandon.cancelled() => {}
                            }
                        });
                    }
                    std::future::ready(())
                })
        });
    }
    Ok(monitor)
}
