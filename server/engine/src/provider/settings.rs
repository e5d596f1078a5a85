//! How a provider is reached: address, key, patience.

use super::{HardLimits, ProviderKind, headers::Observer};
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use std::{fmt, time::Duration};
use url::{Host, Url};

/// A provider's key. It is wiped from memory when dropped, and `Debug` does not show it.
pub type ApiKey = SecretString;

impl ProviderKind {
    /// The provider's name for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Openai => "OpenAI",
            Self::Anthropic => "Anthropic",
            Self::Gemini => "Gemini",
            Self::Compatible => "OpenAI-compatible",
        }
    }

    /// The base URL of the provider's own service; none where there is no such service.
    #[must_use]
    pub const fn own_url(self) -> Option<&'static str> {
        match self {
            Self::Openai => Some("https://api.openai.com/v1"),
            Self::Anthropic => Some("https://api.anthropic.com/v1"),
            Self::Gemini => Some("https://generativelanguage.googleapis.com/v1beta"),
            Self::Compatible => None,
        }
    }
}

/// How long to wait for a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For a connection.
    pub connect: Duration,
    /// For the whole reply to a short question (state of a batch, list, creation after the upload).
    pub reply: Duration,
    /// For the whole of one real-time answer.
    pub call: Duration,
    /// For the next bytes of an upload or a download to move.
    pub idle: Duration,
}

impl Default for Timeouts {
    /// 10 s to connect, 2 min for a reply, 10 min for an answer (as the providers' own libraries), 1 min without a byte.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            reply: Duration::from_secs(120),
            call: Duration::from_secs(600),
            idle: Duration::from_secs(60),
        }
    }
}

/// Which of OpenAI's endpoints takes the questions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Endpoint {
    /// `/v1/chat/completions`, which compatible servers have as well.
    #[default]
    ChatCompletions,
    /// `/v1/responses`.
    Responses,
}

/// How a server is asked for JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerFormat {
    /// By the schema itself, which the server enforces.
    #[default]
    JsonSchema,
    /// As any JSON object, with the schema in the instructions: for servers that know no schemas.
    JsonObject,
}

/// How a provider is reached.
#[derive(Clone)]
pub struct Settings {
    /// Where its interface begins, such as `https://api.openai.com/v1` or `http://127.0.0.1:9100/openai/v1`.
    pub base_url: Url,
    /// The key.
    pub key: ApiKey,
    /// How long to wait.
    pub timeouts: Timeouts,
    /// Hard limits of the account where they differ from the provider's general ones.
    pub limits: Option<HardLimits>,
    /// Which endpoint takes the questions (OpenAI and compatible servers).
    pub endpoint: Endpoint,
    /// How answers are asked for (compatible servers).
    pub answer_format: AnswerFormat,
    /// Batches are used.
    pub batch: bool,
    /// Told of each exchange with the provider.
    pub observer: Option<Observer>,
}

impl Settings {
    /// With the provider's general limits and the usual patience.
    #[must_use]
    pub fn new(base_url: Url, key: ApiKey) -> Self {
        Self {
            base_url,
            key,
            timeouts: Timeouts::default(),
            limits: None,
            endpoint: Endpoint::default(),
            answer_format: AnswerFormat::default(),
            batch: true,
            observer: None,
        }
    }
}

impl Settings {
    /// Finds settings that can't work.
    pub(super) fn check(&self) -> Result<(), SettingsError> {
        let Timeouts { connect, reply, call, idle } = self.timeouts;
        for (name, value) in [("connect", connect), ("reply", reply), ("call", call), ("idle", idle)] {
            if value.is_zero() {
                return Err(SettingsError::Timeout(name));
            }
        }
        let url = &self.base_url;
        let reason = if !matches!(url.scheme(), "http" | "https") {
            "must begin with http:// or https://"
        } else if url.host().is_none() {
            "names no host"
        } else if !url.username().is_empty() || url.password().is_some() {
            "must not hold a user name or password; the key is set apart"
        } else if url.query().is_some() || url.fragment().is_some() {
            "must end with its path, without ? or #"
        } else {
            return Ok(());
        };
        // Only what can't be a secret is shown again.
        let host = url.host_str().unwrap_or_default();
        Err(SettingsError::Url { url: format!("{}://{host}{}", url.scheme(), url.path()), reason })
    }

    /// The value of the header that carries the key, after these words.
    pub(super) fn key_header(&self, before: &str) -> Result<HeaderValue, SettingsError> {
        let key = self.key.expose_secret();
        if key.is_empty() {
            return Err(SettingsError::Key("is empty"));
        }
        if !key.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(SettingsError::Key("holds spaces, line ends or other characters that no key has"));
        }
        let mut value = HeaderValue::from_str(&format!("{before}{key}"))
            .map_err(|_| SettingsError::Key("can't be sent in a header"))?;
        value.set_sensitive(true);
        Ok(value)
    }

    /// The provider is on this machine.
    pub(super) fn is_local(&self) -> bool {
        match self.base_url.host() {
            Some(Host::Ipv4(ip)) => ip.is_loopback(),
            Some(Host::Ipv6(ip)) => ip.is_loopback(),
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            None => false,
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("base_url", &self.base_url.as_str())
            .field("timeouts", &self.timeouts)
            .field("limits", &self.limits)
            .field("endpoint", &self.endpoint)
            .field("answer_format", &self.answer_format)
            .field("batch", &self.batch)
            .finish_non_exhaustive()
    }
}

/// Settings that can't work.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The base URL can't be one.
    #[error("the base URL {url} {reason}")]
    Url {
        /// The URL, without user name and password.
        url: String,
        /// What is wrong, to be read after it.
        reason: &'static str,
    },
    /// The key can't be a key.
    #[error("the provider's key {0}")]
    Key(&'static str),
    /// A time-out of zero.
    #[error("the time-out \"{0}\" is zero: nothing would ever be answered in time")]
    Timeout(&'static str),
    /// The HTTP client could not be made.
    #[error(
        "connections to {url} can't be made: {reason} (are the system's certificates, ca-certificates, installed?)"
    )]
    Client {
        /// The base URL.
        url: String,
        /// The reason given.
        reason: String,
    },
}
