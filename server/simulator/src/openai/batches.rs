//! Batches of OpenAI.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json,
    extract::{Path, Query, State},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::files;
use crate::{
    batch::{self, Batch, Counts, Ending, Endpoint, Plan, State as BatchState, Times},
    faults::Fault,
    http::{ApiError, Kind},
    models::{Provider, Usage},
    settings::seconds,
    simulator::{Core, new_id},
    store::Cursor,
};

#[derive(Deserialize)]
struct Create {
    input_file_id: Option<String>,
    endpoint: Option<String>,
    completion_window: Option<String>,
    metadata: Option<BTreeMap<String, String>>,
    output_expires_after: Option<ExpiresAfter>,
}

#[derive(Deserialize)]
struct ExpiresAfter {
    anchor: String,
    seconds: i64,
}

/// `POST /batches`
pub(super) async fn create(
    State(core): State<Arc<Core>>,
    body: bytes::Bytes,
) -> Result<Json<Value>, ApiError> {
    let create: Create = serde_json::from_slice(&body)
        .map_err(|error| ApiError::invalid(format!("The request body can't be read: {error}")))?;
    let required = |value: Option<String>, name: &str| {
        value.ok_or_else(|| {
            ApiError::invalid(format!("Missing required parameter: '{name}'."))
                .code("missing_required_parameter")
                .param(name)
        })
    };
    let input = required(create.input_file_id, "input_file_id")?;
    let endpoint = required(create.endpoint, "endpoint")?;
    let window = required(create.completion_window, "completion_window")?;
    let endpoint = match endpoint.as_str() {
        "/v1/chat/completions" => Endpoint::Chat,
        "/v1/responses" => Endpoint::Responses,
        other => {
            let message = format!(
                "Invalid value: '{other}'. Supported values are: '/v1/chat/completions' and '/v1/responses'."
            );
            return Err(ApiError::invalid(message).code("invalid_value").param("endpoint"));
        }
    };
    if window != "24h" {
        let message = format!("Invalid value: '{window}'. Value must be '24h'.");
        return Err(ApiError::invalid(message).code("invalid_value").param("completion_window"));
    }
    if let Some(metadata) = &create.metadata {
        check_metadata(metadata)?;
    }
    let output_expires_after = match create.output_expires_after {
        None => None,
        Some(after) if after.anchor == "created_at" && files::EXPIRY_SECONDS.contains(&after.seconds) => {
            Some(after.seconds)
        }
        Some(_) => {
            let message = "output_expires_after needs anchor \"created_at\" and seconds from 3600 to 2592000";
            return Err(ApiError::invalid(message).param("output_expires_after"));
        }
    };
    let file = files::find(&core, &input).await.map_err(|_| no_input(&input))?;
    if file.purpose != "batch" {
        let message =
            format!("File {input} has purpose '{}'; a batch needs a file of purpose 'batch'.", file.purpose);
        return Err(ApiError::invalid(message).param("input_file_id"));
    }
    let settings = core.settings();
    let now = core.clock.now();
    let id = new_id("batch_");
    let batch = Batch {
        provider: Provider::OpenAi,
        endpoint,
        state: BatchState::Validating,
        times: Times {
            created: now,
            expires: now + seconds(settings.expire_after_seconds),
            in_progress: None,
            finalizing: None,
            cancelling: None,
            ended: None,
        },
        input_file_id: Some(input.clone()),
        metadata: create.metadata,
        output_expires_after,
        model: None,
        enqueued_tokens: 0,
        counts: Counts::default(),
        done: 0,
        usage: Usage::default(),
        output_id: new_id("file-"),
        error_id: new_id("file-"),
        output_bytes: 0,
        error_bytes: 0,
        errors: Vec::new(),
        ending: None,
        held: false,
        plan: Plan::draw(&core, Provider::OpenAi, &id),
        id,
    };
    if !core.store.insert_batch(&batch).await? {
        return Err(no_input(&input));
    }
    batch::spawn(&core, Provider::OpenAi, batch.id.clone());
    Ok(Json(object(&batch)))
}

fn no_input(id: &str) -> ApiError {
    ApiError::invalid(format!("No such File object: {id}")).param("input_file_id")
}

fn check_metadata(metadata: &BTreeMap<String, String>) -> Result<(), ApiError> {
    let problem = if metadata.len() > 16 {
        Some("metadata may have at most 16 pairs".to_owned())
    } else {
        metadata.iter().find_map(|(key, value)| {
            if key.chars().count() > 64 {
                Some(format!("metadata key '{key}' is longer than 64 characters"))
            } else if value.chars().count() > 512 {
                Some(format!("the metadata value of '{key}' is longer than 512 characters"))
            } else {
                None
            }
        })
    };
    problem.map_or(Ok(()), |problem| Err(ApiError::invalid(problem).param("metadata")))
}

