//! The style guide: serves every page in every state, with samples, on a loopback port.
//!
//! ```text
//! cargo run -p quire-bundle
//! cargo run -p quire-app --features ssr --example gallery -- 127.0.0.1:4180 target/bundle
//! ```
//! Open `/gallery` for the list. Live updates move, forms lead nowhere.

#![allow(unreachable_pub, missing_docs, reason = "an example has no readers of its documentation")]

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
use quire_app::data::{FieldError, RefusedForm, Role, Visit};
use quire_app::render::{Assets, Refusal, Site, page, refusal};
use quire_app::when::Clock;
use quire_app::words;
use std::collections::HashMap;
use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Every page worth a look, with its address.
const PAGES: [(&str, &str); 40] = [
    ("sign-in", "/sign-in"),
    ("sign-in-refused", "/sign-in?refused=1&ended=1"),
    ("home", "/"),
    ("home-empty", "/?as=new"),
    ("hand-in", "/assignments/essay-2"),
    ("hand-in-again", "/assignments/essay-2-again"),
    ("hand-in-refused", "/assignments/essay-2?refused=1"),
    ("hand-in-closed", "/assignments/essay-2-closed"),
    ("hand-in-used", "/assignments/essay-2-used"),
    ("waiting", "/s/QR-7F3K-92MD"),
    ("waiting-back", "/s/QR-BACK"),
    ("waiting-fresh", "/s/QR-FRESH"),
    ("waiting-urgent", "/s/QR-URGENT"),
    ("marking", "/s/QR-MARKING"),
    ("late", "/s/QR-LATE"),
    ("in-review", "/s/QR-REVIEW"),
    ("needs-attention", "/s/QR-TROUBLE"),
    ("withdrawn", "/s/QR-GONE"),
    ("result", "/s/QR-DONE"),
    ("result-simulated", "/s/QR-ALONE"),
    ("text", "/s/QR-7F3K-92MD/text"),
    ("notices", "/notices?message=All+notices+are+read."),
    ("teach", "/teach"),
    ("teach-assignment", "/teach/assignments/essay-2"),
    ("teach-assignment-empty", "/teach/assignments/journal-47"),
    ("teach-waiting", "/teach/submissions/QR-7F3K-92MD"),
    ("teach-held", "/teach/submissions/QR-HELD"),
    ("teach-done", "/teach/submissions/QR-DONE"),
    ("admin", "/admin"),
    ("admin-empty", "/admin?as=new"),
    ("batches", "/admin/batches"),
    ("batch", "/admin/batches/b-2041"),
    ("mailbox", "/mailbox"),
    ("mail", "/mailbox/12"),
    ("not-found", "/s/QR-NOTHING"),
    ("forbidden", "/teach?as=student"),
    ("invalid", "/notices?page=last"),
    ("session-ended", "/refusal/session-ended"),
    ("too-large", "/refusal/too-large"),
    ("internal", "/refusal/internal"),
];

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
        .route("/gallery.json", get(|| async { Json(&PAGES[..]) }))
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
        PAGES.iter().map(|(name, href)| format!("<li><a href=\"{href}\">{name}</a>")).collect();
    Html(format!(
        "<!DOCTYPE html><title>Gallery</title><ul>{links}<li><a href=\"/s/QR-MOVING\">live</a></ul>"
    ))
}

/// Who looks: the samples of each role stand under its own addresses.
fn visit(uri: &Uri, query: &HashMap<String, String>) -> Visit {
    let path = uri.path();
    let role = match query.get("as").map(String::as_str) {
        Some("student") => Some(Role::Student),
        _ if path.starts_with("/sign-in") => None,
        _ if path.starts_with("/teach") => Some(Role::Instructor),
        _ if path.starts_with("/admin") => Some(Role::Admin),
        _ => Some(Role::Student),
    };
    let mut visit = samples::visit(role);
    if query.get("as").is_some_and(|who| who == "new") {
        visit.viewer.iter_mut().for_each(|viewer| "Nobody Yet".clone_into(&mut viewer.name));
    }
    visit.session_ended = query.contains_key("ended");
    visit.message = query.get("message").cloned();
    if query.contains_key("refused") {
        let error =
            |field: &str, message: &str| FieldError { field: field.to_owned(), message: message.to_owned() };
        let value = |field: &str, value: &str| (field.to_owned(), value.to_owned());
        visit.form = Some(if path == "/sign-in" {
            RefusedForm {
                errors: vec![error(
                    "password",
                    "That address and password don’t go together. Check both and try again.",
                )],
                values: vec![value("email", "ada.lind@example.org"), value("next", "/s/QR-7F3K-92MD")],
            }
        } else {
            RefusedForm {
                errors: vec![
                    error(
                        "text",
                        "There is text here and a file below. Hand in one of them: empty this field or leave out the file.",
                    ),
                    error(
                        "file",
                        "scan.heic is not a type that we can read. Send TXT, MD, DOCX, PDF or HTML.",
                    ),
                ],
                values: vec![
                    value(
                        "text",
                        "A library that closes at six is a library for people who have nothing to do after lunch.",
                    ),
                    value("file", "scan.heic"),
                ],
            }
        });
    }
    visit
}

async fn show(
    State(gallery): State<Gallery>,
    uri: Uri,
    Query(query): Query<HashMap<String, String>>,
) -> Response<Body> {
    page(&gallery.site, visit(&uri, &query), &uri).await
}

async fn refused(State(gallery): State<Gallery>, Path(kind): Path<String>, uri: Uri) -> Response<Body> {
    let refused = match kind.as_str() {
        "session-ended" => Refusal::SessionEnded {
            typed: Some(
                "A library that closes at six is a library for people who have nothing to do.".to_owned(),
            ),
            return_to: "/assignments/essay-2".to_owned(),
        },
        "too-large" => Refusal::TooLarge { limit: "10 MB".to_owned() },
        _ => Refusal::Internal { reference: "01935f2e".to_owned() },
    };
    refusal(&gallery.site, visit(&uri, &HashMap::new()), &uri, refused).await
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
            if tracking_id == "QR-MOVING" && moved > 9 {
                progress.status = quire_app::view::Status::Completed;
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
