//! What a month will come to: the spend so far carried on by its weekly rhythm, with an interval (SPEC 7.3). Pure.

use super::Month;
use crate::store::NanoUsd;
use chrono::NaiveDate;
use stlrs::Stl;

/// Days of a week, the rhythm of spend.
const WEEK: usize = 7;

/// The rhythm is looked for once it was seen so often; before that the mean of the days is carried on.
const WEEKS: usize = 3;

/// So many weeks back it is tried what the model would have said.
const LOOKS: usize = 6;

/// Days that a projection looks back at most.
pub(super) const LOOK_BACK: i64 = 84;

/// The level of spend is that of so many days: four weeks.
const LEVEL_DAYS: usize = 4 * WEEK;

/// How many standard deviations from the mean nine of ten values of a normal distribution lie below.
const Z: f64 = 1.281_551_565_544_6;

/// What a month will come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Projection {
    /// Nine of ten such months come to more.
    pub low: NanoUsd,
    /// The most likely.
    pub likely: NanoUsd,
    /// Nine of ten such months come to less.
    pub high: NanoUsd,
    /// Whole days of the past that it rests on.
    pub days: usize,
    /// The weekly rhythm is in it; else it is the mean of the days.
    pub weekly: bool,
}

/// What is known of the money of a month that has not ended.
#[derive(Clone, Debug)]
pub struct Known {
    /// Today.
    pub today: NaiveDate,
    /// Spent on past days and today, in order; days on which nothing was may be left out.
    pub by_day: Vec<(NaiveDate, NanoUsd)>,
    /// Expected for work that is at hand.
    pub expected: NanoUsd,
}

/// What the month of today will come to; none before a whole day of spend has passed.
#[must_use]
pub fn project(known: &Known) -> Option<Projection> {
    let Known { today, by_day, expected } = known;
    let month = Month::of(*today);
    let past = whole_days(by_day, *today);
    if past.is_empty() {
        return None;
    }
    let days_left = usize::try_from((month.last() - *today).num_days() + 1).unwrap_or(1);
    let (rest, weekly) = match carried_on(&past, days_left) {
        Some(rest) => (rest, true),
        None => (mean(&past, days_left), false),
    };
    let on = |day: NaiveDate| by_day.iter().filter(move |(d, _)| *d == day).map(|(_, spent)| *spent);
    let spent: NanoUsd =
        by_day.iter().filter(|(day, _)| *day >= month.first() && day <= today).map(|(_, spent)| *spent).sum();
    // Of today only what is left of it.
    let already: NanoUsd = on(*today).sum();
    let today_left = (rest.days[0] - already.dollars()).max(0.0);
    let likely = today_left + rest.days[1..].iter().sum::<f64>();
    let spread = rest.deviation * Z;
    // What is at hand is paid for in any case.
    let more = |dollars: f64| spent + nano(dollars).max(*expected);
    Some(Projection {
        low: more((likely - spread).max(0.0)),
        likely: more(likely),
        high: more(likely + spread),
        days: past.len(),
        weekly,
    })
}

/// Dollars of each whole day before today, from the first on which something was spent.
fn whole_days(by_day: &[(NaiveDate, NanoUsd)], today: NaiveDate) -> Vec<f64> {
    let oldest = today - chrono::Days::new(u64::try_from(LOOK_BACK).unwrap_or(0));
    let before =
        |(day, spent): &&(NaiveDate, NanoUsd)| (oldest..today).contains(day) && *spent != NanoUsd::ZERO;
    let Some((first, _)) = by_day.iter().find(before) else { return Vec::new() };
    let mut days = vec![0.0; usize::try_from((today - *first).num_days()).unwrap_or(0)];
    for (day, spent) in by_day.iter().filter(|(day, _)| (*first..today).contains(day)) {
        if let Ok(at) = usize::try_from((*day - *first).num_days()) {
            days[at] += spent.dollars();
        }
    }
    days
}

/// The days that are left.
struct Rest {
    /// Dollars of each.
    days: Vec<f64>,
    /// How far their sum may stray: its standard deviation.
    deviation: f64,
}

