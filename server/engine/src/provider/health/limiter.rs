//! How much more a provider takes: what its last headers said, less what this process has under way (SPEC 4.7). Pure,
//! with time passed in.
//!
//! It never assumes more than is sure. What the headers of one time say may only fall until that time's reset, since
//! answers overtake each other; it rises with a reply to a request that was sent when all others had been answered, and
//! at the reset. Requests that are under way count as not yet counted by the provider, and so does what was answered
//! without headers. So it holds for windows that begin anew as well as for buckets that fill up.

use crate::provider::{Headroom, Window};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// Resets are told in whole seconds, rounded down.
const SLACK: TimeDelta = TimeDelta::seconds(1);

/// Where no reset is told.
const USUAL_RESET: TimeDelta = TimeDelta::seconds(60);

/// When to look again for tokens that are held for answers under way, and mostly turn out to be fewer.
const FOR_ANSWERS: TimeDelta = TimeDelta::seconds(2);

/// What a provider counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Requests.
    Requests,
    /// Tokens of both kinds.
    Tokens,
    /// Tokens read.
    InputTokens,
    /// Tokens written.
    OutputTokens,
}

impl Measure {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Requests, Self::Tokens, Self::InputTokens, Self::OutputTokens];

    /// The name in metrics and the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Tokens => "tokens",
            Self::InputTokens => "input_tokens",
            Self::OutputTokens => "output_tokens",
        }
    }

    const fn of(self, headroom: &Headroom) -> Option<Window> {
        match self {
            Self::Requests => headroom.requests,
            Self::Tokens => headroom.tokens,
            Self::InputTokens => headroom.input_tokens,
            Self::OutputTokens => headroom.output_tokens,
        }
    }
}

/// What one request takes, by measure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cost([u64; 4]);

impl Cost {
    pub(super) const fn request(input_tokens: u64, output_tokens: u64) -> Self {
        Self([1, input_tokens.saturating_add(output_tokens), input_tokens, output_tokens])
    }
}

/// What is left by one measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    /// Of what.
    pub measure: Measure,
    /// How much is left.
    pub left: u64,
    /// Of how much.
    pub limit: Option<u64>,
    /// When all of it is there again.
    pub resets_at: DateTime<Utc>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    limit: Option<u64>,
    remaining: u64,
    resets_at: DateTime<Utc>,
    /// It was reset since it was last heard of.
    reset: bool,
    /// The longest time until a reset that was told.
    period: TimeDelta,
    /// When it was last reset: replies to requests sent before tell of an earlier time.
    since: DateTime<Utc>,
    /// When a reply was last heard.
    heard: DateTime<Utc>,
    /// Taken without headers since the last reset, beside what `remaining` tells.
    untold: u64,
}

/// What one kind of request may still take. Nothing is limited until the first headers were seen.
#[derive(Clone, Debug, Default)]
pub(super) struct Limiter {
    buckets: [Option<Bucket>; 4],
    under_way: [u64; 4],
}

impl Limiter {
    /// Takes what a request needs; it is under way until [`Limiter::over`].
    ///
    /// # Errors
    /// What is short, and when to look again.
    pub(super) fn take(&mut self, cost: Cost, now: DateTime<Utc>) -> Result<(), Left> {
        self.refresh(now);
        for (i, measure) in Measure::ALL.into_iter().enumerate() {
            let Some(bucket) = &self.buckets[i] else { continue };
            // What is larger than the limit goes when all of it is there; the provider decides.
            let need = bucket.limit.map_or(cost.0[i], |limit| cost.0[i].min(limit));
            let free = bucket.left().saturating_sub(self.under_way[i]);
            if need > free {
                let held_only = measure != Measure::Requests && need <= bucket.left();
                let at = bucket.resets_at.max(now + TimeDelta::milliseconds(1));
                let look = if held_only { at.min(now + FOR_ANSWERS) } else { at };
                return Err(Left { measure, left: free, limit: bucket.limit, resets_at: look });
            }
        }
        for (under_way, taken) in self.under_way.iter_mut().zip(cost.0) {
            *under_way = under_way.saturating_add(taken);
        }
        Ok(())
    }

