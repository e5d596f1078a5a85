//! The forecast of one provider: the better of fixed rule and learnt model, and what it leans on.

use super::{
    HISTORY_DAYS, Sample, Trial, Verdict,
    fixed::{self, PRIOR_BATCHES},
    learnt::Learnt,
    trial::trial,
};
use crate::queue::Turnaround;
use chrono::TimeDelta;

/// What a forecast leans on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Basis {
    /// Finished batches (or calls) that were measured.
    pub measured: usize,
    /// What they are, one and several.
    pub what: (&'static str, &'static str),
}

impl Basis {
    /// In words: "from 43 batches of the last 14 days".
    #[must_use]
    pub fn words(&self) -> String {
        let (one, several) = self.what;
        #[expect(clippy::cast_precision_loss, reason = "a few hundred")]
        let few = (self.measured as f64) < 4.0 * PRIOR_BATCHES;
        match self.measured {
            0 => "no history yet: assumed".to_owned(),
            n => {
                let noun = if n == 1 { one } else { several };
                let mixed = if few { ", mixed with what was assumed" } else { "" };
                format!("from {n} {noun} of the last {HISTORY_DAYS} days{mixed}")
            }
        }
    }
}

/// How long a provider's batches take.
#[derive(Clone, Debug, PartialEq)]
pub struct Forecast {
    fixed: Turnaround,
    learnt: Option<Learnt>,
    usual_jobs: i64,
    /// The share of time in which all slots were taken, by hour of the day.
    slots_taken: [f64; 24],
    /// What it leans on.
    pub basis: Basis,
    /// How the learnt model did against the fixed rule.
    pub trial: Trial,
}

impl Forecast {
    /// From finished batches in the order of their sending, what is assumed where there are few, and how many batches
    /// the provider takes at once.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "seconds and counts are far below 2^52")]
    pub fn new(samples: &[Sample], prior: Turnaround, slots: i64) -> Self {
        let trial = trial(samples, prior);
        let jobs: i64 = samples.iter().map(|s| s.jobs).sum();
        // A job is more likely in a large batch than in a small one.
        let weighted: i64 = samples.iter().map(|s| s.jobs.saturating_mul(s.jobs)).sum();
        Self {
            fixed: fixed::measured(samples.iter().map(|s| s.seconds as f64).collect(), prior),
            learnt: if trial.verdict == Verdict::Learnt { Learnt::fit(samples) } else { None },
            slots_taken: slots_taken(samples, slots),
            usual_jobs: weighted.checked_div(jobs).unwrap_or(1).max(1),
            basis: Basis { measured: samples.len(), what: ("batch", "batches") },
            trial,
        }
    }

    /// P50 and P90 of a batch of so many jobs that is sent at this hour of the day (0 to 24, in the institution's zone).
    #[must_use]
    pub fn turnaround(&self, jobs: i64, hour: f64) -> Turnaround {
        self.learnt.as_ref().map_or(self.fixed, |learnt| learnt.turnaround(jobs, None, hour))
    }

    /// The same for the usual size.
    #[must_use]
    pub fn usual(&self, hour: f64) -> Turnaround {
        self.turnaround(self.usual_jobs, hour)
    }

    /// The share of time in which all slots were taken around this hour of the day.
    #[must_use]
    pub fn slots_taken(&self, hour: f64) -> f64 {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an hour of the day")]
        let hour = hour.rem_euclid(24.0) as usize;
        self.slots_taken.get(hour).copied().unwrap_or(0.0)
    }

    /// The size of batch that a job is usually in.
    #[must_use]
    pub const fn usual_jobs(&self) -> i64 {
        self.usual_jobs
    }

    /// Expected P50 and P90 in seconds by the number of jobs, of batches that are sent at this hour: what the choice of
    /// a batch's size goes by.
    pub fn expected_turnaround(&self, hour: f64) -> impl Fn(i64) -> (i64, i64) + '_ {
        move |jobs| {
            let turnaround = self.turnaround(jobs, hour);
            (turnaround.p50, turnaround.p90)
        }
    }

    /// The learnt model is in use.
    #[must_use]
    pub const fn is_learnt(&self) -> bool {
        self.learnt.is_some()
    }
}

