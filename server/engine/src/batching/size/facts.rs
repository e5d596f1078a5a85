//! What is known of a provider's queue, for the size of its next batch.

use super::{
    super::{Readiness, Sizes, Target, compose::lane_weight, readiness, readiness::QueueFacts, store},
    ExpectedTurnaround, Recommendation, SizeFacts, recommend,
};
use crate::{
    engine::{Engine, Entry, Load},
    forecast::hour_of,
    queue::{Backlog, Lane, Turnaround},
};
use chrono::{DateTime, TimeDelta, Utc};

/// What waits for one model of a provider, over all lanes that are cut together.
pub(crate) struct Shares<'a> {
    pub(crate) entry: &'a Entry,
    pub(crate) model: &'a str,
    backlog: Vec<&'a Backlog>,
    open: i64,
    enqueued: i64,
    pub(crate) now: DateTime<Utc>,
}

impl<'a> Shares<'a> {
    pub(crate) fn new(
        entry: &'a Entry,
        model: &'a str,
        backlog: &'a [Backlog],
        in_flight: &[store::InFlight],
        now: DateTime<Utc>,
    ) -> Self {
        let ours = |f: &&store::InFlight| f.provider == entry.name;
        Self {
            entry,
            model,
            backlog: backlog.iter().filter(|b| b.provider == entry.name && b.model == model).collect(),
            open: in_flight.iter().filter(ours).map(|f| f.batches).sum(),
            enqueued: in_flight.iter().filter(ours).filter(|f| f.model == model).map(|f| f.tokens).sum(),
            now,
        }
    }

    fn of(&self, lane: Lane) -> Option<&Backlog> {
        self.backlog.iter().find(|b| b.lane == lane).copied()
    }

    /// What says whether the queue is cut now.
    pub(crate) fn queue(&self, since: DateTime<Utc>) -> QueueFacts {
        let ready = |lane| self.of(lane).map_or(0, |b| b.ready);
        let oldest = |lane| self.of(lane).and_then(|b| b.oldest);
        let fired = |schedule: &crate::provider::Schedule| {
            schedule.next_after(since).is_some_and(|at| at <= self.now)
        };
        QueueFacts {
            urgent: ready(Lane::Urgent),
            standard: ready(Lane::Standard),
            economy: ready(Lane::Economy),
            oldest: [oldest(Lane::Urgent), oldest(Lane::Standard)].into_iter().flatten().min(),
            oldest_economy: oldest(Lane::Economy),
            fired: fired(self.entry.schedule()),
            economy_fired: fired(&self.entry.economy_schedule),
            open_batches: self.open,
        }
    }

    pub(crate) fn sizes(&self) -> Sizes {
        self.entry.sizes()
    }

    /// Batches of the provider that are being sent or marked, parts that wait for their turn included.
    pub(crate) const fn open(&self) -> i64 {
        self.open
    }

    /// Input tokens in those of the model.
    pub(crate) const fn enqueued(&self) -> i64 {
        self.enqueued
    }

    /// Those that don't wait for the economy lane's hour.
    fn hurried(&self) -> impl Iterator<Item = &'a Backlog> {
        self.backlog.iter().copied().filter(|b| b.lane != Lane::Economy)
    }

    fn seconds_until(&self, at: DateTime<Utc>) -> i64 {
        (at - self.now).num_seconds()
    }
}

impl Engine {
    /// How long a provider's batches take by their size, at this hour: by its forecast, or as it was set.
    pub(crate) fn expected_turnaround<'a>(&self, load: &Load, provider: &str) -> Box<ExpectedTurnaround<'a>> {
        let always: Turnaround = self.settings().turnaround_prior;
        let Some(forecast) = load.forecast(provider).cloned() else { return Box::new(move |_jobs| always) };
        let hour = hour_of(self.now(), self.zone());
        Box::new(move |jobs| {
            let (p50, p90) = forecast.expected_turnaround(hour)(jobs);
            Turnaround { p50, p90 }
        })
    }

    /// Whether a queue is cut now.
    pub(crate) fn readiness_of(&self, queue: &Shares<'_>, since: DateTime<Utc>) -> Readiness {
        let target = || {
            let r = self.recommended(queue, None);
            Target { size: r.size, until: r.patience.map(|s| queue.now + TimeDelta::seconds(s)) }
        };
        readiness(&queue.queue(since), &queue.entry.sizes(), target, queue.now)
    }

