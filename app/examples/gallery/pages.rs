//! Which pages there are, who looks at each, and what is shown in place of a page.

use super::samples;
use axum::http::Uri;
use quire_app::data::{FieldError, RefusedForm, Role, Visit};
use quire_app::render::Refusal;
use std::collections::HashMap;

/// Every page worth a look: its name, its address, and the status it is answered with.
pub const PAGES: [(&str, &str, u16); 75] = [
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
    ("closed", "/s/QR-CLOSED", 200),
    ("closed-for-good", "/s/QR-CLOSED-FOR-GOOD", 200),
    ("result", "/s/QR-DONE", 200),
    ("result-by-hand", "/s/QR-BY-HAND", 200),
    ("result-kept", "/s/QR-KEPT", 200),
    ("result-simulated", "/s/QR-ALONE", 200),
    ("text", "/s/QR-7F3K-92MD/text", 200),
    ("notices", "/notices?message=All+notices+are+read.", 200),
    ("teach", "/teach", 200),
    ("teach-assignment", "/teach/assignments/essay-2", 200),
    ("teach-assignment-empty", "/teach/assignments/journal-47", 200),
    ("teach-waiting", "/teach/submissions/QR-7F3K-92MD", 200),
    ("teach-held", "/teach/submissions/QR-HELD", 200),
    ("teach-done", "/teach/submissions/QR-DONE", 200),
    ("teach-trouble", "/teach/submissions/QR-TROUBLE", 200),
    ("teach-again", "/teach/submissions/QR-AGAIN", 200),
    ("teach-mark", "/teach/submissions/QR-TROUBLE/mark", 200),
    ("teach-mark-refused", "/teach/submissions/QR-TROUBLE/mark?refused=1", 422),
    ("admin", "/admin", 200),
    ("admin-empty", "/admin?as=new", 200),
    ("batches", "/admin/batches", 200),
    ("batch", "/admin/batches/b-2041", 200),
    ("batch-split", "/admin/batches/b-2034", 200),
    ("batch-part", "/admin/batches/b-2045", 200),
    ("budget", "/admin/budget?done=set", 200),
    ("budget-new", "/admin/budget?set=new", 200),
    ("budget-past", "/admin/budget?month=2026-10", 200),
    ("budget-refused", "/admin/budget?refused=1", 422),
    ("rules", "/admin/rules?done=changed", 200),
    ("rule", "/admin/rules/edit?rule=budget_conservation", 200),
    ("rule-refused", "/admin/rules/edit?rule=budget_conservation&refused=1", 422),
    ("rule-replayed", "/admin/rules/edit?rule=tried", 200),
    ("rule-versions", "/admin/rules/versions", 200),
    ("dead-letters", "/admin/dead-letters?done=2&of=3", 200),
    ("dead-letters-resolved", "/admin/dead-letters?state=resolved", 200),
    ("dead-letters-none", "/admin/dead-letters?cause=killed", 200),
    ("dead-letter", "/admin/dead-letters/dead-one", 200),
    ("dead-letter-text", "/admin/dead-letters/dead-one?show=work", 200),
    ("dead-letter-refused", "/admin/dead-letters/dead-one?show=work&refused=1", 422),
    ("dead-letter-scheduled", "/admin/dead-letters/dead-two", 200),
    ("dead-letter-closed", "/admin/dead-letters/dead-done?done=1", 200),
    ("prices", "/admin/prices", 200),
    ("prices-none", "/admin/prices?as=new", 200),
    ("prompts", "/admin/prompts?done=used", 200),
    ("prompts-empty", "/admin/prompts?as=new", 200),
    ("prompts-refused", "/admin/prompts?refused=1", 422),
    ("trial", "/admin/prompts/ended", 200),
    ("trial-running", "/admin/prompts/running", 200),
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
        } else if path.ends_with("/mark") {
            RefusedForm {
                errors: vec![
                    error("criteria.position.level", "Position: choose a level."),
                    error(
                        "criteria.support.points",
                        "Support: points must be from 0 to 5, with at most two digits after the point. Leave the field empty for the level’s own.",
                    ),
                    error("feedback", "Write a sentence or two on the whole: the student reads it first."),
                ],
                values: vec![
                    value("criteria.support.level", "begun"),
                    value("criteria.support.points", "7"),
                    value("criteria.support.comment", "One figure that a reader can look up would help."),
                ],
            }
        } else if path == "/admin/budget" {
            RefusedForm {
                errors: vec![error(
                    "limit",
                    "Write what may be spent in a month: \"much\" is not an amount of dollars such as 12.50.",
                )],
                values: vec![value("scope", "all"), value("limit", "much"), value("hard_stop", "1")],
            }
        } else if path == "/admin/prompts" {
            RefusedForm {
                errors: vec![error(
                    "works",
                    "The budget stops it: 200 works may cost up to $0.31. Try fewer, or raise the budget.",
                )],
                values: vec![value("works", "200")],
            }
        } else if path == "/admin/rules/edit" {
            RefusedForm {
                errors: vec![error("condition", "Column 8: budget has no “usd”. Did you mean “used”?")],
                values: Vec::new(),
            }
        } else if path.starts_with("/admin/dead-letters/") {
            RefusedForm {
                errors: vec![
                    error(
                        "max_output",
                        "The longest answer must be from 585 tokens, which marks by 3 criteria usually take, to 32000.",
                    ),
                    error(
                        "text",
                        "Word 9, “marvellous”, is not in the work at that place. Words can be left out, but not added, changed or moved: the marks must be for what the student wrote.",
                    ),
                    error(
                        "edit_reason",
                        "Give a reason of 1 to 1000 letters: it is kept with the dead letter.",
                    ),
                ],
                values: vec![
                    value("max_output", "12"),
                    value("text", "I want our town to keep the reading room marvellous."),
                    value("way", "openai/gpt-6-sol"),
                ],
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
