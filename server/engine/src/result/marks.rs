//! Marks and feedback, as a model or a person gave them, already checked against the rubric.

use crate::course::Points;
use serde::{Deserialize, Serialize};

/// A passage of the work that a mark leans on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The sentence's number in the work, from 1.
    pub sentence: u32,
    /// First byte of the passage in the work's text.
    pub start: u32,
    /// The byte after its last.
    pub end: u32,
    /// The passage itself.
    pub quote: String,
}

/// The mark for one criterion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CriterionMark {
    /// The criterion's id in the rubric.
    pub criterion: String,
    /// The level's id in the criterion.
    pub level: String,
    /// What the level is worth.
    pub points: Points,
    /// What the mark leans on; may be empty.
    pub evidence: Vec<Evidence>,
    /// Why, and what would make it better.
    pub comment: String,
}

/// All marks of a piece of work.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Marks {
    /// One for each criterion of the rubric, in its order.
    pub criteria: Vec<CriterionMark>,
    /// Feedback on the whole.
    pub feedback: String,
    /// The one thing to do next.
    pub next_step: String,
    /// How sure the marker is, 0 to 1; `None` for a person.
    pub confidence: Option<f64>,
}

impl Marks {
    /// Whether a simulator made them up: each of its texts says so at its beginning (docs/simulator.md).
    #[must_use]
    pub fn is_simulated(&self) -> bool {
        self.feedback.starts_with("Simulated: ")
    }

    /// All points together.
    #[must_use]
    pub fn total(&self) -> Points {
        self.criteria.iter().map(|c| c.points).sum()
    }
}