    /// The size of the next batch; `going` is how many jobs are cut, where that is known.
    pub(crate) fn recommended(&self, queue: &Shares<'_>, going: Option<i64>) -> Recommendation {
        let load = self.load();
        let name = &queue.entry.name;
        let recent = load.recent.iter().find(|r| r.provider == *name && r.model == queue.model);
        let sizes: Sizes = queue.entry.sizes();
        let hard = queue.entry.limits();
        let turnaround = self.expected_turnaround(&load, name);
        let hurried: Vec<&Backlog> = queue.hurried().collect();
        let ready: i64 = hurried.iter().map(|b| b.ready).sum();
        let oldest = hurried.iter().filter_map(|b| b.oldest).min();
        // Cut at the latest when the schedule fires or the oldest has waited long enough; so students are told.
        let fires = queue.entry.schedule().next_after(queue.now);
        let cut = [fires, oldest.map(|at| at + sizes.longest)].into_iter().flatten().min();
        let deadline = hurried.iter().filter_map(|b| b.soonest).min();
        let told = cut.filter(|_| ready > 0).map(|at| {
            at + TimeDelta::seconds(load.turnaround(name).unwrap_or(self.settings().turnaround_prior).p90)
        });
        let promise = [told, deadline].into_iter().flatten().min();
        let mean =
            |of: fn(&Backlog) -> i64, before: Option<i64>| match hurried.iter().map(|b| of(b)).sum::<i64>() {
                0 => before.unwrap_or(0),
                sum => sum / ready.max(1),
            };
        let before = |of: fn(&store::Recent) -> i64| recent.filter(|r| r.jobs > 0).map(|r| of(r) / r.jobs);
        let price = self.price(name, queue.model, queue.now).ok();
        let waiting = going.unwrap_or(ready);
        let facts = SizeFacts {
            sizes,
            hard,
            tokens_left: load.tokens_left(name, queue.model, hard.enqueued_tokens, queue.enqueued),
            open: queue.open,
            waiting,
            hurry: weigh(&hurried),
            per_hour: per_hour(waiting, oldest, recent, queue.now),
            job: (
                mean(|b| b.input_tokens, before(|r| r.tokens)),
                mean(|b| b.output_tokens, None),
                mean(|b| b.bytes, before(|r| r.bytes)),
            ),
            shared: self.shared_tokens(),
            price: price.as_ref(),
            turnaround: &turnaround,
            until_cut: cut.map(|at| queue.seconds_until(at)),
            until_promise: promise.map(|at| queue.seconds_until(at)),
            largest: recent.and_then(|r| r.largest),
            refused: recent.and_then(|r| r.refused),
            tuning: &self.settings().batching,
        };
        recommend(&facts)
    }
}

/// How much a second of waiting counts on average.
#[expect(clippy::cast_precision_loss, reason = "counts of jobs")]
fn weigh(backlog: &[&Backlog]) -> f64 {
    let jobs: i64 = backlog.iter().map(|b| b.ready).sum();
    if jobs == 0 {
        return lane_weight(Lane::Standard);
    }
    backlog.iter().map(|b| lane_weight(b.lane) * b.ready as f64).sum::<f64>() / jobs as f64
}

/// Jobs that come in an hour: as many as went into batches in the last hour and still wait; in a rush, as many as came
/// since the oldest that waits.
#[expect(clippy::cast_precision_loss, reason = "counts of jobs and seconds")]
fn per_hour(
    waiting: i64,
    oldest: Option<DateTime<Utc>>,
    recent: Option<&store::Recent>,
    now: DateTime<Utc>,
) -> f64 {
    let hour = (recent.map_or(0, |r| r.hour) + waiting) as f64;
    let rush =
        oldest.map_or(0.0, |oldest| waiting as f64 * 3600.0 / (now - oldest).num_seconds().max(10) as f64);
    hour.max(rush)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rush_is_seen_at_once_and_a_quiet_hour_too() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::hours(1);
        let close = |a: f64, b: f64| (a - b).abs() < 1e-6;
        assert!(close(per_hour(100, Some(now - TimeDelta::seconds(20)), None, now), 18_000.0));
        assert!(close(per_hour(4, Some(now - TimeDelta::hours(2)), None, now), 4.0));
        assert!(close(per_hour(0, None, None, now), 0.0));
    }
}
