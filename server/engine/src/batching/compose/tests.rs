//! The laws that every composition keeps, over random queues and rooms, and what each strategy is for.
#![allow(clippy::unwrap_used)]

use super::{Strategy, *};
use crate::{
    batching::Tuning,
    provider::price::{Deal, Price, Rates, Terms},
    queue::Turnaround,
    store::{Id, NanoUsd, SubmissionId},
};
use chrono::TimeDelta;
use proptest::{prelude::*, strategy::Strategy as Generator};
use std::collections::HashSet;
use uuid::Uuid;

fn now() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000)
}

fn job(n: u128, tokens: i64, bytes: i64) -> Job {
    Job {
        submission_id: SubmissionId::from_uuid(Uuid::from_u128(n)),
        priority: 10,
        deadline: now() + TimeDelta::days(9),
        arrived_at: now() - TimeDelta::minutes(5),
        input_tokens: tokens,
        output_tokens: 400,
        max_output: 800,
        bytes,
        work_bytes: 0,
        reserved: NanoUsd(1),
        expected: NanoUsd(1_000),
        ..crate::queue::testing::job(JobId::from_uuid(Uuid::from_u128(n)), now())
    }
}

fn room() -> Room {
    Room {
        jobs: 10,
        batches: 3,
        hard: HardLimits { requests: 100, bytes: 100_000, enqueued_tokens: None },
        tokens_left: None,
        target: 10,
        least: 1,
    }
}

fn in_line(job: Job, assignment: u128, tokens: i64) -> InLine {
    let assignment = AssignmentId::from_uuid(Uuid::from_u128(assignment));
    InLine { job, prefix: Some(Prefix { assignment, tokens }) }
}

fn price() -> Terms {
    let rates = Rates {
        input: 100_000_000,
        cached_input: Some(10_000_000),
        cache_write: Some(125_000_000),
        cache_write_long: None,
        output: 500_000_000,
    };
    Terms::new(Price { realtime: rates, batch: None, long_context: None }, &Deal::default(), 0)
}

fn rated(line: &[InLine], room: &Room, tuning: &Tuning) -> (Vec<Composition>, Composed) {
    let price = price();
    let by = Circumstances {
        price: Some(&price),
        turnaround: &|jobs| Turnaround { p50: 600 + jobs, p90: 3_000 + 5 * jobs },
        promise: &|job| job.deadline,
        slots: (0, room.batches),
        tuning,
        now: now(),
    };
    let limits = Limits {
        jobs: room.most_jobs(),
        bytes: whole(room.hard.bytes),
        tokens: room.tokens_left,
        enqueued: 0,
    };
    rate(line, candidates(line, room), limits, &by)
}

fn of(strategy: Strategy, line: &[InLine], room: &Room) -> Vec<Vec<usize>> {
    let all = candidates(line, room);
    let found = all.into_iter().find(|c| c.strategy == strategy).unwrap();
    found.batches.unwrap().into_iter().map(|b| b.jobs).collect()
}

#[test]
fn by_provider_fills_few_batches_in_the_queues_order() {
    let line: Vec<InLine> = (0..25).map(|n| in_line(job(n, 100, 100), n % 2, 2_000)).collect();
    let batches = of(Strategy::Provider, &line, &room());
    assert_eq!(batches, [(0..10).collect::<Vec<_>>(), (10..20).collect(), (20..25).collect()]);
}

#[test]
fn by_assessment_keeps_a_rubric_in_one_batch() {
    // Three assignments in turn, eight pieces of work each.
    let line: Vec<InLine> = (0..24).map(|n| in_line(job(n, 3_000, 100), n % 3, 2_000)).collect();
    let batches = of(Strategy::AssessmentType, &line, &room());
    let kinds = |batch: &Vec<usize>| batch.iter().map(|at| at % 3).collect::<HashSet<_>>().len();
    assert_eq!(batches.iter().map(kinds).collect::<Vec<_>>(), [1, 1, 1]);
    // What reads its rubric from the cache costs less, and with the cost weighed alone it is kept.
    let tuning = Tuning { waiting_weight: 0, risk_weight: 0, cache_hits: 100, ..Tuning::default() };
    let (_, composed) = rated(&line, &room(), &tuning);
    assert_eq!(composed.strategy, Strategy::AssessmentType);
    let cost = |strategy| composed.candidates.iter().find(|r| r.strategy == strategy).unwrap();
    let (by, plain) = (cost(Strategy::AssessmentType), cost(Strategy::Provider));
    assert!(by.cost < plain.cost && by.cached_tokens > plain.cached_tokens, "{composed:#?}");
    assert!(
        composed
            .reasons
            .iter()
            .any(|r| r == "That costs less, is back sooner and risks less than another way."),
        "{:?}",
        composed.reasons
    );
}

