//! Lines of Gemini's result files.

use serde_json::{Value, json, value::RawValue};
use sha2::{Digest, Sha256};

use super::{models, requests};
use crate::{
    batch::{Batch, Ending, LineResult, Outcome},
    complete::{Origin, complete, hex},
    faults::Fault,
    http::ApiError,
    models::Provider,
    simulator::Core,
};

/// Answers one request of a batch.
pub(crate) fn answer(
    core: &Core,
    batch: &Batch,
    key: &str,
    request: &RawValue,
    fault: Option<Fault>,
) -> LineResult {
    match fault {
        Some(Fault::ErroredLine) => return failed(key, 3, "The request was refused. (Simulated.)"),
        Some(Fault::LineTimeout) => return failed(key, 4, "The request timed out. (Simulated.)"),
        Some(Fault::StatusZero) => return failed(key, 13, "Internal error. (Simulated.)"),
        _ => {}
    }
    // Made from batch and key, so that an answer that has to be made again after a crash is the same answer.
    let digest = Sha256::new().chain_update(&batch.id).chain_update([0]).chain_update(key).finalize();
    let response_id = hex(&digest[..16]);
    let origin = Origin { batch: Some((&batch.id, key)), response_id: &response_id };
    let answered = models::find(batch.model.as_deref().unwrap_or_default()).and_then(|model| {
        let prompt = requests::read(core, model, request.get().as_bytes())?;
        let completion = complete(core, &prompt, origin, fault)?;
        Ok((requests::content_object(&prompt, &completion), completion))
    });
    match answered {
        Err(error) => refused(key, &error),
        Ok((body, completion)) => LineResult {
            outcome: Outcome::Completed,
            line: json!({"key": key, "response": body}).to_string().into_bytes(),
            paid: Some((completion.line, completion.usage)),
        },
    }
}

fn refused(key: &str, error: &ApiError) -> LineResult {
    let code = error.rpc().0;
    failed(key, code, error.body(Provider::Gemini, None)["error"]["message"].as_str().unwrap_or_default())
}

fn failed(key: &str, code: u64, message: &str) -> LineResult {
    let line = status(key, code, message).to_string().into_bytes();
    LineResult { outcome: Outcome::Failed, line, paid: None }
}

/// In result lines a status has the code of the RPC.
fn status(key: &str, code: u64, message: &str) -> Value {
    json!({"key": key, "error": {"code": code, "message": message}})
}

/// The line of a request that a batch left undone.
pub(crate) fn unfinished(key: &str, ending: Ending) -> Vec<u8> {
    let (code, message) = match ending {
        Ending::Expired => (4, "The batch expired before this request was processed."),
        Ending::Cancelled => (1, "The batch was cancelled before this request was processed."),
    };
    status(key, code, message).to_string().into_bytes()
}
