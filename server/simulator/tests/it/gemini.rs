//! Gemini's interface, and a server without batches.

use std::collections::HashSet;

use quire_simulator::{Config, Fault};
use serde_json::{Value, json};

use crate::support::{Sim, TempDir, all_ids, chat, content, content_file, keys, read};

async fn script(sim: &Sim, fault: &str, call: &str) {
    sim.control(json!({"script": [{"fault": fault, "call": call}]})).await;
}

async fn generate(sim: &Sim, body: &Value) -> (reqwest::StatusCode, Value) {
    let call = sim.gemini("POST", "/models/gemini-3.5-flash-lite:generateContent");
    read(call.json(body).send().await.unwrap()).await
}

#[tokio::test]
async fn a_batch_goes_from_upload_to_results() {
    let sim = Sim::start().await;
    let file = sim.gemini_upload(content_file(30)).await;
    let (status, object) = read(sim.gemini("GET", &format!("/{file}")).send().await.unwrap()).await;
    assert_eq!((status.as_u16(), &object["state"]), (200, &json!("ACTIVE")));
    assert_eq!(object["sizeBytes"], content_file(30).len().to_string());
    let (status, created) = sim.gemini_create(&file).await;
    assert_eq!(status, 200);
    assert_eq!(created["metadata"]["state"], "BATCH_STATE_PENDING");
    assert_eq!(created["metadata"]["displayName"], "batch t-1");
    let name = created["name"].as_str().unwrap();
    let batch = sim.gemini_ended(name).await;
    assert_eq!(batch["metadata"]["state"], "BATCH_STATE_SUCCEEDED");
    assert_eq!(
        batch["metadata"]["batchStats"],
        json!({"requestCount": "30", "successfulRequestCount": "30"})
    );
    assert_eq!(batch["response"]["responsesFile"], batch["metadata"]["output"]["responsesFile"]);
    let lines = sim.gemini_lines(&batch).await;
    assert_eq!(keys(&lines), all_ids(30));
    let order: Vec<&str> = lines.iter().map(|line| line["key"].as_str().unwrap()).collect();
    assert_ne!(order, (0..30).map(|n| format!("r{n}")).collect::<Vec<_>>(), "results come in another order");

    // The ledger holds every request once, with the usage and the id that its answer shows.
    let ledger = sim.ledger().await;
    assert_eq!(ledger.len(), 30);
    for line in &lines {
        let body = &line["response"];
        let text = body["candidates"][0]["content"]["parts"][0]["text"].as_str().unwrap();
        let marks: Value = serde_json::from_str(text).unwrap();
        assert!(marks["criteria"]["ideas"]["level"].as_str().unwrap().starts_with('l'));
        assert_eq!(body["candidates"][0]["finishReason"], "STOP");
        let paid = ledger.iter().find(|paid| body["responseId"] == paid.response_id.as_str()).unwrap();
        assert_eq!((paid.custom_id.as_deref(), paid.provider.as_str()), (line["key"].as_str(), "gemini"));
        assert_eq!(body["usageMetadata"]["promptTokenCount"], paid.input_tokens);
        assert_eq!(body["usageMetadata"]["candidatesTokenCount"], paid.output_tokens);
        // 0.15 and 1.25 dollars per million tokens.
        assert_eq!(paid.price_nano_usd, paid.input_tokens * 150 + paid.output_tokens * 1_250);
        assert!(paid.usable);
    }

    let (_, list) = read(sim.gemini("GET", "/batches?pageSize=10").send().await.unwrap()).await;
    assert_eq!(list["operations"][0]["name"], name);
    assert_eq!(list.get("nextPageToken"), None);
    // Each provider's files are its own.
    let (_, files) = read(sim.openai("GET", "/files").send().await.unwrap()).await;
    assert_eq!(files["data"], json!([]));
    let (_, files) = read(sim.gemini("GET", "/files").send().await.unwrap()).await;
    assert_eq!(files["files"].as_array().unwrap().len(), 2, "the input and the results");
    let (status, _) = read(sim.gemini("DELETE", &format!("/{name}")).send().await.unwrap()).await;
    assert_eq!(status, 200);
    assert_eq!(sim.gemini_get(name).await["error"]["status"], "NOT_FOUND");
}

#[tokio::test]
async fn a_list_is_read_page_by_page() {
    let sim = Sim::settings(|s| s.hold = true).await;
    let file = sim.gemini_upload(content_file(1)).await;
    for _ in 0..5 {
        assert_eq!(sim.gemini_create(&file).await.0, 200);
    }
    let (mut names, mut token) = (Vec::new(), String::new());
    loop {
        let path = format!("/batches?pageSize=2&pageToken={token}");
        let (_, page) = read(sim.gemini("GET", &path).send().await.unwrap()).await;
        let found = page["operations"].as_array().unwrap();
        names.extend(found.iter().map(|operation| operation["name"].as_str().unwrap().to_owned()));
        match page["nextPageToken"].as_str() {
            Some(next) => token = next.to_owned(),
            None => break,
        }
    }
    assert_eq!((names.len(), names.iter().collect::<HashSet<_>>().len()), (5, 5));
}

