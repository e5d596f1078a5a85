//! Where bills are posted.

use super::SettingsError;
use quire_engine::webhook::{Secret, TIMEOUT, Target, Webhook, WebhookError, WebhookSettings};
use secrecy::SecretString;
use serde::{Deserialize, Deserializer, Serialize};
use std::{
    fmt,
    path::{Path, PathBuf},
};

/// Where the bill of each month is posted.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BillWebhook {
    /// The address; none: bills are not posted.
    pub url: Option<String>,
    /// The secret by which messages are signed.
    pub secret: Option<String>,
    /// File that holds the secret, instead of `secret`.
    pub secret_file: Option<PathBuf>,
    /// The secret before it, which signs as well while they are changed.
    pub previous_secret: Option<String>,
    /// File that holds the secret before it, instead of `previous_secret`.
    pub previous_secret_file: Option<PathBuf>,
    /// Origins that may lie in networks that are not public.
    #[serde(default, deserialize_with = "origins")]
    pub allow: Vec<String>,
}

impl fmt::Debug for BillWebhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The address may hold a secret as well.
        f.debug_struct("BillWebhook").field("set", &self.url.is_some()).finish_non_exhaustive()
    }
}

impl BillWebhook {
    /// What the engine posts bills by.
    ///
    /// # Errors
    /// If a secret's file can't be read, or holds none.
    pub fn engine(&self) -> Result<Webhook, SettingsError> {
        let Some(url) = &self.url else { return Ok(Webhook::off()) };
        let mut secrets = Vec::new();
        for (key, text, file) in self.secrets() {
            secrets.extend(read(key, text, file)?);
        }
        let settings =
            WebhookSettings { url: url.clone(), secrets, allow: self.allow.clone(), timeout: TIMEOUT };
        Webhook::new(&settings).map_err(|error| match error {
            WebhookError::Target(refused) => wrong("url", "an address that bills can be posted to", &refused),
            WebhookError::Secret(_) | WebhookError::Secrets => {
                wrong("secret", "set together with url", &error)
            }
        })
    }

    /// What can be seen without reading files.
    pub(super) fn check(&self) -> Result<(), SettingsError> {
        let Some(url) = &self.url else {
            let alone = self.secrets().into_iter().find(|(_, text, file)| text.is_some() || file.is_some());
            return alone
                .map_or(Ok(()), |(key, ..)| Err(set(key, "left out where bill_webhook.url is not set")));
        };
        Target::new(url, &self.allow)
            .map_err(|refused| wrong("url", "an address that bills can be posted to", &refused))?;
        for (key, text, file) in self.secrets() {
            if text.is_some() && file.is_some() {
                return Err(set(
                    &format!("{key}_file"),
                    &format!("left out where bill_webhook.{key} is set"),
                ));
            }
            if let Some(text) = text {
                text.parse::<Secret>().map_err(|error| wrong(key, "a secret", &error))?;
            }
        }
        if self.secret.is_none() && self.secret_file.is_none() {
            return Err(set("url", "set together with bill_webhook.secret or bill_webhook.secret_file"));
        }
        Ok(())
    }

