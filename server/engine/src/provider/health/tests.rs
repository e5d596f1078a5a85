//! What processes know of the providers, and what follows from it, on both databases.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::{
    engine::testing::{House, house_with, person},
    identity::{self, Actor},
    jobs::Verdict,
    notice::{Kind, Mailer},
    provider::{ErrorClass, Headroom, Window},
    queue::{self, Job, JobState},
    routing::Route,
    store::{Db, Exec as _, NanoUsd, testing::each_db},
    submission::HandIn,
};
use std::time::Duration;

fn exchange(operation: &'static str, error: Option<ErrorClass>) -> Exchange {
    Exchange {
        operation,
        status: Some(if error.is_some() { 503 } else { 200 }),
        error,
        why: error.map(|_| "out of order".to_owned()),
        retry_after: None,
        took: Duration::from_millis(800),
        headroom: Headroom::default(),
    }
}

fn fail(house: &House, provider: &str, times: usize) {
    for _ in 0..times {
        house.engine.health().note(provider, &exchange("call", Some(ErrorClass::Provider)));
    }
}

async fn admin(house: &House) -> Actor {
    let engine = &house.engine;
    let id = person(&mut engine.db(), engine.world(), "admin@example.edu", true).await;
    engine.identity().actor(id).await.unwrap()
}

async fn two(db: &Db) -> House {
    house_with(db.clone(), Mailer::off(), &["alpha", "beta"]).await
}

async fn job_of(house: &House) -> Job {
    let receipt = house.hand_in().await;
    let of = receipt.submission.id;
    queue::store::of_submission(&mut house.engine.db(), of).await.unwrap().unwrap().0
}

/// The job of work that another student hands in, so that no draft takes another's place.
async fn job_of_student(house: &House, n: usize) -> Job {
    let engine = &house.engine;
    let mut db = engine.db();
    let id = person(&mut db, engine.world(), &format!("student{n}@example.edu"), false).await;
    identity::store::set_role(&mut db, house.assignment.course_id, id, identity::Role::Student)
        .await
        .unwrap();
    let input = HandIn {
        assignment: house.assignment.id,
        student: None,
        text: format!("I hold that computers help us, for {n} reasons."),
        file_name: None,
        idempotency: None,
    };
    let student = engine.identity().actor(id).await.unwrap();
    let receipt = engine.hand_in(&student, input).await.unwrap();
    queue::store::of_submission(&mut db, receipt.submission.id).await.unwrap().unwrap().0
}

async fn again(house: &House, job: &Job) -> Job {
    queue::store::find(&mut house.engine.db(), job.id).await.unwrap().unwrap()
}

const CALL: Work = Work::Call { input_tokens: 100, output_tokens: 100 };

#[tokio::test]
async fn a_paused_provider_gets_one_probe_and_nothing_else() {
    each_db(async |db| {
        let house = two(&db).await;
        let health = house.engine.health().clone();
        fail(&house, "alpha", 4);
        drop(health.begin("alpha", CALL).unwrap());
        fail(&house, "alpha", 1);
        let not_now = health.begin("alpha", Work::Batch).unwrap_err();
        assert_eq!(not_now.paused_since, Some(house.engine.now()));
        assert_eq!(not_now.until, house.engine.now() + TimeDelta::seconds(15));
        assert_eq!(not_now.why, "alpha is paused: out of order (HTTP 503)");
        assert!(health.begin("beta", CALL).is_ok());
        assert!(!health.is_up("alpha") && health.is_up("beta"));
        house.clock.advance(TimeDelta::seconds(15));
        let probe = health.begin("alpha", CALL).unwrap();
        assert!(health.begin("alpha", CALL).is_err());
        drop(probe);
        let _probe = health.begin("alpha", CALL).unwrap();
        health.note("alpha", &exchange("call", None));
        assert!(health.is_up("alpha"));
        assert!(health.begin("alpha", CALL).is_ok());
    })
    .await;
}