#[tokio::test]
async fn content_is_generated_at_once() {
    let sim = Sim::start().await;
    let (status, answer) = generate(&sim, &content(1)).await;
    assert_eq!(status, 200, "{answer}");
    let ledger = sim.ledger().await;
    assert_eq!((ledger.len(), ledger[0].batch_id.clone()), (1, None));
    assert_eq!(answer["responseId"], ledger[0].response_id.as_str());
    let (_, models) = read(sim.gemini("GET", "/models").send().await.unwrap()).await;
    assert_eq!(models["models"].as_array().unwrap().len(), 4);
    for (body, words) in [
        (json!({}), "contents is not specified"),
        (json!({"contents": [{"parts": [{"inlineData": {}}]}]}), "parts of text only"),
        (json!({"contents": [{"role": "x", "parts": []}]}), "valid role"),
        (
            json!({"contents": [{"parts": [{"text": "a"}]}], "generationConfig": {"maxOutputTokens": 0}}),
            "maxOutputTokens",
        ),
        (
            json!({"contents": [{"parts": [{"text": "a"}]}], "generationConfig": {"responseJsonSchema": {}}}),
            "responseMimeType",
        ),
    ] {
        let (status, error) = generate(&sim, &body).await;
        assert_eq!((status.as_u16(), &error["error"]["status"]), (400, &json!("INVALID_ARGUMENT")), "{body}");
        assert!(error["error"]["message"].as_str().unwrap().contains(words), "{error}");
    }
    let unknown = sim.gemini("POST", "/models/gpt-6-luna:generateContent").json(&content(1));
    assert_eq!(unknown.send().await.unwrap().status(), 404);
    let keyless = sim.http.get(format!("{}/models", sim.running.gemini_url())).send().await.unwrap();
    assert_eq!(keyless.status(), 400);
    assert_eq!(read(keyless).await.1["error"]["details"][0]["reason"], "API_KEY_INVALID");
}

#[tokio::test]
async fn a_beginning_that_comes_again_is_read_from_the_cache() {
    let sim = Sim::start().await;
    let body = |n: usize| {
        let mut body = content(n);
        let rubric = "Each level of the rubric is described in detail here. ".repeat(200);
        body["systemInstruction"]["parts"][0]["text"] = rubric.into();
        // Another schema for each request leaves the beginning the same.
        body["generationConfig"]["responseJsonSchema"]["properties"]["check"] =
            json!({"type": "string", "enum": [format!("c{n}")]});
        body["generationConfig"]["responseJsonSchema"]["required"] =
            json!(["criteria", "feedback", "confidence", "check"]);
        body
    };
    let first = generate(&sim, &body(1)).await.1;
    assert_eq!(first["usageMetadata"].get("cachedContentTokenCount"), None);
    let second = generate(&sim, &body(2)).await.1;
    let cached = second["usageMetadata"]["cachedContentTokenCount"].as_i64().unwrap();
    assert!(cached >= 1_024);
    let text = second["candidates"][0]["content"]["parts"][0]["text"].as_str().unwrap();
    assert_eq!(serde_json::from_str::<Value>(text).unwrap()["check"], "c2");
    let paid = &sim.ledger().await[1];
    assert_eq!((paid.cached_tokens, paid.cache_write_tokens), (cached, 0));
    let fresh = paid.input_tokens - cached;
    assert_eq!(paid.price_nano_usd, fresh * 300 + cached * 30 + paid.output_tokens * 2_500);
}