/// The mean of the days, carried on.
#[expect(clippy::cast_precision_loss, reason = "some dozens of days")]
fn mean(past: &[f64], days: usize) -> Rest {
    let n = past.len() as f64;
    let mean = past.iter().sum::<f64>() / n;
    let variance = past.iter().map(|day| (day - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
    // One day says nothing of how far days differ.
    let deviation = if past.len() == 1 { mean } else { variance.sqrt() };
    Rest { days: vec![mean; days], deviation: deviation * (days as f64).sqrt() }
}

/// The days by season and trend; none where too little was seen or nothing fits.
fn carried_on(past: &[f64], days: usize) -> Option<Rest> {
    let (points, deviation) = forecast(past, days)?;
    // Chance is not all: the level of spend moves. What would have been said in the weeks before shows how far.
    let misses: Vec<f64> = (1..=LOOKS)
        .map_while(|weeks| past.len().checked_sub(WEEK * weeks).filter(|cut| *cut >= WEEK * WEEKS))
        .filter_map(|cut| {
            let came = &past[cut..(cut + days).min(past.len())];
            let said: f64 = forecast(&past[..cut], came.len())?.0.iter().sum();
            (said > 0.0).then(|| came.iter().sum::<f64>() / said - 1.0)
        })
        .collect();
    #[expect(clippy::cast_precision_loss, reason = "a few looks back")]
    let missed = (misses.iter().map(|miss| miss * miss).sum::<f64>() / misses.len().max(1) as f64).sqrt();
    let likely: f64 = points.iter().sum();
    Some(Rest { days: points, deviation: deviation.max(missed * likely) })
}

/// The next days and the deviation of their sum: the level of the last weeks with the season of a week. The parts are
/// those of STL (Cleveland et al. 1990, "STL: A Seasonal-Trend Decomposition Procedure Based on Loess"), robust against
/// single days.
#[expect(clippy::cast_precision_loss, reason = "some dozens of days")]
fn forecast(past: &[f64], days: usize) -> Option<(Vec<f64>, f64)> {
    if past.len() < WEEK * WEEKS {
        return None;
    }
    let parts = Stl::params().robust(true).fit(past, WEEK).ok()?;
    let from = past.len().saturating_sub(LEVEL_DAYS);
    let recent: Vec<f64> = parts.trend()[from..]
        .iter()
        .zip(&parts.remainder()[from..])
        .map(|(trend, rest)| trend + rest)
        .collect();
    let n = recent.len() as f64;
    let level = recent.iter().sum::<f64>() / n;
    let variance = recent.iter().map(|day| (day - level).powi(2)).sum::<f64>() / (n - 1.0);
    let season = &parts.seasonal()[past.len() - WEEK..];
    let points: Vec<f64> = (0..days).map(|day| (level + season[day % WEEK]).max(0.0)).collect();
    // Each day strays by itself, and all of them by as much as the level is uncertain.
    let ahead = days as f64;
    let deviation = (variance * (ahead + ahead * ahead / n)).sqrt();
    let sound = deviation.is_finite() && points.iter().all(|point| point.is_finite());
    sound.then_some((points, deviation))
}

#[expect(clippy::cast_possible_truncation, reason = "an estimate; what is too large becomes the largest")]
fn nano(dollars: f64) -> NanoUsd {
    NanoUsd((dollars * 1e9).round() as i64)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use chrono::{Datelike as _, Days};
    use rand::{RngExt as _, SeedableRng as _, rngs::SmallRng};

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn dollars(n: i64) -> NanoUsd {
        NanoUsd::from_dollars(n)
    }

    /// Days with a weekly rhythm (weekends are quiet) and chance.
    fn spend(from: NaiveDate, days: u64, seed: u64) -> Vec<(NaiveDate, NanoUsd)> {
        let mut random = SmallRng::seed_from_u64(seed);
        (0..days)
            .map(|n| {
                let day = from + Days::new(n);
                let usual = if day.weekday().number_from_monday() > 5 { 2.0 } else { 20.0 };
                (day, nano(usual * random.random_range(0.6..1.4)))
            })
            .collect()
    }

    #[test]
    fn without_a_past_nothing_is_said() {
        let today = day("2026-11-03");
        let known = |by_day: Vec<_>| Known { today, by_day, expected: dollars(3) };
        assert_eq!(project(&known(Vec::new())), None);
        assert_eq!(project(&known(vec![(today, dollars(5))])), None);
        assert_eq!(project(&known(vec![(day("2026-01-01"), dollars(5))])), None);
    }

    #[test]
    fn a_short_past_is_carried_on_by_its_mean() {
        let by_day = vec![(day("2026-11-01"), dollars(4)), (day("2026-11-02"), dollars(8))];
        let known = Known { today: day("2026-11-03"), by_day, expected: NanoUsd::ZERO };
        let projection = project(&known).unwrap();
        // 12 spent, 28 days at 6 each.
        assert_eq!((projection.likely, projection.weekly, projection.days), (dollars(180), false, 2));
        assert!(projection.low < projection.likely && projection.likely < projection.high);
        // What was spent today counts once.
        let mut later = known.clone();
        later.by_day.push((later.today, dollars(5)));
        assert_eq!(project(&later).unwrap().likely, dollars(180));
        later.by_day.push((later.today, dollars(5)));
        assert_eq!(project(&later).unwrap().likely, dollars(184));
    }

    #[test]
    fn what_is_at_hand_is_counted_on_the_last_day_too() {
        let by_day = vec![(day("2026-11-29"), dollars(1)), (day("2026-11-30"), dollars(9))];
        let known = Known { today: day("2026-11-30"), by_day, expected: dollars(7) };
        let projection = project(&known).unwrap();
        assert_eq!((projection.low, projection.likely), (dollars(17), dollars(17)));
    }

    /// The interval holds four of five months, and the rhythm makes it narrow.
    #[test]
    fn the_interval_is_kept() {
        let (mut held, mut all) = (0, 0);
        for seed in 0..60 {
            let year = spend(day("2026-08-01"), 122, seed);
            for today in ["2026-11-04", "2026-11-10", "2026-11-21"].map(day) {
                let by_day = year.iter().filter(|(day, _)| *day < today).copied().collect();
                let projection = project(&Known { today, by_day, expected: NanoUsd::ZERO }).unwrap();
                let came: NanoUsd = year
                    .iter()
                    .filter(|(at, _)| (day("2026-11-01")..=day("2026-11-30")).contains(at))
                    .map(|(_, spent)| *spent)
                    .sum();
                assert!(projection.weekly);
                assert!(
                    (projection.likely.dollars() / came.dollars() - 1.0).abs() < 0.2,
                    "{projection:?} {came:?}"
                );
                held += i32::from(projection.low <= came && came <= projection.high);
                all += 1;
            }
        }
        let share = f64::from(held) / f64::from(all);
        assert!((0.7..=0.95).contains(&share), "{share}");
    }
}
