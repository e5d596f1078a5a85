//! What the measured months would have cost under a commitment. Pure.

use crate::{plan::Share, store::NanoUsd};

/// A commitment of one size, held against the measured months.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Commitment {
    /// Work that it covers in each month, at the prices that were booked.
    pub covers: NanoUsd,
    /// What is paid for it in each month, used or not.
    pub pays: NanoUsd,
    /// Saved over all measured months; below zero it would have cost more.
    pub saved: NanoUsd,
    /// Work that it covers and that the leanest month would not have used.
    pub unused: NanoUsd,
    /// What that would have been paid with.
    pub unused_cost: NanoUsd,
}

/// What commitments at one discount would have saved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Offer {
    /// The discount that is asked for.
    pub discount: Share,
    /// So much of a commitment must be used for it to cost no more than it saves, in percent.
    pub break_even_percent: f64,
    /// The largest that every measured month would have used up; none where some month spent nothing.
    pub safe: Option<Commitment>,
    /// The one that saves most on what was measured; the smallest of those that save alike, none where none saves.
    pub best: Option<Commitment>,
    /// One as large as the mean month.
    pub mean: Commitment,
    /// One as large as the highest month.
    pub highest: Commitment,
}

/// Holds a commitment against what was spent in each month: in each, work up to `covers` costs what the commitment costs,
/// and work beyond it what was booked.
#[must_use]
pub fn commit(spent: &[NanoUsd], discount: Share, covers: NanoUsd) -> Commitment {
    let pays = discounted(covers, discount);
    let saved: i128 = spent.iter().map(|month| i128::from((*month).min(covers).0) - i128::from(pays.0)).sum();
    let unused = spent.iter().min().map_or(NanoUsd::ZERO, |least| covers - (*least).min(covers));
    Commitment { covers, pays, saved: nano(saved), unused, unused_cost: discounted(unused, discount) }
}

/// What commitments at a discount would have saved on what was spent in each month; none where nothing was.
#[must_use]
pub fn offer(spent: &[NanoUsd], discount: Share) -> Option<Offer> {
    let least = *spent.iter().min()?;
    let most = *spent.iter().max()?;
    if most <= NanoUsd::ZERO {
        return None;
    }
    // Between two months' spend the saving is a straight line: it is highest at one of them.
    let mut sizes = spent.to_vec();
    sizes.sort_unstable();
    let held = sizes.into_iter().map(|covers| commit(spent, discount, covers));
    let best = held.reduce(|best, next| if next.saved > best.saved { next } else { best });
    Some(Offer {
        discount,
        break_even_percent: 100.0 - discount.percent(),
        safe: (least > NanoUsd::ZERO).then(|| commit(spent, discount, least)),
        best: best.filter(|best| best.saved > NanoUsd::ZERO),
        mean: commit(spent, discount, mean(spent)),
        highest: commit(spent, discount, most),
    })
}

/// The mean, rounded half up; nothing of nothing.
pub(super) fn mean(spent: &[NanoUsd]) -> NanoUsd {
    let sum: i128 = spent.iter().map(|month| i128::from(month.0)).sum();
    let months = i128::try_from(spent.len().max(1)).unwrap_or(1);
    nano((sum + months / 2).div_euclid(months))
}

/// An amount less the discount, which is rounded half up.
fn discounted(amount: NanoUsd, discount: Share) -> NanoUsd {
    let off = discount.of(u64::try_from(amount.0).unwrap_or(0));
    amount - NanoUsd(i64::try_from(off).unwrap_or(amount.0))
}

fn nano(amount: i128) -> NanoUsd {
    NanoUsd(i64::try_from(amount).unwrap_or(if amount < 0 { i64::MIN } else { i64::MAX }))
}
