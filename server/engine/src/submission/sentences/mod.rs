//! The sentences of a work, numbered: what a model points at, and what a student sees quoted.
//!
//! The prompt numbers the sentences by [`split`], and the answer's numbers are turned back into quotations by the same
//! function. So a change to where it cuts is a new version of the prompt's template: answers under way still count by
//! the old cuts.
//!
//! The rules follow Unicode's sentence boundaries (UAX 29) with what those leave to tailoring: abbreviations and initials do
//! not end a sentence, quotation marks and brackets close with it, a sentence that starts without its space or its
//! capital letter, as hurried writers leave them out, is still one. A blank line, a list item and a heading always end
//! it. One pass over the bytes, about ten times as fast as the general algorithm.

mod abbreviations;
mod scan;

use scan::Scanner;

/// The longest sentence, in bytes; longer ones (text without full stops) are cut at a clause, a space or a character.
pub const LONGEST: usize = 600;

/// A sentence's place in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sentence {
    /// Its first byte.
    pub start: u32,
    /// The byte after its last; surrounding white space is outside.
    pub end: u32,
    /// The paragraph it is in, from 1.
    pub paragraph: u32,
}

impl Sentence {
    /// The sentence itself, out of the text that was split; empty if it is of another text.
    #[must_use]
    pub fn of<'t>(&self, text: &'t str) -> &'t str {
        text.get(self.start as usize..self.end as usize).unwrap_or_default()
    }
}

/// The sentences of a text, in order; the first is number 1. Reads at most 4 GiB.
#[must_use]
pub fn split(text: &str) -> Vec<Sentence> {
    let mut found = Vec::with_capacity(text.len() / 64 + 1);
    for (i, (start, end)) in paragraphs(text).enumerate() {
        let paragraph = u32::try_from(i + 1).unwrap_or(u32::MAX);
        let mut push = |start: usize, end: usize| {
            if let (Ok(start), Ok(end)) = (u32::try_from(start), u32::try_from(end)) {
                found.push(Sentence { start, end, paragraph });
            }
        };
        for (start, end) in Scanner::new(text, start, end) {
            cut(text, start, end, &mut push);
        }
    }
    found
}

/// The paragraphs of a text as byte ranges without surrounding white space: runs of lines between blank lines.
pub fn paragraphs(text: &str) -> impl Iterator<Item = (usize, usize)> + '_ {
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < bytes.len() {
            let start = at;
            // The end of the paragraph: a line end followed by a line of nothing but white space.
            let mut end = bytes.len();
            at = bytes.len();
            let mut from = start;
            while let Some(line) = bytes[from..].iter().position(|&b| b == b'\n') {
                let after = from + line + 1;
                let blank = bytes[after..]
                    .iter()
                    .position(|b| !matches!(b, b' ' | b'\t' | b'\r'))
                    .is_none_or(|i| bytes[after + i] == b'\n');
                if blank {
                    end = after - 1;
                    at = after;
                    break;
                }
                from = after;
            }
            let part = &text[start..end];
            let trimmed = part.trim_start();
            let start = end - trimmed.len();
            let trimmed = trimmed.trim_end();
            if !trimmed.is_empty() {
                return Some((start, start + trimmed.len()));
            }
        }
        None
    })
}

/// Hands a sentence on, in pieces where it is too long.
fn cut(text: &str, mut start: usize, end: usize, push: &mut impl FnMut(usize, usize)) {
    while end - start > LONGEST {
        let mut most = start + LONGEST;
        while !text.is_char_boundary(most) {
            most -= 1;
        }
        let window = &text[start..most];
        let half = window.len() / 2;
        let after = |at: Option<usize>| at.filter(|&i| i >= half).map(|i| i + 1);
        let at = after(window.rfind('\n'))
            .or_else(|| after(window.rfind([';', ':'])).filter(|&i| window[i..].starts_with(' ')))
            .or_else(|| after(window.rfind(',')).filter(|&i| window[i..].starts_with(' ')))
            .or_else(|| window.rfind(char::is_whitespace).filter(|&i| i > 0))
            .unwrap_or(window.len());
        let piece = window[..at].trim_end();
        if !piece.is_empty() {
            push(start, start + piece.len());
        }
        let rest = &text[start + at..end];
        start = end - rest.trim_start().len();
    }
    if start < end {
        push(start, end);
    }
}

#[cfg(test)]
mod tests;
