//! The list of models.

use axum::{Json, extract::Path};
use serde_json::{Value, json};

use crate::{
    http::{ApiError, Kind},
    models::{Model, Provider},
};

/// When the simulated models came out: 2026-09-01.
const CREATED: i64 = 1_788_220_800;

fn object(model: &Model) -> Value {
    json!({"id": model.id, "object": "model", "created": CREATED, "owned_by": "openai"})
}

/// `GET /models`
pub(super) async fn list() -> Json<Value> {
    let data: Vec<Value> = Model::of(Provider::OpenAi).map(object).collect();
    Json(json!({"object": "list", "data": data}))
}

/// `GET /models/{id}`
pub(super) async fn get(Path(id): Path<String>) -> Result<Json<Value>, ApiError> {
    find(&id).map(|model| Json(object(model)))
}

/// The model with this id, or OpenAI's refusal.
pub(super) fn find(id: &str) -> Result<&'static Model, ApiError> {
    Model::find(Provider::OpenAi, id).ok_or_else(|| {
        let message = format!("The model `{id}` does not exist or you do not have access to it.");
        ApiError::new(Kind::NotFound, message).code("model_not_found").param("model")
    })
}
