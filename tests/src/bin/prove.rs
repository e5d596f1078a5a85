//! Proves on real essays what Quire promises: all are marked, at both providers, each batched request is paid for once
//! and to the nano-dollar; and the same while the server is killed again and again.
//!
//! ```text
//! prove --essays essays.csv [--database sqlite|postgres] [--kills 5]
//! ```

use anyhow::{Context, bail, ensure};
use clap::Parser;
use quire_tests::{
    books::{Proof, Quire},
    essays::essay,
    school::{Database, Options, School},
};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    path::PathBuf,
    process::{Child, Stdio},
    time::{Duration, Instant},
};

/// Imports essays into a fresh Quire with simulated providers and proves that none is lost and none is paid twice.
#[derive(Debug, Parser)]
struct Arguments {
    /// CSV with the columns `essay_id` and `text`
    #[arg(long, value_name = "FILE")]
    essays: PathBuf,
    /// Where Quire keeps its data: sqlite, or postgres (its address in QUIRE_TEST_POSTGRES, or one of its own)
    #[arg(long, value_name = "NAME", default_value = "sqlite", value_parser = database)]
    database: Database,
    /// How often the server is killed in the second run
    #[arg(long, value_name = "NUMBER", default_value_t = 5)]
    kills: u32,
    /// Exams handed in beside the essays in the second run, to be marked by real-time calls
    #[arg(long, value_name = "NUMBER", default_value_t = 10)]
    exams: u64,
    /// Seed of the times at which it is killed
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
}

fn database(name: &str) -> Result<Database, String> {
    match name {
        "sqlite" => Ok(Database::Sqlite),
        "postgres" => Ok(Database::Postgres),
        _ => Err("write sqlite or postgres".to_owned()),
    }
}

/// The pace of the demo: jobs gather for 2 s, batches come back after about 10 s.
fn options() -> Options {
    let simulator =
        quire_simulator::Settings { turnaround_seconds: 8.0, ..quire_simulator::Settings::default() };
    Options { simulator, jobs: (10, 50), ..Options::default() }.with("lanes.standard.gather_seconds", "2")
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let rows = csv::Reader::from_path(&arguments.essays)
        .with_context(|| format!("{} can't be read", arguments.essays.display()))?
        .records()
        .count();
    say(&format!("{rows} essays of {} on {:?}", arguments.essays.display(), arguments.database));
    undisturbed(&arguments, rows).await?;
    disturbed(&arguments, rows).await
}

#[allow(clippy::print_stdout, reason = "what this program is for")]
fn say(line: &str) {
    println!("{line}");
}

fn import(arguments: &Arguments, school: &School) -> anyhow::Result<Child> {
    let file = arguments.essays.canonicalize()?;
    let url = school.url.clone();
    let mut command = school.command(&[
        "import",
        &file.to_string_lossy(),
        "--assignment",
        school.assignment("essay"),
        "--id-column",
        "essay_id",
        "--json",
        "--url",
        &url,
        "--token",
        school.token("berg"),
    ]);
    Ok(command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn()?)
}

fn imported(child: Child) -> anyhow::Result<Value> {
    let output = child.wait_with_output()?;
    let summary: Value = serde_json::from_slice(&output.stdout).context("the import said nothing")?;
    ensure!(output.status.success(), "the import failed: {summary}");
    Ok(summary)
}

