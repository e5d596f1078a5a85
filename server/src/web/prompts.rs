//! What administrators do with prompts and trials.

use super::{
    form::{Form, Refused, field},
    visitor::Visitor,
};
use crate::{http::app::App, page};
use axum::{
    extract::{Request, State},
    response::Response,
};
use quire_app::{data::PageError, render::sign_in_address};
use quire_engine::{
    identity::Actor,
    store::{AssignmentId, TrialId},
    trial::{Marker, NewTrial, TrialError},
};

const PAGE: &str = "/admin/prompts";

/// `POST /admin/prompts`: starts or stops a trial, or puts a version of the prompt in use
pub(super) async fn change(State(app): State<App>, visitor: Visitor, request: Request) -> Response {
    let address = request.uri().clone();
    let Some((actor, _)) = &visitor.person else { return Visitor::on_to(&sign_in_address(PAGE)) };
    let form = match Form::read(&app, &visitor, request, PAGE).await {
        Ok(form) => form,
        Err(response) => return response,
    };
    match carry_out(&app, actor, &form).await {
        Ok(target) => Visitor::on_to(&target),
        Err(refused) => refused.shown(&app, &visitor, &address, &form).await,
    }
}

async fn carry_out(app: &App, actor: &Actor, form: &Form) -> Result<String, Refused> {
    let invalid = |message: &str| Refused::Page(PageError::Invalid { message: message.to_owned() });
    match form.get("do").unwrap_or_default() {
        "start" => {
            let new = read_trial(form)?;
            let trial = app.engine.start_trial(actor, &new).await.map_err(refused)?;
            Ok(format!("{PAGE}/{}", trial.id))
        }
        "stop" => {
            let id: Result<TrialId, _> = form.get("trial").unwrap_or_default().parse();
            let id = id.map_err(|_| invalid("The form does not say which trial. Go back to the prompts."))?;
            app.engine.stop_trial(actor, id).await.map_err(refused)?;
            Ok(format!("{PAGE}/{id}?done=stopped"))
        }
        "use" => {
            let version: Result<i64, _> = form.get("version").unwrap_or_default().parse();
            let version = version
                .map_err(|_| invalid("The form does not say which version. Go back to the prompts."))?;
            let untried = form.get("untried").is_some();
            app.engine.use_prompt(actor, version, untried).await.map_err(refused)?;
            Ok(format!("{PAGE}?done=used"))
        }
        _ => Err(invalid("The form says nothing of what is to be done. Go back and choose.")),
    }
}

/// The trial that a form asks for.
fn read_trial(form: &Form) -> Result<NewTrial, Refused> {
    let of = |name: &str| form.get(name).unwrap_or_default();
    let mut errors = Vec::new();
    let mut wrong = |name: &str, message: &str| errors.push(field(name, message));
    let assignment: Option<AssignmentId> = of("assignment").parse().ok();
    if assignment.is_none() {
        wrong("assignment", "Choose an assignment from the list.");
    }
    let model = of("model").split_once('/');
    if model.is_none() {
        wrong("model", "Choose a model from the list.");
    }
    let prompt: Option<i64> = of("prompt").parse().ok();
    if prompt.is_none() {
        wrong("prompt", "Choose a version from the list.");
    }
    let works: Option<i64> = of("works").trim().parse().ok();
    if works.is_none() {
        wrong("works", "Write how many works are to be marked once more, such as 40.");
    }
    match (assignment, model, prompt, works) {
        (Some(assignment), Some((provider, model)), Some(prompt_version), Some(works)) => Ok(NewTrial {
            assignment,
            marker: Marker { provider: provider.to_owned(), model: model.to_owned(), prompt_version },
            works,
        }),
        _ => Err(Refused::Form(errors)),
    }
}

fn refused(error: TrialError) -> Refused {
    let of = |name: &str| Refused::Form(vec![field(name, &error.to_string())]);
    match &error {
        TrialError::Works(_) | TrialError::NoMoney { .. } => of("works"),
        TrialError::NoAssignment | TrialError::NothingMarked | TrialError::UnderWay(_) => of("assignment"),
        TrialError::Model { .. } => of("model"),
        TrialError::Version(_) => of("prompt"),
        TrialError::Untried { .. } => of("versions"),
        error => Refused::Page(page::failed(error)),
    }
}
