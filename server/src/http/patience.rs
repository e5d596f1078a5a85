//! Requests that take too long are given up.

use super::problem::{Kind, Problem};
use axum::{
    extract::Request,
    http::StatusCode,
    middleware::Next,
    response::{IntoResponse, Response},
};
use std::time::Duration;

/// For the REST interface. A live stream is answered at once and then lasts, so it is not cut off.
pub(crate) async fn api(time: Duration, request: Request, next: Next) -> Response {
    match tokio::time::timeout(time, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::new(
            Kind::Timeout,
            "The request did not arrive or could not be answered in time. With the same Idempotency-Key it is safe \
             to send again.",
        )
        .into_response(),
    }
}

/// For pages.
pub(crate) async fn page(time: Duration, request: Request, next: Next) -> Response {
    match tokio::time::timeout(time, next.run(request)).await {
        Ok(response) => response,
        Err(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "This took too long. What we confirmed to you is safe. Go back and try again in a moment.",
        )
            .into_response(),
    }
}
