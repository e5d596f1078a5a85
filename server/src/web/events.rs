//! The live part of a submission's page.

use super::visitor::Visitor;
use crate::{http::app::App, live, page};
use axum::{
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use quire_engine::submission::{SubmissionView, ViewError};

/// `GET /s/{tracking_id}/events`
pub(super) async fn events(
    State(app): State<App>,
    visitor: Visitor,
    Path(tracking_id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let Some((actor, viewer)) = visitor.person else {
        return (StatusCode::UNAUTHORIZED, "Sign in to follow this page.").into_response();
    };
    let nothing = || (StatusCode::NOT_FOUND, "There is nothing here to follow.").into_response();
    let Ok(id) = tracking_id.parse() else { return nothing() };
    let view = match app.engine.submission(&actor, &id).await {
        Ok(view) => view,
        Err(ViewError::Engine(error)) => {
            tracing::error!(%error, "a submission can't be followed");
            return (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "5")], "Try again in a moment.")
                .into_response();
        }
        Err(_) => return nothing(),
    };
    let (zone, engine) = (viewer.zone, app.engine.clone());
    let words = move |view: &SubmissionView| {
        serde_json::to_string(&page::live(view, engine.now(), zone)).unwrap_or_default()
    };
    live::follow(&app, actor, view, &headers, words).unwrap_or_else(|| {
        (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "30")], live::TOO_MANY).into_response()
    })
}
