//! Every page of the style guide, rendered and looked at as text.

#![cfg(feature = "ssr")]
#![allow(clippy::unwrap_used, missing_docs, unreachable_pub)]
#![allow(dead_code, unused_imports, reason = "the gallery uses more of the samples")]

#[path = "../examples/gallery/pages.rs"]
mod pages;
#[path = "../examples/gallery/samples/mod.rs"]
mod samples;

use axum::body::to_bytes;
use axum::http::header::{CONTENT_SECURITY_POLICY, LOCATION, RETRY_AFTER};
use axum::http::{HeaderMap, StatusCode, Uri};
use quire_app::data::{FieldError, RefusedForm, Role, Visit};
use quire_app::render::{Assets, Refusal, Site, page, refusal};
use std::collections::HashMap;
use std::sync::Arc;

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    html: String,
}

fn site() -> Site {
    let assets = Assets {
        stylesheet: Some("quire-1.css".to_owned()),
        script: Some("quire-2".to_owned()),
        icon: Some("icon-3.svg".to_owned()),
    };
    Site::new(assets, Arc::new(samples::Samples))
}

async fn answer(response: axum::http::Response<axum::body::Body>) -> Answer {
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.unwrap();
    Answer { status: parts.status, headers: parts.headers, html: String::from_utf8(bytes.to_vec()).unwrap() }
}

/// A page as whoever the style guide shows it to sees it.
async fn get(address: &str) -> Answer {
    let uri: Uri = address.parse().unwrap();
    let query: HashMap<String, String> =
        url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    let visit = pages::visit(&uri, &query);
    match uri.path().strip_prefix("/refusal/") {
        Some(kind) => answer(refusal(&site(), visit, &uri, pages::refusal(kind)).await).await,
        None => answer(page(&site(), visit, &uri).await).await,
    }
}

async fn get_as(visit: Visit, address: &str) -> Answer {
    answer(page(&site(), visit, &address.parse().unwrap()).await).await
}

/// Scripts that the page's policy does not allow: those without its nonce.
fn foreign_scripts(page: &Answer) -> usize {
    let policy = page.headers[CONTENT_SECURITY_POLICY].to_str().unwrap();
    let nonce = policy.split_once("'nonce-").unwrap().1.split_once('\'').unwrap().0;
    let own = format!("nonce=\"{nonce}\"");
    page.html.split("<script").skip(1).filter(|rest| !rest.split_once('>').unwrap().0.contains(&own)).count()
}

