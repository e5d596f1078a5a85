//! What each lever saves: the difference that it makes when it is pulled after those before it. The shares add up to the
//! whole exactly.

use super::{Hits, Marking, Offer, Requests, TRIALS_A_MONTH, Workload, cost::Costs};
use crate::{provider::Keep, store::NanoUsd};
use serde::Serialize;

/// A way to save.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Lever {
    /// Work that can wait goes into the provider's batches.
    Batch,
    /// Work of an assignment stays together, so that instructions and rubric are read from the provider's cache.
    PrefixCache,
    /// The same work is not marked twice.
    AnswerCache,
    /// Work that may wait longer gathers for longer.
    EconomyLane,
    /// Several pieces of work in one request.
    Bundling,
}

impl Lever {
    /// In words.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Batch => "batch",
            Self::PrefixCache => "prefix cache",
            Self::AnswerCache => "answer cache",
            Self::EconomyLane => "economy lane",
            Self::Bundling => "bundling",
        }
    }
}

/// What a lever saves in a month.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Pulled {
    /// Which.
    pub lever: Lever,
    /// Quire pulls it for this workload.
    pub used: bool,
    /// Against real time with the provider's own caching; below zero where it costs more than it saves.
    pub saved_nano_usd: NanoUsd,
    /// The same, in percent of that real time.
    pub saved_percent: f64,
    /// Against real time without caching.
    pub saved_uncached_nano_usd: NanoUsd,
    /// The same, in percent of that real time.
    pub saved_uncached_percent: f64,
    /// What it does, or why it is not pulled.
    pub why: String,
}

/// A part in percent of a whole, to a tenth, rounded half away from zero.
#[must_use]
pub fn percent(part: NanoUsd, whole: NanoUsd) -> f64 {
    if whole.0 <= 0 {
        return 0.0;
    }
    let (part, whole) = (i128::from(part.0) * 1_000, i128::from(whole.0));
    let tenths = (part.abs() + whole / 2) / whole * part.signum();
    i32::try_from(tenths).map_or(0.0, |tenths| f64::from(tenths) / 10.0)
}

/// A number with its thousands apart.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// All levers, in the order in which they are pulled.
pub(super) fn pulled(requests: &Requests<'_>, costs: &Costs, hits: Hits, marking: Marking) -> Vec<Pulled> {
    let Requests { workload, offer } = requests;
    let lever = |lever, used, saved: NanoUsd, uncached: NanoUsd, why| Pulled {
        lever,
        used,
        saved_nano_usd: saved,
        saved_percent: percent(saved, costs.realtime_cached),
        saved_uncached_nano_usd: uncached,
        saved_uncached_percent: percent(uncached, costs.realtime_uncached),
        why,
    };
    let none = |which, why: String| lever(which, false, NanoUsd::ZERO, NanoUsd::ZERO, why);
    let (urgent, waiting) = workload.routes();
    let batches = offer.batches && waiting > 0;
    vec![
        lever(
            Lever::Batch,
            batches,
            costs.realtime_cached - costs.batch,
            costs.realtime_uncached - costs.batch_uncached,
            match (offer.batches, waiting, urgent) {
                (false, ..) => "The provider takes no batches.".to_owned(),
                (_, 0, _) => "All of the work is urgent.".to_owned(),
                (_, _, 0) => "All of the work goes at the provider's price for batches, rubrics read afresh."
                    .to_owned(),
                _ => format!(
                    "{} pieces of work go at the provider's price for batches, rubrics read afresh; {} can't wait.",
                    grouped(waiting),
                    grouped(urgent)
                ),
            },
        ),
        lever(
            Lever::PrefixCache,
            batches && marking != Marking::None,
            costs.batch - costs.prefix,
            costs.batch_uncached - costs.prefix,
            prefix_words(requests, hits, marking),
        ),
        lever(
            Lever::AnswerCache,
            offer.reuses && workload.repeated.of(workload.assessments) > 0,
            costs.prefix - costs.quire,
            costs.prefix - costs.quire,
            answer_words(workload, offer.reuses),
        ),
        none(
            Lever::EconomyLane,
            "Its batches have the price of any batch. It gathers for longer, so that more work of an assignment is \
             together; no figure says how much more is read from the cache for that, so none is counted."
                .to_owned(),
        ),
        none(
            Lever::Bundling,
            "Not used: Quire asks for one piece of work in each request, so that no mark can be given to the wrong one."
                .to_owned(),
        ),
    ]
}

fn answer_words(workload: &Workload, reuses: bool) -> String {
    let count = workload.assessments - workload.without_repeats().assessments;
    match (reuses, count) {
        (false, _) => "Not used: switched off (answers.reuse); each piece of work is asked for.".to_owned(),
        (true, 0) => {
            "No work is expected to repeat other work; where some does, to the letter, it is not paid for again."
                .to_owned()
        }
        (true, _) => format!(
            "{} pieces of work are expected to repeat others, to the letter; they get the same marks and are not paid \
             for again.",
            grouped(count)
        ),
    }
}

fn prefix_words(requests: &Requests<'_>, hits: Hits, marking: Marking) -> String {
    let offer: &Offer = requests.offer;
    let from = match requests.pays_from() {
        Some(from) => format!("marks pay from {from} of 100 requests on"),
        None => "no number of hits would pay for the marks".to_owned(),
    };
    let share = match hits {
        Hits::Never => {
            return match offer.documented().least_tokens {
                Some(least) => format!(
                    "Not used: the provider keeps no beginning of a prompt shorter than {} tokens, and {} are shared.",
                    grouped(least),
                    grouped(requests.workload.shared_tokens)
                ),
                None => "Not used: the provider documents no prompt cache.".to_owned(),
            };
        }
        Hits::Measured(hits, answers) => format!("{hits} of 100, measured in {answers} answers"),
        Hits::Documented(low) => format!("{low} of 100, the least that the provider calls typical"),
        Hits::Unknown => "none, since no rate of hits is documented or measured".to_owned(),
    };
    match marking {
        Marking::None => format!("Not used: switched off for the provider (batch_cache); {from}."),
        Marking::All(Keep::Long) => format!("Kept for the longer time. Hits expected: {share}; {from}."),
        Marking::All(_) => format!("Hits expected: {share}; {from}."),
        Marking::Trial => format!(
            "Hits expected: {share}; {from}. {} requests a month are marked on trial, and all where that shows that it pays.",
            grouped(TRIALS_A_MONTH)
        ),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::float_cmp, reason = "tenths are rounded to the nearest float")]
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (12_345_678, "12,345,678")] {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn percentages_are_rounded_to_tenths() {
        for (part, whole, tenths) in
            [(1, 3, 33.3), (2, 3, 66.7), (-1, 3, -33.3), (5, 0, 0.0), (1, 2_000, 0.1)]
        {
            assert_eq!(percent(NanoUsd(part), NanoUsd(whole)), tenths, "{part} of {whole}");
        }
        assert_eq!(percent(NanoUsd(i64::MAX), NanoUsd(i64::MAX)), 100.0);
    }
}
