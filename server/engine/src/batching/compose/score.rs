//! Candidates are rated on cost, waiting and risk, and the best is kept with the reasons (SPEC 3.1). Pure.
//!
//! Cost and waiting count by how much they are above the best candidate's, as shares; risk is a share itself. Each is
//! multiplied by its weight ([`Tuning`]), and the least sum wins; of equals the first.

use super::{Candidate, Composition, InLine, Prefix, Strategy};
use crate::{
    batching::Tuning,
    provider::{Usage, price::Terms},
    queue::{Job, Lane, Turnaround},
    store::NanoUsd,
};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// What candidates are rated by.
#[derive(Clone, Copy)]
pub struct Circumstances<'a> {
    /// What the model's tokens cost; without a price, what was expected of each job.
    pub price: Option<&'a Terms>,
    /// How long a batch of so many jobs takes.
    pub turnaround: &'a (dyn Fn(i64) -> Turnaround + Sync),
    /// By when a job's marks were promised.
    pub promise: &'a (dyn Fn(&Job) -> DateTime<Utc> + Sync),
    /// Batches that are with the provider, and how many may be.
    pub slots: (i64, i64),
    /// The weights.
    pub tuning: &'a Tuning,
    /// Now.
    pub now: DateTime<Utc>,
}

/// One candidate as it was rated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rated {
    /// How the jobs are spread.
    pub strategy: Strategy,
    /// Over how many batches; none where they can't be placed so.
    pub batches: usize,
    /// Jobs in them.
    pub jobs: usize,
    /// Expected cost.
    pub cost: NanoUsd,
    /// Input tokens expected to be read from the cache.
    pub cached_tokens: i64,
    /// Seconds until half of the jobs are back, on average, weighed by lane.
    pub seconds: f64,
    /// From 0 (none) to 1: work lost if one batch fails, nearness to limits, promised times that may be missed.
    pub risk: f64,
    /// The least is best; none where it is no candidate.
    pub score: Option<f64>,
    /// Why, in plain words.
    pub reasons: Vec<String>,
}

/// How jobs were spread over batches, and why; kept with each batch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Composed {
    /// The strategy that was kept.
    pub strategy: Strategy,
    /// Why, in plain words.
    pub reasons: Vec<String>,
    /// All candidates.
    pub candidates: Vec<Rated>,
}

/// How much a second of waiting counts by lane.
pub(crate) const fn lane_weight(lane: Lane) -> f64 {
    match lane {
        Lane::Urgent => 4.0,
        Lane::Standard => 2.0,
        Lane::Economy => 1.0,
    }
}

/// Parts of the risk: work lost if one batch fails, nearness to limits, promised times that may be missed.
const RISKS: [f64; 3] = [0.4, 0.2, 0.4];

/// A limit is near from this share of it on.
const NEAR: f64 = 0.8;

/// Rates the candidates and keeps the best: its batches, and the ratings of all.
#[must_use]
pub fn rate(
    line: &[InLine],
    candidates: Vec<Candidate>,
    limits: Limits,
    by: &Circumstances<'_>,
) -> (Vec<Composition>, Composed) {
    let mut rated: Vec<Rated> = candidates.iter().map(|c| one(line, c, limits, by)).collect();
    let there = |of: fn(&Rated) -> f64| {
        rated.iter().filter(|r| r.batches > 0).map(of).min_by(f64::total_cmp).unwrap_or(0.0)
    };
    let (cheapest, soonest) = (there(|r| dollars(r.cost)), there(|r| r.seconds));
    for r in rated.iter_mut().filter(|r| r.batches > 0) {
        let (cost, waiting) = (above(dollars(r.cost), cheapest), above(r.seconds, soonest));
        r.score = Some(by.tuning.sum(cost, waiting, r.risk));
        r.reasons.push(match percent(cost) {
            0 => format!("It costs {}, no more than any other.", r.cost),
            more => format!("It costs {}, {more} % more than the cheapest.", r.cost),
        });
        if percent(waiting) > 0 {
            r.reasons.push(format!("Its jobs wait {} % longer than need be.", percent(waiting)));
        }
    }
    let best = (0..rated.len())
        .filter_map(|at| Some((at, rated[at].score?)))
        .min_by(|(_, a), (_, b)| a.total_cmp(b))
        .map_or(0, |(at, _)| at);
    let chosen = candidates.into_iter().nth(best).and_then(|c| c.batches).unwrap_or_default();
    let strategy = rated.get(best).map_or(Strategy::Provider, |r| r.strategy);
    let reasons = why(&rated, best);
    (chosen, Composed { strategy, reasons, candidates: rated })
}

