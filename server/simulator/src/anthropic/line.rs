//! Lines of Anthropic's results.

use serde_json::{Value, json, value::RawValue};
use sha2::{Digest, Sha256};

use super::requests;
use crate::{
    batch::{Batch, Ending, LineResult, Outcome},
    complete::{Origin, complete, hex},
    faults::Fault,
    http::{ApiError, Kind},
    models::{Provider, Tier},
    simulator::{Core, new_id},
};

/// Answers one request of a batch.
pub(crate) fn answer(
    core: &Core,
    batch: &Batch,
    custom_id: &str,
    params: &RawValue,
    fault: Option<Fault>,
) -> LineResult {
    let refusal = match fault {
        Some(Fault::ErroredLine) => Some((Kind::Invalid, "The request was refused. (Simulated.)")),
        Some(Fault::LineTimeout) => Some((Kind::Timeout, "The request timed out. (Simulated.)")),
        Some(Fault::StatusZero) => Some((Kind::Server, "Internal server error. (Simulated.)")),
        _ => None,
    };
    if let Some((kind, message)) = refusal {
        return errored(custom_id, &ApiError::new(kind, message));
    }
    let response_id = response_id(batch, custom_id);
    let origin = Origin { batch: Some((&batch.id, custom_id)), response_id: &response_id };
    let answered = requests::read(core, params.get().as_bytes(), false).and_then(|prompt| {
        let completion = complete(core, &prompt, origin, fault)?;
        Ok((requests::message_object(&prompt, &completion, Tier::Batch), completion))
    });
    match answered {
        Err(error) => errored(custom_id, &error),
        Ok((message, completion)) => LineResult {
            outcome: Outcome::Completed,
            line: line(custom_id, &json!({"type": "succeeded", "message": message})),
            paid: Some((completion.line, completion.usage)),
        },
    }
}

/// The id of an answer. It is made from batch and custom id, so that an answer that has to be made again after a
/// crash is the same answer.
fn response_id(batch: &Batch, custom_id: &str) -> String {
    let digest = Sha256::new().chain_update(&batch.id).chain_update([0]).chain_update(custom_id).finalize();
    format!("msg_{}", hex(&digest[..16]))
}

fn errored(custom_id: &str, error: &ApiError) -> LineResult {
    let request_id = new_id("req_");
    let error = error.body(Provider::Anthropic, Some(&request_id));
    LineResult {
        outcome: Outcome::Failed,
        line: line(custom_id, &json!({"type": "errored", "error": error})),
        paid: None,
    }
}

/// The line of a request that a batch left undone.
pub(crate) fn unfinished(custom_id: &str, ending: Ending) -> Vec<u8> {
    let kind = match ending {
        Ending::Expired => "expired",
        Ending::Cancelled => "canceled",
    };
    line(custom_id, &json!({"type": kind}))
}

fn line(custom_id: &str, result: &Value) -> Vec<u8> {
    json!({"custom_id": custom_id, "result": result}).to_string().into_bytes()
}