#[tokio::test]
async fn an_input_that_is_gone_or_wrong_makes_no_batch() {
    let sim = Sim::start().await;
    let file = sim.gemini_upload(content_file(1)).await;
    let delete = sim.gemini("DELETE", &format!("/{file}"));
    assert_eq!(read(delete.send().await.unwrap()).await, (200.try_into().unwrap(), json!({})));
    let (status, error) = sim.gemini_create(&file).await;
    assert_eq!((status.as_u16(), &error["error"]["status"]), (403, &json!("PERMISSION_DENIED")));
    assert!(error["error"]["message"].as_str().unwrap().contains("may not exist"));
    for (content, words) in [
        (String::new(), "empty"),
        ("not json\n".to_owned(), "Line 1"),
        (format!("{}{{\"request\": {{}}}}\n", content_file(2)), "Line 3 of the input file has no key"),
        (format!("{}{}", content_file(1), content_file(1)), "repeats the key 'r0'"),
    ] {
        let batch = sim.gemini_ended(&sim.gemini_batch(content).await).await;
        assert_eq!(batch["metadata"]["state"], "BATCH_STATE_FAILED");
        assert_eq!(batch["error"]["code"], 3);
        assert!(batch["error"]["message"].as_str().unwrap().contains(words), "{batch}");
    }
    assert!(sim.ledger().await.is_empty());
    // Uploads in other ways than the one are refused in words.
    let begin = sim.http.post(sim.url("/gemini/upload/v1beta/files")).header("x-goog-api-key", "key");
    assert_eq!(begin.send().await.unwrap().status(), 400);
    let lost = sim.http.post(sim.url("/gemini/upload/v1beta/files/00")).header("x-goog-api-key", "key");
    let lost = lost.header("x-goog-upload-command", "upload, finalize");
    assert!(
        read(lost.send().await.unwrap()).await.1["error"]["message"]
            .as_str()
            .unwrap()
            .contains("no such upload")
    );
}

#[tokio::test]
async fn a_cancelled_or_expired_batch_keeps_its_answers() {
    for (action, state, code) in [("cancel", "CANCELLED", 1), ("expire", "EXPIRED", 4)] {
        let sim = Sim::settings(|s| s.hold_after = Some(4)).await;
        let name = sim.gemini_batch(content_file(10)).await;
        while sim.ledger().await.len() < 4 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        let id = name.strip_prefix("batches/").unwrap();
        if action == "cancel" {
            let cancel = sim.gemini("POST", &format!("/{name}:cancel")).json(&json!({}));
            assert_eq!(read(cancel.send().await.unwrap()).await.1, json!({}));
        } else {
            sim.control(json!({"batches": [{"id": id, "action": action}]})).await;
        }
        let batch = sim.gemini_ended(&name).await;
        assert_eq!(batch["metadata"]["state"], format!("BATCH_STATE_{state}"));
        assert_eq!(batch["error"]["code"], code);
        let lines = sim.gemini_lines(&batch).await;
        assert_eq!(keys(&lines), all_ids(10));
        assert_eq!(lines.iter().filter(|line| line["error"]["code"] == code).count(), 6);
        assert_eq!(sim.ledger().await.len(), 4, "what was left undone costs nothing");
        let again = sim.gemini("POST", &format!("/{name}:cancel")).json(&json!({})).send().await.unwrap();
        assert_eq!(read(again).await.1["error"]["status"], "FAILED_PRECONDITION");
    }
}

#[tokio::test]
async fn refusals_have_geminis_status_and_form() {
    let sim = Sim::settings(|s| s.retry_after_seconds = 7).await;
    for (fault, status, name) in [
        ("rate_limit", 429, "RESOURCE_EXHAUSTED"),
        ("quota_exhausted", 429, "RESOURCE_EXHAUSTED"),
        ("overloaded", 503, "UNAVAILABLE"),
        ("server_error", 500, "INTERNAL"),
        ("unauthorized", 400, "INVALID_ARGUMENT"),
    ] {
        script(&sim, fault, "gemini.generate").await;
        let (got, error) = generate(&sim, &content(0)).await;
        let error = &error["error"];
        assert_eq!((got.as_u16(), &error["code"], &error["status"]), (status, &json!(status), &json!(name)));
        let details = error["details"].to_string();
        assert_eq!(details.contains("\"retryDelay\":\"7s\""), fault == "rate_limit", "{details}");
        assert_eq!(details.contains("PerDay"), fault == "quota_exhausted", "{details}");
        assert_eq!(details.contains("API_KEY_INVALID"), fault == "unauthorized", "{details}");
    }
    script(&sim, "token_limit", "gemini").await;
    let file = sim.gemini_upload(content_file(1)).await;
    let (status, error) = sim.gemini_create(&file).await;
    assert_eq!(status, 429);
    assert!(error["error"]["details"].to_string().contains("BatchEnqueuedTokens"), "{error}");
    assert!(sim.ledger().await.is_empty(), "a refused call costs nothing");
}

