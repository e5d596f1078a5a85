//! A short fault storm; `make storm` lets a long one loose.

use quire_tests::{
    on_both,
    school::Database,
    storm::{Plan, storm},
};
use std::time::Duration;

on_both!(nothing_is_lost_and_nothing_paid_twice);

async fn nothing_is_lost_and_nothing_paid_twice(database: Database) {
    let crew = match database {
        Database::Sqlite => (1, 1),
        Database::Postgres => (2, 2),
    };
    let plan = Plan {
        database,
        jobs: 100,
        kills: 14,
        chance: 0.015,
        crew,
        seed: 1,
        patience: Duration::from_secs(400),
    };
    let outcome = storm(plan).await.unwrap_or_else(|error| panic!("{error:?}"));
    #[allow(clippy::print_stderr, reason = "tests speak on standard error")]
    {
        eprintln!("{}", outcome.report());
    }
    assert!(outcome.marked() >= 0.95, "{outcome:?}");
    assert!(outcome.struck.len() >= 12, "many faults struck: {:?}", outcome.struck);
}
