//! How fast one OpenAI file is written and uploaded that is filled to its limit, and what memory that takes; beside it the
//! same bytes uploaded bare (`make bench`).

use anyhow::{Context, bail};
use bytes::Bytes;
use futures::StreamExt as _;
use quire_engine::store::Exec as _;
use quire_tests::{
    bench::{self, Worker, mib, say, tell},
    school::{Database, Options, School},
};
use std::time::{Duration, Instant};
use tokio::io::AsyncReadExt as _;

/// A little more than fits into 200 MB, so that the file is full and hardly anything is sent beside it.
const JOBS: usize = 17_400;
/// Bytes that a full file has at the least; its size is reckoned from above before it is written.
const FULL: u64 = 180_000_000;
const WORDS: usize = 250;
/// Words of the guidelines: with them the stable part of the prompt has more than 1,024 tokens.
const GUIDELINES: usize = 900;
const PATIENCE: Duration = Duration::from_secs(180);

fn main() -> anyhow::Result<()> {
    bench::run(measure())
}

async fn measure() -> anyhow::Result<()> {
    let simulator = quire_simulator::Settings { hold: true, ..quire_simulator::Settings::instant() };
    let options = Options {
        simulator,
        jobs: (17_000, 50_000),
        workers: false,
        providers: vec!["openai"],
        guidelines: GUIDELINES,
        timeouts: (60, 120),
        ..Options::default()
    };
    let mut school = School::open_with(Database::Sqlite, options.with("log.level", "warn")).await;
    bench::hand_in(&school, JOBS, WORDS).await?;
    school.kill();
    bench::give_first_feedback(&school).await?;
    let mut worker = Worker::start(&school)?;
    let outcome = sent(&school, &mut worker).await;
    let (took, growth, bytes, jobs, input) = outcome.with_context(|| worker.said())?;
    drop(worker);
    if bytes < FULL {
        bail!("the file has {bytes} bytes and is not full; let more be handed in");
    }
    let bare = bare(&school, &input).await?;
    let rate = |took: Duration| bytes as f64 / 1e6 / took.as_secs_f64();
    let ratio = rate(took) / rate(bare);
    say(&format!(
        "One file of {:.0} MB, {jobs} requests, written and uploaded from SQLite",
        bytes as f64 / 1e6
    ));
    say("| | MB per second | ratio | memory growth (MiB) |");
    say("| --- | ---: | ---: | ---: |");
    let growth = mib(growth);
    say(&format!("| Quire | {:.0} | {ratio:.2} | {growth:.0} |", rate(took)));
    say(&format!("| the same bytes, bare | {:.0} | | |", rate(bare)));
    tell(&[
        ("50 MB per second", rate(took) >= 50.0),
        ("0.3 of bare", ratio >= 0.3),
        ("memory growth at most 64 MiB", growth <= 64.0),
    ]);
    school.close().await;
    Ok(())
}

/// Waits until the first, full batch is sent. Answers the time since it was written down, the worker's growth of memory,
/// the bytes of the file, its requests, and its id.
async fn sent(school: &School, worker: &mut Worker) -> anyhow::Result<(Duration, u64, u64, i64, String)> {
    let begin = Instant::now();
    let mut cut: Option<Instant> = None;
    loop {
        let rows: Vec<(Option<String>, i64, bool)> = school
            .db()
            .query("SELECT input_id, jobs, remote_id IS NOT NULL FROM batches ORDER BY bytes DESC LIMIT 1")
            .all()
            .await?;
        if let Some((input, jobs, sent)) = rows.into_iter().next() {
            let since = match cut {
                Some(since) => since,
                None => {
                    worker.watch()?;
                    *cut.insert(Instant::now())
                }
            };
            if let (Some(input), true) = (input, sent) {
                return Ok((
                    since.elapsed(),
                    worker.growth()?,
                    bench::size(school, &input).await?,
                    jobs,
                    input,
                ));
            }
        }
        if begin.elapsed() > PATIENCE {
            bail!("the batch was not sent within {PATIENCE:?}");
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Uploads the same bytes from a file with nothing around it.
async fn bare(school: &School, file: &str) -> anyhow::Result<Duration> {
    let base = school.simulator.openai_url();
    let path = school.path("input.jsonl");
    let http = reqwest::Client::builder().no_proxy().build()?;
    let answer = http.get(format!("{base}/files/{file}/content")).bearer_auth("sk-tests").send().await?;
    let mut pieces = answer.error_for_status()?.bytes_stream();
    let mut copy = tokio::fs::File::create(&path).await?;
    while let Some(piece) = pieces.next().await {
        tokio::io::AsyncWriteExt::write_all(&mut copy, &piece?).await?;
    }
    tokio::io::AsyncWriteExt::flush(&mut copy).await?;
    let length = tokio::fs::metadata(&path).await?.len();
    let begin = Instant::now();
    let source = tokio::fs::File::open(&path).await?;
    let pieces = futures::stream::try_unfold(source, |mut source| async move {
        let mut piece = bytes::BytesMut::with_capacity(64 * 1024);
        let read = source.read_buf(&mut piece).await?;
        Ok::<_, std::io::Error>((read > 0).then(|| (Bytes::from(piece), source)))
    });
    let part = reqwest::multipart::Part::stream_with_length(reqwest::Body::wrap_stream(pieces), length)
        .file_name("bare.jsonl");
    let form = reqwest::multipart::Form::new().text("purpose", "batch").part("file", part);
    let answer = http.post(format!("{base}/files")).bearer_auth("sk-tests").multipart(form).send().await?;
    answer.error_for_status()?;
    Ok(begin.elapsed())
}
