//! The part of a prompt that holds the work.

use crate::submission::sentences;
use sha2::{Digest, Sha256};
use std::fmt::{self, Write as _};

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

/// The sentences of a work as they are sent, each on a line of its own after its number.
#[must_use]
pub fn numbered(work: &str) -> String {
    let mut out = String::with_capacity(work.len() + work.len() / 8);
    number(work, &mut out);
    out
}

/// Bytes that a work adds to a request that holds none: those of its numbered sentences within a JSON string.
#[must_use]
pub fn json_len(work: &str) -> usize {
    let mut length = JsonLength(0);
    number(work, &mut length);
    length.0
}

/// Counts the bytes of texts within a JSON string, as they are escaped by RFC 8259 with its short forms.
struct JsonLength(usize);

impl fmt::Write for JsonLength {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let escapes: usize = text
            .bytes()
            .filter(|byte| matches!(byte, 0..=0x1f | b'"' | b'\\'))
            .map(|byte| match byte {
                b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 0x08 | 0x0c => 1,
                _ => 5,
            })
            .sum();
        self.0 += text.len() + escapes;
        Ok(())
    }
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
fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        let _ = write!(out, "{byte:02x}"); // writing to a string can't fail
        out
    })
}

/// Writes each sentence on a line of its own after its number, with a blank line between paragraphs.
fn number(work: &str, out: &mut impl fmt::Write) {
    try_number(work, out).expect("neither strings nor counters fail to be written to");
}

fn try_number(work: &str, out: &mut impl fmt::Write) -> fmt::Result {
    let mut paragraph = 1;
    for (i, sentence) in sentences::split(work).iter().enumerate() {
        if i > 0 {
            out.write_str("\n")?;
        }
        if sentence.paragraph != paragraph {
            paragraph = sentence.paragraph;
            out.write_str("\n")?;
        }
        write!(out, "[{}] ", i + 1)?;
        // A line must not begin inside a sentence: it could pass for another sentence or for the fence.
        let mut rest = sentence.of(work);
        while let Some((line, after)) = cut_line(rest) {
            out.write_str(line)?;
            out.write_str(" ")?;
            rest = after.trim_start();
        }
        out.write_str(rest)?;
    }
    Ok(())
}

/// The text before its first line end, and after it.
fn cut_line(text: &str) -> Option<(&str, &str)> {
    // Few sentences have any: the first bytes of line ends in UTF-8 are looked for before the signs themselves.
    text.bytes().any(|byte| matches!(byte, b'\n'..=b'\r' | 0xc2 | 0xe2)).then_some(())?;
    text.split_once(['\n', '\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}'])
}
