//! One row of the bill.

use super::{Account, Booked, Booking, Sums, decimal::decimal};
use crate::provider::price::{Terms, TokenKind};

/// One row of the bill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge<'a> {
    /// Whom and what it is for.
    pub account: &'a Account,
    /// All that was summed for the account.
    pub sums: &'a Sums,
    /// The part of it that this row is for, and its price; none where only the sum is known.
    pub quantity: Option<Quantity>,
    /// What is billed, in nano-dollars.
    pub billed: i128,
}

/// Tokens of one kind, at their price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quantity {
    /// The kind.
    pub kind: TokenKind,
    /// How many.
    pub tokens: i128,
    /// The list price, in nano-dollars per million.
    pub rate: i64,
    /// The price they were booked at.
    pub booked: Booked,
}

/// Digits behind the point: of nano-dollars, of a million, and of parts of the list price ([`Terms::LIST`]).
const NANO: usize = 9;
const MILLION: usize = 6;
const PAID: usize = 8;
const _: () = assert!(10_u32.pow(8) == Terms::LIST);

impl Quantity {
    /// Tokens used.
    pub(super) fn consumed(&self) -> String {
        decimal(self.tokens, 0)
    }
    /// Millions of tokens, for which prices are.
    pub(super) fn priced(&self) -> String {
        decimal(self.tokens, MILLION)
    }
    /// Dollars per million by the list.
    pub(super) fn list_price(&self) -> String {
        decimal(self.rate.into(), NANO)
    }
    /// Dollars per million as negotiated.
    pub(super) fn contracted_price(&self) -> String {
        decimal(self.contracted(), NANO + PAID)
    }
    /// Dollars by the list, exactly.
    pub(super) fn list_cost(&self) -> String {
        decimal(self.listed(), NANO + MILLION)
    }
    /// Dollars as negotiated, exactly.
    pub(super) fn contracted_cost(&self) -> String {
        decimal(self.tokens.saturating_mul(self.contracted()), NANO + PAID + MILLION)
    }
    /// The list price of all, in nano-dollars times a million.
    pub(super) fn listed(&self) -> i128 {
        self.tokens.saturating_mul(self.rate.into())
    }
    fn contracted(&self) -> i128 {
        i128::from(self.rate) * i128::from(self.booked.paid)
    }
}

impl Charge<'_> {
    /// What is billed, in dollars.
    pub(super) fn billed_cost(&self) -> String {
        decimal(self.billed, NANO)
    }

    /// A sentence for people.
    pub(super) fn description(&self) -> String {
        let model = &self.account.model;
        let way = if self.account.batch { "in batches" } else { "in real time" };
        let Sums { requests, tokens, .. } = self.sums;
        let s = if *requests == 1 { "" } else { "s" };
        match (self.account.booking, &self.quantity) {
            (Booking::Priced(booked), Some(quantity)) => {
                let long = if booked.long { ", long requests" } else { "" };
                format!("{} of {model} {way}{long}", meter(quantity.kind))
            }
            (Booking::Lost, _) => format!(
                "{requests} call{s} to {model} cut off without an answer, booked at the most possible"
            ),
            (Booking::Unmetered, _) => format!(
                "{requests} answer{s} of {model} {way} without the provider's figures, booked at the most possible"
            ),
            (Booking::Unpriced | Booking::Priced(_), _) => format!(
                "{requests} answer{s} of {model} {way} ({} tokens), booked at a price that is no longer known",
                tokens.iter().sum::<u128>()
            ),
        }
    }
}

/// What is counted, for people.
pub(super) const fn meter(kind: TokenKind) -> &'static str {
    match kind {
        TokenKind::Input => "Input tokens",
        TokenKind::CachedInput => "Cached input tokens",
        TokenKind::CacheWrite => "Cache write tokens",
        TokenKind::CacheWriteLong => "Long cache write tokens",
        TokenKind::Output => "Output tokens",
    }
}
