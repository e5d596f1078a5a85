//! Work that ran out of automatic remedies, and what administrators do about it.

use quire_tests::{
    essays::essay,
    mail::MailServer,
    on_both,
    school::{Database, Options, School},
    wait,
};
use serde_json::{Value, json};
use std::time::Duration;

on_both!(
    administrators_have_work_tried_again_sent_elsewhere_or_closed,
    one_is_opened_edited_and_marked_by_hand,
    many_are_closed_at_once_and_everybody_is_told,
);

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
    let options =
        Options::default().with("lanes.urgent.backoff_seconds", "1").with("retry.recovery.attempts", "0");
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
        ("retry", json!({"ids": [first_id], "filter": {}}), "filter"),
        ("retry", json!({"ids": [first_id], "preview": true}), "preview"),
        ("retry", json!({"filter": {"cause": "bad luck"}}), "filter.cause"),
        ("retry", json!({"filter": {"colour": "red"}}), "filter.colour"),
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
    assert_eq!(school.api("berg").submission(&third).await.expect(200).json["status"], "closed");

    let open = admin.get("/api/v1/dead-letters").await.expect(200).json;
    assert_eq!(open["total"], 0, "{open}");
    let all = admin.get("/api/v1/dead-letters?state=resolved").await.expect(200).json;
    let resolutions: Vec<&Value> = items(&all).iter().map(|letter| &letter["resolution"]).collect();
    assert_eq!(resolutions, ["discarded", "rerouted", "retried"]);
    let proof = school.prove().await;
    assert_eq!((proof.assessed, proof.lost_lines), (2, 0), "{proof:?}");
    school.close().await;
}

/// Three that no model could mark.
async fn three_dead(school: &School) -> [(String, String); 3] {
    school.control(&json!({"faults": {"wrong_level": 1.0}})).await;
    let letters = [dead(school, 1).await, dead(school, 2).await, dead(school, 3).await];
    school.control(&json!({"reset": true, "faults": {}})).await;
    letters
}

