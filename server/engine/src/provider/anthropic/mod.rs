//! Anthropic: messages and message batches.

mod batch;
mod body;
#[cfg(test)]
mod documented;
mod error;
mod reply;
#[cfg(test)]
mod tests;

use super::{
    CallError, Capabilities, CustomId, ErrorClass, Found, HardLimits, Lines, Outgoing, ParsedLine, Provider,
    RemoteBatch, RemoteState, Reply, Request, Sought,
    headers::anthropic_headroom,
    http::{Dialect, Http, Patience, Whole, json_body},
    lines::{Cut, LONGEST, LineCutter},
    results,
    settings::{Settings, SettingsError},
    upload::{self, Frame, Progress},
    walk::Walk,
};
use batch::{Batch, Named, Page};
use futures::{StreamExt, stream::BoxStream};
use reqwest::{Method, header};
use std::sync::Arc;
use url::Url;
use uuid::Uuid;

/// What Anthropic takes in one batch.
pub(super) const LIMITS: HardLimits =
    HardLimits { requests: 100_000, bytes: 256_000_000, enqueued_tokens: None };

/// So many readable result lines of an unknown batch are looked at before it is taken for another's.
const SAMPLE: usize = 8;

static DIALECT: Dialect = Dialect {
    name: "Anthropic",
    request_id: "request-id",
    refusal: error::refusal,
    headroom: anthropic_headroom,
};

/// Around and between the requests of a batch.
const FRAME: Frame = Frame { before: "{\"requests\":[", between: ",", after: "]}" };

/// Anthropic, or a server that speaks its interface.
#[derive(Clone, Debug)]
pub struct Anthropic {
    http: Arc<Http>,
    limits: HardLimits,
    batch: bool,
}

impl Anthropic {
    /// Connects nothing yet; checks the settings.
    ///
    /// # Errors
    /// Names the setting that can't work.
    pub fn new(settings: &Settings) -> Result<Self, SettingsError> {
        let version = [("anthropic-version", "2023-06-01")];
        let http = Http::new(settings, &DIALECT, ("x-api-key", ""), &version)?;
        let limits = settings.limits.unwrap_or(LIMITS);
        Ok(Self { http: Arc::new(http), limits, batch: settings.batch })
    }
}

#[async_trait::async_trait]
impl Provider for Anthropic {
    fn capabilities(&self) -> Capabilities {
        Capabilities { batch: self.batch, batch_progress: false, batch_tagged: false, limits: self.limits }
    }

    fn write_request(&self, out: &mut Vec<u8>, custom_id: &CustomId, request: &Request) {
        body::item(out, custom_id, request);
    }

    async fn upload(&self, _batch: &Outgoing, _lines: Lines) -> Result<Option<String>, CallError> {
        Ok(None)
    }

    async fn create(
        &self,
        batch: &Outgoing,
        _input: Option<&str>,
        lines: Lines,
    ) -> Result<RemoteBatch, CallError> {
        let progress = Arc::new(Progress::default());
        let (stream, length) = upload::body(batch, lines, FRAME, Arc::clone(&progress));
        let mut request = self
            .http
            .request(Method::POST, self.url(&[]))
            .header(header::CONTENT_TYPE, "application/json")
            .body(stream);
        if let Some(length) = length {
            request = request.header(header::CONTENT_LENGTH, length);
        }
        let made: Batch = self.http.json("batch.create", request, Patience::Upload(progress)).await?;
        made.remote(&self.http).map_err(CallError::maybe_done)
    }

    async fn fence(&self, _input: &str) -> Result<bool, CallError> {
        Ok(false)
    }

    /// A batch of Anthropic's carries nothing of ours but the custom ids, and shows them only in its results. So an
    /// ended batch of the right size and time is known by its first lines; one that still runs, or whose results are
    /// not to be had, stays undecided rather than risk that the same requests are paid for twice.
    async fn find(&self, sought: &Sought) -> Result<Found, CallError> {
        let mut walk = Walk::new(sought);
        let mut undecided = Vec::new();
        loop {
            let mut url = self.url(&[]);
            url.query_pairs_mut().append_pair("limit", "100");
            if let Some(after) = walk.cursor() {
                url.query_pairs_mut().append_pair("after_id", after);
            }
            let page: Page<Batch> = self.http.get("batch.list", url).await?;
            let last = page.data.last().and_then(|batch| batch.id.clone());
            for batch in page.data {
                let known = batch.id.as_ref().is_some_and(|id| sought.known.contains(id));
                let fits = batch.total().is_none_or(|total| total == sought.requests);
                if !walk.may_be(batch.created_at) || known || !fits {
                    continue;
                }
                let batch = batch.remote(&self.http)?;
                if batch.results.is_empty() {
                    undecided.push(batch.id);
                    continue;
                }
                match self.is_ours(&batch, &sought.token).await {
                    Ok(true) => return Ok(Found::Batch(batch)),
                    Ok(false) => {}
                    Err(error) if error.class == ErrorClass::NotFound => undecided.push(batch.id),
                    Err(error) => return Err(error),
                }
            }
            if !walk.more(page.has_more, last)? {
                return Ok(if undecided.is_empty() { Found::Absent } else { Found::Undecided(undecided) });
            }
        }
    }

