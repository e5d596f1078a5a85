//! From a provider's answer to marks that a student sees.

mod apply;
mod by_hand;
mod ingest;
mod judge;
mod marks;
mod spool;
pub mod store;
mod sweep;
#[cfg(test)]
mod tests;
pub mod validate;

pub use apply::{Arrived, Source};
pub use by_hand::{Entered, EnteredMark, Wrong, by_hand};
pub use judge::{Given, Good, Judged, failed, judge};
pub use marks::{CriterionMark, Evidence, Marks};
pub use store::Assessment;
