//! The adapter against servers that play Gemini, well and badly.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::{
    provider::{
        Answer, BatchComplaint, Counts, LineError, Outcome,
        testing::{self, Asked, KEY, Server, all, json, lines, raw, reply, request, settings},
    },
    store::JobId,
};
use axum::response::Response;
use serde_json::{Value, json as j};
use std::{sync::Mutex, time::Duration};

fn at(base: &str) -> Gemini {
    Gemini::new(&settings(base)).unwrap()
}

fn outgoing(lines: &[Vec<u8>]) -> Outgoing {
    Outgoing {
        token: "tok1".into(),
        model: "gemini-3.5-flash-lite".into(),
        requests: lines.len() as u64,
        bytes: lines.iter().map(Vec::len).sum::<usize>() as u64,
    }
}

fn written(gemini: &Gemini, count: usize) -> Vec<Vec<u8>> {
    (0..count)
        .map(|_| {
            let mut out = Vec::new();
            let id = CustomId::new("tok1", JobId(Uuid::now_v7()));
            gemini.write_request(&mut out, &id, &request());
            out
        })
        .collect()
}

fn stream(lines_: &[Vec<u8>]) -> Lines {
    lines(lines_.iter().cloned().map(Ok).collect())
}

fn none() -> Lines {
    lines(Vec::new())
}

fn operation(name: &str, state: &str, created: &str, display: &str) -> Value {
    j!({"name": format!("batches/{name}"), "metadata": {
        "@type": "type.googleapis.com/google.ai.generativelanguage.v1main.GenerateContentBatch",
        "model": "models/gemini-3.5-flash-lite", "displayName": display,
        "state": format!("BATCH_STATE_{state}"), "createTime": created, "name": format!("batches/{name}"),
        "batchStats": {"requestCount": "3", "pendingRequestCount": "3"}}})
}

fn refused(status: u16, name: &str, message: &str) -> Response {
    json(status, &j!({"error": {"code": status, "message": message, "status": name}}))
}

/// The reply to the announcement of an upload, which names its address.
fn begun(address: &str) -> Response {
    let mut response = reply(200, "");
    response.headers_mut().insert("x-goog-upload-url", address.parse().unwrap());
    response
}

const LATE: &str = "2026-11-24T10:01:00Z";

#[tokio::test]
async fn uploads_a_file_as_a_stream_and_makes_a_batch_of_it() {
    let server = Server::start(|asked| {
        let host = asked.headers["host"].to_str().unwrap();
        match asked.path.as_str() {
            "/upload/v1/files" => begun(&format!("http://{host}/upload/v1/files?upload_id=u1")),
            "/upload/v1/files?upload_id=u1" => {
                json(200, &j!({"file": {"name": "files/in1", "state": "ACTIVE", "sizeBytes": "7"}}))
            }
            "/v1/models/gemini-3.5-flash-lite:batchGenerateContent" => {
                json(200, &operation("b1", "PENDING", LATE, "quire-tok1"))
            }
            other => reply(404, other),
        }
    })
    .await;
    let gemini = at(&server.base);
    let requests = written(&gemini, 500);
    let outgoing = outgoing(&requests);
    let input = gemini.upload(&outgoing, stream(&requests)).await.unwrap();
    assert_eq!(input.as_deref(), Some("files/in1"));
    let made = gemini.create(&outgoing, input.as_deref(), none()).await.unwrap();
    assert_eq!((made.id.as_str(), made.state), ("batches/b1", RemoteState::Validating));
    assert_eq!(made.counts, Some(Counts { total: 3, completed: 0, failed: 0 }));

    let asked = server.asked();
    let size = requests.concat().len().to_string();
    assert_eq!(asked[0].headers["x-goog-api-key"], KEY);
    assert_eq!(asked[0].headers["x-goog-upload-protocol"], "resumable");
    assert_eq!(asked[0].headers["x-goog-upload-command"], "start");
    assert_eq!(asked[0].headers["x-goog-upload-header-content-length"], size.as_str());
    assert_eq!(asked[1].headers["x-goog-upload-command"], "upload, finalize");
    assert_eq!(asked[1].headers["content-length"], size.as_str(), "the length is told before");
    assert_eq!(asked[1].body, requests.concat(), "the lines arrive as written");
    let create: Value = serde_json::from_slice(&asked[2].body).unwrap();
    assert_eq!(
        create,
        j!({"batch": {"displayName": "quire-tok1", "inputConfig": {"fileName": "files/in1"}}})
    );
    let error = gemini.create(&outgoing, None, none()).await.unwrap_err();
    assert_eq!(error.class, ErrorClass::Invalid);
}

