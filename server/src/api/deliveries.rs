//! Bills that are posted to the institution's webhook. For administrators.

use super::{caller::Caller, model::deliveries as model};
use crate::http::{
    app::App,
    problem::{Details, Kind, Problem},
};
use axum::{
    Json,
    extract::{Path, State},
};
use quire_engine::{
    store::DeliveryId,
    webhook::{Delivery, DeliveryError, State as Stand},
};

/// The bills that were posted to the institution's address or are to be, the latest month first. For administrators.
#[utoipa::path(
    get,
    path = "/billing/deliveries",
    tag = "billing",
    operation_id = "deliveries",
    responses(
        (status = 200, description = "The deliveries", body = model::Deliveries),
        (status = 401, description = "No valid token", body = Details, content_type = "application/problem+json"),
        (status = 403, description = "Not allowed", body = Details, content_type = "application/problem+json"),
    )
)]
pub(super) async fn list(
    State(app): State<App>,
    Caller(actor): Caller,
) -> Result<Json<model::Deliveries>, Problem> {
    let found = app.engine.deliveries(&actor).await?;
    Ok(Json(model::Deliveries {
        origin: found.origin,
        gone_at: found.gone_at,
        deliveries: found.list.into_iter().map(shown).collect(),
    }))
}

/// Posts a bill again at once, under its old id, whatever came of it before. For administrators.
#[utoipa::path(
    post,
    path = "/billing/deliveries/{id}/retry",
    tag = "billing",
    operation_id = "retry_delivery",
    params(("id" = Uuid, Path, description = "The delivery's id")),
    responses(
        (status = 200, description = "It is posted again", body = model::Delivery),
        (status = 401, description = "No valid token", body = Details, content_type = "application/problem+json"),
        (status = 403, description = "Not allowed", body = Details, content_type = "application/problem+json"),
        (status = 404, description = "There is no such delivery, or no address is set", body = Details, content_type = "application/problem+json"),
        (status = 409, description = "It is being posted", body = Details, content_type = "application/problem+json"),
    )
)]
pub(super) async fn retry(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Json<model::Delivery>, Problem> {
    let id: DeliveryId = id.parse().map_err(|_| Problem::from(DeliveryError::NotFound))?;
    Ok(Json(shown(app.engine.retry_delivery(&actor, id).await?)))
}

fn shown(found: Delivery) -> model::Delivery {
    let open = matches!(found.state, Stand::Waiting | Stand::Sending);
    model::Delivery {
        id: found.id.0,
        month: found.month,
        state: found.state.name().to_owned(),
        attempts: found.attempts,
        next_at: open.then_some(found.next_at),
        last_status: found.last_status,
        last_error: found.last_error,
        created_at: found.created_at,
        attempted_at: found.attempted_at,
        delivered_at: found.delivered_at,
    }
}

impl From<DeliveryError> for Problem {
    fn from(error: DeliveryError) -> Self {
        let told = error.to_string();
        match error {
            DeliveryError::NotFound | DeliveryError::Off => Self::new(Kind::NotFound, told),
            DeliveryError::Sending(_) => Self::new(Kind::Changed, told),
            DeliveryError::Identity(error) => error.into(),
            DeliveryError::Engine(error) => error.into(),
        }
    }
}
