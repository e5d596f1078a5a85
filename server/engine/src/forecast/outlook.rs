//! What a provider's queue, slots and forecast say at one moment, worked out once for all who wait; the estimate of one
//! job is then a little arithmetic (ARCHITECTURE, decision 8).

use super::{
    Forecast,
    history::hour_of,
    line::{Range, starts},
    spread::Spread,
};
use crate::{
    batching::Sizes,
    queue::{Estimate, Lane, Turnaround},
};
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use std::sync::Arc;

/// What is looked at of one provider's queue of batches.
#[derive(Clone, Debug)]
pub struct QueueFacts {
    /// The moment.
    pub now: DateTime<Utc>,
    /// The institution's zone.
    pub zone: Tz,
    /// Sizes and times that the queue is cut by.
    pub sizes: Sizes,
    /// Batches that take a slot: when each was cut, and its jobs.
    pub away: Vec<(DateTime<Utc>, i64)>,
    /// Urgent and standard jobs that wait.
    pub hurried: i64,
    /// Economy jobs that wait.
    pub economy: i64,
    /// When the oldest urgent or standard job came that may be sent now.
    pub oldest: Option<DateTime<Utc>>,
    /// Jobs that come for batches each second, as measured in the last hour.
    pub per_second: f64,
    /// The next times at which the schedule fires, in order.
    pub fires: Vec<DateTime<Utc>>,
    /// The next times at which the economy schedule fires, in order.
    pub economy_fires: Vec<DateTime<Utc>>,
}

/// A job that waits for a batch.
#[derive(Clone, Copy, Debug)]
pub struct Pending {
    /// Its lane.
    pub lane: Lane,
    /// When it came.
    pub arrived_at: DateTime<Utc>,
    /// When its gathering (or back-off) is over.
    pub ready_at: DateTime<Utc>,
    /// Jobs that go into the provider's batches before it.
    pub ahead: i64,
}

/// One provider's batches at one moment.
#[derive(Clone, Debug)]
pub struct Outlook {
    facts: QueueFacts,
    forecast: Arc<Forecast>,
    /// When each of the next batches can start.
    starts: Vec<Range>,
}

/// Batches in line that are worked out one by one; further ones follow at the same pace.
const LONGEST_LINE: i64 = 200;

impl Outlook {
    /// Works it out.
    #[must_use]
    pub fn new(facts: QueueFacts, forecast: Arc<Forecast>) -> Self {
        let max = facts.sizes.max.max(1);
        // One more than now waits for: of one who comes next.
        let batches = ((facts.hurried + facts.economy) / max + 2).min(LONGEST_LINE);
        let hour = hour_of(facts.now, facts.zone);
        let at = |seconds: f64| (hour + seconds / 3600.0).rem_euclid(24.0);
        #[expect(clippy::cast_precision_loss, reason = "milliseconds are far below 2^52")]
        let age = |sent: DateTime<Utc>| (facts.now - sent).num_milliseconds().max(0) as f64 / 1000.0;
        let away: Vec<(f64, Spread)> = facts
            .away
            .iter()
            .map(|(sent, jobs)| (age(*sent), forecast.turnaround(*jobs, hour_of(*sent, facts.zone)).into()))
            .collect();
        let mut outlook = Self { facts, forecast, starts: Vec::new() };
        let slots = usize::try_from(outlook.facts.sizes.slots).unwrap_or(1).max(1);
        let all = outlook.facts.hurried + outlook.facts.economy;
        let batches = usize::try_from(batches).unwrap_or(1);
        // The times of each batch by the hour of its start, worked out once.
        let mut known: Vec<[Option<Spread>; 24]> = vec![[None; 24]; batches];
        outlook.starts = starts(slots, &away, batches, |n, start| {
            let hour = at(start).floor();
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an hour of the day")]
            let place = (hour as usize).min(23);
            *known[n][place].get_or_insert_with(|| {
                let jobs = outlook.jobs_of(i64::try_from(n).unwrap_or(i64::MAX), all, start);
                outlook.forecast.turnaround(jobs, hour + 0.5).into()
            })
        });
        outlook
    }

