//! Samples of prices.

use super::now;
use chrono::TimeDelta;
use quire_app::view::*;

fn price(model: &str, whose: &str, standing: PriceStanding, cents: i64, deal: &[&str]) -> BookPrice {
    let usd = |cents: i64| NanoUsd(cents * 10_000_000);
    let days = if standing == PriceStanding::Coming { -12 } else { 40 };
    BookPrice {
        model: model.to_owned(),
        whose: whose.to_owned(),
        from: now() - TimeDelta::days(days),
        standing,
        realtime: (usd(cents), Some(NanoUsd(cents * 1_000_000)), usd(cents * 5)),
        batch: (model != "local-7b").then(|| (usd(cents / 2), None, usd(cents * 5 / 2))),
        long_above: model.starts_with("claude").then_some(100_000),
        deal: deal.iter().map(|&words| words.to_owned()).collect(),
    }
}

/// A book with own and listed prices, or one of a Quire without providers.
pub fn prices(empty: bool) -> Prices {
    use PriceStanding::{Coming, Holds, Past};
    let tiers =
        ["12.5 % off", "a further 5 % off from 1.0 bn tokens a month on", "412 m tokens this month so far"];
    let used = vec![
        price("claude-haiku-5-5", "every Anthropic provider", Holds, 10, &[]),
        price("gpt-6-luna", "openai alone", Coming, 8, &["12.5 % off"]),
        price("gpt-6-luna", "openai alone", Holds, 10, &tiers),
        price("local-7b", "campus alone", Holds, 2, &[]),
    ];
    Prices {
        used: if empty { Vec::new() } else { used },
        others: vec![
            price("gpt-6-astra", "every OpenAI provider", Holds, 1_000, &[]),
            price("gpt-6-luna", "every OpenAI provider", Past, 12, &[]),
        ],
    }
}
