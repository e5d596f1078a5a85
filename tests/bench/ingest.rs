//! How fast a file of 50,000 results becomes assessments, ledger lines, notices and events on SQLite, and what memory
//! that takes; beside it the new rows of that written straight to SQLite, and BullMQ on Redis with
//! one write for each of the same results (`make bench`).

use anyhow::{Context, bail};
use chrono::{DateTime, Utc};
use quire_engine::store::Exec as _;
use quire_tests::{
    api::client,
    bench::{self, Worker, copy, mib, say, tell},
    ports,
    school::{Database, Options, School},
    straight,
};
use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

const JOBS: usize = 50_000;
const WORDS: usize = 120;
/// Results that Quire takes in within one transaction.
const CHUNK: usize = 800;
/// Disks are noisy: the median of so many rounds counts.
const ROUNDS: usize = 3;
const PATIENCE: Duration = Duration::from_secs(300);

fn main() -> anyhow::Result<()> {
    bench::run(measure())
}

/// What was measured in one round, each in results per second but the memory, which is in MiB.
struct Round {
    quire: f64,
    growth: f64,
    straight: f64,
    bull: anyhow::Result<f64>,
}

async fn measure() -> anyhow::Result<()> {
    say(&format!("{JOBS} results of one batch taken in; SQLite (WAL, FULL), one worker"));
    say(
        "| round | results per second | memory growth (MiB) | its new rows, straight to SQLite | BullMQ on Redis |",
    );
    say("| --- | ---: | ---: | ---: | ---: |");
    let mut rounds = Vec::new();
    for n in 1..=ROUNDS {
        let round = round().await?;
        let Round { quire, growth, straight, bull } = &round;
        let bull =
            bull.as_ref().map_or_else(|error| format!("not measured: {error}"), |bull| format!("{bull:.0}"));
        say(&format!("| {n} | {quire:.0} | {growth:.0} | {straight:.0} | {bull} |"));
        rounds.push(round);
    }
    let quire = median(rounds.iter().map(|round| round.quire));
    let growth = rounds.iter().map(|round| round.growth).fold(0.0, f64::max);
    let straight = median(rounds.iter().map(|round| round.straight));
    let bull = rounds.iter().map(|round| round.bull.as_ref().ok().copied()).collect::<Option<Vec<_>>>();
    let bull = bull.map(|all| median(all.into_iter()));
    let told = bull.map_or_else(|| "–".to_owned(), |bull| format!("{bull:.0}"));
    say(&format!("| median (memory: most) | {quire:.0} | {growth:.0} | {straight:.0} | {told} |"));
    let mut goals =
        vec![("15,000 per second", quire >= 15_000.0), ("memory growth at most 64 MiB", growth <= 64.0)];
    if let Some(bull) = bull {
        goals.push(("not slower than BullMQ", quire >= bull));
    }
    tell(&goals);
    Ok(())
}

fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.collect();
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(0.0)
}

async fn round() -> anyhow::Result<Round> {
    let simulator = quire_simulator::Settings::instant();
    let options = Options {
        simulator,
        jobs: (50_000, 50_000),
        workers: false,
        // So many requests are more bytes than the other providers take in one batch.
        providers: vec!["gemini"],
        timeouts: (60, 120),
        ..Options::default()
    };
    let mut school = School::open_with(Database::Sqlite, options.with("log.level", "warn")).await;
    bench::hand_in(&school, JOBS, WORDS).await?;
    school.kill();
    bench::give_first_feedback(&school).await?;
    school.control(&serde_json::json!({"hold": true})).await;
    let (before, after) = (school.path("before.db"), school.path("after.db"));
    let mut worker = Worker::start(&school)?;
    let outcome = taken_in(&school, &mut worker, &before).await;
    let (took, growth, file) = outcome.with_context(|| worker.said())?;
    drop(worker);
    copy(&school, &after).await?;
    let quire = JOBS as f64 / took.as_secs_f64();
    let straight = JOBS as f64 / straight::write_again(&before, &after, JOBS / CHUNK).await?.as_secs_f64();
    let bull = bullmq(&school, &file).await;
    let proof = school.prove().await;
    if proof.assessed != JOBS {
        bail!("{} of {JOBS} were marked", proof.assessed);
    }
    school.close().await;
    Ok(Round { quire, growth: mib(growth), straight, bull })
}

