//! Counting tokens. OpenAI's o200k vocabulary stands in for every model's.

use std::{
    cell::RefCell,
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::Mutex,
};

/// Texts shorter than this are counted faster than they are looked up.
const MIN_REMEMBERED: usize = 512;
/// How many counts are remembered before all are forgotten.
const MAX_REMEMBERED: usize = 4_096;

/// Counts tokens and remembers the counts of long texts, since rubrics and instructions come again and again.
#[derive(Debug, Default)]
pub(crate) struct Counter {
    /// By hash and length of the text. The hash is keyed at random, so no text can be made to collide.
    counts: Mutex<HashMap<(u64, usize), u64>>,
    hasher: RandomState,
}

impl Counter {
    /// The number of tokens of a text that is likely to come again.
    pub(crate) fn shared(&self, text: &str) -> u64 {
        if text.len() < MIN_REMEMBERED {
            return count(text);
        }
        let key = (self.hasher.hash_one(text), text.len());
        if let Some(count) = self.lock().get(&key) {
            return *count;
        }
        let count = count(text);
        let mut counts = self.lock();
        if counts.len() >= MAX_REMEMBERED {
            counts.clear();
        }
        counts.insert(key, count);
        count
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<(u64, usize), u64>> {
        self.counts.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// Words longer than this are counted anew each time.
const MAX_WORD: usize = 24;
/// How many words a thread remembers before it forgets all.
const MAX_WORDS: usize = 30_000;

thread_local! {
    /// The tokens of words that were counted before: few words make up most of any text.
    static WORDS: RefCell<HashMap<Box<str>, u8>> = RefCell::default();
}

/// The number of tokens of a text.
pub(crate) fn count(text: &str) -> u64 {
    let tokenizer = bpe_openai::o200k_base();
    WORDS.with_borrow_mut(|words| {
        let mut count = 0;
        for word in tokenizer.split(text) {
            if word.len() > MAX_WORD {
                count += tokenizer.bpe.count(word.as_bytes()) as u64;
            } else if let Some(known) = words.get(word) {
                count += u64::from(*known);
            } else {
                let tokens = tokenizer.bpe.count(word.as_bytes());
                count += tokens as u64;
                if words.len() >= MAX_WORDS {
                    words.clear();
                }
                // A word has no more tokens than bytes.
                words.insert(word.into(), u8::try_from(tokens).unwrap_or(u8::MAX));
            }
        }
        count
    })
}

/// The beginning of a text that is so many tokens long; half a character at the end is left out.
pub(crate) fn cut(text: &str, tokens: u64) -> String {
    let tokenizer = bpe_openai::o200k_base();
    let mut all = tokenizer.encode(text);
    all.truncate(usize::try_from(tokens).unwrap_or(usize::MAX));
    let bytes = tokenizer.bpe.decode_tokens(&all);
    let valid = match std::str::from_utf8(&bytes) {
        Ok(_) => bytes.len(),
        Err(error) => error.valid_up_to(),
    };
    String::from_utf8_lossy(&bytes[..valid]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembered_counts_are_the_same() {
        let counter = Counter::default();
        let text = "The rubric has six levels. ".repeat(60);
        assert_eq!(counter.shared(&text), count(&text));
        assert_eq!(counter.shared(&text), count(&text));
        assert_eq!(count("hello world"), 2);
        assert_eq!(count(&text), bpe_openai::o200k_base().count(text.as_str()) as u64);
        let mixed = "Grüße, 你好!  don't 12345\n\n\tA_very-long.unbreakableidentifier_of_many_letters 🙂";
        for _ in 0..2 {
            assert_eq!(count(mixed), bpe_openai::o200k_base().count(mixed) as u64);
        }
        assert_eq!(count(""), 0);
    }

    #[test]
    fn cutting_keeps_whole_characters() {
        let text = "Grüße 🙂🙂 an alle";
        for tokens in 0..12 {
            let part = cut(text, tokens);
            assert!(text.starts_with(&part), "{part:?}");
        }
        assert_eq!(cut(text, 1_000), text);
    }
}
