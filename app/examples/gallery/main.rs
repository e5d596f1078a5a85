//! The style guide: serves every page in every state, with samples, on a loopback port.
//!
//! ```text
//! cargo run -p quire-bundle
//! cargo run -p quire-app --features ssr --example gallery -- 127.0.0.1:4180 target/bundle
//! ```
//! Open `/gallery` for the list. Live updates move, forms lead nowhere.

#![allow(unreachable_pub, missing_docs, reason = "an example has no readers of its documentation")]

mod pages;
mod samples;

use axum::Json;
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::http::{HeaderName, Response, StatusCode, Uri};
use axum::response::sse::{Event, Sse};
use axum::response::{Html, IntoResponse, Redirect};
use axum::routing::get;
use chrono::TimeDelta;
use quire_app::render::{Assets, Site, page, refusal};
use quire_app::when::Clock;
use quire_app::words;
use std::collections::HashMap;
use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

#[derive(Clone)]
struct Gallery {
    site: Site,
    bundle: PathBuf,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let listen = arguments.next().unwrap_or_else(|| "127.0.0.1:4180".to_owned());
    let bundle = PathBuf::from(arguments.next().unwrap_or_else(|| "target/bundle".to_owned()));
    let manifest = std::fs::read_to_string(bundle.join("manifest.json"))
        .map_err(|error| format!("no bundle in {}: run quire-bundle first ({error})", bundle.display()))?;
    let site = Site::new(Assets::from_manifest(&manifest)?, Arc::new(samples::Samples));
    let routes = Router::new()
        .route("/gallery", get(list))
        .route("/gallery.json", get(|| async { Json(&pages::PAGES[..]) }))
        .route("/pkg/{*name}", get(asset))
        .route("/notices/unread", get(|| async { Json(serde_json::json!({ "unread": 3 })) }))
        .route("/s/{tracking_id}/events", get(events))
        .route("/mailbox/{id}/html", get(mail))
        .route("/refusal/{kind}", get(refused))
        .fallback(get(show).post(|| async { Redirect::to("/gallery") }))
        .with_state(Gallery { site, bundle });
    let listener = tokio::net::TcpListener::bind(&listen).await?;
    axum::serve(listener, routes).await?;
    Ok(())
}

async fn list() -> Html<String> {
    let links: String =
        pages::PAGES.iter().map(|(name, href, _)| format!("<li><a href=\"{href}\">{name}</a>")).collect();
    Html(format!(
        "<!DOCTYPE html><title>Gallery</title><ul>{links}<li><a href=\"/s/QR-MOVING\">live</a></ul>"
    ))
}

async fn show(
    State(gallery): State<Gallery>,
    uri: Uri,
    Query(query): Query<HashMap<String, String>>,
) -> Response<Body> {
    page(&gallery.site, pages::visit(&uri, &query), &uri).await
}

async fn refused(State(gallery): State<Gallery>, Path(kind): Path<String>, uri: Uri) -> Response<Body> {
    refusal(&gallery.site, pages::visit(&uri, &HashMap::new()), &uri, pages::refusal(&kind)).await
}

async fn mail() -> impl IntoResponse {
    let policy = (CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'; sandbox");
    ([policy], Html(samples::mail_html()))
}

/// Snapshots of a wait that moves: a place every second, and the marks at the end.
async fn events(Path(tracking_id): Path<String>) -> impl IntoResponse {
    let stream = futures::stream::unfold(0_u32, move |moved| {
        let tracking_id = tracking_id.clone();
        async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let at = samples::now() + TimeDelta::seconds(moved.into());
            let mut progress = samples::progress(&tracking_id, moved, at)?;
            if tracking_id == samples::MOVING {
                samples::MOVED.store(moved, Ordering::Relaxed);
                if moved > 9 {
                    progress.status = quire_app::view::Status::Completed;
                    samples::MOVED.store(0, Ordering::Relaxed);
                }
            }
            let clock = Clock { now: at, zone: chrono_tz::Europe::Berlin };
            let event = Event::default().json_data(words::live(&progress, "essay", clock)).ok()?;
            Some((Ok::<_, Infallible>(event.id(moved.to_string())), moved + 1))
        }
    });
    Sse::new(stream)
}

async fn asset(
    State(gallery): State<Gallery>,
    Path(name): Path<String>,
) -> Result<impl IntoResponse, StatusCode> {
    if name.contains("..") {
        return Err(StatusCode::NOT_FOUND);
    }
    let content = tokio::fs::read(gallery.bundle.join(&name)).await.map_err(|_| StatusCode::NOT_FOUND)?;
    let kind = match name.rsplit('.').next() {
        Some("css") => "text/css",
        Some("js") => "text/javascript",
        Some("wasm") => "application/wasm",
        Some("woff2") => "font/woff2",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    };
    let headers: [(HeaderName, &str); 2] = [(CONTENT_TYPE, kind), (CACHE_CONTROL, "no-cache")];
    Ok((headers, content))
}
