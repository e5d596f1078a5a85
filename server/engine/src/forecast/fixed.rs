//! The fixed rule: the plain P50 and P90 of a provider's finished batches, leaning on a stated prior while there are few.

use super::history::{quantile, sorted};
use crate::queue::Turnaround;

/// The prior weighs as much as this many batches. Five, so that after the first hour of a busy day what was measured
/// outweighs what was assumed, and one odd batch at the start does not.
pub(crate) const PRIOR_BATCHES: f64 = 5.0;

/// The measured P50 and P90, mixed with the prior by how many were measured. It moves smoothly from one to the other:
/// in ratios, since times of ten seconds and of four hours have no sensible mean.
#[must_use]
pub(crate) fn measured(seconds: Vec<f64>, prior: Turnaround) -> Turnaround {
    #[expect(clippy::cast_precision_loss, reason = "a few hundred")]
    let weight = seconds.len() as f64 / (seconds.len() as f64 + PRIOR_BATCHES);
    let seconds = sorted(seconds);
    #[expect(clippy::cast_precision_loss, reason = "seconds are far below 2^52")]
    let mix = |share, prior: i64| {
        let prior = (prior.max(1) as f64).ln();
        if seconds.is_empty() {
            return prior;
        }
        weight * quantile(&seconds, share).max(1.0).ln() + (1.0 - weight) * prior
    };
    turnaround(mix(0.5, prior.p50), mix(0.9, prior.p90))
}

/// From logarithms; the P90 is never below the P50.
pub(crate) fn turnaround(log_p50: f64, log_p90: f64) -> Turnaround {
    #[expect(clippy::cast_possible_truncation, reason = "clamped to a year")]
    let seconds = |log: f64| log.exp().clamp(1.0, 31_536_000.0).round() as i64;
    let p50 = seconds(log_p50);
    Turnaround { p50, p90: seconds(log_p90).max(p50) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PRIOR: Turnaround = Turnaround { p50: 1_000, p90: 4_000 };

    #[test]
    fn from_prior_to_measured() {
        assert_eq!(measured(vec![], PRIOR), PRIOR);
        let mut before = PRIOR;
        for n in 1..=60 {
            let now = measured((0..n).map(|i| f64::from(i % 10 + 95)).collect(), PRIOR);
            assert!(now.p50 <= before.p50 + 2 && now.p90 <= before.p90 + 2, "{n}: {now:?} after {before:?}");
            assert!(now.p50 * 2 > before.p50, "no leaps: {n}: {now:?} after {before:?}");
            before = now;
        }
        assert!((100..130).contains(&before.p50), "{before:?}");
        let many = measured((0..2_000).map(|i| f64::from(i % 100 + 1)).collect(), PRIOR);
        assert!((50..=52).contains(&many.p50) && (90..=92).contains(&many.p90), "{many:?}");
    }

    proptest! {
        #[test]
        fn a_range_never_turns_round(seconds in prop::collection::vec(0.0..1e9_f64, 0..50)) {
            let range = measured(seconds, PRIOR);
            prop_assert!(1 <= range.p50 && range.p50 <= range.p90);
        }
    }
}
