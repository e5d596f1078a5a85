//! What is known of a model when a plan is made: its price, its provider's limits, and what was measured.

use super::Workload;
use crate::{
    batching::Sizes,
    provider::{
        HardLimits, ProviderKind, ProviderSettings,
        cache::{BatchCache, Documented, Marked, documented},
        own_limits,
        price::{Deal, Terms, seed_prices},
    },
    queue::Turnaround,
    settings::Settings,
};
use chrono::TimeDelta;

/// A model that work could be marked by.
#[derive(Clone, Debug)]
pub struct Offer {
    /// Provider's name.
    pub provider: String,
    /// Which interface it speaks.
    pub kind: ProviderKind,
    /// The model.
    pub model: String,
    /// What its tokens cost, without what depends on the month's volume.
    pub terms: Terms,
    /// Its price has further discounts by volume.
    pub has_tiers: bool,
    /// It takes batches.
    pub batches: bool,
    /// Whether prompts in batches are marked for the provider's cache, as it is set.
    pub batch_cache: BatchCache,
    /// What was measured of the cache in batches.
    pub measured: Option<Marked>,
    /// Sizes of its batches.
    pub sizes: Sizes,
    /// Its hard limits of one batch.
    pub limits: HardLimits,
    /// When its queue is cut whatever its size (cron).
    pub schedule: String,
    /// When that of the economy lane is (cron).
    pub economy_schedule: String,
    /// How long its batches take.
    pub turnaround: Turnaround,
    /// Answers are given again for the same work.
    pub reuses: bool,
    /// Of the last month's batches, those taken in and all that ended; none where there were none.
    pub kept: Option<(i64, i64)>,
}

/// Sizes of batches as they are set.
fn sizes(settings: &ProviderSettings) -> Sizes {
    let longest = TimeDelta::seconds(settings.max_wait_s.into());
    Sizes {
        min: settings.min_jobs.into(),
        max: settings.max_jobs.into(),
        slots: settings.max_batches.into(),
        longest,
        longest_economy: longest.max(TimeDelta::hours(4)),
    }
}

impl Offer {
    /// All models of the built-in price list, with the settings that a new installation begins with.
    #[must_use]
    pub fn listed() -> Vec<Self> {
        let turnaround = Settings::default().turnaround_prior;
        let offer = |row: &crate::provider::price::SeedPrice| {
            let settings = ProviderSettings::default_for(row.provider);
            let terms = Terms::new(row.price, &Deal::default(), 0);
            let mut offer = Self::new(row.provider.name(), row.provider, row.model, terms, &settings);
            offer.turnaround = turnaround;
            offer
        };
        seed_prices().iter().map(offer).collect()
    }

    /// A model at a price, with the settings of its provider; nothing was measured.
    #[must_use]
    pub fn new(
        provider: &str,
        kind: ProviderKind,
        model: &str,
        terms: Terms,
        settings: &ProviderSettings,
    ) -> Self {
        Self {
            provider: provider.to_owned(),
            kind,
            model: model.to_owned(),
            terms,
            has_tiers: false,
            batches: settings.batch,
            batch_cache: settings.batch_cache,
            measured: None,
            sizes: sizes(settings),
            limits: settings.limits(own_limits(kind)),
            schedule: settings.schedule.clone(),
            economy_schedule: settings.economy_schedule.clone(),
            turnaround: settings.turnaround.unwrap_or(Settings::default().turnaround_prior),
            reuses: Settings::default().reuse_answers,
            kept: None,
        }
    }

    /// What its provider documents of its cache.
    #[must_use]
    pub fn documented(&self) -> Documented {
        documented(self.kind, &self.model)
    }

    /// The shared part of the prompts is long enough for the provider's cache.
    #[must_use]
    pub fn caches(&self, workload: &Workload) -> bool {
        self.documented().least_tokens.is_some_and(|least| workload.shared_tokens >= least)
    }
}
