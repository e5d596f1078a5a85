//! A dead letter: a job that ran out of remedies, why, and what was done about it (SPEC 6.4).

use super::Recovery;
use crate::{
    identity::{Email, Person},
    provider::ErrorClass,
    queue::Job,
    routing::Route,
    store::{AssignmentId, CourseId, DeadLetterId, JobId, PersonId, SubmissionId},
    submission::TrackingId,
};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// What a job died of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum Cause {
    /// The provider took no more calls, each time.
    RateLimit,
    /// No answer came in time, or connections broke, each time.
    NoAnswer,
    /// The provider failed, each time.
    Provider,
    /// The provider's reply could not be understood.
    Malformed,
    /// The work is larger than the model or a batch takes.
    TooLarge,
    /// The provider refused the request as wrong.
    Refused,
    /// Answers came, and none could be used as marks.
    Unusable,
    /// Processes ended while at work on it, each time.
    Killed,
}

impl Cause {
    /// All causes.
    pub const ALL: [Self; 8] = [
        Self::RateLimit,
        Self::NoAnswer,
        Self::Provider,
        Self::Malformed,
        Self::TooLarge,
        Self::Refused,
        Self::Unusable,
        Self::Killed,
    ];

    /// The name in the database and the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RateLimit => "rate_limit",
            Self::NoAnswer => "no_answer",
            Self::Provider => "provider",
            Self::Malformed => "malformed",
            Self::TooLarge => "too_large",
            Self::Refused => "refused",
            Self::Unusable => "unusable",
            Self::Killed => "killed",
        }
    }

    /// What it is, in a few words for staff.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::RateLimit => "The provider took no more calls",
            Self::NoAnswer => "No answer came",
            Self::Provider => "The provider failed",
            Self::Malformed => "The reply made no sense",
            Self::TooLarge => "Too large",
            Self::Refused => "The provider refused it",
            Self::Unusable => "No answer could be used",
            Self::Killed => "Processes ended while at work on it",
        }
    }

    /// What it means, for staff.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::RateLimit => {
                "The provider said each time that too many calls came from this account. The work itself is not at fault."
            }
            Self::NoAnswer => {
                "Calls went out, and each time no answer came in time or the connection broke. The provider may have \
                 been at work all the same, so each such call is booked as spent without an answer."
            }
            Self::Provider => {
                "The provider answered each time that something failed on its side. The work itself is not at fault."
            }
            Self::Malformed => {
                "Replies came, but not in the form that the provider promises, so no answer could be read out of them."
            }
            Self::TooLarge => {
                "The request has more tokens or bytes than the model, or one batch, takes. Sent again as it is, it fails \
                 again."
            }
            Self::Refused => {
                "The provider read the request and refused it as wrong or not allowed. Sent again as it is, it most \
                 likely fails again."
            }
            Self::Unusable => {
                "Answers came and were paid for, but none gave marks by this rubric: levels or criteria that do not exist, \
                 evidence that is not in the work, an answer that was cut off, or a refusal."
            }
            Self::Killed => {
                "Each time while it was at work on this, the process ended. The work may be what brings it down."
            }
        }
    }

    /// Another try later may mend it: the fault was the provider's or the network's, or lay in what the model happened
    /// to answer; not in the work.
    #[must_use]
    pub const fn is_recoverable(self) -> bool {
        matches!(self, Self::RateLimit | Self::NoAnswer | Self::Provider | Self::Malformed | Self::Unusable)
    }

    /// What may help, for staff.
    #[must_use]
    pub const fn advice(self) -> &'static str {
        match self {
            Self::RateLimit => "Wait, or send it to another provider.",
            Self::NoAnswer | Self::Provider | Self::Malformed => {
                "See whether the provider answers others; else send it to another provider."
            }
            Self::TooLarge => "Send it to a provider whose model takes longer work.",
            Self::Refused => "Read what the provider said; another provider may take it.",
            Self::Unusable => {
                "Try again, or send it to another provider; look whether rubric or work are unusual."
            }
            Self::Killed => {
                "Look into the server's log before trying again: the work may bring processes down."
            }
        }
    }
}

impl From<ErrorClass> for Cause {
    fn from(class: ErrorClass) -> Self {
        match class {
            ErrorClass::RateLimit | ErrorClass::QueueFull => Self::RateLimit,
            ErrorClass::TimeOut | ErrorClass::Connection => Self::NoAnswer,
            ErrorClass::TokenLimit => Self::TooLarge,
            ErrorClass::Provider => Self::Provider,
            ErrorClass::Malformed => Self::Malformed,
            ErrorClass::Key | ErrorClass::Quota | ErrorClass::NotFound | ErrorClass::Invalid => Self::Refused,
        }
    }
}

