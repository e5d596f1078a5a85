//! The requests of a batch as they lie in its input file: where each line is, and in which order they are worked on.

use std::{
    fs::File,
    io::{self, BufRead, BufReader},
    os::unix::fs::FileExt,
    path::Path,
};

use rand::{SeedableRng, rngs::StdRng, seq::SliceRandom};

/// Where a line lies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    offset: u64,
    length: u32,
    /// From 1.
    pub(crate) number: u32,
}

/// An input file and where its requests are. Twenty bytes a request are held in memory, and never the requests.
#[derive(Debug)]
pub(crate) struct Input {
    file: File,
    spans: Vec<Span>,
}

impl Input {
    /// Finds the lines that aren't blank and hands each to `visit`.
    pub(crate) fn open(path: &Path, mut visit: impl FnMut(Span, &[u8])) -> io::Result<Self> {
        let file = File::open(path)?;
        let mut reader = BufReader::with_capacity(1 << 20, file.try_clone()?);
        let (mut spans, mut line) = (Vec::new(), Vec::new());
        let (mut offset, mut number) = (0, 0);
        loop {
            line.clear();
            let length = reader.read_until(b'\n', &mut line)?;
            if length == 0 {
                break;
            }
            number += 1;
            let trimmed = line.trim_ascii();
            if !trimmed.is_empty() {
                let length = u32::try_from(length)
                    .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "a line is longer than 4 GB"))?;
                let span = Span { offset, length, number };
                visit(span, trimmed);
                spans.push(span);
            }
            offset += length as u64;
        }
        Ok(Self { file, spans })
    }

    /// Mixes the order of work.
    pub(crate) fn shuffle(&mut self, seed: u64) {
        self.spans.shuffle(&mut StdRng::seed_from_u64(seed));
    }

    /// How many requests there are.
    pub(crate) fn len(&self) -> usize {
        self.spans.len()
    }

    /// Reads the requests from one place in the order of work to another.
    pub(crate) fn read(&self, from: usize, to: usize) -> io::Result<Vec<(Span, Vec<u8>)>> {
        self.spans[from..to]
            .iter()
            .map(|span| {
                let mut line = vec![0; span.length as usize];
                self.file.read_exact_at(&mut line, span.offset)?;
                Ok((*span, line))
            })
            .collect()
    }
}
