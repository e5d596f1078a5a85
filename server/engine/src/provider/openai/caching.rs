//! Marks for OpenAI's prompt cache.
//!
//! From GPT-5.6 on a beginning of a prompt is written and read at breakpoints. Without any, one is set behind the latest
//! message: each student's text would be written at 1.25 times the price, and nobody would ever read it. So the mode is
//! always `explicit`, with a breakpoint behind the stable part where that is to be kept, and none where it is not. Earlier
//! models find beginnings again by themselves and refuse marks; the key helps them too.

use crate::provider::{
    Keep, SharedText,
    json::{put_shared, put_text},
};

/// What a model is told of the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Marks {
    /// The stable part is kept.
    Kept,
    /// Nothing is kept.
    Nothing,
    /// The model knows no marks; it only gets a key.
    KeyOnly,
    /// Nothing may be said: what the server knows is not known.
    Unknown,
}

impl Marks {
    pub(super) fn of(model: &str, keep: Keep) -> Self {
        match (knows_breakpoints(model), keep) {
            (false, _) => Self::KeyOnly,
            (true, Keep::Off) => Self::Nothing,
            // There is one lifetime, of half an hour.
            (true, Keep::Short | Keep::Long) => Self::Kept,
        }
    }

    /// The members of the body that stand for the whole request; `key` is the same for all that share a stable part.
    pub(super) fn put_options(self, out: &mut Vec<u8>, key: &str) {
        if matches!(self, Self::Kept | Self::KeyOnly) {
            out.extend_from_slice(b",\"prompt_cache_key\":");
            put_text(out, key);
        }
        if matches!(self, Self::Kept | Self::Nothing) {
            out.extend_from_slice(b",\"prompt_cache_options\":{\"mode\":\"explicit\"}");
        }
    }

    /// The stable part as the content of a message, in parts of this kind where it is marked.
    pub(super) fn put_stable(self, out: &mut Vec<u8>, kind: &str, stable: &SharedText) {
        if self != Self::Kept {
            put_shared(out, stable);
            return;
        }
        out.extend_from_slice(b"[{\"type\":");
        put_text(out, kind);
        out.extend_from_slice(b",\"text\":");
        put_shared(out, stable);
        out.extend_from_slice(b",\"prompt_cache_breakpoint\":{\"mode\":\"explicit\"}}]");
    }
}

/// GPT-5.6 and later, by the model's name.
fn knows_breakpoints(model: &str) -> bool {
    let Some(version) = model.strip_prefix("gpt-") else { return false };
    let version = version.split('-').next().unwrap_or_default();
    let (major, minor) = version.split_once('.').unwrap_or((version, "0"));
    let number = |text: &str| text.parse::<u32>().ok();
    number(major).zip(number(minor)).is_some_and(|version| version >= (5, 6))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_names() {
        for model in ["gpt-5.6", "gpt-5.6-luna", "gpt-5.10", "gpt-6-luna", "gpt-6.1-sol", "gpt-10"] {
            assert!(knows_breakpoints(model), "{model}");
        }
        for model in ["gpt-5.5", "gpt-5", "gpt-4o-mini", "gpt-4.1", "o3", "gpt-oss-120b", "gpt-", "my-gpt-6"]
        {
            assert!(!knows_breakpoints(model), "{model}");
        }
    }
}
