//! Identifiers: one newtype per noun, each a UUID version 7 (RFC 9562), so that ids sort by the time they were made.

use chrono::{DateTime, Utc};
use uuid::Uuid;

/// An identifier that is a UUID underneath.
pub trait Id: Copy + Send + Sync {
    /// Wraps a UUID.
    fn from_uuid(uuid: Uuid) -> Self;
    /// The UUID.
    fn uuid(self) -> Uuid;
}

/// The smallest id of those made at a time or later: of a UUID version 7, the first 48 bits are its time in milliseconds.
#[must_use]
pub fn first_id_at<I: Id>(at: DateTime<Utc>) -> I {
    let milliseconds = u128::try_from(at.timestamp_millis()).unwrap_or(0);
    I::from_uuid(Uuid::from_u128(milliseconds << 80))
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize, sqlx::Type)]
        #[serde(transparent)]
        #[sqlx(transparent)]
        pub struct $name(pub Uuid);

        impl Id for $name {
            fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }
            fn uuid(self) -> Uuid {
                self.0
            }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0.hyphenated())
            }
        }
        impl std::str::FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text.trim()).map(Self)
            }
        }
    )*};
}

ids! {
    /// A person: student, instructor, administrator.
    PersonId;
    /// A course.
    CourseId;
    /// A change of cost control.
    ControlChangeId;
    /// An assignment of a course.
    AssignmentId;
    /// A rubric, over all its versions.
    RubricId;
    /// One version of a rubric.
    RubricVersionId;
    /// One piece of work handed in.
    SubmissionId;
    /// One model request that a submission needs.
    JobId;
    /// A set of jobs sent to a provider in one go.
    BatchId;
    /// One real-time call to a provider.
    CallId;
    /// The marks and feedback that came back for a submission.
    AssessmentId;
    /// A death of a job.
    DeadLetterId;
    /// A change that a person made in a request before it was sent again.
    EditId;
    /// A look that a person had at a student's text with a dead letter.
    LookId;
    /// A notice to a person.
    NoticeId;
    /// One message of a notice on one channel, in the outbox.
    MessageId;
    /// A bearer token of the API.
    TokenId;
    /// A budget of one month.
    BudgetId;
    /// A change of a budget.
    BudgetChangeId;
    /// A line of the ledger.
    LedgerLineId;
    /// A set of routing rules that was in force together.
    RuleSetId;
    /// An outage of a provider.
    OutageId;
    /// A threshold of a budget that was passed.
    BudgetAlertId;
    /// A bill that is posted to a webhook.
    DeliveryId;
    /// A trial: works that are marked once more, another way.
    TrialId;
    /// A work of a trial.
    TrialWorkId;
    /// A version of the prompt that was put in use.
    AdoptionId;
}
