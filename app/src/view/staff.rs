//! What instructors see.

use super::{Assessment, Draft, Lane, NanoUsd, Openness, Paging, Route, Score, Status, TimeRange, Work};
use chrono::{DateTime, TimeDelta, Utc};

/// The instructor's start page.
#[derive(Clone, Debug, PartialEq)]
pub struct TeachHome {
    /// The assignments of the instructor's courses.
    pub assignments: Vec<TeachAssignmentItem>,
}

/// One assignment in an instructor's list.
#[derive(Clone, Debug, PartialEq)]
pub struct TeachAssignmentItem {
    /// The assignment, as in the address of its page.
    pub id: String,
    /// Its title.
    pub title: String,
    /// The course's name.
    pub course: String,
    /// Whether work may be handed in now.
    pub openness: Openness,
    /// Submissions by state.
    pub counts: StatusCounts,
}

/// Submissions by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StatusCounts {
    /// Waiting for their turn.
    pub queued: u64,
    /// Being marked.
    pub processing: u64,
    /// Held for a person.
    pub in_review: u64,
    /// Released.
    pub completed: u64,
    /// With a person because they could not be marked.
    pub needs_attention: u64,
    /// Withdrawn.
    pub withdrawn: u64,
    /// Closed without marks.
    pub closed: u64,
}

impl StatusCounts {
    /// The count for one state.
    #[must_use]
    pub fn of(&self, status: Status) -> u64 {
        match status {
            Status::Queued => self.queued,
            Status::Processing => self.processing,
            Status::InReview => self.in_review,
            Status::Completed => self.completed,
            Status::NeedsAttention => self.needs_attention,
            Status::Withdrawn => self.withdrawn,
            Status::Closed => self.closed,
        }
    }

    /// All of them.
    #[must_use]
    pub fn total(&self) -> u64 {
        Status::ALL.iter().map(|&s| self.of(s)).sum()
    }
}

/// Which submissions a table shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SubmissionFilter {
    /// Those in this state only.
    pub status: Option<Status>,
}

/// One assignment's submissions with their marks.
#[derive(Clone, Debug, PartialEq)]
pub struct TeachAssignment {
    /// The assignment, as in the address of its page.
    pub id: String,
    /// Its title.
    pub title: String,
    /// The course's name.
    pub course: String,
    /// Whether work may be handed in now.
    pub openness: Openness,
    /// Submissions by state, over the whole assignment.
    pub counts: StatusCounts,
    /// Mean of the released marks.
    pub mean: Option<Score>,
    /// What marking has cost so far.
    pub cost: NanoUsd,
    /// Whether some of the marks are a simulator's.
    pub simulated: bool,
    /// The submissions on this page, newest first.
    pub rows: Vec<TeachRow>,
    /// Where the list stands, with the filter.
    pub paging: Paging,
}

/// One row of the table of submissions.
#[derive(Clone, Debug, PartialEq)]
pub struct TeachRow {
    /// The submission.
    pub tracking_id: String,
    /// The student's name.
    pub student: String,
    /// Which draft it is.
    pub draft: Draft,
    /// When it was stored.
    pub submitted_at: DateTime<Utc>,
    /// The state.
    pub status: Status,
    /// The marks, released or held.
    pub score: Option<Score>,
    /// How sure the model is of them, from 0 to 1.
    pub confidence: Option<f64>,
    /// Why they are held, if they are.
    pub held_because: Option<String>,
}

