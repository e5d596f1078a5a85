//! Batches: what is known of one, and the work that moves it on.

mod chunk;
mod input;
mod plan;
mod runner;

pub(crate) use chunk::{LineResult, Outcome};
pub(crate) use input::Input;
pub(crate) use plan::Plan;
pub(crate) use runner::{resume, spawn};

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::models::{Provider, Usage};

/// Where a batch stands. Anthropic calls every final state `ended`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    Validating,
    InProgress,
    Finalizing,
    Completed,
    Failed,
    Expired,
    Cancelling,
    Cancelled,
}

impl State {
    /// Whether nothing changes any more.
    pub(crate) fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Expired | Self::Cancelled)
    }

    /// OpenAI's name.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Validating => "validating",
            Self::InProgress => "in_progress",
            Self::Finalizing => "finalizing",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Cancelling => "cancelling",
            Self::Cancelled => "cancelled",
        }
    }
}

/// What the lines of a batch ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Endpoint {
    #[serde(rename = "/v1/chat/completions")]
    Chat,
    #[serde(rename = "/v1/responses")]
    Responses,
    #[serde(rename = "/v1/messages")]
    Messages,
    #[serde(rename = "generateContent")]
    Generate,
}

impl Endpoint {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Chat => "/v1/chat/completions",
            Self::Responses => "/v1/responses",
            Self::Messages => "/v1/messages",
            Self::Generate => "generateContent",
        }
    }
}

/// Why a whole batch failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BatchError {
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) param: Option<String>,
    /// From 1.
    pub(crate) line: Option<u64>,
}

/// How a batch ends before its work is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Ending {
    Expired,
    Cancelled,
}

/// How many requests came out how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counts {
    pub(crate) total: u64,
    pub(crate) completed: u64,
    pub(crate) failed: u64,
    pub(crate) cancelled: u64,
    pub(crate) expired: u64,
}

/// The times at which a batch changed its state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Times {
    pub(crate) created: DateTime<Utc>,
    pub(crate) expires: DateTime<Utc>,
    pub(crate) in_progress: Option<DateTime<Utc>>,
    pub(crate) finalizing: Option<DateTime<Utc>>,
    pub(crate) cancelling: Option<DateTime<Utc>>,
    /// When it reached its final state.
    pub(crate) ended: Option<DateTime<Utc>>,
}

/// All that is known of a batch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Batch {
    pub(crate) id: String,
    pub(crate) provider: Provider,
    pub(crate) endpoint: Endpoint,
    pub(crate) state: State,
    pub(crate) times: Times,
    /// OpenAI's or Gemini's input file.
    pub(crate) input_file_id: Option<String>,
    pub(crate) metadata: Option<BTreeMap<String, String>>,
    /// Seconds after which OpenAI's result files expire.
    pub(crate) output_expires_after: Option<i64>,
    /// The one model of all requests, once validated (OpenAI).
    pub(crate) model: Option<String>,
    /// Input tokens that wait in this batch, counted only under an enqueued-token limit.
    pub(crate) enqueued_tokens: u64,
    pub(crate) counts: Counts,
    /// Position in the order of work: how many requests have been dealt with.
    pub(crate) done: u64,
    pub(crate) usage: Usage,
    /// Ids of the files that results are written to; shown once they exist.
    pub(crate) output_id: String,
    pub(crate) error_id: String,
    /// Bytes of the results that count; what lies beyond is the rest of an interrupted write.
    pub(crate) output_bytes: u64,
    pub(crate) error_bytes: u64,
    pub(crate) errors: Vec<BatchError>,
    pub(crate) ending: Option<Ending>,
    /// Makes no progress until released.
    pub(crate) held: bool,
    pub(crate) plan: Plan,
}

impl Batch {
    /// Name of the stored requests, one JSON object a line.
    pub(crate) fn input_name(&self) -> String {
        self.input_file_id.clone().unwrap_or_else(|| format!("{}-input", self.id))
    }

    /// Moves to another state at a time.
    pub(crate) fn enter(&mut self, state: State, now: DateTime<Utc>) {
        self.state = state;
        match state {
            State::Validating => {}
            State::InProgress => self.times.in_progress = Some(now),
            State::Finalizing => self.times.finalizing = Some(now),
            State::Cancelling => self.times.cancelling = Some(now),
            _ => self.times.ended = Some(now),
        }
    }
}
