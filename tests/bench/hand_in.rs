//! How fast work is handed in: over HTTP at 64 connections, essays of 350 words, each durable on SQLite before it is
//! answered; beside it the same rows written straight to SQLite in groups (`make bench`).

use anyhow::Context as _;
use quire_tests::{
    bench::{CONNECTIONS, copy, hand_ins, mib, say, send, tell},
    load::Load,
    process::Memory,
    school::{Database, Options, School},
    straight, use_ring,
};
use std::time::Duration;

const WORDS: usize = 350;
const REQUESTS: usize = 20_000;
const WARM_UP: usize = 2_000;
const ROUNDS: usize = 3;

fn main() -> anyhow::Result<()> {
    use_ring();
    // One thread makes the load, so that the server has the other processor and more.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(bench())
}

async fn bench() -> anyhow::Result<()> {
    say(&format!(
        "Hand-in over HTTP: {REQUESTS} essays of {WORDS} words, {CONNECTIONS} connections, SQLite (WAL, FULL)"
    ));
    say(
        "| processes | rate (1/s) | p50 (ms) | p99 (ms) | straight to SQLite (1/s) | ratio | peak memory (MiB) |",
    );
    say("| --- | ---: | ---: | ---: | ---: | ---: | ---: |");
    let web = median(false).await?;
    web.tell("web alone");
    median(true).await?.tell("web and workers in one");
    let goals = [
        ("1,500/s", web.load.rate() >= 1_500.0),
        ("p99 under 150 ms", web.load.percentile(0.99) < Duration::from_millis(150)),
        ("0.4 of straight", web.ratio().is_some_and(|ratio| ratio >= 0.4)),
    ];
    say(&format!("Median of {ROUNDS} rounds. Goals (web alone):"));
    tell(&goals);
    Ok(())
}

/// One measurement.
struct Round {
    load: Load,
    /// Hand-ins per second when their rows are written straight to SQLite; not measured beside workers, which write too.
    straight: Option<f64>,
    memory: Memory,
}

impl Round {
    fn ratio(&self) -> Option<f64> {
        self.straight.map(|straight| self.load.rate() / straight)
    }

    fn tell(&self, name: &str) {
        let milliseconds = |share| self.load.percentile(share).as_secs_f64() * 1e3;
        let or_none = |figure: Option<String>| figure.unwrap_or_else(|| "–".to_owned());
        say(&format!(
            "| {name} | {:.0} | {:.1} | {:.1} | {} | {} | {:.0} |",
            self.load.rate(),
            milliseconds(0.5),
            milliseconds(0.99),
            or_none(self.straight.map(|rate| format!("{rate:.0}"))),
            or_none(self.ratio().map(|ratio| format!("{ratio:.2}"))),
            mib(self.memory.peak),
        ));
    }
}

async fn median(workers: bool) -> anyhow::Result<Round> {
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        rounds.push(round(workers).await?);
    }
    rounds.sort_by(|a, b| a.load.rate().total_cmp(&b.load.rate()));
    Ok(rounds.swap_remove(ROUNDS / 2))
}

async fn round(workers: bool) -> anyhow::Result<Round> {
    let options = Options { workers, ..Options::default() };
    // Nothing is to be sent while it is measured: what is measured is handing in.
    let options = options.with("lanes.standard.gather_seconds", "3600").with("log.level", "warn");
    let school = School::open_with(Database::Sqlite, options).await;
    let warm_up = hand_ins(&school, 0..WARM_UP, WORDS);
    let all = hand_ins(&school, WARM_UP..WARM_UP + REQUESTS, WORDS);
    send(&school, warm_up).await?;
    let (before, written) = (school.path("before.db"), school.path("written.db"));
    copy(&school, &before).await?;
    let load = send(&school, all).await?;
    let memory = Memory::of(school.pid().context("the server runs")?)?;
    let straight = if workers {
        None
    } else {
        copy(&school, &written).await?;
        let took = straight::write_again(&before, &written, REQUESTS / CONNECTIONS).await?;
        Some(REQUESTS as f64 / took.as_secs_f64())
    };
    school.close().await;
    Ok(Round { load, straight, memory })
}
