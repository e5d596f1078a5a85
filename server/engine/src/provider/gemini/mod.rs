//! Google Gemini: input files, batches, content generated at once.

mod batch;
mod body;
mod check;
#[cfg(test)]
mod documented;
mod error;
mod reply;
#[cfg(test)]
mod tests;

use super::{
    CallError, Capabilities, CustomId, ErrorClass, Found, HardLimits, Headroom, Lines, Outgoing, ParsedLine,
    Provider, RemoteBatch, RemoteState, Reply, Request, Sought, headers,
    http::{Dialect, Http, Patience, Whole, json_body},
    results,
    settings::{Settings, SettingsError},
    upload::{self, Frame, Progress},
    walk::Walk,
};
use batch::{Empty, Models, Operation, Operations, Uploaded};
use futures::{StreamExt, stream::BoxStream};
use reqwest::{Method, header};
use serde::Serialize;
use std::sync::Arc;
use url::Url;
use uuid::Uuid;

/// What Gemini takes in one batch: a file of 2 GB. It states no number of requests; the least of the other providers'
/// stands in.
pub(super) const LIMITS: HardLimits =
    HardLimits { requests: 50_000, bytes: 2_000_000_000, enqueued_tokens: None };

static DIALECT: Dialect = Dialect {
    name: "Gemini",
    request_id: "x-goog-request-id",
    refusal: error::refusal,
    // Its replies tell nothing of the rate limits.
    headroom: |_, _| Headroom { requests: None, tokens: None, input_tokens: None, output_tokens: None },
};

/// Gemini, or a server that speaks its interface.
#[derive(Clone, Debug)]
pub struct Gemini {
    http: Arc<Http>,
    limits: HardLimits,
    batch: bool,
}

impl Gemini {
    /// Connects nothing yet; checks the settings.
    ///
    /// # Errors
    /// Names the setting that can't work.
    pub fn new(settings: &Settings) -> Result<Self, SettingsError> {
        let http = Http::new(settings, &DIALECT, ("x-goog-api-key", ""), &[])?;
        Ok(Self { http: Arc::new(http), limits: settings.limits.unwrap_or(LIMITS), batch: settings.batch })
    }
}

/// The body of a batch's creation.
#[derive(Serialize)]
struct Creation<'a> {
    batch: NewBatch<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NewBatch<'a> {
    display_name: &'a str,
    input_config: InputConfig<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct InputConfig<'a> {
    file_name: &'a str,
}

/// The name by which a batch is found again.
fn display_name(token: &str) -> String {
    format!("quire-{token}")
}

#[async_trait::async_trait]
impl Provider for Gemini {
    fn capabilities(&self) -> Capabilities {
        Capabilities { batch: self.batch, batch_progress: true, batch_tagged: true, limits: self.limits }
    }

    fn write_request(&self, out: &mut Vec<u8>, custom_id: &CustomId, request: &Request) {
        body::line(out, custom_id, request);
    }

    async fn upload(&self, batch: &Outgoing, lines: Lines) -> Result<Option<String>, CallError> {
        let address = self.begin_upload(batch).await?;
        let progress = Arc::new(Progress::default());
        let (stream, length) = upload::body(batch, lines, Frame::LINES, Arc::clone(&progress));
        let mut request = self
            .http
            .request(Method::POST, address)
            .header("x-goog-upload-offset", "0")
            .header("x-goog-upload-command", "upload, finalize")
            .body(stream);
        if let Some(length) = length {
            request = request.header(header::CONTENT_LENGTH, length);
        }
        let Uploaded { file } = self.http.json("file.upload", request, Patience::Upload(progress)).await?;
        if file.state.as_deref() == Some("FAILED") {
            let why = file.error.as_ref().and_then(|e| e.message()).unwrap_or("without a reason");
            let message = format!("Gemini refused the input file: {}", self.http.clean(why));
            return Err(CallError::new(ErrorClass::Invalid, message));
        }
        Ok(Some(file.name))
    }

