//! What all simulated calls share: keys, ids, limits, faults, and the form of refusals.

mod call;
mod connection;
mod error;
pub(crate) mod limits;

pub(crate) use call::{Caller, around};
pub(crate) use connection::{CuttableListener, Scissors};
pub(crate) use error::{ApiError, Kind};
