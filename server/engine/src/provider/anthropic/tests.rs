//! The adapter against servers that play Anthropic, well and badly.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::{
    provider::{
        Answer, Outcome,
        testing::{Asked, KEY, Server, all, json, lines, raw, reply, request, settings},
    },
    store::JobId,
};
use axum::response::Response;
use serde_json::{Value, json as j};
use std::time::Duration;

fn at(base: &str) -> Anthropic {
    Anthropic::new(&settings(base)).unwrap()
}

fn written(anthropic: &Anthropic, count: usize) -> Vec<Vec<u8>> {
    (0..count)
        .map(|_| {
            let mut out = Vec::new();
            let id = CustomId::new("tok1", JobId(Uuid::now_v7()));
            anthropic.write_request(&mut out, &id, &request());
            out
        })
        .collect()
}

fn outgoing(items: &[Vec<u8>]) -> Outgoing {
    Outgoing {
        token: "tok1".into(),
        model: "claude-haiku-5-5".into(),
        requests: items.len() as u64,
        bytes: items.iter().map(Vec::len).sum::<usize>() as u64,
    }
}

fn stream(items: &[Vec<u8>]) -> Lines {
    lines(items.iter().cloned().map(Ok).collect())
}

/// A batch of three requests.
fn batch(id: &str, status: &str, created_at: &str) -> Value {
    let ended = status == "ended";
    j!({"id": id, "type": "message_batch", "processing_status": status, "created_at": created_at,
        "request_counts": {"processing": if ended { 0 } else { 3 }, "succeeded": if ended { 3 } else { 0 },
            "errored": 0, "canceled": 0, "expired": 0},
        "results_url": ended.then(|| format!("https://elsewhere.example/v1/messages/batches/{id}/results"))})
}

const EARLY: &str = "2026-11-24T09:00:00Z";
const LATE: &str = "2026-11-24T10:01:00Z";

fn sought() -> Sought {
    Sought {
        token: "tok1".into(),
        requests: 3,
        not_before: "2026-11-24T10:00:00Z".parse().unwrap(),
        known: vec!["msgbatch_known".into()],
    }
}

fn line(custom_id: &str) -> String {
    let message = j!({"id": format!("msg_{custom_id}"), "type": "message", "model": "m",
        "content": [{"type": "text", "text": "{}"}], "stop_reason": "end_turn",
        "usage": {"input_tokens": 10, "output_tokens": 5}});
    format!("{}\n", j!({"custom_id": custom_id, "result": {"type": "succeeded", "message": message}}))
}

fn id_of_token(token: &str) -> String {
    CustomId::new(token, JobId(Uuid::now_v7())).0
}

#[tokio::test]
async fn sends_a_batch_as_one_stream() {
    let server = Server::start(|_| json(200, &batch("msgbatch_1", "in_progress", LATE))).await;
    let anthropic = at(&server.base);
    let items = written(&anthropic, 500);
    let made = anthropic.create(&outgoing(&items), None, stream(&items)).await.unwrap();
    assert_eq!((made.id.as_str(), made.state, made.counts), ("msgbatch_1", RemoteState::InProgress, None));
    let unknown = Outgoing { bytes: 0, ..outgoing(&items) };
    anthropic.create(&unknown, None, stream(&items)).await.unwrap();
    let asked = server.asked();
    assert_eq!(asked[0].path, "/v1/messages/batches");
    assert_eq!(asked[0].headers["x-api-key"], KEY);
    assert_eq!(asked[0].headers["anthropic-version"], "2023-06-01");
    assert_eq!(asked[0].headers["content-type"], "application/json");
    assert_eq!(asked[0].headers["content-length"], asked[0].body.len().to_string());
    assert!(asked[1].headers.get("content-length").is_none());
    assert_eq!(asked[0].body, asked[1].body);
    let body: Value = serde_json::from_slice(&asked[0].body).unwrap();
    let requests = body["requests"].as_array().unwrap();
    assert_eq!(requests.len(), 500);
    for (sent, item) in requests.iter().zip(&items) {
        assert_eq!(*sent, serde_json::from_slice::<Value>(item).unwrap());
    }
    assert_eq!(anthropic.upload(&unknown, stream(&[])).await, Ok(None));
    assert_eq!(anthropic.fence("anything").await, Ok(false));
}

