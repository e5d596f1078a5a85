//! Secrets in a setup file: not shown by `Debug`, wiped from memory when dropped.

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Deserializer, de};
use std::fmt;

/// A password or key.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Its text.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
    /// As a secret of the kind that providers take.
    #[must_use]
    pub fn key(&self) -> SecretString {
        self.0.clone()
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The usual error repeats the value.
        let text = String::deserialize(deserializer);
        text.map(Self::from).map_err(|_| de::Error::custom("a password or key must be text, in quotes"))
    }
}
