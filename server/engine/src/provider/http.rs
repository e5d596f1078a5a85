//! The HTTP client that the adapters share: addresses, patience, sizes, and what a failed exchange means.
//!
//! Redirects are never followed (a key must not travel to another address), JSON replies are read up to a size, and
//! each wait has an end. Whether a failed call may have been acted upon is told exactly: a question that only reads
//! never is, a request that did not leave as a whole never is.

use super::{
    CallError, ErrorClass,
    headers::{self, Exchange, Headroom, Observer},
    settings::{Settings, SettingsError, Timeouts},
    upload::Progress,
    words::{clipped, looks_like_html, root_cause, spoken, without_keys},
};
use bytes::{Bytes, BytesMut};
use chrono::{DateTime, Utc};
use futures::{StreamExt, stream::BoxStream};
use reqwest::{
    Client, Method, RequestBuilder, Response, StatusCode,
    header::{self, HeaderMap, HeaderValue},
};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use std::{
    fmt,
    future::Future,
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};
use url::Url;

/// The largest JSON reply that is read.
const LARGEST_REPLY: usize = 8 * 1024 * 1024;
/// The largest error body that is read.
const LARGEST_ERROR: usize = 64 * 1024;

/// How one provider's HTTP differs from another's.
pub(super) struct Dialect {
    /// The provider's name for people.
    pub(super) name: &'static str,
    /// The header with the provider's id of a call.
    pub(super) request_id: &'static str,
    /// Reads an error body; `None` where it is not one of this provider's.
    pub(super) refusal: fn(u16, &[u8]) -> Option<Refusal>,
    /// Reads the rate limits.
    pub(super) headroom: fn(&HeaderMap, DateTime<Utc>) -> Headroom,
}

/// An error body of a provider, understood.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) class: ErrorClass,
    pub(super) message: Option<String>,
    pub(super) code: Option<String>,
    pub(super) request_id: Option<String>,
    /// The wait that the body asks for; the header's wins.
    pub(super) retry_after: Option<Duration>,
}

/// A reply read to its end.
pub(super) struct Whole {
    pub(super) body: Bytes,
    pub(super) headers: HeaderMap,
    pub(super) request_id: Option<String>,
}

/// How long an exchange may take.
#[derive(Clone)]
pub(super) enum Patience {
    /// This long for all of it.
    Whole(Duration),
    /// As long as the upload moves, then the time-out of a reply.
    Upload(Arc<Progress>),
}

/// The client for one provider at one address with one key.
pub(super) struct Http {
    client: Client,
    base: Url,
    key: SecretString,
    dialect: &'static Dialect,
    pub(super) timeouts: Timeouts,
    observer: Option<Observer>,
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http")
            .field("provider", &self.dialect.name)
            .field("base", &self.base.as_str())
            .finish_non_exhaustive()
    }
}

impl Http {
    /// Makes the client. `auth` names the header of the key and what stands before it there.
    pub(super) fn new(
        settings: &Settings,
        dialect: &'static Dialect,
        auth: (&'static str, &str),
        extra: &[(&'static str, &'static str)],
    ) -> Result<Self, SettingsError> {
        settings.check()?;
        let mut headers = HeaderMap::new();
        headers.insert(auth.0, settings.key_header(auth.1)?);
        for (name, value) in extra {
            headers.insert(*name, HeaderValue::from_static(value));
        }
        // The first of all adapters settles it for the process; the others find it done.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut client = Client::builder()
            .user_agent(concat!("quire/", env!("CARGO_PKG_VERSION")))
            .default_headers(headers)
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(settings.timeouts.connect)
            .tcp_keepalive(Duration::from_secs(30))
            // A connection that the server has meanwhile closed would leave a creation call in doubt.
            .pool_idle_timeout(Duration::from_secs(15));
        if settings.is_local() {
            client = client.no_proxy();
        }
        if settings.base_url.scheme() == "http" {
            // No certificates are needed, so a machine without any is no hindrance.
            client = client.tls_certs_only([]);
        }
        let client = client.build().map_err(|error| SettingsError::Client {
            url: settings.base_url.to_string(),
            reason: root_cause(&error),
        })?;
        Ok(Self {
            client,
            base: settings.base_url.clone(),
            key: settings.key.clone(),
            dialect,
            timeouts: settings.timeouts,
            observer: settings.observer.clone(),
        })
    }

    /// The provider's name for people.
    pub(super) const fn name(&self) -> &'static str {
        self.dialect.name
    }

    /// The address of a resource; each segment is escaped.
    pub(super) fn url(&self, segments: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }

    /// An address that the provider gave, if it lies where the base URL does: the key goes nowhere else.
    pub(super) fn own_url(&self, text: &str) -> Option<Url> {
        Url::parse(text).ok().filter(|url| url.origin() == self.base.origin())
    }

