//! The web server.

pub mod assets;
pub mod listen;
pub mod metrics;
pub mod observe;
pub mod problem;
