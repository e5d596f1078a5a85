//! Several processes on one PostgreSQL share the work: none leads, and none that was killed or stood still does harm.

use quire_engine::{crash::POINTS, store::Exec as _};
use quire_tests::{
    api::Api,
    crew::{Member, Orders, Role},
    essays::essay,
    school::{Database, Options, School},
    wait,
};
use serde_json::json;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(60);

/// Longer than the lease of 3 s after which the others take over, and than an idle transaction may last.
const STILL: Duration = Duration::from_secs(12);

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

/// Work that two web and two worker processes share while one worker is stopped for longer than its lease at one point
/// after the other, goes on, and is killed in the end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_stood_still_does_no_harm() {
    let school = School::prepare(Database::Postgres, Options { jobs: (1, 10), ..Options::default() }).await;
    let mut webs = [Role::Web, Role::Web].map(|role| Member::start(&school, role, Orders::None));
    let mut workers = [Role::Worker, Role::Worker].map(|role| Member::start(&school, role, Orders::None));
    for web in &webs {
        web.ready().await;
    }
    let mut n = 0;
    // A process stopped inside a send to Anthropic is outside the promise; no batch here is so large that it is split.
    let left_out = ["send.before_create", "send.after_create", "split.before_commit", "split.after_commit"];
    let points = POINTS.iter().filter(|point| !left_out.contains(point));
    for point in points {
        let stop = Orders::Stop((*point).to_owned());
        let stopped = if point.starts_with("hand_in.") { &mut webs[0] } else { &mut workers[0] };
        stopped.restart(&school, stop);
        if stopped.role == Role::Web {
            stopped.ready().await;
        }
        // The other web process takes the work, but for that of the point itself.
        let api = webs[1].api(&school, "berg");
        let beginning = n;
        if point.starts_with("hand_in.") {
            let api = webs[0].api(&school, "berg");
            let body = json!({"assignment": school.assignment("essay"), "text": essay(9_000 + n, 120),
                "student": format!("stopped{n}@example.edu")});
            let request = api.hand_in_request(&body, Some(&format!("stopped-{n}")));
            tokio::spawn(async move { quire_tests::api::Answer::try_to(request).await });
        }
        let stopped = if point.starts_with("hand_in.") { &webs[0] } else { &workers[0] };
        wait::until(&format!("a process stands still at {point}"), PATIENCE, async || {
            if !stopped.stands_still() {
                hand_in(&api, &school, n..n + 5).await;
                n += 5;
                tokio::time::sleep(Duration::from_millis(300)).await;
            }
            stopped.stands_still().then_some(())
        })
        .await;
        hand_in(&api, &school, n..n + 5).await;
        n += 5;
        tokio::time::sleep(STILL).await;
        // The others have long gone on.
        let finished = "SELECT COUNT(*) FROM assessments";
        assert!(
            school.count(finished).await > 0 || beginning == 0,
            "work went on without the one that stood still"
        );
        stopped.go_on();
    }
    workers[1].kill();
    let acknowledged = usize::try_from(n).unwrap();
    school.wait_until_idle(PATIENCE).await;
    let proof = school.prove().await;
    // Those of the stopped web process may or may not have been stored before it was stopped; none twice.
    assert!((acknowledged..=acknowledged + 2).contains(&proof.assessed), "{proof:?}");
    assert_eq!(proof.ended_otherwise, 0, "{proof:?}");
    drop((webs, workers));
    school.close().await;
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
