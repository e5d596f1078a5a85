//! Providers' prompt caches: what they document, and when marking prompts for them pays. Pure.
//!
//! A beginning of a prompt that is marked is written to the cache by the request that does not find it there, and read by
//! those that do. Reading is cheap, writing costs more than reading afresh: below some rate of hits a mark loses money. In
//! real time providers match exactly, so prompts are always marked. In a batch requests are answered at the same time and
//! in any order, so hits come as best they can: prompts are marked on trial, and what was measured decides.

use super::{Keep, ProviderKind, Usage, price::Terms};
use serde::{Deserialize, Serialize};

/// Shares of a hundred requests that could read their beginning from the cache and do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HitRange {
    /// At the least.
    pub low: u32,
    /// At the most.
    pub high: u32,
}

/// What a provider documents of its cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Documented {
    /// Tokens of the shortest beginning that is kept; none: this kind of server documents no cache.
    pub least_tokens: Option<u64>,
    /// Hits among the requests of a batch; none: no figure is documented.
    pub batch_hits: Option<HitRange>,
    /// Where that stands, or that it stands nowhere.
    pub source: &'static str,
}

/// What is documented for a model.
///
/// - OpenAI's guide "Prompt caching": from GPT-5.6 on 1,024 tokens at least, exact matches at breakpoints for requests with
///   the same `prompt_cache_key`, 30 minutes after the last use. Its price list has prices for cached input and cache writes
///   in batches; no page says how often batches hit.
/// - Anthropic's guide "Batch processing": both discounts stack; hits in batches are on a best-effort basis, "typically"
///   30 % to 98 %. Its guide "Prompt caching" gives the shortest prompt by model; for Haiku models it is 4,096 tokens.
/// - Google's guide "Context caching": found by itself in real time and in batches, from 1,024 to 4,096 tokens on by model,
///   and never promised. The shortest is taken, which favours real time.
#[must_use]
pub fn documented(kind: ProviderKind, model: &str) -> Documented {
    match kind {
        ProviderKind::Openai => Documented {
            least_tokens: Some(1_024),
            batch_hits: None,
            source: "OpenAI documents no rate of hits in batches",
        },
        ProviderKind::Anthropic => Documented {
            least_tokens: Some(if model.contains("haiku") { 4_096 } else { 1_024 }),
            batch_hits: Some(HitRange { low: 30, high: 98 }),
            source: "Anthropic, \"Batch processing\": typically 30 % to 98 % of requests in batches hit",
        },
        ProviderKind::Gemini => Documented {
            least_tokens: Some(1_024),
            batch_hits: None,
            source: "Google documents no rate of hits in batches",
        },
        ProviderKind::Compatible => Documented {
            least_tokens: None,
            batch_hits: None,
            source: "a compatible server documents no prompt cache",
        },
    }
}

/// Whether prompts in batches are marked for the provider's cache, as it is set for a provider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BatchCache {
    /// On trial, and from then on where what was measured pays.
    #[default]
    Auto,
    /// Never.
    Off,
    /// Always, for the shorter of the provider's times.
    Short,
    /// Always, for the longer of the provider's times, which costs more to write.
    Long,
}

/// So many answers to marked prompts are a trial; fewer say nothing.
pub const TRIAL: i64 = 500;

/// What was measured counts for so many days: where marks don't pay they are tried again after that.
pub const MEASURED_DAYS: i64 = 7;

/// Answers in batches whose prompts were read from the cache or written to it, by the providers' own figures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct Marked {
    /// Answers.
    pub answers: i64,
    /// Tokens read from the cache.
    pub cached_tokens: i64,
    /// Tokens written to it for a short time.
    pub cache_write_tokens: i64,
    /// Tokens written to it for a long time.
    pub cache_write_long_tokens: i64,
}

impl Marked {
    /// There are enough answers to go by.
    #[must_use]
    pub const fn is_enough(&self) -> bool {
        self.answers >= TRIAL
    }