#[tokio::test]
async fn a_refusal_for_too_many_holds_back_all_and_headroom_holds_back_what_is_too_much() {
    each_db(async |db| {
        let house = two(&db).await;
        let health = house.engine.health().clone();
        let window = Window { limit: Some(2), remaining: Some(1), resets_in: Some(Duration::from_secs(9)) };
        let told = Headroom { requests: Some(window), ..Headroom::default() };
        health.note("alpha", &Exchange { headroom: told, ..exchange("call", None) });
        let permit = health.begin("alpha", CALL).unwrap();
        let not_now = health.begin("alpha", CALL).unwrap_err();
        assert_eq!(not_now.why, "alpha has 0 of 2 requests left for now");
        assert_eq!(not_now.until, house.engine.now() + TimeDelta::seconds(10));
        assert!(health.begin("alpha", Work::Batch).is_ok(), "batches have limits of their own");
        let refused = Exchange {
            retry_after: Some(Duration::from_secs(30)),
            status: Some(429),
            ..exchange("call", Some(ErrorClass::RateLimit))
        };
        health.note("alpha", &refused);
        drop(permit);
        for work in [CALL, Work::Batch] {
            let not_now = health.begin("alpha", work).unwrap_err();
            assert_eq!(
                (not_now.until, not_now.paused_since),
                (house.engine.now() + TimeDelta::seconds(30), None)
            );
        }
        assert!(health.is_up("alpha"), "it is full, not ill");
        house.clock.advance(TimeDelta::seconds(30));
        assert!(health.begin("alpha", CALL).is_ok());
    })
    .await;
}

#[tokio::test]
async fn calls_wait_without_using_up_attempts() {
    each_db(async |mut db| {
        let house = two(&db).await;
        let mut job = job_of(&house).await;
        db.query("UPDATE model_jobs SET route = 'realtime', ready_at = arrived_at").exec().await.unwrap();
        job = again(&house, &job).await;
        fail(&house, &job.provider, 5);
        let verdict = house.engine.call_job(job.id).await.unwrap();
        let until = house.engine.now() + TimeDelta::seconds(15);
        assert!(matches!(verdict, Verdict::LookAgain(at) if at == until), "{verdict:?}");
        let after = again(&house, &job).await;
        assert_eq!(after, Job { ready_at: until, ..job.clone() });
        let (calls,): (i64,) = db.query("SELECT COUNT(*) FROM calls").one().await.unwrap();
        assert_eq!(calls, 0);
    })
    .await;
}

#[tokio::test]
async fn what_one_process_sees_the_others_route_by() {
    each_db(async |mut db| {
        let house = two(&db).await;
        let engine = &house.engine;
        let first = job_of(&house).await.provider;
        // Another process, whose calls fail.
        let other = Health::new(engine.world().clone(), BreakerSettings::default());
        for _ in 0..5 {
            other.note(&first, &exchange("call", Some(ErrorClass::TimeOut)));
        }
        let mut tx = db.begin().await.unwrap();
        store::write(&mut tx, "other", &other.figures(), engine.now(), engine.now()).await.unwrap();
        tx.commit().await.unwrap();
        engine.share_health().await.unwrap();
        assert!(engine.health().pause(&first).is_none() && !engine.health().is_up(&first));
        let next = house.hand_in().await.decision;
        assert_ne!(next.provider, first, "{}", next.reasoning);
        let seen = next.facts.providers.iter().find(|p| p.name == first).unwrap();
        assert!(!seen.healthy);
        let figures = engine.figures_of(&first);
        assert_eq!((figures.exchanges, figures.failed), (5, 5));
        // Its word ages.
        house.clock.advance(TimeDelta::seconds(31));
        engine.share_health().await.unwrap();
        assert!(engine.health().is_up(&first));
        house.clock.advance(TimeDelta::hours(2));
        let mut tx = db.begin().await.unwrap();
        let now = engine.now();
        store::write(&mut tx, "third", &[("x".into(), Figures::default())], now, now - TimeDelta::hours(1))
            .await
            .unwrap();
        tx.commit().await.unwrap();
        let rows = store::rows(&mut db).await.unwrap();
        assert_eq!(rows.iter().map(|row| row.owner.as_str()).collect::<Vec<_>>(), ["third"]);
    })
    .await;
}

