//! Courses, their assignments and rubrics.

mod rubric;

pub use rubric::{Criterion, Exemplar, Level, Points, Rubric};
