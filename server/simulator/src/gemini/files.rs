//! Files: announced, then uploaded in a stream; given out in a stream.

use std::{io, sync::Arc};

use axum::{
    Extension, Json,
    body::{Body, Bytes},
    extract::{Path, Query, State},
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Duration, SecondsFormat, Utc};
use futures::StreamExt;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::{fs::File, io::AsyncWriteExt};

use super::parted;
use crate::{
    complete::hex,
    error::At,
    faults::Fault,
    folder::Partial,
    http::{ApiError, Caller, Kind},
    models::Provider,
    openai::files::StoredFile,
    results,
    settings::seconds,
    simulator::{Core, new_id},
    store::{Cursor, Order},
};

/// The largest file.
const MAX_BYTES: u64 = 2 << 30;
/// How long an uploaded file is kept.
const HOURS: i64 = 48;

/// What an announcement tells of the file; it travels in the upload's address, so that nothing is kept.
#[derive(Serialize, Deserialize)]
struct Announced {
    id: String,
    display_name: String,
}

/// The file with this id, if it is there and hasn't expired.
pub(super) async fn find(core: &Core, id: &str) -> Result<StoredFile, ApiError> {
    let now = core.clock.now();
    let file = core.store.file(id).await?;
    let there = |file: &StoredFile| {
        file.provider == Provider::Gemini && file.expires.is_none_or(|expires| now < expires)
    };
    file.filter(there).ok_or_else(|| not_found(id))
}

/// As Gemini says it: whether a file is gone or somebody else's is not told.
pub(super) fn not_found(id: &str) -> ApiError {
    let message = format!("You do not have permission to access the File {id} or it may not exist.");
    ApiError::new(Kind::Forbidden, message)
}

pub(super) fn time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Micros, true)
}

fn host(headers: &HeaderMap) -> &str {
    headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost")
}

fn object(file: &StoredFile, headers: &HeaderMap) -> Value {
    let uploaded = file.purpose == UPLOADED;
    json!({
        "name": format!("files/{}", file.id),
        "displayName": file.filename,
        "mimeType": "application/jsonl",
        "sizeBytes": file.bytes.to_string(),
        "createTime": time(file.created),
        "updateTime": time(file.created),
        "expirationTime": file.expires.map(time),
        "uri": format!("http://{}/gemini/v1beta/files/{}", host(headers), file.id),
        "state": "ACTIVE",
        "source": if uploaded { "UPLOADED" } else { "GENERATED" },
    })
}

/// The purpose of files that were uploaded; result files have another.
const UPLOADED: &str = "gemini";

/// `POST /upload/v1beta/files`: announces a file; the answer's header says where its content goes.
pub(super) async fn begin(headers: HeaderMap, body: Bytes) -> Result<Response, ApiError> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
    if text("x-goog-upload-protocol") != "resumable" || text("x-goog-upload-command") != "start" {
        let message =
            "The simulator takes uploads by x-goog-upload-protocol resumable, begun by the command start.";
        return Err(ApiError::invalid(message));
    }
    if text("x-goog-upload-header-content-length").parse().is_ok_and(|bytes: u64| bytes > MAX_BYTES) {
        return Err(ApiError::new(Kind::TooLarge, format!("The file is larger than {MAX_BYTES} bytes.")));
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Begin {
        #[serde(default)]
        file: Option<Named>,
    }
    #[derive(Deserialize)]
    struct Named {
        #[serde(rename = "displayName", alias = "display_name")]
        display_name: Option<String>,
    }
    let begin: Begin = if body.is_empty() {
        Begin { file: None }
    } else {
        serde_json::from_slice(&body)
            .map_err(|error| ApiError::invalid(format!("Invalid JSON payload received. {error}")))?
    };
    let announced = Announced {
        id: new_id("f"),
        display_name: begin.file.and_then(|file| file.display_name).unwrap_or_default(),
    };
    let session = serde_json::to_vec(&announced)
        .map_err(|source| crate::Error::Stored { what: "upload session", source })?;
    let address = format!("http://{}/gemini/upload/v1beta/files/{}", host(&headers), hex(&session));
    let mut response = Json(json!({})).into_response();
    let too_long = |_| ApiError::invalid("The display name is too long.");
    response.headers_mut().insert("x-goog-upload-url", HeaderValue::try_from(address).map_err(too_long)?);
    response.headers_mut().insert("x-goog-upload-status", HeaderValue::from_static("active"));
    Ok(response)
}

fn announced(session: &str) -> Option<Announced> {
    let byte = |at: usize| u8::from_str_radix(session.get(at..at + 2)?, 16).ok();
    let bytes: Option<Vec<u8>> = (0..session.len()).step_by(2).map(byte).collect();
    let announced: Announced = serde_json::from_slice(&bytes?).ok()?;
    // The id becomes the name of a file on disk.
    announced.id.bytes().all(|b| b.is_ascii_alphanumeric()).then_some(announced)
}

