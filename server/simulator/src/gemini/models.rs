//! The list of models.

use axum::{Json, extract::Path};
use serde_json::{Value, json};

use crate::{
    http::{ApiError, Kind},
    models::{Model, Provider},
};

fn object(model: &Model) -> Value {
    json!({
        "name": format!("models/{}", model.id),
        "displayName": model.name,
        "inputTokenLimit": model.context,
        "outputTokenLimit": model.max_output,
        "supportedGenerationMethods": ["generateContent", "batchGenerateContent"],
    })
}

/// `GET /models`
pub(super) async fn list() -> Json<Value> {
    let models: Vec<Value> = Model::of(Provider::Gemini).map(object).collect();
    Json(json!({"models": models}))
}

/// `GET /models/{id}`
pub(super) async fn get(Path(id): Path<String>) -> Result<Json<Value>, ApiError> {
    find(&id).map(|model| Json(object(model)))
}

/// The model with this id, or Gemini's refusal.
pub(super) fn find(id: &str) -> Result<&'static Model, ApiError> {
    Model::find(Provider::Gemini, id).ok_or_else(|| {
        let message = format!("models/{id} is not found, or is not supported for generateContent.");
        ApiError::new(Kind::NotFound, message)
    })
}
