//! The state that all parts of a running simulator share.

use std::{
    sync::{
        Arc, Mutex, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use chrono::{DateTime, Utc};
use tokio::sync::{Semaphore, watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

use crate::{
    Clock, Config, Error, Settings,
    answer::Schemas,
    cache::Cache,
    dice::Dice,
    faults::{self, Fault, Scripted},
    folder::Folder,
    http::limits::Limits,
    store::Store,
    struck::Struck,
    tokens::Counter,
};

/// The state of a simulator.
#[derive(Debug)]
pub(crate) struct Core {
    /// Settings as they were at the start, to which a reset goes back.
    initial: Settings,
    api_keys: Vec<String>,
    settings: RwLock<Arc<Settings>>,
    script: Mutex<Vec<Scripted>>,
    pub(crate) clock: Clock,
    pub(crate) store: Store,
    pub(crate) folder: Arc<Folder>,
    pub(crate) counter: Counter,
    pub(crate) cache: Cache,
    pub(crate) schemas: Schemas,
    pub(crate) limits: Limits,
    pub(crate) dice: Dice,
    /// How often the data folder has been opened, so that a restart draws anew.
    opened: i64,
    calls: AtomicU64,
    /// What has struck since the start.
    pub(crate) struck: Struck,
    /// Tells those who wait that a setting or a batch has changed.
    changed: watch::Sender<u64>,
    pub(crate) stop: CancellationToken,
    pub(crate) tasks: TaskTracker,
    /// Held while a batch is let in under the enqueued-token limit, so that two can't take the same room.
    pub(crate) admission: tokio::sync::Mutex<()>,
    /// As many pieces of heavy work at a time as there are processors.
    pub(crate) processors: Semaphore,
}

impl Core {
    pub(crate) async fn open(mut config: Config, clock: Clock) -> Result<Self, Error> {
        config.settings.normalize();
        config.settings.check()?;
        let folder = Folder::open(config.data.as_deref()).await?;
        folder.sweep()?;
        let store = Store::open(&folder.database(), !folder.temporary()).await?;
        let opened = store.number("opened").await?.unwrap_or(0) + 1;
        store.set_number("opened", opened).await?;
        if let Some(at) = store.number("manual_clock_ms").await?
            && let Some(kept) = chrono::DateTime::from_timestamp_millis(at)
            && kept > clock.now()
        {
            clock.advance(kept - clock.now());
        }
        remove_expired(&store, &folder, clock.now()).await?;
        let processors = thread::available_parallelism().map_or(1, usize::from);
        Ok(Self {
            script: Mutex::new(config.settings.script.clone()),
            settings: RwLock::new(Arc::new(config.settings.clone())),
            initial: config.settings,
            api_keys: config.api_keys,
            clock,
            store,
            folder: Arc::new(folder),
            counter: Counter::default(),
            cache: Cache::default(),
            schemas: Schemas::default(),
            limits: Limits::default(),
            dice: Dice::new(config.seed),
            opened,
            calls: AtomicU64::new(0),
            struck: Struck::default(),
            changed: watch::Sender::new(0),
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
            admission: tokio::sync::Mutex::new(()),
            processors: Semaphore::new(processors),
        })
    }

    /// The settings as they are now. Their script is what is left of it.
    pub(crate) fn settings(&self) -> Arc<Settings> {
        self.settings.read().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }

    /// The settings at the start.
    pub(crate) fn initial(&self) -> &Settings {
        &self.initial
    }

    /// What is left of the script.
    pub(crate) fn script(&self) -> Vec<Scripted> {
        self.lock_script().clone()
    }

    /// Replaces settings and script, and wakes whoever waits.
    pub(crate) fn set(&self, settings: Settings) {
        *self.lock_script() = settings.script.clone();
        *self.settings.write().unwrap_or_else(|poisoned| poisoned.into_inner()) = Arc::new(settings);
        self.wake();
    }

    fn lock_script(&self) -> std::sync::MutexGuard<'_, Vec<Scripted>> {
        self.script.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Whether a key is accepted.
    pub(crate) fn accepts_key(&self, key: &str) -> bool {
        self.api_keys.is_empty() || self.api_keys.iter().any(|accepted| accepted == key)
    }

    /// Whether a fault strikes this call.
    pub(crate) fn strikes_call(&self, fault: Fault, call: &str) -> bool {
        let chance = self.settings().chance(fault);
        let strikes = self.takes(fault, call)
            || chance > 0.0 && {
                let number = self.calls.fetch_add(1, Ordering::Relaxed);
                self.dice
                    .happens(chance, &["call", &self.opened.to_string(), &number.to_string(), fault.as_str()])
            };
        if strikes {
            self.struck.note(fault, call, ["", ""], self.clock.now());
        }
        strikes
    }

    /// Whether a fault strikes what the words name, at this provider.
    pub(crate) fn strikes(
        &self,
        settings: &Settings,
        fault: Fault,
        provider: &str,
        words: [&str; 2],
    ) -> bool {
        let strikes = self.takes(fault, provider)
            || self.dice.happens(settings.chance(fault), &[fault.as_str(), words[0], words[1]]);
        if strikes {
            self.struck.note(fault, provider, words, self.clock.now());
        }
        strikes
    }

    fn takes(&self, fault: Fault, occasion: &str) -> bool {
        faults::take(&mut self.lock_script(), fault, occasion)
    }

    /// Tells those who wait that something has changed.
    pub(crate) fn wake(&self) {
        self.changed.send_modify(|n| *n += 1);
    }

    /// Hears of changes.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Lets a stalled call wait, but not beyond the end of the simulator.
    pub(crate) async fn stall(&self) {
        tokio::select! {
            () = tokio::time::sleep(self.settings().stall()) => {}
            () = self.stop.cancelled() => {}
        }
    }
}

/// Removes files whose time is over. Until then they only look removed.
async fn remove_expired(store: &Store, folder: &Folder, now: DateTime<Utc>) -> Result<(), Error> {
    for id in store.expired_files(now).await? {
        store.delete_file(&id).await?;
        if !store.file_in_use(&id).await? {
            folder.remove(&folder.content(&id));
        }
    }
    Ok(())
}

/// A new id with a provider's prefix.
pub(crate) fn new_id(prefix: &str) -> String {
    format!("{prefix}{}", Uuid::now_v7().simple())
}
