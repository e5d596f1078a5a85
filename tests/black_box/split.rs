//! A batch that is larger than its provider takes is split, and its jobs are marked all the same (SPEC 6.2).

use quire_tests::{
    essays::essay,
    on_both,
    school::{Database, Options, School},
};
use serde_json::Value;
use std::time::Duration;

on_both!(
    too_many_requests_for_openai,
    too_many_bytes_for_anthropic,
    more_tokens_than_openai_says_may_be_enqueued,
    a_job_alone_that_is_too_large_becomes_a_dead_letter
);

const PATIENCE: Duration = Duration::from_secs(120);
const ESSAYS: u64 = 8;

/// A school with one provider that gathers all work of the test for one batch.
fn options(provider: &'static str) -> Options {
    Options { providers: vec![provider], ..Options::default() }
        .with("lanes.standard.gather_seconds", "4")
        .with("batching.split_delay_seconds", "1")
}

/// Hands work in, waits until it is marked, and gives all batches.
async fn marked(school: &School) -> Vec<Value> {
    let api = school.api("berg");
    // At once: a slow machine would cut before the last is there.
    let ids = futures::future::join_all((0..ESSAYS).map(async |n| {
        let student = format!("student{n}@example.edu");
        let answer = api.hand_in_for(&student, school.assignment("essay"), &essay(n, 200), None).await;
        answer.expect(201).string("tracking_id")
    }));
    for id in &ids.await {
        school.wait_for(id, &["completed"], PATIENCE).await;
    }
    school.wait_until_idle(PATIENCE).await;
    let proof = school.prove().await;
    let all = usize::try_from(ESSAYS).unwrap();
    assert_eq!((proof.assessed, proof.ended_otherwise, proof.in_batches), (all, 0, all), "{proof:?}");
    let failures = "SELECT count(*) FROM model_jobs WHERE failures > 0 OR attempt > 0";
    assert_eq!(school.count(failures).await, 0, "a split uses up no attempt");
    let list = school.api("admin").get("/api/v1/batches").await.expect(200).json;
    list["items"].as_array().unwrap().clone()
}

/// Parts bear the name of the batch that they were split from, and nothing else was given up.
fn check(batches: &[Value]) {
    let parts: Vec<&Value> = batches.iter().filter(|b| !b["parent"].is_null()).collect();
    assert!(parts.len() > 1, "{batches:#?}");
    for part in &parts {
        let name = part["name"].as_str().unwrap();
        let (parent, number) = name.split_once("_split_").unwrap();
        assert_eq!(parent, part["parent"].as_str().unwrap());
        assert!(number.parse::<u32>().unwrap() > 0);
    }
    for failed in batches.iter().filter(|b| b["state"] == "failed") {
        assert!(failed["parts"].as_i64().unwrap_or(0) > 1, "{failed}");
    }
}

async fn too_many_requests_for_openai(database: Database) {
    let mut options = options("openai");
    options.simulator.openai_max_requests = 3;
    let school = School::open_with(database, options).await;
    let batches = marked(&school).await;
    check(&batches);
    assert!(
        batches.iter().all(|b| b["state"] == "failed" || b["jobs"].as_i64().unwrap() <= 3),
        "{batches:#?}"
    );
    // Staff see the parts and where they came from.
    let split = batches.iter().find(|b| b["parts"].as_i64().is_some()).unwrap()["id"].as_str().unwrap();
    let detail = school.api("admin").get(&format!("/api/v1/batches/{split}")).await.expect(200).json;
    let parts = detail["part_ids"].as_array().unwrap().clone();
    assert!(parts.len() > 1 && detail["candidates"].as_array().unwrap().len() == 4, "{detail:#}");
    let mut admin = school.signed_in("admin").await;
    let page = admin.open(&format!("/admin/batches/{split}")).await.expect(200);
    assert!(
        page.words().contains("Split into parts") && page.words().contains("_split_2"),
        "{}",
        page.words()
    );
    let part = parts[1].as_str().unwrap();
    let page = admin.open(&format!("/admin/batches/{part}")).await.expect(200);
    assert!(page.answer.text.contains(&format!("/admin/batches/{split}")), "{}", page.words());
    school.close().await;
}

async fn too_many_bytes_for_anthropic(database: Database) {
    let mut options = options("anthropic");
    // Too little for four, which a slow machine may cut where eight are waited for.
    options.simulator.anthropic_max_bytes = 20_000;
    let school = School::open_with(database, options).await;
    check(&marked(&school).await);
    school.close().await;
}

async fn more_tokens_than_openai_says_may_be_enqueued(database: Database) {
    let mut options = options("openai");
    // Too little for three.
    options.simulator.enqueued_token_limit = Some(2_000);
    let school = School::open_with(database, options).await;
    let batches = marked(&school).await;
    check(&batches);
    let named = school.count("SELECT count(*) FROM batches WHERE named_limit = 2000").await;
    assert!(named > 0, "{batches:#?}");
    school.close().await;
}

async fn a_job_alone_that_is_too_large_becomes_a_dead_letter(database: Database) {
    let mut options = options("anthropic");
    options.simulator.anthropic_max_bytes = 1_000;
    let school = School::open_with(database, options).await;
    let mut ids = Vec::new();
    for n in 0..2 {
        let student = format!("student{n}@example.edu");
        let answer =
            school.api("berg").hand_in_for(&student, school.assignment("essay"), &essay(n, 200), None).await;
        ids.push(answer.expect(201).string("tracking_id"));
    }
    for id in &ids {
        school.wait_for(id, &["needs_attention"], PATIENCE).await;
    }
    let letters = school.api("admin").get("/api/v1/dead-letters").await.expect(200).json;
    let causes: Vec<&str> =
        letters["items"].as_array().unwrap().iter().map(|l| l["cause"].as_str().unwrap()).collect();
    assert_eq!(causes, ["too_large", "too_large"]);
    assert_eq!(school.prove().await.ended_otherwise, 2);
    school.close().await;
}
