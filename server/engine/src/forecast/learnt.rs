//! The learnt model: how the turnaround depends on size and hour.
//!
//! The logarithm of the seconds is a sum of an effect of the batch's size (jobs, tokens in each) and a smooth curve over
//! the day (three harmonics, so that 23 and 0 o'clock are neighbours), fitted by shrunk least squares in which odd
//! batches weigh less. P50 and P90 are that plus the quantiles of what it missed. It was chosen over quantiles by hour
//! since it needs nine numbers where 24 hours times sizes would need hundreds, and over libraries for learning since it
//! is two screens of code that can be read, and fits in a millisecond.

use super::{
    Sample,
    fixed::turnaround,
    history::{quantile, sorted},
    linear::{self, FEATURES, Row},
};
use crate::queue::Turnaround;
use std::f64::consts::TAU;

/// What was learnt of one provider.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Learnt {
    weights: Row,
    /// Means of the two features of size, taken off before the fit.
    means: [f64; 2],
    /// Added for the P50 and the P90.
    above: [f64; 2],
    /// Logarithms of the least and the most seconds that are believed.
    bounds: [f64; 2],
    /// The tokens in each job of a usual batch.
    pub(crate) tokens_each: f64,
}

/// How far beyond what was measured the model is believed.
const BEYOND: f64 = 2.0;

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn sizes(jobs: i64, tokens: i64) -> [f64; 2] {
    let jobs = jobs.max(1) as f64;
    [jobs.ln(), (tokens.max(1) as f64 / jobs).max(1.0).ln()]
}

fn row(size: [f64; 2], means: [f64; 2], hour: f64) -> Row {
    let mut row: Row = [0.0; FEATURES];
    row[0] = 1.0;
    row[1] = size[0] - means[0];
    row[2] = size[1] - means[1];
    let turn = TAU * hour / 24.0;
    for (harmonic, pair) in (1_u8..).zip(row[3..].chunks_exact_mut(2)) {
        let (sin, cos) = (turn * f64::from(harmonic)).sin_cos();
        pair[0] = sin;
        pair[1] = cos;
    }
    row
}

impl Learnt {
    /// Fits the model; none where there is nothing to learn from.
    #[expect(clippy::cast_precision_loss, reason = "seconds and counts are far below 2^52")]
    pub(crate) fn fit(samples: &[Sample]) -> Option<Self> {
        if samples.is_empty() {
            return None;
        }
        let all: Vec<[f64; 2]> = samples.iter().map(|s| sizes(s.jobs, s.tokens)).collect();
        let mean = |i: usize| all.iter().map(|size| size[i]).sum::<f64>() / all.len() as f64;
        let means = [mean(0), mean(1)];
        let rows: Vec<Row> = samples.iter().zip(&all).map(|(s, size)| row(*size, means, s.hour)).collect();
        let logs: Vec<f64> = samples.iter().map(|s| (s.seconds.max(1) as f64).ln()).collect();
        let fitted = linear::fit(&rows, &logs)?;
        let missed = sorted(fitted.residuals);
        let logs = sorted(logs);
        Some(Self {
            weights: fitted.weights,
            means,
            above: [quantile(&missed, 0.5), quantile(&missed, 0.9)],
            bounds: [logs[0] - BEYOND.ln(), logs[logs.len() - 1] + BEYOND.ln()],
            tokens_each: means[1].exp(),
        })
    }

    /// What it expects of a batch of this size sent at this hour of the day; tokens: none, as many in each job as usual.
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    pub(crate) fn turnaround(&self, jobs: i64, tokens: Option<i64>, hour: f64) -> Turnaround {
        #[expect(clippy::cast_possible_truncation, reason = "far below 2^63")]
        let tokens = tokens.unwrap_or((self.tokens_each * jobs.max(1) as f64) as i64);
        let middle = linear::dot(&row(sizes(jobs, tokens), self.means, hour), &self.weights);
        let within = |log: f64| log.clamp(self.bounds[0], self.bounds[1]);
        turnaround(within(middle + self.above[0]), within(middle + self.above[1]))
    }
}
