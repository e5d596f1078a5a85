//! Figures as a sentence has them.

use std::fmt;

const SMALL: [&str; 13] =
    ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];

/// A number and what it counts: `one minute`, `20 minutes`.
pub(super) struct Count<'a>(pub(super) u32, pub(super) &'a str);

impl fmt::Display for Count<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match SMALL.get(self.0 as usize) {
            Some(word) => write!(f, "{word} {}", self.1)?,
            None => write!(f, "{} {}", grouped(self.0), self.1)?,
        }
        f.write_str(if self.0 == 1 { "" } else { "s" })
    }
}

/// The same at the beginning of a sentence: `One minute`.
pub(super) fn opening(count: u32, what: &str) -> String {
    let text = Count(count, what).to_string();
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// A number with commas between its thousands.
pub(super) fn grouped(number: u32) -> String {
    if number < 1_000 {
        number.to_string()
    } else {
        format!("{},{:03}", grouped(number / 1_000), number % 1_000)
    }
}

/// The first words of a sentence in quotation marks, with an ellipsis if there are more.
pub(super) fn beginning(sentence: &str) -> String {
    let words: Vec<&str> = sentence.split_whitespace().take(7).collect();
    let shown: String = words[..words.len().min(6)].join(" ").chars().take(60).collect();
    let more = words.len() > 6 || shown.len() < words.join(" ").len();
    let shown =
        if more { shown.trim_end_matches(|c: char| c.is_ascii_punctuation()) } else { shown.as_str() };
    format!("“{shown}{}”", if more { "…" } else { "" })
}
