//! Every fault, as a caller meets it.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use quire_simulator::Fault;
use serde_json::{Value, json};

use crate::support::{Sim, all_ids, batch_file, batch_requests, chat, ids, message, read};

/// Lets a fault strike the next matching occasion.
async fn script(sim: &Sim, fault: &str, call: &str) {
    sim.control(json!({"script": [{"fault": fault, "call": call}]})).await;
}

#[tokio::test]
async fn refusals_have_the_providers_status_and_form() {
    let sim = Sim::settings(|s| s.retry_after_seconds = 7).await;
    for (fault, openai, anthropic, kind) in [
        ("rate_limit", 429, 429, "rate_limit_error"),
        ("quota_exhausted", 429, 402, "billing_error"),
        ("overloaded", 503, 529, "overloaded_error"),
        ("server_error", 500, 500, "api_error"),
        ("unauthorized", 401, 401, "authentication_error"),
    ] {
        script(&sim, fault, "openai.chat").await;
        let response = sim.openai("POST", "/chat/completions").json(&chat(0)).send().await.unwrap();
        assert_eq!(response.status(), openai, "{fault}");
        assert_eq!(response.headers().contains_key("retry-after"), fault == "rate_limit");
        let error = read(response).await.1["error"].clone();
        assert!(error["message"].is_string() && error["type"].is_string());
        if fault == "quota_exhausted" {
            assert_eq!(error["code"], "insufficient_quota");
        }

        script(&sim, fault, "anthropic.messages").await;
        let response = sim.anthropic("POST", "/messages").json(&message(0)).send().await.unwrap();
        assert_eq!(response.status(), anthropic, "{fault}");
        if fault == "rate_limit" {
            assert_eq!(response.headers()["retry-after"], "7");
        }
        assert_eq!(read(response).await.1["error"]["type"], kind);
    }
    assert!(sim.ledger().await.is_empty(), "a refused call costs nothing");
    let after = sim.openai("POST", "/chat/completions").json(&chat(0)).send().await.unwrap();
    assert_eq!(after.status(), 200, "a scripted fault is used up");
}

#[tokio::test]
async fn a_web_page_or_half_an_answer_is_no_json() {
    let sim = Sim::start().await;
    script(&sim, "html", "openai.batches.create").await;
    let file = sim.upload(batch_file(1)).await;
    let (status, page) = sim.create_batch(&file).await;
    assert_eq!(status, 200);
    assert!(page.as_str().unwrap().starts_with("<!doctype html>"));
    assert_eq!(
        sim.openai("GET", "/batches").send().await.unwrap().json::<Value>().await.unwrap()["data"],
        json!([])
    );

    script(&sim, "malformed_reply", "openai.chat").await;
    let response = sim.openai("POST", "/chat/completions").json(&chat(0)).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(serde_json::from_str::<Value>(&response.text().await.unwrap()).is_err());
    let ledger = sim.ledger().await;
    assert_eq!((ledger.len(), ledger[0].usable), (1, false), "paid for, but of no use");
}

#[tokio::test]
async fn a_connection_is_dropped_before_or_after_the_call_is_carried_out() {
    let sim = Sim::start().await;
    let file = sim.upload(batch_file(1)).await;
    let body = json!({"input_file_id": file, "endpoint": "/v1/chat/completions", "completion_window": "24h"});
    let made = async || {
        let list: Value = sim.openai("GET", "/batches").send().await.unwrap().json().await.unwrap();
        list["data"].as_array().unwrap().len()
    };
    script(&sim, "drop_before", "openai.batches.create").await;
    assert!(sim.openai("POST", "/batches").json(&body).send().await.is_err());
    assert_eq!(made().await, 0);
    script(&sim, "drop_after", "openai.batches.create").await;
    assert!(sim.openai("POST", "/batches").json(&body).send().await.is_err());
    assert_eq!(made().await, 1);

    script(&sim, "drop_after", "anthropic.batches.create").await;
    let create = sim.anthropic("POST", "/messages/batches").json(&json!({"requests": batch_requests(2)}));
    assert!(create.send().await.is_err());
    let list: Value = sim.anthropic("GET", "/messages/batches").send().await.unwrap().json().await.unwrap();
    assert_eq!(list["data"].as_array().unwrap().len(), 1);

    for (fault, paid) in [("drop_before", 0), ("drop_after", 1)] {
        script(&sim, fault, "anthropic.messages").await;
        assert!(sim.anthropic("POST", "/messages").json(&message(0)).send().await.is_err());
        let live: Vec<_> = sim.ledger().await.into_iter().filter(|line| line.batch_id.is_none()).collect();
        assert_eq!(live.len(), paid, "{fault}");
        assert!(live.iter().all(|line| !line.usable));
    }
}

