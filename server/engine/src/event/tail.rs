//! Following the events of all processes: one reader in each process wakes everyone who waits for something.

use super::{Event, after, last_seq};
use crate::store::{Db, DbError};
use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::watch;
use uuid::Uuid;

/// Numbers are given out before transactions commit, so a smaller one may appear after a greater one: so many behind
/// the last are looked at again.
const OVERLAP: i64 = 512;

/// How often the table is read.
const EVERY: Duration = Duration::from_millis(200);

/// The watchers of one process.
#[derive(Clone, Debug)]
pub struct Tail {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    last: watch::Sender<i64>,
    subjects: Mutex<HashMap<Uuid, watch::Sender<i64>>>,
}

/// Waits for events about one subject.
#[derive(Debug)]
pub struct Watch {
    receiver: watch::Receiver<i64>,
    tail: Tail,
    subject: Uuid,
}

impl Watch {
    /// Waits for the next event about the subject; answers its number.
    pub async fn changed(&mut self) -> i64 {
        if self.receiver.changed().await.is_err() {
            // The sender lives in the tail, which this watch holds: only a bug could close it.
            std::future::pending::<()>().await;
        }
        *self.receiver.borrow_and_update()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut subjects = self.tail.subjects();
        if subjects.get(&self.subject).is_some_and(|sender| sender.receiver_count() <= 1) {
            subjects.remove(&self.subject);
        }
    }
}

impl Default for Tail {
    fn default() -> Self {
        Self::new()
    }
}

impl Tail {
    /// Nobody waits yet.
    #[must_use]
    pub fn new() -> Self {
        Self { inner: Arc::new(Inner { last: watch::Sender::new(0), subjects: Mutex::default() }) }
    }

    fn subjects(&self) -> std::sync::MutexGuard<'_, HashMap<Uuid, watch::Sender<i64>>> {
        self.inner.subjects.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Follows one subject.
    #[must_use]
    pub fn watch(&self, subject: Uuid) -> Watch {
        let receiver = self.subjects().entry(subject).or_insert_with(|| watch::Sender::new(0)).subscribe();
        Watch { receiver, tail: self.clone(), subject }
    }

    /// Follows the number of the last event, whatever it is about.
    #[must_use]
    pub fn any(&self) -> watch::Receiver<i64> {
        self.inner.last.subscribe()
    }

    /// How many follow a subject.
    #[must_use]
    pub fn watchers(&self) -> usize {
        self.subjects().values().map(watch::Sender::receiver_count).sum()
    }

    fn tell(&self, event: &Event) {
        self.inner.last.send_if_modified(|last| {
            let newer = event.seq > *last;
            *last = (*last).max(event.seq);
            newer
        });
        if let Some(sender) = self.subjects().get(&event.subject_id) {
            sender.send_replace(event.seq);
        }
    }

    /// Reads on for ever; a database that is away is asked again.
    pub async fn run(self, mut db: Db) {
        let mut position = loop {
            match last_seq(&mut db).await {
                Ok(seq) => break seq,
                Err(error) => {
                    tracing::warn!(%error, "the events can't be read; trying again");
                    tokio::time::sleep(EVERY * 5).await;
                }
            }
        };
        self.inner.last.send_replace(position);
        let mut told = Told::default();
        loop {
            tokio::time::sleep(EVERY).await;
            match self.read(&mut db, position, &mut told).await {
                Ok(seq) => position = seq,
                Err(error) => {
                    tracing::warn!(%error, "the events can't be read; trying again");
                    tokio::time::sleep(EVERY * 5).await;
                }
            }
        }
    }

    async fn read(&self, db: &mut Db, position: i64, told: &mut Told) -> Result<i64, DbError> {
        let mut position = position;
        if told.first_read {
            told.first_read = false;
            for event in after(db, position - OVERLAP, OVERLAP).await? {
                told.add(event.seq);
            }
        }
        // Cheap where nothing happened: the greatest number says so on SQLite, where commits come in order.
        loop {
            let from = match db.dialect() {
                crate::store::Dialect::Sqlite => position,
                crate::store::Dialect::Postgres => position - OVERLAP,
            };
            let events = after(db, from, 4 * OVERLAP).await?;
            let mut fresh = 0;
            for event in &events {
                if told.add(event.seq) {
                    fresh += 1;
                    self.tell(event);
                }
                position = position.max(event.seq);
            }
            if fresh == 0 {
                return Ok(position);
            }
        }
    }
}

/// Numbers that were told already, as far back as they are looked at again.
#[derive(Debug)]
struct Told {
    first_read: bool,
    set: HashSet<i64>,
    order: VecDeque<i64>,
}

impl Default for Told {
    fn default() -> Self {
        Self { first_read: true, set: HashSet::new(), order: VecDeque::new() }
    }
}

impl Told {
    fn add(&mut self, seq: i64) -> bool {
        if !self.set.insert(seq) {
            return false;
        }
        self.order.push_back(seq);
        while self.order.len() > 8 * usize::try_from(OVERLAP).unwrap_or(512) {
            if let Some(old) = self.order.pop_front() {
                self.set.remove(&old);
            }
        }
        true
    }
}
