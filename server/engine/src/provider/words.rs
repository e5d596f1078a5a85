//! The words in which a provider's failures are told: short, on one line, without keys.

use std::{error::Error as _, time::Duration};

/// The longest message of a provider that is kept, in characters.
const LONGEST_MESSAGE: usize = 500;

/// How the keys of OpenAI, Anthropic and Google begin.
const KEYS: [&str; 2] = ["sk-", "AIza"];

/// HTML where JSON should be.
pub(super) fn looks_like_html(body: &[u8]) -> bool {
    body.trim_ascii_start().starts_with(b"<")
}

/// The innermost reason, which names the fault (`Connection refused`); the outer ones only repeat the step.
pub(super) fn root_cause(error: &reqwest::Error) -> String {
    let mut cause = error.source();
    let mut text = None;
    while let Some(inner) = cause {
        text = Some(inner.to_string());
        cause = inner.source();
    }
    text.unwrap_or_else(|| error.to_string())
}

/// The text without anything that begins like a provider's key; their messages sometimes repeat part of it.
pub(super) fn without_keys(text: &str) -> String {
    text.split_inclusive(char::is_whitespace)
        .map(|word| {
            let begins =
                |key: &str| word.find(key).filter(|&at| !word[..at].ends_with(char::is_alphanumeric));
            let Some(at) = KEYS.iter().find_map(|key| begins(key)) else {
                return word.to_owned();
            };
            let tail =
                word[at..].trim_start_matches(|c: char| c.is_ascii_alphanumeric() || "-_*.".contains(c));
            format!("{}[key]{tail}", &word[..at])
        })
        .collect()
}

/// At most [`LONGEST_MESSAGE`] characters on one line.
pub(super) fn clipped(text: &str) -> String {
    let mut line: String =
        text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST_MESSAGE + 1).collect();
    if line.chars().count() > LONGEST_MESSAGE {
        line.pop();
        line.push('…');
    }
    line
}

/// A time for people.
pub(super) fn spoken(time: Duration) -> String {
    if time < Duration::from_secs(1) {
        format!("{} ms", time.as_millis())
    } else {
        format!("{} s", time.as_secs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_short_and_on_one_line() {
        assert_eq!(clipped(" a\nb\u{7}c "), "a b c");
        let long = clipped(&"é".repeat(600));
        assert_eq!(long.chars().count(), LONGEST_MESSAGE + 1);
        assert!(long.ends_with('…'));
        assert_eq!(clipped(&"é".repeat(LONGEST_MESSAGE)).chars().count(), LONGEST_MESSAGE);
    }

    #[test]
    fn keys_are_taken_out() {
        for (text, shown) in [
            ("key sk-abc_123-x.", "key [key]"),
            ("key=sk-abc, \"sk-ant-api03-x\"\nsk-***yz", "key=[key], \"[key]\"\n[key]"),
            ("key 'AIzaSyA-b_c' was refused", "key '[key]' was refused"),
            ("task-force, risk-takers", "task-force, risk-takers"),
        ] {
            assert_eq!(without_keys(text), shown);
        }
    }

    #[test]
    fn times_are_spoken() {
        assert_eq!(spoken(Duration::from_millis(200)), "200 ms");
        assert_eq!(spoken(Duration::from_secs(90)), "90 s");
    }
}
