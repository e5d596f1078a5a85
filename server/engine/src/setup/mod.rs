//! Setting up from a TOML file: whatever has no page yet (people, courses, rubrics, assignments, providers, budgets) can
//! be created and changed by a file that says how it is to be. Applying the same file again changes nothing.

mod apply;
mod check;
mod error;
mod model;
mod report;
mod secret;
#[cfg(test)]
mod tests;
mod values;

pub use apply::apply;
pub use error::{SetupError, Wrong};
pub use model::{
    AssignmentSetup, BudgetSetup, CourseSetup, PersonSetup, PriceSetup, ProviderSetup, RatesSetup,
    RubricSetup, Setup,
};
pub use report::{Report, Step};
pub use secret::Secret;
pub use values::{Amount, Moment};

/// The file of the demo: a university with one course, three assignments and both providers. The providers' addresses
/// and keys are those of the demo's simulator, to be set by [`Setup::at`].
pub const DEMO: &str = include_str!("demo.toml");
