//! How busy Quire is, and the places of all that wait: read from the database at most once a second and shared by all
//! who look (ARCHITECTURE, decision 8).

use super::{Engine, EngineError, WeakEngine};
use crate::{
    batching,
    budget::{self, Budgets},
    queue::{
        self, Backlog, Estimate, Job, JobState, Snapshot, Spot, Turnaround, Waiting, realtime, sent, waiting,
    },
    routing::{ClockFacts, REALTIME_SECONDS, Route},
};
use chrono::{DateTime, Datelike, TimeDelta, Timelike, Utc};
use std::{
    collections::HashMap,
    sync::{Arc, PoisonError},
    time::Duration,
};

/// How often load and places are looked at.
const EVERY: Duration = Duration::from_secs(1);

/// Measured batches that an estimate goes by.
const MEASURED: i64 = 60;

/// How busy Quire is at one moment.
#[derive(Clone, Debug)]
pub struct Load {
    /// When it was looked at.
    pub at: DateTime<Utc>,
    /// Jobs waiting.
    pub waiting: i64,
    /// Jobs with providers.
    pub sent: i64,
    /// Budgets and what was spent of them this month.
    pub budgets: Budgets,
    /// What waits, by provider, model and lane.
    pub backlog: Vec<Backlog>,
    /// What is with providers.
    pub in_flight: Vec<batching::InFlight>,
    /// What went to providers lately.
    pub(crate) recent: Vec<batching::store::Recent>,
    providers: HashMap<String, ProviderLoad>,
}

#[derive(Clone, Copy, Debug)]
struct ProviderLoad {
    free_jobs: i64,
    slots_full: bool,
    width: i64,
    waiting: i64,
    turnaround: Turnaround,
    measured: bool,
}

impl Load {
    /// Nothing is known yet.
    #[must_use]
    pub fn empty(at: DateTime<Utc>) -> Self {
        Self {
            at,
            waiting: 0,
            sent: 0,
            budgets: Budgets::default(),
            backlog: Vec::new(),
            in_flight: Vec::new(),
            recent: Vec::new(),
            providers: HashMap::new(),
        }
    }

    /// Input tokens that may still be enqueued for a model of which so many are: by what is set, and by what its
    /// provider named when it last refused a batch.
    pub(crate) fn tokens_left(
        &self,
        provider: &str,
        model: &str,
        set: Option<u64>,
        enqueued: i64,
    ) -> Option<i64> {
        let recent = self.recent.iter().find(|r| r.provider == provider && r.model == model);
        batching::most_tokens(set, recent.and_then(|r| r.named_limit))
            .map(|most| most.saturating_sub(enqueued).max(0))
    }

    /// Jobs that a provider's free slots could still take, and how long its batches take.
    pub(crate) fn provider(&self, name: &str, prior: Turnaround) -> (i64, Turnaround) {
        self.providers.get(name).map_or((0, prior), |p| (p.free_jobs, p.turnaround))
    }

    /// Some batches of a provider were measured.
    #[must_use]
    pub fn measured(&self, name: &str) -> bool {
        self.providers.get(name).is_some_and(|p| p.measured)
    }

    /// How long a provider's batches take.
    #[must_use]
    pub fn turnaround(&self, name: &str) -> Option<Turnaround> {
        self.providers.get(name).map(|p| p.turnaround)
    }
}

pub(super) async fn keep_fresh(engine: WeakEngine) {
    let mut seen = -1;
    loop {
        tokio::time::sleep(EVERY).await;
        let Some(engine) = engine.upgrade() else { return };
        if let Err(error) = engine.refresh_load().await {
            tracing::warn!(%error, "how busy Quire is can't be read; trying again");
            continue;
        }
        // Places change only with an event.
        let last = *engine.tail().any().borrow();
        if last != seen {
            match engine.refresh_snapshot().await {
                Ok(()) => seen = last,
                Err(error) => {
                    tracing::warn!(%error, "the places of those that wait can't be read; trying again")
                }
            }
        }
    }
}

