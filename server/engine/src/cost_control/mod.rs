//! Cost control (SPEC 7.3): while the month is projected to come near its budget, measures that save money are taken one
//! after the other, the gentlest first, and given up again in the opposite order. Each is shown with its reason and with
//! what it saved by the providers' own figures, and administrators can hold each one on or off.

mod booking;
mod edit;
mod ladder;
mod measure;
mod saved;
mod store;
#[cfg(test)]
mod tests;
mod watch;

pub use edit::{CostControl, EconomyModel, Entry};
pub use ladder::{GIVEN_UP_BELOW, Outlook, STEP, STEP_WHEN_OVER, TAKEN_ABOVE};
pub use measure::{Measure, Measures, Mode, NoMeasure, NoMode, State, Step};
pub use saved::Saved;
pub use store::Change;
pub(crate) use store::states;
