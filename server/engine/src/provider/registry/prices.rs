//! The price book: dated prices, so that an answer keeps the price of its day.

use super::store;
use crate::{
    provider::{ProviderKind, price::Price},
    store::{Db, DbError},
};
use chrono::{DateTime, Utc};
use std::{
    collections::HashMap,
    sync::{PoisonError, RwLock},
};

type Book = HashMap<ProviderKind, HashMap<String, Vec<(DateTime<Utc>, Price)>>>;

/// All prices, kept in memory.
#[derive(Debug)]
pub struct Prices {
    db: Db,
    book: RwLock<Book>,
}

impl Prices {
    /// Empty until [`Prices::load`].
    #[must_use]
    pub fn new(db: Db) -> Self {
        Self { db, book: RwLock::default() }
    }

    /// Reads the prices; stores the ones that Quire knows where they are missing.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn load(&self) -> Result<(), DbError> {
        store::seed_prices(&self.db).await?;
        let mut book = Book::new();
        for row in store::prices(&mut self.db.clone()).await? {
            book.entry(row.provider_kind)
                .or_default()
                .entry(row.model)
                .or_default()
                .push((row.valid_from, row.price.0));
        }
        for prices in book.values_mut().flat_map(HashMap::values_mut) {
            prices.sort_by_key(|(from, _)| *from);
        }
        *self.book.write().unwrap_or_else(PoisonError::into_inner) = book;
        Ok(())
    }

    /// The price of a model on a day: the last that was valid by then; before the first, the first.
    #[must_use]
    pub fn at(&self, kind: ProviderKind, model: &str, at: DateTime<Utc>) -> Option<Price> {
        let book = self.book.read().unwrap_or_else(PoisonError::into_inner);
        let prices = book.get(&kind)?.get(model)?;
        let after = prices.partition_point(|(from, _)| *from <= at);
        prices.get(after.saturating_sub(1)).map(|(_, price)| *price)
    }
}
