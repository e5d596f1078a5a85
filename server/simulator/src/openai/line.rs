//! Lines of OpenAI's result files.

use serde_json::{Value, json, value::RawValue};
use sha2::{Digest, Sha256};

use super::requests;
use crate::{
    batch::{Batch, Ending, Endpoint, LineResult, Outcome},
    complete::{Origin, complete, hex},
    faults::Fault,
    http::{ApiError, Kind},
    models::Provider,
    simulator::{Core, new_id},
};

/// Answers one request of a batch.
pub(crate) fn answer(
    core: &Core,
    batch: &Batch,
    custom_id: &str,
    body: &RawValue,
    fault: Option<Fault>,
) -> LineResult {
    let request_id = new_id("req_");
    match fault {
        Some(Fault::ErroredLine) => {
            let error = ApiError::invalid("The request was refused. (Simulated.)").code("invalid_request");
            return refused(custom_id, &request_id, &error);
        }
        Some(Fault::LineTimeout) => {
            let error = json!({"code": "request_timeout", "message": "The request timed out. (Simulated.)"});
            return failed(&json!({
                "id": new_id("batch_req_"), "custom_id": custom_id, "response": null, "error": error,
            }));
        }
        Some(Fault::StatusZero) => {
            return failed(&json!({
                "id": new_id("batch_req_"),
                "custom_id": custom_id,
                "response": {"status_code": 0, "request_id": "", "body": null},
                "error": null,
            }));
        }
        _ => {}
    }
    let response_id = response_id(batch, custom_id);
    let origin = Origin { batch: Some((&batch.id, custom_id)), response_id: &response_id };
    let answered = match batch.endpoint {
        Endpoint::Responses => requests::responses(core, body.get().as_bytes()).and_then(|prompt| {
            let completion = complete(core, &prompt, origin, fault)?;
            Ok((requests::response_object(&prompt, &completion), completion))
        }),
        Endpoint::Chat | Endpoint::Messages | Endpoint::Generate => {
            requests::chat(core, body.get().as_bytes()).and_then(|prompt| {
                let completion = complete(core, &prompt, origin, fault)?;
                Ok((requests::chat_object(&prompt, &completion), completion))
            })
        }
    };
    match answered {
        Err(error) => refused(custom_id, &request_id, &error),
        Ok((body, completion)) => {
            let line = json!({
                "id": new_id("batch_req_"),
                "custom_id": custom_id,
                "response": {"status_code": 200, "request_id": request_id, "body": body},
                "error": null,
            });
            LineResult {
                outcome: Outcome::Completed,
                line: line.to_string().into_bytes(),
                paid: Some((completion.line, completion.usage)),
            }
        }
    }
}

/// The id of an answer. It is made from batch and custom id, so that an answer that has to be made again after a
/// crash is the same answer.
fn response_id(batch: &Batch, custom_id: &str) -> String {
    let digest = Sha256::new().chain_update(&batch.id).chain_update([0]).chain_update(custom_id).finalize();
    let prefix = if batch.endpoint == Endpoint::Responses { "resp_" } else { "chatcmpl-" };
    format!("{prefix}{}", hex(&digest[..16]))
}

/// A request that was refused: an error body under its status, and no error beside it.
fn refused(custom_id: &str, request_id: &str, error: &ApiError) -> LineResult {
    failed(&json!({
        "id": new_id("batch_req_"),
        "custom_id": custom_id,
        "response": {
            "status_code": error.status(Provider::OpenAi).as_u16(),
            "request_id": request_id,
            "body": error.body(Provider::OpenAi, None),
        },
        "error": null,
    }))
}

fn failed(line: &Value) -> LineResult {
    LineResult { outcome: Outcome::Failed, line: line.to_string().into_bytes(), paid: None }
}

/// The line of a request that a batch left undone.
pub(crate) fn unfinished(custom_id: &str, ending: Ending) -> Vec<u8> {
    let (code, message) = match ending {
        Ending::Expired => {
            ("batch_expired", "This request could not be executed before the completion window expired.")
        }
        Ending::Cancelled => {
            ("batch_cancelled", "This request was not executed because the batch was cancelled.")
        }
    };
    json!({
        "id": new_id("batch_req_"),
        "custom_id": custom_id,
        "response": null,
        "error": {"code": code, "message": message},
    })
    .to_string()
    .into_bytes()
}

/// The refusal of a request that can't be read.
pub(crate) fn unreadable(error: &serde_json::Error) -> ApiError {
    ApiError::new(Kind::Invalid, format!("We could not parse the JSON body of your request: {error}"))
}
