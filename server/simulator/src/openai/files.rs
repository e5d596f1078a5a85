//! Files: uploaded in a stream, given out in a stream.

use std::{io, sync::Arc};

use axum::{
    Extension, Json,
    body::Body,
    extract::{Multipart, Path, Query, State, multipart::Field},
    http::{HeaderValue, header},
    response::Response,
};
use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::{fs::File, io::AsyncWriteExt};

use crate::{
    batch::{Batch, State as BatchState},
    error::At,
    faults::Fault,
    folder::Partial,
    http::{ApiError, Caller, Kind},
    models::Provider,
    results,
    settings::seconds,
    simulator::{Core, new_id},
    store::{Cursor, Order},
};

/// A file as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct StoredFile {
    pub(crate) id: String,
    /// Whose file it is.
    #[serde(default = "openai")]
    pub(crate) provider: Provider,
    pub(crate) purpose: String,
    pub(crate) filename: String,
    pub(crate) bytes: u64,
    pub(crate) created: DateTime<Utc>,
    pub(crate) expires: Option<DateTime<Utc>>,
    /// From then on it can't be read for `late_file_seconds`, though it is listed.
    pub(crate) late_since: Option<DateTime<Utc>>,
}

fn openai() -> Provider {
    Provider::OpenAi
}

/// Purposes that an upload may have.
const PURPOSES: [&str; 6] = ["assistants", "batch", "fine-tune", "vision", "user_data", "evals"];
/// The largest file of any purpose.
const MAX_BYTES: u64 = 512 << 20;
/// How long a file for a batch is kept, unless its upload says otherwise.
const BATCH_DAYS: i64 = 30;
/// The limits of `expires_after`, in seconds.
pub(super) const EXPIRY_SECONDS: std::ops::RangeInclusive<i64> = 3_600..=2_592_000;

impl StoredFile {
    /// The result files of a batch that reaches its final state at `now`. Empty ones aren't made.
    pub(crate) fn results(batch: &Batch, now: DateTime<Utc>) -> Vec<Self> {
        let after = batch.output_expires_after.map_or(Duration::days(BATCH_DAYS), Duration::seconds);
        let late = batch.plan.has(Fault::LateFile);
        let file = |id: &str, kind: &str, bytes| Self {
            id: id.to_owned(),
            provider: batch.provider,
            purpose: "batch_output".into(),
            filename: format!("{}_{kind}.jsonl", batch.id),
            bytes,
            created: now,
            expires: Some(now + after),
            late_since: late.then_some(now),
        };
        [(&batch.output_id, "output", batch.output_bytes), (&batch.error_id, "error", batch.error_bytes)]
            .into_iter()
            .filter(|(_, _, bytes)| *bytes > 0)
            .map(|(id, kind, bytes)| file(id, kind, bytes))
            .collect()
    }

    fn object(&self) -> Value {
        json!({
            "id": self.id,
            "object": "file",
            "bytes": self.bytes,
            "created_at": self.created.timestamp(),
            "expires_at": self.expires.map(|time| time.timestamp()),
            "filename": self.filename,
            "purpose": self.purpose,
            "status": "processed",
            "status_details": null,
        })
    }

    fn expired(&self, now: DateTime<Utc>) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }
}

/// The file with this id, if it is there and hasn't expired.
pub(super) async fn find(core: &Core, id: &str) -> Result<StoredFile, ApiError> {
    let file = core.store.file(id).await?;
    let there = |file: &StoredFile| file.provider == Provider::OpenAi && !file.expired(core.clock.now());
    file.filter(there).ok_or_else(|| not_found(id))
}

pub(super) fn not_found(id: &str) -> ApiError {
    ApiError::new(Kind::NotFound, format!("No such File object: {id}")).param("id")
}

/// The fields of an upload's form.
#[derive(Default)]
struct Form {
    purpose: Option<String>,
    filename: Option<String>,
    bytes: u64,
    anchor: Option<String>,
    seconds: Option<String>,
}