    /// When a job that waits for a batch will be back.
    #[must_use]
    pub fn waiting(&self, job: &Pending, now: DateTime<Utc>) -> Estimate {
        let batch = job.ahead.max(0) / self.facts.sizes.max.max(1);
        let start = self.start(batch);
        let free = |seconds: f64| job.ready_at.max(now).max(self.facts.now + delta(seconds));
        let (p50, p90) = (self.cut(job, free(start.p50), 0.5), self.cut(job, free(start.p90), 0.9));
        let waits = if job.lane == Lane::Economy { self.facts.economy } else { self.facts.hurried };
        let jobs = if job.lane == Lane::Economy {
            waits.max(self.forecast.usual_jobs()).clamp(1, self.facts.sizes.max.max(1))
        } else {
            self.jobs_of(batch, waits, seconds(p50 - self.facts.now))
        };
        let takes = self.forecast.turnaround(jobs, hour_of(p50, self.facts.zone));
        // The cut and the batch are rarely late together: their lateness adds up like the sides of a right angle.
        let late = seconds(p90 - p50).max(0.0).hypot(seconds(TimeDelta::seconds(takes.p90 - takes.p50)));
        let from = p50 + TimeDelta::seconds(takes.p50);
        Estimate { from, to: from + delta(late.max(1.0)) }
    }

    /// When a job in a batch will be back that was cut then; never a time that has passed.
    #[must_use]
    pub fn sent(&self, cut_at: DateTime<Utc>, jobs: i64, now: DateTime<Utc>) -> Estimate {
        sent(&self.forecast, self.facts.zone, cut_at, jobs, now)
    }

    /// How long its batches take that are sent now, at their usual size.
    #[must_use]
    pub fn turnaround(&self) -> Turnaround {
        self.forecast.usual(hour_of(self.facts.now, self.facts.zone))
    }

    /// What it goes by.
    #[must_use]
    pub const fn forecast(&self) -> &Arc<Forecast> {
        &self.forecast
    }

    /// Jobs of other lanes that go before all economy jobs.
    #[must_use]
    pub const fn hurried(&self) -> i64 {
        self.facts.hurried
    }

    /// When the n-th next batch can start.
    fn start(&self, batch: i64) -> Range {
        let place = usize::try_from(batch).unwrap_or(usize::MAX);
        self.starts.get(place).copied().unwrap_or_else(|| {
            let last = self.starts.last().copied().unwrap_or_default();
            #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
            let rounds = (batch + 1) as f64 / self.starts.len().max(1) as f64;
            Range { p50: last.p50 * rounds, p90: last.p90 * rounds }
        })
    }

    /// Jobs that the n-th next batch will have if it is cut so many seconds from now.
    fn jobs_of(&self, batch: i64, waiting: i64, after: f64) -> i64 {
        #[expect(clippy::cast_possible_truncation, reason = "saturates, and is clamped below")]
        let coming = (self.facts.per_second * after.max(0.0)) as i64;
        let max = self.facts.sizes.max.max(1);
        (waiting.saturating_sub(batch.saturating_mul(max)).max(1)).saturating_add(coming).clamp(1, max)
    }

