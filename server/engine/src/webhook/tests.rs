//! Bills on their way to a receiver that listens on this machine.
#![allow(clippy::unwrap_used)]

use super::{
    deliver::WAITS,
    store::{claim, find, list},
    *,
};
use crate::{
    budget::{self, Held, Line, Tokens},
    engine::{
        Engine, Parts,
        testing::{House, house, person},
    },
    identity::{Actor, Denied, IdentityError},
    jobs::{Handler as _, Task, Verdict},
    notice::Mailer,
    provider::{MasterKey, Registry, Usage},
    settings::Settings,
    store::{Db, DeliveryId, Id as _, NanoUsd, testing::each_db},
};
use axum::{
    Router,
    body::Bytes,
    extract::State as Shared,
    http::{HeaderMap, StatusCode, Uri, header::LOCATION},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest as _, Sha256};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};
use uuid::Uuid;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OLD_SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const PATIENCE: Duration = Duration::from_secs(20);

/// What the receiver answers.
#[derive(Clone, Copy, Debug)]
enum Say {
    Status(u16),
    /// Look elsewhere.
    Redirect,
    /// Nothing, for longer than anyone waits.
    Nothing,
    /// Well, and a lot of words that mean nothing.
    Much,
}

/// A message that came in.
#[derive(Clone, Debug)]
struct Got {
    path: String,
    id: String,
    timestamp: i64,
    signature: String,
    body: String,
}

#[derive(Clone, Default)]
struct Desk {
    got: Arc<Mutex<Vec<Got>>>,
    says: Arc<Mutex<VecDeque<Say>>>,
}

/// Somebody who takes bills.
struct Receiver {
    url: String,
    desk: Desk,
}

async fn take(Shared(desk): Shared<Desk>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let header = |name: &str| headers[name].to_str().unwrap().to_owned();
    assert_eq!(header("content-type"), "application/json");
    desk.got.lock().unwrap().push(Got {
        path: uri.path().to_owned(),
        id: header("webhook-id"),
        timestamp: header("webhook-timestamp").parse().unwrap(),
        signature: header("webhook-signature"),
        body: String::from_utf8(body.to_vec()).unwrap(),
    });
    let say = desk.says.lock().unwrap().pop_front().unwrap_or(Say::Status(204));
    match say {
        Say::Status(status) => StatusCode::from_u16(status).unwrap().into_response(),
        Say::Redirect => (StatusCode::FOUND, [(LOCATION, "/elsewhere")]).into_response(),
        Say::Nothing => std::future::pending().await,
        Say::Much => (StatusCode::OK, "{\"error\": \"send it again\"} ".repeat(100_000)).into_response(),
    }
}

impl Receiver {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/bills?key=hush", listener.local_addr().unwrap());
        let desk = Desk::default();
        let app = Router::new().fallback(take).with_state(desk.clone());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, desk }
    }

    fn says(&self, says: &[Say]) {
        self.desk.says.lock().unwrap().extend(says);
    }

    fn got(&self) -> Vec<Got> {
        self.desk.got.lock().unwrap().clone()
    }
}

/// HMAC by its definition (RFC 2104), so that the signature is not checked by what made it.
fn hmac_by_hand(secret: &str, message: &[u8]) -> String {
    let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let pad = |with: u8| -> Vec<u8> { (0..64).map(|at| key.get(at).copied().unwrap_or(0) ^ with).collect() };
    let inner = Sha256::digest([&pad(0x36), message].concat());
    format!("v1,{}", STANDARD.encode(Sha256::digest([&pad(0x5c)[..], &inner[..]].concat())))
}

fn signed(got: &Got, secret: &str) -> String {
    hmac_by_hand(secret, format!("{}.{}.{}", got.id, got.timestamp, got.body).as_bytes())
}

async fn engine_with(house: &House, url: &str, secrets: &[&str], timeout: Duration) -> Engine {
    let webhook = Webhook::new(&WebhookSettings {
        url: url.to_owned(),
        secrets: secrets.iter().map(|text| (*text).into()).collect(),
        allow: vec![],
        timeout,
    });
    let world = house.engine.world().clone();
    let registry = Registry::new(MasterKey::generate(&world), chrono_tz::Tz::UTC);
    let settings = Settings { public_url: "https://quire.norrby.example/".into(), ..Settings::default() };
    let parts = Parts {
        db: house.engine.db(),
        world,
        settings,
        registry,
        mailer: Mailer::off(),
        webhook: webhook.unwrap(),
    };
    Engine::new(parts).await.unwrap()
}

