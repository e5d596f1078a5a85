//! What a month of work costs, and how it is best done. For administrators.

use super::{caller::Caller, lists::Query};
use crate::http::{
    app::App,
    problem::{Details, Kind, Problem},
};
use axum::{
    Json,
    extract::{RawQuery, State},
};
use quire_engine::{
    budget::{BudgetError, Month},
    plan::AskPlanError,
};
use serde_json::{Value, json};

/// What a month like this one, or one before, costs in real time, in batches and with Quire, with the share of each lever, what
/// is assumed, and the plan: the object of `quire plan --json` (docs/saving.md), and `measured`, which says whether the work
/// is carried on from what was measured in the month, or is the reference workload. For administrators.
#[utoipa::path(
    get,
    path = "/plan",
    tag = "budgets",
    operation_id = "plan",
    params(("month" = Option<String>, Query, description = "The month, such as 2026-11; this month unless said")),
    responses(
        (status = 200, description = "The plan", body = Object),
        (status = 400, description = "A parameter can't be used", body = Details, content_type = "application/problem+json"),
        (status = 401, description = "No valid token", body = Details, content_type = "application/problem+json"),
        (status = 403, description = "Not allowed", body = Details, content_type = "application/problem+json"),
    )
)]
pub(super) async fn month(
    State(app): State<App>,
    Caller(actor): Caller,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, Problem> {
    let query = Query::read(query.as_deref(), &["month"])?;
    let month: Option<Month> = query.get("month").map(str::parse).transpose().map_err(BudgetError::from)?;
    let now = app.engine.month();
    let month = month.unwrap_or(now);
    if month > now {
        return Err(BudgetError::Future(month).into());
    }
    let (plan, measured) = app.engine.plan_of_month(&actor, month).await?;
    let mut plan = serde_json::to_value(&plan)
        .map_err(|error| Problem::new(Kind::Internal, format!("the plan can't be written: {error}")))?;
    plan["measured"] = json!(measured);
    Ok(Json(plan))
}

impl From<AskPlanError> for Problem {
    fn from(error: AskPlanError) -> Self {
        match error {
            AskPlanError::Identity(error) => error.into(),
            AskPlanError::Engine(error) => error.into(),
            AskPlanError::Plan(error) => Self::new(Kind::NotNow, error.to_string()),
        }
    }
}
