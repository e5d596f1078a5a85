//! What the engine is set to do; read from the configuration and checked there.

use crate::{
    batching::Tuning,
    provider::BreakerSettings,
    queue::{Lanes, Turnaround},
    recovery::RetryTable,
};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

/// Settings of the engine. Defaults are those of the specification.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Time zone of the institution: months of the budget, peak hours.
    pub time_zone: Tz,
    /// Address under which people reach Quire, for links in e-mails.
    pub public_url: String,
    /// The lanes.
    pub lanes: Lanes,
    /// How failures are tried again.
    pub retry: RetryTable,
    /// When providers that fail are paused.
    pub breaker: BreakerSettings,
    /// Hours of the day (first, and the one after the last) that count as peak on working days.
    pub peak_hours: (u32, u32),
    /// Seconds without a sign of life after which a process is taken to have ended.
    pub lease_seconds: u32,
    /// How long batches take where too few were measured; by provider's name in the provider's own settings.
    pub turnaround_prior: Turnaround,
    /// Times that a process may end while at work on a job before the job becomes a dead letter.
    pub most_kills: u32,
    /// Results taken in within one transaction.
    pub ingest_chunk: u32,
    /// How batches are put together, sized and split.
    pub batching: Tuning,
    /// The answer to an earlier request for the same work is given again rather than paid for again.
    pub reuse_answers: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            time_zone: Tz::UTC,
            public_url: "http://127.0.0.1:8080".to_owned(),
            lanes: Lanes::default(),
            retry: RetryTable::default(),
            breaker: BreakerSettings::default(),
            peak_hours: (9, 17),
            lease_seconds: 10,
            // Most batches end within the hour; a day is the promise.
            turnaround_prior: Turnaround { p50: 45 * 60, p90: 4 * 3600 },
            most_kills: 5,
            ingest_chunk: 1_000,
            batching: Tuning::default(),
            reuse_answers: true,
        }
    }
}