#[derive(Debug, Deserialize)]
pub(super) struct ListQuery {
    after: Option<String>,
    limit: Option<i64>,
}

/// `GET /batches`
pub(super) async fn list(
    State(core): State<Arc<Core>>,
    Query(query): Query<ListQuery>,
) -> Result<Json<Value>, ApiError> {
    let limit = query.limit.unwrap_or(20);
    if !(1..=100).contains(&limit) {
        return Err(ApiError::invalid("limit must be a number from 1 to 100").param("limit"));
    }
    let from = query.after.as_deref().map_or(Cursor::Start, Cursor::After);
    let page = core.store.batches(Provider::OpenAi, from, limit).await?;
    Ok(Json(json!({
        "object": "list",
        "data": page.items.iter().map(object).collect::<Vec<_>>(),
        "first_id": page.items.first().map(|batch| &batch.id),
        "last_id": page.items.last().map(|batch| &batch.id),
        "has_more": page.more,
    })))
}

fn not_found(id: &str) -> ApiError {
    ApiError::new(Kind::NotFound, format!("No batch found with id '{id}'."))
}

/// `GET /batches/{id}`
pub(super) async fn get(
    State(core): State<Arc<Core>>,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let batch = core.store.batch(Provider::OpenAi, &id).await?;
    batch.as_ref().map(|batch| Json(object(batch))).ok_or_else(|| not_found(&id))
}

/// `POST /batches/{id}/cancel`
pub(super) async fn cancel(
    State(core): State<Arc<Core>>,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    if core.store.batch(Provider::OpenAi, &id).await?.is_none() {
        return Err(not_found(&id));
    }
    let now = core.clock.now();
    let changed = core.store.update_batch(&id, &[], &[], |batch| match (batch.state, batch.ending) {
        (state, _) if state.is_final() => {
            let message = format!("Cannot cancel a batch with status '{}'.", state.as_str());
            Err(ApiError::new(Kind::Conflict, message))
        }
        (_, None) => {
            batch.ending = Some(Ending::Cancelled);
            batch.enter(BatchState::Cancelling, now);
            Ok(())
        }
        (_, Some(_)) => Ok(()),
    });
    let batch = changed.await?.ok_or_else(|| not_found(&id))??;
    core.wake();
    Ok(Json(object(&batch)))
}

/// A batch as OpenAI shows it.
pub(super) fn object(batch: &Batch) -> Value {
    let at = |time: Option<chrono::DateTime<chrono::Utc>>| time.map(|time| time.timestamp());
    let ended = |state| at(batch.times.ended.filter(|_| batch.state == state));
    let absent = if batch.plan.has(Fault::EmptyFileIds) { json!("") } else { Value::Null };
    let file = |id: &str, bytes: u64| {
        if files::shows_results(batch) && bytes > 0 { json!(id) } else { absent.clone() }
    };
    let errors = (!batch.errors.is_empty()).then(|| json!({"object": "list", "data": batch.errors}));
    json!({
        "id": batch.id,
        "object": "batch",
        "endpoint": batch.endpoint.as_str(),
        "model": batch.model,
        "errors": errors,
        "input_file_id": batch.input_file_id,
        "completion_window": "24h",
        "status": batch.state.as_str(),
        "output_file_id": file(&batch.output_id, batch.output_bytes),
        "error_file_id": file(&batch.error_id, batch.error_bytes),
        "created_at": batch.times.created.timestamp(),
        "in_progress_at": at(batch.times.in_progress),
        "expires_at": batch.times.expires.timestamp(),
        "finalizing_at": at(batch.times.finalizing),
        "completed_at": ended(BatchState::Completed),
        "failed_at": ended(BatchState::Failed),
        "expired_at": ended(BatchState::Expired),
        "cancelling_at": at(batch.times.cancelling),
        "cancelled_at": ended(BatchState::Cancelled),
        "request_counts": {
            "total": batch.counts.total,
            "completed": batch.counts.completed,
            "failed": batch.counts.failed,
        },
        "metadata": batch.metadata,
        "usage": {
            "input_tokens": batch.usage.input,
            "input_tokens_details": {"cached_tokens": batch.usage.cached},
            "output_tokens": batch.usage.output,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": batch.usage.input + batch.usage.output,
        },
    })
}
