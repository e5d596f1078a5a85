//! The part of a prompt that holds the work.

use crate::submission::sentences;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;

/// The words around the work, out of a template, cut where the work and its fence go in. Filling it in is plain joining of
/// strings, for it is done for every job.
#[derive(Debug)]
pub(super) struct Frame {
    text: String,
}

impl Frame {
    /// Stands in the template's text where the fence's code goes.
    pub(super) const FENCE: char = '\u{1}';
    /// Stands where the numbered sentences go.
    pub(super) const SENTENCES: char = '\u{2}';

    pub(super) fn new(text: &str) -> Self {
        Self { text: text.trim_end().to_owned() }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn fill(&self, work: &str) -> String {
        let fence = fence(work);
        let mut out = String::with_capacity(work.len() + work.len() / 8 + self.text.len() + 200);
        let mut rest = self.text.as_str();
        while let Some(at) = rest.find([Self::FENCE, Self::SENTENCES]) {
            out.push_str(&rest[..at]);
            if rest[at..].starts_with(Self::FENCE) {
                out.push_str(&fence);
            } else {
                number(work, &mut out);
            }
            rest = &rest[at + 1..];
        }
        out.push_str(rest);
        out
    }
}

/// Bytes that a work takes up in a request, as a JSON string with its sentences numbered: somewhat too many rather than
/// too few.
#[must_use]
pub fn json_len(work: &str) -> usize {
    /// A line end, a bracketed number and a blank.
    const NUMBER: usize = 9;
    work.bytes().fold(NUMBER, |sum, byte| {
        sum + match byte {
            b'\n' => 2 + NUMBER,
            // Sentences end here, and with signs that begin with these bytes in UTF-8.
            b'.' | b'!' | b'?' | 0xc2 | 0xd8 | 0xe0..=0xef => 1 + NUMBER,
            b'"' | b'\\' | b'\t' | b'\r' => 2,
            0..=0x1f => 6,
            _ => 1,
        }
    })
}

/// The code of a work's fence: from the work's digest, so that it is the same on each attempt, that no two works share it,
/// and that a work cannot be written to hold its own.
fn fence(work: &str) -> String {
    let mut digest = Sha256::digest(work);
    loop {
        let code = hex(&digest[..8]);
        if !work.contains(&code) {
            return code;
        }
        digest = Sha256::digest(digest);
    }
}

/// Bytes in hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        let _ = write!(out, "{byte:02x}"); // writing to a string can't fail
        out
    })
}

/// Writes each sentence on a line of its own after its number, with a blank line between paragraphs.
fn number(work: &str, out: &mut String) {
    let mut paragraph = 1;
    let mut first = true;
    for (i, sentence) in sentences::split(work).iter().enumerate() {
        if !first {
            out.push('\n');
        }
        first = false;
        if sentence.paragraph != paragraph {
            paragraph = sentence.paragraph;
            out.push('\n');
        }
        let _ = write!(out, "[{}] ", i + 1); // writing to a string can't fail
        // A line must not begin inside a sentence: it could pass for another sentence or for the fence.
        let mut lines =
            sentence.of(work).split(['\n', '\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}']);
        out.push_str(lines.next().unwrap_or_default());
        for line in lines {
            out.push(' ');
            out.push_str(line.trim_start());
        }
    }
}