/// `POST /files`
pub(super) async fn create(State(core): State<Arc<Core>>, form: Multipart) -> Result<Json<Value>, ApiError> {
    let file = receive(&core, &new_id("file-"), form).await?;
    core.store.insert_file(&file).await?;
    Ok(Json(file.object()))
}

async fn receive(core: &Arc<Core>, id: &str, mut multipart: Multipart) -> Result<StoredFile, ApiError> {
    let wrong = |error: axum::extract::multipart::MultipartError| {
        ApiError::invalid(format!("The form can't be read: {}", error.body_text()))
    };
    let partial = Partial::new(&core.folder, id);
    let mut form = Form::default();
    let mut content: Option<std::fs::File> = None;
    while let Some(field) = multipart.next_field().await.map_err(wrong)? {
        match field.name().unwrap_or("") {
            "file" => {
                form.filename = field.file_name().map(str::to_owned);
                let (file, bytes) = store_content(&partial, field).await?;
                (content, form.bytes) = (Some(file), bytes);
            }
            "purpose" => form.purpose = Some(field.text().await.map_err(wrong)?),
            "expires_after[anchor]" => form.anchor = Some(field.text().await.map_err(wrong)?),
            "expires_after[seconds]" => form.seconds = Some(field.text().await.map_err(wrong)?),
            _ => _ = field.bytes().await.map_err(wrong)?,
        }
    }
    let content = content.ok_or_else(|| ApiError::invalid("'file' is a required property").param("file"))?;
    let file = check(core, id, form)?;
    tokio::task::spawn_blocking(move || partial.keep(&content)).await.map_err(crate::Error::from)??;
    Ok(file)
}

/// Writes an upload to the disk as it comes in. What is above the limit is read but not kept.
async fn store_content(partial: &Partial, mut field: Field<'_>) -> Result<(std::fs::File, u64), ApiError> {
    let path = partial.path();
    let failed = |source: io::Error| crate::Error::File { path: path.clone(), source };
    let file = File::create(&path).await.map_err(failed)?;
    let mut writer = tokio::io::BufWriter::with_capacity(1 << 20, file);
    let mut bytes = 0;
    while let Some(chunk) = field
        .chunk()
        .await
        .map_err(|error| ApiError::invalid(format!("The file can't be read: {}", error.body_text())))?
    {
        bytes += chunk.len() as u64;
        if bytes <= MAX_BYTES {
            writer.write_all(&chunk).await.map_err(failed)?;
        }
    }
    writer.flush().await.map_err(failed)?;
    Ok((writer.into_inner().into_std().await, bytes))
}

/// Checks an upload as OpenAI does: its name and size, but not its lines.
fn check(core: &Core, id: &str, form: Form) -> Result<StoredFile, ApiError> {
    let purpose =
        form.purpose.ok_or_else(|| ApiError::invalid("'purpose' is a required property").param("purpose"))?;
    if !PURPOSES.contains(&purpose.as_str()) {
        let message = format!("'{purpose}' is not one of [{}]", PURPOSES.join(", "));
        return Err(ApiError::invalid(message).param("purpose"));
    }
    let filename = form.filename.unwrap_or_else(|| "upload".into());
    let batch = purpose == "batch";
    if batch && !filename.ends_with(".jsonl") {
        return Err(ApiError::invalid("Invalid file format for Batch API. Must be .jsonl"));
    }
    let settings = core.settings();
    let most = if batch { settings.openai_max_bytes } else { MAX_BYTES };
    if form.bytes > most {
        let message = format!("File is too large. The limit is {most} bytes; this file has {}.", form.bytes);
        return Err(ApiError::new(Kind::TooLarge, message).param("file"));
    }
    let created = core.clock.now();
    let expires = match (form.anchor.as_deref(), form.seconds.as_deref()) {
        (None, None) => batch.then_some(Duration::days(BATCH_DAYS)),
        (Some("created_at"), Some(text)) => match text.parse() {
            Ok(seconds) if EXPIRY_SECONDS.contains(&seconds) => Some(Duration::seconds(seconds)),
            _ => {
                let message = "expires_after.seconds must be a number from 3600 to 2592000";
                return Err(ApiError::invalid(message).param("expires_after"));
            }
        },
        _ => {
            let message = "expires_after needs anchor \"created_at\" and seconds";
            return Err(ApiError::invalid(message).param("expires_after"));
        }
    };
    Ok(StoredFile {
        id: id.to_owned(),
        provider: Provider::OpenAi,
        purpose,
        filename,
        bytes: form.bytes,
        created,
        expires: expires.map(|after| created + after),
        late_since: None,
    })
}

