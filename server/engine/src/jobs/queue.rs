//! A queue as apalis sees it: where a worker's tasks come from, and where what came of them goes.
//!
//! apalis-core's [`Persisted`] drives it (register, heartbeat, fetch, acknowledge); the tables and the statements for
//! tasks are those of apalis' storage crates. Their own backends are not used, for three reasons: they fetch at each
//! wake-up even when there is nothing to do, they send no heartbeat while fetched tasks wait for a free place, and the
//! first failed statement ends the worker and drops the tasks that it is working on. Here a fetch takes only what is
//! started at once, happens only when there is a reason to, and all wait for the database to come back.

use super::{
    Kind, Share, bell, push,
    sql::{self, Again},
    work::{Outcome, Process},
};
use crate::store::{DbError, Tx, TxConn};
use apalis::prelude::{Backend, Task, TaskResult, WorkerContext};
use apalis_core::backend::{
    BackendConfig,
    finalize::Ephemeral,
    persistence::{Persisted, Persistence, State, TaskEvent, TaskPersistLayer},
};
use apalis_sqlite::JsonCodec;
use futures::StreamExt as _;
use serde_json::Value;
use std::{
    collections::VecDeque,
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};
use tokio_stream::wrappers::WatchStream;

/// How long to wait after a failed statement.
const PAUSE: Duration = Duration::from_secs(1);

/// The body of a task as it is stored.
pub(super) type Body = Vec<u8>;

/// Where the tasks of one kind come from.
pub(super) struct Queue {
    persisted: Persisted<Store>,
    share: Share,
    bell: WatchStream<()>,
    due: bool,
}

impl Queue {
    pub(super) fn new(process: &Arc<Process>, kind: Kind) -> Self {
        let store = Store { process: Arc::clone(process), kind, room: Arc::default(), full: Arc::default() };
        let share = process.settings.share(kind);
        Self { persisted: Persisted::new(store), share, bell: bell::hear(kind), due: false }
    }

    /// Whether nothing is being fetched and nothing fetched waits.
    #[cfg(test)]
    pub(super) fn is_idle(&self) -> bool {
        matches!(self.persisted.state(), State::Ready)
    }

    /// Whether to fetch now: there is a reason to, and enough room for it to be worth while.
    fn opens(&mut self, cx: &mut Context<'_>, worker: &WorkerContext) -> bool {
        while let Poll::Ready(Some(())) = self.bell.poll_next_unpin(cx) {
            self.due = true;
        }
        self.due |= self.persisted.full.swap(false, Ordering::AcqRel);
        let Share { at_once, held } = self.share;
        let room = held.max(at_once).max(1).saturating_sub(worker.task_count());
        let enough = (held.saturating_sub(at_once) / 2).max(1);
        if !self.due || room < enough || self.persisted.process.stopping.is_cancelled() {
            return false;
        }
        self.due = false;
        self.persisted.room.store(room, Ordering::Release);
        true
    }
}

impl Backend for Queue {
    type Task = Task<Body>;
    type Error = Infallible;

    fn poll_ready(&mut self, cx: &mut Context<'_>, worker: &WorkerContext) -> Poll<Result<(), Infallible>> {
        let heartbeat = self.persisted.process.settings.heartbeat;
        self.persisted.poll_ready(cx, worker, heartbeat)
    }

    fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        worker: &WorkerContext,
    ) -> Poll<Option<Result<Self::Task, Infallible>>> {
        loop {
            if matches!(self.persisted.state(), State::Ready) && !self.opens(cx, worker) {
                return Poll::Pending;
            }
            match self.persisted.poll_next(cx, worker) {
                // A fetch that found nothing: the bell may have rung meanwhile, and nobody was listening.
                Poll::Pending if matches!(self.persisted.state(), State::Ready) => {}
                polled => return polled,
            }
        }
    }

    fn poll_close(&mut self, cx: &mut Context<'_>, worker: &WorkerContext) -> Poll<Result<(), Infallible>> {
        // A fetch that is under way is seen through, or its tasks would be nobody's until they count as orphans.
        while matches!(self.persisted.state(), State::Fetch(_)) {
            match self.persisted.poll_next(cx, worker) {
                Poll::Ready(Some(Ok(task))) => {
                    if let State::Buffered(rest) = self.persisted.state_mut() {
                        rest.push_front(task);
                    } else {
                        *self.persisted.state_mut() = State::Buffered(VecDeque::from([task]));
                    }
                }
                Poll::Pending if matches!(self.persisted.state(), State::Fetch(_)) => return Poll::Pending,
                _ => break,
            }
        }
        self.persisted.poll_close(cx, worker)
    }
}

