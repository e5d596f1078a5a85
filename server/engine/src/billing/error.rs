//! What is wrong with the question for a bill.

use crate::{engine::EngineError, identity::IdentityError, store::DbError};

/// A bill can't be given.
#[derive(Debug, thiserror::Error)]
pub enum BillingError {
    /// It is not a month.
    #[error("\"{0}\" is not a month; write the year and the month, such as 2026-11")]
    Month(String),
    /// The month has not begun.
    #[error("{month} has not begun; the latest month is {now}")]
    Future {
        /// The month asked for.
        month: String,
        /// The month now.
        now: String,
    },
    /// Nothing is, or was in the month, charged to the cost centre.
    #[error("there is no cost centre \"{name}\"; {}", listed(.known))]
    CostCentre {
        /// The cost centre asked for.
        name: String,
        /// Those that courses have.
        known: Vec<String>,
    },
    /// The person may not.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// Our fault.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl From<DbError> for BillingError {
    fn from(error: DbError) -> Self {
        Self::Engine(error.into())
    }
}

/// So many cost centres are listed.
const MOST: usize = 20;

fn listed(known: &[String]) -> String {
    if known.is_empty() {
        return "there is no course yet".to_owned();
    }
    let more = if known.len() > MOST { format!(" and {} more", known.len() - MOST) } else { String::new() };
    format!("the courses' are {}{more}", known[..known.len().min(MOST)].join(", "))
}
