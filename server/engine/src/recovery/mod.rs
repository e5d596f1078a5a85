//! What is done when something fails: which failures are tried again, when, which end as dead letters, and what is done
//! about those.

mod dead_letter;
mod edit;
mod fallback;
mod filter;
mod mark;
mod opened;
mod remedy;
mod retry;
mod revive;
pub mod store;
mod summary;
#[cfg(test)]
mod tests;

pub use dead_letter::{Cause, DeadLetter, Death, Resolution, next_recovery};
pub use edit::{Edit, MOST_OUTPUT, left_out};
pub use fallback::{Way, chain, next_way};
pub use filter::Filter;
pub use opened::{Happening, Opened, Payload, What};
pub use remedy::{Decisions, MOST_DECIDED, Remedy, RemedyError, RemedyOutcome};
pub use retry::{Next, Recovery, RetryPolicy, RetryTable, after_failure, insist};
