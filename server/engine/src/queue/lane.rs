//! Lanes: how long a job may wait, and how often it may be asked again.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How long a job may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum Lane {
    /// At once.
    Urgent,
    /// With the next batch.
    Standard,
    /// When it is cheapest.
    Economy,
}

impl Lane {
    /// All lanes, the most urgent first.
    pub const ALL: [Self; 3] = [Self::Urgent, Self::Standard, Self::Economy];

    /// The name in rules, settings and the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Urgent => "urgent",
            Self::Standard => "standard",
            Self::Economy => "economy",
        }
    }
}

/// How a lane treats its jobs (SPEC 1.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LaneSettings {
    /// Answers asked for before the job becomes a dead letter; answers that can't be used count.
    pub attempts: u32,
    /// Seconds that a job gathers company before it may be sent.
    pub gather_seconds: u32,
    /// Seconds before the second attempt; doubled for each one after.
    pub backoff_seconds: u32,
}

impl LaneSettings {
    /// The wait before asking again after this many unusable answers.
    #[must_use]
    pub fn backoff(&self, attempts_used: u32) -> Duration {
        let doubled = 1_u64 << attempts_used.saturating_sub(1).min(12);
        Duration::from_secs(u64::from(self.backoff_seconds).saturating_mul(doubled))
    }
}

/// The settings of all lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Lanes {
    /// Of the urgent lane.
    pub urgent: LaneSettings,
    /// Of the standard lane.
    pub standard: LaneSettings,
    /// Of the economy lane.
    pub economy: LaneSettings,
}

impl Default for Lanes {
    fn default() -> Self {
        Self {
            urgent: LaneSettings { attempts: 3, gather_seconds: 0, backoff_seconds: 5 },
            standard: LaneSettings { attempts: 2, gather_seconds: 30, backoff_seconds: 5 },
            economy: LaneSettings { attempts: 1, gather_seconds: 300, backoff_seconds: 5 },
        }
    }
}

impl Lanes {
    /// The settings of one lane.
    #[must_use]
    pub const fn of(&self, lane: Lane) -> &LaneSettings {
        match lane {
            Lane::Urgent => &self.urgent,
            Lane::Standard => &self.standard,
            Lane::Economy => &self.economy,
        }
    }
}
