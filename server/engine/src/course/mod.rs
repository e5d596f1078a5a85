//! Courses, their assignments and rubrics.

mod assignment;
mod context;
mod error;
mod kind;
mod list;
mod rubric;
pub mod store;
#[cfg(test)]
mod tests;
mod window;

pub(crate) use assignment::is_key;
pub use assignment::{Assignment, Course, ReleasePolicy, Resource};
pub use context::{AssignmentContext, Courses};
pub use error::CourseError;
pub use kind::AssessmentType;
pub use list::Listed;
pub use rubric::{Criterion, Exemplar, Level, Points, Rubric};
pub use window::{HandInRefused, may_hand_in};
