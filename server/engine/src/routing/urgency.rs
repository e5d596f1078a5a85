//! How soon marks are needed (SPEC 2.1).

use crate::course::AssessmentType;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// How soon marks are needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Urgency {
    /// At once.
    High,
    /// In its turn.
    Medium,
    /// When it is cheapest.
    Low,
}

impl Urgency {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::High, Self::Medium, Self::Low];

    /// The name in rules and the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
        }
    }
}

/// A student's standing at the institution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum StudentTier {
    /// Most students.
    Standard,
    /// A student with accommodations, whose work never counts as unhurried for the student's sake alone.
    Supported,
    /// A student whose work is always urgent.
    Premium,
}

impl StudentTier {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Standard, Self::Supported, Self::Premium];

    /// The name in rules, settings and the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Supported => "supported",
            Self::Premium => "premium",
        }
    }
}

/// What urgency depends on.
#[derive(Clone, Copy, Debug)]
pub struct UrgencyFacts {
    /// The kind of assessment.
    pub kind: AssessmentType,
    /// When marks are needed (never the hand-in date); none: more than a day away.
    pub marks_by: Option<DateTime<Utc>>,
    /// The student's standing.
    pub tier: StudentTier,
    /// The course asks for immediate feedback.
    pub immediate_feedback: bool,
}

/// The urgency at this time; the first of these that holds decides. High: a final exam, marks needed within two hours,
/// a premium student, or a course that asks for immediate feedback. Low: practice or a practice quiz, marks needed
/// more than a day from now (no date counts as such), or a standard student. Else medium.
#[must_use]
pub fn urgency(facts: &UrgencyFacts, now: DateTime<Utc>) -> Urgency {
    let within = |span| facts.marks_by.is_some_and(|by| by - now <= span);
    if facts.kind == AssessmentType::FinalExam
        || within(TimeDelta::hours(2))
        || facts.tier == StudentTier::Premium
        || facts.immediate_feedback
    {
        Urgency::High
    } else if matches!(facts.kind, AssessmentType::Quiz | AssessmentType::Practice)
        || !within(TimeDelta::hours(24))
        || facts.tier == StudentTier::Standard
    {
        Urgency::Low
    } else {
        Urgency::Medium
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_that_holds_decides() {
        use AssessmentType::{FinalExam, Quiz, Summative};
        use StudentTier::{Premium, Standard, Supported};
        let now = DateTime::UNIX_EPOCH;
        let of = |kind, hours: Option<i64>, tier, immediate_feedback| {
            let marks_by = hours.map(|h| now + TimeDelta::hours(h));
            urgency(&UrgencyFacts { kind, marks_by, tier, immediate_feedback }, now)
        };
        assert_eq!(of(FinalExam, None, Standard, false), Urgency::High);
        assert_eq!(of(Summative, Some(2), Standard, false), Urgency::High);
        assert_eq!(of(Quiz, Some(100), Premium, false), Urgency::High);
        assert_eq!(of(Quiz, None, Standard, true), Urgency::High);
        assert_eq!(of(Quiz, Some(3), Supported, false), Urgency::Low);
        assert_eq!(of(Summative, Some(25), Supported, false), Urgency::Low);
        assert_eq!(of(Summative, None, Supported, false), Urgency::Low);
        assert_eq!(of(Summative, Some(10), Standard, false), Urgency::Low);
        assert_eq!(of(Summative, Some(10), Supported, false), Urgency::Medium);
    }
}
