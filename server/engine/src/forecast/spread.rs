//! A range as a whole distribution: what a P50 and a P90 say of all the other shares, and of what has run for a while.

use crate::queue::Turnaround;

/// A log-logistic distribution of times in seconds. Times of batches are skewed like that: most come back around the
/// middle, some take much longer; and both its shares and its remaining times are given by short formulas.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    middle: f64,
    shape: f64,
}

/// The least ratio of P90 to P50 that is believed.
const NARROWEST: f64 = 1.02;

impl From<Turnaround> for Spread {
    #[expect(clippy::cast_precision_loss, reason = "seconds are far below 2^52")]
    fn from(turnaround: Turnaround) -> Self {
        let middle = turnaround.p50.max(1) as f64;
        let ratio = (turnaround.p90 as f64 / middle).max(NARROWEST);
        Self { middle, shape: 9_f64.ln() / ratio.ln() }
    }
}

impl Spread {
    /// Seconds within which this share (above 0, below 1) is back.
    #[must_use]
    pub fn within(&self, share: f64) -> f64 {
        let share = share.clamp(1e-6, 1.0 - 1e-6);
        self.middle * (share / (1.0 - share)).powf(1.0 / self.shape)
    }

    /// The share that is back after so many seconds.
    #[must_use]
    pub fn back_after(&self, seconds: f64) -> f64 {
        if seconds <= 0.0 {
            return 0.0;
        }
        1.0 / (1.0 + (seconds / self.middle).powf(-self.shape))
    }

    /// Of those that are still away after `age` seconds: seconds within which this share of them comes back, from then.
    #[must_use]
    pub fn left(&self, age: f64, share: f64) -> f64 {
        let age = age.max(0.0);
        let gone = self.back_after(age);
        (self.within(gone + share * (1.0 - gone)) - age).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_keeps_both_points() {
        let spread = Spread::from(Turnaround { p50: 100, p90: 400 });
        assert!((spread.within(0.5) - 100.0).abs() < 1e-6 && (spread.within(0.9) - 400.0).abs() < 1e-6);
        assert!((spread.back_after(100.0) - 0.5).abs() < 1e-9);
        assert!((spread.within(0.1) - 25.0).abs() < 1e-6, "as far below the middle as above, in ratio");
        assert!((spread.left(0.0, 0.9) - 400.0).abs() < 1e-6);
    }

    #[test]
    fn what_is_late_is_expected_later_still() {
        let spread = Spread::from(Turnaround { p50: 100, p90: 400 });
        let left: Vec<f64> = [0.0, 100.0, 400.0, 4_000.0].map(|age| spread.left(age, 0.5)).to_vec();
        assert!(left[2] > left[1] && left[3] > left[2], "{left:?}");
        assert!(left[3] < 4_000.0, "but not without measure: {left:?}");
        // All alike: nothing is left of what should be back.
        let narrow = Spread::from(Turnaround { p50: 100, p90: 100 });
        assert!(narrow.left(1e9, 0.9).is_finite() && narrow.within(0.9) < 103.0);
    }
}
