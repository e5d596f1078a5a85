//! The price book as administrators see and change it: what each model costs, costed and will cost, with what was negotiated
//! (SPEC 4.6, 7.6). How prices are looked up is the registry's.

#[cfg(test)]
mod tests;

use crate::{
    engine::{Engine, EngineError},
    identity::{Act, Actor, IdentityError},
    provider::{
        ProviderKind,
        price::{Deal, Price},
        registry::store::{PriceRow, prices, put_price},
    },
    store::DbError,
};
use chrono::{DateTime, Utc};

/// How a price stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Another has followed it.
    Past,
    /// It holds.
    Holds,
    /// It will hold.
    Coming,
}

/// A price of the book.
#[derive(Clone, Debug, PartialEq)]
pub struct BookPrice {
    /// Which interface the providers speak.
    pub kind: ProviderKind,
    /// The one provider whose own price it is, which goes before its kind's; none: every provider of the kind.
    pub provider: Option<String>,
    /// The model.
    pub model: String,
    /// From when on.
    pub from: DateTime<Utc>,
    /// How it stands.
    pub standing: Standing,
    /// The list price.
    pub price: Price,
    /// What was negotiated.
    pub deal: Deal,
    /// Tokens paid for this month, by which its tiers count; none where it has no tiers or does not hold.
    pub month_tokens: Option<u64>,
    /// A provider that is set up uses the model.
    pub in_use: bool,
}

/// A price to be added.
#[derive(Clone, Debug, PartialEq)]
pub struct NewPrice {
    /// Every provider of this kind; none: the one that is named.
    pub kind: Option<ProviderKind>,
    /// The one provider, by name; none: all of the kind.
    pub provider: Option<String>,
    /// The model.
    pub model: String,
    /// From when on; none: from now on.
    pub from: Option<DateTime<Utc>>,
    /// The list price; none: the one that holds then stays.
    pub price: Option<Price>,
    /// What was negotiated.
    pub deal: Deal,
}

/// Something can't be done with prices.
#[derive(Debug, thiserror::Error)]
pub enum PriceError {
    /// A field can't be used: its name, and why.
    #[error("{message}")]
    Field {
        /// The field.
        field: &'static str,
        /// What is wrong, and what to do.
        message: String,
    },
    /// The person may not.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// Our fault.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl From<DbError> for PriceError {
    fn from(error: DbError) -> Self {
        Self::Engine(error.into())
    }
}

fn wrong(field: &'static str, message: impl Into<String>) -> PriceError {
    PriceError::Field { field, message: message.into() }
}

fn is_of(row: &PriceRow, kind: ProviderKind, provider: &str, model: &str) -> bool {
    (row.provider_kind, row.provider.as_str(), row.model.as_str()) == (kind, provider, model)
}

impl Engine {
    /// All prices: models that are in use first, by kind, provider and model, the newest price first.
    ///
    /// # Errors
    /// If the person may not, or the database fails.
    pub async fn price_book(&self, actor: &Actor) -> Result<Vec<BookPrice>, PriceError> {
        self.identity().check(actor, &Act::SeeBilling).await?;
        self.refresh_prices().await?;
        let now = self.now();
        let rows = prices(&mut self.db()).await?;
        let used: Vec<(ProviderKind, String, String)> = self
            .providers()
            .iter()
            .flat_map(|entry| {
                entry.settings.all_models().map(|model| (entry.kind, entry.name.clone(), model.clone()))
            })
            .collect();
        let shown = |row: &PriceRow| {
            let same = |other: &&PriceRow| is_of(other, row.provider_kind, &row.provider, &row.model);
            let holds =
                rows.iter().filter(same).filter(|other| other.valid_from <= now).map(|o| o.valid_from).max();
            let standing = match holds {
                _ if row.valid_from > now => Standing::Coming,
                Some(from) if from == row.valid_from => Standing::Holds,
                _ => Standing::Past,
            };
            let by_volume = standing == Standing::Holds && !row.deal.tiers.is_empty();
            BookPrice {
                kind: row.provider_kind,
                provider: Some(row.provider.clone()).filter(|name| !name.is_empty()),
                model: row.model.clone(),
                from: row.valid_from,
                standing,
                price: row.price,
                deal: row.deal.clone(),
                month_tokens: by_volume
                    .then(|| self.month_tokens(row.provider_kind, &row.provider, &row.model)),
                in_use: used.iter().any(|(kind, provider, model)| {
                    *kind == row.provider_kind
                        && *model == row.model
                        && (row.provider.is_empty() || row.provider == *provider)
                }),
            }
        };
        let mut book: Vec<BookPrice> = rows.iter().map(shown).collect();
        book.sort_by(|a, b| {
            let key = |p: &BookPrice| (!p.in_use, p.kind.name(), p.provider.clone(), p.model.clone());
            key(a).cmp(&key(b)).then(b.from.cmp(&a.from))
        });
        Ok(book)
    }

    /// Adds a price, or changes one that does not hold yet. What holds already is never changed, only followed by another:
    /// what was booked keeps the price of its day.
    ///
    /// # Errors
    /// If the person may not, or something about it can't be so.
    pub async fn add_price(&self, actor: &Actor, new: NewPrice) -> Result<(), PriceError> {
        self.identity().check(actor, &Act::ManageBilling).await?;
        let now = self.now();
        let kind = match (&new.provider, new.kind) {
            (Some(name), None) => self
                .registry()
                .kind(name)
                .ok_or_else(|| wrong("provider", format!("There is no provider \"{name}\" here.")))?,
            (None, Some(kind)) => kind,
            _ => {
                let told = "Give either the provider, by name, or the kind, for all providers that speak it.";
                return Err(wrong("provider", told));
            }
        };
        let model = new.model.trim().to_owned();
        if model.is_empty() || model.len() > 100 || model.chars().any(char::is_control) {
            return Err(wrong("model", "Write the model's name, such as gpt-6-luna."));
        }
        let from = new.from.unwrap_or(now);
        if from < now {
            return Err(wrong(
                "from",
                "What holds already can't be changed: give a moment to come, or none for now.",
            ));
        }
        new.deal.check().map_err(|told| wrong("tiers", told))?;
        let provider = new.provider.unwrap_or_default();
        let mut tx = self.db().begin().await?;
        let rows = prices(&mut tx).await?;
        let of = |whose: &str| {
            rows.iter()
                .filter(|row| is_of(row, kind, whose, &model) && row.valid_from <= from)
                .max_by_key(|row| row.valid_from)
                .map(|row| row.price)
        };
        let price = new.price.or_else(|| of(&provider)).or_else(|| of(""));
        let price = price.ok_or_else(|| {
            wrong("realtime", format!("No list price of {model} is known yet: give its prices in real time."))
        })?;
        if !price.is_sound() {
            return Err(wrong("realtime", "A price is below 0."));
        }
        let row = PriceRow { provider_kind: kind, provider, model, valid_from: from, price, deal: new.deal };
        put_price(&mut tx, self.world(), &row).await?;
        tx.commit().await?;
        tracing::info!(model = row.model, provider = row.provider, %from, by = ?actor.person_id(), "a price was added");
        self.refresh_prices().await?;
        Ok(())
    }
}