#[tokio::test]
async fn a_creation_is_in_doubt_only_once_it_has_wholly_left() {
    // Reads everything, then drops the connection.
    let base = raw("", false).await;
    let anthropic = at(&base);
    let items = written(&anthropic, 1);
    let error = anthropic.create(&outgoing(&items), None, stream(&items)).await.unwrap_err();
    assert_eq!((error.class, error.maybe_done), (ErrorClass::Connection, true), "{error}");
    // Stalls after it has read everything.
    let patient = at(&raw("", true).await);
    let error = patient.create(&outgoing(&items), None, stream(&items)).await.unwrap_err();
    assert_eq!((error.class, error.maybe_done), (ErrorClass::TimeOut, true), "{error}");
    // Our own side fails in the middle.
    let broken = lines(vec![Ok(items[0].clone()), Err("no database")]);
    let batch = Outgoing { requests: 2, bytes: 0, ..outgoing(&items) };
    let error = anthropic.create(&batch, None, broken).await.unwrap_err();
    assert_eq!((error.class, error.maybe_done), (ErrorClass::Connection, false));
    assert!(error.message.contains("no database"));
    // Our own side stalls in the middle.
    let stalled = stream(&items).chain(futures::stream::pending()).boxed();
    let error = patient.create(&batch, None, stalled).await.unwrap_err();
    assert_eq!((error.class, error.maybe_done), (ErrorClass::TimeOut, false), "{error}");
    // More requests than were written down never become a request that looks whole.
    let more = written(&anthropic, 2);
    let server = Server::start(|_| json(200, &self::batch("msgbatch_1", "in_progress", LATE))).await;
    let error = at(&server.base).create(&outgoing(&items), None, stream(&more)).await.unwrap_err();
    assert!(error.message.contains("or more") || error.message.contains("its requests have"), "{error}");
    assert!(!error.maybe_done);
    // A reply that is not a batch.
    let server = Server::start(|_| json(200, &j!({"id": "msgbatch_1"}))).await;
    let error = at(&server.base).create(&outgoing(&items), None, stream(&items)).await.unwrap_err();
    assert_eq!((error.class, error.maybe_done), (ErrorClass::Malformed, true), "{error}");
    for (status, maybe_done) in [(400, false), (429, false), (500, true), (529, true), (504, true)] {
        let server = Server::start(move |_| {
            json(status, &j!({"type": "error", "error": {"type": "x", "message": "m"}}))
        })
        .await;
        let error = at(&server.base).create(&outgoing(&items), None, stream(&items)).await.unwrap_err();
        assert_eq!((error.maybe_done, error.message.as_str()), (maybe_done, "m"), "{status}");
    }
}

/// A list of these batches, and results by batch.
fn listing(
    batches: Vec<Value>,
    results: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
) -> impl Fn(&Asked) -> Response + Send + Sync + 'static {
    move |asked| {
        if let Some(id) = asked.path.strip_prefix("/v1/messages/batches/") {
            let id = id.strip_suffix("/results").unwrap();
            return results(id).map_or_else(
                || json(404, &j!({"type": "error", "error": {"type": "not_found_error", "message": "m"}})),
                |text| reply(200, &text),
            );
        }
        let after = asked.path.split("after_id=").nth(1);
        let from = after.map_or(0, |id| batches.iter().position(|b| b["id"] == *id).unwrap() + 1);
        let page = &batches[from..batches.len().min(from + 2)];
        json(
            200,
            &j!({"data": page, "has_more": from + 2 < batches.len(), "first_id": null, "last_id": null}),
        )
    }
}

#[tokio::test]
async fn finds_an_ended_batch_by_its_custom_ids() {
    let batches = vec![
        batch("msgbatch_running", "in_progress", LATE),
        batch("msgbatch_known", "ended", LATE),
        batch("msgbatch_other", "ended", LATE),
        batch("msgbatch_ours", "ended", LATE),
        batch("msgbatch_old", "ended", EARLY),
    ];
    let server = Server::start(listing(batches, |id| {
        let token = if id == "msgbatch_ours" { "tok1" } else { "tok10" };
        assert!(matches!(id, "msgbatch_ours" | "msgbatch_other"), "{id} need not be read");
        // An id that was never sent, a spoiled line, then those of the batch.
        Some(format!("{}rubbish\n{}", line("ghost"), line(&id_of_token(token))))
    }))
    .await;
    let Found::Batch(found) = at(&server.base).find(&sought()).await.unwrap() else { panic!("not found") };
    assert_eq!((found.id.as_str(), found.state), ("msgbatch_ours", RemoteState::Ended));
    assert!(
        server.asked().iter().all(|asked| asked.headers["x-api-key"] == KEY),
        "only the server itself is asked"
    );
}

