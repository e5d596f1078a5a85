//! The tables `providers` and `prices`.

use super::ProviderSettings;
use crate::{
    provider::{
        ProviderKind,
        price::{self, Price},
    },
    store::{Db, DbError, Exec, Json, Rows},
};
use chrono::{DateTime, NaiveDate, Utc};

/// A provider's row.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Row {
    /// Its name here.
    pub name: String,
    /// Its interface.
    pub kind: ProviderKind,
    /// Where its interface begins.
    pub base_url: String,
    /// Its key, sealed.
    pub sealed_key: String,
    /// Switched on.
    pub enabled: bool,
    /// Settings.
    pub settings: Json<ProviderSettings>,
    /// When the row was last changed.
    pub updated_at: DateTime<Utc>,
}

/// Names of all providers and when each was last changed.
///
/// # Errors
/// If the database fails.
pub async fn stamps(x: &mut impl Exec) -> Result<Vec<(String, DateTime<Utc>)>, DbError> {
    x.query("SELECT name, updated_at FROM providers ORDER BY name").all().await
}

/// All providers.
///
/// # Errors
/// If the database fails or a row's settings can't be read.
pub async fn all(x: &mut impl Exec) -> Result<Vec<Row>, DbError> {
    x.query(
        "SELECT name, kind, base_url, sealed_key, enabled, settings, updated_at FROM providers ORDER BY name",
    )
    .all()
    .await
}

/// A provider.
///
/// # Errors
/// If the database fails or the row's settings can't be read.
pub async fn find(x: &mut impl Exec, name: &str) -> Result<Option<Row>, DbError> {
    x.query(
        "SELECT name, kind, base_url, sealed_key, enabled, settings, updated_at FROM providers WHERE name = $1",
    )
    .bind(name.to_owned())
    .opt()
    .await
}

/// Creates or changes a provider.
///
/// # Errors
/// If the database fails.
pub async fn save(x: &mut impl Exec, row: &Row) -> Result<(), DbError> {
    x.query(
        "INSERT INTO providers (name, kind, base_url, sealed_key, enabled, settings, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (name) DO UPDATE SET kind = excluded.kind, \
         base_url = excluded.base_url, sealed_key = excluded.sealed_key, enabled = excluded.enabled, \
         settings = excluded.settings, updated_at = excluded.updated_at",
    )
    .bind(row.name.clone())
    .bind(row.kind)
    .bind(row.base_url.clone())
    .bind(row.sealed_key.clone())
    .bind(row.enabled)
    .bind(row.settings.clone())
    .bind(row.updated_at)
    .exec()
    .await?;
    Ok(())
}

/// A price's row.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct PriceRow {
    /// Whose model it is.
    pub provider_kind: ProviderKind,
    /// The model.
    pub model: String,
    /// From when.
    pub valid_from: DateTime<Utc>,
    /// The price.
    pub price: Json<Price>,
}

/// All prices.
///
/// # Errors
/// If the database fails.
pub async fn prices(x: &mut impl Exec) -> Result<Vec<PriceRow>, DbError> {
    x.query("SELECT provider_kind, model, valid_from, price FROM prices").all().await
}

/// Stores the prices that Quire knows, where they are not there yet.
///
/// # Errors
/// If the database fails.
pub async fn seed_prices(db: &Db) -> Result<(), DbError> {
    const PRICES: Rows = Rows {
        insert: "INSERT INTO prices (provider_kind, model, valid_from, price)",
        columns: 4,
        tail: "ON CONFLICT DO NOTHING",
    };
    let rows: Vec<PriceRow> = price::seed_prices()
        .iter()
        .map(|seed| PriceRow {
            provider_kind: seed.provider,
            model: seed.model.to_owned(),
            valid_from: seed
                .valid_from
                .parse::<NaiveDate>()
                .ok()
                .and_then(|day| day.and_hms_opt(0, 0, 0))
                .map_or(DateTime::UNIX_EPOCH, |at| at.and_utc()),
            price: Json(seed.price),
        })
        .collect();
    PRICES
        .insert(&mut db.clone(), &rows, |q, row| {
            q.put(row.provider_kind);
            q.put(row.model.clone());
            q.put(row.valid_from);
            q.put(row.price.clone());
        })
        .await?;
    Ok(())
}
