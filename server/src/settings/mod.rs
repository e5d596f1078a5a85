//! Settings: a TOML file, overridden by environment variables, overridden by flags; checked before anything starts.

mod load;
pub mod reference;
mod units;
mod webhook;

pub use load::{SettingsError, Source, load};
pub use units::Period;
pub use webhook::BillWebhook;

use ipnet::IpNet;
use quire_engine::{
    batching::Tuning,
    notice,
    provider::BreakerSettings,
    queue::{Lanes, Turnaround},
    recovery::{RetryPolicy, RetryTable},
    submission::extract::{Bounds, ExtractLimits},
};
use secrecy::SecretString;
use serde::{Deserialize, Deserializer, Serialize, de};
use std::{
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
};
use url::Url;

/// All settings of the program.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Address of the database.
    pub database: String,
    /// Address and port to listen on.
    pub listen: SocketAddr,
    /// Address under which people reach this Quire; none: `http://` and the address listened on.
    pub public_url: Option<Url>,
    /// Folder for the master key and other files of Quire's own.
    pub data_dir: PathBuf,
    /// File with the key that seals providers' keys; none: `master.key` in `data_dir`.
    pub master_key_file: Option<PathBuf>,
    /// Time zone of the institution: of months in budgets, of schedules, of pages before signing in.
    pub time_zone: chrono_tz::Tz,
    /// Proxies whose `X-Forwarded-For` is believed.
    #[serde(default, deserialize_with = "networks")]
    pub trusted_proxies: Vec<IpNet>,
    /// Sending of e-mail.
    pub smtp: Smtp,
    /// Where the bill of each month is posted.
    pub bill_webhook: BillWebhook,
    /// How long jobs wait and how often they are asked again, by lane.
    pub lanes: Lanes,
    /// How failures of providers are tried again.
    pub retry: RetryTable,
    /// When providers that fail are paused.
    pub breaker: BreakerSettings,
    /// The queue as a whole.
    pub queue: Queue,
    /// How batches are put together, sized and split.
    pub batching: Tuning,
    /// Answers to earlier requests.
    pub answers: Answers,
    /// What may be handed in.
    pub uploads: ExtractLimits,
    /// What reading one file may take.
    pub extraction: Bounds,
    /// Signing in.
    pub sessions: Sessions,
    /// The web server.
    pub http: Http,
    /// What is logged, and how.
    pub log: Log,
}

/// Sending of e-mail.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Smtp {
    /// Name of the mail server; none: no e-mail is sent.
    pub host: Option<String>,
    /// Its port; none: the usual one of `security`.
    pub port: Option<u16>,
    /// How the connection is protected.
    #[serde(deserialize_with = "word")]
    pub security: SmtpSecurity,
    /// Name to sign in with; none: without signing in.
    pub user: Option<String>,
    /// Password to sign in with.
    pub password: Option<String>,
    /// File that holds the password, instead of `password`.
    pub password_file: Option<PathBuf>,
    /// Address from which Quire writes.
    pub from: String,
}

impl std::fmt::Debug for Smtp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Smtp")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("security", &self.security)
            .finish_non_exhaustive()
    }
}

/// How the connection to a mail server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum SmtpSecurity {
    /// Encrypted from the start (usual port 465).
    Tls,
    /// Begins in clear and must turn to encryption (usual port 587).
    Starttls,
    /// In clear: for a mail server on the same machine only (usual port 25).
    None,
}

/// The queue as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Queue {
    /// First hour of the day that counts as peak, in the institution's time zone.
    pub peak_from: u32,
    /// The hour at which the peak is over.
    pub peak_to: u32,
    /// Seconds without a sign of life after which a process is taken to have ended.
    pub lease_seconds: u32,
    /// How long batches take where too few were measured.
    pub turnaround_prior: Turnaround,
    /// Times that a process may end while at work on a job before the job becomes a dead letter.
    pub most_kills: u32,
    /// Results taken in within one transaction.
    pub ingest_chunk: u32,
}

/// Answers to earlier requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answers {
    /// They are given again for the same work, rather than paid for again.
    pub reuse: bool,
}

