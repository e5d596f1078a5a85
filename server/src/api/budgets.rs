//! Budgets: how the month's money stands, and what may be spent. For administrators.

use super::{body, caller::Caller, lists::Query, model::budgets as model};
use crate::http::{
    app::App,
    problem::{Details, Kind, Problem},
};
use axum::{
    Json,
    extract::{Path, RawQuery, Request, State},
    http::StatusCode,
};
use quire_engine::{
    budget::{self, BudgetError, Month, NoMonth, NoScope, Scope, Standing},
    identity::Actor,
    store::NanoUsd,
};

/// How a month's money stands: budgets, what was spent and reserved, and what the month will come to.
#[utoipa::path(
    get,
    path = "/budgets",
    tag = "budgets",
    operation_id = "budgets",
    params(("month" = Option<String>, Query, description = "The month, such as 2026-11; this month unless said")),
    responses(
        (status = 200, description = "The money of the month", body = model::Budgets),
        (status = 400, description = "A parameter can't be used", body = Details, content_type = "application/problem+json"),
        (status = 401, description = "No valid token", body = Details, content_type = "application/problem+json"),
        (status = 403, description = "Not allowed", body = Details, content_type = "application/problem+json"),
    )
)]
pub(super) async fn monitor(
    State(app): State<App>,
    Caller(actor): Caller,
    RawQuery(query): RawQuery,
) -> Result<Json<model::Budgets>, Problem> {
    let query = Query::read(query.as_deref(), &["month"])?;
    let month = query.get("month").map(str::parse).transpose().map_err(BudgetError::from)?;
    Ok(Json(stand(&app, &actor, month).await?))
}

/// Sets what may be spent in each month: `all` for the institution, or a course's id.
#[utoipa::path(
    put,
    path = "/budgets/{scope}",
    tag = "budgets",
    operation_id = "put_budget",
    params(("scope" = String, Path, description = "all for the institution, or a course's id")),
    request_body = model::NewBudget,
    responses(
        (status = 200, description = "It is set; the money of this month", body = model::Budgets),
        (status = 400, description = "The body can't be read", body = Details, content_type = "application/problem+json"),
        (status = 401, description = "No valid token", body = Details, content_type = "application/problem+json"),
        (status = 403, description = "Not allowed", body = Details, content_type = "application/problem+json"),
        (status = 404, description = "There is no such scope", body = Details, content_type = "application/problem+json"),
        (status = 422, description = "The limit can't be used", body = Details, content_type = "application/problem+json"),
    )
)]
pub(super) async fn put(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(scope): Path<String>,
    request: Request,
) -> Result<Json<model::Budgets>, Problem> {
    let bytes = body::bytes(request).await?;
    let asked: model::NewBudget = body::json(&bytes)?;
    let scope = scope_of(&scope)?;
    app.engine.set_budget(&actor, scope, NanoUsd(asked.limit_nano_usd), asked.hard_stop).await?;
    Ok(Json(stand(&app, &actor, None).await?))
}

/// Removes a budget: nothing limits the institution or the course from then on.
#[utoipa::path(
    delete,
    path = "/budgets/{scope}",
    tag = "budgets",
    operation_id = "delete_budget",
    params(("scope" = String, Path, description = "all for the institution, or a course's id")),
    responses(
        (status = 204, description = "It is removed"),
        (status = 401, description = "No valid token", body = Details, content_type = "application/problem+json"),
        (status = 403, description = "Not allowed", body = Details, content_type = "application/problem+json"),
        (status = 404, description = "There is no such budget", body = Details, content_type = "application/problem+json"),
    )
)]
pub(super) async fn remove(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(scope): Path<String>,
) -> Result<StatusCode, Problem> {
    app.engine.remove_budget(&actor, scope_of(&scope)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn scope_of(text: &str) -> Result<Scope, Problem> {
    text.parse().map_err(|error: NoScope| Problem::new(Kind::NotFound, error.to_string()))
}

async fn stand(app: &App, actor: &Actor, month: Option<Month>) -> Result<model::Budgets, Problem> {
    let found = app.engine.budget_monitor(actor, month).await?;
    let advice = budget::advice(&found).into_iter().map(|advice| model::BudgetAdvice {
        kind: advice.kind.to_owned(),
        title: advice.title,
        detail: advice.detail,
    });
    let advice = advice.collect();
    let changes = found.changes.into_iter().map(|change| model::BudgetChange {
        at: change.at,
        scope: change.scope,
        limit_nano_usd: change.limit.map(|limit| limit.0),
        hard_stop: change.hard_stop,
        by: change.by,
    });
    let changes = changes.collect();
    let spending = found.ways.into_iter().map(|(way, paid, realtime)| model::SpendingPart {
        course: way.course_id.0,
        cost_centre: way.cost_centre,
        provider: way.provider,
        model: way.model,
        batched: way.batched,
        spent_nano_usd: paid.spent.0,
        realtime_nano_usd: realtime.map(|amount| amount.0),
        answers: paid.answers,
        input_tokens: paid.input_tokens,
        cached_tokens: paid.cached_tokens,
        output_tokens: paid.output_tokens,
    });
    let by_day = found.by_day.into_iter();
    Ok(model::Budgets {
        month: found.month.to_string(),
        open: found.open,
        standings: found.standings.iter().map(standing).collect(),
        by_day: by_day.map(|(day, spent)| model::SpentByDay { day, spent_nano_usd: spent.0 }).collect(),
        spending: spending.collect(),
        advice,
        changes,
    })
}

fn standing(standing: &Standing) -> model::BudgetStanding {
    let scope = standing.course.as_ref().map_or(Scope::Institution, |course| Scope::Course(course.id));
    model::BudgetStanding {
        scope: scope.to_string(),
        course: standing.course.as_ref().map(|course| course.code.clone()),
        limit_nano_usd: standing.budget.as_ref().map(|budget| budget.limit.0),
        hard_stop: standing.budget.as_ref().is_some_and(|budget| budget.hard_stop),
        spent_nano_usd: standing.spending.spent.0,
        expected_nano_usd: standing.spending.expected.0,
        reserved_nano_usd: standing.spending.reserved.0,
        used: standing.used(),
        projection: standing.projection.map(projection),
    }
}

fn projection(projection: budget::Projection) -> model::Projection {
    model::Projection {
        low_nano_usd: projection.low.0,
        likely_nano_usd: projection.likely.0,
        high_nano_usd: projection.high.0,
        days: projection.days as u64,
        weekly: projection.weekly,
    }
}

impl From<BudgetError> for Problem {
    fn from(error: BudgetError) -> Self {
        let told = error.to_string();
        match error {
            BudgetError::Negative => Self::field("limit_nano_usd", told),
            BudgetError::NoCourse(_) | BudgetError::NoBudget => Self::new(Kind::NotFound, told),
            BudgetError::NoMonth(NoMonth(_)) | BudgetError::Future(_) => Self::parameter("month", told),
            BudgetError::Identity(error) => error.into(),
            BudgetError::Engine(error) => error.into(),
        }
    }
}
