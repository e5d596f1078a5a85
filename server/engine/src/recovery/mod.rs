//! What is done when something fails: which failures are tried again, when, which end as dead letters, and what is done
//! about those.

mod dead_letter;
mod fallback;
mod retry;
mod revive;
pub mod store;
#[cfg(test)]
mod tests;

pub use dead_letter::{Cause, DeadLetter, Death, Resolution, next_recovery};
pub use fallback::{Way, chain, next_way};
pub use retry::{Next, Recovery, RetryPolicy, RetryTable, after_failure, insist};
pub use revive::{MOST_DECIDED, Remedy, RemedyError, RemedyOutcome};
