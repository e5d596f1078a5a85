//! What tokens cost: prices in whole nano-dollars per million tokens, and exact sums.
//!
//! Each request is summed exactly and rounded once, half up. A price that is not known is never read as free: the next
//! dearer one that is known stands in for it.

mod deal;
mod kind;
mod seed;

pub use deal::{Deal, Terms, Tier};
pub use kind::TokenKind;
pub use seed::{SEEDED_ON, SeedPrice, seed_prices};

use super::Usage;
use crate::store::NanoUsd;
use serde::{Deserialize, Serialize};

/// Prices are for so many tokens.
const PER: i128 = 1_000_000;

/// Prices of one way of asking, in nano-dollars per million tokens; `None` where the price list has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rates {
    /// Tokens read afresh.
    pub input: i64,
    /// Tokens read from the provider's cache; without a price of their own they cost as much as `input`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached_input: Option<i64>,
    /// Tokens written to the cache for a short time (5 or 30 minutes); without a price of their own, as `input`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write: Option<i64>,
    /// Tokens written to the cache for a long time (1 or 12 hours); without a price of their own, as a short write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write_long: Option<i64>,
    /// Tokens written, reasoning included.
    pub output: i64,
}

impl Rates {
    /// The dearest price of a token read, however the cache is used.
    fn dearest_input(&self) -> i64 {
        [Some(self.input), self.cached_input, self.cache_write, self.cache_write_long]
            .into_iter()
            .flatten()
            .max()
            .unwrap_or(self.input)
    }

    fn is_sound(&self) -> bool {
        let all = [self.cached_input, self.cache_write, self.cache_write_long];
        self.input >= 0 && self.output >= 0 && all.into_iter().flatten().all(|rate| rate >= 0)
    }
}

/// Prices of requests whose input is long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LongContext {
    /// A request with more input tokens than this, of all kinds together, is priced here as a whole.
    pub above_tokens: u64,
    /// Real time.
    pub realtime: Rates,
    /// In a batch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<Rates>,
}

/// The prices of one model, as they hold from some day on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Real time.
    pub realtime: Rates,
    /// In a batch; without prices of their own, batched requests cost as much as in real time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<Rates>,
    /// Prices of long requests, where they differ.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub long_context: Option<LongContext>,
}

impl Price {
    /// A request of this length has prices of its own.
    #[must_use]
    pub fn is_long(&self, input_tokens: u64) -> bool {
        self.long_context.as_ref().is_some_and(|long| input_tokens > long.above_tokens)
    }

    /// The rates that hold for a request of this length.
    #[must_use]
    pub fn rates(&self, input_tokens: u64, batch: bool) -> &Rates {
        let (realtime, batched) = match &self.long_context {
            Some(long) if self.is_long(input_tokens) => (&long.realtime, &long.batch),
            _ => (&self.realtime, &self.batch),
        };
        batched.as_ref().filter(|_| batch).unwrap_or(realtime)
    }

    /// All prices are zero or more.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let long = self.long_context.as_ref();
        [
            Some(&self.realtime),
            self.batch.as_ref(),
            long.map(|l| &l.realtime),
            long.and_then(|l| l.batch.as_ref()),
        ]
        .into_iter()
        .flatten()
        .all(Rates::is_sound)
    }
}

/// What a request cost, from the provider's own figures.
#[must_use]
pub fn cost(price: &Price, usage: &Usage, batch: bool) -> NanoUsd {
    rounded(price.rates(usage.input_tokens, batch).sum(usage))
}

/// The most that a request can cost: the longest answer, and the dearest use of the cache.
#[must_use]
pub fn worst_case(price: &Price, input_tokens: u64, max_output: u32, batch: bool) -> NanoUsd {
    rounded(worst_sum(price, input_tokens, max_output, batch))
}

fn worst_sum(price: &Price, input_tokens: u64, max_output: u32, batch: bool) -> i128 {
    let rates = price.rates(input_tokens, batch);
    i128::from(input_tokens) * i128::from(rates.dearest_input())
        + i128::from(max_output) * i128::from(rates.output)
}

