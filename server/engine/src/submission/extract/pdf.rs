//! PDF: characters come with their places; lines and paragraphs are put together from these.

use super::{ExtractError, ExtractLimits, Found, Kind};
use pdf_extract::{Document, Error, MediaBox, Object, OutputDev, OutputError, Transform, output_doc};
use std::collections::BTreeMap;

const DAMAGED: ExtractError = ExtractError::Damaged { named: Kind::Pdf };
const LOCKED: ExtractError = ExtractError::Password { named: Kind::Pdf };

/// The text of a PDF.
pub(super) fn read(bytes: &[u8], limits: &ExtractLimits) -> Result<Found, ExtractError> {
    // One that only restricts printing or editing opens with the empty password, which the loader tries by itself.
    let mut document = Document::load_mem(bytes).map_err(|error| match error {
        Error::InvalidPassword | Error::Decryption(_) | Error::UnsupportedSecurityHandler(_) => LOCKED,
        _ => DAMAGED,
    })?;
    if document.is_encrypted() {
        return Err(LOCKED);
    }
    let pages = u32::try_from(document.get_pages().len()).unwrap_or(u32::MAX);
    if pages == 0 {
        return Err(DAMAGED);
    }
    if pages > limits.pages {
        return Err(ExtractError::TooManyPages { pages, limit: limits.pages });
    }
    spell_out_widths(&mut document);
    let mut page = Pages { most: limits.characters.saturating_mul(2), ..Pages::default() };
    match output_doc(&document, &mut page) {
        Ok(()) => {}
        Err(_) if page.taken > page.most => {
            return Err(ExtractError::TooLong { characters: page.taken, limit: limits.characters });
        }
        Err(_) => return Err(DAMAGED),
    }
    Ok(page.finish(pages))
}

/// Writes ranges of equal widths in composite fonts (`first last width`, PDF 32000-1, 9.7.4.3) as lists of single widths
/// (`first [width width]`), for the reader takes only these; with wrong widths, spaces are found where there are none.
fn spell_out_widths(document: &mut Document) {
    let fonts: Vec<_> = document
        .objects
        .iter()
        .filter_map(|(&id, object)| {
            let widths = object.as_dict().ok()?.get(b"W").ok()?;
            let (_, widths) = document.dereference(widths).ok()?;
            Some((id, spelt_out(widths.as_array().ok()?)?))
        })
        .collect();
    for (id, widths) in fonts {
        if let Some(Ok(font)) = document.objects.get_mut(&id).map(Object::as_dict_mut) {
            font.set("W", widths);
        }
    }
}

/// The widths with their ranges spelt out; `None` if there is no range, or if they are not as they should be.
fn spelt_out(widths: &[Object]) -> Option<Vec<Object>> {
    let mut out = Vec::with_capacity(widths.len());
    let mut rest = widths;
    let mut changed = false;
    loop {
        rest = match rest {
            [] => return changed.then_some(out),
            [first, Object::Array(list), rest @ ..] => {
                out.extend([first.clone(), Object::Array(list.clone())]);
                rest
            }
            [first, last, width, rest @ ..] => {
                let (from, to) = (first.as_i64().ok()?, last.as_i64().ok()?);
                // Codes have two bytes at most.
                let count = usize::try_from(to.checked_sub(from)?).ok().filter(|&count| count <= 0xffff)? + 1;
                changed = true;
                out.extend([first.clone(), Object::Array(vec![width.clone(); count])]);
                rest
            }
            _ => return None,
        };
    }
}

/// A line of a page.
#[derive(Debug, Default)]
struct Line {
    text: String,
    left: f64,
    right: f64,
    /// From the top of the page downwards.
    y: f64,
    size: f64,
    /// In the margin at the top or bottom of the page, where running heads are.
    in_margin: bool,
}

/// The uppermost or lowest line of a page, in its margin.
struct Edge {
    place: usize,
    size: f64,
    text: String,
    /// The text without figures and spaces.
    bare: String,
}

/// Takes the characters of all pages.
#[derive(Default)]
struct Pages {
    pages: Vec<Vec<Line>>,
    hidden: String,
    /// Where the page begins and ends, and its top.
    bounds: (f64, f64, f64, f64),
    /// A string of the page's own begins: only its place tells whether a space stands before it.
    starts: bool,
    taken: u64,
    most: u64,
}

