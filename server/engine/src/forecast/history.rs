//! What was measured: one finished batch as the forecasts see it.

use chrono::{DateTime, Timelike, Utc};
use chrono_tz::Tz;

/// A batch that came back. Lanes are not among what is looked at: a provider does not know of them. They act before the
/// sending, through gathering, schedule and place in line, and are reckoned with there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// When it was cut, to be sent at once.
    pub sent_at: DateTime<Utc>,
    /// The hour of the day at which it was, in the institution's zone, with its fraction; from 0 to 24.
    pub hour: f64,
    /// Jobs in it.
    pub jobs: i64,
    /// Input tokens in it, estimated.
    pub tokens: i64,
    /// Seconds from then until its results were taken in.
    pub seconds: i64,
}

impl Sample {
    /// From its times.
    #[must_use]
    pub fn new(sent_at: DateTime<Utc>, back_at: DateTime<Utc>, jobs: i64, tokens: i64, zone: Tz) -> Self {
        // Whole seconds, upwards: nothing takes no time.
        let seconds = ((back_at - sent_at).num_milliseconds() + 999).div_euclid(1000).max(1);
        Self { sent_at, hour: hour_of(sent_at, zone), jobs: jobs.max(1), tokens: tokens.max(0), seconds }
    }
}

/// The hour of the day in a zone, with its fraction.
pub(crate) fn hour_of(at: DateTime<Utc>, zone: Tz) -> f64 {
    f64::from(at.with_timezone(&zone).num_seconds_from_midnight()) / 3600.0
}

/// The value below which this share of sorted values lies, as far as so few can tell: of a small sample the high shares
/// lie near its end, for the next value may well be higher. Zero of none.
pub(crate) fn quantile(sorted: &[f64], share: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return 0.0 };
    #[expect(clippy::cast_precision_loss, reason = "a few hundred values")]
    let place = (share * (sorted.len() + 1) as f64 - 1.0).clamp(0.0, last as f64);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the list")]
    let below = place as usize;
    let above = (below + 1).min(last);
    sorted[below] + (sorted[above] - sorted[below]) * place.fract()
}

/// Sorts numbers; there is no NaN among measured ones.
pub(crate) fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_unstable_by(f64::total_cmp);
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    #[test]
    fn hours_go_by_the_clocks_of_the_institution() {
        let noon = DateTime::UNIX_EPOCH + TimeDelta::minutes(12 * 60 + 30);
        let back = noon + TimeDelta::milliseconds(1_200);
        let sample = Sample::new(noon, back, 0, 9, chrono_tz::Asia::Tokyo);
        assert_eq!((sample.hour, sample.jobs, sample.seconds), (21.5, 1, 2));
    }

    #[test]
    fn quantiles_of_few_lie_further_out() {
        assert_eq!(quantile(&[], 0.5), 0.0);
        assert_eq!(quantile(&[7.0], 0.9), 7.0);
        let nine: Vec<f64> = (1..=9).map(f64::from).collect();
        assert_eq!((quantile(&nine, 0.5), quantile(&nine, 0.9)), (5.0, 9.0));
        let many: Vec<f64> = (1..=999).map(f64::from).collect();
        assert!((quantile(&many, 0.9) - 900.0).abs() < 1e-9);
    }
}
