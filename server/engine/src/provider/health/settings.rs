//! When a provider is paused, for how long, and what follows from it.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

/// Settings of the circuit breaker. One for all providers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BreakerSettings {
    /// Failures in a row after which a provider is paused.
    pub failures_in_a_row: u32,
    /// Share of failures, in percent of the exchanges of the window, from which on it is paused.
    pub failures_percent: u32,
    /// Fewest exchanges of the window for which that share counts.
    pub least_exchanges: u32,
    /// Seconds of that window.
    pub window_seconds: u32,
    /// Seconds of the first pause.
    pub first_pause_seconds: u32,
    /// A pause is twice as long as the one before, but never longer than this.
    pub most_pause_seconds: u32,
    /// Seconds of an outage after which work that waits for the provider is decided again.
    pub redecide_seconds: u32,
    /// Seconds of an outage after which administrators are told.
    pub notice_seconds: u32,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self {
            failures_in_a_row: 5,
            failures_percent: 50,
            least_exchanges: 20,
            window_seconds: 120,
            first_pause_seconds: 15,
            most_pause_seconds: 300,
            redecide_seconds: 60,
            notice_seconds: 180,
        }
    }
}

impl BreakerSettings {
    /// How long the pause lasts after so many before it.
    #[must_use]
    pub fn pause(&self, before: u32) -> TimeDelta {
        let seconds = i64::from(self.first_pause_seconds) << before.min(16);
        TimeDelta::seconds(seconds.min(i64::from(self.most_pause_seconds)))
    }

    /// The window of the share of failures.
    #[must_use]
    pub fn window(&self) -> TimeDelta {
        TimeDelta::seconds(i64::from(self.window_seconds))
    }
}
