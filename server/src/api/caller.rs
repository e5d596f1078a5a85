//! Who calls: the person of a bearer token.

use crate::http::{
    app::App,
    problem::{Kind, Problem},
};
use axum::{
    extract::FromRequestParts,
    http::{header::AUTHORIZATION, request::Parts},
};
use quire_engine::identity::Actor;

/// The one who calls.
#[derive(Debug)]
pub(super) struct Caller(pub(super) Actor);

impl FromRequestParts<App> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let token = bearer(parts)?;
        Ok(Self(app.engine.identity().actor_by_token(token).await?))
    }
}

fn bearer(parts: &Parts) -> Result<&str, Problem> {
    let missing = |detail: &str| Problem::new(Kind::Unauthenticated, detail);
    let header = parts.headers.get(AUTHORIZATION).ok_or_else(|| {
        missing("The Authorization header is missing. Send \"Authorization: Bearer\" and a token.")
    })?;
    let text =
        header.to_str().map_err(|_| missing("The Authorization header holds signs that no token has."))?;
    match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(token.trim()),
        _ => Err(missing("The Authorization header must be \"Bearer\" and a token.")),
    }
}
