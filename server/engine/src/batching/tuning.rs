//! What can be set about how batches are put together, sized and split.

use serde::{Deserialize, Serialize};

/// Weights and delays. The weights say how much a share of cost, of waiting and of risk count against each other: with
/// the defaults a plan that costs 1 % more is as bad as one whose jobs wait 2 % longer, or that risks 4 % more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tuning {
    /// Weight of the expected cost, in hundredths.
    pub cost_weight: u32,
    /// Weight of the time until jobs are back, in hundredths.
    pub waiting_weight: u32,
    /// Weight of the risk, in hundredths.
    pub risk_weight: u32,
    /// Of 100 requests that could read their rubric from the provider's cache, so many are expected to.
    pub cache_hits: u32,
    /// Seconds between the parts of a batch that was split.
    pub split_delay_seconds: u32,
}

impl Default for Tuning {
    fn default() -> Self {
        // Providers promise no cache for batches, so half is a guess; each batch's page shows what was really read from it.
        Self {
            cost_weight: 100,
            waiting_weight: 50,
            risk_weight: 25,
            cache_hits: 50,
            split_delay_seconds: 30,
        }
    }
}

impl Tuning {
    /// The score of shares above the best of cost and waiting, and of a risk; the least is best.
    #[must_use]
    pub fn sum(&self, cost: f64, waiting: f64, risk: f64) -> f64 {
        let of = |weight: u32, share: f64| f64::from(weight) / 100.0 * share;
        of(self.cost_weight, cost) + of(self.waiting_weight, waiting) + of(self.risk_weight, risk)
    }

    /// Of so many tokens, those that are expected to be read from the cache.
    #[must_use]
    pub fn cached(&self, tokens: i64) -> i64 {
        tokens.saturating_mul(i64::from(self.cache_hits.min(100))) / 100
    }
}
