//! OpenAI's interface.

use quire_simulator::Config;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::support::{Sim, all_ids, batch_file, chat, ids, line, read};

#[tokio::test]
async fn a_batch_goes_from_upload_to_results() {
    let sim = Sim::start().await;
    let input = batch_file(30);
    let file = sim.upload(input.clone()).await;
    let (_, object) = read(sim.openai("GET", &format!("/files/{file}")).send().await.unwrap()).await;
    assert_eq!(object["purpose"], "batch");
    assert_eq!(object["status"], "processed");
    assert_eq!(object["bytes"], input.len());
    assert_eq!(object["expires_at"].as_i64().unwrap() - object["created_at"].as_i64().unwrap(), 2_592_000);
    let content = sim.openai("GET", &format!("/files/{file}/content")).send().await.unwrap();
    assert_eq!(content.text().await.unwrap(), input, "what was uploaded comes back byte by byte");

    let body = json!({"input_file_id": file, "endpoint": "/v1/chat/completions", "completion_window": "24h",
        "metadata": {"token": "t-1"}});
    let (status, created) = read(sim.openai("POST", "/batches").json(&body).send().await.unwrap()).await;
    assert_eq!(status, 200);
    assert_eq!(created["status"], "validating");
    assert_eq!(created["metadata"]["token"], "t-1");
    assert_eq!(created["expires_at"].as_i64().unwrap() - created["created_at"].as_i64().unwrap(), 86_400);

    let batch = sim.openai_ended(created["id"].as_str().unwrap()).await;
    assert_eq!(batch["status"], "completed");
    assert_eq!(batch["request_counts"], json!({"total": 30, "completed": 30, "failed": 0}));
    assert_eq!(batch["model"], "gpt-6-luna");
    assert_eq!(batch["error_file_id"], Value::Null);
    let lines = sim.lines(&batch["output_file_id"]).await;
    assert_eq!(ids(&lines), all_ids(30));
    let order: Vec<&str> = lines.iter().map(|line| line["custom_id"].as_str().unwrap()).collect();
    assert_ne!(order, (0..30).map(|n| format!("r{n}")).collect::<Vec<_>>(), "results come in another order");
    for line in &lines {
        assert_eq!(line["response"]["status_code"], 200);
        assert_eq!(line["error"], Value::Null);
        let body = &line["response"]["body"];
        assert_eq!(body["choices"][0]["finish_reason"], "stop");
        let marks: Value =
            serde_json::from_str(body["choices"][0]["message"]["content"].as_str().unwrap()).unwrap();
        assert!(marks["criteria"]["ideas"]["level"].as_str().unwrap().starts_with('l'));
    }

    // The ledger holds every request once, with the usage and the id that its answer shows.
    let ledger = sim.ledger().await;
    assert_eq!(ledger.len(), 30);
    for line in &lines {
        let body = &line["response"]["body"];
        let paid = ledger.iter().find(|paid| body["id"] == paid.response_id.as_str()).unwrap();
        assert_eq!(paid.custom_id.as_deref(), line["custom_id"].as_str());
        assert_eq!(paid.batch_id.as_deref(), batch["id"].as_str());
        assert_eq!(body["usage"]["prompt_tokens"], paid.input_tokens);
        assert_eq!(body["usage"]["completion_tokens"], paid.output_tokens);
        // 0.05 and 0.25 dollars per million tokens.
        assert_eq!(paid.price_nano_usd, paid.input_tokens * 50 + paid.output_tokens * 250);
        assert!(paid.usable);
    }
    let sum: i64 = ledger.iter().map(|paid| paid.input_tokens).sum();
    assert_eq!(batch["usage"]["input_tokens"], sum);
}