    async fn create(
        &self,
        batch: &Outgoing,
        input: Option<&str>,
        _lines: Lines,
    ) -> Result<RemoteBatch, CallError> {
        let Some(input) = input else {
            return Err(CallError::new(
                ErrorClass::Invalid,
                "Gemini gets its batches as uploaded files only",
            ));
        };
        let display_name = display_name(&batch.token);
        let body = serde_json::to_vec(&Creation {
            batch: NewBatch { display_name: &display_name, input_config: InputConfig { file_name: input } },
        })
        .expect("texts always become JSON");
        let url = self.model_url(&batch.model, "batchGenerateContent")?;
        let made: Operation = self.http.post("batch.create", url, body).await?;
        made.remote(&self.http).map_err(CallError::maybe_done)
    }

    async fn fence(&self, input: &str) -> Result<bool, CallError> {
        let url = self.http.url(&["files", id_of(input, "files")?]);
        let patience = Patience::Whole(self.http.timeouts.reply);
        let request = self.http.request(Method::DELETE, url);
        match self.http.json::<Empty>("file.delete", request, patience).await {
            Ok(Empty {}) => Ok(true),
            // Only in Gemini's own words: a server that knows no such address has fenced nothing.
            Err(error) if error.class == ErrorClass::NotFound && error.code.is_some() => Ok(true),
            Err(error) => Err(error),
        }
    }

    async fn find(&self, sought: &Sought) -> Result<Found, CallError> {
        let display_name = display_name(&sought.token);
        let mut walk = Walk::new(sought);
        let mut refused = None;
        loop {
            let mut url = self.http.url(&["batches"]);
            url.query_pairs_mut().append_pair("pageSize", "100");
            if let Some(token) = walk.cursor() {
                url.query_pairs_mut().append_pair("pageToken", token);
            }
            let page: Operations = self.http.get("batch.list", url).await?;
            for operation in page.operations {
                let known = operation.name().is_some_and(|name| sought.known.iter().any(|id| id == name));
                if !walk.may_be(operation.created_at()) || known || !operation.is_called(&display_name) {
                    continue;
                }
                let batch = operation.remote(&self.http)?;
                // A refused creation may have been followed by one that passed.
                if batch.state != RemoteState::Failed {
                    return Ok(Found::Batch(batch));
                }
                refused.get_or_insert(batch);
            }
            if !walk.more(Some(page.next_page_token.is_some()), page.next_page_token)? {
                return Ok(refused.map_or(Found::Absent, Found::Batch));
            }
        }
    }

    async fn poll(&self, remote_id: &str) -> Result<RemoteBatch, CallError> {
        let url = self.http.url(&["batches", id_of(remote_id, "batches")?]);
        self.http.get::<Operation>("batch.poll", url).await?.remote(&self.http)
    }

    async fn results(
        &self,
        batch: &RemoteBatch,
    ) -> Result<BoxStream<'static, Result<ParsedLine, CallError>>, CallError> {
        let Some(file) = batch.results.first() else {
            return Ok(futures::stream::empty().boxed());
        };
        let mut url = self.http.url(&["files", &format!("{}:download", id_of(file, "files")?)]);
        url.query_pairs_mut().append_pair("alt", "media");
        let pieces = self.http.download("file.content", url).await.map_err(|mut error| {
            if error.class == ErrorClass::NotFound {
                error.message = format!("the result file {file} is not there; it may appear later");
            }
            error
        })?;
        let http = Arc::clone(&self.http);
        let expired = batch.state == RemoteState::Expired;
        let parse = move |number, line: &[u8]| reply::line(&http, expired, number, line);
        Ok(results::lines(DIALECT.name, pieces, parse).boxed())
    }

    async fn cancel(&self, remote_id: &str) -> Result<RemoteBatch, CallError> {
        let id = id_of(remote_id, "batches")?;
        let url = self.http.url(&["batches", &format!("{id}:cancel")]);
        let asked: Result<Empty, _> = self.http.post("batch.cancel", url, b"{}".to_vec()).await;
        match asked {
            Ok(Empty {}) => self.poll(remote_id).await,
            // Refused because it has ended, or been cancelled, before: as good as done.
            Err(error) if matches!(error.status, Some(400 | 409)) => match self.poll(remote_id).await {
                Ok(batch) if batch.state.is_final() || batch.state == RemoteState::Cancelling => Ok(batch),
                _ => Err(error),
            },
            Err(error) => Err(error),
        }
    }

    async fn call(&self, request: &Request) -> Result<Reply, CallError> {
        let mut body = Vec::new();
        body::question(&mut body, request);
        let url = self.model_url(&request.model, "generateContent")?;
        let request = json_body(self.http.request(Method::POST, url), body);
        let patience = Patience::Whole(self.http.timeouts.call);
        let read = |whole: Whole| {
            let request_id = whole.request_id.clone();
            reply::read(&self.http, &whole.body, || request_id.unwrap_or_else(|| Uuid::new_v4().to_string()))
                .map_err(|error| CallError { request_id: whole.request_id, ..error })
        };
        self.http.exchange("call", request, patience, read).await
    }

    async fn models(&self) -> Result<Vec<String>, CallError> {
        let mut models: Vec<String> = Vec::new();
        let mut next: Option<String> = None;
        loop {
            let mut url = self.http.url(&["models"]);
            url.query_pairs_mut().append_pair("pageSize", "1000");
            if let Some(token) = &next {
                url.query_pairs_mut().append_pair("pageToken", token);
            }
            let page: Models = self.http.get("model.list", url).await?;
            let new = !page.models.is_empty();
            models.extend(page.models.into_iter().map(|model| plain(&model.name).to_owned()));
            next = page.next_page_token;
            if next.is_none() || !new || models.len() > 10_000 {
                return Ok(models);
            }
        }
    }
}

