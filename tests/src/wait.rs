//! Waiting for something to become true, with an end and a message.

use std::time::{Duration, Instant};

/// How often it is looked.
const EVERY: Duration = Duration::from_millis(20);

/// Looks again and again until there is an answer.
///
/// # Panics
/// If there is none in time, saying what was waited for.
pub async fn until<T>(what: &str, patience: Duration, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(begin.elapsed() < patience, "waited {patience:?} in vain until {what}");
        tokio::time::sleep(EVERY).await;
    }
}