#[tokio::test]
async fn a_batch_that_can_not_be_told_apart_stays_undecided() {
    let mut archived = batch("msgbatch_archived", "ended", LATE);
    archived["archived_at"] = j!("2026-12-24T00:00:00Z");
    let mut uncounted = batch("msgbatch_uncounted", "in_progress", LATE);
    uncounted["request_counts"] = Value::Null;
    let mut larger = batch("msgbatch_larger", "in_progress", LATE);
    larger["request_counts"]["processing"] = j!(4);
    let batches = vec![
        batch("msgbatch_runs", "in_progress", LATE),
        batch("msgbatch_stops", "canceling", LATE),
        larger,
        archived,
        uncounted,
        batch("msgbatch_late", "ended", LATE),
        batch("msgbatch_other", "ended", LATE),
        batch("msgbatch_old", "in_progress", EARLY),
    ];
    let server =
        Server::start(listing(batches, |id| (id == "msgbatch_other").then(|| line(&id_of_token("other")))))
            .await;
    let found = at(&server.base).find(&sought()).await.unwrap();
    let ids = ["msgbatch_runs", "msgbatch_stops", "msgbatch_archived", "msgbatch_uncounted", "msgbatch_late"];
    assert_eq!(found, Found::Undecided(ids.map(str::to_owned).to_vec()));
}

#[tokio::test]
async fn without_a_fitting_batch_it_is_absent() {
    let batches = vec![
        batch("msgbatch_known", "in_progress", LATE),
        batch("msgbatch_other", "ended", LATE),
        batch("msgbatch_old", "in_progress", EARLY),
    ];
    let server = Server::start(listing(batches, |_| Some(line(&id_of_token("other"))))).await;
    assert_eq!(at(&server.base).find(&sought()).await, Ok(Found::Absent));
    let server = Server::start(|_| json(500, &j!({"type": "error", "error": {"type": "api_error"}}))).await;
    assert_eq!(at(&server.base).find(&sought()).await.unwrap_err().class, ErrorClass::Provider);
    let server = Server::start(|_| {
        json(200, &j!({"data": [batch("msgbatch_x", "melting", LATE)], "has_more": false}))
    })
    .await;
    assert!(at(&server.base).find(&sought()).await.unwrap_err().message.contains("\"melting\""));
}

#[tokio::test]
async fn results_that_are_cut_off_do_not_make_a_batch_another_s() {
    let whole = line(&id_of_token("tok1"));
    // Half of the file came as if it were all.
    let cut = whole[..whole.len() / 2].to_owned();
    let batches = vec![batch("msgbatch_1", "ended", LATE)];
    let server = Server::start(listing(batches, move |_| Some(cut.clone()))).await;
    let error = at(&server.base).find(&sought()).await.unwrap_err();
    assert_eq!((error.class, error.maybe_done), (ErrorClass::Connection, false), "{error}");
    assert!(error.message.contains("in the middle of line 1"), "{error}");
}

#[tokio::test]
async fn reads_no_more_of_a_strangers_results_than_it_must() {
    let ids: String = (0..SAMPLE).map(|_| line(&id_of_token("other"))).collect();
    // The rest of the file never comes: only a reader that stops can answer in time.
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 100000000\r\n\r\n";
    let base = raw(format!("{head}{ids}"), true).await;
    let remote = RemoteBatch {
        id: "msgbatch_1".into(),
        state: RemoteState::Ended,
        counts: None,
        created_at: None,
        complaints: Vec::new(),
        results: vec![format!("{base}/messages/batches/msgbatch_1/results")],
    };
    assert_eq!(at(&base).is_ours(&remote, "tok1").await, Ok(false));
    assert_eq!(at(&base).is_ours(&remote, "other").await, Ok(true));
}

