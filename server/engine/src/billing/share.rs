//! Sharing out an amount in whole parts that add up to it.

use std::cmp::Reverse;

/// Shares out `total` in proportion to `weights`, in whole numbers that add up to it exactly: each gets its share rounded
/// down, and what is left goes one by one to those with the largest remainders (Hamilton's method), the first of equals
/// first. Weights are zero or more; where all are zero, the first gets all. No share where there is no weight.
#[must_use]
pub fn share(total: i128, weights: &[i128]) -> Vec<i128> {
    let (total_abs, sign) = (total.unsigned_abs(), total.signum());
    let weights: Vec<u128> = weights.iter().map(|weight| weight.max(&0).unsigned_abs()).collect();
    let sum = weights.iter().fold(0_u128, |sum, weight| sum.saturating_add(*weight));
    if sum == 0 {
        return (0..weights.len()).map(|at| if at == 0 { total } else { 0 }).collect();
    }
    // The products must fit; sums of money for which digits of the weights are dropped here are beyond any bill.
    let shift = (bits(total_abs) + bits(sum)).saturating_sub(127);
    let weights: Vec<u128> = weights.iter().map(|weight| weight >> shift).collect();
    let sum: u128 = weights.iter().sum();
    if sum == 0 {
        return share(total, &[1]).into_iter().chain(std::iter::repeat_n(0, weights.len() - 1)).collect();
    }
    let mut shares: Vec<u128> = weights.iter().map(|weight| total_abs * weight / sum).collect();
    let left = total_abs - shares.iter().sum::<u128>();
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by_key(|at| Reverse(total_abs * weights[*at] % sum));
    for at in order.into_iter().take(usize::try_from(left).unwrap_or(usize::MAX)) {
        shares[at] += 1;
    }
    shares.into_iter().map(|share| sign * i128::try_from(share).unwrap_or(i128::MAX)).collect()
}

fn bits(number: u128) -> u32 {
    u128::BITS - number.leading_zeros()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_left_goes_to_the_largest_remainders() {
        assert_eq!(share(10, &[1, 1, 1]), [4, 3, 3]);
        assert_eq!(share(100, &[333, 333, 334]), [33, 33, 34]);
        assert_eq!(share(3, &[0, 5, 0, 1]), [0, 3, 0, 0]);
        assert_eq!(share(-10, &[1, 1, 1]), [-4, -3, -3]);
        assert_eq!(share(7, &[0, 0]), [7, 0]);
        assert_eq!(share(0, &[2, 3]), [0, 0]);
        assert_eq!(share(7, &[]), Vec::<i128>::new());
    }

    proptest! {
        #[test]
        fn shares_add_up_and_are_near(
            total in -1_000_000_000_000_000_i128..1_000_000_000_000_000,
            weights in prop::collection::vec(prop_oneof![Just(0), 0_i128..1_000, 0_i128..1_000_000_000_000_000_000_000], 1..6),
        ) {
            let shares = share(total, &weights);
            prop_assert_eq!(shares.len(), weights.len());
            prop_assert_eq!(shares.iter().sum::<i128>(), total);
            let sum: i128 = weights.iter().sum();
            for (share, weight) in shares.iter().zip(&weights).filter(|_| sum > 0) {
                let error = share * sum - total * weight;
                prop_assert!(error.abs() < sum, "{} of {}: {}", weight, sum, share);
                prop_assert!(*weight > 0 || *share == 0);
            }
        }

        #[test]
        fn nothing_is_too_large(total: i64, weights in prop::collection::vec(0..=i128::MAX, 1..6)) {
            prop_assert_eq!(share(total.into(), &weights).iter().sum::<i128>(), i128::from(total));
        }
    }
}
