//! Pages.

use super::visitor::Visitor;
use crate::http::app::App;
use axum::{
    extract::State,
    http::{Method, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use quire_app::render;

/// Any page; an address that is none is answered by the page that says so.
pub(super) async fn page(State(app): State<App>, visitor: Visitor, method: Method, uri: Uri) -> Response {
    if !matches!(method, Method::GET | Method::HEAD) {
        return (
            StatusCode::METHOD_NOT_ALLOWED,
            [("allow", "GET, HEAD")],
            "This page can only be looked at.",
        )
            .into_response();
    }
    let signing_in = uri.path() == "/sign-in";
    if visitor.ended && !signing_in {
        // The cookie goes with this answer, so that the next page has to be told.
        let back = uri.path_and_query().map_or("/", |path| path.as_str());
        let address = render::sign_in_address(back);
        let sign = if address.contains('?') { '&' } else { '?' };
        return Visitor::on_to(&format!("{address}{sign}ended"));
    }
    let told = uri.query().is_some_and(|query| query.split('&').any(|pair| pair == "ended"));
    let ended = signing_in && visitor.person.is_none() && (told || visitor.ended);
    visitor.page(&app, &uri, ended, None).await
}
