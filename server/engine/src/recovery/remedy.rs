//! What people may decide about dead letters, and what comes of it.

use crate::{
    engine::EngineError,
    identity::IdentityError,
    result::Wrong,
    routing::Route,
    store::{DbError, DeadLetterId},
};

/// Dead letters that a person may decide about in one go.
pub const MOST_DECIDED: usize = 1_000;

/// The longest reason, in letters.
const LONGEST_REASON: usize = 1_000;

/// What a person decides about dead letters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Try again, the same way.
    Retry,
    /// Try again another way.
    Reroute {
        /// Provider's name.
        provider: String,
        /// One of its models; none: its first.
        model: Option<String>,
        /// Real time or batch; none: as before.
        route: Option<Route>,
    },
    /// Close it without marks.
    Discard,
}

/// What came of one dead letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemedyOutcome {
    /// It was done.
    Done,
    /// Something had been done about it before.
    WasResolved,
    /// There is none of this id.
    NotFound,
}

/// What came of a decision about all dead letters that match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decisions {
    /// How many matched.
    pub matching: i64,
    /// What came of each, the oldest first.
    pub outcomes: Vec<(DeadLetterId, RemedyOutcome)>,
}

/// A decision about dead letters that can't be carried out.
#[derive(Debug, thiserror::Error)]
pub enum RemedyError {
    /// None, or too many at once.
    #[error("Name 1 to {MOST_DECIDED} dead letters at once.")]
    Number,
    /// Closing needs a reason, and no reason is too long.
    #[error("Give a reason of 1 to {LONGEST_REASON} letters: it is kept with the dead letter.")]
    Reason,
    /// Fields that can't be taken.
    #[error("{}", .0.iter().map(|wrong| wrong.message.as_str()).collect::<Vec<_>>().join(" "))]
    Wrong(Vec<Wrong>),
    /// There is no such way.
    #[error("{0}")]
    Way(String),
    /// The person may not do this.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// Our fault.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl From<DbError> for RemedyError {
    fn from(error: DbError) -> Self {
        Self::Engine(error.into())
    }
}

/// A person's reason without white space around it, where one is given.
pub(super) fn checked(reason: Option<&str>, needed: bool) -> Result<Option<&str>, RemedyError> {
    let reason = reason.map(str::trim).filter(|reason| !reason.is_empty());
    let too_long = reason.is_some_and(|reason| reason.chars().count() > LONGEST_REASON);
    if too_long || (needed && reason.is_none()) { Err(RemedyError::Reason) } else { Ok(reason) }
}
