//! The simulator as a program of its own.

use clap::Parser;
use quire_simulator::{Config, start};
use tracing_subscriber::EnvFilter;

/// A local stand-in for the interfaces of OpenAI, Anthropic and Gemini.
#[derive(Debug, Parser)]
#[command(name = "quire-simulator", version)]
struct Cli {
    #[command(flatten)]
    config: Config,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let mut simulator = start(cli.config).await?;
    tracing::info!(
        openai = simulator.openai_url(),
        anthropic = simulator.anthropic_url(),
        gemini = simulator.gemini_url(),
        "ready"
    );
    tokio::select! {
        ended = simulator.wait() => ended?,
        () = stopped() => {}
    }
    Ok(simulator.shutdown().await?)
}

/// Waits for the system to ask for an end.
async fn stopped() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        },
        Err(_) => _ = tokio::signal::ctrl_c().await,
    }
}
