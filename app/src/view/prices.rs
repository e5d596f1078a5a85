//! What the page of prices shows.

use super::NanoUsd;
use chrono::{DateTime, Utc};

/// The price book.
#[derive(Clone, Debug, PartialEq)]
pub struct Prices {
    /// Those that hold or will, of models that are in use.
    pub used: Vec<BookPrice>,
    /// All others.
    pub others: Vec<BookPrice>,
}

/// How a price stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PriceStanding {
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
    /// The model.
    pub model: String,
    /// Whose it is: "openai alone", or "every OpenAI provider".
    pub whose: String,
    /// From when on.
    pub from: DateTime<Utc>,
    /// How it stands.
    pub standing: PriceStanding,
    /// For a million tokens in real time: read, read from the cache, written.
    pub realtime: (NanoUsd, Option<NanoUsd>, NanoUsd),
    /// The same in batches; none: as in real time.
    pub batch: Option<(NanoUsd, Option<NanoUsd>, NanoUsd)>,
    /// Long requests have prices of their own, from more tokens than this on.
    pub long_above: Option<u64>,
    /// What was negotiated, each in words.
    pub deal: Vec<String>,
}
