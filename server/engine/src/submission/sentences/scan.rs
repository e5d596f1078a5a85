//! One pass over a paragraph that stops where a sentence may end and decides whether it does.

use super::abbreviations::{Stop, abbreviation, opens_sentence};

/// What a byte may begin.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    /// Nothing that ends a sentence.
    Plain,
    /// A full stop, exclamation or question mark of ASCII.
    Mark,
    /// A line end.
    Line,
    /// The first byte of a character that may be such a mark.
    Lead,
}

const CLASSES: [Class; 256] = {
    let mut classes = [Class::Plain; 256];
    classes[b'.' as usize] = Class::Mark;
    classes[b'!' as usize] = Class::Mark;
    classes[b'?' as usize] = Class::Mark;
    classes[b'\n' as usize] = Class::Line;
    // The first bytes in UTF-8 of the marks in `mark`.
    let leads = [0xD6, 0xD8, 0xDB, 0xE0, 0xE1, 0xE2, 0xE3, 0xEF];
    let mut i = 0;
    while i < leads.len() {
        classes[leads[i]] = Class::Lead;
        i += 1;
    }
    classes
};

/// The kinds of marks that end sentences.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    /// A full stop, which may belong to an abbreviation.
    Dot,
    /// Dots that show an omission or a pause.
    Ellipsis,
    /// Exclamation and question marks.
    Strong,
    /// A mark of a script that writes no space after it.
    Wide,
}

const fn mark(c: char) -> Option<Mark> {
    Some(match c {
        '.' => Mark::Dot,
        '…' => Mark::Ellipsis,
        '!' | '?' | '‼' | '⁇' | '⁈' | '⁉' | '؟' | '۔' | '։' | '।' | '॥' | '။' | '។' | '።' | '፧' => {
            Mark::Strong
        }
        '。' | '｡' | '！' | '？' | '．' => Mark::Wide,
        _ => return None,
    })
}

const fn closes(c: char) -> bool {
    matches!(
        c,
        '"' | '\'' | '”' | '’' | '»' | '›' | ')' | ']' | '}' | '*' | '_' | '」' | '』' | '】' | '）' | '》'
    )
}

const fn opens(c: char) -> bool {
    matches!(
        c,
        '"' | '\''
            | '“'
            | '„'
            | '‘'
            | '‚'
            | '«'
            | '‹'
            | '('
            | '['
            | '{'
            | '*'
            | '_'
            | '-'
            | '–'
            | '—'
            | '¿'
            | '¡'
    )
}

/// The sentences of one paragraph, as byte ranges.
pub(super) struct Scanner<'t> {
    text: &'t str,
    start: usize,
    end: usize,
}

impl<'t> Scanner<'t> {
    pub(super) const fn new(text: &'t str, start: usize, end: usize) -> Self {
        Self { text, start, end }
    }

    fn char_at(&self, at: usize) -> Option<char> {
        self.text[at..self.end].chars().next()
    }

    fn skip_space(&self, at: usize) -> usize {
        self.end - self.text[at..self.end].trim_start().len()
    }

    /// Reads the marks at `at` and what closes with them. Answers where they end, and whether the sentence does.
    fn ending(&self, at: usize, first: char, first_mark: Mark) -> (usize, bool) {
        let mut kind = first_mark;
        let mut i = at + first.len_utf8();
        while let Some(c) = self.char_at(i) {
            let next = if c == ' ' && kind != Mark::Strong && self.text[i + 1..self.end].starts_with('.') {
                i += 1; // the dots of ". . ."
                Mark::Dot
            } else if let Some(next) = mark(c) {
                next
            } else {
                break;
            };
            kind = match (kind, next) {
                (Mark::Wide, _) | (_, Mark::Wide) => Mark::Wide,
                (Mark::Strong, _) | (_, Mark::Strong) => Mark::Strong,
                _ => Mark::Ellipsis,
            };
            i += self.char_at(i).map_or(1, char::len_utf8);
        }
        let marks_end = i;
        while let Some(c) = self.char_at(i) {
            if closes(c) {
                i += c.len_utf8();
            } else if let Some(past) = self.note(i) {
                i = past;
            } else if c == '“' && self.char_at(i + c.len_utf8()).is_none_or(char::is_whitespace) {
                i += c.len_utf8(); // closes in German
            } else {
                break;
            }
        }
        let closed = i > marks_end;
        let ends = match self.char_at(i) {
            None => true,
            Some(c) if c.is_whitespace() => self.ends_before_space(at, kind, closed, i),
            Some(_) if kind == Mark::Wide => true,
            Some(c) => !closed && self.ends_without_space(at, kind, c, i),
        };
        (i, ends)
    }

    /// The place after a note's number, `[12]`, if one stands here.
    fn note(&self, at: usize) -> Option<usize> {
        let rest = self.text[at..self.end].strip_prefix('[')?;
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        (1..=3).contains(&digits).then_some(())?;
        rest[digits..].starts_with(']').then_some(at + digits + 2)
    }

