//! The queues at work, on both databases.

#![allow(clippy::unwrap_used)]

use super::{queue::Queue, work::Process, *};
use crate::store::{Db, Dialect, Exec as _, JobId, testing::each_db};
use apalis::prelude::{Backend as _, WorkerContext};
use futures::future::BoxFuture;
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::Instant,
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// A handler that does what the test says and tells the test what came in.
struct Script {
    act: Box<dyn Fn(Task, usize) -> BoxFuture<'static, Verdict> + Send + Sync>,
    seen: mpsc::UnboundedSender<(Task, Instant)>,
    times: Mutex<HashMap<String, usize>>,
}

#[async_trait]
impl Handler for Script {
    async fn handle(&self, task: Task) -> Verdict {
        let time = {
            let mut times = self.times.lock().unwrap();
            let time = times.entry(serde_json::to_string(&task).unwrap()).or_default();
            *time += 1;
            *time
        };
        let _ = self.seen.send((task.clone(), Instant::now()));
        (self.act)(task, time).await
    }
    async fn tick(&self) {}
}

/// Workers in this process, and what they were given.
struct Workers {
    seen: mpsc::UnboundedReceiver<(Task, Instant)>,
    stop: CancellationToken,
    running: tokio::task::JoinHandle<Result<(), Error>>,
}

impl Workers {
    /// `act` gets the task and how many times this very task has come, from 1.
    fn start<F>(db: &Db, settings: Settings, act: impl Fn(Task, usize) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Verdict> + Send + 'static,
    {
        let (sender, seen) = mpsc::unbounded_channel();
        let script = Arc::new(Script {
            act: Box::new(move |task, time| Box::pin(act(task, time))),
            seen: sender,
            times: Mutex::default(),
        });
        let stop = CancellationToken::new();
        let running = tokio::spawn(run(db.clone(), script, settings, stop.clone()));
        Self { seen, stop, running }
    }

    async fn next(&mut self) -> (Task, Instant) {
        tokio::time::timeout(Duration::from_secs(30), self.seen.recv()).await.expect("a task comes").unwrap()
    }

    async fn stop(self) -> Duration {
        let began = Instant::now();
        self.stop.cancel();
        self.running.await.unwrap().unwrap();
        began.elapsed()
    }
}

fn job(n: u128) -> Task {
    Task::Call(JobId(uuid::Uuid::from_u128(n)))
}

fn jobs(db: &Db) -> &'static str {
    match db.dialect() {
        Dialect::Sqlite => "Jobs",
        Dialect::Postgres => "apalis.jobs",
    }
}

/// How many tasks of each status there are.
async fn statuses(db: &Db) -> HashMap<String, i64> {
    let sql = format!("SELECT status, count(*) FROM {} GROUP BY status", jobs(db));
    db.clone().query(sql).all::<(String, i64)>().await.unwrap().into_iter().collect()
}

/// Waits until the tasks stand as told.
async fn until(db: &Db, status: &str, count: i64) {
    for _ in 0..500 {
        if statuses(db).await.get(status).copied().unwrap_or(0) == count {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("not {count} {status}: {:?}", statuses(db).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_is_there_if_the_transaction_commits_and_starts_at_once() {
    each_db(async |db| {
        let mut workers = Workers::start(&db, Settings::default(), |_, _| async { Verdict::Done });
        let mut tx = db.begin().await.unwrap();
        push(&mut tx, &[job(1)], None).await.unwrap();
        tx.rollback().await.unwrap();
        let mut tx = db.begin().await.unwrap();
        push(&mut tx, &[job(2)], None).await.unwrap();
        drop(tx);
        // Warm, so that the next shows the way from commit to start alone.
        push_now(&db, &[job(3)], None).await.unwrap();
        assert_eq!(workers.next().await.0, job(3));

        let mut waits = Vec::new();
        for n in 10..20 {
            let mut tx = db.begin().await.unwrap();
            push(&mut tx, &[job(n)], None).await.unwrap();
            tx.commit().await.unwrap();
            let committed = Instant::now();
            let (task, started) = workers.next().await;
            assert_eq!(task, job(n));
            waits.push(started.saturating_duration_since(committed));
        }
        waits.sort();
        assert!(waits[5] < Duration::from_millis(100), "{waits:?}");
        until(&db, "Done", 11).await;
        assert_eq!(statuses(&db).await.len(), 1);
        workers.stop().await;
    })
    .await;
}

/// Counts how often it is woken.
#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Nothing is handled here.
struct Nobody;

#[async_trait]
impl Handler for Nobody {
    async fn handle(&self, _: Task) -> Verdict {
        Verdict::Done
    }
    async fn tick(&self) {}
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bell_is_heard_after_a_fetch_that_found_nothing() {
    each_db(async |db| {
        let process = Arc::new(Process::new(db.clone(), Arc::new(Nobody), Settings::default()));
        // A kind of which no other test has tasks: the bells are the process's.
        let mut queue = Queue::new(&process, Kind::Ingest);
        let worker = WorkerContext::new("a worker");
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        let mut cx = Context::from_waker(&waker);
        while queue.poll_ready(&mut cx, &worker).is_pending() {
            tokio::task::yield_now().await;
        }
        // The first ring is there from the start. The bell rings again while the database is asked.
        assert!(queue.poll_next(&mut cx, &worker).is_pending());
        bell::ring(Kind::Ingest);
        loop {
            assert!(matches!(queue.poll_next(&mut cx, &worker), Poll::Pending), "there is nothing to do");
            if queue.is_idle() {
                break;
            }
            tokio::task::yield_now().await;
        }
        let before = woken.0.load(Ordering::SeqCst);
        bell::ring(Kind::Ingest);
        assert!(woken.0.load(Ordering::SeqCst) > before, "somebody listens again");
    })
    .await;
}
