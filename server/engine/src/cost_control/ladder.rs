//! When a measure is taken and when it is given up. Pure.

use super::{Measure, Mode, State};
use crate::store::NanoUsd;
use chrono::{DateTime, TimeDelta, Utc};

/// Measures are taken while the month is projected to come to more than this share of the budget (SPEC 7.3).
pub const TAKEN_ABOVE: f64 = 0.9;

/// They are given up while it is projected to come to less than this share; between the two nothing changes, so that no
/// measure comes and goes with each day's chance.
pub const GIVEN_UP_BELOW: f64 = 0.8;

/// Between two changes, so that the projection can tell what the last one did.
pub const STEP: TimeDelta = TimeDelta::hours(24);

/// The same while the month is projected to pass the whole budget.
pub const STEP_WHEN_OVER: TimeDelta = TimeDelta::hours(6);

/// What the institution's month looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outlook {
    /// There is no budget, or one of nothing: there is nothing to keep to.
    NoBudget,
    /// There is a budget, but not yet a day of spend to tell by.
    Unknown {
        /// The budget.
        limit: NanoUsd,
    },
    /// What it will likely come to.
    Projected {
        /// The month will likely come to this.
        likely: NanoUsd,
        /// The budget.
        limit: NanoUsd,
    },
}

/// A measure that is to be taken or given up, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Due {
    pub(super) measure: Measure,
    pub(super) taken: bool,
    pub(super) why: String,
}

/// What is due now, of the measures that nobody holds on or off; one at a time.
pub(super) fn due(states: &[State], outlook: Outlook, now: DateTime<Utc>) -> Option<Due> {
    let automatic = |measure: &Measure, on: bool| {
        let of = |state: &&State| state.measure == *measure && state.mode == Mode::Automatic;
        states.iter().find(of).is_some_and(|state| state.on_since.is_some() == on)
    };
    let first_off = || Measure::ALL.into_iter().find(|measure| automatic(measure, false));
    let last_on = || Measure::ALL.into_iter().rev().find(|measure| automatic(measure, true));
    let (likely, limit) = match outlook {
        Outlook::NoBudget => {
            let why = "there is no budget to keep to".to_owned();
            return last_on().map(|measure| Due { measure, taken: false, why });
        }
        Outlook::Unknown { .. } => return None,
        Outlook::Projected { likely, limit } => (likely, limit),
    };
    let share = likely.dollars() / limit.dollars();
    let last = states.iter().filter(|state| state.mode == Mode::Automatic).filter_map(|s| s.changed_at).max();
    let rested = |step: TimeDelta| last.is_none_or(|last| now - last >= step);
    let why = || format!("the month will likely come to {likely} of {limit}, {:.0} %", share * 100.0);
    if share > TAKEN_ABOVE {
        let step = if share > 1.0 { STEP_WHEN_OVER } else { STEP };
        return first_off().filter(|_| rested(step)).map(|measure| Due { measure, taken: true, why: why() });
    }
    if share < GIVEN_UP_BELOW {
        return last_on().filter(|_| rested(STEP)).map(|measure| Due { measure, taken: false, why: why() });
    }
    None
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn all_off() -> Vec<State> {
        let off = |measure| State { measure, mode: Mode::Automatic, on_since: None, changed_at: None };
        Measure::ALL.into_iter().map(off).collect()
    }

    fn projected(percent: i64) -> Outlook {
        Outlook::Projected { likely: NanoUsd::from_dollars(percent), limit: NanoUsd::from_dollars(100) }
    }

    /// What follows when the outlook stays as it is for so many hours: each change with its hour.
    fn follow(
        states: &mut [State],
        outlook: Outlook,
        from: DateTime<Utc>,
        hours: i64,
    ) -> Vec<(i64, Measure, bool)> {
        let mut out = Vec::new();
        for hour in 0..hours {
            let now = from + TimeDelta::hours(hour);
            while let Some(due) = due(states, outlook, now) {
                let state = states.iter_mut().find(|state| state.measure == due.measure).unwrap();
                state.on_since = due.taken.then_some(now);
                state.changed_at = Some(now);
                out.push((hour, due.measure, due.taken));
            }
        }
        out
    }

    #[test]
    fn measures_come_the_gentlest_first_and_go_the_other_way() {
        use Measure::{Caching, Delay, Economy, LargerBatches};
        let mut states = all_off();
        let start = DateTime::UNIX_EPOCH;
        assert_eq!(follow(&mut states, projected(90), start, 48), []);
        assert_eq!(
            follow(&mut states, projected(95), start, 48),
            [(0, Caching, true), (24, LargerBatches, true)]
        );
        let later = start + TimeDelta::hours(48);
        assert_eq!(
            follow(&mut states, projected(120), later, 30),
            [(0, Delay, true), (6, Economy, true)],
            "more quickly where the whole budget would be passed"
        );
        let later = later + TimeDelta::hours(30);
        assert_eq!(
            follow(&mut states, projected(80), later, 96),
            [],
            "between the two shares nothing changes"
        );
        assert_eq!(follow(&mut states, Outlook::Unknown { limit: NanoUsd(1) }, later, 96), []);
        assert_eq!(
            follow(&mut states, projected(79), later, 96),
            [(0, Economy, false), (24, Delay, false), (48, LargerBatches, false), (72, Caching, false)]
        );
    }

    #[test]
    fn what_is_held_on_or_off_is_left_alone() {
        let mut states = all_off();
        states[0].mode = Mode::Off;
        states[3].mode = Mode::On;
        states[3].on_since = Some(DateTime::UNIX_EPOCH);
        let start = DateTime::UNIX_EPOCH + TimeDelta::hours(1);
        let taken = follow(&mut states, projected(150), start, 48);
        assert_eq!(taken, [(0, Measure::LargerBatches, true), (6, Measure::Delay, true)]);
        // A budget that is removed ends it at once.
        let later = start + TimeDelta::hours(48);
        assert_eq!(
            follow(&mut states, Outlook::NoBudget, later, 1),
            [(0, Measure::Delay, false), (0, Measure::LargerBatches, false)]
        );
        assert!(states[3].on_since.is_some());
    }
}
