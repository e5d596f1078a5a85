//! Prices and budgets as the engine needs them.

use super::{Engine, EngineError};
use crate::{
    budget::{self, Budgets, Month},
    provider::{Listed, Prices, ProviderKind, ProviderSettings, Usage, price::Terms},
    queue::Job,
    routing::{ProviderFacts, Route, Standing},
    store::{NanoUsd, Tx},
    submission::tokens::Calibration,
};
use chrono::{DateTime, Utc};
use std::{collections::HashMap, sync::PoisonError};

impl Engine {
    /// What an answer cost, at the price of its day.
    pub(crate) fn cost(
        &self,
        provider: &str,
        model: &str,
        usage: &Usage,
        batch: bool,
        at: DateTime<Utc>,
    ) -> Result<NanoUsd, EngineError> {
        Ok(self.terms(provider, model, at, Prices::terms)?.cost(usage, batch))
    }

    /// What the same answers would cost today in real time, without the provider's cache.
    ///
    /// # Errors
    /// If there is no price for them today.
    pub(crate) fn in_real_time(
        &self,
        way: &budget::Way,
        paid: &budget::Paid,
    ) -> Result<NanoUsd, EngineError> {
        let terms = self.price(&way.provider, &way.model, self.now())?;
        Ok(terms.cost_of_many(&paid.uncached(), positive(paid.answers), false))
    }

    /// What a provider's model costs at a time, with what was negotiated.
    pub(crate) fn price(&self, provider: &str, model: &str, at: DateTime<Utc>) -> Result<Terms, EngineError> {
        self.terms(provider, model, at, Prices::terms)
    }

    /// The same without what the month's volume takes off, and whether there is such a thing.
    pub(crate) fn list_terms(
        &self,
        provider: &str,
        model: &str,
        at: DateTime<Utc>,
    ) -> Result<(Terms, bool), EngineError> {
        let terms = self.terms(provider, model, at, Prices::terms_without_volume)?;
        let kind = self.registry().kind(provider);
        Ok((terms, kind.is_some_and(|kind| self.0.prices.is_by_volume(kind, provider, model, at))))
    }

    fn terms(
        &self,
        provider: &str,
        model: &str,
        at: DateTime<Utc>,
        find: impl FnOnce(&Prices, ProviderKind, &str, &str, DateTime<Utc>) -> Option<Terms>,
    ) -> Result<Terms, EngineError> {
        let kind =
            self.registry().kind(provider).ok_or_else(|| EngineError::NoProvider(provider.to_owned()))?;
        find(&self.0.prices, kind, provider, model, at)
            .ok_or_else(|| EngineError::NoPrice { provider: provider.to_owned(), model: model.to_owned() })
    }

    /// Every price that a provider's model has or had, in the order in which they win; none where the provider is not
    /// set up any more.
    pub(crate) fn every_price(&self, provider: &str, model: &str) -> Vec<Listed> {
        let kind = self.registry().kind(provider);
        kind.map(|kind| self.0.prices.every(kind, provider, model)).unwrap_or_default()
    }

    /// Reads the prices anew, and the month's volume where some depend on it.
    ///
    /// # Errors
    /// If the database fails.
    pub(crate) async fn refresh_prices(&self) -> Result<(), EngineError> {
        self.0.prices.load().await?;
        if !self.0.prices.are_by_volume() {
            return Ok(());
        }
        let mut volumes: HashMap<(ProviderKind, String, String), u64> = HashMap::new();
        for (way, paid) in budget::by_way(&mut self.db(), self.month()).await? {
            let Some(kind) = self.registry().kind(&way.provider) else { continue };
            let usage = paid.uncached();
            // For a price of the provider's own, and for one of its kind.
            for whose in [way.provider.clone(), String::new()] {
                let tokens = volumes.entry((kind, whose, way.model.clone())).or_default();
                *tokens += usage.input_tokens + usage.output_tokens;
            }
        }
        self.0.prices.keep_volumes(volumes);
        Ok(())
    }

    /// Tokens of a model that were paid for this month, at a provider, or at all of its kind where that is empty.
    pub(crate) fn month_tokens(&self, kind: ProviderKind, provider: &str, model: &str) -> u64 {
        self.0.prices.volume(kind, provider, model)
    }

    /// Whether a provider's model has a price today.
    ///
    /// # Errors
    /// What is missing, where it has none.
    pub(crate) fn is_priced(&self, provider: &str, model: &str) -> Result<(), EngineError> {
        self.terms(provider, model, self.now(), Prices::terms).map(drop)
    }

