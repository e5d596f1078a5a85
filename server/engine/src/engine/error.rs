//! What goes wrong inside.

use crate::{prompt::PromptError, store::DbError};

/// An operation of the engine failed.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
    /// Something that must be there is not.
    #[error("{what} ({id}) is not there (any more)")]
    Missing {
        /// What.
        what: &'static str,
        /// Its id or name.
        id: String,
    },
    /// A provider that a job or batch names is not set up here.
    #[error("the provider \"{0}\" is not there or is switched off; add or enable it")]
    NoProvider(String),
    /// No price is known.
    #[error("no price is known for the model \"{model}\" of \"{provider}\"; add one to the price book")]
    NoPrice {
        /// Provider's name.
        provider: String,
        /// The model.
        model: String,
    },
    /// The prompt of an assignment can't be made.
    #[error(transparent)]
    Prompt(#[from] PromptError),
    /// The stored rules can't be read.
    #[error(transparent)]
    Rule(#[from] crate::routing::RuleError),
    /// Results can't be kept while they wait to be taken in.
    #[error(
        "the results of a batch can't be kept in a temporary file; make room for it, or set TMPDIR to a folder that has: {0}"
    )]
    Spool(String),
    /// Not now.
    #[error(
        "Quire is busy or its database can't be reached. Nothing was changed; try again in a moment. ({0})"
    )]
    Busy(String),
    /// The process is stopping.
    #[error("Quire is being stopped. Nothing was changed; try again in a moment.")]
    Stopping,
}