#[tokio::test]
async fn reads_results_of_each_kind() {
    let server = Server::start(|asked| match asked.path.as_str() {
        "/v1/messages/batches/msgbatch_1/results" => reply(
            200,
            &format!(
                "{}{}\n{}\n{}",
                line("t-2"),
                j!({"custom_id": "t-1", "result": {"type": "expired"}}),
                j!({"custom_id": "t-3", "result": {"type": "melted"}}),
                j!({"custom_id": "t-4", "result": {"type": "canceled"}}),
            ),
        ),
        "/v1/messages/batches/msgbatch_1" => json(200, &batch("msgbatch_1", "ended", LATE)),
        "/v1/messages/batches/msgbatch_1/cancel" => json(200, &batch("msgbatch_1", "canceling", LATE)),
        "/v1/messages/batches/msgbatch_ended" => json(200, &batch("msgbatch_ended", "ended", LATE)),
        "/v1/messages/batches/msgbatch_runs" => json(200, &batch("msgbatch_runs", "in_progress", LATE)),
        path if path.ends_with("/cancel") => {
            json(400, &j!({"type": "error", "error": {"type": "invalid_request_error", "message": "no"}}))
        }
        _ => json(404, &j!({"type": "error", "error": {"type": "not_found_error", "message": "gone"}})),
    })
    .await;
    let anthropic = at(&server.base);
    let ended = anthropic.poll("msgbatch_1").await.unwrap();
    let got = all(anthropic.results(&ended).await.unwrap()).await;
    let got: Vec<_> = got.into_iter().map(Result::unwrap).collect();
    assert!(matches!(&got[0].as_ref().unwrap().outcome, Outcome::Answered(r) if r.response_id == "msg_t-2"));
    assert_eq!(got[1].as_ref().unwrap().outcome, Outcome::Expired);
    assert_eq!(got[2].as_ref().unwrap_err().line, 3);
    assert_eq!(got[3].as_ref().unwrap().outcome, Outcome::Cancelled);
    assert_eq!(anthropic.cancel("msgbatch_1").await.unwrap().state, RemoteState::Cancelling);
    assert_eq!(
        anthropic.cancel("msgbatch_ended").await.unwrap().state,
        RemoteState::Ended,
        "as good as done"
    );
    assert_eq!(anthropic.cancel("msgbatch_runs").await.unwrap_err().message, "no");
    let none = RemoteBatch { results: Vec::new(), ..ended.clone() };
    assert_eq!(anthropic.results(&none).await.err().unwrap().class, ErrorClass::NotFound);
    let gone = RemoteBatch { id: "msgbatch_2".into(), ..ended };
    let error = anthropic.results(&gone).await.err().unwrap();
    assert!(error.message.contains("may appear later"), "{error}");
}

#[tokio::test]
async fn calls_and_hears_refusals() {
    let server = Server::start(|asked| {
        let body: Value = serde_json::from_slice(&asked.body).unwrap();
        match body["model"].as_str().unwrap() {
            "limit" => {
                let mut response =
                    json(429, &j!({"type": "error", "error": {"type": "rate_limit_error", "message": "slow"}, "request_id": "req_b"}));
                response.headers_mut().insert("retry-after", "3".parse().unwrap());
                response
            }
            "slow" => {
                std::thread::sleep(Duration::from_millis(20));
                json(529, &j!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}))
            }
            _ => json(
                200,
                &j!({"id": "msg_1", "type": "message", "model": "m", "content": [{"type": "text", "text": "{}"}],
                    "stop_reason": "end_turn", "usage": {"input_tokens": 10, "output_tokens": 5}}),
            ),
        }
    })
    .await;
    let anthropic = at(&server.base);
    let reply = anthropic.call(&request()).await.unwrap();
    assert_eq!((reply.response_id.as_str(), reply.answer), ("msg_1", Answer::Json("{}".into())));
    assert_eq!(server.asked()[0].path, "/v1/messages");
    let limit = anthropic.call(&Request { model: "limit".into(), ..request() }).await.unwrap_err();
    assert_eq!((limit.class, limit.maybe_done), (ErrorClass::RateLimit, false));
    assert_eq!(
        (limit.retry_after, limit.request_id.as_deref()),
        (Some(Duration::from_secs(3)), Some("req_b"))
    );
    let slow = anthropic.call(&Request { model: "slow".into(), ..request() }).await.unwrap_err();
    assert_eq!((slow.class, slow.status, slow.maybe_done), (ErrorClass::Provider, Some(529), true));
}

#[tokio::test]
async fn lists_models_over_pages() {
    let server = Server::start(|asked| {
        let more = !asked.path.contains("after_id=m1");
        let id = if more { "m1" } else { "m2" };
        json(200, &j!({"data": [{"id": id, "type": "model"}], "has_more": more}))
    })
    .await;
    assert_eq!(at(&server.base).models().await.unwrap(), ["m1", "m2"]);
}
