//! What is wrong with what people send, said on the page and in the API; and what is wrong with what providers send,
//! of which a student hears no technical word.

use quire_engine::store::Exec as _;
use quire_tests::{
    essays::essay,
    on_both,
    pages::Page,
    school::{Database, Options, School},
};
use reqwest::{
    Method,
    multipart::{Form, Part},
};
use serde_json::json;
use std::{io::Write as _, time::Duration};
use zip::write::SimpleFileOptions;

on_both!(
    work_that_cannot_be_taken,
    files_that_cannot_be_read,
    good_files_are_read,
    bodies_that_cannot_be_read,
    places_and_times_that_are_wrong,
    a_session_that_has_ended,
    replies_that_make_no_sense,
    a_provider_that_refuses_the_key,
);

const PATIENCE: Duration = Duration::from_secs(60);

/// The page shows the form again with what is wrong.
fn expect_refusal(page: &Page, status: u16, part: &str) {
    assert_eq!(page.answer.status.as_u16(), status, "{}", page.words());
    let words = page.words();
    assert!(words.contains("There is a problem") && words.contains(part), "no \"{part}\" in: {words}");
}

async fn work_that_cannot_be_taken(database: Database) {
    let school = School::open_with(database, Options::default().with("uploads.characters", "5000")).await;
    let (api, assignment) = (school.api("ada"), school.assignment("essay"));
    let mut ada = school.signed_in("ada").await;
    for empty in ["", "   \n\t ", "\u{200b}\u{feff}"] {
        let refused = api.hand_in(assignment, empty, None).await;
        refused.expect_problem(422, "unusable-work");
        assert!(refused.string("detail").contains("no text"), "{}", refused.text);
        expect_refusal(&ada.hand_in(assignment, empty, None).await, 422, "no text");
    }
    let long = essay(1, 3_000);
    let refused = api.hand_in(assignment, &long, None).await;
    refused.expect_problem(422, "unusable-work");
    let page = ada.hand_in(assignment, &long, None).await;
    expect_refusal(&page, 422, "5,000");
    assert!(page.answer.text.contains("This is essay number 1."), "what was typed is kept");
    assert!(quire_tests::books::Quire::read(&school.db()).await.unwrap().jobs.is_empty(), "nothing was kept");
    school.close().await;
}

