//! The correction: what the estimates have missed lately is learnt from how they were kept.
//!
//! An estimate is reckoned from parts: gathering, cut, line, batch. What no part knows of (others that come later and go
//! first, a schedule that fires while all slots are taken, answers that are asked for again) shows in how long work took
//! against what was reckoned for it. Ranges are stretched, or shrunk, by the P50 and P90 of that ratio for work of the same
//! provider, lane and route. What is compared is what was reckoned, not what was shown, so that a correction does not
//! feed on itself.

use crate::{
    queue::{Estimate, Lane, Promise, Turnaround},
    routing::Route,
};
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::HashMap;

/// Work that ended within so many days is looked at.
pub(crate) const CORRECTION_DAYS: i64 = 3;

/// And no more than so many jobs, the newest.
pub(crate) const MOST_OUTCOMES: i64 = 5_000;

/// That nothing is amiss weighs as much as the work of this many hours.
const NOTHING_AMISS: f64 = 3.0;

/// No correction is larger than this factor, or smaller than one over it.
const LARGEST: f64 = 4.0;

/// What was reckoned for a job at hand-in, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Outcome {
    /// The provider.
    pub provider: String,
    /// The lane.
    pub lane: Lane,
    /// The route.
    pub route: Route,
    /// When it came.
    pub arrived_at: DateTime<Utc>,
    /// When it was marked.
    pub finished_at: DateTime<Utc>,
    /// Seconds until half of such work is back, as reckoned, before any correction.
    pub reckoned_p50: i64,
    /// And until nine of ten are.
    pub reckoned_p90: i64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Factors {
    p50: f64,
    p90: f64,
}

/// By how much estimates are stretched.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Correction(Vec<(String, Lane, Route, Factors)>);

impl Correction {
    /// From work that ended lately.
    #[must_use]
    pub fn new(outcomes: &[Outcome]) -> Self {
        let mut kinds: HashMap<(&str, Lane, Route), Vec<&Outcome>> = HashMap::new();
        for outcome in outcomes {
            kinds.entry((&outcome.provider, outcome.lane, outcome.route)).or_default().push(outcome);
        }
        Self(
            kinds
                .into_iter()
                .map(|((provider, lane, route), of)| (provider.to_owned(), lane, route, factors(&of)))
                .collect(),
        )
    }

    /// What is told of a job for which this was reckoned at this moment.
    #[must_use]
    pub fn promise(
        &self,
        provider: &str,
        lane: Lane,
        route: Route,
        reckoned: Estimate,
        now: DateTime<Utc>,
    ) -> Promise {
        let seconds = |at: DateTime<Utc>| (at - now).num_milliseconds().max(0);
        let (p50, p90) = (seconds(reckoned.from), seconds(reckoned.to));
        let factors = self
            .0
            .iter()
            .find(|(p, l, r, _)| p == provider && *l == lane && *r == route)
            .map_or(Factors { p50: 1.0, p90: 1.0 }, |(.., factors)| *factors);
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            reason = "milliseconds are far below 2^52"
        )]
        let stretched = |millis: i64, by: f64| now + TimeDelta::milliseconds((millis as f64 * by) as i64);
        let from = stretched(p50, factors.p50);
        let to = stretched(p90, factors.p90).max(from + TimeDelta::seconds(1));
        // Whole seconds upwards: what is reckoned takes some time.
        let whole = |millis: i64| (millis + 999) / 1000;
        Promise {
            estimate: Estimate { from, to },
            reckoned: Turnaround { p50: whole(p50).max(1), p90: whole(p90).max(1) },
        }
    }
}

