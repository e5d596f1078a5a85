//! What the benchmarks share: how they are run and what they say, work handed in, and a worker on its own.

use crate::{
    api::client,
    essays::essay,
    load::{self, Load},
    process::{Memory, forget_peak},
    school::School,
    use_ring,
};
use anyhow::{Context, bail};
use chrono::DateTime;
use quire_engine::store::{Db, Exec as _};
use sqlx::AssertSqlSafe;
use std::{
    ops::Range,
    path::{Path, PathBuf},
    process::{Child, Command},
    time::{Duration, Instant},
};

/// Connections over which work is handed in.
pub const CONNECTIONS: usize = 64;

const PATIENCE: Duration = Duration::from_secs(300);

/// Requests that are made beforehand and then sent as fast as they are answered.
const MADE: usize = 10_000;

/// Runs a benchmark on one thread beside the main one, so that what is measured has most of the machine.
///
/// # Errors
/// Those of the benchmark.
pub fn run(bench: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    use_ring();
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?.block_on(bench)
}

/// Prints a line.
#[allow(clippy::print_stdout, reason = "what benchmarks are for")]
pub fn say(line: &str) {
    println!("{line}");
}

/// Prints whether each goal was met.
pub fn tell(goals: &[(&str, bool)]) {
    for (goal, met) in goals {
        say(&format!("- {goal}: {}", if *met { "met" } else { "NOT met" }));
    }
}

/// Bytes as mebibytes.
#[must_use]
pub fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// Hand-ins of essays of so many words, each of a student of its own, as they go over the wire.
#[must_use]
pub fn hand_ins(school: &School, which: Range<usize>, words: usize) -> Vec<bytes::Bytes> {
    let assignment = school.assignment("essay");
    let request = |n: usize| {
        let text = essay(n as u64, words);
        let student = format!("student{n}@example.edu");
        let body = serde_json::json!({"assignment": assignment, "text": text, "student": student});
        load::post("/api/v1/submissions", school.token("berg"), &format!("key-{n}"), &body.to_string())
    };
    which.map(request).collect()
}

/// Hands in so many essays.
///
/// # Errors
/// If one is not acknowledged.
pub async fn hand_in(school: &School, count: usize, words: usize) -> anyhow::Result<()> {
    for from in (0..count).step_by(MADE) {
        send(school, hand_ins(school, from..count.min(from + MADE), words)).await?;
    }
    Ok(())
}

/// Sends hand-ins.
///
/// # Errors
/// If one is not acknowledged.
pub async fn send(school: &School, requests: Vec<bytes::Bytes>) -> anyhow::Result<Load> {
    let to = school.url.trim_start_matches("http://").parse().context("an address")?;
    load::run(to, requests, CONNECTIONS, 201).await
}

/// Lets a worker give all work its first feedback, while none of it is sent: what is measured afterwards has the machine
/// to itself.
///
/// # Errors
/// If it takes too long.
pub async fn give_first_feedback(school: &School) -> anyhow::Result<()> {
    let mut db = school.db();
    let far = DateTime::from_timestamp(4_000_000_000, 0).context("a time")?;
    db.query("UPDATE model_jobs SET ready_at = $1").bind(far).exec().await?;
    let worker = Worker::start(school)?;
    let begin = Instant::now();
    while school.count("SELECT COUNT(*) FROM works WHERE interim IS NULL").await > 0 {
        if begin.elapsed() > PATIENCE {
            bail!("first feedback was not there after {PATIENCE:?}:\n{}", worker.said());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    drop(worker);
    db.query("UPDATE model_jobs SET ready_at = arrived_at").exec().await?;
    Ok(())
}

/// A copy of the database as it is now.
///
/// # Errors
/// If it is not SQLite, or can't be copied.
pub async fn copy(school: &School, to: &Path) -> anyhow::Result<()> {
    let Db::Sqlite { write, .. } = school.db() else { anyhow::bail!("only SQLite is a file") };
    let sql = AssertSqlSafe(format!("VACUUM INTO '{}'", to.display()));
    sqlx::query(sql).execute(&write).await?;
    Ok(())
}

/// Bytes of a file that was uploaded to the simulated OpenAI.
///
/// # Errors
/// If there is no such file.
pub async fn size(school: &School, file: &str) -> anyhow::Result<u64> {
    let url = format!("{}/files/{file}", school.simulator.openai_url());
    let answer = client().get(url).bearer_auth("sk-tests").send().await?.error_for_status()?;
    answer.json::<serde_json::Value>().await?["bytes"].as_u64().context("a file has a size")
}

/// A worker of a school whose server is stopped; it ends with this value.
#[derive(Debug)]
pub struct Worker {
    child: Child,
    log: PathBuf,
    /// Its memory when it was last begun to be watched.
    before: Option<Memory>,
}

impl Worker {
    /// Starts it.
    ///
    /// # Errors
    /// If it can't be started.
    pub fn start(school: &School) -> anyhow::Result<Self> {
        let path = school.path("worker.log");
        let log = std::fs::File::create(&path)?;
        let mut command: Command = school.command(&["worker"]);
        let child = command.stdout(log.try_clone()?).stderr(log).spawn()?;
        Ok(Self { child, log: path, before: None })
    }

    /// Its memory.
    ///
    /// # Errors
    /// If it ended.
    pub fn memory(&self) -> anyhow::Result<Memory> {
        Memory::of(self.child.id())
    }

    /// From now on the growth of its memory is watched.
    ///
    /// # Errors
    /// If it ended, or this machine can't tell.
    pub fn watch(&mut self) -> anyhow::Result<()> {
        if !forget_peak(self.child.id()) {
            bail!("the worker's memory can't be watched");
        }
        self.before = Some(self.memory()?);
        Ok(())
    }

    /// By how many bytes its memory grew at the most since it is watched.
    ///
    /// # Errors
    /// If it ended, or is not watched.
    pub fn growth(&self) -> anyhow::Result<u64> {
        let before = self.before.context("the worker's memory is not watched")?;
        Ok(self.memory()?.peak.saturating_sub(before.now))
    }

    /// What it said, for the error of something that did not come about.
    #[must_use]
    pub fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