impl OutputDev for Pages {
    fn begin_page(
        &mut self,
        _: u32,
        paper: &MediaBox,
        _: Option<(f64, f64, f64, f64)>,
    ) -> Result<(), OutputError> {
        self.pages.push(Vec::new());
        self.bounds = (paper.llx, paper.lly, paper.urx, paper.ury);
        Ok(())
    }

    fn end_page(&mut self) -> Result<(), OutputError> {
        Ok(())
    }

    fn output_character(
        &mut self,
        place: &Transform,
        width: f64,
        _: f64,
        font_size: f64,
        text: &str,
    ) -> Result<(), OutputError> {
        self.taken += 1;
        if self.taken > self.most {
            return Err(OutputError::FormatError(std::fmt::Error));
        }
        let (x, below) = (place.m31, place.m32);
        let across = place.m11.hypot(place.m12) * font_size;
        let size = place.m21.hypot(place.m22) * font_size;
        let (left, bottom, right, top) = self.bounds;
        if size.abs() < 2.0 || x < left - 1.0 || x > right + 1.0 || below < bottom - 1.0 || below > top + 1.0
        {
            self.hidden.push_str(text);
            return Ok(());
        }
        let y = top - below;
        let Some(lines) = self.pages.last_mut() else { return Ok(()) };
        let goes_on = lines.last().is_some_and(|line| {
            (y - line.y).abs() <= line.size.max(size) * 0.5 && x >= line.right - line.size * 2.0
        });
        if !goes_on {
            let share = y / (top - bottom);
            let in_margin = !(0.085..=0.915).contains(&share);
            lines.push(Line { left: x, right: x, y, size, in_margin, ..Line::default() });
        }
        if let Some(line) = lines.last_mut() {
            let gap = x - line.right;
            if self.starts && !line.text.is_empty() && gap > size * 0.17 && !line.text.ends_with(' ') {
                line.text.push(' ');
            }
            line.text.push_str(text);
            line.right = x + width * across;
            line.size = line.size.max(size);
        }
        self.starts = false;
        Ok(())
    }

    fn begin_word(&mut self) -> Result<(), OutputError> {
        self.starts = true;
        Ok(())
    }

    fn end_word(&mut self) -> Result<(), OutputError> {
        Ok(())
    }

    fn end_line(&mut self) -> Result<(), OutputError> {
        Ok(())
    }
}

impl Pages {
    fn finish(mut self, pages: u32) -> Found {
        for page in &mut self.pages {
            page.retain(|line| !line.text.trim().is_empty());
        }
        let running_heads = self.drop_running_heads();
        Found {
            text: self.text(),
            pages: Some(pages),
            hidden: self.hidden,
            running_heads,
            ..Found::default()
        }
    }

    /// Drops first and last lines in the margins that hold little but the page's number, or that are the same on most
    /// pages but for their figures.
    fn drop_running_heads(&mut self) -> bool {
        let bare = |line: &Line| {
            line.text.chars().filter(|c| !c.is_numeric() && !c.is_whitespace()).collect::<String>()
        };
        let usual = usual(self.pages.iter().flatten().map(|line| line.size));
        let mut dropped = false;
        for last in [false, true] {
            // Not the first and last as they come: programs print the margins when the text is done.
            let edge = |page: &Vec<Line>| {
                let lines = page.iter().enumerate().filter(|(_, line)| line.in_margin);
                let by_height = |(_, a): &(usize, &Line), (_, b): &(usize, &Line)| a.y.total_cmp(&b.y);
                let (place, line) = if last { lines.max_by(by_height) } else { lines.min_by(by_height) }?;
                // A page's only line is more likely its text.
                (page.len() > 1).then(|| Edge {
                    place,
                    size: line.size,
                    text: line.text.clone(),
                    bare: bare(line),
                })
            };
            let mut counts = BTreeMap::new();
            for head in self.pages.iter().filter_map(edge) {
                *counts.entry(head.bare).or_insert(0usize) += 1;
            }
            let most = counts.into_iter().max_by_key(|&(_, count)| count);
            let common = most.filter(|(text, count)| {
                *count >= 2 && count * 3 >= self.pages.len() * 2 && text.chars().count() <= 80
            });
            for (page, number) in self.pages.iter_mut().zip(1..) {
                let Some(head) = edge(page) else { continue };
                // Printed by the program: the page's title and the day, small, above the text.
                let is_stamp = !last && head.size < usual * 0.8;
                let is_common = common.as_ref().is_some_and(|(common, _)| *common == head.bare);
                if is_stamp || is_common || is_numbered(&head.text, number) {
                    page.remove(head.place);
                    dropped = true;
                }
            }
        }
        dropped
    }

