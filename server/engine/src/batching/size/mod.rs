//! How large the next batch should be, with reasons, alternatives and what is to be expected of each (SPEC 3.2). Pure.
//!
//! A larger batch pays for its rubric once for more jobs and takes one slot for them; a smaller one is together sooner,
//! and less is lost with it. From the smallest size that is worth a batch on, [`recommend`] weighs a few sizes by cost,
//! waiting and risk and names the best. It never asks to wait beyond the time at which a promise would be at risk.

mod advice;
mod facts;
#[cfg(test)]
mod tests;

pub use advice::SizeAdvice;
pub(crate) use facts::Shares;

use super::{
    Sizes, Tuning,
    compose::{LEAST_CACHED, above, percent, share, whole},
};
use crate::{
    provider::{HardLimits, Usage, price::Terms},
    queue::Turnaround,
    store::NanoUsd,
};

/// How long a batch of so many jobs takes, from sending to its results.
pub type ExpectedTurnaround<'a> = dyn Fn(i64) -> Turnaround + Send + Sync + 'a;

/// What the size of the next batch depends on.
#[derive(Clone, Copy)]
pub struct SizeFacts<'a> {
    /// What was set for the provider.
    pub sizes: Sizes,
    /// The provider's limits of one batch.
    pub hard: HardLimits,
    /// Input tokens that may still be enqueued; none: no such limit.
    pub tokens_left: Option<i64>,
    /// Batches that are with the provider.
    pub open: i64,
    /// Jobs that may be sent now.
    pub waiting: i64,
    /// How much a second of their waiting counts on average (1: economy, 2: standard, 4: urgent).
    pub hurry: f64,
    /// Jobs that come in an hour.
    pub per_hour: f64,
    /// A job's mean input tokens, output tokens and bytes; zero where nothing is known.
    pub job: (i64, i64, i64),
    /// Tokens of the prompt that jobs share.
    pub shared: i64,
    /// What the model's tokens cost.
    pub price: Option<&'a Terms>,
    /// How long batches take.
    pub turnaround: &'a ExpectedTurnaround<'a>,
    /// Seconds until the queue is cut in any case, by schedule or age; none: not known.
    pub until_cut: Option<i64>,
    /// Seconds until the most pressing promise; none: nothing was promised.
    pub until_promise: Option<i64>,
    /// The largest batch that came back in the last week.
    pub largest: Option<i64>,
    /// The smallest batch that was refused as too large in the last day.
    pub refused: Option<i64>,
    /// The weights.
    pub tuning: &'a Tuning,
}

/// One size and what is to be expected of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Alternative {
    /// Jobs.
    pub size: i64,
    /// What a batch of that size costs; none without a price.
    pub cost: Option<NanoUsd>,
    /// Seconds until so many are together.
    pub gathers: i64,
    /// Seconds from now until half of such work is back, and nine of ten: gathering, a slot, and the provider.
    pub seconds: (i64, i64),
    /// The least is best.
    pub score: f64,
    /// What speaks for and against it, in plain words.
    pub note: String,
}

/// A size, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Recommendation {
    /// Jobs.
    pub size: i64,
    /// Why, in plain words.
    pub reasons: Vec<String>,
    /// What is expected of the size.
    pub expected: Alternative,
    /// Other sizes, the smallest first.
    pub alternatives: Vec<Alternative>,
    /// Seconds for which more jobs may be waited for at most; none: until the queue is cut in any case.
    pub patience: Option<i64>,
}

/// A batch larger than any that came back adds this to its risk at most.
const UNKNOWN: f64 = 0.2;

