//! The web server.

pub mod app;
pub mod assets;
pub mod health;
pub mod listen;
pub mod metrics;
pub mod observe;
pub(crate) mod patience;
pub mod problem;

use crate::{api, web};
use app::App;
use axum::{
    Router,
    extract::Path,
    http::StatusCode,
    middleware,
    response::{IntoResponse, Response},
    routing::get,
};

/// All that the server answers.
pub fn router(app: &App) -> Router {
    let https = app.settings.is_https();
    Router::new()
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(health::metrics))
        .route("/pkg/{*name}", get(assets::file))
        .route("/problems/{slug}", get(explain))
        .merge(api::router(app))
        .merge(web::router(app))
        .layer(middleware::from_fn(move |request, next| observe::protect(https, request, next)))
        .layer(middleware::from_fn(observe::observe))
        .with_state(app.clone())
}

/// `/problems/{slug}`
async fn explain(Path(slug): Path<String>) -> Response {
    match problem::explain(&slug) {
        Some(text) => text.into_response(),
        None => (StatusCode::NOT_FOUND, "There is no such type of problem.\n").into_response(),
    }
}
