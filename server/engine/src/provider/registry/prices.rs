//! The price book in memory: dated prices, so that old ledger lines keep the price of their day.

use super::store::{self, PriceRow};
use crate::{
    provider::{ProviderKind, price::Price},
    store::{Db, DbError},
};
use chrono::{DateTime, Utc};
use std::{
    collections::HashMap,
    sync::{PoisonError, RwLock},
};

type Dated = Vec<(DateTime<Utc>, Price)>;

/// Prices by kind of provider, name of the provider (empty: every one of the kind) and model.
#[derive(Debug)]
pub struct Prices {
    db: Db,
    book: RwLock<HashMap<(ProviderKind, String, String), Dated>>,
}

impl Prices {
    /// An empty book over this database; [`Prices::load`] fills it.
    #[must_use]
    pub fn new(db: Db) -> Self {
        Self { db, book: RwLock::default() }
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
        let mut book: HashMap<_, Dated> = HashMap::new();
        for row in rows {
            let key = (row.provider_kind, row.provider, row.model);
            book.entry(key).or_default().push((row.valid_from, row.price));
        }
        *self.book.write().unwrap_or_else(PoisonError::into_inner) = book;
        Ok(())
    }

    /// The price of a provider's model at a time: its own, else that of its kind; none where neither is known, which
    /// never means free.
    #[must_use]
    pub fn at(&self, kind: ProviderKind, provider: &str, model: &str, at: DateTime<Utc>) -> Option<Price> {
        let book = self.book.read().unwrap_or_else(PoisonError::into_inner);
        let of = |provider: &str| {
            let dated = book.get(&(kind, provider.to_owned(), model.to_owned()))?;
            dated.iter().rev().find(|(from, _)| *from <= at).map(|(_, price)| *price)
        };
        of(provider).or_else(|| of(""))
    }
}
