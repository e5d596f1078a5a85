//! The providers that are set up here: their rows, their sealed keys, their settings, and an adapter for each.

mod error;
mod prices;
mod schedule;
mod seal;
mod settings;
pub mod store;
#[cfg(test)]
mod tests;

pub use error::ProviderError;
pub use prices::{Listed, Prices};
pub use schedule::{Schedule, parse_schedule};
pub use seal::MasterKey;
pub use settings::ProviderSettings;
pub use store::{Change, NewProvider};

use super::{Exchange, Provider, ProviderKind, connect};
use crate::{queue::Turnaround, store::Exec};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::Duration,
};
use store::ProviderRow;
use tokio::sync::{Semaphore, SemaphorePermit};
use url::Url;

/// Is told of each exchange with a provider, by the provider's name; must return at once.
pub type Watcher = Arc<dyn Fn(&str, &Exchange) + Send + Sync>;

/// A provider that is switched on, ready to be used.
#[derive(Debug)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Which interface it speaks.
    pub kind: ProviderKind,
    /// Where it is.
    pub base_url: Url,
    /// Its settings.
    pub settings: ProviderSettings,
    schedule: Schedule,
    /// When batches of the economy lane are.
    pub economy_schedule: Schedule,
    /// Its adapter.
    pub provider: Arc<dyn Provider>,
    updated_at: DateTime<Utc>,
    turns: Semaphore,
    assigned: AtomicI64,
    gathers_longer: AtomicBool,
}

impl Entry {
    /// When batches are cut whatever their size; while they gather for longer, as those of the economy lane are.
    #[must_use]
    pub fn schedule(&self) -> &Schedule {
        if self.gathers_longer() { &self.economy_schedule } else { &self.schedule }
    }

    /// Its batches gather for longer now, to save money.
    #[must_use]
    pub fn gathers_longer(&self) -> bool {
        self.gathers_longer.load(Ordering::Relaxed)
    }

    /// Sets whether they do.
    pub(crate) fn gather_longer(&self, longer: bool) {
        self.gathers_longer.store(longer, Ordering::Relaxed);
    }

    /// Waits until one of the real-time calls that may be made at once is free; it is taken for as long as the answer
    /// lives.
    pub async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        self.turns.acquire().await.ok()
    }

    /// How long the creation of a batch may take.
    #[must_use]
    pub fn create_timeout(&self) -> Duration {
        Duration::from_secs(self.settings.create_timeout_s.into())
    }

    /// How long its batches take, as it was set for it.
    #[must_use]
    pub fn turnaround_prior(&self) -> Option<Turnaround> {
        self.settings.turnaround
    }

    /// Jobs that were given to it here since [`Entry::forget_assigned`].
    #[must_use]
    pub fn assigned(&self) -> i64 {
        self.assigned.load(Ordering::Relaxed)
    }

    /// A job was given to it.
    pub fn note_assigned(&self) {
        self.assigned.fetch_add(1, Ordering::Relaxed);
    }

    /// What was given to it is counted in the database now.
    pub fn forget_assigned(&self) {
        self.assigned.store(0, Ordering::Relaxed);
    }
}

/// A provider that is set up but can't be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Its name.
    pub name: String,
    /// Why, and what to do.
    pub reason: String,
}

#[derive(Debug, Default)]
struct Known {
    stamps: Vec<(String, DateTime<Utc>)>,
    kinds: BTreeMap<String, ProviderKind>,
    entries: BTreeMap<String, Arc<Entry>>,
    broken: Vec<Broken>,
}

/// The providers of this process's database, kept in memory. Cheap to clone; clones share what they keep.
#[derive(Clone)]
pub struct Registry {
    master: MasterKey,
    zone: Tz,
    watcher: Option<Watcher>,
    known: Arc<RwLock<Arc<Known>>>,
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry").field("known", &self.known()).finish_non_exhaustive()
    }
}

impl Registry {
    /// An empty one; [`Registry::refresh`] fills it. Schedules go by the clocks of `zone`.
    #[must_use]
    pub fn new(master: MasterKey, zone: Tz) -> Self {
        Self { master, zone, watcher: None, known: Arc::default() }
    }

    /// The same, telling of each exchange with a provider.
    #[must_use]
    pub fn watched(mut self, watcher: Watcher) -> Self {
        self.watcher = Some(watcher);
        self
    }

    /// The key that providers' keys are sealed under.
    #[must_use]
    pub const fn master(&self) -> &MasterKey {
        &self.master
    }

    fn known(&self) -> Arc<Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the rows again where one was changed; answers whether one was. A provider that can't be used is left out
    /// and listed by [`Registry::broken`]; the others are used all the same.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn refresh(&self, x: &mut impl Exec) -> Result<bool, ProviderError> {
        let before = self.known();
        if store::stamps(x).await? == before.stamps {
            return Ok(false);
        }
        let mut known = Known::default();
        for row in store::providers(x).await? {
            known.stamps.push((row.name.clone(), row.updated_at));
            known.kinds.insert(row.name.clone(), row.kind);
            if !row.enabled {
                continue;
            }
            // What was not changed keeps its connections and its turns.
            let kept = before.entries.get(&row.name).filter(|entry| entry.updated_at == row.updated_at);
            match kept.cloned().map_or_else(|| self.enter(&row), Ok) {
                Ok(entry) => {
                    known.entries.insert(row.name, entry);
                }
                Err(error) => {
                    tracing::error!(provider = row.name, %error, "a provider can't be used");
                    known.broken.push(Broken { name: row.name, reason: error.to_string() });
                }
            }
        }
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(known);
        Ok(true)
    }

    fn enter(&self, row: &ProviderRow) -> Result<Arc<Entry>, ProviderError> {
        let (settings, mut access) = row.open(&self.master)?;
        if let Some(watcher) = self.watcher.clone() {
            let name = row.name.clone();
            access.observer = Some(Arc::new(move |exchange: &Exchange| watcher(&name, exchange)));
        }
        let schedule = |key: &str, text: &str| {
            parse_schedule(text)
                .map(|schedule| schedule.in_zone(self.zone))
                .map_err(|reason| ProviderError::Setting { key: key.to_owned(), reason })
        };
        Ok(Arc::new(Entry {
            name: row.name.clone(),
            kind: row.kind,
            base_url: access.base_url.clone(),
            schedule: schedule("schedule", &settings.schedule)?,
            economy_schedule: schedule("economy_schedule", &settings.economy_schedule)?,
            provider: connect(row.kind, &access)?,
            updated_at: row.updated_at,
            turns: Semaphore::new(usize::try_from(settings.realtime_concurrency).unwrap_or(1)),
            assigned: AtomicI64::new(0),
            gathers_longer: AtomicBool::new(false),
            settings,
        }))
    }

    /// A provider that is switched on and can be used.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Arc<Entry>> {
        self.known().entries.get(name).cloned()
    }

    /// All providers that are switched on and can be used, by name.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Entry>> {
        self.known().entries.values().cloned().collect()
    }

    /// The interface that a provider speaks, also of one that is switched off.
    #[must_use]
    pub fn kind(&self, name: &str) -> Option<ProviderKind> {
        self.known().kinds.get(name).copied()
    }

    /// Providers that are switched on but can't be used.
    #[must_use]
    pub fn broken(&self) -> Vec<Broken> {
        self.known().broken.clone()
    }
}
