//! The price book in memory: dated prices, so that old ledger lines keep the price of their day.

use super::store::{self, PriceRow};
use crate::{
    provider::{
        ProviderKind,
        price::{Deal, Price, Terms},
    },
    store::{Db, DbError},
};
use chrono::{DateTime, Utc};
use std::{
    collections::HashMap,
    sync::{PoisonError, RwLock},
};

/// Kind of provider, name of the provider (empty: every one of the kind), model.
type Model = (ProviderKind, String, String);

type Dated = Vec<(DateTime<Utc>, Price, Deal)>;

/// A price of the book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// It is the provider's own; else that of every provider of its kind.
    pub own: bool,
    /// From when on it holds.
    pub from: DateTime<Utc>,
    /// The list price.
    pub price: Price,
    /// What was negotiated.
    pub deal: Deal,
}

/// Prices by kind of provider, name of the provider (empty: every one of the kind) and model.
#[derive(Debug)]
pub struct Prices {
    db: Db,
    book: RwLock<HashMap<Model, Dated>>,
    /// Tokens paid for this month, of models with prices by volume.
    volumes: RwLock<HashMap<Model, u64>>,
}

impl Prices {
    /// An empty book over this database; [`Prices::load`] fills it.
    #[must_use]
    pub fn new(db: Db) -> Self {
        Self { db, book: RwLock::default(), volumes: RwLock::default() }
    }

    /// Writes the first prices where they are missing, and reads all.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn load(&self) -> Result<(), DbError> {
        let mut db = self.db.clone();
        let seeds = store::seeds();
        let missing = |rows: &[PriceRow]| {
            let there = |seed: &PriceRow| {
                rows.iter().any(|r| {
                    (r.provider_kind, &r.provider, &r.model, r.valid_from)
                        == (seed.provider_kind, &seed.provider, &seed.model, seed.valid_from)
                })
            };
            !seeds.iter().all(there)
        };
        let mut rows = store::prices(&mut db).await?;
        if missing(&rows) {
            store::insert_prices(&mut db, &seeds).await?;
            rows = store::prices(&mut db).await?;
        }
        let mut book: HashMap<Model, Dated> = HashMap::new();
        for row in rows {
            let dated = book.entry((row.provider_kind, row.provider, row.model)).or_default();
            dated.push((row.valid_from, row.price, row.deal));
        }
        *self.book.write().unwrap_or_else(PoisonError::into_inner) = book;
        Ok(())
    }

    /// The list price of a provider's model at a time: its own, else that of its kind; none where neither is known, which
    /// never means free.
    #[must_use]
    pub fn at(&self, kind: ProviderKind, provider: &str, model: &str, at: DateTime<Utc>) -> Option<Price> {
        self.dated(kind, provider, model, at).map(|(price, ..)| price)
    }

    /// What a provider's model costs at a time, with what was negotiated and by the month's volume so far: the provider's
    /// own volume where the price is its own, else that of all of its kind.
    #[must_use]
    pub fn terms(&self, kind: ProviderKind, provider: &str, model: &str, at: DateTime<Utc>) -> Option<Terms> {
        let (price, deal, whose) = self.dated(kind, provider, model, at)?;
        let tokens = if deal.tiers.is_empty() { 0 } else { self.volume(kind, whose, model) };
        Some(Terms::new(price, &deal, tokens))
    }

    /// What a model costs at a time whatever the month's volume: the most that is held for a request must also do for
    /// one that is paid for at the beginning of the next month.
    #[must_use]
    pub fn terms_without_volume(
        &self,
        kind: ProviderKind,
        provider: &str,
        model: &str,
        at: DateTime<Utc>,
    ) -> Option<Terms> {
        let (price, deal, _) = self.dated(kind, provider, model, at)?;
        Some(Terms::new(price, &deal, 0))
    }

    /// Every price that a provider's model has or had, in the order in which they win: its own before those of its kind,
    /// and the latest first.
    #[must_use]
    pub fn every(&self, kind: ProviderKind, provider: &str, model: &str) -> Vec<Listed> {
        let book = self.book.read().unwrap_or_else(PoisonError::into_inner);
        let of = |whose: &str, own| {
            let dated = book.get(&(kind, whose.to_owned(), model.to_owned())).cloned().unwrap_or_default();
            dated.into_iter().rev().map(move |(from, price, deal)| Listed { own, from, price, deal })
        };
        of(provider, true).chain(of("", false)).collect()
    }

    /// A price, what was negotiated, and whose it is: the provider's, or empty for its kind's.
    fn dated<'a>(
        &self,
        kind: ProviderKind,
        provider: &'a str,
        model: &str,
        at: DateTime<Utc>,
    ) -> Option<(Price, Deal, &'a str)> {
        let book = self.book.read().unwrap_or_else(PoisonError::into_inner);
        let of = |whose: &'a str| {
            let dated = book.get(&(kind, whose.to_owned(), model.to_owned()))?;
            let (_, price, deal) = dated.iter().rev().find(|(from, ..)| *from <= at)?;
            Some((*price, deal.clone(), whose))
        };
        of(provider).or_else(|| of(""))
    }

    /// The price of a provider's model at a time depends on the month's volume.
    #[must_use]
    pub fn is_by_volume(&self, kind: ProviderKind, provider: &str, model: &str, at: DateTime<Utc>) -> bool {
        self.dated(kind, provider, model, at).is_some_and(|(_, deal, _)| !deal.tiers.is_empty())
    }

    /// Some price depends on the month's volume.
    #[must_use]
    pub fn are_by_volume(&self) -> bool {
        let book = self.book.read().unwrap_or_else(PoisonError::into_inner);
        book.values().flatten().any(|(.., deal)| !deal.tiers.is_empty())
    }

    /// Tokens paid for this month, of a model whose price depends on it; the provider is empty for all of the kind.
    #[must_use]
    pub fn volume(&self, kind: ProviderKind, provider: &str, model: &str) -> u64 {
        let volumes = self.volumes.read().unwrap_or_else(PoisonError::into_inner);
        volumes.get(&(kind, provider.to_owned(), model.to_owned())).copied().unwrap_or(0)
    }

    /// Keeps the tokens paid for this month, by kind of provider, name (empty: all of the kind) and model.
    pub fn keep_volumes(&self, volumes: HashMap<(ProviderKind, String, String), u64>) {
        *self.volumes.write().unwrap_or_else(PoisonError::into_inner) = volumes;
    }
}
