//! Reading settings from their sources, with errors that name the key, its value and what is allowed.

use super::Settings;
use config::{Config, ConfigError, Environment, File, FileFormat};
use std::{collections::HashMap, path::PathBuf};

/// Environment variables that are not settings, though their names begin alike.
const NOT_SETTINGS: [&str; 4] = ["QUIRE_CONFIG", "QUIRE_CRASH_AT", "QUIRE_STOP_AT", "QUIRE_TOKEN"];

/// Variables of the tests, which may stand in the environment of a program that they start.
const FOR_TESTS: &str = "QUIRE_TEST_";

/// Where settings come from, besides their defaults.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// The TOML file.
    pub file: Option<PathBuf>,
    /// Environment variables; those whose names begin with `QUIRE_` count.
    pub environment: HashMap<String, String>,
    /// Values given as flags: dotted key and value. The last one of a key wins.
    pub flags: Vec<(String, String)>,
}

/// Settings that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file can't be read.
    #[error("the settings file {path} can't be read: {cause}", path = .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// The file is not TOML.
    #[error("the settings file {path} is not TOML: {cause}", path = .path.display())]
    Toml {
        /// The file.
        path: PathBuf,
        /// Where and why.
        cause: String,
    },
    /// A key that is none.
    #[error("\"{key}\"{origin} is not a setting; docs/operations.md lists them all")]
    Unknown {
        /// The key, dotted.
        key: String,
        /// Where it was given, as the end of a phrase.
        origin: String,
    },
    /// A value of the wrong type.
    #[error("the setting \"{key}\"{origin} can't be used: {reason}")]
    Type {
        /// The key, dotted.
        key: String,
        /// Where it was given, as the end of a phrase.
        origin: String,
        /// What is wrong.
        reason: String,
    },
    /// A value that is not allowed.
    #[error("the setting \"{key}\" is {value}, but must be {allowed}")]
    Value {
        /// The key, dotted.
        key: String,
        /// The value.
        value: String,
        /// What is allowed.
        allowed: String,
    },
}

/// Reads and checks the settings.
///
/// # Errors
/// The first thing that is wrong.
pub fn load(source: &Source) -> Result<Settings, SettingsError> {
    let mut builder =
        Config::builder().add_source(Config::try_from(&Settings::default()).map_err(|e| named(&e))?);
    if let Some(path) = &source.file {
        let text = std::fs::read_to_string(path)
            .map_err(|cause| SettingsError::File { path: path.clone(), cause })?;
        // Read once by the TOML crate itself, whose errors show line and column.
        if let Err(cause) = text.parse::<toml::Table>() {
            return Err(SettingsError::Toml { path: path.clone(), cause: cause.to_string() });
        }
        builder = builder.add_source(File::from_str(&text, FileFormat::Toml));
    }
    let environment = source
        .environment
        .iter()
        .filter(|(name, value)| {
            !NOT_SETTINGS.contains(&name.as_str()) && !name.starts_with(FOR_TESTS) && !value.is_empty()
        })
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    builder = builder.add_source(
        Environment::with_prefix("QUIRE").prefix_separator("_").separator("__").source(Some(environment)),
    );
    for (key, value) in &source.flags {
        builder = builder
            .set_override(key, value.as_str())
            .map_err(|_| SettingsError::Unknown { key: key.clone(), origin: String::new() })?;
    }
    let settings: Settings = builder.build().and_then(Config::try_deserialize).map_err(|e| named(&e))?;
    settings.check()?;
    Ok(settings)
}

/// The error in our words.
fn named(error: &ConfigError) -> SettingsError {
    let place = |origin: &Option<String>| match origin.as_deref() {
        Some("the environment") => " (from the environment)".to_owned(),
        _ => String::new(),
    };
    match error {
        ConfigError::Type { origin, unexpected, expected, key } => SettingsError::Type {
            key: key.clone().unwrap_or_default(),
            origin: place(origin),
            reason: format!("it is {}, but must be {expected}", unexpected.to_string().replace('`', "")),
        },
        ConfigError::At { error, origin, key } => {
            let key = key.clone().unwrap_or_default();
            let reason = error.to_string();
            match unknown_field(&reason) {
                Some(field) => SettingsError::Unknown {
                    key: if key.is_empty() { field.to_owned() } else { format!("{key}.{field}") },
                    origin: place(origin),
                },
                None => SettingsError::Type { key, origin: place(origin), reason },
            }
        }
        other => {
            let reason = other.to_string();
            match unknown_field(&reason) {
                Some(field) => SettingsError::Unknown { key: field.to_owned(), origin: String::new() },
                None => SettingsError::Type { key: String::new(), origin: String::new(), reason },
            }
        }
    }
}