/// `POST /upload/v1beta/files/{session}`: the content, in one piece.
pub(super) async fn receive(
    State(core): State<Arc<Core>>,
    Path(session): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
    let announced = announced(&session).ok_or_else(|| ApiError::invalid("There is no such upload."))?;
    let finalizes = text("x-goog-upload-command").split(',').any(|word| word.trim() == "finalize");
    if !finalizes || !matches!(text("x-goog-upload-offset"), "" | "0") {
        return Err(ApiError::invalid(
            "The simulator takes the content of a file in one piece, and finalizes.",
        ));
    }
    let partial = Partial::new(&core.folder, &announced.id);
    let path = partial.path();
    let failed = |source: io::Error| crate::Error::File { path: path.clone(), source };
    let mut writer = tokio::io::BufWriter::with_capacity(1 << 20, File::create(&path).await.map_err(failed)?);
    let (mut bytes, mut pieces) = (0, body.into_data_stream());
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|error| ApiError::invalid(format!("The file can't be read: {error}")))?;
        bytes += piece.len() as u64;
        if bytes <= MAX_BYTES {
            writer.write_all(&piece).await.map_err(failed)?;
        }
    }
    if bytes > MAX_BYTES {
        return Err(ApiError::new(Kind::TooLarge, format!("The file is larger than {MAX_BYTES} bytes.")));
    }
    writer.flush().await.map_err(failed)?;
    let content = writer.into_inner().into_std().await;
    tokio::task::spawn_blocking(move || partial.keep(&content)).await.map_err(crate::Error::from)??;
    let created = core.clock.now();
    let file = StoredFile {
        id: announced.id,
        provider: Provider::Gemini,
        purpose: UPLOADED.into(),
        filename: announced.display_name,
        bytes,
        created,
        expires: Some(created + Duration::hours(HOURS)),
        late_since: None,
    };
    core.store.insert_file(&file).await?;
    let mut response = Json(json!({"file": object(&file, &headers)})).into_response();
    response.headers_mut().insert("x-goog-upload-status", HeaderValue::from_static("final"));
    Ok(response)
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ListQuery {
    pub(super) page_size: Option<i64>,
    pub(super) page_token: Option<String>,
}

impl ListQuery {
    /// The size of a page.
    pub(super) fn limit(&self) -> Result<i64, ApiError> {
        match self.page_size.unwrap_or(0) {
            0 => Ok(50),
            n @ 1..=1_000 => Ok(n.min(100)),
            _ => Err(ApiError::invalid("pageSize must be from 0 to 1000")),
        }
    }

    /// Where the page begins.
    pub(super) fn from(&self) -> Cursor<'_> {
        self.page_token.as_deref().filter(|token| !token.is_empty()).map_or(Cursor::Start, Cursor::After)
    }
}

/// `GET /files`
pub(super) async fn list(
    State(core): State<Arc<Core>>,
    Query(query): Query<ListQuery>,
    headers: HeaderMap,
) -> Result<Json<Value>, ApiError> {
    let page =
        core.store.files(Provider::Gemini, None, query.from(), Order::NewestFirst, query.limit()?).await?;
    let files: Vec<Value> = page.items.iter().map(|file| object(file, &headers)).collect();
    let mut answer = json!({"files": files});
    if let (true, Some(last)) = (page.more, page.items.last()) {
        answer["nextPageToken"] = json!(last.id);
    }
    Ok(Json(answer))
}

/// `GET /files/{id}` and `GET /files/{id}:download`
pub(super) async fn get(
    State(core): State<Arc<Core>>,
    Extension(caller): Extension<Caller>,
    Path(target): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let (id, act) = parted(&target);
    let file = find(&core, id).await?;
    match act {
        None => Ok(Json(object(&file, &headers)).into_response()),
        Some("download") => download(&core, &caller, &file).await,
        Some(_) => Err(ApiError::new(Kind::NotFound, "Requested entity was not found.")),
    }
}

async fn download(core: &Core, caller: &Caller, file: &StoredFile) -> Result<Response, ApiError> {
    if file.purpose == UPLOADED {
        return Err(ApiError::invalid("Only generated files can be downloaded."));
    }
    let settings = core.settings();
    if file.late_since.is_some_and(|since| core.clock.now() < since + seconds(settings.late_file_seconds)) {
        return Err(ApiError::new(Kind::NotFound, "Requested entity was not found."));
    }
    let cut = caller.hears() && core.strikes_call(Fault::CutDownload, "gemini.files.download");
    let path = core.folder.content(&file.id);
    let body = results::stream(core, &path, file.bytes, cut, &file.id).await.at(path)?;
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
    find(&core, &id).await?;
    if !core.store.delete_file(&id).await? {
        return Err(not_found(&id));
    }
    // A batch that reads it goes on; its end removes the content.
    if !core.store.file_in_use(&id).await? {
        core.folder.remove(&core.folder.content(&id));
    }
    Ok(Json(json!({})))
}
