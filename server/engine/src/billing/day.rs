//! Lines of the ledger that are alike, summed by day.

use super::{Booked, Charge, Quantity, share};
use crate::{
    provider::{Usage, price::TokenKind},
    store::{CourseId, NanoUsd},
};
use std::collections::BTreeMap;

/// What is known of how a sum came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Booking {
    /// Answers, at a price.
    Priced(Booked),
    /// Answers, at a price that the price book no longer holds.
    Unpriced,
    /// Answers for which the provider gave no figures, at the most they could have cost.
    Unmetered,
    /// Calls that were cut off without an answer, at the most they could have cost.
    Lost,
}

impl Booking {
    /// Its word in the bill.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Priced(_) => "priced",
            Self::Unpriced => "unpriced",
            Self::Unmetered => "unmetered",
            Self::Lost => "lost",
        }
    }
}

/// Whom and what a sum is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Account {
    /// The cost centre that pays.
    pub cost_centre: String,
    /// The course.
    pub course_id: CourseId,
    /// Provider's name.
    pub provider: String,
    /// The model.
    pub model: String,
    /// In a batch; else in real time.
    pub batch: bool,
    /// How it was booked.
    pub booking: Booking,
}

/// A sum of lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// How many lines.
    pub requests: u64,
    /// Tokens by kind, in the order of [`TokenKind::ALL`].
    pub tokens: [u128; 5],
    /// What was spent, in nano-dollars.
    pub spent: i128,
}

impl Sums {
    fn add(&mut self, usage: &Usage, spent: NanoUsd) {
        self.requests += 1;
        self.spent += i128::from(spent.0);
        for (sum, tokens) in self.tokens.iter_mut().zip(usage.by_kind()) {
            *sum += u128::from(tokens);
        }
    }
}

/// The sums of one day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Day(BTreeMap<Account, Sums>);

impl Day {
    /// Adds a line. One that cost nothing and used nothing leaves no trace.
    pub fn add(&mut self, account: Account, usage: &Usage, spent: NanoUsd) {
        if spent != NanoUsd::ZERO || usage.by_kind() != [0; 5] {
            self.0.entry(account).or_default().add(usage, spent);
        }
    }

    /// Nothing was added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The rows of the bill, in the order of their accounts. What is billed adds up to what was spent.
    #[must_use]
    pub fn charges(&self) -> Vec<Charge<'_>> {
        self.0.iter().flat_map(|(account, sums)| charges(account, sums)).collect()
    }
}

fn charges<'a>(account: &'a Account, sums: &'a Sums) -> Vec<Charge<'a>> {
    let charge = |quantity, billed| Charge { account, sums, quantity, billed };
    let Booking::Priced(booked) = account.booking else { return vec![charge(None, sums.spent)] };
    let kinds = TokenKind::ALL.into_iter().zip(sums.tokens).zip(booked.rates.by_kind());
    let used: Vec<Quantity> = kinds
        .filter(|((_, tokens), _)| *tokens > 0)
        .map(|((kind, tokens), rate)| {
            let tokens = i128::try_from(tokens).unwrap_or(i128::MAX);
            Quantity { kind, tokens, rate, booked }
        })
        .collect();
    // All are paid at the same share of the list price, so that it makes no difference here.
    let weights: Vec<i128> = used.iter().map(Quantity::listed).collect();
    let shares = share(sums.spent, &weights);
    used.into_iter().zip(shares).map(|(quantity, billed)| charge(Some(quantity), billed)).collect()
}
