//! Which price a line of the ledger was booked at.

use crate::{
    provider::{
        Listed, Usage,
        price::{Rates, Terms},
    },
    store::NanoUsd,
};
use chrono::{DateTime, Utc};

/// The price at which an answer was booked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Booked {
    /// It is the provider's own; else that of every provider of its kind.
    pub own: bool,
    /// From when on it holds.
    pub from: DateTime<Utc>,
    /// It is the one of long requests.
    pub long: bool,
    /// The list price of each kind of token, in nano-dollars per million.
    pub rates: Rates,
    /// What was paid, in parts of the list price ([`Terms::LIST`]).
    pub paid: u32,
}

/// Finds the price that makes what was booked, among all that the model has or had, in the order in which they win: the
/// one of the day, else one before it, for a process may know of a new price a minute late. Which discount by volume was
/// given is not in the ledger; it is the one that makes the sum. None where no price does: it was changed afterwards, or is
/// gone.
#[must_use]
pub fn explain(
    listed: &[Listed],
    at: DateTime<Utc>,
    usage: &Usage,
    batch: bool,
    spent: NanoUsd,
) -> Option<Booked> {
    listed.iter().filter(|listed| listed.from <= at).find_map(|listed| {
        let terms = listed.deal.volumes().map(|volume| Terms::new(listed.price, &listed.deal, volume));
        terms.into_iter().find(|terms| terms.cost(usage, batch) == spent).map(|terms| Booked {
            own: listed.own,
            from: listed.from,
            long: listed.price.is_long(usage.input_tokens),
            rates: *listed.price.rates(usage.input_tokens, batch),
            paid: terms.paid(),
        })
    })
}
