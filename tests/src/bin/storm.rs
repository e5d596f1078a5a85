//! The long fault storm: see `quire_tests::storm`.
//!
//! ```text
//! storm [--database sqlite|postgres|both] [--jobs 5000] [--kills 100] [--chance 0.05] [--seed 1]
//! ```

use anyhow::ensure;
use clap::Parser;
use quire_tests::{
    school::Database,
    storm::{Plan, storm},
};
use std::time::Duration;

/// Lets every simulated fault strike at once while processes are killed, and proves that nothing is lost or paid twice.
#[derive(Debug, Parser)]
struct Arguments {
    /// Where Quire keeps its data: sqlite, postgres (its address in QUIRE_TEST_POSTGRES, or one of its own) or both
    #[arg(long, value_name = "NAME", default_value = "both", value_parser = ["sqlite", "postgres", "both"])]
    database: String,
    /// Pieces of work handed in on each database
    #[arg(long, value_name = "NUMBER", default_value_t = 5_000)]
    jobs: usize,
    /// Processes killed on each database
    #[arg(long, value_name = "NUMBER", default_value_t = 100)]
    kills: usize,
    /// Probability of each fault
    #[arg(long, value_name = "SHARE", default_value_t = 0.05)]
    chance: f64,
    /// Seed of chance
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    for (database, name, crew) in
        [(Database::Sqlite, "sqlite", (1, 1)), (Database::Postgres, "postgres", (2, 2))]
    {
        if arguments.database != "both" && arguments.database != name {
            continue;
        }
        let Arguments { jobs, kills, chance, seed, .. } = arguments;
        let (web, workers) = crew;
        say(&format!(
            "{name}: {jobs} jobs, {web} web and {workers} worker processes, each fault at {chance}, {kills} kills"
        ));
        let patience = Duration::from_secs(1_800);
        let outcome = storm(Plan { database, jobs, kills, chance, crew, seed, patience }).await?;
        say(&outcome.report());
        let missed = outcome.missed();
        // Each point is struck twice or so by a hundred kills.
        ensure!(kills < 100 || missed.is_empty(), "no kill struck at {missed:?}");
        ensure!(outcome.marked() >= 0.95 || chance > 0.05, "fewer than 95 % were marked");
    }
    Ok(())
}

#[allow(clippy::print_stdout, reason = "what this program is for")]
fn say(line: &str) {
    println!("{}", line.trim_end());
}