impl BackendConfig for Queue {
    type Args = Body;
    type Id = String;
    type Kind = Ephemeral;
    type Config = Share;
    type Layer = TaskPersistLayer<JsonCodec<Value>, Value>;

    fn config(&self) -> &Share {
        &self.share
    }

    fn middleware(&mut self, _: &mut WorkerContext) -> Self::Layer {
        let events = self.share.held;
        self.persisted.layer(JsonCodec::default(), events).persist_results(true)
    }
}

/// The database behind one queue. Its operations don't fail: they wait until the database is back.
#[derive(Clone)]
pub(super) struct Store {
    process: Arc<Process>,
    kind: Kind,
    /// How many tasks the next fetch may take.
    room: Arc<AtomicUsize>,
    /// The last fetch took all it might, so there may be more.
    full: Arc<AtomicBool>,
}

impl Store {
    async fn try_register(&self, worker: &WorkerContext) -> Result<(), DbError> {
        let mut tx = self.process.db.begin().await?;
        sql::register(&mut tx, worker.name(), self.kind.queue(), worker.get_service()).await?;
        tx.commit().await
    }

    async fn try_heartbeat(&self, worker: &WorkerContext) -> Result<(), DbError> {
        let mut tx = self.process.db.begin().await?;
        if !sql::heartbeat(&mut tx, worker.name()).await? {
            sql::register(&mut tx, worker.name(), self.kind.queue(), worker.get_service()).await?;
        }
        tx.commit().await
    }

    async fn try_fetch(&self, worker: &WorkerContext, room: usize) -> Result<Vec<Task<Body>>, DbError> {
        let mut tx = self.process.db.begin().await?;
        let queue = self.kind.queue();
        let tasks = match &mut tx.conn {
            TxConn::Sqlite(tx) => {
                let config = apalis_sqlite::Config::default().queue(queue).batch_size(room);
                apalis_sqlite::queries::fetch_next(tx.here().await?, &config, worker)
                    .await
                    .map_err(from_sqlite)?
            }
            TxConn::Postgres(tx) => {
                let config = apalis_postgres::Config::default().queue(queue).batch_size(room);
                apalis_postgres::queries::fetch_next(&mut **tx, &config, worker)
                    .await
                    .map_err(from_postgres)?
            }
        };
        tx.commit().await?;
        Ok(tasks)
    }

    async fn try_settle(
        &self,
        worker: &str,
        ended: &[&TaskResult<Value>],
        again: &[Again],
    ) -> Result<(), DbError> {
        let mut tx = self.process.db.begin().await?;
        for task in again {
            sql::again(&mut tx, worker, task).await?;
        }
        if !ended.is_empty() {
            acknowledge(&mut tx, worker, ended).await?;
        }
        tx.commit().await
    }

    async fn try_put_back(&self, worker: &str, tasks: &[String]) -> Result<u64, DbError> {
        let mut tx = self.process.db.begin().await?;
        for task in tasks {
            let again =
                Again { task: task.clone(), at: 0, attempts: 0, why: "its worker stopped".to_owned() };
            sql::again(&mut tx, worker, &again).await?;
        }
        tx.commit().await?;
        Ok(tasks.len() as u64)
    }
}

