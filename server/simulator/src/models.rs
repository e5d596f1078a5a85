//! The models that can be asked for, their prices, and what a request costs.
//!
//! Prices are whole nano-dollars per million tokens, from LiteLLM's public price table as of 2026-11-24. In it every
//! batch rate is half the real-time rate, so only the latter are listed. The table has no one-hour (Anthropic) or
//! twelve-hour (OpenAI) cache-write rate for long contexts; there the same multiple of the input rate is taken as for
//! short ones (2 and 2.5).

use serde::{Deserialize, Serialize};

/// A provider whose interface is simulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    /// OpenAI, under `/openai/v1`.
    OpenAi,
    /// Anthropic, under `/anthropic/v1`.
    Anthropic,
    /// Google Gemini, under `/gemini/v1beta`.
    Gemini,
}

impl Provider {
    /// The name in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
        }
    }
}

/// Prices in nano-dollars per million tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    /// Input that is neither read from nor written to the cache.
    pub input: i64,
    /// Input read from the cache.
    pub cached: i64,
    /// Input written to the cache for the short lifetime (Anthropic 5 minutes, OpenAI 30 minutes).
    pub write: i64,
    /// Input written to the cache for the long lifetime (Anthropic 1 hour, OpenAI 12 hours).
    pub write_long: i64,
    /// Output.
    pub output: i64,
}

/// A model that the simulator offers.
#[derive(Clone, Copy, Debug)]
pub struct Model {
    /// Whose model it is.
    pub provider: Provider,
    /// The id by which it is asked for.
    pub id: &'static str,
    /// The name for people.
    pub name: &'static str,
    /// The most input tokens of a request.
    pub context: u64,
    /// The most output tokens of a request.
    pub max_output: u64,
    /// The shortest prefix that is cached, in tokens.
    pub min_cached: u64,
    /// Real-time prices.
    pub rates: Rates,
    /// Prices of a whole request when its total input is above so many tokens.
    pub long: Option<(u64, Rates)>,
}

/// Which price list a request falls under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// A call answered at once.
    Realtime,
    /// A line of a batch: half price.
    Batch,
}

/// The tokens of one request, as it is charged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// All input: plain, read from the cache and written to it.
    pub input: u64,
    /// Of it, read from the cache.
    pub cached: u64,
    /// Of it, written to the cache for the short lifetime.
    pub write: u64,
    /// Of it, written to the cache for the long lifetime.
    pub write_long: u64,
    /// Output.
    pub output: u64,
}

impl Usage {
    /// Input neither read from nor written to the cache.
    pub fn plain(&self) -> u64 {
        self.input - self.cached - self.write - self.write_long
    }

    /// Adds the counts of another request.
    pub fn add(&mut self, other: &Self) {
        self.input += other.input;
        self.cached += other.cached;
        self.write += other.write;
        self.write_long += other.write_long;
        self.output += other.output;
    }
}

const DOLLAR: f64 = 1e9;

/// Rates from dollars per million tokens, as price tables print them.
const fn rates(input: f64, cached: f64, write: f64, write_long: f64, output: f64) -> Rates {
    const fn nano(dollars: f64) -> i64 {
        // Half a nano-dollar against the binary fraction of a decimal price; prices are positive.
        (dollars * DOLLAR + 0.5) as i64
    }
    Rates {
        input: nano(input),
        cached: nano(cached),
        write: nano(write),
        write_long: nano(write_long),
        output: nano(output),
    }
}

const fn openai(id: &'static str, name: &'static str, rates: Rates, long: Rates) -> Model {
    Model {
        provider: Provider::OpenAi,
        id,
        name,
        context: 922_000,
        max_output: 128_000,
        min_cached: 1_024,
        rates,
        long: Some((272_000, long)),
    }
}

const fn anthropic(
    id: &'static str,
    name: &'static str,
    min_cached: u64,
    rates: Rates,
    long: Option<(u64, Rates)>,
) -> Model {
    Model {
        provider: Provider::Anthropic,
        id,
        name,
        context: 1_000_000,
        max_output: 128_000,
        min_cached,
        rates,
        long,
    }
}

/// Nothing is charged for writing to Gemini's cache beyond the input itself.
const fn gemini(id: &'static str, name: &'static str, max_output: u64, prices: [f64; 3]) -> Model {
    let [input, cached, output] = prices;
    Model {
        provider: Provider::Gemini,
        id,
        name,
        context: 1_048_576,
        max_output,
        min_cached: 1_024,
        rates: rates(input, cached, input, input, output),
        long: None,
    }
}

