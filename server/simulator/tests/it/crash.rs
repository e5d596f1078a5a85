//! What is acknowledged stays: restarts on the same folder, and `kill -9` of the program at random moments.

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    time::Duration,
};

use quire_simulator::Config;
use rand::RngExt;
use serde_json::{Value, json};

use crate::support::{Sim, TempDir, all_ids, batch_file, batch_requests, chat, client, ids, jsonl};

fn kept(folder: &TempDir) -> Config {
    Config { data: Some(folder.0.clone()), ..Config::instant() }
}

#[tokio::test]
async fn a_restart_finds_everything_and_goes_on() {
    let folder = TempDir::new();
    let mut config = kept(&folder);
    config.settings.hold_after = Some(7);
    let sim = Sim::with(config).await;
    let file = sim.upload(batch_file(20)).await;
    let batch = sim.create_batch(&file).await.1["id"].as_str().unwrap().to_owned();
    let messages = sim.anthropic_batch(&batch_requests(20)).await;
    sim.openai_until(&batch, |batch| batch["request_counts"]["completed"] == 7).await;
    while sim.ledger().await.len() < 14 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    sim.openai("POST", "/chat/completions").json(&chat(0)).send().await.unwrap();
    // As a crash would: nothing is told to end.
    drop(sim.running);

    let sim = Sim::with(kept(&folder)).await;
    assert_eq!(
        sim.openai("GET", &format!("/files/{file}/content")).send().await.unwrap().text().await.unwrap(),
        batch_file(20)
    );
    let ended = sim.openai_ended(&batch).await;
    assert_eq!(ended["request_counts"], json!({"total": 20, "completed": 20, "failed": 0}));
    assert_eq!(ids(&sim.lines(&ended["output_file_id"]).await), all_ids(20));
    sim.anthropic_ended(&messages).await;
    assert_eq!(ids(&sim.results(&messages).await), all_ids(20));
    let ledger = sim.ledger().await;
    assert_eq!(ledger.len(), 41);
    assert_eq!(ledger.iter().filter(|line| line.batch_id.is_none()).count(), 1);
    sim.running.shutdown().await.unwrap();

    let sim = Sim::with(kept(&folder)).await;
    assert_eq!(sim.openai_get(&batch).await, ended, "an ended batch stays as it is");
    assert_eq!(sim.ledger().await, ledger);
}

#[tokio::test]
async fn a_folder_in_use_is_refused() {
    let folder = TempDir::new();
    let _sim = Sim::with(kept(&folder)).await;
    let error = quire_simulator::start(kept(&folder)).await.unwrap_err().to_string();
    assert!(error.contains("in use by another simulator"), "{error}");
}

/// The program, running.
struct Program {
    child: Child,
    addr: SocketAddr,
}