/// What a reader sees: the text of the body without tags, scripts and attributes.
fn text(html: &str) -> String {
    let body = html.split_once("<body>").unwrap().1;
    let mut out = String::new();
    let mut inside = false;
    for character in body.chars() {
        match character {
            '<' => inside = true,
            '>' => {
                inside = false;
                out.push(' ');
            }
            _ if !inside => out.push(character),
            _ => {}
        }
    }
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn every_page_is_whole() {
    for (name, address, status) in pages::PAGES {
        let page = get(address).await;
        assert_eq!(page.status.as_u16(), status, "{name}");
        for once in ["<h1", "<main id=\"main\"", "<title>", "</html>", "class=\"skip\""] {
            assert_eq!(page.html.matches(once).count(), 1, "{once} in {name}");
        }
        assert!(page.html.starts_with("<!DOCTYPE html><html lang=\"en\">"), "{name}");
        assert!(!page.html.contains(" style=\""), "{name} has style in the page, which the policy forbids");
        assert!(!page.html.contains(" onclick"), "{name}");
        let title = page.html.split_once("<title>").unwrap().1.split_once("</title>").unwrap().0;
        assert!(title.ends_with(" · Quire"), "{name}: {title}");
        let posts = page.html.matches("method=\"post\"").count();
        let proofs = page.html.matches("name=\"csrf\" value=\"sample-token\"").count();
        assert_eq!(posts, proofs, "each form of {name} proves where it comes from");
    }
}

#[tokio::test]
async fn only_the_pages_own_script_runs() {
    let page = get("/s/QR-7F3K-92MD").await;
    let policy = page.headers[CONTENT_SECURITY_POLICY].to_str().unwrap();
    let nonce = policy.split_once("'nonce-").unwrap().1.split_once('\'').unwrap().0;
    assert!(policy.contains("default-src 'none'") && policy.contains("style-src 'self';"), "{policy}");
    assert!(page.html.contains(&format!("<script type=\"module\" nonce=\"{nonce}\">")));
    assert_eq!(foreign_scripts(&page), 0);
    let again = get("/s/QR-7F3K-92MD").await;
    assert!(!again.html.contains(nonce), "a nonce is used once");
}

#[tokio::test]
async fn without_a_bundle_pages_still_come() {
    let bare = Site::new(Assets::default(), Arc::new(samples::Samples));
    let page = answer(page(&bare, samples::visit(Some(Role::Student)), &Uri::from_static("/")).await).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(!page.html.contains("/pkg/"), "nothing is linked that is not there");
}

#[tokio::test]
async fn who_is_not_signed_in_is_sent_to_sign_in_and_back() {
    let page = get_as(samples::visit(None), "/s/QR-7F3K-92MD?from=mail").await;
    assert_eq!(page.status, StatusCode::SEE_OTHER);
    assert_eq!(page.headers[LOCATION], "/sign-in?next=%2Fs%2FQR-7F3K-92MD%3Ffrom%3Dmail");
    let sign_in = get_as(samples::visit(None), "/sign-in?next=%2Fs%2FQR-7F3K-92MD").await;
    assert!(sign_in.html.contains("name=\"next\" value=\"/s/QR-7F3K-92MD\""));
    let elsewhere = get_as(samples::visit(None), "/sign-in?next=https%3A%2F%2Fevil.example").await;
    assert!(elsewhere.html.contains("name=\"next\" value=\"/\""));
}

#[tokio::test]
async fn an_address_without_a_page_is_not_found() {
    for address in ["/nothing", "/s", "/s/", "/admin/batches/b-1/x", "/assignments/none", "/mailbox/99"] {
        let page = get(address).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{address}");
        assert!(text(&page.html).contains("There is nothing here"), "{address}");
    }
}

#[tokio::test]
async fn what_is_down_says_when_to_try_again() {
    let page = get("/s/QR-DOWN").await;
    assert_eq!(page.headers[RETRY_AFTER], "5");
    let text = text(&page.html);
    assert!(
        text.contains("Everything that we confirmed to you is stored safely. Try again in 5 seconds."),
        "{text}"
    );
    assert!(page.html.contains("href=\"/s/QR-DOWN\""));
}

#[tokio::test]
async fn a_refused_hand_in_keeps_what_was_typed() {
    let mut visit = samples::visit(Some(Role::Student));
    visit.form = Some(RefusedForm {
        errors: vec![FieldError {
            field: "text".to_owned(),
            message: "There is nothing here yet.".to_owned(),
        }],
        values: vec![("text".to_owned(), "\n</textarea><script>alert(1)</script>".to_owned())],
    });
    let page = get_as(visit, "/assignments/essay-2").await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.html.contains("<title>Error: Essay 2"));
    assert!(
        page.html.contains("<a href=\"#text\">There is nothing here yet.</a>"),
        "the summary leads to the field"
    );
    assert!(page.html.contains("aria-describedby=\"text-hint text-error\""));
    assert!(page.html.contains("aria-invalid=\"true\""));
    assert_eq!(foreign_scripts(&page), 0);
    // Typed with a line break first, which a browser drops once.
    assert!(page.html.contains(">\n\n&lt;/textarea>&lt;script>alert(1)&lt;/script></textarea>"));
}

#[tokio::test]
async fn a_form_that_came_too_late_gives_back_what_was_typed() {
    let ended = Refusal::SessionEnded {
        typed: Some("My essay, \"quoted\" & </textarea><script>1</script>".to_owned()),
        return_to: "/assignments/essay-2".to_owned(),
    };
    let uri = Uri::from_static("/assignments/essay-2/hand-in");
    let page = answer(refusal(&site(), samples::visit(None), &uri, ended).await).await;
    assert_eq!(page.status, StatusCode::UNAUTHORIZED);
    assert_eq!(foreign_scripts(&page), 0);
    assert!(page.html.contains("My essay, \"quoted\" &amp; &lt;/textarea>"));
    assert!(page.html.contains("href=\"/sign-in?next=%2Fassignments%2Fessay-2\""));
}

#[tokio::test]
async fn nothing_that_people_wrote_becomes_markup() {
    let page = get("/assignments/hostile").await;
    assert_eq!(foreign_scripts(&page), 0);
    assert!(!page.html.contains("<img"));
    assert!(page.html.contains("<title>&lt;script>alert(1)&lt;/script> &amp; co · Quire</title>"));
}

