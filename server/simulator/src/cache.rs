//! The prompt cache: identical beginnings of prompts, kept for a while after their last use.
//!
//! Both providers cache at breakpoints. Anthropic's are the blocks marked with `cache_control`. OpenAI's (from the
//! GPT-5.6 family on) are the blocks marked with `prompt_cache_breakpoint` and, unless switched off, the latest message of
//! the user. A prefix is found again only where a breakpoint was written, and only if every byte before it is the same. In
//! batches it is found by some of the requests only.

use std::{collections::HashMap, sync::Mutex};

use chrono::{DateTime, Duration, Utc};

/// How long a written prefix lives after its last use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Life {
    pub(crate) minutes: i64,
    /// Whether it is charged as the longer of the provider's two lifetimes.
    pub(crate) long: bool,
}

impl Life {
    pub(crate) const FIVE_MINUTES: Life = Life { minutes: 5, long: false };
    pub(crate) const THIRTY_MINUTES: Life = Life { minutes: 30, long: false };
    pub(crate) const ONE_HOUR: Life = Life { minutes: 60, long: true };
    pub(crate) const TWELVE_HOURS: Life = Life { minutes: 720, long: true };
}

/// A place in a prompt at which a cached prefix may end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Boundary {
    /// Stands for every byte up to here, and for the provider, the model and the caller's cache key.
    pub(crate) key: u128,
    /// Tokens up to here.
    pub(crate) tokens: u64,
    /// Whether a prefix that ends here is written, and for how long; else it is only looked for.
    pub(crate) write: Option<Life>,
}

/// What the cache did for one prompt, in tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cached {
    pub(crate) read: u64,
    pub(crate) write: u64,
    pub(crate) write_long: u64,
}

#[derive(Debug)]
struct Entry {
    life: Life,
    until: DateTime<Utc>,
}

/// How many prefixes are kept; when full, the dead ones go, and then, if need be, all.
const MAX_ENTRIES: usize = 200_000;

/// The cached prefixes of all models.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    entries: Mutex<HashMap<u128, Entry>>,
}

impl Cache {
    /// Looks for the longest cached prefix, then writes those that are to be written. `boundaries` are in the order
    /// of the prompt; prefixes shorter than `min` tokens are neither found nor written. A request that is not to find any
    /// (`finds` is false) writes what others have written before it once more.
    pub(crate) fn apply(&self, now: DateTime<Utc>, boundaries: &[Boundary], min: u64, finds: bool) -> Cached {
        let mut cached = Cached::default();
        if !boundaries.iter().any(|b| b.tokens >= min) {
            return cached;
        }
        let mut entries = self.entries.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        for boundary in boundaries.iter().rev().filter(|b| finds && b.tokens >= min) {
            if let Some(entry) = entries.get_mut(&boundary.key)
                && entry.until > now
            {
                entry.until = now + Duration::minutes(entry.life.minutes);
                cached.read = boundary.tokens;
                break;
            }
        }
        let mut done = cached.read;
        for boundary in boundaries.iter().filter(|b| b.tokens >= min) {
            let Some(life) = boundary.write else { continue };
            if boundary.tokens > done {
                let tokens = boundary.tokens - done;
                if life.long {
                    cached.write_long += tokens;
                } else {
                    cached.write += tokens;
                }
                done = boundary.tokens;
            }
            let until = now + Duration::minutes(life.minutes);
            let entry = entries.entry(boundary.key).or_insert(Entry { life, until });
            if until > entry.until {
                *entry = Entry { life, until };
            }
        }
        if entries.len() > MAX_ENTRIES {
            entries.retain(|_, entry| entry.until > now);
            if entries.len() > MAX_ENTRIES {
                entries.clear();
            }
        }
        cached
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap() + Duration::minutes(minutes)
    }

    fn write(key: u128, tokens: u64, life: Life) -> Boundary {
        Boundary { key, tokens, write: Some(life) }
    }

    fn look(key: u128, tokens: u64) -> Boundary {
        Boundary { key, tokens, write: None }
    }

    #[test]
    fn a_prefix_is_written_once_and_then_read() {
        let cache = Cache::default();
        let prompt = [write(1, 1_500, Life::FIVE_MINUTES), look(2, 2_000)];
        assert_eq!(cache.apply(at(0), &prompt, 1_024, true), Cached { write: 1_500, ..Cached::default() });
        assert_eq!(cache.apply(at(1), &prompt, 1_024, true), Cached { read: 1_500, ..Cached::default() });
        let other = [write(9, 1_500, Life::FIVE_MINUTES)];
        assert_eq!(cache.apply(at(1), &other, 1_024, true), Cached { write: 1_500, ..Cached::default() });
    }

    #[test]
    fn who_does_not_find_writes_again() {
        let cache = Cache::default();
        let prompt = [write(1, 1_500, Life::FIVE_MINUTES)];
        for _ in 0..2 {
            assert_eq!(
                cache.apply(at(0), &prompt, 1_024, false),
                Cached { write: 1_500, ..Cached::default() }
            );
        }
        assert_eq!(cache.apply(at(1), &prompt, 1_024, true).read, 1_500);
    }

    #[test]
    fn short_prefixes_are_not_cached() {
        let cache = Cache::default();
        let prompt = [write(1, 1_023, Life::FIVE_MINUTES)];
        assert_eq!(cache.apply(at(0), &prompt, 1_024, true), Cached::default());
        assert_eq!(cache.apply(at(0), &prompt, 1_024, true), Cached::default());
    }

    #[test]
    fn use_renews_the_lifetime_and_disuse_ends_it() {
        let cache = Cache::default();
        let prompt = [write(1, 2_000, Life::FIVE_MINUTES)];
        cache.apply(at(0), &prompt, 1_024, true);
        assert_eq!(cache.apply(at(4), &prompt, 1_024, true).read, 2_000);
        assert_eq!(cache.apply(at(8), &prompt, 1_024, true).read, 2_000, "renewed at minute 4");
        assert_eq!(cache.apply(at(13), &prompt, 1_024, true).read, 0, "5 minutes after the last use");
        let hour = [write(2, 2_000, Life::ONE_HOUR)];
        assert_eq!(cache.apply(at(0), &hour, 1_024, true).write_long, 2_000);
        assert_eq!(cache.apply(at(59), &hour, 1_024, true).read, 2_000);
    }

    #[test]
    fn the_longest_prefix_is_read_and_only_the_rest_written() {
        let cache = Cache::default();
        cache.apply(at(0), &[write(1, 2_000, Life::ONE_HOUR)], 1_024, true);
        let longer = [write(1, 2_000, Life::ONE_HOUR), write(2, 3_000, Life::FIVE_MINUTES)];
        assert_eq!(
            cache.apply(at(1), &longer, 1_024, true),
            Cached { read: 2_000, write: 1_000, write_long: 0 }
        );
        assert_eq!(cache.apply(at(2), &longer, 1_024, true), Cached { read: 3_000, ..Cached::default() });
    }
}
