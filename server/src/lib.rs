//! The program `quire`: command line, settings, HTTP (pages, API, live events, sign-in) and workers.

mod boot;
pub mod command;
pub mod http;
pub mod mailbox;
pub mod session;
pub mod settings;
pub mod telemetry;
