//! The price book over the wire. Prices are in nano-dollars for a million tokens.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A price of the book.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BookPrice {
    /// Which interface the providers speak.
    pub kind: PriceKind,
    /// The one provider whose own price it is, which goes before its kind's; none: every provider of the kind.
    pub provider: Option<String>,
    /// The model.
    #[schema(example = "gpt-6-luna")]
    pub model: String,
    /// From when on.
    pub from: DateTime<Utc>,
    /// How it stands.
    pub standing: PriceStanding,
    /// In real time.
    pub realtime: Rates,
    /// In a batch; none: as in real time.
    pub batch: Option<Rates>,
    /// Requests whose input is long, where they differ.
    pub long_context: Option<LongContext>,
    /// Off all prices, in percent.
    pub discount_percent: f64,
    /// Further discounts by the month's volume, the smallest first.
    pub tiers: Vec<PriceTier>,
    /// Tokens paid for this month, by which its tiers count; none where it has no tiers or does not hold.
    pub month_tokens: Option<u64>,
    /// A provider that is set up uses the model.
    pub in_use: bool,
}

/// Which interface providers speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PriceKind {
    /// OpenAI.
    Openai,
    /// Anthropic.
    Anthropic,
    /// Google Gemini.
    Gemini,
    /// A server that speaks OpenAI's interface.
    Compatible,
}

/// How a price stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PriceStanding {
    /// Another has followed it.
    Past,
    /// It holds.
    Holds,
    /// It will hold.
    Coming,
}

/// A price to be added.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPrice {
    /// Every provider that speaks this interface; instead of `provider`.
    pub kind: Option<PriceKind>,
    /// The one provider, by name; instead of `kind`.
    #[schema(example = "openai")]
    pub provider: Option<String>,
    /// The model.
    #[schema(example = "gpt-6-luna")]
    pub model: String,
    /// From when on; none: from now on.
    pub from: Option<DateTime<Utc>>,
    /// In real time; none: the list prices that hold then stay, those of batches and long requests too.
    pub realtime: Option<Rates>,
    /// In a batch; none: as in real time.
    pub batch: Option<Rates>,
    /// Requests whose input is long, where they differ.
    pub long_context: Option<LongContext>,
    /// Off all prices, in percent, with at most two digits after the point.
    #[serde(default)]
    #[schema(example = 12.5)]
    pub discount_percent: f64,
    /// Further discounts by the month's volume, the smallest first.
    #[serde(default)]
    pub tiers: Vec<PriceTier>,
}

/// Prices of one way of asking, in nano-dollars for a million tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rates {
    /// Tokens read afresh.
    #[schema(example = 100_000_000)]
    pub input_nano_usd: i64,
    /// Tokens read from the provider's cache; none: as `input_nano_usd`.
    pub cached_input_nano_usd: Option<i64>,
    /// Tokens written to the cache for a short time; none: as `input_nano_usd`.
    pub cache_write_nano_usd: Option<i64>,
    /// Tokens written to the cache for a long time; none: as for a short time.
    pub cache_write_long_nano_usd: Option<i64>,
    /// Tokens written.
    #[schema(example = 500_000_000)]
    pub output_nano_usd: i64,
}

/// Prices of requests whose input is long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LongContext {
    /// From more input tokens than this on.
    pub above_tokens: u64,
    /// In real time.
    pub realtime: Rates,
    /// In a batch; none: as in real time.
    pub batch: Option<Rates>,
}

/// A lower price from some volume of a month on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PriceTier {
    /// Once so many tokens of the model were paid for in the month.
    #[schema(example = 1_000_000_000)]
    pub from_tokens: u64,
    /// Off the price, in percent.
    #[schema(example = 5)]
    pub discount_percent: f64,
}
