//! Real time: one job, one call, answered within seconds.
//!
//! A call is written down before it is made. One that was cut off (its process ended, it timed out, or the connection
//! broke after sending) may have been paid for: it is booked as *spent without an answer* and the job is asked again
//! (SPEC 6.5).

mod call;
mod same;
pub mod store;
