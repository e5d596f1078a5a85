//! Giving out stored content in a stream, whole or cut.

use std::{io, path::Path, time::Duration};

use bytes::Bytes;
use futures::{Stream, StreamExt};
use tokio::io::AsyncReadExt;
use tokio_util::io::ReaderStream;

use crate::simulator::{Core, new_id};

/// The size of the pieces that are read.
const PIECE: usize = 256 << 10;
/// How long what was given may take to leave before the connection is closed.
const FLUSH: Duration = Duration::from_millis(20);

/// The first `bytes` of a file. If it is to be `cut`, the stream fails at some byte before the end.
pub(crate) async fn stream(
    core: &Core,
    path: &Path,
    bytes: u64,
    cut: bool,
    id: &str,
) -> io::Result<impl Stream<Item = io::Result<Bytes>> + use<>> {
    let given = if cut {
        tracing::info!(id, fault = "cut_download", "simulated fault");
        (core.dice.unit(&["cut", id, &new_id("")]) * bytes as f64) as u64
    } else {
        bytes
    };
    let file = tokio::fs::File::open(path).await?;
    let stream = ReaderStream::with_capacity(file.take(given), PIECE);
    let end = futures::stream::iter(cut.then_some(())).then(async |()| {
        // What was given so far must get out first.
        tokio::time::sleep(FLUSH).await;
        Err(io::Error::from(io::ErrorKind::ConnectionReset))
    });
    Ok(stream.chain(end))
}
