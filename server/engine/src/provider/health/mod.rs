//! How the providers are (SPEC 4.7): told of each exchange, asked before work is begun.
//!
//! Each process has a view of its own, of the exchanges that it makes: share of failures, latency, headroom, and a
//! circuit breaker. What is routed and shown goes by what all processes know together: each writes down a row for each
//! provider every few seconds (`provider_health`), and all read those rows.

mod breaker;
mod exchange;
mod figures;
mod keep;
mod limiter;
mod settings;
pub mod store;
#[cfg(test)]
mod tests;
mod window;

pub use breaker::Pause;
pub use exchange::{Fault, LastError};
pub use figures::{Figures, Row};
pub use limiter::{Left, Measure};
pub use settings::BreakerSettings;
pub use window::Latency;

pub(crate) use keep::keep_health;

use super::{Exchange, registry::Watcher};
use crate::store::World;
use breaker::{Breaker, Change};
use chrono::{DateTime, TimeDelta, Utc};
use exchange::{Family, Said};
use limiter::{Cost, Limiter};
use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
};
use window::Window;

/// After a refusal for too many requests that names no time, nothing is sent for so long.
const AFTER_REFUSAL: TimeDelta = TimeDelta::seconds(5);

/// How all providers are. Cheap to clone; clones share what they know.
#[derive(Clone)]
pub struct Health(Arc<Inner>);

struct Inner {
    world: World,
    settings: BreakerSettings,
    /// What this process knows, by provider's name.
    own: Mutex<BTreeMap<String, State>>,
    /// What all processes wrote down, by provider's name.
    all: RwLock<Arc<BTreeMap<String, Figures>>>,
}

#[derive(Debug, Default)]
struct State {
    window: Window,
    breaker: Breaker,
    calls: Limiter,
    batches: Limiter,
    not_before: Option<DateTime<Utc>>,
    rate_limited: u64,
    last_error: Option<LastError>,
}

/// Work that is about to be begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// A call in real time.
    Call {
        /// Input tokens, estimated.
        input_tokens: u64,
        /// Most output tokens.
        output_tokens: u64,
    },
    /// Input or creation of a batch. Its tokens count by limits of their own, which the cut keeps.
    Batch,
}

impl Work {
    const fn cost(self) -> Cost {
        match self {
            Self::Call { input_tokens, output_tokens } => Cost::request(input_tokens, output_tokens),
            Self::Batch => Cost::request(0, 0),
        }
    }
}

/// Nothing can be begun with a provider now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct NotNow {
    /// When to look again.
    pub until: DateTime<Utc>,
    /// Why, in words.
    pub why: String,
    /// It is paused, since then.
    pub paused_since: Option<DateTime<Utc>>,
}

/// Work with a provider may be begun; it counts as under way for as long as this lives.
#[derive(Debug)]
#[must_use]
pub struct Permit {
    health: Health,
    provider: String,
    work: Work,
    probe: bool,
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut own = self.health.own();
        let Some(state) = own.get_mut(&self.provider) else { return };
        state.limiter(self.work).over(self.work.cost());
        if self.probe {
            state.breaker.probe_over();
        }
    }
}

impl State {
    const fn limiter(&mut self, work: Work) -> &mut Limiter {
        match work {
            Work::Call { .. } => &mut self.calls,
            Work::Batch => &mut self.batches,
        }
    }

    fn figures(&mut self, now: DateTime<Utc>) -> Figures {
        self.window.forget(now);
        let (exchanges, failed) = self.window.all();
        Figures {
            exchanges,
            failed,
            calls: self.window.latency(Family::Call),
            questions: self.window.latency(Family::Look),
            rate_limited: self.rate_limited,
            last_error: self.last_error.clone(),
            pause: self.breaker.pause().cloned(),
            not_before: self.not_before.filter(|at| *at > now),
            calls_left: self.calls.left(now),
            batches_left: self.batches.left(now),
        }
    }
}

impl fmt::Debug for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Health").field("own", &*self.own()).finish_non_exhaustive()
    }
}

impl Health {
    /// Nothing is known yet.
    #[must_use]
    pub fn new(world: World, settings: BreakerSettings) -> Self {
        Self(Arc::new(Inner { world, settings, own: Mutex::default(), all: RwLock::default() }))
    }

    fn own(&self) -> MutexGuard<'_, BTreeMap<String, State>> {
        self.0.own.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The settings of the breaker.
    #[must_use]
    pub fn settings(&self) -> &BreakerSettings {
        &self.0.settings
    }

    /// Tells this of each exchange.
    #[must_use]
    pub fn watcher(&self) -> Watcher {
        let health = self.clone();
        Arc::new(move |provider: &str, exchange: &Exchange| health.note(provider, exchange))
    }

