//! Batches: when the queue is cut, what goes into a batch, and how it reaches its provider exactly once.

mod ask;
mod compose;
mod cut;
mod divide;
mod poll;
mod readiness;
mod requests;
mod send;
mod size;
mod split;
pub mod store;
#[cfg(test)]
mod tests;
mod tuning;
mod view;
mod without;

pub use compose::{
    Candidate, Circumstances, Composed, Composition, InLine, Limits, Prefix, Rated, Room, Strategy,
    candidates, line_up, rate,
};
pub use divide::most_tokens;
pub use readiness::{QueueFacts, Readiness, Reason, Sizes, Target, Waits, readiness};
pub use size::{Alternative, ExpectedTurnaround, Recommendation, SizeAdvice, SizeFacts, recommend};
pub(crate) use split::{Limit, calls_for, named};
pub(crate) use store::kept_since;
pub use store::{Batch, BatchState, InFlight};
pub use tuning::Tuning;
pub use view::{BatchJob, BatchView, BatchViewError};

use crate::store::World;

/// A token by which a batch is found again at its provider: 24 signs, 120 random bits.
#[must_use]
pub fn new_token(world: &World) -> String {
    const SIGNS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    world.bytes::<24>().into_iter().map(|byte| char::from(SIGNS[usize::from(byte & 31)])).collect()
}
