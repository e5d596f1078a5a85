//! Forecasts as administrators see them.

use super::{
    Advice, Basis, Correction, Coverage, Forecast, HISTORY_DAYS, MOST_SAMPLES, Sample, Trial, advise,
    correction::{CORRECTION_DAYS, MOST_OUTCOMES},
    coverage::whole,
    store,
};
use crate::{
    batching::BatchViewError,
    engine::{Engine, EngineError},
    identity::{Act, Actor, IdentityError},
    queue::Turnaround,
    store::Exec,
};
use chrono::{DateTime, TimeDelta, Utc};
use std::sync::Arc;

/// Estimates of this many days are looked at.
const COVERAGE_DAYS: i64 = 7;

/// What was counted is shown for so long.
const KEPT: TimeDelta = TimeDelta::seconds(60);

/// What is known of one provider's times.
#[derive(Clone, Debug, PartialEq)]
pub struct ProviderForecast {
    /// Its name.
    pub provider: String,
    /// Times of a batch that is sent now.
    pub batches: Turnaround,
    /// What they lean on.
    pub basis: Basis,
    /// How the learnt model did against the fixed rule.
    pub trial: Trial,
    /// Times of a call.
    pub calls: Turnaround,
    /// What they lean on.
    pub calls_basis: Basis,
    /// When to send.
    pub advice: Advice,
}

/// How estimates were kept, and what they are made from.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimates {
    /// The days that `coverage` is of.
    pub days: i64,
    /// By provider, lane and route.
    pub coverage: Arc<Vec<Coverage>>,
    /// By provider.
    pub providers: Vec<ProviderForecast>,
}

impl Estimates {
    /// All jobs whose time has come, and the shares of them that were back within P50 and P90; none where there are none.
    #[must_use]
    pub fn whole(&self) -> Option<(i64, f64, f64)> {
        whole(&self.coverage)
    }
}

/// Advice on a schedule can't be given.
#[derive(Debug, thiserror::Error)]
pub enum ScheduleError {
    /// There is no such provider, or it is switched off.
    #[error("There is no provider \"{0}\" that is switched on.")]
    NoProvider(String),
    /// The person may not.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// Our fault.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl Engine {
    /// How estimates were kept in the last days, and what they are made from.
    ///
    /// # Errors
    /// If the person may not, or the database fails.
    pub async fn estimates(&self, actor: &Actor) -> Result<Estimates, BatchViewError> {
        self.identity().check(actor, &Act::SeeOverview).await?;
        let load = self.load();
        let mut providers = Vec::new();
        for entry in self.providers() {
            let Some((batches, forecast, calls, calls_basis)) = load.times(&entry.name) else { continue };
            providers.push(ProviderForecast {
                provider: entry.name.clone(),
                batches,
                basis: forecast.basis,
                trial: forecast.trial,
                calls,
                calls_basis,
                advice: advise(&load.samples(&entry.name)),
            });
        }
        Ok(Estimates { days: COVERAGE_DAYS, coverage: self.coverage().await?, providers })
    }

    /// In which hours batches to a provider come back soonest.
    ///
    /// # Errors
    /// If there is no such provider, or the person may not.
    pub async fn schedule_advice(&self, actor: &Actor, provider: &str) -> Result<Advice, ScheduleError> {
        self.identity().check(actor, &Act::SeeOverview).await?;
        if self.registry().get(provider).is_none() {
            return Err(ScheduleError::NoProvider(provider.to_owned()));
        }
        Ok(advise(&self.load().samples(provider)))
    }

    /// Counted at most once a minute: it looks at all work of a week.
    async fn coverage(&self) -> Result<Arc<Vec<Coverage>>, EngineError> {
        let now = self.now();
        let mut kept = self.kept_coverage().lock().await;
        if let Some((at, coverage)) = &*kept
            && (TimeDelta::zero()..KEPT).contains(&(now - *at))
        {
            return Ok(coverage.clone());
        }
        let rows = store::coverage(&mut self.db(), now - TimeDelta::days(COVERAGE_DAYS), now).await?;
        let coverage = Arc::new(rows);
        *kept = Some((now, coverage.clone()));
        Ok(coverage)
    }
}

/// A provider's finished batches.
pub(crate) async fn samples(
    x: &mut impl Exec,
    engine: &Engine,
    provider: &str,
    now: DateTime<Utc>,
) -> Result<Vec<Sample>, EngineError> {
    let since = now - TimeDelta::days(HISTORY_DAYS);
    let rows = store::back_since(x, provider, since, MOST_SAMPLES).await?;
    let zone = engine.zone();
    Ok(rows
        .iter()
        .map(|row| Sample::new(row.created_at, row.finished_at, row.jobs, row.tokens, zone))
        .collect())
}

/// A provider's answered calls: P50 and P90, and what they lean on.
pub(crate) async fn calls(
    x: &mut impl Exec,
    provider: &str,
    prior: Turnaround,
    now: DateTime<Utc>,
) -> Result<(Turnaround, Basis), EngineError> {
    let since = now - TimeDelta::days(HISTORY_DAYS);
    let rows = store::answered_since(x, provider, since, MOST_SAMPLES).await?;
    #[expect(clippy::cast_precision_loss, reason = "milliseconds are far below 2^52")]
    let seconds = rows.iter().map(|(from, to)| (*to - *from).num_milliseconds() as f64 / 1000.0).collect();
    Ok(super::model::calls(seconds, prior))
}

/// By how much estimates are to be stretched.
pub(crate) async fn correction(x: &mut impl Exec, now: DateTime<Utc>) -> Result<Correction, EngineError> {
    let since = now - TimeDelta::days(CORRECTION_DAYS);
    Ok(Correction::new(&store::outcomes(x, since, MOST_OUTCOMES).await?))
}

/// Where nothing is known of a provider: what is assumed.
pub(crate) fn assumed(prior: Turnaround) -> Arc<Forecast> {
    Arc::new(Forecast::new(&[], prior, 1))
}
