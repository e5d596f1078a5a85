//! What kind of file a work is, by its name and its content; and plain text out of bytes.

use super::ExtractError;
use serde::{Deserialize, Serialize};

/// The kinds of files that are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Plain text.
    Text,
    /// Markdown, which is read as it stands.
    Markdown,
    /// A Word document (Office Open XML).
    Docx,
    /// PDF.
    Pdf,
    /// A web page.
    Html,
}

/// What the content of a file is.
enum Content {
    Pdf,
    Zip,
    /// The container of old Office files, and of locked new ones.
    Compound,
    /// Text, as far as its beginning shows.
    Text,
    /// Something else, for a sentence.
    Other(&'static str),
}

impl Kind {
    /// The kind for a sentence: `a Word document`.
    #[must_use]
    pub const fn phrase(self) -> &'static str {
        match self {
            Self::Text => "a plain text",
            Self::Markdown => "a Markdown text",
            Self::Docx => "a Word document",
            Self::Pdf => "a PDF",
            Self::Html => "a web page",
        }
    }

    /// Reading it takes a large reader, which wants a process of its own.
    #[must_use]
    pub const fn is_hard(self) -> bool {
        matches!(self, Self::Docx | Self::Pdf | Self::Html)
    }

    /// The kind of a file, by name (or, without a telling name, media type) and content together.
    ///
    /// # Errors
    /// If it is not taken, if name and content disagree, or if it is locked.
    pub fn of(name: &str, media: Option<&str>, bytes: &[u8]) -> Result<Self, ExtractError> {
        let content = sniff(bytes);
        let named = match by_extension(name) {
            Ok(Some(kind)) => Some(kind),
            Ok(None) => media.and_then(by_media),
            // A name that says what can't be taken: the content says it better if it is known.
            Err(found) => {
                let found = if let Content::Other(known) = content { known } else { found };
                return Err(ExtractError::WrongType { found: found.to_owned() });
            }
        };
        let mismatch = |named: Option<Self>, found: &str| match named {
            Some(named) => ExtractError::Mismatch { named, found: found.to_owned() },
            None => ExtractError::WrongType { found: found.to_owned() },
        };
        match (content, named) {
            (Content::Pdf, Some(Self::Pdf) | None) => Ok(Self::Pdf),
            (Content::Pdf, _) => Err(mismatch(named, "a PDF")),
            (Content::Zip, Some(Self::Docx) | None) => Ok(Self::Docx),
            (Content::Zip, _) => Err(mismatch(named, "a packed folder (zip) or an office document")),
            (Content::Compound, Some(Self::Docx) | None) if holds(bytes, "EncryptedPackage") => {
                Err(ExtractError::Password { named: Self::Docx })
            }
            (Content::Compound, _) => Err(mismatch(named, "a document of an old office program (.doc)")),
            (Content::Text, Some(kind @ (Self::Text | Self::Markdown | Self::Html))) => Ok(kind),
            (Content::Text, None) => Ok(if starts_like_html(bytes) { Self::Html } else { Self::Text }),
            (Content::Text, Some(_)) => Err(mismatch(named, "text without the form of one")),
            (Content::Other(found), _) => Err(mismatch(named, found)),
        }
    }
}

