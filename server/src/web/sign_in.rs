//! Signing in and out.

use super::{form::Form, visitor::Visitor};
use crate::{http::app::App, session};
use axum::{
    extract::{Request, State},
    http::Uri,
    response::Response,
};
use quire_app::{
    data::{FieldError, PageError, RefusedForm},
    render::{Refusal, local_path, sign_in_address},
};
use quire_engine::{identity::IdentityError, store::PersonId};
use std::time::Instant;

fn count(outcome: &'static str) {
    metrics::counter!("quire_sign_in_total", "outcome" => outcome).increment(1);
}

/// The sign-in page as an address to render.
fn at_sign_in() -> Uri {
    Uri::from_static("/sign-in")
}

/// `POST /sign-in`
pub(super) async fn by_password(State(app): State<App>, visitor: Visitor, request: Request) -> Response {
    let form = match Form::read(&app, &visitor, request, "/sign-in").await {
        Ok(form) => form,
        Err(response) => return response,
    };
    let (email, password) =
        (form.get("email").unwrap_or_default().trim(), form.get("password").unwrap_or_default());
    let next = form.get("next").unwrap_or_default();
    let again = |errors: Vec<(&str, String)>| RefusedForm {
        errors: errors
            .into_iter()
            .map(|(field, message)| FieldError { field: field.to_owned(), message })
            .collect(),
        values: vec![("email".to_owned(), email.to_owned()), ("next".to_owned(), next.to_owned())],
    };
    let mut missing = Vec::new();
    if email.is_empty() {
        missing.push(("email", "Type your e-mail address.".to_owned()));
    }
    if password.is_empty() {
        missing.push(("password", "Type your password.".to_owned()));
    }
    if !missing.is_empty() {
        return visitor.page(&app, &at_sign_in(), false, Some(again(missing))).await;
    }
    let attempt = match app.attempts.begin(&email.to_lowercase(), visitor.network, Instant::now()) {
        Ok(attempt) => attempt,
        Err(wait) => {
            count("limited");
            let retry_after = u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1);
            return visitor.refuse(&app, &at_sign_in(), Refusal::TooMany { retry_after }).await;
        }
    };
    match app.engine.identity().sign_in(email, password).await {
        Ok(person) => {
            app.attempts.succeeded(attempt);
            come_in(&app, &visitor, person.id, next).await
        }
        Err(IdentityError::Db(error)) => unavailable(&app, &visitor, &error).await,
        Err(error) => {
            count("refused");
            visitor.page(&app, &at_sign_in(), false, Some(again(vec![("email", error.to_string())]))).await
        }
    }
}

/// `POST /demo/sign-in`
pub(super) async fn by_click(State(app): State<App>, visitor: Visitor, request: Request) -> Response {
    let form = match Form::read(&app, &visitor, request, "/sign-in").await {
        Ok(form) => form,
        Err(response) => return response,
    };
    let person = form.get("person").unwrap_or_default();
    let known = app.demo.as_ref().is_some_and(|demo| demo.people.iter().any(|one| one.id == person));
    match person.parse::<PersonId>() {
        Ok(id) if known => come_in(&app, &visitor, id, form.get("next").unwrap_or_default()).await,
        _ => {
            let message = "There is no such person in this demo. Choose one of the list.".to_owned();
            visitor.refuse(&app, &at_sign_in(), Refusal::Page(PageError::Invalid { message })).await
        }
    }
}

async fn come_in(app: &App, visitor: &Visitor, person: PersonId, next: &str) -> Response {
    match session::visitor::sign_in(&visitor.session, person, app.engine.now()).await {
        Ok(()) => {
            count("success");
            Visitor::on_to(local_path(next))
        }
        Err(error) => unavailable(app, visitor, &error).await,
    }
}

async fn unavailable(app: &App, visitor: &Visitor, error: &(dyn std::fmt::Display + Sync)) -> Response {
    tracing::error!(%error, "signing in failed");
    let refusal = Refusal::Page(PageError::Unavailable { retry_after: Some(5) });
    visitor.refuse(app, &at_sign_in(), refusal).await
}

/// `POST /sign-out`
pub(super) async fn out(State(app): State<App>, visitor: Visitor, request: Request) -> Response {
    if visitor.person.is_none() {
        return Visitor::on_to(&sign_in_address("/"));
    }
    if let Err(response) = Form::read(&app, &visitor, request, "/").await {
        return response;
    }
    match session::visitor::sign_out(&visitor.session).await {
        Ok(()) => Visitor::on_to(&sign_in_address("/")),
        Err(error) => unavailable(&app, &visitor, &error).await,
    }
}