#[tokio::test]
async fn uploads_are_checked_by_name_and_purpose_but_not_by_line() {
    let sim = Sim::start().await;
    let (status, error) = sim.try_upload("input.json", "x").await;
    assert_eq!(status, 400);
    assert_eq!(error["error"]["message"], "Invalid file format for Batch API. Must be .jsonl");
    assert_eq!(error["error"]["type"], "invalid_request_error");
    assert_eq!(sim.try_upload("input.jsonl", "not json").await.0, 200);

    let upload =
        async |form: Form| read(sim.openai("POST", "/files").multipart(form).send().await.unwrap()).await;
    let part = || Part::text("{}").file_name("a.jsonl");
    let (status, error) = upload(Form::new().part("file", part())).await;
    assert_eq!((status.as_u16(), &error["error"]["param"]), (400, &json!("purpose")));
    let (status, error) = upload(Form::new().text("purpose", "batch")).await;
    assert_eq!((status.as_u16(), &error["error"]["param"]), (400, &json!("file")));
    assert_eq!(upload(Form::new().part("file", part()).text("purpose", "nonsense")).await.0, 400);
    let expiring = |seconds: &'static str| {
        Form::new()
            .text("purpose", "batch")
            .text("expires_after[anchor]", "created_at")
            .text("expires_after[seconds]", seconds)
            .part("file", part())
    };
    let (status, file) = upload(expiring("3600")).await;
    assert_eq!(status, 200);
    assert_eq!(file["expires_at"].as_i64().unwrap() - file["created_at"].as_i64().unwrap(), 3_600);
    assert_eq!(upload(expiring("60")).await.0, 400);
}

#[tokio::test]
async fn files_are_listed_in_pages() {
    let sim = Sim::start().await;
    let mut files = Vec::new();
    for _ in 0..5 {
        files.push(sim.upload("{}").await);
    }
    let list =
        async |query: &str| read(sim.openai("GET", &format!("/files?{query}")).send().await.unwrap()).await.1;
    let ids = |page: &Value| -> Vec<String> {
        page["data"].as_array().unwrap().iter().map(|f| f["id"].as_str().unwrap().to_owned()).collect()
    };
    let first = list("order=asc&limit=2").await;
    assert_eq!(ids(&first), files[..2]);
    assert_eq!(first["has_more"], true);
    let rest = list(&format!("order=asc&limit=10&after={}", files[1])).await;
    assert_eq!(ids(&rest), files[2..]);
    assert_eq!(rest["has_more"], false);
    assert_eq!(ids(&list("").await)[0], files[4], "newest first unless asked");
    assert!(ids(&list("purpose=vision").await).is_empty());
}

#[tokio::test]
async fn a_deleted_input_file_fences_a_batch_that_is_not_made_yet() {
    let sim = Sim::start().await;
    let file = sim.upload(batch_file(1)).await;
    let (status, deleted) = read(sim.openai("DELETE", &format!("/files/{file}")).send().await.unwrap()).await;
    assert_eq!(status, 200);
    assert_eq!(deleted, json!({"id": file, "object": "file", "deleted": true}));
    let (status, error) = sim.create_batch(&file).await;
    assert_eq!(status, 400);
    assert_eq!(error["error"]["param"], "input_file_id");
    assert_eq!(read(sim.openai("DELETE", &format!("/files/{file}")).send().await.unwrap()).await.0, 404);
    assert_eq!(read(sim.openai("GET", &format!("/files/{file}")).send().await.unwrap()).await.0, 404);
}

#[tokio::test]
async fn a_batch_outlives_the_deletion_of_its_file() {
    let sim = Sim::settings(|s| s.hold = true).await;
    let file = sim.upload(batch_file(3)).await;
    let id = sim.create_batch(&file).await.1["id"].as_str().unwrap().to_owned();
    assert_eq!(sim.openai("DELETE", &format!("/files/{file}")).send().await.unwrap().status(), 200);
    sim.control(json!({"hold": false})).await;
    assert_eq!(sim.openai_ended(&id).await["request_counts"]["completed"], 3);
}

