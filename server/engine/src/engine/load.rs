//! How busy Quire is, and the places of all that wait: read from the database at most once a second and shared by all
//! who look (ARCHITECTURE, decision 8).

use super::{
    Engine, EngineError, Marking, WeakEngine,
    times::{CALL_PRIOR, ProviderLoad, RATE, provider_load},
};
use crate::{
    batching::{self, Batch},
    budget::{self, Budgets, Month},
    cost_control::{self, Measure, Measures, State},
    course::ReleasePolicy,
    forecast::{self, Basis, CallOutlook, Correction, Forecast, Pending, Sample},
    provider::cache::{MEASURED_DAYS, Marked},
    queue::{self, Backlog, Estimate, Job, JobState, Promise, Snapshot, Spot, Turnaround},
    routing::{ClockFacts, PolicyFacts, Route},
};
use chrono::{DateTime, Datelike, TimeDelta, Timelike, Utc};
use std::{
    collections::HashMap,
    sync::{Arc, PoisonError},
    time::Duration,
};

/// How often load and places are looked at.
const EVERY: Duration = Duration::from_secs(1);

/// How estimates were kept is looked at this often.
const CORRECTED: TimeDelta = TimeDelta::minutes(1);

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
    /// Measures of cost control in force.
    pub measures: Measures,
    /// What waits, by provider, model and lane.
    pub backlog: Vec<Backlog>,
    /// What is with providers.
    pub in_flight: Vec<batching::InFlight>,
    /// What went to providers lately.
    pub(crate) recent: Vec<batching::store::Recent>,
    providers: HashMap<String, ProviderLoad>,
    /// What was measured of providers' caches in batches, by provider and model; as old as the correction.
    marked: Arc<HashMap<(String, String), Marked>>,
    /// By how much estimates are stretched, and when that was worked out.
    correction: Arc<Correction>,
    corrected_at: DateTime<Utc>,
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
            measures: Measures::default(),
            backlog: Vec::new(),
            in_flight: Vec::new(),
            recent: Vec::new(),
            providers: HashMap::new(),
            marked: Arc::default(),
            correction: Arc::default(),
            corrected_at: DateTime::UNIX_EPOCH,
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
        self.providers.get(name).map_or((0, prior), |p| (p.free_jobs, p.outlook.turnaround()))
    }

    /// What was measured lately of a provider's cache in batches of a model.
    #[must_use]
    pub fn marked(&self, provider: &str, model: &str) -> Option<&Marked> {
        self.marked.get(&(provider.to_owned(), model.to_owned()))
    }

    /// Some batches of a provider were measured.
    #[must_use]
    pub fn measured(&self, name: &str) -> bool {
        self.forecast(name).is_some_and(|forecast| forecast.basis.measured > 0)
    }

    /// How long a provider's batches take that are sent now.
    #[must_use]
    pub fn turnaround(&self, name: &str) -> Option<Turnaround> {
        self.providers.get(name).map(|p| p.outlook.turnaround())
    }

    /// The forecast of a provider's batches.
    #[must_use]
    pub fn forecast(&self, name: &str) -> Option<&Arc<Forecast>> {
        self.providers.get(name).map(|p| p.outlook.forecast())
    }

    /// Times of a provider's batches and calls, and what they lean on.
    pub(crate) fn times(&self, name: &str) -> Option<(Turnaround, &Arc<Forecast>, Turnaround, Basis)> {
        let p = self.providers.get(name)?;
        Some((p.outlook.turnaround(), p.outlook.forecast(), p.calls.turnaround, p.calls_basis))
    }

    /// How long calls to a provider take.
    fn calls(&self, name: &str) -> Turnaround {
        self.providers.get(name).map_or(CALL_PRIOR, |p| p.calls.turnaround)
    }

    /// A provider's finished batches.
    pub(crate) fn samples(&self, name: &str) -> Arc<Vec<Sample>> {
        self.providers.get(name).map(|p| p.history.samples.clone()).unwrap_or_default()
    }
}

