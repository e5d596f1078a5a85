//! A course and its assignments.

use super::AssessmentType;
use crate::prompt::Version;
use crate::store::{AssignmentId, CourseId, RubricVersionId};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use url::Url;

/// A course.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct Course {
    /// Its id.
    pub id: CourseId,
    /// Its short name at the institution, such as `WRIT101`; no two courses share one.
    pub code: String,
    /// Its title.
    pub title: String,
    /// Who pays for it.
    pub cost_centre: String,
    /// Its work is always urgent.
    pub immediate_feedback: bool,
    /// When it was set up.
    pub created_at: DateTime<Utc>,
}

/// When marks reach the student.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum ReleasePolicy {
    /// As soon as they are there.
    AtOnce,
    /// When an instructor has approved them.
    OnApproval,
}

/// Something to read or use, attached by the instructor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resource {
    /// What it is.
    pub title: String,
    /// Where it is: an http or https address.
    pub url: String,
}

/// An assignment of a course.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct Assignment {
    /// Its id.
    pub id: AssignmentId,
    /// Its course.
    pub course_id: CourseId,
    /// The course's own short name for it.
    pub key: String,
    /// Its title.
    pub title: String,
    /// What kind of assessment it is.
    pub kind: AssessmentType,
    /// The task, as students read it; an empty line parts paragraphs.
    pub brief: String,
    /// The language of the work (BCP 47), such as `en`.
    pub language: String,
    /// The version of the rubric that work is marked by.
    pub rubric_version_id: RubricVersionId,
    /// From when work is taken; none: from the start.
    pub opens_at: Option<DateTime<Utc>>,
    /// From when work is no longer taken; none: never.
    pub closes_at: Option<DateTime<Utc>>,
    /// When marks are needed; none: no hurry.
    pub marks_by: Option<DateTime<Utc>>,
    /// How many drafts each student may hand in.
    pub max_drafts: i64,
    /// Fewest words asked for.
    pub min_words: Option<i64>,
    /// Most words asked for.
    pub max_words: Option<i64>,
    /// References to sources are asked for.
    pub citations: bool,
    /// When marks reach the student.
    pub release: ReleasePolicy,
    /// What the instructor attached.
    #[sqlx(json)]
    pub resources: Vec<Resource>,
    /// A draft in which at most this percentage of the words changed keeps the marks of the one before, without a model
    /// being asked; none: each draft is marked anew.
    pub near_draft_percent: Option<i64>,
    /// The version of the prompt that its work is marked by, from its first to its last.
    pub prompt_version: i64,
    /// When it was set up.
    pub created_at: DateTime<Utc>,
}

/// Longest brief in characters: it goes into every prompt.
const LONGEST_BRIEF: usize = 20_000;

/// Most of a draft that may have changed, in percent, where it keeps the marks of the one before.
const MOST_CHANGED: i64 = 10;

/// A short name that goes into addresses and files: 1 to 64 letters, digits, `_`, `-` and `.`.
pub(crate) fn is_key(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
}

impl Course {
    /// What is wrong with it, in words that name it; nothing where it can be set up.
    #[must_use]
    pub fn wrongs(&self) -> Vec<String> {
        let mut wrongs = Vec::new();
        if !is_key(&self.code) {
            wrongs.push(format!("the code \"{}\" must have 1 to 64 letters, digits, _, - or .", self.code));
        }
        if self.title.trim().is_empty() {
            wrongs.push("the title is empty".to_owned());
        }
        wrongs
    }
}

impl Assignment {
    /// What is wrong with it, in words that name it; nothing where it can be set up.
    #[must_use]
    pub fn wrongs(&self) -> Vec<String> {
        let mut wrongs = Vec::new();
        let mut wrong = |condition: bool, text: String| {
            if condition {
                wrongs.push(text);
            }
        };
        wrong(
            !is_key(&self.key),
            format!("the key \"{}\" must have 1 to 64 letters, digits, _, - or .", self.key),
        );
        wrong(self.title.trim().is_empty(), "the title is empty".to_owned());
        let brief = self.brief.chars().count();
        wrong(self.brief.trim().is_empty(), "the brief is empty; students need to know the task".to_owned());
        wrong(
            brief > LONGEST_BRIEF,
            format!("the brief has {brief} characters; {LONGEST_BRIEF} are possible"),
        );
        let language = self.language.as_bytes();
        wrong(
            !(2..=35).contains(&language.len())
                || !language[..2].iter().all(u8::is_ascii_alphabetic)
                || !language.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'-'),
            format!("the language \"{}\" must be a tag such as en, sv or pt-BR", self.language),
        );
        wrong(
            !(1..=1_000).contains(&self.max_drafts),
            format!("max_drafts is {}; it must be 1 to 1000", self.max_drafts),
        );
        if let (Some(opens), Some(closes)) = (self.opens_at, self.closes_at) {
            wrong(closes <= opens, format!("it closes ({closes}) before it opens ({opens})"));
        }
        if let (Some(opens), Some(by)) = (self.opens_at, self.marks_by) {
            wrong(by <= opens, format!("marks are needed ({by}) before it opens ({opens})"));
        }
        for (name, words) in [("min_words", self.min_words), ("max_words", self.max_words)] {
            if let Some(words) = words {
                wrong(
                    !(1..=1_000_000).contains(&words),
                    format!("{name} is {words}; it must be 1 to 1000000"),
                );
            }
        }
        if let (Some(least), Some(most)) = (self.min_words, self.max_words) {
            wrong(least > most, format!("min_words ({least}) is more than max_words ({most})"));
        }
        if let Some(percent) = self.near_draft_percent {
            wrong(
                !(0..=MOST_CHANGED).contains(&percent),
                format!("near_draft_percent is {percent}; it must be 0 to {MOST_CHANGED}"),
            );
        }
        wrong(
            Version::find(self.prompt_version).is_none(),
            format!("there is no version {} of the prompt", self.prompt_version),
        );
        for resource in &self.resources {
            let address = Url::parse(&resource.url);
            wrong(
                !address.is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host()),
                format!("the resource \"{}\" must have an http or https address", resource.title),
            );
            wrong(resource.title.trim().is_empty(), format!("the resource {} has no title", resource.url));
        }
        wrongs
    }
}
