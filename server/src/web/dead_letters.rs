//! What administrators decide about dead letters.

use super::{form::Form, visitor::Visitor};
use crate::{http::app::App, page};
use axum::{
    extract::{Request, State},
    http::Uri,
    response::Response,
};
use quire_app::{
    data::PageError,
    render::{Refusal, sign_in_address},
};
use quire_engine::{
    identity::Actor,
    recovery::{Remedy, RemedyOutcome},
    store::DeadLetterId,
};

const PAGE: &str = "/admin/dead-letters";

/// `POST /admin/dead-letters`
pub(super) async fn decide(State(app): State<App>, visitor: Visitor, request: Request) -> Response {
    let Some((actor, _)) = &visitor.person else { return Visitor::on_to(&sign_in_address(PAGE)) };
    let form = match Form::read(&app, &visitor, request, PAGE).await {
        Ok(form) => form,
        Err(response) => return response,
    };
    match carry_out(&app, actor, &form).await {
        Ok((done, of)) => Visitor::on_to(&format!("{PAGE}?done={done}&of={of}")),
        Err(error) => visitor.refuse(&app, &Uri::from_static(PAGE), Refusal::Page(error)).await,
    }
}

/// For how many something was done, of how many.
async fn carry_out(app: &App, actor: &Actor, form: &Form) -> Result<(usize, usize), PageError> {
    let invalid = |message: &str| PageError::Invalid { message: message.to_owned() };
    let ids: Vec<DeadLetterId> = form
        .all("id")
        .map(|id| {
            id.parse().map_err(|_| invalid("A choice of the form names nothing. Go back and choose anew."))
        })
        .collect::<Result<_, _>>()?;
    if ids.is_empty() {
        return Err(invalid("Nothing was chosen. Go back and choose what it is about."));
    }
    let remedy = match form.get("remedy").unwrap_or_default() {
        "retry" => Remedy::Retry,
        "discard" => Remedy::Discard,
        other => match other.strip_prefix("reroute:") {
            Some(provider) => Remedy::Reroute { provider: provider.to_owned(), model: None, route: None },
            None => return Err(invalid("The form says nothing of what is to be done. Go back and choose.")),
        },
    };
    let outcomes = app
        .engine
        .decide_about(actor, &ids, &remedy, form.get("reason"))
        .await
        .map_err(|error| page::failed(&error))?;
    let done = outcomes.iter().filter(|outcome| **outcome == RemedyOutcome::Done).count();
    Ok((done, ids.len()))
}