/// Since when it counts what was measured of providers' caches: while cost control asks for more caching, marks that did
/// not pay before are tried anew.
fn measured_since(states: &[State], now: DateTime<Utc>) -> DateTime<Utc> {
    let anew = states.iter().find(|state| state.measure == Measure::Caching).and_then(|state| state.on_since);
    let usual = now - TimeDelta::days(MEASURED_DAYS);
    anew.map_or(usual, |anew| anew.max(usual))
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
            self.refresh_prices().await?;
            tracing::info!("the providers' settings and prices were read anew");
            self.health().retry_now();
        }
        match self.refresh_rules().await {
            // Those that were in force go on.
            Err(EngineError::Rule(error)) => {
                tracing::error!(%error, "the stored routing rules can't be used")
            }
            refreshed => refreshed?,
        }
        let backlog = queue::store::backlog(&mut db, now).await?;
        let in_flight = batching::store::in_flight(&mut db).await?;
        let recent = batching::store::recent(&mut db, now).await?;
        let budgets = budget::budgets(&mut db).await?;
        let spending = budget::spending(&mut db, Month::at(now, self.zone())).await?;
        let away = forecast::store::away(&mut db).await?;
        let cut = forecast::store::cut_since(&mut db, now - RATE).await?;
        let states = cost_control::states(&mut db).await?;
        let measures: Measures = states.iter().filter(|s| s.on_since.is_some()).map(|s| s.measure).collect();
        let before = self.load();
        let (correction, marked, corrected_at) =
            if (TimeDelta::zero()..CORRECTED).contains(&(now - before.corrected_at)) {
                (before.correction.clone(), before.marked.clone(), before.corrected_at)
            } else {
                let marked = budget::marked(&mut db, measured_since(&states, now), self.zone()).await?;
                (Arc::new(forecast::correction(&mut db, now).await?), Arc::new(marked), now)
            };
        let mut providers = HashMap::new();
        for entry in self.providers() {
            entry.gather_longer(measures.has(Measure::LargerBatches));
            let before = before.providers.get(&entry.name);
            let history = self.history(&entry, before.map(|b| &b.history), now).await?;
            let load = provider_load(&entry, before, history, &backlog, &away, &cut, self.zone(), now);
            providers.insert(entry.name.clone(), load);
            entry.forget_assigned();
        }
        self.keep_budgets(budgets.clone());
        let load = Load {
            at: now,
            waiting: backlog.iter().map(|b| b.waiting).sum(),
            sent: in_flight.iter().map(|f| f.jobs).sum(),
            budgets: Budgets { budgets, spending },
            measures,
            backlog,
            in_flight,
            recent,
            providers,
            marked,
            correction,
            corrected_at,
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
    pub(crate) fn estimate_queued(&self, job: &Job, now: DateTime<Utc>) -> Estimate {
        self.promise(job, now).estimate
    }

    /// What is told of a job that waits, and what it is made from.
    #[must_use]
    pub fn promise(&self, job: &Job, now: DateTime<Utc>) -> Promise {
        let reckoned = self.reckon(job, now);
        self.load().correction.promise(&job.provider, job.lane, job.route, reckoned, now)
    }

    /// When marks of a waiting job will be there, from what is known of its queue and provider.
    fn reckon(&self, job: &Job, now: DateTime<Utc>) -> Estimate {
        let snapshot = self.snapshot();
        let mut ahead = snapshot.ahead(job);
        if job.arrived_at > snapshot.made_at
            && let Some(entry) = self.registry().get(&job.provider)
        {
            // Those that came since then stand before it, too.
            ahead += entry.assigned();
        }
        let load = self.load();
        let known = load.providers.get(&job.provider);
        match job.route {
            Route::Realtime => {
                let unknown = CallOutlook { turnaround: CALL_PRIOR, width: 1 };
                known.map_or(unknown, |p| p.calls).waiting(job.ready_at, ahead, now)
            }
            Route::Batch => {
                let pending =
                    Pending { lane: job.lane, arrived_at: job.arrived_at, ready_at: job.ready_at, ahead };
                match known {
                    Some(known) => known.outlook.waiting(&pending, now),
                    // Its provider was switched off: as if it began at once somewhere.
                    None => {
                        let assumed = forecast::assumed(self.settings().turnaround_prior);
                        forecast::sent(&assumed, self.zone(), job.ready_at.max(now), 1, now)
                    }
                }
            }
        }
    }

    /// How long a call to a provider takes, mostly.
    pub(crate) fn call_takes(&self, provider: &str) -> TimeDelta {
        TimeDelta::seconds(self.load().calls(provider).p50)
    }

    /// When a batch that was cut will be back.
    pub(crate) fn estimate_sent(&self, batch: &Batch) -> Estimate {
        // Turnarounds count from the cut; a part of a split batch has to wait for its turn first.
        let since = if batch.split.is_some() { batch.expected_start() } else { batch.created_at };
        let now = self.now();
        match self.load().providers.get(&batch.provider) {
            Some(known) => known.outlook.sent(since, batch.jobs, now),
            None => {
                let assumed = forecast::assumed(self.settings().turnaround_prior);
                forecast::sent(&assumed, self.zone(), since, batch.jobs, now)
            }
        }
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
                Ok((Some(spot), Some(self.estimate_queued(job, now))))
            }
            JobState::Calling => {
                let load = self.load();
                let takes = load.calls(&job.provider);
                Ok((None, Some(CallOutlook { turnaround: takes, width: 1 }.waiting(now, 0, now))))
            }
            JobState::Batched => {
                let Some(id) = job.batch_id else { return Ok((None, None)) };
                let batch = batching::store::find(&mut self.db(), id).await?;
                Ok((None, batch.map(|batch| self.estimate_sent(&batch))))
            }
            JobState::Done | JobState::Dead | JobState::Withdrawn => Ok((None, None)),
        }
    }

    /// What course and institution have laid down for an assignment's work.
    pub(crate) fn policy_facts(&self, marking: &Marking) -> PolicyFacts {
        let context = &marking.context;
        PolicyFacts {
            approval: context.assignment.release == ReleasePolicy::OnApproval,
            immediate_feedback: context.course.immediate_feedback,
            hard_stop: self.load().budgets.left(context.course.id).is_some(),
            keeps_marks: self.settings().reuse_answers && context.assignment.near_draft_percent.is_some(),
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
