//! The tracking id: what a student sees of a submission, such as `QR-7F3K-92MD`.

use crate::store::World;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Crockford's base 32: no I, L, O or U, so that it can be read aloud.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// `QR-` and twice four signs of Crockford's base 32 (40 random bits); stored and shown in capitals.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize, sqlx::Type)]
#[serde(try_from = "String", into = "String")]
#[sqlx(transparent)]
pub struct TrackingId(String);

/// A text is no tracking id.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a tracking id looks like QR-7F3K-92MD")]
pub struct NotATrackingId;

impl TrackingId {
    /// A new one.
    #[must_use]
    pub fn new(world: &World) -> Self {
        let mut text = String::with_capacity(12);
        text.push_str("QR");
        for (i, byte) in world.bytes::<8>().into_iter().enumerate() {
            if i % 4 == 0 {
                text.push('-');
            }
            text.push(char::from(ALPHABET[usize::from(byte & 31)]));
        }
        Self(text)
    }
    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TrackingId {
    type Err = NotATrackingId;
    /// Takes small letters and the signs that are easily taken for others (`o`, `i`, `l`).
    fn from_str(text: &str) -> Result<Self, NotATrackingId> {
        let mut signs = String::with_capacity(12);
        let rest = text.trim();
        let rest = rest.strip_prefix("QR-").or_else(|| rest.strip_prefix("qr-")).ok_or(NotATrackingId)?;
        for sign in rest.chars().filter(|c| *c != '-') {
            signs.push(match sign.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                c if c.is_ascii() && ALPHABET.contains(&(c as u8)) => c,
                _ => return Err(NotATrackingId),
            });
        }
        if signs.len() != 8 {
            return Err(NotATrackingId);
        }
        Ok(Self(format!("QR-{}-{}", &signs[..4], &signs[4..])))
    }
}

impl TryFrom<String> for TrackingId {
    type Error = NotATrackingId;
    fn try_from(text: String) -> Result<Self, NotATrackingId> {
        text.parse()
    }
}

impl From<TrackingId> for String {
    fn from(id: TrackingId) -> Self {
        id.0
    }
}

impl fmt::Display for TrackingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn is_read_as_people_write_it() {
        let id = TrackingId::new(&World::system());
        assert_eq!(id.as_str().parse::<TrackingId>().unwrap(), id);
        assert_eq!("qr-oi1l-92md".parse::<TrackingId>().unwrap().as_str(), "QR-0111-92MD");
        for bad in ["", "QR-", "QR-7F3K-92M", "QR-7F3K-92MDD", "XX-7F3K-92MD", "QR-7F3K-92MU", "QR-7F3K-92Mé"]
        {
            assert!(bad.parse::<TrackingId>().is_err(), "{bad}");
        }
    }
}
