//! Anthropic's interface: messages, message batches, models.

mod batches;
mod create;
pub(crate) mod line;
mod live;
mod models;
mod requests;

use std::sync::Arc;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    routing::{get, post},
};

use crate::{
    http::{ApiError, Kind},
    simulator::Core,
};

/// The routes below `/anthropic/v1`.
pub(crate) fn router() -> Router<Arc<Core>> {
    let live = DefaultBodyLimit::max(live::MAX_BODY);
    Router::new()
        .route("/messages", post(live::messages).layer(live))
        .route("/messages/count_tokens", post(live::count_tokens).layer(live))
        .route(
            "/messages/batches",
            get(batches::list).post(create::create).layer(DefaultBodyLimit::disable()),
        )
        .route("/messages/batches/{id}", get(batches::get).delete(batches::delete))
        .route("/messages/batches/{id}/cancel", post(batches::cancel))
        .route("/messages/batches/{id}/results", get(batches::results))
        .route("/models", get(models::list))
        .route("/models/{id}", get(models::get))
        .fallback(unknown)
}

async fn unknown() -> ApiError {
    ApiError::new(Kind::NotFound, "Not found")
}
