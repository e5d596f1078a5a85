//! Anthropic's interface.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::{Sim, all_ids, batch_requests, essay, ids, message, read, schema};

#[tokio::test]
async fn a_batch_goes_from_creation_to_results() {
    let sim = Sim::settings(|s| s.hold = true).await;
    let (status, created) = sim.anthropic_create(&batch_requests(30)).await;
    assert_eq!(status, 200);
    assert!(created["id"].as_str().unwrap().starts_with("msgbatch_"));
    assert_eq!(created["type"], "message_batch");
    assert_eq!(created["processing_status"], "in_progress");
    let waiting = json!({"processing": 30, "succeeded": 0, "errored": 0, "canceled": 0, "expired": 0});
    assert_eq!(created["request_counts"], waiting);
    assert_eq!(created["results_url"], Value::Null);
    let id = created["id"].as_str().unwrap();
    let early = sim.anthropic("GET", &format!("/messages/batches/{id}/results")).send().await.unwrap();
    assert_eq!(early.status(), 404);
    sim.control(json!({"hold": false})).await;

    let batch = sim.anthropic_ended(id).await;
    let ended = json!({"processing": 0, "succeeded": 30, "errored": 0, "canceled": 0, "expired": 0});
    assert_eq!(batch["request_counts"], ended);
    let url = format!("http://{}/anthropic/v1/messages/batches/{id}/results", sim.running.addr);
    assert_eq!(batch["results_url"], url);
    let results = sim.results(id).await;
    assert_eq!(ids(&results), all_ids(30));
    let ledger: BTreeMap<String, _> =
        sim.ledger().await.into_iter().map(|line| (line.response_id.clone(), line)).collect();
    assert_eq!(ledger.len(), 30);
    for line in results {
        assert_eq!(line["result"]["type"], "succeeded");
        let answer = &line["result"]["message"];
        assert_eq!((&answer["role"], &answer["stop_reason"]), (&json!("assistant"), &json!("end_turn")));
        let marks: Value = serde_json::from_str(answer["content"][0]["text"].as_str().unwrap()).unwrap();
        assert!(marks["feedback"].as_str().unwrap().starts_with("Simulated: "));
        let usage = &answer["usage"];
        assert_eq!((&usage["cache_read_input_tokens"], &usage["service_tier"]), (&json!(0), &json!("batch")));
        let paid = &ledger[answer["id"].as_str().unwrap()];
        assert_eq!(usage["input_tokens"], paid.input_tokens);
        assert_eq!(paid.custom_id.as_deref(), line["custom_id"].as_str());
        assert_eq!(paid.price_nano_usd, paid.input_tokens * 50 + paid.output_tokens * 250);
    }
}

#[tokio::test]
async fn creation_checks_the_requests_at_once() {
    let sim = Sim::settings(|s| {
        s.anthropic_max_requests = 3;
        s.anthropic_max_bytes = 20_000;
    })
    .await;
    let with_id = |id: &str| json!({"custom_id": id, "params": message(0)});
    let big = json!({"custom_id": "big", "params": {"system": "x".repeat(20_000)}});
    for (requests, status, part) in [
        (vec![], 400, "at least 1 item"),
        (batch_requests(4), 400, "at most 3 items"),
        (vec![with_id("a"), with_id("a")], 400, "unique"),
        (vec![with_id("")], 400, "pattern"),
        (vec![with_id(&"a".repeat(65))], 400, "pattern"),
        (vec![with_id("a.b")], 400, "pattern"),
        (vec![json!({"params": message(0)})], 400, "custom_id: Field required"),
        (vec![json!({"custom_id": "a"})], 400, "params: Field required"),
        (vec![json!({"custom_id": "a", "params": 1})], 400, "params: Input should be an object"),
        (vec![json!("a")], 400, "requests.0"),
        (vec![big], 413, "maximum allowed number of bytes"),
    ] {
        let (got, error) = sim.anthropic_create(&requests).await;
        assert_eq!(got, status, "{error}");
        let message = error["error"]["message"].as_str().unwrap();
        assert!(message.contains(part), "{message}");
        assert_eq!(error["type"], "error");
        assert!(error["request_id"].as_str().unwrap().starts_with("req_"));
    }
    for (body, part) in
        [("{\"requests\": [", "not valid JSON"), ("{}", "Field required"), ("[]", "not valid JSON")]
    {
        let (status, error) =
            read(sim.anthropic("POST", "/messages/batches").body(body).send().await.unwrap()).await;
        assert_eq!(status, 400);
        assert!(error["error"]["message"].as_str().unwrap().contains(part), "{error}");
    }
    // Line breaks between tokens, other members and another order of members do no harm.
    let params = serde_json::to_string_pretty(&message(0)).unwrap();
    let body = format!(
        "{{\"other\": [1, {{}}],\n\"requests\": [\r\n{{\"params\": {params}, \"custom_id\": \"a\"}}]}}"
    );
    let (status, batch) =
        read(sim.anthropic("POST", "/messages/batches").body(body).send().await.unwrap()).await;
    assert_eq!(status, 200, "{batch}");
    let id = batch["id"].as_str().unwrap();
    sim.anthropic_ended(id).await;
    assert_eq!(sim.results(id).await[0]["result"]["type"], "succeeded");
}

