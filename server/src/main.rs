//! The program `quire`.

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    // The one provider of cryptography that everything in this process uses for TLS.
    let _ = rustls::crypto::ring::default_provider().install_default();
    quire::command::Cli::parse().run()
}
