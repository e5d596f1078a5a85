//! The circuit breaker: a provider that fails is paused, tried again by one request, and used again once that is
//! answered (SPEC 4.7). A state machine with time passed in.
//!
//! Failures in a row are counted apart for work that is begun and for questions about it: a provider whose calls all
//! fail is paused although its lists still answer, and one whose batches can't be asked about is although no work is
//! begun. While it is paused such questions go on, and once the pause is over their answers are as good as a probe's.

use super::{
    BreakerSettings,
    exchange::{Family, Fault, Said},
};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// A probe that was never heard of again is forgotten after this time.
const LONGEST_PROBE: TimeDelta = TimeDelta::minutes(15);

/// Others look again after this time while a probe is under way.
const WHILE_PROBED: TimeDelta = TimeDelta::seconds(2);

/// A provider is paused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// Since when.
    pub since: DateTime<Utc>,
    /// Why.
    pub fault: Fault,
    /// After how many failures in a row; none where it was their share.
    pub failures: Option<u32>,
    /// What happened last, in words.
    pub why: String,
    /// When it is tried again.
    pub next_try: DateTime<Utc>,
}

/// The breaker of one provider.
#[derive(Clone, Debug, Default)]
pub(super) struct Breaker {
    pause: Option<Pause>,
    /// Failures in a row: of work begun, of questions.
    in_a_row: [u32; 2],
    /// Pauses before this one that did not help.
    before: u32,
    /// When the last pause ended, and how long it was to be.
    ended: Option<(DateTime<Utc>, TimeDelta)>,
    /// When the probe that is under way began.
    probe: Option<DateTime<Utc>>,
}

/// What changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Opened,
    Closed,
}

impl Breaker {
    /// The pause, where there is one.
    pub(super) const fn pause(&self) -> Option<&Pause> {
        self.pause.as_ref()
    }

    /// Whether work may be begun now; true where it is the probe.
    ///
    /// # Errors
    /// When to look again.
    pub(super) fn may_begin(&self, now: DateTime<Utc>) -> Result<bool, DateTime<Utc>> {
        let Some(pause) = &self.pause else { return Ok(false) };
        if now < pause.next_try {
            return Err(pause.next_try);
        }
        match self.probe {
            Some(at) if now - at < LONGEST_PROBE => Err(now + WHILE_PROBED),
            _ => Ok(true),
        }
    }

    /// The probe was begun.
    pub(super) const fn probe_begun(&mut self, now: DateTime<Utc>) {
        self.probe = Some(now);
    }

    /// The probe ended; where nothing was heard by it another may follow.
    pub(super) const fn probe_over(&mut self) {
        self.probe = None;
    }

    /// The next try is made at once, as something was mended.
    pub(super) fn retry_now(&mut self, now: DateTime<Utc>) {
        if let Some(pause) = &mut self.pause {
            pause.next_try = pause.next_try.min(now);
        }
    }