    pub(super) fn request(&self, method: Method, url: Url) -> RequestBuilder {
        self.client.request(method, url)
    }

    /// Asks a short question.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        url: Url,
    ) -> Result<T, CallError> {
        let request = self.request(Method::GET, url);
        self.json(operation, request, Patience::Whole(self.timeouts.reply)).await
    }

    /// Sends JSON and reads JSON.
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        url: Url,
        body: Vec<u8>,
    ) -> Result<T, CallError> {
        let request = json_body(self.request(Method::POST, url), body);
        self.json(operation, request, Patience::Whole(self.timeouts.reply)).await
    }

    /// Any exchange with a JSON reply.
    pub(super) async fn json<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        request: RequestBuilder,
        patience: Patience,
    ) -> Result<T, CallError> {
        let request = built(request)?;
        let maybe_done = request.method() != Method::GET;
        let read = |whole: Whole| self.decode(&whole.body).map_err(|error| CallError { maybe_done, ..error });
        self.observed(operation, request, patience, read).await
    }

    /// Any exchange, its reply read to the end and made sense of by `read`; a reply that makes none counts as failed.
    pub(super) async fn exchange<T>(
        &self,
        operation: &'static str,
        request: RequestBuilder,
        patience: Patience,
        read: impl FnOnce(Whole) -> Result<T, CallError>,
    ) -> Result<T, CallError> {
        self.observed(operation, built(request)?, patience, read).await
    }

    async fn observed<T>(
        &self,
        operation: &'static str,
        request: reqwest::Request,
        patience: Patience,
        read: impl FnOnce(Whole) -> Result<T, CallError>,
    ) -> Result<T, CallError> {
        let started = Instant::now();
        let mut seen = Seen::default();
        let whole = self.whole(request, patience, &mut seen).await;
        let result = whole.and_then(read);
        self.observe(operation, started, seen, result.as_ref().err());
        result
    }

    async fn whole(
        &self,
        request: reqwest::Request,
        patience: Patience,
        seen: &mut Seen,
    ) -> Result<Whole, CallError> {
        let writes = request.method() != Method::GET;
        let work = async {
            let response = self.client.execute(request).await.map_err(|e| self.broken(&e, writes))?;
            let response = self.judge(response, writes, seen).await?;
            let request_id = headers::text(response.headers(), self.dialect.request_id).map(str::to_owned);
            let headers = response.headers().clone();
            let body = self.read(response, writes).await?;
            Ok(Whole { body, headers, request_id })
        };
        let mut result = match &patience {
            Patience::Whole(limit) => match tokio::time::timeout(*limit, work).await {
                Ok(result) => result,
                Err(_) => Err(self.timed_out(*limit, "no whole answer", writes)),
            },
            Patience::Upload(progress) => watched(work, progress, self.timeouts).await.unwrap_or_else(|| {
                Err(self.timed_out(
                    if progress.is_done() { self.timeouts.reply } else { self.timeouts.idle },
                    if progress.is_done() { "no answer to the upload" } else { "the upload stood still" },
                    writes,
                ))
            }),
        };
        if let (Err(error), Patience::Upload(progress)) = (&mut result, &patience) {
            if let Some(failure) = progress.failure() {
                *error = CallError::new(ErrorClass::Connection, failure);
            } else if !progress.is_done() {
                // What has not wholly left can't be acted upon.
                error.maybe_done = false;
            }
        }
        result
    }

    /// Opens a download; its pieces come as they arrive. Only reads.
    pub(super) async fn download(
        &self,
        operation: &'static str,
        url: Url,
    ) -> Result<BoxStream<'static, Result<Bytes, CallError>>, CallError> {
        let started = Instant::now();
        let mut seen = Seen::default();
        let work = async {
            let request = self.request(Method::GET, url);
            let response = request.send().await.map_err(|e| self.broken(&e, false))?;
            self.judge(response, false, &mut seen).await
        };
        let limit = self.timeouts.reply;
        let result = tokio::time::timeout(limit, work)
            .await
            .unwrap_or_else(|_| Err(self.timed_out(limit, "no answer", false)));
        self.observe(operation, started, seen, result.as_ref().err());
        let pieces = result?.bytes_stream();
        let (name, idle) = (self.dialect.name, self.timeouts.idle);
        let stream = futures::stream::unfold(Some(pieces), move |pieces| async move {
            let mut pieces = pieces?;
            match tokio::time::timeout(idle, pieces.next()).await {
                Ok(None) => None,
                Ok(Some(Ok(piece))) => Some((Ok(piece), Some(pieces))),
                Ok(Some(Err(error))) => {
                    let message = format!("the download from {name} broke off: {}", root_cause(&error));
                    Some((Err(CallError::new(ErrorClass::Connection, message)), None))
                }
                Err(_) => {
                    let message = format!("the download from {name} stood still for {}", spoken(idle));
                    Some((Err(CallError::new(ErrorClass::TimeOut, message)), None))
                }
            }
        });
        Ok(stream.boxed())
    }

    /// Reads a body as JSON.
    pub(super) fn decode<T: DeserializeOwned>(&self, body: &[u8]) -> Result<T, CallError> {
        serde_json::from_slice(body).map_err(|error| {
            if looks_like_html(body) {
                return self.web_page();
            }
            // serde's own words may quote the text; a place and a kind don't.
            let what = match error.classify() {
                serde_json::error::Category::Eof => "is cut off",
                serde_json::error::Category::Data => "does not have the members expected",
                _ => "is not JSON",
            };
            let message = format!(
                "the reply of {} {what} (line {}, column {})",
                self.dialect.name,
                error.line(),
                error.column()
            );
            CallError::new(ErrorClass::Malformed, message)
        })
    }

    /// Passes a reply that succeeded, and turns any other into its error.
    async fn judge(&self, response: Response, writes: bool, seen: &mut Seen) -> Result<Response, CallError> {
        let status = response.status();
        let now = Utc::now();
        seen.status = Some(status.as_u16());
        seen.headroom = (self.dialect.headroom)(response.headers(), now);
        let html = headers::text(response.headers(), "content-type")
            .is_some_and(|kind| kind.to_ascii_lowercase().starts_with("text/html"));
        if status.is_success() && !html {
            return Ok(response);
        }
        let mut error = if status.is_success() {
            self.web_page()
        } else if status.is_redirection() {
            let to = headers::text(response.headers(), "location").unwrap_or("another address");
            let message = format!(
                "{} at {} redirects to {}: set its base URL to the final address",
                self.dialect.name,
                self.base,
                clipped(to)
            );
            CallError::new(ErrorClass::Malformed, message)
        } else {
            CallError::new(by_status(status.as_u16()), String::new())
        };
        error.status = Some(status.as_u16());
        error.retry_after = headers::retry_after(response.headers(), now);
        error.request_id = headers::text(response.headers(), self.dialect.request_id).map(clipped);
        error.maybe_done = writes && may_be_done(status);
        if !error.message.is_empty() {
            return Err(error);
        }
        // What can't be read of it changes nothing.
        let body = read_up_to(response, LARGEST_ERROR).await.unwrap_or_else(|partial| partial.0);
        self.explain(&mut error, &body, html);
        Err(error)
    }

    /// Fills in an error from the body that came with it.
    fn explain(&self, error: &mut CallError, body: &[u8], html: bool) {
        let status = error.status.unwrap_or_default();
        if let Some(refusal) = (self.dialect.refusal)(status, body) {
            error.class = refusal.class;
            error.code = refusal.code.map(|code| clipped(&code));
            error.request_id = error.request_id.take().or(refusal.request_id.map(|id| clipped(&id)));
            error.retry_after = error.retry_after.or(refusal.retry_after);
            error.message = refusal.message.map(|message| self.clean(&message)).unwrap_or_default();
        } else if (html || looks_like_html(body)) && !says_enough(error.class) {
            error.class = ErrorClass::Malformed;
            error.message = self.web_page().message;
        }
        if error.message.is_empty() {
            error.message = format!("{} gave no reason", self.dialect.name);
        }
    }

    /// An error that came inside a reply (a line of results, a failed answer), cleaned like one that came alone.
    pub(super) fn clean(&self, message: &str) -> String {
        clipped(&without_keys(&message.replace(self.key.expose_secret(), "[key]")))
    }

    fn web_page(&self) -> CallError {
        let message = format!(
            "a web page (HTML) came where {} should answer: check the base URL {} and any proxy on the way",
            self.dialect.name, self.base
        );
        CallError::new(ErrorClass::Malformed, message)
    }

    async fn read(&self, response: Response, writes: bool) -> Result<Bytes, CallError> {
        let status = response.status().as_u16();
        let request_id = headers::text(response.headers(), self.dialect.request_id).map(clipped);
        read_up_to(response, LARGEST_REPLY).await.map_err(|Partial(_, error)| {
            let mut failed = match error {
                Some(error) => self.broken(&error, writes),
                None => {
                    let message = format!("the reply of {} is larger than 8 MiB", self.dialect.name);
                    CallError { maybe_done: writes, ..CallError::new(ErrorClass::Malformed, message) }
                }
            };
            (failed.status, failed.request_id) = (Some(status), request_id);
            failed
        })
    }

    /// An exchange that ended without a reply, or in the middle of one.
    fn broken(&self, error: &reqwest::Error, writes: bool) -> CallError {
        let class = if error.is_timeout() { ErrorClass::TimeOut } else { ErrorClass::Connection };
        let (what, maybe_done) = if error.is_builder() {
            ("could not be asked", false)
        } else if error.is_connect() {
            ("can't be reached", false)
        } else {
            ("broke the connection", writes)
        };
        let message =
            format!("{} at {} {what}: {}", self.dialect.name, self.base, clipped(&root_cause(error)));
        CallError { maybe_done, ..CallError::new(class, message) }
    }

    fn timed_out(&self, limit: Duration, what: &str, writes: bool) -> CallError {
        let message = format!("{} at {}: {what} within {}", self.dialect.name, self.base, spoken(limit));
        CallError { maybe_done: writes, ..CallError::new(ErrorClass::TimeOut, message) }
    }

    fn observe(&self, operation: &'static str, started: Instant, seen: Seen, error: Option<&CallError>) {
        let took = started.elapsed();
        tracing::debug!(
            provider.name = self.dialect.name,
            provider.operation = operation,
            http.status = seen.status,
            error = error.map(tracing::field::display),
            took_ms = took.as_millis(),
            "exchange with a provider"
        );
        if let Some(observer) = &self.observer {
            observer(&Exchange {
                operation,
                status: seen.status,
                error: error.map(|e| e.class),
                why: error.map(|e| e.message.clone()),
                retry_after: error.and_then(|e| e.retry_after),
                took,
                headroom: seen.headroom,
            });
        }
    }
}

