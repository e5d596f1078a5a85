//! The saving of the reference workload, measured beside its plan: see `quire_tests::saving`.
//!
//! ```text
//! saving [--database sqlite|postgres] [--jobs 5000] [--model NAME] [--hits 0.3]
//! ```

use anyhow::ensure;
use clap::Parser;
use quire_tests::{
    saving::{Trial, measure},
    school::Database,
};
use std::time::Duration;

/// Points by which a measured saving may differ from its plan.
const POINTS: f64 = 5.0;

/// One model of each provider that documents something of its own, and one whose cache keeps nothing so short.
const MARKERS: [(&str, &str); 3] =
    [("openai", "gpt-6-luna"), ("anthropic", "claude-sonnet-5-5"), ("anthropic", "claude-haiku-5-5")];

/// Sends the reference workload through a running Quire, once in real time and once in batches, and holds the saving by the
/// usage figures against the plan.
#[derive(Debug, Parser)]
struct Arguments {
    /// Where Quire keeps its data: sqlite, or postgres (its address in QUIRE_TEST_POSTGRES, or one of its own)
    #[arg(long, value_name = "NAME", default_value = "sqlite", value_parser = ["sqlite", "postgres"])]
    database: String,
    /// Pieces of work on each route
    #[arg(long, value_name = "NUMBER", default_value_t = 5_000, value_parser = clap::value_parser!(u32).range(1..))]
    jobs: u32,
    /// Pieces of work for each assignment
    #[arg(long, value_name = "NUMBER", default_value_t = 250, value_parser = clap::value_parser!(u32).range(1..))]
    together: u32,
    /// One model alone
    #[arg(long, value_name = "NAME", value_parser = MARKERS.map(|(_, model)| model))]
    model: Option<String>,
    /// Share of the requests in batches that find in the simulated cache what is there; 0.3 is the least that is documented
    /// anywhere. With another share only the plan from the ledger must agree
    #[arg(long, value_name = "SHARE", default_value_t = 0.3)]
    hits: f64,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    quire_tests::use_ring();
    let arguments = Arguments::parse();
    ensure!((0.0..=1.0).contains(&arguments.hits), "--hits must be from 0 to 1");
    let documented = (arguments.hits - quire_simulator::Settings::default().batch_cache_hits).abs() < 1e-9;
    let database = if arguments.database == "postgres" { Database::Postgres } else { Database::Sqlite };
    say(&format!(
        "{} pieces of work on each route, {} for each assignment, {} of the prompts in batches find what is in the cache",
        arguments.jobs, arguments.together, arguments.hits
    ));
    for marker in MARKERS {
        if arguments.model.as_deref().is_some_and(|model| model != marker.1) {
            continue;
        }
        let outcome = measure(Trial {
            database,
            jobs: arguments.jobs as usize,
            together: arguments.together as usize,
            marker,
            hits: arguments.hits,
            patience: Duration::from_secs(1_800),
        })
        .await?;
        say(&outcome.report());
        let saving = outcome.saving();
        let from_ledger = saving.differs(&outcome.measured);
        ensure!(from_ledger <= POINTS, "the plan from the ledger is {from_ledger:.1} points away");
        let reference = saving.differs(&outcome.reference);
        ensure!(!documented || reference <= POINTS, "the reference plan is {reference:.1} points away");
    }
    Ok(())
}

#[allow(clippy::print_stdout, reason = "what this program is for")]
fn say(line: &str) {
    println!("{}", line.trim_end());
}