    /// Notes what an exchange said; `share` counts the window's exchanges and failures, this one included.
    pub(super) fn note(
        &mut self,
        settings: &BreakerSettings,
        family: Family,
        said: Said,
        why: impl FnOnce() -> String,
        share: impl FnOnce() -> (u32, u32),
        now: DateTime<Utc>,
    ) -> Option<Change> {
        let kind = usize::from(!family.begins());
        match said {
            Said::Full => None,
            Said::Answers => {
                self.in_a_row[kind] = 0;
                self.pause.take_if(|pause| now >= pause.next_try)?;
                self.ended = Some((now, settings.pause(self.before)));
                (self.probe, self.in_a_row) = (None, [0, 0]);
                Some(Change::Closed)
            }
            Said::Fails(fault) => {
                if let Some(pause) = &mut self.pause {
                    // What was begun before the pause may still fail; only what was tried after it counts.
                    if now >= pause.next_try {
                        self.before = self.before.saturating_add(1);
                        self.probe = None;
                        (pause.fault, pause.why) = (fault, why());
                        pause.next_try = now + settings.pause(self.before);
                    }
                    return None;
                }
                self.in_a_row[kind] = self.in_a_row[kind].saturating_add(1);
                let failures = self.in_a_row[kind];
                let many = failures >= settings.failures_in_a_row.max(1);
                let at_once = fault != Fault::Down;
                let mostly = || {
                    let (all, failed) = share();
                    all >= settings.least_exchanges
                        && u64::from(failed) * 100 >= u64::from(all) * u64::from(settings.failures_percent)
                };
                if !(at_once || many || mostly()) {
                    return None;
                }
                // One that failed again soon after its pause is paused for longer.
                let soon = self.ended.is_some_and(|(at, pause)| now - at <= pause * 2);
                self.before = if soon { self.before.saturating_add(1) } else { 0 };
                self.pause = Some(Pause {
                    since: now,
                    fault,
                    failures: (at_once || many).then_some(failures),
                    why: why(),
                    next_try: now + settings.pause(self.before),
                });
                Some(Change::Opened)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const DOWN: Said = Said::Fails(Fault::Down);

    struct Try {
        breaker: Breaker,
        now: DateTime<Utc>,
        settings: BreakerSettings,
        share: (u32, u32),
    }

    impl Try {
        fn new() -> Self {
            let settings = BreakerSettings { failures_in_a_row: 3, ..BreakerSettings::default() };
            Self { breaker: Breaker::default(), now: DateTime::UNIX_EPOCH, settings, share: (0, 0) }
        }
        fn note(&mut self, family: Family, said: Said) -> Option<Change> {
            let share = self.share;
            self.breaker.note(&self.settings, family, said, || "it broke".into(), || share, self.now)
        }
        fn wait(&mut self, seconds: i64) {
            self.now += TimeDelta::seconds(seconds);
        }
        /// Seconds until the next try.
        fn left(&self) -> Option<i64> {
            self.breaker.pause().map(|pause| (pause.next_try - self.now).num_seconds())
        }
        fn opened() -> Self {
            let mut it = Self::new();
            assert_eq!((it.note(Family::Call, DOWN), it.note(Family::Call, DOWN)), (None, None));
            assert_eq!(it.note(Family::Call, DOWN), Some(Change::Opened));
            it
        }
    }

    #[test]
    fn failures_in_a_row_open_it_and_answers_between_them_do_not() {
        let mut it = Try::new();
        for _ in 0..10 {
            assert_eq!(it.note(Family::Call, DOWN), None);
            assert_eq!(it.note(Family::Batch, DOWN), None);
            assert_eq!(it.note(Family::Call, Said::Answers), None);
        }
        assert_eq!(it.breaker.may_begin(it.now), Ok(false));
        let it = Try::opened();
        let pause = it.breaker.pause().unwrap();
        assert_eq!((pause.fault, pause.failures, pause.why.as_str()), (Fault::Down, Some(3), "it broke"));
        assert_eq!(it.breaker.may_begin(it.now), Err(it.now + TimeDelta::seconds(15)));
    }

    #[test]
    fn answered_questions_do_not_hide_that_calls_fail() {
        let mut it = Try::new();
        for _ in 0..2 {
            it.note(Family::Call, DOWN);
            it.note(Family::Look, Said::Answers);
        }
        assert_eq!(it.note(Family::Call, DOWN), Some(Change::Opened));
        // And questions alone can open it.
        let mut it = Try::new();
        it.note(Family::Look, DOWN);
        it.note(Family::Download, DOWN);
        assert_eq!(it.note(Family::Look, DOWN), Some(Change::Opened));
    }

    #[test]
    fn the_share_of_failures_opens_it_once_there_are_enough() {
        let mut it = Try::new();
        for (share, opens) in [((19, 19), false), ((20, 9), false), ((20, 10), true)] {
            it.share = share;
            assert_eq!(it.note(Family::Call, DOWN).is_some(), opens, "{share:?}");
            it.note(Family::Call, Said::Answers);
        }
        assert_eq!(it.breaker.pause().unwrap().failures, None);
    }

    #[test]
    fn a_refused_key_opens_it_at_once_and_rate_limits_never() {
        let mut it = Try::new();
        for _ in 0..50 {
            assert_eq!(it.note(Family::Call, Said::Full), None);
        }
        assert_eq!(it.note(Family::Call, Said::Fails(Fault::Key)), Some(Change::Opened));
        assert_eq!(it.breaker.pause().unwrap().fault, Fault::Key);
        it.wait(60);
        assert_eq!(it.note(Family::Call, Said::Full), None, "too many requests say nothing of the key");
        assert!(it.breaker.pause().is_some());
        assert_eq!(it.note(Family::Look, Said::Answers), Some(Change::Closed));
    }

    #[test]
    fn one_probe_goes_through_and_decides() {
        let mut it = Try::opened();
        it.wait(14);
        assert_eq!(it.note(Family::Call, Said::Answers), None, "asked before the pause");
        assert_eq!(it.note(Family::Call, DOWN), None);
        assert_eq!(it.left(), Some(1), "late failures do not lengthen it");
        it.wait(1);
        assert_eq!(it.breaker.may_begin(it.now), Ok(true));
        it.breaker.probe_begun(it.now);
        assert_eq!(it.breaker.may_begin(it.now), Err(it.now + WHILE_PROBED));
        assert_eq!(it.note(Family::Call, DOWN), None);
        for pause in [30, 60, 120, 240, 300, 300] {
            assert_eq!(it.left(), Some(pause));
            it.wait(pause);
            assert_eq!(it.breaker.may_begin(it.now), Ok(true));
            it.breaker.probe_begun(it.now);
            it.note(Family::Call, DOWN);
        }
        assert_eq!(it.breaker.pause().unwrap().since, DateTime::UNIX_EPOCH, "it is one outage");
        it.wait(300);
        assert_eq!(it.note(Family::Call, Said::Answers), Some(Change::Closed));
        assert_eq!(it.breaker.may_begin(it.now), Ok(false));
    }

    #[test]
    fn a_probe_that_came_to_nothing_makes_way_for_the_next() {
        let mut it = Try::opened();
        it.wait(15);
        it.breaker.probe_begun(it.now);
        it.breaker.probe_over();
        assert_eq!(it.breaker.may_begin(it.now), Ok(true));
        it.breaker.probe_begun(it.now);
        it.wait(15 * 60);
        assert_eq!(it.breaker.may_begin(it.now), Ok(true), "one that was never heard of");
    }

    #[test]
    fn one_that_fails_again_soon_is_paused_for_longer() {
        let mut it = Try::opened();
        it.wait(15);
        it.note(Family::Call, Said::Answers);
        it.wait(30);
        (0..3).for_each(|_| _ = it.note(Family::Call, DOWN));
        assert_eq!(it.left(), Some(30));
        it.wait(30);
        it.note(Family::Call, Said::Answers);
        it.wait(61);
        (0..3).for_each(|_| _ = it.note(Family::Call, DOWN));
        assert_eq!(it.left(), Some(15));
        it.breaker.retry_now(it.now);
        assert_eq!(it.breaker.may_begin(it.now), Ok(true));
    }
}