    /// A request is no longer under way; what its reply told was noted before.
    pub(super) fn over(&mut self, cost: Cost) {
        for (under_way, taken) in self.under_way.iter_mut().zip(cost.0) {
            *under_way = under_way.saturating_sub(taken);
        }
    }

    /// Notes what a reply, heard now, told about a request that was sent at a time.
    pub(super) fn learn(&mut self, headroom: &Headroom, sent: DateTime<Utc>, now: DateTime<Utc>) {
        self.refresh(now);
        for (i, measure) in Measure::ALL.into_iter().enumerate() {
            let told = measure.of(headroom).filter(|window| window.remaining.is_some());
            // A request without figures took as much as those under way do on average.
            let taken = (self.under_way[i] / self.under_way[0].max(1)).max(u64::from(i == 0));
            let bucket = &mut self.buckets[i];
            match (told, &mut *bucket) {
                (None, None) => {}
                (None, Some(known)) => known.untold(taken, now),
                (Some(window), None) => *bucket = Some(Bucket::new(&window, now)),
                (Some(window), Some(known)) => known.learn(&window, taken, sent, now),
            }
        }
    }

    /// What is left by each measure that is known.
    pub(super) fn left(&self, now: DateTime<Utc>) -> Vec<Left> {
        let mut at = self.clone();
        at.refresh(now);
        let left = |(i, measure): (usize, Measure)| {
            let bucket = at.buckets[i]?;
            let left = bucket.left().saturating_sub(at.under_way[i]);
            Some(Left { measure, left, limit: bucket.limit, resets_at: bucket.resets_at })
        };
        Measure::ALL.into_iter().enumerate().filter_map(left).collect()
    }

    fn refresh(&mut self, now: DateTime<Utc>) {
        for bucket in &mut self.buckets {
            bucket.take_if(|bucket| !bucket.refresh(now));
        }
    }
}

impl Bucket {
    fn new(window: &Window, now: DateTime<Utc>) -> Self {
        let remaining = window.remaining.unwrap_or(0);
        let told = window.resets_in.and_then(|wait| TimeDelta::from_std(wait).ok());
        let wait = told.unwrap_or(USUAL_RESET) + SLACK;
        Self {
            limit: window.limit,
            remaining: window.limit.map_or(remaining, |limit| remaining.min(limit)),
            resets_at: now + wait,
            reset: false,
            period: wait.max(USUAL_RESET),
            since: DateTime::<Utc>::MIN_UTC,
            heard: now,
            untold: 0,
        }
    }

    /// Fills it up once its reset has come; false where it is not known how far.
    fn refresh(&mut self, now: DateTime<Utc>) -> bool {
        if now < self.resets_at {
            return true;
        }
        let Some(limit) = self.limit else { return false };
        // What was taken without headers may have been counted after the reset already.
        self.remaining = limit.saturating_sub(self.untold);
        (self.reset, self.since, self.untold) = (true, now, 0);
        // Where nothing is told any more there is another one after as long.
        self.resets_at = now + self.period;
        true
    }

    /// What is surely left: no reply counted what was taken without headers.
    const fn left(&self) -> u64 {
        self.remaining.saturating_sub(self.untold)
    }

    fn untold(&mut self, taken: u64, now: DateTime<Utc>) {
        self.untold = self.untold.saturating_add(taken);
        self.heard = now;
    }