#[tokio::test]
async fn each_state_of_a_submission_has_its_page() {
    for (tracking_id, says) in [
        ("QR-7F3K-92MD", "Your essay is in. We have it safely."),
        ("QR-MARKING", "Being marked"),
        ("QR-LATE", "It takes longer than we said."),
        ("QR-BACK", "moved back 2 places: work with an earlier deadline came in"),
        ("QR-URGENT", "within 20 seconds"),
        ("QR-FRESH", "We are reading it through for a first look."),
        ("QR-REVIEW", "Your essay is marked. Your teacher has the last look."),
        ("QR-TROUBLE", "Your essay is safe, and a person is looking after it."),
        ("QR-GONE", "This version was withdrawn"),
        ("QR-CLOSED", "Your essay was closed without marks"),
        ("QR-CLOSED", "Why: Your file holds a blank page only."),
        ("QR-CLOSED-FOR-GOOD", "This assignment takes no further version from you."),
        ("QR-BY-HAND", "Marked by N. Berg on 25 November."),
        (
            "QR-KEPT",
            "A language model marked version 1. Next to nothing has changed since, so its marks stand.",
        ),
        ("QR-DONE", "Your marks are ready"),
        ("QR-ALONE", "Simulated marks."),
    ] {
        let text = text(&get(&format!("/s/{tracking_id}")).await.html);
        assert!(text.contains(says), "{says} in {text}");
    }
}

#[tokio::test]
async fn no_technical_word_reaches_a_student() {
    for (name, address, _) in pages::PAGES {
        let student = [
            "home",
            "hand-in",
            "waiting",
            "marking",
            "late",
            "in-review",
            "needs",
            "withdrawn",
            "closed",
            "result",
            "text",
            "notices",
        ];
        if !student.iter().any(|start| name.starts_with(start)) {
            continue;
        }
        let text = text(&get(address).await.html).to_lowercase();
        for word in text.split(|character: char| !character.is_alphanumeric()) {
            assert!(
                !["job", "jobs", "token", "tokens", "batch", "batches", "llm", "api", "provider"]
                    .contains(&word),
                "“{word}” in {name}"
            );
        }
    }
}

#[tokio::test]
async fn the_result_shows_marks_and_where_they_rest() {
    let page = get("/s/QR-DONE").await;
    let said = text(&page.html);
    assert!(said.contains("13 of 15"), "{said}");
    assert!(said.contains("+2 since your last version"));
    assert!(said.contains("Marked by a language model, read and approved by N. Berg on 25 November."));
    // Four passages: each is numbered in the text, and each number leads to its criterion and back.
    for number in 1..=4 {
        for anchor in [
            format!("id=\"e{number}\""),
            format!("href=\"#e{number}\""),
            format!("id=\"c{number}\""),
            format!("href=\"#c{number}\""),
        ] {
            assert_eq!(page.html.matches(&anchor).count(), 1, "{anchor}");
        }
    }
}

#[tokio::test]
async fn each_role_has_its_own_start_page_and_way_around() {
    let start = |role| get_as(samples::visit(Some(role)), "/");
    let student = text(&start(Role::Student).await.html);
    assert!(student.contains("My work Notices") && student.contains("Ada Lind Sign out"), "{student}");
    let instructor = text(&start(Role::Instructor).await.html);
    assert!(instructor.contains("Assignments Notices") && instructor.contains("1,269"), "{instructor}");
    let admin = start(Role::Admin).await;
    assert!(
        text(&admin.html).contains("Overview Batches Budget Rules Prompts Dead letters Submissions Notices")
    );
    assert!(
        admin.html.contains("<a href=\"/admin\" aria-current=\"page\">"),
        "the start page is the overview"
    );
}

#[tokio::test]
async fn lists_keep_their_filter_from_page_to_page() {
    let page = get("/teach/assignments/essay-2?status=completed&page=2").await;
    assert!(page.html.contains("href=\"/teach/assignments/essay-2?status=completed&amp;page=3\""));
    assert!(page.html.contains("href=\"/teach/assignments/essay-2?status=completed&amp;page=1\""));
    assert!(page.html.contains("<option value=\"completed\" selected>"));
    for address in ["/teach/assignments/essay-2?status=done", "/admin/batches?state=none", "/notices?page=0"]
    {
        let page = get(address).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{address}");
    }
    let said = text(&get("/teach/assignments/essay-2?status=done").await.html);
    assert!(said.contains("“done” in the address is not a state."), "{said}");
}

