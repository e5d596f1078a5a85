//! What a model does: content generated at once, and batches.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Path, State},
};
use bytes::Bytes;
use serde_json::Value;

use super::{batches, models, parted, requests};
use crate::{
    complete::{Origin, answer_fault, complete},
    http::{ApiError, Caller, Kind},
    models::{Model, Provider},
    realtime,
    simulator::{Core, new_id},
};

/// The largest body of a real-time call.
pub(super) const MAX_BODY: usize = 20 << 20;

/// `POST /models/{id}:generateContent` and `POST /models/{id}:batchGenerateContent`
pub(super) async fn act(
    State(core): State<Arc<Core>>,
    Extension(caller): Extension<Caller>,
    Path(target): Path<String>,
    body: Bytes,
) -> Result<Json<Value>, ApiError> {
    let (id, act) = parted(&target);
    let model = models::find(id)?;
    match act {
        Some("generateContent") => generate(&core, &caller, model, body).await,
        Some("batchGenerateContent") => batches::create(&core, model, &body).await,
        _ => Err(ApiError::new(
            Kind::NotFound,
            format!("The simulator knows no models.{}.", act.unwrap_or("")),
        )),
    }
}

async fn generate(
    core: &Arc<Core>,
    caller: &Caller,
    model: &'static Model,
    body: Bytes,
) -> Result<Json<Value>, ApiError> {
    let id = new_id("");
    let answer = move |core: &Core| {
        let prompt = requests::read(core, model, &body)?;
        let fault = answer_fault(core, Provider::Gemini.as_str(), [&id, ""]);
        let completion = complete(core, &prompt, Origin { batch: None, response_id: &id }, fault)?;
        Ok((requests::content_object(&prompt, &completion), completion.line))
    };
    realtime::call(core, caller, answer).await.map(Json)
}