/// A docx with one document of this text.
fn docx(text: &[u8]) -> Vec<u8> {
    let mut file = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
    let mut add = |name: &str, parts: &[&[u8]]| {
        file.start_file(name, options).unwrap();
        parts.iter().for_each(|part| file.write_all(part).unwrap());
    };
    add(
        "[Content_Types].xml",
        &[br#"<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">
        <Default Extension="xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>"#],
    );
    add(
        "word/document.xml",
        &[
            br#"<?xml version="1.0"?><w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p><w:r><w:t>"#,
            text,
            b"</w:t></w:r></w:p></w:body></w:document>",
        ],
    );
    file.finish().unwrap().into_inner()
}

async fn files_that_cannot_be_read(database: Database) {
    let school = School::open(database).await;
    let assignment = school.assignment("essay");
    let bomb = docx(&vec![b'a'; 200 << 20]);
    assert!(bomb.len() < 1 << 20, "the bomb is small: {}", bomb.len());
    let picture = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89".to_vec();
    let good = docx(b"text");
    let files: Vec<(&str, Vec<u8>, u16, &str)> = vec![
        ("essay.docx", bomb, 422, "unusable-work"),
        ("essay.txt", b"Good words, then \xff\xfe\xfa".to_vec(), 422, "unusable-work"),
        ("photo.png", picture.clone(), 415, "unsupported-type"),
        ("essay.pdf", picture, 415, "unsupported-type"),
        ("essay.exe", b"MZ\x90\0\x03".to_vec(), 415, "unsupported-type"),
        ("essay.docx", good[..good.len() / 2].to_vec(), 422, "unusable-work"),
        ("essay.pdf", b"%PDF-1.7\nbroken".to_vec(), 422, "unusable-work"),
        ("essay.txt", Vec::new(), 422, "unusable-work"),
        ("essay.txt", vec![b'a'; 12_000_000], 413, "too-large"),
    ];
    let mut ada = school.signed_in("ada").await;
    for (name, bytes, status, kind) in files {
        let answer = send_file(&school, assignment, name, bytes.clone()).await;
        assert_eq!(answer.status.as_u16(), status, "{name}: {}", answer.text);
        answer.expect_problem(status, kind);
        let page = ada.hand_in(assignment, "", Some((name, &bytes))).await;
        let words = page.words();
        assert_eq!(page.answer.status.as_u16(), status, "{name}: {words}");
        assert!(page.path.starts_with("/assignments/"), "{name}: {}", page.path);
        assert!(words.contains("problem") || words.contains("large"), "{name}: {words}");
    }
    assert!(quire_tests::books::Quire::read(&school.db()).await.unwrap().jobs.is_empty(), "nothing was kept");
    school.close().await;
}

async fn send_file(
    school: &School,
    assignment: &str,
    name: &str,
    bytes: Vec<u8>,
) -> quire_tests::api::Answer {
    let form = Form::new()
        .text("assignment", assignment.to_owned())
        .part("file", Part::bytes(bytes).file_name(name.to_owned()));
    let request = school.api("ada").request(Method::POST, "/api/v1/submissions").multipart(form);
    quire_tests::api::Answer::to(request).await
}

async fn good_files_are_read(database: Database) {
    let school = School::open(database).await;
    let assignment = school.assignment("essay");
    let text = essay(5, 120);
    let html = format!("<!doctype html><html><body><h1>Essay</h1><p>{text}</p></body></html>");
    let one_line = text.replace("\n\n", " ");
    for (name, bytes) in [
        ("essay.txt", text.clone().into_bytes()),
        ("essay.md", format!("# Essay\n\n{text}").into_bytes()),
        ("essay.html", html.into_bytes()),
        ("essay.docx", docx(one_line.as_bytes())),
    ] {
        let receipt = send_file(&school, assignment, name, bytes).await.expect(201);
        let words = receipt.json["interim"]["words"].as_u64().unwrap();
        assert!((115..140).contains(&words), "{name}: {words} words");
    }
    school.close().await;
}

async fn bodies_that_cannot_be_read(database: Database) {
    let school = School::open(database).await;
    let assignment = school.assignment("essay");
    let post = async |kind: &'static str, body: Vec<u8>| {
        let request =
            school.api("ada").request(Method::POST, "/api/v1/submissions").header("content-type", kind);
        quire_tests::api::Answer::to(request.body(body)).await
    };
    let json = "application/json";
    post(json, b"{".to_vec()).await.expect_problem(400, "invalid-body");
    let invalid = [format!("{{\"assignment\":\"{assignment}\",\"text\":\"").as_bytes(), b"\xff\"}"].concat();
    let refused = post(json, invalid).await;
    refused.expect_problem(400, "invalid-body");
    assert!(refused.string("detail").contains("UTF-8"), "{}", refused.text);
    let refused = post(json, b"{\"text\":\"x\"}".to_vec()).await;
    refused.expect_problem(422, "invalid-field");
    assert_eq!(refused.json["errors"][0]["field"], "assignment", "{}", refused.text);
    let unknown = json!({"assignment": assignment, "text": "x", "colour": 1});
    let refused = school.api("ada").post("/api/v1/submissions", &unknown).await;
    refused.expect_problem(422, "invalid-field");
    assert_eq!(refused.json["errors"][0]["field"], "colour", "{}", refused.text);
    post("text/plain", b"x".to_vec()).await.expect_problem(415, "unsupported-type");
    let student = json!({"assignment": assignment, "text": "Some text.", "student": "not an address"});
    let refused = school.api("berg").post("/api/v1/submissions", &student).await;
    refused.expect_problem(422, "invalid-field");
    assert_eq!(refused.json["errors"][0]["field"], "student", "{}", refused.text);
    school.api("ada").get("/api/v1/nothing").await.expect_problem(404, "not-found");
    let refused =
        quire_tests::api::Answer::to(school.api("ada").request(Method::DELETE, "/api/v1/submissions")).await;
    refused.expect_problem(405, "method-not-allowed");
    school.close().await;
}

