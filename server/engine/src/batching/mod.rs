//! Batches: when the queue is cut, what goes into a batch, and how it reaches its provider exactly once.

mod compose;
mod cut;
mod poll;
mod readiness;
mod requests;
mod send;
pub mod store;
mod view;
mod without;

pub use compose::{Composition, Room, compose};
pub use readiness::{QueueFacts, Reason, Sizes, readiness};
pub use store::{Batch, BatchState, InFlight};
pub use view::{BatchJob, BatchView, BatchViewError};

use crate::store::World;

/// A token by which a batch is found again at its provider: 24 signs, 120 random bits.
#[must_use]
pub fn new_token(world: &World) -> String {
    const SIGNS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    world.bytes::<24>().into_iter().map(|byte| char::from(SIGNS[usize::from(byte & 31)])).collect()
}
