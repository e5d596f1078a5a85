//! Finding the student's work in a prompt, and how good it looks by simple features of its text.

use std::{
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

/// Words that join one thought to the next.
const CONNECTIVES: &[&str] = &[
    "also",
    "although",
    "another",
    "as",
    "because",
    "besides",
    "conclusion",
    "consequently",
    "conversely",
    "despite",
    "even",
    "example",
    "finally",
    "first",
    "furthermore",
    "hence",
    "however",
    "if",
    "indeed",
    "instance",
    "instead",
    "last",
    "lastly",
    "likewise",
    "moreover",
    "nevertheless",
    "next",
    "otherwise",
    "overall",
    "second",
    "similarly",
    "since",
    "so",
    "such",
    "then",
    "therefore",
    "third",
    "though",
    "thus",
    "unless",
    "when",
    "whereas",
    "while",
    "yet",
];

/// One piece of student work in a prompt.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Work {
    /// Its sentences; numbered from 1 in the prompt when `numbered`.
    pub(crate) sentences: Vec<String>,
    /// Whether the prompt numbers the sentences.
    pub(crate) numbered: bool,
    /// How many words it has.
    pub(crate) words: usize,
    /// How good it looks, from 0 to 1.
    pub(crate) quality: f64,
}

/// Finds the works in the text of a user's turn: runs of numbered sentences (`[1] … [2] …`), else fenced blocks,
/// else the whole text. There is always at least one.
pub(crate) fn find(text: &str) -> Vec<Work> {
    let mut works = numbered(text);
    if works.is_empty() {
        works = fenced(text).into_iter().map(|block| Work::new(split_sentences(block), false)).collect();
    }
    if works.is_empty() {
        works.push(Work::new(split_sentences(text), false));
    }
    works
}

/// Runs of `[n] sentence` that count from 1. Each run is one work.
fn numbered(text: &str) -> Vec<Work> {
    let mut works = Vec::new();
    let mut sentences: Vec<String> = Vec::new();
    let mut open: Option<usize> = None;
    let mut at = 0;
    while let Some(found) = text[at..].find('[') {
        let start = at + found;
        at = start + 1;
        let digits = text[at..].bytes().take_while(u8::is_ascii_digit).count();
        let end = at + digits;
        if digits == 0 || digits > 6 || !text[end..].starts_with("] ") {
            continue;
        }
        let number: usize = text[at..end].parse().unwrap_or(0);
        let expected = if open.is_some() { sentences.len() + 2 } else { 1 };
        if number != expected && number != 1 {
            continue;
        }
        if let Some(begin) = open.take() {
            if number == 1 {
                // A new run begins: the last sentence of the run before ends with its line.
                sentences.push(first_line(&text[begin..start]).to_owned());
                works.push(Work::new(std::mem::take(&mut sentences), true));
            } else {
                sentences.push(text[begin..start].trim().to_owned());
            }
        }
        at = end + 2;
        open = Some(at);
    }
    if let Some(begin) = open {
        sentences.push(first_line(&text[begin..]).to_owned());
        works.push(Work::new(sentences, true));
    }
    works
}

fn first_line(text: &str) -> &str {
    text.trim_start().lines().next().unwrap_or("").trim()
}

/// Blocks between lines of three or more backticks or tildes, or between a tag that stands alone on its line and its
/// closing tag.
fn fenced(text: &str) -> Vec<&str> {
    let mut blocks = Vec::new();
    let mut open: Option<(String, usize)> = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let trimmed = line.trim();
        match &open {
            Some((close, begin)) if trimmed == close => {
                blocks.push(&text[*begin..at]);
                open = None;
            }
            Some(_) => {}
            None => open = closing_fence(trimmed).map(|close| (close, at + line.len())),
        }
        at += line.len();
    }
    blocks.retain(|block| !block.trim().is_empty());
    blocks
}

/// The line that closes the block which this line opens, if it opens one.
fn closing_fence(line: &str) -> Option<String> {
    for mark in ['`', '~'] {
        let length = line.chars().take_while(|c| *c == mark).count();
        if length >= 3 {
            return Some(mark.to_string().repeat(length));
        }
    }
    let tag = line.strip_prefix('<')?.strip_suffix('>')?;
    let name = tag.split_whitespace().next()?;
    let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b));
    plain.then(|| format!("</{name}>"))
}

/// Cuts at `.`, `!` or `?` followed by a space, and at line breaks.
fn split_sentences(text: &str) -> Vec<String> {
    let mut sentences = Vec::new();
    let mut begin = 0;
    let mut ended = false;
    for (at, c) in text.char_indices() {
        if c == '\n' || (ended && c.is_whitespace()) {
            let sentence = text[begin..at].trim();
            if !sentence.is_empty() {
                sentences.push(sentence.to_owned());
            }
            begin = at;
        }
        ended = matches!(c, '.' | '!' | '?') || (ended && matches!(c, '"' | '\'' | ')'));
    }
    let rest = text[begin..].trim();
    if !rest.is_empty() {
        sentences.push(rest.to_owned());
    }
    sentences
}