/// Limits that a batch may come near to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most jobs of a batch, by the settings and by the provider.
    pub jobs: i64,
    /// Most bytes of a batch.
    pub bytes: i64,
    /// Input tokens that may be enqueued for the model in all; none: no such limit.
    pub tokens: Option<i64>,
    /// Those that are.
    pub enqueued: i64,
}

fn one(line: &[InLine], candidate: &Candidate, limits: Limits, by: &Circumstances<'_>) -> Rated {
    let batches = candidate.batches.as_deref().unwrap_or_default();
    let mut rated = Rated {
        strategy: candidate.strategy,
        batches: batches.len(),
        jobs: batches.iter().map(|b| b.jobs.len()).sum(),
        cost: NanoUsd::ZERO,
        cached_tokens: 0,
        seconds: 0.0,
        risk: 0.0,
        score: None,
        reasons: Vec::new(),
    };
    if batches.is_empty() {
        rated.reasons.push("The work does not fit into the free batches when it is spread so.".to_owned());
        return rated;
    }
    let (mut weight, mut waiting, mut late) = (0.0, 0.0, 0_usize);
    for batch in batches {
        let (cost, cached) = cost_of(line, batch, by);
        rated.cost = rated.cost.saturating_add(cost);
        rated.cached_tokens = rated.cached_tokens.saturating_add(cached);
        let time = (by.turnaround)(int(batch.jobs.len()));
        let slow = by.now + TimeDelta::try_seconds(time.p90).unwrap_or(TimeDelta::days(30));
        for at in &batch.jobs {
            let job = &line[*at].job;
            let counts = lane_weight(job.lane);
            weight += counts;
            waiting += counts * float(time.p50);
            late += usize::from((by.promise)(job) < slow);
        }
    }
    rated.seconds = waiting / f64::max(weight, 1.0);
    let largest = batches.iter().map(|b| b.jobs.len()).max().unwrap_or(0);
    let (lost, missed) = (share(int(largest), int(rated.jobs)), share(int(late), int(rated.jobs)));
    let (near, nearest) = nearness(batches, limits, by.slots);
    rated.risk = RISKS[0] * lost + RISKS[1] * near + RISKS[2] * missed;
    rated.reasons.push(match batches.len() {
        1 => format!("One batch of {largest} jobs; if it fails, all of them wait again."),
        n => format!("{n} batches; if the largest fails, {} % of the jobs wait again.", percent(lost)),
    });
    if rated.cached_tokens > 0 {
        rated.reasons.push(format!("About {} input tokens are read from the cache.", rated.cached_tokens));
    }
    if near > 0.0 {
        rated.reasons.push(format!("It is near {nearest}."));
    }
    if late > 0 {
        rated.reasons.push(format!("{late} of its jobs may come after the promised time."));
    }
    rated
}