#[tokio::test]
async fn an_upload_goes_nowhere_else_and_is_what_was_written_down() {
    let server = Server::start(|asked| match asked.path.as_str() {
        "/upload/v1/files" if asked.body.windows(4).any(|w| w == b"lost") => reply(200, "{}"),
        "/upload/v1/files" if asked.body.windows(4).any(|w| w == b"away") => {
            begun("https://elsewhere.example/upload?upload_id=u1")
        }
        "/upload/v1/files" => begun(&format!("http://{}/put", asked.headers["host"].to_str().unwrap())),
        "/put" => json(
            200,
            &j!({"file": {"name": "files/bad", "state": "FAILED", "error": {"code": 3, "message": "no lines"}}}),
        ),
        other => reply(404, other),
    })
    .await;
    let gemini = at(&server.base);
    let requests = written(&gemini, 3);
    for (token, words) in [("lost", "no address for the upload"), ("away", "another server")] {
        let batch = Outgoing { token: token.into(), ..outgoing(&requests) };
        let error = gemini.upload(&batch, stream(&requests)).await.unwrap_err();
        assert!(error.message.contains(words), "{error}");
        assert_eq!((error.class, error.maybe_done), (ErrorClass::Malformed, false));
    }
    let error = gemini.upload(&outgoing(&requests), stream(&requests)).await.unwrap_err();
    assert_eq!(error.message, "Gemini refused the input file: no lines");
    for bytes in [10, 1_000_000] {
        let batch = Outgoing { bytes, ..outgoing(&requests) };
        let error = gemini.upload(&batch, stream(&requests)).await.unwrap_err();
        assert!(error.message.contains(&format!("written down with {bytes} bytes")), "{error}");
        assert!(!error.maybe_done);
    }
    let broken = lines(vec![Ok(requests[0].clone()), Err("the disk is gone")]);
    let error = gemini.upload(&outgoing(&requests), broken).await.unwrap_err();
    assert_eq!(error.message, "the batch's requests could not be read: the disk is gone");
}

#[tokio::test]
async fn uploads_beside_the_interface_wherever_it_is() {
    for (base, expected) in [
        (
            "https://generativelanguage.googleapis.com/v1beta",
            "https://generativelanguage.googleapis.com/upload/v1beta/files",
        ),
        ("http://127.0.0.1:9/gemini/v1beta/", "http://127.0.0.1:9/gemini/upload/v1beta/files"),
    ] {
        assert_eq!(at(base).upload_url().as_str(), expected);
    }
    let gemini = at("http://127.0.0.1:9/gemini/v1beta");
    let url = gemini.model_url("models/gemini-4-argon", "generateContent").unwrap();
    assert_eq!(url.as_str(), "http://127.0.0.1:9/gemini/v1beta/models/gemini-4-argon:generateContent");
    assert!(gemini.model_url("..", "generateContent").is_err());
    assert!(id_of("batches/..", "batches").is_err());
}

#[tokio::test]
async fn fences_a_creation_by_deleting_its_input() {
    let gone = "You do not have permission to access the File gone or it may not exist.";
    let server = Server::start(move |asked| match asked.path.as_str() {
        "/v1/files/in1" => json(200, &j!({})),
        "/v1/files/gone" => refused(403, "PERMISSION_DENIED", gone),
        "/v1/files/none" => refused(404, "NOT_FOUND", "no such file"),
        "/v1/files/not-yours" => refused(403, "PERMISSION_DENIED", "the key may not"),
        "/v1/files/a%2Fb" => refused(500, "INTERNAL", "oops"),
        _ => json(404, &j!({"detail": "Not Found"})),
    })
    .await;
    let gemini = at(&server.base);
    assert_eq!(gemini.fence("files/in1").await, Ok(true));
    assert_eq!(gemini.fence("files/gone").await, Ok(true));
    assert_eq!(gemini.fence("files/none").await, Ok(true));
    assert_eq!(gemini.fence("files/not-yours").await.unwrap_err().class, ErrorClass::Key);
    assert_eq!(gemini.fence("files/a/b").await.unwrap_err().class, ErrorClass::Provider);
    assert_eq!(gemini.fence("files/unknown-address").await.unwrap_err().class, ErrorClass::NotFound);
    assert_eq!(gemini.fence("files/").await.unwrap_err().class, ErrorClass::Invalid);
    assert!(server.asked().iter().all(|asked| asked.method == "DELETE"));
}

