//! Each role against each route: what one may not know of is not there (404), what one may not do is refused (403).

use quire_tests::{
    essays::essay,
    on_both,
    school::{Database, School},
};
use std::time::Duration;

on_both!(the_api_by_role, the_pages_by_role, forms_want_their_token);

/// The columns of the tables below: `ada`'s submission as seen by each.
const WHO: [&str; 7] = ["nobody", "ada", "ben", "cy", "berg", "dora", "admin"];

async fn the_api_by_role(database: Database) {
    let school = School::open(database).await;
    let essay_id = school.assignment("essay").to_owned();
    let id =
        school.api("ada").hand_in(&essay_id, &essay(1, 100), None).await.expect(201).string("tracking_id");
    let table: [(String, [u16; 7]); 27] = [
        // nobody, ada, ben, cy (elsewhere), berg (instructor), dora (instructor elsewhere), admin
        ("/api/v1/assignments".into(), [401, 200, 200, 200, 200, 200, 200]),
        (format!("/api/v1/submissions/{id}"), [401, 200, 404, 404, 200, 404, 200]),
        (format!("/api/v1/assignments/{essay_id}/submissions"), [401, 403, 403, 404, 200, 404, 200]),
        ("/api/v1/batches".into(), [401, 403, 403, 403, 403, 403, 200]),
        ("/api/v1/providers".into(), [401, 403, 403, 403, 403, 403, 200]),
        (format!("/api/v1/batches/{}", uuid::Uuid::nil()), [401, 403, 403, 403, 403, 403, 404]),
        ("/api/v1/providers/openai/batch-size".into(), [401, 403, 403, 403, 403, 403, 200]),
        ("/api/v1/billing/2026-11".into(), [401, 403, 403, 403, 403, 403, 200]),
        ("/api/v1/billing/commitment".into(), [401, 403, 403, 403, 403, 403, 200]),
        ("/api/v1/billing/deliveries".into(), [401, 403, 403, 403, 403, 403, 200]),
        ("/api/v1/billing/equal-models".into(), [401, 403, 403, 403, 403, 403, 200]),
        ("/api/v1/billing/2026-11/reused".into(), [401, 403, 403, 403, 403, 403, 200]),
        ("/api/v1/estimates".into(), [401, 403, 403, 403, 403, 403, 200]),
        ("/api/v1/providers/nobody/schedule-advice".into(), [401, 403, 403, 403, 403, 403, 404]),
        ("/api/v1/budgets".into(), [401, 403, 403, 403, 403, 403, 200]),
        ("/api/v1/cost-control".into(), [401, 403, 403, 403, 403, 403, 200]),
        ("/api/v1/rules".into(), [401, 403, 403, 403, 403, 403, 200]),
        ("/api/v1/rules/facts".into(), [401, 403, 403, 403, 403, 403, 200]),
        ("/api/v1/rules/versions".into(), [401, 403, 403, 403, 403, 403, 200]),
        ("/api/v1/plan".into(), [401, 403, 403, 403, 403, 403, 200]),
        ("/api/v1/prices".into(), [401, 403, 403, 403, 403, 403, 200]),
        ("/api/v1/prompts".into(), [401, 403, 403, 403, 403, 403, 200]),
        ("/api/v1/trials".into(), [401, 403, 403, 403, 403, 403, 200]),
        (format!("/api/v1/trials/{}", uuid::Uuid::nil()), [401, 403, 403, 403, 403, 403, 404]),
        ("/healthz".into(), [200; 7]),
        ("/readyz".into(), [200; 7]),
        ("/metrics".into(), [200; 7]),
    ];
    for (path, expected) in table {
        for (who, status) in WHO.into_iter().zip(expected) {
            let answer = school.api(who).get(&path).await;
            assert_eq!(answer.status.as_u16(), status, "{who} at {path}: {}", answer.text);
        }
    }
    // Handing in for a student is for staff, and for their own course.
    for (who, status) in [("ada", 403), ("cy", 404), ("berg", 201), ("dora", 404), ("admin", 201)] {
        let student = format!("from-{who}@example.edu");
        let answer = school.api(who).hand_in_for(&student, &essay_id, &essay(2, 100), None).await;
        assert_eq!(answer.status.as_u16(), status, "{who}: {}", answer.text);
    }
    // Staff have no work of their own to hand in.
    for who in ["berg", "admin"] {
        school.api(who).hand_in(&essay_id, &essay(3, 100), None).await.expect_problem(403, "forbidden");
    }
    // A list shows what is one's own: assignments of one's courses.
    let seen = school.api("cy").get("/api/v1/assignments").await;
    assert!(!seen.text.contains(&essay_id), "{}", seen.text);
    // A revoked token is worth nothing.
    let listed = school.run_well(&["token", "list", "--person", "ben@example.edu"]);
    let token_id = listed.split_whitespace().next().unwrap().to_owned();
    school.run_well(&["token", "revoke", "--person", "ben@example.edu", &token_id]);
    quire_tests::wait::until("the token is taken no more", Duration::from_secs(15), async || {
        (school.api("ben").get("/api/v1/assignments").await.status.as_u16() == 401).then_some(())
    })
    .await;
    school.close().await;
}

