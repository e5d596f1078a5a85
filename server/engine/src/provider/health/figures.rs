//! How a provider is, in figures: what one process knows, and what several know together. Pure.

use super::{breaker::Pause, exchange::LastError, limiter::Left, window::Latency};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// What a process says about a pause counts for so long.
const FRESH: TimeDelta = TimeDelta::seconds(30);

/// Other figures count for so long.
const RECENT: TimeDelta = TimeDelta::minutes(15);

/// How a provider is, as far as one process or several together know.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Figures {
    /// Exchanges of the last quarter of an hour (of each process at most the last 512).
    pub exchanges: u32,
    /// Of them, those that failed by the provider's or the network's fault.
    pub failed: u32,
    /// How long calls in real time took.
    pub calls: Option<Latency>,
    /// How long short questions took.
    pub questions: Option<Latency>,
    /// Refusals for too many requests or tokens, since the processes began.
    pub rate_limited: u64,
    /// The last failure.
    pub last_error: Option<LastError>,
    /// It is paused.
    pub pause: Option<Pause>,
    /// It asked for nothing to be sent before this time.
    pub not_before: Option<DateTime<Utc>>,
    /// What is left of its rate limits for calls in real time.
    pub calls_left: Vec<Left>,
    /// What is left of them for batches.
    pub batches_left: Vec<Left>,
}

impl Figures {
    /// The share of exchanges that did not fail; none where there were none.
    #[must_use]
    pub fn success(&self) -> Option<f64> {
        (self.exchanges > 0).then(|| 1.0 - f64::from(self.failed) / f64::from(self.exchanges))
    }

    /// What is left for calls in real time, or for batches where no call told.
    #[must_use]
    pub fn left(&self) -> &[Left] {
        if self.calls_left.is_empty() { &self.batches_left } else { &self.calls_left }
    }

    /// Both together, `later` being the later news.
    fn and(self, later: Self) -> Self {
        let both = |a: Option<Latency>, b: Option<Latency>| match (a, b) {
            (Some(a), Some(b)) => Some(a.and(b)),
            (a, b) => a.or(b),
        };
        let newest = |old: Vec<Left>, new: Vec<Left>| if new.is_empty() { old } else { new };
        Self {
            exchanges: self.exchanges.saturating_add(later.exchanges),
            failed: self.failed.saturating_add(later.failed),
            calls: both(self.calls, later.calls),
            questions: both(self.questions, later.questions),
            rate_limited: self.rate_limited.saturating_add(later.rate_limited),
            last_error: match (self.last_error, later.last_error) {
                (Some(a), Some(b)) => Some(if a.at > b.at { a } else { b }),
                (a, b) => a.or(b),
            },
            pause: match (self.pause, later.pause) {
                (Some(a), Some(b)) => Some(if a.since <= b.since { a } else { b }),
                (a, b) => a.or(b),
            },
            not_before: self.not_before.max(later.not_before),
            calls_left: newest(self.calls_left, later.calls_left),
            batches_left: newest(self.batches_left, later.batches_left),
        }
    }
}

/// What one process wrote down about a provider.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Row {
    /// Provider's name.
    pub provider: String,
    /// The process.
    pub owner: String,
    /// When.
    pub updated_at: DateTime<Utc>,
    /// What.
    #[sqlx(json)]
    pub figures: Figures,
}

/// What all processes know together about one provider; `rows` are of that provider.
pub(super) fn together<'r>(rows: impl IntoIterator<Item = &'r Row>, now: DateTime<Utc>) -> Figures {
    let mut recent: Vec<&Row> = rows.into_iter().filter(|row| now - row.updated_at <= RECENT).collect();
    recent.sort_by_key(|row| row.updated_at);
    let alive = |row: &Row| {
        let mut figures = row.figures.clone();
        if now - row.updated_at > FRESH {
            figures.pause = None;
        }
        figures.not_before = figures.not_before.filter(|at| *at > now);
        figures
    };
    recent.into_iter().map(alive).reduce(Figures::and).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::provider::health::{Fault, Measure};

    fn row(owner: &str, age: i64, now: DateTime<Utc>, figures: Figures) -> Row {
        let updated_at = now - TimeDelta::seconds(age);
        Row { provider: "p".into(), owner: owner.into(), updated_at, figures }
    }

    #[test]
    fn processes_know_more_together() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::hours(10);
        let left = |left| vec![Left { measure: Measure::Requests, left, limit: Some(500), resets_at: now }];
        let paused = |ago| Pause {
            since: now - TimeDelta::seconds(ago),
            fault: Fault::Down,
            failures: Some(5),
            why: "HTTP 503".into(),
            next_try: now,
        };
        let one = Figures {
            exchanges: 30,
            failed: 3,
            calls_left: left(412),
            pause: Some(paused(90)),
            last_error: Some(LastError { at: now, what: "b".into() }),
            rate_limited: 2,
            ..Figures::default()
        };
        let other = Figures {
            exchanges: 10,
            calls_left: left(500),
            last_error: Some(LastError { at: now - TimeDelta::hours(1), what: "a".into() }),
            rate_limited: 1,
            ..Figures::default()
        };
        let rows = [row("a", 5, now, one.clone()), row("b", 20, now, other.clone())];
        let all = together(&rows, now);
        assert_eq!((all.exchanges, all.failed, all.rate_limited), (40, 3, 3));
        assert!((all.success().unwrap() - 0.925).abs() < 1e-9);
        assert_eq!(all.left(), left(412), "the later news");
        assert_eq!(all.last_error.unwrap().what, "b");
        assert_eq!(all.pause, Some(paused(90)));
        // A process that is gone says nothing about now.
        let old = together(&[row("a", 31, now, one.clone())], now);
        assert_eq!((old.exchanges, old.pause), (30, None));
        assert_eq!(together(&[row("a", 901, now, one)], now), Figures::default());
        assert_eq!(Figures::default().success(), None);
    }

    #[test]
    fn figures_of_another_version_can_be_read() {
        let read: Figures = serde_json::from_str(r#"{"exchanges": 3, "of_tomorrow": true}"#).unwrap();
        assert_eq!(read.exchanges, 3);
    }
}
