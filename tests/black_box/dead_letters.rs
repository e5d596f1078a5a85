//! Work that ran out of automatic remedies, and what administrators do about it.

use quire_tests::{
    essays::essay,
    on_both,
    school::{Database, Options, School},
};
use serde_json::{Value, json};
use std::time::Duration;

on_both!(administrators_have_work_tried_again_sent_elsewhere_or_closed);

const PATIENCE: Duration = Duration::from_secs(60);

async fn dead(school: &School, n: u64) -> (String, String) {
    let student = format!("student{n}@example.edu");
    let receipt =
        school.api("berg").hand_in_for(&student, school.assignment("exam"), &essay(n, 150), None).await;
    let tracking = receipt.expect(201).string("tracking_id");
    school.wait_for(&tracking, &["needs_attention"], PATIENCE).await;
    let letters = school.api("admin").get("/api/v1/dead-letters").await.expect(200).json;
    let letter = items(&letters).iter().find(|letter| letter["tracking_id"] == json!(tracking)).unwrap();
    assert_eq!((&letter["cause"], &letter["route"]), (&json!("unusable"), &json!("realtime")), "{letter}");
    assert_eq!(letter["student"], json!(student));
    assert!(letter["recover_at"].is_null() && letter["resolution"].is_null(), "{letter}");
    (tracking, letter["id"].as_str().unwrap().to_owned())
}

fn items(page: &Value) -> &Vec<Value> {
    page["items"].as_array().unwrap()
}

async fn administrators_have_work_tried_again_sent_elsewhere_or_closed(database: Database) {
    let options = Options::default().with("lanes.urgent.backoff_seconds", "1");
    let school = School::open_with(database, options).await;
    school.control(&json!({"faults": {"wrong_level": 1.0}})).await;
    let (first, first_id) = dead(&school, 1).await;
    let (second, second_id) = dead(&school, 2).await;
    let (third, third_id) = dead(&school, 3).await;
    school.control(&json!({"reset": true, "faults": {}})).await;

    let admin = school.api("admin");
    for (who, status) in [("nobody", 401), ("ada", 403), ("berg", 403)] {
        assert_eq!(school.api(who).get("/api/v1/dead-letters").await.status.as_u16(), status, "{who}");
        let body = json!({"ids": [first_id]});
        let refused = school.api(who).post("/api/v1/dead-letters/retry", &body).await;
        assert_eq!(refused.status.as_u16(), status, "{who}");
    }
    for (path, body, part) in [
        ("retry", json!({"ids": []}), "ids"),
        ("retry", json!({}), "ids"),
        ("retry", json!({"ids": ["x"]}), "ids[0]"),
        ("retry", json!({"ids": [first_id], "colour": "red"}), "colour"),
        ("discard", json!({"ids": [first_id]}), "reason"),
        ("discard", json!({"ids": [first_id], "reason": " "}), "reason"),
        ("reroute", json!({"ids": [first_id]}), "provider"),
        ("reroute", json!({"ids": [first_id], "provider": "nobody"}), "provider"),
        ("reroute", json!({"ids": [first_id], "provider": "openai", "model": "no-such"}), "provider"),
    ] {
        let refused = admin.post(&format!("/api/v1/dead-letters/{path}"), &body).await;
        refused.expect_problem(422, "invalid-field");
        assert!(refused.text.contains(part), "{path} {body}: {}", refused.text);
    }
    admin.get("/api/v1/dead-letters?cause=bad%20luck").await.expect_problem(400, "invalid-parameter");

    let done = |answer: Value| answer["outcomes"][0]["outcome"].clone();
    let retry = json!({"ids": [first_id], "reason": "the provider was mended"});
    let answer = admin.post("/api/v1/dead-letters/retry", &retry).await.expect(200).json;
    assert_eq!(done(answer), json!("done"));
    let answer = admin.post("/api/v1/dead-letters/retry", &retry).await.expect(200).json;
    assert_eq!(done(answer), json!("was_resolved"));
    school.wait_for(&first, &["completed"], PATIENCE).await;

    let reroute = json!({"ids": [second_id], "provider": "anthropic", "route": "batch"});
    let answer = admin.post("/api/v1/dead-letters/reroute", &reroute).await.expect(200).json;
    assert_eq!(done(answer), json!("done"));
    school.wait_for(&second, &["completed"], PATIENCE).await;
    let batches = admin.get("/api/v1/batches").await.expect(200).json;
    assert_eq!(items(&batches)[0]["provider"], json!("anthropic"), "{batches}");

    // The last one by the page.
    const PAGE: &str = "/admin/dead-letters";
    school.signed_in("berg").await.open(PAGE).await.expect(403);
    let mut browser = school.signed_in("admin").await;
    let page = browser.open(PAGE).await.expect(200);
    let words = page.words();
    for part in
        [&*third, "student3@example.edu", "No answer could be used", "Needs a person", "Close without marks"]
    {
        assert!(words.contains(part), "{part}: {words}");
    }
    assert!(!words.contains(&first), "{words}");
    let csrf = page.field("csrf");
    let mut send = async |id: &str, remedy: &str, reason: &str| {
        let fields = [("csrf", &*csrf), ("id", id), ("remedy", remedy), ("reason", reason)];
        browser.post(PAGE, &fields).await
    };
    send("", "discard", "a reason").await.expect(400);
    send(&third_id, "burn", "a reason").await.expect(400);
    let refused = send(&third_id, "discard", " ").await.expect(400);
    assert!(refused.words().contains("Give a reason"), "{}", refused.words());
    let done = send(&third_id, "discard", "handed in by mistake").await.expect(200);
    assert!(done.words().contains("Done for 1 submission."), "{}", done.words());
    assert!(done.words().contains("Nothing needs a person."), "{}", done.words());
    let again = send(&third_id, "retry", "").await.expect(200);
    assert!(again.words().contains("Done for 0 of 1"), "{}", again.words());
    assert_eq!(school.api("berg").submission(&third).await.expect(200).json["status"], "needs_attention");

    let open = admin.get("/api/v1/dead-letters").await.expect(200).json;
    assert_eq!(open["total"], 0, "{open}");
    let all = admin.get("/api/v1/dead-letters?state=resolved").await.expect(200).json;
    let resolutions: Vec<&Value> = items(&all).iter().map(|letter| &letter["resolution"]).collect();
    assert_eq!(resolutions, ["discarded", "rerouted", "retried"]);
    let proof = school.prove().await;
    assert_eq!((proof.assessed, proof.lost_lines), (2, 0), "{proof:?}");
    school.close().await;
}
