//! The queue: lanes, the order in them, a submission's place and the estimate of when its marks are there.

mod lane;
mod order;

pub use lane::{Lane, LaneSettings, Lanes};
pub use order::{AGEING_SECONDS, PRIORITY_HIGH, PRIORITY_LOW, PRIORITY_MEDIUM, Place, Rank};
