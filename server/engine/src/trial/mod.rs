//! Trials: works that have marks are marked once more by another model or another version of the prompt, and the two are
//! held against each other by agreement, tokens and cost (SPEC 5.4, 7.5). Nothing of it reaches a student.
//!
//! A trial asks in real time: it is small, and somebody waits for it. Each of its works is written down, with the money
//! held for it, before anything is asked; one whose call was cut off is booked as spent without an answer, and is not
//! asked again, since a trial can do without it.

mod adopt;
mod agreement;
mod compare;
mod findings;
mod run;
mod start;
mod store;
#[cfg(test)]
mod tests;

pub use adopt::{Adopted, InUse, VersionInUse};
pub use agreement::{Agreement, FEWEST, LEAST_KAPPA, Levels, MOST_SHIFT, Verdict};
pub use compare::{Compared, ComparedCriterion, Measured, TrialDetail};
pub(crate) use findings::Findings;
pub use start::{MOST_WORKS, NewTrial, TrialError};
pub use store::Trial;
pub(crate) use store::{due, lost_since, renew};

/// Who marks, and by which version of the prompt.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Marker {
    /// Provider's name.
    pub provider: String,
    /// The model.
    pub model: String,
    /// The version of the prompt.
    pub prompt_version: i64,
}

impl std::fmt::Display for Marker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of {}, prompt {}", self.model, self.provider, self.prompt_version)
    }
}
