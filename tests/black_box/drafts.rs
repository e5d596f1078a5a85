//! Drafts: a newer one takes the place of one that waits; one that was sent is finished and kept.

use quire_tests::{
    books::Quire,
    essays::essay,
    on_both,
    school::{Database, Options, School},
};
use serde_json::json;
use std::time::Duration;

on_both!(a_newer_draft_withdraws_one_that_waits, a_draft_that_was_sent_is_finished_and_kept, drafts_run_out);

const PATIENCE: Duration = Duration::from_secs(60);

async fn a_newer_draft_withdraws_one_that_waits(database: Database) {
    let school =
        School::open_with(database, Options::default().with("lanes.standard.gather_seconds", "4")).await;
    let (api, assignment) = (school.api("ada"), school.assignment("essay"));
    let first = api.hand_in(assignment, &essay(1, 200), None).await.expect(201).string("tracking_id");
    let second = api.hand_in(assignment, &essay(2, 200), None).await.expect(201).string("tracking_id");
    let old = api.submission(&first).await.expect(200);
    assert_eq!(old.json["status"], "withdrawn", "{}", old.text);
    assert_eq!(api.submission(&second).await.json["draft"], 2);
    let held: i64 =
        Quire::read(&school.db()).await.unwrap().lines.iter().map(|line| line.reserved_nano).sum();
    let one = Quire::read(&school.db()).await.unwrap().lines[0].reserved_nano;
    assert!(held > 0 && held < 2 * one, "only the second draft holds money: {held} of {one} each");
    let page = school.signed_in("ada").await.open(&format!("/s/{first}")).await.expect(200);
    assert!(page.words().contains("This version was withdrawn"), "{}", page.words());
    assert!(page.answer.text.contains(&format!("/s/{second}")), "it leads to the newer one");
    school.wait_for(&second, &["completed"], PATIENCE).await;
    school.wait_until_idle(PATIENCE).await;
    let proof = school.prove().await;
    assert_eq!((proof.assessed, proof.ended_otherwise, proof.in_batches), (1, 1, 1), "{proof:?}");
    school.close().await;
}

async fn a_draft_that_was_sent_is_finished_and_kept(database: Database) {
    let school = School::open(database).await;
    school.control(&json!({"hold": true})).await;
    let (api, assignment) = (school.api("ada"), school.assignment("essay"));
    let first = api.hand_in(assignment, &essay(1, 200), None).await.expect(201).string("tracking_id");
    school.wait_for(&first, &["processing"], PATIENCE).await;
    let second = api.hand_in(assignment, &essay(2, 200), None).await.expect(201).string("tracking_id");
    school.control(&json!({"hold": false})).await;
    for id in [first, second] {
        school.wait_for(&id, &["completed"], PATIENCE).await;
    }
    school.wait_until_idle(PATIENCE).await;
    assert_eq!(school.prove().await.assessed, 2);
    school.close().await;
}

async fn drafts_run_out(database: Database) {
    let school = School::open(database).await;
    let (api, assignment) = (school.api("ada"), school.assignment("once"));
    api.hand_in(assignment, &essay(1, 200), None).await.expect(201);
    let refused = api.hand_in(assignment, &essay(2, 200), None).await;
    refused.expect_problem(409, "no-draft-left");
    let mut ada = school.signed_in("ada").await;
    let page = ada.open(&format!("/assignments/{assignment}")).await.expect(200);
    assert!(page.words().contains("as many versions as this assignment takes"), "{}", page.words());
    // Another student has a draft of their own.
    school.api("ben").hand_in(assignment, &essay(3, 200), None).await.expect(201);
    school.close().await;
}
