//! The work of a month that a plan is made for.

use serde::Serialize;

/// A share in hundredths of a percent: 10,000 is all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share(u32);

impl Share {
    /// None of it.
    pub const NONE: Self = Self(0);
    const WHOLE: u32 = 10_000;

    /// Reads a percentage such as `5` or `12.5`.
    ///
    /// # Errors
    /// Says what it must be.
    pub fn parse_percent(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!("\"{text}\" must be a percentage from 0 to 100, with at most two digits after the point")
        };
        let (whole, part) = text.trim().split_once('.').unwrap_or((text.trim(), "0"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(part) || part.len() > 2 {
            return Err(wrong());
        }
        let whole: u32 = whole.parse().map_err(|_| wrong())?;
        let part: u32 = format!("{part:0<2}").parse().map_err(|_| wrong())?;
        let share = whole.checked_mul(100).and_then(|whole| whole.checked_add(part)).ok_or_else(wrong)?;
        if share > Self::WHOLE { Err(wrong()) } else { Ok(Self(share)) }
    }

    /// In percent.
    #[must_use]
    pub fn percent(self) -> f64 {
        f64::from(self.0) / 100.0
    }

    /// So much of a number, rounded half up.
    #[must_use]
    pub fn of(self, whole: u64) -> u64 {
        let part =
            (u128::from(whole) * u128::from(self.0) + u128::from(Self::WHOLE / 2)) / u128::from(Self::WHOLE);
        u64::try_from(part).unwrap_or(whole)
    }

    /// A part of a whole, rounded half up; all where the part is more.
    #[must_use]
    pub fn part(part: u64, whole: u64) -> Self {
        let whole = u128::from(whole.max(1));
        let share = (u128::from(part) * u128::from(Self::WHOLE) + whole / 2) / whole;
        Self(u32::try_from(share).unwrap_or(Self::WHOLE).min(Self::WHOLE))
    }

    /// Both together; none where they are more than all.
    #[must_use]
    pub fn and(self, other: Self) -> Option<Self> {
        Some(Self(self.0 + other.0)).filter(|sum| sum.0 <= Self::WHOLE)
    }
}

impl Serialize for Share {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_f64(self.percent())
    }
}

/// The work of a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Workload {
    /// Pieces of work to be marked in a month.
    pub assessments: u64,
    /// Pieces of work that share one prompt: those of one assignment.
    pub works_per_assignment: u64,
    /// Tokens of a request that all work of its assignment shares: instructions and rubric.
    pub shared_tokens: u64,
    /// Tokens of a request that are the work's own.
    pub own_tokens: u64,
    /// Tokens of an answer.
    pub output_tokens: u64,
    /// Share that can't wait for a batch (percent).
    #[serde(rename = "urgent_percent")]
    pub urgent: Share,
    /// Share that may wait in the economy lane (percent).
    #[serde(rename = "economy_percent")]
    pub economy: Share,
    /// Share that repeats other work of its assignment, to the letter (percent).
    #[serde(rename = "repeated_percent")]
    pub repeated: Share,
}

/// A workload that can't be planned for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} {reason}")]
pub struct WorkloadError {
    /// The figure at fault, as it is called in [`Workload`].
    pub field: &'static str,
    /// What is wrong, and how it must be; to be read after the figure's name.
    pub reason: String,
}

/// Most pieces of work in a month: as many as there are people.
const MOST_ASSESSMENTS: u64 = 10_000_000_000;
/// Most tokens of a request or an answer: more than any model takes.
const MOST_TOKENS: u64 = 10_000_000;

impl Workload {
    /// The workload that savings are told for: 50,000 pieces of work of 2,000 tokens a month, 1,100 of them shared, 500 the
    /// work's own and 400 of the answer; 250 students hand in for each of 200 assignments, and none of it is urgent.
    pub const REFERENCE: Self = Self {
        assessments: 50_000,
        works_per_assignment: 250,
        shared_tokens: 1_100,
        own_tokens: 500,
        output_tokens: 400,
        urgent: Share::NONE,
        economy: Share::NONE,
        repeated: Share::NONE,
    };

