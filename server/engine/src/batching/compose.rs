//! Which jobs go into which batch: in the queue's order, by provider and model, never past a hard limit. Pure.

use crate::{
    provider::HardLimits,
    queue::{Job, Lane},
    store::JobId,
};
use chrono::{DateTime, Utc};

/// A batch to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Composition {
    /// Its jobs, in the queue's order.
    pub jobs: Vec<Job>,
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
}

/// Estimates of bytes and tokens may be off by this share; limits are kept with so much to spare.
const SPARE: f64 = 0.9;

/// The batches, and the jobs that fit into none because one alone passes a hard limit.
#[must_use]
pub fn compose(
    mut ready: Vec<Job>,
    with_economy: bool,
    room: &Room,
    now: DateTime<Utc>,
) -> (Vec<Composition>, Vec<JobId>) {
    ready.retain(|job| with_economy || job.lane != Lane::Economy);
    ready.sort_by_cached_key(|job| job.place().rank(now));
    let spare = |limit: u64| {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            reason = "limits are far below 2^52"
        )]
        let limit = (limit as f64 * SPARE) as i64;
        limit
    };
    let (most_bytes, most_jobs) =
        (spare(room.hard.bytes), room.jobs.min(i64::try_from(room.hard.requests).unwrap_or(i64::MAX)));
    let model_tokens = room.hard.enqueued_tokens.map(spare);
    let mut tokens_left = room.tokens_left;
    let mut batches: Vec<Composition> = Vec::new();
    let mut too_large = Vec::new();
    for job in ready {
        if job.bytes > most_bytes || model_tokens.is_some_and(|most| job.input_tokens > most) {
            too_large.push(job.id);
            continue;
        }
        if tokens_left.is_some_and(|left| job.input_tokens > left) {
            // The order is kept: what comes after does not overtake what has to wait.
            break;
        }
        let fits = batches.last().is_some_and(|b| {
            i64::try_from(b.jobs.len()).unwrap_or(i64::MAX) < most_jobs && b.bytes + job.bytes <= most_bytes
        });
        if !fits {
            if i64::try_from(batches.len()).unwrap_or(i64::MAX) >= room.batches || most_jobs < 1 {
                break;
            }
            batches.push(Composition { jobs: Vec::new(), bytes: 0, tokens: 0 });
        }
        if let (Some(batch), left) = (batches.last_mut(), &mut tokens_left) {
            batch.bytes += job.bytes;
            batch.tokens += job.input_tokens;
            if let Some(left) = left {
                *left -= job.input_tokens;
            }
            batch.jobs.push(job);
        }
    }
    (batches, too_large)
}
