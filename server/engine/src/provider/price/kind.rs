//! The kinds of token that have a price of their own.

use super::Rates;
use crate::provider::Usage;

/// A kind of token with a price of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TokenKind {
    /// Read afresh.
    Input,
    /// Read from the provider's cache.
    CachedInput,
    /// Written to the cache for a short time.
    CacheWrite,
    /// Written to the cache for a long time.
    CacheWriteLong,
    /// Written, reasoning included.
    Output,
}

impl TokenKind {
    /// All of them, in the order of [`Rates::parts`].
    pub const ALL: [Self; 5] =
        [Self::Input, Self::CachedInput, Self::CacheWrite, Self::CacheWriteLong, Self::Output];
}

impl Usage {
    /// Tokens by kind, in the order of [`TokenKind::ALL`]; none is counted twice.
    #[must_use]
    pub fn by_kind(&self) -> [u64; 5] {
        let apart = i128::from(self.cached_tokens)
            + i128::from(self.cache_write_tokens)
            + i128::from(self.cache_write_long_tokens);
        // Nonsense figures, with more apart than there is in all, leave nothing fresh.
        let fresh = u64::try_from(i128::from(self.input_tokens) - apart).unwrap_or(0);
        [fresh, self.cached_tokens, self.cache_write_tokens, self.cache_write_long_tokens, self.output_tokens]
    }
}

impl Rates {
    /// The price of each kind of token, in the order of [`TokenKind::ALL`]: where one is not known, the one that stands
    /// in for it.
    #[must_use]
    pub fn by_kind(&self) -> [i64; 5] {
        let write = self.cache_write.unwrap_or(self.input);
        [
            self.input,
            self.cached_input.unwrap_or(self.input),
            write,
            self.cache_write_long.unwrap_or(write),
            self.output,
        ]
    }

    /// The exact sum over a usage, in nano-dollars times a million.
    pub(super) fn sum(&self, usage: &Usage) -> i128 {
        let parts = usage.by_kind().into_iter().zip(self.by_kind());
        parts.map(|(tokens, rate)| i128::from(tokens) * i128::from(rate)).sum()
    }
}