    /// Notes one exchange with a provider.
    pub fn note(&self, provider: &str, exchange: &Exchange) {
        let now = self.0.world.now();
        let (family, said) = (Family::of(exchange.operation), Said::by(exchange.error));
        let failed = matches!(said, Said::Fails(_));
        let mut own = self.own();
        let state = own.entry(provider.to_owned()).or_default();
        state.window.note(now, family, failed, exchange.took);
        if failed || said == Said::Full {
            state.last_error = Some(LastError { at: now, what: exchange::words(exchange) });
        }
        let sent = now - TimeDelta::from_std(exchange.took).unwrap_or_default();
        let limiter = if family == Family::Call { &mut state.calls } else { &mut state.batches };
        limiter.learn(&exchange.headroom, sent, now);
        if said == Said::Full {
            state.rate_limited += 1;
            let asked = exchange.retry_after.and_then(|wait| TimeDelta::from_std(wait).ok());
            let until = now + asked.unwrap_or(AFTER_REFUSAL);
            state.not_before = state.not_before.max(Some(until));
        }
        let settings = &self.0.settings;
        let State { breaker, window, .. } = state;
        let share = || window.failures(now, settings.window());
        let change = breaker.note(settings, family, said, || exchange::words(exchange), share, now);
        let pause = breaker.pause().cloned();
        drop(own);
        if said == Said::Full {
            metrics::counter!("quire_provider_rate_limited_total", "provider" => provider.to_owned())
                .increment(1);
        }
        let outcome = match said {
            Said::Answers if exchange.error.is_none() => "answered",
            Said::Answers => "refused",
            Said::Full => "rate_limited",
            Said::Fails(_) => "failed",
        };
        metrics::counter!("quire_provider_exchanges_total", "provider" => provider.to_owned(), "outcome" => outcome)
            .increment(1);
        match (change, pause) {
            (Some(Change::Opened), Some(pause)) => {
                tracing::error!(provider, why = pause.why, next_try = %pause.next_try, "a provider fails; it is paused");
            }
            (Some(Change::Closed), _) => tracing::info!(provider, "a provider answers again"),
            _ => {}
        }
    }

    /// Asks whether work may be begun now, and counts it as under way.
    ///
    /// # Errors
    /// When to look again, and why not now.
    pub fn begin(&self, provider: &str, work: Work) -> Result<Permit, NotNow> {
        let now = self.0.world.now();
        let mut own = self.own();
        let state = own.entry(provider.to_owned()).or_default();
        let probe = state.may_begin(provider, now)?;
        state.limiter(work).take(work.cost(), now).map_err(|short| {
            let of = short.limit.map_or_else(String::new, |limit| format!(" of {limit}"));
            let what = short.measure.name().replace('_', " ");
            NotNow {
                until: short.resets_at,
                why: format!("{provider} has {}{of} {what} left for now", short.left),
                paused_since: None,
            }
        })?;
        if probe {
            state.breaker.probe_begun(now);
        }
        drop(own);
        Ok(Permit { health: self.clone(), provider: provider.to_owned(), work, probe })
    }

    /// Whether work can't be begun now whatever it takes; asked before anything is read for it.
    ///
    /// # Errors
    /// When to look again, and why not now.
    pub fn look(&self, provider: &str) -> Result<(), NotNow> {
        let now = self.0.world.now();
        self.own().get(provider).map_or(Ok(()), |state| state.may_begin(provider, now).map(drop))
    }

    /// The pause of a provider as this process sees it.
    #[must_use]
    pub fn pause(&self, provider: &str) -> Option<Pause> {
        self.own().get(provider)?.breaker.pause().cloned()
    }

    /// The pauses of all providers as this process sees them, by provider's name.
    #[must_use]
    pub fn pauses(&self) -> Vec<(String, Pause)> {
        let of = |(name, state): (&String, &State)| Some((name.clone(), state.breaker.pause()?.clone()));
        self.own().iter().filter_map(of).collect()
    }

    /// A provider answers, as far as this process and all others know.
    #[must_use]
    pub fn is_up(&self, provider: &str) -> bool {
        self.pause(provider).is_none() && self.together().get(provider).is_none_or(|all| all.pause.is_none())
    }

    /// What all processes know together, by provider's name, as of a few seconds ago.
    #[must_use]
    pub fn together(&self) -> Arc<BTreeMap<String, Figures>> {
        self.0.all.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Providers were changed: paused ones are tried at once.
    pub fn retry_now(&self) {
        let now = self.0.world.now();
        self.own().values_mut().for_each(|state| state.breaker.retry_now(now));
    }

    /// What this process knows of those providers that it had to do with lately.
    fn figures(&self) -> Vec<(String, Figures)> {
        let now = self.0.world.now();
        let mut figures: Vec<_> =
            self.own().iter_mut().map(|(name, state)| (name.clone(), state.figures(now))).collect();
        figures.retain(|(_, figures)| figures.exchanges > 0 || figures.pause.is_some());
        figures
    }

    /// Keeps what all processes wrote down, and brings the gauges up to date.
    fn keep(&self, rows: &[Row]) {
        let now = self.0.world.now();
        let mut all = BTreeMap::new();
        for chunk in rows.chunk_by(|a, b| a.provider == b.provider) {
            all.insert(chunk[0].provider.clone(), figures::together(chunk, now));
        }
        for (provider, figures) in &all {
            let name = || provider.clone();
            let open = f64::from(u8::from(figures.pause.is_some()));
            metrics::gauge!("quire_provider_paused", "provider" => name()).set(open);
            for (route, left) in [("realtime", &figures.calls_left), ("batch", &figures.batches_left)] {
                for left in left {
                    #[expect(clippy::cast_precision_loss, reason = "a figure for show")]
                    let remaining = left.left as f64;
                    let of = left.measure.name();
                    metrics::gauge!("quire_provider_rate_limit_remaining", "provider" => name(), "route" => route, "of" => of)
                        .set(remaining);
                }
            }
        }
        *self.0.all.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(all);
    }
}

impl State {
    /// Whether the breaker and the provider's own word allow that something is begun; true where it is the probe.
    fn may_begin(&self, provider: &str, now: DateTime<Utc>) -> Result<bool, NotNow> {
        let not = |until, why, paused_since| NotNow { until, why, paused_since };
        let pause = self.breaker.pause();
        let probe = self.breaker.may_begin(now).map_err(|until| {
            let why = pause.map_or("it fails", |pause| pause.why.as_str());
            not(until, format!("{provider} is paused: {why}"), pause.map(|pause| pause.since))
        })?;
        match self.not_before.filter(|at| *at > now) {
            Some(until) => Err(not(until, format!("{provider} asked to wait"), pause.map(|p| p.since))),
            None => Ok(probe),
        }
    }
}
