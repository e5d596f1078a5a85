//! What an institution has negotiated: a discount on all prices of a model, and further ones from a month's volume on
//! (SPEC 4.6, 7.6). Pure.

use super::{PER, Price, worst_sum};
use crate::{provider::Usage, store::NanoUsd};
use serde::{Deserialize, Serialize};

/// A whole, in hundredths of a percent.
const WHOLE: u32 = 10_000;

/// A lower price from some volume of a month on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// For requests made when so many tokens of the model, read and written, were paid for in the month.
    pub from_tokens: u64,
    /// Off the price, in hundredths of a percent.
    pub discount: u32,
}

/// What was negotiated for a model; nothing unless it is said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Deal {
    /// Off all prices, in hundredths of a percent.
    #[serde(skip_serializing_if = "is_zero")]
    pub discount: u32,
    /// Further discounts by the month's volume, the smallest volume first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tiers: Vec<Tier>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_zero(n: &u32) -> bool {
    *n == 0
}

impl Deal {
    /// Finds what can't be so.
    ///
    /// # Errors
    /// What is wrong, and how it must be.
    pub fn check(&self) -> Result<(), String> {
        let percent = |discount: u32| f64::from(discount) / 100.0;
        let discounts = self.tiers.iter().map(|tier| tier.discount).chain([self.discount]);
        if let Some(all) = discounts.into_iter().find(|discount| *discount >= WHOLE) {
            return Err(format!("a discount is {} percent; it must be below 100", percent(all)));
        }
        for (i, tier) in self.tiers.iter().enumerate() {
            let (from, before) = match i.checked_sub(1) {
                None => (0, 0),
                Some(last) => (self.tiers[last].from_tokens, self.tiers[last].discount),
            };
            if tier.from_tokens <= from {
                return Err(format!(
                    "the tier from {} tokens must begin above {from}: write tiers with rising volumes",
                    tier.from_tokens
                ));
            }
            if tier.discount <= before {
                return Err(format!(
                    "the tier from {} tokens is {} percent off, which must be more than {} percent before it",
                    tier.from_tokens,
                    percent(tier.discount),
                    percent(before)
                ));
            }
        }
        Ok(())
    }

    /// The volumes of a month from which on prices differ, the smallest first.
    pub fn volumes(&self) -> impl Iterator<Item = u64> {
        std::iter::once(0).chain(self.tiers.iter().map(|tier| tier.from_tokens))
    }

    /// The further discount that a month's volume so far gives, in hundredths of a percent.
    #[must_use]
    pub fn by_volume(&self, tokens: u64) -> u32 {
        self.tiers.iter().rev().find(|tier| tier.from_tokens <= tokens).map_or(0, |tier| tier.discount)
    }
}

/// A price as it is paid: the list price less what was negotiated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    price: Price,
    paid: u32,
}

impl Terms {
    /// The list price, in the parts that [`Terms::paid`] counts in.
    pub const LIST: u32 = 100_000_000;

    /// A price under a deal, at a month's volume so far.
    #[must_use]
    pub fn new(price: Price, deal: &Deal, tokens: u64) -> Self {
        let left = |discount: u32| WHOLE.saturating_sub(discount);
        Self { price, paid: left(deal.discount) * left(deal.by_volume(tokens)) }
    }

    /// What is paid, in hundred-millionths of the list price.
    #[must_use]
    pub const fn paid(&self) -> u32 {
        self.paid
    }

    /// What a request cost, from the provider's own figures.
    #[must_use]
    pub fn cost(&self, usage: &Usage, batch: bool) -> NanoUsd {
        self.rounded(self.price.rates(usage.input_tokens, batch).sum(usage))
    }

    /// What so many requests cost together, of which only their sum is known: each is priced as one of the mean length.
    #[must_use]
    pub fn cost_of_many(&self, all: &Usage, requests: u64, batch: bool) -> NanoUsd {
        let mean = all.input_tokens / requests.max(1);
        self.rounded(self.price.rates(mean, batch).sum(all))
    }

    /// The most that a request can cost: the longest answer, and the dearest use of the cache.
    #[must_use]
    pub fn worst_case(&self, input_tokens: u64, max_output: u32, batch: bool) -> NanoUsd {
        self.rounded(worst_sum(&self.price, input_tokens, max_output, batch))
    }

