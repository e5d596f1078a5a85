//! A load of HTTP requests from a process that spends as little as it can on making them: requests are bytes made
//! beforehand, connections stay open, and of an answer only its status and length are read.

use anyhow::{Context, bail};
use bytes::Bytes;
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// What a load came to.
#[derive(Clone, Debug)]
pub struct Load {
    /// Requests answered.
    pub answered: usize,
    /// From the first request to the last answer.
    pub took: Duration,
    /// Time from a request to the end of its answer, shortest first.
    pub latencies: Vec<Duration>,
}

impl Load {
    /// Answers per second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.answered as f64 / self.took.as_secs_f64()
    }

    /// The time within which this share of the answers came, such as 0.99.
    #[must_use]
    pub fn percentile(&self, share: f64) -> Duration {
        let last = self.latencies.len().saturating_sub(1);
        let at = (self.latencies.len() as f64 * share).ceil() as usize;
        self.latencies.get(at.saturating_sub(1).min(last)).copied().unwrap_or_default()
    }
}

/// A request as it goes over the wire.
#[must_use]
pub fn post(path: &str, token: &str, key: &str, json: &str) -> Bytes {
    let length = json.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: quire\r\nauthorization: Bearer {token}\r\nidempotency-key: {key}\r\n\
         content-type: application/json\r\naccept: application/json\r\ncontent-length: {length}\r\n\r\n{json}"
    )
    .into()
}

/// Sends all requests over so many connections, each with one request open at a time.
///
/// # Errors
/// If a connection fails, or an answer has another status than `expected`.
pub async fn run(
    to: SocketAddr,
    requests: Vec<Bytes>,
    connections: usize,
    expected: u16,
) -> anyhow::Result<Load> {
    let requests: Arc<[Bytes]> = requests.into();
    let next = Arc::new(AtomicUsize::new(0));
    let mut streams = Vec::with_capacity(connections);
    for _ in 0..connections {
        let stream = TcpStream::connect(to).await.with_context(|| format!("{to} can't be reached"))?;
        stream.set_nodelay(true)?;
        streams.push(stream);
    }
    let begin = Instant::now();
    let workers: Vec<_> = streams
        .into_iter()
        .map(|stream| tokio::spawn(work(stream, requests.clone(), next.clone(), expected)))
        .collect();
    let mut latencies = Vec::with_capacity(requests.len());
    for worker in workers {
        latencies.append(&mut worker.await??);
    }
    let took = begin.elapsed();
    latencies.sort_unstable();
    Ok(Load { answered: latencies.len(), took, latencies })
}

async fn work(
    mut stream: TcpStream,
    requests: Arc<[Bytes]>,
    next: Arc<AtomicUsize>,
    expected: u16,
) -> anyhow::Result<Vec<Duration>> {
    let mut latencies = Vec::new();
    let mut answer = Vec::with_capacity(16 * 1024);
    while let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
        let begin = Instant::now();
        stream.write_all(request).await?;
        let status = read_answer(&mut stream, &mut answer).await?;
        latencies.push(begin.elapsed());
        if status != expected {
            bail!("answered {status} where {expected} was expected: {}", String::from_utf8_lossy(&answer));
        }
    }
    Ok(latencies)
}

/// Reads one answer into `answer` and gives its status.
async fn read_answer(stream: &mut TcpStream, answer: &mut Vec<u8>) -> anyhow::Result<u16> {
    answer.clear();
    let mut whole = None;
    while whole.is_none_or(|whole| answer.len() < whole) {
        if stream.read_buf(answer).await? == 0 {
            bail!("the server closed the connection in the middle of an answer");
        }
        if whole.is_none()
            && let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n")
        {
            let head = std::str::from_utf8(&answer[..end]).context("the head of an answer is no text")?;
            whole = Some(end + 4 + content_length(head)?);
        }
    }
    let status = answer.get(9..12).and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
    status.context("an answer has no status")
}

fn content_length(head: &str) -> anyhow::Result<usize> {
    let line = head.lines().filter_map(|line| line.split_once(':'));
    let length = line.into_iter().find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    length.and_then(|(_, value)| value.trim().parse().ok()).context("an answer does not say how long it is")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn answers_are_counted_and_timed() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let to = listener.local_addr().unwrap();
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                tokio::spawn(async move {
                    let mut bytes = [0; 4096];
                    while stream.read(&mut bytes).await.is_ok_and(|n| n > 0) {
                        // In two pieces, as networks may.
                        stream.write_all(b"HTTP/1.1 201 Created\r\nContent-Le").await.unwrap();
                        tokio::task::yield_now().await;
                        stream.write_all(b"ngth: 5\r\n\r\nhello").await.unwrap();
                    }
                });
            }
        });
        let requests: Vec<_> = (0..50).map(|n| post("/", "t", &n.to_string(), "{}")).collect();
        let load = run(to, requests.clone(), 4, 201).await.unwrap();
        assert_eq!(load.answered, 50);
        assert!(load.percentile(0.5) <= load.percentile(0.99) && load.rate() > 0.0);
        let refused = run(to, requests, 1, 200).await.unwrap_err();
        assert!(refused.to_string().contains("201"), "{refused}");
    }
}
