//! What a task looks at.

use crate::store::{BatchId, JobId, SubmissionId, TrialWorkId};
use serde::{Deserialize, Serialize};

/// What a task looks at. Each is kept as JSON, so variants and fields may be added but not renamed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// Submissions that want their interim feedback.
    Interim(Vec<SubmissionId>),
    /// A job to be done in real time.
    Call(JobId),
    /// A work of a trial, asked about in real time.
    Try(TrialWorkId),
    /// A provider whose waiting jobs may be ready for a batch.
    Cut {
        /// The provider's name.
        provider: String,
    },
    /// A batch to be sent.
    Submit(BatchId),
    /// A batch whose state at the provider wants asking.
    Poll(BatchId),
    /// A batch whose results wait.
    Ingest(BatchId),
    /// The outbox.
    Deliver,
    /// Bills that are to be posted: so few that they share the outbox's queue.
    PostBills,
}

impl Task {
    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Interim(_) => Kind::Interim,
            Self::Call(_) => Kind::Call,
            Self::Try(_) => Kind::Try,
            Self::Cut { .. } => Kind::Cut,
            Self::Submit(_) => Kind::Submit,
            Self::Poll(_) => Kind::Poll,
            Self::Ingest(_) => Kind::Ingest,
            Self::Deliver | Self::PostBills => Kind::Deliver,
        }
    }
}

/// The kinds of task. Each has a queue of its own, so that none waits behind thousands of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// [`Task::Interim`].
    Interim,
    /// [`Task::Call`].
    Call,
    /// [`Task::Cut`].
    Cut,
    /// [`Task::Submit`].
    Submit,
    /// [`Task::Poll`].
    Poll,
    /// [`Task::Ingest`].
    Ingest,
    /// [`Task::Deliver`], [`Task::PostBills`].
    Deliver,
    /// [`Task::Try`]: a queue of its own, so that no student waits for a trial.
    Try,
}

impl Kind {
    /// All kinds, in the order of their numbers.
    pub const ALL: [Self; 8] = [
        Self::Interim,
        Self::Call,
        Self::Cut,
        Self::Submit,
        Self::Poll,
        Self::Ingest,
        Self::Deliver,
        Self::Try,
    ];

    /// The name of its queue.
    #[must_use]
    pub const fn queue(self) -> &'static str {
        match self {
            Self::Interim => "quire.interim",
            Self::Call => "quire.call",
            Self::Cut => "quire.cut",
            Self::Submit => "quire.submit",
            Self::Poll => "quire.poll",
            Self::Ingest => "quire.ingest",
            Self::Deliver => "quire.deliver",
            Self::Try => "quire.try",
        }
    }

    /// The kind whose queue has this name.
    pub(super) fn of_queue(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.queue() == name)
    }

    /// How many finished tasks are kept to be looked at: done and failed ones.
    #[must_use]
    pub const fn kept(self) -> (u32, u32) {
        match self {
            Self::Call => (100, 50),
            Self::Cut | Self::Submit | Self::Poll | Self::Ingest => (50, 25),
            Self::Interim | Self::Deliver | Self::Try => (25, 10),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn kinds_are_numbered_in_order_and_found_by_queue() {
        for (number, kind) in Kind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, number);
            assert_eq!(Kind::of_queue(kind.queue()), Some(kind));
        }
        assert_eq!(Kind::of_queue("quire"), None);
    }

    #[test]
    fn tasks_keep_their_form() {
        let id: BatchId = "0192f0c0-0000-7000-8000-000000000001".parse().unwrap();
        for (task, json) in [
            (Task::Deliver, r#""deliver""#.to_owned()),
            (Task::PostBills, r#""post_bills""#.to_owned()),
            (Task::Poll(id), format!(r#"{{"poll":"{id}"}}"#)),
            (Task::Cut { provider: "p".into() }, r#"{"cut":{"provider":"p"}}"#.to_owned()),
        ] {
            assert_eq!(serde_json::to_string(&task).unwrap(), json);
            assert_eq!(serde_json::from_str::<Task>(&json).unwrap(), task);
        }
    }
}