#[tokio::test]
async fn wrong_params_are_errored_lines_and_models_may_be_mixed() {
    let sim = Sim::start().await;
    let mut requests = batch_requests(2);
    requests[1]["params"]["model"] = json!("claude-sonnet-5-5");
    for (id, change) in [
        ("model", (|p| p["model"] = json!("claude-1")) as fn(&mut Value)),
        ("tokens", |p| p["max_tokens"] = json!(0)),
        ("schema", |p| p["output_config"]["format"]["schema"]["additionalProperties"] = json!(true)),
    ] {
        let mut params = message(9);
        change(&mut params);
        requests.push(json!({"custom_id": id, "params": params}));
    }
    let id = sim.anthropic_batch(&requests).await;
    let batch = sim.anthropic_ended(&id).await;
    assert_eq!(batch["request_counts"]["succeeded"], 2);
    assert_eq!(batch["request_counts"]["errored"], 3);
    let results = sim.results(&id).await;
    let result = |id: &str| &results.iter().find(|line| line["custom_id"] == id).unwrap()["result"];
    assert_eq!(result("r1")["message"]["model"], "claude-sonnet-5-5");
    assert_eq!(result("model")["error"]["error"]["type"], "not_found_error");
    assert_eq!(result("tokens")["error"]["type"], "error", "the error is nested");
    assert_eq!(result("schema")["error"]["error"]["type"], "invalid_request_error");
    assert_eq!(sim.ledger().await.len(), 2, "errored requests cost nothing");
}

#[tokio::test]
async fn a_canceled_batch_has_one_line_for_each_request() {
    let sim = Sim::settings(|s| s.hold_after = Some(4)).await;
    let id = sim.anthropic_batch(&batch_requests(10)).await;
    while sim.ledger().await.len() < 4 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let cancel = format!("/messages/batches/{id}/cancel");
    let (status, batch) = read(sim.anthropic("POST", &cancel).send().await.unwrap()).await;
    assert_eq!((status.as_u16(), &batch["processing_status"]), (200, &json!("canceling")));
    assert!(batch["cancel_initiated_at"].is_string());
    let batch = sim.anthropic_ended(&id).await;
    let counts = json!({"processing": 0, "succeeded": 4, "errored": 0, "canceled": 6, "expired": 0});
    assert_eq!(batch["request_counts"], counts);
    let results = sim.results(&id).await;
    assert_eq!(ids(&results), all_ids(10));
    assert_eq!(results.iter().filter(|line| line["result"] == json!({"type": "canceled"})).count(), 6);
    assert_eq!(read(sim.anthropic("POST", &cancel).send().await.unwrap()).await.0, 400);
}

#[tokio::test]
async fn batches_are_listed_both_ways_and_deleted() {
    let sim = Sim::start().await;
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(sim.anthropic_batch(&batch_requests(1)).await);
    }
    made.reverse();
    let list = async |query: &str| {
        let (status, page) =
            read(sim.anthropic("GET", &format!("/messages/batches?{query}")).send().await.unwrap()).await;
        let ids: Vec<String> = page["data"]
            .as_array()
            .map(|data| data.iter().map(|batch| batch["id"].as_str().unwrap().to_owned()).collect())
            .unwrap_or_default();
        (status.as_u16(), ids, page["has_more"].as_bool())
    };
    assert_eq!(list("limit=2").await, (200, made[..2].to_vec(), Some(true)));
    assert_eq!(list(&format!("limit=3&after_id={}", made[1])).await, (200, made[2..].to_vec(), Some(false)));
    assert_eq!(list(&format!("limit=2&before_id={}", made[3])).await, (200, made[1..3].to_vec(), Some(true)));
    assert_eq!(list(&format!("limit=9&before_id={}", made[3])).await, (200, made[..3].to_vec(), Some(false)));
    assert_eq!(list("limit=0").await.0, 400);

    sim.anthropic_ended(&made[0]).await;
    let path = format!("/messages/batches/{}", made[0]);
    let (status, deleted) = read(sim.anthropic("DELETE", &path).send().await.unwrap()).await;
    assert_eq!((status.as_u16(), deleted), (200, json!({"id": made[0], "type": "message_batch_deleted"})));
    assert_eq!(read(sim.anthropic("GET", &path).send().await.unwrap()).await.0, 404);
    assert_eq!(list("").await.1, made[1..].to_vec());
}