fn sought() -> Sought {
    Sought {
        token: "tok1".into(),
        requests: 3,
        not_before: "2026-11-24T10:00:00Z".parse().unwrap(),
        known: vec!["batches/known".into()],
    }
}

/// Pages of 100 batches, newest first, a minute apart; `ours` stands at its place.
fn listing(ours: Option<(usize, Value)>, count: usize) -> impl Fn(&Asked) -> Response + Send + Sync {
    move |asked| {
        let from = asked.path.split("pageToken=p").nth(1).map_or(0, |n| n.parse::<usize>().unwrap());
        let newest: chrono::DateTime<chrono::Utc> = "2026-11-24T12:46:00Z".parse().unwrap();
        let operations: Vec<Value> = (from..count.min(from + 100))
            .map(|n| match &ours {
                Some((place, value)) if *place == n => value.clone(),
                _ => {
                    let created = newest - chrono::TimeDelta::minutes(n as i64);
                    operation(&format!("b{n}"), "RUNNING", &created.to_rfc3339(), "quire-other")
                }
            })
            .collect();
        let mut page = j!({});
        if !operations.is_empty() {
            page["operations"] = operations.into();
        }
        if from + 100 < count {
            page["nextPageToken"] = format!("p{}", from + 100).into();
        }
        json(200, &page)
    }
}

#[tokio::test]
async fn finds_a_batch_by_its_name_on_any_page() {
    let server =
        Server::start(listing(Some((165, operation("ours", "RUNNING", LATE, "quire-tok1"))), 1_000)).await;
    let Found::Batch(found) = at(&server.base).find(&sought()).await.unwrap() else { panic!("not found") };
    assert_eq!(found.id, "batches/ours");
    assert_eq!(server.asked().len(), 2);
    let server = Server::start(listing(None, 1_000)).await;
    assert_eq!(at(&server.base).find(&sought()).await, Ok(Found::Absent));
    assert_eq!(server.asked().len(), 2, "the time sought lies on the second page of ten");
    let empty = Server::start(listing(None, 0)).await;
    assert_eq!(at(&empty.base).find(&sought()).await, Ok(Found::Absent));
}

#[tokio::test]
async fn a_known_or_refused_batch_does_not_hide_another() {
    let server = Server::start(|_| {
        json(
            200,
            &j!({"operations": [
                operation("known", "RUNNING", "2026-11-24T10:03:00Z", "quire-tok1"),
                operation("failed", "FAILED", "2026-11-24T10:02:00Z", "quire-tok1"),
                operation("runs", "RUNNING", "2026-11-24T10:01:00Z", "quire-tok1")]}),
        )
    })
    .await;
    let found = at(&server.base).find(&sought()).await.unwrap();
    assert!(matches!(found, Found::Batch(b) if b.id == "batches/runs"));
    let server = Server::start(|_| {
        json(200, &j!({"operations": [operation("failed", "FAILED", LATE, "quire-tok1")]}))
    })
    .await;
    let found = at(&server.base).find(&sought()).await.unwrap();
    assert!(matches!(found, Found::Batch(b) if b.id == "batches/failed"));
}

