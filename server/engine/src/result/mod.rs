//! From a provider's answer to marks that a student sees.

mod marks;

pub use marks::{CriterionMark, Evidence, Marks};
