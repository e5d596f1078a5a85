//! What administrators do with routing rules.

use super::{
    form::{Form, Refused},
    visitor::Visitor,
};
use crate::{
    api::rules,
    http::{app::App, problem::Problem},
    page::{self, rules as pages},
};
use axum::{
    Json,
    extract::{Request, State},
    http::{StatusCode, Uri, header::CACHE_CONTROL},
    response::{IntoResponse, Response},
};
use quire_app::{
    data::PageError,
    render::{Refusal, sign_in_address},
};
use quire_engine::{
    identity::{Act, Actor},
    routing::{self, Rule, RulesError},
};

const PAGE: &str = "/admin/rules";

/// `POST /admin/rules`: moves a rule up, down or to a place, or puts an earlier version in force again
pub(super) async fn order(State(app): State<App>, visitor: Visitor, request: Request) -> Response {
    let address = request.uri().clone();
    let Some((actor, _)) = &visitor.person else { return Visitor::on_to(&sign_in_address(PAGE)) };
    let form = match Form::read(&app, &visitor, request, PAGE).await {
        Ok(form) => form,
        Err(response) => return response,
    };
    match carry_out(&app, actor, &form).await {
        Ok(target) => Visitor::on_to(&target),
        Err(error) => visitor.refuse(&app, &address, Refusal::Page(error)).await,
    }
}

fn invalid(message: &str) -> PageError {
    PageError::Invalid { message: message.to_owned() }
}

/// The version that the form's page showed.
fn based_on(form: &Form) -> Result<i64, PageError> {
    let version = form.get("based_on").and_then(|text| text.parse().ok());
    version.ok_or_else(|| invalid("The form does not say which version it is about. Go back to the rules."))
}

/// Where it leads, with what came of it.
fn done(before: i64, now: i64) -> String {
    format!("{PAGE}?done={}", if before == now { "same" } else { "changed" })
}

async fn carry_out(app: &App, actor: &Actor, form: &Form) -> Result<String, PageError> {
    let based_on = based_on(form)?;
    let failed = |error: RulesError| page::failed(&error);
    let nothing = || invalid("The form says nothing of what is to be done. Go back and choose.");
    let (what, which) = form.get("do").and_then(|text| text.split_once(':')).ok_or_else(nothing)?;
    if what == "restore" {
        let version = which.parse().map_err(|_| nothing())?;
        let now = app.engine.restore_rules(actor, based_on, version).await.map_err(failed)?;
        return Ok(done(based_on, now));
    }
    let mut rules = app.engine.rules_in_force(actor).await.map_err(failed)?.version.rules;
    let gone = || invalid("This rule was removed meanwhile. Look at the rules again.");
    // "up:NAME", "down:NAME", or "to:PLACE:NAME" with the place counted from 1.
    let (to, which) = match what {
        "to" => {
            let (to, which) = which.split_once(':').ok_or_else(nothing)?;
            (Some(to.parse::<usize>().map_err(|_| nothing())?), which)
        }
        _ => (None, which),
    };
    let place = rules.iter().position(|rule| rule.name == which).ok_or_else(gone)?;
    let other = match (what, to) {
        ("up", _) => place.checked_sub(1),
        ("down", _) => Some(place + 1),
        (_, Some(to)) => to.checked_sub(1).filter(|other| *other != place),
        _ => return Err(nothing()),
    };
    let Some(other) = other.filter(|other| *other < rules.len()) else { return Ok(done(based_on, based_on)) };
    let rule = rules.remove(place);
    rules.insert(other, rule);
    number(&mut rules);
    let now = app.engine.save_rules(actor, based_on, rules).await.map_err(failed)?;
    Ok(format!("{}#{which}", done(based_on, now)))
}

/// Gives rules priorities by their order.
fn number(rules: &mut [Rule]) {
    for (priority, rule) in (1..).zip(rules) {
        rule.priority = priority;
    }
}

/// `GET /admin/rules/check?condition=`: what is wrong with it, while it is typed
pub(super) async fn check(State(app): State<App>, visitor: Visitor, uri: Uri) -> Response {
    let Some((actor, _)) = &visitor.person else {
        return (StatusCode::UNAUTHORIZED, "Sign in to change rules.").into_response();
    };
    if let Err(error) = app.engine.identity().check(actor, &Act::ManageRules).await {
        return Problem::from(error).into_response();
    }
    let condition = asked(&uri, "condition").unwrap_or_default();
    let faults = routing::check(condition.trim_end()).err().unwrap_or_default();
    let body = Json(rules::faults(faults));
    ([(CACHE_CONTROL, "no-store")], body).into_response()
}

/// A part of the query.
fn asked(uri: &Uri, name: &str) -> Option<String> {
    let query = uri.query().unwrap_or_default();
    let found = url::form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name);
    found.map(|(_, value)| value.into_owned())
}

/// `POST /admin/rules/edit?rule=`: tries, replays, saves or removes a rule
pub(super) async fn one(State(app): State<App>, visitor: Visitor, request: Request) -> Response {
    let address = request.uri().clone();
    let Some((actor, _)) = &visitor.person else { return Visitor::on_to(&sign_in_address(PAGE)) };
    let form = match Form::read(&app, &visitor, request, PAGE).await {
        Ok(form) => form,
        Err(response) => return response,
    };
    let name = asked(&address, "rule").filter(|name| !name.is_empty());
    let saved = match form.get("do").unwrap_or_default() {
        // What these show is worked out by the page.
        "try" | "replay" => Err(Refused::Form(Vec::new())),
        "save" => save(&app, actor, name.as_deref(), &form).await,
        "remove" => remove(&app, actor, name.as_deref(), &form).await,
        _ => Err(Refused::Page(invalid("The form says nothing of what is to be done. Go back and choose."))),
    };
    match saved {
        Ok(target) => Visitor::on_to(&target),
        Err(refused) => refused.shown(&app, &visitor, &address, &form).await,
    }
}

async fn save(app: &App, actor: &Actor, name: Option<&str>, form: &Form) -> Result<String, Refused> {
    let based_on = based_on(form)?;
    let rules = app.engine.rules_in_force(actor).await.map_err(|error| page::failed(&error))?.version.rules;
    let typed = pages::draft(&form.refused(Vec::new()));
    let (rules, place) = pages::with_draft(rules, name, &typed).map_err(Refused::Form)?;
    match app.engine.save_rules(actor, based_on, rules).await {
        Ok(now) => Ok(done(based_on, now)),
        Err(error) => Err(match pages::field_errors(&error, place) {
            Some(errors) => Refused::Form(errors),
            None => Refused::Page(page::failed(&error)),
        }),
    }
}

async fn remove(app: &App, actor: &Actor, name: Option<&str>, form: &Form) -> Result<String, Refused> {
    let based_on = based_on(form)?;
    let failed = |error: RulesError| page::failed(&error);
    let mut rules = app.engine.rules_in_force(actor).await.map_err(failed)?.version.rules;
    rules.retain(|rule| Some(rule.name.as_str()) != name);
    number(&mut rules);
    let now = app.engine.save_rules(actor, based_on, rules).await.map_err(failed)?;
    Ok(done(based_on, now))
}
