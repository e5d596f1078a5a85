//! What was saved by giving answers again, in the words of the interface.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// Answers that were given again in a month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReusedAnswers {
    /// The month.
    #[schema(example = "2026-11")]
    pub month: String,
    /// How many.
    pub answers: i64,
    /// What asking again would have cost, in nano-dollars: none of it is in the bill.
    pub saved_nano_usd: i64,
    /// Of these, drafts that kept the marks of the one before, as next to nothing changed.
    pub near_drafts: i64,
    /// What they would have cost, in nano-dollars; part of the above.
    pub near_drafts_saved_nano_usd: i64,
    /// By course.
    pub courses: Vec<ReusedInCourse>,
}

/// Answers that a course was given again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReusedInCourse {
    /// The course's id.
    pub course_id: Uuid,
    /// Its code.
    pub course: String,
    /// The cost centre that would have been charged.
    pub cost_centre: String,
    /// How many.
    pub answers: i64,
    /// What asking again would have cost, in nano-dollars.
    pub saved_nano_usd: i64,
    /// Of these, drafts that kept the marks of the one before.
    pub near_drafts: i64,
    /// What they would have cost, in nano-dollars; part of the above.
    pub near_drafts_saved_nano_usd: i64,
}
