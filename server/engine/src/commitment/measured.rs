//! What was used of each provider and model in each measured month. Pure.

use crate::{
    budget::{Paid, Way},
    store::NanoUsd,
};
use std::collections::BTreeMap;

/// What was used in one month.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Use {
    /// In batches.
    pub batch: Paid,
    /// By calls in real time.
    pub realtime: Paid,
}

impl Use {
    /// Spent by both routes.
    #[must_use]
    pub fn spent(&self) -> NanoUsd {
        self.batch.spent.saturating_add(self.realtime.spent)
    }

    fn add(&mut self, batched: bool, paid: &Paid) {
        let route = if batched { &mut self.batch } else { &mut self.realtime };
        route.add(paid);
    }
}

/// What was used of a model, or of all models of a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measured {
    /// The model; none: all of the provider's.
    pub model: Option<String>,
    /// In each measured month, the first first. A month without use is there with nothing in it.
    pub months: Vec<Use>,
}

/// What was used of a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderUse {
    /// Provider's name.
    pub provider: String,
    /// Of all its models together.
    pub all: Measured,
    /// Of each model, by name.
    pub models: Vec<Measured>,
}

/// Sums what was paid for in each month by provider and model, by name.
#[must_use]
pub fn measured(months: &[Vec<(Way, Paid)>]) -> Vec<ProviderUse> {
    let mut providers: BTreeMap<&str, BTreeMap<&str, Vec<Use>>> = BTreeMap::new();
    for (at, ways) in months.iter().enumerate() {
        for (way, paid) in ways {
            let models = providers.entry(&way.provider).or_default();
            let uses = models.entry(&way.model).or_insert_with(|| vec![Use::default(); months.len()]);
            uses[at].add(way.batched, paid);
        }
    }
    providers.into_iter().map(|(provider, models)| provider_use(provider, models, months.len())).collect()
}

fn provider_use(provider: &str, models: BTreeMap<&str, Vec<Use>>, months: usize) -> ProviderUse {
    let mut all = vec![Use::default(); months];
    for uses in models.values() {
        for (sum, used) in all.iter_mut().zip(uses) {
            sum.add(true, &used.batch);
            sum.add(false, &used.realtime);
        }
    }
    let of = |(model, months): (&str, Vec<Use>)| Measured { model: Some(model.to_owned()), months };
    ProviderUse {
        provider: provider.to_owned(),
        all: Measured { model: None, months: all },
        models: models.into_iter().map(of).collect(),
    }
}
