//! From a provider's answer to marks that a student sees.

mod marks;
pub mod validate;

pub use marks::{CriterionMark, Evidence, Marks};
