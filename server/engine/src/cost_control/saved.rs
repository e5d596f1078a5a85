//! What each measure saved, by the providers' own figures. Pure.
//!
//! What changes where a work goes is booked answer by answer: the same tokens at the price of where it would have gone,
//! less what was paid. What changes how batches are put together shows only over many answers: what a token read cost
//! under the measure, the provider's cache counted in, is held against answers before it by the same route, at one and the
//! same price. Calls count as well: they are dearer where batches keep the cache warm less often.

use super::{Measure, Measures, Step, store::Answers};
use crate::{budget::Paid, store::NanoUsd};
use std::collections::BTreeMap;

/// Fewer answers than this say nothing of what a token costs.
const FEWEST: i64 = 20;

/// What a measure saved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Saved {
    /// Answers that it was measured by.
    pub answers: i64,
    /// Saved; below nothing where it cost more.
    pub saved: NanoUsd,
}

impl Saved {
    fn add(&mut self, answers: i64, saved: NanoUsd) {
        self.answers += answers;
        self.saved += saved;
    }
}

/// What each step saved of an answer that cost so much; `cost` is what the same tokens would have cost at a step's way.
/// Nothing where such a price is not known.
pub(crate) fn book(
    steps: &[Step],
    spent: NanoUsd,
    cost: impl Fn(&Step) -> Option<NanoUsd>,
) -> Vec<(Measure, NanoUsd)> {
    let without: Option<Vec<NanoUsd>> = steps.iter().map(cost).collect();
    let Some(without) = without else { return Vec::new() };
    let after = without.iter().skip(1).copied().chain([spent]);
    steps
        .iter()
        .zip(without.iter().zip(after))
        .map(|(step, (one, next))| (step.measure, *one - next))
        .collect()
}

/// All that was paid for under a set of measures, and of that what is in the month.
type Sets = BTreeMap<Measures, (Paid, Paid)>;

/// What the measures saved that change how batches are put together; `rate` is what a token read cost of a sum, in dollars
/// at one price. A measure that nothing can be held against is not among them.
pub(super) fn saved_by(
    rows: &[Answers],
    rate: impl Fn(&Answers, &Paid) -> Option<f64>,
) -> BTreeMap<Measure, Saved> {
    let mut ways: BTreeMap<(&str, &str, bool), (&Answers, Sets)> = BTreeMap::new();
    for row in rows {
        let way = (&*row.provider, &*row.model, row.batched);
        let (_, sets) = ways.entry(way).or_insert_with(|| (row, BTreeMap::new()));
        let (all, within) = sets.entry(row.measures.of_batches()).or_default();
        all.add(&row.paid);
        if row.within {
            within.add(&row.paid);
        }
    }
    let mut saved: BTreeMap<Measure, Saved> = BTreeMap::new();
    for (way, sets) in ways.into_values() {
        let rate_of = |set: Measures| {
            let (all, _) = sets.get(&set).filter(|(all, _)| all.answers >= FEWEST)?;
            rate(way, all)
        };
        for (set, (_, within)) in sets.iter().filter(|(_, (_, within))| within.answers > 0) {
            // From no measure to all of the set, one by one; where one step can't be told the next one takes it along.
            let Some(mut before) = rate_of(Measures::default()) else { continue };
            let mut so_far = Measures::default();
            for measure in set.each() {
                so_far = so_far.with(measure);
                let Some(now) = rate_of(so_far) else { continue };
                #[expect(clippy::cast_precision_loss, reason = "tokens of a month are far below 2^52")]
                let dollars = (before - now) * within.input_tokens as f64;
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "an estimate; what is too large becomes the largest"
                )]
                let amount = NanoUsd((dollars * 1e9).round() as i64);
                saved.entry(measure).or_default().add(within.answers, amount);
                before = now;
            }
        }
    }
    saved
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routing::Route;

    fn step(measure: Measure, cost: i64) -> Step {
        Step { measure, route: Route::Realtime, provider: "a".into(), model: "m".into(), cost: NanoUsd(cost) }
    }

    #[test]
    fn each_step_saves_what_the_next_one_costs_less() {
        let steps = [step(Measure::Delay, 100), step(Measure::Economy, 50)];
        let booked = book(&steps, NanoUsd(20), |step| Some(step.cost));
        assert_eq!(booked, [(Measure::Delay, NanoUsd(50)), (Measure::Economy, NanoUsd(30))]);
        assert_eq!(
            book(&steps, NanoUsd(20), |step| (step.measure == Measure::Delay).then_some(step.cost)),
            []
        );
        // A fallback that costs more is told as it is.
        assert_eq!(book(&steps[1..], NanoUsd(70), |s| Some(s.cost)), [(Measure::Economy, NanoUsd(-20))]);
    }

    fn row(measures: &[Measure], within: bool, answers: i64, spent: i64) -> Answers {
        let paid = Paid { answers, input_tokens: answers * 1_000, spent: NanoUsd(spent), ..Paid::default() };
        let measures = measures.iter().copied().collect();
        Answers { provider: "a".into(), model: "m".into(), batched: true, measures, within, paid }
    }

    #[test]
    fn answers_are_held_against_those_before() {
        use Measure::{Caching, LargerBatches};
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        let rate = |_: &Answers, paid: &Paid| Some(paid.spent.dollars() / paid.input_tokens as f64);
        let of = |rows: &[Answers]| {
            saved_by(rows, rate).into_iter().map(|(m, s)| (m, s.answers, s.saved.0)).collect::<Vec<_>>()
        };
        // 10, 8 and 5 nano-dollars a token.
        let before = row(&[], false, 200, 2_000_000);
        let caching = row(&[Caching], true, 100, 800_000);
        let both = row(&[Caching, LargerBatches], true, 100, 500_000);
        assert_eq!(
            of(&[before.clone(), caching.clone(), both.clone()]),
            [(Caching, 200, 400_000), (LargerBatches, 100, 300_000)]
        );
        assert_eq!(of(&[caching.clone(), both.clone()]), [], "nothing to hold them against");
        assert_eq!(of(&[row(&[], false, 19, 190_000), caching]), [], "too few to say anything");
        assert_eq!(
            of(&[before.clone(), both]),
            [(LargerBatches, 100, 500_000)],
            "what can't be told apart goes to the last"
        );
        let dearer = row(&[LargerBatches], true, 100, 1_100_000);
        assert_eq!(of(&[before.clone(), dearer.clone()]), [(LargerBatches, 100, -100_000)]);
        // Calls are held against calls.
        let call = |answers: Answers| Answers { batched: false, ..answers };
        assert_eq!(of(&[before.clone(), call(dearer.clone())]), []);
        let both = [before.clone(), dearer.clone(), call(before), call(dearer)];
        assert_eq!(of(&both), [(LargerBatches, 200, -200_000)]);
    }
}
