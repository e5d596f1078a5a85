//! The ledger: every request that was answered, and so paid for, exactly once.

use serde::{Deserialize, Serialize};

/// One answered request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
pub struct LedgerLine {
    /// `openai`, `anthropic` or `gemini`.
    pub provider: String,
    /// The batch that it was a part of; none for a real-time call.
    pub batch_id: Option<String>,
    /// Its custom id in the batch; none for a real-time call.
    pub custom_id: Option<String>,
    /// The model that answered.
    pub model: String,
    /// SHA-256 in hex over the model and all texts of the prompt in their order.
    pub prompt_digest: String,
    /// All input tokens, cached ones included.
    pub input_tokens: i64,
    /// Of them, read from the cache.
    pub cached_tokens: i64,
    /// Of them, written to the cache, for whichever lifetime.
    pub cache_write_tokens: i64,
    /// Of the written ones, those written for the long lifetime (Anthropic 1 hour, OpenAI 12 hours).
    pub cache_write_long_tokens: i64,
    /// Output tokens.
    pub output_tokens: i64,
    /// What it cost, in nano-dollars.
    pub price_nano_usd: i64,
    /// The `id` of the answer's body.
    pub response_id: String,
    /// Whether the answer is whole, as asked for, and was given out in a readable way.
    pub usable: bool,
    /// When it was answered, in unix milliseconds.
    pub answered_at_ms: i64,
}

/// Totals of the ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
pub struct LedgerSummary {
    /// All lines.
    pub lines: i64,
    /// Lines of batches.
    pub batch_lines: i64,
    /// Lines of real-time calls.
    pub realtime_lines: i64,
    /// Lines whose answer is usable.
    pub usable_lines: i64,
    /// Custom ids with more than one usable answer in batches.
    pub custom_ids_answered_twice: i64,
    /// Sum of input tokens.
    pub input_tokens: i64,
    /// Sum of cached tokens.
    pub cached_tokens: i64,
    /// Sum of tokens written to the cache.
    pub cache_write_tokens: i64,
    /// Sum of output tokens.
    pub output_tokens: i64,
    /// Sum of prices in nano-dollars.
    pub price_nano_usd: i64,
}
