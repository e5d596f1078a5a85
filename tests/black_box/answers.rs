//! The same work is not paid for twice, and students are not told of each other.

use chrono::Utc;
use quire_tests::{
    essays::essay,
    on_both,
    school::{Database, Options, School},
};
use serde_json::{Value, json};
use std::time::Duration;

on_both!(the_same_work_is_paid_for_once, it_can_be_switched_off, a_draft_that_hardly_changes_keeps_its_marks);

const PATIENCE: Duration = Duration::from_secs(60);

/// One provider: what is sent to another is another request.
fn options() -> Options {
    Options { providers: vec!["openai"], ..Options::default() }
}

/// All names in an answer.
fn names(value: &Value, out: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            for (name, inner) in object {
                out.push(name.clone());
                names(inner, out);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| names(item, out)),
        _ => {}
    }
}

async fn the_same_work_is_paid_for_once(database: Database) {
    let school = School::open_with(database, options()).await;
    // In a batch and in real time, each work by two students.
    let text = essay(1, 200);
    let mut ids = Vec::new();
    for (who, key) in [("ada", "essay"), ("ben", "essay"), ("ada", "exam"), ("ben", "exam")] {
        let receipt = school.api(who).hand_in(school.assignment(key), &text, None).await.expect(201);
        ids.push((who, receipt.string("tracking_id")));
    }
    for (_, id) in &ids {
        school.wait_for(id, &["completed"], PATIENCE).await;
    }
    school.wait_until_idle(PATIENCE).await;
    let proof = school.prove().await;
    assert_eq!(
        (proof.assessed, proof.in_batches, proof.in_real_time, proof.lost_lines),
        (4, 1, 1, 0),
        "{proof:?}"
    );
    let mut reused = 0;
    for pair in ids.chunks(2) {
        let mut seen = Vec::new();
        for (who, id) in pair {
            let own = school.api(who).submission(id).await.expect(200).json;
            let mut all = Vec::new();
            names(&own, &mut all);
            assert!(!all.iter().any(|name| name == "reused"), "{own:#}");
            let mut visitor = school.signed_in(who).await;
            let page = visitor.open(&format!("/s/{id}")).await;
            assert!(!page.words().contains("earlier request"), "{}", page.words());
            assert!(own["milestones"][2]["at"].is_string(), "{own:#}");
            all.sort();
            seen.push((own["assessment"]["total"].clone(), own["assessment"]["feedback"].clone(), all));
            let staff = school.api("berg").submission(id).await.expect(200).json;
            let mut visitor = school.signed_in("berg").await;
            let page = visitor.open(&format!("/teach/submissions/{id}")).await;
            let told = page.words().contains("Answered by an earlier request for the same work");
            assert_eq!(told, staff["reused"]["saved_nano_usd"].is_i64(), "{}", page.words());
            reused += i64::from(told);
        }
        assert_eq!(seen[0], seen[1], "the same marks, and nothing tells them apart");
    }
    assert_eq!(reused, 2);
    // What was paid for is what was saved: one of each was asked.
    let path = format!("/api/v1/billing/{}/reused", Utc::now().format("%Y-%m"));
    let saved = school.api("admin").get(&path).await.expect(200).json;
    assert_eq!(
        (&saved["answers"], &saved["saved_nano_usd"]),
        (&json!(2), &json!(proof.paid_nano)),
        "{saved:#}"
    );
    assert_eq!(saved["courses"][0]["course"], "W101", "{saved:#}");
    assert_eq!(saved["courses"][0]["answers"], 2, "{saved:#}");
    school.close().await;
}

async fn a_draft_that_hardly_changes_keeps_its_marks(database: Database) {
    let drafts = "[[assignments]]\ncourse = \"W101\"\nkey = \"drafts\"\ntitle = \"Drafts\"\nkind = \"formative\"\n\
                  brief = \"Write.\"\nrubric = \"letter\"\nrelease = \"at_once\"\nmax_drafts = 3\nnear_draft_percent = 2\n\n";
    let school = School::open_with(database, Options { more: drafts.to_owned(), ..options() }).await;
    let text = essay(1, 200);
    let mut ids = Vec::new();
    for text in [text.clone(), format!("{text} Indeed."), essay(2, 200)] {
        let receipt = school.api("ada").hand_in(school.assignment("drafts"), &text, None).await.expect(201);
        let id = receipt.string("tracking_id");
        school.wait_for(&id, &["completed"], PATIENCE).await;
        ids.push(id);
    }
    school.wait_until_idle(PATIENCE).await;
    let proof = school.prove().await;
    assert_eq!((proof.assessed, proof.in_batches), (3, 2), "{proof:?}");
    let mut seen = Vec::new();
    for (id, kept) in ids.iter().zip([json!(null), json!(1), json!(null)]) {
        let own = school.api("ada").submission(id).await.expect(200).json;
        assert_eq!((&own["kept_from_draft"], &own["reused"]), (&kept, &json!(null)), "{own:#}");
        let page = school.signed_in("ada").await.open(&format!("/s/{id}")).await;
        let told = page.words().contains("Next to nothing has changed since, so its marks stand.");
        assert_eq!(told, !kept.is_null(), "{}", page.words());
        seen.push(own["assessment"]["total"].clone());
    }
    assert_eq!(seen[0], seen[1]);
    let page = school.signed_in("berg").await.open(&format!("/teach/submissions/{}", ids[1])).await;
    assert!(page.words().contains("Next to nothing changed since version 1"), "{}", page.words());
    let path = format!("/api/v1/billing/{}/reused", Utc::now().format("%Y-%m"));
    let saved = school.api("admin").get(&path).await.expect(200).json;
    assert_eq!((&saved["answers"], &saved["near_drafts"]), (&json!(1), &json!(1)), "{saved:#}");
    assert_eq!(saved["near_drafts_saved_nano_usd"], saved["saved_nano_usd"], "{saved:#}");
    school.close().await;
}

async fn it_can_be_switched_off(database: Database) {
    let school = School::open_with(database, options().with("answers.reuse", "false")).await;
    let text = essay(1, 200);
    for who in ["ada", "ben"] {
        let receipt = school.api(who).hand_in(school.assignment("essay"), &text, None).await.expect(201);
        school.wait_for(&receipt.string("tracking_id"), &["completed"], PATIENCE).await;
    }
    let proof = school.prove().await;
    assert_eq!((proof.assessed, proof.in_batches), (2, 2), "{proof:?}");
    school.close().await;
}