impl Work {
    fn new(sentences: Vec<String>, numbered: bool) -> Self {
        let features = Features::of(&sentences);
        Self { words: features.words as usize, quality: features.quality(), sentences, numbered }
    }
}

#[derive(Debug, Default)]
struct Features {
    words: f64,
    letters: f64,
    commas: f64,
    sentences: f64,
    lowercase_starts: f64,
    connectives: f64,
}

/// The place of a word among the connectives, whatever its case.
fn connective(word: &str) -> Option<usize> {
    static PLACES: LazyLock<HashMap<&str, usize>> =
        LazyLock::new(|| CONNECTIVES.iter().enumerate().map(|(at, word)| (*word, at)).collect());
    const LONGEST: usize = 12;
    let mut lower = [0; LONGEST];
    let lower = lower.get_mut(..word.len())?;
    lower.copy_from_slice(word.as_bytes());
    lower.make_ascii_lowercase();
    PLACES.get(std::str::from_utf8(lower).ok()?).copied()
}

impl Features {
    fn of(sentences: &[String]) -> Self {
        let mut f = Self { sentences: sentences.len() as f64, ..Self::default() };
        let mut connectives = HashSet::new();
        for sentence in sentences {
            let words =
                sentence.split(|c: char| !c.is_alphabetic() && c != '\'').filter(|word| !word.is_empty());
            for (place, word) in words.enumerate() {
                f.words += 1.0;
                f.letters += word.chars().count() as f64;
                if place == 0 && word.starts_with(char::is_lowercase) {
                    f.lowercase_starts += 1.0;
                }
                if let Some(known) = connective(word) {
                    connectives.insert(known);
                }
            }
            f.commas += sentence.matches(',').count() as f64;
        }
        f.connectives = connectives.len() as f64;
        f
    }

    /// A linear score fitted by least squares to the marks that two people gave to school essays: length (on a
    /// logarithmic scale), length of words, commas, sentences that don't begin as sentences do, and the variety of
    /// connectives. It is widened about the people's mean to the spread of their marks, which a fit always narrows.
    fn quality(&self) -> f64 {
        const MEAN: f64 = 0.646;
        const WIDER: f64 = 1.4;
        if self.words == 0.0 {
            return 0.0;
        }
        let score = -1.205
            + 0.165 * (self.words + 1.0).ln()
            + 0.183 * self.letters / self.words
            + 1.56 * (self.commas / self.words).min(0.1)
            - 0.199 * self.lowercase_starts / self.sentences
            + 0.0064 * self.connectives;
        (MEAN + (score - MEAN) * WIDER).clamp(0.0, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connectives_are_found_in_any_case() {
        assert_eq!(connective("However"), CONNECTIVES.iter().position(|word| *word == "however"));
        assert!(
            CONNECTIVES.iter().all(|word| connective(word).is_some()),
            "none is longer than can be looked up"
        );
        assert_eq!(connective("computers"), None);
        assert_eq!(connective("unquestionably"), None);
    }

    #[test]
    fn numbered_sentences_are_found_in_a_fence() {
        let works = find(
            "Mark this.\n```\n[1] One thing.\n[2] Another, see [3].\n[3] The last.\n```\nBe kind. [9] no",
        );
        assert_eq!(works.len(), 1);
        assert!(works[0].numbered);
        assert_eq!(works[0].sentences, ["One thing.", "Another, see [3].", "The last."]);
        let inline = find("<work>[1] One. [2] Two.\n</work>");
        assert_eq!(inline[0].sentences, ["One.", "Two."]);
    }

    #[test]
    fn two_works_are_told_apart_by_their_numbering() {
        let works = find("First:\n[1] A one.\n[2] A two.\n\nSecond:\n[1] B one.\n[2] B two.\n[3] B three.\n");
        assert_eq!(works.iter().map(|w| w.sentences.len()).collect::<Vec<_>>(), [2, 3]);
    }

    #[test]
    fn fences_and_plain_text_will_do() {
        let works = find(
            "Compare.\n~~~\nOne essay. It is short.\n~~~\nand\n<essay id=\"b\">\nThe other one\n</essay>\n",
        );
        assert_eq!(works.len(), 2);
        assert_eq!(works[0].sentences, ["One essay.", "It is short."]);
        assert_eq!(find("Just text. Here.")[0].sentences.len(), 2);
        assert_eq!(find("").len(), 1);
        assert_eq!(find("")[0].quality, 0.0);
    }

    #[test]
    fn more_and_better_joined_writing_looks_better() {
        let poor = "computers is good. they is fun. i like it. games are cool.";
        let fair =
            "Computers are useful, because they help us to learn. However, they also take time. ".repeat(8);
        let good =
            "Computers are useful, because they help students everywhere to understand difficult subjects. \
                    Nevertheless, families should consider, for example, how much attention they consume. "
                .repeat(20);
        let quality = |text: &str| find(text)[0].quality;
        assert!(quality(poor) < quality(&fair) && quality(&fair) < quality(&good));
        assert!(quality(poor) < 0.35 && quality(&good) > 0.8, "{} {}", quality(poor), quality(&good));
    }
}
