//! How a prompt wants to be answered, and the eye of the model that answers.

use crate::prompt::{Prompt, Role};
use sha2::{Digest, Sha256};
use std::collections::HashMap;

/// What an answer keeps to beside its schema.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Manner {
    /// The most words of a text, by the name of its property.
    limits: HashMap<String, usize>,
    /// The model; models judge a little differently. None: no model of its own.
    model: Option<&'static str>,
}

/// The words by which a prompt limits a text: "- `comment`: one sentence of at most 20 words".
const LIMIT: &str = "at most ";

impl Manner {
    /// The manner of a prompt.
    pub(crate) fn of(prompt: &Prompt<'_>) -> Self {
        let mut limits = HashMap::new();
        // What the student wrote limits nothing.
        for part in prompt.parts.iter().filter(|part| part.role != Role::User) {
            limits.extend(part.text.lines().filter_map(limit));
        }
        Self { limits, model: Some(prompt.model.id) }
    }

    /// A text cut to the most words that its property may have: after its last whole sentence, else after a word.
    pub(super) fn shortened(&self, name: &str, text: String) -> String {
        let Some(&most) = self.limits.get(name) else { return text };
        let (mut kept, mut end) = (0, text.len());
        let words = text.match_indices(|c: char| !c.is_whitespace()).filter(|(at, _)| starts(&text, *at));
        for (before, (at, _)) in words.enumerate() {
            if before == most {
                end = at;
                break;
            }
            let rest = &text[at..];
            let length = rest.find(char::is_whitespace).unwrap_or(rest.len());
            if rest[..length].ends_with('.') {
                kept = at + length;
            }
        }
        match (end == text.len(), kept) {
            (true, _) => text,
            (false, 0) => format!("{}…", text[..end].trim_end()),
            (false, kept) => text[..kept].to_owned(),
        }
    }

    /// How much higher or lower this model sees a work of this number, by at most half of `spread`.
    pub(super) fn shift(&self, number: u64, spread: f64) -> f64 {
        let Some(model) = self.model else { return 0.0 };
        let digest = Sha256::new().chain_update(number.to_le_bytes()).chain_update(model).finalize();
        let chance = digest.iter().take(4).fold(0_u32, |all, byte| all << 8 | u32::from(*byte));
        (f64::from(chance) / f64::from(u32::MAX) - 0.5) * spread
    }
}

/// A word starts here.
fn starts(text: &str, at: usize) -> bool {
    text[..at].chars().next_back().is_none_or(char::is_whitespace)
}

/// The name and the most words of a line such as "- `comment`: one sentence of at most 20 words".
fn limit(line: &str) -> Option<(String, usize)> {
    let after = &line[line.find(LIMIT)? + LIMIT.len()..];
    let (number, rest) = after.split_once(' ')?;
    let name = line.split('`').nth(1)?;
    rest.starts_with("word").then_some((name.to_owned(), number.parse().ok()?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn limited(most: usize) -> Manner {
        Manner { limits: [("comment".to_owned(), most)].into(), model: None }
    }

    #[test]
    fn limits_are_read_from_lines_of_the_instructions() {
        let read = |line| limit(line).unwrap();
        assert_eq!(read("- `comment`: one sentence of at most 20 words: why."), ("comment".to_owned(), 20));
        assert_eq!(read("- `next_step`: one thing, in at most 15 words."), ("next_step".to_owned(), 15));
        for none in [
            "- `comment`: short",
            "at most 20 words",
            "`confidence` to at most 0.3.",
            "`a`: at most many words",
        ] {
            assert_eq!(limit(none), None, "{none}");
        }
    }

    #[test]
    fn texts_are_cut_after_a_sentence_else_after_a_word() {
        let text = || "One two three. Four five  six. Seven".to_owned();
        for (most, cut) in [
            (9, "One two three. Four five  six. Seven"),
            (7, "One two three. Four five  six. Seven"),
            (6, "One two three. Four five  six."),
            (5, "One two three."),
            (3, "One two three."),
            (2, "One two…"),
        ] {
            assert_eq!(limited(most).shortened("comment", text()), cut);
        }
        assert_eq!(limited(1).shortened("feedback", text()), text());
        assert_eq!(Manner::default().shortened("comment", text()), text());
    }

    #[test]
    fn models_see_a_work_a_little_differently_and_each_the_same_again() {
        let of = |model| Manner { model: Some(model), ..Manner::default() };
        let all: Vec<f64> = (0..200).map(|n| of("one").shift(n, 0.1)).collect();
        assert!(all.iter().all(|shift| shift.abs() <= 0.05) && all.iter().any(|shift| shift.abs() > 0.03));
        assert!((all.iter().sum::<f64>() / 200.0).abs() < 0.01, "on the whole they are as strict");
        assert_ne!(of("one").shift(1, 0.1), of("two").shift(1, 0.1));
        assert_eq!(of("one").shift(1, 0.1), of("one").shift(1, 0.1));
        assert_eq!(Manner::default().shift(1, 0.1), 0.0);
    }
}
