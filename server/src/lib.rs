//! The program `quire`: command line, settings, HTTP (pages, API, live events, sign-in) and workers.

pub mod api;
mod boot;
pub mod command;
pub mod http;
mod live;
pub mod mailbox;
pub mod page;
pub mod session;
pub mod settings;
mod shutdown;
pub mod telemetry;
mod web;