    async fn poll(&self, remote_id: &str) -> Result<RemoteBatch, CallError> {
        let url = self.url(&[named(remote_id)?]);
        self.http.get::<Batch>("batch.poll", url).await?.remote(&self.http)
    }

    async fn results(
        &self,
        batch: &RemoteBatch,
    ) -> Result<BoxStream<'static, Result<ParsedLine, CallError>>, CallError> {
        let pieces = self.download(batch).await?;
        let http = Arc::clone(&self.http);
        Ok(results::lines(DIALECT.name, pieces, move |number, line| reply::line(&http, number, line)).boxed())
    }

    async fn cancel(&self, remote_id: &str) -> Result<RemoteBatch, CallError> {
        let url = self.url(&[named(remote_id)?, "cancel"]);
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
        body::question(&mut body, request);
        let request = json_body(self.http.request(Method::POST, self.http.url(&["messages"])), body);
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
        loop {
            let mut url = self.http.url(&["models"]);
            url.query_pairs_mut().append_pair("limit", "1000");
            if let Some(last) = models.last() {
                url.query_pairs_mut().append_pair("after_id", last);
            }
            let page: Page<Named> = self.http.get("model.list", url).await?;
            let new = !page.data.is_empty();
            models.extend(page.data.into_iter().map(|model| model.id));
            if page.has_more != Some(true) || !new || models.len() > 10_000 {
                return Ok(models);
            }
        }
    }
}

impl Anthropic {
    /// The address of the batches, or of something below them.
    fn url(&self, below: &[&str]) -> Url {
        let mut segments = vec!["messages", "batches"];
        segments.extend(below);
        self.http.url(&segments)
    }

    /// Opens the results of an ended batch.
    async fn download(
        &self,
        batch: &RemoteBatch,
    ) -> Result<BoxStream<'static, Result<bytes::Bytes, CallError>>, CallError> {
        let Some(address) = batch.results.first() else {
            return Err(CallError::new(
                ErrorClass::NotFound,
                format!("Anthropic shows no results of batch {}: not yet, or not any more", batch.id),
            ));
        };
        // The key is sent to the configured server only, whatever address stands in the reply.
        let url = match self.http.own_url(address) {
            Some(url) => url,
            None => self.url(&[named(&batch.id)?, "results"]),
        };
        self.http.download("batch.results", url).await.map_err(|mut error| {
            if error.class == ErrorClass::NotFound {
                error.message =
                    format!("the results of batch {} are not there; they may appear later", batch.id);
            }
            error
        })
    }

    /// Whether the results hold a custom id of this token; reads no further than it must.
    async fn is_ours(&self, batch: &RemoteBatch, token: &str) -> Result<bool, CallError> {
        let mut pieces = self.download(batch).await?;
        let mut cutter = LineCutter::new(LONGEST);
        let mut looked_at = 0;
        while let Some(piece) = pieces.next().await {
            cutter.push(&piece?);
            while let Some(cut) = cutter.next() {
                match id_of(&cut) {
                    Some(id) if id.parts().is_some_and(|(t, _)| t == token) => return Ok(true),
                    Some(_) => looked_at += 1,
                    None => {}
                }
                if looked_at >= SAMPLE {
                    return Ok(false);
                }
            }
        }
        let Some(last) = cutter.finish() else { return Ok(false) };
        // What was cut off can't show that the batch is another's: taken for absent, it would be sent again.
        results::whole(DIALECT.name, &last)?;
        Ok(id_of(&last).is_some_and(|id| id.parts().is_some_and(|(t, _)| t == token)))
    }
}

fn id_of(cut: &Cut) -> Option<CustomId> {
    match cut {
        Cut::Line(_, bytes) => reply::custom_id(bytes),
        Cut::TooLong(_) => None,
    }
}

/// An id that can stand in an address.
fn named(id: &str) -> Result<&str, CallError> {
    if id.is_empty() || id == "." || id == ".." {
        return Err(CallError::new(ErrorClass::Invalid, format!("\"{id}\" is not an id of Anthropic's")));
    }
    Ok(id)
}
