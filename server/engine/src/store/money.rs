//! Money: integer nano-dollars (one thousand-millionth of a US dollar), so that single tokens can be priced exactly.

use serde::{Deserialize, Serialize};
use std::{
    fmt,
    iter::Sum,
    ops::{Add, AddAssign, Neg, Sub, SubAssign},
};

/// An amount in nano-dollars: 1 US dollar is 1,000,000,000.
#[derive(
    Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize, sqlx::Type,
)]
#[serde(transparent)]
#[sqlx(transparent)]
pub struct NanoUsd(pub i64);

impl NanoUsd {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// A whole number of US dollars; saturates at the ends of the range (about 9.2 thousand million dollars).
    #[must_use]
    pub const fn from_dollars(dollars: i64) -> Self {
        Self(dollars.saturating_mul(1_000_000_000))
    }

    /// Reads a decimal amount of dollars such as `12`, `0.05` or `1.000000001`.
    ///
    /// # Errors
    /// Says what is wrong with the text.
    pub fn parse_dollars(text: &str) -> Result<Self, String> {
        let text = text.trim().trim_start_matches('$');
        let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
        let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        if (whole.is_empty() && part.is_empty()) || !all_digits(whole) || !all_digits(part) {
            return Err(format!("\"{text}\" is not an amount of dollars such as 12.50"));
        }
        if part.len() > 9 {
            return Err(format!("\"{text}\" has more than nine digits after the point"));
        }
        let whole: i64 = if whole.is_empty() {
            0
        } else {
            whole.parse().map_err(|_| format!("\"{text}\" is too large an amount"))?
        };
        let part: i64 = format!("{part:0<9}").parse().map_err(|_| format!("\"{text}\" is not an amount"))?;
        whole
            .checked_mul(1_000_000_000)
            .and_then(|n| n.checked_add(part))
            .map(|n| Self(sign * n))
            .ok_or_else(|| format!("\"{text}\" is too large an amount"))
    }

    /// The amount in dollars, for display and ratios only.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "for display and ratios only")]
    pub fn dollars(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// Adds without overflow.
    #[must_use]
    pub const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl fmt::Display for NanoUsd {
    /// `$12.50`; below ten cents with as many digits as the first two that count.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let n = self.0.unsigned_abs();
        if n == 0 || n >= 100_000_000 {
            let cents = (n + 5_000_000) / 10_000_000;
            return write!(f, "{sign}${}.{:02}", cents / 100, cents % 100);
        }
        let text = format!("{n:09}");
        let first = text.bytes().position(|b| b != b'0').unwrap_or(0);
        write!(f, "{sign}$0.{}", text[..(first + 2).min(9)].trim_end_matches('0'))
    }
}

impl Add for NanoUsd {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}
impl Sub for NanoUsd {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}
impl Neg for NanoUsd {
    type Output = Self;
    fn neg(self) -> Self {
        Self(-self.0)
    }
}
impl AddAssign for NanoUsd {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}
impl SubAssign for NanoUsd {
    fn sub_assign(&mut self, other: Self) {
        self.0 -= other.0;
    }
}
impl Sum for NanoUsd {
    fn sum<I: Iterator<Item = Self>>(items: I) -> Self {
        items.fold(Self::ZERO, |a, b| a + b)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn reads_and_writes_dollars() {
        assert_eq!(NanoUsd::parse_dollars("12.5").unwrap(), NanoUsd(12_500_000_000));
        assert_eq!(NanoUsd::parse_dollars("$0.000000001").unwrap(), NanoUsd(1));
        assert_eq!(NanoUsd::parse_dollars("-3").unwrap(), NanoUsd(-3_000_000_000));
        for bad in ["", ".", "1,5", "1.0000000001", "99999999999", "--1", "1e3"] {
            assert!(NanoUsd::parse_dollars(bad).is_err(), "{bad}");
        }
        assert_eq!(NanoUsd(12_505_000_000).to_string(), "$12.51");
        assert_eq!(NanoUsd(52_000).to_string(), "$0.000052");
        assert_eq!(NanoUsd(50).to_string(), "$0.00000005");
        assert_eq!(NanoUsd::ZERO.to_string(), "$0.00");
    }
}
