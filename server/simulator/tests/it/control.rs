//! The simulator's own interface.

use quire_simulator::{Config, Settings};
use serde_json::{Value, json};

use crate::support::{Sim, batch_file, batch_requests, chat, read};

async fn refused(sim: &Sim, body: Value) -> String {
    let response = sim.http.post(sim.url("/simulator/control")).json(&body).send().await.unwrap();
    let (status, answer) = read(response).await;
    assert_eq!(status, 400, "{answer}");
    answer["error"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn settings_change_in_part_and_go_back() {
    let sim = Sim::start().await;
    let shown = sim.control(json!({"latency_ms": 5, "faults": {"html": 0.25, "refusal": 0.5}})).await;
    assert_eq!(shown["settings"]["latency_ms"], 5);
    let shown = sim.control(json!({"faults": {"html": 0}})).await;
    assert_eq!(shown["settings"]["faults"], json!({"html": 0.0, "refusal": 0.5}), "the others stay");
    assert_eq!(shown["settings"]["latency_ms"], 5);
    let shown = sim.control(json!({"reset": true, "turnaround_seconds": 3})).await;
    let expected = Settings { turnaround_seconds: 3.0, ..Settings::instant() };
    assert_eq!(shown["settings"], serde_json::to_value(expected).unwrap());
    let (_, got) = read(sim.http.get(sim.url("/simulator/control")).send().await.unwrap()).await;
    assert_eq!(got["settings"], shown["settings"]);
    assert_eq!(got["manual_clock"], false);
}

#[tokio::test]
async fn what_is_wrong_is_named_and_nothing_is_changed() {
    let sim = Sim::start().await;
    for (body, part) in [
        (json!({"turnaround": 1}), "turnaround_seconds"),
        (json!({"turnaround_seconds": -1}), "turnaround_seconds"),
        (json!({"latency_ms": "x"}), "invalid type"),
        (json!({"faults": {"rain": 0.5}}), "rain"),
        (json!({"faults": {"html": 2}}), "faults.html"),
        (json!({"script": [{"fault": "html", "call": "openai.nothing"}]}), "script[0]"),
        (json!({"script": [{"fault": "html", "time": 1}]}), "time"),
        (json!({"advance_seconds": 1}), "--manual-clock"),
        (json!({"batches": [{"id": "batch_none", "action": "hold"}]}), "batch_none"),
        (json!({"batches": [{"id": "x", "action": "burn"}]}), "burn"),
        (json!({"latency_ms": 9, "turnaround_spread": 7}), "turnaround_spread"),
    ] {
        let message = refused(&sim, body.clone()).await;
        assert!(message.contains(part), "{body}: {message}");
    }
    let (_, got) = read(sim.http.get(sim.url("/simulator/control")).send().await.unwrap()).await;
    assert_eq!(got["settings"], serde_json::to_value(Settings::instant()).unwrap());
}

#[tokio::test]
async fn a_manual_clock_moves_batches_when_told() {
    let mut config = Config { manual_clock: true, ..Config::instant() };
    config.settings.turnaround_seconds = 100.0;
    config.settings.turnaround_spread = 0.0;
    let sim = Sim::with(config).await;
    let id = sim.openai_batch(batch_file(10)).await;
    assert_eq!(sim.openai_get(&id).await["status"], "validating");
    sim.control(json!({"advance_seconds": 6})).await;
    let batch = sim.openai_until(&id, |batch| batch["status"] == "in_progress").await;
    assert_eq!(batch["in_progress_at"].as_i64().unwrap() - batch["created_at"].as_i64().unwrap(), 6);
    sim.control(json!({"advance_seconds": 45})).await;
    sim.openai_until(&id, |batch| batch["request_counts"]["completed"] == 5).await;
    sim.control(json!({"advance_seconds": 45})).await;
    let batch = sim.openai_until(&id, |batch| batch["status"] == "finalizing").await;
    assert_eq!(batch["request_counts"]["completed"], 10);
    assert_eq!(batch["output_file_id"], Value::Null, "no file until the end");
    sim.control(json!({"advance_seconds": 5})).await;
    let batch = sim.openai_ended(&id).await;
    assert_eq!(batch["completed_at"].as_i64().unwrap() - batch["created_at"].as_i64().unwrap(), 101);
}

#[tokio::test]
async fn batches_expire_and_files_and_results_do_too() {
    let config = Config { manual_clock: true, ..Config::instant() };
    let sim = Sim::with(config).await;
    sim.control(json!({"hold_after": 3})).await;
    let openai = sim.openai_batch(batch_file(5)).await;
    let anthropic = sim.anthropic_batch(&batch_requests(5)).await;
    sim.openai_until(&openai, |batch| batch["request_counts"]["completed"] == 3).await;
    sim.control(json!({"advance_seconds": 86_400})).await;
    let batch = sim.openai_ended(&openai).await;
    assert_eq!(batch["status"], "expired");
    assert_eq!(batch["request_counts"], json!({"total": 5, "completed": 3, "failed": 0}));
    assert_eq!(sim.lines(&batch["output_file_id"]).await.len(), 3);
    let left = sim.lines(&batch["error_file_id"]).await;
    assert!(left.len() == 2 && left.iter().all(|line| line["error"]["code"] == "batch_expired"));
    let ended = sim.anthropic_ended(&anthropic).await;
    assert_eq!(ended["request_counts"]["expired"], 2);

    sim.control(json!({"advance_seconds": 29 * 86_400})).await;
    let archived = sim.anthropic_get(&anthropic).await;
    assert!(archived["archived_at"].is_string() && archived["results_url"].is_null());
    let results =
        sim.anthropic("GET", &format!("/messages/batches/{anthropic}/results")).send().await.unwrap();
    assert_eq!(results.status(), 404);
    sim.control(json!({"advance_seconds": 2 * 86_400})).await;
    let file = batch["output_file_id"].as_str().unwrap();
    assert_eq!(sim.openai("GET", &format!("/files/{file}/content")).send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn single_batches_are_held_released_expired_and_cancelled() {
    let sim = Sim::settings(|s| s.hold = true).await;
    let one = sim.openai_batch(batch_file(2)).await;
    let two = sim.openai_batch(batch_file(2)).await;
    let three = sim.anthropic_batch(&batch_requests(2)).await;
    let hold = json!({"id": one, "action": "hold"});
    let shown =
        sim.control(json!({"hold": false, "batches": [hold, {"id": three, "action": "cancel"}]})).await;
    assert!(shown["open_batches"].as_array().unwrap().iter().any(|batch| batch["id"] == one.as_str()));
    assert_eq!(sim.openai_ended(&two).await["status"], "completed");
    let ended = sim.anthropic_ended(&three).await;
    assert_eq!(
        ended["request_counts"]["canceled"].as_i64().unwrap()
            + ended["request_counts"]["succeeded"].as_i64().unwrap(),
        2
    );
    assert_eq!(sim.openai_get(&one).await["status"], "validating");
    sim.control(json!({"hold_after": 1, "batches": [{"id": one, "action": "release"}]})).await;
    sim.openai_until(&one, |batch| batch["request_counts"]["completed"] == 1).await;
    sim.control(json!({"batches": [{"id": one, "action": "expire"}]})).await;
    let batch = sim.openai_ended(&one).await;
    assert_eq!((&batch["status"], &batch["request_counts"]["completed"]), (&json!("expired"), &json!(1)));
    assert!(
        refused(&sim, json!({"batches": [{"id": one, "action": "expire"}]})).await.contains("already ended")
    );
}

#[tokio::test]
async fn requests_a_minute_are_limited() {
    let sim = Sim::settings(|s| s.requests_per_minute = Some(2)).await;
    for _ in 0..2 {
        assert_eq!(sim.openai("GET", "/models").send().await.unwrap().status(), 200);
    }
    let refused = sim.openai("GET", "/models").send().await.unwrap();
    assert_eq!(refused.status(), 429);
    assert_eq!(refused.headers()["x-ratelimit-remaining-requests"], "0");
    let wait: u64 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait));
    assert_eq!(
        sim.anthropic("GET", "/models").send().await.unwrap().status(),
        200,
        "each provider has its own"
    );
}

#[tokio::test]
async fn the_ledger_is_shown_whole_and_summed_up() {
    let sim = Sim::start().await;
    assert_eq!(sim.ledger().await, []);
    let id = sim.openai_batch(batch_file(1_203)).await;
    sim.openai_ended(&id).await;
    sim.openai("POST", "/chat/completions").json(&chat(0)).send().await.unwrap();
    let ledger = sim.ledger().await;
    assert_eq!(ledger.len(), 1_204);
    let (_, summary) = read(sim.http.get(sim.url("/simulator/ledger/summary")).send().await.unwrap()).await;
    assert_eq!(summary["lines"], 1_204);
    assert_eq!((&summary["batch_lines"], &summary["realtime_lines"]), (&json!(1_203), &json!(1)));
    assert_eq!(summary["usable_lines"], 1_204);
    assert_eq!(summary["custom_ids_answered_twice"], 0);
    assert_eq!(summary["price_nano_usd"], ledger.iter().map(|line| line.price_nano_usd).sum::<i64>());
    let digest = |n: usize| {
        let id = format!("r{n}");
        ledger.iter().find(|line| line.custom_id.as_deref() == Some(&id)).unwrap().prompt_digest.clone()
    };
    let live = ledger.iter().find(|line| line.batch_id.is_none()).unwrap();
    assert_eq!(live.prompt_digest, digest(0), "the same prompt has the same digest, however it is sent");
    assert_ne!(digest(1), digest(0));
    sim.openai_ended(&sim.openai_batch(batch_file(1)).await).await;
    let (_, summary) = read(sim.http.get(sim.url("/simulator/ledger/summary")).send().await.unwrap()).await;
    assert_eq!(summary["custom_ids_answered_twice"], 1);
}

#[tokio::test]
async fn the_router_works_without_a_connection() {
    use axum::{body::Body, http::Request};
    let sim = Sim::start().await;
    let request =
        Request::get("/openai/v1/models").header("authorization", "Bearer k").body(Body::empty()).unwrap();
    let response = tower_service(sim.running.router(), request).await;
    assert_eq!(response.status(), 200);
}

async fn tower_service(
    mut router: axum::Router,
    request: axum::http::Request<axum::body::Body>,
) -> axum::response::Response {
    use std::future::poll_fn;
    poll_fn(|cx| {
        <axum::Router as tower::Service<axum::http::Request<axum::body::Body>>>::poll_ready(&mut router, cx)
    })
    .await
    .unwrap();
    tower::Service::call(&mut router, request).await.unwrap()
}
