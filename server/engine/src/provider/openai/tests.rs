//! The adapter against servers that play OpenAI, well and badly.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::{
    provider::{
        Answer, BatchComplaint, Counts, Headroom, LineError, Outcome, Window,
        testing::{self, Asked, KEY, Server, all, json, lines, raw, reply, request, settings},
    },
    store::JobId,
};
use axum::response::Response;
use serde_json::{Value, json as j};
use std::{sync::Mutex, time::Duration};

fn at(base: &str) -> OpenAi {
    OpenAi::new(&settings(base)).unwrap()
}

fn outgoing(lines: &[Vec<u8>]) -> Outgoing {
    Outgoing {
        token: "tok1".into(),
        model: "gpt-6-luna".into(),
        requests: lines.len() as u64,
        bytes: lines.iter().map(Vec::len).sum::<usize>() as u64,
    }
}

fn written(openai: &OpenAi, count: usize) -> Vec<Vec<u8>> {
    (0..count)
        .map(|_| {
            let mut out = Vec::new();
            let id = CustomId::new("tok1", JobId(Uuid::now_v7()));
            openai.write_request(&mut out, &id, &request());
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

fn batch(id: &str, status: &str, created_at: i64, tag: &str) -> Value {
    j!({"id": id, "object": "batch", "status": status, "created_at": created_at,
        "metadata": {"quire_batch": tag}, "request_counts": {"total": 3, "completed": 0, "failed": 0}})
}

#[tokio::test]
async fn uploads_a_file_as_a_stream_and_makes_a_batch_of_it() {
    let server = Server::start(|asked| match asked.path.as_str() {
        "/v1/files" => json(200, &j!({"id": "file-1", "object": "file", "purpose": "batch"})),
        "/v1/batches" => json(200, &batch("batch_1", "validating", 1_795_000_000, "tok1")),
        other => reply(404, other),
    })
    .await;
    let openai = at(&server.base);
    let requests = written(&openai, 500);
    let outgoing = outgoing(&requests);
    let input = openai.upload(&outgoing, stream(&requests)).await.unwrap();
    assert_eq!(input.as_deref(), Some("file-1"));
    let made = openai.create(&outgoing, input.as_deref(), none()).await.unwrap();
    assert_eq!((made.id.as_str(), made.state), ("batch_1", RemoteState::Validating));

    let asked = server.asked();
    let upload = &asked[0];
    assert_eq!(upload.headers["authorization"], format!("Bearer {KEY}"));
    assert!(upload.headers["content-type"].to_str().unwrap().starts_with("multipart/form-data"));
    assert_eq!(upload.headers["content-length"], upload.body.len().to_string(), "the length is told before");
    let body = String::from_utf8(upload.body.to_vec()).unwrap();
    assert!(body.contains("name=\"purpose\"\r\n\r\nbatch\r\n"));
    assert!(body.contains("filename=\"quire-tok1.jsonl\""));
    let file = String::from_utf8(requests.concat()).unwrap();
    assert!(body.contains(&file), "the lines arrive as written");
    let create: Value = serde_json::from_slice(&asked[1].body).unwrap();
    assert_eq!(
        create,
        j!({"input_file_id": "file-1", "endpoint": "/v1/chat/completions", "completion_window": "24h",
            "metadata": {"quire_batch": "tok1"}})
    );
}

#[tokio::test]
async fn an_upload_that_is_not_what_was_written_down_is_given_up() {
    let server = Server::start(|_| json(200, &j!({"id": "file-1"}))).await;
    let openai = at(&server.base);
    let requests = written(&openai, 3);
    for bytes in [10, 1_000_000] {
        let outgoing = Outgoing { bytes, ..outgoing(&requests) };
        let error = openai.upload(&outgoing, stream(&requests)).await.unwrap_err();
        assert!(error.message.contains(&format!("written down with {bytes} bytes")), "{error}");
        assert!(!error.maybe_done);
    }
    let broken = lines(vec![Ok(requests[0].clone()), Err("the disk is gone")]);
    let error = openai.upload(&outgoing(&requests), broken).await.unwrap_err();
    assert_eq!(error.message, "the batch's requests could not be read: the disk is gone");
    assert_eq!((error.class, error.maybe_done), (ErrorClass::Connection, false));
    // A length of 0 is one that is not known.
    let unknown = Outgoing { bytes: 0, ..outgoing(&requests) };
    assert!(openai.upload(&unknown, stream(&requests)).await.is_ok());
    assert!(server.asked().last().unwrap().headers.get("content-length").is_none());
}

#[tokio::test]
async fn fences_a_creation_by_deleting_its_input() {
    let server = Server::start(|asked| match asked.path.as_str() {
        "/v1/files/file-1" => json(200, &j!({"id": "file-1", "deleted": true})),
        "/v1/files/file-2" => json(200, &j!({"id": "file-2", "deleted": false})),
        "/v1/files/gone" => {
            json(404, &j!({"error": {"message": "No such File object", "type": "invalid_request_error"}}))
        }
        "/v1/files/a%2Fb" => json(500, &j!({"error": {"message": "oops", "type": "server_error"}})),
        _ => json(404, &j!({"detail": "Not Found"})),
    })
    .await;
    let openai = at(&server.base);
    assert_eq!(openai.fence("file-1").await, Ok(true));
    assert_eq!(openai.fence("gone").await, Ok(true));
    assert_eq!(openai.fence("file-2").await.unwrap_err().class, ErrorClass::Provider);
    assert_eq!(openai.fence("a/b").await.unwrap_err().class, ErrorClass::Provider);
    assert_eq!(openai.fence("unknown-address").await.unwrap_err().class, ErrorClass::NotFound);
    assert_eq!(openai.fence("").await.unwrap_err().class, ErrorClass::Invalid);
    assert!(server.asked().iter().all(|asked| asked.method == "DELETE"));
}

fn sought() -> Sought {
    Sought {
        token: "tok1".into(),
        requests: 3,
        not_before: chrono::DateTime::from_timestamp(1_795_000_000, 0).unwrap(),
        known: vec!["batch_known".into()],
    }
}

/// Pages of 100 batches, newest first, that began at `newest` and lie a minute apart; `ours` stands at its place.
fn listing(ours: Option<(usize, Value)>, count: usize) -> impl Fn(&Asked) -> Response + Send + Sync {
    move |asked| {
        let from = asked.path.split("after=b").nth(1).map_or(0, |n| n.parse::<usize>().unwrap() + 1);
        let data: Vec<Value> = (from..count.min(from + 100))
            .map(|n| match &ours {
                Some((place, value)) if *place == n => value.clone(),
                _ => batch(&format!("b{n}"), "in_progress", 1_795_010_000 - 60 * n as i64, "other"),
            })
            .collect();
        json(200, &j!({"object": "list", "data": data, "has_more": from + 100 < count}))
    }
}

#[tokio::test]
async fn finds_a_batch_by_its_tag_on_any_page() {
    let ours = batch("batch_ours", "in_progress", 1_795_000_100, "tok1");
    let server = Server::start(listing(Some((165, ours)), 1_000)).await;
    let Found::Batch(found) = at(&server.base).find(&sought()).await.unwrap() else { panic!("not found") };
    assert_eq!(found.id, "batch_ours");
    assert_eq!(server.asked().len(), 2);
}

#[tokio::test]
async fn stops_looking_where_the_batch_can_not_lie() {
    let server = Server::start(listing(None, 1_000)).await;
    assert_eq!(at(&server.base).find(&sought()).await, Ok(Found::Absent));
    assert_eq!(server.asked().len(), 2, "the time sought lies on the second page of ten");
    let empty = Server::start(listing(None, 0)).await;
    assert_eq!(at(&empty.base).find(&sought()).await, Ok(Found::Absent));
}

#[tokio::test]
async fn a_known_or_refused_batch_does_not_hide_another() {
    let server = Server::start(|_| {
        let data = j!([
            batch("batch_known", "in_progress", 1_795_000_300, "tok1"),
            batch("batch_failed", "failed", 1_795_000_200, "tok1"),
            batch("batch_runs", "in_progress", 1_795_000_100, "tok1"),
        ]);
        json(200, &j!({"object": "list", "data": data}))
    })
    .await;
    let error = at(&server.base).find(&sought()).await.unwrap();
    assert!(matches!(error, Found::Batch(b) if b.id == "batch_runs"));
    let server = Server::start(|_| {
        json(200, &j!({"data": [batch("batch_failed", "failed", 1_795_000_200, "tok1")], "has_more": false}))
    })
    .await;
    let found = at(&server.base).find(&sought()).await.unwrap();
    assert!(matches!(found, Found::Batch(b) if b.id == "batch_failed"));
}

#[tokio::test]
async fn polls_and_cancels() {
    let server = Server::start(|asked| match (asked.method.as_str(), asked.path.as_str()) {
        ("GET", "/v1/batches/b1") => json(
            200,
            &j!({"id": "b1", "status": "failed", "created_at": 1,
                "errors": {"data": [{"code": "token_limit_exceeded", "message": "Enqueued", "line": null}]}}),
        ),
        ("POST", "/v1/batches/b1/cancel") => json(200, &batch("b1", "cancelling", 1, "x")),
        ("POST", "/v1/batches/b4/cancel") => {
            json(409, &j!({"error": {"message": "Cannot cancel", "type": "invalid_request_error"}}))
        }
        ("GET", "/v1/batches/b4") => json(200, &batch("b4", "completed", 1, "x")),
        ("GET", "/v1/batches/b2") => json(200, &batch("b2", "melting", 1, "x")),
        _ => json(404, &j!({"error": {"message": "No batch found", "type": "invalid_request_error"}})),
    })
    .await;
    let openai = at(&server.base);
    let failed = openai.poll("b1").await.unwrap();
    assert_eq!(failed.state, RemoteState::Failed);
    assert_eq!(
        failed.complaints,
        [BatchComplaint { code: "token_limit_exceeded".into(), message: "Enqueued".into(), line: None }]
    );
    let cancelling = openai.cancel("b1").await.unwrap();
    assert_eq!(cancelling.state, RemoteState::Cancelling);
    assert_eq!(cancelling.counts, Some(Counts { total: 3, completed: 0, failed: 0 }));
    assert_eq!(openai.cancel("b4").await.unwrap().state, RemoteState::Ended, "as good as done");
    assert!(openai.poll("b2").await.unwrap_err().message.contains("\"melting\""));
    let gone = openai.poll("b3").await.unwrap_err();
    assert_eq!((gone.class, gone.message.as_str()), (ErrorClass::NotFound, "No batch found"));
}

fn line(id: &str) -> String {
    let body = j!({"id": format!("chatcmpl-{id}"), "model": "m", "choices": [
        {"finish_reason": "stop", "message": {"content": "{}"}}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5}});
    j!({"id": "r", "custom_id": id, "response": {"status_code": 200, "body": body}, "error": null})
        .to_string()
}

fn ended(results: &[&str]) -> RemoteBatch {
    RemoteBatch {
        id: "b1".into(),
        state: RemoteState::Ended,
        counts: None,
        created_at: None,
        complaints: Vec::new(),
        results: results.iter().map(|&id| id.to_owned()).collect(),
    }
}

#[tokio::test]
async fn reads_both_result_files() {
    let server = Server::start(|asked| match asked.path.as_str() {
        "/v1/files/out/content" => {
            reply(200, &format!("{}\nrubbish\n{}\n{}\n", line("t-2"), line("t-1"), line("t-1")))
        }
        "/v1/files/err/content" => reply(
            200,
            &j!({"custom_id": "t-3", "response": null, "error": {"code": "batch_expired", "message": "m"}})
                .to_string(),
        ),
        _ => json(404, &j!({"error": {"message": "No such File object", "type": "invalid_request_error"}})),
    })
    .await;
    let openai = at(&server.base);
    let got = all(openai.results(&ended(&["out", "err"])).await.unwrap()).await;
    let got: Vec<_> = got.into_iter().map(Result::unwrap).collect();
    assert_eq!(got.len(), 5, "doubled lines are passed on");
    assert!(matches!(&got[1], Err(LineError { line: 2, custom_id: None, .. })));
    assert!(
        matches!(&got[0].as_ref().unwrap().outcome, Outcome::Answered(r) if r.answer == Answer::Json("{}".into()))
    );
    let last = got[4].as_ref().unwrap();
    assert_eq!((last.custom_id.0.as_str(), &last.outcome), ("t-3", &Outcome::Expired));

    assert_eq!(all(openai.results(&ended(&[])).await.unwrap()).await.len(), 0);
    let late = openai.results(&ended(&["late", "err"])).await.err().unwrap();
    assert_eq!(late.class, ErrorClass::NotFound);
    assert_eq!(late.message, "the result file late is not there; it may appear later");
    let second = all(openai.results(&ended(&["out", "late"])).await.unwrap()).await;
    assert_eq!(second.len(), 5);
    assert_eq!(second[4].as_ref().unwrap_err().class, ErrorClass::NotFound);
}

#[tokio::test]
async fn a_download_cut_anywhere_ends_with_an_error() {
    let file = format!("{}\n{}\n{}\n", line("t-1"), line("t-2"), line("t-3"));
    for cut in (0..file.len()).step_by(37) {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", file.len());
        let base = raw([head.as_bytes(), &file.as_bytes()[..cut]].concat(), false).await;
        let got = all(at(&base).results(&ended(&["out"])).await.unwrap()).await;
        let (last, lines) = got.split_last().unwrap();
        assert_eq!(last.as_ref().unwrap_err().class, ErrorClass::Connection, "cut at {cut}");
        assert_eq!(lines.len(), file[..cut].matches('\n').count());
        assert!(lines.iter().all(|line| line.as_ref().is_ok_and(Result::is_ok)));
    }
    // Without a length only the cut line tells.
    let base = raw(format!("HTTP/1.0 200 OK\r\n\r\n{}", &file[..file.len() - 10]), false).await;
    let got = all(at(&base).results(&ended(&["out", "never"])).await.unwrap()).await;
    assert_eq!(got.len(), 3);
    let error = got[2].as_ref().unwrap_err();
    assert_eq!(error.message, "the download from OpenAI ended in the middle of line 3");
}

#[tokio::test]
async fn a_download_that_stands_still_is_given_up() {
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n";
    let base = raw(format!("{head}{}\n{{\"custom", line("t-1")), true).await;
    let got = all(at(&base).results(&ended(&["out"])).await.unwrap()).await;
    assert_eq!(got.len(), 2);
    let error = got[1].as_ref().unwrap_err();
    assert_eq!((error.class, error.maybe_done), (ErrorClass::TimeOut, false));
    assert_eq!(error.message, "the download from OpenAI stood still for 200 ms");
}

fn answered() -> Value {
    j!({"id": "chatcmpl-1", "model": "m", "choices": [{"finish_reason": "stop", "message": {"content": "{}"}}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5}})
}

#[tokio::test]
async fn calls_either_endpoint() {
    let server = Server::start(|asked| match asked.path.as_str() {
        "/v1/chat/completions" => json(200, &answered()),
        "/v1/responses" => json(
            200,
            &j!({"id": "resp_1", "status": "completed", "model": "m",
                "output": [{"type": "message", "content": [{"type": "output_text", "text": "{}"}]}]}),
        ),
        other => reply(404, other),
    })
    .await;
    let chat = at(&server.base).call(&request()).await.unwrap();
    assert_eq!((chat.response_id.as_str(), chat.answer), ("chatcmpl-1", Answer::Json("{}".into())));
    let settings = Settings { endpoint: Endpoint::Responses, ..settings(&format!("{}/", server.base)) };
    let responses = OpenAi::new(&settings).unwrap();
    assert_eq!(responses.call(&request()).await.unwrap().response_id, "resp_1");
    let made = responses.create(&outgoing(&[vec![]]), Some("f"), none()).await;
    assert!(made.is_err());
    let create: Value = serde_json::from_slice(&server.asked()[2].body).unwrap();
    assert_eq!(create["endpoint"], "/v1/responses");
}

#[tokio::test]
async fn refusals_are_classed_and_say_when_to_come_again() {
    let server = Server::start(|asked| {
        let body: Value = serde_json::from_slice(&asked.body).unwrap();
        let status = body["model"].as_str().unwrap().parse().unwrap();
        let mut response = json(
            status,
            &j!({"error": {"message": format!("no, {KEY}"), "type": "t", "param": null, "code": null}}),
        );
        response.headers_mut().insert("retry-after", "7".parse().unwrap());
        response.headers_mut().insert("x-request-id", "req_1".parse().unwrap());
        response
    })
    .await;
    for (status, class, maybe_done) in [
        (400, ErrorClass::Invalid, false),
        (401, ErrorClass::Key, false),
        (408, ErrorClass::TimeOut, true),
        (413, ErrorClass::TokenLimit, false),
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
        assert_eq!(error.request_id.as_deref(), Some("req_1"));
    }
}

#[tokio::test]
async fn web_pages_and_redirects_are_named_for_what_they_are() {
    let page = "<!DOCTYPE html><p>Hello";
    for (status, class, maybe_done) in [
        (200, ErrorClass::Malformed, true),
        (403, ErrorClass::Malformed, false),
        (404, ErrorClass::Malformed, false),
        (429, ErrorClass::RateLimit, false),
        (502, ErrorClass::Provider, true),
    ] {
        for kind in ["text/html; charset=utf-8", "application/json"] {
            let server = Server::start(move |_| {
                let mut response = reply(status, page);
                response.headers_mut().insert("content-type", kind.parse().unwrap());
                response
            })
            .await;
            let error = at(&server.base).call(&request()).await.unwrap_err();
            assert_eq!((error.class, error.maybe_done), (class, maybe_done), "{status} {kind}: {error}");
            assert_eq!(error.message.contains("web page"), class == ErrorClass::Malformed, "{error}");
        }
    }
    let elsewhere = Server::start(|_| json(200, &answered())).await;
    let to = format!("{}/chat/completions", elsewhere.base);
    for (status, maybe_done) in [(301, false), (302, false), (303, true), (307, false), (308, false)] {
        let to = to.clone();
        let server = Server::start(move |_| {
            let mut response = reply(status, "");
            response.headers_mut().insert("location", to.parse().unwrap());
            response
        })
        .await;
        let error = at(&server.base).call(&request()).await.unwrap_err();
        assert_eq!((error.class, error.maybe_done), (ErrorClass::Malformed, maybe_done));
        assert!(error.message.contains("set its base URL"), "{error}");
    }
    assert!(elsewhere.asked().is_empty(), "the key goes nowhere else");
}

#[tokio::test]
async fn a_call_cut_or_stalled_may_have_been_done() {
    let body = answered().to_string();
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
    let server = Server::start(|_| reply(200, "{\"id\":\"chatcmpl-1\",\"choi")).await;
    let error = at(&server.base).call(&request()).await.unwrap_err();
    assert_eq!((error.class, error.maybe_done), (ErrorClass::Malformed, true));
    assert_eq!(error.message, "the reply of OpenAI is cut off (line 1, column 24)");
    let mut batch = at(&server.base).create(&outgoing(&[vec![]]), Some("f"), none()).await.unwrap_err();
    assert!(batch.maybe_done, "the creation as well");
    batch = at(&server.base).poll("b1").await.unwrap_err();
    assert!(!batch.maybe_done, "a question does nothing");
}

#[tokio::test]
async fn what_never_left_was_never_done() {
    // A port that nothing listens on.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}/v1", listener.local_addr().unwrap());
    drop(listener);
    let error = at(&base).call(&request()).await.unwrap_err();
    assert_eq!((error.class, error.maybe_done), (ErrorClass::Connection, false));
    assert!(error.message.contains("can't be reached"), "{error}");
    let error = at("http://no-such-host.invalid/v1").call(&request()).await.unwrap_err();
    assert_eq!((error.class, error.maybe_done), (ErrorClass::Connection, false));
    // A server that never reads its side of an upload.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/v1", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let kept = listener.accept().await;
        tokio::time::sleep(Duration::from_secs(60)).await;
        drop(kept);
    });
    let big = vec![vec![b'x'; 1024 * 1024]; 64];
    let error = at(&base).upload(&outgoing(&big), stream(&big)).await.unwrap_err();
    assert_eq!((error.class, error.maybe_done), (ErrorClass::TimeOut, false), "{error}");
    assert!(error.message.contains("the upload stood still within 200 ms"), "{error}");
}

#[tokio::test]
async fn a_reply_that_never_ends_is_given_up() {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{\"a\":\"";
    let base = raw([head.as_bytes(), &vec![b'x'; 9 * 1024 * 1024]].concat(), false).await;
    let patient = Settings { timeouts: crate::provider::Timeouts::default(), ..settings(&base) };
    let error = OpenAi::new(&patient).unwrap().call(&request()).await.unwrap_err();
    assert_eq!((error.class, error.maybe_done), (ErrorClass::Malformed, true));
    assert_eq!(error.message, "the reply of OpenAI is larger than 8 MiB");
}

#[tokio::test]
async fn a_refusal_in_the_middle_of_an_upload_is_heard() {
    let body =
        j!({"error": {"message": "bad key", "type": "invalid_request_error", "code": "invalid_api_key"}});
    let reply = format!(
        "HTTP/1.1 401 Unauthorized\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.to_string().len()
    );
    let base = raw(reply, false).await;
    let openai = at(&base);
    let requests = written(&openai, 2_000);
    let error = openai.upload(&outgoing(&requests), stream(&requests)).await.unwrap_err();
    assert_eq!((error.class, error.message.as_str()), (ErrorClass::Key, "bad key"));
}

#[tokio::test]
async fn each_exchange_is_observed() {
    let server = Server::start(|_| {
        let mut response = json(200, &j!({"data": [{"id": "m1"}, {"id": "m2"}]}));
        response.headers_mut().insert("x-ratelimit-limit-requests", "500".parse().unwrap());
        response.headers_mut().insert("x-ratelimit-remaining-requests", "7".parse().unwrap());
        response
    })
    .await;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let observer: crate::provider::Observer =
        Arc::new(move |exchange| log.lock().unwrap().push(exchange.clone()));
    let openai = OpenAi::new(&Settings { observer: Some(observer), ..settings(&server.base) }).unwrap();
    assert_eq!(openai.models().await.unwrap(), ["m1", "m2"]);
    assert!(openai.poll("x").await.is_err());
    let seen = seen.lock().unwrap();
    assert_eq!((seen[0].operation, seen[0].status, seen[0].error), ("model.list", Some(200), None));
    let window = Window { limit: Some(500), remaining: Some(7), resets_in: None };
    assert_eq!(seen[0].headroom, Headroom { requests: Some(window), ..Headroom::default() });
    assert_eq!(seen[1].operation, "batch.poll");
}

#[test]
fn settings_are_checked_and_keep_the_key_to_themselves() {
    let refused = |base: &str, key: &str| {
        let settings = Settings::new(base.parse().unwrap(), key.to_owned().into());
        OpenAi::new(&settings).unwrap_err().to_string()
    };
    assert_eq!(refused("ftp://h/v1", KEY), "the base URL ftp://h/v1 must begin with http:// or https://");
    assert!(refused("https://me:secret@h/v1", KEY).ends_with("the key is set apart"));
    assert!(!refused("https://me:secret@h/v1", KEY).contains("secret"));
    assert!(refused("https://h/v1?x=1", KEY).contains("without ? or #"));
    assert_eq!(refused("http://h/v1", ""), "the provider's key is empty");
    for bad in ["a b", "a\n", "ключ"] {
        assert!(refused("http://h/v1", bad).contains("no key has"));
    }
    let mut never = testing::settings("http://h/v1");
    never.timeouts.idle = Duration::ZERO;
    assert!(OpenAi::new(&never).unwrap_err().to_string().contains("\"idle\" is zero"));

    let settings = settings("http://127.0.0.1:9100/openai/v1");
    let openai = OpenAi::new(&settings).unwrap();
    for shown in [format!("{settings:?}"), format!("{openai:?}")] {
        assert!(shown.contains("127.0.0.1:9100") && !shown.contains(KEY), "{shown}");
    }
    assert_eq!(
        openai.http.url(&["batches", "a/../b"]).as_str(),
        "http://127.0.0.1:9100/openai/v1/batches/a%2F..%2Fb"
    );
}

#[test]
fn all_providers_can_be_reached_by_https() {
    use crate::provider::ProviderKind::{Anthropic, Compatible, Gemini, Openai};
    for kind in [Openai, Anthropic, Gemini, Compatible] {
        let url = kind.own_url().unwrap_or("https://models.example.edu/v1");
        let settings = Settings::new(url.parse().unwrap(), KEY.to_owned().into());
        // A machine without certificates is told of it; nothing else may go wrong.
        match crate::provider::connect(kind, &settings) {
            Ok(provider) => assert!(format!("{provider:?}").contains(kind.name())),
            Err(error) => assert!(error.to_string().contains("ca-certificates"), "{error}"),
        }
    }
}
