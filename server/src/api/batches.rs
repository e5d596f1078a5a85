//! Batches one by one, and the sizes that are recommended. For administrators.

use super::{caller::Caller, convert, lists::Query, model};
use crate::http::{
    app::App,
    problem::{Details, Kind, Problem},
};
use axum::{
    Json,
    extract::{Path, RawQuery, State},
};

/// A batch, and why its jobs were put together as they are.
#[utoipa::path(
    get,
    path = "/batches/{id}",
    tag = "lists",
    operation_id = "batch",
    params(("id" = uuid::Uuid, Path, description = "The batch's id")),
    responses(
        (status = 200, description = "The batch", body = model::BatchDetail),
        (status = 400, description = "The id can't be one", body = Details, content_type = "application/problem+json"),
        (status = 401, description = "No valid token", body = Details, content_type = "application/problem+json"),
        (status = 403, description = "Not allowed", body = Details, content_type = "application/problem+json"),
        (status = 404, description = "There is no such batch", body = Details, content_type = "application/problem+json"),
    )
)]
pub(super) async fn batch(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Json<model::BatchDetail>, Problem> {
    Query::read(query.as_deref(), &[])?;
    let id =
        id.parse().map_err(|_| Problem::parameter("id", format!("is \"{id}\", which is no batch's id")))?;
    let (view, _) = app.engine.batch(&actor, id, 1, 1).await?;
    Ok(Json(convert::batch_detail(&view)))
}

/// The size that is recommended for the next batch of a provider, with reasons and alternatives.
#[utoipa::path(
    get,
    path = "/providers/{name}/batch-size",
    tag = "lists",
    operation_id = "batch_size",
    params(("name" = String, Path, description = "The provider's name")),
    responses(
        (status = 200, description = "The sizes, by model", body = model::BatchSizes),
        (status = 401, description = "No valid token", body = Details, content_type = "application/problem+json"),
        (status = 403, description = "Not allowed", body = Details, content_type = "application/problem+json"),
        (status = 404, description = "There is no such provider", body = Details, content_type = "application/problem+json"),
    )
)]
pub(super) async fn size(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Json<model::BatchSizes>, Problem> {
    Query::read(query.as_deref(), &[])?;
    let advice = app.engine.size_advice(&actor, Some(&name)).await.map_err(|error| match error {
        quire_engine::batching::BatchViewError::NotFound => {
            Problem::new(Kind::NotFound, format!("No provider that is switched on is called \"{name}\"."))
        }
        other => other.into(),
    })?;
    Ok(Json(model::BatchSizes { sizes: advice.into_iter().map(convert::batch_size).collect() }))
}