/// Tries until it works.
macro_rules! insist {
    ($store:expr, $what:literal, $attempt:expr) => {
        loop {
            match $attempt.await {
                Ok(done) => break done,
                Err(error) => {
                    let queue = $store.kind.queue();
                    tracing::warn!(queue, %error, concat!("could not ", $what, "; trying again"));
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    };
}

async fn acknowledge(tx: &mut Tx, worker: &str, ended: &[&TaskResult<Value>]) -> Result<(), DbError> {
    match &mut tx.conn {
        TxConn::Sqlite(tx) => {
            apalis_sqlite::queries::ack_tasks(tx.here().await?, ended, worker).await?;
        }
        TxConn::Postgres(tx) => {
            apalis_postgres::queries::handle_results(&mut **tx, ended, worker)
                .await
                .map_err(from_postgres)?;
        }
    }
    Ok(())
}

fn from_sqlite(error: apalis_sqlite::Error) -> DbError {
    match error {
        apalis_sqlite::Error::Database(error) => DbError::Sql(error),
        other => DbError::Sql(sqlx::Error::Decode(other.into())),
    }
}

fn from_postgres(error: apalis_postgres::Error) -> DbError {
    match error {
        apalis_postgres::Error::Database(error) => DbError::Sql(error),
        other => DbError::Sql(sqlx::Error::Decode(other.into())),
    }
}

impl Persistence for Store {
    type Compact = Body;
    type Response = Value;
    type Error = Infallible;

    async fn register(&mut self, worker: &WorkerContext) -> Result<(), Infallible> {
        if worker.restarts() > 0 {
            tokio::time::sleep(PAUSE).await;
        }
        insist!(self, "register a worker", self.try_register(worker));
        self.process.was_heard();
        Ok(())
    }

    async fn heartbeat(&mut self, worker: &WorkerContext) -> Result<(), Infallible> {
        // Not insisted on: acknowledging is more urgent, and the next beat is near.
        match self.try_heartbeat(worker).await {
            Ok(()) => self.process.was_heard(),
            Err(error) => {
                tracing::warn!(queue = self.kind.queue(), %error, "could not say that a worker lives");
            }
        }
        Ok(())
    }

    async fn fetch_next(&mut self, worker: &WorkerContext) -> Result<Vec<Task<Body>>, Infallible> {
        let room = self.room.load(Ordering::Acquire).max(1);
        match self.try_fetch(worker, room).await {
            Ok(tasks) => {
                self.full.store(tasks.len() >= room, Ordering::Release);
                Ok(tasks)
            }
            Err(error) => {
                tracing::warn!(queue = self.kind.queue(), %error, "could not fetch tasks; trying again");
                tokio::time::sleep(PAUSE).await;
                bell::ring(self.kind);
                Ok(Vec::new())
            }
        }
    }

    async fn handle_events(
        &mut self,
        events: Vec<TaskEvent<Value>>,
        worker: &WorkerContext,
    ) -> Result<(), Infallible> {
        let (mut ended, mut again) = (Vec::new(), Vec::new());
        for event in &events {
            let TaskEvent::Complete(result) = event else { continue };
            match Outcome::read(result.result.as_ref()) {
                Some(Outcome::Again { at, why, fresh }) => again.push(Again {
                    task: result.task_id.to_string(),
                    at,
                    attempts: if fresh { 0 } else { i64::try_from(result.attempt).unwrap_or(i64::MAX) },
                    why,
                }),
                Some(Outcome::Done) | None => ended.push(result),
            }
        }
        let name = worker.name();
        insist!(self, "write down what came of tasks", self.try_settle(name, &ended, &again));
        Ok(())
    }

    async fn reenqueue_abandoned(
        &mut self,
        tasks: Vec<Task<Body>>,
        worker: &WorkerContext,
    ) -> Result<u64, Infallible> {
        let ids: Vec<String> = tasks.iter().filter_map(|task| Some(task.task_id()?.to_string())).collect();
        let name = worker.name();
        Ok(insist!(self, "put tasks back", self.try_put_back(name, &ids)))
    }

    async fn push_tasks(&mut self, tasks: Vec<Task<Body>>) -> Result<(), Infallible> {
        // Nobody pushes through a worker; were it done, this is how.
        let tasks: Vec<super::Task> =
            tasks.iter().filter_map(|task| serde_json::from_slice(&task.args).ok()).collect();
        insist!(self, "push tasks", push::push_now(&self.process.db, &tasks, None));
        Ok(())
    }
}
