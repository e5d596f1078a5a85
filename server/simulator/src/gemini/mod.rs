//! Gemini's interface: files, batches, content generated at once, models.

mod batches;
mod files;
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

/// The routes below `/gemini/v1beta`.
pub(crate) fn router() -> Router<Arc<Core>> {
    let live = DefaultBodyLimit::max(live::MAX_BODY);
    Router::new()
        .route("/models", get(models::list))
        .route("/models/{target}", get(models::get).post(live::act).layer(live))
        .route("/files", get(files::list))
        .route("/files/{target}", get(files::get).delete(files::delete))
        .route("/batches", get(batches::list))
        .route("/batches/{target}", get(batches::get).post(batches::cancel).delete(batches::delete))
        .fallback(unknown)
}

/// The routes below `/gemini/upload/v1beta`.
pub(crate) fn uploads() -> Router<Arc<Core>> {
    Router::new()
        .route("/files", post(files::begin))
        .route("/files/{session}", post(files::receive).put(files::receive))
        .layer(DefaultBodyLimit::disable())
        .fallback(unknown)
}

async fn unknown() -> ApiError {
    ApiError::new(Kind::NotFound, "Requested entity was not found.")
}

/// A name and what is to be done with it, such as `abc:cancel`.
fn parted(target: &str) -> (&str, Option<&str>) {
    target.split_once(':').map_or((target, None), |(name, act)| (name, Some(act)))
}
