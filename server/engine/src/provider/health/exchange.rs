//! What one exchange says about a provider. Pure.

use crate::provider::{ErrorClass, Exchange};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What an exchange was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    /// A call in real time.
    Call,
    /// Input and creation of a batch: the other work that is begun.
    Batch,
    /// A short question about what was begun: polls, lists, cancellations.
    Look,
    /// A download: its length says nothing of the provider's speed.
    Download,
}

impl Family {
    pub(super) fn of(operation: &str) -> Self {
        match operation {
            "call" => Self::Call,
            "file.begin" | "file.upload" | "batch.create" => Self::Batch,
            "file.content" | "batch.results" => Self::Download,
            _ => Self::Look,
        }
    }

    /// Work is begun by it; the others ask about work that was begun.
    pub(super) const fn begins(self) -> bool {
        matches!(self, Self::Call | Self::Batch)
    }
}

/// Why a provider is paused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// It fails, gives no answer, or answers what makes no sense.
    Down,
    /// It refused the key.
    Key,
    /// The account has no money left.
    Quota,
}

/// What an exchange says about its provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// It answers, be it to refuse one request as wrong.
    Answers,
    /// It takes no more for now: headroom, not health.
    Full,
    /// It can't be worked with.
    Fails(Fault),
}

impl Said {
    pub(super) const fn by(error: Option<ErrorClass>) -> Self {
        match error {
            None
            | Some(
                ErrorClass::TokenLimit | ErrorClass::NotFound | ErrorClass::Invalid | ErrorClass::QueueFull,
            ) => Self::Answers,
            Some(ErrorClass::RateLimit) => Self::Full,
            Some(
                ErrorClass::TimeOut | ErrorClass::Connection | ErrorClass::Provider | ErrorClass::Malformed,
            ) => Self::Fails(Fault::Down),
            Some(ErrorClass::Key) => Self::Fails(Fault::Key),
            Some(ErrorClass::Quota) => Self::Fails(Fault::Quota),
        }
    }
}

/// The last failure of a provider, for administrators.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastError {
    /// When.
    pub at: DateTime<Utc>,
    /// What happened, in words.
    pub what: String,
}

/// What went wrong in an exchange, in words.
pub(super) fn words(exchange: &Exchange) -> String {
    match (&exchange.why, exchange.status) {
        (Some(why), Some(status)) => format!("{why} (HTTP {status})"),
        (Some(why), None) => why.clone(),
        (None, Some(status)) => format!("HTTP {status}"),
        (None, None) => "no answer".to_owned(),
    }
}
