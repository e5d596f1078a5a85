//! The program `quire`.

use clap::Parser;
use std::process::ExitCode;

/// Results and requests are many short texts, made on one thread and dropped on another: in a profile of taking results in,
/// the system's allocator had a fifth of the samples of our own threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // The one provider of cryptography that everything in this process uses for TLS.
    let _ = rustls::crypto::ring::default_provider().install_default();
    quire::command::Cli::parse().run()
}