    fn learn(&mut self, window: &Window, taken: u64, sent: DateTime<Utc>, now: DateTime<Utc>) {
        if sent < self.since {
            return self.untold(taken, now);
        }
        let mut new = Self::new(window, now);
        new.period = new.period.max(self.period);
        if sent > self.heard {
            // All others had been answered when it was sent, so it tells of them all.
            *self = Self { since: self.since, ..new };
            return;
        }
        self.limit = new.limit.or(self.limit);
        self.remaining = self.remaining.min(new.remaining);
        self.resets_at = if self.reset { new.resets_at } else { self.resets_at.max(new.resets_at) };
        (self.reset, self.heard, self.period) = (false, now, new.period);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;
    use std::time::Duration;

    const ONE: Cost = Cost::request(0, 0);

    fn at(ms: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::milliseconds(ms)
    }

    fn requests(remaining: u64, limit: u64, resets_ms: u64) -> Headroom {
        let window = Window {
            limit: Some(limit),
            remaining: Some(remaining),
            resets_in: Some(Duration::from_millis(resets_ms)),
        };
        Headroom { requests: Some(window), ..Headroom::default() }
    }

    #[test]
    fn nothing_is_limited_until_headers_were_seen() {
        let mut limiter = Limiter::default();
        (0..1_000).for_each(|_| limiter.take(Cost::request(9_999, 9_999), at(0)).unwrap());
        assert_eq!(limiter.left(at(0)), []);
    }

    #[test]
    fn what_is_under_way_counts_until_the_reset() {
        let mut limiter = Limiter::default();
        limiter.take(ONE, at(0)).unwrap();
        limiter.learn(&requests(3, 4, 10_000), at(0), at(100));
        limiter.over(ONE);
        (0..3).for_each(|_| limiter.take(ONE, at(200)).unwrap());
        let short = limiter.take(ONE, at(200)).unwrap_err();
        assert_eq!((short.left, short.limit, short.resets_at), (0, Some(4), at(11_100)));
        assert_eq!(limiter.take(ONE, at(11_099)).unwrap_err().measure, Measure::Requests);
        // Three never came back: they may count from now on.
        limiter.take(ONE, at(11_100)).unwrap();
        assert!(limiter.take(ONE, at(11_100)).is_err());
    }

    #[test]
    fn answers_that_overtake_each_other_never_raise_it() {
        let mut limiter = Limiter::default();
        (0..3).for_each(|_| limiter.take(ONE, at(0)).unwrap());
        for (remaining, heard) in [(7, 50), (9, 60), (8, 70)] {
            limiter.learn(&requests(remaining, 10, 60_000), at(0), at(heard));
            limiter.over(ONE);
            assert!(limiter.left(at(heard))[0].left <= 7);
        }
        assert_eq!(limiter.left(at(80))[0].left, 7);
        // A request that was sent alone tells of all before it.
        limiter.take(ONE, at(100)).unwrap();
        limiter.learn(&requests(9, 10, 300), at(100), at(120));
        limiter.over(ONE);
        assert_eq!(limiter.left(at(130))[0].left, 9);
    }

    #[test]
    fn an_answer_without_headers_took_one_and_a_late_one_tells_nothing_new() {
        let mut limiter = Limiter::default();
        limiter.learn(&requests(5, 10, 1_000), at(0), at(0));
        limiter.learn(&Headroom::default(), at(10), at(20));
        assert_eq!(limiter.left(at(30))[0].left, 4);
        assert_eq!(limiter.left(at(2_000))[0].left, 9);
        limiter.learn(&requests(2, 10, 0), at(30), at(2_500));
        assert_eq!(limiter.left(at(2_600))[0].left, 8);
        assert_eq!(limiter.left(at(60_000))[0].left, 8, "no early reset by what it told");
    }

    #[test]
    fn tokens_count_too_and_what_is_larger_than_all_goes_alone() {
        let mut limiter = Limiter::default();
        let window = |remaining| Window {
            limit: Some(1_000),
            remaining: Some(remaining),
            resets_in: Some(Duration::from_secs(30)),
        };
        let told = Headroom { input_tokens: Some(window(1_000)), ..Headroom::default() };
        limiter.learn(&told, at(0), at(0));
        limiter.take(Cost::request(5_000, 0), at(0)).unwrap();
        let short = limiter.take(Cost::request(1, 0), at(0)).unwrap_err();
        assert_eq!((short.measure, short.resets_at), (Measure::InputTokens, at(2_000)), "it may be less");
        limiter.over(Cost::request(5_000, 0));
        limiter.take(Cost::request(600, 0), at(0)).unwrap();
        assert!(limiter.take(Cost::request(401, 0), at(0)).is_err());
        limiter.take(Cost::request(400, 900), at(0)).unwrap();
    }

    /// A server that counts as providers do: by windows that begin anew, or by a bucket that fills up.
    struct Server {
        fills_up: bool,
        limit: u64,
        /// Milliseconds of a window, or until an empty bucket is full.
        period: i64,
        begins: Option<i64>,
        used: f64,
        last: i64,
    }

    impl Server {
        /// Takes a request at a time; what is left, and in how many whole seconds all is there again.
        #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        fn take(&mut self, now: i64) -> Option<(u64, u64)> {
            let limit = self.limit as f64;
            if self.fills_up {
                let filled = (now - self.last) as f64 * limit / self.period as f64;
                self.used = (self.used - filled).max(0.0);
            } else if self.begins.is_none_or(|begins| now - begins >= self.period) {
                (self.begins, self.used) = (Some(now), 0.0);
            }
            self.last = now;
            if self.used + 1.0 > limit + 1e-6 {
                return None;
            }
            self.used += 1.0;
            let reset = if self.fills_up {
                (self.used / limit * self.period as f64).ceil() as i64
            } else {
                self.begins.unwrap() + self.period - now
            };
            Some(((limit - self.used).max(0.0) as u64, reset as u64 / 1_000 * 1_000))
        }
    }