#[test]
fn by_tokens_fills_evenly() {
    let line: Vec<InLine> =
        (0..20).map(|n| in_line(job(n, if n < 2 { 5_000 } else { 500 }, 1), 1, 0)).collect();
    let room = Room { jobs: 14, target: 7, ..room() };
    let batches = of(Strategy::Tokens, &line, &room);
    let tokens = |batch: &Vec<usize>| batch.iter().map(|at| line[*at].job.input_tokens).sum::<i64>();
    let sums: Vec<i64> = batches.iter().map(tokens).collect();
    assert_eq!((sums.len(), sums.iter().sum::<i64>()), (3, 19_000));
    assert!(sums.iter().max().unwrap() - sums.iter().min().unwrap() <= 1_000, "{sums:?}");
    assert!(batches.iter().all(|batch| batch.is_sorted()), "the queue's order holds within each");
    let thick = Room { least: 9, ..room };
    assert_eq!(of(Strategy::Tokens, &line, &thick).len(), 2, "none is smaller than is worth its while");
}

#[test]
fn by_cost_places_the_largest_gain_whole() {
    // Six of a short rubric come first, then six of a long one: only the one that is placed first stays whole.
    let line: Vec<InLine> = (0..12)
        .map(
            |n| if n < 6 { in_line(job(n, 2_000, 1), 1, 1_100) } else { in_line(job(n, 9_000, 1), 2, 8_000) },
        )
        .collect();
    let room = Room { jobs: 8, batches: 2, ..room() };
    let whole = |batches: Vec<Vec<usize>>| batches.iter().any(|b| (6..12).all(|at| b.contains(&at)));
    assert!(whole(of(Strategy::Cost, &line, &room)));
    let gain = |strategy| {
        let batches = of(strategy, &line, &room);
        batches.iter().map(|b| b.iter().filter(|at| **at >= 6).count().saturating_sub(1)).sum::<usize>()
    };
    assert!(gain(Strategy::Cost) > gain(Strategy::Provider));
}

#[test]
fn risk_speaks_for_more_batches_and_late_work_is_named() {
    let mut line: Vec<InLine> = (0..20).map(|n| in_line(job(n, 1_000, 1), 1, 0)).collect();
    let room = Room { jobs: 20, batches: 9, target: 5, ..room() };
    let careful = Tuning { cost_weight: 0, waiting_weight: 0, risk_weight: 100, ..Tuning::default() };
    let (batches, composed) = rated(&line, &room, &careful);
    assert_eq!((composed.strategy, batches.len()), (Strategy::Tokens, 4));
    line[0].job.deadline = now() + TimeDelta::seconds(3_010);
    let (_, composed) = rated(&line, &room, &careful);
    let plain = &composed.candidates[0];
    assert!(plain.reasons.iter().any(|r| r.starts_with("1 of its jobs may come after")), "{plain:?}");
}

#[test]
fn of_equals_the_first_is_kept_and_says_so() {
    let line: Vec<InLine> = (0..3).map(|n| in_line(job(n, 1_000, 1), 1, 2_000)).collect();
    let (batches, composed) = rated(&line, &room(), &Tuning::default());
    assert_eq!((composed.strategy, batches.len()), (Strategy::Provider, 1));
    assert_eq!(composed.reasons[1], "The other ways come to the same.");
    let kept = serde_json::to_value(&composed).unwrap();
    assert_eq!(serde_json::from_value::<Composed>(kept).unwrap(), composed);
    let (none, nothing) = rated(&[], &room(), &Tuning::default());
    assert!(none.is_empty() && nothing.candidates.iter().all(|r| r.score.is_none()));
}

/// A random job: tokens, bytes, lane, priority, minutes until its deadline and since it came, assignment, rubric.
type Seed = (i64, i64, u8, i64, i64, i64, u128, i64);

fn seed() -> impl Generator<Value = Seed> {
    (0..2_000_i64, 0..3_000_i64, 0..3_u8, 0..30_i64, 0..500_i64, 0..500_i64, 0..4_u128, 500..3_000_i64)
}

fn made(n: u128, (tokens, bytes, lane, priority, due, came, assignment, rubric): Seed) -> InLine {
    let job = Job {
        lane: Lane::ALL[usize::from(lane)],
        priority,
        deadline: now() + TimeDelta::minutes(due),
        arrived_at: now() - TimeDelta::minutes(came),
        ..job(n, tokens, bytes)
    };
    in_line(job, assignment, rubric)
}

fn a_room() -> impl Generator<Value = Room> {
    let small = || prop_oneof![0..3_i64, 0..12_i64];
    let tokens = || prop::option::of(prop_oneof![0..2_i64, 0..20_000_i64]);
    let limit = prop::option::of(0..20_000_u64);
    (small(), small(), 0..15_u64, prop_oneof![0..3_u64, 0..20_000_u64], limit, tokens(), 1..12_i64).prop_map(
        |(jobs, batches, requests, bytes, enqueued_tokens, tokens_left, target)| Room {
            jobs,
            batches,
            hard: HardLimits { requests, bytes, enqueued_tokens },
            tokens_left,
            target,
            least: target / 2,
        },
    )
}