/// Signing in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sessions {
    /// A session ends after this long without a visit.
    pub idle: Period,
    /// A session ends this long after signing in, whatever happens.
    pub absolute: Period,
    /// Failed sign-ins for one account from one network in 15 minutes before it must wait.
    pub attempts: u32,
}

/// The web server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// A request that is not answered by then is given up.
    pub request_timeout: Period,
    /// Open connections at once; more wait to be accepted.
    pub max_connections: usize,
    /// Live streams that one person may have open at once.
    pub streams_per_person: usize,
    /// Time that open requests have to end when the program is stopped.
    pub shutdown_grace: Period,
}

/// What is logged, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// How lines are written.
    #[serde(deserialize_with = "word")]
    pub format: LogFormat,
    /// The least important level that is written, or filters by module such as `info,sqlx=warn`.
    pub level: String,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            database: "sqlite:data/quire.db".to_owned(),
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            public_url: None,
            data_dir: PathBuf::from("data"),
            master_key_file: None,
            time_zone: chrono_tz::UTC,
            trusted_proxies: Vec::new(),
            smtp: Smtp {
                host: None,
                port: None,
                security: SmtpSecurity::Starttls,
                user: None,
                password: None,
                password_file: None,
                from: "Quire <quire@localhost>".to_owned(),
            },
            bill_webhook: BillWebhook::default(),
            lanes: Lanes::default(),
            retry: RetryTable::default(),
            breaker: BreakerSettings::default(),
            queue: Queue::of(&quire_engine::settings::Settings::default()),
            batching: Tuning::default(),
            answers: Answers { reuse: quire_engine::settings::Settings::default().reuse_answers },
            uploads: ExtractLimits::default(),
            extraction: Bounds::default(),
            sessions: Sessions { idle: Period::hours(12), absolute: Period::days(7), attempts: 10 },
            http: Http {
                request_timeout: Period::seconds(30),
                max_connections: 8192,
                streams_per_person: 6,
                shutdown_grace: Period::seconds(10),
            },
            log: Log { format: LogFormat::Text, level: "info".to_owned() },
        }
    }
}

impl Smtp {
    /// What the engine sends e-mail by; none where no mail server is set.
    ///
    /// # Errors
    /// If the password's file can't be read.
    pub fn engine(&self) -> Result<Option<notice::SmtpSettings>, SettingsError> {
        let Some(host) = &self.host else { return Ok(None) };
        let password = match (&self.password, &self.password_file) {
            (Some(password), _) => Some(password.clone()),
            (None, Some(path)) => {
                let text = std::fs::read_to_string(path).map_err(|cause| SettingsError::Value {
                    key: "smtp.password_file".to_owned(),
                    value: path.display().to_string(),
                    allowed: format!("a file that can be read ({cause})"),
                })?;
                Some(text.trim_end_matches(['\r', '\n']).to_owned())
            }
            (None, None) => None,
        };
        Ok(Some(notice::SmtpSettings {
            host: host.clone(),
            port: self.port,
            security: match self.security {
                SmtpSecurity::Tls => notice::SmtpSecurity::Tls,
                SmtpSecurity::Starttls => notice::SmtpSecurity::Starttls,
                SmtpSecurity::None => notice::SmtpSecurity::None,
            },
            credentials: self.user.clone().zip(password.map(SecretString::from)),
            from: self.from.clone(),
            timeout: std::time::Duration::from_secs(30),
        }))
    }
}

impl Queue {
    fn of(engine: &quire_engine::settings::Settings) -> Self {
        Self {
            peak_from: engine.peak_hours.0,
            peak_to: engine.peak_hours.1,
            lease_seconds: engine.lease_seconds,
            turnaround_prior: engine.turnaround_prior,
            most_kills: engine.most_kills,
            ingest_chunk: engine.ingest_chunk,
        }
    }
}

