//! How long the month's view takes over a ledger of a million lines, and the month's bill (`make bench`).

use chrono::{Datelike as _, Days, Utc};
use quire_engine::{
    budget::{self, Account, Held, Line, Month, Tokens},
    store::{BatchId, CourseId, JobId, NanoUsd, World},
};
use quire_tests::{
    bench::{self, say, tell},
    school::{Database, Options, School},
};
use std::time::{Duration, Instant};

/// Half of them reserve money and half settle it.
const LINES: usize = 1_000_000;
const COURSES: usize = 200;
const MODELS: [&str; 3] = ["gpt-6-luna", "gpt-6.1-terra", "gpt-6.1-sol"];
const CHUNK: usize = 5_000;
const LOOKS: usize = 9;

fn main() -> anyhow::Result<()> {
    bench::run(async {
        let options = Options { workers: false, ..Options::default() };
        let school = School::open_with(Database::Sqlite, options.with("log.level", "warn")).await;
        let begin = Instant::now();
        fill(&school).await?;
        let filled = begin.elapsed();
        let admin = school.api("admin");
        let mut looks = Vec::new();
        for _ in 0..LOOKS {
            let begin = Instant::now();
            let answer = admin.get("/api/v1/budgets").await.expect(200).json;
            looks.push(begin.elapsed());
            anyhow::ensure!(answer["standings"][0]["spent_nano_usd"] != 0, "the month has its spend");
        }
        looks.sort_unstable();
        let view = looks[LOOKS / 2];
        let month = Month::of(Utc::now().date_naive());
        let begin = Instant::now();
        let bill = admin.get(&format!("/api/v1/billing/{month}")).await.expect(200).text;
        let billed = begin.elapsed();
        say(&format!("{LINES} lines of the ledger, {COURSES} courses, {} models; SQLite", MODELS.len()));
        say("| | |");
        say("| --- | ---: |");
        say(&format!(
            "| lines written per second, {CHUNK} in a transaction | {:.0} |",
            LINES as f64 / filled.as_secs_f64()
        ));
        say(&format!(
            "| the month's view by the API, median of {LOOKS} | {:.1} ms |",
            view.as_secs_f64() * 1e3
        ));
        say(&format!(
            "| the month's bill by the API, {} rows | {:.1} s |",
            bill.lines().count() - 1,
            billed.as_secs_f64()
        ));
        tell(&[("the month's view under 100 ms", view < Duration::from_millis(100))]);
        school.close().await;
        Ok(())
    })
}

/// Writes lines over the days of this month so far.
async fn fill(school: &School) -> anyhow::Result<()> {
    let world = World::system();
    let courses: Vec<CourseId> = (0..COURSES).map(|_| world.id()).collect();
    let today = Utc::now().date_naive();
    let days = u64::from(today.day());
    let db = school.db();
    for chunk in 0..LINES / CHUNK {
        let mut lines = Vec::with_capacity(CHUNK);
        for n in chunk * CHUNK / 2..(chunk + 1) * CHUNK / 2 {
            let account = Account {
                job_id: world.id::<JobId>(),
                provider: "openai".to_owned(),
                model: MODELS[n % MODELS.len()].to_owned(),
                course_id: courses[n % COURSES],
                cost_centre: format!("centre-{}", n % COURSES % 20),
            };
            let cost = NanoUsd(200_000 + i64::try_from(n % 1_000)?);
            let held = Held { reserved: cost, expected: cost };
            let reserve = Line::reserve(&world, chrono_tz::Tz::UTC, account.clone(), held);
            let settle = Line::settle(&world, chrono_tz::Tz::UTC, account, held, cost);
            let day = today - Days::new((chunk as u64) % days);
            let tokens = Tokens { input_tokens: 1_600, output_tokens: 400, ..Tokens::default() };
            lines.push(Line { day, ..reserve });
            lines.push(Line { day, tokens, batch_id: Some(world.id::<BatchId>()), ..settle });
        }
        let mut tx = db.begin().await?;
        budget::record(&mut tx, &lines).await?;
        tx.commit().await?;
    }
    Ok(())
}
