//! The list of models.

use axum::{
    Json,
    extract::{Path, Query},
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    http::{ApiError, Kind},
    models::{Model, Provider},
};

fn object(model: &Model) -> Value {
    json!({
        "type": "model",
        "id": model.id,
        "display_name": model.name,
        "created_at": "2026-09-01T00:00:00Z",
        "lifecycle": "active",
        "max_input_tokens": model.context,
        "max_tokens": model.max_output,
    })
}

#[derive(Debug, Deserialize)]
pub(super) struct ListQuery {
    after_id: Option<String>,
    before_id: Option<String>,
    limit: Option<usize>,
}

/// `GET /models`
pub(super) async fn list(Query(query): Query<ListQuery>) -> Result<Json<Value>, ApiError> {
    let limit = query.limit.unwrap_or(20);
    if !(1..=1_000).contains(&limit) {
        return Err(ApiError::invalid("limit: must be a number from 1 to 1000"));
    }
    let all: Vec<&Model> = Model::of(Provider::Anthropic).collect();
    let place = |id: &str| all.iter().position(|model| model.id == id);
    let (range, more) = if let Some(before) = &query.before_id {
        let end = place(before).unwrap_or(0);
        let begin = end.saturating_sub(limit);
        (begin..end, begin > 0)
    } else {
        let begin = query.after_id.as_deref().map_or(0, |id| place(id).map_or(all.len(), |at| at + 1));
        let end = (begin + limit).min(all.len());
        (begin..end, end < all.len())
    };
    let models = &all[range];
    Ok(Json(json!({
        "data": models.iter().map(|model| object(model)).collect::<Vec<_>>(),
        "has_more": more,
        "first_id": models.first().map(|model| model.id),
        "last_id": models.last().map(|model| model.id),
    })))
}

/// `GET /models/{id}`
pub(super) async fn get(Path(id): Path<String>) -> Result<Json<Value>, ApiError> {
    find(&id).map(|model| Json(object(model)))
}

/// The model with this id, or Anthropic's refusal.
pub(super) fn find(id: &str) -> Result<&'static Model, ApiError> {
    Model::find(Provider::Anthropic, id).ok_or_else(|| ApiError::new(Kind::NotFound, format!("model: {id}")))
}
