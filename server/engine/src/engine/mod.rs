//! The engine: one handle that holds the database, the clock, the providers and what is kept in memory. The nouns'
//! folders add their operations to it.

mod catalog;
mod error;
mod handler;
mod load;
mod money;
mod overview;
#[cfg(test)]
pub(crate) mod testing;
mod times;

use catalog::Markings;
pub use catalog::{Entry, Marking, RequestBytes};
pub use error::EngineError;
pub use load::Load;
pub use overview::{LaneOverview, MoneyOverview, Overview, ProviderOverview};

use crate::{
    budget::Budget,
    course::Courses,
    event::Tail,
    forecast::Coverage,
    identity::Identity,
    notice::Mailer,
    provider::{Health, Prices, Registry, health::keep_health},
    queue::{Furthest, Snapshot},
    routing::{Rounds, RuleSet},
    settings::Settings,
    store::{Db, Id, World},
    submission::{Earlier, Writer},
    webhook::Webhook,
};
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, RwLock, Weak},
    time::Instant,
};
use uuid::Uuid;

/// Everything that Quire does. Cheap to clone; clones are the same engine.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

/// An engine that does not keep it alive.
#[derive(Clone)]
pub(crate) struct WeakEngine(Weak<Inner>);

impl WeakEngine {
    pub(crate) fn upgrade(&self) -> Option<Engine> {
        self.0.upgrade().map(Engine)
    }
}

/// How estimates were kept, and when that was counted.
pub(crate) type KeptCoverage = tokio::sync::Mutex<Option<(DateTime<Utc>, Arc<Vec<Coverage>>)>>;

struct Inner {
    db: Db,
    world: World,
    settings: Settings,
    /// The name of this process, fresh at each start.
    owner: String,
    identity: Identity,
    courses: Courses,
    registry: Registry,
    health: Health,
    prices: Prices,
    mailer: Mailer,
    webhook: Webhook,
    tail: Tail,
    earlier: Earlier,
    writer: std::sync::OnceLock<Writer>,
    rules: RwLock<Arc<RuleSet>>,
    markings: Mutex<Markings>,
    load: RwLock<Arc<Load>>,
    snapshot: RwLock<Arc<Snapshot>>,
    budgets: RwLock<Arc<Vec<Budget>>>,
    coverage: KeptCoverage,
    /// Batches that a task of this process is at work on: their leases are prolonged.
    at_work: Mutex<HashMap<Uuid, usize>>,
    ticked: Mutex<Option<(Instant, DateTime<Utc>)>>,
    /// The worst places seen, and the moment last looked at.
    furthest: Mutex<(Furthest, Option<DateTime<Utc>>)>,
    rounds: Mutex<Rounds>,
    /// When cost control last looked at the month.
    controlled_at: Mutex<Option<DateTime<Utc>>>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("owner", &self.0.owner).finish_non_exhaustive()
    }
}

/// What an engine is made of.
#[derive(Debug)]
pub struct Parts {
    /// The database, its schema up to date.
    pub db: Db,
    /// Time and chance.
    pub world: World,
    /// Settings.
    pub settings: Settings,
    /// Providers.
    pub registry: Registry,
    /// Sends e-mails.
    pub mailer: Mailer,
    /// Posts bills.
    pub webhook: Webhook,
}

impl Engine {
    /// Makes an engine and fills what it keeps in memory. Nothing works in the background until [`Engine::start`] or
    /// the workers are run.
    ///
    /// # Errors
    /// If the database fails or the stored rules can't be read.
    pub async fn new(parts: Parts) -> Result<Self, EngineError> {
        let Parts { db, world, settings, registry, mailer, webhook } = parts;
        let rules = crate::routing::current_rules(&mut db.clone(), &world).await?;
        let now = world.now();
        let health = Health::new(world.clone(), settings.breaker);
        let registry = registry.watched(health.watcher());
        let engine = Self(Arc::new(Inner {
            owner: world.secret_uuid().simple().to_string(),
            identity: Identity::new(db.clone(), world.clone()),
            courses: Courses::new(db.clone()),
            prices: Prices::new(db.clone()),
            registry,
            health,
            mailer,
            webhook,
            tail: Tail::new(),
            earlier: Earlier::start(db.clone()),
            writer: std::sync::OnceLock::new(),
            rules: RwLock::new(Arc::new(rules)),
            markings: Mutex::default(),
            load: RwLock::new(Arc::new(Load::empty(now))),
            snapshot: RwLock::new(Arc::new(Snapshot::new(&[], now))),
            budgets: RwLock::default(),
            coverage: KeptCoverage::default(),
            at_work: Mutex::default(),
            ticked: Mutex::default(),
            furthest: Mutex::default(),
            rounds: Mutex::default(),
            controlled_at: Mutex::default(),
            db,
            world,
            settings,
        }));
        engine.0.prices.load().await?;
        engine.refresh_load().await?;
        engine.refresh_snapshot().await?;
        Ok(engine)
    }