#[tokio::test]
async fn the_creation_of_a_batch_is_checked() {
    let sim = Sim::start().await;
    let file = sim.upload(batch_file(1)).await;
    let good = json!({"input_file_id": file, "endpoint": "/v1/chat/completions", "completion_window": "24h"});
    for (field, value, param) in [
        ("input_file_id", json!(null), "input_file_id"),
        ("input_file_id", json!("file-none"), "input_file_id"),
        ("endpoint", json!("/v1/embeddings"), "endpoint"),
        ("completion_window", json!("1h"), "completion_window"),
        ("metadata", json!({"a".repeat(65): "x"}), "metadata"),
        ("metadata", json!({"a": "x".repeat(513)}), "metadata"),
        ("output_expires_after", json!({"anchor": "created_at", "seconds": 1}), "output_expires_after"),
    ] {
        let mut body = good.clone();
        body[field] = value;
        let (status, error) = read(sim.openai("POST", "/batches").json(&body).send().await.unwrap()).await;
        assert_eq!((status.as_u16(), &error["error"]["param"]), (400, &json!(param)), "{error}");
    }
    let (status, _) = read(sim.openai("POST", "/batches").body("{").send().await.unwrap()).await;
    assert_eq!(status, 400);
    assert_eq!(read(sim.openai("GET", "/batches/batch_none").send().await.unwrap()).await.0, 404);
}

