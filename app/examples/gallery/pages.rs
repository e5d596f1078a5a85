//! Which pages there are, who looks at each, and what is shown in place of a page.

use super::samples;
use axum::http::Uri;
use quire_app::data::{FieldError, RefusedForm, Role, Visit};
use quire_app::render::Refusal;
use std::collections::HashMap;

/// Every page worth a look: its name, its address, and the status it is answered with.
pub const PAGES: [(&str, &str, u16); 45] = [
    ("sign-in", "/sign-in", 200),
    ("sign-in-refused", "/sign-in?refused=1&ended=1", 422),
    ("home", "/", 200),
    ("home-empty", "/?as=new", 200),
    ("hand-in", "/assignments/essay-2", 200),
    ("hand-in-again", "/assignments/essay-2-again", 200),
    ("hand-in-refused", "/assignments/essay-2?refused=1", 422),
    ("hand-in-closed", "/assignments/essay-2-closed", 200),
    ("hand-in-used", "/assignments/essay-2-used", 200),
    ("waiting", "/s/QR-7F3K-92MD", 200),
    ("waiting-back", "/s/QR-BACK", 200),
    ("waiting-fresh", "/s/QR-FRESH", 200),
    ("waiting-urgent", "/s/QR-URGENT", 200),
    ("marking", "/s/QR-MARKING", 200),
    ("late", "/s/QR-LATE", 200),
    ("in-review", "/s/QR-REVIEW", 200),
    ("needs-attention", "/s/QR-TROUBLE", 200),
    ("withdrawn", "/s/QR-GONE", 200),
    ("result", "/s/QR-DONE", 200),
    ("result-simulated", "/s/QR-ALONE", 200),
    ("text", "/s/QR-7F3K-92MD/text", 200),
    ("notices", "/notices?message=All+notices+are+read.", 200),
    ("teach", "/teach", 200),
    ("teach-assignment", "/teach/assignments/essay-2", 200),
    ("teach-assignment-empty", "/teach/assignments/journal-47", 200),
    ("teach-waiting", "/teach/submissions/QR-7F3K-92MD", 200),
    ("teach-held", "/teach/submissions/QR-HELD", 200),
    ("teach-done", "/teach/submissions/QR-DONE", 200),
    ("admin", "/admin", 200),
    ("admin-empty", "/admin?as=new", 200),
    ("batches", "/admin/batches", 200),
    ("batch", "/admin/batches/b-2041", 200),
    ("batch-split", "/admin/batches/b-2034", 200),
    ("batch-part", "/admin/batches/b-2045", 200),
    ("dead-letters", "/admin/dead-letters?done=2&of=3", 200),
    ("dead-letters-resolved", "/admin/dead-letters?state=resolved", 200),
    ("mailbox", "/mailbox", 200),
    ("mail", "/mailbox/12", 200),
    ("not-found", "/s/QR-NOTHING", 404),
    ("forbidden", "/teach?as=student", 403),
    ("invalid", "/notices?page=last", 400),
    ("unavailable", "/s/QR-DOWN", 503),
    ("session-ended", "/refusal/session-ended", 401),
    ("too-large", "/refusal/too-large", 413),
    ("internal", "/refusal/internal", 500),
];

/// Who looks: the samples of each role stand under its own addresses.
pub fn visit(uri: &Uri, query: &HashMap<String, String>) -> Visit {
    let path = uri.path();
    let role = match query.get("as").map(String::as_str) {
        Some("student") => Some(Role::Student),
        _ if path.starts_with("/sign-in") => None,
        _ if path.starts_with("/teach") => Some(Role::Instructor),
        _ if path.starts_with("/admin") => Some(Role::Admin),
        _ => Some(Role::Student),
    };
    let mut visit = samples::visit(role);
    if query.get("as").is_some_and(|who| who == "new") {
        visit.viewer.iter_mut().for_each(|viewer| "Nobody Yet".clone_into(&mut viewer.name));
    }
    visit.session_ended = query.contains_key("ended");
    visit.message = query.get("message").cloned();
    if query.contains_key("refused") {
        let error =
            |field: &str, message: &str| FieldError { field: field.to_owned(), message: message.to_owned() };
        let value = |field: &str, value: &str| (field.to_owned(), value.to_owned());
        visit.form = Some(if path == "/sign-in" {
            RefusedForm {
                errors: vec![error(
                    "password",
                    "That address and password don’t go together. Check both and try again.",
                )],
                values: vec![value("email", "ada.lind@example.org"), value("next", "/s/QR-7F3K-92MD")],
            }
        } else {
            RefusedForm {
                errors: vec![
                    error(
                        "text",
                        "There is text here and a file below. Hand in one of them: empty this field or leave out the file.",
                    ),
                    error(
                        "file",
                        "scan.heic is not a type that we can read. Send TXT, MD, DOCX, PDF or HTML.",
                    ),
                ],
                values: vec![
                    value(
                        "text",
                        "A library that closes at six is a library for people who have nothing to do after lunch.",
                    ),
                    value("file", "scan.heic"),
                ],
            }
        });
    }
    visit
}

/// What is shown in place of a page.
pub fn refusal(kind: &str) -> Refusal {
    match kind {
        "session-ended" => Refusal::SessionEnded {
            typed: Some(
                "A library that closes at six is a library for people who have nothing to do.".to_owned(),
            ),
            return_to: "/assignments/essay-2".to_owned(),
        },
        "too-large" => Refusal::TooLarge { limit: "10 MB".to_owned() },
        _ => Refusal::Internal { reference: "01935f2e".to_owned() },
    }
}
