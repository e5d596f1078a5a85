//! Provider keys at rest: sealed with XChaCha20-Poly1305 under a master key that is kept outside the database. The
//! provider's name is bound in, so that a sealed key can't be moved to another row.

use crate::store::World;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use chacha20poly1305::{
    XChaCha20Poly1305, XNonce,
    aead::{Aead, KeyInit, Payload},
};
use std::fmt;

/// What sealed text begins with: the version of the format.
const V1: &str = "v1:";
const NONCE: usize = 24;

/// The key that provider keys are sealed with: 32 bytes. `Debug` does not show it.
#[derive(Clone)]
pub struct MasterKey([u8; 32]);

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

/// A key could not be sealed or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The master key's text is none.
    #[error("the master key must be 32 bytes in base64 (44 characters)")]
    NoMasterKey,
    /// The sealed text is not of this program.
    #[error("it was not sealed by Quire")]
    Format,
    /// Another master key sealed it, or it was changed.
    #[error("it was sealed with another master key; restore that key, or enter the provider's key anew")]
    WrongKey,
}

impl MasterKey {
    /// A new one.
    #[must_use]
    pub fn new(world: &World) -> Self {
        Self(world.bytes())
    }

    /// Reads one as [`MasterKey::to_text`] writes it.
    ///
    /// # Errors
    /// If the text is none.
    pub fn from_text(text: &str) -> Result<Self, SealError> {
        let bytes = BASE64_STANDARD.decode(text.trim()).map_err(|_| SealError::NoMasterKey)?;
        Ok(Self(bytes.try_into().map_err(|_| SealError::NoMasterKey)?))
    }

    /// As text, to be kept in a file that only Quire can read.
    #[must_use]
    pub fn to_text(&self) -> String {
        BASE64_STANDARD.encode(self.0)
    }

    /// Seals a provider's key.
    #[must_use]
    pub fn seal(&self, world: &World, provider: &str, key: &str) -> String {
        let nonce: [u8; NONCE] = world.bytes();
        let payload = Payload { msg: key.as_bytes(), aad: provider.as_bytes() };
        let sealed = XChaCha20Poly1305::new(&self.0.into())
            .encrypt(&XNonce::from(nonce), payload)
            .expect("encryption fails only for texts of hundreds of gigabytes");
        format!("{V1}{}", BASE64_STANDARD.encode([&nonce[..], &sealed].concat()))
    }

    /// Opens a provider's sealed key.
    ///
    /// # Errors
    /// If it was sealed otherwise.
    pub fn open(&self, provider: &str, sealed: &str) -> Result<String, SealError> {
        let text = sealed.strip_prefix(V1).ok_or(SealError::Format)?;
        let bytes = BASE64_STANDARD.decode(text).map_err(|_| SealError::Format)?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE).ok_or(SealError::Format)?;
        let nonce: [u8; NONCE] = nonce.try_into().map_err(|_| SealError::Format)?;
        let payload = Payload { msg: sealed, aad: provider.as_bytes() };
        let key = XChaCha20Poly1305::new(&self.0.into())
            .decrypt(&XNonce::from(nonce), payload)
            .map_err(|_| SealError::WrongKey)?;
        String::from_utf8(key).map_err(|_| SealError::Format)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn opens_only_what_it_sealed_for_the_same_provider() {
        let world = World::system();
        let master = MasterKey::new(&world);
        let sealed = master.seal(&world, "openai", "sk-secret");
        assert!(!sealed.contains("secret"));
        assert_ne!(sealed, master.seal(&world, "openai", "sk-secret"));
        assert_eq!(master.open("openai", &sealed).unwrap(), "sk-secret");
        assert_eq!(master.open("other", &sealed), Err(SealError::WrongKey));
        assert_eq!(MasterKey::new(&world).open("openai", &sealed), Err(SealError::WrongKey));
        assert_eq!(master.open("openai", "sk-secret"), Err(SealError::Format));
        assert_eq!(master.open("openai", "v1:AAAA"), Err(SealError::Format));
        let again = MasterKey::from_text(&master.to_text()).unwrap();
        assert_eq!(again.open("openai", &sealed).unwrap(), "sk-secret");
        assert!(MasterKey::from_text("short").is_err());
        assert!(!format!("{master:?}").contains(&master.to_text()));
    }
}
