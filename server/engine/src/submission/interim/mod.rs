//! The first feedback: what fixed rules can tell of a work at once, without a model. None of it is a mark.
//!
//! [`quick`] takes a few microseconds and goes out with the acknowledgement; [`full`] follows within moments. What they say
//! is for the student: second person, short, without terms of the trade. Structured figures stand beside the sentences, for
//! pages that link into the text and for the API.

mod citations;
mod draft;
mod language;
mod phrase;
mod prompts;
mod repeats;
mod structure;
mod words;

pub use draft::DraftChange;
pub(crate) use draft::compare as compare_drafts;
pub(crate) use language::at_a_glance as language_at_a_glance;
pub use language::{NAMES as LANGUAGES, name as language_name};
pub use repeats::Repeat;
pub use words::count as count_words;

use super::sentences::{self, Sentence};
use crate::course::{AssessmentType, Assignment, Resource};
use phrase::{Count, grouped};
use serde::{Deserialize, Serialize};

/// Goes with all first feedback.
pub const NOTE: &str = "Found by fixed rules within a moment. None of this is a mark.";

/// What was asked for, as far as rules can check it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brief {
    /// What the work is for.
    pub kind: AssessmentType,
    /// The fewest words asked for.
    pub min_words: Option<u32>,
    /// The most words asked for.
    pub max_words: Option<u32>,
    /// The language asked for, as a tag such as `en` or `de-CH`.
    pub language: Option<String>,
    /// Sources are to be cited.
    pub citations_wanted: bool,
    /// What the instructor gave along to read or look at.
    pub resources: Vec<Resource>,
}

impl Brief {
    /// What an assignment asks for.
    #[must_use]
    pub fn of(assignment: &Assignment) -> Self {
        let words = |count: Option<i64>| count.map(|count| u32::try_from(count.max(0)).unwrap_or(u32::MAX));
        Self {
            kind: assignment.kind,
            min_words: words(assignment.min_words),
            max_words: words(assignment.max_words),
            language: Some(assignment.language.clone()),
            citations_wanted: assignment.citations,
            resources: assignment.resources.clone(),
        }
    }
}

/// What a remark is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    /// There is no text.
    Empty,
    /// Length against the brief.
    Length,
    /// The language against the brief.
    Language,
    /// How hard it is to read.
    Readability,
    /// Paragraphs, opening and closing.
    Structure,
    /// Sentences of great length.
    LongSentence,
    /// Passages that stand twice.
    Repeat,
    /// Sources.
    Citations,
    /// What changed since the last version.
    Draft,
    /// Notes to oneself that were left in.
    Leftover,
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remark {
    /// What it is about.
    pub kind: Topic,
    /// It is well so; else worth a look.
    pub good: bool,
    /// The finding, a sentence.
    pub title: String,
    /// More about it; may be empty.
    pub detail: String,
    /// The paragraph to look at, from 1.
    pub paragraph: Option<u32>,
}

impl Remark {
    fn new(kind: Topic, good: bool, title: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { kind, good, title: title.into(), detail: detail.into(), paragraph: None }
    }
    const fn in_paragraph(mut self, paragraph: u32) -> Self {
        self.paragraph = Some(paragraph);
        self
    }
}

/// What is told with the acknowledgement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quick {
    /// Words.
    pub words: u32,
    /// Sentences.
    pub sentences: u32,
    /// Paragraphs.
    pub paragraphs: u32,
    /// Minutes that reading takes, at 230 words a minute, at least 1.
    pub minutes: u32,
    /// What was found.
    pub remarks: Vec<Remark>,
}

/// What follows a moment later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interim {
    /// The language that the text seems to be in, as a tag such as `en`; `None` if it can't be told.
    pub language: Option<String>,
    /// Passages that stand twice.
    pub repeats: Vec<Repeat>,
    /// What changed since the last version.
    pub draft: Option<DraftChange>,
    /// What was found.
    pub remarks: Vec<Remark>,
    /// Questions to think about while waiting.
    pub think_about: Vec<String>,
    /// What to do next.
    pub next_steps: Vec<String>,
    /// What the instructor gave along.
    pub resources: Vec<Resource>,
}

