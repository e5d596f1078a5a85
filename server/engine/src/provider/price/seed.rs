//! The prices that a new installation begins with: LiteLLM's public price table as read on [`SEEDED_ON`].
//!
//! In it every batch rate is half the real-time rate, so only the latter are written here. It has no long cache-write
//! rate for long contexts; there the same multiple of the input rate is taken as for short ones.

use super::{LongContext, Price, Rates};
use crate::provider::ProviderKind;

/// The day on which the table was read, from which these prices are taken to hold.
pub const SEEDED_ON: &str = "2026-11-24";

/// One row of the price book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeedPrice {
    /// Whose model it is.
    pub provider: ProviderKind,
    /// The model's name at the provider.
    pub model: &'static str,
    /// The first day of these prices, as `YYYY-MM-DD`.
    pub valid_from: &'static str,
    /// The prices.
    pub price: Price,
}

/// Thousandths of a dollar per million tokens: input, cached input, cache write, long cache write, output.
type Milli = [i64; 5];

/// A model of Gemini's: nothing is charged for writing to its cache, and no price differs for long requests.
const fn gemini(model: &'static str, [input, cached, output]: [i64; 3]) -> SeedPrice {
    const fn no_writes(rates: Rates) -> Rates {
        Rates { cache_write: None, cache_write_long: None, ..rates }
    }
    let milli = [input, cached, 0, 0, output];
    let price = Price {
        realtime: no_writes(rates(milli, 2)),
        batch: Some(no_writes(rates(milli, 1))),
        long_context: None,
    };
    SeedPrice { provider: ProviderKind::Gemini, model, valid_from: SEEDED_ON, price }
}

/// Nano-dollars from thousandths of a dollar; the half of them is exact, too.
const fn rates(milli: Milli, halves: i64) -> Rates {
    const NANO_HALF: i64 = 500_000;
    let [input, cached, write, long, output] = milli;
    Rates {
        input: input * NANO_HALF * halves,
        cached_input: Some(cached * NANO_HALF * halves),
        cache_write: Some(write * NANO_HALF * halves),
        cache_write_long: Some(long * NANO_HALF * halves),
        output: output * NANO_HALF * halves,
    }
}

const fn row(
    provider: ProviderKind,
    model: &'static str,
    short: Milli,
    long: Option<(u64, Milli)>,
) -> SeedPrice {
    let long_context = match long {
        Some((above_tokens, milli)) => {
            Some(LongContext { above_tokens, realtime: rates(milli, 2), batch: Some(rates(milli, 1)) })
        }
        None => None,
    };
    let price = Price { realtime: rates(short, 2), batch: Some(rates(short, 1)), long_context };
    SeedPrice { provider, model, valid_from: SEEDED_ON, price }
}

const OPENAI_LONG: u64 = 272_000;

static ROWS: [SeedPrice; 12] = {
    use ProviderKind::{Anthropic, Openai};
    [
        row(
            Openai,
            "gpt-6-astra",
            [10_000, 1_000, 12_500, 25_000, 50_000],
            Some((OPENAI_LONG, [20_000, 2_000, 25_000, 50_000, 75_000])),
        ),
        row(
            Openai,
            "gpt-6.1-sol",
            [2_000, 100, 2_500, 5_000, 10_000],
            Some((OPENAI_LONG, [4_000, 200, 5_000, 10_000, 15_000])),
        ),
        row(
            Openai,
            "gpt-6.1-terra",
            [1_000, 50, 1_250, 2_500, 5_000],
            Some((OPENAI_LONG, [2_000, 100, 2_500, 5_000, 7_500])),
        ),
        row(Openai, "gpt-6-luna", [100, 10, 125, 250, 500], Some((OPENAI_LONG, [200, 20, 250, 500, 750]))),
        row(Anthropic, "claude-fable-5-1", [10_000, 250, 12_500, 20_000, 50_000], None),
        row(Anthropic, "claude-opus-5-5", [4_000, 200, 5_000, 8_000, 20_000], None),
        row(Anthropic, "claude-sonnet-5-5", [2_000, 100, 2_500, 4_000, 10_000], None),
        row(
            Anthropic,
            "claude-haiku-5-5",
            [100, 10, 125, 200, 500],
            Some((100_000, [500, 50, 625, 1_000, 2_500])),
        ),
        gemini("gemini-4-argon", [2_000, 100, 10_000]),
        gemini("gemini-4-hydrogen", [1_500, 75, 7_500]),
        gemini("gemini-3.8-flash", [750, 75, 3_750]),
        gemini("gemini-3.5-flash-lite", [300, 30, 2_500]),
    ]
};

/// The prices that a new installation begins with.
#[must_use]
pub fn seed_prices() -> &'static [SeedPrice] {
    &ROWS
}