impl Program {
    fn start(folder: &TempDir) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_quire-simulator"))
            .args([
                "--listen",
                "127.0.0.1:0",
                "--turnaround",
                "0.4",
                "--turnaround-spread",
                "0",
                "--latency",
                "20",
            ])
            .arg("--data")
            .arg(&folder.0)
            .env("RUST_LOG", "info")
            .env("NO_COLOR", "1")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let ready = lines.by_ref().map(Result::unwrap).find(|line| line.contains("openai=")).unwrap();
        let url = ready.split("http://").nth(1).unwrap();
        let addr = url.split('/').next().unwrap().parse().unwrap();
        // Someone has to read on, or the program blocks once the pipe is full.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, addr }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    fn kill(mut self) {
        // On Unix this is SIGKILL.
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

#[tokio::test]
async fn kill_9_at_random_moments_loses_nothing_and_pays_nothing_twice() {
    const KILLS: usize = 12;
    let folder = TempDir::new();
    let http = client();
    let mut program = Program::start(&folder);
    let mut rng = rand::rng();
    let (mut openai, mut anthropic, mut live) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..KILLS {
        // Whatever is acknowledged before the kill must be there after it.
        let killed = tokio::time::sleep(Duration::from_millis(rng.random_range(0..700)));
        let work = async {
            loop {
                if let Some(id) = make_openai(&http, &program).await {
                    openai.push(id);
                }
                if let Some(id) = make_anthropic(&http, &program).await {
                    anthropic.push(id);
                }
                if let Some(id) = call(&http, &program).await {
                    live.push(id);
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        tokio::select! {
            () = killed => {}
            () = work => {}
        }
        program.kill();
        program = Program::start(&folder);
    }
    assert!(!openai.is_empty() && !anthropic.is_empty() && !live.is_empty());

    for id in &openai {
        let batch = poll(&http, &program, &format!("/openai/v1/batches/{id}"), "status", "completed").await;
        assert_eq!(batch["request_counts"]["completed"], 120);
        let file = batch["output_file_id"].as_str().unwrap();
        let text = get(&http, &program, &format!("/openai/v1/files/{file}/content")).await;
        assert_eq!(text.lines().count(), 120, "no half lines");
        assert_eq!(ids(&jsonl(&text)), all_ids(120));
    }
    for id in &anthropic {
        let path = format!("/anthropic/v1/messages/batches/{id}");
        poll(&http, &program, &path, "processing_status", "ended").await;
        let text = get(&http, &program, &format!("{path}/results")).await;
        assert_eq!(ids(&jsonl(&text)), all_ids(60));
    }
    let ledger: Vec<Value> = serde_json::from_str(&get(&http, &program, "/simulator/ledger").await).unwrap();
    let count = |batch: &str| ledger.iter().filter(|line| line["batch_id"] == batch).count();
    for id in &openai {
        assert_eq!(count(id), 120, "each request of {id} once");
    }
    for id in &anthropic {
        assert_eq!(count(id), 60, "each request of {id} once");
    }
    for id in &live {
        let lines = ledger.iter().filter(|line| line["response_id"] == id.as_str()).count();
        assert_eq!(lines, 1, "the answered call {id} once");
    }
    let summary: Value =
        serde_json::from_str(&get(&http, &program, "/simulator/ledger/summary").await).unwrap();
    assert_eq!(summary["lines"], ledger.len());
    program.kill();
}

async fn make_openai(http: &reqwest::Client, program: &Program) -> Option<String> {
    let part = reqwest::multipart::Part::text(batch_file(120)).file_name("input.jsonl");
    let form = reqwest::multipart::Form::new().text("purpose", "batch").part("file", part);
    let file: Value = http
        .post(program.url("/openai/v1/files"))
        .bearer_auth("k")
        .multipart(form)
        .send()
        .await
        .ok()?
        .json()
        .await
        .ok()?;
    let body =
        json!({"input_file_id": file["id"], "endpoint": "/v1/chat/completions", "completion_window": "24h"});
    let batch: Value = http
        .post(program.url("/openai/v1/batches"))
        .bearer_auth("k")
        .json(&body)
        .send()
        .await
        .ok()?
        .json()
        .await
        .ok()?;
    Some(batch["id"].as_str().unwrap().to_owned())
}

async fn make_anthropic(http: &reqwest::Client, program: &Program) -> Option<String> {
    let batch: Value = http
        .post(program.url("/anthropic/v1/messages/batches"))
        .header("x-api-key", "k")
        .header("anthropic-version", "2023-06-01")
        .json(&json!({"requests": batch_requests(60)}))
        .send()
        .await
        .ok()?
        .json()
        .await
        .ok()?;
    Some(batch["id"].as_str().unwrap().to_owned())
}

async fn call(http: &reqwest::Client, program: &Program) -> Option<String> {
    let answer: Value = http
        .post(program.url("/openai/v1/chat/completions"))
        .bearer_auth("k")
        .json(&chat(1))
        .send()
        .await
        .ok()?
        .json()
        .await
        .ok()?;
    Some(answer["id"].as_str().unwrap().to_owned())
}

async fn get(http: &reqwest::Client, program: &Program, path: &str) -> String {
    let request = http.get(program.url(path)).bearer_auth("k").header("anthropic-version", "2023-06-01");
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200, "{path}");
    response.text().await.unwrap()
}

async fn poll(http: &reqwest::Client, program: &Program, path: &str, field: &str, value: &str) -> Value {
    for _ in 0..1_000 {
        let object: Value = serde_json::from_str(&get(http, program, path).await).unwrap();
        if object[field] == value {
            return object;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{path} didn't become {value}");
}

#[tokio::test]
async fn whoever_hangs_up_while_making_a_batch_leaves_it_running() {
    let sim = Sim::settings(|s| s.turnaround_seconds = 0.2).await;
    for _ in 0..20 {
        let file = sim.upload(batch_file(2)).await;
        let body =
            json!({"input_file_id": file, "endpoint": "/v1/chat/completions", "completion_window": "24h"});
        let patience = Duration::from_micros(rand::rng().random_range(100..3_000));
        let _ = sim.openai("POST", "/batches").json(&body).timeout(patience).send().await;
    }
    let list: Value = sim.openai("GET", "/batches?limit=100").send().await.unwrap().json().await.unwrap();
    for batch in list["data"].as_array().unwrap() {
        assert_eq!(sim.openai_ended(batch["id"].as_str().unwrap()).await["status"], "completed");
    }
}

#[tokio::test]
async fn expired_files_are_removed_at_the_next_start() {
    let folder = TempDir::new();
    let config = || Config { manual_clock: true, ..kept(&folder) };
    let contents = || std::fs::read_dir(folder.0.join("files")).unwrap().count();
    let sim = Sim::with(config()).await;
    sim.openai_ended(&sim.openai_batch(batch_file(2)).await).await;
    assert_eq!(contents(), 2, "the input and the output");
    sim.control(json!({"advance_seconds": 31 * 86_400})).await;
    sim.running.shutdown().await.unwrap();
    let sim = Sim::with(config()).await;
    assert_eq!(contents(), 0);
    let list: Value = sim.openai("GET", "/files").send().await.unwrap().json().await.unwrap();
    assert_eq!(list["data"], json!([]));
}