#[tokio::test]
async fn a_batch_that_runs_can_not_be_deleted() {
    let sim = Sim::settings(|s| s.hold = true).await;
    let id = sim.anthropic_batch(&batch_requests(1)).await;
    let (status, _) =
        read(sim.anthropic("DELETE", &format!("/messages/batches/{id}")).send().await.unwrap()).await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn messages_answer_in_real_time() {
    let sim = Sim::start().await;
    let response = sim.anthropic("POST", "/messages").json(&message(1)).send().await.unwrap();
    let headers = response.headers().clone();
    assert!(headers["request-id"].to_str().unwrap().starts_with("req_"));
    assert!(headers.contains_key("anthropic-ratelimit-input-tokens-remaining"));
    assert!(headers.contains_key("anthropic-organization-id"));
    let (status, answer) = read(response).await;
    assert_eq!(status, 200);
    let marks: Value = serde_json::from_str(answer["content"][0]["text"].as_str().unwrap()).unwrap();

    let mut forced = message(1);
    forced.as_object_mut().unwrap().remove("output_config");
    forced["tools"] = json!([{"name": "mark", "input_schema": schema()}]);
    forced["tool_choice"] = json!({"type": "tool", "name": "mark"});
    let (status, answer) = read(sim.anthropic("POST", "/messages").json(&forced).send().await.unwrap()).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["stop_reason"], "tool_use");
    assert_eq!(answer["content"][0]["input"], marks, "an object, and the same marks for the same work");

    let mut short = message(1);
    short["max_tokens"] = json!(5);
    let (_, answer) = read(sim.anthropic("POST", "/messages").json(&short).send().await.unwrap()).await;
    assert_eq!(
        (&answer["stop_reason"], &answer["usage"]["output_tokens"]),
        (&json!("max_tokens"), &json!(5))
    );

    let ledger = sim.ledger().await;
    assert_eq!(ledger.iter().map(|line| line.usable).collect::<Vec<_>>(), [true, true, false]);
    assert_eq!(ledger[0].price_nano_usd, ledger[0].input_tokens * 100 + ledger[0].output_tokens * 500);
    assert!(ledger.iter().all(|line| line.batch_id.is_none() && line.custom_id.is_none()));
}

#[tokio::test]
async fn plain_questions_get_plain_answers() {
    let sim = Sim::start().await;
    let body = json!({"model": "claude-haiku-5-5", "max_tokens": 500,
        "messages": [{"role": "user", "content": [{"type": "text", "text": essay(1)}]}]});
    let (_, answer) = read(sim.anthropic("POST", "/messages").json(&body).send().await.unwrap()).await;
    assert!(answer["content"][0]["text"].as_str().unwrap().contains("simulated"));
}

#[tokio::test]
async fn wrong_calls_are_refused_in_anthropics_form() {
    let sim = Sim::start().await;
    let url = format!("{}/v1/messages", sim.running.anthropic_url());
    let (status, error) = read(sim.http.post(&url).json(&message(0)).send().await.unwrap()).await;
    assert_eq!((status.as_u16(), &error["error"]["type"]), (401, &json!("authentication_error")));
    let no_version = sim.http.post(&url).header("x-api-key", "key").json(&message(0));
    let (status, error) = read(no_version.send().await.unwrap()).await;
    assert_eq!(status, 400);
    assert!(error["error"]["message"].as_str().unwrap().contains("anthropic-version"));
    for (change, status, part) in [
        ((|b| b["model"] = json!("claude-1")) as fn(&mut Value), 404, "model: claude-1"),
        (|b| b["max_tokens"] = json!(null), 400, "max_tokens: Field required"),
        (|b| b["max_tokens"] = json!(0), 400, "greater than or equal to 1"),
        (|b| b["max_tokens"] = json!(1_000_000), 400, "maximum allowed number of output tokens"),
        (|b| b["messages"] = json!([]), 400, "at least one message"),
        (|b| b["messages"][0]["role"] = json!("assistant"), 400, "first message"),
        (|b| b["messages"][0]["content"] = json!([{"type": "image"}]), 400, "text blocks only"),
        (|b| b["stream"] = json!(true), 400, "stream"),
        (|b| b["output_config"]["format"]["type"] = json!("xml"), 400, "json_schema"),
        (
            |b| {
                b["output_config"] = json!({});
                b["tool_choice"] = json!({"type": "tool", "name": "x"});
            },
            400,
            "not found in provided tools",
        ),
        (
            |b| {
                b["output_config"] = json!({});
                b["tools"] = json!([{"name": "x", "input_schema": {"type": "object"}}]);
                b["tool_choice"] = json!({"type": "tool", "name": "x"});
                b["thinking"] = json!({"type": "adaptive"});
            },
            400,
            "Thinking",
        ),
    ] {
        let mut body = message(0);
        change(&mut body);
        let (got, error) = read(sim.anthropic("POST", "/messages").json(&body).send().await.unwrap()).await;
        assert_eq!(got, status, "{error}");
        assert!(error["error"]["message"].as_str().unwrap().contains(part), "{error}");
    }
    assert!(sim.ledger().await.is_empty());
}

#[tokio::test]
async fn models_are_listed() {
    let sim = Sim::start().await;
    let (_, page) = read(sim.anthropic("GET", "/models?limit=3").send().await.unwrap()).await;
    assert_eq!((page["data"].as_array().unwrap().len(), &page["has_more"]), (3, &json!(true)));
    let after = page["last_id"].as_str().unwrap();
    let (_, rest) =
        read(sim.anthropic("GET", &format!("/models?after_id={after}")).send().await.unwrap()).await;
    assert_eq!(rest["data"][0]["id"], "claude-haiku-5-5");
    assert_eq!(rest["has_more"], false);
}
