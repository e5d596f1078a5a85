//! Servers that play a provider's part in the adapters' tests.

#![allow(clippy::unwrap_used)]

use super::{
    ApiKey, ErrorClass, Keep, Lines, LinesError, ParsedLine, Prompt, Request, Settings, Timeouts,
    http::{Dialect, Http},
};
use axum::{
    body::{Body, to_bytes},
    extract::Request as HttpRequest,
    response::Response,
};
use bytes::Bytes;
use futures::{StreamExt, stream::BoxStream};
use serde_json::Value;
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

/// A key that must never show.
pub(super) const KEY: &str = "sk-test-0123456789";

/// A small question with text that needs care.
pub(super) fn request() -> Request {
    Request {
        model: "gpt-6-luna".into(),
        prompt: Prompt {
            stable: "Mark \"fairly\".\n".into(),
            work: "[1] An essay \u{2028} with\ttabs.".into(),
            schema_name: "marks".into(),
            schema: serde_json::value::RawValue::from_string(
                "{\n \"type\": \"object\", \"additionalProperties\": false, \"properties\": {},\r\n \"required\": []}".into(),
            )
            .unwrap()
            .into(),
            max_output_tokens: 400,
        },
        keep: Keep::Short,
    }
}

/// Checks that a class of errors has the remedy that the retry table gives it: so many attempts, or a wait without end.
pub(super) fn has_its_remedy(class: ErrorClass) {
    use crate::recovery::{Next, RetryTable, after_failure};
    let table = RetryTable::default();
    let gives_up = |n: &u32| after_failure(&table, &super::CallError::new(class, ""), *n) == Next::GiveUp;
    let expected = match class {
        ErrorClass::RateLimit => Some(5),
        ErrorClass::TimeOut => Some(3),
        ErrorClass::TokenLimit
        | ErrorClass::Provider
        | ErrorClass::NotFound
        | ErrorClass::Invalid
        | ErrorClass::Malformed => Some(2),
        ErrorClass::Key | ErrorClass::Quota | ErrorClass::QueueFull | ErrorClass::Connection => None,
    };
    assert_eq!((1..100).find(gives_up), expected, "{class:?}");
}

/// Little patience, so that tests of it are quick.
pub(super) const IMPATIENT: Timeouts = Timeouts {
    connect: Duration::from_millis(500),
    reply: Duration::from_millis(300),
    call: Duration::from_millis(300),
    idle: Duration::from_millis(200),
};

pub(super) fn settings(base: &str) -> Settings {
    Settings { timeouts: IMPATIENT, ..Settings::new(base.parse().unwrap(), ApiKey::from(KEY)) }
}

/// Reads nothing over the network; for tests of the mappings.
pub(super) fn http(dialect: &'static Dialect) -> Http {
    Http::new(&settings("http://127.0.0.1:1/v1"), dialect, ("x-key", ""), &[]).unwrap()
}

/// What a server was asked.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) method: String,
    /// Path and query.
    pub(super) path: String,
    pub(super) headers: axum::http::HeaderMap,
    pub(super) body: Bytes,
}

/// A server that answers as it is told and remembers what it was asked.
pub(super) struct Server {
    pub(super) base: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    /// Starts one; `answer` sees each question.
    pub(super) async fn start(answer: impl Fn(&Asked) -> Response + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}/v1", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (answer, log) = (Arc::new(answer), Arc::clone(&asked));
        let router = axum::Router::new().fallback(move |request: HttpRequest| {
            let (answer, log) = (Arc::clone(&answer), Arc::clone(&log));
            async move {
                let (parts, body) = request.into_parts();
                let Ok(body) = to_bytes(body, usize::MAX).await else {
                    return reply(400, "the body broke off");
                };
                let asked = Asked {
                    method: parts.method.to_string(),
                    path: parts.uri.path_and_query().unwrap().to_string(),
                    headers: parts.headers,
                    body,
                };
                log.lock().unwrap().push(asked.clone());
                answer(&asked)
            }
        });
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { base, asked }
    }

    /// Everything asked so far.
    pub(super) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

/// A server on bare TCP: reads a whole request head, then writes these bytes and closes; or, with `stall`, keeps the
/// connection open without another byte.
pub(super) async fn raw(bytes: impl Into<Vec<u8>>, stall: bool) -> String {
    let bytes = bytes.into();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/v1", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            let bytes = bytes.clone();
            tokio::spawn(async move {
                let mut seen = Vec::new();
                let mut buffer = [0; 4096];
                // Until the head is there and, for small bodies, the body as well.
                while !seen.windows(4).any(|w| w == b"\r\n\r\n") {
                    match socket.read(&mut buffer).await {
                        Ok(n) if n > 0 => seen.extend_from_slice(&buffer[..n]),
                        _ => return,
                    }
                }
                let _ = socket.write_all(&bytes).await;
                if stall {
                    tokio::time::sleep(Duration::from_secs(60)).await;
                }
                let _ = socket.shutdown().await;
                // Reads on, so that closing does not reset what was written.
                while matches!(socket.read(&mut buffer).await, Ok(n) if n > 0) {}
            });
        }
    });
    base
}

/// A reply with a JSON body.
pub(super) fn json(status: u16, body: &Value) -> Response {
    Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .body(Body::from(body.to_string()))
        .unwrap()
}

/// A reply with any body.
pub(super) fn reply(status: u16, body: &str) -> Response {
    Response::builder().status(status).body(Body::from(body.to_owned())).unwrap()
}

/// The lines of a batch.
pub(super) fn lines(lines: Vec<Result<Vec<u8>, &'static str>>) -> Lines {
    futures::stream::iter(
        lines.into_iter().map(|line| line.map(Bytes::from).map_err(|e| LinesError(e.to_owned()))),
    )
    .boxed()
}

/// Reads a stream of results to its end.
pub(super) async fn all(
    results: BoxStream<'static, Result<ParsedLine, super::CallError>>,
) -> Vec<Result<ParsedLine, super::CallError>> {
    results.collect().await
}