/// The share of time in which all slots were taken, by hour of the day, looked at each quarter of an hour. Hours of which
/// little is known lean on the whole day.
#[expect(clippy::cast_precision_loss, reason = "a few thousand looks")]
fn slots_taken(samples: &[Sample], slots: i64) -> [f64; 24] {
    let mut taken = [(0.0, 0.0); 24];
    let Some(first) = samples.first() else { return [0.0; 24] };
    let back = |s: &Sample| s.sent_at + TimeDelta::seconds(s.seconds);
    let end = samples.iter().map(back).max().unwrap_or(first.sent_at);
    let (mut at, mut next, mut away) = (first.sent_at, 0, Vec::new());
    while at < end {
        while let Some(sample) = samples.get(next).filter(|s| s.sent_at <= at) {
            away.push(back(sample));
            next += 1;
        }
        away.retain(|back| *back > at);
        let since = (at - first.sent_at).num_seconds() as f64 / 3600.0;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an hour of the day")]
        let hour = (first.hour + since).rem_euclid(24.0) as usize;
        if let Some((full, looks)) = taken.get_mut(hour) {
            *full += f64::from(u8::from(i64::try_from(away.len()).unwrap_or(i64::MAX) >= slots));
            *looks += 1.0;
        }
        at += TimeDelta::minutes(15);
    }
    let (full, looks) = taken.iter().fold((0.0, 0.0), |sum, t| (sum.0 + t.0, sum.1 + t.1));
    let day = full / f64::max(looks, 1.0);
    taken.map(|(full, looks)| (full + 4.0 * day) / (looks + 4.0))
}

