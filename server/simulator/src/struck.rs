//! What has struck: every fault that was simulated, so that a test can hold what went wrong against what was made to.

use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::faults::Fault;

/// The most that is remembered; what strikes after that is only counted.
const MOST: usize = 500_000;

/// A fault that has struck.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StruckFault {
    /// Which one.
    pub fault: Fault,
    /// The kind of call, for faults of calls and downloads; else the provider.
    pub occasion: String,
    /// The batch, or the `id` of the answer to a real-time call; empty for faults of calls.
    pub subject: String,
    /// The custom id of the request in the batch; empty where the fault strikes the whole batch or a call.
    pub custom_id: String,
    /// When, in unix milliseconds.
    pub at_ms: i64,
}

/// What has struck since the start; kept in memory only.
#[derive(Debug, Default)]
pub(crate) struct Struck(Mutex<(Vec<StruckFault>, u64)>);

impl Struck {
    /// Notes a fault. `words` are the batch or answer, and the custom id.
    pub(crate) fn note(&self, fault: Fault, occasion: &str, words: [&str; 2], now: DateTime<Utc>) {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.0.len() >= MOST {
            noted.1 += 1;
            return;
        }
        noted.0.push(StruckFault {
            fault,
            occasion: occasion.to_owned(),
            subject: words[0].to_owned(),
            custom_id: words[1].to_owned(),
            at_ms: now.timestamp_millis(),
        });
    }

    /// All that is remembered, and how many more there were.
    pub(crate) fn all(&self) -> (Vec<StruckFault>, u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
