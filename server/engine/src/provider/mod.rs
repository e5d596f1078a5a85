//! Providers of language models: one trait, one folder per provider, and their prices.
//!
//! The engine speaks to a provider through [`Provider`] only. An adapter maps [`Request`]s to the provider's wire
//! format and its replies back, and classes errors; it keeps no state of its own and touches no database.

pub mod anthropic;
pub mod cache;
mod error;
pub mod gemini;
mod headers;
pub mod health;
mod http;
mod json;
mod lines;
pub mod openai;
pub mod price;
pub mod registry;
mod results;
mod settings;
#[cfg(test)]
mod testing;
mod upload;
mod walk;
mod wire;
mod words;

pub use error::{CallError, ErrorClass};
pub use headers::{Exchange, Headroom, Observer, Window};
pub use health::{BreakerSettings, Health};
pub use registry::{
    Entry, Listed, MasterKey, Prices, ProviderError, ProviderSettings, Registry, Schedule, parse_schedule,
};
pub use settings::{AnswerFormat, ApiKey, Endpoint, Settings, SettingsError, Timeouts};
pub use wire::{
    Answer, BatchComplaint, Counts, CustomId, Keep, Outcome, Prompt, RemoteBatch, RemoteState, Reply,
    Request, ResultLine, SharedText, Usage,
};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::stream::BoxStream;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Which interface a provider speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum ProviderKind {
    /// OpenAI: files and batches, chat completions.
    Openai,
    /// Anthropic: messages and message batches.
    Anthropic,
    /// Google Gemini: files and batches, content generated at once.
    Gemini,
    /// A server that speaks OpenAI's interface, with or without batches.
    Compatible,
}

/// The most that a provider takes in one batch; set by the provider, never passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HardLimits {
    /// Requests in one batch.
    pub requests: u64,
    /// Bytes of one batch's input.
    pub bytes: u64,
    /// Input tokens that may be enqueued over all batches of one model; `None` where there is no such limit.
    pub enqueued_tokens: Option<u64>,
}

/// What a provider's interface can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capabilities {
    /// It takes batches.
    pub batch: bool,
    /// It shows how many requests of a running batch are answered.
    pub batch_progress: bool,
    /// A batch carries data of ours by which it can be found while it runs; else only its results tell.
    pub batch_tagged: bool,
    /// The hard limits of one batch.
    pub limits: HardLimits,
}

/// A batch on its way to the provider.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// The token by which the batch is found again: in its tag, or before the dash in each custom id.
    pub token: String,
    /// The one model of all its requests.
    pub model: String,
    /// How many requests it has.
    pub requests: u64,
    /// How many bytes its input has, all lines together: exactly, or an upload is given up; 0 where it is not known.
    pub bytes: u64,
}

/// The requests of a batch as a stream of whole lines (or items), each made by [`Provider::write_request`]. Called
/// anew when a step is tried again, so that nothing is held in memory.
pub type Lines = BoxStream<'static, Result<Bytes, LinesError>>;

/// Reading the requests of a batch failed on our side.
#[derive(Debug, thiserror::Error)]
#[error("the batch's requests could not be read: {0}")]
pub struct LinesError(pub String);

/// A batch that may or may not have reached the provider.
#[derive(Clone, Debug)]
pub struct Sought {
    /// The batch's token.
    pub token: String,
    /// How many requests it has.
    pub requests: u64,
    /// The creation call cannot have been made before this time.
    pub not_before: DateTime<Utc>,
    /// Ids of the provider's batches that are known to be others.
    pub known: Vec<String>,
}

/// What the search for a batch found.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    /// It is there: adopt it.
    Batch(RemoteBatch),
    /// It is surely not there.
    Absent,
    /// A batch that fits in count and time still runs and can't be told apart until it ends; look again later.
    /// Names the provider's ids of all that fit.
    Undecided(Vec<String>),
}

/// One result line, or what was wrong with it (line number from 1, reason).
pub type ParsedLine = Result<ResultLine, LineError>;

/// A line of a result file that could not be read; the other lines still count.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct LineError {
    /// Line number, from 1, within its file.
    pub line: u64,
    /// What was wrong.
    pub reason: String,
    /// The custom id, where it could still be read.
    pub custom_id: Option<CustomId>,
}

/// A provider of language models. Implementations are cheap to share and hold a pooled HTTP client.
#[async_trait::async_trait]
pub trait Provider: Send + Sync + std::fmt::Debug {
    /// What the interface can do.
    fn capabilities(&self) -> Capabilities;

    /// Appends one request of a batch in the wire format: for line formats the JSON line with its newline, for
    /// array formats the JSON object without comma (the adapter's [`Provider::create`] joins them).
    fn write_request(&self, out: &mut Vec<u8>, custom_id: &CustomId, request: &Request);

    /// First step of sending: puts the input where the provider wants it and answers its id there; `None` where the
    /// provider takes the input with the creation itself. Repeating it is harmless and costs nothing.
    async fn upload(&self, batch: &Outgoing, lines: Lines) -> Result<Option<String>, CallError>;

    /// Second step: creates the batch from the uploaded input, or from `lines` where there is none. The one call
    /// that must not happen twice.
    async fn create(
        &self,
        batch: &Outgoing,
        input: Option<&str>,
        lines: Lines,
    ) -> Result<RemoteBatch, CallError>;

    /// Makes sure that a creation call from this input, wherever it may be held up, can no longer succeed (deletes
    /// the input). Answers false where the provider has no such means.
    async fn fence(&self, input: &str) -> Result<bool, CallError>;

    /// Looks for a batch that may have been created.
    async fn find(&self, sought: &Sought) -> Result<Found, CallError>;

    /// Where a batch stands.
    async fn poll(&self, remote_id: &str) -> Result<RemoteBatch, CallError>;

    /// The results of an ended batch as they arrive: both answers and failures. A broken download ends the stream
    /// with `Err(CallError)`; a line that can't be read is `Ok(Err(LineError))`.
    async fn results(
        &self,
        batch: &RemoteBatch,
    ) -> Result<BoxStream<'static, Result<ParsedLine, CallError>>, CallError>;

    /// Asks for the cancellation of a batch; finished answers stay.
    async fn cancel(&self, remote_id: &str) -> Result<RemoteBatch, CallError>;

    /// One question answered at once.
    async fn call(&self, request: &Request) -> Result<Reply, CallError>;

    /// The models that the key may use, to check address and key.
    async fn models(&self) -> Result<Vec<String>, CallError>;
}

/// The adapter for a kind of provider. Connects nothing yet.
///
/// # Errors
/// Names the setting that can't work.
pub fn connect(kind: ProviderKind, settings: &Settings) -> Result<Arc<dyn Provider>, SettingsError> {
    Ok(match kind {
        ProviderKind::Openai => Arc::new(openai::OpenAi::new(settings)?),
        ProviderKind::Anthropic => Arc::new(anthropic::Anthropic::new(settings)?),
        ProviderKind::Gemini => Arc::new(gemini::Gemini::new(settings)?),
        ProviderKind::Compatible => Arc::new(openai::OpenAi::compatible(settings)?),
    })
}

/// The hard limits that a kind of provider states for one batch.
#[must_use]
pub const fn own_limits(kind: ProviderKind) -> HardLimits {
    match kind {
        ProviderKind::Openai | ProviderKind::Compatible => openai::LIMITS,
        ProviderKind::Anthropic => anthropic::LIMITS,
        ProviderKind::Gemini => gemini::LIMITS,
    }
}
