//! What is to be made of one answer: marks, another try, or a dead letter. Pure.

use super::validate::{self, Checked};
use crate::{
    course::Rubric,
    provider::{CallError, Outcome, Reply},
    queue::{Job, LaneSettings},
    recovery::{Cause, Next, RetryTable, Way, after_failure},
};
use std::time::Duration;

/// What an answer comes to.
#[derive(Clone, Debug)]
pub enum Judged {
    /// Good marks.
    Marked(Box<Checked>, Reply),
    /// An answer came, and was paid for, but can't be used.
    Unusable {
        /// Why, for staff.
        why: String,
        /// The answer.
        reply: Reply,
        /// The wait before asking again; none where the lane's attempts are used up.
        again: Option<Duration>,
    },
    /// No answer came and nothing was paid; the failure counts.
    Failed {
        /// What kind of failure.
        cause: Cause,
        /// Why, for staff.
        why: String,
        /// The wait before asking again; none where the remedies are used up.
        again: Option<Duration>,
        /// The failure counts towards the retry table.
        counts: bool,
    },
    /// The provider failed it for good, and another takes it; nothing was paid.
    Diverted {
        /// Why, for staff.
        why: String,
        /// Where it goes.
        to: Way,
        /// How often it was sent on then.
        diverted: i64,
    },
    /// The batch ended before this request was answered: back to its place, nothing used up.
    Unfinished {
        /// Why, for staff.
        why: String,
    },
}

impl Judged {
    /// The same with its evidence placed in the work as it was handed in, where another text was sent.
    #[must_use]
    pub fn placed_in(mut self, handed_in: Option<&str>) -> Self {
        if let (Self::Marked(checked, _), Some(work)) = (&mut self, handed_in) {
            checked.marks.place_in(work);
        }
        self
    }

    /// What went wrong, where more is to be said than that the batch ended first.
    #[must_use]
    pub fn why(&self) -> Option<&str> {
        match self {
            Self::Marked(..) | Self::Unfinished { .. } => None,
            Self::Unusable { why, .. } | Self::Failed { why, .. } | Self::Diverted { why, .. } => Some(why),
        }
    }
}

/// Judges how a job's request ended.
#[must_use]
pub fn judge(
    outcome: Outcome,
    job: &Job,
    rubric: &Rubric,
    work: &str,
    lane: &LaneSettings,
    table: &RetryTable,
) -> Judged {
    match outcome {
        Outcome::Answered(reply) => match validate::marks(&reply.answer, rubric, work) {
            Ok(checked) => Judged::Marked(Box::new(checked), reply),
            Err(unusable) => {
                let used = u32::try_from(job.attempt).unwrap_or(u32::MAX).saturating_add(1);
                let again = (used < lane.attempts).then(|| lane.backoff(used));
                Judged::Unusable { why: unusable.to_string(), reply, again }
            }
        },
        Outcome::Failed(error) => failed(&error, job, table),
        Outcome::Expired => {
            Judged::Unfinished { why: "the provider's time for the batch ran out first".to_owned() }
        }
        Outcome::Cancelled => Judged::Unfinished { why: "the batch was cancelled first".to_owned() },
    }
}

/// Judges a failure without an answer.
#[must_use]
pub fn failed(error: &CallError, job: &Job, table: &RetryTable) -> Judged {
    let failures = u32::try_from(job.failures).unwrap_or(u32::MAX).saturating_add(1);
    let (again, counts) = match after_failure(table, error, failures) {
        Next::Again(wait) => (Some(wait), true),
        Next::Wait(wait) => (Some(wait), false),
        Next::GiveUp => (None, true),
    };
    Judged::Failed { cause: error.class.into(), why: error.to_string(), again, counts }
}
