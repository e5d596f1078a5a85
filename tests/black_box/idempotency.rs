//! A repeated hand-in is the same submission.

use futures::future::join_all;
use quire_tests::{
    essays::essay,
    on_both,
    school::{Database, School},
};
use std::{collections::HashSet, time::Duration};

on_both!(
    a_repeated_key_is_the_same_submission,
    a_key_holds_across_a_kill,
    a_repeated_click_is_the_same_submission
);

async fn a_repeated_key_is_the_same_submission(database: Database) {
    let school = School::open(database).await;
    let (api, assignment) = (school.api("ada"), school.assignment("essay"));
    let text = essay(1, 200);
    // At the same time, as when a client's time-out is too short.
    let at_once = join_all((0..8).map(|_| api.hand_in(assignment, &text, Some("key-1")))).await;
    let ids: HashSet<String> = at_once
        .into_iter()
        .filter(|answer| {
            // Whoever came while the first was being answered may be told so, and asks again.
            if answer.status.as_u16() == 409 {
                answer.expect_problem(409, "idempotency-key-in-use");
            }
            answer.status.as_u16() != 409
        })
        .map(|answer| answer.string("tracking_id"))
        .collect();
    assert_eq!(ids.len(), 1, "{ids:?}");
    // And later, when it is marked already.
    let id = ids.into_iter().next().unwrap();
    school.wait_for(&id, &["completed"], Duration::from_secs(60)).await;
    let again = api.hand_in(assignment, &text, Some("key-1")).await;
    assert!(again.status.is_success(), "{}", again.text);
    assert_eq!(again.string("tracking_id"), id);
    api.hand_in(assignment, &essay(2, 200), Some("key-1"))
        .await
        .expect_problem(422, "idempotency-key-reused");
    api.hand_in(school.assignment("practice"), &text, Some("key-1"))
        .await
        .expect_problem(422, "idempotency-key-reused");
    for bad in ["", "with space", &"x".repeat(300)] {
        api.hand_in(assignment, &text, Some(bad)).await.expect_problem(400, "invalid-parameter");
    }
    // A key is its caller's own.
    let others = school.api("ben").hand_in(assignment, &essay(3, 200), Some("key-1")).await.expect(201);
    assert_ne!(others.string("tracking_id"), id);
    school.wait_until_idle(Duration::from_secs(60)).await;
    assert_eq!(school.prove().await.assessed, 2);
    school.close().await;
}

async fn a_key_holds_across_a_kill(database: Database) {
    let mut school = School::prepare(database, Default::default()).await;
    let text = essay(1, 200);
    // On disk, but killed before anybody was told.
    school.start_to_crash("hand_in.after_commit").await;
    let request = school.api("ada").hand_in_request(
        &serde_json::json!({"assignment": school.assignment("essay"), "text": text}),
        Some("key-1"),
    );
    assert!(request.send().await.is_err(), "the server died before it answered");
    school.wait_for_crash(Duration::from_secs(10)).await;
    school.start().await;
    let answer = school.api("ada").hand_in(school.assignment("essay"), &text, Some("key-1")).await;
    assert!(answer.status.is_success(), "{}", answer.text);
    school.wait_for(&answer.string("tracking_id"), &["completed"], Duration::from_secs(60)).await;
    let proof = school.prove().await;
    assert_eq!((proof.assessed, proof.ended_otherwise), (1, 0), "{proof:?}");
    school.close().await;
}

async fn a_repeated_click_is_the_same_submission(database: Database) {
    let school = School::open(database).await;
    let mut ada = school.signed_in("ada").await;
    let assignment = school.assignment("essay");
    let form = ada.open(&format!("/assignments/{assignment}")).await.expect(200);
    let (csrf, token) = (form.field("csrf"), form.field("form_token"));
    let text = essay(1, 200);
    let first = ada.hand_in_again(assignment, &csrf, &token, &text).await.expect(200);
    let second = ada.hand_in_again(assignment, &csrf, &token, &text).await.expect(200);
    assert!(first.path.starts_with("/s/"), "{}", first.path);
    assert_eq!(first.path, second.path);
    // A form opened anew is a new draft.
    let third = ada.hand_in(assignment, &essay(2, 200), None).await.expect(200);
    assert_ne!(first.path, third.path);
    school.close().await;
}