/// What was seen of a reply, for the observer.
#[derive(Default)]
struct Seen {
    status: Option<u16>,
    headroom: Headroom,
}

/// What could be read of a body, and what went wrong (nothing did if it was too large).
struct Partial(Bytes, Option<reqwest::Error>);

async fn read_up_to(mut response: Response, most: usize) -> Result<Bytes, Partial> {
    let mut body = BytesMut::new();
    loop {
        match response.chunk().await {
            Ok(None) => return Ok(body.freeze()),
            Ok(Some(piece)) if body.len() + piece.len() <= most => body.extend_from_slice(&piece),
            Ok(Some(_)) => return Err(Partial(body.freeze(), None)),
            Err(error) => return Err(Partial(body.freeze(), Some(error))),
        }
    }
}

/// Waits for the work as long as the upload moves; `None` when it stood still, or no reply came after it.
async fn watched<T>(work: impl Future<Output = T>, progress: &Progress, timeouts: Timeouts) -> Option<T> {
    let mut work = pin!(work);
    loop {
        let before = progress.mark();
        let patience = if progress.is_done() { timeouts.reply } else { timeouts.idle };
        match tokio::time::timeout(patience, &mut work).await {
            Ok(done) => return Some(done),
            Err(_) if progress.mark() != before => {}
            Err(_) => return None,
        }
    }
}

