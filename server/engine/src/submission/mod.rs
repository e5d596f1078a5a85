//! Handing work in: its text, what can be told about it without a model, its tokens.

pub mod extract;
pub mod sentences;
pub mod tokens;
