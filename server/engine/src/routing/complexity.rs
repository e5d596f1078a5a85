//! How much a marker has to hold together (SPEC 2.3).

/// How much a marker has to hold together, for rules, and for what an economy model is trusted with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Complexity {
    /// A short work by few criteria.
    Low,
    /// Between the two.
    Medium,
    /// A long work by many criteria.
    High,
}

impl Complexity {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Low, Self::Medium, Self::High];

    /// Words above which a work is no short one, and above which it is long: a page, and four of them.
    const WORDS: [i64; 2] = [500, 2_000];

    /// Criteria above which they are not few, and above which they are many.
    const CRITERIA: [i64; 2] = [4, 8];

    /// Of a work of so many words that is marked by so many criteria.
    #[must_use]
    pub fn of(words: i64, criteria: i64) -> Self {
        let above = |n: i64, bounds: [i64; 2]| bounds.into_iter().filter(|bound| n > *bound).count();
        match above(words, Self::WORDS) + above(criteria, Self::CRITERIA) {
            0 => Self::Low,
            1 | 2 => Self::Medium,
            _ => Self::High,
        }
    }

    /// The name in rules.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_and_criteria_count_alike() {
        assert_eq!(Complexity::of(500, 4), Complexity::Low);
        assert_eq!(Complexity::of(501, 4), Complexity::Medium);
        assert_eq!(Complexity::of(10_000, 1), Complexity::Medium);
        assert_eq!(Complexity::of(100, 12), Complexity::Medium);
        assert_eq!(Complexity::of(2_001, 5), Complexity::High);
        assert_eq!(Complexity::of(600, 9), Complexity::High);
    }
}
