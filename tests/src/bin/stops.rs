//! Processes that stand still at every named point, for long: see `quire_tests::stops`.
//!
//! ```text
//! stops [--jobs 10000] [--still 60]
//! ```

use clap::Parser;
use quire_tests::stops::{Plan, stops};
use std::time::Duration;

/// Stops a process at one named point after the other while others share the work, on PostgreSQL.
#[derive(Debug, Parser)]
struct Arguments {
    /// Pieces of work handed in
    #[arg(long, value_name = "NUMBER", default_value_t = 10_000)]
    jobs: usize,
    /// Seconds that a process stands still
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    still: u64,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Arguments { jobs, still } = Arguments::parse();
    say(&format!(
        "postgres: {jobs} jobs, 2 web and 2 worker processes, one stopped for {still} s at each point"
    ));
    let outcome = stops(Plan { jobs, still: Duration::from_secs(still), most: 100 }).await?;
    say(&outcome.report());
    Ok(())
}

#[allow(clippy::print_stdout, reason = "what this program is for")]
fn say(line: &str) {
    println!("{line}");
}
