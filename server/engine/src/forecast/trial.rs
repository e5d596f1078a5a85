//! The trial: the learnt model is used only where it beats the fixed rule on history that it has not seen.

use super::{Sample, fixed, learnt::Learnt};
use crate::queue::Turnaround;

/// Least batches that are fitted on.
const LEAST_FITTED: usize = 30;

/// Least batches that are held out.
const LEAST_HELD_OUT: usize = 15;

/// The model must be better by this share.
const MARGIN: f64 = 0.02;

/// And by this many standard errors of the mean difference, so that luck rarely suffices (one time in twenty).
const SURE: f64 = 1.645;

/// The mean pinball loss at P50 and P90, in seconds: what an estimate misses, each second too late for the P90 nine times
/// as bad as one too early.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Loss {
    /// Of the P50.
    pub p50: f64,
    /// Of the P90.
    pub p90: f64,
}

impl Loss {
    /// Of both.
    #[must_use]
    pub fn sum(&self) -> f64 {
        self.p50 + self.p90
    }
}

/// What came of a trial.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Verdict {
    /// Too few batches to try it.
    TooFew {
        /// How many it takes.
        need: usize,
    },
    /// The learnt model is in use.
    Learnt,
    /// The fixed rule is in use.
    Fixed,
}

/// A trial of the learnt model against the fixed rule: the newest third of the history held out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trial {
    /// Batches that both were fitted on.
    pub fitted: usize,
    /// Batches held out.
    pub held_out: usize,
    /// What the fixed rule missed on those.
    pub fixed: Loss,
    /// What the learnt model missed on those.
    pub learnt: Loss,
    /// What came of it.
    pub verdict: Verdict,
}

impl Trial {
    /// By what share the learnt model was better; negative where it was worse.
    #[must_use]
    pub fn gain(&self) -> f64 {
        let fixed = self.fixed.sum();
        if fixed <= 0.0 { 0.0 } else { 1.0 - self.learnt.sum() / fixed }
    }

    /// The outcome as a sentence, for administrators.
    #[must_use]
    pub fn words(&self) -> String {
        let percent = (self.gain() * 100.0).round();
        let held = self.held_out;
        match self.verdict {
            Verdict::TooFew { need } => {
                format!(
                    "Learnt model: {} of the {need} batches that it takes; fixed rule in use.",
                    self.fitted + held
                )
            }
            Verdict::Learnt => {
                format!("Learnt model: {percent} % better on the last {held} batches: in use.")
            }
            Verdict::Fixed if percent > 0.0 => format!(
                "Learnt model: {percent} % better on the last {held} batches, which may be luck: fixed rule in use."
            ),
            Verdict::Fixed => {
                format!("Learnt model: not better on the last {held} batches: fixed rule in use.")
            }
        }
    }
}

/// Tries both on samples in the order of their sending.
#[expect(clippy::cast_precision_loss, reason = "a few hundred")]
pub(crate) fn trial(samples: &[Sample], prior: Turnaround) -> Trial {
    let held_out = samples.len() / 3;
    let (old, new) = samples.split_at(samples.len() - held_out);
    let mut trial = Trial {
        fitted: old.len(),
        held_out,
        fixed: Loss::default(),
        learnt: Loss::default(),
        verdict: Verdict::TooFew { need: LEAST_FITTED + LEAST_HELD_OUT },
    };
    if old.len() < LEAST_FITTED || new.len() < LEAST_HELD_OUT {
        return trial;
    }
    trial.verdict = Verdict::Fixed;
    let Some(learnt) = Learnt::fit(old) else { return trial };
    let fixed = fixed::measured(old.iter().map(|s| s.seconds as f64).collect(), prior);
    let losses: Vec<(Loss, Loss)> = new
        .iter()
        .map(|s| (loss(fixed, s.seconds), loss(learnt.turnaround(s.jobs, Some(s.tokens), s.hour), s.seconds)))
        .collect();
    let n = losses.len() as f64;
    let mean = |of: fn(&(Loss, Loss)) -> f64| losses.iter().map(of).sum::<f64>() / n;
    trial.fixed = Loss { p50: mean(|l| l.0.p50), p90: mean(|l| l.0.p90) };
    trial.learnt = Loss { p50: mean(|l| l.1.p50), p90: mean(|l| l.1.p90) };
    let better = trial.fixed.sum() - trial.learnt.sum();
    let variance =
        losses.iter().map(|(f, l)| (f.sum() - l.sum() - better).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
    if trial.gain() > MARGIN && better > SURE * (variance / n).sqrt() {
        trial.verdict = Verdict::Learnt;
    }
    trial
}

#[expect(clippy::cast_precision_loss, reason = "seconds are far below 2^52")]
fn loss(estimate: Turnaround, actual: i64) -> Loss {
    let pinball = |share: f64, estimate: i64| {
        let late = (actual - estimate) as f64;
        (share * late).max((share - 1.0) * late)
    };
    Loss { p50: pinball(0.5, estimate.p50), p90: pinball(0.9, estimate.p90) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn being_late_costs_the_p90_more_than_being_early() {
        let estimate = Turnaround { p50: 100, p90: 200 };
        assert_eq!(loss(estimate, 100).p50, 0.0);
        assert_eq!(loss(estimate, 120).p50, 10.0);
        assert_eq!(loss(estimate, 80).p50, 10.0);
        assert!((loss(estimate, 300).p90 - 90.0).abs() < 1e-9);
        assert!((loss(estimate, 100).p90 - 10.0).abs() < 1e-9);
    }
}
