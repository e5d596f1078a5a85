//! What goes to a provider and what comes back, in words that no provider's format enters.

use super::ErrorClass;
use crate::store::JobId;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{fmt, sync::Arc};

/// The name of one request within a batch: the batch's token, a dash, and the job's id, which is the same on each
/// attempt. At most 64 characters of `[a-zA-Z0-9_-]`, the narrowest rule of any provider.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CustomId(pub String);

impl CustomId {
    /// The name of a job within the batch of this token (at most 27 characters).
    #[must_use]
    pub fn new(token: &str, job: JobId) -> Self {
        Self(format!("{token}-{job}"))
    }
    /// The batch's token and the job, or `None` where the text was not made by [`CustomId::new`].
    #[must_use]
    pub fn parts(&self) -> Option<(&str, JobId)> {
        let cut = self.0.len().checked_sub(36)?;
        let (token, job) = (self.0.get(..cut)?, self.0.get(cut..)?);
        Some((token.strip_suffix('-')?, job.parse().ok()?))
    }
}

impl fmt::Display for CustomId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text that many requests share, beside the JSON string that it becomes and a short name of it: they are made once.
/// Cheap to clone.
#[derive(Clone, Debug)]
pub struct SharedText {
    text: Arc<str>,
    json: Arc<str>,
    name: Arc<str>,
}

impl SharedText {
    /// The text as a JSON string, in its quotes.
    #[must_use]
    pub fn json(&self) -> &str {
        &self.json
    }

    /// A name that the same text always has and hardly any other: 32 hexadecimal digits.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl From<&str> for SharedText {
    fn from(text: &str) -> Self {
        let json = serde_json::to_string(text).expect("a string always becomes JSON");
        let digest = Sha256::digest(text);
        let name = digest[..16].iter().fold(String::new(), |name, byte| format!("{name}{byte:02x}"));
        Self { text: text.into(), json: json.into(), name: name.into() }
    }
}

impl fmt::Display for SharedText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::ops::Deref for SharedText {
    type Target = str;
    fn deref(&self) -> &str {
        &self.text
    }
}

/// One question to a model: what is the same for many first, so that providers can cache it, the work itself last.
#[derive(Clone, Debug)]
pub struct Prompt {
    /// Instructions, rubric and exemplars: the same for all work of one assignment (system turn).
    pub stable: SharedText,
    /// The work to be judged, fenced as data (user turn).
    pub work: String,
    /// Name of the answer's schema: letters, digits, `_` and `-`, at most 64.
    pub schema_name: Arc<str>,
    /// JSON schema that the answer must have (the strict subset: objects closed, all properties required).
    pub schema: Arc<serde_json::value::RawValue>,
    /// Most tokens that the answer may have.
    pub max_output_tokens: u32,
}

/// How long the stable part of a prompt is to be kept in the provider's cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum Keep {
    /// Not at all: nothing is paid for writing it.
    Off,
    /// For the shorter time: Anthropic 5 minutes, OpenAI 30 minutes.
    Short,
    /// For the longer time, where there is one: Anthropic 1 hour.
    Long,
}

/// A prompt for one model.
#[derive(Clone, Debug)]
pub struct Request {
    /// The model's name at the provider.
    pub model: Arc<str>,
    /// The question.
    pub prompt: Prompt,
    /// How long its stable part is to be kept in the provider's cache; nothing to providers that have no marks for it.
    pub keep: Keep,
}

/// What a provider counted for one answer. Figures it did not give are `None`, never zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// All tokens read: uncached, read from and written to the cache together.
    pub input_tokens: u64,
    /// Of these, read from the provider's cache.
    pub cached_tokens: u64,
    /// Of these, written to the cache for a short time (5 or 30 minutes).
    pub cache_write_tokens: u64,
    /// Of these, written to the cache for a long time (1 or 12 hours).
    pub cache_write_long_tokens: u64,
    /// All tokens written, reasoning included.
    pub output_tokens: u64,
    /// Of these, reasoning that the answer does not show.
    pub reasoning_tokens: u64,
}