impl Engine {
    /// Looks at how busy Quire is.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn refresh_load(&self) -> Result<(), EngineError> {
        let now = self.now();
        let mut db = self.db();
        if self.registry().refresh(&mut db).await.map_err(|e| EngineError::Busy(e.to_string()))? {
            self.0.prices.load().await?;
            tracing::info!("the providers' settings and prices were read anew");
        }
        let backlog = queue::store::backlog(&mut db, now).await?;
        let in_flight = batching::store::in_flight(&mut db).await?;
        let recent = batching::store::recent(&mut db, now).await?;
        let budgets = budget::budgets(&mut db).await?;
        let spending = budget::spending(&mut db, &budget::month_of(now, self.zone())).await?;
        let mut providers = HashMap::new();
        for entry in self.providers() {
            let prior = entry.turnaround_prior().unwrap_or(self.settings().turnaround_prior);
            let measured = batching::store::turnarounds(&mut db, &entry.name, MEASURED).await?;
            let any = !measured.is_empty();
            let seconds = measured.iter().map(|(from, to)| (*to - *from).num_seconds().max(1)).collect();
            let sizes = entry.sizes();
            let waiting = backlog.iter().filter(|b| b.provider == entry.name).map(|b| b.waiting).sum();
            let open: i64 = in_flight.iter().filter(|f| f.provider == entry.name).map(|f| f.batches).sum();
            providers.insert(
                entry.name.clone(),
                ProviderLoad {
                    free_jobs: (sizes.slots - open).max(0) * sizes.max - waiting,
                    slots_full: open >= sizes.slots,
                    width: sizes.slots * sizes.max,
                    waiting,
                    turnaround: Turnaround::measured(seconds, prior),
                    measured: any,
                },
            );
            entry.forget_assigned();
        }
        self.keep_budgets(budgets.clone());
        let load = Load {
            at: now,
            waiting: backlog.iter().map(|b| b.waiting).sum(),
            sent: in_flight.iter().map(|f| f.jobs).sum(),
            budgets: Budgets { budgets, spending },
            backlog,
            in_flight,
            recent,
            providers,
        };
        *self.0.load.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(load);
        Ok(())
    }

    /// Looks at the places of all that wait.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn refresh_snapshot(&self) -> Result<(), EngineError> {
        let queued = queue::store::queued(&mut self.db()).await?;
        let snapshot = Snapshot::new(&queued, self.now());
        *self.0.snapshot.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(snapshot);
        Ok(())
    }

    /// Where a job would stand that is being handed in.
    pub(crate) fn would_stand(&self, job: &Job) -> Spot {
        self.snapshot().would_stand(job.lane, job.place().rank(self.now()))
    }

    /// Notes that work goes to a provider, until the load is looked at again.
    pub(crate) fn note_assigned(&self, job: &Job) {
        if job.route == Route::Batch
            && let Some(entry) = self.registry().get(&job.provider)
        {
            entry.note_assigned();
        }
    }

    /// When marks of a waiting job will be there.
    pub(crate) fn estimate_queued(&self, job: &Job, spot: Spot, now: DateTime<Utc>) -> Estimate {
        if job.route == Route::Realtime {
            return realtime(job.ready_at, REALTIME_SECONDS, now);
        }
        let load = self.load();
        let prior = self.settings().turnaround_prior;
        let provider = load.providers.get(&job.provider);
        let entry = self.registry().get(&job.provider);
        let next_cut = entry
            .as_ref()
            .and_then(|entry| {
                let schedule =
                    if job.lane == queue::Lane::Economy { &entry.economy_schedule } else { &entry.schedule };
                let fires = schedule.next_after(job.ready_at.max(now) - TimeDelta::milliseconds(1))?;
                let longest = job.arrived_at + entry.sizes().longest;
                Some(if job.lane == queue::Lane::Economy { fires } else { fires.min(longest) })
            })
            .unwrap_or(job.ready_at);
        let position = i64::try_from(spot.position.saturating_sub(1)).unwrap_or(i64::MAX);
        let facts = Waiting {
            ready_at: job.ready_at,
            next_cut,
            ahead: provider.map_or(position, |p| position.min(p.waiting)),
            width: provider.map_or(1, |p| p.width),
            slots_full: provider.is_some_and(|p| p.slots_full),
        };
        waiting(&facts, provider.map_or(prior, |p| p.turnaround), now)
    }

    /// A job's place, where it waits, and when its marks will be there, where that can be told.
    pub(crate) async fn whereabouts(
        &self,
        job: &Job,
    ) -> Result<(Option<Spot>, Option<Estimate>), EngineError> {
        let now = self.now();
        match job.state {
            JobState::Queued => {
                let spot = self.snapshot().spot(job.id).unwrap_or_else(|| self.would_stand(job));
                Ok((Some(spot), Some(self.estimate_queued(job, spot, now))))
            }
            JobState::Calling => Ok((None, Some(realtime(now, REALTIME_SECONDS, now)))),
            JobState::Batched => {
                let Some(id) = job.batch_id else { return Ok((None, None)) };
                let Some(batch) = batching::store::find(&mut self.db(), id).await? else {
                    return Ok((None, None));
                };
                let turnaround =
                    self.load().turnaround(&job.provider).unwrap_or(self.settings().turnaround_prior);
                let since = batch.expected_start();
                Ok((None, Some(sent(since, turnaround, now))))
            }
            JobState::Done | JobState::Dead | JobState::Withdrawn => Ok((None, None)),
        }
    }

    /// Facts of the hour.
    pub(crate) fn clock_facts(&self, now: DateTime<Utc>) -> ClockFacts {
        let local = now.with_timezone(&self.zone());
        let (first, last) = self.settings().peak_hours;
        let weekday = local.weekday().number_from_monday();
        ClockFacts {
            peak: weekday <= 5 && (first..last).contains(&local.hour()),
            hour: i64::from(local.hour()),
            weekday: i64::from(weekday),
        }
    }
}
