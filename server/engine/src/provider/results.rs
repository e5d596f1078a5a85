//! A file of results, read as it arrives.

use super::{
    CallError, ErrorClass, LineError, ParsedLine,
    lines::{Cut, LONGEST, LineCutter},
};
use bytes::Bytes;
use futures::{Stream, StreamExt, stream::BoxStream};

/// Reads one line, given its number.
type Parse = Box<dyn FnMut(u64, &[u8]) -> ParsedLine + Send>;

struct State {
    pieces: BoxStream<'static, Result<Bytes, CallError>>,
    cutter: Option<LineCutter>,
    parse: Parse,
    provider: &'static str,
}

/// The lines of a download. It ends after an error of the download, to which a cut last line belongs.
pub(super) fn lines(
    provider: &'static str,
    pieces: BoxStream<'static, Result<Bytes, CallError>>,
    parse: impl FnMut(u64, &[u8]) -> ParsedLine + Send + 'static,
) -> impl Stream<Item = Result<ParsedLine, CallError>> + Send + 'static {
    let cutter = Some(LineCutter::new(LONGEST));
    let state = State { pieces, cutter, parse: Box::new(parse), provider };
    futures::stream::unfold(state, |mut state| async move {
        let line = state.next().await?;
        Some((line, state))
    })
}

/// Checks a last line without an end: where it stops in the middle the download was cut off there, whatever the
/// connection said.
pub(super) fn whole(provider: &str, last: &Cut) -> Result<(), CallError> {
    if let Cut::Line(number, bytes) = last
        && serde_json::from_slice::<serde::de::IgnoredAny>(bytes).is_err_and(|e| e.is_eof())
    {
        let message = format!("the download from {provider} ended in the middle of line {number}");
        return Err(CallError::new(ErrorClass::Connection, message));
    }
    Ok(())
}

impl State {
    async fn next(&mut self) -> Option<Result<ParsedLine, CallError>> {
        loop {
            if let Some(cut) = self.cutter.as_mut()?.next() {
                return Some(Ok(self.parsed(cut)));
            }
            match self.pieces.next().await {
                Some(Ok(piece)) => self.cutter.as_mut()?.push(&piece),
                Some(Err(error)) => {
                    self.cutter = None;
                    return Some(Err(error));
                }
                None => {
                    let cut = self.cutter.take()?.finish()?;
                    return Some(self.last(cut));
                }
            }
        }
    }

    /// The last line where it has no end: whole, or cut with the connection.
    fn last(&mut self, cut: Cut) -> Result<ParsedLine, CallError> {
        whole(self.provider, &cut)?;
        Ok(self.parsed(cut))
    }

    fn parsed(&mut self, cut: Cut) -> ParsedLine {
        match cut {
            Cut::Line(number, bytes) => (self.parse)(number, &bytes),
            Cut::TooLong(line) => {
                let reason = format!("longer than {} MiB", LONGEST / 1024 / 1024);
                Err(LineError { line, reason, custom_id: None })
            }
        }
    }
}
