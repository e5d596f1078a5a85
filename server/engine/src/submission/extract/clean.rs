//! Makes text clean: normal form, line ends, paragraphs, nothing invisible.

use std::borrow::Cow;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// What line ends mean in a text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Lines {
    /// A person wrote them: without any blank line, each may be the end of a paragraph, or all may be wrapping.
    Written,
    /// A reader of files set them: blank lines part paragraphs.
    Set,
}

/// What to do with a character.
enum Act {
    Keep,
    Replace(char),
    Tab,
    Drop,
    Invisible,
    LineEnd,
    ParagraphEnd,
}

fn act(c: char, last: Option<char>) -> Act {
    match c {
        '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{2028}' => Act::LineEnd,
        '\u{2029}' => Act::ParagraphEnd,
        ' '..='~' => Act::Keep,
        '\t' => Act::Tab,
        // Windows-1252 read as Latin-1: quotation marks and dashes, very common in work that went through old programs.
        '\u{85}' => Act::Replace('…'),
        '\u{91}' => Act::Replace('‘'),
        '\u{92}' => Act::Replace('’'),
        '\u{93}' => Act::Replace('“'),
        '\u{94}' => Act::Replace('”'),
        '\u{95}' => Act::Replace('•'),
        '\u{96}' => Act::Replace('–'),
        '\u{97}' => Act::Replace('—'),
        c if c.is_whitespace() => Act::Replace(' '),
        c if c.is_control() => Act::Drop,
        // Joiners belong to emoji and to many scripts, but not between Latin letters.
        '\u{200c}' | '\u{200d}' => {
            if last.is_some_and(|c| !c.is_ascii() && !matches!(c, '\u{200c}' | '\u{200d}')) {
                Act::Keep
            } else {
                Act::Invisible
            }
        }
        '\u{ad}'
        | '\u{34f}'
        | '\u{61c}'
        | '\u{115f}'
        | '\u{1160}'
        | '\u{17b4}'
        | '\u{17b5}'
        | '\u{180e}'
        | '\u{200b}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{3164}'
        | '\u{feff}'
        | '\u{ffa0}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e0fff}' => Act::Invisible,
        _ => Act::Keep,
    }
}

/// The text in NFC.
fn nfc(text: &str) -> Cow<'_, str> {
    match is_nfc_quick(text.chars()) {
        IsNormalized::Yes => Cow::Borrowed(text),
        _ => Cow::Owned(text.nfc().collect()),
    }
}

/// The clean text, and how many characters that can't be seen were taken out of it.
pub(super) fn clean(text: &str, lines: Lines) -> (String, u64) {
    // Before characters are judged, since some are an ASCII one in normal form (U+037E is a semicolon); and again
    // after, since what was taken out may have parted a letter from its accent.
    let text = nfc(text);
    let mut invisible = 0;
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        // The last character within the line.
        let last = out.chars().next_back().filter(|&c| c != '\n');
        match act(c, last) {
            Act::Keep => out.push(c),
            Act::Replace(with) => out.push(with),
            Act::Tab => out.push_str(if last.is_none() { "    " } else { " " }),
            Act::Drop => {}
            // A mark at the very start tells the encoding and hides nothing; a soft hyphen is a place to break.
            Act::Invisible => invisible += u64::from(c != '\u{ad}' && !(c == '\u{feff}' && out.is_empty())),
            Act::LineEnd => {
                if c == '\r' {
                    chars.next_if_eq(&'\n');
                }
                end_line(&mut out);
            }
            Act::ParagraphEnd => {
                end_line(&mut out);
                end_line(&mut out);
            }
        }
    }
    end_line(&mut out);
    // Leading spaces of the first line stay out, its blank lines too.
    let body = out.trim_matches(|c| c == '\n' || c == ' ');
    let body = nfc(body);
    let text = match lines {
        Lines::Written if !body.contains("\n\n") && body.contains('\n') && !is_wrapped(&body) => {
            lines_apart(&body)
        }
        _ => body.into_owned(),
    };
    (text, invisible)
}

/// Ends a line: no white space before it, and at most one blank line.
fn end_line(out: &mut String) {
    out.truncate(out.trim_end_matches(' ').len());
    if !out.ends_with("\n\n") && !out.is_empty() {
        out.push('\n');
    }
}

/// Whether the lines look wrapped at a width, as in e-mail: none very long, most nearly full and broken in the middle of a
/// sentence.
fn is_wrapped(text: &str) -> bool {
    let lines: Vec<&str> = text.lines().collect();
    let Some((_, broken)) = lines.split_last() else { return false };
    let lengths: Vec<usize> = lines.iter().map(|line| line.chars().count()).collect();
    let longest = lengths.iter().copied().max().unwrap_or(0);
    let nearly_full = broken.iter().zip(&lengths).filter(|&(_, &length)| length * 10 >= longest * 7).count();
    let open =
        broken.iter().filter(|line| !line.ends_with(['.', '!', '?', '"', '”', '…', ':', '。'])).count();
    (40..=120).contains(&longest) && nearly_full * 3 >= broken.len() * 2 && open * 2 >= broken.len()
}

/// Makes each line a paragraph; items of a list stay together.
fn lines_apart(text: &str) -> String {
    let item = |line: &str| {
        let line = line.trim_start();
        let rest = line.trim_start_matches(|c: char| c.is_ascii_digit());
        line.starts_with(['-', '*', '•', '+']) || (rest.len() < line.len() && rest.starts_with(['.', ')']))
    };
    let mut out = String::with_capacity(text.len() + text.len() / 16);
    let mut last: Option<&str> = None;
    for line in text.lines() {
        if let Some(last) = last {
            out.push_str(if item(last) && item(line) { "\n" } else { "\n\n" });
        }
        out.push_str(line);
        last = Some(line);
    }
    out
}