async fn engine(house: &House, receiver: &Receiver) -> Engine {
    engine_with(house, &receiver.url, &[SECRET], PATIENCE).await
}

/// Books an answer.
async fn book(house: &House, at: &str, cost_centre: &str, spent: i64) {
    let world = house.engine.world();
    let at: DateTime<Utc> = at.parse().unwrap();
    let account = budget::Account {
        job_id: world.id(),
        provider: "openai".into(),
        model: "gpt-6-luna".into(),
        course_id: house.assignment.course_id,
        cost_centre: cost_centre.into(),
    };
    let line = Line::settle(world, house.engine.zone(), account, Held::default(), NanoUsd(spent));
    let used = Usage { input_tokens: 2_000, output_tokens: 400, ..Usage::default() };
    let line = Line { at, day: budget::day_of(at, house.engine.zone()), tokens: Tokens::from(used), ..line };
    budget::record(&mut house.engine.db(), &[line]).await.unwrap();
}

/// The clock moves on to a time.
fn until(house: &House, at: &str) {
    let at: DateTime<Utc> = at.parse().unwrap();
    house.clock.advance(at - house.engine.now());
}

async fn all(db: &Db) -> Vec<Delivery> {
    list(&mut db.clone(), 100).await.unwrap()
}

async fn only(db: &Db) -> Delivery {
    let mut found = all(db).await;
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

#[tokio::test]
async fn a_month_is_billed_once_it_has_ended_whoever_looks() {
    each_db(async |db| {
        let house = house(db.clone(), Mailer::off()).await;
        let receiver = Receiver::start().await;
        let (one, two) = (engine(&house, &receiver).await, engine(&house, &receiver).await);
        book(&house, "2026-11-24T10:00:00Z", "arts", 1_000).await;
        book(&house, "2026-11-30T23:59:59Z", "arts", 500).await;
        book(&house, "2026-11-30T23:59:59Z", "Ökonomie", 30).await;
        book(&house, "2026-12-01T00:00:00Z", "arts", 7).await;
        // October ended before there was any work; November is not closed yet.
        one.bill_ended_months().await.unwrap();
        until(&house, "2026-12-01T00:59:59Z");
        one.bill_ended_months().await.unwrap();
        assert!(all(&db).await.is_empty());
        until(&house, "2026-12-01T01:00:00Z");
        let (first, second) = tokio::join!(one.bill_ended_months(), two.bill_ended_months());
        first.and(second).unwrap();
        let written = only(&db).await;
        assert_eq!((written.month.as_str(), written.state, written.attempts), ("2026-11", State::Waiting, 0));
        let (first, second) = tokio::join!(one.post_due_bill(), two.post_due_bill());
        assert!(first.unwrap() | second.unwrap());
        for engine in [&one, &two] {
            engine.bill_ended_months().await.unwrap();
            assert!(!engine.post_due_bill().await.unwrap());
        }
        let got = receiver.got();
        assert_eq!(got.len(), 1, "{got:?}");
        let got = &got[0];
        assert_eq!((got.path.as_str(), got.timestamp), ("/bills", house.engine.now().timestamp()));
        assert_eq!(got.id, format!("msg_{}", written.id));
        assert_eq!(got.signature, signed(got, SECRET));
        let told: serde_json::Value = serde_json::from_str(&got.body).unwrap();
        assert_eq!(told["data"]["month"], "2026-11");
        assert_eq!(told["data"]["total"]["spent_nano_usd"], 1_530);
        assert_eq!(told["data"]["cost_centres"][0]["spent_usd"], "0.0000015");
        assert_eq!(told["data"]["cost_centres"][1]["cost_centre"], "Ökonomie");
        assert_eq!(told["data"]["csv"], "https://quire.norrby.example/api/v1/billing/2026-11");
        let delivered = only(&db).await;
        assert_eq!((delivered.state, delivered.attempts), (State::Delivered, 1));
        assert_eq!((delivered.last_status, delivered.last_error), (Some(204), None));
        assert_eq!(delivered.delivered_at, Some(house.engine.now()));

        // After a long stop every month has its bill, also those without work.
        until(&house, "2027-03-05T00:00:00Z");
        two.bill_ended_months().await.unwrap();
        let months: Vec<String> = all(&db).await.into_iter().map(|one| one.month).collect();
        assert_eq!(months, ["2027-02", "2027-01", "2026-12", "2026-11"]);
        assert_eq!(one.post_bills().await.unwrap(), Verdict::Done);
        let months: Vec<_> = receiver.got()[1..]
            .iter()
            .map(|got| serde_json::from_str::<serde_json::Value>(&got.body).unwrap()["data"]["month"].clone())
            .collect();
        assert_eq!(months, ["2026-12", "2027-01", "2027-02"]);
    })
    .await;
}

#[tokio::test]
async fn it_is_posted_again_unchanged_until_it_is_taken() {
    each_db(async |db| {
        let house = house(db.clone(), Mailer::off()).await;
        let receiver = Receiver::start().await;
        receiver.says(&[Say::Status(500), Say::Redirect, Say::Nothing, Say::Much]);
        // Only the one that gets no answer waits this long.
        let engine = engine_with(&house, &receiver.url, &[SECRET], Duration::from_secs(2)).await;
        book(&house, "2026-11-24T10:00:00Z", "arts", 1_000).await;
        until(&house, "2026-12-01T01:00:00Z");
        engine.bill_ended_months().await.unwrap();
        let words = [
            (Some(500), "it answered 500 Internal Server Error"),
            (Some(302), "it answered 302 Found; redirects are not followed"),
            (None, "no answer came within 2 s"),
        ];
        for (n, (status, why)) in words.into_iter().enumerate() {
            assert!(engine.post_due_bill().await.unwrap());
            let found = only(&db).await;
            assert_eq!((found.state, found.attempts), (State::Waiting, n as i64 + 1));
            assert_eq!((found.last_status, found.last_error.as_deref()), (status, Some(why)));
            assert_eq!(found.next_at, house.engine.now() + WAITS[n]);
            // What is booked meanwhile does not change what was written down.
            book(&house, "2026-11-30T10:00:00Z", "arts", 9).await;
            house.clock.advance(WAITS[n] - TimeDelta::microseconds(1));
            assert!(!engine.post_due_bill().await.unwrap());
            house.clock.advance(TimeDelta::microseconds(1));
        }
        assert!(engine.post_due_bill().await.unwrap());
        // What a receiver writes under its status is nobody's business.
        let found = only(&db).await;
        assert_eq!((found.state, found.attempts, found.last_status), (State::Delivered, 4, Some(200)));
        assert_eq!(found.last_error, None);
        let got = receiver.got();
        assert_eq!(got.len(), 4);
        for one in &got {
            assert_eq!((&one.id, &one.body, one.path.as_str()), (&got[0].id, &got[0].body, "/bills"));
            assert_eq!(one.signature, signed(one, SECRET));
        }
        let times: Vec<i64> = got.iter().map(|one| one.timestamp - got[0].timestamp).collect();
        assert_eq!(times, [0, 5, 305, 2_105]);
        assert!(!engine.post_due_bill().await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn after_the_last_attempt_a_person_may_have_it_posted_again() {
    each_db(async |mut db| {
        let house = house(db.clone(), Mailer::off()).await;
        let receiver = Receiver::start().await;
        receiver.says(&[Say::Status(503); 10]);
        let engine = engine(&house, &receiver).await;
        let admin = person(&mut db, house.engine.world(), "admin@example.edu", true).await;
        let admin = engine.identity().actor(admin).await.unwrap();
        book(&house, "2026-11-24T10:00:00Z", "arts", 1_000).await;
        until(&house, "2026-12-01T01:00:00Z");
        engine.bill_ended_months().await.unwrap();
        for wait in WAITS {
            assert!(engine.post_due_bill().await.unwrap());
            house.clock.advance(wait);
        }
        assert_eq!(only(&db).await.state, State::Waiting);
        assert!(engine.post_due_bill().await.unwrap());
        let failed = only(&db).await;
        assert_eq!((failed.state, failed.attempts), (State::Failed, 10));
        house.clock.advance(TimeDelta::days(20));
        assert!(!engine.post_due_bill().await.unwrap());

        let refused = engine.retry_delivery(&house.student, failed.id).await.unwrap_err();
        assert!(matches!(refused, DeliveryError::Identity(IdentityError::Denied(Denied::Forbidden(_)))));
        let refused = engine.deliveries(&house.student).await.unwrap_err();
        assert!(matches!(refused, DeliveryError::Identity(IdentityError::Denied(Denied::Forbidden(_)))));
        let told = engine.inbox(&admin, true, 0, 10).await.unwrap();
        let told: Vec<_> = told.items.iter().map(|item| (item.kind, &*item.body)).collect();
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(told[0].0, crate::notice::Kind::BillGivenUp);
        assert!(told[0].1.contains("the bill of 2026-11") && told[0].1.contains("503"), "{told:?}");
        let nobody = DeliveryId::from_uuid(Uuid::nil());
        assert!(matches!(engine.retry_delivery(&admin, nobody).await, Err(DeliveryError::NotFound)));
        assert!(matches!(house.engine.retry_delivery(&admin, failed.id).await, Err(DeliveryError::Off)));
        let again = engine.retry_delivery(&admin, failed.id).await.unwrap();
        assert_eq!((again.state, again.attempts, again.next_at), (State::Waiting, 0, house.engine.now()));
        assert!(engine.post_due_bill().await.unwrap());
        let told = engine.inbox(&admin, false, 0, 10).await.unwrap();
        assert!(told.items[0].body.contains("has taken the bill of 2026-11 after all"), "{:?}", told.items);
        let seen = engine.deliveries(&admin).await.unwrap();
        assert_eq!((seen.list.len(), seen.list[0].state, seen.gone_at), (1, State::Delivered, None));
        let origin = seen.origin.unwrap();
        assert!(receiver.url.starts_with(&origin) && !origin.contains("hush"), "{origin}");
        let got = receiver.got();
        assert!(got.len() == 11 && got.iter().all(|one| one.id == got[0].id));
    })
    .await;
}

#[tokio::test]
async fn an_address_that_is_gone_is_left_alone() {
    each_db(async |db| {
        let house = house(db.clone(), Mailer::off()).await;
        let receiver = Receiver::start().await;
        receiver.says(&[Say::Status(410)]);
        let engine = engine(&house, &receiver).await;
        book(&house, "2026-11-24T10:00:00Z", "arts", 1_000).await;
        until(&house, "2026-12-01T01:00:00Z");
        engine.bill_ended_months().await.unwrap();
        assert!(engine.post_due_bill().await.unwrap());
        let gone = only(&db).await;
        assert_eq!((gone.state, gone.attempts, gone.last_status), (State::Failed, 1, Some(410)));
        let seen = engine.deliveries(&Actor::System).await.unwrap();
        assert_eq!(seen.gone_at, Some(house.engine.now()));
        // The next bill is written down and waits; no process posts it.
        until(&house, "2027-01-01T01:00:00Z");
        engine.bill_ended_months().await.unwrap();
        assert!(!engine.post_due_bill().await.unwrap());
        assert!(!engine.bills_due(house.engine.now()).await.unwrap());
        assert_eq!(receiver.got().len(), 1);
        // Another address knows nothing of it; nor does this one, once a person asks for it.
        let other = Receiver::start().await;
        let moved = engine_with(&house, &other.url, &[SECRET], PATIENCE).await;
        assert!(moved.post_due_bill().await.unwrap());
        assert_eq!(other.got().len(), 1);
        engine.retry_delivery(&Actor::System, gone.id).await.unwrap();
        assert!(engine.post_due_bill().await.unwrap());
        assert_eq!(receiver.got().len(), 2);
        assert!(all(&db).await.iter().all(|one| one.state == State::Delivered));
    })
    .await;
}

#[tokio::test]
async fn what_a_process_that_ended_had_claimed_is_posted_by_another() {
    each_db(async |mut db| {
        let house = house(db.clone(), Mailer::off()).await;
        let receiver = Receiver::start().await;
        let engine = engine_with(&house, &receiver.url, &[SECRET, OLD_SECRET], PATIENCE).await;
        book(&house, "2026-11-24T10:00:00Z", "arts", 1_000).await;
        until(&house, "2026-12-01T01:00:00Z");
        engine.bill_ended_months().await.unwrap();
        let now = house.engine.now();
        let mut tx = db.begin().await.unwrap();
        let lost = claim(&mut tx, now, now + TimeDelta::seconds(60)).await.unwrap().unwrap();
        tx.commit().await.unwrap();
        assert!(!engine.post_due_bill().await.unwrap());
        let refused = engine.retry_delivery(&Actor::System, lost.id).await.unwrap_err();
        assert_eq!(refused.to_string(), "The bill of 2026-11 is being posted. Look again in a minute.");
        house.clock.advance(TimeDelta::seconds(60));
        assert!(engine.post_due_bill().await.unwrap());
        let found = find(&mut db, lost.id).await.unwrap().unwrap();
        assert_eq!((found.state, found.attempts), (State::Delivered, 2));
        // Whoever comes back late changes nothing.
        assert!(!store::set_failed(&mut db, &lost, None, "late", None).await.unwrap());
        assert!(!store::set_delivered(&mut db, &lost, 200, now).await.unwrap());
        let got = receiver.got();
        assert_eq!(got.len(), 1);
        // While secrets are changed each of them has signed.
        assert_eq!(got[0].signature, format!("{} {}", signed(&got[0], SECRET), signed(&got[0], OLD_SECRET)));
    })
    .await;
}

#[tokio::test]
async fn workers_write_bills_down_and_post_them() {
    each_db(async |db| {
        let house = house(db.clone(), Mailer::off()).await;
        let receiver = Receiver::start().await;
        let engine = engine(&house, &receiver).await;
        book(&house, "2026-11-24T10:00:00Z", "arts", 1_000).await;
        // A second at which the sweep comes by.
        until(&house, "2026-12-01T01:00:00Z");
        house.engine.tick().await;
        assert!(all(&db).await.is_empty(), "no address is set there");
        engine.tick().await;
        assert_eq!(only(&db).await.state, State::Waiting);
        assert_eq!(engine.handle(Task::PostBills).await, Verdict::Done);
        assert_eq!(only(&db).await.state, State::Delivered);
        assert_eq!(receiver.got().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn where_nobody_listens_nothing_of_the_address_is_told() {
    each_db(async |db| {
        let house = house(db.clone(), Mailer::off()).await;
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/bills?key=hush", listener.local_addr().unwrap());
        drop(listener);
        let engine = engine_with(&house, &url, &[SECRET], PATIENCE).await;
        book(&house, "2026-11-24T10:00:00Z", "arts", 1_000).await;
        until(&house, "2026-12-01T01:00:00Z");
        engine.bill_ended_months().await.unwrap();
        assert!(engine.post_due_bill().await.unwrap());
        let found = only(&db).await;
        assert_eq!((found.state, found.last_status), (State::Waiting, None));
        let why = found.last_error.unwrap();
        assert!(why.contains("refused") && !why.contains("hush") && !why.contains("bills"), "{why}");
    })
    .await;
}

#[tokio::test]
async fn a_name_that_leads_nowhere_is_told() {
    let webhook = |url: &str| {
        Webhook::new(&WebhookSettings {
            url: url.into(),
            secrets: vec![SECRET.into()],
            allow: vec![],
            timeout: PATIENCE,
        })
    };
    let nowhere = webhook("https://quire.invalid/").unwrap();
    let Some(Posted::Refused { status: None, why }) = nowhere.post("msg_1", DateTime::UNIX_EPOCH, "{}").await
    else {
        panic!("it was posted");
    };
    assert!(why.starts_with("its name \"quire.invalid\" has no address"), "{why}");
    assert_eq!(Webhook::off().post("msg_1", DateTime::UNIX_EPOCH, "{}").await, None);
    assert_eq!(format!("{nowhere:?}"), "Webhook(Some(\"https://quire.invalid\"))");
    assert!(matches!(webhook("https://10.0.0.1/"), Err(WebhookError::Target(Refused::Internal { .. }))));
    let without = WebhookSettings {
        url: "https://x.example/".into(),
        secrets: vec![],
        allow: vec![],
        timeout: PATIENCE,
    };
    assert_eq!(Webhook::new(&without).unwrap_err(), WebhookError::Secrets);
}