/// The kind that a name's ending says; an error names an ending that is known and not taken.
fn by_extension(name: &str) -> Result<Option<Kind>, &'static str> {
    let file = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let Some((_, ending)) = file.rsplit_once('.') else { return Ok(None) };
    Ok(Some(match &*ending.to_ascii_lowercase() {
        "txt" | "text" => Kind::Text,
        "md" | "markdown" => Kind::Markdown,
        "docx" => Kind::Docx,
        "pdf" => Kind::Pdf,
        "html" | "htm" | "xhtml" => Kind::Html,
        "doc" | "dot" => return Err("a document of an old Word (.doc)"),
        "docm" => return Err("a Word document with macros (.docm)"),
        "odt" | "ott" => return Err("an OpenDocument text (.odt)"),
        "rtf" => return Err("a Rich Text document (.rtf)"),
        "pages" => return Err("a Pages document"),
        "gdoc" => return Err("a link to a Google document, not the document itself"),
        "xls" | "xlsx" | "ods" | "numbers" | "csv" => return Err("a table"),
        "ppt" | "pptx" | "odp" | "key" => return Err("a set of slides"),
        "jpg" | "jpeg" | "png" | "gif" | "heic" | "webp" | "bmp" | "tif" | "tiff" | "svg" => {
            return Err("a picture");
        }
        "mp3" | "m4a" | "wav" | "ogg" | "mp4" | "mov" | "avi" | "mkv" | "webm" => {
            return Err("a sound or film recording");
        }
        "zip" | "rar" | "7z" | "gz" | "tar" | "tgz" => return Err("a packed folder"),
        "exe" | "msi" | "dmg" | "app" | "apk" => return Err("a program"),
        "tex" | "epub" | "mobi" => return Err("a type of document that is not taken"),
        _ => return Ok(None),
    }))
}

fn by_media(media: &str) -> Option<Kind> {
    match media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        "text/plain" => Some(Kind::Text),
        "text/markdown" => Some(Kind::Markdown),
        "text/html" | "application/xhtml+xml" => Some(Kind::Html),
        "application/pdf" => Some(Kind::Pdf),
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document" => Some(Kind::Docx),
        _ => None,
    }
}

fn sniff(bytes: &[u8]) -> Content {
    let head = &bytes[..bytes.len().min(1024)];
    let pictures: [&[u8]; 6] = [b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\0", b"MM\0*"];
    // PDF readers look for the header in the first 1,024 bytes.
    if head.windows(5).any(|w| w == b"%PDF-") {
        Content::Pdf
    } else if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        Content::Zip
    } else if head.starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") {
        Content::Compound
    } else if head.starts_with(b"{\\rtf") {
        Content::Other("a Rich Text document (.rtf)")
    } else if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") {
        Content::Text // UTF-16 with its mark
    } else if bytes[..bytes.len().min(8192)].contains(&0) {
        let picture =
            pictures.iter().any(|magic| head.starts_with(magic)) || head.get(8..12) == Some(b"WEBP");
        Content::Other(if picture { "a picture" } else { "not text" })
    } else {
        Content::Text
    }
}

/// Whether the name of a stream (UTF-16) stands in a compound file.
fn holds(bytes: &[u8], stream: &str) -> bool {
    let name: Vec<u8> = stream.encode_utf16().flat_map(u16::to_le_bytes).collect();
    bytes.windows(name.len()).any(|w| w == name)
}

fn starts_like_html(bytes: &[u8]) -> bool {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(512)]).to_ascii_lowercase();
    let head = head.trim_start_matches('\u{feff}').trim_start();
    head.starts_with("<!doctype html") || head.starts_with("<html")
}

/// The text of bytes in UTF-8, or in UTF-16 with a byte order mark.
pub(super) fn decode(bytes: &[u8]) -> Result<String, ExtractError> {
    let wide = |rest: &[u8], unit: fn([u8; 2]) -> u16| {
        let (pairs, odd) = rest.as_chunks::<2>();
        let mut text = String::with_capacity(rest.len() / 2);
        let mut at = 2;
        for read in char::decode_utf16(pairs.iter().map(|&pair| unit(pair))) {
            let c = read.map_err(|_| ExtractError::Encoding { position: at + 1 })?;
            at += 2 * c.len_utf16() as u64;
            text.push(c);
        }
        if odd.is_empty() { Ok(text) } else { Err(ExtractError::Encoding { position: bytes.len() as u64 }) }
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes),
        _ => match str::from_utf8(bytes) {
            Ok(text) => Ok(text.strip_prefix('\u{feff}').unwrap_or(text).to_owned()),
            Err(error) => Err(ExtractError::Encoding { position: error.valid_up_to() as u64 + 1 }),
        },
    }
}
