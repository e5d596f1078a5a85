//! The exchanges of the last minutes: share of failures, and how long answers took. Pure, with time passed in.

use super::exchange::Family;
use chrono::{DateTime, TimeDelta, Utc};
use std::{collections::VecDeque, time::Duration};

/// So many exchanges are kept at most.
const MOST: usize = 512;

/// None is kept longer.
const LONGEST: TimeDelta = TimeDelta::minutes(15);

#[derive(Clone, Copy, Debug)]
struct Seen {
    at: DateTime<Utc>,
    family: Family,
    failed: bool,
    took: Duration,
}

/// The exchanges of the last quarter of an hour, at most the last 512.
#[derive(Clone, Debug, Default)]
pub(super) struct Window(VecDeque<Seen>);

impl Window {
    pub(super) fn note(&mut self, at: DateTime<Utc>, family: Family, failed: bool, took: Duration) {
        if self.0.len() >= MOST {
            self.0.pop_front();
        }
        self.forget(at);
        self.0.push_back(Seen { at, family, failed, took });
    }

    /// Forgets what is too old.
    pub(super) fn forget(&mut self, now: DateTime<Utc>) {
        while self.0.front().is_some_and(|seen| now - seen.at > LONGEST) {
            self.0.pop_front();
        }
    }

    /// How many exchanges there were within a time, and how many of them failed.
    pub(super) fn failures(&self, now: DateTime<Utc>, within: TimeDelta) -> (u32, u32) {
        let mut counts = (0, 0);
        for seen in self.0.iter().rev().take_while(|seen| now - seen.at <= within) {
            counts.0 += 1;
            counts.1 += u32::from(seen.failed);
        }
        counts
    }

    /// How many exchanges there were, and how many of them failed.
    pub(super) fn all(&self) -> (u32, u32) {
        let failed = self.0.iter().filter(|seen| seen.failed).count();
        (u32::try_from(self.0.len()).unwrap_or(u32::MAX), u32::try_from(failed).unwrap_or(u32::MAX))
    }

    /// Milliseconds within which half of those that were answered were, and nine of ten; with their number.
    pub(super) fn latency(&self, family: Family) -> Option<Latency> {
        let of = self.0.iter().filter(|seen| seen.family == family && !seen.failed);
        let mut millis: Vec<u64> =
            of.map(|seen| u64::try_from(seen.took.as_millis()).unwrap_or(u64::MAX)).collect();
        millis.sort_unstable();
        let last = millis.len().checked_sub(1)?;
        let at = |tenths: usize| millis[(last * tenths).div_ceil(10).min(last)];
        Some(Latency { count: u64::try_from(millis.len()).unwrap_or(u64::MAX), p50_ms: at(5), p90_ms: at(9) })
    }
}

/// How long answers took.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Latency {
    /// Of so many.
    pub count: u64,
    /// Half came within so many milliseconds.
    pub p50_ms: u64,
    /// Nine of ten came within so many milliseconds.
    pub p90_ms: u64,
}

impl Latency {
    /// Both together: the percentiles weighed by number, which is near enough for showing.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let all = self.count.saturating_add(other.count).max(1);
        let weighed = |a: u64, b: u64| {
            let sum = u128::from(a) * u128::from(self.count) + u128::from(b) * u128::from(other.count);
            u64::try_from(sum / u128::from(all)).unwrap_or(u64::MAX)
        };
        Self {
            count: all,
            p50_ms: weighed(self.p50_ms, other.p50_ms),
            p90_ms: weighed(self.p90_ms, other.p90_ms),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_the_last_minutes_and_no_more_than_so_many() {
        let start = DateTime::UNIX_EPOCH;
        let mut window = Window::default();
        for n in 0..600_u32 {
            let at = start + TimeDelta::milliseconds(i64::from(n));
            window.note(at, Family::Call, n % 4 == 0, Duration::from_millis(u64::from(n)));
        }
        assert_eq!(window.all(), (512, 128));
        let now = start + TimeDelta::milliseconds(599);
        assert_eq!(window.failures(now, TimeDelta::milliseconds(99)), (100, 25));
        let later = now + LONGEST;
        window.note(later, Family::Look, true, Duration::ZERO);
        assert_eq!(window.all().0, 2, "the last of the calls is just young enough");
        window.forget(later + TimeDelta::milliseconds(1));
        assert_eq!(window.all(), (1, 1));
    }

    #[test]
    fn latency_is_of_what_was_answered() {
        let mut window = Window::default();
        assert_eq!(window.latency(Family::Call), None);
        for n in 1..=100 {
            window.note(DateTime::UNIX_EPOCH, Family::Call, false, Duration::from_millis(n));
            window.note(DateTime::UNIX_EPOCH, Family::Call, true, Duration::from_secs(9_000));
        }
        window.note(DateTime::UNIX_EPOCH, Family::Download, false, Duration::from_secs(60));
        assert_eq!(window.latency(Family::Call), Some(Latency { count: 100, p50_ms: 51, p90_ms: 91 }));
        assert_eq!(window.latency(Family::Look), None);
        let few = Latency { count: 1, p50_ms: 1_000, p90_ms: 1_000 };
        let both = few.and(Latency { count: 3, p50_ms: 200, p90_ms: 600 });
        assert_eq!(both, Latency { count: 4, p50_ms: 400, p90_ms: 700 });
    }
}