    /// When a batch with this job is cut, if it may be from `free` on, in this share of all cases.
    fn cut(&self, job: &Pending, free: DateTime<Utc>, share: f64) -> DateTime<Utc> {
        let sizes = &self.facts.sizes;
        let since = |at: DateTime<Utc>, longest: TimeDelta| (at + longest).max(free);
        match job.lane {
            Lane::Urgent => free,
            Lane::Economy if self.facts.economy >= sizes.max => free,
            Lane::Economy => {
                let by_age = since(job.arrived_at, sizes.longest_economy);
                // A fire that finds all slots taken is lost: which one takes the job along depends on the hour.
                let (mut from, mut lost) = (free, 1.0);
                while let Some(at) = fire(&self.facts.economy_fires, from).filter(|at| *at < by_age) {
                    lost *= self.forecast.slots_taken(hour_of(at, self.facts.zone));
                    if 1.0 - lost >= share {
                        return at;
                    }
                    from = at + TimeDelta::seconds(1);
                }
                by_age
            }
            Lane::Standard => {
                let by_age = since(job.arrived_at, sizes.longest);
                let by_oldest = self.facts.oldest.map_or(by_age, |oldest| since(oldest, sizes.longest));
                let by_schedule = fire(&self.facts.fires, free).unwrap_or(by_age);
                // Enough jobs come together: somewhere within the time in which so many come. Behind full slots they
                // have gathered before.
                let gathered = free > job.ready_at && self.facts.hurried >= sizes.min;
                #[expect(clippy::cast_precision_loss, reason = "a few thousand jobs")]
                let takes = (sizes.min - 1).max(0) as f64 / self.facts.per_second.max(1e-9);
                let by_size = if gathered { free } else { free + delta((takes * share).min(1e7)) };
                by_size.min(by_age).min(by_oldest).min(by_schedule)
            }
        }
    }
}

/// When a job in a batch will be back, by its forecast. Of one that has been away for a while, what is left is reckoned
/// among those that took as long; so it is never a time that has passed.
pub(crate) fn sent(
    forecast: &Forecast,
    zone: Tz,
    cut_at: DateTime<Utc>,
    jobs: i64,
    now: DateTime<Utc>,
) -> Estimate {
    let spread = Spread::from(forecast.turnaround(jobs, hour_of(cut_at, zone)));
    let age = seconds(now - cut_at);
    let (from, to) = (spread.left(age, 0.5), spread.left(age, 0.9));
    Estimate { from: now + delta(from), to: now + delta(to.max(from).max(1.0)) }
}

/// The first fire from then on; beyond those that are known, one at the same distance.
fn fire(fires: &[DateTime<Utc>], from: DateTime<Utc>) -> Option<DateTime<Utc>> {
    if let Some(at) = fires.iter().find(|at| **at >= from) {
        return Some(*at);
    }
    match fires {
        [.., before, last] => Some(from + (*last - *before)),
        _ => None,
    }
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds are far below 2^52")]
fn seconds(span: TimeDelta) -> f64 {
    span.num_milliseconds() as f64 / 1000.0
}

#[expect(clippy::cast_possible_truncation, reason = "clamped to a year")]
fn delta(seconds: f64) -> TimeDelta {
    TimeDelta::milliseconds((seconds.clamp(0.0, 31_536_000.0) * 1000.0) as i64)
}

/// A provider's calls in real time at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallOutlook {
    /// How long a call takes.
    pub turnaround: Turnaround,
    /// Calls at once.
    pub width: i64,
}

