//! What was read from the database lately, kept for a few seconds, so that thousands of requests ask once.

use super::DbError;
use moka::future::Cache;
use std::{fmt, future::Future, hash::Hash, sync::Arc, time::Duration};

/// Rows by key, each at most a set time old. Those who ask for the same key at once share one query.
pub struct Lately<K, V>(Cache<K, V>);

impl<K, V> fmt::Debug for Lately<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lately").finish_non_exhaustive()
    }
}

impl<K, V> Lately<K, V>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// Keeps at most `most` rows, each for at most `age`.
    #[must_use]
    pub fn new(most: u64, age: Duration) -> Self {
        Self(Cache::builder().max_capacity(most).time_to_live(age).build())
    }

    /// The row of this key, read by `load` where it is not kept. What is not there is not kept either.
    ///
    /// # Errors
    /// If `load` fails.
    pub async fn get(
        &self,
        key: K,
        load: impl Future<Output = Result<Option<V>, DbError>>,
    ) -> Result<Option<V>, DbError> {
        let found = self.0.try_get_with(key, async { load.await.map_err(Some)?.ok_or(None) }).await;
        match found {
            Ok(value) => Ok(Some(value)),
            Err(failure) => match Arc::try_unwrap(failure) {
                Ok(None) => Ok(None),
                Ok(Some(error)) => Err(error),
                Err(shared) => {
                    shared.as_ref().as_ref().map_or(Ok(None), |error| Err(DbError::Shared(error.to_string())))
                }
            },
        }
    }

    /// Forgets the row of this key, after it was changed.
    pub async fn forget(&self, key: &K) {
        self.0.invalidate(key).await;
    }

    /// Forgets all rows.
    pub fn forget_all(&self) {
        self.0.invalidate_all();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[tokio::test]
    async fn asks_once_and_again_when_told_to_forget() {
        let lately = Lately::new(10, Duration::from_secs(60));
        let asked = AtomicUsize::new(0);
        let load = || async {
            asked.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            Ok(Some(7))
        };
        let all = futures::future::join_all((0..20).map(|_| lately.get("a", load()))).await;
        assert!(all.into_iter().all(|v| v.unwrap() == Some(7)));
        assert_eq!(asked.load(Ordering::SeqCst), 1);
        lately.forget(&"a").await;
        assert_eq!(lately.get("a", load()).await.unwrap(), Some(7));
        assert_eq!(asked.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn what_is_missing_or_failed_is_asked_again() {
        let lately: Lately<&str, i32> = Lately::new(10, Duration::from_secs(60));
        assert_eq!(lately.get("a", async { Ok(None) }).await.unwrap(), None);
        assert!(lately.get("a", async { Err(DbError::Push("full".into())) }).await.is_err());
        assert_eq!(lately.get("a", async { Ok(Some(1)) }).await.unwrap(), Some(1));
    }
}
