//! How fast queued jobs come back as marks: cut, written as JSONL, uploaded, polled and taken in, through the simulator
//! at full speed; and what memory that takes (`make bench`).

use anyhow::{Context, bail};
use quire_engine::store::Exec as _;
use quire_tests::{
    bench::{self, Worker, mib, say, tell},
    school::{Database, Options, School},
};
use std::time::{Duration, Instant};

const JOBS: usize = 10_000;
const WORDS: usize = 350;
const ROUNDS: usize = 3;
const PATIENCE: Duration = Duration::from_secs(120);

fn main() -> anyhow::Result<()> {
    bench::run(measure())
}

/// One measurement.
struct Round {
    took: Duration,
    /// Bytes that memory grew by at the most.
    growth: u64,
    batches: i64,
}

async fn measure() -> anyhow::Result<()> {
    say(&format!(
        "{JOBS} jobs of {WORDS} words cut, written as JSONL, uploaded, polled and taken in; SQLite (WAL, FULL)"
    ));
    say("| round | batches | time (s) | jobs/s | memory growth (MiB) |");
    say("| --- | ---: | ---: | ---: | ---: |");
    let mut rounds = Vec::new();
    for n in 1..=ROUNDS {
        let round = round().await?;
        say(&format!(
            "| {n} | {} | {:.1} | {:.0} | {:.0} |",
            round.batches,
            round.took.as_secs_f64(),
            JOBS as f64 / round.took.as_secs_f64(),
            mib(round.growth)
        ));
        rounds.push(round);
    }
    rounds.sort_by_key(|round| round.took);
    let median = &rounds[ROUNDS / 2];
    let most = rounds.iter().map(|round| round.growth).max().unwrap_or_default();
    tell(&[
        ("10 s at most (median)", median.took <= Duration::from_secs(10)),
        ("under 96 MiB", mib(most) < 96.0),
    ]);
    Ok(())
}

async fn round() -> anyhow::Result<Round> {
    let simulator = quire_simulator::Settings::instant();
    let options = Options { simulator, jobs: (10, 1_000), workers: false, ..Options::default() };
    let mut school = School::open_with(Database::Sqlite, options.with("log.level", "warn")).await;
    bench::hand_in(&school, JOBS, WORDS).await?;
    school.kill();
    bench::give_first_feedback(&school).await?;
    // From here on only the worker is at work.
    let begin = Instant::now();
    let worker = Worker::start(&school)?;
    let outcome = until_taken_in(&school, &worker, begin).await;
    let memory = worker.memory();
    let (at_start, took) = outcome.with_context(|| worker.said())?;
    drop(worker);
    let (batches,): (i64,) = school.db().query("SELECT count(*) FROM batches").one().await?;
    let proof = school.prove().await;
    if proof.assessed != JOBS {
        bail!("{} of {JOBS} were marked", proof.assessed);
    }
    school.close().await;
    Ok(Round { took, growth: memory?.peak.saturating_sub(at_start), batches })
}

/// The worker's memory before it had work, and the time until all was taken in.
async fn until_taken_in(school: &School, worker: &Worker, begin: Instant) -> anyhow::Result<(u64, Duration)> {
    let mut db = school.db();
    let mut at_start = 0;
    loop {
        let (batches, closed): (i64, i64) = db
            .query("SELECT count(*), coalesce(sum(CASE WHEN state = 'done' THEN jobs ELSE 0 END), 0) FROM batches")
            .one()
            .await?;
        if batches == 0 {
            at_start = worker.memory()?.now;
        }
        if usize::try_from(closed)? == JOBS {
            return Ok((at_start, begin.elapsed()));
        }
        if begin.elapsed() > PATIENCE {
            bail!("only {closed} of {JOBS} jobs were taken in within {PATIENCE:?}");
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