/// A text taken apart once for all checks.
struct Work<'t> {
    text: &'t str,
    sentences: Vec<Sentence>,
    paragraphs: Vec<&'t str>,
}

impl<'t> Work<'t> {
    fn new(text: &'t str) -> Self {
        Self {
            text,
            sentences: sentences::split(text),
            paragraphs: sentences::paragraphs(text).map(|(start, end)| &text[start..end]).collect(),
        }
    }
}

/// What can be told of a work within some microseconds.
#[must_use]
pub fn quick(text: &str, brief: &Brief) -> Quick {
    let words = words::count(text);
    let found = sentences::split(text);
    let minutes = words.div_ceil(230).max(1);
    Quick {
        words,
        sentences: u32::try_from(found.len()).unwrap_or(u32::MAX),
        paragraphs: found.last().map_or(0, |last| last.paragraph),
        minutes,
        remarks: vec![length(words, minutes, brief)],
    }
}

/// All that rules can tell of a work. `last_draft` is the same student's last version for the same assignment.
#[must_use]
pub fn full(text: &str, brief: &Brief, last_draft: Option<&str>) -> Interim {
    let work = Work::new(text);
    let words = words::count(text);
    let language = language::of(text);
    let repeats = repeats::find(text, &work.sentences);
    let draft = last_draft.map(|last| draft::compare(last, text));
    let mut remarks = Vec::new();
    remarks.extend(language::remark(language, brief));
    remarks.extend(structure::paragraphs(&work, words));
    remarks.extend(structure::readability(&work, language));
    remarks.extend(structure::long_sentences(&work));
    remarks.extend(repeats::remark(&repeats, &work));
    if brief.citations_wanted {
        remarks.push(citations::remark(&work));
    }
    remarks.extend(structure::leftovers(&work));
    remarks.extend(draft.as_ref().map(draft::remark));
    let next_steps = prompts::next_steps(&length(words, 1, brief), &remarks, brief.kind);
    Interim {
        language: language.map(str::to_owned),
        repeats,
        draft,
        remarks,
        think_about: prompts::think_about(brief.kind).map(str::to_owned).into(),
        next_steps,
        resources: brief.resources.clone(),
    }
}

/// The length against the brief.
fn length(words: u32, minutes: u32, brief: &Brief) -> Remark {
    if words == 0 {
        return Remark::new(
            Topic::Empty,
            false,
            "There is no text in your work.",
            "Check that it is the right file.",
        );
    }
    let reading = format!("About {} to read.", Count(minutes, "minute"));
    let has = format!("{} {}", grouped(words), if words == 1 { "word" } else { "words" });
    let (least, most) = (brief.min_words.unwrap_or(0), brief.max_words.unwrap_or(u32::MAX));
    let asked = match (brief.min_words, brief.max_words) {
        (None, None) => return Remark::new(Topic::Length, true, format!("Your text has {has}."), reading),
        (Some(least), None) => format!("at least {} were asked for", grouped(least)),
        (None, Some(most)) => format!("at most {} were asked for", grouped(most)),
        (Some(least), Some(most)) => format!("{} to {} were asked for", grouped(least), grouped(most)),
    };
    if words < least {
        let title =
            if words < least - least / 10 { "Shorter than the brief asks." } else { "A little short." };
        Remark::new(
            Topic::Length,
            false,
            title,
            format!("{has}; {asked}. {} more would do.", grouped(least - words)),
        )
    } else if words > most {
        let title = if words - most > most / 10 { "Longer than the brief asks." } else { "A little long." };
        Remark::new(
            Topic::Length,
            false,
            title,
            format!("{has}; {asked}. That is {} too many.", grouped(words - most)),
        )
    } else {
        Remark::new(Topic::Length, true, "Length fits the brief.", format!("{has}; {asked}. {reading}"))
    }
}

#[cfg(test)]
mod tests;
