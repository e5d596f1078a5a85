//! Waking the workers of this process: a bell for each kind of task.
//!
//! A ring means *ask the database*; one too many costs an empty question, so the bells are the process's, not a
//! database's.

use super::Kind;
use std::sync::LazyLock;
use tokio::sync::watch;
use tokio_stream::wrappers::WatchStream;

static BELLS: LazyLock<[watch::Sender<()>; Kind::ALL.len()]> =
    LazyLock::new(|| std::array::from_fn(|_| watch::Sender::new(())));

/// There may be tasks of this kind.
pub(super) fn ring(kind: Kind) {
    BELLS[kind as usize].send_replace(());
}

/// Yields once at first, then after each ring; rings in between are one.
pub(super) fn hear(kind: Kind) -> WatchStream<()> {
    WatchStream::new(BELLS[kind as usize].subscribe())
}
