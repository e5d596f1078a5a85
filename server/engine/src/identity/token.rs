//! Bearer tokens of the API: shown once, kept as digests.

use crate::store::{PersonId, TokenId, World};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};
use std::fmt;

/// How every token begins, so that people and scanners for leaked secrets know one when they see it.
const PREFIX: &str = "qt_";

/// A token as it can be listed: without its secret.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct ApiToken {
    /// Its id.
    pub id: TokenId,
    /// Who comes in with it.
    pub person_id: PersonId,
    /// What it is for, in its maker's words.
    pub name: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// From when on it is not taken any more; none: it does not expire.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
}

/// A token just made.
#[derive(Clone, PartialEq, Eq)]
pub struct NewToken {
    /// Its id.
    pub id: TokenId,
    /// The token itself, to be shown this once.
    pub secret: String,
}

impl fmt::Debug for NewToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewToken").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A new secret: 32 random bytes.
pub(super) fn secret(world: &World) -> String {
    format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(world.bytes::<32>()))
}

/// The digest of a text that has the form of a token; none where it can't be one, so that no query is made for it.
pub(super) fn digest(token: &str) -> Option<[u8; 32]> {
    let coded = token.strip_prefix(PREFIX)?;
    let bytes = URL_SAFE_NO_PAD.decode(coded).ok()?;
    (bytes.len() == 32).then(|| Sha256::digest(token).into())
}

/// A digest as the database keeps it.
pub(super) fn hex(digest: [u8; 32]) -> String {
    use fmt::Write as _;
    digest.iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a String does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The digest of any secret as the database keeps it.
pub(super) fn digest_hex(secret: &str) -> String {
    hex(Sha256::digest(secret).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_have_one_form() {
        let world = World::system();
        let secret = secret(&world);
        assert_eq!(secret.len(), 46);
        assert_eq!(digest(&secret).map(hex), Some(digest_hex(&secret)));
        for bad in
            ["", "qt_", "qt_AAAA", "Bearer qt_x", &secret[1..], &format!("{secret}A"), &format!("{secret} ")]
        {
            assert_eq!(digest(bad), None, "{bad}");
        }
        assert_eq!(digest_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