#[tokio::test]
async fn polls_and_cancels() {
    let server = Server::start(|asked| match (asked.method.as_str(), asked.path.as_str()) {
        ("GET", "/v1/batches/b1") => {
            let mut failed = operation("b1", "FAILED", LATE, "x");
            failed["done"] = true.into();
            failed["error"] = j!({"code": 8, "message": "Enqueued"});
            json(200, &failed)
        }
        ("POST", "/v1/batches/b3:cancel") => json(200, &j!({})),
        ("GET", "/v1/batches/b3") => json(200, &operation("b3", "CANCELLED", LATE, "x")),
        ("POST", "/v1/batches/b4:cancel") => refused(400, "FAILED_PRECONDITION", "Cannot cancel"),
        ("GET", "/v1/batches/b4") => json(200, &operation("b4", "SUCCEEDED", LATE, "x")),
        ("POST", "/v1/batches/b5:cancel") => refused(400, "FAILED_PRECONDITION", "Cannot cancel"),
        ("GET", "/v1/batches/b5") => json(200, &operation("b5", "RUNNING", LATE, "x")),
        ("GET", "/v1/batches/b2") => json(200, &operation("b2", "MELTING", LATE, "x")),
        _ => refused(404, "NOT_FOUND", "Requested entity was not found."),
    })
    .await;
    let gemini = at(&server.base);
    let failed = gemini.poll("batches/b1").await.unwrap();
    assert_eq!(failed.state, RemoteState::Failed);
    assert_eq!(
        failed.complaints,
        [BatchComplaint { code: "RESOURCE_EXHAUSTED".into(), message: "Enqueued".into(), line: None }]
    );
    assert_eq!(gemini.cancel("batches/b3").await.unwrap().state, RemoteState::Cancelled);
    assert_eq!(gemini.cancel("batches/b4").await.unwrap().state, RemoteState::Ended, "as good as done");
    assert_eq!(gemini.cancel("batches/b5").await.unwrap_err().class, ErrorClass::Invalid);
    assert!(gemini.poll("batches/b2").await.unwrap_err().message.contains("\"MELTING\""));
    let gone = gemini.poll("batches/b9").await.unwrap_err();
    assert_eq!(
        (gone.class, gone.message.as_str()),
        (ErrorClass::NotFound, "Requested entity was not found.")
    );
}

fn answered(text: &str) -> Value {
    j!({"candidates": [{"finishReason": "STOP", "content": {"parts": [{"text": text}], "role": "model"}}],
        "usageMetadata": {"promptTokenCount": 10, "candidatesTokenCount": 5, "totalTokenCount": 15},
        "modelVersion": "gemini-3.5-flash-lite", "responseId": "r1"})
}

fn line(id: &str) -> String {
    j!({"key": id, "response": answered(&format!("{{\"check\":\"{id}\"}}"))}).to_string()
}

fn ended(results: &[&str]) -> RemoteBatch {
    RemoteBatch {
        id: "batches/b1".into(),
        state: RemoteState::Ended,
        counts: None,
        created_at: None,
        complaints: Vec::new(),
        results: results.iter().map(|&id| id.to_owned()).collect(),
    }
}

#[tokio::test]
async fn reads_the_result_file_line_by_line() {
    let server = Server::start(|asked| match asked.path.as_str() {
        "/v1/files/out:download?alt=media" => reply(
            200,
            &format!(
                "{}\nrubbish\n{}\n{}\n{}\n{}",
                line("t-2"),
                line("t-1"),
                line("t-1"),
                j!({"key": "t-3", "error": {"code": 14, "message": "try again"}}),
                j!({"key": "t-4", "response": answered("{\"check\":\"t-5\"}")}),
            ),
        ),
        _ => refused(404, "NOT_FOUND", "no such file"),
    })
    .await;
    let gemini = at(&server.base);
    let got = all(gemini.results(&ended(&["files/out"])).await.unwrap()).await;
    let got: Vec<_> = got.into_iter().map(Result::unwrap).collect();
    assert_eq!(got.len(), 6, "doubled lines are passed on");
    assert!(matches!(&got[1], Err(LineError { line: 2, custom_id: None, .. })));
    assert!(
        matches!(&got[0].as_ref().unwrap().outcome, Outcome::Answered(r) if r.answer == Answer::Json("{}".into()))
    );
    assert!(
        matches!(&got[4].as_ref().unwrap().outcome, Outcome::Failed(e) if e.class == ErrorClass::Provider)
    );
    assert!(
        matches!(&got[5].as_ref().unwrap().outcome, Outcome::Answered(r) if matches!(r.answer, Answer::Malformed(_))),
        "an answer under the key of another request is no answer"
    );
    assert_eq!(all(gemini.results(&ended(&[])).await.unwrap()).await.len(), 0);
    let late = gemini.results(&ended(&["files/late"])).await.err().unwrap();
    assert_eq!(late.class, ErrorClass::NotFound);
    assert_eq!(late.message, "the result file files/late is not there; it may appear later");
}

