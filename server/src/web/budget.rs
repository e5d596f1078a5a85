//! What administrators do with budgets.

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
    budget::{BudgetError, NoScope, Scope},
    cost_control::{Measure, Mode},
    identity::Actor,
    store::NanoUsd,
};

const PAGE: &str = "/admin/budget";

/// `POST /admin/budget`: sets or removes a budget, or who decides about a measure of cost control
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
    let scope: Result<Scope, NoScope> = form.get("scope").unwrap_or_default().parse();
    match form.get("do").unwrap_or_default() {
        "set" => {
            let mut errors = Vec::new();
            if scope.is_err() {
                errors.push(field("scope", "Choose for whom from the list."));
            }
            let limit = NanoUsd::parse_dollars(form.get("limit").unwrap_or_default());
            if let Err(wrong) = &limit {
                errors.push(field("limit", &format!("Write what may be spent in a month: {wrong}.")));
            }
            let (Ok(scope), Ok(limit)) = (scope, limit) else { return Err(Refused::Form(errors)) };
            let hard_stop = form.get("hard_stop").is_some();
            app.engine.set_budget(actor, scope, limit, hard_stop).await.map_err(refused)?;
            Ok(format!("{PAGE}?done=set"))
        }
        "remove" => {
            let scope =
                scope.map_err(|_| invalid("The form does not say which budget. Go back to the budgets."))?;
            app.engine.remove_budget(actor, scope).await.map_err(refused)?;
            Ok(format!("{PAGE}?done=removed"))
        }
        "control" => {
            let measure: Result<Measure, _> = form.get("measure").unwrap_or_default().parse();
            let mode: Result<Mode, _> = form.get("mode").unwrap_or_default().parse();
            let measure = measure.map_err(|error| invalid(&error.to_string()))?;
            let mode = mode.map_err(|error| invalid(&error.to_string()))?;
            app.engine.set_cost_control(actor, measure, mode).await.map_err(refused)?;
            Ok(format!("{PAGE}?done=control"))
        }
        _ => Err(invalid("The form says nothing of what is to be done. Go back and choose.")),
    }
}

fn refused(error: BudgetError) -> Refused {
    match error {
        BudgetError::Negative => Refused::Form(vec![field("limit", &error.to_string())]),
        BudgetError::NoCourse(_) => Refused::Form(vec![field("scope", &error.to_string())]),
        error => Refused::Page(page::failed(&error)),
    }
}