impl Gemini {
    /// The address of something that a model does.
    fn model_url(&self, model: &str, act: &str) -> Result<Url, CallError> {
        let model = plain(model);
        if model.is_empty() || model == "." || model == ".." {
            return Err(CallError::new(
                ErrorClass::Invalid,
                format!("\"{model}\" is not a model of Gemini's"),
            ));
        }
        Ok(self.http.url(&["models", &format!("{model}:{act}")]))
    }

    /// Announces a file; answers the address to which its content goes.
    async fn begin_upload(&self, batch: &Outgoing) -> Result<Url, CallError> {
        let name = display_name(&batch.token);
        let body = serde_json::to_vec(&serde_json::json!({"file": {"displayName": name}}))
            .expect("texts always become JSON");
        let mut request = self
            .http
            .request(Method::POST, self.upload_url())
            .header("x-goog-upload-protocol", "resumable")
            .header("x-goog-upload-command", "start")
            .header("x-goog-upload-header-content-type", "application/jsonl");
        if batch.bytes > 0 {
            request = request.header("x-goog-upload-header-content-length", batch.bytes);
        }
        let patience = Patience::Whole(self.http.timeouts.reply);
        let read = |begun: Whole| {
            let Some(address) = headers::text(&begun.headers, "x-goog-upload-url") else {
                return Err(CallError::new(ErrorClass::Malformed, "Gemini gave no address for the upload"));
            };
            // The key is sent to the configured server only, whatever address stands in the reply.
            self.http.own_url(address).ok_or_else(|| {
                let message = "Gemini gave an address on another server for the upload: check the base URL";
                CallError::new(ErrorClass::Malformed, message)
            })
        };
        self.http.exchange("file.begin", json_body(request, body), patience, read).await
    }

    /// Where files are uploaded: beside the interface, under `upload` before its version.
    fn upload_url(&self) -> Url {
        let mut url = self.http.url(&[]);
        let path = url.path().trim_end_matches('/').to_owned();
        let (before, version) = path.rsplit_once('/').unwrap_or(("", &path));
        url.set_path(&format!("{before}/upload/{version}/files"));
        url
    }
}

/// A model's name without the name of the collection.
fn plain(model: &str) -> &str {
    model.strip_prefix("models/").unwrap_or(model)
}

/// The id in a resource's name, which can stand in an address.
fn id_of<'n>(name: &'n str, collection: &str) -> Result<&'n str, CallError> {
    let id = name.strip_prefix(collection).and_then(|rest| rest.strip_prefix('/')).unwrap_or(name);
    if id.is_empty() || id == "." || id == ".." {
        return Err(CallError::new(ErrorClass::Invalid, format!("\"{name}\" is not a name of Gemini's")));
    }
    Ok(id)
}
