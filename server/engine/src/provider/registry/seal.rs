//! Keys of providers at rest: sealed with XChaCha20-Poly1305 under a master key that the database does not hold.
//!
//! A sealed key reads `v1:` and, in base64, a random nonce of 24 bytes and the sealed text with its tag. The provider's
//! name is authenticated with it, so that a sealed key moved to another row does not open.

use super::ProviderError;
use crate::{provider::ApiKey, store::World};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use chacha20poly1305::{
    KeyInit as _, XChaCha20Poly1305, XNonce,
    aead::{Aead as _, Payload},
};
use secrecy::{ExposeSecret as _, SecretBox};
use std::{
    fmt,
    io::{ErrorKind, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
    sync::Arc,
};

const VERSION: &str = "v1:";
const NONCE: usize = 24;

/// The key under which providers' keys are sealed. Wiped from memory when dropped; `Debug` does not show it.
#[derive(Clone)]
pub struct MasterKey(Arc<SecretBox<[u8; 32]>>);

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

impl MasterKey {
    /// A new one.
    #[must_use]
    pub fn generate(world: &World) -> Self {
        Self(Arc::new(SecretBox::new(Box::new(world.bytes()))))
    }

    /// Reads one from text: 64 hexadecimal digits, or 32 bytes in base64.
    ///
    /// # Errors
    /// If it is neither.
    pub fn parse(text: &str) -> Result<Self, ProviderError> {
        let text = text.trim();
        let bytes = if text.len() == 64 {
            let digits: Option<Vec<u32>> = text.chars().map(|c| c.to_digit(16)).collect();
            let digits = digits.ok_or(ProviderError::MasterKey)?;
            digits.chunks(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).unwrap_or(0)).collect()
        } else {
            STANDARD.decode(text).map_err(|_| ProviderError::MasterKey)?
        };
        let key: [u8; 32] = bytes.try_into().map_err(|_| ProviderError::MasterKey)?;
        Ok(Self(Arc::new(SecretBox::new(Box::new(key)))))
    }

    /// Reads it from a file; makes the file, for its owner alone, where there is none. Answers whether it was made.
    ///
    /// # Errors
    /// If the file can't be read or made, or holds something else.
    pub fn load_or_create(path: &Path, world: &World) -> Result<(Self, bool), ProviderError> {
        let failed = |cause| ProviderError::MasterKeyFile { path: path.display().to_string(), cause };
        match std::fs::read_to_string(path) {
            Ok(text) => {
                let mode = std::fs::metadata(path).map_err(failed)?.permissions().mode();
                if mode & 0o007 != 0 {
                    tracing::warn!(path = %path.display(), "the master key file can be read by everybody on this machine; chmod 600 it");
                }
                Ok((Self::parse(&text)?, false))
            }
            Err(e) if e.kind() == ErrorKind::NotFound => {
                let key = Self::generate(world);
                let mut options = std::fs::OpenOptions::new();
                match options.write(true).create_new(true).mode(0o600).open(path) {
                    Ok(mut file) => {
                        let text = STANDARD.encode(key.0.expose_secret());
                        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
                        Ok((key, true))
                    }
                    // Another process was quicker.
                    Err(e) if e.kind() == ErrorKind::AlreadyExists => {
                        Ok((Self::parse(&std::fs::read_to_string(path).map_err(failed)?)?, false))
                    }
                    Err(e) => Err(failed(e)),
                }
            }
            Err(e) => Err(failed(e)),
        }
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(self.0.expose_secret().into())
    }

    /// Seals a provider's key.
    ///
    /// # Errors
    /// If the cipher refuses, which it does only for texts of many gigabytes.
    pub fn seal(&self, world: &World, provider: &str, key: &ApiKey) -> Result<String, ProviderError> {
        let nonce = world.bytes::<NONCE>();
        let payload = Payload { msg: key.expose_secret().as_bytes(), aad: provider.as_bytes() };
        let sealed =
            self.cipher().encrypt(&XNonce::from(nonce), payload).map_err(|_| ProviderError::Sealed)?;
        Ok(format!("{VERSION}{}", STANDARD.encode([nonce.as_slice(), &sealed].concat())))
    }

    /// Opens a sealed key of a provider.
    ///
    /// # Errors
    /// If it was sealed under another master key or for another provider, or was changed.
    pub fn open(&self, provider: &str, sealed: &str) -> Result<ApiKey, ProviderError> {
        let open = || {
            let bytes = STANDARD.decode(sealed.strip_prefix(VERSION)?).ok()?;
            let (nonce, text) = bytes.split_first_chunk::<NONCE>()?;
            let payload = Payload { msg: text, aad: provider.as_bytes() };
            let key = self.cipher().decrypt(&XNonce::from(*nonce), payload).ok()?;
            String::from_utf8(key).ok()
        };
        open().map(ApiKey::from).ok_or(ProviderError::Sealed)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_the_right_key_and_name_open() {
        let world = World::system();
        let master = MasterKey::generate(&world);
        let key = ApiKey::from("sk-secret");
        let sealed = master.seal(&world, "openai", &key).unwrap();
        assert!(sealed.starts_with("v1:") && !sealed.contains("secret"));
        assert_ne!(sealed, master.seal(&world, "openai", &key).unwrap());
        assert_eq!(master.open("openai", &sealed).unwrap().expose_secret(), "sk-secret");
        assert!(matches!(master.open("anthropic", &sealed), Err(ProviderError::Sealed)));
        assert!(MasterKey::generate(&world).open("openai", &sealed).is_err());
        let mut bytes = sealed.clone().into_bytes();
        bytes[20] = if bytes[20] == b'A' { b'B' } else { b'A' };
        assert!(master.open("openai", std::str::from_utf8(&bytes).unwrap()).is_err());
        for bad in ["", "v1:", "v1:AAAA", "v2:AAAA", "sk-secret"] {
            assert!(master.open("openai", bad).is_err(), "{bad}");
        }
        assert_eq!(format!("{master:?}"), "MasterKey(…)");
    }

    #[test]
    fn the_file_is_made_once_and_for_its_owner_alone() {
        let world = World::system();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        let (first, made) = MasterKey::load_or_create(&path, &world).unwrap();
        let (second, again) = MasterKey::load_or_create(&path, &world).unwrap();
        assert!(made && !again);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let sealed = first.seal(&world, "a", &ApiKey::from("k")).unwrap();
        assert_eq!(second.open("a", &sealed).unwrap().expose_secret(), "k");
        std::fs::write(&path, "short").unwrap();
        assert!(matches!(MasterKey::load_or_create(&path, &world), Err(ProviderError::MasterKey)));
        let nowhere = folder.path().join("no/folder/key");
        let error = MasterKey::load_or_create(&nowhere, &world).unwrap_err();
        assert!(error.to_string().contains("no/folder/key"), "{error}");
    }

    #[test]
    fn both_spellings_are_read() {
        let hex = "00".repeat(31) + "fF";
        let mut bytes = [0; 32];
        bytes[31] = 255;
        assert_eq!(MasterKey::parse(&hex).unwrap().0.expose_secret(), &bytes);
        let base64 = STANDARD.encode(bytes);
        assert_eq!(MasterKey::parse(&format!("{base64}\n")).unwrap().0.expose_secret(), &bytes);
        for bad in ["", "zz", &"zz".repeat(32), &STANDARD.encode([0; 31])] {
            assert!(MasterKey::parse(bad).is_err(), "{bad}");
        }
    }
}
