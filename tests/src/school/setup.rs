//! What the school is made of: the file that `quire setup` is given.

use super::{Options, email};
use crate::essays::essay;
use quire_engine::store::{Db, Exec as _};
use quire_simulator::Running;
use std::fmt::Write as _;

/// Everybody's password.
pub(super) const PASSWORD: &str = "a long enough password";

/// Everybody, with what they are.
pub(super) const PEOPLE: [(&str, &str); 6] = [
    ("admin", "A. Admin"),
    ("berg", "N. Berg"),
    ("dora", "D. Dahl"),
    ("ada", "Ada Lind"),
    ("ben", "Ben Moss"),
    ("cy", "Cy Young"),
];

/// Five drafts, and marks reach the student as soon as they are there.
const AT_ONCE: &str = "max_drafts = 5\nrelease = \"at_once\"";

/// The whole file. Assignments of W101: `essay` (five drafts, standard), `exam` (urgent), `practice` (economy), `once`
/// (one draft), `approved` (marks wait for approval), `closed` and `later` (not open now).
pub(super) fn file(simulator: &Running, options: &Options) -> String {
    let mut out = String::new();
    for (who, name) in PEOPLE {
        let admin = who == "admin";
        let _ = write!(
            out,
            "[[people]]\nemail = \"{}\"\nname = \"{name}\"\npassword = \"{PASSWORD}\"\nadmin = {admin}\n\n",
            email(who)
        );
    }
    out.push_str(&course("W101", "Writing 101", "berg", &["ada", "ben"]));
    out.push_str(&course("H202", "History 202", "dora", &["cy"]));
    let guidelines = match options.guidelines {
        0 => String::new(),
        words => format!("guidelines = {:?}\n", essay(0, words).replace('\n', " ")),
    };
    out.push_str(&RUBRIC.replace("GUIDELINES\n", &guidelines));
    for (key, kind, more) in [
        ("essay", "summative", AT_ONCE),
        ("exam", "final_exam", AT_ONCE),
        ("practice", "practice", AT_ONCE),
        ("once", "summative", "max_drafts = 1\nrelease = \"at_once\""),
        ("approved", "summative", "release = \"on_approval\""),
        ("closed", "summative", "closes = 2026-01-02T03:04:05Z"),
        ("later", "summative", "opens = 2099-01-02T03:04:05Z"),
    ] {
        let _ = write!(
            out,
            "[[assignments]]\ncourse = \"W101\"\nkey = \"{key}\"\ntitle = \"The {key}\"\nkind = \"{kind}\"\n\
             brief = \"Write a letter to the editor about computers.\"\nlanguage = \"en\"\nrubric = \"letter\"\n{more}\n\n"
        );
    }
    for (name, url, model) in [
        ("openai", simulator.openai_url(), "gpt-6-luna"),
        ("anthropic", format!("{}/v1", simulator.anthropic_url()), "claude-haiku-5-5"),
        ("gemini", simulator.gemini_url(), "gemini-3.5-flash-lite"),
    ] {
        if !options.providers.contains(&name) {
            continue;
        }
        let model = options.model.unwrap_or(model);
        let (least, most) = options.jobs;
        let (create, call) = options.timeouts;
        let _ = write!(
            out,
            "[[providers]]\nname = \"{name}\"\nkind = \"{name}\"\nbase_url = \"{url}\"\nkey = \"sk-tests\"\n\
             [providers.settings]\nmodels = [\"{model}\"]\nmin_jobs = {least}\nmax_jobs = {most}\nmax_batches = 4\nschedule = \"* * * * * *\"\n\
             economy_schedule = \"* * * * * *\"\npoll_first_s = 1\npoll_max_s = 1\n\
             create_timeout_s = {create}\ncall_timeout_s = {call}\n\n"
        );
    }
    out.push_str(&options.more);
    out
}

fn course(code: &str, title: &str, instructor: &str, students: &[&str]) -> String {
    let students = students.iter().map(|who| format!("\"{}\"", email(who))).collect::<Vec<_>>().join(", ");
    format!(
        "[[courses]]\ncode = \"{code}\"\ntitle = \"{title}\"\ncost_centre = \"4711\"\ninstructors = [\"{}\"]\n\
         students = [{students}]\n\n",
        email(instructor)
    )
}

/// Two criteria of four levels.
const RUBRIC: &str = r#"[[rubrics]]
course = "W101"
key = "letter"
title = "A letter to the editor"
GUIDELINES

[[rubrics.criteria]]
id = "position"
title = "Position"
description = "Takes a clear position and keeps to it."
levels = [
    { id = "l1", title = "Missing", points = 0 },
    { id = "l2", title = "Weak", points = 2 },
    { id = "l3", title = "Good", points = 4 },
    { id = "l4", title = "Excellent", points = 5.5 },
]

[[rubrics.criteria]]
id = "support"
title = "Support"
description = "Supports the position with reasons and examples."
levels = [
    { id = "l1", title = "Missing", points = 0 },
    { id = "l2", title = "Weak", points = 2 },
    { id = "l3", title = "Good", points = 4 },
    { id = "l4", title = "Excellent", points = 5.5 },
]

"#;

/// The ids of all assignments by their keys.
pub(super) async fn assignments(db: &Db) -> Vec<(String, String)> {
    let mut db = db.clone();
    let rows: Result<Vec<(String, uuid::Uuid)>, _> = db.query("SELECT key, id FROM assignments").all().await;
    rows.expect("the database can be read").into_iter().map(|(key, id)| (key, id.to_string())).collect()
}
