//! Message batches once they are made.

use std::sync::Arc;

use axum::{
    Extension, Json,
    body::Body,
    extract::{Path, Query, State},
    http::{HeaderMap, HeaderValue, header},
    response::Response,
};
use chrono::{DateTime, Duration, SecondsFormat, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    batch::{Batch, Ending, State as BatchState},
    error::At,
    faults::Fault,
    http::{ApiError, Caller, Kind},
    models::Provider,
    results,
    settings::seconds,
    simulator::Core,
    store::Cursor,
};

/// How long results are kept, from the creation of their batch.
const RESULT_DAYS: i64 = 29;

fn not_found(id: &str) -> ApiError {
    ApiError::new(Kind::NotFound, format!("Message batch with id {id} not found"))
}

async fn find(core: &Core, id: &str) -> Result<Batch, ApiError> {
    core.store.batch(Provider::Anthropic, id).await?.ok_or_else(|| not_found(id))
}

/// `GET /messages/batches/{id}`
pub(super) async fn get(
    State(core): State<Arc<Core>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Value>, ApiError> {
    let batch = find(&core, &id).await?;
    Ok(Json(object(&batch, &headers, core.clock.now())))
}

#[derive(Debug, Deserialize)]
pub(super) struct ListQuery {
    limit: Option<i64>,
    before_id: Option<String>,
    after_id: Option<String>,
}

/// `GET /messages/batches`
pub(super) async fn list(
    State(core): State<Arc<Core>>,
    Query(query): Query<ListQuery>,
    headers: HeaderMap,
) -> Result<Json<Value>, ApiError> {
    let limit = query.limit.unwrap_or(20);
    if !(1..=1_000).contains(&limit) {
        return Err(ApiError::invalid("limit: must be a number from 1 to 1000"));
    }
    let from = match (&query.before_id, &query.after_id) {
        (Some(_), Some(_)) => return Err(ApiError::invalid("give before_id or after_id, not both")),
        (Some(before), None) => Cursor::Before(before),
        (None, Some(after)) => Cursor::After(after),
        (None, None) => Cursor::Start,
    };
    let page = core.store.batches(Provider::Anthropic, from, limit).await?;
    let now = core.clock.now();
    Ok(Json(json!({
        "data": page.items.iter().map(|batch| object(batch, &headers, now)).collect::<Vec<_>>(),
        "has_more": page.more,
        "first_id": page.items.first().map(|batch| &batch.id),
        "last_id": page.items.last().map(|batch| &batch.id),
    })))
}

/// `POST /messages/batches/{id}/cancel`
pub(super) async fn cancel(
    State(core): State<Arc<Core>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Value>, ApiError> {
    find(&core, &id).await?;
    let now = core.clock.now();
    let changed = core.store.update_batch(&id, &[], &[], |batch| {
        if batch.state.is_final() {
            let message = format!("Batch {} cannot be canceled because it has already ended.", batch.id);
            return Err(ApiError::invalid(message));
        }
        if batch.ending.is_none() {
            batch.ending = Some(Ending::Cancelled);
            batch.enter(BatchState::Cancelling, now);
        }
        Ok(())
    });
    let batch = changed.await?.ok_or_else(|| not_found(&id))??;
    core.wake();
    Ok(Json(object(&batch, &headers, now)))
}

/// `DELETE /messages/batches/{id}`
pub(super) async fn delete(
    State(core): State<Arc<Core>>,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let batch = find(&core, &id).await?;
    if !batch.state.is_final() {
        let message = format!("Batch {id} cannot be deleted while it is in progress; cancel it first.");
        return Err(ApiError::invalid(message));
    }
    core.store.delete_batch(&id).await?;
    for name in [&batch.output_id, &batch.error_id, &batch.input_name()] {
        core.folder.remove(&core.folder.content(name));
    }
    Ok(Json(json!({"id": id, "type": "message_batch_deleted"})))
}

/// `GET /messages/batches/{id}/results`
pub(super) async fn results(
    State(core): State<Arc<Core>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let batch = find(&core, &id).await?;
    let now = core.clock.now();
    let late = seconds(core.settings().late_file_seconds);
    let missing = !batch.state.is_final()
        || archived(&batch, now).is_some()
        || (batch.plan.has(Fault::LateFile) && batch.times.ended.is_some_and(|ended| now < ended + late));
    if missing {
        return Err(ApiError::new(Kind::NotFound, format!("Batch {id} has no available results.")));
    }
    let cut = caller.hears() && core.strikes_call(Fault::CutDownload, "anthropic.batches.results");
    let path = core.folder.content(&batch.output_id);
    let body = results::stream(&core, &path, batch.output_bytes, cut, &id).await.at(path)?;
    let mut response = Response::new(Body::from_stream(body));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-jsonl"));
    Ok(response)
}

fn archived(batch: &Batch, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let at = batch.times.created + Duration::days(RESULT_DAYS);
    (at <= now).then_some(at)
}

/// A batch as Anthropic shows it: no progress until it has ended.
pub(super) fn object(batch: &Batch, headers: &HeaderMap, now: DateTime<Utc>) -> Value {
    let ended = batch.state.is_final();
    let counts = &batch.counts;
    let counts = if ended {
        json!({
            "processing": 0,
            "succeeded": counts.completed,
            "errored": counts.failed,
            "canceled": counts.cancelled,
            "expired": counts.expired,
        })
    } else {
        json!({"processing": counts.total, "succeeded": 0, "errored": 0, "canceled": 0, "expired": 0})
    };
    let time = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Micros, true);
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    let archived = archived(batch, now);
    let url = (ended && archived.is_none())
        .then(|| format!("http://{host}/anthropic/v1/messages/batches/{}/results", batch.id));
    json!({
        "id": batch.id,
        "type": "message_batch",
        "processing_status": match batch.state {
            state if state.is_final() => "ended",
            BatchState::Cancelling => "canceling",
            _ => "in_progress",
        },
        "request_counts": counts,
        "created_at": time(batch.times.created),
        "expires_at": time(batch.times.expires),
        "ended_at": batch.times.ended.map(time),
        "cancel_initiated_at": batch.times.cancelling.map(time),
        "archived_at": archived.map(time),
        "results_url": url,
    })
}
