//! The main job: hand in, queue, batch, marks, money.

use quire_tests::{
    essays::essay,
    on_both,
    school::{Database, Options, School},
    wait,
};
use serde_json::Value;
use std::time::Duration;

on_both!(work_is_marked_in_batches_and_paid_to_the_nano_dollar, marks_wait_for_approval_where_asked);

const PATIENCE: Duration = Duration::from_secs(60);

async fn work_is_marked_in_batches_and_paid_to_the_nano_dollar(database: Database) {
    let school = School::open(database).await;
    let assignment = school.assignment("essay");
    let mut handed_in = Vec::new();
    for n in 0..12 {
        let text = essay(n, 250);
        let student = format!("student{n}@example.edu");
        let receipt = school.api("berg").hand_in_for(&student, assignment, &text, None).await.expect(201);
        check_receipt(&receipt.json);
        handed_in.push((receipt.string("tracking_id"), text));
    }
    // The student's own way is the same.
    let own = school.api("ada").hand_in(assignment, &essay(100, 250), None).await.expect(201);
    check_receipt(&own.json);
    let id = own.string("tracking_id");
    let interim = wait::until("the first look is there", Duration::from_secs(5), async || {
        let now = school.api("ada").submission(&id).await.expect(200).json;
        (now["interim"]["complete"] == true).then(|| now["interim"].clone())
    })
    .await;
    assert!(interim["words"].as_u64().unwrap() >= 250, "{interim}");
    assert!(!interim["think_about"].as_array().unwrap().is_empty(), "{interim}");
    for (id, text) in &handed_in {
        let marked = school.wait_for(id, &["completed"], PATIENCE).await;
        check_marks(&marked["assessment"], text);
    }
    school.wait_for(&id, &["completed"], PATIENCE).await;
    let seen = school.api("ada").submission(&id).await.expect(200).json;
    check_marks(&seen["assessment"], &essay(100, 250));
    let milestones: Vec<_> =
        seen["milestones"].as_array().unwrap().iter().map(|m| m["at"].is_string()).collect();
    assert_eq!(milestones, [true; 4], "{}", seen["milestones"]);
    school.wait_until_idle(PATIENCE).await;
    let proof = school.prove().await;
    assert_eq!((proof.assessed, proof.in_batches, proof.in_real_time), (13, 13, 0), "{proof:?}");
    assert!(proof.paid_nano > 0);
    school.close().await;
}

fn check_receipt(receipt: &Value) {
    assert_eq!(receipt["status"], "queued", "{receipt}");
    assert_eq!(receipt["lane"], "standard", "{receipt}");
    assert_eq!(receipt["route"]["type"], "batch", "{receipt}");
    for field in ["provider", "model", "reasoning"] {
        assert!(receipt["route"][field].as_str().is_some_and(|text| !text.is_empty()), "{field}: {receipt}");
    }
    assert!(receipt["route"]["confidence"].as_f64().is_some_and(|c| (0.0..=1.0).contains(&c)), "{receipt}");
    assert!(receipt["position"].as_u64().is_some_and(|place| place >= 1), "{receipt}");
    let estimate = &receipt["estimate"];
    assert!(estimate["from"].as_str().unwrap() <= estimate["to"].as_str().unwrap(), "{receipt}");
    assert!(receipt["interim"]["words"].as_u64().is_some_and(|words| words > 200), "{receipt}");
}

fn check_marks(assessment: &Value, text: &str) {
    let criteria = assessment["criteria"].as_array().unwrap();
    assert_eq!(criteria.len(), 2, "{assessment}");
    let mut total = 0.0;
    for criterion in criteria {
        total += criterion["points"].as_f64().unwrap();
        assert!(criterion["points"].as_f64() <= criterion["out_of"].as_f64(), "{criterion}");
        for evidence in criterion["evidence"].as_array().unwrap() {
            let quote = evidence["quote"].as_str().unwrap();
            assert!(text.contains(quote), "\"{quote}\" is not in the work");
        }
    }
    assert!((assessment["total"].as_f64().unwrap() - total).abs() < 1e-9, "{assessment}");
    assert!(assessment["released_at"].is_string(), "{assessment}");
}

async fn marks_wait_for_approval_where_asked(database: Database) {
    let school = School::open_with(database, Options::default()).await;
    let receipt =
        school.api("ada").hand_in(school.assignment("approved"), &essay(1, 250), None).await.expect(201);
    let id = receipt.string("tracking_id");
    let marked = school.wait_for(&id, &["in_review"], PATIENCE).await;
    assert!(marked["assessment"]["total"].is_number(), "staff see the marks: {marked}");
    assert!(marked["assessment"]["released_at"].is_null(), "{marked}");
    let student = school.api("ada").submission(&id).await.expect(200).json;
    assert_eq!(student["status"], "in_review");
    assert!(student["assessment"].is_null(), "the student does not: {student}");
    let page = school.signed_in("ada").await.open(&format!("/s/{id}")).await.expect(200);
    assert!(page.words().contains("Your teacher has the last look"), "{}", page.words());
    school.close().await;
}