#[tokio::test]
async fn work_that_waits_for_a_failing_provider_is_decided_again() {
    each_db(async |mut db| {
        let house = two(&db).await;
        let engine = &house.engine;
        let mut jobs = Vec::new();
        for n in 0..4 {
            jobs.push(job_of_student(&house, n).await);
        }
        let failing = jobs[0].provider.clone();
        let waiting: Vec<&Job> = jobs.iter().filter(|job| job.provider == failing).collect();
        assert!(!waiting.is_empty());
        fail(&house, &failing, 5);
        engine.decide_again_due().await.unwrap();
        assert_eq!(again(&house, waiting[0]).await.provider, failing, "it may be over soon");
        house.clock.advance(TimeDelta::seconds(60));
        engine.decide_again_due().await.unwrap();
        for job in &jobs {
            let after = again(&house, job).await;
            assert_ne!(after.provider, failing);
            assert_eq!((after.state, after.attempt, after.failures), (JobState::Queued, 0, 0));
            assert_eq!(after.reserved, engine.worst_case(&after).unwrap());
            let (held,): (i64,) = db
                .query("SELECT CAST(SUM(reserved_nano) AS BIGINT) FROM ledger WHERE job_id = $1")
                .bind(job.id)
                .one()
                .await
                .unwrap();
            assert_eq!(held, after.reserved.0);
        }
        let past = queue::store::past_decisions(&mut db, waiting[0].id).await.unwrap();
        assert_eq!(past.len(), 1);
        assert_eq!((past[0].decision.provider.as_str(), past[0].ended_at), (failing.as_str(), engine.now()));
        assert!(past[0].why.contains("it failed 5 times in a row"), "{}", past[0].why);
        let (_, decision, failure) =
            queue::store::of_submission(&mut db, waiting[0].submission_id).await.unwrap().unwrap();
        assert!(decision.reasoning.starts_with("Decided again, as "), "{}", decision.reasoning);
        assert!(failure.unwrap().contains("decided again: sent to"));
        // Looked at again nothing changes, and where all fail all stay.
        house.clock.advance(TimeDelta::seconds(60));
        engine.decide_again_due().await.unwrap();
        assert_eq!(queue::store::past_decisions(&mut db, waiting[0].id).await.unwrap().len(), 1);
        let other = again(&house, waiting[0]).await.provider;
        fail(&house, &other, 5);
        house.clock.advance(TimeDelta::seconds(90));
        engine.decide_again_due().await.unwrap();
        assert_eq!(again(&house, waiting[0]).await.provider, other);
    })
    .await;
}

#[tokio::test]
async fn work_whose_batch_would_come_too_late_is_asked_for_in_real_time() {
    each_db(async |mut db| {
        let house = two(&db).await;
        let engine = &house.engine;
        let job = job_of_student(&house, 1).await;
        assert_eq!(job.route, Route::Batch);
        let in_time = job_of_student(&house, 2).await;
        for (job, hours) in [(&job, 1), (&in_time, 30)] {
            db.query("UPDATE model_jobs SET deadline = $2 WHERE id = $1")
                .bind(job.id)
                .bind(engine.now() + TimeDelta::hours(hours))
                .exec()
                .await
                .unwrap();
        }
        engine.decide_again_due().await.unwrap();
        let after = again(&house, &job).await;
        assert_eq!((after.state, after.route), (JobState::Queued, Route::Realtime));
        assert!(after.reserved > job.reserved && job.reserved > NanoUsd::ZERO, "real time costs more");
        assert_eq!(again(&house, &in_time).await.route, Route::Batch);
        let past = queue::store::past_decisions(&mut db, job.id).await.unwrap();
        assert!(past[0].why.starts_with("a batch would come back after the deadline"), "{}", past[0].why);
    })
    .await;
}

#[tokio::test]
async fn administrators_are_told_once_of_an_outage_and_of_its_end() {
    each_db(async |db| {
        let house = two(&db).await;
        let engine = &house.engine;
        let admin = admin(&house).await;
        let news = async || {
            let inbox = engine.inbox(&admin, false, 0, 10).await.unwrap();
            inbox.items.into_iter().map(|item| (item.kind, item.title, item.read)).collect::<Vec<_>>()
        };
        fail(&house, "alpha", 5);
        engine.tell_of_outages().await.unwrap();
        house.clock.advance(TimeDelta::seconds(179));
        engine.tell_of_outages().await.unwrap();
        assert_eq!(news().await, []);
        for _ in 0..3 {
            house.clock.advance(TimeDelta::seconds(1));
            engine.tell_of_outages().await.unwrap();
        }
        let told = (Kind::ProviderOutage, "A provider does not work", false);
        assert_eq!(news().await, [told]);
        engine.read_all_notices(&admin).await.unwrap();
        let item = engine.inbox(&admin, false, 0, 10).await.unwrap().items.remove(0);
        assert_eq!(item.path, "/admin");
        assert!(item.body.contains("“alpha”") && item.body.contains("out of order"), "{}", item.body);
        house.clock.advance(TimeDelta::minutes(9));
        engine.health().note("alpha", &exchange("batch.poll", None));
        engine.tell_of_outages().await.unwrap();
        engine.tell_of_outages().await.unwrap();
        assert_eq!(news().await, [(Kind::ProviderOutage, "A provider works again", false)]);
        // The next outage is another one.
        house.clock.advance(TimeDelta::hours(1));
        fail(&house, "alpha", 5);
        house.clock.advance(TimeDelta::seconds(180));
        engine.tell_of_outages().await.unwrap();
        assert_eq!(news().await.len(), 2);
    })
    .await;
}

