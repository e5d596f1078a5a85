//! The simulator as its callers see it: over HTTP, and through crashes.
#![allow(clippy::unwrap_used)]

mod openai;
mod support;