    #[derive(Clone, Debug)]
    enum Act {
        Wait(i64),
        Send { at_once: bool },
        Answer { which: usize, headers: bool },
    }

    fn act() -> impl Strategy<Value = Act> {
        prop_oneof![
            2 => (0_i64..20_000).prop_map(Act::Wait),
            6 => any::<bool>().prop_map(|at_once| Act::Send { at_once }),
            4 => (any::<usize>(), prop::bool::weighted(0.9)).prop_map(|(which, headers)| Act::Answer { which, headers }),
        ]
    }

    proptest! {
        /// Whatever is sent, answered out of order, late or without headers: never more than the provider has left.
        #[test]
        fn it_never_allows_more_than_is_left(
            fills_up: bool,
            limit in 1_u64..20,
            period in 1_i64..90,
            acts in prop::collection::vec(act(), 1..300),
        ) {
            // Without headers a bucket is taken to be full after a minute, or the longest time that was told.
            let period = if fills_up { period.min(60) } else { period };
            let mut server = Server { fills_up, limit, period: period * 1_000, begins: None, used: 0.0, last: 0 };
            let mut limiter = Limiter::default();
            let mut now = 0_i64;
            // The first request tells of the limits.
            limiter.take(ONE, at(now)).unwrap();
            let (left, resets) = server.take(now).unwrap();
            limiter.learn(&requests(left, limit, resets), at(now), at(now + 1));
            limiter.over(ONE);
            now += 2;
            // When each was sent, and what it was told where the server took it at once.
            let mut under_way: Vec<(i64, Option<(u64, u64)>)> = Vec::new();
            for act in acts {
                match act {
                    Act::Wait(ms) => now += ms,
                    Act::Send { at_once } => {
                        now += 1;
                        if limiter.take(ONE, at(now)).is_ok() {
                            let told = at_once.then(|| server.take(now));
                            prop_assert!(told != Some(None), "refused at {now}");
                            under_way.push((now, told.flatten()));
                        }
                    }
                    Act::Answer { which, headers } if !under_way.is_empty() => {
                        now += 1;
                        let (sent, told) = under_way.remove(which % under_way.len());
                        let taken = told.or_else(|| server.take(now));
                        prop_assert!(taken.is_some(), "refused at {now}, sent at {sent}");
                        let (left, resets) = taken.unwrap();
                        let told = if headers { requests(left, limit, resets) } else { Headroom::default() };
                        limiter.learn(&told, at(sent), at(now));
                        limiter.over(ONE);
                    }
                    Act::Answer { .. } => {}
                }
            }
        }
    }
}