/// P50 and P90 of calls in real time, from measured seconds and what is assumed where there are few.
pub(crate) fn calls(seconds: Vec<f64>, prior: Turnaround) -> (Turnaround, Basis) {
    let basis = Basis { measured: seconds.len(), what: ("call", "calls") };
    (fixed::measured(seconds, prior), basis)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::store::{World, testing::still_world};
    use chrono::{DateTime, TimeDelta, Utc};

    pub(in crate::forecast) const PRIOR: Turnaround = Turnaround { p50: 2_700, p90: 14_400 };

    /// Close to a bell curve: twelve throws of a die without edges.
    pub(in crate::forecast) fn bell(world: &World) -> f64 {
        (0..12).map(|_| world.fraction()).sum::<f64>() - 6.0
    }

    /// A history of one batch every 40 minutes; `middle` gives the usual seconds by hour and jobs.
    pub(in crate::forecast) fn history(
        world: &World,
        batches: i64,
        noise: f64,
        middle: impl Fn(f64, f64) -> f64,
    ) -> Vec<Sample> {
        let start: DateTime<Utc> = DateTime::UNIX_EPOCH;
        (0..batches)
            .map(|i| {
                let sent = start + TimeDelta::minutes(40 * i);
                #[expect(clippy::cast_possible_truncation, reason = "small")]
                let jobs = (4.0 + 200.0 * world.fraction().powi(2)) as i64;
                let hour = super::super::history::hour_of(sent, chrono_tz::Tz::UTC);
                #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "small")]
                let seconds = (middle(hour, jobs as f64) * (noise * bell(world)).exp()) as i64;
                Sample::new(sent, sent + TimeDelta::seconds(seconds), jobs, jobs * 900, chrono_tz::Tz::UTC)
            })
            .collect()
    }

    fn slow_afternoons(hour: f64, _: f64) -> f64 {
        if (12.0..19.0).contains(&hour) { 5_400.0 } else { 1_500.0 }
    }

    #[test]
    fn a_strong_daily_rhythm_is_learnt() {
        let (world, _) = still_world();
        let forecast = Forecast::new(&history(&world, 180, 0.3, slow_afternoons), PRIOR, 2);
        assert!(forecast.is_learnt() && forecast.trial.gain() > 0.2, "{:?}", forecast.trial);
        assert_eq!((forecast.trial.fitted, forecast.trial.held_out), (120, 60));
        assert!(
            forecast.trial.words().ends_with("on the last 60 batches: in use."),
            "{}",
            forecast.trial.words()
        );
        let (night, afternoon) = (forecast.usual(3.0), forecast.usual(15.5));
        assert!(
            (1_000..2_200).contains(&night.p50) && (3_600..7_500).contains(&afternoon.p50),
            "{night:?} {afternoon:?}"
        );
        // The day has no seam.
        let (before, after) = (forecast.usual(23.99), forecast.usual(0.01));
        assert!((before.p50 - after.p50).abs() < 60, "{before:?} {after:?}");
    }

    #[test]
    fn the_effect_of_size_is_learnt() {
        let (world, _) = still_world();
        let samples = history(&world, 150, 0.2, |_, jobs| 200.0 * jobs.sqrt());
        let forecast = Forecast::new(&samples, PRIOR, 2);
        assert!(forecast.is_learnt(), "{:?}", forecast.trial);
        let expected = forecast.expected_turnaround(9.0);
        let (small, large) = (expected(10), expected(160));
        assert!((2.5..6.0).contains(&(large.0 as f64 / small.0 as f64)), "{small:?} {large:?}");
        assert!(large.0 <= large.1);
        let far = expected(i64::MAX);
        assert!(
            far.1 <= 2 * samples.iter().map(|s| s.seconds).max().unwrap_or(0) + 1,
            "{far:?} is not believed"
        );
    }

    #[test]
    fn noise_is_not_learnt() {
        let mut learnt = 0;
        for seed in 0..40 {
            let world = World::new(
                std::sync::Arc::new(crate::store::ManualClock::new(DateTime::UNIX_EPOCH)),
                std::sync::Arc::new(crate::store::SeededChance::new(seed)),
            );
            let forecast = Forecast::new(&history(&world, 150, 0.6, |_, _| 2_000.0), PRIOR, 2);
            learnt += usize::from(forecast.is_learnt());
            if !forecast.is_learnt() {
                assert_eq!(forecast.usual(3.0), forecast.usual(15.0), "the fixed rule knows no hours");
                assert!(forecast.trial.words().ends_with("fixed rule in use."), "{}", forecast.trial.words());
            }
        }
        assert!(learnt <= 2, "taken for learnt in {learnt} of 40");
    }

    #[test]
    fn it_knows_when_slots_are_taken() {
        // One batch each 40 minutes that takes two hours in the afternoon and ten minutes else.
        let middle = |hour: f64, _| if (12.0..18.0).contains(&hour) { 7_200.0 } else { 600.0 };
        let (world, _) = still_world();
        let forecast = Forecast::new(&history(&world, 400, 0.0, middle), PRIOR, 2);
        assert!(forecast.slots_taken(15.5) > 0.9, "{forecast:?}");
        assert!(forecast.slots_taken(5.0) < 0.1, "{forecast:?}");
        assert_eq!(Forecast::new(&[], PRIOR, 2).slots_taken(15.5), 0.0);
    }

    #[test]
    fn a_short_history_is_not_tried() {
        let (world, _) = still_world();
        let samples = history(&world, 12, 0.3, slow_afternoons);
        let forecast = Forecast::new(&samples, PRIOR, 2);
        assert_eq!(
            forecast.trial.words(),
            "Learnt model: 12 of the 45 batches that it takes; fixed rule in use."
        );
        assert_eq!(
            forecast.basis.words(),
            "from 12 batches of the last 14 days, mixed with what was assumed"
        );
        let none = Forecast::new(&[], PRIOR, 2);
        assert_eq!((none.usual(1.0), none.basis.words().as_str()), (PRIOR, "no history yet: assumed"));
        assert_eq!(Forecast::new(&samples[..1], PRIOR, 2).basis.words().split(' ').nth(2), Some("batch"));
    }
}
