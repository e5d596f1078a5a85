//! What browsers ask for: pages, forms, live events.

mod bill;
mod budget;
mod dead_letters;
mod events;
mod form;
mod hand_in;
mod mailbox;
mod mark_by_hand;
mod notices;
mod pages;
mod prompts;
mod rules;
mod sign_in;
mod visitor;

use crate::{
    http::{app::App, patience},
    session::store::RowStore,
};
use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::StatusCode,
    middleware,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use quire_engine::identity::Sessions;
use tower_http::catch_panic::CatchPanicLayer;
use tower_sessions::{Expiry, SessionManagerLayer, cookie::SameSite};

/// Most bytes of a form that brings no work.
const SMALL_FORM: usize = 64 * 1024;

/// All addresses of pages and forms.
pub(crate) fn router(app: &App) -> Router<App> {
    let work = usize::try_from(app.settings.uploads.bytes).unwrap_or(usize::MAX).saturating_mul(2);
    let time = app.settings.http.request_timeout.0;
    let mut router = Router::new();
    for path in app.site.paths() {
        router = match path.as_str() {
            "/sign-in" => router.route(path, get(pages::page).post(sign_in::by_password)),
            "/admin/dead-letters" => router.route(path, get(pages::page).post(dead_letters::decide)),
            "/admin/budget" => router.route(path, get(pages::page).post(budget::change)),
            "/admin/rules" => router.route(path, get(pages::page).post(rules::order)),
            "/admin/prompts" => router.route(path, get(pages::page).post(prompts::change)),
            "/admin/rules/edit" => router.route(path, get(pages::page).post(rules::one)),
            // These bring a work or feedback back.
            "/admin/dead-letters/{id}" => {
                let post = post(dead_letters::one).layer(DefaultBodyLimit::max(work));
                router.route(path, get(pages::page).merge(post))
            }
            "/teach/submissions/{tracking_id}/mark" => {
                let post = post(mark_by_hand::mark).layer(DefaultBodyLimit::max(work));
                router.route(path, get(pages::page).merge(post))
            }
            path => router.route(path, get(pages::page)),
        };
    }
    router = router
        .route("/sign-out", post(sign_in::out))
        .route("/notices/unread", get(notices::unread))
        .route("/admin/rules/check", get(rules::check))
        .route("/admin/budget/bill", get(bill::download))
        .route("/notices/read-all", post(notices::read_all))
        .route("/notices/{id}/read", post(notices::read));
    if app.demo.is_some() {
        router = router
            .route("/demo/sign-in", post(sign_in::by_click))
            .route("/mailbox/{id}/html", get(mailbox::html));
    }
    let timed = router
        .layer(DefaultBodyLimit::max(SMALL_FORM))
        .route(
            "/assignments/{id}/hand-in",
            // The text beside a file that is too large is to be given back, so a little more is read than is taken.
            post(hand_in::hand_in).layer(DefaultBodyLimit::max(work.saturating_add(1 << 20))),
        )
        .fallback(pages::page)
        .layer(middleware::from_fn(move |request, next| patience::page(time, request, next)));
    let idle = time::Duration::try_from(app.settings.sessions.idle.0).unwrap_or(time::Duration::DAY);
    let rows = RowStore::new(Sessions::new(app.engine.db(), app.engine.world().clone()));
    let sessions = SessionManagerLayer::new(rows)
        .with_name(app.cookies.session)
        .with_http_only(true)
        .with_same_site(SameSite::Lax)
        .with_secure(app.settings.is_https())
        .with_path("/")
        .with_expiry(Expiry::OnInactivity(idle));
    timed
        .route("/s/{tracking_id}/events", get(events::events))
        .layer(CatchPanicLayer::custom(|_| panicked()))
        .layer(sessions)
}

fn panicked() -> Response {
    tracing::error!("a page's handler panicked");
    let told = "Something went wrong on our side. What we confirmed to you is safe. Go back and try again.";
    (StatusCode::INTERNAL_SERVER_ERROR, told).into_response()
}