#[tokio::test]
async fn a_wrong_line_fails_the_whole_batch_with_its_number_and_code() {
    let sim = Sim::settings(|s| s.openai_max_requests = 10).await;
    let good = line("a", chat(0));
    let with = |line: &str| format!("{good}\n{line}\n");
    let mut other_model = chat(1);
    other_model["model"] = json!("gpt-6.1-sol");
    let mut unknown_model = chat(1);
    unknown_model["model"] = json!("gpt-2");
    for (content, code, at) in [
        (String::new(), "empty_file", json!(null)),
        (with("{\"custom_id\":"), "invalid_json_line", json!(2)),
        (with(&good), "duplicate_custom_id", json!(2)),
        (with(&line("b", other_model)), "model_mismatch", json!(2)),
        (line("b", unknown_model), "model_not_found", json!(1)),
        (
            with(&line("b", chat(1)).replace("/v1/chat/completions", "/v1/responses")),
            "url_mismatch",
            json!(2),
        ),
        (with(&line("b", chat(1)).replace("/v1/chat/completions", "nowhere")), "invalid_url", json!(2)),
        (with(&line("b", chat(1)).replace("POST", "GET")), "invalid_method", json!(2)),
        (with(r#"{"custom_id":"b","body":{"model":"gpt-6-luna"}}"#), "missing_required_parameter", json!(2)),
        (batch_file(11), "too_many_tasks", json!(null)),
    ] {
        let batch = sim.openai_ended(&sim.openai_batch(content).await).await;
        assert_eq!(batch["status"], "failed", "{code}");
        let error = &batch["errors"]["data"][0];
        assert_eq!((&error["code"], &error["line"]), (&json!(code), &at), "{batch}");
        assert_eq!(batch["output_file_id"], Value::Null);
        assert!(batch["failed_at"].is_i64());
    }
    assert!(sim.ledger().await.is_empty(), "a failed batch costs nothing");
}

#[tokio::test]
async fn refused_requests_go_to_the_error_file_and_an_all_failed_batch_is_completed() {
    let sim = Sim::start().await;
    let mut bad = chat(0);
    bad["messages"] = json!([]);
    let mut open_schema = chat(1);
    open_schema["response_format"]["json_schema"]["schema"]["additionalProperties"] = json!(true);
    let content = format!("{}\n{}\n", line("bad", bad), line("open", open_schema));
    let batch = sim.openai_ended(&sim.openai_batch(content).await).await;
    assert_eq!(batch["status"], "completed");
    assert_eq!(batch["request_counts"], json!({"total": 2, "completed": 0, "failed": 2}));
    assert_eq!(batch["output_file_id"], Value::Null);
    let lines = sim.lines(&batch["error_file_id"]).await;
    assert_eq!(ids(&lines), ["bad", "open"]);
    for line in lines {
        assert_eq!(line["response"]["status_code"], 400);
        assert_eq!(line["error"], Value::Null, "the error is in the body");
        assert_eq!(line["response"]["body"]["error"]["type"], "invalid_request_error");
    }
    assert!(sim.ledger().await.is_empty());
}

#[tokio::test]
async fn a_cancelled_batch_keeps_what_it_has_and_lists_the_rest() {
    let sim = Sim::settings(|s| s.hold_after = Some(4)).await;
    let id = sim.openai_batch(batch_file(10)).await;
    sim.openai_until(&id, |batch| batch["request_counts"]["completed"] == 4).await;
    let (status, batch) =
        read(sim.openai("POST", &format!("/batches/{id}/cancel")).send().await.unwrap()).await;
    assert_eq!((status.as_u16(), &batch["status"]), (200, &json!("cancelling")));
    let batch = sim.openai_ended(&id).await;
    assert_eq!(batch["status"], "cancelled");
    assert!(batch["cancelling_at"].is_i64() && batch["cancelled_at"].is_i64());
    assert_eq!(batch["request_counts"], json!({"total": 10, "completed": 4, "failed": 0}));
    let done = sim.lines(&batch["output_file_id"]).await;
    let left = sim.lines(&batch["error_file_id"]).await;
    assert_eq!((done.len(), left.len()), (4, 6));
    assert!(left.iter().all(|l| l["error"]["code"] == "batch_cancelled" && l["response"].is_null()));
    assert_eq!(ids(&[done, left].concat()), all_ids(10));
    assert_eq!(sim.ledger().await.len(), 4);
    let (status, _) = read(sim.openai("POST", &format!("/batches/{id}/cancel")).send().await.unwrap()).await;
    assert_eq!(status, 409);
}

#[tokio::test]
async fn batches_are_listed_newest_first_with_their_metadata() {
    let sim = Sim::start().await;
    let mut made = Vec::new();
    for n in 0..5 {
        let file = sim.upload(batch_file(1)).await;
        let body = json!({"input_file_id": file, "endpoint": "/v1/chat/completions", "completion_window": "24h",
            "metadata": {"n": n.to_string()}});
        let (_, batch) = read(sim.openai("POST", "/batches").json(&body).send().await.unwrap()).await;
        made.push(batch["id"].as_str().unwrap().to_owned());
    }
    made.reverse();
    let list =
        async |query: &str| read(sim.openai("GET", &format!("/batches?{query}")).send().await.unwrap()).await;
    let (_, page) = list("limit=2").await;
    assert_eq!(page["object"], "list");
    assert_eq!(page["first_id"], made[0].as_str());
    assert_eq!(page["last_id"], made[1].as_str());
    assert_eq!(page["has_more"], true);
    assert_eq!(page["data"][0]["metadata"]["n"], "4");
    let (_, page) = list(&format!("limit=100&after={}", made[1])).await;
    assert_eq!(page["data"].as_array().unwrap().len(), 3);
    assert_eq!(page["has_more"], false);
    assert_eq!(list("limit=101").await.0, 400);
}

#[tokio::test]
async fn chat_and_responses_answer_in_real_time() {
    let sim = Sim::start().await;
    let response = sim.openai("POST", "/chat/completions").json(&chat(1)).send().await.unwrap();
    let headers = response.headers().clone();
    assert!(headers["x-request-id"].to_str().unwrap().starts_with("req_"));
    assert!(headers.contains_key("x-ratelimit-remaining-requests"));
    assert!(headers.contains_key("x-ratelimit-reset-tokens"));
    let (status, chat_body) = read(response).await;
    assert_eq!(status, 200);
    let marks = chat_body["choices"][0]["message"]["content"].as_str().unwrap();

    let body = json!({
        "model": "gpt-6-luna",
        "instructions": "Mark the work by the rubric.",
        "input": [{"role": "user", "content": [{"type": "input_text", "text": crate::support::essay(1)}]}],
        "text": {"format": {"type": "json_schema", "name": "marks", "strict": true, "schema": crate::support::schema()}},
    });
    let (status, response) = read(sim.openai("POST", "/responses").json(&body).send().await.unwrap()).await;
    assert_eq!(status, 200, "{response}");
    assert_eq!(response["status"], "completed");
    assert_eq!(response["output"][0]["content"][0]["text"], marks, "the same marks for the same work");
    assert_eq!(response["usage"]["input_tokens"], chat_body["usage"]["prompt_tokens"]);

    let ledger = sim.ledger().await;
    assert_eq!(ledger.len(), 2);
    assert_eq!(ledger[0].response_id, chat_body["id"].as_str().unwrap());
    assert_eq!((ledger[0].batch_id.as_ref(), ledger[0].custom_id.as_ref()), (None, None));
    assert_eq!(ledger[0].price_nano_usd, ledger[0].input_tokens * 100 + ledger[0].output_tokens * 500);
    assert_eq!(ledger[1].response_id, response["id"].as_str().unwrap());
    assert!(ledger.iter().all(|line| line.usable));
}

#[tokio::test]
async fn an_answer_is_cut_at_the_limit_of_output_tokens() {
    let sim = Sim::start().await;
    let mut body = chat(1);
    body["max_completion_tokens"] = json!(7);
    let (_, answer) = read(sim.openai("POST", "/chat/completions").json(&body).send().await.unwrap()).await;
    assert_eq!(answer["choices"][0]["finish_reason"], "length");
    assert_eq!(answer["usage"]["completion_tokens"], 7);
    let body = json!({"model": "gpt-6-luna", "input": "Say something long.", "max_output_tokens": 16});
    let (_, answer) = read(sim.openai("POST", "/responses").json(&body).send().await.unwrap()).await;
    assert_eq!(answer["status"], "incomplete");
    assert_eq!(answer["incomplete_details"]["reason"], "max_output_tokens");
    assert!(sim.ledger().await.iter().all(|line| !line.usable));
}

#[tokio::test]
async fn wrong_calls_are_refused_in_openais_form() {
    let sim = Sim::with(Config { api_keys: vec!["right".into()], ..Config::instant() }).await;
    let call = |key: Option<&str>, body: Value| {
        let request = sim.http.post(format!("{}/chat/completions", sim.running.openai_url())).json(&body);
        let request = match key {
            Some(key) => request.bearer_auth(key),
            None => request,
        };
        async { read(request.send().await.unwrap()).await }
    };
    for key in [None, Some("wrong"), Some("")] {
        let (status, error) = call(key, chat(0)).await;
        assert_eq!((status.as_u16(), &error["error"]["code"]), (401, &json!("invalid_api_key")));
    }
    let changed = |change: fn(&mut Value)| {
        let mut body = chat(0);
        change(&mut body);
        call(Some("right"), body)
    };
    let (status, error) = changed(|body| body["model"] = json!("gpt-2")).await;
    assert_eq!((status.as_u16(), &error["error"]["code"]), (404, &json!("model_not_found")));
    for (change, param) in [
        ((|body| body["model"] = json!(null)) as fn(&mut Value), json!("model")),
        (|body| body["messages"] = json!([]), json!("messages")),
        (|body| body["messages"][0]["role"] = json!("nobody"), json!("messages[0].role")),
        (|body| body["stream"] = json!(true), json!("stream")),
        (|body| body["max_tokens"] = json!(0), json!("max_completion_tokens")),
        (|body| body["max_tokens"] = json!(1_000_000), json!("max_completion_tokens")),
        (|body| body["response_format"]["type"] = json!("xml"), json!("response_format.type")),
        (
            |body| body["response_format"]["json_schema"]["name"] = json!("a b"),
            json!("response_format.json_schema.name"),
        ),
        (
            |body| body["messages"][1]["content"] = json!([{"type": "image_url"}]),
            json!("messages[1].content[0]"),
        ),
    ] {
        let (status, error) = changed(change).await;
        assert_eq!((status.as_u16(), &error["error"]["param"]), (400, &param), "{error}");
    }
    let request = sim.http.get(format!("{}/nowhere", sim.running.openai_url())).bearer_auth("right");
    assert_eq!(read(request.send().await.unwrap()).await.0, 404);
}

#[tokio::test]
async fn models_are_listed() {
    let sim = Sim::start().await;
    let (_, list) = read(sim.openai("GET", "/models").send().await.unwrap()).await;
    assert_eq!(list["data"].as_array().unwrap().len(), 4);
    let (_, model) = read(sim.openai("GET", "/models/gpt-6-luna").send().await.unwrap()).await;
    assert_eq!(model["object"], "model");
    assert_eq!(read(sim.openai("GET", "/models/gpt-2").send().await.unwrap()).await.0, 404);
}

#[tokio::test]
async fn waiting_tokens_are_limited_and_freed() {
    let sim = Sim::settings(|s| {
        s.hold_after = Some(0);
        s.enqueued_token_limit = Some(1_500);
    })
    .await;
    let first = sim.openai_batch(batch_file(5)).await;
    sim.openai_until(&first, |batch| batch["status"] == "in_progress").await;
    let second = sim.openai_ended(&sim.openai_batch(batch_file(5)).await).await;
    assert_eq!(second["status"], "failed", "{second}");
    assert_eq!(second["errors"]["data"][0]["code"], "token_limit_exceeded");
    assert_eq!(second["errors"]["data"][0]["line"], Value::Null);
    sim.control(json!({"hold_after": null})).await;
    assert_eq!(sim.openai_ended(&first).await["status"], "completed");
    let third = sim.openai_ended(&sim.openai_batch(batch_file(5)).await).await;
    assert_eq!(third["status"], "completed");
}

#[tokio::test]
async fn what_the_framework_refuses_has_the_providers_form_too() {
    let sim = Sim::start().await;
    let (status, error) = read(sim.openai("GET", "/batches?limit=many").send().await.unwrap()).await;
    assert_eq!((status.as_u16(), &error["error"]["type"]), (400, &json!("invalid_request_error")), "{error}");
    let (status, error) = read(sim.openai("PUT", "/batches").send().await.unwrap()).await;
    assert_eq!((status.as_u16(), &error["error"]["message"]), (405, &json!("Method Not Allowed")));
    let huge = "x".repeat(40 << 20);
    let (status, error) =
        read(sim.openai("POST", "/chat/completions").body(huge).send().await.unwrap()).await;
    assert_eq!(status, 413);
    assert!(error["error"]["message"].is_string());
    let (status, error) = read(sim.openai("POST", "/files").body("no form").send().await.unwrap()).await;
    assert_eq!((status.as_u16(), &error["error"]["type"]), (400, &json!("invalid_request_error")));
}

#[tokio::test]
async fn a_file_above_the_limit_is_refused_and_not_kept() {
    let sim = Sim::settings(|s| s.openai_max_bytes = 1_000).await;
    let (status, error) = sim.try_upload("input.jsonl", "x".repeat(1_001)).await;
    assert_eq!((status.as_u16(), &error["error"]["param"]), (413, &json!("file")));
    assert_eq!(sim.try_upload("input.jsonl", "x".repeat(1_000)).await.0, 200);
    let (_, list) = read(sim.openai("GET", "/files").send().await.unwrap()).await;
    assert_eq!(list["data"].as_array().unwrap().len(), 1);
}
