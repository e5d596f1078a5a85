//! Signing in and handing in: the two pages with a form.

use super::{Openness, Score, SubmissionItem};
use chrono::{DateTime, Utc};

/// The sign-in page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SignIn {
    /// People whom one click signs in, in the demo only.
    pub people: Vec<DemoPerson>,
}

/// A person of the demo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DemoPerson {
    /// The person, as the form sends it.
    pub id: String,
    /// Name.
    pub name: String,
    /// What the person does here: "student in Writing 101".
    pub part: String,
}

/// The page on which work is handed in.
#[derive(Clone, Debug, PartialEq)]
pub struct HandIn {
    /// The assignment, as in the address of the page.
    pub assignment_id: String,
    /// Its title.
    pub title: String,
    /// The course's name.
    pub course: String,
    /// What the work is called in a sentence, in lower case.
    pub noun: String,
    /// The task; an empty line parts paragraphs.
    pub brief: String,
    /// Whether work may be handed in now.
    pub openness: Openness,
    /// When marks are needed, if the assignment says.
    pub marks_by: Option<DateTime<Utc>>,
    /// Fewest words asked for.
    pub words_min: Option<u32>,
    /// Most words asked for.
    pub words_max: Option<u32>,
    /// Longest text taken, in characters.
    pub max_characters: u32,
    /// Largest file taken, in bytes.
    pub max_bytes: u64,
    /// File types taken, without the dot: "docx".
    pub file_types: Vec<String>,
    /// Versions left; none when there is no limit.
    pub drafts_left: Option<u32>,
    /// The student's earlier submissions for it, newest first.
    pub earlier: Vec<SubmissionItem>,
    /// Whether the newest of them is still waiting, so that a newer one takes its place.
    pub replaces_waiting: bool,
    /// Whether there are marks that a version keeps in which next to nothing changed since.
    pub keeps_marks: bool,
    /// What the marks are given for.
    pub criteria: Vec<CriterionOutline>,
    /// Sent with the form so that a repeated click is the same submission.
    pub form_token: String,
}

/// A criterion as a student sees it before the marks.
#[derive(Clone, Debug, PartialEq)]
pub struct CriterionOutline {
    /// Its name.
    pub name: String,
    /// What it asks for.
    pub description: String,
    /// Points possible, as a score of none.
    pub score: Score,
}
