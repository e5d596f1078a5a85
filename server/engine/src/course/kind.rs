//! What kind of assessment an assignment is.

use serde::{Deserialize, Serialize};

/// Kind of assessment; routing and interim feedback depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum AssessmentType {
    /// Final exam: always urgent.
    FinalExam,
    /// Graded work that counts.
    Summative,
    /// Work for feedback that doesn't count.
    Formative,
    /// Practice.
    Practice,
    /// A draft of work that will count later.
    Draft,
    /// A practice quiz.
    Quiz,
}

impl AssessmentType {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::FinalExam, Self::Summative, Self::Formative, Self::Practice, Self::Draft, Self::Quiz];

    /// The name in rules, settings and the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::FinalExam => "final_exam",
            Self::Summative => "summative",
            Self::Formative => "formative",
            Self::Practice => "practice",
            Self::Draft => "draft",
            Self::Quiz => "quiz",
        }
    }
}
