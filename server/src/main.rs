//! The program `quire`.

use clap::Parser;
use std::process::ExitCode;

/// Each hand-in takes and gives back hundreds of small pieces of memory on several threads at once.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // The one provider of cryptography that everything in this process uses for TLS.
    let _ = rustls::crypto::ring::default_provider().install_default();
    quire::command::Cli::parse().run()
}
