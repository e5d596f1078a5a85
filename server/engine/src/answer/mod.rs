//! The same work is not paid for twice (SPEC 7.5): a request that was answered before is given that answer, and of several
//! that wait at once only one is asked. Students are not told of each other.
//!
//! So is, where an instructor allows it, a draft that hardly differs from one that was marked: its student is told.
//!
//! It is looked just before a request would be sent, never at hand-in: so nobody can tell from the time that someone else
//! handed the same in.

mod give;
mod look;
mod near;
mod next;
mod saved;
pub mod store;
#[cfg(test)]
mod tests;

pub use near::{Likeness, is_near};
pub use next::{First, LONGEST_WAIT, Next, next, request};
pub use saved::{Borrowed, Reuse, Reused, ReusedBy};
