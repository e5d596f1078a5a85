//! Exact decimal numbers as text.

/// Writes a number of `10^-scale`s: as short as it can be, but always with a point and a digit behind it, by which readers
/// that guess a column's type see that it holds decimals.
pub(crate) fn decimal(number: i128, scale: usize) -> String {
    let sign = if number < 0 { "-" } else { "" };
    let digits = format!("{:0>width$}", number.unsigned_abs(), width = scale + 1);
    let (whole, part) = digits.split_at(digits.len() - scale);
    let part = part.trim_end_matches('0');
    format!("{sign}{whole}.{}", if part.is_empty() { "0" } else { part })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn always_with_a_point() {
        for (number, scale, text) in [
            (0, 9, "0.0"),
            (0, 0, "0.0"),
            (7, 0, "7.0"),
            (1, 9, "0.000000001"),
            (1_500_000_000, 9, "1.5"),
            (-1_500_000_000, 9, "-1.5"),
            (12_000_000_000, 9, "12.0"),
            (-1, 3, "-0.001"),
            (i128::MAX, 23, "1701411834604692.31731687303715884105727"),
            (i128::MIN, 38, "-1.70141183460469231731687303715884105728"),
        ] {
            assert_eq!(decimal(number, scale), text);
        }
    }
}