async fn places_and_times_that_are_wrong(database: Database) {
    let school = School::open(database).await;
    let api = school.api("ada");
    let text = essay(1, 150);
    let unknown = "01890000-0000-7000-8000-000000000000";
    api.hand_in(unknown, &text, None).await.expect_problem(404, "not-found");
    api.hand_in("7", &text, None).await.expect_problem(422, "invalid-field");
    // An assignment of a course that one is not in is not there.
    school.api("cy").hand_in(school.assignment("essay"), &text, None).await.expect_problem(404, "not-found");
    for key in ["closed", "later"] {
        let refused = api.hand_in(school.assignment(key), &text, None).await;
        refused.expect_problem(409, "assignment-closed");
    }
    let mut ada = school.signed_in("ada").await;
    ada.open(&format!("/assignments/{unknown}")).await.expect(404);
    let page = ada.open(&format!("/assignments/{}", school.assignment("closed"))).await.expect(200);
    assert!(page.words().contains("Closed since"), "{}", page.words());
    let page = ada.open(&format!("/assignments/{}", school.assignment("later"))).await.expect(200);
    assert!(page.words().contains("Opens"), "{}", page.words());
    // A form that was opened before the end is refused after it, with a message.
    let form = ada.open(&format!("/assignments/{}", school.assignment("essay"))).await;
    let page = ada
        .hand_in_again(school.assignment("closed"), &form.field("csrf"), &form.field("form_token"), &text)
        .await;
    assert_eq!(page.answer.status.as_u16(), 409, "{}", page.words());
    assert!(page.words().to_lowercase().contains("closed"), "{}", page.words());
    // Another student's submission is not there: not on the page, not in the API, not live.
    let id = api.hand_in(school.assignment("essay"), &text, None).await.expect(201).string("tracking_id");
    let mut ben = school.signed_in("ben").await;
    for path in
        [format!("/s/{id}"), format!("/s/{id}/text"), format!("/s/{id}/events"), "/s/QR-XXXX-XXXX".into()]
    {
        ben.open(&path).await.expect(404);
    }
    for path in [id.clone(), format!("{id}/events"), "QR-XXXX-XXXX".into()] {
        school.api("ben").get(&format!("/api/v1/submissions/{path}")).await.expect_problem(404, "not-found");
    }
    school.close().await;
}

async fn a_session_that_has_ended(database: Database) {
    let school = School::open(database).await;
    let (mut ada, mut ben) = (school.signed_in("ada").await, school.signed_in("ben").await);
    let assignment = school.assignment("essay");
    let form = ada.open(&format!("/assignments/{assignment}")).await.expect(200);
    // Half a day has passed.
    let past: chrono::DateTime<chrono::Utc> = chrono::DateTime::UNIX_EPOCH;
    let expired = school.db().query("UPDATE sessions SET expires_at = $1").bind(past).exec().await;
    assert_eq!(expired.unwrap(), 2);
    let text = essay(1, 100);
    let page = ada.hand_in_again(assignment, &form.field("csrf"), &form.field("form_token"), &text).await;
    assert!(!page.path.starts_with("/s/"), "nothing may be handed in: {}", page.path);
    let words = page.words().to_lowercase();
    assert!(words.contains("sign") && (words.contains("ended") || words.contains("signed out")), "{words}");
    let page = ben.open("/notices").await;
    assert!(page.path.starts_with("/sign-in"), "{}", page.path);
    assert!(page.words().contains("You were signed out"), "{}", page.words());
    // A token that is unknown, and none at all.
    let stranger = quire_tests::api::Api::new(&school.url, Some("qt_nothing"));
    for api in [stranger, school.api("nobody")] {
        api.get("/api/v1/assignments").await.expect_problem(401, "unauthenticated");
    }
    let page = ada.sign_in("ada@example.edu", "a wrong password").await;
    expect_refusal(&page, 422, "password");
    school.close().await;
}