/// Waits until all are marked.
async fn all_marked(school: &School, jobs: usize, patience: Duration) -> anyhow::Result<()> {
    let begin = Instant::now();
    loop {
        let quire = Quire::read(&school.db()).await?;
        if quire.jobs.len() == jobs && quire.jobs.iter().all(|job| job.assessments == 1) {
            return Ok(());
        }
        if begin.elapsed() > patience {
            let marked = quire.jobs.iter().filter(|job| job.assessments == 1).count();
            bail!("{marked} of {jobs} were marked in {patience:?}\n{}", school.log_tail());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn report(school: &School, essays: usize) -> anyhow::Result<Proof> {
    school.wait_until_idle(Duration::from_secs(60)).await;
    let proof = school.prove().await;
    let quire = Quire::read(&school.db()).await?;
    let mut by_provider: BTreeMap<String, (usize, i64)> = BTreeMap::new();
    for line in quire.of_kind("settle").filter(|line| line.batch_id.is_some()) {
        let sums = by_provider.entry(format!("{} {}", line.provider, line.model)).or_default();
        sums.0 += 1;
        sums.1 += line.spent_nano;
    }
    for (name, (answers, nano)) in &by_provider {
        say(&format!("  {name}: {answers} answers in batches, {} dollars", dollars(*nano)));
    }
    ensure!(by_provider.len() == 2, "only one provider had batches");
    let lost: i64 = quire.of_kind("lost").map(|line| line.spent_nano).sum();
    let unpaid: i64 = proof.paid_nano - quire.settled();
    say(&format!(
        "  assessments {}, lost 0, batched requests paid {} (each once)",
        proof.assessed, proof.in_batches
    ));
    say(&format!(
        "  real-time answers {}, of which never arrived {}; booked as spent without an answer {} ({} dollars)",
        proof.in_real_time,
        proof.lost_answers,
        proof.lost_lines,
        dollars(lost)
    ));
    say(&format!(
        "  simulator was paid {} dollars, Quire booked {} for answers that arrived, difference {} nano-dollars{}",
        dollars(proof.paid_nano),
        dollars(quire.settled()),
        unpaid,
        if proof.lost_answers > 0 { " (the answers that never arrived)" } else { "" }
    ));
    ensure!(proof.lost_answers > 0 || unpaid == 0, "the two ledgers differ");
    // Essays that are the same to the letter are paid for once.
    let reused = usize::try_from(school.count("SELECT COUNT(*) FROM reuses").await)?;
    if reused > 0 {
        say(&format!("  given the answer to an earlier request for the same work: {reused}"));
    }
    ensure!(
        proof.in_batches + reused == essays,
        "{} batched requests were paid for {essays} essays, of which {reused} repeat others",
        proof.in_batches
    );
    Ok(proof)
}

/// A sum in dollars, all nine decimals.
fn dollars(nano: i64) -> String {
    format!("{}.{:09}", nano / 1_000_000_000, nano % 1_000_000_000)
}

async fn undisturbed(arguments: &Arguments, rows: usize) -> anyhow::Result<()> {
    say("1. Undisturbed");
    let school = School::open_with(arguments.database, options()).await;
    let begin = Instant::now();
    let import = import(arguments, &school)?;
    let summary = tokio::task::spawn_blocking(move || imported(import)).await??;
    say(&format!("  handed in: {} in {:.1} s", summary["handed_in"], begin.elapsed().as_secs_f64()));
    all_marked(&school, rows, Duration::from_secs(120)).await?;
    let took = begin.elapsed();
    say(&format!("  all marked after {:.1} s", took.as_secs_f64()));
    let proof = report(&school, rows).await?;
    ensure!(proof.in_real_time == 0 && proof.lost_lines == 0, "{proof:?}");
    ensure!(took <= Duration::from_secs(60), "the goal is 60 s");
    school.close().await;
    Ok(())
}

async fn disturbed(arguments: &Arguments, rows: usize) -> anyhow::Result<()> {
    say(&format!("2. Killed {} times", arguments.kills));
    let mut options = options();
    // Slow enough that a kill cuts calls off.
    options.simulator.latency_ms = 1_500;
    let mut school = School::prepare(arguments.database, options).await;
    let mut chance = StdRng::seed_from_u64(arguments.seed);
    let begin = Instant::now();
    // The first kill strikes between writing a batch down and storing the provider's id of it.
    school.start_to_crash("send.after_create:1").await;
    let import = import(arguments, &school)?;
    let exams = hand_in_exams(&school, arguments.exams);
    let kills = kill_again_and_again(&mut school, arguments.kills, &mut chance);
    let (exams, kills) = tokio::join!(exams, kills);
    exams?;
    kills?;
    let summary = tokio::task::spawn_blocking(move || imported(import)).await??;
    say(&format!(
        "  handed in: {} new, {} known from before a kill",
        summary["handed_in"], summary["already"]
    ));
    let jobs = rows + usize::try_from(arguments.exams)?;
    all_marked(&school, jobs, Duration::from_secs(240)).await?;
    say(&format!("  all marked after {:.1} s", begin.elapsed().as_secs_f64()));
    let proof = report(&school, rows).await?;
    ensure!(proof.assessed == jobs, "{proof:?}");
    school.close().await;
    Ok(())
}

/// Exams go in by the API, tried again while the server is down, as any client would.
fn hand_in_exams(school: &School, exams: u64) -> impl Future<Output = anyhow::Result<()>> + use<> {
    let (api, assignment) = (school.api("berg"), school.assignment("exam").to_owned());
    async move {
        for n in 0..exams {
            let body = serde_json::json!({
                "assignment": assignment,
                "text": essay(n, 300),
                "student": format!("exam{n}@example.edu"),
            });
            let key = format!("exam-{n}");
            loop {
                let answer = quire_tests::api::Answer::try_to(api.hand_in_request(&body, Some(&key))).await;
                match answer {
                    Ok(answer) if answer.status.is_success() => break,
                    Ok(answer) if answer.status.is_client_error() => bail!("refused: {}", answer.text),
                    _ => tokio::time::sleep(Duration::from_millis(100)).await,
                }
            }
            tokio::time::sleep(Duration::from_millis(400)).await;
        }
        Ok(())
    }
}

async fn kill_again_and_again(school: &mut School, kills: u32, chance: &mut StdRng) -> anyhow::Result<()> {
    for n in 1..=kills {
        let begin = Instant::now();
        let crash = n == 1;
        // At a crash point the server ends by itself; else it is killed at a random moment.
        let patience = if crash {
            Duration::from_secs(30)
        } else {
            Duration::from_millis(chance.random_range(500..4_000))
        };
        while !school.has_ended() && begin.elapsed() < patience {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        if crash {
            ensure!(school.has_ended(), "the server never came to the crash point\n{}", school.log_tail());
        }
        school.kill();
        let quire = Quire::read(&school.db()).await?;
        let marked = quire.jobs.iter().filter(|job| job.assessments == 1).count();
        say(&format!(
            "  kill {n}, {:.1} s after the start{}: {} handed in, {marked} marked",
            begin.elapsed().as_secs_f64(),
            if crash { ", after the provider created the batch and before its id was stored" } else { "" },
            quire.jobs.len()
        ));
        school.start().await;
    }
    Ok(())
}
