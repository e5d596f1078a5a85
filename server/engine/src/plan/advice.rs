//! The plan in words: where the work goes, in which batches, and what it costs.

use super::{Costs, Hits, LoadShare, Marking, Offer, Other, Requests, Workload, grouped, shares::shares};
use crate::{
    batching::{SizeFacts, Tuning, recommend},
    provider::cache::TRIAL,
    queue::Turnaround,
    store::NanoUsd,
};
use serde::Serialize;

/// Who marks, how, and what that costs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Advice {
    /// The provider and model that mark.
    pub primary: Choice,
    /// Those that take over when the provider fails; none where no other is known.
    pub fallback: Option<Choice>,
    /// Who takes which part of the work in batches: the primary, and those that cost the same.
    pub load_shares: Vec<LoadShare>,
    /// Pieces of work a month in batches.
    pub batched: u64,
    /// Pieces of work a month in real time.
    pub realtime: u64,
    /// Jobs of a batch that are recommended at an even flow of work; none without batches.
    pub batch_size: Option<i64>,
    /// When batches are cut whatever their size (cron); none without batches.
    pub schedule: Option<String>,
    /// What a month costs.
    pub monthly_nano_usd: NanoUsd,
    /// All of it in sentences.
    pub steps: Vec<String>,
}

/// A provider and a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Choice {
    /// Provider's name.
    pub provider: String,
    /// The model.
    pub model: String,
}

impl Choice {
    pub(super) fn of(offer: &Offer) -> Self {
        Self { provider: offer.provider.clone(), model: offer.model.clone() }
    }
}

const HOURS_A_MONTH: f64 = 30.0 * 24.0;

/// The size of a batch at an even flow of the work, by the optimizer that sizes the queue's batches.
fn batch_size(offer: &Offer, workload: &Workload, hits: Hits, waiting: u64) -> i64 {
    let int = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let tuning = Tuning { cache_hits: hits.of_hundred(), ..Tuning::default() };
    let turnaround = |_: i64| -> Turnaround { offer.turnaround };
    let input = workload.input_tokens();
    #[expect(clippy::cast_precision_loss, reason = "an estimate of jobs in an hour")]
    let per_hour = waiting as f64 / HOURS_A_MONTH;
    let facts = SizeFacts {
        sizes: offer.sizes,
        hard: offer.limits,
        tokens_left: offer.limits.enqueued_tokens.map(int),
        open: 0,
        waiting: 0,
        hurry: 2.0,
        per_hour,
        // About five bytes a token, and what is around it.
        job: (int(input), int(workload.output_tokens), int(input.saturating_mul(5).saturating_add(1_024))),
        shared: int(workload.shared_tokens),
        price: Some(&offer.terms),
        turnaround: &turnaround,
        until_cut: Some(offer.sizes.longest.num_seconds()),
        until_promise: None,
        largest: None,
        refused: None,
        tuning: &tuning,
    };
    recommend(&facts).size
}

/// The most reliable of the other providers, by what was measured, else the cheapest; at its cheapest model.
fn fallback<'a>(offer: &Offer, others: &'a [Other], offers: &'a [Offer]) -> Option<&'a Offer> {
    let reliability = |offer: &Offer| offer.kept.map_or(0.0, |(kept, all)| ratio(kept, all));
    let cost = |offer: &Offer| {
        let same = |other: &&Other| other.provider == offer.provider && other.model == offer.model;
        others.iter().find(same).map_or(NanoUsd(i64::MAX), |other| other.monthly_nano_usd)
    };
    offers
        .iter()
        .filter(|other| other.provider != offer.provider)
        .min_by(|a, b| reliability(b).total_cmp(&reliability(a)).then(cost(a).cmp(&cost(b))))
}

#[expect(clippy::cast_precision_loss, reason = "counts of batches")]
fn ratio(part: i64, whole: i64) -> f64 {
    if whole > 0 { part as f64 / whole as f64 } else { 0.0 }
}

pub(super) fn advise(
    requests: &Requests<'_>,
    costs: &Costs,
    (hits, marking): (Hits, Marking),
    others: &[Other],
    offers: &[Offer],
) -> Advice {
    let Requests { workload, offer } = requests;
    let (urgent, waiting) = workload.routes();
    let (urgent, waiting) = if offer.batches { (urgent, waiting) } else { (workload.assessments, 0) };
    let size = (waiting > 0).then(|| batch_size(offer, workload, hits, waiting));
    let other = fallback(offer, others, offers);
    let mut steps = vec![match offer.kept {
        Some((kept, all)) => format!(
            "{} of {} marks; {kept} of its {all} batches of the last month came back.",
            offer.model, offer.provider
        ),
        None => format!("{} of {} marks.", offer.model, offer.provider),
    }];
    let load_shares = shares(offer, offers);
    if load_shares.len() > 1 && waiting > 0 {
        let parts: Vec<String> = load_shares
            .iter()
            .map(|share| {
                format!("{} % to {} of {}", share.percent, share.choice.model, share.choice.provider)
            })
            .collect();
        steps.push(format!(
            "Of equal price, they share the work in batches by the room that they have, as long as none is cheaper: {}.",
            parts.join(", ")
        ));
    }
    steps.push(match other {
        Some(other) => {
            let kept = other.kept.map_or_else(
                || "how reliable it is has not been measured here".to_owned(),
                |(kept, all)| format!("{kept} of its {all} batches of the last month came back"),
            );
            format!(
                "{} of {} takes over where it fails ({kept}); hold its marks against those of {} first.",
                other.model, other.provider, offer.model
            )
        }
        None => "No other provider is known that could take over where it fails.".to_owned(),
    });
    if let Some(size) = size {
        let economy = workload.economy.of(workload.assessments).min(waiting);
        let rest = waiting - economy;
        steps.push(format!(
            "{} pieces of work a month go in batches ({} in the standard lane, {} in the economy lane), {} in real time.",
            grouped(waiting),
            grouped(rest),
            grouped(economy),
            grouped(urgent)
        ));
        steps.push(format!(
            "At an even flow a batch of {size} jobs is recommended, and {} at most; it is cut by \"{}\" at the latest, the economy \
             lane's by \"{}\". When much is handed in at once, batches grow by themselves.",
            offer.sizes.max, offer.schedule, offer.economy_schedule
        ));
    } else {
        steps.push(format!("All {} pieces of work a month go in real time.", grouped(workload.assessments)));
    }
    if marking == Marking::Trial && waiting > 0 {
        steps.push(format!(
            "Look again after {TRIAL} answers from batches: what the provider's cache then has been seen to do takes the place of \
             what is not known today."
        ));
    }
    steps.push(format!("Expected for a month: {}.", costs.quire));
    Advice {
        primary: Choice::of(offer),
        fallback: other.map(Choice::of),
        load_shares,
        batched: waiting,
        realtime: urgent,
        batch_size: size,
        schedule: size.map(|_| offer.schedule.clone()),
        monthly_nano_usd: costs.quire,
        steps,
    }
}
