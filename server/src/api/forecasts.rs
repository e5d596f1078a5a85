//! How estimates are made and kept, and when to send. For administrators.

use super::{caller::Caller, convert, lists::Query, model};
use crate::http::{
    app::App,
    problem::{Details, Kind, Problem},
};
use axum::{
    Json,
    extract::{Path, RawQuery, State},
};
use quire_engine::forecast::ScheduleError;

/// How estimates of the last days were kept, and what they are made from.
#[utoipa::path(
    get,
    path = "/estimates",
    tag = "forecasts",
    operation_id = "estimates",
    responses(
        (status = 200, description = "Counted at most a minute ago", body = model::Estimates),
        (status = 400, description = "A parameter can't be used", body = Details, content_type = "application/problem+json"),
        (status = 401, description = "No valid token", body = Details, content_type = "application/problem+json"),
        (status = 403, description = "Not allowed", body = Details, content_type = "application/problem+json"),
    )
)]
pub(super) async fn estimates(
    State(app): State<App>,
    Caller(actor): Caller,
    RawQuery(query): RawQuery,
) -> Result<Json<model::Estimates>, Problem> {
    Query::read(query.as_deref(), &[])?;
    Ok(Json(convert::estimates(&app.engine.estimates(&actor).await?)))
}

/// In which hours batches to a provider come back soonest, and which to avoid.
#[utoipa::path(
    get,
    path = "/providers/{name}/schedule-advice",
    tag = "forecasts",
    operation_id = "schedule_advice",
    params(("name" = String, Path, description = "The provider's name")),
    responses(
        (status = 200, description = "Hours are in the institution's time zone", body = model::ScheduleAdvice),
        (status = 400, description = "A parameter can't be used", body = Details, content_type = "application/problem+json"),
        (status = 401, description = "No valid token", body = Details, content_type = "application/problem+json"),
        (status = 403, description = "Not allowed", body = Details, content_type = "application/problem+json"),
        (status = 404, description = "There is no such provider that is switched on", body = Details, content_type = "application/problem+json"),
    )
)]
pub(super) async fn schedule_advice(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Json<model::ScheduleAdvice>, Problem> {
    Query::read(query.as_deref(), &[])?;
    let advice = app.engine.schedule_advice(&actor, &name).await?;
    Ok(Json(convert::schedule_advice(&name, &advice)))
}

impl From<ScheduleError> for Problem {
    fn from(error: ScheduleError) -> Self {
        match error {
            ScheduleError::NoProvider(_) => Self::new(Kind::NotFound, error.to_string()),
            ScheduleError::Identity(error) => error.into(),
            ScheduleError::Engine(error) => error.into(),
        }
    }
}