#[tokio::test]
async fn the_overview_has_its_chart_as_a_table_too() {
    let page = get("/admin").await;
    assert!(page.html.contains("aria-label=\"Spend in November: $412 of $900 by 25 Nov\""));
    assert!(text(&page.html).contains("25 Nov $412"));
    assert!(
        page.html.contains("id=\"figures\" data-as-of=\"14:05:07\""),
        "the live part says as of when it is"
    );
    let said = text(&page.html);
    for part in [
        "412 of 500 requests left, resets in 12",
        "1.9 M of 2 M tokens left",
        "50 of 50 requests left; asked to wait until 14:05:40",
        "Paused paused since 14:01 after 5 failures in a row (OpenAI at http://10.0.0.7:8000/v1 can't be reached",
        "next try 14:05:56",
        "over 99 %",
    ] {
        assert!(said.contains(part), "{part} in {said}");
    }
    let said = text(&page.html);
    for sentence in [
        "91 % came within the promised range (P90), 52 % before its middle, of 1,234 in 7 days.",
        "from 212 batches of the last 14 days",
        "14 % better on the last 70 batches: in use.",
        "Avoid: 66 % slower than at any hour, from 58 batches.",
        "Too short a history: 12 of the 40 finished batches",
    ] {
        assert!(said.contains(sentence), "{sentence} in {said}");
    }
    let empty = text(&get("/admin?as=new").await.html);
    for said in [
        "No work of the last 7 days has an estimate whose time has come.",
        "nothing spent yet",
        "No batch is with a provider.",
        "Not tried yet",
        "No budget is set.",
        "Nothing needs a person.",
    ] {
        assert!(empty.contains(said), "{said} in {empty}");
    }
}

#[tokio::test]
async fn pages_that_wait_renew_themselves_without_script() {
    for address in ["/s/QR-7F3K-92MD", "/admin", "/admin/batches/b-2041", "/mailbox"] {
        let page = get(address).await;
        assert!(page.html.contains("<noscript><meta http-equiv=\"refresh\" content=\"30\">"), "{address}");
    }
    for address in ["/s/QR-DONE", "/admin/batches/b-2037", "/mailbox/12"] {
        assert!(!get(address).await.html.contains("http-equiv"), "{address} is at rest");
    }
}

#[tokio::test]
async fn a_dead_letter_keeps_the_work_hidden_until_it_is_asked_for() {
    let hidden = get("/admin/dead-letters/dead-one").await;
    assert!(!hidden.html.contains("A library that closes at six"));
    assert!(hidden.html.contains("href=\"/admin/dead-letters/dead-one?show=work#request\""));
    let shown = get("/admin/dead-letters/dead-one?show=work").await;
    assert!(shown.html.contains("A library that closes at six"));
    let said = text(&hidden.html);
    for part in
        ["What it means", "Batch 0197a2c4", "The student’s text was shown by Remi Okafor", "Mark it by hand"]
    {
        assert!(said.contains(part), "{part} in {said}");
    }
    let closed = get("/admin/dead-letters/dead-done").await;
    let said = text(&closed.html);
    assert!(said.contains("Closed without marks by Remi Okafor"), "{said}");
    assert!(!closed.html.contains("name=\"remedy\""), "nothing is left to decide");
}

#[tokio::test]
async fn all_that_match_is_said_with_its_number() {
    let page = get("/admin/dead-letters").await;
    assert!(text(&page.html).contains("All 2 that match, on every page"));
    assert!(page.html.contains("name=\"until\" value=\"2026-11-25T13:05:00+00:00\""));
    let resolved = get("/admin/dead-letters?state=all").await;
    assert!(!resolved.html.contains("name=\"scope\""), "only open ones can be decided about");
}

#[tokio::test]
async fn a_refused_mark_by_hand_keeps_what_was_entered() {
    let page = get("/teach/submissions/QR-TROUBLE/mark?refused=1").await;
    for part in [
        "<a href=\"#criteria.position.level\">Position: choose a level.</a>",
        "name=\"criteria.support.level\" value=\"begun\" checked",
        "name=\"criteria.support.points\" inputmode=\"decimal\" value=\"7\"",
    ] {
        assert!(page.html.contains(part), "{part} in {}", page.html);
    }
}

#[tokio::test]
async fn every_page_is_routed() {
    let paths = site().paths().to_vec();
    assert_eq!(paths.len(), 24, "{paths:?}");
    for path in
        ["/", "/s/{tracking_id}", "/admin/batches/{id}", "/admin/dead-letters/{id}", "/admin/rules/edit"]
    {
        assert!(paths.iter().any(|known| known == path), "{path} in {paths:?}");
    }
}
