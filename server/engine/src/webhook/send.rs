//! Posting to the address of a webhook.

use super::{Refused, Secret, SecretError, Target, signature};
use chrono::{DateTime, Utc};
use reqwest::{Client, StatusCode, redirect};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use std::{error::Error as _, fmt, sync::Arc, time::Duration};

/// An answer that has not come by then does not come.
pub const TIMEOUT: Duration = Duration::from_secs(20);

/// The longest reason that is kept, in characters.
const LONGEST_REASON: usize = 300;

/// How bills are posted.
#[derive(Clone, Debug)]
pub struct WebhookSettings {
    /// The address.
    pub url: String,
    /// The secret, and the one before it while they are changed.
    pub secrets: Vec<SecretString>,
    /// Origins that may lie in networks that are not public.
    pub allow: Vec<String>,
    /// How long an answer is waited for, from looking up the name on.
    pub timeout: Duration,
}

/// The settings can't work; secrets are not repeated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebhookError {
    /// The address, or an origin that is allowed.
    #[error(transparent)]
    Target(#[from] Refused),
    /// A secret.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// None, or too many secrets.
    #[error("one secret is needed, and two while they are changed")]
    Secrets,
}

/// Posts to one address, or nowhere.
#[derive(Clone)]
pub struct Webhook(Option<Arc<Out>>);

struct Out {
    target: Target,
    secrets: Vec<Secret>,
    timeout: Duration,
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The rest of the address may hold a secret.
        f.debug_tuple("Webhook").field(&self.origin()).finish()
    }
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Posted {
    /// It was taken, with this status.
    Taken(u16),
    /// Nothing more is wanted there (410).
    Gone,
    /// It was not taken.
    Refused {
        /// The status; none where there was no answer.
        status: Option<u16>,
        /// Why; it holds nothing of the address but its host, and nothing of the answer but its status.
        why: String,
    },
}

impl Webhook {
    /// Posts nowhere.
    #[must_use]
    pub const fn off() -> Self {
        Self(None)
    }

    /// Posts to an address.
    ///
    /// # Errors
    /// If the settings can't work.
    pub fn new(settings: &WebhookSettings) -> Result<Self, WebhookError> {
        let target = Target::new(&settings.url, &settings.allow)?;
        if !(1..=2).contains(&settings.secrets.len()) {
            return Err(WebhookError::Secrets);
        }
        let secrets = settings.secrets.iter().map(|text| text.expose_secret().parse());
        let secrets = secrets.collect::<Result<_, _>>()?;
        Ok(Self(Some(Arc::new(Out { target, secrets, timeout: settings.timeout }))))
    }

    /// An address is set.
    #[must_use]
    pub const fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Scheme, host and port of the address; none where none is set.
    #[must_use]
    pub fn origin(&self) -> Option<String> {
        self.0.as_ref().map(|out| out.target.origin())
    }

    /// By what the address is known again without being told.
    #[must_use]
    pub fn fingerprint(&self) -> Option<String> {
        let out = self.0.as_ref()?;
        let digest = Sha256::digest(out.target.url().as_str().as_bytes());
        Some(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Looks up whether the address is there and may be posted to; nothing is sent.
    ///
    /// # Errors
    /// If its name leads nowhere, or where it must not.
    pub async fn look_up(&self) -> Result<(), Refused> {
        match &self.0 {
            None => Ok(()),
            Some(out) => out.target.look_up().await.map(|_| ()),
        }
    }

    /// Posts a message under its id, signed at this time; none where no address is set.
    pub async fn post(&self, id: &str, at: DateTime<Utc>, body: &str) -> Option<Posted> {
        let out = self.0.as_ref()?;
        let answer = tokio::time::timeout(out.timeout, out.post(id, at, body)).await;
        Some(answer.unwrap_or_else(|_| Posted::Refused {
            status: None,
            why: format!("no answer came within {} s", out.timeout.as_secs_f64()),
        }))
    }
}

impl Out {
    async fn post(&self, id: &str, at: DateTime<Utc>, body: &str) -> Posted {
        let no_answer = |why: String| Posted::Refused { status: None, why };
        let found = match self.target.look_up().await {
            Ok(found) => found,
            Err(refused) => return no_answer(refused.to_string()),
        };
        // A client for each message: it connects to the very addresses that were checked, and to no proxy.
        let client = match self.client(found) {
            Ok(client) => client,
            Err(error) => return no_answer(reason(error)),
        };
        let answer = client
            .post(self.target.url().clone())
            .header("content-type", "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", at.timestamp())
            .header("webhook-signature", signature(&self.secrets, id, at, body))
            .body(body.to_owned())
            .send()
            .await;
        // The body of the answer is not read: it could be anything, and nothing is to be learnt from it.
        let status = match answer {
            Ok(answer) => answer.status(),
            Err(error) => return no_answer(reason(error)),
        };
        match status {
            StatusCode::GONE => Posted::Gone,
            taken if taken.is_success() => Posted::Taken(taken.as_u16()),
            other => {
                let more = if other.is_redirection() { "; redirects are not followed" } else { "" };
                Posted::Refused { status: Some(other.as_u16()), why: format!("it answered {other}{more}") }
            }
        }
    }

    fn client(&self, found: Option<(String, Vec<std::net::SocketAddr>)>) -> Result<Client, reqwest::Error> {
        // The first of all clients settles it for the process; the others find it done.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut client = Client::builder()
            .user_agent(concat!("quire/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .no_proxy();
        if let Some((name, addresses)) = found {
            client = client.resolve_to_addrs(&name, &addresses);
        }
        if self.target.url().scheme() == "http" {
            // No certificates are needed, so a machine without any is no hindrance.
            client = client.tls_certs_only([]);
        }
        client.build()
    }
}

/// Why there was no answer, without the address.
fn reason(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        told = inner.to_string();
        cause = inner.source();
    }
    told.chars().take(LONGEST_REASON).collect()
}
