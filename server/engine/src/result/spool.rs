//! Results that have come and wait to be taken in: apart from the first few in a file without a name, which is gone with
//! the process. However many there are, they take no memory.

use crate::{engine::EngineError, provider::Outcome};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use tempfile::SpooledTempFile;

/// So many bytes are kept in memory before a file is made.
const KEPT: usize = 1024 * 1024;

/// The results.
#[derive(Debug)]
pub(super) struct Spool {
    file: SpooledTempFile,
    end: u64,
    /// What is written or read at once.
    buffer: Vec<u8>,
}

/// Where a result lies.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    at: u64,
    length: usize,
}

impl Default for Spool {
    fn default() -> Self {
        Self { file: SpooledTempFile::new(KEPT), end: 0, buffer: Vec::new() }
    }
}

impl Spool {
    /// Keeps a result.
    ///
    /// # Errors
    /// If the file can't be made or written.
    pub(super) fn put(&mut self, outcome: &Outcome) -> Result<Place, EngineError> {
        self.buffer.clear();
        rmp_serde::encode::write(&mut self.buffer, outcome).map_err(|error| failed(&error))?;
        let place = Place { at: self.end, length: self.buffer.len() };
        self.file.seek(SeekFrom::Start(place.at)).map_err(|error| failed(&error))?;
        self.file.write_all(&self.buffer).map_err(|error| failed(&error))?;
        self.end += u64::try_from(place.length).unwrap_or(u64::MAX);
        Ok(place)
    }

    /// A result that was kept.
    ///
    /// # Errors
    /// If the file can't be read.
    pub(super) fn get(&mut self, place: Place) -> Result<Outcome, EngineError> {
        self.buffer.resize(place.length, 0);
        self.file.seek(SeekFrom::Start(place.at)).map_err(|error| failed(&error))?;
        self.file.read_exact(&mut self.buffer).map_err(|error| failed(&error))?;
        rmp_serde::from_slice(&self.buffer).map_err(|error| failed(&error))
    }
}

fn failed(error: &dyn std::error::Error) -> EngineError {
    let folder = std::env::temp_dir();
    EngineError::Spool(format!("{error} (in {})", folder.display()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::provider::{Answer, CallError, ErrorClass, Reply, Usage};
    use std::time::Duration;

    #[test]
    fn results_come_back_as_they_were_in_any_order() {
        let answered = |n: usize, answer: Answer| {
            Outcome::Answered(Reply {
                response_id: format!("r{n}"),
                model: "m".to_owned(),
                answer,
                usage: n.is_multiple_of(2).then(|| Usage { input_tokens: u64::MAX, ..Usage::default() }),
            })
        };
        let long = "é\"\n".repeat(KEPT / 50);
        let mut outcomes = vec![
            Outcome::Expired,
            Outcome::Cancelled,
            answered(0, Answer::Truncated),
            answered(1, Answer::Filtered),
            answered(2, Answer::Refused(String::new())),
            Outcome::Failed(CallError {
                status: Some(429),
                code: Some("c".to_owned()),
                request_id: None,
                retry_after: Some(Duration::from_millis(1_500)),
                maybe_done: true,
                ..CallError::new(ErrorClass::RateLimit, "slow down")
            }),
        ];
        // More than is kept in memory.
        outcomes.extend((3..60).map(|n| answered(n, Answer::Json(format!("{n}{long}")))));
        let mut spool = Spool::default();
        let places: Vec<Place> = outcomes.iter().map(|outcome| spool.put(outcome).unwrap()).collect();
        for (outcome, place) in outcomes.iter().zip(places).rev() {
            assert_eq!(&spool.get(place).unwrap(), outcome);
        }
    }
}
