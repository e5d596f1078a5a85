//! The text of a work, out of what a student typed or uploaded.
//!
//! [`typed`] and [`extract`] answer clean text: NFC, line ends `\n`, one blank line between paragraphs, no control
//! characters, nothing that can't be seen. What was taken out is told in [`Extracted::remarks`].
//!
//! Readers of PDF, HTML and docx are large and meet files made by strangers. They can panic, loop, or ask for more memory
//! than there is; a panic is caught here, the rest is not. So a server runs [`extract`] through [`Contained`], in a child
//! process with limits on memory and time.

mod child;
mod clean;
mod docx;
mod error;
mod html;
mod kind;
mod pdf;

pub use child::{Bounds, Contained, child_main};
pub use error::ExtractError;
pub use kind::Kind;

use serde::{Deserialize, Serialize};
use std::fmt;

/// How large work may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ExtractLimits {
    /// Bytes of a file.
    pub bytes: u64,
    /// Characters of the text.
    pub characters: u64,
    /// Pages of a PDF.
    pub pages: u32,
    /// Bytes that a docx may unpack to.
    pub unpacked_bytes: u64,
    /// Files inside a docx.
    pub entries: u32,
    /// How many times its own size a docx may unpack to (text of Word's own is below 40).
    pub ratio: u32,
}

impl Default for ExtractLimits {
    fn default() -> Self {
        Self {
            bytes: 10_000_000,
            characters: 200_000,
            pages: 100,
            unpacked_bytes: 50_000_000,
            entries: 2_000,
            ratio: 150,
        }
    }
}

/// Something about a work that its text does not show.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Remark {
    /// Characters without width, direction marks and tag characters were taken out.
    Invisible {
        /// How many.
        characters: u64,
    },
    /// Text that the file holds but does not show (hidden, white, tiny, off the page) was left out.
    Hidden {
        /// The text, shortened.
        text: String,
    },
    /// Pictures were left out.
    Pictures {
        /// How many.
        count: u64,
    },
    /// Lines that stand on every page (running heads, page numbers) were left out.
    RunningHeads,
}

impl fmt::Display for Remark {
    /// A sentence for staff and students.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invisible { characters: 1 } => write!(f, "One character that can't be seen was taken out."),
            Self::Invisible { characters } => {
                write!(f, "{characters} characters that can't be seen were taken out.")
            }
            Self::Hidden { .. } => {
                write!(f, "The file holds text that it doesn't show. That text was left out.")
            }
            Self::Pictures { count: 1 } => write!(f, "One picture was left out; only text is marked."),
            Self::Pictures { count } => write!(f, "{count} pictures were left out; only text is marked."),
            Self::RunningHeads => write!(f, "Lines that stand on every page were left out."),
        }
    }
}

/// The text of a work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extracted {
    /// The clean text; never empty.
    pub text: String,
    /// What it came from; `None` if it was typed.
    pub kind: Option<Kind>,
    /// How many pages, where the file has pages.
    pub pages: Option<u32>,
    /// What else is to be known.
    pub remarks: Vec<Remark>,
}

/// The most characters of hidden text that a remark keeps.
const HIDDEN_KEPT: usize = 2_000;

/// What a reader of one kind of file found, not yet clean.
#[derive(Debug, Default)]
struct Found {
    text: String,
    pages: Option<u32>,
    hidden: String,
    pictures: u64,
    running_heads: bool,
}

/// The text that a student typed or pasted.
///
/// # Errors
/// If there is none, or too much.
pub fn typed(text: &str, limits: &ExtractLimits) -> Result<Extracted, ExtractError> {
    if text.len() as u64 > limits.bytes {
        return Err(ExtractError::TooLarge { size: text.len() as u64, limit: limits.bytes });
    }
    finish(None, Found { text: text.to_owned(), ..Found::default() }, clean::Lines::Written, limits)
}

/// The text of a file. `name` and `media` (media type) are as the browser gave them.
///
/// # Errors
/// In words for the student: what is wrong with the file and what to do.
pub fn extract(
    name: &str,
    media: Option<&str>,
    bytes: &[u8],
    limits: &ExtractLimits,
) -> Result<Extracted, ExtractError> {
    if bytes.len() as u64 > limits.bytes {
        return Err(ExtractError::TooLarge { size: bytes.len() as u64, limit: limits.bytes });
    }
    if bytes.is_empty() {
        return Err(ExtractError::Empty);
    }
    let kind = Kind::of(name, media, bytes)?;
    let damaged = ExtractError::Damaged { named: kind };
    let (found, lines) = match kind {
        Kind::Text | Kind::Markdown => {
            (Found { text: kind::decode(bytes)?, ..Found::default() }, clean::Lines::Written)
        }
        Kind::Docx => (contained_panic(damaged, || docx::read(bytes, limits))?, clean::Lines::Set),
        Kind::Html => {
            let source = kind::decode(bytes)?;
            (contained_panic(damaged, || html::read(&source))?, clean::Lines::Set)
        }
        Kind::Pdf => (contained_panic(damaged, || pdf::read(bytes, limits))?, clean::Lines::Set),
    };
    finish(Some(kind), found, lines, limits)
}

/// Runs a reader; a panic in it is the file's fault.
fn contained_panic<T>(
    damaged: ExtractError,
    read: impl FnOnce() -> Result<T, ExtractError> + std::panic::UnwindSafe,
) -> Result<T, ExtractError> {
    std::panic::catch_unwind(read).unwrap_or(Err(damaged))
}

fn finish(
    kind: Option<Kind>,
    found: Found,
    lines: clean::Lines,
    limits: &ExtractLimits,
) -> Result<Extracted, ExtractError> {
    let (text, invisible) = clean::clean(&found.text, lines);
    // Signs alone say nothing that could be marked.
    if !text.contains(char::is_alphanumeric) {
        return Err(if kind == Some(Kind::Pdf) { ExtractError::NoTextInPdf } else { ExtractError::Empty });
    }
    // No text has more characters than bytes.
    if text.len() as u64 > limits.characters {
        let characters = text.chars().count() as u64;
        if characters > limits.characters {
            return Err(ExtractError::TooLong { characters, limit: limits.characters });
        }
    }
    let mut remarks = Vec::new();
    let (hidden, _) = clean::clean(&found.hidden, clean::Lines::Set);
    if !hidden.is_empty() {
        remarks.push(Remark::Hidden { text: hidden.chars().take(HIDDEN_KEPT).collect() });
    }
    if invisible > 0 {
        remarks.push(Remark::Invisible { characters: invisible });
    }
    if found.pictures > 0 {
        remarks.push(Remark::Pictures { count: found.pictures });
    }
    if found.running_heads {
        remarks.push(Remark::RunningHeads);
    }
    Ok(Extracted { text, kind, pages: found.pages, remarks })
}

#[cfg(test)]
mod tests;
