//! What administrators decide about dead letters.

use super::{
    form::{Form, Refused},
    visitor::Visitor,
};
use crate::{http::app::App, page};
use axum::{
    extract::{Path, Request, State},
    http::Uri,
    response::Response,
};
use quire_app::{
    data::{FieldError, PageError},
    render::{Refusal, sign_in_address},
    view::{LetterFilter, LetterState},
};
use quire_engine::{
    identity::Actor,
    recovery::{Edit, Filter, Remedy, RemedyError, RemedyOutcome},
    routing::Route,
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
        Ok(came) => Visitor::on_to(&format!("{PAGE}?{came}")),
        Err(error) => visitor.refuse(&app, &Uri::from_static(PAGE), Refusal::Page(error)).await,
    }
}

/// `POST /admin/dead-letters/{id}`
pub(super) async fn one(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    let address = request.uri().clone();
    let Ok(id) = id.parse::<DeadLetterId>() else {
        return visitor.refuse(&app, &address, Refusal::Page(PageError::NotFound)).await;
    };
    let page = format!("{PAGE}/{id}");
    let Some((actor, _)) = &visitor.person else { return Visitor::on_to(&sign_in_address(&page)) };
    let most = app.settings.uploads.bytes.saturating_mul(2);
    let form = match Form::read_up_to(&app, &visitor, request, &page, most).await {
        Ok(form) => form,
        Err(response) => return response,
    };
    let outcome = if form.get("remedy") == Some("edit") {
        edit(&app, actor, id, &form).await
    } else {
        treat(&app, actor, id, &form).await
    };
    match outcome {
        Ok(RemedyOutcome::Done) => Visitor::on_to(&format!("{page}?done=1")),
        Ok(RemedyOutcome::WasResolved) => {
            let refused =
                invalid("Something was done about this dead letter before. Go back and look at it again.");
            visitor.refuse(&app, &address, Refusal::Page(refused)).await
        }
        Ok(RemedyOutcome::NotFound) => {
            visitor.refuse(&app, &address, Refusal::Page(PageError::NotFound)).await
        }
        Err(refused) => refused.shown(&app, &visitor, &address, &form).await,
    }
}

/// What can't be carried out, with the names that its fields have in the form.
fn refused(error: &RemedyError, reason: &str, way: &str) -> Refused {
    let at = |field: &str, message: String| FieldError { field: field.to_owned(), message };
    match error {
        RemedyError::Reason => Refused::Form(vec![at(reason, error.to_string())]),
        RemedyError::Way(_) => Refused::Form(vec![at(way, error.to_string())]),
        RemedyError::Wrong(wrongs) => {
            Refused::Form(wrongs.iter().map(|wrong| at(&wrong.field, wrong.message.clone())).collect())
        }
        other => Refused::Page(page::failed(other)),
    }
}

fn invalid(message: &str) -> PageError {
    PageError::Invalid { message: message.to_owned() }
}

async fn treat(app: &App, actor: &Actor, id: DeadLetterId, form: &Form) -> Result<RemedyOutcome, Refused> {
    let remedy = remedy(form).map_err(Refused::Page)?;
    let done = app.engine.decide_about(actor, &[id], &remedy, form.get("reason")).await;
    let done = done.map_err(|error| refused(&error, "reason", "remedy"))?;
    Ok(done.first().copied().unwrap_or(RemedyOutcome::NotFound))
}

async fn edit(app: &App, actor: &Actor, id: DeadLetterId, form: &Form) -> Result<RemedyOutcome, Refused> {
    let filled = |name: &str| form.get(name).map(str::trim).filter(|text| !text.is_empty());
    let (provider, model) = match filled("way") {
        None => (None, None),
        Some(way) => match way.split_once('/') {
            Some((provider, model)) => (Some(provider.to_owned()), Some(model.to_owned())),
            None => (Some(way.to_owned()), None),
        },
    };
    let route = match filled("route") {
        None => None,
        Some("realtime") => Some(Route::Realtime),
        Some("batch") => Some(Route::Batch),
        Some(_) => return Err(Refused::Page(invalid("The form names a way of sending that there is not."))),
    };
    let max_output = match filled("max_output") {
        None => None,
        Some(text) => match text.replace([',', ' '], "").parse::<i64>() {
            Ok(tokens) => Some(tokens),
            Err(_) => {
                let message = "The longest answer must be a whole number of tokens.".to_owned();
                let error = FieldError { field: "max_output".to_owned(), message };
                return Err(Refused::Form(vec![error]));
            }
        },
    };
    let text = form.get("text").map(str::to_owned);
    let edit = Edit { provider, model, route, max_output, text };
    let done = app.engine.edit_dead_letter(actor, id, &edit, form.get("edit_reason")).await;
    done.map_err(|error| refused(&error, "edit_reason", "way"))
}

/// What is to be done.
fn remedy(form: &Form) -> Result<Remedy, PageError> {
    match form.get("remedy").unwrap_or_default() {
        "retry" => Ok(Remedy::Retry),
        "discard" => Ok(Remedy::Discard),
        other => match other.strip_prefix("reroute:") {
            Some(provider) => Ok(Remedy::Reroute { provider: provider.to_owned(), model: None, route: None }),
            None => Err(invalid("The form says nothing of what is to be done. Go back and choose.")),
        },
    }
}

/// All that match what the list was narrowed to when it was read.
fn matching(form: &Form) -> Result<Filter, PageError> {
    let of = |name: &str| form.get(name).filter(|text| !text.is_empty()).map(str::to_owned);
    let asked = LetterFilter {
        state: LetterState::Open,
        cause: of("cause"),
        provider: of("provider"),
        assignment: of("assignment"),
    };
    let until = of("until").and_then(|text| text.parse().ok());
    let until = until
        .ok_or_else(|| invalid("The form does not say when its list was read. Go back and choose anew."))?;
    Ok(Filter { until: Some(until), ..page::letters::filter(&asked)? })
}

/// What came of it, as the query of the page that says so: for how many it was done, of how many, and with what filter.
async fn carry_out(app: &App, actor: &Actor, form: &Form) -> Result<String, PageError> {
    let remedy = remedy(form)?;
    let reason = form.get("reason");
    let number = |outcomes: &mut dyn Iterator<Item = RemedyOutcome>| {
        outcomes.filter(|outcome| *outcome == RemedyOutcome::Done).count()
    };
    if form.get("scope") == Some("all") {
        let filter = matching(form)?;
        let done = app.engine.decide_about_matching(actor, &filter, &remedy, reason, false).await;
        let done = done.map_err(|error| page::failed(&error))?;
        let of = done.outcomes.len();
        let left = usize::try_from(done.matching).unwrap_or(0).saturating_sub(of);
        let done = number(&mut done.outcomes.iter().map(|(_, outcome)| *outcome));
        return Ok(format!("done={done}&of={of}&left={left}"));
    }
    let ids: Vec<DeadLetterId> = form
        .all("id")
        .map(|id| {
            id.parse().map_err(|_| invalid("A choice of the form names nothing. Go back and choose anew."))
        })
        .collect::<Result<_, _>>()?;
    if ids.is_empty() {
        return Err(invalid("Nothing was chosen. Go back and choose what it is about."));
    }
    let outcomes =
        app.engine.decide_about(actor, &ids, &remedy, reason).await.map_err(|error| page::failed(&error))?;
    let done = number(&mut outcomes.into_iter());
    Ok(format!("done={done}&of={}", ids.len()))
}
