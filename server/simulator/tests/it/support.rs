//! What the tests share: a simulator with a client for it, and requests as a marking system sends them.

use std::{path::PathBuf, time::Duration};

use quire_simulator::{Config, LedgerLine, Running, Settings, start};
use reqwest::{
    Client, RequestBuilder, Response, StatusCode,
    multipart::{Form, Part},
};
use serde_json::{Value, json};

/// A simulator with a client for it.
pub(crate) struct Sim {
    pub(crate) running: Running,
    pub(crate) http: Client,
}

/// A folder that goes with its value.
pub(crate) struct TempDir(pub(crate) PathBuf);

impl TempDir {
    pub(crate) fn new() -> Self {
        let path = std::env::temp_dir().join(format!("quire-simulator-test-{}", uuid::Uuid::now_v7()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub(crate) fn client() -> Client {
    // Installed once for the process; later calls find it there.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().timeout(Duration::from_secs(60)).build().unwrap()
}

impl Sim {
    pub(crate) async fn start() -> Self {
        Self::with(Config::instant()).await
    }

    pub(crate) async fn with(config: Config) -> Self {
        Self { running: start(config).await.unwrap(), http: client() }
    }

    pub(crate) async fn settings(change: impl FnOnce(&mut Settings)) -> Self {
        let mut config = Config::instant();
        change(&mut config.settings);
        Self::with(config).await
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.running.addr)
    }

    pub(crate) fn openai(&self, method: &str, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.running.openai_url());
        self.http.request(method.parse().unwrap(), url).bearer_auth("key")
    }

    pub(crate) fn anthropic(&self, method: &str, path: &str) -> RequestBuilder {
        let url = format!("{}/v1{path}", self.running.anthropic_url());
        let request = self.http.request(method.parse().unwrap(), url);
        request.header("x-api-key", "key").header("anthropic-version", "2023-06-01")
    }

    pub(crate) fn gemini(&self, method: &str, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.running.gemini_url());
        self.http.request(method.parse().unwrap(), url).header("x-goog-api-key", "key")
    }

    pub(crate) async fn control(&self, body: Value) -> Value {
        let response = self.http.post(self.url("/simulator/control")).json(&body).send().await.unwrap();
        let (status, body) = read(response).await;
        assert_eq!(status, 200, "{body}");
        body
    }

    pub(crate) async fn ledger(&self) -> Vec<LedgerLine> {
        self.http.get(self.url("/simulator/ledger")).send().await.unwrap().json().await.unwrap()
    }

    // OpenAI

    pub(crate) async fn upload(&self, content: impl Into<String>) -> String {
        let (status, file) = self.try_upload("input.jsonl", content).await;
        assert_eq!(status, 200, "{file}");
        file["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn try_upload(&self, name: &str, content: impl Into<String>) -> (StatusCode, Value) {
        let part = Part::text(content.into()).file_name(name.to_owned());
        let form = Form::new().text("purpose", "batch").part("file", part);
        read(self.openai("POST", "/files").multipart(form).send().await.unwrap()).await
    }

    pub(crate) async fn create_batch(&self, file: &str) -> (StatusCode, Value) {
        let body =
            json!({"input_file_id": file, "endpoint": "/v1/chat/completions", "completion_window": "24h"});
        read(self.openai("POST", "/batches").json(&body).send().await.unwrap()).await
    }

    /// Uploads and creates; answers the batch's id.
    pub(crate) async fn openai_batch(&self, content: impl Into<String>) -> String {
        let file = self.upload(content).await;
        let (status, batch) = self.create_batch(&file).await;
        assert_eq!(status, 200, "{batch}");
        batch["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn openai_get(&self, id: &str) -> Value {
        read(self.openai("GET", &format!("/batches/{id}")).send().await.unwrap()).await.1
    }

    /// Polls until the batch is in its final state.
    pub(crate) async fn openai_ended(&self, id: &str) -> Value {
        self.openai_until(id, |batch| {
            ["completed", "failed", "expired", "cancelled"].contains(&batch["status"].as_str().unwrap())
        })
        .await
    }

    pub(crate) async fn openai_until(&self, id: &str, done: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..2_000 {
            let batch = self.openai_get(id).await;
            if done(&batch) {
                return batch;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("batch {id} didn't get there: {}", self.openai_get(id).await);
    }

    /// The lines of a file that are JSON.
    pub(crate) async fn lines(&self, file: &Value) -> Vec<Value> {
        let Some(id) = file.as_str().filter(|id| !id.is_empty()) else { return vec![] };
        let response = self.openai("GET", &format!("/files/{id}/content")).send().await.unwrap();
        assert_eq!(response.status(), 200);
        jsonl(&response.text().await.unwrap())
    }

    // Anthropic

    pub(crate) async fn anthropic_create(&self, requests: &[Value]) -> (StatusCode, Value) {
        let body = json!({"requests": requests});
        read(self.anthropic("POST", "/messages/batches").json(&body).send().await.unwrap()).await
    }

    pub(crate) async fn anthropic_batch(&self, requests: &[Value]) -> String {
        let (status, batch) = self.anthropic_create(requests).await;
        assert_eq!(status, 200, "{batch}");
        batch["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn anthropic_get(&self, id: &str) -> Value {
        read(self.anthropic("GET", &format!("/messages/batches/{id}")).send().await.unwrap()).await.1
    }

    pub(crate) async fn anthropic_ended(&self, id: &str) -> Value {
        for _ in 0..2_000 {
            let batch = self.anthropic_get(id).await;
            if batch["processing_status"] == "ended" {
                return batch;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("batch {id} didn't end: {}", self.anthropic_get(id).await);
    }

    pub(crate) async fn results(&self, id: &str) -> Vec<Value> {
        let response =
            self.anthropic("GET", &format!("/messages/batches/{id}/results")).send().await.unwrap();
        assert_eq!(response.status(), 200);
        jsonl(&response.text().await.unwrap())
    }
}

impl Sim {
    // Gemini

    /// Announces and uploads a file; answers its name.
    pub(crate) async fn gemini_upload(&self, content: impl Into<String>) -> String {
        let begin = self
            .http
            .post(self.url("/gemini/upload/v1beta/files"))
            .header("x-goog-api-key", "key")
            .header("x-goog-upload-protocol", "resumable")
            .header("x-goog-upload-command", "start")
            .json(&json!({"file": {"displayName": "requests"}}));
        let begun = begin.send().await.unwrap();
        assert_eq!(begun.status(), 200);
        let address = begun.headers()["x-goog-upload-url"].to_str().unwrap().to_owned();
        let upload = self
            .http
            .post(address)
            .header("x-goog-api-key", "key")
            .header("x-goog-upload-offset", "0")
            .header("x-goog-upload-command", "upload, finalize")
            .body(content.into());
        let (status, file) = read(upload.send().await.unwrap()).await;
        assert_eq!(status, 200, "{file}");
        file["file"]["name"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn gemini_create(&self, file: &str) -> (StatusCode, Value) {
        let body = json!({"batch": {"displayName": "batch t-1", "inputConfig": {"fileName": file}}});
        let path = "/models/gemini-3.5-flash-lite:batchGenerateContent";
        read(self.gemini("POST", path).json(&body).send().await.unwrap()).await
    }

    /// Uploads and creates; answers the batch's name.
    pub(crate) async fn gemini_batch(&self, content: impl Into<String>) -> String {
        let file = self.gemini_upload(content).await;
        let (status, batch) = self.gemini_create(&file).await;
        assert_eq!(status, 200, "{batch}");
        batch["name"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn gemini_get(&self, name: &str) -> Value {
        read(self.gemini("GET", &format!("/{name}")).send().await.unwrap()).await.1
    }

    pub(crate) async fn gemini_ended(&self, name: &str) -> Value {
        for _ in 0..2_000 {
            let batch = self.gemini_get(name).await;
            if batch["done"] == true {
                return batch;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("batch {name} didn't end: {}", self.gemini_get(name).await);
    }

    /// The lines of an ended batch's results that are JSON.
    pub(crate) async fn gemini_lines(&self, batch: &Value) -> Vec<Value> {
        let Some(name) = batch["metadata"]["output"]["responsesFile"].as_str().filter(|n| !n.is_empty())
        else {
            return vec![];
        };
        let response = self.gemini("GET", &format!("/{name}:download?alt=media")).send().await.unwrap();
        assert_eq!(response.status(), 200);
        jsonl(&response.text().await.unwrap())
    }
}

pub(crate) async fn read(response: Response) -> (StatusCode, Value) {
    let status = response.status();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

pub(crate) fn jsonl(text: &str) -> Vec<Value> {
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// A schema as a marking system asks for it.
pub(crate) fn schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "criteria": {
                "type": "object",
                "properties": {"ideas": {
                    "type": "object",
                    "properties": {
                        "level": {"type": "string", "enum": ["l1", "l2", "l3", "l4", "l5", "l6"]},
                        "evidence": {"type": "array", "items": {"type": "integer"}},
                        "comment": {"type": "string"},
                    },
                    "required": ["level", "evidence", "comment"],
                    "additionalProperties": false,
                }},
                "required": ["ideas"],
                "additionalProperties": false,
            },
            "feedback": {"type": "string"},
            "confidence": {"type": "number", "minimum": 0, "maximum": 1},
        },
        "required": ["criteria", "feedback", "confidence"],
        "additionalProperties": false,
    })
}

pub(crate) fn essay(n: usize) -> String {
    format!(
        "[1] Essay {n} is about computers. [2] However, they help us. [3] That is why I like them {n} times."
    )
}

/// The body of a chat completion.
pub(crate) fn chat(n: usize) -> Value {
    json!({
        "model": "gpt-6-luna",
        "messages": [
            {"role": "system", "content": "Mark the work by the rubric."},
            {"role": "user", "content": essay(n)},
        ],
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "marks", "strict": true, "schema": schema()},
        },
    })
}

/// One line of an OpenAI batch.
pub(crate) fn line(id: &str, body: Value) -> String {
    json!({"custom_id": id, "method": "POST", "url": "/v1/chat/completions", "body": body}).to_string()
}

/// An OpenAI batch of so many requests, r0, r1, …
pub(crate) fn batch_file(requests: usize) -> String {
    (0..requests).map(|n| line(&format!("r{n}"), chat(n)) + "\n").collect()
}

/// The body of a message.
pub(crate) fn message(n: usize) -> Value {
    json!({
        "model": "claude-haiku-5-5",
        "max_tokens": 1_000,
        "system": "Mark the work by the rubric.",
        "messages": [{"role": "user", "content": essay(n)}],
        "output_config": {"format": {"type": "json_schema", "schema": schema()}},
    })
}

/// An Anthropic batch of so many requests, r0, r1, …
pub(crate) fn batch_requests(requests: usize) -> Vec<Value> {
    (0..requests).map(|n| json!({"custom_id": format!("r{n}"), "params": message(n)})).collect()
}

/// The body of a request for content.
pub(crate) fn content(n: usize) -> Value {
    json!({
        "systemInstruction": {"parts": [{"text": "Mark the work by the rubric."}]},
        "contents": [{"role": "user", "parts": [{"text": essay(n)}]}],
        "generationConfig": {
            "maxOutputTokens": 1_000, "responseMimeType": "application/json", "responseJsonSchema": schema(),
        },
    })
}

/// A Gemini batch of so many requests, r0, r1, …
pub(crate) fn content_file(requests: usize) -> String {
    (0..requests).map(|n| json!({"key": format!("r{n}"), "request": content(n)}).to_string() + "\n").collect()
}

/// The keys of Gemini's result lines, sorted.
pub(crate) fn keys(lines: &[Value]) -> Vec<String> {
    let mut keys: Vec<String> = lines.iter().map(|line| line["key"].as_str().unwrap().to_owned()).collect();
    keys.sort();
    keys
}

/// The custom ids of result lines, sorted.
pub(crate) fn ids(lines: &[Value]) -> Vec<String> {
    let mut ids: Vec<String> =
        lines.iter().map(|line| line["custom_id"].as_str().unwrap().to_owned()).collect();
    ids.sort();
    ids
}

/// r0, r1, … as [`ids`] gives them.
pub(crate) fn all_ids(requests: usize) -> Vec<String> {
    let mut ids: Vec<String> = (0..requests).map(|n| format!("r{n}")).collect();
    ids.sort();
    ids
}