async fn replies_that_make_no_sense(database: Database) {
    let options = Options::default().with("lanes.urgent.backoff_seconds", "1");
    let school = School::open_with(database, options.with("lanes.standard.backoff_seconds", "1")).await;
    // Every answer is one that can't be used, by turns.
    let faults = ["wrong_level", "missing_field", "not_json", "refusal", "truncated", "content_filter"];
    for (n, fault) in (0..).zip(faults) {
        school.control(&json!({"reset": true, "faults": {fault: 1.0}})).await;
        let student = format!("student{n}@example.edu");
        let text = essay(n, 150);
        let receipt = school
            .api("berg")
            .hand_in_for(&student, school.assignment("exam"), &text, None)
            .await
            .expect(201);
        let id = receipt.string("tracking_id");
        let ended = school.wait_for(&id, &["needs_attention"], PATIENCE).await;
        assert!(
            ended["failure"].as_str().is_some_and(|why| !why.is_empty()),
            "{fault}: staff see why: {ended}"
        );
    }
    // Lines of a batch that are spoiled on the way.
    for (n, fault) in (10..).zip(["malformed_line", "status_zero", "missing_line", "errored_line"]) {
        school.control(&json!({"reset": true, "faults": {fault: 1.0}})).await;
        let text = essay(n, 150);
        let receipt = school.api("ada").hand_in(school.assignment("essay"), &text, None).await.expect(201);
        let id = receipt.string("tracking_id");
        school.wait_for(&id, &["needs_attention"], PATIENCE).await;
        let told = school.api("ada").submission(&id).await.expect(200).json;
        assert!(told["failure"].is_null(), "students don't: {told}");
        assert!(told["message"].as_str().is_some_and(|text| text.contains("safe")), "{told}");
        let page = school.signed_in("ada").await.open(&format!("/s/{id}")).await.expect(200);
        assert!(page.words().contains("a person is looking after it"), "{}", page.words());
        for technical in ["JSON", "batch", "provider", "schema", "null"] {
            assert!(!page.words().contains(technical), "{technical}: {}", page.words());
        }
    }
    // One spoiled answer is asked again and costs no marks.
    school.control(&json!({"reset": true, "script": [{"fault": "not_json", "times": 1}]})).await;
    let receipt =
        school.api("ben").hand_in(school.assignment("essay"), &essay(20, 150), None).await.expect(201);
    school.wait_for(&receipt.string("tracking_id"), &["completed"], PATIENCE).await;
    school.close().await;
}

async fn a_provider_that_refuses_the_key(database: Database) {
    let school = School::open(database).await;
    school.control(&json!({"faults": {"unauthorized": 1.0}})).await;
    let receipt =
        school.api("ada").hand_in(school.assignment("essay"), &essay(1, 150), None).await.expect(201);
    let id = receipt.string("tracking_id");
    // The administrator is told where they look.
    let told = quire_tests::wait::until("the batch tells of the key", PATIENCE, async || {
        let batches = school.api("admin").get("/api/v1/batches").await;
        batches.json["items"][0]["error"].as_str().map(str::to_owned)
    })
    .await;
    assert!(told.contains("key"), "{told}");
    // The student's work is safe and waits.
    let waiting = school.api("ada").submission(&id).await.expect(200).json;
    assert!(["queued", "processing"].contains(&waiting["status"].as_str().unwrap()), "{waiting}");
    let doctor = school.run(&["doctor"]);
    let said =
        String::from_utf8_lossy(&doctor.stdout).into_owned() + &String::from_utf8_lossy(&doctor.stderr);
    assert!(!doctor.status.success() && said.contains("key"), "{said}");
    school.close().await;
}
