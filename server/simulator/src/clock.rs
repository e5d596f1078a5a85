//! The time that batches and the prompt cache live by: the machine's, or one that only moves when told.

use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};
use tokio::sync::watch;

/// A source of time, shared by all parts of a simulator. Cloning shares it.
#[derive(Clone, Debug)]
pub struct Clock {
    /// `None` reads the machine's clock.
    manual: Option<Arc<watch::Sender<DateTime<Utc>>>>,
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self { manual: None }
    }

    /// A clock that stands at `start` until [`Clock::advance`] moves it.
    pub fn manual(start: DateTime<Utc>) -> Self {
        Self { manual: Some(Arc::new(watch::Sender::new(start))) }
    }

    /// Whether this clock only moves when told.
    pub fn is_manual(&self) -> bool {
        self.manual.is_some()
    }

    /// The time now.
    pub fn now(&self) -> DateTime<Utc> {
        match &self.manual {
            Some(sender) => *sender.borrow(),
            None => Utc::now(),
        }
    }

    /// Moves a manual clock forward and wakes whoever waits for a time that has come.
    /// Answers the new time, or `None` on the machine's clock, which can't be moved.
    pub fn advance(&self, by: Duration) -> Option<DateTime<Utc>> {
        let sender = self.manual.as_ref()?;
        sender.send_modify(|now| *now += by);
        Some(*sender.borrow())
    }

    /// Waits until the clock shows `time` or later.
    pub async fn sleep_until(&self, time: DateTime<Utc>) {
        match &self.manual {
            Some(sender) => {
                let mut receiver = sender.subscribe();
                // The sender lives as long as this clock, so the wait can't fail.
                let _ = receiver.wait_for(|now| *now >= time).await;
            }
            None => {
                if let Ok(wait) = (time - Utc::now()).to_std() {
                    tokio::time::sleep(wait).await;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[tokio::test]
    async fn a_manual_clock_wakes_sleepers_when_their_time_has_come() {
        let start = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let clock = Clock::manual(start);
        let sleeper = {
            let clock = clock.clone();
            tokio::spawn(async move { clock.sleep_until(start + Duration::hours(2)).await })
        };
        assert_eq!(clock.advance(Duration::hours(1)), Some(start + Duration::hours(1)));
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        clock.advance(Duration::hours(1));
        sleeper.await.unwrap();
        assert_eq!(clock.now(), start + Duration::hours(2));
    }

    #[test]
    fn the_machines_clock_can_not_be_moved() {
        assert_eq!(Clock::system().advance(Duration::hours(1)), None);
    }
}
