//! Which part of the work each of several equally priced providers takes: routing gives work to the one with the most free
//! room, and so each gets as much as its batches can hold at once.

use super::{Choice, Offer};
use serde::Serialize;

/// A provider's part of the work in batches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LoadShare {
    /// Who.
    #[serde(flatten)]
    pub choice: Choice,
    /// Whole percent; together they are 100.
    pub percent: i64,
}

/// How those that cost as much as this offer share the work in batches with it, the largest part first. One model of each
/// provider counts: the first, which takes the work. Alone it takes all; without batches nobody takes any.
pub(super) fn shares(offer: &Offer, offers: &[Offer]) -> Vec<LoadShare> {
    let mut equals: Vec<&Offer> = Vec::new();
    if offer.batches {
        equals.push(offer);
    }
    for other in offers {
        let known = equals.iter().any(|known| known.provider == other.provider);
        let first = offers.iter().find(|first| first.provider == other.provider);
        if offer.batches
            && other.batches
            && !known
            && first.is_some_and(|first| std::ptr::eq(first, other))
            && other.terms == offer.terms
            && other.has_tiers == offer.has_tiers
        {
            equals.push(other);
        }
    }
    let room = |offer: &Offer| offer.sizes.slots.saturating_mul(offer.sizes.max).max(1);
    let all: i64 = equals.iter().map(|offer| room(offer)).sum();
    let mut shares: Vec<(LoadShare, i64)> = equals
        .iter()
        .map(|offer| {
            let hundredfold = room(offer).saturating_mul(100);
            let share = LoadShare { choice: Choice::of(offer), percent: hundredfold / all.max(1) };
            (share, hundredfold % all.max(1))
        })
        .collect();
    // What rounding down left over goes to those that lost most by it.
    let left = 100 - shares.iter().map(|(share, _)| share.percent).sum::<i64>();
    shares.sort_by_key(|(_, lost)| -lost);
    for (share, _) in shares.iter_mut().take(usize::try_from(left).unwrap_or(0)) {
        share.percent += 1;
    }
    let mut shares: Vec<LoadShare> = shares.into_iter().map(|(share, _)| share).collect();
    shares.sort_by_key(|share| -share.percent);
    shares
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::batching::Sizes;

    fn offers() -> Vec<Offer> {
        let listed = Offer::listed().into_iter().find(|offer| offer.model == "gpt-6-luna").unwrap();
        let own = |provider: &str, slots, max| Offer {
            provider: provider.to_owned(),
            sizes: Sizes { slots, max, ..listed.sizes },
            ..listed.clone()
        };
        vec![own("one", 5, 1_000), own("two", 2, 500), own("three", 1, 1_000)]
    }

    fn told(offer: &Offer, offers: &[Offer]) -> Vec<(String, i64)> {
        shares(offer, offers).into_iter().map(|share| (share.choice.provider, share.percent)).collect()
    }

    #[test]
    fn equals_share_by_the_room_of_their_batches() {
        let offers = offers();
        let all = told(&offers[0], &offers);
        assert_eq!(all, [("one".to_owned(), 72), ("two".into(), 14), ("three".into(), 14)]);
        assert_eq!(told(&offers[1], &offers).len(), 3, "whoever is planned for");
    }

    #[test]
    fn another_price_another_model_or_no_batches_take_no_part() {
        let alone = [("one".to_owned(), 100)];
        let mut others = offers();
        let dear = Offer::listed().into_iter().find(|offer| offer.model == "gpt-6-astra").unwrap();
        others[1].terms = dear.terms;
        others[2].batches = false;
        assert_eq!(told(&others[0], &others), alone);
        // A further model of the same provider takes what a rule gives it, no part of all.
        let second = Offer { model: "further".into(), ..others[0].clone() };
        assert_eq!(told(&others[0], &[others[0].clone(), second]), alone);
        others[0].batches = false;
        assert_eq!(told(&others[0], &others), []);
    }
}
