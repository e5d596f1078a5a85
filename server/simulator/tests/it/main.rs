//! The simulator as its callers see it: over HTTP, and through crashes.
#![allow(clippy::unwrap_used)]

mod anthropic;
mod cache;
mod control;
mod crash;
mod faults;
mod gemini;
mod openai;
mod support;
