//! How the places of those who wait, the writing of batches and the taking in of results grow from 1,000 to 100,000 jobs
//! on SQLite (`make bench`).

use anyhow::{Context, bail};
use chrono::{DateTime, Utc};
use quire_engine::{
    engine::{Engine, Parts},
    notice::Mailer,
    provider::{MasterKey, Registry},
    queue,
    settings::Settings,
    store::{Exec as _, World},
    webhook::Webhook,
};
use quire_tests::{
    bench::{self, Worker, mib, say, tell},
    school::{Database, Options, School},
};
use std::time::{Duration, Instant};

const SIZES: [usize; 3] = [1_000, 10_000, 100_000];
const WORDS: usize = 120;
const LOOKS: usize = 5;
const PATIENCE: Duration = Duration::from_secs(300);

fn main() -> anyhow::Result<()> {
    bench::run(measure())
}

async fn measure() -> anyhow::Result<()> {
    say(&format!("Jobs of {WORDS} words at one provider, SQLite (WAL, FULL), one worker"));
    say("| jobs | places (ms) | estimates (ms) | batches | written and sent (MB/s) | growth (MiB) \
         | results taken in (1/s) | growth (MiB) |");
    say("| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    let mut last = None;
    for jobs in SIZES {
        let round = round(jobs).await?;
        let ms = |took: Duration| took.as_secs_f64() * 1e3;
        say(&format!(
            "| {jobs} | {:.1} | {:.1} | {} | {:.0} | {:.0} | {:.0} | {:.0} |",
            ms(round.places),
            ms(round.estimates),
            round.batches,
            round.bytes as f64 / 1e6 / round.sent.as_secs_f64(),
            mib(round.growth.0),
            jobs as f64 / round.taken_in.as_secs_f64(),
            mib(round.growth.1),
        ));
        last = Some(round.places + round.estimates);
    }
    let quick = last.is_some_and(|took| took < Duration::from_millis(200));
    tell(&[("places and estimates of 100,000 under 200 ms", quick)]);
    Ok(())
}

/// One measurement.
struct Round {
    /// Places of all jobs, from the database.
    places: Duration,
    /// Estimates of all jobs.
    estimates: Duration,
    batches: i64,
    bytes: u64,
    sent: Duration,
    taken_in: Duration,
    /// Of the worker's memory, while it sent and while it took in.
    growth: (u64, u64),
}

async fn round(jobs: usize) -> anyhow::Result<Round> {
    let simulator = quire_simulator::Settings { hold: true, ..quire_simulator::Settings::instant() };
    let options = Options {
        simulator,
        jobs: (1, 50_000),
        workers: false,
        providers: vec!["openai"],
        timeouts: (60, 120),
        ..Options::default()
    };
    let mut school = School::open_with(Database::Sqlite, options.with("log.level", "warn")).await;
    bench::hand_in(&school, jobs, WORDS).await?;
    school.kill();
    bench::give_first_feedback(&school).await?;
    let (places, estimates) = looked_at(&school, jobs).await?;
    let mut worker = Worker::start(&school)?;
    worker.watch()?;
    let sent = "SELECT coalesce(sum(jobs), 0) FROM batches WHERE state = 'sent'";
    wait(&school, sent, jobs).await.with_context(|| worker.said())?;
    let sending = worker.growth()?;
    worker.watch()?;
    school.control(&serde_json::json!({"hold": false})).await;
    let done = "SELECT coalesce(sum(jobs), 0) FROM batches WHERE state = 'done'";
    wait(&school, done, jobs).await.with_context(|| worker.said())?;
    let taking_in = worker.growth()?;
    drop(worker);
    let rows: Vec<(String, [DateTime<Utc>; 4])> = school
        .db()
        .query("SELECT input_id, created_at, sent_at, ended_at, finished_at FROM batches")
        .all::<(String, DateTime<Utc>, DateTime<Utc>, DateTime<Utc>, DateTime<Utc>)>()
        .await?
        .into_iter()
        .map(|(input, created, sent, ended, finished)| (input, [created, sent, ended, finished]))
        .collect();
    let mut bytes = 0;
    for (input, _) in &rows {
        bytes += bench::size(&school, input).await?;
    }
    let span = |from: usize, to: usize| -> anyhow::Result<Duration> {
        let begin = rows.iter().map(|(_, at)| at[from]).min().context("there are batches")?;
        let end = rows.iter().map(|(_, at)| at[to]).max().context("there are batches")?;
        Ok((end - begin).to_std()?)
    };
    let round = Round {
        places,
        estimates,
        batches: i64::try_from(rows.len())?,
        bytes,
        sent: span(0, 1)?,
        taken_in: span(2, 3)?,
        growth: (sending, taking_in),
    };
    let proof = school.prove().await;
    if proof.assessed != jobs {
        bail!("{} of {jobs} were marked", proof.assessed);
    }
    school.close().await;
    Ok(round)
}

/// The median times that it takes to find the places and then the estimates of all that wait, by an engine of our own on
/// the school's database.
async fn looked_at(school: &School, jobs: usize) -> anyhow::Result<(Duration, Duration)> {
    let world = World::system();
    let (master, _) = MasterKey::load_or_create(&school.path("data/master.key"), &world)?;
    let parts = Parts {
        db: school.db(),
        world,
        settings: Settings::default(),
        registry: Registry::new(master, chrono_tz::Tz::UTC),
        mailer: Mailer::off(),
        webhook: Webhook::off(),
    };
    let engine = Engine::new(parts).await?;
    let far = engine.now() + chrono::TimeDelta::days(1);
    let all =
        queue::store::ready(&mut engine.db(), "openai", "gpt-6-luna", far, i64::try_from(jobs)?).await?;
    if all.len() != jobs {
        bail!("{} of {jobs} wait", all.len());
    }
    let (mut places, mut estimates) = (Vec::new(), Vec::new());
    for _ in 0..LOOKS {
        let begin = Instant::now();
        engine.refresh_snapshot().await?;
        places.push(begin.elapsed());
        let (begin, now) = (Instant::now(), engine.now());
        let late = all.iter().filter(|job| engine.promise(job, now).estimate.to < now).count();
        estimates.push(begin.elapsed());
        if late > 0 {
            bail!("{late} estimates lie in the past");
        }
    }
    places.sort_unstable();
    estimates.sort_unstable();
    Ok((places[LOOKS / 2], estimates[LOOKS / 2]))
}

/// Waits until a count of jobs is complete.
async fn wait(school: &School, count: &str, jobs: usize) -> anyhow::Result<()> {
    let begin = Instant::now();
    loop {
        let (there,): (i64,) = school.db().query(count.to_owned()).one().await?;
        if usize::try_from(there)? == jobs {
            return Ok(());
        }
        if begin.elapsed() > PATIENCE {
            bail!("{there} of {jobs} after {PATIENCE:?}: {count}");
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
