//! Cost control: measures that save money, and what each saved. For administrators.

use super::{body, caller::Caller, lists::Query, model::cost_control as model, prompts};
use crate::http::{
    app::App,
    problem::{Details, Kind, Problem},
};
use axum::{
    Json,
    extract::{Path, RawQuery, Request, State},
};
use quire_engine::{
    budget::{BudgetError, Month},
    cost_control::{CostControl, Measure, Mode, NoMeasure, Outlook},
    identity::Actor,
};

/// How cost control stands: its measures, what each saved in a month, and what was done.
#[utoipa::path(
    get,
    path = "/cost-control",
    tag = "budgets",
    operation_id = "cost_control",
    params(("month" = Option<String>, Query, description = "The month, such as 2026-11; this month unless said")),
    responses(
        (status = 200, description = "How it stands", body = model::CostControl),
        (status = 400, description = "A parameter can't be used", body = Details, content_type = "application/problem+json"),
        (status = 401, description = "No valid token", body = Details, content_type = "application/problem+json"),
        (status = 403, description = "Not allowed", body = Details, content_type = "application/problem+json"),
    )
)]
pub(super) async fn show(
    State(app): State<App>,
    Caller(actor): Caller,
    RawQuery(query): RawQuery,
) -> Result<Json<model::CostControl>, Problem> {
    let query = Query::read(query.as_deref(), &["month"])?;
    let month = query.get("month").map(str::parse).transpose().map_err(BudgetError::from)?;
    Ok(Json(stand(&app, &actor, month).await?))
}

/// Sets who decides about a measure: the month's projection, or that it stays on or off.
#[utoipa::path(
    put,
    path = "/cost-control/{measure}",
    tag = "budgets",
    operation_id = "put_cost_control",
    params(("measure" = String, Path, description = "caching, larger_batches, delay or economy")),
    request_body = model::NewCostMode,
    responses(
        (status = 200, description = "It is set; how cost control stands now", body = model::CostControl),
        (status = 400, description = "The body can't be read", body = Details, content_type = "application/problem+json"),
        (status = 401, description = "No valid token", body = Details, content_type = "application/problem+json"),
        (status = 403, description = "Not allowed", body = Details, content_type = "application/problem+json"),
        (status = 404, description = "There is no such measure", body = Details, content_type = "application/problem+json"),
        (status = 422, description = "The mode can't be used", body = Details, content_type = "application/problem+json"),
    )
)]
pub(super) async fn put(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(measure): Path<String>,
    request: Request,
) -> Result<Json<model::CostControl>, Problem> {
    let bytes = body::bytes(request).await?;
    let asked: model::NewCostMode = body::json(&bytes)?;
    let measure: Measure =
        measure.parse().map_err(|error: NoMeasure| Problem::new(Kind::NotFound, error.to_string()))?;
    let mode = asked.mode.parse::<Mode>().map_err(|error| Problem::field("mode", error.to_string()))?;
    app.engine.set_cost_control(&actor, measure, mode).await?;
    Ok(Json(stand(&app, &actor, None).await?))
}

async fn stand(app: &App, actor: &Actor, month: Option<Month>) -> Result<model::CostControl, Problem> {
    let CostControl { month, outlook, measures, changes, economy_models } =
        app.engine.cost_control(actor, month).await?;
    let (likely, limit) = match outlook {
        Outlook::NoBudget => (None, None),
        Outlook::Unknown { limit } => (None, Some(limit.0)),
        Outlook::Projected { likely, limit } => (Some(likely.0), Some(limit.0)),
    };
    let measures = measures.into_iter().map(|entry| model::CostMeasure {
        measure: entry.state.measure.name().to_owned(),
        title: entry.state.measure.title().to_owned(),
        what: entry.state.measure.what().to_owned(),
        mode: entry.state.mode.name().to_owned(),
        on_since: entry.state.on_since,
        saved_nano_usd: entry.saved.map(|saved| saved.saved.0),
        answers: entry.saved.map(|saved| saved.answers),
    });
    let changes = changes.into_iter().map(|change| model::CostControlChange {
        at: change.at,
        measure: change.measure.name().to_owned(),
        taken: change.taken,
        why: change.why,
        by: change.by,
    });
    let models = economy_models.into_iter();
    Ok(model::CostControl {
        month: month.to_string(),
        likely_nano_usd: likely,
        limit_nano_usd: limit,
        measures: measures.collect(),
        changes: changes.collect(),
        economy_models: models
            .map(|found| model::EconomyModel {
                provider: found.provider,
                model: found.model,
                usual: found.usual,
                agreement: found.agreement.as_ref().map(prompts::of_models),
            })
            .collect(),
    })
}
