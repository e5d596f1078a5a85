//! The time in line: when each of the next batches can start, while a provider's slots are taken.
//!
//! A hundred futures are played through: each batch that is away comes back after what is left of its time, each next one
//! takes the first slot that falls free. Their middle and their worst tenth are the answer. The throws are the same each
//! time, so that nothing flickers while nothing changes.

use super::{
    history::{quantile, sorted},
    spread::Spread,
};
use std::{cmp::Reverse, collections::BinaryHeap};

/// Futures that are played through.
const FUTURES: u64 = 100;

/// Seconds from now within which something happens in half of all futures, and in nine of ten.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Range {
    pub(crate) p50: f64,
    pub(crate) p90: f64,
}

/// When each of the next `batches` can start. `away` are those with the provider: seconds since each was sent, and its
/// times; `next` gives the times of the n-th next batch if it starts so many seconds from now.
pub(crate) fn starts(
    slots: usize,
    away: &[(f64, Spread)],
    batches: usize,
    mut next: impl FnMut(usize, f64) -> Spread,
) -> Vec<Range> {
    if away.len() + batches <= slots {
        return vec![Range::default(); batches];
    }
    let mut of_batch = vec![Vec::with_capacity(100); batches];
    for future in 0..FUTURES {
        // Times are not negative, so that their bits sort as they do.
        let mut slots_free: BinaryHeap<Reverse<u64>> = BinaryHeap::with_capacity(slots.max(away.len()));
        for (at, (age, spread)) in away.iter().enumerate() {
            slots_free.push(Reverse(spread.left(*age, chance(future, at)).to_bits()));
        }
        for _ in away.len()..slots {
            slots_free.push(Reverse(0));
        }
        // More may be away than there are slots: these were made fewer.
        for _ in slots..away.len() {
            slots_free.pop();
        }
        for (n, starts) in of_batch.iter_mut().enumerate() {
            let start = slots_free.pop().map_or(0.0, |Reverse(bits)| f64::from_bits(bits));
            starts.push(start);
            let end = start + next(n, start).within(chance(future, away.len() + n));
            slots_free.push(Reverse(end.to_bits()));
        }
    }
    of_batch
        .into_iter()
        .map(|starts| {
            let starts = sorted(starts);
            Range { p50: quantile(&starts, 0.5), p90: quantile(&starts, 0.9) }
        })
        .collect()
}

/// An even throw between 0 and 1, the same for the same future and batch (the mixing steps of SplitMix64).
#[expect(clippy::cast_precision_loss, reason = "53 bits are exact")]
fn chance(future: u64, batch: usize) -> f64 {
    let mut z = future.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add((batch as u64 + 1) << 32 | 0x5bd1);
    for (shift, by) in [(30, 0xbf58_476d_1ce4_e5b9_u64), (27, 0x94d0_49bb_1331_11eb)] {
        z = (z ^ (z >> shift)).wrapping_mul(by);
    }
    ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::Turnaround;

    #[test]
    fn free_slots_are_taken_at_once_and_full_ones_waited_for() {
        let spread = Spread::from(Turnaround { p50: 1_000, p90: 2_000 });
        let free = starts(3, &[(10.0, spread)], 2, |_, _| spread);
        assert_eq!(free, [Range::default(); 2]);
        let line = starts(2, &[(900.0, spread), (0.0, spread)], 6, |_, _| spread);
        assert!(line[0].p50 > 100.0 && line[0].p50 < 900.0, "{line:?}");
        assert!(line.windows(2).all(|w| w[0].p50 <= w[1].p50), "{line:?}");
        assert!(line.iter().all(|range| range.p50 <= range.p90), "{line:?}");
        // Two at once, a thousand seconds each: the sixth starts when about two rounds are over.
        assert!((1_700.0..3_500.0).contains(&line[5].p50), "{line:?}");
        assert_eq!(line, starts(2, &[(900.0, spread), (0.0, spread)], 6, |_, _| spread), "nothing flickers");
    }

    #[test]
    fn more_away_than_slots_wait_until_all_but_the_slots_are_back() {
        let spread = Spread::from(Turnaround { p50: 1_000, p90: 2_000 });
        let one = starts(1, &[(0.0, spread)], 1, |_, _| spread)[0].p50;
        let crowded = starts(1, &[(0.0, spread); 4], 1, |_, _| spread)[0].p50;
        assert!(crowded > 1.3 * one, "{crowded} {one}");
    }

    #[test]
    fn throws_are_even() {
        let all: Vec<f64> =
            (0..100).flat_map(|future| (0..50).map(move |batch| chance(future, batch))).collect();
        #[expect(clippy::cast_precision_loss, reason = "few")]
        let mean = all.iter().sum::<f64>() / all.len() as f64;
        assert!((mean - 0.5).abs() < 0.02 && all.iter().all(|u| (0.0..1.0).contains(u)), "{mean}");
        for batch in 0..20 {
            let low = (0..100).filter(|future| chance(*future, batch) < 0.5).count();
            assert!((30..=70).contains(&low), "{batch}: {low}");
        }
    }
}