/// Names the best size.
#[must_use]
pub fn recommend(facts: &SizeFacts<'_>) -> Recommendation {
    let (most, why_most) = ceiling(facts);
    let least = facts.sizes.min.clamp(1, most);
    let mut sizes = vec![least, facts.waiting.clamp(least, most), most];
    let mut size = least;
    while size < most {
        sizes.push(size);
        size = size.saturating_mul(2);
    }
    sizes.sort_unstable();
    sizes.dedup();
    // None that leaves just a few behind: they would be a batch that is not worth its while.
    sizes.retain(|size| *size >= most.min(facts.waiting) || facts.waiting - size >= least);
    let mut all: Vec<Weighed> = sizes.into_iter().map(|size| weigh(facts, size)).collect();
    // A size for which a promise would have to wait too long is out, unless it is there already.
    all.retain(|w| w.kept || w.alternative.size <= facts.waiting.max(least));
    let best_of = |of: fn(&Weighed) -> f64| all.iter().map(of).min_by(f64::total_cmp).unwrap_or(0.0);
    let (cheapest, soonest) = (best_of(|w| w.unit_cost), best_of(|w| w.time));
    // Those who hurry make time dearer.
    let hurry = facts.hurry / 2.0;
    for w in &mut all {
        let (cost, time) = (above(w.unit_cost, cheapest), above(w.time, soonest));
        w.alternative.score = facts.tuning.sum(cost, time * hurry, w.risk);
        w.alternative.note = note(w, cost, time);
    }
    let best = (0..all.len())
        .min_by(|a, b| all[*a].alternative.score.total_cmp(&all[*b].alternative.score))
        .unwrap_or(0);
    let chosen = all.swap_remove(best);
    let mut alternatives: Vec<Alternative> = all.into_iter().map(|w| w.alternative).collect();
    alternatives.sort_by_key(|a| a.size);
    let patience =
        facts.until_promise.map(|at| (at - (facts.turnaround)(chosen.alternative.size).p90).max(0));
    Recommendation {
        size: chosen.alternative.size,
        reasons: reasons(facts, &chosen, why_most),
        expected: chosen.alternative,
        alternatives,
        patience,
    }
}

/// The largest size there can be, and what sets it.
fn ceiling(facts: &SizeFacts<'_>) -> (i64, &'static str) {
    let (tokens, _, bytes) = facts.job;
    let fit = |limit: i64, each: i64| if each > 0 { limit / each } else { i64::MAX };
    let all = [
        (facts.sizes.max, "the largest batch that is set for the provider"),
        (
            i64::try_from(facts.hard.requests).unwrap_or(i64::MAX),
            "the requests that the provider takes in a batch",
        ),
        (fit(whole(facts.hard.bytes), bytes), "the bytes that the provider takes in a batch"),
        (
            facts.tokens_left.map_or(i64::MAX, |left| fit(left, tokens)),
            "the tokens that may still be enqueued",
        ),
        (
            facts.refused.map_or(i64::MAX, |refused| refused - 1),
            "the size of a batch that the provider refused as too large",
        ),
    ];
    let (most, why) = all.into_iter().min_by_key(|(most, _)| *most).unwrap_or((1, ""));
    (most.max(1), why)
}

struct Weighed {
    alternative: Alternative,
    /// Cost of one job, in dollars.
    unit_cost: f64,
    /// Seconds until half is back.
    time: f64,
    risk: f64,
    /// Batches for the work of one turnaround, and the slots for them.
    batches: (i64, i64),
    /// No promise is missed while so many gather.
    kept: bool,
}

fn weigh(facts: &SizeFacts<'_>, size: i64) -> Weighed {
    let waiting = facts.waiting.max(0);
    let missing = (size - waiting).max(0);
    let come_in = if missing == 0 { 0 } else { seconds_for(missing, facts.per_hour) };
    // The queue is cut by then in any case, with what is there.
    let gathers = facts.until_cut.map_or(come_in, |until| come_in.min(until.max(0)));
    let there = if gathers < come_in { waiting + came(facts.per_hour, gathers) } else { size };
    let there = there.clamp(1, size.max(1));
    let time = (facts.turnaround)(there);
    // What comes while a batch is away needs batches too; without free slots it waits for a whole turnaround.
    let demand = waiting.saturating_add(came(facts.per_hour, time.p50));
    let free = (facts.sizes.slots - facts.open).max(1);
    let batches = (demand.max(1) + there - 1) / there;
    let rounds = (batches + free - 1) / free - 1;
    let queue = time.p50.saturating_mul(rounds) / 2;
    let seconds = (
        gathers.saturating_add(queue).saturating_add(time.p50),
        gathers.saturating_add(queue).saturating_add(time.p90),
    );
    let cost = facts.price.map(|price| cost_of(facts, price, there));
    let lost = share(there, demand.max(there));
    let full = facts.tokens_left.map_or(0.0, |left| share(there.saturating_mul(facts.job.0), left));
    let unknown = match facts.largest {
        Some(largest) if there > largest => UNKNOWN * (1.0 - share(largest, there)),
        _ => 0.0,
    };
    #[expect(clippy::cast_precision_loss, reason = "estimates of seconds and jobs")]
    Weighed {
        unit_cost: cost.map_or(0.0, |cost| cost.dollars() / there as f64),
        time: seconds.0 as f64,
        risk: (0.6 * lost + 0.4 * ((full - 0.8) / 0.2).clamp(0.0, 1.0) + unknown).min(1.0),
        batches: (batches, free),
        kept: facts.until_promise.is_none_or(|promise| gathers.saturating_add(time.p90) <= promise),
        alternative: Alternative { size, cost, gathers, seconds, score: 0.0, note: String::new() },
    }
}

