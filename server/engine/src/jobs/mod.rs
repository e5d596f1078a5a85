//! Task queues: hints that something wants looking at, kept in the database by apalis.
//!
//! Domain tables are the truth. A task only says *look at this*; whoever handles it reads the row again and acts on its
//! state, so a task that is lost, late or given out twice does no harm. [`push`] writes tasks in the caller's
//! transaction; [`run`] works on them until it is told to stop.
//!
//! How a worker lives: it registers under a name of this process start alone and keeps its row's `last_seen` fresh. A
//! task belongs to the worker that fetched it until it is acknowledged; once that worker has missed its heartbeats the
//! task is given out again. Nothing here fails for good: while the database is away, workers wait for it.

mod bell;
mod push;
mod queue;
mod sql;
mod task;
mod watch;
mod work;

#[cfg(test)]
mod tests;

pub use push::{push, push_now};
pub use task::{Kind, Task};
pub use work::run;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use std::time::Duration;

/// What came of looking at a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// There is nothing more to do.
    Done,
    /// It could not be done now.
    Retry {
        /// How long to wait; rounded up to whole seconds.
        after: Duration,
        /// What stood in the way, for the operator.
        why: String,
    },
    /// It will never be done.
    GiveUp {
        /// Why not, for the operator.
        why: String,
    },
    /// All is well, but there is something to see later, such as a provider's batch that still runs. Never earlier
    /// than asked, and at most about a second later.
    LookAgain(DateTime<Utc>),
}

/// Who looks at tasks.
#[async_trait]
pub trait Handler: Send + Sync + 'static {
    /// Looks at one task. It may be called twice for one task, and at the same time by another process. A panic counts
    /// as [`Verdict::Retry`]. When the process stops and its time is up, the call is dropped where it waits.
    async fn handle(&self, task: Task) -> Verdict;

    /// Called once a second in each process that works, never twice at once: what became due, what was forgotten.
    async fn tick(&self);
}

/// How much of one kind of task a process takes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Tasks handled at the same time; at least 1.
    pub at_once: usize,
    /// Tasks held at the same time, the waiting ones included. More than `at_once` makes large numbers of quick tasks
    /// cheap; for slow ones it keeps tasks from idle processes.
    pub held: usize,
}

/// How [`run`] works.
#[derive(Clone, Debug)]
pub struct Settings {
    shares: [Share; Kind::ALL.len()],
    /// How often the database is asked for tasks that became due or were pushed by other processes. Those that this
    /// process pushed start at once, and on PostgreSQL those of other processes as well.
    pub poll: Duration,
    /// How often a worker says that it lives.
    pub heartbeat: Duration,
    /// After this many missed heartbeats a worker's tasks are given out again.
    pub missed: u32,
    /// How long running tasks may go on once the process is told to stop; then they are put back.
    pub grace: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        let share = |at_once, held| Share { at_once, held };
        Self {
            shares: Kind::ALL.map(|kind| match kind {
                Kind::Interim => share(4, 64),
                Kind::Call => share(32, 32),
                Kind::Cut | Kind::Submit => share(4, 4),
                Kind::Poll => share(8, 8),
                Kind::Ingest => share(2, 2),
                Kind::Deliver => share(8, 64),
                Kind::Try => share(4, 4),
            }),
            poll: Duration::from_millis(200),
            heartbeat: Duration::from_secs(5),
            missed: 2,
            grace: Duration::from_secs(20),
        }
    }
}

impl Settings {
    /// How much of a kind a process takes on.
    #[must_use]
    pub const fn share(&self, kind: Kind) -> Share {
        self.shares[kind as usize]
    }

    /// Sets how much of a kind a process takes on.
    #[must_use]
    pub const fn with_share(mut self, kind: Kind, share: Share) -> Self {
        self.shares[kind as usize] = share;
        self
    }
}

/// The workers stopped although nobody asked them to.
#[derive(Debug, thiserror::Error)]
#[error("the task workers stopped by themselves ({0}); start the process again and report this as a fault")]
pub struct Error(String);
