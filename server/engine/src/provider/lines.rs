//! Cuts a stream of bytes into lines, in constant memory.

use bytes::{Buf, Bytes, BytesMut};

/// The longest line of a result file that is read; a longer one is skipped and reported.
pub(super) const LONGEST: usize = 4 * 1024 * 1024;

/// A line, or why it can't be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// A line without its end (`\n` or `\r\n`), and its number from 1. Blank lines are counted and left out.
    Line(u64, Bytes),
    /// The line of this number is longer than allowed; it was skipped.
    TooLong(u64),
}

/// Takes pieces of a stream and gives its lines. Holds at most one line and one piece.
pub(super) struct LineCutter {
    held: BytesMut,
    /// How much of `held` has been searched for a line's end.
    searched: usize,
    /// Lines ended so far.
    number: u64,
    longest: usize,
    skipping: bool,
}

impl LineCutter {
    pub(super) fn new(longest: usize) -> Self {
        Self { held: BytesMut::new(), searched: 0, number: 0, longest, skipping: false }
    }

    /// Takes the next piece of the stream.
    pub(super) fn push(&mut self, piece: &[u8]) {
        self.held.extend_from_slice(piece);
    }

    /// The next line that has ended, if one has.
    pub(super) fn next(&mut self) -> Option<Cut> {
        loop {
            let Some(at) = memchr::memchr(b'\n', &self.held[self.searched..]) else {
                self.searched = self.held.len();
                if self.held.len() > self.longest {
                    self.skipping = true;
                }
                if self.skipping {
                    self.held.clear();
                    self.searched = 0;
                }
                return None;
            };
            let mut line = self.held.split_to(self.searched + at);
            self.held.advance(1);
            self.searched = 0;
            self.number += 1;
            if std::mem::take(&mut self.skipping) || line.len() > self.longest {
                return Some(Cut::TooLong(self.number));
            }
            if let Some(line) = tidy(&mut line, self.number == 1) {
                return Some(Cut::Line(self.number, line));
            }
        }
    }

    /// What is left when the stream has ended: a last line without an end, if there is one.
    pub(super) fn finish(mut self) -> Option<Cut> {
        let number = self.number + 1;
        if self.skipping {
            return Some(Cut::TooLong(number));
        }
        tidy(&mut self.held, number == 1).map(|line| Cut::Line(number, line))
    }
}

/// The line without `\r` at its end and without a byte order mark at the beginning of the file; `None` if it is blank.
fn tidy(line: &mut BytesMut, first: bool) -> Option<Bytes> {
    if first && line.starts_with(b"\xEF\xBB\xBF") {
        line.advance(3);
    }
    let end = line.trim_ascii_end().len();
    line.truncate(end);
    (!line.trim_ascii_start().is_empty()).then(|| line.split().freeze())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn cut(pieces: &[&[u8]], longest: usize) -> Vec<Cut> {
        let mut cutter = LineCutter::new(longest);
        let mut lines = Vec::new();
        for piece in pieces {
            cutter.push(piece);
            while let Some(line) = cutter.next() {
                lines.push(line);
            }
        }
        lines.extend(cutter.finish());
        lines
    }

    fn line(number: u64, text: &'static str) -> Cut {
        Cut::Line(number, Bytes::from_static(text.as_bytes()))
    }

    #[test]
    fn counts_every_line_and_gives_those_with_content() {
        let got = cut(&[b"\xEF\xBB\xBFa\r\n\n  \nb", b"c\nlast"], 10);
        assert_eq!(got, [line(1, "a"), line(4, "bc"), line(5, "last")]);
        assert_eq!(cut(&[b"", b"\n"], 10), []);
    }

    #[test]
    fn skips_a_line_that_is_too_long_and_goes_on() {
        let long = [b'x'; 25];
        let got = cut(&[b"a\n", &long, &long, b"\nb\n", &long, b"\nc"], 20);
        assert_eq!(got, [line(1, "a"), Cut::TooLong(2), line(3, "b"), Cut::TooLong(4), line(5, "c")]);
        assert_eq!(cut(&[&long], 20), [Cut::TooLong(1)]);
        let mut cutter = LineCutter::new(20);
        for _ in 0..1_000 {
            cutter.push(&long);
            assert_eq!(cutter.next(), None);
            assert!(cutter.held.capacity() < 200, "memory stays flat");
        }
    }

    proptest! {
        #[test]
        fn the_pieces_do_not_matter(text in "([a-c]{0,6}\r?\n?){0,12}", cuts in prop::collection::vec(0_usize..80, 0..6)) {
            let bytes = text.as_bytes();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|c| c.min(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|w| &bytes[w[0]..w[1]]).collect();
            let expected: Vec<Cut> = text
                .split('\n')
                .enumerate()
                .filter(|(_, l)| !l.trim_ascii().is_empty())
                .map(|(n, l)| Cut::Line(n as u64 + 1, Bytes::copy_from_slice(l.trim_ascii_end().as_bytes())))
                .collect();
            prop_assert_eq!(cut(&pieces, 1_000), expected);
        }
    }
}