#[tokio::test]
async fn a_download_cut_anywhere_ends_with_an_error() {
    let file = format!("{}\n{}\n{}\n", line("t-1"), line("t-2"), line("t-3"));
    for cut in (0..file.len()).step_by(37) {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", file.len());
        let base = raw([head.as_bytes(), &file.as_bytes()[..cut]].concat(), false).await;
        let got = all(at(&base).results(&ended(&["files/out"])).await.unwrap()).await;
        let (last, lines) = got.split_last().unwrap();
        assert_eq!(last.as_ref().unwrap_err().class, ErrorClass::Connection, "cut at {cut}");
        assert_eq!(lines.len(), file[..cut].matches('\n').count());
        assert!(lines.iter().all(|line| line.as_ref().is_ok_and(Result::is_ok)));
    }
    // Without a length only the cut line tells.
    let base = raw(format!("HTTP/1.0 200 OK\r\n\r\n{}", &file[..file.len() - 10]), false).await;
    let got = all(at(&base).results(&ended(&["files/out"])).await.unwrap()).await;
    assert_eq!(
        got[2].as_ref().unwrap_err().message,
        "the download from Gemini ended in the middle of line 3"
    );
    // A download that stands still.
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n";
    let base = raw(format!("{head}{}\n{{\"key", line("t-1")), true).await;
    let got = all(at(&base).results(&ended(&["files/out"])).await.unwrap()).await;
    let error = got[1].as_ref().unwrap_err();
    assert_eq!((error.class, error.maybe_done), (ErrorClass::TimeOut, false));
}

#[tokio::test]
async fn calls_and_lists_models() {
    let server = Server::start(|asked| match asked.path.as_str() {
        "/v1/models/gpt-6-luna:generateContent" => json(200, &answered("{}")),
        "/v1/models?pageSize=1000" => {
            json(200, &j!({"models": [{"name": "models/a"}, {"name": "models/b"}], "nextPageToken": "p2"}))
        }
        "/v1/models?pageSize=1000&pageToken=p2" => json(200, &j!({"models": [{"name": "models/c"}]})),
        other => reply(404, other),
    })
    .await;
    let gemini = at(&server.base);
    let reply = gemini.call(&request()).await.unwrap();
    assert_eq!((reply.response_id.as_str(), reply.answer), ("r1", Answer::Json("{}".into())));
    assert_eq!(gemini.models().await.unwrap(), ["a", "b", "c"]);
    let body: Value = serde_json::from_slice(&server.asked()[0].body).unwrap();
    assert_eq!(body["generationConfig"]["responseMimeType"], "application/json");
}

#[tokio::test]
async fn refusals_are_classed_and_say_when_to_come_again() {
    let server = Server::start(|asked| {
        let status: u16 = asked.path["/v1/models/".len()..].split(':').next().unwrap().parse().unwrap();
        json(
            status,
            &j!({"error": {"code": status, "message": format!("no, {KEY}"), "status": "", "details": [
                {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "7s"}]}}),
        )
    })
    .await;
    for (status, class, maybe_done) in [
        (400, ErrorClass::Invalid, false),
        (401, ErrorClass::Key, false),
        (403, ErrorClass::Key, false),
        (429, ErrorClass::RateLimit, false),
        (500, ErrorClass::Provider, true),
        (503, ErrorClass::Provider, true),
        (504, ErrorClass::TimeOut, true),
    ] {
        let mut request = request();
        request.model = status.to_string().into();
        let error = at(&server.base).call(&request).await.unwrap_err();
        assert_eq!((error.class, error.maybe_done), (class, maybe_done), "{status}");
        assert_eq!(error.status, Some(status));
        assert_eq!(error.message, "no, [key]");
        assert_eq!(error.retry_after, Some(Duration::from_secs(7)));
    }
}