    /// The most that a job can cost by its route.
    pub(crate) fn worst_case(&self, job: &Job) -> Result<NanoUsd, EngineError> {
        let size = (positive(job.input_tokens), job.max_output);
        self.most_for(&job.provider, &job.model, size, job.route)
    }

    /// The most that a request of so many tokens in, and so many out at most, can cost.
    pub(crate) fn most_for(
        &self,
        provider: &str,
        model: &str,
        (input_tokens, max_output): (u64, i64),
        route: Route,
    ) -> Result<NanoUsd, EngineError> {
        let terms = self.terms(provider, model, self.now(), Prices::terms_without_volume)?;
        Ok(terms.worst_case(input_tokens * 5 / 4, most_output(max_output), route == Route::Batch))
    }

    /// What a job is expected to cost by its route.
    pub(crate) fn expected(&self, job: &Job) -> Result<NanoUsd, EngineError> {
        let terms = self.terms(&job.provider, &job.model, self.now(), Prices::terms)?;
        let usage = Usage {
            input_tokens: positive(job.input_tokens),
            output_tokens: positive(job.output_tokens),
            ..Usage::default()
        };
        Ok(terms.cost(&usage, job.route == Route::Batch))
    }

    /// The month's budgets, kept from changing until the transaction ends.
    pub(crate) async fn budgets_for_update(&self, tx: &mut Tx) -> Result<Budgets, EngineError> {
        let spending = budget::spending_for_update(tx, self.month()).await?;
        Ok(Budgets { budgets: budget::budgets(tx).await?, spending })
    }

    /// The month now, in the institution's time zone.
    #[must_use]
    pub fn month(&self) -> Month {
        Month::at(self.now(), self.zone())
    }

    /// Some budget stops work at its limit.
    pub(crate) fn has_hard_stop(&self) -> bool {
        self.0.budgets.read().unwrap_or_else(PoisonError::into_inner).iter().any(|b| b.hard_stop)
    }

    pub(super) fn keep_budgets(&self, budgets: Vec<budget::Budget>) {
        *self.0.budgets.write().unwrap_or_else(PoisonError::into_inner) = budgets.into();
    }

    /// What each provider can do for work of this size.
    pub(crate) fn provider_facts(
        &self,
        input_tokens: u64,
        output: i64,
        max_output: i64,
        now: DateTime<Utc>,
    ) -> Vec<ProviderFacts> {
        let load = self.load();
        let mut facts = Vec::new();
        for entry in self.providers() {
            for (model, standing) in models(&entry.settings) {
                let terms = self.terms(&entry.name, model, now, Prices::terms);
                let list = self.terms(&entry.name, model, now, Prices::terms_without_volume);
                let (Ok(terms), Ok(list)) = (terms, list) else { continue };
                // Providers are compared by their prices for the same text; the worst case allows for each one's own
                // way of counting.
                let usage = Usage { input_tokens, output_tokens: positive(output), ..Usage::default() };
                let input = Calibration::prior(entry.kind).apply(input_tokens);
                let most = |batch| list.worst_case(input * 5 / 4, most_output(max_output), batch);
                let (free_jobs, turnaround) = load.provider(&entry.name, self.settings().turnaround_prior);
                facts.push(ProviderFacts {
                    name: entry.name.clone(),
                    kind: entry.kind,
                    model: model.clone(),
                    standing,
                    batch: entry.provider.capabilities().batch,
                    healthy: self.health().is_up(&entry.name),
                    realtime_cost: terms.cost(&usage, false),
                    realtime_most: most(false),
                    batch_cost: terms.cost(&usage, true),
                    batch_most: most(true),
                    free_jobs: free_jobs - entry.assigned(),
                    capacity_jobs: entry.sizes().slots * entry.sizes().max,
                    batch_p50: turnaround.p50,
                    batch_p90: turnaround.p90,
                });
            }
        }
        facts
    }
}

/// A provider's models, and which works each takes.
fn models(settings: &ProviderSettings) -> impl Iterator<Item = (&String, Standing)> {
    let economy = settings.economy_model.as_ref();
    let standing = move |(place, model): (usize, &String)| match place {
        0 => Standing::Usual,
        _ if economy == Some(model) => Standing::Economy,
        _ => Standing::Named,
    };
    settings.all_models().enumerate().map(move |of| (of.1, standing(of)))
}

fn positive(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

fn most_output(n: i64) -> u32 {
    u32::try_from(n.max(0)).unwrap_or(u32::MAX)
}
