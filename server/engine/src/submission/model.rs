//! A submission and its states.

use super::TrackingId;
use crate::store::{AssignmentId, PersonId, SubmissionId};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Where a submission stands, as student and API see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum SubmissionState {
    /// Waits its turn.
    Queued,
    /// Being marked.
    Processing,
    /// Marked; a person looks at it before it is released.
    InReview,
    /// Marks are released.
    Completed,
    /// A person must help.
    NeedsAttention,
    /// A newer draft took its place before this one was sent.
    Withdrawn,
    /// A person closed it without marks.
    Closed,
}

impl SubmissionState {
    /// The name in the API and in filters.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Processing => "processing",
            Self::InReview => "in_review",
            Self::Completed => "completed",
            Self::NeedsAttention => "needs_attention",
            Self::Withdrawn => "withdrawn",
            Self::Closed => "closed",
        }
    }
    /// Nothing more will happen by itself.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Withdrawn | Self::Closed)
    }
}

/// One piece of work handed in by one student for one assignment; its text is stored beside it.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Submission {
    /// Its id.
    pub id: SubmissionId,
    /// What the student sees of it.
    pub tracking_id: TrackingId,
    /// The assignment.
    pub assignment_id: AssignmentId,
    /// The student.
    pub student_id: PersonId,
    /// Who handed it in: the student, or staff on the student's behalf.
    pub handed_in_by: PersonId,
    /// Which draft, from 1.
    pub draft: i64,
    /// The draft before.
    pub previous_id: Option<SubmissionId>,
    /// Where it stands.
    pub state: SubmissionState,
    /// When it was handed in.
    pub submitted_at: DateTime<Utc>,
    /// Words.
    pub words: i64,
    /// Name of the file, where it came as one.
    pub file_name: Option<String>,
    /// When the student first saw the result.
    pub viewed_at: Option<DateTime<Utc>>,
}
