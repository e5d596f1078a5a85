//! The HTML of a mail in the demo's mailbox, for a frame that may do nothing.

use crate::http::app::App;
use axum::{
    extract::{Path, State},
    http::{
        HeaderName, StatusCode,
        header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_FRAME_OPTIONS},
    },
    response::{IntoResponse, Response},
};

/// Nothing is loaded and nothing is run; only our own pages may show it.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'self'; sandbox";

/// `GET /mailbox/{id}/html`
pub(super) async fn html(State(app): State<App>, Path(id): Path<String>) -> Response {
    let Some(demo) = &app.demo else { return StatusCode::NOT_FOUND.into_response() };
    match demo.mailbox.read(&id).await {
        Ok(Some(message)) => {
            let headers: [(HeaderName, &str); 3] = [
                (CONTENT_TYPE, "text/html; charset=utf-8"),
                (CONTENT_SECURITY_POLICY, POLICY),
                (X_FRAME_OPTIONS, "SAMEORIGIN"),
            ];
            (headers, message.html.unwrap_or_default()).into_response()
        }
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => {
            tracing::error!(%error, "a mail can't be read");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