/// The expected cost of a batch, and the tokens read from the cache for it: of the jobs that share a prefix the first
/// writes it to the cache, and the others read it there as often as was set.
fn cost_of(line: &[InLine], batch: &Composition, by: &Circumstances<'_>) -> (NanoUsd, i64) {
    let mut written = HashSet::new();
    let (mut sum, mut read) = (NanoUsd::ZERO, 0_i64);
    for at in &batch.jobs {
        let InLine { job, prefix } = &line[*at];
        let Some(price) = by.price else {
            sum = sum.saturating_add(job.expected);
            continue;
        };
        let shared = prefix.filter(Prefix::is_cached);
        let tokens = shared.map_or(0, |prefix| prefix.tokens.min(job.input_tokens));
        let first = shared.is_none_or(|prefix| written.insert(prefix.assignment));
        let cached = if first { 0 } else { by.tuning.cached(tokens) };
        let usage = Usage {
            input_tokens: positive(job.input_tokens),
            cached_tokens: positive(cached),
            cache_write_tokens: if first { positive(tokens) } else { 0 },
            output_tokens: positive(job.output_tokens),
            ..Usage::default()
        };
        sum = sum.saturating_add(price.cost(&usage, true));
        read = read.saturating_add(cached);
    }
    (sum, read)
}

/// How near the batches come to a limit, from 0 (not near) to 1 (at it), and to which.
fn nearness(batches: &[Composition], limits: Limits, slots: (i64, i64)) -> (f64, &'static str) {
    let most = |of: fn(&Composition) -> i64| batches.iter().map(of).max().unwrap_or(0);
    let tokens: i64 = batches.iter().map(|b| b.tokens).sum();
    [
        (share(most(|b| int(b.jobs.len())), limits.jobs), "the most jobs of a batch"),
        (share(most(|b| b.bytes), limits.bytes), "the most bytes of a batch"),
        (
            limits.tokens.map_or(0.0, |most| share(tokens.saturating_add(limits.enqueued), most)),
            "the most tokens that may be enqueued",
        ),
        (
            share(slots.0 + int(batches.len()), slots.1),
            "the most batches at once: what comes next has to wait",
        ),
    ]
    .map(|(share, what)| (((share - NEAR) / (1.0 - NEAR)).clamp(0.0, 1.0), what))
    .into_iter()
    .max_by(|a, b| a.0.total_cmp(&b.0))
    .unwrap_or((0.0, ""))
}

/// Why the best was kept.
fn why(rated: &[Rated], best: usize) -> Vec<String> {
    let Some(chosen) = rated.get(best) else { return Vec::new() };
    let others: Vec<&Rated> =
        rated.iter().enumerate().filter(|(at, r)| *at != best && r.score.is_some()).map(|(_, r)| r).collect();
    let alike = others
        .iter()
        .all(|r| r.score == chosen.score && (r.cost, r.batches) == (chosen.cost, chosen.batches));
    let mut why = vec![format!("The jobs are put together {}.", chosen.strategy.text())];
    if alike {
        why.push("The other ways come to the same.".to_owned());
    } else {
        let mut better = Vec::new();
        if others.iter().any(|r| r.cost > chosen.cost) {
            better.push("costs less");
        }
        if others.iter().any(|r| r.seconds > chosen.seconds) {
            better.push("is back sooner");
        }
        if others.iter().any(|r| r.risk > chosen.risk) {
            better.push("risks less");
        }
        if let Some((last, before)) = better.split_last() {
            let and = if before.is_empty() { "" } else { " and " };
            why.push(format!("That {}{and}{last} than another way.", before.join(", ")));
        }
    }
    why.extend(chosen.reasons.iter().cloned());
    why
}

/// By which share a value is above the best one.
pub(crate) fn above(value: f64, best: f64) -> f64 {
    if best > 0.0 { (value / best - 1.0).max(0.0) } else { 0.0 }
}

#[expect(clippy::cast_possible_truncation, reason = "a share for show")]
pub(crate) fn percent(share: f64) -> i64 {
    (share * 100.0).round() as i64
}

/// A part of a whole; all of it where the whole is nothing.
pub(crate) fn share(part: i64, whole: i64) -> f64 {
    if whole <= 0 { f64::from(u8::from(part > 0)) } else { float(part) / float(whole) }
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
pub(crate) const fn float(n: i64) -> f64 {
    n as f64
}

fn dollars(amount: NanoUsd) -> f64 {
    amount.dollars()
}

fn int(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn positive(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}