/// The name in serde's message about an unknown field.
fn unknown_field(message: &str) -> Option<&str> {
    message.strip_prefix("unknown field `")?.split('`').next()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::{LogFormat, Period, SmtpSecurity};
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> Source {
        let environment = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Source { environment, ..Source::default() }
    }
    fn toml(text: &str) -> (tempfile::TempDir, Source) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("quire.toml");
        std::fs::write(&path, text).unwrap();
        (dir, Source { file: Some(path), ..Source::default() })
    }
    fn wrong(text: &str) -> String {
        let (_dir, source) = toml(text);
        load(&source).unwrap_err().to_string()
    }

    #[test]
    fn defaults_are_valid() {
        assert_eq!(load(&Source::default()).unwrap(), Settings::default());
    }

    #[test]
    fn later_sources_win() {
        let (_dir, mut source) = toml(
            "listen = \"0.0.0.0:1\"\ndatabase = \"sqlite:file.db\"\n[log]\nlevel = \"warn\"\n[lanes.standard]\ngather_seconds = 7\n",
        );
        let settings = load(&source).unwrap();
        assert_eq!(settings.listen.port(), 1);
        assert_eq!(settings.lanes.standard.gather_seconds, 7);
        assert_eq!(settings.lanes.standard.attempts, 2, "the rest of a section keeps its defaults");
        source.environment = environment(&[
            ("QUIRE_LISTEN", "0.0.0.0:2"),
            ("QUIRE_LOG__FORMAT", "json"),
            ("QUIRE_SMTP__HOST", "mail"),
            ("QUIRE_SMTP__SECURITY", "none"),
            ("QUIRE_SMTP__PASSWORD", "1e5"),
            ("QUIRE_LANES__URGENT__ATTEMPTS", "4"),
            ("QUIRE_TRUSTED_PROXIES", "127.0.0.1, 10.0.0.0/8"),
            ("QUIRE_CONFIG", "elsewhere.toml"),
            ("PATH", "/bin"),
        ])
        .environment;
        source.flags = vec![("listen".to_owned(), "0.0.0.0:3".to_owned())];
        let settings = load(&source).unwrap();
        assert_eq!(settings.listen.port(), 3);
        assert_eq!(settings.database, "sqlite:file.db");
        assert_eq!(settings.log.format, LogFormat::Json);
        assert_eq!(settings.log.level, "warn");
        assert_eq!(settings.smtp.security, SmtpSecurity::None);
        assert_eq!(settings.smtp.password.as_deref(), Some("1e5"), "a text stays as it was written");
        assert_eq!(settings.lanes.urgent.attempts, 4);
        assert_eq!(settings.trusted_proxies.len(), 2);
    }

    #[test]
    fn errors_name_key_value_and_what_is_allowed() {
        for (text, parts) in [
            ("listen = \"nowhere\"", vec!["listen", "socket address"]),
            ("lisen = \"x\"", vec!["lisen", "is not a setting"]),
            ("[log]\ncolour = 1", vec!["log.colour", "is not a setting"]),
            ("[sessions]\nidle = \"soon\"", vec!["sessions.idle", "soon", "12h"]),
            ("[sessions]\nidle = \"8days\"", vec!["sessions.idle", "8days", "at most sessions.absolute"]),
            ("[smtp]\nport = 70000", vec!["smtp.port", "70000", "16 bit"]),
            ("[smtp]\nport = \"many\"", vec!["smtp.port", "many", "integer"]),
            ("[smtp]\nsecurity = \"maybe\"", vec!["smtp.security", "maybe", "starttls"]),
            ("[smtp]\nfrom = \"nobody\"", vec!["smtp.from", "nobody", "quire@example.edu"]),
            ("[smtp]\nuser = \"me\"", vec!["smtp.user", "smtp.password"]),
            ("[uploads]\nbytes = 1", vec!["uploads.bytes", "1,", "200000000"]),
            ("[retry.time_out]\nattempts = 0", vec!["retry.time_out.attempts", "1 to 100"]),
            ("[retry]\nblocked_seconds = 0", vec!["retry.blocked_seconds", "0", "1 to 86400"]),
            ("[retry.recovery]\nattempts = 4", vec!["retry.recovery.attempts", "4", "0 to 3"]),
            ("[retry.recovery]\nthird_seconds = 3000000", vec!["retry.recovery.third_seconds", "2592000"]),
            ("[queue.turnaround_prior]\np90 = 1", vec!["queue.turnaround_prior.p90", "at least"]),
            ("[lanes.economy]\nattempts = 0", vec!["lanes.economy.attempts", "0", "1 to 100"]),
            ("[lanes.economy]\nattempts = -1", vec!["lanes.economy.attempts", "-1"]),
            ("time_zone = \"Mars/Olympus\"", vec!["time_zone", "Mars/Olympus"]),
            ("public_url = \"ftp://x\"", vec!["public_url", "ftp://x", "https://"]),
            ("public_url = \"https://x/path\"", vec!["public_url", "without a path"]),
            ("database = \"mysql://root:secret@x\"", vec!["database", "mysql", "sqlite:PATH"]),
            ("[log]\nlevel = \"=loud=\"", vec!["log.level", "=loud=", "info"]),
            ("trusted_proxies = [\"proxy\"]", vec!["trusted_proxies", "proxy", "10.0.0.0/8"]),
            ("[http]\nrequest_timeout = \"0s\"", vec!["http.request_timeout", "0s", "from 1s"]),
            ("listen = ", vec!["quire.toml", "not TOML", "line 1"]),
            ("smtp = 3", vec!["smtp"]),
        ] {
            let message = wrong(text);
            for part in parts {
                assert!(message.contains(part), "{text}: {message} should name {part}");
            }
        }
        assert!(!wrong("database = \"mysql://root:secret@x\"").contains("secret"));
        let from_environment = load(&environment(&[("QUIRE_SMTP__PORT", "many")])).unwrap_err().to_string();
        assert!(from_environment.contains("smtp.port"), "{from_environment}");
        let flag = Source { flags: vec![("a..b".to_owned(), "1".to_owned())], ..Source::default() };
        assert!(load(&flag).unwrap_err().to_string().contains("a..b"));
        let missing = Source { file: Some(PathBuf::from("/nowhere/quire.toml")), ..Source::default() };
        assert!(load(&missing).unwrap_err().to_string().contains("/nowhere/quire.toml"));
    }

    #[test]
    fn periods_from_the_environment() {
        let settings = load(&environment(&[("QUIRE_SESSIONS__IDLE", "10min")])).unwrap();
        assert_eq!(settings.sessions.idle, Period::minutes(10));
    }
}