    fn secrets(&self) -> [(&'static str, Option<&str>, Option<&Path>); 2] {
        [
            ("secret", self.secret.as_deref(), self.secret_file.as_deref()),
            ("previous_secret", self.previous_secret.as_deref(), self.previous_secret_file.as_deref()),
        ]
    }
}

/// A secret from its setting or its file.
fn read(key: &str, text: Option<&str>, file: Option<&Path>) -> Result<Option<SecretString>, SettingsError> {
    let text = match (text, file) {
        (Some(text), _) => text.to_owned(),
        (None, Some(path)) => std::fs::read_to_string(path).map_err(|cause| SettingsError::Value {
            key: format!("bill_webhook.{key}_file"),
            value: path.display().to_string(),
            allowed: format!("a file that can be read ({cause})"),
        })?,
        (None, None) => return Ok(None),
    };
    text.parse::<Secret>().map_err(|error| wrong(key, "a secret", &error))?;
    Ok(Some(text.into()))
}

/// A value that is not repeated: it is a secret, or may hold one.
fn wrong(key: &str, allowed: &str, why: &dyn fmt::Display) -> SettingsError {
    set(key, &format!("{allowed}: {why}"))
}

fn set(key: &str, allowed: &str) -> SettingsError {
    SettingsError::Value {
        key: format!("bill_webhook.{key}"),
        value: "set".to_owned(),
        allowed: allowed.to_owned(),
    }
}

/// Origins as a list, or as one text with commas, as environment variables give it.
fn origins<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Given {
        List(Vec<String>),
        Text(String),
    }
    let list = match Given::deserialize(from)? {
        Given::List(list) => list,
        Given::Text(text) => text.split(',').map(str::to_owned).collect(),
    };
    Ok(list.iter().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    fn checked(text: &str) -> Result<BillWebhook, String> {
        let read: BillWebhook = toml::from_str(text).map_err(|error| error.to_string())?;
        read.check().map_err(|error| error.to_string())?;
        Ok(read)
    }

    #[test]
    fn an_address_wants_a_secret_and_both_are_checked() {
        assert!(!checked("").unwrap().engine().unwrap().is_on());
        let set = checked(&format!("url = \"https://x.example/?key=hush\"\nsecret = \"{SECRET}\"")).unwrap();
        assert_eq!(set.engine().unwrap().origin().as_deref(), Some("https://x.example"));
        assert!(!format!("{set:?}").contains("hush") && !format!("{set:?}").contains("whsec"));
        let inside = "url = \"https://10.0.0.5:8443/\"\nallow = \"https://10.0.0.5:8443, https://b.example\"";
        assert!(checked(&format!("{inside}\nsecret = \"{SECRET}\"")).is_ok());
        for (text, parts) in [
            (format!("secret = \"{SECRET}\""), vec!["bill_webhook.secret", "bill_webhook.url is not set"]),
            ("url = \"https://x.example/\"".to_owned(), vec!["bill_webhook.url", "bill_webhook.secret_file"]),
            ("url = \"http://x.example/\"".to_owned(), vec!["bill_webhook.url", "must begin with https"]),
            ("url = \"https://10.0.0.5/?hush\"".to_owned(), vec!["a private address", "bill_webhook.allow"]),
            (
                "url = \"https://x.example/\"\nsecret = \"hush\"".to_owned(),
                vec!["bill_webhook.secret", "openssl rand -base64 32"],
            ),
            (
                format!("url = \"https://x.example/\"\nsecret = \"{SECRET}\"\nsecret_file = \"x\""),
                vec!["bill_webhook.secret_file", "left out"],
            ),
            (
                format!("url = \"https://x.example/\"\nsecret = \"{SECRET}\"\nprevious_secret = \"hush\""),
                vec!["bill_webhook.previous_secret", "whsec_"],
            ),
        ] {
            let told = checked(&text).unwrap_err();
            assert!(parts.iter().all(|part| told.contains(part)), "{text}: {told}");
            assert!(!told.contains("hush") && !told.contains("MfKQ"), "{told}");
        }
    }

    #[test]
    fn secrets_are_read_from_files() {
        let folder = tempfile::tempdir().unwrap();
        let (file, bad) = (folder.path().join("secret"), folder.path().join("bad"));
        std::fs::write(&file, format!("{SECRET}\n")).unwrap();
        std::fs::write(&bad, "hush\n").unwrap();
        let with = |path: &Path| {
            let webhook = BillWebhook {
                url: Some("https://x.example/".to_owned()),
                secret_file: Some(path.to_owned()),
                ..BillWebhook::default()
            };
            webhook.check().and_then(|()| webhook.engine()).map_err(|error| error.to_string())
        };
        assert!(with(&file).unwrap().is_on());
        let told = with(&bad).unwrap_err();
        assert!(told.contains("bill_webhook.secret") && !told.contains("hush"), "{told}");
        assert!(with(&folder.path().join("none")).unwrap_err().contains("bill_webhook.secret_file"));
    }
}
