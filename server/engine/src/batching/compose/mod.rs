//! Which jobs go into which batch, never past a hard limit (SPEC 3.1). Pure.
//!
//! *Which* jobs go is decided by the queue's order alone: [`line_up`] puts them in line, and they go from the front of it
//! until one has no room. A strategy decides only how those that go are spread over the batches; so none, however cheap
//! its batches, leaves urgent work behind for work that is less so.

mod packing;
mod score;
mod strategy;
#[cfg(test)]
mod tests;

pub use score::{Circumstances, Composed, Limits, Rated, rate};
pub(crate) use score::{above, lane_weight, percent, share};
pub use strategy::Strategy;

use crate::{
    provider::HardLimits,
    queue::{Job, Lane},
    store::{AssignmentId, JobId},
};
use chrono::{DateTime, Utc};

/// A batch to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Composition {
    /// Its jobs by their places in the line, in the order in which they are sent.
    pub jobs: Vec<usize>,
    /// Their bytes, estimated.
    pub bytes: i64,
    /// Their input tokens, estimated.
    pub tokens: i64,
}

/// Limits that a composition keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Most jobs in a batch.
    pub jobs: i64,
    /// Most batches.
    pub batches: i64,
    /// The provider's hard limits of one batch.
    pub hard: HardLimits,
    /// Input tokens that may still be enqueued for the model; `None` where there is no such limit.
    pub tokens_left: Option<i64>,
    /// The size that is aimed at where work is spread evenly; never more than `jobs`.
    pub target: i64,
    /// A batch is worth its while from here: work is not spread more thinly than need be.
    pub least: i64,
}

/// A job in line, and what its prompt shares with others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InLine {
    /// The job.
    pub job: Job,
    /// The part of its prompt that all work of its assignment shares; none where it is not known.
    pub prefix: Option<Prefix>,
}

/// The part of a prompt that comes first and is the same for all work of an assignment: instructions and rubric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefix {
    /// Whose it is.
    pub assignment: AssignmentId,
    /// Its tokens.
    pub tokens: i64,
}

/// Prefixes shorter than this are not kept by the providers' caches.
pub(crate) const LEAST_CACHED: i64 = 1_024;

impl Prefix {
    /// Long enough for the providers' caches.
    #[must_use]
    pub const fn is_cached(&self) -> bool {
        self.tokens >= LEAST_CACHED
    }
}

/// What a strategy makes of the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The strategy.
    pub strategy: Strategy,
    /// Its batches, that with the most urgent job first; none where it can't place all that must go.
    pub batches: Option<Vec<Composition>>,
}

/// Estimates of tokens may be off by this share; limits are kept with so much to spare.
const SPARE: f64 = 0.9;

/// A limit of bytes. Estimates of bytes are rather too great than too small, and what is uploaded is counted first.
pub(crate) fn whole(limit: u64) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// A limit of tokens with what is kept to spare.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "limits are far below 2^52, and a greater one saturates"
)]
pub(crate) fn spared(limit: u64) -> i64 {
    (limit as f64 * SPARE) as i64
}

impl Room {
    /// Most jobs of a batch, by the settings and by the provider.
    #[must_use]
    pub fn most_jobs(&self) -> i64 {
        self.jobs.min(i64::try_from(self.hard.requests).unwrap_or(i64::MAX)).max(0)
    }

    /// A job alone is too much for any batch.
    #[must_use]
    pub fn is_too_large(&self, job: &Job) -> bool {
        job.bytes > whole(self.hard.bytes)
            || self.hard.enqueued_tokens.is_some_and(|most| job.input_tokens > spared(most))
    }
}

/// Those that may go, in the queue's order and no more than there can be room for; and those that fit into no batch,
/// since one alone passes a hard limit.
#[must_use]
pub fn line_up(
    mut ready: Vec<Job>,
    with_economy: bool,
    room: &Room,
    now: DateTime<Utc>,
) -> (Vec<Job>, Vec<JobId>) {
    ready.retain(|job| with_economy || job.lane != Lane::Economy);
    let (too_large, mut line): (Vec<Job>, Vec<Job>) =
        ready.into_iter().partition(|job| room.is_too_large(job));
    line.sort_by_cached_key(|job| job.place().rank(now));
    let most = room.most_jobs().saturating_mul(room.batches.max(0));
    line.truncate(usize::try_from(most).unwrap_or(usize::MAX));
    (line, too_large.into_iter().map(|job| job.id).collect())
}

/// What each strategy makes of the line. The first is [`Strategy::Provider`], which always fits.
#[must_use]
pub fn candidates(line: &[InLine], room: &Room) -> Vec<Candidate> {
    let first = strategy::by_provider(line, room);
    let going = first.iter().map(|batch| batch.jobs.len()).sum();
    let mut all = vec![Candidate { strategy: Strategy::Provider, batches: Some(first) }];
    for strategy in [Strategy::AssessmentType, Strategy::Tokens, Strategy::Cost] {
        let batches = match strategy {
            Strategy::Tokens => strategy::by_tokens(line, going, room),
            _ => strategy::by_prefix(line, going, room, strategy),
        };
        all.push(Candidate { strategy, batches });
    }
    all
}
