//! Everything Quire does: it knows no HTTP server and no page.
//!
//! The folders stand in the order in which a submission flows through them: [`submission`], routing, queue,
//! batching, [`provider`], [`result`]; beside them what they lean on.

pub mod answer;
pub mod arbitrage;
pub mod batching;
pub mod billing;
pub mod budget;
pub mod calling;
pub mod commitment;
pub mod cost_control;
pub mod course;
pub mod crash;
pub mod engine;
pub mod event;
pub mod forecast;
pub mod identity;
pub mod jobs;
pub mod notice;
pub mod plan;
pub mod price_book;
pub mod prompt;
pub mod provider;
pub mod queue;
pub mod recovery;
pub mod result;
pub mod routing;
pub mod settings;
pub mod setup;
pub mod store;
pub mod submission;
pub mod trial;
pub mod webhook;
