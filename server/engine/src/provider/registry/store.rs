//! The tables `providers` and `prices`.

use super::{MasterKey, ProviderError, ProviderSettings};
use crate::{
    provider::{
        ApiKey, ProviderKind, Settings, Timeouts, connect, own_limits,
        price::{self, Deal, Price, SeedPrice},
    },
    store::{DbError, Exec, Json, Rows, World},
};
use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use secrecy::ExposeSecret as _;
use serde_json::{Map, Value};
use std::{fmt, time::Duration};
use url::Url;

/// A provider as its row holds it. `Debug` shows no key, sealed or not.
#[derive(Clone, sqlx::FromRow)]
pub struct ProviderRow {
    /// Its name, by which jobs and ledger know it.
    pub name: String,
    /// Which interface it speaks.
    pub kind: ProviderKind,
    /// Where it is.
    pub base_url: String,
    /// Its key, sealed.
    pub sealed_key: String,
    /// It is used.
    pub enabled: bool,
    /// What was set for it, over the defaults of its kind.
    #[sqlx(json)]
    pub settings: Map<String, Value>,
    /// When the row was last changed.
    pub updated_at: DateTime<Utc>,
}

impl fmt::Debug for ProviderRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProviderRow")
            .field("name", &self.name)
            .field("kind", &self.kind)
            .field("base_url", &self.base_url)
            .field("enabled", &self.enabled)
            .finish_non_exhaustive()
    }
}

/// A provider to be set up, or changed.
#[derive(Clone, Debug)]
pub struct NewProvider {
    /// Its name.
    pub name: String,
    /// Which interface it speaks.
    pub kind: ProviderKind,
    /// Where it is.
    pub base_url: String,
    /// Its key; none: the one that is stored stays.
    pub key: Option<ApiKey>,
    /// It is to be used.
    pub enabled: bool,
    /// What is set for it, over the defaults of its kind.
    pub settings: Map<String, Value>,
}

/// What became of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Change {
    /// It is new.
    Created,
    /// It was changed.
    Updated,
    /// It was so already.
    Unchanged,
}

const PROVIDER: &str =
    "SELECT name, kind, base_url, sealed_key, enabled, settings, updated_at FROM providers ";

/// All providers, by name.
///
/// # Errors
/// If the database fails.
pub async fn providers(x: &mut impl Exec) -> Result<Vec<ProviderRow>, DbError> {
    x.query(format!("{PROVIDER} ORDER BY name")).all().await
}

/// The names of all providers, and when each was last changed.
pub(super) async fn stamps(x: &mut impl Exec) -> Result<Vec<(String, DateTime<Utc>)>, DbError> {
    x.query("SELECT name, updated_at FROM providers ORDER BY name").all().await
}

impl NewProvider {
    /// Checks all of it and answers the settings as they hold.
    ///
    /// # Errors
    /// Names what can't be so.
    pub fn check(&self) -> Result<ProviderSettings, ProviderError> {
        let sign = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-';
        if !(1..=40).contains(&self.name.len()) || !self.name.bytes().all(sign) {
            return Err(ProviderError::Name(self.name.clone()));
        }
        let settings = ProviderSettings::with(self.kind, &self.settings)?;
        let key = self.key.clone().unwrap_or_else(|| ApiKey::from("not-looked-at"));
        // The adapter knows what address and key it can work with.
        connect(self.kind, &Settings::new(address(&self.base_url)?, key))?;
        settings.check(own_limits(self.kind))?;
        Ok(settings)
    }
}

fn address(base_url: &str) -> Result<Url, ProviderError> {
    Url::parse(base_url).map_err(|_| ProviderError::BaseUrl(base_url.chars().take(200).collect()))
}

impl ProviderRow {
    /// The settings as they hold, and all that the adapter needs.
    pub(super) fn open(&self, master: &MasterKey) -> Result<(ProviderSettings, Settings), ProviderError> {
        let settings = ProviderSettings::with(self.kind, &self.settings)?;
        let key = master.open(&self.name, &self.sealed_key)?;
        let mut access = Settings::new(address(&self.base_url)?, key);
        let hard = own_limits(self.kind);
        settings.check(hard)?;
        access.limits = Some(settings.limits(hard));
        access.endpoint = settings.endpoint;
        access.answer_format = settings.answer_format;
        access.batch = settings.batch;
        access.timeouts = Timeouts {
            reply: Duration::from_secs(settings.create_timeout_s.into()),
            call: Duration::from_secs(settings.call_timeout_s.into()),
            ..Timeouts::default()
        };
        Ok((settings, access))
    }
}