#[derive(Debug, Deserialize)]
pub(super) struct ListQuery {
    after: Option<String>,
    limit: Option<i64>,
    order: Option<String>,
    purpose: Option<String>,
}

/// `GET /files`
pub(super) async fn list(
    State(core): State<Arc<Core>>,
    Query(query): Query<ListQuery>,
) -> Result<Json<Value>, ApiError> {
    let limit = query.limit.unwrap_or(10_000);
    if !(1..=10_000).contains(&limit) {
        return Err(ApiError::invalid("limit must be a number from 1 to 10000").param("limit"));
    }
    let order = match query.order.as_deref() {
        None | Some("desc") => Order::NewestFirst,
        Some("asc") => Order::OldestFirst,
        Some(_) => return Err(ApiError::invalid("order must be asc or desc").param("order")),
    };
    let from = query.after.as_deref().map_or(Cursor::Start, Cursor::After);
    let page = core.store.files(Provider::OpenAi, query.purpose.as_deref(), from, order, limit).await?;
    let now = core.clock.now();
    let files: Vec<_> = page.items.iter().filter(|file| !file.expired(now)).collect();
    Ok(Json(json!({
        "object": "list",
        "data": files.iter().map(|file| file.object()).collect::<Vec<_>>(),
        "first_id": files.first().map(|file| &file.id),
        "last_id": files.last().map(|file| &file.id),
        "has_more": page.more,
    })))
}

/// `GET /files/{id}`
pub(super) async fn get(
    State(core): State<Arc<Core>>,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    Ok(Json(find(&core, &id).await?.object()))
}

/// `GET /files/{id}/content`
pub(super) async fn content(
    State(core): State<Arc<Core>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let file = find(&core, &id).await?;
    let settings = core.settings();
    if file.late_since.is_some_and(|since| core.clock.now() < since + seconds(settings.late_file_seconds)) {
        return Err(not_found(&id));
    }
    let cut = caller.hears() && core.strikes_call(Fault::CutDownload, "openai.files.content");
    let path = core.folder.content(&id);
    let body = results::stream(&core, &path, file.bytes, cut, &id).await.at(path)?;
    let mut response = Response::new(Body::from_stream(body));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(file.bytes));
    Ok(response)
}

/// `DELETE /files/{id}`
pub(super) async fn delete(
    State(core): State<Arc<Core>>,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let there = core.store.file(&id).await?.is_some_and(|file| file.provider == Provider::OpenAi);
    if !there || !core.store.delete_file(&id).await? {
        return Err(not_found(&id));
    }
    // A batch that reads it goes on; its end removes the content.
    if !core.store.file_in_use(&id).await? {
        core.folder.remove(&core.folder.content(&id));
    }
    Ok(Json(json!({"id": id, "object": "file", "deleted": true})))
}

/// Whether the results of a batch can be named.
pub(super) fn shows_results(batch: &Batch) -> bool {
    matches!(batch.state, BatchState::Completed | BatchState::Expired | BatchState::Cancelled)
        && batch.provider == Provider::OpenAi
}