    /// Starts what every process needs in the background: following events, and keeping load and places fresh. It ends
    /// with the engine.
    pub fn start(&self) {
        tokio::spawn(self.0.tail.clone().run(self.0.db.clone()));
        tokio::spawn(load::keep_fresh(self.weak()));
        tokio::spawn(handler::keep_leases(self.weak()));
        tokio::spawn(keep_health(self.weak()));
    }

    pub(crate) fn weak(&self) -> WeakEngine {
        WeakEngine(Arc::downgrade(&self.0))
    }

    /// The database.
    #[must_use]
    pub fn db(&self) -> Db {
        self.0.db.clone()
    }
    /// Time and chance.
    #[must_use]
    pub fn world(&self) -> &World {
        &self.0.world
    }
    /// The time now.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.0.world.now()
    }
    /// Settings.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }
    /// The institution's time zone.
    #[must_use]
    pub fn zone(&self) -> Tz {
        self.0.settings.time_zone
    }
    /// Who asks, and whether they may.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.0.identity
    }
    /// Courses and assignments.
    #[must_use]
    pub fn courses(&self) -> &Courses {
        &self.0.courses
    }
    /// Providers.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.0.registry
    }
    /// How the providers are.
    #[must_use]
    pub fn health(&self) -> &Health {
        &self.0.health
    }
    /// Follows events.
    #[must_use]
    pub fn tail(&self) -> &Tail {
        &self.0.tail
    }
    /// The routing rules in force.
    #[must_use]
    pub fn rules(&self) -> Arc<RuleSet> {
        self.0.rules.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
    /// Reads the rules anew where another version is in force by now.
    ///
    /// # Errors
    /// If the database fails, or a stored condition can't be read.
    pub(crate) async fn refresh_rules(&self) -> Result<(), EngineError> {
        let mut db = self.db();
        if crate::routing::last_version(&mut db).await? == Some(self.rules().version) {
            return Ok(());
        }
        let rules = crate::routing::current_rules(&mut db, self.world()).await?;
        tracing::info!(version = rules.version, "the routing rules were read anew");
        *self.0.rules.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(rules);
        Ok(())
    }
    /// Places of all that wait.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.0.snapshot.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
    /// How busy Quire is.
    #[must_use]
    pub fn load(&self) -> Arc<Load> {
        self.0.load.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn kept_coverage(&self) -> &KeptCoverage {
        &self.0.coverage
    }

    pub(crate) fn mailer(&self) -> &Mailer {
        &self.0.mailer
    }

    pub(crate) fn webhook(&self) -> &Webhook {
        &self.0.webhook
    }

    pub(crate) fn earlier(&self) -> &Earlier {
        &self.0.earlier
    }

    pub(crate) fn writer(&self) -> &Writer {
        self.0.writer.get_or_init(|| Writer::start(self.weak()))
    }

    pub(crate) fn owner(&self) -> &str {
        &self.0.owner
    }

    pub(crate) fn lease_until(&self) -> DateTime<Utc> {
        self.now() + TimeDelta::seconds(i64::from(self.0.settings.lease_seconds))
    }

    /// Marks a batch, a call or a work of a trial as being worked on for as long as the answer lives: its lease is prolonged.
    pub(crate) fn at_work(&self, id: impl Id) -> AtWork {
        let id = id.uuid();
        *self.works().entry(id).or_insert(0) += 1;
        AtWork { engine: self.clone(), id }
    }

    pub(crate) fn rounds(&self) -> std::sync::MutexGuard<'_, Rounds> {
        self.0.rounds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Cost control has not looked at the month for so long; it does so now.
    pub(crate) fn is_due_for_cost_control(&self, now: DateTime<Utc>, every: TimeDelta) -> bool {
        let mut last = self.0.controlled_at.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = last.is_none_or(|last| now - last >= every);
        if is_due {
            *last = Some(now);
        }
        is_due
    }

    fn works(&self) -> std::sync::MutexGuard<'_, HashMap<Uuid, usize>> {
        self.0.at_work.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Something is being worked on.
pub(crate) struct AtWork {
    engine: Engine,
    id: Uuid,
}

impl Drop for AtWork {
    fn drop(&mut self) {
        let mut at_work = self.engine.works();
        if let Some(count) = at_work.get_mut(&self.id) {
            *count -= 1;
            if *count == 0 {
                at_work.remove(&self.id);
            }
        }
    }
}
