//! Which sizes are recommended, and why.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::provider::price::{Deal, Price, Rates};
use chrono::TimeDelta;
use proptest::prelude::*;

const SIZES: Sizes = Sizes {
    min: 10,
    max: 1_000,
    slots: 5,
    longest: TimeDelta::minutes(10),
    longest_economy: TimeDelta::hours(4),
};
const HARD: HardLimits = HardLimits { requests: 50_000, bytes: 200_000_000, enqueued_tokens: None };
const PRICE: Price = Price {
    realtime: Rates {
        input: 100_000_000,
        cached_input: Some(10_000_000),
        cache_write: None,
        cache_write_long: None,
        output: 500_000_000,
    },
    batch: None,
    long_context: None,
};
const USUAL: fn(i64) -> Turnaround = |_| Turnaround { p50: 2_700, p90: 14_400 };

fn with<T>(facts: impl FnOnce(&mut SizeFacts<'_>), then: impl FnOnce(Recommendation) -> T) -> T {
    let (tuning, price) = (Tuning::default(), Terms::new(PRICE, &Deal::default(), 0));
    let mut all = SizeFacts {
        sizes: SIZES,
        hard: HARD,
        tokens_left: None,
        open: 0,
        waiting: 12,
        hurry: 2.0,
        per_hour: 12.0,
        job: (2_500, 400, 12_000),
        shared: 1_500,
        price: Some(&price),
        turnaround: &USUAL,
        until_cut: Some(600),
        until_promise: Some(15_000),
        largest: Some(1_000),
        refused: None,
        tuning: &tuning,
    };
    facts(&mut all);
    then(recommend(&all))
}

#[test]
fn a_quiet_hour_waits_for_nobody() {
    with(
        |_| {},
        |r| {
            assert_eq!(r.size, 12, "{r:#?}");
            assert!(r.reasons.iter().any(|why| why.starts_with("So many are there")), "{:?}", r.reasons);
            assert!(r.alternatives.is_sorted_by_key(|a| a.size));
            assert!(
                r.alternatives.iter().any(|a| a.size == 1_000) && r.alternatives.iter().any(|a| a.size == 20)
            );
            assert!(r.expected.cost.unwrap() > NanoUsd::ZERO);
        },
    );
}

#[test]
fn a_rush_gathers_since_slots_are_few() {
    // 3,600 in an hour: 2,700 come while a batch is away, and five slots must hold them.
    with(
        |f| f.per_hour = 3_600.0,
        |r| {
            assert!((500..=1_000).contains(&r.size), "{r:#?}");
            assert!(r.reasons.iter().any(|why| why.starts_with("Waiting about")), "{:?}", r.reasons);
            let small = r.alternatives.iter().find(|a| a.size == 12).unwrap();
            assert!(small.note.contains("needs 226 batches where 5 can be out at once"), "{}", small.note);
            assert!(small.seconds.0 > r.expected.seconds.0 && small.score > r.expected.score);
        },
    );
}

#[test]
fn no_promise_suffers_from_waiting() {
    with(
        |f| {
            f.per_hour = 3_600.0;
            // Only half a minute is left before a promise is at risk.
            f.until_promise = Some(14_430);
        },
        |r| {
            assert!(r.expected.gathers <= 30, "{r:#?}");
            assert_eq!(r.patience, Some(30));
        },
    );
    with(|f| f.until_promise = Some(60), |r| assert_eq!((r.size, r.patience), (12, Some(0)), "{r:#?}"));
    with(|f| f.until_promise = None, |r| assert_eq!(r.patience, None));
}

#[test]
fn limits_and_refusals_are_ceilings() {
    for (set, most, words) in [
        ((|f| f.sizes.max = 40) as fn(&mut SizeFacts<'_>), 40, "largest batch that is set"),
        (|f| f.hard.requests = 30, 30, "requests"),
        (|f| f.hard.bytes = 540_000, 45, "bytes"),
        (|f| f.tokens_left = Some(62_500), 25, "enqueued"),
        (|f| f.refused = Some(21), 20, "refused"),
        (|f| f.tokens_left = Some(0), 1, "enqueued"),
        (|f| f.hard.requests = 0, 1, "requests"),
    ] {
        let rush = |f: &mut SizeFacts<'_>| {
            f.per_hour = 360_000.0;
            f.waiting = 5_000;
            set(f);
        };
        with(rush, |r| {
            assert_eq!(r.size, most, "{words}: {r:#?}");
            assert!(r.reasons.iter().any(|why| why.contains(words)), "{words}: {:?}", r.reasons);
        });
    }
}

#[test]
fn a_turnaround_that_grows_with_the_size_speaks_for_smaller_ones() {
    const GROWS: fn(i64) -> Turnaround = |jobs| Turnaround { p50: 60 + 10 * jobs, p90: 120 + 20 * jobs };
    let busy = |f: &mut SizeFacts<'_>| {
        f.waiting = 800;
        f.until_promise = None;
    };
    let flat = with(busy, |r| r.size);
    let grown = with(
        |f| {
            busy(f);
            f.turnaround = &GROWS;
        },
        |r| r.size,
    );
    assert!(grown < flat, "{grown} {flat}");
}

proptest! {
    #[test]
    fn any_facts_give_a_size_within_the_bounds(
        (min, max, slots, open) in (1..50_i64, 1..2_000_i64, 1..9_i64, 0..12_i64),
        (waiting, per_hour, hurry) in (0..5_000_i64, 0.0..1e6_f64, 1.0..4.0_f64),
        job in (0..10_000_i64, 0..2_000_i64, 0..50_000_i64),
        left in prop::option::of(0..10_000_000_i64),
        cut in prop::option::of(-10..86_400_i64),
        promise in prop::option::of(-10..86_400_i64),
        refused in prop::option::of(0..100_i64),
    ) {
        let all = |f: &mut SizeFacts<'_>| {
            f.sizes = Sizes { min: min.min(max), max, slots, ..SIZES };
            (f.open, f.waiting, f.per_hour, f.hurry, f.job) = (open, waiting, per_hour, hurry, job);
            (f.tokens_left, f.until_cut, f.until_promise, f.refused) = (left, cut, promise, refused);
        };
        with(all, |r| {
            prop_assert!((1..=max).contains(&r.size));
            prop_assert!(!r.reasons.is_empty() && r.expected.size == r.size);
            prop_assert!(r.alternatives.iter().all(|a| (1..=max).contains(&a.size) && a.size != r.size));
            prop_assert!(r.alternatives.iter().all(|a| a.score >= r.expected.score));
            prop_assert!(r.expected.seconds.0 <= r.expected.seconds.1);
            // To wait for more never puts a promise at risk that could be kept.
            if let Some(promise) = promise
                && r.size > waiting.max(min.min(max))
            {
                prop_assert!(r.expected.gathers + USUAL(r.size).p90 <= promise);
            }
            Ok(())
        })?;
    }
}
