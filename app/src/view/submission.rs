//! One submission as its student sees it: acknowledgement, progress and result on one page.

use super::{Lane, Link, Outcome, Remark, Status, TimeRange, Work};
use chrono::{DateTime, Utc};

/// Which draft of the work a submission is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draft {
    /// Counted from 1.
    pub number: u32,
    /// Drafts allowed in all; none when there is no limit.
    pub allowed: Option<u32>,
}

/// Everything the one page of a submission shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Submission {
    /// What the student knows the submission by: "QR-7F3K-92MD".
    pub tracking_id: String,
    /// The course's name.
    pub course: String,
    /// The assignment, as in the address of its page.
    pub assignment_id: String,
    /// The assignment's title.
    pub assignment: String,
    /// What the work is called in a sentence, in lower case: "essay", "report", "work".
    pub noun: String,
    /// Which draft this is.
    pub draft: Draft,
    /// When it was stored.
    pub submitted_at: DateTime<Utc>,
    /// How many words it has.
    pub words: u32,
    /// How far it is.
    pub progress: Progress,
    /// What could be told without a model; none while it is still being worked out (at most a second).
    pub interim: Option<Interim>,
    /// Until when a newer version may be handed in; none when it may not.
    pub replace: Option<Replace>,
    /// How the student will be told that the marks are ready.
    pub reach: Vec<Reach>,
    /// Whether a person approves marks: always, for those that the system is unsure of, or never.
    pub release: Release,
    /// The result and the work it is about, once the marks are released.
    pub outcome: Option<Outcome>,
    /// The newer submission that replaced this one, if one did.
    pub replaced_by: Option<String>,
    /// Why a person closed it without marks, if one did.
    pub closed: Option<Closed>,
}

/// Why a submission was closed without marks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    /// Why, in the words of whoever closed it.
    pub reason: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// When marks reach the student.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Release {
    /// As soon as they are there.
    AtOnce,
    /// When the teacher approves them.
    Approved,
    /// As soon as they are there, unless the system is unsure of them.
    UnsureHeld,
}

/// A way in which the student is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// A notice on the page of notices.
    Platform,
    /// An e-mail to this address.
    Email(String),
}

/// The right to hand in a newer version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replace {
    /// Until when; none when the assignment has no end.
    pub until: Option<DateTime<Utc>>,
    /// How many versions are left; none when there is no limit.
    pub left: Option<u32>,
}

/// How far a submission is: all that the live part of the page is made from.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// The state.
    pub status: Status,
    /// The lane it waits in.
    pub lane: Lane,
    /// When the marks are expected.
    pub estimate: Option<TimeRange>,
    /// Whether a person approves the marks after that, so that only the marking is timed.
    pub approval_follows: bool,
    /// Its place in the lane, while it waits there.
    pub place: Option<Place>,
    /// When it was handed in.
    pub submitted_at: DateTime<Utc>,
    /// When it joined the queue.
    pub queued_at: Option<DateTime<Utc>>,
    /// When it was sent to be marked.
    pub processing_at: Option<DateTime<Utc>>,
    /// When it is expected to be sent to be marked, if it has not been.
    pub processing_expected: Option<DateTime<Utc>>,
    /// When its marks came back (though perhaps not yet released).
    pub marked_at: Option<DateTime<Utc>>,
    /// When its marks were released.
    pub released_at: Option<DateTime<Utc>>,
    /// How much of the wait is over, from 0 to 1.
    pub fraction: f64,
    /// Whether the remarks made while waiting are there.
    pub interim_ready: bool,
}

/// A place in a lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Counted from 1.
    pub position: u32,
    /// Submissions waiting in the lane.
    pub of: u32,
    /// The place it had when it joined.
    pub joined_at: u32,
    /// Why it is further back than before, if it is, as a sentence: "Work with an earlier deadline came in."
    pub moved_back_because: Option<String>,
}

/// What can be told at once, without a model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interim {
    /// The checks, in the order to show.
    pub remarks: Vec<Remark>,
    /// Questions to think about.
    pub prompts: Vec<String>,
    /// What the teacher attached.
    pub resources: Vec<Link>,
}

/// The page with the student's own text.
#[derive(Clone, Debug, PartialEq)]
pub struct SubmittedText {
    /// The submission.
    pub tracking_id: String,
    /// The course's name.
    pub course: String,
    /// The assignment's title.
    pub assignment: String,
    /// What the work is called in a sentence.
    pub noun: String,
    /// Which draft this is.
    pub draft: Draft,
    /// When it was stored.
    pub submitted_at: DateTime<Utc>,
    /// The name of the file it came from, if it came from one.
    pub file_name: Option<String>,
    /// The text.
    pub work: Work,
}
