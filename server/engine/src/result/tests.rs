//! Taking results in from a server that plays the provider's part, on both databases.
#![allow(clippy::unwrap_used)]

use crate::{
    batching,
    engine::testing::{House, house, person},
    jobs::Verdict,
    notice::Mailer,
    provider::{
        ApiKey, CustomId, ProviderKind,
        price::{Deal, seed_prices},
        registry::{
            NewProvider,
            store::{PriceRow, put_price, put_provider},
        },
    },
    queue::{self, JobState},
    routing::{self, Action, Way},
    store::{BatchId, Exec as _, testing::each_db},
};
use axum::http::StatusCode;
use chrono::TimeDelta;
use serde_json::json;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// Results that the provider fails to give.
const OUT_OF_ORDER: &str = "out of order";

/// A provider whose batch has ended, with its results as they come with the first download, the second, and so on.
async fn provider(results: Vec<String>) -> String {
    let downloads = Arc::new(AtomicUsize::new(0));
    let answer = move |uri: axum::http::Uri| {
        let (results, downloads) = (results.clone(), downloads.clone());
        async move {
            if uri.path().ends_with("/content") {
                let nth = downloads.fetch_add(1, Ordering::SeqCst).min(results.len() - 1);
                let fails = results[nth] == OUT_OF_ORDER;
                let status = if fails { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
                return (status, results[nth].clone());
            }
            let counts = json!({"total": 1, "completed": 1, "failed": 0});
            let batch = json!({"id": "batch_1", "object": "batch", "status": "completed", "created_at": 1_795_860_000,
                "output_file_id": "file-1", "request_counts": counts});
            (StatusCode::OK, batch.to_string())
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/v1", listener.local_addr().unwrap());
    let router = axum::Router::new().fallback(answer);
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    base
}

/// The line that answers the one job of a batch.
async fn line(house: &House, batch: BatchId) -> String {
    let mut db = house.engine.db();
    let job = batching::store::items(&mut db, batch, 0, 1).await.unwrap()[0].job_id;
    let token = batching::store::find(&mut db, batch).await.unwrap().unwrap().token;
    let mark = json!({"level": "strong", "evidence": [1], "comment": "Clear."});
    let marks = json!({"criteria": {"position": mark}, "feedback": "Good.", "next_step": "Go on.", "confidence": 0.9});
    let message = json!({"role": "assistant", "content": marks.to_string()});
    let body = json!({"id": "chatcmpl-1", "object": "chat.completion", "model": "gpt-6-luna",
        "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
        "usage": {"prompt_tokens": 900, "completion_tokens": 40, "total_tokens": 940}});
    let response = json!({"status_code": 200, "request_id": "r", "body": body});
    let id = CustomId::new(&token, job).to_string();
    format!("{}\n", json!({"id": "batch_req_1", "custom_id": id, "response": response, "error": null}))
}

/// A batch of one job whose provider is done, at this address.
async fn ended(house: &House, base_url: &str, batch: BatchId) {
    let engine = &house.engine;
    let new = NewProvider {
        name: "openai".into(),
        kind: ProviderKind::Openai,
        base_url: base_url.into(),
        key: Some(ApiKey::from("sk-test")),
        enabled: true,
        settings: serde_json::from_str(r#"{"models": ["gpt-6-luna"]}"#).unwrap(),
    };
    house.clock.advance(TimeDelta::seconds(1));
    put_provider(&mut engine.db(), &engine.world().clone(), engine.registry().master(), &new).await.unwrap();
    engine.refresh_load().await.unwrap();
    let sql = "UPDATE batches SET state = 'ended', remote_id = 'batch_1', sent_at = $2, ended_at = $2 WHERE id = $1";
    engine.db().query(sql).bind(batch).bind(engine.now()).exec().await.unwrap();
}

async fn cut(house: &House) -> BatchId {
    house.hand_in().await;
    house.clock.advance(TimeDelta::hours(1));
    house.engine.refresh_load().await.unwrap();
    house.engine.cut("openai", house.engine.now()).await.unwrap()[0]
}

async fn state(house: &House, batch: BatchId) -> (JobState, i64) {
    let mut db = house.engine.db();
    let job = batching::store::items(&mut db, batch, 0, 1).await.unwrap()[0].job_id;
    let job = queue::store::find(&mut db, job).await.unwrap().unwrap();
    (job.state, job.failures)
}

#[tokio::test]
async fn results_that_lack_lines_are_fetched_once_more_before_they_are_believed() {
    each_db(async |db| {
        // The first download broke off before the first line, and looked whole.
        let house = house(db, Mailer::off()).await;
        let batch = cut(&house).await;
        let whole = line(&house, batch).await;
        ended(&house, &provider(vec![String::new(), whole]).await, batch).await;
        let first = house.engine.ingest_batch(batch).await.unwrap();
        assert!(matches!(first, Verdict::LookAgain(_)), "{first:?}");
        assert_eq!(state(&house, batch).await, (JobState::Batched, 0), "nothing is asked again yet");
        assert!(matches!(house.engine.ingest_batch(batch).await.unwrap(), Verdict::Done));
        assert_eq!(state(&house, batch).await, (JobState::Done, 0));
    })
    .await;
}

#[tokio::test]
async fn marks_that_a_rule_holds_wait_for_approval() {
    each_db(async |db| {
        let house = house(db, Mailer::off()).await;
        let admin = person(&mut house.engine.db(), &house.engine.world().clone(), "admin@example.edu", true).await;
        let admin = house.engine.identity().actor(admin).await.unwrap();
        let mut rules = routing::seeded();
        rules[0].condition = "true".to_owned();
        rules[0].action = Action { hold: true, ..Action::of(Way::Batch) };
        house.engine.save_rules(&admin, 1, rules).await.unwrap();
        let batch = cut(&house).await;
        let whole = line(&house, batch).await;
        ended(&house, &provider(vec![whole]).await, batch).await;
        assert!(matches!(house.engine.ingest_batch(batch).await.unwrap(), Verdict::Done));
        assert_eq!(state(&house, batch).await, (JobState::Done, 0));
        let mut db = house.engine.db();
        let (submission, released): (String, Option<String>) = db
            .query("SELECT s.state, CAST(a.released_at AS TEXT) FROM submissions s JOIN assessments a ON a.submission_id = s.id")
            .one()
            .await
            .unwrap();
        assert_eq!((&*submission, released), ("in_review", None));
    })
    .await;
}

#[tokio::test]
async fn lines_that_are_missing_twice_are_asked_again() {
    each_db(async |db| {
        let house = house(db, Mailer::off()).await;
        let batch = cut(&house).await;
        ended(&house, &provider(vec!["not a line\n".into()]).await, batch).await;
        assert!(matches!(house.engine.ingest_batch(batch).await.unwrap(), Verdict::LookAgain(_)));
        assert!(matches!(house.engine.ingest_batch(batch).await.unwrap(), Verdict::Done));
        assert_eq!(state(&house, batch).await, (JobState::Queued, 1));
        let batch = batching::store::find(&mut house.engine.db(), batch).await.unwrap().unwrap();
        assert_eq!(batch.error.unwrap(), "the results hold no readable line for 1 of 1 requests");
    })
    .await;
}

#[tokio::test]
async fn what_goes_wrong_in_between_does_not_renew_the_doubt() {
    each_db(async |db| {
        let house = house(db, Mailer::off()).await;
        let batch = cut(&house).await;
        let downloads = ["not a line\n", OUT_OF_ORDER, "not a line\n"].map(str::to_owned);
        ended(&house, &provider(downloads.into()).await, batch).await;
        for _ in 0..2 {
            assert!(matches!(house.engine.ingest_batch(batch).await.unwrap(), Verdict::LookAgain(_)));
        }
        assert!(matches!(house.engine.ingest_batch(batch).await.unwrap(), Verdict::Done));
        assert_eq!(state(&house, batch).await, (JobState::Queued, 1));
    })
    .await;
}

#[tokio::test]
async fn an_answer_without_figures_costs_what_was_held_though_the_price_has_risen() {
    each_db(async |db| {
        let house = house(db.clone(), Mailer::off()).await;
        let engine = &house.engine;
        let batch = cut(&house).await;
        let held = async || -> (i64, i64) {
            let sql =
                "SELECT CAST(SUM(reserved_nano) AS BIGINT), CAST(SUM(spent_nano) AS BIGINT) FROM ledger";
            db.clone().query(sql).one().await.unwrap()
        };
        let (reserved, spent) = held().await;
        assert!(reserved > 0 && spent == 0);
        let mut price = seed_prices().iter().find(|row| row.model == "gpt-6-luna").unwrap().price;
        price.realtime.input *= 50;
        price.realtime.output *= 50;
        price.batch = Some(price.realtime);
        let row = PriceRow {
            provider_kind: ProviderKind::Openai,
            provider: String::new(),
            model: "gpt-6-luna".into(),
            valid_from: engine.now(),
            price,
            deal: Deal::default(),
        };
        put_price(&mut db.clone(), engine.world(), &row).await.unwrap();
        engine.refresh_prices().await.unwrap();
        let mut whole: serde_json::Value = serde_json::from_str(&line(&house, batch).await).unwrap();
        whole["response"]["body"]["usage"] = serde_json::Value::Null;
        ended(&house, &provider(vec![whole.to_string()]).await, batch).await;
        assert!(matches!(engine.ingest_batch(batch).await.unwrap(), Verdict::Done));
        assert_eq!(held().await, (0, reserved), "what was held is what it costs");
    })
    .await;
}
