//! The queue: jobs and their lanes, the order in them, a submission's place and the estimate of when its marks are
//! there.

mod estimate;
mod furthest;
mod job;
mod lane;
mod order;
mod snapshot;
pub mod store;
#[cfg(test)]
pub(crate) mod testing;

pub use estimate::{Estimate, Promise, Turnaround};
pub use furthest::Furthest;
pub use job::{Job, JobState, no_hurry};
pub use lane::{Lane, LaneSettings, Lanes};
pub use order::{AGEING_SECONDS, PRIORITY_HIGH, PRIORITY_LOW, PRIORITY_MEDIUM, Place, Rank, overtaken_for};
pub use snapshot::{LaneView, Snapshot, Spot};
pub use store::Backlog;
