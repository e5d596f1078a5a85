//! The providers that are set up here: their rows, their settings, and the adapters made of them, kept in memory.

mod prices;
mod schedule;
mod seal;
mod settings;
pub mod store;

pub use prices::Prices;
pub use schedule::Schedule;
pub use seal::{MasterKey, SealError};
pub use settings::ProviderSettings;

use super::{ApiKey, HardLimits, Provider, ProviderKind, Settings, Timeouts, connect};
use crate::{
    queue::Turnaround,
    store::{DbError, Exec},
};
use chrono::{DateTime, Utc};
use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};
use tokio::sync::{Semaphore, SemaphorePermit};
use url::Url;

/// A provider that is switched on.
#[derive(Debug)]
pub struct Entry {
    /// Its name here.
    pub name: String,
    /// Its interface.
    pub kind: ProviderKind,
    /// Where its interface begins.
    pub base_url: Url,
    /// Settings.
    pub settings: ProviderSettings,
    /// When its queue is cut.
    pub schedule: Schedule,
    /// When economy work is cut.
    pub economy_schedule: Schedule,
    /// The adapter.
    pub provider: Arc<dyn Provider>,
    updated_at: DateTime<Utc>,
    turns: Semaphore,
    assigned: AtomicI64,
}

impl Entry {
    /// How long a creation call may take.
    #[must_use]
    pub fn create_timeout(&self) -> Duration {
        Duration::from_secs(u64::from(self.settings.create_timeout_s))
    }

    /// Waits for one of the calls that may be made at once.
    pub async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        // The semaphore is never closed; if it were, calls would merely not be limited.
        self.turns.acquire().await.ok()
    }

    /// Jobs that were sent its way since the load was last looked at.
    #[must_use]
    pub fn assigned(&self) -> i64 {
        self.assigned.load(Ordering::Relaxed)
    }

    pub(crate) fn note_assigned(&self) {
        self.assigned.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn forget_assigned(&self) {
        self.assigned.store(0, Ordering::Relaxed);
    }

    /// How long its batches are said to take, where that was set.
    #[must_use]
    pub fn turnaround_prior(&self) -> Option<Turnaround> {
        self.settings.turnaround
    }
}

/// A provider's row that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The stored key can't be opened.
    #[error("the key of the provider \"{name}\" can't be read: {problem}")]
    Key {
        /// The provider's name.
        name: String,
        /// What is wrong.
        problem: SealError,
    },
    /// A setting can't work.
    #[error("the provider \"{name}\": {problem}")]
    Settings {
        /// The provider's name.
        name: String,
        /// What is wrong.
        problem: String,
    },
}

type Entries = BTreeMap<String, Arc<Entry>>;

/// All providers that are switched on, by name. Cheap to clone; clones share what they keep.
#[derive(Clone)]
pub struct Registry {
    master: Arc<MasterKey>,
    kept: Arc<RwLock<Kept>>,
}

#[derive(Default)]
struct Kept {
    entries: Entries,
    /// Kinds of all providers, of those switched off as well: their answers are still priced.
    kinds: BTreeMap<String, ProviderKind>,
    read: Option<Vec<(String, DateTime<Utc>)>>,
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry").field("providers", &self.kept().kinds.keys()).finish_non_exhaustive()
    }
}

impl Registry {
    /// Knows no provider until [`Registry::refresh`].
    #[must_use]
    pub fn new(master: MasterKey) -> Self {
        Self { master: Arc::new(master), kept: Arc::default() }
    }

    fn kept(&self) -> std::sync::RwLockReadGuard<'_, Kept> {
        self.kept.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// A provider that is switched on.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Arc<Entry>> {
        self.kept().entries.get(name).cloned()
    }

    /// All that are switched on, by name.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Entry>> {
        self.kept().entries.values().cloned().collect()
    }

    /// The interface of a provider, switched on or not.
    #[must_use]
    pub fn kind(&self, name: &str) -> Option<ProviderKind> {
        self.kept().kinds.get(name).copied()
    }

    /// The key that provider keys are sealed with.
    #[must_use]
    pub fn master(&self) -> &MasterKey {
        &self.master
    }

    /// Reads the rows anew where they have changed; answers whether they had. A row that can't be used leaves the
    /// provider as it was before, and is an error.
    ///
    /// # Errors
    /// If the database fails, or a row can't be used.
    pub async fn refresh(&self, x: &mut impl Exec) -> Result<bool, RegistryError> {
        let stamps = store::stamps(x).await?;
        if self.kept().read.as_ref() == Some(&stamps) {
            return Ok(false);
        }
        let mut entries = Entries::new();
        let mut kinds = BTreeMap::new();
        for row in store::all(x).await? {
            kinds.insert(row.name.clone(), row.kind);
            if !row.enabled {
                continue;
            }
            let old = self.get(&row.name).filter(|old| old.updated_at == row.updated_at);
            let entry = match old {
                Some(old) => old,
                None => Arc::new(self.entry(&row)?),
            };
            entries.insert(row.name, entry);
        }
        *self.kept.write().unwrap_or_else(PoisonError::into_inner) =
            Kept { entries, kinds, read: Some(stamps) };
        Ok(true)
    }

    fn entry(&self, row: &store::Row) -> Result<Entry, RegistryError> {
        let wrong = |problem: String| RegistryError::Settings { name: row.name.clone(), problem };
        let key = self
            .master
            .open(&row.name, &row.sealed_key)
            .map_err(|problem| RegistryError::Key { name: row.name.clone(), problem })?;
        let settings = row.settings.0.clone();
        settings.check().map_err(|wrongs| wrong(wrongs.join("; ")))?;
        let base_url = Url::parse(&row.base_url).map_err(|e| wrong(format!("base_url: {e}")))?;
        let (schedule, economy_schedule) = (
            settings.schedule.parse::<Schedule>().map_err(|e| wrong(format!("schedule: {e}")))?,
            settings
                .economy_schedule
                .parse::<Schedule>()
                .map_err(|e| wrong(format!("economy_schedule: {e}")))?,
        );
        let seconds = |s: u32| Duration::from_secs(u64::from(s));
        let connection = Settings {
            timeouts: Timeouts {
                reply: seconds(settings.create_timeout_s),
                call: seconds(settings.call_timeout_s),
                ..Timeouts::default()
            },
            limits: settings.limits(row.kind),
            ..Settings::new(base_url.clone(), ApiKey::from(key))
        };
        let provider = connect(row.kind, &connection).map_err(|e| wrong(e.to_string()))?;
        Ok(Entry {
            name: row.name.clone(),
            kind: row.kind,
            base_url,
            schedule,
            economy_schedule,
            provider,
            updated_at: row.updated_at,
            turns: Semaphore::new(usize::try_from(settings.realtime_concurrency).unwrap_or(1).max(1)),
            assigned: AtomicI64::new(0),
            settings,
        })
    }
}

impl ProviderSettings {
    /// The hard limits of one batch where narrower ones were set.
    fn limits(&self, kind: ProviderKind) -> Option<HardLimits> {
        let own = super::own_limits(kind);
        let narrow = |set: Option<u64>, own: u64| set.map_or(own, |set| set.min(own));
        Some(HardLimits {
            requests: narrow(self.max_requests, own.requests),
            bytes: narrow(self.max_bytes, own.bytes),
            enqueued_tokens: self.enqueued_tokens.or(own.enqueued_tokens),
        })
    }
}
