//! Signing in: sessions, form tokens, limits on guessing.

pub mod attempts;
pub mod csrf;
pub mod network;
pub mod store;
pub mod visitor;