impl Settings {
    /// What the engine is set to do.
    #[must_use]
    pub fn engine(&self) -> quire_engine::settings::Settings {
        quire_engine::settings::Settings {
            time_zone: self.time_zone,
            public_url: self.public_address(),
            lanes: self.lanes,
            retry: self.retry,
            breaker: self.breaker,
            peak_hours: (self.queue.peak_from, self.queue.peak_to),
            lease_seconds: self.queue.lease_seconds,
            turnaround_prior: self.queue.turnaround_prior,
            most_kills: self.queue.most_kills,
            ingest_chunk: self.queue.ingest_chunk,
            batching: self.batching,
            reuse_answers: self.answers.reuse,
        }
    }

    /// Address under which people reach this Quire, without a slash at its end.
    #[must_use]
    pub fn public_address(&self) -> String {
        self.public_url.as_ref().map_or_else(
            || format!("http://{}", self.listen),
            |url| url.as_str().trim_end_matches('/').to_owned(),
        )
    }

    /// Whether people reach this Quire over an encrypted connection.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.public_url.as_ref().is_some_and(|url| url.scheme() == "https")
    }

    /// The file with the key that seals providers' keys.
    #[must_use]
    pub fn master_key_path(&self) -> PathBuf {
        self.master_key_file.clone().unwrap_or_else(|| self.data_dir.join("master.key"))
    }

    /// What can only be seen on values together, or on values that are of the right type and yet impossible.
    fn check(&self) -> Result<(), SettingsError> {
        let wrong = |key: &str, value: &dyn std::fmt::Display, allowed: &str| {
            Err(SettingsError::Value {
                key: key.to_owned(),
                value: value.to_string(),
                allowed: allowed.to_owned(),
            })
        };
        if !["sqlite:", "postgres://", "postgresql://"].iter().any(|scheme| self.database.starts_with(scheme))
        {
            // The value may hold a password.
            let scheme = self.database.split(':').next().unwrap_or_default();
            return wrong(
                "database",
                &format!("{scheme}…"),
                "an address sqlite:PATH or postgres://USER:PASSWORD@HOST/NAME",
            );
        }
        if let Some(url) = &self.public_url {
            let plain = matches!(url.scheme(), "http" | "https")
                && url.has_host()
                && url.path() == "/"
                && url.query().is_none()
                && url.fragment().is_none()
                && url.username().is_empty();
            if !plain {
                return wrong(
                    "public_url",
                    url,
                    "an address such as https://quire.example.edu, without a path",
                );
            }
        }
        if self.smtp.from.parse::<SmtpAddress>().is_err() {
            return wrong("smtp.from", &self.smtp.from, "an address such as Quire <quire@example.edu>");
        }
        if self.smtp.password.is_some() && self.smtp.password_file.is_some() {
            return wrong("smtp.password_file", &"set", "left out where smtp.password is set");
        }
        if self.smtp.user.is_some() && self.smtp.password.is_none() && self.smtp.password_file.is_none() {
            return wrong("smtp.user", &"set", "set together with smtp.password or smtp.password_file");
        }
        self.bill_webhook.check()?;
        for lane in quire_engine::queue::Lane::ALL {
            let settings = self.lanes.of(lane);
            let key = |name: &str| format!("lanes.{}.{name}", lane.name());
            if !(1..=100).contains(&settings.attempts) {
                return wrong(&key("attempts"), &settings.attempts, "a number from 1 to 100");
            }
            if settings.gather_seconds > 86_400 {
                return wrong(&key("gather_seconds"), &settings.gather_seconds, "at most 86400 (a day)");
            }
            if settings.backoff_seconds > 3_600 {
                return wrong(&key("backoff_seconds"), &settings.backoff_seconds, "at most 3600 (an hour)");
            }
        }
        let policies = [
            ("rate_limit", &self.retry.rate_limit),
            ("time_out", &self.retry.time_out),
            ("token_limit", &self.retry.token_limit),
            ("provider", &self.retry.provider),
        ];
        for (kind, policy) in policies {
            let RetryPolicy { attempts, first_seconds, most_seconds, .. } = *policy;
            if !(1..=100).contains(&attempts) {
                return wrong(&format!("retry.{kind}.attempts"), &attempts, "a number from 1 to 100");
            }
            if first_seconds > most_seconds || most_seconds > 86_400 {
                let allowed = "at least first_seconds and at most 86400 (a day)";
                return wrong(&format!("retry.{kind}.most_seconds"), &most_seconds, allowed);
            }
        }
        let breaker = &self.breaker;
        if breaker.first_pause_seconds < 1 || breaker.most_pause_seconds < breaker.first_pause_seconds {
            let allowed = "at least breaker.first_pause_seconds, which is at least 1";
            return wrong("breaker.most_pause_seconds", &breaker.most_pause_seconds, allowed);
        }
        let RetryTable { recovery, blocked_seconds, queue_full_seconds, insist_seconds, .. } = self.retry;
        if recovery.attempts > 3 {
            return wrong("retry.recovery.attempts", &recovery.attempts, "a number from 0 to 3");
        }
        let waits = [
            ("retry.blocked_seconds", blocked_seconds, 86_400),
            ("retry.queue_full_seconds", queue_full_seconds, 86_400),
            ("retry.insist_seconds", insist_seconds, 86_400),
            ("retry.recovery.first_seconds", recovery.first_seconds, 2_592_000),
            ("retry.recovery.second_seconds", recovery.second_seconds, 2_592_000),
            ("retry.recovery.third_seconds", recovery.third_seconds, 2_592_000),
        ];
        for (key, value, most) in waits {
            if !(1..=most).contains(&value) {
                return wrong(key, &value, &format!("a number of seconds from 1 to {most}"));
            }
        }
        let queue = &self.queue;
        let prior = queue.turnaround_prior;
        if prior.p50 < 1 || prior.p90 < prior.p50 || prior.p90 > 30 * 86_400 {
            let allowed =
                "at least queue.turnaround_prior.p50, which is at least 1, and at most 2592000 (30 days)";
            return wrong("queue.turnaround_prior.p90", &prior.p90, allowed);
        }
        let batching = &self.batching;
        if [batching.cost_weight, batching.waiting_weight, batching.risk_weight] == [0; 3] {
            return wrong("batching.cost_weight", &0, "above zero where the other two weights are zero");
        }
        let numbers: [(&str, u64, u64, u64); 24] = [
            ("breaker.failures_in_a_row", breaker.failures_in_a_row.into(), 1, 1_000),
            ("breaker.failures_percent", breaker.failures_percent.into(), 1, 100),
            ("breaker.least_exchanges", breaker.least_exchanges.into(), 1, 500),
            ("breaker.window_seconds", breaker.window_seconds.into(), 1, 900),
            ("breaker.most_pause_seconds", breaker.most_pause_seconds.into(), 1, 86_400),
            ("breaker.redecide_seconds", breaker.redecide_seconds.into(), 1, 86_400),
            ("breaker.notice_seconds", breaker.notice_seconds.into(), 1, 86_400),
            ("batching.cost_weight", batching.cost_weight.into(), 0, 10_000),
            ("batching.waiting_weight", batching.waiting_weight.into(), 0, 10_000),
            ("batching.risk_weight", batching.risk_weight.into(), 0, 10_000),
            ("batching.cache_hits", batching.cache_hits.into(), 0, 100),
            ("batching.split_delay_seconds", batching.split_delay_seconds.into(), 0, 3_600),
            ("queue.peak_from", queue.peak_from.into(), 0, 24),
            ("queue.peak_to", queue.peak_to.into(), 0, 24),
            ("queue.lease_seconds", queue.lease_seconds.into(), 2, 3_600),
            ("queue.most_kills", queue.most_kills.into(), 1, 100),
            ("queue.ingest_chunk", queue.ingest_chunk.into(), 1, 10_000),
            ("uploads.bytes", self.uploads.bytes, 1_000, 200_000_000),
            ("uploads.characters", self.uploads.characters, 100, 10_000_000),
            ("uploads.pages", self.uploads.pages.into(), 1, 10_000),
            ("uploads.unpacked_bytes", self.uploads.unpacked_bytes, 1_000, 2_000_000_000),
            ("uploads.entries", self.uploads.entries.into(), 1, 100_000),
            ("extraction.memory", self.extraction.memory, 100_000_000, 64_000_000_000),
            ("extraction.seconds", self.extraction.seconds, 1, 600),
        ];
        for (key, value, least, most) in numbers {
            if !(least..=most).contains(&value) {
                return wrong(key, &value, &format!("a number from {least} to {most}"));
            }
        }
        let periods = [
            ("sessions.idle", self.sessions.idle, Period::minutes(1), Period::days(365)),
            ("sessions.absolute", self.sessions.absolute, Period::minutes(1), Period::days(365)),
            ("http.request_timeout", self.http.request_timeout, Period::seconds(1), Period::minutes(10)),
            ("http.shutdown_grace", self.http.shutdown_grace, Period::seconds(0), Period::minutes(10)),
        ];
        for (key, period, least, most) in periods {
            if period < least || period > most {
                return wrong(key, &period, &format!("a length of time from {least} to {most}"));
            }
        }
        if self.sessions.idle > self.sessions.absolute {
            return wrong("sessions.idle", &self.sessions.idle, "at most sessions.absolute");
        }
        if !(1..=1_000).contains(&self.sessions.attempts) {
            return wrong("sessions.attempts", &self.sessions.attempts, "a number from 1 to 1000");
        }
        if !(1..=1_000_000).contains(&self.http.max_connections) {
            return wrong("http.max_connections", &self.http.max_connections, "a number from 1 to 1000000");
        }
        if !(1..=1_000).contains(&self.http.streams_per_person) {
            return wrong(
                "http.streams_per_person",
                &self.http.streams_per_person,
                "a number from 1 to 1000",
            );
        }
        if self.log.level.parse::<tracing_subscriber::filter::Targets>().is_err() {
            return wrong(
                "log.level",
                &self.log.level,
                "error, warn, info, debug or trace, or filters by module such as info,sqlx=warn",
            );
        }
        Ok(())
    }
}

