//! A student's start page and notices.

use super::{Draft, Paging, Score, Status, TimeRange};
use chrono::{DateTime, Utc};

/// A student's start page.
#[derive(Clone, Debug, PartialEq)]
pub struct StudentHome {
    /// The assignments of the student's courses: open ones first, by when they close.
    pub assignments: Vec<AssignmentItem>,
    /// The student's submissions, newest first.
    pub submissions: Vec<SubmissionItem>,
    /// Unread notices, newest first, a few of them.
    pub notices: Vec<Notice>,
}

/// One assignment in a student's list.
#[derive(Clone, Debug, PartialEq)]
pub struct AssignmentItem {
    /// The assignment, as in the address of its page.
    pub id: String,
    /// Its title.
    pub title: String,
    /// The course's name.
    pub course: String,
    /// Whether work may be handed in now.
    pub openness: Openness,
    /// Versions left to hand in; none when there is no limit.
    pub drafts_left: Option<u32>,
    /// The student's newest submission for it.
    pub latest: Option<SubmissionItem>,
}

/// Whether an assignment takes work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Openness {
    /// It does.
    Open {
        /// Until when; none when it has no end.
        until: Option<DateTime<Utc>>,
    },
    /// It does not yet.
    NotYet {
        /// From when.
        from: DateTime<Utc>,
    },
    /// It does no more.
    Closed {
        /// Since when; none when it was closed by hand.
        since: Option<DateTime<Utc>>,
    },
}

/// One submission in a student's list.
#[derive(Clone, Debug, PartialEq)]
pub struct SubmissionItem {
    /// What the student knows it by.
    pub tracking_id: String,
    /// The assignment's title.
    pub assignment: String,
    /// The course's name.
    pub course: String,
    /// Which draft it is.
    pub draft: Draft,
    /// When it was stored.
    pub submitted_at: DateTime<Utc>,
    /// The state.
    pub status: Status,
    /// When the marks are expected, while they are.
    pub estimate: Option<TimeRange>,
    /// The marks, once released.
    pub score: Option<Score>,
    /// Whether the released marks have not been looked at yet.
    pub unseen: bool,
}

/// A message on the platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The notice, as in the address of its form.
    pub id: String,
    /// A few words.
    pub title: String,
    /// A sentence or two.
    pub body: String,
    /// When it was sent or last brought up to date.
    pub at: DateTime<Utc>,
    /// Whether it was read.
    pub read: bool,
    /// The page it is about, a path of Quire.
    pub href: Option<String>,
}

/// The page of notices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notices {
    /// Newest first.
    pub notices: Vec<Notice>,
    /// Unread ones in all.
    pub unread: u32,
    /// Where the list stands.
    pub paging: Paging,
}