/// Lets the worker send all and then take all in; answers how long the taking in took, what memory it grew by, and the
/// file of results.
async fn taken_in(
    school: &School,
    worker: &mut Worker,
    before: &Path,
) -> anyhow::Result<(Duration, u64, PathBuf)> {
    let (jobs, output) = wait(school, "sent").await?;
    if jobs != i64::try_from(JOBS)? {
        bail!("the batch has {jobs} of {JOBS} jobs");
    }
    copy(school, before).await?;
    worker.watch()?;
    school.control(&serde_json::json!({"hold": false})).await;
    wait(school, "done").await?;
    let growth = worker.growth()?;
    let (from, to): (DateTime<Utc>, DateTime<Utc>) =
        school.db().query("SELECT ended_at, finished_at FROM batches").one().await?;
    let file = school.path("results.jsonl");
    download(school, &output, &file).await?;
    Ok(((to - from).to_std()?, growth, file))
}

/// Waits until the one batch is in this state; answers its jobs and the provider's id of it.
async fn wait(school: &School, state: &str) -> anyhow::Result<(i64, String)> {
    let begin = Instant::now();
    loop {
        let rows: Vec<(String, i64, Option<String>)> =
            school.db().query("SELECT state, jobs, remote_id FROM batches").all().await?;
        match rows.as_slice() {
            [(now, jobs, Some(remote))] if now == state => return Ok((*jobs, remote.clone())),
            [] | [_] => {}
            more => bail!("{} batches were cut where one was wanted", more.len()),
        }
        if begin.elapsed() > PATIENCE {
            bail!("the batch was not {state} within {PATIENCE:?}: {rows:?}");
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn download(school: &School, batch: &str, to: &Path) -> anyhow::Result<()> {
    let base = school.simulator.gemini_url();
    let get = async |path: &str| {
        let request = client().get(format!("{base}/{path}")).header("x-goog-api-key", "sk-tests");
        request.send().await?.error_for_status()
    };
    let batch: serde_json::Value = get(batch).await?.json().await?;
    let file = batch["metadata"]["output"]["responsesFile"].as_str();
    let file = file.or(batch["response"]["responsesFile"].as_str()).context("the batch has results")?;
    let bytes = get(&format!("{file}:download?alt=media")).await?.bytes().await?;
    std::fs::write(to, bytes)?;
    Ok(())
}

/// Results per second that BullMQ works off.
async fn bullmq(school: &School, results: &Path) -> anyhow::Result<f64> {
    let port = ports::free();
    let mut redis = Command::new("redis-server")
        .args([
            "--port",
            &port.to_string(),
            "--bind",
            "127.0.0.1",
            "--appendonly",
            "yes",
            "--save",
            "",
            "--dir",
        ])
        .arg(school.path(""))
        .stdout(Stdio::null())
        .spawn()
        .context("redis-server is not there")?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("bench/peers/bullmq.mjs");
    let mut output = Err(anyhow::anyhow!("Redis never answered"));
    for _ in 0..50 {
        if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
            output = tokio::process::Command::new("node")
                .arg(&script)
                .arg(results)
                .arg(port.to_string())
                .output()
                .await
                .context("node is not there");
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let _ = redis.kill();
    let _ = redis.wait();
    let output = output?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr).lines().next().unwrap_or("it failed"));
    }
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).context("it said nothing")?;
    let (jobs, seconds) =
        (told["jobs"].as_f64().unwrap_or(0.0), told["seconds"].as_f64().unwrap_or(f64::INFINITY));
    Ok(jobs / seconds)
}
