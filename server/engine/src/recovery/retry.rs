//! The retry table (SPEC 6.1). Pure.

use crate::provider::{CallError, ErrorClass};
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How failures of one kind are tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetryPolicy {
    /// How often in all, the first time included.
    pub attempts: u32,
    /// Seconds before the second time.
    pub first_seconds: u64,
    /// The wait is never longer.
    pub most_seconds: u64,
    /// Doubled each time; else it grows by the first wait each time.
    pub exponential: bool,
}

impl RetryPolicy {
    /// The wait after this many failures.
    #[must_use]
    pub fn wait(&self, failures: u32) -> Duration {
        let n = u64::from(failures.max(1));
        let seconds = if self.exponential {
            self.first_seconds.saturating_mul(1 << (n - 1).min(20))
        } else {
            self.first_seconds.saturating_mul(n)
        };
        Duration::from_secs(seconds.min(self.most_seconds))
    }
}

/// The policies by kind of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RetryTable {
    /// Too many calls: 5 times, 60 s doubling to 1 h; the provider's own word wins.
    pub rate_limit: RetryPolicy,
    /// No answer in time, or a lost connection: 3 times, 30 s growing to 5 min.
    pub time_out: RetryPolicy,
    /// Too many tokens: 2 times, at once.
    pub token_limit: RetryPolicy,
    /// The provider failed: 2 times, at once.
    pub provider: RetryPolicy,
    /// Seconds between two tries while key or account are refused: until a person has mended them nothing is gained by
    /// giving jobs up.
    pub blocked_seconds: u64,
    /// Seconds to wait where the provider holds as much as it allows and names no time.
    pub queue_full_seconds: u64,
    /// Most seconds between two tries of what is never given up: asking about a batch that may be paid for, fetching its
    /// answers, or reaching a provider that can't be reached.
    pub insist_seconds: u64,
    /// When dead letters that time may mend are tried again.
    pub recovery: Recovery,
}

/// The waits before the three scheduled recoveries of a dead letter; afterwards a person must look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Recovery {
    /// How often at most, 3 or fewer; 0: a person is asked at once.
    pub attempts: u32,
    /// Seconds from the first death.
    pub first_seconds: u64,
    /// From the second.
    pub second_seconds: u64,
    /// From the third.
    pub third_seconds: u64,
}

impl Default for Recovery {
    /// Three times: after 15 minutes, 1 hour, 4 hours.
    fn default() -> Self {
        Self { attempts: 3, first_seconds: 900, second_seconds: 3_600, third_seconds: 14_400 }
    }
}

impl Recovery {
    /// The wait before the next recovery of a job that had so many; none: it had all.
    #[must_use]
    pub fn wait(&self, recoveries: i64) -> Option<TimeDelta> {
        let seconds = match recoveries {
            0 => self.first_seconds,
            1 => self.second_seconds,
            2 => self.third_seconds,
            _ => return None,
        };
        if recoveries >= i64::from(self.attempts) {
            return None;
        }
        Some(TimeDelta::seconds(i64::try_from(seconds).unwrap_or(i64::MAX / 1_000)))
    }
}

impl Default for RetryTable {
    fn default() -> Self {
        Self {
            rate_limit: RetryPolicy { attempts: 5, first_seconds: 60, most_seconds: 3600, exponential: true },
            time_out: RetryPolicy { attempts: 3, first_seconds: 30, most_seconds: 300, exponential: false },
            token_limit: RetryPolicy { attempts: 2, first_seconds: 0, most_seconds: 0, exponential: false },
            provider: RetryPolicy { attempts: 2, first_seconds: 0, most_seconds: 0, exponential: false },
            blocked_seconds: 300,
            queue_full_seconds: 60,
            insist_seconds: 60,
            recovery: Recovery::default(),
        }
    }
}

/// What comes next after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Try again after this wait; the failure counts.
    Again(Duration),
    /// Wait and try again; it was an outage or a full queue, which uses up nothing.
    Wait(Duration),
    /// Trying again is useless, or was tried often enough.
    GiveUp,
}

/// What comes next after the `failures`-th failure (from 1).
#[must_use]
pub fn after_failure(table: &RetryTable, error: &CallError, failures: u32) -> Next {
    let policy = match error.class {
        // Until the key, the account or the provider's own queue is mended nothing is gained by giving jobs up.
        ErrorClass::Key | ErrorClass::Quota => {
            return Next::Wait(Duration::from_secs(table.blocked_seconds));
        }
        ErrorClass::QueueFull => {
            let wait = Duration::from_secs(table.queue_full_seconds);
            return Next::Wait(error.retry_after.unwrap_or(wait));
        }
        // The provider can't be reached at all: an outage, that uses up no attempt.
        ErrorClass::Connection if !error.maybe_done => {
            return Next::Wait(Duration::from_secs(
                (5 * u64::from(failures.max(1))).min(table.insist_seconds),
            ));
        }
        ErrorClass::RateLimit => &table.rate_limit,
        ErrorClass::TimeOut | ErrorClass::Connection => &table.time_out,
        ErrorClass::TokenLimit => &table.token_limit,
        // A refused request costs nothing, and was not always wrong: it is asked once more.
        ErrorClass::Provider | ErrorClass::NotFound | ErrorClass::Malformed | ErrorClass::Invalid => {
            &table.provider
        }
    };
    if failures >= policy.attempts {
        return Next::GiveUp;
    }
    Next::Again(error.retry_after.unwrap_or_else(|| policy.wait(failures)))
}

/// The wait before the next try of what is never given up, after the `failures`-th failure in a row (from 1).
#[must_use]
pub fn insist(table: &RetryTable, error: &CallError, failures: i64) -> TimeDelta {
    let wait = match after_failure(table, error, u32::try_from(failures).unwrap_or(u32::MAX)) {
        Next::Again(wait) | Next::Wait(wait) => wait,
        Next::GiveUp => Duration::from_secs(table.insist_seconds),
    };
    TimeDelta::from_std(wait).unwrap_or(TimeDelta::hours(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_the_specification() {
        let table = RetryTable::default();
        let next = |class, failures| after_failure(&table, &CallError::new(class, ""), failures);
        let s = Duration::from_secs;
        assert_eq!(next(ErrorClass::RateLimit, 1), Next::Again(s(60)));
        assert_eq!(next(ErrorClass::RateLimit, 4), Next::Again(s(480)));
        assert_eq!(next(ErrorClass::RateLimit, 5), Next::GiveUp);
        assert_eq!(next(ErrorClass::TimeOut, 1), Next::Again(s(30)));
        assert_eq!(next(ErrorClass::TimeOut, 2), Next::Again(s(60)));
        assert_eq!(next(ErrorClass::TimeOut, 3), Next::GiveUp);
        assert_eq!(next(ErrorClass::Provider, 1), Next::Again(s(0)));
        assert_eq!(next(ErrorClass::Provider, 2), Next::GiveUp);
        assert_eq!(next(ErrorClass::Invalid, 1), Next::Again(s(0)));
        assert_eq!(next(ErrorClass::Invalid, 2), Next::GiveUp);
        assert!(matches!(next(ErrorClass::Key, 99), Next::Wait(_)));
        let asked = CallError { retry_after: Some(s(7)), ..CallError::new(ErrorClass::RateLimit, "") };
        assert_eq!(after_failure(&table, &asked, 1), Next::Again(s(7)));
    }
}