/// The quantiles of what work took against what was reckoned. What came in the same hour shares its fate, mostly: an
/// hour's work counts as the root of its number, so that one rush does not drown the days around it.
#[expect(clippy::cast_precision_loss, reason = "a few thousand")]
fn factors(outcomes: &[&Outcome]) -> Factors {
    let hour = |o: &Outcome| o.arrived_at.timestamp().div_euclid(3600);
    let mut hours: HashMap<i64, f64> = HashMap::new();
    for outcome in outcomes {
        *hours.entry(hour(outcome)).or_default() += 1.0;
    }
    let trust = hours.len() as f64 / (hours.len() as f64 + NOTHING_AMISS);
    let took: Vec<(&Outcome, f64, f64)> = outcomes
        .iter()
        .map(|o| {
            let seconds = (o.finished_at - o.arrived_at).num_milliseconds().max(1) as f64 / 1000.0;
            (*o, seconds, hours[&hour(o)].sqrt().recip())
        })
        .collect();
    let factor = |share: f64, reckoned: fn(&Outcome) -> i64| {
        let mut ratios: Vec<(f64, f64)> =
            took.iter().map(|(o, seconds, weight)| (seconds / reckoned(o).max(1) as f64, *weight)).collect();
        (trust * weighted_quantile(&mut ratios, share).ln()).exp().clamp(LARGEST.recip(), LARGEST)
    };
    // Of few hours the next may well be worse than nine of ten of them.
    let nine_of_ten = (0.9 * (1.0 + 1.0 / hours.len().max(1) as f64)).min(1.0);
    Factors { p50: factor(0.5, |o| o.reckoned_p50), p90: factor(nine_of_ten, |o| o.reckoned_p90) }
}

/// The least value at or below which this share of the weight lies.
fn weighted_quantile(values: &mut [(f64, f64)], share: f64) -> f64 {
    values.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let whole: f64 = values.iter().map(|(_, weight)| weight).sum();
    let mut sum = 0.0;
    for (value, weight) in values.iter() {
        sum += weight;
        if sum >= share * whole {
            return *value;
        }
    }
    1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    fn outcomes(n: i64, took: impl Fn(i64) -> i64) -> Vec<Outcome> {
        (0..n)
            .map(|i| Outcome {
                provider: "openai".to_owned(),
                lane: Lane::Standard,
                route: Route::Batch,
                arrived_at: at(i * 1_000),
                finished_at: at(i * 1_000 + took(i)),
                reckoned_p50: 100,
                reckoned_p90: 200,
            })
            .collect()
    }

    fn told(correction: &Correction, lane: Lane) -> (i64, i64) {
        let reckoned = Estimate { from: at(100), to: at(200) };
        let promise = correction.promise("openai", lane, Route::Batch, reckoned, at(0));
        assert_eq!(
            promise.reckoned,
            Turnaround { p50: 100, p90: 200 },
            "what was reckoned is kept beside it"
        );
        ((promise.estimate.from - at(0)).num_seconds(), (promise.estimate.to - at(0)).num_seconds())
    }

    #[test]
    fn what_took_longer_is_told_longer() {
        assert_eq!(told(&Correction::default(), Lane::Standard), (100, 200));
        // From 100 to 500 seconds, evenly: half within 300, nine of ten within 460.
        let late = Correction::new(&outcomes(1_000, |i| 100 + i % 100 * 4));
        let (p50, p90) = told(&late, Lane::Standard);
        assert!((285..=305).contains(&p50) && (445..=465).contains(&p90), "{p50} {p90}");
        assert_eq!(told(&late, Lane::Economy), (100, 200), "of other lanes nothing is known");
        let early = Correction::new(&outcomes(1_000, |i| 10 + i % 100));
        let (p50, p90) = told(&early, Lane::Standard);
        assert!((50..=70).contains(&p50) && (95..=110).contains(&p90), "{p50} {p90}");
    }

    #[test]
    fn little_is_believed_little_and_nothing_without_measure() {
        let one = told(&Correction::new(&outcomes(1, |_| 400)), Lane::Standard);
        assert!(one.1 > 200 && one.1 < 250, "{one:?}");
        let wild = told(&Correction::new(&outcomes(2_000, |_| 1_000_000)), Lane::Standard);
        assert_eq!(wild, (400, 800));
        // The middle is never behind the end.
        let odd = told(&Correction::new(&outcomes(2_000, |_| 390)), Lane::Standard);
        assert!(odd.0 < odd.1, "{odd:?}");
    }

    #[test]
    fn one_rush_does_not_drown_the_days_around_it() {
        let mut all = outcomes(200, |_| 100);
        let mut rush = outcomes(1, |_| 600);
        rush[0].arrived_at = at(500_000);
        rush[0].finished_at = at(500_600);
        all.extend(std::iter::repeat_n(rush[0].clone(), 300));
        let (p50, _) = told(&Correction::new(&all), Lane::Standard);
        assert!((98..=102).contains(&p50), "{p50}");
    }
}
