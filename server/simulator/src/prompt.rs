//! A request in the one form that all interfaces are brought to.

use std::{borrow::Cow, sync::Arc};

use sha2::{Digest, Sha256};

use crate::{
    answer::Schema,
    cache::{Boundary, Life},
    models::Model,
    tokens::{self, Counter},
};

/// Who says a part of a prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Schemas and tools, which providers put before everything else.
    Format,
    System,
    User,
    Assistant,
}

impl Role {
    fn as_str(self) -> &'static str {
        match self {
            Role::Format => "format",
            Role::System => "system",
            Role::User => "user",
            Role::Assistant => "assistant",
        }
    }
}

/// Whether a cached prefix may end after a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    None,
    /// A prefix written by an earlier request is looked for.
    Look,
    /// A prefix is looked for and written.
    Write(Life),
}

/// A piece of text in a prompt.
#[derive(Clone, Debug)]
pub(crate) struct Part<'a> {
    pub(crate) role: Role,
    pub(crate) text: Cow<'a, str>,
    pub(crate) mark: Mark,
    /// Whether it begins a message: each message costs a few tokens of its own.
    pub(crate) opens: bool,
}

/// How the answer is to look.
#[derive(Clone, Debug)]
pub(crate) enum Format {
    /// Prose.
    Text,
    /// Any JSON object.
    Object,
    /// JSON by a schema, in the text of the answer.
    Schema(Arc<Schema>),
    /// JSON by a schema, as the input of a tool with this name.
    Tool(String, Arc<Schema>),
}

/// A request for an answer.
#[derive(Clone, Debug)]
pub(crate) struct Prompt<'a> {
    pub(crate) model: &'static Model,
    pub(crate) parts: Vec<Part<'a>>,
    pub(crate) format: Format,
    pub(crate) max_output: Option<u64>,
    /// The caller's own division of the cache (OpenAI's `prompt_cache_key`).
    pub(crate) cache_key: Option<Cow<'a, str>>,
}

/// Tokens that each message costs beside its text.
const PER_MESSAGE: u64 = 4;
/// Tokens that open the answer; they follow the last message and are never cached.
const OPENING: u64 = 3;

/// The size and identity of a prompt.
#[derive(Debug)]
pub(crate) struct Measured {
    /// All input tokens.
    pub(crate) tokens: u64,
    /// SHA-256 over the model and all parts.
    pub(crate) digest: [u8; 32],
    /// Where cached prefixes may end.
    pub(crate) boundaries: Vec<Boundary>,
}

impl Prompt<'_> {
    /// Counts and hashes the prompt.
    pub(crate) fn measure(&self, counter: &Counter) -> Measured {
        let mut hash = Sha256::new();
        let word = |hash: &mut Sha256, text: &str| {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text.as_bytes());
        };
        word(&mut hash, self.model.provider.as_str());
        word(&mut hash, self.model.id);
        let mut tokens = 0;
        let mut boundaries = Vec::new();
        let last = self.parts.len().saturating_sub(1);
        for (at, part) in self.parts.iter().enumerate() {
            word(&mut hash, part.role.as_str());
            word(&mut hash, &part.text);
            // What comes last is the work, which rarely comes again.
            tokens += if at == last { tokens::count(&part.text) } else { counter.shared(&part.text) };
            if part.opens {
                tokens += PER_MESSAGE;
            }
            let write = match part.mark {
                Mark::None => continue,
                Mark::Look => None,
                Mark::Write(life) => Some(life),
            };
            boundaries.push(Boundary { key: self.key(hash.clone()), tokens, write });
        }
        Measured { tokens: tokens + OPENING, digest: hash.finalize().into(), boundaries }
    }

    /// The key of the cache for what has been hashed so far.
    fn key(&self, mut hash: Sha256) -> u128 {
        if let Some(key) = &self.cache_key {
            hash.update(b"\0cache key\0");
            hash.update(key.as_bytes());
        }
        let digest: [u8; 32] = hash.finalize().into();
        let mut half = [0; 16];
        half.copy_from_slice(&digest[..16]);
        u128::from_le_bytes(half)
    }

    /// The text of the last user message: the parts from where it opens.
    pub(crate) fn last_user_text(&self) -> Cow<'_, str> {
        let user = |part: &&Part| part.role == Role::User;
        let opens = self.parts.iter().rposition(|part| part.role == Role::User && part.opens).unwrap_or(0);
        let mut parts = self.parts[opens.min(self.parts.len())..].iter().filter(user);
        match (parts.next(), parts.next()) {
            (None, _) => Cow::Borrowed(""),
            (Some(only), None) => Cow::Borrowed(&only.text),
            (Some(first), Some(second)) => {
                let mut all = format!("{}\n{}", first.text, second.text);
                for part in parts {
                    all.push('\n');
                    all.push_str(&part.text);
                }
                Cow::Owned(all)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::models::Provider;

    fn part(role: Role, text: &str, mark: Mark) -> Part<'_> {
        Part { role, text: Cow::Borrowed(text), mark, opens: true }
    }

    fn prompt<'a>(parts: Vec<Part<'a>>, key: Option<&'a str>) -> Prompt<'a> {
        Prompt {
            model: Model::find(Provider::OpenAi, "gpt-6-luna").unwrap(),
            parts,
            format: Format::Text,
            max_output: None,
            cache_key: key.map(Cow::Borrowed),
        }
    }

    #[test]
    fn the_same_beginning_has_the_same_key_and_nothing_else_has() {
        let counter = Counter::default();
        let key = |system: &str, user: &str, cache_key: Option<&str>| {
            let parts = vec![
                part(Role::System, system, Mark::Write(Life::THIRTY_MINUTES)),
                part(Role::User, user, Mark::None),
            ];
            let measured = prompt(parts, cache_key).measure(&counter);
            (measured.boundaries[0].key, measured.digest)
        };
        let (first, digest) = key("rubric", "essay", None);
        assert_eq!(key("rubric", "another", None).0, first);
        assert_ne!(key("rubric", "another", None).1, digest);
        assert_ne!(key("rubrics", "essay", None).0, first);
        assert_ne!(key("rubric", "essay", Some("k")).0, first);
        assert_eq!(key("rubric", "essay", Some("k")).1, digest, "the digest is of the prompt alone");
    }

    #[test]
    fn messages_cost_their_text_and_a_little_more() {
        let counter = Counter::default();
        let one = prompt(vec![part(Role::User, "hello world", Mark::None)], None).measure(&counter);
        assert_eq!(one.tokens, 2 + PER_MESSAGE + OPENING);
    }

    #[test]
    fn the_last_user_message_is_put_together_from_its_blocks() {
        let mut second = part(Role::User, "two", Mark::None);
        second.opens = false;
        let parts = vec![
            part(Role::User, "earlier", Mark::None),
            part(Role::Assistant, "yes", Mark::None),
            part(Role::User, "one", Mark::None),
            second,
        ];
        assert_eq!(prompt(parts, None).last_user_text(), "one\ntwo");
        assert_eq!(prompt(vec![], None).last_user_text(), "");
    }
}