    /// Finds what can't be so.
    ///
    /// # Errors
    /// Names the figure that is wrong, and how it must be.
    pub fn check(&self) -> Result<(), WorkloadError> {
        let within = |field, value: u64, least: u64, most: u64| {
            if (least..=most).contains(&value) {
                Ok(())
            } else {
                let reason = format!("is {value}; it must be from {least} to {most}");
                Err(WorkloadError { field, reason })
            }
        };
        within("assessments", self.assessments, 1, MOST_ASSESSMENTS)?;
        within("works_per_assignment", self.works_per_assignment, 1, self.assessments)?;
        within("shared_tokens", self.shared_tokens, 0, MOST_TOKENS)?;
        within("own_tokens", self.own_tokens, 1, MOST_TOKENS)?;
        within("output_tokens", self.output_tokens, 1, MOST_TOKENS)?;
        if self.urgent.and(self.economy).is_none() {
            let reason = format!(
                "is {}, and with the {} percent that are urgent that is more than 100: lower one of them",
                self.economy.percent(),
                self.urgent.percent()
            );
            return Err(WorkloadError { field: "economy_percent", reason });
        }
        Ok(())
    }

    /// Tokens of a request.
    #[must_use]
    pub const fn input_tokens(&self) -> u64 {
        self.shared_tokens + self.own_tokens
    }

    /// The work that repeats no other: as many assignments, each with at least one piece of work.
    #[must_use]
    pub fn without_repeats(&self) -> Self {
        let assignments = self.assessments.div_ceil(self.works_per_assignment.max(1));
        let of_one = self.works_per_assignment - self.repeated.of(self.works_per_assignment);
        Self {
            assessments: (self.assessments - self.repeated.of(self.assessments)).max(assignments),
            works_per_assignment: of_one.max(1),
            ..*self
        }
    }

    /// Pieces of work that can't wait, and those that can.
    #[must_use]
    pub fn routes(&self) -> (u64, u64) {
        let urgent = self.urgent.of(self.assessments);
        (urgent, self.assessments - urgent)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn percentages_are_read_and_taken() {
        for (text, percent) in [("0", 0.0), ("12.5", 12.5), ("0.05", 0.05), (" 100 ", 100.0)] {
            assert!((Share::parse_percent(text).unwrap().percent() - percent).abs() < 1e-9, "{text}");
        }
        for text in ["", "-1", "101", "100.01", "1.234", "1,5", "x", ".5", "99999999999"] {
            let said = Share::parse_percent(text).unwrap_err();
            assert!(said.contains("from 0 to 100"), "{said}");
        }
        let third = Share::parse_percent("33.33").unwrap();
        assert_eq!((third.of(3), third.of(u64::MAX) > u64::MAX / 4), (1, true));
        assert_eq!(third.and(Share::parse_percent("66.68").unwrap()), None);
    }

    #[test]
    fn wrong_figures_are_named() {
        let reference = Workload::REFERENCE;
        assert_eq!((reference.check(), reference.input_tokens()), (Ok(()), 1_600));
        let all = Share::parse_percent("100").unwrap();
        for (wrong, field) in [
            (Workload { assessments: 0, ..reference }, "assessments"),
            (Workload { assessments: u64::MAX, ..reference }, "assessments"),
            (Workload { works_per_assignment: 0, ..reference }, "works_per_assignment"),
            (Workload { works_per_assignment: 50_001, ..reference }, "works_per_assignment"),
            (Workload { shared_tokens: 10_000_001, ..reference }, "shared_tokens"),
            (Workload { own_tokens: 0, ..reference }, "own_tokens"),
            (Workload { output_tokens: 0, ..reference }, "output_tokens"),
            (Workload { urgent: all, economy: all, ..reference }, "economy_percent"),
        ] {
            assert_eq!(wrong.check().unwrap_err().field, field);
        }
        assert_eq!(Workload { urgent: all, ..reference }.routes(), (50_000, 0));
        let rest = |percent: &str| {
            let repeated = Share::parse_percent(percent).unwrap();
            let rest = Workload { repeated, ..reference }.without_repeats();
            (rest.assessments, rest.works_per_assignment)
        };
        assert_eq!([rest("0"), rest("10"), rest("100")], [(50_000, 250), (45_000, 225), (200, 1)]);
    }
}