#[tokio::test]
async fn web_pages_and_redirects_are_named_for_what_they_are() {
    for (status, class, maybe_done) in [
        (200, ErrorClass::Malformed, true),
        (404, ErrorClass::Malformed, false),
        (429, ErrorClass::RateLimit, false),
        (502, ErrorClass::Provider, true),
    ] {
        let server = Server::start(move |_| {
            let mut response = reply(status, "<!DOCTYPE html><p>Hello");
            response.headers_mut().insert("content-type", "text/html; charset=utf-8".parse().unwrap());
            response
        })
        .await;
        let error = at(&server.base).call(&request()).await.unwrap_err();
        assert_eq!((error.class, error.maybe_done), (class, maybe_done), "{status}: {error}");
        let upload = at(&server.base).upload(&outgoing(&[vec![]]), none()).await.unwrap_err();
        assert_eq!(upload.class, if status == 200 { ErrorClass::Malformed } else { class }, "{upload}");
    }
    let elsewhere = Server::start(|_| json(200, &answered("{}"))).await;
    let to = elsewhere.base.clone();
    for status in [301, 302, 307, 308] {
        let to = to.clone();
        let server = Server::start(move |_| {
            let mut response = reply(status, "");
            response.headers_mut().insert("location", to.parse().unwrap());
            response
        })
        .await;
        let error = at(&server.base).call(&request()).await.unwrap_err();
        assert_eq!((error.class, error.maybe_done), (ErrorClass::Malformed, false));
        assert!(error.message.contains("set its base URL"), "{error}");
    }
    assert!(elsewhere.asked().is_empty(), "the key goes nowhere else");
}

#[tokio::test]
async fn a_call_cut_or_stalled_may_have_been_done() {
    let body = answered("{}").to_string();
    let whole = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    for cut in (0..whole.len()).step_by(11) {
        let base = raw(&whole.as_bytes()[..cut], false).await;
        let error = at(&base).call(&request()).await.unwrap_err();
        assert_eq!((error.class, error.maybe_done), (ErrorClass::Connection, true), "cut at {cut}: {error}");
    }
    for stalled in ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"] {
        let error = at(&raw(stalled, true).await).call(&request()).await.unwrap_err();
        assert_eq!((error.class, error.maybe_done), (ErrorClass::TimeOut, true), "{stalled}: {error}");
    }
    // JSON cut by the server itself, whose length is right.
    let server = Server::start(|_| reply(200, "{\"name\":\"batches/b1\",\"meta")).await;
    let error = at(&server.base).create(&outgoing(&[vec![]]), Some("files/f"), none()).await.unwrap_err();
    assert_eq!((error.class, error.maybe_done), (ErrorClass::Malformed, true));
    assert!(error.message.starts_with("the reply of Gemini is cut off"), "{error}");
    let error = at(&server.base).poll("batches/b1").await.unwrap_err();
    assert!(!error.maybe_done, "a question does nothing");
    // A port that nothing listens on.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}/v1", listener.local_addr().unwrap());
    drop(listener);
    let error = at(&base).create(&outgoing(&[vec![]]), Some("files/f"), none()).await.unwrap_err();
    assert_eq!((error.class, error.maybe_done), (ErrorClass::Connection, false));
}

#[tokio::test]
async fn each_exchange_is_observed_without_headroom() {
    let server = Server::start(|_| json(200, &j!({"models": []}))).await;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let observer: crate::provider::Observer =
        Arc::new(move |exchange| log.lock().unwrap().push(exchange.clone()));
    let gemini = Gemini::new(&Settings { observer: Some(observer), ..settings(&server.base) }).unwrap();
    assert!(gemini.models().await.unwrap().is_empty());
    let seen = seen.lock().unwrap();
    assert_eq!(
        (seen[0].operation, seen[0].status, seen[0].headroom),
        ("model.list", Some(200), Headroom::default())
    );
}

#[test]
fn what_it_can_do_is_as_it_is_set() {
    let base = "http://127.0.0.1:9/gemini/v1beta";
    let gemini = at(base);
    assert!(gemini.capabilities().batch && gemini.capabilities().batch_tagged);
    assert_eq!(gemini.capabilities().limits, LIMITS);
    let without = Gemini::new(&Settings { batch: false, ..testing::settings(base) }).unwrap();
    assert!(!without.capabilities().batch);
    assert!(!format!("{gemini:?}").contains(KEY));
}
