//! Tests of the whole program from outside, by subject, on both databases.
#![allow(clippy::unwrap_used)]

mod answers;
mod api_contract;
mod authorization;
mod bad_input;
mod billing;
mod budgets;
mod cli;
mod crash;
mod dead_letters;
mod demo;
mod drafts;
mod idempotency;
mod import;
mod mail;
mod main_path;
mod plan;
mod realtime;
mod rules;
mod several;
mod split;
mod sse;
mod storm;
mod trials;
