//! The body of an upload: the requests of a batch as they come, never all in memory.

use super::{Lines, Outgoing};
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

/// Small lines are sent together in pieces of about this size.
const PIECE: usize = 64 * 1024;

/// Lines of this size and more are sent as they are, without being copied.
const LONG: usize = 4 * 1024;

/// How far an upload has come.
#[derive(Debug, Default)]
pub(super) struct Progress {
    moved: AtomicU64,
    done: AtomicBool,
    failure: OnceLock<String>,
}

impl Progress {
    /// Changes whenever something has moved.
    pub(super) fn mark(&self) -> (u64, bool) {
        (self.moved.load(Ordering::Relaxed), self.is_done())
    }
    /// The whole body was handed over; before that, no server can have understood it.
    pub(super) fn is_done(&self) -> bool {
        self.done.load(Ordering::Acquire)
    }
    /// What failed on our side, if that is why the upload ended.
    pub(super) fn failure(&self) -> Option<&str> {
        self.failure.get().map(String::as_str)
    }
    fn fail(&self, reason: String) -> OwnFailure {
        let _ = self.failure.set(reason);
        OwnFailure
    }
}

/// Ends the body; the reason is in [`Progress`].
#[derive(Debug, thiserror::Error)]
#[error("the upload was given up on our side")]
struct OwnFailure;

/// What stands around and between the items of a body.
#[derive(Clone, Copy)]
pub(super) struct Frame {
    pub(super) before: &'static str,
    pub(super) between: &'static str,
    pub(super) after: &'static str,
}

impl Frame {
    /// Lines that bring their own ends.
    pub(super) const LINES: Self = Self { before: "", between: "", after: "" };

    /// The length of the whole body, where the length of the items is known.
    fn length(self, batch: &Outgoing) -> Option<u64> {
        let joints = batch.requests.saturating_sub(1) * self.between.len() as u64;
        (batch.bytes > 0).then(|| self.before.len() as u64 + batch.bytes + joints + self.after.len() as u64)
    }
}

struct State {
    lines: Lines,
    frame: Frame,
    progress: Arc<Progress>,
    buffer: BytesMut,
    /// Follows what is in the buffer.
    long: Option<Bytes>,
    items: u64,
    moved: u64,
    length: Option<u64>,
    ended: bool,
}

/// The body of a batch and its length. Given `batch.bytes`, a body of another length is an error, never a cut request.
pub(super) fn body(
    batch: &Outgoing,
    lines: Lines,
    frame: Frame,
    progress: Arc<Progress>,
) -> (reqwest::Body, Option<u64>) {
    let length = frame.length(batch);
    let mut buffer = BytesMut::new();
    buffer.extend_from_slice(frame.before.as_bytes());
    let state =
        State { lines, frame, progress, buffer, long: None, items: 0, moved: 0, length, ended: false };
    let stream = futures::stream::try_unfold(state, |mut state| async move {
        Ok::<_, OwnFailure>(state.next().await?.map(|piece| (piece, state)))
    });
    (reqwest::Body::wrap_stream(stream), length)
}

impl State {
    async fn next(&mut self) -> Result<Option<Bytes>, OwnFailure> {
        if self.ended {
            return Ok(None);
        }
        let piece = self.gather().await?;
        self.moved += piece.len() as u64;
        if let Some(length) = self.length
            && (self.moved > length || (self.ended && self.moved != length))
        {
            let rest = if self.ended { "" } else { " or more" };
            return Err(self.progress.fail(format!(
                "the batch was written down with {length} bytes but its requests have {}{rest}",
                self.moved
            )));
        }
        self.progress.moved.store(self.moved, Ordering::Relaxed);
        // A body of known length is not asked for more once it is reached.
        if self.ended || self.length == Some(self.moved) {
            self.progress.done.store(true, Ordering::Release);
        }
        Ok(Some(piece).filter(|piece| !piece.is_empty()))
    }

    /// The next piece: a long line as it is, or short ones together.
    async fn gather(&mut self) -> Result<Bytes, OwnFailure> {
        if let Some(line) = self.long.take() {
            return Ok(line);
        }
        while self.buffer.len() < PIECE {
            match self.lines.next().await {
                Some(Ok(line)) => {
                    if self.items > 0 {
                        self.buffer.extend_from_slice(self.frame.between.as_bytes());
                    }
                    self.items += 1;
                    if line.len() < LONG {
                        self.buffer.extend_from_slice(&line);
                    } else if self.buffer.is_empty() {
                        return Ok(line);
                    } else {
                        self.long = Some(line);
                        break;
                    }
                }
                Some(Err(error)) => return Err(self.progress.fail(error.to_string())),
                None => {
                    self.buffer.extend_from_slice(self.frame.after.as_bytes());
                    self.ended = true;
                    break;
                }
            }
        }
        Ok(std::mem::take(&mut self.buffer).freeze())
    }
}
