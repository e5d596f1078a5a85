//! Secrets of webhooks, and signatures by them (Standard Webhooks, symmetric). Pure.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretSlice};
use sha2::Sha256;
use std::{fmt, ops::RangeInclusive, str::FromStr};

/// What a secret begins with as text.
const PREFIX: &str = "whsec_";

/// How many bytes a secret may have.
const BYTES: RangeInclusive<usize> = 24..=64;

/// A secret that sender and receiver share. It is never shown.
pub struct Secret(SecretSlice<u8>);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The text is no secret; it is not repeated here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a secret is written as whsec_ and then 24 to 64 bytes in base64; make one with: echo whsec_$(openssl rand -base64 32)"
)]
pub struct SecretError;

impl FromStr for Secret {
    type Err = SecretError;

    fn from_str(text: &str) -> Result<Self, SecretError> {
        let bytes = STANDARD.decode(text.trim().strip_prefix(PREFIX).ok_or(SecretError)?);
        let bytes = bytes.map_err(|_| SecretError)?;
        if BYTES.contains(&bytes.len()) { Ok(Self(bytes.into())) } else { Err(SecretError) }
    }
}

impl Secret {
    fn sign(&self, id: &str, at: DateTime<Utc>, body: &str) -> String {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(self.0.expose_secret()).expect("HMAC takes a key of any length");
        mac.update(format!("{id}.{}.", at.timestamp()).as_bytes());
        mac.update(body.as_bytes());
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

/// The header `webhook-signature` of a message: a signature by each secret, so that a receiver that knows one of them can
/// check it while they are changed.
#[must_use]
pub fn signature(secrets: &[Secret], id: &str, at: DateTime<Utc>, body: &str) -> String {
    secrets.iter().map(|secret| secret.sign(id, at, body)).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn sign(secret: &str, id: &str, at: i64, body: &str) -> String {
        let secret: Secret = secret.parse().unwrap();
        signature(&[secret], id, DateTime::from_timestamp(at, 0).unwrap(), body)
    }

    /// Each was worked out by Python's `hmac`; the first is the specification's own example.
    #[test]
    fn signatures_are_those_of_others() {
        for (secret, id, at, body, expected) in [
            (
                "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                "msg_p5jXN8AQM9LWM0D4loKWxJek",
                1_614_265_330,
                r#"{"test": 2432232314}"#,
                "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
            ),
            (
                "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
                "msg_0192f0c0-0000-7000-8000-000000000001",
                1_795_600_800,
                r#"{"cost_centre":"Ökonomie"}"#,
                "v1,BYa9+gcHy4VqyHcrqxnxVAxSZ7+FlCUM8lK9KKuLFpQ=",
            ),
            (
                "whsec_ZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7fH1+f4CBgoOEhYaHiImKi4yNjo+QkZKTlJWWl5iZmpucnZ6foKGiow==",
                "msg_1",
                0,
                "",
                "v1,dfrc1ziV7LHd2B4UiKw2kJa9yq8OHTcOC+eLfA9/r98=",
            ),
        ] {
            assert_eq!(sign(secret, id, at, body), expected);
        }
    }

    #[test]
    fn two_secrets_sign_both() {
        let texts =
            ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="];
        let secrets = texts.map(|text| text.parse::<Secret>().unwrap());
        let both = signature(&secrets, "msg_1", DateTime::UNIX_EPOCH, "x");
        assert_eq!(both, texts.map(|text| sign(text, "msg_1", 0, "x")).join(" "));
    }

    #[test]
    fn what_is_no_secret_is_refused_and_not_repeated() {
        let short = format!("whsec_{}", STANDARD.encode([7; 23]));
        let long = format!("whsec_{}", STANDARD.encode([7; 65]));
        for wrong in [
            "",
            "whsec_",
            "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS!",
            &short,
            &long,
        ] {
            let told = wrong.parse::<Secret>().unwrap_err().to_string();
            assert!(told.contains("openssl rand -base64 32") && !told.contains("MfKQ"), "{wrong}");
        }
        let secret: Secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".parse().unwrap();
        assert_eq!(format!("{secret:?}"), "Secret(…)");
    }
}