fn built(request: RequestBuilder) -> Result<reqwest::Request, CallError> {
    request.build().map_err(|error| {
        CallError::new(ErrorClass::Invalid, format!("the request can't be made: {}", root_cause(&error)))
    })
}

/// The request with a JSON body.
pub(super) fn json_body(request: RequestBuilder, body: Vec<u8>) -> RequestBuilder {
    request.header(header::CONTENT_TYPE, "application/json").body(body)
}

/// The kind of failure by the HTTP status alone.
pub(super) const fn by_status(status: u16) -> ErrorClass {
    match status {
        401 | 403 => ErrorClass::Key,
        402 => ErrorClass::Quota,
        404 | 410 => ErrorClass::NotFound,
        408 | 504 => ErrorClass::TimeOut,
        413 => ErrorClass::TokenLimit,
        429 => ErrorClass::RateLimit,
        // A conflict, or too early: nothing is wrong with the request, another time it passes.
        409 | 425 => ErrorClass::Provider,
        499 => ErrorClass::Connection,
        400..=498 => ErrorClass::Invalid,
        // Also 0 and other figures that are no status of HTTP, which some servers put into result lines.
        _ => ErrorClass::Provider,
    }
}

/// A class that a status gives for sure, whatever kind of body came with it.
const fn says_enough(class: ErrorClass) -> bool {
    matches!(
        class,
        ErrorClass::Provider | ErrorClass::TimeOut | ErrorClass::RateLimit | ErrorClass::TokenLimit
    )
}

/// Whether a request that writes may have been carried out although this status came back: time-outs (of a gateway,
/// too), failures on the way, "see other", and a success whose body is of no use.
fn may_be_done(status: StatusCode) -> bool {
    status.is_success() || status.is_server_error() || matches!(status.as_u16(), 303 | 408 | 499)
}