async fn the_pages_by_role(database: Database) {
    let school = School::open(database).await;
    let essay_id = school.assignment("essay").to_owned();
    let id =
        school.api("ada").hand_in(&essay_id, &essay(1, 100), None).await.expect(201).string("tracking_id");
    let table: [(String, [u16; 7]); 19] = [
        ("/".into(), [200; 7]),
        (format!("/assignments/{essay_id}"), [200, 200, 200, 404, 403, 404, 403]),
        (format!("/s/{id}"), [200, 200, 404, 404, 200, 404, 200]),
        (format!("/s/{id}/text"), [200, 200, 404, 404, 200, 404, 200]),
        ("/notices".into(), [200; 7]),
        (format!("/teach/assignments/{essay_id}"), [200, 403, 403, 404, 200, 404, 200]),
        (format!("/teach/submissions/{id}"), [200, 403, 404, 404, 200, 404, 200]),
        ("/admin".into(), [200, 403, 403, 403, 403, 403, 200]),
        ("/admin/batches".into(), [200, 403, 403, 403, 403, 403, 200]),
        ("/admin/dead-letters".into(), [200, 403, 403, 403, 403, 403, 200]),
        (format!("/admin/dead-letters/{}", uuid::Uuid::nil()), [200, 403, 403, 403, 403, 403, 404]),
        ("/admin/budget".into(), [200, 403, 403, 403, 403, 403, 200]),
        ("/admin/prices".into(), [200, 403, 403, 403, 403, 403, 200]),
        ("/admin/prompts".into(), [200, 403, 403, 403, 403, 403, 200]),
        (format!("/admin/prompts/{}", uuid::Uuid::nil()), [200, 403, 403, 403, 403, 403, 404]),
        ("/admin/rules".into(), [200, 403, 403, 403, 403, 403, 200]),
        ("/admin/rules/edit".into(), [200, 403, 403, 403, 403, 403, 200]),
        ("/admin/rules/versions".into(), [200, 403, 403, 403, 403, 403, 200]),
        // It is there, but nothing of it waits for a person.
        (format!("/teach/submissions/{id}/mark"), [200, 403, 404, 404, 400, 404, 400]),
    ];
    for (n, who) in WHO.into_iter().enumerate() {
        let mut visitor = if who == "nobody" { school.visitor() } else { school.signed_in(who).await };
        for (path, expected) in &table {
            let page = visitor.open(path).await;
            assert_eq!(page.answer.status.as_u16(), expected[n], "{who} at {path}: {}", page.words());
            // Whoever has not signed in is asked to, and led back.
            assert_eq!(page.path.starts_with("/sign-in"), who == "nobody", "{who} at {path}: {}", page.path);
        }
    }
    // Outside the demo there is no mailbox and no sign-in by one click.
    let mut visitor = school.visitor();
    visitor.open("/mailbox").await.expect(404);
    let csrf = visitor.open("/sign-in").await.field("csrf");
    let page = visitor.post("/demo/sign-in", &[("csrf", &csrf), ("person", "x")]).await;
    assert!([404, 405].contains(&page.answer.status.as_u16()), "{}", page.words());
    school.close().await;
}

async fn forms_want_their_token(database: Database) {
    let school = School::open(database).await;
    let mut ada = school.signed_in("ada").await;
    let assignment = school.assignment("essay");
    let form = ada.open(&format!("/assignments/{assignment}")).await;
    for csrf in ["", "wrong"] {
        let page = ada.hand_in_again(assignment, csrf, &form.field("form_token"), &essay(1, 100)).await;
        assert_eq!(page.answer.status.as_u16(), 403, "{}", page.words());
        let page = ada.post("/sign-out", &[("csrf", csrf)]).await;
        assert_eq!(page.answer.status.as_u16(), 403, "{}", page.words());
    }
    assert_eq!(ada.open("/").await.path, "/", "still signed in");
    let page = ada.post("/sign-out", &[("csrf", &form.field("csrf"))]).await.expect(200);
    assert!(page.path.starts_with("/sign-in") || page.path == "/", "{}", page.path);
    assert!(ada.open("/notices").await.path.starts_with("/sign-in"), "signed out");
    school.close().await;
}
