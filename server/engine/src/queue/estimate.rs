//! When marks will be there: a range from the median to the time that nine of ten keep (SPEC 1.2, 8.1).

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// A range of times: half are ready by `from`, nine of ten by `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Estimate {
    /// Half of such work is ready by then.
    pub from: DateTime<Utc>,
    /// Nine of ten are ready by then.
    pub to: DateTime<Utc>,
}

/// How long a provider's batches take, from sending to results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turnaround {
    /// Seconds within which half are back.
    pub p50: i64,
    /// Seconds within which nine of ten are back.
    pub p90: i64,
}

/// Measured batches needed before they replace what is stated beforehand.
const ENOUGH: usize = 5;

impl Turnaround {
    /// From measured batches (seconds each), or the prior where there are too few.
    #[must_use]
    pub fn measured(mut seconds: Vec<i64>, prior: Self) -> Self {
        if seconds.len() < ENOUGH {
            return prior;
        }
        seconds.sort_unstable();
        let at = |share: usize| seconds[((seconds.len() - 1) * share).div_ceil(10).min(seconds.len() - 1)];
        Self { p50: at(5).max(1), p90: at(9).max(at(5)).max(1) }
    }
}

/// What the estimate of one waiting job depends on.
#[derive(Clone, Copy, Debug)]
pub struct Waiting {
    /// When its gathering (or back-off) is over.
    pub ready_at: DateTime<Utc>,
    /// When the next batch is cut at the latest, once it is ready: its schedule or its longest wait.
    pub next_cut: DateTime<Utc>,
    /// Jobs for the same provider that go before it.
    pub ahead: i64,
    /// Jobs that the provider works on at once (batches at once times jobs in a batch).
    pub width: i64,
    /// The provider's batch slots are all taken.
    pub slots_full: bool,
}

/// When a job that waits for a batch will be back.
#[must_use]
pub fn waiting(job: &Waiting, turnaround: Turnaround, now: DateTime<Utc>) -> Estimate {
    let cut = job.ready_at.max(job.next_cut).max(now);
    let rounds = job.ahead.max(0) / job.width.max(1) + i64::from(job.slots_full);
    let after = |seconds: i64| TimeDelta::seconds(seconds.saturating_mul(rounds + 1).min(86_400 * 30));
    // The median may be cut as soon as it is ready; the slow case waits for the latest cut.
    Estimate { from: job.ready_at.max(now) + after(turnaround.p50), to: cut + after(turnaround.p90) }
}

/// When a job in a batch that was sent will be back; never a time that has passed.
#[must_use]
pub fn sent(sent_at: DateTime<Utc>, turnaround: Turnaround, now: DateTime<Utc>) -> Estimate {
    let from = sent_at + TimeDelta::seconds(turnaround.p50);
    let to = sent_at + TimeDelta::seconds(turnaround.p90);
    // One that is late is expected within half as long again as it has taken so far.
    let late = now + (now - sent_at) / 2 + TimeDelta::seconds(5);
    Estimate { from: if from > now { from } else { now }, to: if to > now { to } else { late } }
}

/// When a call in real time will be answered.
#[must_use]
pub fn realtime(ready_at: DateTime<Utc>, seconds: (i64, i64), now: DateTime<Utc>) -> Estimate {
    let start = ready_at.max(now);
    Estimate { from: start + TimeDelta::seconds(seconds.0), to: start + TimeDelta::seconds(seconds.1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRIOR: Turnaround = Turnaround { p50: 100, p90: 400 };

    #[test]
    fn few_measurements_leave_the_prior() {
        assert_eq!(Turnaround::measured(vec![1, 2, 3, 4], PRIOR), PRIOR);
        let measured = Turnaround::measured((1..=100).collect(), PRIOR);
        assert!((50..=51).contains(&measured.p50) && (90..=91).contains(&measured.p90), "{measured:?}");
    }

    #[test]
    fn a_full_provider_takes_longer_and_ranges_never_turn_round() {
        let now = DateTime::UNIX_EPOCH;
        let at = |s| now + TimeDelta::seconds(s);
        let free = Waiting { ready_at: at(30), next_cut: at(60), ahead: 0, width: 1000, slots_full: false };
        let estimate = waiting(&free, PRIOR, now);
        assert_eq!((estimate.from, estimate.to), (at(130), at(460)));
        let full = waiting(&Waiting { slots_full: true, ahead: 1500, ..free }, PRIOR, now);
        assert!(full.from > estimate.from && full.to > full.from);
        let late = sent(now, PRIOR, at(1000));
        assert!(late.from <= late.to && late.to > at(1000));
    }
}
