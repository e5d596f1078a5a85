//! What can go wrong between Quire and a provider, classed by what can be done about it.

use serde::{Deserialize, Serialize};
use std::{fmt, time::Duration};

/// What kind of failure it was; each kind has its own remedy (SPEC 6.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorClass {
    /// Too many calls or tokens for now.
    RateLimit,
    /// The provider holds as many batched tokens or batches as it allows; wait until some have ended.
    QueueFull,
    /// No answer in time.
    TimeOut,
    /// The connection could not be made, or broke.
    Connection,
    /// The prompt, or the batch, has more tokens or bytes than the provider takes.
    TokenLimit,
    /// The key was refused or may not do this.
    Key,
    /// The account has no money left; asking again is useless.
    Quota,
    /// The provider failed or is overloaded (5xx, 529).
    Provider,
    /// The thing asked for is not there (any more).
    NotFound,
    /// The provider refused the request as wrong.
    Invalid,
    /// The reply could not be understood (HTML, cut JSON, an unknown state).
    Malformed,
}

/// A call to a provider that failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallError {
    /// What kind of failure.
    pub class: ErrorClass,
    /// What happened, in the provider's words where it had any; never a key, never a student's text.
    pub message: String,
    /// HTTP status, where a reply came.
    pub status: Option<u16>,
    /// The provider's own code or type, such as `insufficient_quota`.
    pub code: Option<String>,
    /// The provider's id of the call, to name in a question to its support.
    pub request_id: Option<String>,
    /// How long the provider asks to wait.
    pub retry_after: Option<Duration>,
    /// The request may have been received and acted upon although no answer came: a time-out, a connection lost after
    /// sending, a reply cut or unreadable. False where it surely was not (refused, not connected).
    pub maybe_done: bool,
}

impl CallError {
    /// A failure of this class, surely not acted upon.
    #[must_use]
    pub fn new(class: ErrorClass, message: impl Into<String>) -> Self {
        Self {
            class,
            message: message.into(),
            status: None,
            code: None,
            request_id: None,
            retry_after: None,
            maybe_done: false,
        }
    }
    /// The same, perhaps acted upon by the provider.
    #[must_use]
    pub const fn maybe_done(mut self) -> Self {
        self.maybe_done = true;
        self
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.message)?;
        if let Some(status) = self.status {
            write!(f, " (HTTP {status}")?;
            if let Some(code) = &self.code {
                write!(f, ", {code}")?;
            }
            write!(f, ")")?;
        }
        Ok(())
    }
}

impl std::error::Error for CallError {}
