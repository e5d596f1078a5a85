//! What is known of each provider's times and queue: read again when something came back, worked out anew each second.

use super::{Engine, EngineError, Entry};
use crate::{
    forecast::{self, Basis, CallOutlook, Forecast, Outlook, QueueFacts, Sample},
    provider::registry::Schedule,
    queue::{Backlog, Lane, Turnaround},
    routing::REALTIME_SECONDS,
};
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use std::sync::Arc;

/// How long calls take where too few were measured.
pub(super) const CALL_PRIOR: Turnaround = Turnaround { p50: REALTIME_SECONDS.0, p90: REALTIME_SECONDS.1 };

/// How far back it is counted how many jobs come.
pub(super) const RATE: TimeDelta = TimeDelta::hours(1);

/// Fires of a schedule that are worked out ahead.
const FIRES: usize = 16;

#[derive(Clone, Debug)]
pub(super) struct ProviderLoad {
    pub(super) free_jobs: i64,
    pub(super) outlook: Outlook,
    pub(super) calls: CallOutlook,
    pub(super) calls_basis: Basis,
    /// What the forecasts were made from, kept until something new came back.
    pub(super) history: Arc<History>,
    fires: Fires,
    economy_fires: Fires,
}

/// Finished batches and calls that were looked at.
#[derive(Debug)]
pub(super) struct History {
    last_back: Option<DateTime<Utc>>,
    last_answer: Option<DateTime<Utc>>,
    read_at: DateTime<Utc>,
    prior: Turnaround,
    pub(super) samples: Arc<Vec<Sample>>,
    forecast: Arc<Forecast>,
    calls: (Turnaround, Basis),
}

/// A history is read again after this time, though nothing came back: what is old falls out of it.
const HISTORY_KEPT: TimeDelta = TimeDelta::hours(1);

/// The next fires of a schedule, of which each is worked out once.
#[derive(Clone, Debug)]
struct Fires {
    of: Schedule,
    at: Vec<DateTime<Utc>>,
}

impl Fires {
    /// Those from now on; `before` are those known a moment ago.
    fn from(of: &Schedule, before: Option<&Self>, now: DateTime<Utc>) -> Self {
        let mut at: Vec<DateTime<Utc>> = before
            .filter(|before| before.of == *of)
            .map(|before| before.at.iter().copied().filter(|at| *at > now).collect())
            .unwrap_or_default();
        while at.len() < FIRES
            && let Some(next) = of.next_after(at.last().copied().unwrap_or(now))
        {
            at.push(next);
        }
        Self { of: of.clone(), at }
    }
}

impl Engine {
    /// A provider's finished batches and calls; read again where something new came back.
    pub(super) async fn history(
        &self,
        entry: &Entry,
        before: Option<&Arc<History>>,
        now: DateTime<Utc>,
    ) -> Result<Arc<History>, EngineError> {
        let mut db = self.db();
        let prior = entry.turnaround_prior().unwrap_or(self.settings().turnaround_prior);
        let last_back = forecast::store::last_back(&mut db, &entry.name).await?;
        let last_answer = forecast::store::last_answer(&mut db, &entry.name).await?;
        let before = before.filter(|b| b.prior == prior && now - b.read_at < HISTORY_KEPT);
        let (same_batches, same_calls) =
            (before.filter(|b| b.last_back == last_back), before.filter(|b| b.last_answer == last_answer));
        if let (Some(before), Some(_)) = (same_batches, same_calls) {
            return Ok(before.clone());
        }
        let (samples, forecast) = match same_batches {
            Some(before) => (before.samples.clone(), before.forecast.clone()),
            None => {
                let samples = forecast::samples(&mut db, self, &entry.name, now).await?;
                let forecast = Arc::new(Forecast::new(&samples, prior, entry.sizes().slots));
                (Arc::new(samples), forecast)
            }
        };
        let calls = match same_calls {
            Some(before) => before.calls,
            None => forecast::calls(&mut db, &entry.name, CALL_PRIOR, now).await?,
        };
        Ok(Arc::new(History { last_back, last_answer, read_at: now, prior, samples, forecast, calls }))
    }
}

#[expect(clippy::too_many_arguments, reason = "each is one of the things that are looked at")]
pub(super) fn provider_load(
    entry: &Entry,
    before: Option<&ProviderLoad>,
    history: Arc<History>,
    backlog: &[Backlog],
    away: &[(String, DateTime<Utc>, i64)],
    cut: &[(String, i64)],
    zone: Tz,
    now: DateTime<Utc>,
) -> ProviderLoad {
    let sizes = entry.sizes();
    let own = || backlog.iter().filter(|b| b.provider == entry.name);
    let waiting: i64 = own().map(|b| b.waiting).sum();
    let economy: i64 = own().filter(|b| b.lane == Lane::Economy).map(|b| b.waiting).sum();
    let away: Vec<(DateTime<Utc>, i64)> =
        away.iter().filter(|(name, ..)| *name == entry.name).map(|(_, at, jobs)| (*at, *jobs)).collect();
    let open = i64::try_from(away.len()).unwrap_or(i64::MAX);
    let came = cut.iter().find(|(name, _)| *name == entry.name).map_or(0, |(_, jobs)| *jobs) + waiting;
    let fires = Fires::from(entry.schedule(), before.map(|b| &b.fires), now);
    let economy_fires = Fires::from(&entry.economy_schedule, before.map(|b| &b.economy_fires), now);
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    let facts = QueueFacts {
        now,
        zone,
        sizes,
        away,
        hurried: waiting - economy,
        economy,
        oldest: own().filter(|b| b.lane != Lane::Economy).filter_map(|b| b.oldest).min(),
        per_second: came as f64 / RATE.num_seconds() as f64,
        fires: fires.at.clone(),
        economy_fires: economy_fires.at.clone(),
    };
    let (turnaround, calls_basis) = history.calls;
    ProviderLoad {
        free_jobs: (sizes.slots - open).max(0) * sizes.max - waiting,
        outlook: Outlook::new(facts, history.forecast.clone()),
        calls: CallOutlook { turnaround, width: i64::from(entry.settings.realtime_concurrency) },
        calls_basis,
        history,
        fires,
        economy_fires,
    }
}
