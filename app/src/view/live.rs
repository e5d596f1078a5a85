//! The part of a submission's page that changes while it waits, in words, as the page shows it and as the live
//! connection sends it.

use serde::{Deserialize, Serialize};

/// The state of a submission as a student sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Waits for its turn.
    Queued,
    /// Is being marked.
    Processing,
    /// Is marked; a person looks at the marks before they are released.
    InReview,
    /// The marks are released.
    Completed,
    /// Could not be marked automatically; a person takes care of it.
    NeedsAttention,
    /// Left the queue before it was marked.
    Withdrawn,
    /// A person closed it without marks.
    Closed,
}

impl Status {
    /// Every status, in the order of a submission's way.
    pub const ALL: [Self; 7] = [
        Self::Queued,
        Self::Processing,
        Self::InReview,
        Self::Completed,
        Self::NeedsAttention,
        Self::Withdrawn,
        Self::Closed,
    ];

    /// Whether the page shows the wait (queue and estimate) in this state.
    #[must_use]
    pub fn waits(self) -> bool {
        matches!(self, Self::Queued | Self::Processing)
    }
}

/// How far a step of the way is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    /// Behind us.
    Done,
    /// Where the submission is now.
    Current,
    /// Still to come.
    Ahead,
}

/// One step of a submission's way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// "In the queue".
    pub label: String,
    /// When, in the reader's zone: "14:02", "about 15:30".
    pub time: String,
    /// How far it is.
    pub state: StepState,
}

/// The queue drawn as leaves. Long queues are drawn to scale, so these are leaves and not submissions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leaves {
    /// Leaves in all.
    pub total: u16,
    /// The student's own leaf, counted from 0.
    pub mine: u16,
    /// Leaves before it that are already done, since the student joined.
    pub done: u16,
}

/// One snapshot of the wait, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Live {
    /// The state; when it leaves the wait, the page shown is another one.
    pub status: Status,
    /// The state in a few words, beside the heading: "In the queue".
    pub tag: String,
    /// What `when` is: "Marks expected".
    pub heading: String,
    /// The large line: "today, 16:10 to 17:40".
    pub when: String,
    /// What the large line promises, and what it doesn't.
    pub note: String,
    /// The queue, while there is one.
    pub leaves: Option<Leaves>,
    /// The bold part of the line under it: "23rd in line".
    pub place: String,
    /// The rest of that line: "of 34, moved up 6 places since 14:02".
    pub place_note: String,
    /// Time left and how much of the wait is over: "About 2 hours left, 40 % of the way."
    pub left: String,
    /// The steps of the way.
    pub steps: Vec<Step>,
    /// Whether the remarks made while waiting are there to be shown.
    pub interim_ready: bool,
    /// What a screen reader is told when something changed: one or two short sentences.
    pub spoken: String,
}
