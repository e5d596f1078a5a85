//! Batches of Gemini: long-running operations.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json,
    extract::{Path, Query, State},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    files::{self, ListQuery, time},
    parted,
};
use crate::{
    batch::{self, Batch, Counts, Ending, Endpoint, Plan, State as BatchState, Times},
    faults::Fault,
    http::{ApiError, Kind},
    models::{Model, Provider, Usage},
    settings::seconds,
    simulator::{Core, new_id},
};

#[derive(Deserialize)]
struct Create {
    batch: Option<NewBatch>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NewBatch {
    #[serde(alias = "display_name")]
    display_name: Option<String>,
    #[serde(alias = "input_config")]
    input_config: Option<InputConfig>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InputConfig {
    #[serde(alias = "file_name")]
    file_name: Option<String>,
}

/// Where the display name is kept.
const DISPLAY_NAME: &str = "displayName";

/// `POST /models/{id}:batchGenerateContent`
pub(super) async fn create(
    core: &Arc<Core>,
    model: &'static Model,
    body: &[u8],
) -> Result<Json<Value>, ApiError> {
    let create: Create = serde_json::from_slice(body)
        .map_err(|error| ApiError::invalid(format!("Invalid JSON payload received. {error}")))?;
    let batch = create.batch.ok_or_else(|| ApiError::invalid("* batch: batch is not specified"))?;
    let display_name =
        batch.display_name.ok_or_else(|| ApiError::invalid("* batch.display_name: is not specified"))?;
    let Some(file) = batch.input_config.and_then(|config| config.file_name) else {
        return Err(ApiError::invalid(
            "* batch.input_config: the simulator takes file names only, no requests inline",
        ));
    };
    let id = file.strip_prefix("files/").unwrap_or(&file);
    files::find(core, id).await?;
    let settings = core.settings();
    let now = core.clock.now();
    let batch_id = new_id("b");
    let plan = Plan::draw(core, Provider::Gemini, &batch_id);
    if plan.has(Fault::TokenLimit) {
        let message = "You exceeded your current quota: too many tokens wait in batches. (Simulated.)";
        return Err(ApiError::new(Kind::RateLimit, message).code("BatchEnqueuedTokensPerProjectPerModel"));
    }
    let batch = Batch {
        provider: Provider::Gemini,
        endpoint: Endpoint::Generate,
        state: BatchState::Validating,
        times: Times {
            created: now,
            expires: now + seconds(settings.expire_after_seconds),
            in_progress: None,
            finalizing: None,
            cancelling: None,
            ended: None,
        },
        input_file_id: Some(id.to_owned()),
        metadata: Some(BTreeMap::from([(DISPLAY_NAME.to_owned(), display_name)])),
        output_expires_after: None,
        model: Some(model.id.to_owned()),
        enqueued_tokens: 0,
        counts: Counts::default(),
        done: 0,
        usage: Usage::default(),
        output_id: new_id("batch"),
        error_id: new_id("batcherrors"),
        output_bytes: 0,
        error_bytes: 0,
        errors: Vec::new(),
        ending: None,
        held: false,
        plan,
        id: batch_id,
    };
    if !core.store.insert_batch(&batch).await? {
        return Err(files::not_found(id));
    }
    batch::spawn(core, Provider::Gemini, batch.id.clone());
    Ok(Json(operation(&batch)))
}

/// `GET /batches`
pub(super) async fn list(
    State(core): State<Arc<Core>>,
    Query(query): Query<ListQuery>,
) -> Result<Json<Value>, ApiError> {
    let page = core.store.batches(Provider::Gemini, query.from(), query.limit()?).await?;
    let mut answer = json!({});
    if !page.items.is_empty() {
        answer["operations"] = page.items.iter().map(operation).collect();
    }
    if let (true, Some(last)) = (page.more, page.items.last()) {
        answer["nextPageToken"] = json!(last.id);
    }
    Ok(Json(answer))
}

async fn find(core: &Core, id: &str) -> Result<Batch, ApiError> {
    let found = core.store.batch(Provider::Gemini, id).await?;
    found.ok_or_else(|| ApiError::new(Kind::NotFound, "Requested entity was not found."))
}

/// `GET /batches/{id}`
pub(super) async fn get(
    State(core): State<Arc<Core>>,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    Ok(Json(operation(&find(&core, &id).await?)))
}

/// `POST /batches/{id}:cancel`
pub(super) async fn cancel(
    State(core): State<Arc<Core>>,
    Path(target): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let (id, act) = parted(&target);
    find(&core, id).await?;
    if act != Some("cancel") {
        return Err(ApiError::new(Kind::NotFound, "Requested entity was not found."));
    }
    let now = core.clock.now();
    let changed = core.store.update_batch(id, &[], &[], |batch| {
        if batch.state.is_final() {
            return Err(ApiError::new(Kind::Conflict, "The batch has already ended."));
        }
        if batch.ending.is_none() {
            batch.ending = Some(Ending::Cancelled);
            batch.enter(BatchState::Cancelling, now);
        }
        Ok(())
    });
    changed.await?.ok_or_else(|| ApiError::new(Kind::NotFound, "Requested entity was not found."))??;
    core.wake();
    Ok(Json(json!({})))
}

/// `DELETE /batches/{id}`: forgets the operation; its files stay.
pub(super) async fn delete(
    State(core): State<Arc<Core>>,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let batch = find(&core, &id).await?;
    if !batch.state.is_final() {
        return Err(ApiError::new(Kind::Conflict, "The batch has not ended; cancel it first."));
    }
    core.store.delete_batch(&id).await?;
    Ok(Json(json!({})))
}

/// A batch as Gemini shows it.
fn operation(batch: &Batch) -> Value {
    let state = match batch.state {
        BatchState::Validating => "PENDING",
        // On this wire a cancellation on its way is not told.
        BatchState::InProgress | BatchState::Finalizing | BatchState::Cancelling => "RUNNING",
        BatchState::Completed => "SUCCEEDED",
        BatchState::Failed => "FAILED",
        BatchState::Expired => "EXPIRED",
        BatchState::Cancelled => "CANCELLED",
    };
    let name = format!("batches/{}", batch.id);
    let mut stats = json!({});
    let counts = &batch.counts;
    let pending = counts.total - counts.completed - counts.failed;
    for (what, count) in [
        ("requestCount", counts.total),
        ("successfulRequestCount", counts.completed),
        ("failedRequestCount", counts.failed),
        ("pendingRequestCount", pending),
    ] {
        if count > 0 {
            stats[what] = count.to_string().into();
        }
    }
    let display_name = batch.metadata.as_ref().and_then(|m| m.get(DISPLAY_NAME));
    let mut metadata = json!({
        "@type": "type.googleapis.com/google.ai.generativelanguage.v1main.GenerateContentBatch",
        "model": format!("models/{}", batch.model.as_deref().unwrap_or_default()),
        "displayName": display_name,
        "inputConfig": {"fileName": format!("files/{}", batch.input_file_id.as_deref().unwrap_or_default())},
        "createTime": time(batch.times.created),
        "updateTime": time(batch.times.ended.or(batch.times.in_progress).unwrap_or(batch.times.created)),
        "batchStats": stats,
        "state": format!("BATCH_STATE_{state}"),
        "name": name,
    });
    let mut operation = json!({"name": name});
    let file =
        (batch.state.is_final() && batch.output_bytes > 0).then(|| format!("files/{}", batch.output_id));
    let absent = batch.plan.has(Fault::EmptyFileIds).then(String::new);
    if let Some(file) = file.or(absent) {
        metadata["output"] = json!({"responsesFile": file});
    }
    if let Some(ended) = batch.times.ended {
        metadata["endTime"] = time(ended).into();
        operation["done"] = true.into();
        let error = |code: u64, message: &str| json!({"code": code, "message": message});
        match batch.state {
            BatchState::Cancelled => operation["error"] = error(1, "The operation was cancelled."),
            BatchState::Expired => operation["error"] = error(4, "The batch expired."),
            BatchState::Failed => {
                let first = batch.errors.first();
                let code = match first.map(|e| e.code.as_str()) {
                    Some("token_limit_exceeded") => 8,
                    _ => 3,
                };
                operation["error"] = error(code, first.map_or("", |e| e.message.as_str()));
            }
            _ => {
                let mut output = metadata.get("output").cloned().unwrap_or_else(|| json!({}));
                output["@type"] =
                    "type.googleapis.com/google.ai.generativelanguage.v1main.GenerateContentBatchOutput"
                        .into();
                operation["response"] = output;
            }
        }
    }
    operation["metadata"] = metadata;
    operation
}
