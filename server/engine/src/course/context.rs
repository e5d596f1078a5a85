//! All that handing in and marking need to know of an assignment, kept in memory.

use super::{Assignment, Course, HandInRefused, Rubric, may_hand_in, store};
use crate::store::{AssignmentId, Db, DbError, Lately, RubricVersionId};
use chrono::{DateTime, Utc};
use std::{sync::Arc, time::Duration};

/// How long an assignment may be out of date here after another process changed it: hand-in reads it thousands of
/// times a second.
const OUT_OF_DATE: Duration = Duration::from_secs(5);
const MOST_KEPT: u64 = 5_000;

/// An assignment with its course and the rubric that it is marked by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssignmentContext {
    /// The assignment.
    pub assignment: Assignment,
    /// Its course.
    pub course: Course,
    /// The version of the rubric.
    pub rubric_version: RubricVersionId,
    /// Its number, from 1.
    pub rubric_number: i64,
    /// The rubric itself.
    pub rubric: Rubric,
}

impl AssignmentContext {
    /// Whether a student who has handed in so many drafts may hand in another now; answers how many will be left.
    ///
    /// # Errors
    /// Why not.
    pub fn may_hand_in(&self, now: DateTime<Utc>, drafts_so_far: i64) -> Result<i64, HandInRefused> {
        may_hand_in(&self.assignment, now, drafts_so_far)
    }
}

/// Courses and assignments of a database. Cheap to clone; clones share what they keep.
#[derive(Clone, Debug)]
pub struct Courses {
    pub(super) db: Db,
    contexts: Arc<Lately<AssignmentId, Arc<AssignmentContext>>>,
}

impl Courses {
    /// Courses of this database.
    #[must_use]
    pub fn new(db: Db) -> Self {
        Self { db, contexts: Arc::new(Lately::new(MOST_KEPT, OUT_OF_DATE)) }
    }

    /// An assignment with its course and rubric; none where there is no such assignment.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn context(&self, id: AssignmentId) -> Result<Option<Arc<AssignmentContext>>, DbError> {
        let load = async { Ok(store::context(&mut self.db.clone(), id).await?.map(Arc::new)) };
        self.contexts.get(id, load).await
    }

    /// Forgets an assignment, after it was changed.
    pub async fn forget(&self, id: AssignmentId) {
        self.contexts.forget(&id).await;
    }

    /// Forgets all assignments, after courses or rubrics were changed.
    pub fn forget_all(&self) {
        self.contexts.forget_all();
    }
}