/// Every model, dearest first within its provider.
pub const MODELS: &[Model] = &[
    openai(
        "gpt-6-astra",
        "GPT-6 Astra",
        rates(10.0, 1.0, 12.5, 25.0, 50.0),
        rates(20.0, 2.0, 25.0, 50.0, 75.0),
    ),
    openai("gpt-6.1-sol", "GPT-6.1 Sol", rates(2.0, 0.1, 2.5, 5.0, 10.0), rates(4.0, 0.2, 5.0, 10.0, 15.0)),
    openai(
        "gpt-6.1-terra",
        "GPT-6.1 Terra",
        rates(1.0, 0.05, 1.25, 2.5, 5.0),
        rates(2.0, 0.1, 2.5, 5.0, 7.5),
    ),
    openai("gpt-6-luna", "GPT-6 Luna", rates(0.1, 0.01, 0.125, 0.25, 0.5), rates(0.2, 0.02, 0.25, 0.5, 0.75)),
    anthropic("claude-fable-5-1", "Claude Fable 5.1", 1_024, rates(10.0, 0.25, 12.5, 20.0, 50.0), None),
    anthropic("claude-opus-5-5", "Claude Opus 5.5", 1_024, rates(4.0, 0.2, 5.0, 8.0, 20.0), None),
    anthropic("claude-sonnet-5-5", "Claude Sonnet 5.5", 1_024, rates(2.0, 0.1, 2.5, 4.0, 10.0), None),
    anthropic(
        "claude-haiku-5-5",
        "Claude Haiku 5.5",
        4_096,
        rates(0.1, 0.01, 0.125, 0.2, 0.5),
        Some((100_000, rates(0.5, 0.05, 0.625, 1.0, 2.5))),
    ),
    gemini("gemini-4-argon", "Gemini 4 Argon", 1_048_576, [2.0, 0.1, 10.0]),
    gemini("gemini-4-hydrogen", "Gemini 4 Hydrogen", 1_048_576, [1.5, 0.075, 7.5]),
    gemini("gemini-3.8-flash", "Gemini 3.8 Flash", 65_536, [0.75, 0.075, 3.75]),
    gemini("gemini-3.5-flash-lite", "Gemini 3.5 Flash Lite", 65_536, [0.3, 0.03, 2.5]),
];

impl Model {
    /// The model of a provider with this id.
    pub fn find(provider: Provider, id: &str) -> Option<&'static Model> {
        MODELS.iter().find(|model| model.provider == provider && model.id == id)
    }

    /// All models of a provider.
    pub fn of(provider: Provider) -> impl Iterator<Item = &'static Model> {
        MODELS.iter().filter(move |model| model.provider == provider)
    }

    /// The cost of a request in nano-dollars: each kind of token times its price, summed exactly, then divided once
    /// and rounded half up.
    pub fn cost(&self, tier: Tier, usage: &Usage) -> i64 {
        let rates = match self.long {
            Some((above, long)) if usage.input > above => long,
            _ => self.rates,
        };
        let part = |tokens: u64, rate: i64| i128::from(tokens) * i128::from(rate);
        let sum = part(usage.plain(), rates.input)
            + part(usage.cached, rates.cached)
            + part(usage.write, rates.write)
            + part(usage.write_long, rates.write_long)
            + part(usage.output, rates.output);
        let per = match tier {
            Tier::Realtime => 1_000_000,
            // Half price, without halving the rates first.
            Tier::Batch => 2_000_000,
        };
        i64::try_from((sum + per / 2) / per).unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn model(id: &str) -> &'static Model {
        MODELS.iter().find(|m| m.id == id).unwrap()
    }

    #[test]
    fn prices_are_exact_nano_dollars() {
        assert_eq!(
            model("gpt-6-luna").rates,
            Rates {
                input: 100_000_000,
                cached: 10_000_000,
                write: 125_000_000,
                write_long: 250_000_000,
                output: 500_000_000
            }
        );
        assert_eq!(model("claude-fable-5-1").rates.cached, 250_000_000);
        assert_eq!(model("gpt-6.1-terra").long.unwrap().1.cached, 100_000_000);
    }

    #[test]
    fn each_kind_of_token_has_its_price_and_the_sum_is_rounded_once() {
        let usage = Usage { input: 2_000, cached: 1_100, write: 300, write_long: 0, output: 400 };
        // 600 x 100 + 1,100 x 10 + 300 x 125 + 400 x 500 = 308,500 nano-dollars in real time.
        assert_eq!(model("gpt-6-luna").cost(Tier::Realtime, &usage), 308_500);
        assert_eq!(model("gpt-6-luna").cost(Tier::Batch, &usage), 154_250);
        // One cached token in a batch costs 5 nano-dollars; a written one 62.5, rounded up.
        let cached = Usage { input: 1, cached: 1, ..Usage::default() };
        assert_eq!(model("claude-haiku-5-5").cost(Tier::Batch, &cached), 5);
        let write = Usage { input: 1, write: 1, ..Usage::default() };
        assert_eq!(model("claude-haiku-5-5").cost(Tier::Batch, &write), 63);
        let two = Usage { input: 2, write: 2, ..Usage::default() };
        assert_eq!(model("claude-haiku-5-5").cost(Tier::Batch, &two), 125);
        let hour = Usage { input: 3, write_long: 3, ..Usage::default() };
        assert_eq!(model("claude-sonnet-5-5").cost(Tier::Realtime, &hour), 12_000);
    }

    #[test]
    fn long_contexts_are_priced_by_their_total_input() {
        let haiku = model("claude-haiku-5-5");
        let at = Usage { input: 100_000, cached: 90_000, ..Usage::default() };
        let above = Usage { input: 100_001, cached: 90_000, ..Usage::default() };
        assert_eq!(haiku.cost(Tier::Realtime, &at), 10_000 * 100 + 90_000 * 10);
        assert_eq!(haiku.cost(Tier::Realtime, &above), 10_001 * 500 + 90_000 * 50);
        let astra = Usage { input: 272_001, output: 10, ..Usage::default() };
        assert_eq!(model("gpt-6-astra").cost(Tier::Batch, &astra), 272_001 * 10_000 + 10 * 37_500);
    }
}
