//! Courses, their assignments and rubrics.

mod kind;
mod rubric;

pub use kind::AssessmentType;
pub use rubric::{Criterion, Exemplar, Level, Points, Rubric};
