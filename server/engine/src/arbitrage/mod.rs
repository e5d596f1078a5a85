//! Models that are held equal, and what the same work would have cost at each of them (SPEC 7.6).
//!
//! Models are equal where a trial judged their marks so ([`crate::trial`]), or by an administrator's word, with where it
//! comes from ([`EqualGroup`]). Others are never compared ([`compare`]).

mod ask;
mod compare;
mod edit;
mod group;
mod store;
#[cfg(test)]
mod tests;

pub use compare::{Arbitrage, At, GroupComparison, Held, Work, WorkComparison, compare};
pub use edit::EqualError;
pub use group::{EqualGroup, EqualModel, NewGroup, WrongGroup};