/// Sets a provider up, or changes it. A key is kept sealed.
///
/// # Errors
/// Names what can't be so.
pub async fn put_provider(
    x: &mut impl Exec,
    world: &World,
    master: &MasterKey,
    new: &NewProvider,
) -> Result<Change, ProviderError> {
    new.check()?;
    let old: Option<ProviderRow> =
        x.query(format!("{PROVIDER} WHERE name = $1")).bind(new.name.clone()).opt().await?;
    let now = world.now();
    let Some(old) = old else {
        let key = new.key.as_ref().ok_or(ProviderError::NoKey)?;
        x.query(
            "INSERT INTO providers (name, kind, base_url, sealed_key, enabled, settings, updated_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(new.name.clone())
        .bind(new.kind)
        .bind(new.base_url.clone())
        .bind(master.seal(world, &new.name, key)?)
        .bind(new.enabled)
        .bind(Json(new.settings.clone()))
        .bind(now)
        .exec()
        .await?;
        return Ok(Change::Created);
    };
    if old.kind != new.kind {
        // Its prices and its batches speak the old one.
        return Err(ProviderError::Kind(old.kind.name()));
    }
    let stored = master.open(&old.name, &old.sealed_key);
    let same_key = match (&new.key, &stored) {
        (None, _) => true,
        (Some(new), Ok(stored)) => new.expose_secret() == stored.expose_secret(),
        (Some(_), Err(_)) => false,
    };
    let same = old.base_url == new.base_url
        && old.enabled == new.enabled
        && old.settings == new.settings
        && same_key;
    if same {
        return Ok(Change::Unchanged);
    }
    let sealed = match &new.key {
        Some(key) if !same_key => master.seal(world, &new.name, key)?,
        _ => old.sealed_key,
    };
    x.query(
        "UPDATE providers SET base_url = $2, sealed_key = $3, enabled = $4, settings = $5, updated_at = $6 \
         WHERE name = $1",
    )
    .bind(new.name.clone())
    .bind(new.base_url.clone())
    .bind(sealed)
    .bind(new.enabled)
    .bind(Json(new.settings.clone()))
    // Always later than before, as others look at this time to see a change.
    .bind(now.max(old.updated_at + TimeDelta::microseconds(1)))
    .exec()
    .await?;
    Ok(Change::Updated)
}

// Prices --------------------------------------------------------------------------------------------------------------

const PRICES: Rows = Rows {
    insert: "INSERT INTO prices (provider_kind, provider, model, valid_from, price, deal)",
    columns: 6,
    tail: "ON CONFLICT (provider_kind, provider, model, valid_from) DO NOTHING",
};

/// Notes that a provider's queue is being cut. Until the transaction ends the row stays locked, which keeps two
/// processes from cutting one queue at once. False where there is no such provider.
///
/// # Errors
/// If the database fails.
pub async fn lock_for_cut(x: &mut impl Exec, name: &str, now: DateTime<Utc>) -> Result<bool, DbError> {
    let rows = x
        .query("UPDATE providers SET cut_at = $2 WHERE name = $1")
        .bind(name.to_owned())
        .bind(now)
        .exec()
        .await?;
    Ok(rows == 1)
}

/// A price as its row holds it.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct PriceRow {
    /// Whose model it is.
    pub provider_kind: ProviderKind,
    /// The one provider whose price it is, by name; empty: every provider of the kind.
    pub provider: String,
    /// The model.
    pub model: String,
    /// From when on.
    pub valid_from: DateTime<Utc>,
    /// The price.
    #[sqlx(json)]
    pub price: Price,
    /// What was negotiated.
    #[sqlx(json)]
    pub deal: Deal,
}

/// All prices, old ones first.
///
/// # Errors
/// If the database fails.
pub async fn prices(x: &mut impl Exec) -> Result<Vec<PriceRow>, DbError> {
    x.query("SELECT provider_kind, provider, model, valid_from, price, deal FROM prices ORDER BY valid_from")
        .all()
        .await
}

/// Writes prices that are not there yet; one that is there from the same time stays as it is.
///
/// # Errors
/// If the database fails.
pub async fn insert_prices(x: &mut impl Exec, rows: &[PriceRow]) -> Result<(), DbError> {
    PRICES
        .insert(x, rows, |q, row| {
            q.put(row.provider_kind);
            q.put(row.provider.clone());
            q.put(row.model.clone());
            q.put(row.valid_from);
            q.put(Json(row.price));
            q.put(Json(row.deal.clone()));
        })
        .await
}

/// Sets a price, over one of the same moment; what was booked before keeps the price of its day.
///
/// # Errors
/// If the database fails.
pub async fn put_price(x: &mut impl Exec, world: &World, row: &PriceRow) -> Result<(), DbError> {
    x.query(
        "INSERT INTO prices (provider_kind, provider, model, valid_from, price, deal) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (provider_kind, provider, model, valid_from) \
         DO UPDATE SET price = excluded.price, deal = excluded.deal",
    )
    .bind(row.provider_kind)
    .bind(row.provider.clone())
    .bind(row.model.clone())
    .bind(row.valid_from)
    .bind(Json(row.price))
    .bind(Json(row.deal.clone()))
    .exec()
    .await?;
    // Others look at this time to see a change. A price of a whole kind is seen within a minute.
    if let Some(provider) = providers(x).await?.into_iter().find(|found| found.name == row.provider) {
        x.query("UPDATE providers SET updated_at = $2 WHERE name = $1")
            .bind(provider.name)
            .bind(world.now().max(provider.updated_at + TimeDelta::microseconds(1)))
            .exec()
            .await?;
    }
    Ok(())
}

/// The prices that a new installation begins with.
pub(crate) fn seeds() -> Vec<PriceRow> {
    let row = |seed: &SeedPrice| {
        let day: chrono::NaiveDate = seed.valid_from.parse().ok()?;
        Some(PriceRow {
            provider_kind: seed.provider,
            provider: String::new(),
            model: seed.model.to_owned(),
            valid_from: day.and_time(NaiveTime::MIN).and_utc(),
            price: seed.price,
            deal: Deal::default(),
        })
    };
    price::seed_prices().iter().filter_map(row).collect()
}
