//! The words in which estimates are given: a range from the median to the time that nine of ten keep (SPEC 1.2, 8.1). How
//! they are made is told in [`crate::forecast`].

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// A range of times: half are ready by `from`, nine of ten by `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Estimate {
    /// Half of such work is ready by then.
    pub from: DateTime<Utc>,
    /// Nine of ten are ready by then.
    pub to: DateTime<Utc>,
}

/// What is told of a job at hand-in, and what it was made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Promise {
    /// What is told.
    pub estimate: Estimate,
    /// What was reckoned, before the correction by how estimates were kept lately.
    pub reckoned: Turnaround,
}

/// How long a provider's batches (or calls) take, from sending to results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turnaround {
    /// Seconds within which half are back.
    pub p50: i64,
    /// Seconds within which nine of ten are back.
    pub p90: i64,
}