/// Holds what a strategy made against the laws.
fn keeps_the_laws(line: &[InLine], room: &Room, batches: &[Composition]) -> Result<(), TestCaseError> {
    let size = |n: usize| i64::try_from(n).unwrap();
    prop_assert!(size(batches.len()) <= room.batches.max(0), "batches at once");
    let mut taken: Vec<usize> = Vec::new();
    for batch in batches {
        let sum = |of: fn(&Job) -> i64| batch.jobs.iter().map(|at| of(&line[*at].job)).sum::<i64>();
        prop_assert!(!batch.jobs.is_empty());
        prop_assert!(size(batch.jobs.len()) <= room.most_jobs(), "requests of a batch");
        prop_assert_eq!((batch.bytes, batch.tokens), (sum(|j| j.bytes), sum(|j| j.input_tokens)));
        prop_assert!(batch.bytes <= whole(room.hard.bytes), "bytes of a file");
        taken.extend(&batch.jobs);
    }
    let tokens: i64 = batches.iter().map(|b| b.tokens).sum();
    prop_assert!(batches.is_empty() || room.tokens_left.is_none_or(|left| tokens <= left), "enqueued tokens");
    taken.sort_unstable();
    prop_assert_eq!(
        &taken,
        &(0..taken.len()).collect::<Vec<_>>(),
        "each once, and none before a more urgent one"
    );
    if let Some(next) = line.get(taken.len()) {
        let job = &next.job;
        let afforded = room.tokens_left.is_none_or(|left| tokens + job.input_tokens <= left);
        let fits = |b: &Composition| {
            size(b.jobs.len()) < room.most_jobs() && b.bytes + job.bytes <= whole(room.hard.bytes)
        };
        let new = size(batches.len()) < room.batches && room.most_jobs() > 0;
        prop_assert!(!(afforded && (batches.iter().any(fits) || new)), "none waits that has room");
    }
    Ok(())
}

proptest! {
    #[test]
    fn every_strategy_keeps_every_limit_and_the_queues_order(
        seeds in prop::collection::vec(seed(), 0..40),
        room in a_room(),
        with_economy: bool,
        turn in 0..40_usize,
    ) {
        let all: Vec<InLine> = (0..).zip(seeds).map(|(n, seed)| made(n, seed)).collect();
        let prefix = |job: &Job| all.iter().find(|l| l.job.id == job.id).unwrap().prefix;
        let mut ready: Vec<Job> = all.iter().map(|l| l.job.clone()).collect();
        let (line, too_large) = line_up(ready.clone(), with_economy, &room, now());
        // Every job is in line, too large, or waits for its hour or for more room than there can be.
        let counted = |job: &&Job| with_economy || job.lane != Lane::Economy;
        let fitting = ready.iter().filter(counted).filter(|job| !room.is_too_large(job)).count();
        let most = usize::try_from(room.most_jobs() * room.batches.max(0)).unwrap();
        prop_assert_eq!(line.len(), fitting.min(most));
        let large: HashSet<JobId> =
            ready.iter().filter(counted).filter(|job| room.is_too_large(job)).map(|job| job.id).collect();
        prop_assert_eq!(too_large.iter().copied().collect::<HashSet<_>>(), large);
        prop_assert!(line.is_sorted_by_key(|job| job.place().rank(now())));
        let last = line.last().map(|job| job.place().rank(now()));
        let left = ready.iter().filter(counted).filter(|job| !room.is_too_large(job) && !line.contains(job));
        for job in left {
            prop_assert!(last.is_none_or(|last| last < job.place().rank(now())), "a more urgent one is left out");
        }
        let line: Vec<InLine> = line.into_iter().map(|job| InLine { prefix: prefix(&job), job }).collect();
        let made = candidates(&line, &room);
        prop_assert_eq!(made.iter().map(|c| c.strategy).collect::<Vec<_>>(), Strategy::ALL);
        prop_assert!(made[0].batches.is_some());
        for candidate in &made {
            if let Some(batches) = &candidate.batches {
                keeps_the_laws(&line, &room, batches)?;
            }
        }
        // The whole of it: what is kept is one of them.
        let (batches, composed) = rated(&line, &room, &Tuning::default());
        keeps_the_laws(&line, &room, &batches)?;
        let kept = made.iter().find(|c| c.strategy == composed.strategy).unwrap();
        prop_assert_eq!(kept.batches.as_ref(), Some(&batches));
        // The order in which the database gives them does not matter.
        if !ready.is_empty() {
            let by = turn % ready.len();
            ready.rotate_left(by);
            let (again, _) = line_up(ready, with_economy, &room, now());
            let again: Vec<InLine> = again.into_iter().map(|job| InLine { prefix: prefix(&job), job }).collect();
            prop_assert_eq!(&again, &line);
            prop_assert_eq!(rated(&again, &room, &Tuning::default()), (batches, composed));
        }
    }
}
