//! OpenAI: input files, batches, chat completions or responses.

mod batch;
mod body;
mod caching;
#[cfg(test)]
mod documented;
mod error;
mod reply;
#[cfg(test)]
mod tests;

use super::{
    CallError, Capabilities, CustomId, ErrorClass, Found, HardLimits, Lines, Outgoing, ParsedLine, Provider,
    RemoteBatch, RemoteState, Reply, Request, Sought,
    headers::openai_headroom,
    http::{Dialect, Http, Patience, Whole, json_body},
    results,
    settings::{AnswerFormat, Endpoint, Settings, SettingsError},
    upload::{self, Frame, Progress},
    walk::Walk,
};
use batch::{Batch, Deleted, Named, Page, TAG, Uploaded};
use body::{Asking, Output};
use futures::{StreamExt, stream::BoxStream};
use reqwest::{
    Method,
    multipart::{Form, Part},
};
use serde::Serialize;
use std::{collections::HashMap, sync::Arc};
use uuid::Uuid;

/// What OpenAI takes in one batch. Enqueued tokens are limited by model and account: set in [`Settings::limits`].
pub(super) const LIMITS: HardLimits =
    HardLimits { requests: 50_000, bytes: 200_000_000, enqueued_tokens: None };

static DIALECT: Dialect = Dialect {
    name: "OpenAI",
    request_id: "x-request-id",
    refusal: error::refusal,
    headroom: openai_headroom,
};

static COMPATIBLE: Dialect = Dialect {
    name: "OpenAI-compatible",
    request_id: "x-request-id",
    refusal: error::refusal,
    headroom: openai_headroom,
};

/// OpenAI, or a server that speaks its interface.
#[derive(Clone, Debug)]
pub struct OpenAi {
    http: Arc<Http>,
    asking: Asking,
    limits: HardLimits,
    batch: bool,
}

impl OpenAi {
    /// Connects nothing yet; checks the settings.
    ///
    /// # Errors
    /// Names the setting that can't work.
    pub fn new(settings: &Settings) -> Result<Self, SettingsError> {
        Self::speaking(&DIALECT, Output::Json, settings)
    }

    /// A server of somebody else's that speaks the same: vLLM, llama.cpp, LiteLLM, Groq and others. Connects nothing yet.
    ///
    /// # Errors
    /// Names the setting that can't work.
    pub fn compatible(settings: &Settings) -> Result<Self, SettingsError> {
        let output = match settings.answer_format {
            AnswerFormat::JsonSchema => Output::Compatible,
            AnswerFormat::JsonObject => Output::AnyObject,
        };
        Self::speaking(&COMPATIBLE, output, settings)
    }

    fn speaking(
        dialect: &'static Dialect,
        output: Output,
        settings: &Settings,
    ) -> Result<Self, SettingsError> {
        let http = Http::new(settings, dialect, ("authorization", "Bearer "), &[])?;
        Ok(Self {
            http: Arc::new(http),
            asking: Asking { endpoint: settings.endpoint, output },
            limits: settings.limits.unwrap_or(LIMITS),
            batch: settings.batch,
        })
    }
}

/// The body of a batch's creation.
#[derive(Serialize)]
struct NewBatch<'a> {
    input_file_id: &'a str,
    endpoint: &'static str,
    completion_window: &'static str,
    metadata: HashMap<&'static str, &'a str>,
}

#[async_trait::async_trait]
impl Provider for OpenAi {
    fn capabilities(&self) -> Capabilities {
        Capabilities { batch: self.batch, batch_progress: true, batch_tagged: true, limits: self.limits }
    }

    fn write_request(&self, out: &mut Vec<u8>, custom_id: &CustomId, request: &Request) {
        body::line(out, self.asking, custom_id, request);
    }

    async fn upload(&self, batch: &Outgoing, lines: Lines) -> Result<Option<String>, CallError> {
        let progress = Arc::new(Progress::default());
        let (stream, length) = upload::body(batch, lines, Frame::LINES, Arc::clone(&progress));
        let part = match length {
            Some(length) => Part::stream_with_length(stream, length),
            None => Part::stream(stream),
        };
        let part = part
            .file_name(format!("quire-{}.jsonl", batch.token))
            .mime_str("application/jsonl")
            .map_err(|e| CallError::new(ErrorClass::Invalid, e.to_string()))?;
        let form = Form::new().text("purpose", "batch").part("file", part);
        let request = self.http.request(Method::POST, self.http.url(&["files"])).multipart(form);
        let file: Uploaded = self.http.json("file.upload", request, Patience::Upload(progress)).await?;
        if file.status.as_deref() == Some("error") {
            let details = file.status_details.unwrap_or_else(|| "without a reason".into());
            let message =
                format!("{} refused the input file: {}", self.http.name(), self.http.clean(&details));
            return Err(CallError::new(ErrorClass::Invalid, message));
        }
        Ok(Some(file.id))
    }

    async fn create(
        &self,
        batch: &Outgoing,
        input: Option<&str>,
        _lines: Lines,
    ) -> Result<RemoteBatch, CallError> {
        let Some(input) = input else {
            return Err(CallError::new(ErrorClass::Invalid, "batches are made from an uploaded file only"));
        };
        let body = serde_json::to_vec(&NewBatch {
            input_file_id: input,
            endpoint: self.asking.endpoint.path(),
            completion_window: "24h",
            metadata: HashMap::from([(TAG, batch.token.as_str())]),
        })
        .expect("texts always become JSON");
        let made: Batch = self.http.post("batch.create", self.http.url(&["batches"]), body).await?;
        made.remote(&self.http).map_err(CallError::maybe_done)
    }