#[tokio::test]
async fn batches_that_were_not_sent_are_handed_back_where_another_provider_works() {
    each_db(async |mut db| {
        let house = two(&db).await;
        let engine = &house.engine;
        let job = job_of(&house).await;
        house.clock.advance(TimeDelta::minutes(11));
        let batch = engine.cut(&job.provider, engine.now()).await.unwrap()[0];
        fail(&house, &job.provider, 5);
        let verdict = engine.send_batch(batch).await.unwrap();
        assert!(matches!(verdict, Verdict::LookAgain(at) if at == engine.now() + TimeDelta::seconds(15)));
        let waiting = crate::batching::store::find(&mut db, batch).await.unwrap().unwrap();
        assert_eq!((waiting.state, waiting.failures), (crate::batching::BatchState::Written, 0));
        assert!(waiting.error.unwrap().contains("is paused"));
        assert!(engine.ready_to_cut(engine.now()).await.unwrap().is_empty());
        // Probes failed; it is still down when the next look comes.
        house.clock.advance(TimeDelta::seconds(61));
        fail(&house, &job.provider, 1);
        let verdict = engine.send_batch(batch).await.unwrap();
        assert!(matches!(verdict, Verdict::Done), "{verdict:?}");
        let back = again(&house, &job).await;
        assert_eq!((back.state, back.attempt, back.failures), (JobState::Queued, 0, 0));
        let closed = crate::batching::store::find(&mut db, batch).await.unwrap().unwrap();
        assert_eq!(closed.state, crate::batching::BatchState::Failed);
        engine.decide_again_due().await.unwrap();
        assert_ne!(again(&house, &job).await.provider, job.provider);
    })
    .await;
}

/// Against a provider that takes ten requests a minute: 35 that come at once all get through, none refused, as fast as
/// the limit allows.
#[tokio::test(flavor = "multi_thread")]
async fn a_burst_runs_into_no_refusal_once_the_limits_are_known() {
    use crate::{
        provider::{ApiKey, ProviderKind, Settings, connect, testing::request},
        store::testing::still_world,
    };
    let (world, clock) = still_world();
    let limited =
        quire_simulator::Settings { requests_per_minute: Some(10), ..quire_simulator::Settings::instant() };
    let config = quire_simulator::Config {
        manual_clock: true,
        settings: limited,
        ..quire_simulator::Config::instant()
    };
    let simulator = quire_simulator::start(config).await.unwrap();
    let health = Health::new(world, BreakerSettings::default());
    let mut settings = Settings::new(simulator.openai_url().parse().unwrap(), ApiKey::from("sk-test"));
    let watcher = health.watcher();
    settings.observer = Some(Arc::new(move |exchange: &Exchange| watcher("p", exchange)));
    let provider = connect(ProviderKind::Openai, &settings).unwrap();
    let control = simulator.control_url();
    let client = reqwest::Client::new();
    let advance = async |by: TimeDelta| {
        clock.advance(by);
        let body = serde_json::json!({"advance_seconds": by.num_milliseconds() as f64 / 1_000.0});
        let url = format!("{}/control", control.trim_end_matches("/control"));
        assert!(client.post(url).json(&body).send().await.unwrap().status().is_success());
    };
    let ask = async |permit: Permit| {
        let answer = provider.call(&request()).await;
        drop(permit);
        answer.map(drop)
    };
    let began = health.0.world.now();
    ask(health.begin("p", CALL).unwrap()).await.unwrap();
    let mut left = 34;
    while left > 0 {
        let mut permits = Vec::new();
        let not_now = loop {
            match health.begin("p", CALL) {
                Ok(permit) if permits.len() < left => permits.push(permit),
                Ok(_) => break None,
                Err(not_now) => break Some(not_now),
            }
        };
        left -= permits.len();
        // The clock stands still while they are asked; what they truly take must count as less than this.
        advance(TimeDelta::seconds(5)).await;
        for answer in futures::future::join_all(permits.into_iter().map(&ask)).await {
            answer.unwrap();
        }
        if let Some(not_now) = not_now.filter(|_| left > 0) {
            let wait = not_now.until - health.0.world.now();
            advance(wait.max(TimeDelta::milliseconds(1))).await;
        }
    }
    let refused = || health.figures()[0].1.rate_limited;
    assert_eq!(refused(), 0);
    let took = health.0.world.now() - began;
    assert!(took <= TimeDelta::seconds(4 * 66), "{took}: not much longer than the limit asks for");
    // Whoever does not ask first is refused.
    for _ in 0..11 {
        let _ = provider.call(&request()).await;
    }
    assert!(refused() > 0);
    assert!(health.begin("p", CALL).is_err(), "and then so are the others");
    simulator.shutdown().await.unwrap();
}
