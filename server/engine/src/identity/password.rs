//! Passwords: argon2id with the least parameters that OWASP's cheat sheet on password storage names (19 MiB, two
//! passes, one lane), kept as PHC strings.

use crate::store::World;
use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher as _, PasswordVerifier as _, phc::PasswordHash},
};
use std::{fmt, sync::Arc};
use tokio::sync::{OnceCell, Semaphore};
use unicode_normalization::UnicodeNormalization as _;

/// Fewest and most characters of a password.
const LENGTH: std::ops::RangeInclusive<usize> = 8..=256;

/// Why a password can't be taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Too short or too long.
    #[error("A password has 8 to 256 characters; this one has {0}.")]
    Length(usize),
    /// The hash in the database is broken, or the machine has no memory for hashing.
    #[error("The password could not be worked with ({0}). Ask an administrator to set a new one.")]
    Hash(String),
}

/// Hashes and checks passwords, a few at a time, away from the threads that serve requests.
#[derive(Clone)]
pub struct Passwords {
    world: World,
    gate: Arc<Semaphore>,
    /// A hash of no one's password: checking an unknown person takes as long as checking a known one.
    decoy: Arc<OnceCell<String>>,
}

impl fmt::Debug for Passwords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Passwords").finish_non_exhaustive()
    }
}

fn hasher() -> Result<Argon2<'static>, PasswordError> {
    let params = Params::new(19 * 1024, 2, 1, None).map_err(|e| PasswordError::Hash(e.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// One spelling for what looks the same, so that a password typed on another keyboard still fits.
fn normal(password: &str) -> String {
    password.nfkc().collect()
}

impl Passwords {
    /// As many at a time as the machine has processors.
    #[must_use]
    pub fn new(world: World) -> Self {
        let at_once = std::thread::available_parallelism().map_or(1, usize::from);
        Self { world, gate: Arc::new(Semaphore::new(at_once)), decoy: Arc::default() }
    }

    /// Checks that a password may be chosen.
    ///
    /// # Errors
    /// If it is too short or too long.
    pub fn check(password: &str) -> Result<(), PasswordError> {
        let length = password.chars().count();
        if LENGTH.contains(&length) { Ok(()) } else { Err(PasswordError::Length(length)) }
    }

    /// The PHC string to be kept for a password.
    ///
    /// # Errors
    /// If it may not be chosen, or can't be hashed.
    pub async fn hash(&self, password: &str) -> Result<String, PasswordError> {
        Self::check(password)?;
        let password = normal(password);
        let salt = self.world.bytes::<16>();
        self.apart(move || {
            let hash: PasswordHash = hasher()?
                .hash_password_with_salt(password.as_bytes(), &salt)
                .map_err(|e| PasswordError::Hash(e.to_string()))?;
            Ok(hash.to_string())
        })
        .await
    }

    /// Whether the password fits the hash; without a hash it fits nothing, after the same time.
    ///
    /// # Errors
    /// If the hash is broken.
    pub async fn verify(&self, password: &str, hash: Option<String>) -> Result<bool, PasswordError> {
        if password.chars().count() > *LENGTH.end() {
            return Ok(false);
        }
        let known = hash.is_some();
        let hash = match hash {
            Some(hash) => hash,
            None => self.decoy.get_or_try_init(|| self.hash("no one's password")).await?.clone(),
        };
        let password = normal(password);
        let fits = self
            .apart(move || {
                let hash = PasswordHash::new(&hash).map_err(|e| PasswordError::Hash(e.to_string()))?;
                // The parameters are those of the hash.
                Ok(hasher()?.verify_password(password.as_bytes(), &hash).is_ok())
            })
            .await?;
        Ok(fits && known)
    }

    async fn apart<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let failed = |e: &dyn fmt::Display| PasswordError::Hash(e.to_string());
        let turn = self.gate.clone().acquire_owned().await.map_err(|e| failed(&e))?;
        tokio::task::spawn_blocking(move || {
            // Held until the work ends, also when the one who asked has gone.
            let _turn = turn;
            work()
        })
        .await
        .map_err(|e| failed(&e))?
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_fits() {
        let passwords = Passwords::new(World::system());
        let hash = passwords.hash("one café, please").await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_ne!(hash, passwords.hash("one café, please").await.unwrap());
        assert!(passwords.verify("one café, please", Some(hash.clone())).await.unwrap());
        // The same letters, composed otherwise.
        assert!(passwords.verify("one cafe\u{301}, please", Some(hash.clone())).await.unwrap());
        assert!(!passwords.verify("one cafe, please", Some(hash)).await.unwrap());
        assert!(!passwords.verify("no one's password", None).await.unwrap());
        assert!(passwords.verify("whatever", Some("plain".into())).await.is_err());
    }

    #[tokio::test]
    async fn lengths_are_kept() {
        let passwords = Passwords::new(World::system());
        assert_eq!(passwords.hash("1234567").await, Err(PasswordError::Length(7)));
        assert_eq!(passwords.hash(&"a".repeat(257)).await, Err(PasswordError::Length(257)));
        assert_eq!(Passwords::check(&"å".repeat(256)), Ok(()));
        assert_eq!(Passwords::check("åäöåäöåä"), Ok(()));
        assert!(!passwords.verify(&"a".repeat(100_000), None).await.unwrap());
        assert!(PasswordError::Length(3).to_string().contains("8 to 256"));
    }
}
