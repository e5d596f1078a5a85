//! What a commitment would save: for talks with providers (SPEC 7.6).
//!
//! A commitment is taken to be the promise to pay for work worth so much in each month, less a discount, whether it is
//! used or not. What the measured months would have cost under it is plain arithmetic ([`commit`]); nothing is assumed of
//! months to come but that they are like those that were measured.

mod ask;
mod commit;
mod measured;
mod prices;
mod report;
#[cfg(test)]
mod tests;

pub(crate) use ask::whole_months;

pub use ask::{Asked, CommitmentError, MOST_DISCOUNTS, MOST_MONTHS};
pub use commit::{Commitment, Offer, commit, offer};
pub use measured::{Measured, ProviderUse, Use, measured};
pub use prices::price_changes;
pub use report::{CommitmentReport, Facts, Figures, ProviderFigures, report};
