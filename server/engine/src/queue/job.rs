//! Jobs: one model request that a submission needs, and the states it goes through.
//!
//! ```text
//! queued -> batched -> done            queued -> calling -> done
//!    ^---------'  '--> dead               ^---------'  '--> dead
//! queued -> withdrawn
//! ```

use super::Lane;
use crate::{
    budget::{Account, Held},
    cost_control::Step,
    routing::Route,
    store::{BatchId, CourseId, JobId, Json, NanoUsd, SubmissionId},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum JobState {
    /// Waits.
    Queued,
    /// In a batch that is being sent or marked.
    Batched,
    /// Being asked in real time.
    Calling,
    /// Its assessment is there.
    Done,
    /// Ran out of automatic remedies.
    Dead,
    /// A newer draft took its place.
    Withdrawn,
}

/// A job as far as the queue and the sending of it need to know.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// The submission it marks.
    pub submission_id: SubmissionId,
    /// Where it stands.
    pub state: JobState,
    /// Its lane.
    pub lane: Lane,
    /// Its route.
    pub route: Route,
    /// Provider's name.
    pub provider: String,
    /// The model.
    pub model: String,
    /// Its priority; smaller goes first.
    pub priority: i64,
    /// When marks are needed.
    pub deadline: DateTime<Utc>,
    /// When it came into the queue.
    pub arrived_at: DateTime<Utc>,
    /// The place it had in its lane when it came, from 1.
    pub joined: i64,
    /// When it may be sent.
    pub ready_at: DateTime<Utc>,
    /// Input tokens, estimated.
    pub input_tokens: i64,
    /// Output tokens, estimated.
    pub output_tokens: i64,
    /// Most output tokens.
    pub max_output: i64,
    /// Bytes of the request, estimated.
    pub bytes: i64,
    /// Bytes by which the request is larger than one for an empty work.
    pub work_bytes: i64,
    /// Answers so far that could not be used.
    pub attempt: i64,
    /// Calls or batches so far that failed.
    pub failures: i64,
    /// Processes that ended while at work on it.
    pub kills: i64,
    /// Ways of its decision's fallback chain that were tried.
    pub diverted: i64,
    /// The batch it is in.
    pub batch_id: Option<BatchId>,
    /// Held for it, at its worst case.
    #[sqlx(rename = "reserved_nano")]
    pub reserved: NanoUsd,
    /// Expected cost.
    #[sqlx(rename = "expected_nano")]
    pub expected: NanoUsd,
    /// Charged to this course.
    pub course_id: CourseId,
    /// The course's cost centre.
    pub cost_centre: String,
    /// What cost control changed of its way; none: nothing.
    pub steps: Option<Json<Vec<Step>>>,
    /// A rule asks that a person approves the marks before they are released.
    pub hold: bool,
}

impl Job {
    /// Whom its money is charged to.
    #[must_use]
    pub fn account(&self) -> Account {
        Account {
            job_id: self.id,
            provider: self.provider.clone(),
            model: self.model.clone(),
            course_id: self.course_id,
            cost_centre: self.cost_centre.clone(),
        }
    }

    /// What is held for it.
    #[must_use]
    pub fn held(&self) -> Held {
        Held {
            reserved: self.reserved,
            expected: if self.reserved == NanoUsd::ZERO { NanoUsd::ZERO } else { self.expected },
        }
    }
}

/// The deadline of work that is in no hurry: far away, so that the order needs no special case.
#[must_use]
pub fn no_hurry() -> DateTime<Utc> {
    DateTime::from_timestamp(4_102_444_800, 0).unwrap_or(DateTime::<Utc>::MAX_UTC) // 1 January 2100
}

impl Job {
    /// Its place in the queue's order.
    #[must_use]
    pub const fn place(&self) -> super::Place {
        super::Place {
            priority: self.priority,
            deadline: self.deadline,
            arrived_at: self.arrived_at,
            job: self.id,
        }
    }
}
