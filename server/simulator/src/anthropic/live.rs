//! Messages in real time, and the counting of their tokens.

use std::sync::Arc;

use axum::{Extension, Json, extract::State};
use bytes::Bytes;
use serde_json::{Value, json};

use super::requests;
use crate::{
    complete::{Origin, answer_fault, complete},
    http::{ApiError, Caller},
    models::{Provider, Tier},
    realtime,
    simulator::{Core, new_id},
};

/// The largest body of a real-time call.
pub(super) const MAX_BODY: usize = 32 << 20;

/// `POST /messages`
pub(super) async fn messages(
    State(core): State<Arc<Core>>,
    Extension(caller): Extension<Caller>,
    body: Bytes,
) -> Result<Json<Value>, ApiError> {
    let id = new_id("msg_");
    let answer = move |core: &Core| {
        let prompt = requests::read(core, &body, false)?;
        let fault = answer_fault(core, Provider::Anthropic.as_str(), [&id, ""]);
        let completion = complete(core, &prompt, Origin { batch: None, response_id: &id }, fault)?;
        Ok((requests::message_object(&prompt, &completion, Tier::Realtime), completion.line))
    };
    realtime::call(&core, &caller, answer).await.map(Json)
}

/// `POST /messages/count_tokens`
pub(super) async fn count_tokens(
    State(core): State<Arc<Core>>,
    body: Bytes,
) -> Result<Json<Value>, ApiError> {
    let prompt = requests::read(&core, &body, true)?;
    Ok(Json(json!({"input_tokens": prompt.measure(&core.counter).tokens})))
}
