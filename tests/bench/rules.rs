//! How long a decision takes with 50 rules, and a replay of 100,000 past submissions (`make bench`).

use anyhow::Context;
use criterion::Criterion;
use quire_engine::{
    routing::{Action, Facts, Rule, RuleSet, Way, decide, seeded, testing},
    store::NanoUsd,
};
use quire_tests::{
    bench::{self, say, tell},
    school::{Database, Options, School},
};
use serde_json::json;
use std::{
    hint::black_box,
    time::{Duration, Instant},
};

/// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const RULES: usize = 50;
const PAST: usize = 100_000;
const WORDS: usize = 30;

/// Conditions that look at every kind of fact; none holds for [`facts`].
const CONDITIONS: [&str; 8] = [
    r#"urgency == "high" && student.tier == "premium""#,
    "budget.used > 0.8 || budget.left_usd != null && budget.left_usd < 5",
    "clock.peak && submission.words > 4000",
    r#"assignment.type in ["practice", "draft", "formative"] && assignment.course.startsWith("M")"#,
    "assignment.minutes_to_deadline != null && assignment.minutes_to_deadline < 120",
    "submission.code > 0.3 || submission.formulas >= 5",
    "providers.up < providers.all && load.waiting > 5000",
    "cost.saved_usd > 0.01 && cost.affordable",
];

fn main() -> anyhow::Result<()> {
    let decided = deciding()?;
    bench::run(async move {
        let (replayed, took) = replaying().await?;
        say("| | |");
        say("| --- | ---: |");
        say(&format!("| one decision, {RULES} rules | {:.1} µs |", decided.as_secs_f64() * 1e6));
        say(&format!("| a replay of {replayed} submissions | {:.2} s |", took.as_secs_f64()));
        tell(&[
            ("a decision with 50 rules under 50 µs", decided < Duration::from_micros(50)),
            ("a replay of 100,000 under 5 s", replayed >= PAST && took < Duration::from_secs(5)),
        ]);
        Ok(())
    })
}

/// The mean time of a decision for which all rules but the last are asked in vain.
fn deciding() -> anyhow::Result<Duration> {
    let rule = |n: usize, condition: &str| Rule {
        name: format!("rule_{n}"),
        title: format!("Rule {n}"),
        condition: condition.to_owned(),
        action: Action::of(Way::PreferBatch),
        priority: i64::try_from(n).unwrap_or(i64::MAX),
        enabled: true,
    };
    let rules = (0..RULES).map(|n| match n + 1 {
        RULES => rule(n, "submission.words > 10"),
        _ => rule(n, CONDITIONS[n % CONDITIONS.len()]),
    });
    let rules = RuleSet::compile(1, rules.collect())?;
    let facts = facts();
    let decision = decide(&rules, facts.clone())?;
    anyhow::ensure!(
        decision.rule.as_deref() == Some("rule_49"),
        "another rule applied: {}",
        decision.reasoning
    );
    let (mut all, mut times) = (Duration::ZERO, 0);
    Criterion::default().configure_from_args().bench_function("decide/50 rules", |b| {
        b.iter_custom(|count| {
            let begin = Instant::now();
            for _ in 0..count {
                let _ = black_box(decide(black_box(&rules), black_box(facts.clone())));
            }
            let took = begin.elapsed();
            all += took;
            times += count;
            took
        });
    });
    anyhow::ensure!(times > 0, "nothing was measured");
    Ok(Duration::from_secs_f64(all.as_secs_f64() / times as f64))
}

/// Facts of which none is missing, with three providers to choose from.
fn facts() -> Facts {
    let mut facts = testing::facts();
    facts.assignment.minutes_to_deadline = Some(6_000);
    facts.budget.left = Some(NanoUsd(100_000_000_000));
    facts.providers = [("anthropic", 2_000), ("gemini", 900), ("openai", 1_000)]
        .map(|(name, cost)| testing::provider(name, cost))
        .to_vec();
    facts
}

/// A replay by the API over work that was handed in; answers how many submissions it went over.
async fn replaying() -> anyhow::Result<(usize, Duration)> {
    let options = Options { workers: false, ..Options::default() };
    let school = School::open_with(Database::Sqlite, options.with("log.level", "warn")).await;
    bench::hand_in(&school, PAST, WORDS).await?;
    let mut rules = seeded();
    rules[1].condition = "budget.used > 0.5".to_owned();
    rules.push(Rule {
        name: "short".to_owned(),
        title: "Short work at once".to_owned(),
        condition: "submission.words < 20".to_owned(),
        action: Action::of(Way::Realtime),
        priority: 9,
        enabled: true,
    });
    let admin = school.api("admin");
    let begin = Instant::now();
    let answer =
        admin.post("/api/v1/rules/replay", &json!({"rules": rules, "days": 30})).await.expect(200).json;
    let took = begin.elapsed();
    let replayed = answer["replayed"].as_u64().context("a number of submissions")?;
    school.close().await;
    Ok((usize::try_from(replayed)?, took))
}