async fn one_is_opened_edited_and_marked_by_hand(database: Database) {
    let options =
        Options::default().with("lanes.urgent.backoff_seconds", "1").with("retry.recovery.attempts", "0");
    let school = School::open_with(database, options).await;
    let [(first, first_id), (second, second_id), (third, _)] = three_dead(&school).await;
    let (admin, berg) = (school.api("admin"), school.api("berg"));
    let one = |id: &str| format!("/api/v1/dead-letters/{id}");

    // Opened: the whole history, and the request without the student's text unless it is asked for.
    let nobody = "01970000-0000-7000-8000-000000000000";
    for (who, id, status) in
        [("ada", &*first_id, 403), ("berg", &first_id, 403), ("admin", nobody, 404), ("admin", "x", 404)]
    {
        assert_eq!(school.api(who).get(&one(id)).await.status.as_u16(), status, "{who} {id}");
    }
    admin.get(&format!("{}?show=all", one(&first_id))).await.expect_problem(400, "invalid-parameter");
    let text = essay(1, 150);
    let begin = &text[..=text.find('.').unwrap()];
    let opened = admin.get(&one(&first_id)).await.expect(200);
    assert!(!opened.text.contains(begin) && opened.text.contains("text is hidden"), "{}", opened.text);
    let happened: Vec<&str> = opened.json["history"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["what"].as_str().unwrap())
        .collect();
    assert_eq!(happened, ["handed_in", "attempt", "attempt", "attempt", "died"], "{}", opened.json);
    let attempt = &opened.json["history"][1];
    assert!(attempt["said"].as_str().unwrap().contains("level"), "{attempt}");
    assert_eq!(attempt["attempt"]["provider"], opened.json["letter"]["provider"]);
    let shown = admin.get(&format!("{}?show=work", one(&first_id))).await.expect(200);
    assert!(shown.json["request"]["body"].as_str().unwrap().contains(begin), "{}", shown.text);
    let looked = shown.json["history"].as_array().unwrap().last().unwrap();
    assert_eq!((&looked["what"], &looked["by"]), (&json!("text_shown"), &json!("A. Admin")));

    // Edited: a sentence is left out of what is sent; the work stays, and so do the quotations from it.
    let edit = format!("{}/edit", one(&first_id));
    let least = shown.json["request"]["max_output"].as_i64().unwrap();
    for (body, field) in [
        (json!({"reason": "r"}), "max_output"),
        (json!({"max_output": least + 100}), "reason"),
        (json!({"max_output": least + 100, "reason": " "}), "reason"),
        (json!({"max_output": 1, "reason": "r"}), "max_output"),
        (json!({"text": format!("{text} And more."), "reason": "r"}), "text"),
        (json!({"provider": "nobody", "reason": "r"}), "provider"),
    ] {
        let refused = admin.post(&edit, &body).await;
        refused.expect_problem(422, "invalid-field");
        assert_eq!(refused.json["errors"][0]["field"], field, "{body}: {}", refused.text);
    }
    berg.post(&edit, &json!({"max_output": 2_000, "reason": "r"})).await.expect_problem(403, "forbidden");
    let cut = text.find(". ").unwrap() + 2;
    let change = json!({"text": &text[cut..], "max_output": least + 100, "reason": "a broken beginning"});
    admin.post(&edit, &change).await.expect(200);
    admin.post(&edit, &change).await.expect_problem(409, "already-resolved");
    let done = school.wait_for(&first, &["completed"], PATIENCE).await;
    assert_eq!(done["assessment"]["decided_by"], "model");
    for criterion in done["assessment"]["criteria"].as_array().unwrap() {
        for evidence in criterion["evidence"].as_array().unwrap() {
            let quote = evidence["quote"].as_str().unwrap();
            assert!(text.contains(quote) && evidence["sentence"].as_u64().unwrap() > 1, "{evidence}");
        }
    }
    let opened = admin.get(&format!("{}?show=work", one(&first_id))).await.expect(200);
    assert_eq!(opened.json["letter"]["resolved_by"], "A. Admin");
    assert!(opened.json["request"]["words_left_out"].as_u64().unwrap() > 0, "{}", opened.text);
    let mut browser = school.signed_in("berg").await;
    let page = browser.open(&format!("/teach/submissions/{first}")).await.expect(200);
    assert!(page.words().contains(begin), "staff and student go on seeing the work as it was handed in");

    // Marked by hand by the course's instructor, who finds the dead letter with the submission.
    assert_eq!(berg.submission(&second).await.expect(200).json["dead_letter"], json!(second_id));
    let mark = format!("{}/mark", one(&second_id));
    let good = json!({
        "criteria": {"position": {"level": "l3", "comment": "Clear."}, "support": {"level": "l4", "points": 5.25}},
        "feedback": "Well argued.",
    });
    let refused = berg.post(&mark, &json!({"criteria": {"position": {"level": "l9"}}, "feedback": ""})).await;
    refused.expect_problem(422, "invalid-field");
    let fields: Vec<&str> =
        refused.json["errors"].as_array().unwrap().iter().map(|e| e["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["criteria.position.level", "criteria.support.level", "feedback"]);
    for (who, status) in [("ada", 403), ("cy", 404), ("dora", 404)] {
        assert_eq!(school.api(who).post(&mark, &good).await.status.as_u16(), status, "{who}");
    }
    berg.post(&mark, &good).await.expect(200);
    admin.post(&mark, &good).await.expect_problem(409, "already-resolved");
    let done = school.wait_for(&second, &["completed"], PATIENCE).await;
    let marks = &done["assessment"];
    assert_eq!((&marks["total"], &marks["out_of"]), (&json!(9.25), &json!(11.0)), "{marks}");
    assert_eq!((&marks["decided_by"], &marks["marker"]), (&json!("person"), &json!("N. Berg")), "{marks}");
    assert!(marks["provider"].is_null() && marks["model"].is_null(), "{marks}");

    // And by the page.
    let staff = format!("/teach/submissions/{third}");
    assert!(browser.open(&staff).await.expect(200).words().contains("Mark it by hand"));
    let form = format!("{staff}/mark");
    let csrf = browser.open(&form).await.expect(200).field("csrf");
    let feedback = "Read it aloud before you hand it in.";
    let fields = [
        ("csrf", &*csrf),
        ("criteria.position.level", "l2"),
        ("criteria.position.points", "9"),
        ("feedback", feedback),
    ];
    let refused = browser.post(&form, &fields).await.expect(422);
    for part in ["Position: points must be from 0 to 5.5", "Support: choose a level.", feedback] {
        assert!(refused.words().contains(part), "{part}: {}", refused.words());
    }
    let fields = [
        ("csrf", &*csrf),
        ("criteria.position.level", "l2"),
        ("criteria.position.points", "2,5"),
        ("criteria.support.level", "l1"),
        ("feedback", feedback),
    ];
    let done = browser.post(&form, &fields).await.expect(200);
    assert_eq!(done.path, staff);
    for part in ["2.5 of 11", "Marked by N. Berg", feedback] {
        assert!(done.words().contains(part), "{part}: {}", done.words());
    }
    browser.open(&form).await.expect(400);
    let csv = school.run_well(&["export", "--assignment", school.assignment("exam")]);
    assert!(csv.contains(feedback), "{csv}");
    let proof = school.prove().await;
    assert_eq!((proof.assessed, proof.lost_lines), (3, 0), "{proof:?}");
    school.close().await;
}

async fn many_are_closed_at_once_and_everybody_is_told(database: Database) {
    let server = MailServer::start(&[]);
    let options = Options { mail: Some(server.port), ..Options::default() };
    let school = School::open_with(
        database,
        options.with("lanes.urgent.backoff_seconds", "1").with("retry.recovery.attempts", "0"),
    )
    .await;
    let letters = three_dead(&school).await;
    let admin = school.api("admin");
    let subject = "needs a person";
    let summaries = || {
        let mails = server.mails();
        mails
            .into_iter()
            .filter(|mail| mail.to == ["admin@example.edu"])
            .filter(|mail| {
                mail.header("subject").is_some_and(|told| told.replace("need a", "needs a").contains(subject))
            })
            .count()
    };
    wait::until("the summary is there", PATIENCE, async || (summaries() > 0).then_some(())).await;

    // What matches is counted first, and only what was seen then is decided about.
    let filter = json!({"cause": "unusable", "assignment": school.assignment("exam")});
    let close =
        |preview: bool| json!({"filter": filter, "preview": preview, "reason": "The file was empty."});
    let path = "/api/v1/dead-letters/discard";
    let preview = admin.post(path, &close(true)).await.expect(200).json;
    assert_eq!(preview, json!({"matching": 3, "outcomes": []}));
    let none = json!({"filter": {"cause": "killed"}, "reason": "none"});
    assert_eq!(admin.post(path, &none).await.expect(200).json, json!({"matching": 0, "outcomes": []}));
    let until = json!({"filter": {"until": "2020-01-01T00:00:00Z"}, "reason": "none"});
    assert_eq!(admin.post(path, &until).await.expect(200).json["matching"], 0);
    let other = format!("/api/v1/dead-letters?assignment={}", school.assignment("essay"));
    assert_eq!(admin.get(&other).await.expect(200).json["total"], 0);

    // One by the page of one, the others by "all that match" on the list.
    let mut browser = school.signed_in("admin").await;
    let list = browser.open("/admin/dead-letters?cause=unusable").await.expect(200);
    assert!(list.words().contains("All 3 that match"), "{}", list.words());
    let (csrf, until) = (list.field("csrf"), list.field("until"));
    let page = format!("/admin/dead-letters/{}", letters[0].1);
    let opened = browser.open(&page).await.expect(200);
    for part in ["No answer could be used", "What it means", "Ran out of automatic remedies"] {
        assert!(opened.words().contains(part), "{part}: {}", opened.words());
    }
    let refused =
        browser.post(&page, &[("csrf", &csrf), ("remedy", "discard"), ("reason", "")]).await.expect(422);
    assert!(refused.words().contains("Give a reason"), "{}", refused.words());
    let why = "The file holds a blank page only.";
    let done =
        browser.post(&page, &[("csrf", &csrf), ("remedy", "discard"), ("reason", why)]).await.expect(200);
    assert!(done.words().contains("Closed without marks by A. Admin"), "{}", done.words());
    let fields = [
        ("csrf", &*csrf),
        ("scope", "all"),
        ("cause", "unusable"),
        ("until", &until),
        ("remedy", "discard"),
        ("reason", why),
    ];
    let done = browser.post("/admin/dead-letters", &fields).await.expect(200);
    assert!(done.words().contains("Done for 2 submissions."), "{}", done.words());

    // Each student reads why, and has one letter.
    for (n, (tracking, _)) in (1..).zip(&letters) {
        let closed = school.api("berg").submission(tracking).await.expect(200).json;
        assert_eq!(closed["status"], "closed");
        assert!(closed["message"].as_str().unwrap().contains(why), "{closed}");
        let student = format!("student{n}@example.edu");
        wait::until("the student's letter is there", PATIENCE, async || {
            let mails = server.mails();
            let told = mails.iter().filter(|mail| mail.to == [student.clone()]).filter(|mail| {
                mail.header("subject").is_some_and(|told| told.contains("closed without marks"))
            });
            (told.count() == 1).then_some(())
        })
        .await;
    }
    assert_eq!(summaries(), 1, "one within the hour, whatever came");
    school.close().await;
}
