//! What is done around every request: an id, a span, a figure in the metrics, a log line, and headers that every
//! answer carries.

use axum::{
    extract::{MatchedPath, Request},
    http::{
        HeaderName, HeaderValue, Method, StatusCode,
        header::{
            CONTENT_SECURITY_POLICY, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
            X_FRAME_OPTIONS,
        },
    },
    middleware::Next,
    response::Response,
};
use std::time::Instant;
use tracing::Instrument;
use uuid::Uuid;

/// Header that names the request's id.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id of a request, under which the log has it.
#[derive(Clone, Copy, Debug)]
pub struct RequestId(pub Uuid);

impl std::fmt::Display for RequestId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.simple().fmt(f)
    }
}

tokio::task_local! {
    static CURRENT: RequestId;
}

/// The id of the request that this task is answering, if it is answering one.
#[must_use]
pub fn current() -> Option<RequestId> {
    CURRENT.try_with(|id| *id).ok()
}

/// Watches one request. What is logged and measured is the route, never the address asked for: that may hold ids of
/// people's work.
pub async fn observe(mut request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let id = RequestId(Uuid::now_v7());
    let method = method_name(request.method());
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "none".to_owned(), |path| path.as_str().to_owned());
    request.extensions_mut().insert(id);
    let span = tracing::info_span!("request", %id, method, route);
    let mut response = CURRENT.scope(id, next.run(request)).instrument(span.clone()).await;
    let status = response.status();
    let took = begun.elapsed();
    metrics::histogram!(
        "quire_http_request_duration_seconds",
        "method" => method, "route" => route, "status" => status_class(status)
    )
    .record(took.as_secs_f64());
    let milliseconds = took.as_millis();
    span.in_scope(|| {
        if status.is_server_error() {
            tracing::error!(status = status.as_u16(), milliseconds, "a request failed");
        } else {
            tracing::debug!(status = status.as_u16(), milliseconds, "a request was answered");
        }
    });
    if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// Adds the headers that protect whoever reads the answer. A page brings a policy of its own for scripts; everything
/// else may load nothing at all.
pub async fn protect(https: bool, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let fixed = [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (
            HeaderName::from_static("permissions-policy"),
            "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        ),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let defaults = [
        (REFERRER_POLICY, "same-origin"),
        (X_FRAME_OPTIONS, "DENY"),
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ),
    ];
    for (name, value) in defaults {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if https {
        headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    response
}

/// The method's name, so that made-up ones can't grow the metrics.
const fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

fn status_class(status: StatusCode) -> &'static str {
    match status.as_u16() {
        100..200 => "1xx",
        200..300 => "2xx",
        300..400 => "3xx",
        400..500 => "4xx",
        _ => "5xx",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use axum::{Router, body::Body, middleware, routing::get};
    use tower::ServiceExt;

    async fn ask(https: bool, path: &str) -> Response {
        let router = Router::new()
            .route("/plain", get(|| async { "x" }))
            .route(
                "/page",
                get(|| async {
                    (
                        [(CONTENT_SECURITY_POLICY, "script-src 'nonce-1'"), (REFERRER_POLICY, "no-referrer")],
                        "x",
                    )
                }),
            )
            .layer(middleware::from_fn(move |request, next| protect(https, request, next)))
            .layer(middleware::from_fn(observe));
        router
            .oneshot(Request::get(path).header(&REQUEST_ID, "mine").body(Body::empty()).unwrap())
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn every_answer_is_protected_and_has_an_id() {
        for path in ["/plain", "/nowhere"] {
            let response = ask(false, path).await;
            let headers = response.headers();
            assert!(headers[CONTENT_SECURITY_POLICY].to_str().unwrap().starts_with("default-src 'none'"));
            assert_eq!(headers[X_CONTENT_TYPE_OPTIONS], "nosniff");
            assert_eq!(headers["cross-origin-opener-policy"], "same-origin");
            assert_eq!(headers[REQUEST_ID].len(), 32, "an id of the server's own");
            assert!(!headers.contains_key(STRICT_TRANSPORT_SECURITY));
        }
        let response = ask(true, "/page").await;
        assert_eq!(response.headers()[CONTENT_SECURITY_POLICY], "script-src 'nonce-1'");
        assert_eq!(response.headers()[REFERRER_POLICY], "no-referrer");
        assert!(response.headers().contains_key(STRICT_TRANSPORT_SECURITY));
    }
}