/// An e-mail address with or without a name before it, as far as settings check it.
struct SmtpAddress;

impl std::str::FromStr for SmtpAddress {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let address = match text.rsplit_once('<') {
            Some((_, rest)) => rest.strip_suffix('>').ok_or(())?,
            None => text,
        };
        match address.split_once('@') {
            Some((user, host))
                if !user.is_empty()
                    && !host.is_empty()
                    && !address.contains(|c: char| c.is_whitespace() || c.is_control())
                    && !host.contains('@') =>
            {
                Ok(Self)
            }
            _ => Err(()),
        }
    }
}

/// One of a few words.
fn word<'de, D: Deserializer<'de>, T: clap::ValueEnum>(from: D) -> Result<T, D::Error> {
    let text = String::deserialize(from)?;
    T::from_str(text.trim(), true).map_err(|_| {
        let words = T::value_variants().iter().filter_map(clap::ValueEnum::to_possible_value);
        let words: Vec<_> = words.map(|word| word.get_name().to_owned()).collect();
        de::Error::custom(format!("\"{text}\" is not one of {}", words.join(", ")))
    })
}

/// Networks as a list, or as one text with commas, as environment variables give it.
fn networks<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<IpNet>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Given {
        List(Vec<String>),
        Text(String),
    }
    let names = match Given::deserialize(from)? {
        Given::List(list) => list,
        Given::Text(text) => text.split(',').map(str::to_owned).collect(),
    };
    let names = names.iter().map(|name| name.trim()).filter(|name| !name.is_empty());
    names
        .map(|name| {
            name.parse::<IpNet>().or_else(|_| name.parse::<IpAddr>().map(IpNet::from)).map_err(|_| {
                de::Error::custom(format!("\"{name}\" is not a network; write 10.0.0.0/8 or 127.0.0.1"))
            })
        })
        .collect()
}

/// The settings file looked for when none is named.
pub const DEFAULT_FILE: &str = "quire.toml";

/// The settings file to read: the named one, else `quire.toml` in the working folder where there is one.
#[must_use]
pub fn file_to_read(named: Option<&Path>) -> Option<PathBuf> {
    match named {
        Some(path) => Some(path.to_owned()),
        None => Some(PathBuf::from(DEFAULT_FILE)).filter(|path| path.is_file()),
    }
}
