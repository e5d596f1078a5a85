//! Chat completions and responses in real time.

use std::sync::Arc;

use axum::{Extension, Json, extract::State};
use bytes::Bytes;
use serde_json::Value;

use super::requests;
use crate::{
    complete::{Completion, Origin, answer_fault, complete},
    http::{ApiError, Caller},
    models::Provider,
    prompt::Prompt,
    realtime,
    simulator::{Core, new_id},
};

/// The largest body of a real-time call.
pub(super) const MAX_BODY: usize = 32 << 20;

/// `POST /chat/completions`
pub(super) async fn chat(
    State(core): State<Arc<Core>>,
    Extension(caller): Extension<Caller>,
    body: Bytes,
) -> Result<Json<Value>, ApiError> {
    respond(&core, &caller, body, "chatcmpl-", requests::chat, requests::chat_object).await
}

/// `POST /responses`
pub(super) async fn responses(
    State(core): State<Arc<Core>>,
    Extension(caller): Extension<Caller>,
    body: Bytes,
) -> Result<Json<Value>, ApiError> {
    respond(&core, &caller, body, "resp_", requests::responses, requests::response_object).await
}

async fn respond(
    core: &Arc<Core>,
    caller: &Caller,
    body: Bytes,
    prefix: &str,
    read: for<'a> fn(&Core, &'a [u8]) -> Result<Prompt<'a>, ApiError>,
    write: fn(&Prompt<'_>, &Completion) -> Value,
) -> Result<Json<Value>, ApiError> {
    let id = new_id(prefix);
    let answer = move |core: &Core| {
        let prompt = read(core, &body)?;
        let fault = answer_fault(core, Provider::OpenAi.as_str(), [&id, ""]);
        let completion = complete(core, &prompt, Origin { batch: None, response_id: &id }, fault)?;
        Ok((write(&prompt, &completion), completion.line))
    };
    realtime::call(core, caller, answer).await.map(Json)
}