#[tokio::test]
async fn a_call_stalls_before_or_after_it_is_carried_out() {
    let sim = Sim::settings(|s| s.stall_seconds = 0.2).await;
    for (fault, paid) in [("stall", 0), ("stall_after", 1)] {
        script(&sim, fault, "openai.chat").await;
        let begun = Instant::now();
        assert!(sim.openai("POST", "/chat/completions").json(&chat(0)).send().await.is_err());
        assert!(begun.elapsed() >= Duration::from_millis(200));
        let ledger = sim.ledger().await;
        assert_eq!(ledger.len(), paid);
        assert!(ledger.iter().all(|line| !line.usable));
    }
}

#[tokio::test]
async fn whoever_hangs_up_has_paid_all_the_same() {
    let sim = Sim::settings(|s| s.latency_ms = 300).await;
    let call = sim.openai("POST", "/chat/completions").json(&chat(0)).timeout(Duration::from_millis(100));
    assert!(call.send().await.is_err());
    for _ in 0..200 {
        if let [line] = sim.ledger().await.as_slice() {
            assert!(!line.usable);
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the call isn't in the ledger");
}

#[tokio::test]
async fn a_download_is_cut_at_some_byte_and_its_answers_stay_usable() {
    let sim = Sim::start().await;
    let openai = sim.openai_ended(&sim.openai_batch(batch_file(40)).await).await;
    let id = sim.anthropic_batch(&batch_requests(40)).await;
    sim.anthropic_ended(&id).await;
    let whole = |provider: &str| {
        let file = openai["output_file_id"].as_str().unwrap();
        match provider {
            "openai" => sim.openai("GET", &format!("/files/{file}/content")),
            _ => sim.anthropic("GET", &format!("/messages/batches/{id}/results")),
        }
    };
    for (provider, call) in [("openai", "openai.files.content"), ("anthropic", "anthropic.batches.results")] {
        let length = whole(provider).send().await.unwrap().text().await.unwrap().len();
        script(&sim, "cut_download", call).await;
        let mut response = whole(provider).send().await.unwrap();
        assert_eq!(response.status(), 200);
        let mut got = 0;
        let cut = loop {
            match response.chunk().await {
                Ok(Some(chunk)) => got += chunk.len(),
                Ok(None) => break false,
                Err(_) => break true,
            }
        };
        assert!(cut && got < length, "{got} of {length} bytes");
        assert_eq!(
            whole(provider).send().await.unwrap().text().await.unwrap().len(),
            length,
            "the next one is whole"
        );
    }
    assert!(sim.ledger().await.iter().all(|line| line.usable));
}

#[tokio::test]
async fn whole_batches_fail_and_end_before_their_time() {
    let sim = Sim::start().await;
    script(&sim, "bad_line", "openai").await;
    let batch = sim.openai_ended(&sim.openai_batch(batch_file(5)).await).await;
    assert_eq!(
        (&batch["status"], &batch["errors"]["data"][0]["code"]),
        (&json!("failed"), &json!("invalid_json_line"))
    );
    assert!((1..=5).contains(&batch["errors"]["data"][0]["line"].as_i64().unwrap()));
    script(&sim, "token_limit", "openai").await;
    let batch = sim.openai_ended(&sim.openai_batch(batch_file(5)).await).await;
    assert_eq!(batch["errors"]["data"][0]["code"], "token_limit_exceeded");
    script(&sim, "token_limit", "anthropic").await;
    assert_eq!(sim.anthropic_create(&batch_requests(2)).await.0, 429);

    for (fault, status, left) in
        [("batch_expired", "expired", "expired"), ("batch_cancelled", "cancelled", "canceled")]
    {
        script(&sim, fault, "openai").await;
        let batch = sim.openai_ended(&sim.openai_batch(batch_file(40)).await).await;
        assert_eq!(batch["status"], status);
        let done = sim.lines(&batch["output_file_id"]).await;
        let rest = sim.lines(&batch["error_file_id"]).await;
        assert!(!rest.is_empty() && done.len() < 40);
        assert_eq!(ids(&[done, rest].concat()), all_ids(40));

        script(&sim, fault, "anthropic").await;
        let id = sim.anthropic_batch(&batch_requests(40)).await;
        let batch = sim.anthropic_ended(&id).await;
        assert!(batch["request_counts"][left].as_i64().unwrap() > 0);
        assert_eq!(ids(&sim.results(&id).await), all_ids(40));
    }
    sim.control(json!({"list_unfinished": false, "script": [{"fault": "batch_expired"}]})).await;
    let batch = sim.openai_ended(&sim.openai_batch(batch_file(40)).await).await;
    assert_eq!(batch["error_file_id"], Value::Null, "some providers leave the rest out");
}

#[tokio::test]
async fn batches_are_stuck_late_or_strange() {
    let sim = Sim::settings(|s| s.expire_after_seconds = 0.3).await;
    script(&sim, "batch_stuck", "openai").await;
    let batch = sim.openai_ended(&sim.openai_batch(batch_file(3)).await).await;
    assert_eq!((&batch["status"], &batch["request_counts"]["completed"]), (&json!("expired"), &json!(0)));

    sim.control(json!({"expire_after_seconds": 600, "long_finalizing_seconds": 0.3,
        "script": [{"fault": "long_finalizing"}]}))
        .await;
    let id = sim.openai_batch(batch_file(3)).await;
    let begun = Instant::now();
    let batch = sim.openai_until(&id, |batch| batch["status"] == "finalizing").await;
    assert_eq!(batch["request_counts"]["completed"], 3, "all is done, and yet it goes on");
    assert_eq!(sim.openai_ended(&id).await["status"], "completed");
    assert!(begun.elapsed() > Duration::from_millis(250));

    sim.control(json!({"script": [{"fault": "empty_file_ids"}]})).await;
    let batch = sim.openai_ended(&sim.openai_batch(batch_file(3)).await).await;
    assert_eq!(batch["error_file_id"], "");

    sim.control(json!({"late_file_seconds": 0.3, "script": [{"fault": "late_file", "times": 2}]})).await;
    let batch = sim.openai_ended(&sim.openai_batch(batch_file(3)).await).await;
    let id = sim.anthropic_batch(&batch_requests(3)).await;
    sim.anthropic_ended(&id).await;
    let content = format!("/files/{}/content", batch["output_file_id"].as_str().unwrap());
    let results = format!("/messages/batches/{id}/results");
    assert_eq!(sim.anthropic("GET", &results).send().await.unwrap().status(), 404);
    tokio::time::sleep(Duration::from_millis(350)).await;
    assert_eq!(sim.openai("GET", &content).send().await.unwrap().status(), 200);
    assert_eq!(sim.anthropic("GET", &results).send().await.unwrap().status(), 200);
}

/// The text of a file, whatever its lines are.
async fn text(sim: &Sim, file: &Value) -> String {
    let id = file.as_str().unwrap();
    sim.openai("GET", &format!("/files/{id}/content")).send().await.unwrap().text().await.unwrap()
}

#[tokio::test]
async fn lines_are_missing_malformed_doubled_and_foreign() {
    let sim = Sim::start().await;
    let usable = async |id: &str| {
        let ledger = sim.ledger().await;
        let lines: Vec<_> = ledger.iter().filter(|line| line.batch_id.as_deref() == Some(id)).collect();
        assert_eq!(lines.len(), 10, "each request is paid for once");
        lines.iter().filter(|line| line.usable).count()
    };
    let run = async |fault: &str| {
        sim.control(json!({"script": [{"fault": fault, "times": 3}]})).await;
        let id = sim.openai_batch(batch_file(10)).await;
        let batch = sim.openai_ended(&id).await;
        assert_eq!(batch["request_counts"]["completed"], 10);
        let lines: Vec<String> =
            text(&sim, &batch["output_file_id"]).await.lines().map(str::to_owned).collect();
        let good: Vec<Value> = lines.iter().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let known: HashSet<String> = ids(&good).into_iter().filter(|id| all_ids(10).contains(id)).collect();
        (lines.len(), good.len(), known.len(), usable(&id).await)
    };
    assert_eq!(run("missing_line").await, (7, 7, 7, 7));
    assert_eq!(run("malformed_line").await, (10, 7, 7, 7));
    assert_eq!(run("duplicate_line").await, (13, 13, 10, 10));
    assert_eq!(run("unknown_id").await, (13, 13, 10, 10));

    sim.control(json!({"script": [
        {"fault": "missing_line"}, {"fault": "duplicate_line"}, {"fault": "unknown_id"}, {"fault": "malformed_line", "skip": 1},
    ]}))
    .await;
    let id = sim.anthropic_batch(&batch_requests(10)).await;
    let batch = sim.anthropic_ended(&id).await;
    assert_eq!(batch["request_counts"]["succeeded"], 10);
    let response = sim.anthropic("GET", &format!("/messages/batches/{id}/results")).send().await.unwrap();
    let lines = response.text().await.unwrap().lines().count();
    // One missing, one doubled, one foreign; the malformed one is still a line.
    assert_eq!(lines, 11);
    assert_eq!(usable(&id).await, 8);
}

#[tokio::test]
async fn requests_fail_on_their_lines_and_cost_nothing() {
    let sim = Sim::start().await;
    sim.control(
        json!({"script": [{"fault": "errored_line"}, {"fault": "line_timeout"}, {"fault": "status_zero"}]}),
    )
    .await;
    let batch = sim.openai_ended(&sim.openai_batch(batch_file(10)).await).await;
    assert_eq!(batch["request_counts"], json!({"total": 10, "completed": 7, "failed": 3}));
    let mut kinds: Vec<(Value, Value)> = sim
        .lines(&batch["error_file_id"])
        .await
        .iter()
        .map(|line| (line["response"]["status_code"].clone(), line["error"]["code"].clone()))
        .collect();
    kinds.sort_by_key(|kind| format!("{kind:?}"));
    assert!(kinds.contains(&(json!(400), json!(null))), "{kinds:?}");
    assert!(kinds.contains(&(json!(null), json!("request_timeout"))), "{kinds:?}");
    assert!(kinds.contains(&(json!(0), json!(null))), "{kinds:?}");
    assert_eq!(sim.ledger().await.len(), 7);

    sim.control(json!({"script": [{"fault": "errored_line"}, {"fault": "line_timeout"}]})).await;
    let id = sim.anthropic_batch(&batch_requests(5)).await;
    assert_eq!(sim.anthropic_ended(&id).await["request_counts"]["errored"], 2);
    let results = sim.results(&id).await;
    assert!(results.iter().any(|line| line["result"]["error"]["error"]["type"] == "timeout_error"));
}

#[tokio::test]
async fn answers_are_refused_cut_filtered_or_break_their_schema() {
    let sim = Sim::start().await;
    let openai = async |fault: &str| {
        script(&sim, fault, "openai").await;
        let response = sim.openai("POST", "/chat/completions").json(&chat(0)).send().await.unwrap();
        read(response).await.1["choices"][0].clone()
    };
    let anthropic = async |fault: &str| {
        script(&sim, fault, "anthropic").await;
        read(sim.anthropic("POST", "/messages").json(&message(0)).send().await.unwrap()).await.1
    };
    let refused = openai("refusal").await;
    assert!(refused["message"]["content"].is_null() && refused["message"]["refusal"].is_string());
    let refused = anthropic("refusal").await;
    assert_eq!(
        (&refused["stop_reason"], &refused["stop_details"]["type"]),
        (&json!("refusal"), &json!("refusal"))
    );
    let cut = openai("truncated").await;
    assert_eq!(cut["finish_reason"], "length");
    assert!(serde_json::from_str::<Value>(cut["message"]["content"].as_str().unwrap()).is_err());
    assert_eq!(anthropic("truncated").await["stop_reason"], "max_tokens");
    assert_eq!(openai("content_filter").await["finish_reason"], "content_filter");

    let marks = |choice: Value| serde_json::from_str::<Value>(choice["message"]["content"].as_str().unwrap());
    assert!(marks(openai("not_json").await).is_err());
    assert_eq!(
        marks(openai("missing_field").await).unwrap().as_object().unwrap().len(),
        2,
        "one of three is missing"
    );
    let level = marks(openai("wrong_level").await).unwrap()["criteria"]["ideas"]["level"].clone();
    assert!(!["l1", "l2", "l3", "l4", "l5", "l6"].contains(&level.as_str().unwrap()));

    let ledger = sim.ledger().await;
    assert_eq!(ledger.len(), 8, "such answers are paid for");
    assert!(ledger.iter().all(|line| !line.usable && line.price_nano_usd > 0));
}

#[tokio::test]
async fn chance_is_repeated_by_the_seed_and_hits_as_often_as_it_should() {
    let sim = Sim::settings(|s| {
        s.faults.insert(Fault::MissingLine, 0.2);
    })
    .await;
    let batch = sim.openai_ended(&sim.openai_batch(batch_file(500)).await).await;
    let lines = sim.lines(&batch["output_file_id"]).await.len();
    assert!((370..=430).contains(&lines), "{lines} of 500 lines at a probability of 0.2");
    let unusable = sim.ledger().await.iter().filter(|line| !line.usable).count();
    assert_eq!(unusable, 500 - lines);
}
