//! A kill at every named point loses nothing and pays for no batched request twice (SPEC 6.5).

use quire_engine::crash::POINTS;
use quire_tests::{
    api::Answer,
    essays::essay,
    school::{Database, Options, School},
};
use serde_json::json;
use std::time::Duration;

/// How long the program may take to come to a point.
const TO_CRASH: Duration = Duration::from_secs(40);
/// How long the work may take after that.
const PATIENCE: Duration = Duration::from_secs(120);

/// Essays for batches, and exams for real time.
const ESSAYS: u64 = 6;
const EXAMS: u64 = 2;

/// More than one request of this test has, and less than two.
const MOST_BYTES: u64 = 12_000;

/// Two tests for each point named, at the provider named, and one that all points are named.
macro_rules! points {
    ($($test:ident: $point:literal, $nth:literal, $provider:literal;)*) => {
        $(mod $test {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_sqlite() {
                Box::pin(super::killed_at(super::Database::Sqlite, $provider, $point, $nth)).await;
            }
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_postgres() {
                Box::pin(super::killed_at(super::Database::Postgres, $provider, $point, $nth)).await;
            }
        })*
        #[test]
        fn every_point_is_tested() {
            let tested = [$($point),*];
            let missing: Vec<_> = POINTS.iter().filter(|point| !tested.contains(point)).collect();
            assert!(missing.is_empty(), "no test for {missing:?}");
        }
    };
}

points! {
    before_a_hand_in_is_on_disk: "hand_in.before_commit", 3, "openai";
    after_a_hand_in_is_on_disk: "hand_in.after_commit", 3, "anthropic";
    before_a_cut_is_on_disk: "cut.before_commit", 1, "openai";
    after_a_cut_is_on_disk: "cut.after_commit", 1, "anthropic";
    after_the_input_is_uploaded: "send.after_upload", 1, "openai";
    after_the_input_is_known: "send.after_input_stored", 1, "openai";
    before_a_batch_is_created_at_openai: "send.before_create", 1, "openai";
    before_a_batch_is_created_at_anthropic: "send.before_create", 1, "anthropic";
    after_a_batch_is_created_at_openai: "send.after_create", 1, "openai";
    after_a_batch_is_created_at_anthropic: "send.after_create", 1, "anthropic";
    before_a_split_is_on_disk: "split.before_commit", 1, "openai";
    after_a_split_is_on_disk: "split.after_commit", 1, "openai";
    before_a_split_is_on_disk_at_anthropic: "split.before_commit", 1, "anthropic";
    after_a_split_is_on_disk_at_anthropic: "split.after_commit", 1, "anthropic";
    before_results_are_on_disk_from_openai: "ingest.before_chunk_commit", 1, "openai";
    before_results_are_on_disk_from_anthropic: "ingest.before_chunk_commit", 1, "anthropic";
    after_results_are_on_disk: "ingest.after_chunk_commit", 1, "openai";
    before_a_batch_is_closed: "ingest.before_close", 1, "anthropic";
    before_a_call_is_made: "call.before_ask", 1, "openai";
    after_a_call_is_answered: "call.after_answer", 1, "anthropic";
}

async fn killed_at(database: Database, provider: &'static str, point: &str, nth: u32) {
    let mut options = Options { providers: vec![provider], ..Options::default() };
    if point.starts_with("split.") {
        // Work is handed in one by one, so what is cut first may be small: any two are too many.
        options = options.with("batching.split_delay_seconds", "1");
        options.simulator.openai_max_requests = 1;
        options.simulator.anthropic_max_bytes = MOST_BYTES;
    }
    let mut school = School::prepare(database, options).await;
    school.start_to_crash(&format!("{point}:{nth}")).await;
    let tasks: Vec<_> = (0..ESSAYS + EXAMS)
        .map(|n| if n < ESSAYS { ("essay", n) } else { ("exam", n) })
        .map(|(key, n)| (school.assignment(key).to_owned(), n))
        .collect();
    let mut unanswered = Vec::new();
    let mut ids = Vec::new();
    for (assignment, n) in tasks {
        match hand_in(&school, &assignment, n).await {
            Some(id) => ids.push(id),
            None => unanswered.push((assignment, n)),
        }
    }
    school.wait_for_crash(TO_CRASH).await;
    school.start().await;
    // What was not acknowledged is handed in again, as its senders would.
    for (assignment, n) in unanswered {
        ids.push(hand_in(&school, &assignment, n).await.expect("the server answers again"));
    }
    for id in &ids {
        school.wait_for(id, &["completed"], PATIENCE).await;
    }
    school.wait_until_idle(PATIENCE).await;
    let proof = school.prove().await;
    let all = usize::try_from(ESSAYS + EXAMS).unwrap();
    assert_eq!((proof.assessed, proof.ended_otherwise), (all, 0), "{proof:?}");
    assert_eq!(
        proof.in_batches,
        usize::try_from(ESSAYS).unwrap(),
        "each batched request was paid once: {proof:?}"
    );
    if point.starts_with("call.") {
        assert!(proof.lost_lines >= 1, "the call that was cut off is booked as lost: {proof:?}");
        let answered = usize::from(point == "call.after_answer");
        assert!(proof.lost_answers >= answered, "{proof:?}");
    }
    school.close().await;
}

/// Hands in as an instructor does for a student; none if no answer came.
async fn hand_in(school: &School, assignment: &str, n: u64) -> Option<String> {
    let student = format!("student{n}@example.edu");
    let body = json!({"assignment": assignment, "text": essay(n, 200), "student": student});
    let key = format!("key-{n}");
    let answer = Answer::try_to(school.api("berg").hand_in_request(&body, Some(&key))).await.ok()?;
    assert!(answer.status.is_success(), "{}", answer.text);
    Some(answer.string("tracking_id"))
}