    /// Of a hundred tokens that could be read from the cache, those that were; none where there were none.
    #[must_use]
    pub fn hits(&self) -> Option<u32> {
        let all = self.cached_tokens + self.cache_write_tokens + self.cache_write_long_tokens;
        let share = self.cached_tokens.checked_mul(100)?.checked_add(all / 2)?.checked_div(all)?;
        u32::try_from(share).ok()
    }

    /// Reading and writing cost less than reading all afresh would have.
    #[must_use]
    pub fn pays(&self, terms: &Terms) -> bool {
        let mean = |sum: i64| u64::try_from(sum / self.answers.max(1)).unwrap_or(0);
        let [cached, write, long] =
            [self.cached_tokens, self.cache_write_tokens, self.cache_write_long_tokens].map(mean);
        let plain = Usage { input_tokens: cached + write + long, ..Usage::default() };
        let marked = Usage {
            cached_tokens: cached,
            cache_write_tokens: write,
            cache_write_long_tokens: long,
            ..plain
        };
        terms.cost(&marked, true) < terms.cost(&plain, true)
    }
}

/// How the prompts of a batch are marked, by what is set and what was measured.
#[must_use]
pub fn keep_in_batch(set: BatchCache, measured: Option<&Marked>, terms: Option<&Terms>) -> Keep {
    match set {
        BatchCache::Off => Keep::Off,
        BatchCache::Short => Keep::Short,
        BatchCache::Long => Keep::Long,
        BatchCache::Auto => match (measured.filter(|marked| marked.is_enough()), terms) {
            (Some(marked), Some(terms)) if !marked.pays(terms) => Keep::Off,
            _ => Keep::Short,
        },
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::provider::price::{Deal, seed_prices};

    fn terms(model: &str) -> Terms {
        let row = seed_prices().iter().find(|row| row.model == model).unwrap();
        Terms::new(row.price, &Deal::default(), 0)
    }

    fn marked(answers: i64, hits: i64) -> Marked {
        let tokens = answers * 1_100;
        let cached_tokens = tokens * hits / 100;
        Marked {
            answers,
            cached_tokens,
            cache_write_tokens: tokens - cached_tokens,
            cache_write_long_tokens: 0,
        }
    }

    #[test]
    fn marks_pay_from_some_rate_of_hits_on() {
        // Writing costs 1.25 times a token, reading 0.1 or 0.05 times: from 21.7 and 20.8 hits of a hundred on.
        for (model, from) in [("gpt-6-luna", 22), ("gpt-6.1-sol", 21), ("claude-sonnet-5-5", 21)] {
            assert!(!marked(1_000, from - 1).pays(&terms(model)), "{model}");
            assert!(marked(1_000, from).pays(&terms(model)), "{model}");
        }
        // For an hour writing costs 2 times: what the guide calls typical loses at its lower end.
        let long = |hits| Marked {
            cache_write_long_tokens: marked(1_000, hits).cache_write_tokens,
            cache_write_tokens: 0,
            ..marked(1_000, hits)
        };
        assert!(!long(30).pays(&terms("claude-sonnet-5-5")) && long(60).pays(&terms("claude-sonnet-5-5")));
        assert_eq!(marked(1_000, 30).hits(), Some(30));
        assert_eq!(Marked::default().hits(), None);
    }

    #[test]
    fn a_trial_comes_first_and_what_it_measured_decides() {
        let luna = terms("gpt-6-luna");
        let auto = |measured: Option<Marked>| keep_in_batch(BatchCache::Auto, measured.as_ref(), Some(&luna));
        assert_eq!(auto(None), Keep::Short);
        assert_eq!(auto(Some(marked(TRIAL - 1, 0))), Keep::Short, "too few to say anything");
        assert_eq!(auto(Some(marked(TRIAL, 0))), Keep::Off);
        assert_eq!(auto(Some(marked(TRIAL, 90))), Keep::Short);
        for (set, keep) in
            [(BatchCache::Off, Keep::Off), (BatchCache::Short, Keep::Short), (BatchCache::Long, Keep::Long)]
        {
            assert_eq!(keep_in_batch(set, Some(&marked(TRIAL, 0)), Some(&luna)), keep);
        }
    }
}