/// What the model said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Answer {
    /// The JSON text of a whole answer, not yet checked against schema and rubric.
    Json(String),
    /// The model would not answer; its words.
    Refused(String),
    /// The answer was cut at the output limit.
    Truncated,
    /// The provider's filter held the answer back.
    Filtered,
    /// The reply holds no answer that could be read, though it may well be billed; why.
    Malformed(String),
}

/// One answer of a provider.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reply {
    /// The provider's id of this answer, by which its bill can be matched.
    pub response_id: String,
    /// The model that answered, as the provider names it.
    pub model: String,
    /// What it said.
    pub answer: Answer,
    /// What it counted; `None` where the provider gave no usable figures (never read as free).
    pub usage: Option<Usage>,
}

/// How a request within a batch ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Outcome {
    /// An answer came.
    Answered(Reply),
    /// The provider refused or failed this request; it is not billed, unless the error says `maybe_done`.
    Failed(super::CallError),
    /// The batch's time ran out first.
    Expired,
    /// The batch was cancelled first.
    Cancelled,
}

/// One line of a batch's results.
#[derive(Clone, Debug, PartialEq)]
pub struct ResultLine {
    /// The custom id as the provider gave it back (it may be one that was never sent).
    pub custom_id: CustomId,
    /// How the request ended.
    pub outcome: Outcome,
}

/// Where a batch stands at its provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RemoteState {
    /// The provider checks the batch.
    Validating,
    /// Requests are being answered.
    InProgress,
    /// All answers are there and being gathered.
    Finalizing,
    /// A cancellation is on its way.
    Cancelling,
    /// Ended; some or all lines may hold answers.
    Ended,
    /// Ended because the time ran out; finished answers are there.
    Expired,
    /// Ended by cancellation; finished answers are there.
    Cancelled,
    /// The whole batch was refused; nothing was answered.
    Failed,
}

impl RemoteState {
    /// Nothing more will happen at the provider.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Ended | Self::Expired | Self::Cancelled | Self::Failed)
    }
}

/// Progress of a batch, as far as the provider tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Requests in the batch.
    pub total: u64,
    /// Answered.
    pub completed: u64,
    /// Failed.
    pub failed: u64,
}

/// One complaint of a provider about a whole batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchComplaint {
    /// The provider's code, such as `token_limit_exceeded`.
    pub code: String,
    /// The provider's words.
    pub message: String,
    /// The line it is about, from 1, where there is one.
    pub line: Option<u64>,
}

impl BatchComplaint {
    /// The complaint as a failed call.
    #[must_use]
    pub fn error(&self) -> super::CallError {
        super::CallError {
            code: Some(self.code.clone()),
            ..super::CallError::new(self.class(), self.message.clone())
        }
    }

    /// What kind of failure it is, by the provider's code.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        match self.code.as_str() {
            "token_limit_exceeded" | "too_many_batches" | "RESOURCE_EXHAUSTED" => ErrorClass::QueueFull,
            "too_many_tasks" | "file_too_large" => ErrorClass::TokenLimit,
            "insufficient_quota" | "billing_hard_limit_reached" | "billing_not_active" => ErrorClass::Quota,
            "model_not_found" | "NOT_FOUND" => ErrorClass::NotFound,
            "PERMISSION_DENIED" | "UNAUTHENTICATED" => ErrorClass::Key,
            "DEADLINE_EXCEEDED" => ErrorClass::TimeOut,
            "server_error" | "internal_error" | "runner_lost" | "INTERNAL" | "UNAVAILABLE" | "UNKNOWN"
            | "DATA_LOSS" | "UNIMPLEMENTED" | "ABORTED" | "ALREADY_EXISTS" => ErrorClass::Provider,
            _ => ErrorClass::Invalid,
        }
    }
}

/// A batch as its provider shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct RemoteBatch {
    /// The provider's id of the batch.
    pub id: String,
    /// Where it stands.
    pub state: RemoteState,
    /// Progress; `None` where the provider shows none before the end.
    pub counts: Option<Counts>,
    /// When the provider made it.
    pub created_at: Option<DateTime<Utc>>,
    /// What was wrong with the whole batch.
    pub complaints: Vec<BatchComplaint>,
    /// Where the results lie, in the provider's own terms (file ids, addresses); empty before the end.
    pub results: Vec<String>,
}
