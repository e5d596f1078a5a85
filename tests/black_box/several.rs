//! Several processes on one PostgreSQL share the work: none leads, and none that was killed or stood still does harm.

use quire_engine::store::Exec as _;
use quire_tests::{
    api::Api,
    crew::{Member, Orders, Role},
    essays::essay,
    school::{Database, Options, School},
    stops::{Plan, stops},
    wait,
};
use serde_json::json;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(60);

async fn hand_in(api: &Api, school: &School, numbers: std::ops::Range<u64>) {
    for n in numbers {
        let key = if n % 5 == 4 { "exam" } else { "essay" };
        let body = json!({
            "assignment": school.assignment(key),
            "text": essay(n, 120),
            "student": format!("student{n}@example.edu"),
        });
        quire_tests::api::Answer::to(api.hand_in_request(&body, Some(&format!("several-{n}"))))
            .await
            .expect(201);
    }
}

/// Longer than the lease of 3 s after which the others take over, and than an idle transaction may last.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_stood_still_does_no_harm() {
    let plan = Plan { jobs: 260, still: Duration::from_secs(12), most: 16 };
    let outcome = Box::pin(stops(plan)).await.unwrap_or_else(|error| panic!("{error:?}"));
    assert!(outcome.stops >= 13, "{outcome:?}");
}

/// With the usual settings the work of a killed worker is taken up by another within 15 s.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn work_of_a_killed_worker_is_resumed_within_15_seconds() {
    let options = Options { jobs: (1, 50), ..Options::default() }.with("queue.lease_seconds", "10");
    let school = School::prepare(Database::Postgres, options).await;
    let web = Member::start(&school, Role::Web, Orders::None);
    web.ready().await;
    let api = web.api(&school, "berg");
    let mut n = 0;
    for point in ["send.after_upload", "ingest.before_chunk_commit", "call.before_ask"] {
        let mut first = Member::start(&school, Role::Worker, Orders::Crash(point.to_owned()));
        hand_in(&api, &school, n..n + 10).await;
        n += 10;
        wait::until(&format!("a worker is killed at {point}"), PATIENCE, async || {
            first.has_ended().then_some(())
        })
        .await;
        let killed = Instant::now();
        let orphans = owned(&school).await;
        assert!(!orphans.is_empty(), "it was at work on something at {point}");
        let second = Member::start(&school, Role::Worker, Orders::None);
        wait::until(&format!("the work is taken up after {point}"), PATIENCE, async || {
            let now = owned(&school).await;
            orphans.iter().any(|orphan| !now.contains(orphan)).then_some(())
        })
        .await;
        let took = killed.elapsed();
        assert!(took <= Duration::from_secs(15), "taken up {took:?} after the kill at {point}");
        school.wait_until_idle(PATIENCE).await;
        drop(second);
    }
    let proof = school.prove().await;
    assert_eq!((proof.assessed, proof.ended_otherwise), (30, 0), "{proof:?}");
    drop(web);
    school.close().await;
}

/// What is being worked on, and by which process.
async fn owned(school: &School) -> Vec<(uuid::Uuid, String)> {
    school
        .db()
        .query(
            "SELECT id, owner FROM batches WHERE owner IS NOT NULL \
             UNION ALL SELECT id, owner FROM calls WHERE state = 'started'",
        )
        .all()
        .await
        .unwrap()
}