/// One submission as staff see it.
#[derive(Clone, Debug, PartialEq)]
pub struct StaffSubmission {
    /// The submission.
    pub tracking_id: String,
    /// The assignment, as in the address of its page.
    pub assignment_id: String,
    /// The assignment's title.
    pub assignment: String,
    /// The course's name.
    pub course: String,
    /// The student's name.
    pub student: String,
    /// Which draft it is.
    pub draft: Draft,
    /// When it was stored.
    pub submitted_at: DateTime<Utc>,
    /// The state.
    pub status: Status,
    /// When the marks are expected, while they are.
    pub estimate: Option<TimeRange>,
    /// Its place in the lane and how many wait there.
    pub place: Option<(u32, u32)>,
    /// The work.
    pub work: Work,
    /// The marks, released or held.
    pub assessment: Option<Assessment>,
    /// How sure the model is of them, from 0 to 1.
    pub confidence: Option<f64>,
    /// Why they are held, if they are.
    pub held_because: Option<String>,
    /// The dead letter that waits for a person, if there is one.
    pub dead_letter: Option<String>,
    /// The routing decisions, newest first.
    pub decisions: Vec<Decision>,
    /// The attempts, newest first.
    pub attempts: Vec<Attempt>,
    /// It was answered by an earlier request.
    pub reused: Option<Reused>,
    /// What marking has cost so far.
    pub cost: NanoUsd,
}

/// The answer to an earlier request was given again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reused {
    /// What asking again would have cost.
    pub saved: NanoUsd,
    /// The student's own draft whose marks stand; none: the work is the same as one that was marked.
    pub kept_from: Option<i64>,
}

/// One routing decision.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// When it was made.
    pub at: DateTime<Utc>,
    /// Real time or batch.
    pub route: Route,
    /// The lane.
    pub lane: Lane,
    /// The provider's name.
    pub provider: String,
    /// The model.
    pub model: String,
    /// The rule that applied; none when no rule did.
    pub rule: Option<String>,
    /// The reasons, a sentence each.
    pub reasons: Vec<String>,
    /// The share of variations that lead to the same route, from 0 to 1.
    pub confidence: f64,
    /// The cost expected.
    pub cost: NanoUsd,
    /// When the marks are expected.
    pub estimate: Option<TimeRange>,
    /// Where the work goes if this fails, in order.
    pub fallbacks: Vec<String>,
    /// What was known when it was made: names and values as the rules see them.
    pub facts: Vec<(String, String)>,
}

/// One attempt to have a submission marked.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempt {
    /// Counted from 1.
    pub number: u32,
    /// Real time or batch.
    pub route: Route,
    /// The provider's name.
    pub provider: String,
    /// The model.
    pub model: String,
    /// The batch it went in, as in the address of its page.
    pub batch_id: Option<String>,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// How long it took; none while it runs.
    pub took: Option<TimeDelta>,
    /// How it went.
    pub outcome: AttemptOutcome,
    /// Tokens read and written, from the provider's own figures.
    pub tokens: Option<(u64, u64)>,
    /// What it cost.
    pub cost: Option<NanoUsd>,
}

/// How an attempt went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttemptOutcome {
    /// It runs.
    Running,
    /// It gave marks.
    Marked,
    /// It failed, with the reason.
    Failed(String),
}

/// The form in which a person marks a submission that could not be marked automatically.
#[derive(Clone, Debug, PartialEq)]
pub struct MarkByHand {
    /// The submission.
    pub tracking_id: String,
    /// The assignment, as in the address of its page.
    pub assignment_id: String,
    /// The assignment's title.
    pub assignment: String,
    /// The course's name.
    pub course: String,
    /// The student's name.
    pub student: String,
    /// Which draft it is.
    pub draft: Draft,
    /// Why it could not be marked.
    pub why: String,
    /// Whether a person approves marks before the student sees them.
    pub held: bool,
    /// The criteria in the rubric's order.
    pub criteria: Vec<CriterionToMark>,
    /// The work.
    pub work: Work,
}

/// One criterion of the form.
#[derive(Clone, Debug, PartialEq)]
pub struct CriterionToMark {
    /// Its id in the rubric.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What is looked at.
    pub description: String,
    /// The most points.
    pub most: f64,
    /// Its levels, from the least to the most points.
    pub levels: Vec<LevelToMark>,
}

/// One level of a criterion.
#[derive(Clone, Debug, PartialEq)]
pub struct LevelToMark {
    /// Its id in the criterion.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What work of this level is like.
    pub description: String,
    /// What it is worth.
    pub points: f64,
}