    /// The one rounding, half up; saturates at the end of the range.
    fn rounded(&self, sum: i128) -> NanoUsd {
        let paid = i128::from(self.paid);
        let Some(parts) = sum.checked_mul(paid) else { return NanoUsd(i64::MAX) };
        let whole = i128::from(Self::LIST) * PER;
        NanoUsd(i64::try_from((parts + whole / 2).div_euclid(whole)).unwrap_or(i64::MAX))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::provider::price::{cost, seed_prices, worst_case};
    use proptest::prelude::*;

    fn luna() -> Price {
        seed_prices().iter().find(|row| row.model == "gpt-6-luna").unwrap().price
    }

    fn deal() -> Deal {
        let tier = |from_tokens, discount| Tier { from_tokens, discount };
        Deal { discount: 1_250, tiers: vec![tier(1_000, 500), tier(1_000_000, 2_000)] }
    }

    const USAGE: Usage = Usage {
        input_tokens: 2_000,
        cached_tokens: 0,
        cache_write_tokens: 0,
        cache_write_long_tokens: 0,
        output_tokens: 400,
        reasoning_tokens: 0,
    };

    #[test]
    fn discounts_come_off_one_after_the_other() {
        let paid = |tokens| Terms::new(luna(), &deal(), tokens).cost(&USAGE, false).0;
        // 400,000 nano-dollars by the list; 12.5 % off, then 5 % or 20 % off the rest.
        assert_eq!(cost(&luna(), &USAGE, false), NanoUsd(400_000));
        assert_eq!((paid(0), paid(999)), (350_000, 350_000));
        assert_eq!((paid(1_000), paid(999_999)), (332_500, 332_500));
        assert_eq!((paid(1_000_000), paid(u64::MAX)), (280_000, 280_000));
        let batch = Terms::new(luna(), &deal(), 0).cost(&USAGE, true);
        assert_eq!(batch, NanoUsd(175_000));
    }

    #[test]
    fn the_sum_is_rounded_once() {
        let three = Usage { input_tokens: 3, output_tokens: 0, ..USAGE };
        let half = Deal { discount: 5_000, tiers: vec![] };
        // 3 x 50 nano-dollars in a batch, half of it: 75.
        assert_eq!(Terms::new(luna(), &half, 0).cost(&three, true), NanoUsd(75));
        let most = Usage { input_tokens: u64::MAX, output_tokens: u64::MAX, ..USAGE };
        assert_eq!(Terms::new(luna(), &half, 0).cost(&most, false), NanoUsd(i64::MAX));
    }

    #[test]
    fn wrong_deals_say_what_is_wrong() {
        let tier = |from_tokens, discount| Tier { from_tokens, discount };
        let with = |discount, tiers| Deal { discount, tiers }.check();
        assert_eq!(deal().check(), Ok(()));
        assert_eq!(Deal::default().check(), Ok(()));
        for (wrong, words) in [
            (with(10_000, vec![]), "100 percent; it must be below 100"),
            (with(0, vec![tier(5, 10_001)]), "100.01 percent"),
            (with(0, vec![tier(0, 100)]), "must begin above 0"),
            (with(0, vec![tier(9, 100), tier(9, 200)]), "rising volumes"),
            (with(0, vec![tier(9, 0)]), "more than 0 percent"),
            (
                with(0, vec![tier(9, 300), tier(10, 250)]),
                "2.5 percent off, which must be more than 3 percent",
            ),
        ] {
            assert!(wrong.clone().unwrap_err().contains(words), "{wrong:?}");
        }
    }

    #[test]
    fn a_deal_keeps_its_shape_as_json() {
        let json = serde_json::to_string(&deal()).unwrap();
        assert_eq!(serde_json::from_str::<Deal>(&json).unwrap(), deal());
        assert_eq!(serde_json::to_string(&Deal::default()).unwrap(), "{}");
        assert!(serde_json::from_str::<Deal>(r#"{"discont": 5}"#).is_err());
    }

    proptest! {
        #[test]
        fn without_a_deal_all_is_as_listed(input in 0_u64..5_000_000, output in 0_u32..200_000, batch: bool) {
            let terms = Terms::new(luna(), &Deal::default(), input);
            let usage = Usage { input_tokens: input, output_tokens: output.into(), ..USAGE };
            prop_assert_eq!(terms.cost(&usage, batch), cost(&luna(), &usage, batch));
            prop_assert_eq!(terms.worst_case(input, output, batch), worst_case(&luna(), input, output, batch));
        }

        #[test]
        fn more_volume_never_costs_more(tokens in 0_u64..2_000_000, more in 0_u64..2_000_000, batch: bool) {
            let at = |tokens| Terms::new(luna(), &deal(), tokens).cost(&USAGE, batch);
            prop_assert!(at(tokens + more) <= at(tokens));
        }
    }
}