/// Each fault of batches, lines and answers in Gemini's form.
#[tokio::test]
async fn faults_of_batches_lines_and_answers_have_geminis_form() {
    let one = async |fault: &str| {
        let sim = Sim::settings(|s| (s.late_file_seconds, s.long_finalizing_seconds) = (0.2, 0.2)).await;
        script(&sim, fault, "gemini").await;
        let batch = sim.gemini_ended(&sim.gemini_batch(content_file(6)).await).await;
        (sim, batch)
    };
    let (_, batch) = one("bad_line").await;
    assert_eq!(
        (&batch["metadata"]["state"], &batch["error"]["code"]),
        (&json!("BATCH_STATE_FAILED"), &json!(3))
    );
    for (fault, state) in
        [("batch_expired", "BATCH_STATE_EXPIRED"), ("batch_cancelled", "BATCH_STATE_CANCELLED")]
    {
        let (sim, batch) = one(fault).await;
        assert_eq!(batch["metadata"]["state"], state);
        assert_eq!(keys(&sim.gemini_lines(&batch).await), all_ids(6));
        assert!(sim.ledger().await.len() < 6);
    }
    for (fault, code) in [("errored_line", 3), ("line_timeout", 4), ("status_zero", 13)] {
        let (sim, batch) = one(fault).await;
        let lines = sim.gemini_lines(&batch).await;
        assert_eq!(lines.iter().filter(|line| line["error"]["code"] == code).count(), 1, "{fault}");
        assert_eq!(batch["metadata"]["batchStats"]["failedRequestCount"], "1");
    }
    for (fault, readable, known) in
        [("missing_line", 5, 5), ("malformed_line", 5, 5), ("duplicate_line", 7, 6), ("unknown_id", 7, 6)]
    {
        let (sim, batch) = one(fault).await;
        let lines = sim.gemini_lines(&batch).await;
        let sent: HashSet<String> = keys(&lines).into_iter().filter(|key| key.starts_with('r')).collect();
        assert_eq!((lines.len(), sent.len()), (readable, known), "{fault}");
    }
    for (fault, reason) in [("truncated", "MAX_TOKENS"), ("content_filter", "SAFETY")] {
        let (sim, batch) = one(fault).await;
        let lines = sim.gemini_lines(&batch).await;
        let struck = |line: &&Value| line["response"]["candidates"][0]["finishReason"] == reason;
        assert_eq!(lines.iter().filter(struck).count(), 1, "{fault}");
        assert_eq!(sim.ledger().await.iter().filter(|line| !line.usable).count(), 1);
    }
    let (sim, batch) = one("refusal").await;
    let blocked = |line: &&Value| line["response"]["promptFeedback"]["blockReason"] == "OTHER";
    assert_eq!(sim.gemini_lines(&batch).await.iter().filter(blocked).count(), 1);
    let (sim, batch) = one("late_file").await;
    let name = batch["response"]["responsesFile"].as_str().unwrap();
    let get = || sim.gemini("GET", &format!("/{name}:download?alt=media")).send();
    assert_eq!(get().await.unwrap().status(), 404);
    tokio::time::sleep(std::time::Duration::from_millis(250)).await;
    assert_eq!(get().await.unwrap().status(), 200);
    script(&sim, "cut_download", "gemini.files.download").await;
    assert!(get().await.unwrap().bytes().await.is_err());
    assert_eq!(one("long_finalizing").await.1["metadata"]["state"], "BATCH_STATE_SUCCEEDED");
    assert_eq!(Fault::ALL.len(), 33, "a new fault needs its form at Gemini, and a line here");
}

#[tokio::test]
async fn a_restart_finds_everything_and_goes_on() {
    let folder = TempDir::new();
    let kept = || Config { data: Some(folder.0.clone()), ..Config::instant() };
    let mut config = kept();
    config.settings.hold_after = Some(7);
    let sim = Sim::with(config).await;
    let name = sim.gemini_batch(content_file(20)).await;
    while sim.ledger().await.len() < 7 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    drop(sim.running);
    let sim = Sim::with(kept()).await;
    let batch = sim.gemini_ended(&name).await;
    assert_eq!(keys(&sim.gemini_lines(&batch).await), all_ids(20));
    assert_eq!(sim.ledger().await.len(), 20);
}

#[tokio::test]
async fn a_server_without_batches_has_only_chat_and_models() {
    let sim = Sim::start().await;
    let at = |method: &str, path: &str| {
        let url = format!("{}{path}", sim.running.compatible_url());
        sim.http.request(method.parse().unwrap(), url).bearer_auth("key")
    };
    assert_eq!(at("POST", "/chat/completions").json(&chat(1)).send().await.unwrap().status(), 200);
    assert_eq!(at("GET", "/models").send().await.unwrap().status(), 200);
    for (method, path) in [("GET", "/files"), ("POST", "/files"), ("POST", "/batches"), ("GET", "/batches")] {
        let (status, error) = read(at(method, path).send().await.unwrap()).await;
        assert_eq!(status, 404, "{method} {path}");
        assert_eq!(error["error"]["type"], "invalid_request_error");
    }
    assert_eq!(sim.ledger().await.len(), 1);
}