/// What a request will probably cost: `cached_tokens` of its input read from the cache, an answer of the usual length.
#[must_use]
pub fn expected(
    price: &Price,
    input_tokens: u64,
    cached_tokens: u64,
    output_tokens: u64,
    batch: bool,
) -> NanoUsd {
    let usage = Usage {
        input_tokens,
        cached_tokens: cached_tokens.min(input_tokens),
        output_tokens,
        ..Usage::default()
    };
    cost(price, &usage, batch)
}

/// Rounds half up, once; saturates at the end of the range.
fn rounded(sum: i128) -> NanoUsd {
    NanoUsd(i64::try_from((sum + PER / 2).div_euclid(PER)).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::provider::ProviderKind;
    use proptest::prelude::*;

    fn seeded(model: &str) -> Price {
        seed_prices().iter().find(|row| row.model == model).unwrap().price
    }

    fn usage(input: u64, cached: u64, write: u64, long: u64, output: u64) -> Usage {
        Usage {
            input_tokens: input,
            cached_tokens: cached,
            cache_write_tokens: write,
            cache_write_long_tokens: long,
            output_tokens: output,
            reasoning_tokens: 0,
        }
    }

    #[test]
    fn each_kind_of_token_has_its_price() {
        let luna = seeded("gpt-6-luna");
        // 600 x 100 + 1,100 x 10 + 300 x 125 + 400 x 500 nano-dollars
        assert_eq!(cost(&luna, &usage(2_000, 1_100, 300, 0, 400), false), NanoUsd(308_500));
        assert_eq!(cost(&luna, &usage(2_000, 1_100, 300, 0, 400), true), NanoUsd(154_250));
        let sonnet = seeded("claude-sonnet-5-5");
        assert_eq!(cost(&sonnet, &usage(3, 0, 0, 3, 0), false), NanoUsd(12_000));
        assert_eq!(cost(&sonnet, &usage(3, 0, 0, 3, 0), true), NanoUsd(6_000));
    }

    #[test]
    fn the_sum_is_rounded_once_and_half_up() {
        let haiku = seeded("claude-haiku-5-5");
        assert_eq!(cost(&haiku, &usage(1, 0, 1, 0, 0), true), NanoUsd(63), "62.5");
        assert_eq!(cost(&haiku, &usage(2, 0, 2, 0, 0), true), NanoUsd(125));
        assert_eq!(rounded(499_999), NanoUsd(0));
        assert_eq!(rounded(500_000), NanoUsd(1));
        assert_eq!(rounded(i128::MAX / 2), NanoUsd(i64::MAX));
    }

    #[test]
    fn long_requests_have_their_own_prices() {
        let haiku = seeded("claude-haiku-5-5");
        assert_eq!(
            cost(&haiku, &usage(100_000, 90_000, 0, 0, 0), false),
            NanoUsd(10_000 * 100 + 90_000 * 10)
        );
        assert_eq!(
            cost(&haiku, &usage(100_001, 90_000, 0, 0, 0), false),
            NanoUsd(10_001 * 500 + 90_000 * 50)
        );
        let astra = seeded("gpt-6-astra");
        assert_eq!(cost(&astra, &usage(272_001, 0, 0, 0, 10), true), NanoUsd(272_001 * 10_000 + 10 * 37_500));
    }

    #[test]
    fn an_unknown_price_is_never_free() {
        let bare =
            Rates { input: 700, cached_input: None, cache_write: None, cache_write_long: None, output: 0 };
        let price = Price { realtime: bare, batch: None, long_context: None };
        for all in [usage(1_000, 1_000, 0, 0, 0), usage(1_000, 0, 1_000, 0, 0), usage(1_000, 0, 0, 1_000, 0)]
        {
            assert_eq!(cost(&price, &all, true), NanoUsd(1), "0.7 rounded");
        }
        let write = Price { realtime: Rates { cache_write: Some(900_000), ..bare }, ..price };
        assert_eq!(cost(&write, &usage(1_000, 0, 0, 1_000, 0), false), NanoUsd(900));
    }

    #[test]
    fn nonsense_figures_are_no_discount() {
        let luna = seeded("gpt-6-luna");
        assert_eq!(cost(&luna, &usage(10, 1_000, 0, 0, 0), false), NanoUsd(10_000), "never below the parts");
        let huge = usage(u64::MAX, 0, u64::MAX, 0, u64::MAX);
        assert_eq!(cost(&luna, &huge, false), NanoUsd(i64::MAX));
    }

    #[test]
    fn the_seeded_prices_are_those_of_the_list() {
        assert_eq!(SEEDED_ON, "2026-11-24");
        assert_eq!(seed_prices().len(), 12);
        let dollars = |nano: Option<i64>| nano.map(|n| n as f64 / 1e9);
        for (model, kind, input, cached, write, long, output) in [
            ("gpt-6-astra", ProviderKind::Openai, 10.0, 1.0, 12.5, 25.0, 50.0),
            ("gpt-6.1-sol", ProviderKind::Openai, 2.0, 0.1, 2.5, 5.0, 10.0),
            ("gpt-6.1-terra", ProviderKind::Openai, 1.0, 0.05, 1.25, 2.5, 5.0),
            ("gpt-6-luna", ProviderKind::Openai, 0.1, 0.01, 0.125, 0.25, 0.5),
            ("claude-fable-5-1", ProviderKind::Anthropic, 10.0, 0.25, 12.5, 20.0, 50.0),
            ("claude-opus-5-5", ProviderKind::Anthropic, 4.0, 0.2, 5.0, 8.0, 20.0),
            ("claude-sonnet-5-5", ProviderKind::Anthropic, 2.0, 0.1, 2.5, 4.0, 10.0),
            ("claude-haiku-5-5", ProviderKind::Anthropic, 0.1, 0.01, 0.125, 0.2, 0.5),
        ] {
            let row = seed_prices().iter().find(|row| row.model == model).unwrap();
            assert_eq!(row.provider, kind);
            assert!(row.price.is_sound());
            for (rates, share) in [(row.price.realtime, 1.0), (row.price.batch.unwrap(), 0.5)] {
                assert_eq!(dollars(Some(rates.input)), Some(input * share), "{model}");
                assert_eq!(dollars(rates.cached_input), Some(cached * share), "{model}");
                assert_eq!(dollars(rates.cache_write), Some(write * share), "{model}");
                assert_eq!(dollars(rates.cache_write_long), Some(long * share), "{model}");
                assert_eq!(dollars(Some(rates.output)), Some(output * share), "{model}");
            }
        }
        for (model, input, cached, output) in [
            ("gemini-4-argon", 2.0, 0.1, 10.0),
            ("gemini-4-hydrogen", 1.5, 0.075, 7.5),
            ("gemini-3.8-flash", 0.75, 0.075, 3.75),
            ("gemini-3.5-flash-lite", 0.3, 0.03, 2.5),
        ] {
            let row = seed_prices().iter().find(|row| row.model == model).unwrap();
            assert_eq!(row.provider, ProviderKind::Gemini);
            for (rates, share) in [(row.price.realtime, 1.0), (row.price.batch.unwrap(), 0.5)] {
                assert_eq!(dollars(Some(rates.input)), Some(input * share), "{model}");
                assert_eq!(dollars(rates.cached_input), Some(cached * share), "{model}");
                assert_eq!((rates.cache_write, rates.cache_write_long), (None, None), "{model}");
                assert_eq!(dollars(Some(rates.output)), Some(output * share), "{model}");
            }
        }
        let long = seeded("gpt-6.1-sol").long_context.unwrap();
        assert_eq!(
            (long.above_tokens, long.realtime.input, long.batch.unwrap().output),
            (272_000, 4_000_000_000, 7_500_000_000)
        );
        assert_eq!(seeded("claude-opus-5-5").long_context, None);
    }

    #[test]
    fn a_price_keeps_its_shape_as_json() {
        for row in seed_prices() {
            let json = serde_json::to_string(&row.price).unwrap();
            assert_eq!(serde_json::from_str::<Price>(&json).unwrap(), row.price);
        }
        let least = r#"{"realtime":{"input":1,"output":2}}"#;
        let price: Price = serde_json::from_str(least).unwrap();
        assert_eq!(serde_json::to_string(&price).unwrap(), least);
        assert!(serde_json::from_str::<Price>(r#"{"realtime":{"input":1,"output":2,"chached":1}}"#).is_err());
    }

    fn any_rates() -> impl Strategy<Value = Rates> {
        let rate = 0_i64..100_000_000_000;
        let maybe = prop::option::of(rate.clone());
        (rate.clone(), maybe.clone(), maybe.clone(), maybe, rate).prop_map(
            |(input, cached_input, cache_write, cache_write_long, output)| Rates {
                input,
                cached_input,
                cache_write,
                cache_write_long,
                output,
            },
        )
    }

    fn any_price() -> impl Strategy<Value = Price> {
        (any_rates(), prop::option::of(any_rates())).prop_map(|(realtime, batch)| Price {
            realtime,
            batch,
            long_context: None,
        })
    }

    fn any_usage() -> impl Strategy<Value = Usage> {
        (0_u64..300_000, 0_u64..300_000, 0_u64..300_000, 0_u64..300_000, 0_u64..300_000).prop_map(
            |(fresh, cached, write, long, output)| {
                usage(fresh + cached + write + long, cached, write, long, output)
            },
        )
    }

    proptest! {
        #[test]
        fn the_cost_is_the_sum_of_its_parts(price in any_price(), u in any_usage(), batch: bool) {
            let fresh = u.input_tokens - u.cached_tokens - u.cache_write_tokens - u.cache_write_long_tokens;
            let parts = [
                usage(fresh, 0, 0, 0, 0),
                usage(u.cached_tokens, u.cached_tokens, 0, 0, 0),
                usage(u.cache_write_tokens, 0, u.cache_write_tokens, 0, 0),
                usage(u.cache_write_long_tokens, 0, 0, u.cache_write_long_tokens, 0),
                usage(0, 0, 0, 0, u.output_tokens),
            ];
            let sum: i64 = parts.iter().map(|part| cost(&price, part, batch).0).sum();
            // Five roundings of at most one half each, against one.
            prop_assert!((sum - cost(&price, &u, batch).0).abs() <= 3);
        }

        #[test]
        fn the_rounding_is_within_half_a_nano_dollar(price in any_price(), u in any_usage(), batch: bool) {
            let exact = price.rates(u.input_tokens, batch).sum(&u);
            let error = i128::from(cost(&price, &u, batch).0) * PER - exact;
            prop_assert!(-PER / 2 < error && error <= PER / 2);
        }

        #[test]
        fn more_tokens_never_cost_less(price in any_price(), u in any_usage(), more in 0_u64..50_000, batch: bool) {
            let before = cost(&price, &u, batch);
            for more in [
                Usage { input_tokens: u.input_tokens + more, ..u },
                Usage { output_tokens: u.output_tokens + more, ..u },
                Usage { input_tokens: u.input_tokens + more, cached_tokens: u.cached_tokens + more, ..u },
                Usage { input_tokens: u.input_tokens + more, cache_write_tokens: u.cache_write_tokens + more, ..u },
            ] {
                prop_assert!(cost(&price, &more, batch) >= before);
            }
        }

        #[test]
        fn nothing_costs_more_than_the_worst_case(price in any_price(), u in any_usage(), batch: bool) {
            let most = worst_case(&price, u.input_tokens, u.output_tokens.try_into().unwrap(), batch);
            prop_assert!(cost(&price, &u, batch) <= most);
        }
    }
}