/// What a batch costs: its first job writes the shared prompt to the cache, the others read it there as often as was set.
fn cost_of(facts: &SizeFacts<'_>, price: &Terms, jobs: i64) -> NanoUsd {
    let (input, output, _) = facts.job;
    let shared = if facts.shared >= LEAST_CACHED { facts.shared.min(input) } else { 0 };
    let one = |cached: i64, written: i64| {
        let positive = |n: i64| u64::try_from(n).unwrap_or(0);
        let usage = Usage {
            input_tokens: positive(input),
            cached_tokens: positive(cached),
            cache_write_tokens: positive(written),
            output_tokens: positive(output),
            ..Usage::default()
        };
        price.cost(&usage, true)
    };
    let others = one(facts.tuning.cached(shared), 0).0.saturating_mul(jobs - 1);
    NanoUsd(one(0, shared).0.saturating_add(others))
}

/// Seconds until so many jobs have come; a month where nothing comes.
#[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "an estimate of seconds")]
fn seconds_for(jobs: i64, per_hour: f64) -> i64 {
    const MONTH: f64 = 30.0 * 86_400.0;
    if per_hour <= 0.0 { MONTH as i64 } else { (jobs as f64 * 3600.0 / per_hour).min(MONTH).ceil() as i64 }
}

/// Jobs that come in so many seconds.
#[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "an estimate of jobs")]
fn came(per_hour: f64, seconds: i64) -> i64 {
    (per_hour * seconds as f64 / 3600.0).clamp(0.0, 1e9) as i64
}

fn note(w: &Weighed, cost: f64, time: f64) -> String {
    let mut words = Vec::new();
    if percent(cost) > 0 {
        words.push(format!("{} % dearer per job than the cheapest size", percent(cost)));
    }
    if percent(time) > 0 {
        words.push(format!("back {} % later than the quickest size", percent(time)));
    }
    let (batches, free) = w.batches;
    if batches > free {
        words.push(format!("needs {batches} batches where {free} can be out at once"));
    }
    if words.is_empty() {
        words.push("as cheap and as quick as any".to_owned());
    }
    words.join("; ")
}

fn reasons(facts: &SizeFacts<'_>, chosen: &Weighed, why_most: &str) -> Vec<String> {
    let size = chosen.alternative.size;
    let mut why = Vec::new();
    let (input, output, _) = facts.job;
    if input > 0 {
        why.push(format!("A job has about {input} tokens in and {output} out."));
    }
    why.push(format!("{} jobs wait, and about {:.0} come in an hour.", facts.waiting, facts.per_hour));
    let (batches, free) = chosen.batches;
    why.push(format!(
        "What comes while a batch is away fills about {batches} of this size; {free} can be out at once."
    ));
    if size <= facts.waiting {
        why.push("So many are there: waiting for more would gain less than it costs.".to_owned());
    } else {
        why.push(format!(
            "Waiting about {} s for more is worth it: {}.",
            chosen.alternative.gathers, chosen.alternative.note
        ));
    }
    if size >= ceiling(facts).0 {
        why.push(format!("More is not possible because of {why_most}."));
    }
    match facts.largest {
        Some(largest) if largest < size => {
            why.push(format!("The largest batch that came back in the last week had {largest} jobs."));
        }
        None => why.push("No batch has come back yet, so times are those that were set.".to_owned()),
        Some(_) => {}
    }
    why
}
