//! What is to be made of one answer: marks, another try, or a dead letter. Pure.

use super::{Marks, store::Decided, validate};
use crate::{
    answer::Likeness,
    course::{Points, Rubric},
    provider::{Answer, CallError, Outcome, Reply},
    queue::{Job, LaneSettings},
    recovery::{Cause, Next, RetryTable, Way, after_failure},
    store::NanoUsd,
    submission::Sent,
};
use serde_json::value::RawValue;
use std::time::Duration;

/// Good marks, as they are written down: what takes time is done before a transaction begins.
#[derive(Clone, Debug)]
pub struct Good {
    /// All points.
    pub total: Points,
    /// How sure the marker is, 0 to 1.
    pub confidence: Option<f64>,
    /// The marks as JSON.
    pub marks: Box<RawValue>,
}

impl Good {
    /// Marks to be written down.
    #[must_use]
    pub fn new(marks: &Marks) -> Self {
        let json = serde_json::value::to_raw_value(marks);
        Self {
            total: marks.total(),
            confidence: marks.confidence,
            marks: json.expect("texts and numbers always become JSON"),
        }
    }
}

/// Marks that an earlier request for the same work was answered with.
#[derive(Clone, Debug)]
pub struct Given {
    /// The marks.
    pub good: Good,
    /// The model that gave them then.
    pub decided: Decided,
    /// Why they are given.
    pub likeness: Likeness,
    /// What asking again would have cost.
    pub saved: NanoUsd,
}

/// What an answer comes to.
#[derive(Clone, Debug)]
pub enum Judged {
    /// Good marks, and the answer that they are from, without its words.
    Marked(Box<Good>, Reply),
    /// Nothing is asked and nothing paid: an earlier request for the same work was answered with good marks.
    Given(Box<Given>),
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
    /// What went wrong, where more is to be said than that the batch ended first.
    #[must_use]
    pub fn why(&self) -> Option<&str> {
        match self {
            Self::Marked(..) | Self::Given(..) | Self::Unfinished { .. } => None,
            Self::Unusable { why, .. } | Self::Failed { why, .. } | Self::Diverted { why, .. } => Some(why),
        }
    }
}

/// Judges how a job's request ended. The evidence is placed in the work as it was handed in, where another text was sent.
#[must_use]
pub fn judge(
    outcome: Outcome,
    job: &Job,
    rubric: &Rubric,
    work: &Sent,
    lane: &LaneSettings,
    table: &RetryTable,
) -> Judged {
    match outcome {
        Outcome::Answered(mut reply) => match validate::marks(&reply.answer, rubric, &work.text) {
            Ok(mut checked) => {
                if let Some(handed_in) = &work.handed_in {
                    checked.marks.place_in(handed_in);
                }
                // What it said is in the marks: thousands of answers wait together to be written down.
                reply.answer = Answer::Json(String::new());
                Judged::Marked(Box::new(Good::new(&checked.marks)), reply)
            }
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
