//! Sending by SMTP.

use super::Letter;
use lettre::{
    Message,
    address::Envelope,
    message::{
        Mailbox, MultiPart,
        header::{Header, HeaderName, HeaderValue},
    },
    transport::smtp::{
        Error,
        authentication::{Credentials, DEFAULT_MECHANISMS},
        client::{AsyncSmtpConnection, TlsParameters},
        extension::ClientId,
    },
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use std::{
    fmt,
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

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
    /// Longest that the sending of one letter may take, from connecting to the server's acceptance.
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

/// Connections kept open to the mail server, and for how long without a letter.
const CONNECTIONS: usize = 4;
const IDLE: Duration = Duration::from_secs(20);

/// Sends e-mails, over a few connections that are kept open.
#[derive(Clone)]
pub struct Mailer(Option<Arc<Out>>);

/// The library's own pool is not used: its connections have no time-out once they are open, and one whose letter was
/// given up midway would be used again with the old letter's answer still to come.
struct Out {
    host: String,
    port: u16,
    security: SmtpSecurity,
    tls: Option<TlsParameters>,
    credentials: Option<Credentials>,
    hello: ClientId,
    from: Mailbox,
    timeout: Duration,
    idle: Mutex<Vec<(AsyncSmtpConnection, Instant)>>,
}

impl fmt::Debug for Mailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailer").field("on", &self.is_on()).finish_non_exhaustive()
    }
}

impl Out {
    /// A fresh connection: encrypted and signed in, as the settings say.
    async fn open(&self) -> Result<AsyncSmtpConnection, Error> {
        let from_the_start = self.tls.clone().filter(|_| self.security == SmtpSecurity::Tls);
        let address = (self.host.as_str(), self.port);
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(address, None, &self.hello, from_the_start, None).await?;
        if self.security == SmtpSecurity::Starttls
            && let Some(tls) = self.tls.clone()
        {
            connection.starttls(tls, &self.hello).await?;
        }
        if let Some(credentials) = &self.credentials {
            connection.auth(DEFAULT_MECHANISMS, credentials).await?;
        }
        Ok(connection)
    }

    /// A connection that is kept open and still works, or a fresh one. Whoever takes it gives it back after a letter
    /// that was accepted; one that is dropped midway is closed.
    async fn connection(&self) -> Result<AsyncSmtpConnection, Error> {
        loop {
            let kept = self.idle().pop();
            match kept {
                Some((mut connection, since)) if since.elapsed() < IDLE => {
                    if connection.test_connected().await {
                        return Ok(connection);
                    }
                }
                Some(_) => {}
                None => return self.open().await,
            }
        }
    }

    fn give_back(&self, connection: AsyncSmtpConnection) {
        let mut idle = self.idle();
        if idle.len() < CONNECTIONS {
            idle.push((connection, Instant::now()));
        }
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<(AsyncSmtpConnection, Instant)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Within the time allowed.
    async fn timely<T>(
        &self,
        address: &str,
        work: impl Future<Output = Result<T, Error>> + Send,
    ) -> Result<T, SendError> {
        match tokio::time::timeout(self.timeout, work).await {
            Ok(done) => done.map_err(|error| classify(&error, address)),
            Err(_) => Err(SendError {
                reason: format!("the mail server took longer than {} s", self.timeout.as_secs_f64()),
                permanent: false,
            }),
        }
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

    /// Sends by SMTP. Connects nothing yet.
    ///
    /// # Errors
    /// Names the setting that can't work.
    pub fn smtp(settings: &SmtpSettings) -> Result<Self, MailError> {
        let from: Mailbox = settings.from.parse().map_err(|_| MailError::From(settings.from.clone()))?;
        let tls = match settings.security {
            SmtpSecurity::None => None,
            SmtpSecurity::Tls | SmtpSecurity::Starttls => Some(
                TlsParameters::new(settings.host.clone())
                    .map_err(|e| MailError::Tls { host: settings.host.clone(), reason: e.to_string() })?,
            ),
        };
        let credentials = settings
            .credentials
            .as_ref()
            .map(|(user, password)| Credentials::new(user.clone(), password.expose_secret().to_owned()));
        Ok(Self(Some(Arc::new(Out {
            host: settings.host.clone(),
            port: settings.port.unwrap_or(settings.security.port()),
            security: settings.security,
            tls,
            credentials,
            hello: ClientId::default(),
            from,
            timeout: settings.timeout,
            idle: Mutex::default(),
        }))))
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
        out.timely("", async {
            let mut connection = out.open().await?;
            connection.quit().await.map(|_| ())
        })
        .await
    }

    /// Sends a letter.
    ///
    /// # Errors
    /// What the server or the network said, and whether trying again may help.
    pub async fn send(&self, letter: &Letter) -> Result<(), SendError> {
        let out = self.out()?;
        let message = message(letter, &out.from)?;
        out.timely(&letter.email, async {
            let mut connection = out.connection().await?;
            connection.send(message.envelope(), &message.formatted()).await?;
            out.give_back(connection);
            Ok(())
        })
        .await
    }

    fn out(&self) -> Result<&Out, SendError> {
        let off = || SendError { reason: "no mail server is set up".to_owned(), permanent: true };
        self.0.as_deref().ok_or_else(off)
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
fn classify(error: &Error, address: &str) -> SendError {
    let ours = matches!(error.status().map(u16::from), Some(530 | 534 | 535 | 538));
    let mut reason = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        // Some errors tell their cause themselves.
        let told = inner.to_string();
        if !reason.contains(&told) {
            reason = format!("{reason}: {told}");
        }
        cause = inner.source();
    }
    if !address.is_empty() {
        // Servers repeat it; it does not belong in logs.
        reason = reason.replace(address, "…");
    }
    SendError { reason, permanent: (error.is_permanent() && !ours) || error.is_client() }
}
