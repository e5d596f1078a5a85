//! Sending by SMTP.

use super::Letter;
use lettre::{
    AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor,
    address::Envelope,
    message::{
        Mailbox, MultiPart,
        header::{Header, HeaderName, HeaderValue},
    },
    transport::smtp::{
        PoolConfig,
        authentication::Credentials,
        client::{Tls, TlsParameters},
    },
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use std::{fmt, time::Duration};

/// How the connection to a mail server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SmtpSecurity {
    /// Encrypted from the start (usual port 465).
    Tls,
    /// Begins in clear and must turn to encryption (usual port 587).
    Starttls,
    /// In clear: for a mail server on the same machine only (usual port 25).
    None,
}

impl SmtpSecurity {
    /// The usual port.
    #[must_use]
    pub const fn port(self) -> u16 {
        match self {
            Self::Tls => 465,
            Self::Starttls => 587,
            Self::None => 25,
        }
    }
}

/// How e-mail is sent.
#[derive(Clone, Debug)]
pub struct SmtpSettings {
    /// Name of the mail server.
    pub host: String,
    /// Its port; none: the usual one.
    pub port: Option<u16>,
    /// How the connection is protected.
    pub security: SmtpSecurity,
    /// Name and password to sign in with; none: without signing in.
    pub credentials: Option<(String, SecretString)>,
    /// From whom, such as `Quire <quire@example.edu>`.
    pub from: String,
    /// Longest wait for one step of the conversation.
    pub timeout: Duration,
}

/// The settings can't work.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// The sender is no address.
    #[error("the sender \"{0}\" is not an address such as Quire <quire@example.edu>")]
    From(String),
    /// Encryption can't be set up.
    #[error("encrypted connections to the mail server \"{host}\" can't be made: {reason}")]
    Tls {
        /// The server's name.
        host: String,
        /// Why not.
        reason: String,
    },
}

/// A letter that was not sent.
#[derive(Debug, thiserror::Error)]
#[error("{reason}")]
pub struct SendError {
    /// What happened, in the server's words where it had any; never an address of ours.
    pub reason: String,
    /// Trying again is useless.
    pub permanent: bool,
}

/// Connections kept open to the mail server.
const CONNECTIONS: u32 = 4;

/// Sends e-mails, over a few connections that are kept open.
#[derive(Clone)]
pub struct Mailer(Option<Out>);

#[derive(Clone)]
struct Out {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl fmt::Debug for Mailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailer").field("on", &self.is_on()).finish_non_exhaustive()
    }
}

/// `Auto-Submitted` (RFC 3834): no machine is to answer.
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }
    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }
    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

impl Mailer {
    /// Sends nothing: no mail server is set up.
    #[must_use]
    pub const fn off() -> Self {
        Self(None)
    }

    /// Sends by SMTP. Connects nothing yet. To be made, used and dropped within a Tokio runtime, whose tasks look after
    /// the open connections.
    ///
    /// # Errors
    /// Names the setting that can't work.
    pub fn smtp(settings: &SmtpSettings) -> Result<Self, MailError> {
        let from: Mailbox = settings.from.parse().map_err(|_| MailError::From(settings.from.clone()))?;
        let tls = || {
            TlsParameters::new(settings.host.clone())
                .map_err(|e| MailError::Tls { host: settings.host.clone(), reason: e.to_string() })
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(settings.host.clone())
            .port(settings.port.unwrap_or(settings.security.port()))
            .tls(match settings.security {
                SmtpSecurity::Tls => Tls::Wrapper(tls()?),
                SmtpSecurity::Starttls => Tls::Required(tls()?),
                SmtpSecurity::None => Tls::None,
            })
            .timeout(Some(settings.timeout))
            .pool_config(PoolConfig::new().max_size(CONNECTIONS));
        if let Some((user, password)) = &settings.credentials {
            builder =
                builder.credentials(Credentials::new(user.clone(), password.expose_secret().to_owned()));
        }
        Ok(Self(Some(Out { transport: builder.build(), from })))
    }

    /// A mail server is set up.
    #[must_use]
    pub const fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Connects, signs in and says goodbye, to check the settings.
    ///
    /// # Errors
    /// What the server or the network said.
    pub async fn check(&self) -> Result<(), SendError> {
        let out = self.out()?;
        match out.transport.test_connection().await {
            Ok(true) => Ok(()),
            Ok(false) => Err(SendError {
                reason: "the mail server answers, but not as one".to_owned(),
                permanent: false,
            }),
            Err(error) => Err(classify(&error, "")),
        }
    }

    /// Sends a letter.
    ///
    /// # Errors
    /// What the server or the network said, and whether trying again may help.
    pub async fn send(&self, letter: &Letter) -> Result<(), SendError> {
        let out = self.out()?;
        let message = message(letter, &out.from)?;
        out.transport.send(message).await.map(|_| ()).map_err(|error| classify(&error, &letter.email))
    }

    fn out(&self) -> Result<&Out, SendError> {
        let off = || SendError { reason: "no mail server is set up".to_owned(), permanent: true };
        self.0.as_ref().ok_or_else(off)
    }
}

fn message(letter: &Letter, from: &Mailbox) -> Result<Message, SendError> {
    let wrong = |reason: &dyn fmt::Display| SendError {
        reason: format!("the letter can't be written: {reason}"),
        permanent: true,
    };
    let address: lettre::Address = letter.email.parse().map_err(|e| wrong(&e))?;
    let envelope = Envelope::new(Some(from.email.clone()), vec![address.clone()]).map_err(|e| wrong(&e))?;
    Message::builder()
        .from(from.clone())
        .to(Mailbox::new(Some(letter.name.clone()), address))
        .subject(letter.subject.clone())
        .header(AutoSubmitted)
        // The same each time, so that a mailbox that gets a letter twice can tell (RFC 5322, 3.6.4).
        .message_id(Some(format!("<{}@{}>", letter.id, from.email.domain())))
        .envelope(envelope)
        .multipart(MultiPart::alternative_plain_html(letter.text.clone(), letter.html.clone()))
        .map_err(|e| wrong(&e))
}

/// What a failure means. That the server does not let us in (530, 534, 535, 538) is a matter of settings: it is no fault
/// of the letter, which is tried again.
fn classify(error: &lettre::transport::smtp::Error, address: &str) -> SendError {
    let ours = matches!(error.status().map(u16::from), Some(530 | 534 | 535 | 538));
    let mut reason = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        reason = format!("{reason}: {inner}");
        cause = inner.source();
    }
    if !address.is_empty() {
        // Servers repeat it; it does not belong in logs.
        reason = reason.replace(address, "…");
    }
    SendError { reason, permanent: (error.is_permanent() && !ours) || error.is_client() }
}
