//! Urgent work is marked by a call of its own.

use quire_tests::{
    essays::essay,
    on_both,
    school::{Database, Options, School},
};
use serde_json::json;
use std::time::{Duration, Instant};

on_both!(an_exam_is_marked_within_seconds, a_call_that_loses_its_connection_is_booked_and_asked_again);

const PATIENCE: Duration = Duration::from_secs(60);

async fn an_exam_is_marked_within_seconds(database: Database) {
    let school = School::open(database).await;
    let begin = Instant::now();
    let receipt =
        school.api("ada").hand_in(school.assignment("exam"), &essay(1, 250), None).await.expect(201);
    assert_eq!(receipt.json["lane"], "urgent", "{}", receipt.text);
    assert_eq!(receipt.json["route"]["type"], "realtime", "{}", receipt.text);
    assert_eq!(receipt.json["route"]["rule"], "high_urgency_override", "{}", receipt.text);
    school.wait_for(&receipt.string("tracking_id"), &["completed"], Duration::from_secs(10)).await;
    assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", begin.elapsed());
    let proof = school.prove().await;
    assert_eq!(
        (proof.assessed, proof.in_batches, proof.in_real_time, proof.lost_lines),
        (1, 0, 1, 0),
        "{proof:?}"
    );
    school.close().await;
}

async fn a_call_that_loses_its_connection_is_booked_and_asked_again(database: Database) {
    let school =
        School::open_with(database, Options::default().with("retry.time_out.first_seconds", "1")).await;
    // Both providers work on the first call and then hang up without an answer.
    let lost = |call: &str| json!({"fault": "drop_after", "call": call, "times": 1});
    school.control(&json!({"script": [lost("openai.chat"), lost("anthropic.messages")]})).await;
    let receipt =
        school.api("ada").hand_in(school.assignment("exam"), &essay(1, 250), None).await.expect(201);
    school.wait_for(&receipt.string("tracking_id"), &["completed"], PATIENCE).await;
    let proof = school.prove().await;
    assert_eq!(proof.assessed, 1, "{proof:?}");
    assert!(proof.lost_answers >= 1 && proof.lost_answers == proof.lost_lines, "{proof:?}");
    school.close().await;
}
