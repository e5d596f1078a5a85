//! What can be wrong with a work that is handed in, in words for its student.

use super::Kind;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Work that could not be taken. Its text says what is wrong, what is safe and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "error", rename_all = "snake_case")]
pub enum ExtractError {
    /// There is no text.
    Empty,
    /// The file has too many bytes.
    TooLarge {
        /// Its bytes.
        size: u64,
        /// The most.
        limit: u64,
    },
    /// The text has too many characters.
    TooLong {
        /// Its characters.
        characters: u64,
        /// The most.
        limit: u64,
    },
    /// A PDF has too many pages.
    TooManyPages {
        /// Its pages.
        pages: u32,
        /// The most.
        limit: u32,
    },
    /// A type of file that is not taken.
    WrongType {
        /// What it is, such as `a picture`.
        found: String,
    },
    /// The file's name says one type, its content is another.
    Mismatch {
        /// What the name says.
        named: Kind,
        /// What the content is, such as `a packed folder (zip)`.
        found: String,
    },
    /// A text file is not UTF-8.
    Encoding {
        /// The first byte that is wrong, from 1.
        position: u64,
    },
    /// A docx unpacks to far more than any text.
    Bomb,
    /// The file can't be read.
    Damaged {
        /// What it should be.
        named: Kind,
    },
    /// The file is locked with a password.
    Password {
        /// What it is.
        named: Kind,
    },
    /// A PDF holds no text, as when pages were scanned.
    NoTextInPdf,
    /// Reading the file took too long or too much memory.
    TooHard,
    /// The file could not be read because of a fault on our side.
    Unavailable,
}

impl ExtractError {
    /// A short name for the API.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::TooLarge { .. } => "too_large",
            Self::TooLong { .. } => "too_long",
            Self::TooManyPages { .. } => "too_many_pages",
            Self::WrongType { .. } => "wrong_type",
            Self::Mismatch { .. } => "type_mismatch",
            Self::Encoding { .. } => "encoding",
            Self::Bomb => "unpacks_too_large",
            Self::Damaged { .. } => "damaged",
            Self::Password { .. } => "password",
            Self::NoTextInPdf => "no_text_in_pdf",
            Self::TooHard => "too_hard",
            Self::Unavailable => "unavailable",
        }
    }

    /// The fault is on our side; the same work may be taken later.
    #[must_use]
    pub const fn is_ours(&self) -> bool {
        matches!(self, Self::Unavailable)
    }
}

/// The types of file that are taken, for a sentence.
const TAKEN: &str = "Word (.docx), PDF, plain text (.txt), Markdown (.md) and web pages (.html)";

impl fmt::Display for ExtractError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let safe = "Nothing was handed in, and what you handed in before is safe.";
        match self {
            Self::Empty => write!(
                f,
                "There is no text in your work. {safe} Check that you chose the right file, or type or paste your text."
            ),
            Self::TooLarge { size, limit } => write!(
                f,
                "Your work is {} large; at most {} are taken. {safe} Pictures are often what makes a file large: take \
                 them out, or paste your text instead.",
                Bytes(*size),
                Bytes(*limit)
            ),
            Self::TooLong { characters, limit } => write!(
                f,
                "Your text has {} characters; at most {} are taken. {safe} Shorten it, or ask your teacher.",
                Grouped(*characters),
                Grouped(*limit)
            ),
            Self::TooManyPages { pages, limit } => write!(
                f,
                "Your PDF has {pages} pages; at most {limit} are taken. {safe} Save only the pages that belong to your \
                 work."
            ),
            Self::WrongType { found } => write!(
                f,
                "Your file is {found}, which can't be read here. {safe} Taken are {TAKEN}. Save your work as one of \
                 these, or paste your text."
            ),
            Self::Mismatch { named, found } => write!(
                f,
                "Your file is named as {}, but it is {found}. {safe} Open it in the program that you wrote it with and \
                 save it again as {TAKEN}.",
                named.phrase()
            ),
            Self::Encoding { position } => write!(
                f,
                "Your file is not plain text in UTF-8: byte {} fits no letter. {safe} Save it again with the encoding \
                 UTF-8, or paste your text.",
                Grouped(*position)
            ),
            Self::Bomb => write!(
                f,
                "Your Word file unpacks to far more than a text needs, so it was not opened. {safe} Copy your text into \
                 a new document and save that, or paste your text."
            ),
            Self::Damaged { named } => write!(
                f,
                "Your file looks like {}, but it is damaged and can't be read. {safe} Open it in the program that you \
                 wrote it with, save it again and choose it again, or paste your text.",
                named.phrase()
            ),
            Self::Password { named } => write!(
                f,
                "Your file, {}, is locked with a password. {safe} Save it without a password, or paste your text.",
                named.phrase()
            ),
            Self::NoTextInPdf => write!(
                f,
                "Your PDF holds no text; perhaps its pages are scanned or photographed. {safe} Save it as PDF from the \
                 program that you wrote it with, or type or paste your text."
            ),
            Self::TooHard => write!(
                f,
                "Your file took too long to read. {safe} Save it again in a simpler form, such as plain text, or paste \
                 your text."
            ),
            Self::Unavailable => write!(
                f,
                "Your file could not be read because something is wrong on our side. {safe} Try again in a few minutes, \
                 or paste your text."
            ),
        }
    }
}

impl std::error::Error for ExtractError {}

/// A number of bytes as people read it: `9.8 MB`.
struct Bytes(u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, name) = match self.0 {
            0..1_000 => return write!(f, "{} bytes", self.0),
            1_000..1_000_000 => (1_000, "kB"),
            _ => (1_000_000, "MB"),
        };
        // Rounded up, so that what is over a limit never reads like the limit.
        let tenths = (self.0 * 10).div_ceil(unit);
        match tenths % 10 {
            0 => write!(f, "{} {name}", Grouped(tenths / 10)),
            tenth => write!(f, "{}.{tenth} {name}", Grouped(tenths / 10)),
        }
    }
}

/// A number with commas between its thousands.
struct Grouped(u64);

impl fmt::Display for Grouped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 >= 1_000 {
            write!(f, "{},{:03}", Grouped(self.0 / 1_000), self.0 % 1_000)
        } else {
            write!(f, "{}", self.0)
        }
    }
}
