//! OpenAI's interface: files, batches, chat completions, responses, models; and the part of it that servers without batches
//! have.

mod batches;
pub(crate) mod files;
pub(crate) mod line;
mod live;
mod models;
mod requests;
pub(crate) mod validate;

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

/// The routes below `/openai/v1`.
pub(crate) fn router() -> Router<Arc<Core>> {
    Router::new()
        .route("/files", get(files::list).post(files::create).layer(DefaultBodyLimit::disable()))
        .route("/files/{id}", get(files::get).delete(files::delete))
        .route("/files/{id}/content", get(files::content))
        .route("/batches", get(batches::list).post(batches::create))
        .route("/batches/{id}", get(batches::get))
        .route("/batches/{id}/cancel", post(batches::cancel))
        .route("/chat/completions", post(live::chat).layer(DefaultBodyLimit::max(live::MAX_BODY)))
        .route("/responses", post(live::responses).layer(DefaultBodyLimit::max(live::MAX_BODY)))
        .route("/models", get(models::list))
        .route("/models/{id}", get(models::get))
        .fallback(unknown)
}

/// The routes below `/compatible/v1`: a server that speaks the same, but has no files and no batches.
pub(crate) fn without_batches() -> Router<Arc<Core>> {
    Router::new()
        .route("/chat/completions", post(live::chat).layer(DefaultBodyLimit::max(live::MAX_BODY)))
        .route("/models", get(models::list))
        .route("/models/{id}", get(models::get))
        .fallback(unknown)
}

async fn unknown(method: axum::http::Method, uri: axum::http::Uri) -> ApiError {
    ApiError::new(Kind::NotFound, format!("Invalid URL ({method} {})", uri.path()))
}
