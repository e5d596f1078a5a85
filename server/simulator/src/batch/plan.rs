//! What chance has in store for a batch, drawn when it is made.

use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};

use super::Batch;
use crate::{
    Settings,
    faults::{Fault, Scope},
    models::Provider,
    settings::seconds,
    simulator::Core,
};

/// The share of a batch's turnaround after which work begins, and after which it is finished.
const BEGIN: f64 = 0.05;
const FINISH: f64 = 0.95;

/// What chance has in store for a batch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// From -1 to 1: how much quicker or slower than usual.
    pace: f64,
    /// The faults that strike it.
    faults: Vec<Fault>,
    /// The share of its requests that are done when an untimely end comes.
    stop_at: f64,
    /// Whether the requests are worked on in a mixed order.
    pub(crate) shuffle: bool,
    /// Where the line lies that spoils the whole file, as a share of it.
    pub(crate) bad_line: f64,
}

impl Plan {
    /// Draws for a batch.
    pub(crate) fn draw(core: &Core, provider: Provider, id: &str) -> Self {
        let settings = core.settings();
        let unit = |what| core.dice.unit(&["batch", id, what]);
        let strikes = |fault: &Fault| core.strikes(&settings, *fault, provider.as_str(), [id, ""]);
        let batch_faults = Fault::ALL.iter().copied().filter(|fault| fault.scope() == Scope::Batch);
        Self {
            pace: unit("pace") * 2.0 - 1.0,
            faults: batch_faults.filter(strikes).collect(),
            stop_at: unit("stop"),
            shuffle: settings.shuffle,
            bad_line: unit("bad line"),
        }
    }

    /// Whether a fault strikes the batch.
    pub(crate) fn has(&self, fault: Fault) -> bool {
        self.faults.contains(&fault)
    }

    /// How many of `total` requests are done when the untimely end comes: at least one is left.
    pub(crate) fn stop_after(&self, total: u64) -> Option<u64> {
        let stops = self.has(Fault::BatchExpired) || self.has(Fault::BatchCancelled);
        let left = total.saturating_sub(1);
        stops.then(|| ((self.stop_at * total as f64) as u64).min(left))
    }
}

/// When a batch moves on, by the settings as they are now.
pub(crate) struct Pace {
    whole: Duration,
    span: Duration,
}

impl Pace {
    pub(crate) fn of(settings: &Settings, batch: &Batch) -> Self {
        let whole = settings.turnaround_seconds * (1.0 + settings.turnaround_spread * batch.plan.pace);
        let least = settings.requests_per_second.map_or(0.0, |rate| batch.counts.total as f64 / rate);
        let span = (whole * (FINISH - BEGIN)).max(least);
        Self { whole: seconds(whole), span: seconds(span) }
    }

    fn share(&self, share: f64) -> Duration {
        Duration::microseconds((self.whole.num_microseconds().unwrap_or(0) as f64 * share) as i64)
    }

    /// When validation is over.
    pub(crate) fn begins(&self, batch: &Batch) -> DateTime<Utc> {
        batch.times.created + self.share(BEGIN)
    }

    /// How many requests should be done by now.
    pub(crate) fn due(&self, batch: &Batch, now: DateTime<Utc>) -> u64 {
        let total = batch.counts.total;
        let begun = batch.times.in_progress.unwrap_or(now);
        let (passed, span) = ((now - begun).num_microseconds(), self.span.num_microseconds());
        match (passed, span) {
            (Some(passed), Some(span)) if passed < span => {
                ((passed.max(0) as f64 / span as f64) * total as f64) as u64
            }
            _ => total,
        }
    }

    /// When so many requests should be done.
    pub(crate) fn time_of(&self, batch: &Batch, done: u64) -> Option<DateTime<Utc>> {
        let begun = batch.times.in_progress?;
        let share = done as f64 / batch.counts.total.max(1) as f64;
        let span = self.span.num_microseconds()?;
        // A microsecond more, so that rounding never wakes too early for the last request.
        Some(begun + Duration::microseconds((span as f64 * share) as i64 + 1))
    }

    /// When finalizing, or cancelling, is over.
    pub(crate) fn ends(&self, settings: &Settings, batch: &Batch, since: DateTime<Utc>) -> DateTime<Utc> {
        let long = batch.plan.has(Fault::LongFinalizing) && batch.times.finalizing.is_some();
        let extra = if long { seconds(settings.long_finalizing_seconds) } else { Duration::zero() };
        since + self.share(1.0 - FINISH) + extra
    }
}
