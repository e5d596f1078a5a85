//! The same work is not paid for twice (SPEC 7.5): a request that was answered before is given that answer, and of several
//! that wait at once only one is asked. Students are not told of each other.
//!
//! It is looked just before a request would be sent, never at hand-in: so nobody can tell from the time that someone else
//! handed the same in.

mod give;
mod look;
mod next;
mod saved;
pub mod store;
#[cfg(test)]
mod tests;

pub use next::{First, LONGEST_WAIT, Next, next, request};
pub use saved::{Reuse, Reused, ReusedBy};

/// What the ledger says of money that is given back for it.
pub const SAME_WORK: &str = "answered by an earlier request for the same work";