impl CallOutlook {
    /// When a call will be answered that may begin at `ready_at`, with so many before it.
    #[must_use]
    pub fn waiting(&self, ready_at: DateTime<Utc>, ahead: i64, now: DateTime<Utc>) -> Estimate {
        let in_line = ahead.max(0) / self.width.max(1) * self.turnaround.p50;
        let start = ready_at.max(now) + TimeDelta::seconds(in_line.min(31_536_000));
        Estimate {
            from: start + TimeDelta::seconds(self.turnaround.p50),
            to: start + TimeDelta::seconds(self.turnaround.p90.max(self.turnaround.p50 + 1)),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const PRIOR: Turnaround = Turnaround { p50: 1_000, p90: 4_000 };
    const SIZES: Sizes = Sizes {
        min: 10,
        max: 100,
        slots: 2,
        longest: TimeDelta::minutes(10),
        longest_economy: TimeDelta::hours(4),
    };

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    fn facts() -> QueueFacts {
        QueueFacts {
            now: at(0),
            zone: Tz::UTC,
            sizes: SIZES,
            away: vec![],
            hurried: 0,
            economy: 0,
            oldest: None,
            per_second: 0.0,
            fires: (1..9).map(|n| at(n * 600)).collect(),
            economy_fires: (1..9).map(|n| at(n * 7_200)).collect(),
        }
    }

    fn estimate(facts: QueueFacts, lane: Lane, ahead: i64) -> (i64, i64) {
        let outlook = Outlook::new(facts, Arc::new(Forecast::new(&[], PRIOR, 2)));
        let job = Pending { lane, arrived_at: at(0), ready_at: at(30), ahead };
        let estimate = outlook.waiting(&job, at(0));
        ((estimate.from - at(0)).num_seconds(), (estimate.to - at(0)).num_seconds())
    }

    #[test]
    fn each_lane_is_cut_in_its_own_time() {
        // Nothing else comes: the schedule fires at 600 seconds.
        assert_eq!(estimate(facts(), Lane::Standard, 0), (1_600, 4_600));
        assert_eq!(estimate(facts(), Lane::Urgent, 0), (1_030, 4_030));
        assert_eq!(estimate(facts(), Lane::Economy, 0), (8_200, 11_200));
        // One in ten seconds: the ten are together within 90, half of the time within 45.
        let busy = estimate(QueueFacts { per_second: 0.1, ..facts() }, Lane::Standard, 0);
        assert_eq!(busy.0, 30 + 45 + 1_000);
        assert!((4_075..4_090).contains(&busy.1), "{busy:?}");
        // Who waits longest takes the others along.
        let old = QueueFacts { oldest: Some(at(-500)), ..facts() };
        assert_eq!(estimate(old, Lane::Standard, 0), (1_100, 4_100));
        let full = QueueFacts { economy: 100, ..facts() };
        assert_eq!(estimate(full, Lane::Economy, 0), (1_030, 4_030));
    }

    #[test]
    fn a_line_takes_longer_and_ranges_never_turn_round() {
        let free = estimate(facts(), Lane::Standard, 0);
        let away = vec![(at(-900), 100), (at(-10), 100)];
        let full = QueueFacts { away, hurried: 950, per_second: 0.2, ..facts() };
        let mut before = free;
        for ahead in [0, 150, 450, 900, 50_000] {
            let now = estimate(full.clone(), Lane::Standard, ahead);
            assert!(now.0 > before.0 - 600 && now.0 <= now.1, "{ahead}: {now:?} after {before:?}");
            before = now;
        }
        let (first, tenth) = (estimate(full.clone(), Lane::Standard, 0), estimate(full, Lane::Standard, 900));
        assert!(tenth.0 > first.0 + 2 * PRIOR.p50, "{first:?} {tenth:?}");
    }

    #[test]
    fn one_that_is_away_is_never_expected_in_the_past() {
        let forecast = Forecast::new(&[], PRIOR, 2);
        for age in [0, 500, 1_000, 4_000, 100_000] {
            let now = at(age);
            let estimate = sent(&forecast, Tz::UTC, at(0), 9, now);
            assert!(now <= estimate.from && estimate.from < estimate.to, "{age}: {estimate:?}");
        }
        let fresh = sent(&forecast, Tz::UTC, at(0), 9, at(0));
        assert_eq!((fresh.from, fresh.to), (at(1_000), at(4_000)));
    }

    #[test]
    fn fires_beyond_those_known_keep_their_distance() {
        let fires = [at(100), at(200)];
        assert_eq!(fire(&fires, at(100)), Some(at(100)));
        assert_eq!(fire(&fires, at(101)), Some(at(200)));
        assert_eq!(fire(&fires, at(950)), Some(at(1_050)));
        assert_eq!((fire(&[], at(0)), fire(&fires[..1], at(101))), (None, None));
    }

    #[test]
    fn calls_wait_for_a_turn() {
        let calls = CallOutlook { turnaround: Turnaround { p50: 5, p90: 20 }, width: 4 };
        let free = calls.waiting(at(0), 3, at(0));
        assert_eq!((free.from, free.to), (at(5), at(20)));
        assert_eq!(calls.waiting(at(0), 9, at(0)).from, at(15));
    }
}