    /// Whether marks at `at` that are followed by white space (from `after`) end the sentence.
    fn ends_before_space(&self, at: usize, kind: Mark, closed: bool, after: usize) -> bool {
        let mut next = self.skip_space(after);
        if matches!(self.char_at(next), Some(',' | ';' | ':' | ')' | ']')) {
            return false;
        }
        while let Some(c) = self.char_at(next).filter(|&c| opens(c) || c == ' ') {
            next += c.len_utf8();
        }
        let Some(c) = self.char_at(next) else { return true };
        let lower = c.is_lowercase();
        match kind {
            Mark::Wide => true,
            Mark::Strong => !(lower && closed),
            Mark::Ellipsis => !lower,
            Mark::Dot if closed => !lower,
            Mark::Dot => self.dot_ends(at, next, c),
        }
    }

    /// The letters, digits and full stops just before `at`, within the sentence.
    fn word_before(&self, at: usize) -> &'t str {
        let before = &self.text[self.start..at];
        let start = before
            .char_indices()
            .rev()
            .take_while(|&(_, c)| c.is_alphanumeric() || c == '.')
            .last()
            .map_or(before.len(), |(i, _)| i);
        &before[start..]
    }

    fn word_after(&self, at: usize) -> &'t str {
        let rest = &self.text[at..self.end];
        let len = rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len());
        &rest[..len]
    }

    /// Whether one full stop at `at`, white space and then `c` at `next` end the sentence.
    fn dot_ends(&self, at: usize, next: usize, c: char) -> bool {
        let word = self.word_before(at);
        let lower = c.is_lowercase();
        if word.bytes().all(|b| b.is_ascii_digit()) {
            // "1. First", "am 3. Mai" and a sentence that ends in a year; or no word at all, as after a bracket.
            let numbers_the_sentence = !word.is_empty() && at - word.len() == self.start;
            return !numbers_the_sentence && !lower;
        }
        match abbreviation(word) {
            Some(Stop::Never) => return false,
            Some(Stop::NotBeforeNumber) if c.is_numeric() => return false,
            Some(Stop::NotBeforeNumber) => {}
            Some(Stop::IfCapital) => return !lower && !c.is_numeric(),
            None => {}
        }
        if word.contains('.') && word.split('.').all(|part| part.chars().nth(2).is_none()) {
            // Letters with full stops, as in "U.S." and "p.m.".
            return !lower && opens_sentence(self.word_after(next));
        }
        let mut letters = word.chars();
        if let (Some(first), None) = (letters.next(), letters.next()) {
            return if first == 'I' || first.is_lowercase() {
                !lower && !c.is_numeric()
            } else {
                opens_sentence(self.word_after(next))
            };
        }
        // Hurried writers leave out capitals; a short or vowelless word before a small letter may be abbreviated.
        !lower
            || (word.chars().nth(2).is_some()
                && word.chars().skip(1).all(char::is_lowercase)
                && word.contains(['a', 'e', 'i', 'o', 'u', 'y', 'A', 'E', 'I', 'O', 'U', 'Y']))
    }

    /// Whether marks end a sentence that is followed by the next without a space: "about it.Next".
    fn ends_without_space(&self, at: usize, kind: Mark, c: char, next: usize) -> bool {
        if !c.is_uppercase() {
            return false;
        }
        let follows = self.char_at(next + c.len_utf8());
        if !follows.is_none_or(|f| f.is_lowercase() || f.is_whitespace() || f == '\'') {
            return false;
        }
        let word = self.word_before(at);
        let plain = word.chars().nth(1).is_some() && word.chars().skip(1).all(char::is_lowercase);
        match kind {
            Mark::Dot => {
                plain && abbreviation(word).is_none() && word.chars().next().is_some_and(char::is_lowercase)
            }
            _ => !word.is_empty(),
        }
    }

    /// Whether the line end at `at` ends the sentence: after a heading, and before a list item or heading.
    fn line_ends(&self, at: usize) -> bool {
        if self.text[self.start..].starts_with('#') {
            return true;
        }
        let line = self.text[at..self.end].trim_start();
        let marked = |rest: &str| rest.starts_with([' ', '\t']);
        if let Some(rest) = line.strip_prefix(['-', '*', '+', '•', '–', '·']) {
            return marked(rest);
        }
        if line.starts_with(['#', '|']) {
            return true;
        }
        let figures = line.bytes().take_while(u8::is_ascii_digit).count();
        let label = if figures == 0 {
            usize::from(line.starts_with(|c: char| c.is_ascii_lowercase()))
        } else {
            figures
        };
        (1..=3).contains(&label)
            && line[label..]
                .strip_prefix(')')
                .or_else(|| line[label..].strip_prefix('.').filter(|_| figures > 0))
                .is_some_and(marked)
    }
}

impl Iterator for Scanner<'_> {
    type Item = (usize, usize);

    fn next(&mut self) -> Option<(usize, usize)> {
        self.start = self.skip_space(self.start);
        let start = self.start;
        if start >= self.end {
            return None;
        }
        let bytes = self.text.as_bytes();
        let mut i = start;
        while i < self.end {
            let (past, ends) = match CLASSES[bytes[i] as usize] {
                Class::Plain => (i + 1, false),
                Class::Line => (i + 1, self.line_ends(i)),
                Class::Mark | Class::Lead => {
                    let Some(c) = self.char_at(i) else { break };
                    match mark(c) {
                        Some(kind) => self.ending(i, c, kind),
                        None => (i + c.len_utf8(), false),
                    }
                }
            };
            i = past;
            if ends {
                break;
            }
        }
        self.start = i;
        Some((start, start + self.text[start..i].trim_end().len()))
    }
}