    /// The text: lines joined to paragraphs.
    fn text(&self) -> String {
        let lines: Vec<&Line> = self.pages.iter().flatten().collect();
        let pitch = usual(self.pages.iter().flat_map(|page| page.windows(2)).map(|two| two[1].y - two[0].y));
        // No text is set wider than double-spaced; of a few lines, most distances may be those between paragraphs.
        let pitch = pitch.min(usual(lines.iter().map(|line| line.size)) * 2.6);
        let left = lines.iter().map(|line| line.left).fold(f64::MAX, f64::min);
        // A text of short lines only still has the paper's width to fill.
        let (paper_left, _, paper_right, _) = self.bounds;
        let right =
            lines.iter().map(|line| line.right).fold(left + (paper_right - paper_left) * 0.6, f64::max);
        let hyphens = lines.iter().filter(|line| line.text.trim_end().ends_with('-')).count();
        let is_hyphenated = hyphens >= 3 && hyphens * 30 > lines.len();
        let mut out = String::new();
        let mut last: Option<&Line> = None;
        for page in &self.pages {
            let mut first = true;
            for line in page {
                let text = line.text.trim();
                if let Some(before) = last {
                    let size = line.size.max(before.size).max(1.0);
                    // Across a page's end, the distance tells nothing.
                    let gap = if first { pitch } else { line.y - before.y };
                    let ended = before.text.trim_end().ends_with(['.', '!', '?', '"', '”', '…', ':']);
                    let fills = (before.right - left) / (right - left).max(1.0);
                    let indented = line.left > left + size * 1.2;
                    let apart = gap > pitch * 1.35 + 0.5
                        || gap < -size
                        || (line.size - before.size).abs() > size * 0.15
                        || indented && before.left <= left + size * 1.2
                        || ended && fills < if indented { 0.93 } else { 0.8 };
                    if apart {
                        out.push_str("\n\n");
                    } else if is_hyphenated && out.ends_with('-') && text.starts_with(char::is_lowercase) {
                        out.pop();
                    } else if !out.ends_with('-') {
                        out.push(' ');
                    }
                }
                push_plain(&mut out, text);
                last = Some(line);
                first = false;
            }
        }
        out
    }
}

/// Whether a line holds a page's number and little else: `3`, `Page 3`, `Lind 3`, `3 of 4`, `essay.html 3/4`.
fn is_numbered(line: &str, number: u32) -> bool {
    let words: Vec<&str> = line.split_whitespace().collect();
    words.len() <= 4
        && words.iter().any(|word| {
            let word = word.split_once('/').map_or(*word, |(first, _)| first);
            word.trim_matches(|c: char| !c.is_ascii_digit()).parse() == Ok(number)
        })
}

/// Appends a line with its ligatures spelt out and its runs of spaces made one.
fn push_plain(out: &mut String, line: &str) {
    let mut space = false;
    for c in line.chars() {
        if c.is_whitespace() {
            space = true;
            continue;
        }
        if std::mem::take(&mut space) {
            out.push(' ');
        }
        match c {
            'ﬀ' => out.push_str("ff"),
            'ﬁ' => out.push_str("fi"),
            'ﬂ' => out.push_str("fl"),
            'ﬃ' => out.push_str("ffi"),
            'ﬄ' => out.push_str("ffl"),
            'ﬅ' | 'ﬆ' => out.push_str("st"),
            c => out.push(c),
        }
    }
}

/// The value that most of the figures are near: the median of the positive ones.
fn usual(figures: impl Iterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.filter(|f| *f > 0.0 && f.is_finite()).collect();
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(0.0)
}