/// The wait before the next scheduled recovery of a job that had so many; none: a person must look at it.
#[must_use]
pub fn next_recovery(waits: &Recovery, cause: Cause, recoveries: i64) -> Option<TimeDelta> {
    waits.wait(recoveries).filter(|_| cause.is_recoverable())
}

/// What was done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum Resolution {
    /// Quire tried again on schedule.
    Recovered,
    /// A person had it tried again.
    Retried,
    /// A person sent it another way.
    Rerouted,
    /// A person changed the request and sent it again.
    Edited,
    /// A person gave the marks.
    Marked,
    /// A person closed it without marks.
    Discarded,
}

impl Resolution {
    /// All resolutions.
    pub const ALL: [Self; 6] =
        [Self::Recovered, Self::Retried, Self::Rerouted, Self::Edited, Self::Marked, Self::Discarded];

    /// What was done, in a few words for staff.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Recovered => "Tried again on schedule",
            Self::Retried => "Tried again",
            Self::Rerouted => "Sent another way",
            Self::Edited => "Edited and sent again",
            Self::Marked => "Marked by hand",
            Self::Discarded => "Closed without marks",
        }
    }

    /// The name in the database and the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Recovered => "recovered",
            Self::Retried => "retried",
            Self::Rerouted => "rerouted",
            Self::Edited => "edited",
            Self::Marked => "marked",
            Self::Discarded => "discarded",
        }
    }
}

/// A death to be written down.
#[derive(Clone, Debug)]
pub struct Death {
    /// The job as it was.
    pub job: Job,
    /// What it died of.
    pub cause: Cause,
    /// Why, in words for staff.
    pub why: String,
}

/// A dead letter as it stands.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct DeadLetter {
    /// Its id.
    pub id: DeadLetterId,
    /// The job.
    pub job_id: JobId,
    /// The submission.
    pub submission_id: SubmissionId,
    /// Its tracking id.
    pub tracking_id: TrackingId,
    /// Its assignment.
    pub assignment_id: AssignmentId,
    /// The assignment's title.
    pub assignment: String,
    /// Its course.
    pub course_id: CourseId,
    /// The student.
    pub student_id: PersonId,
    /// The student's address.
    pub student: Email,
    /// Provider's name at its death.
    pub provider: String,
    /// The model.
    pub model: String,
    /// Real time or batch.
    pub route: Route,
    /// What it died of.
    pub cause: Cause,
    /// Why, in words for staff.
    pub why: String,
    /// When.
    pub died_at: DateTime<Utc>,
    /// Scheduled recoveries that the job had before.
    pub recoveries: i64,
    /// When the next is due; none: a person must look at it.
    pub recover_at: Option<DateTime<Utc>>,
    /// What was done about it; none: it is open.
    pub resolution: Option<Resolution>,
    /// When.
    pub resolved_at: Option<DateTime<Utc>>,
    /// By whom; none: Quire itself.
    pub resolved_by: Option<PersonId>,
    /// That person's name.
    pub resolver: Option<String>,
    /// Why, in that person's words.
    pub reason: Option<String>,
}

/// Who decides about a dead letter, and why.
#[derive(Clone, Debug)]
pub(super) struct Decided<'a> {
    pub(super) resolution: Resolution,
    pub(super) by: Option<&'a Person>,
    pub(super) reason: Option<&'a str>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_time_may_mend_is_tried_three_times_and_nothing_else() {
        let of = |cause, n| next_recovery(&Recovery::default(), cause, n);
        for cause in Cause::ALL {
            let waits: Vec<_> = (0..5).map(|n| of(cause, n)).collect();
            let expected =
                [15, 60, 240].map(|minutes| cause.is_recoverable().then(|| TimeDelta::minutes(minutes)));
            assert_eq!((&waits[..3], &waits[3..]), (&expected[..], &[None, None][..]), "{cause:?}");
        }
        assert_eq!(of(Cause::Provider, -1), None);
        let never = Recovery { attempts: 0, ..Recovery::default() };
        assert_eq!(next_recovery(&never, Cause::Provider, 0), None);
        assert!(of(Cause::Unusable, 0).is_some(), "another answer of the model may be good");
        assert_eq!((of(Cause::Refused, 0), of(Cause::TooLarge, 0), of(Cause::Killed, 0)), (None, None, None));
    }
}
