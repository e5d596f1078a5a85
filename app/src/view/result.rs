//! Marks, feedback and the work they are about.

use super::Score;
use chrono::{DateTime, Utc};
use std::ops::Range;

/// A student's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Work {
    /// The text as it was handed in; a line break ends a paragraph.
    pub text: String,
    /// How many words it has.
    pub words: u32,
}

/// Released marks with the work they are about.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The marks.
    pub assessment: Assessment,
    /// The work.
    pub work: Work,
}

/// Marks and feedback for one submission.
#[derive(Clone, Debug, PartialEq)]
pub struct Assessment {
    /// The sum over the criteria.
    pub total: Score,
    /// Feedback on the whole.
    pub feedback: String,
    /// The criteria in the rubric's order.
    pub criteria: Vec<Criterion>,
    /// What to try next, as a sentence; none when the feedback names nothing.
    pub next: Option<String>,
    /// Who decided.
    pub decided_by: DecidedBy,
    /// When the marks were released; none while they are held.
    pub released_at: Option<DateTime<Utc>>,
    /// Whether a simulator made the marks up.
    pub simulated: bool,
    /// Change against the student's last marked draft, by criterion, in points; empty when there is none.
    pub compared: Vec<Change>,
}

/// One criterion of an assessment.
#[derive(Clone, Debug, PartialEq)]
pub struct Criterion {
    /// The criterion's name.
    pub name: String,
    /// The points.
    pub score: Score,
    /// The name of the level reached, if the rubric names levels.
    pub level: Option<String>,
    /// The level reached, counted from 1 up.
    pub level_number: u32,
    /// Levels in all.
    pub levels: u32,
    /// The comment.
    pub comment: String,
    /// What in the work the points rest on.
    pub evidence: Vec<Evidence>,
}

/// A passage of the work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Its words.
    pub quote: String,
    /// Where it stands in [`Work::text`], as a range of bytes; none when it can't be placed.
    pub range: Option<Range<usize>>,
}

/// Who decided on the marks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DecidedBy {
    /// A language model alone.
    Model,
    /// A language model, about a draft before this one: its marks stand, as next to nothing changed since.
    Kept {
        /// That draft.
        draft: u32,
    },
    /// A language model, and a person approved.
    Approved {
        /// The person's name.
        by: String,
        /// When.
        at: DateTime<Utc>,
    },
    /// A person.
    Person {
        /// The person's name.
        by: String,
        /// When.
        at: DateTime<Utc>,
    },
}

/// How the points for a criterion changed between two drafts.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The criterion's name.
    pub criterion: String,
    /// Points gained (positive) or lost.
    pub points: f64,
}
