//! Batches: when the queue is cut, what goes into a batch, and how it reaches its provider exactly once.

mod compose;
mod readiness;
pub(crate) mod store;

pub use compose::{Composition, Room, compose};
pub use readiness::{QueueFacts, Reason, Sizes, readiness};
pub use store::{Batch, BatchState};

use crate::{
    queue::{Job, Place},
    store::World,
};

/// A job's place in the queue's order.
fn place_of(job: &Job) -> Place {
    Place { priority: job.priority, deadline: job.deadline, arrived_at: job.arrived_at, job: job.id }
}

/// A token by which a batch is found again at its provider: 24 signs, 120 random bits.
#[must_use]
pub fn new_token(world: &World) -> String {
    const SIGNS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    world.bytes::<24>().into_iter().map(|byte| char::from(SIGNS[usize::from(byte & 31)])).collect()
}
