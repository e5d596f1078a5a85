//! Models that are held equal, and what the same work would have cost at each of them (SPEC 7.6).
//!
//! Which models are equal is an administrator's word, with where it comes from ([`EqualGroup`]): there are no figures of
//! agreement yet that could tell. Models that nobody stated equal are never compared ([`compare`]).

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
