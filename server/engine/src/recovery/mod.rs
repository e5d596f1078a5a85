//! What is done when something fails: which failures are tried again, when, and which end as dead letters.

mod retry;

pub use retry::{Next, RetryPolicy, RetryTable, after_failure};