    async fn fence(&self, input: &str) -> Result<bool, CallError> {
        let request = self.http.request(Method::DELETE, self.http.url(&["files", named(input)?]));
        let patience = Patience::Whole(self.http.timeouts.reply);
        match self.http.json::<Deleted>("file.delete", request, patience).await {
            Ok(Deleted { deleted: true }) => Ok(true),
            Ok(Deleted { deleted: false }) => Err(CallError::new(
                ErrorClass::Provider,
                format!("{} did not delete the input file {input}", self.http.name()),
            )),
            // Only in OpenAI's own words: a server that knows no such address has fenced nothing.
            Err(error) if error.class == ErrorClass::NotFound && error.code.is_some() => Ok(true),
            Err(error) => Err(error),
        }
    }

    async fn find(&self, sought: &Sought) -> Result<Found, CallError> {
        let mut walk = Walk::new(sought);
        let mut refused = None;
        loop {
            let mut url = self.http.url(&["batches"]);
            url.query_pairs_mut().append_pair("limit", "100");
            if let Some(after) = walk.cursor() {
                url.query_pairs_mut().append_pair("after", after);
            }
            let page: Page<Batch> = self.http.get("batch.list", url).await?;
            let last = page.data.last().and_then(|batch| batch.id.clone());
            for batch in page.data {
                let known = batch.id.as_ref().is_some_and(|id| sought.known.contains(id));
                if !walk.may_be(batch.created_at) || known || !batch.is_tagged(&sought.token) {
                    continue;
                }
                let batch = batch.remote(&self.http)?;
                // A refused creation may have been followed by one that passed.
                if batch.state != RemoteState::Failed {
                    return Ok(Found::Batch(batch));
                }
                refused.get_or_insert(batch);
            }
            if !walk.more(page.has_more, last)? {
                return Ok(refused.map_or(Found::Absent, Found::Batch));
            }
        }
    }

    async fn poll(&self, remote_id: &str) -> Result<RemoteBatch, CallError> {
        let url = self.http.url(&["batches", named(remote_id)?]);
        self.http.get::<Batch>("batch.poll", url).await?.remote(&self.http)
    }

    async fn results(
        &self,
        batch: &RemoteBatch,
    ) -> Result<BoxStream<'static, Result<ParsedLine, CallError>>, CallError> {
        let mut files = batch.results.clone().into_iter();
        let Some(first) = files.next() else {
            return Ok(futures::stream::empty().boxed());
        };
        // The first file is opened at once, so that a key refused or a file not yet there shows before any line.
        let first = self.file(first).await?;
        let this = self.clone();
        let rest = futures::stream::iter(files)
            .then(move |id| {
                let this = this.clone();
                async move { this.file(id).await }
            })
            .flat_map(|file| match file {
                Ok(lines) => lines,
                Err(error) => futures::stream::once(async move { Err(error) }).boxed(),
            });
        Ok(ending_with_error(first.chain(rest)))
    }

    async fn cancel(&self, remote_id: &str) -> Result<RemoteBatch, CallError> {
        let url = self.http.url(&["batches", named(remote_id)?, "cancel"]);
        let patience = Patience::Whole(self.http.timeouts.reply);
        let asked: Result<Batch, _> =
            self.http.json("batch.cancel", self.http.request(Method::POST, url), patience).await;
        match asked {
            Ok(batch) => batch.remote(&self.http),
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
        body::question(&mut body, self.asking, request);
        let url = match self.asking.endpoint {
            Endpoint::ChatCompletions => self.http.url(&["chat", "completions"]),
            Endpoint::Responses => self.http.url(&["responses"]),
        };
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
        let page: Page<Named> = self.http.get("model.list", self.http.url(&["models"])).await?;
        Ok(page.data.into_iter().map(|model| model.id).collect())
    }
}

impl OpenAi {
    /// The lines of one result file.
    async fn file(&self, id: String) -> Result<BoxStream<'static, Result<ParsedLine, CallError>>, CallError> {
        let url = self.http.url(&["files", named(&id)?, "content"]);
        let pieces = self.http.download("file.content", url).await.map_err(|mut error| {
            if error.class == ErrorClass::NotFound {
                error.message = format!("the result file {id} is not there; it may appear later");
            }
            error
        })?;
        let http = Arc::clone(&self.http);
        Ok(results::lines(self.http.name(), pieces, move |number, line| reply::line(&http, number, line))
            .boxed())
    }
}

/// An id that can stand in an address.
fn named(id: &str) -> Result<&str, CallError> {
    if id.is_empty() || id == "." || id == ".." {
        return Err(CallError::new(ErrorClass::Invalid, format!("\"{id}\" is no id")));
    }
    Ok(id)
}

/// The stream up to and with its first failed download.
fn ending_with_error(
    lines: impl futures::Stream<Item = Result<ParsedLine, CallError>> + Send + 'static,
) -> BoxStream<'static, Result<ParsedLine, CallError>> {
    lines
        .scan(false, |broken, line| {
            let over = *broken;
            *broken |= line.is_err();
            futures::future::ready((!over).then_some(line))
        })
        .boxed()
}
