//! What a model is asked: versioned templates and the schema of the answer.
//!
//! A prompt has two parts. The [`Stable`] one is the same for all work of one assignment and one version of its rubric:
//! it is made once, and providers can cache it. The second is the work itself, its sentences numbered, fenced as data:
//! it is made for each job by [`Stable::prompt`], the same bytes on every attempt. No student's name is in either.

mod schema;
mod stable;
pub mod store;
pub mod version;
mod work;

pub use stable::{PromptError, Stable, Task, Template};
pub use version::{VERSIONS, Version};
pub use work::{json_len, numbered};

#[cfg(test)]
mod tests;
