//! Checks a model's answer against the rubric and the work, and turns it into marks.
//!
//! Nothing of an answer is believed: it must be one JSON object of exactly the asked shape, with each criterion of the
//! rubric once and a level that the criterion has; points follow from the level, quotations are cut from the work itself.
//! What can be mended without touching a mark is mended and noted; all else makes the answer [`Unusable`].

use super::{CriterionMark, Evidence, Marks};
use crate::{
    course::{Criterion, Rubric},
    provider::Answer,
    submission::sentences::{self, Sentence},
};
use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, Visitor},
};
use std::{borrow::Cow, fmt};

/// The longest comment, in characters; longer ones are cut.
pub const LONGEST_COMMENT: usize = 1200;
/// The longest feedback and next step, in characters; longer ones are cut.
pub const LONGEST_FEEDBACK: usize = 4000;
/// Most passages of evidence for one criterion; more are left out.
pub const MOST_EVIDENCE: usize = 8;

/// Marks out of an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Checked {
    /// The marks, sound by the rubric.
    pub marks: Marks,
    /// What had to be mended; for staff.
    pub notes: Vec<Note>,
}

/// Something in an answer that was mended; no mark depends on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// The answer was wrapped in a code fence.
    Fenced,
    /// Evidence named a sentence that the work has not.
    NoSuchSentence {
        /// The criterion.
        criterion: String,
        /// The number given.
        number: i64,
    },
    /// More evidence than is shown.
    EvidenceCut {
        /// The criterion.
        criterion: String,
    },
    /// A text was too long and was cut.
    TextCut {
        /// Where in the answer.
        path: String,
    },
    /// Control or direction characters were taken out of a text.
    TextCleaned {
        /// Where in the answer.
        path: String,
    },
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fenced => write!(f, "the answer was wrapped in a code fence"),
            Self::NoSuchSentence { criterion, number } => {
                write!(f, "criterion \"{criterion}\": the work has no sentence {number}; left out")
            }
            Self::EvidenceCut { criterion } => {
                write!(
                    f,
                    "criterion \"{criterion}\": more than {MOST_EVIDENCE} sentences as evidence; the rest left out"
                )
            }
            Self::TextCut { path } => write!(f, "{path}: too long, cut"),
            Self::TextCleaned { path } => write!(f, "{path}: control characters taken out"),
        }
    }
}

/// Why no marks can be had from an answer; for staff.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// It is not one JSON value and nothing else.
    #[error("the answer is not JSON from line {line}, column {column} on: {problem}")]
    NotJson {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
        /// What the parser says.
        problem: String,
    },
    /// It is JSON, but not of the shape asked for.
    #[error("the answer has not the shape asked for at {path}: {problem}")]
    Schema {
        /// Where, such as `criteria.position.level`.
        path: String,
        /// What is wrong there.
        problem: String,
    },
    /// It marks by a criterion that the rubric has not.
    #[error("the answer marks by \"{criterion}\", which the rubric does not have")]
    UnknownCriterion {
        /// The criterion answered.
        criterion: String,
    },
    /// It gives a level that the criterion has not.
    #[error("the answer gives the level \"{level}\" for \"{criterion}\", which has no such level")]
    UnknownLevel {
        /// The criterion.
        criterion: String,
        /// The level answered.
        level: String,
    },
    /// A criterion of the rubric is not marked.
    #[error("the answer does not mark by \"{criterion}\"")]
    Missing {
        /// The criterion.
        criterion: String,
    },
    /// More than half of the evidence names sentences that are not there: it can't be an answer to this work.
    #[error("{wrong} of {all} pieces of evidence name sentences that the work does not have")]
    BadEvidence {
        /// Pieces that name no sentence.
        wrong: usize,
        /// All pieces.
        all: usize,
    },
    /// A text that must say something is empty.
    #[error("the answer's {path} is empty")]
    Empty {
        /// Where in the answer.
        path: String,
    },
    /// The model would not answer.
    #[error("the model refused to answer: {words}")]
    Refused {
        /// Its words, shortened.
        words: String,
    },
    /// The answer was cut at the output limit.
    #[error("the answer was cut off at the output limit")]
    Truncated,
    /// The provider held the answer back.
    #[error("the provider's filter held the answer back")]
    Filtered,
    /// The reply held no answer that could be read.
    #[error("the reply could not be read: {reason}")]
    Malformed {
        /// Why, shortened.
        reason: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMarks<'a> {
    #[serde(borrow)]
    criteria: Entries<'a>,
    #[serde(borrow)]
    feedback: Cow<'a, str>,
    #[serde(borrow)]
    next_step: Cow<'a, str>,
    confidence: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMark<'a> {
    #[serde(borrow)]
    level: Cow<'a, str>,
    evidence: Vec<i64>,
    #[serde(borrow)]
    comment: Cow<'a, str>,
}

/// The entries of an object as they came; a name that comes twice is an error.
struct Entries<'a>(Vec<(Cow<'a, str>, RawMark<'a>)>);

impl<'de: 'a, 'a> Deserialize<'de> for Entries<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Entries<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with one entry for each criterion")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries<'de>, A::Error> {
                let mut entries: Vec<(Cow<'de, str>, RawMark<'de>)> = Vec::new();
                while let Some(name) = map.next_key::<Cow<'de, str>>()? {
                    if entries.iter().any(|(other, _)| *other == name) {
                        return Err(A::Error::custom(format_args!("\"{name}\" is there twice")));
                    }
                    entries.push((name, map.next_value()?));
                }
                Ok(Entries(entries))
            }
        }
        from.deserialize_map(Read)
    }
}

/// The marks in an answer.
///
/// # Errors
/// Why the answer can't be used.
pub fn marks(answer: &Answer, rubric: &Rubric, work: &str) -> Result<Checked, Unusable> {
    let text = match answer {
        Answer::Json(text) => text,
        Answer::Refused(words) => return Err(Unusable::Refused { words: shortened(words, 300) }),
        Answer::Malformed(reason) => return Err(Unusable::Malformed { reason: shortened(reason, 300) }),
        Answer::Truncated => return Err(Unusable::Truncated),
        Answer::Filtered => return Err(Unusable::Filtered),
    };
    let mut notes = Vec::new();
    let raw = parse(text, &mut notes)?;
    if !(0.0..=1.0).contains(&raw.confidence) {
        return Err(Unusable::Schema {
            path: "confidence".to_owned(),
            problem: format!("{} is not between 0 and 1", raw.confidence),
        });
    }
    let Entries(mut entries) = raw.criteria;
    if let Some((name, _)) = entries.iter().find(|(name, _)| rubric.criterion(name).is_none()) {
        return Err(Unusable::UnknownCriterion { criterion: shortened(name, 80) });
    }
    let sentences = sentences::split(work);
    let (mut wrong, mut all) = (0, 0);
    let mut criteria = Vec::with_capacity(rubric.criteria.len());
    for criterion in &rubric.criteria {
        let Some(at) = entries.iter().position(|(name, _)| *name == criterion.id) else {
            return Err(Unusable::Missing { criterion: criterion.id.clone() });
        };
        let (_, mark) = entries.swap_remove(at);
        all += mark.evidence.len();
        wrong += mark.evidence.iter().filter(|&&number| sentence(&sentences, number).is_none()).count();
        criteria.push(one(criterion, &mark, &sentences, work, &mut notes)?);
    }
    if wrong * 2 > all {
        return Err(Unusable::BadEvidence { wrong, all });
    }
    let feedback = clean("feedback", &raw.feedback, LONGEST_FEEDBACK, &mut notes)?;
    let next_step = clean("next_step", &raw.next_step, LONGEST_FEEDBACK, &mut notes)?;
    Ok(Checked { marks: Marks { criteria, feedback, next_step, confidence: Some(raw.confidence) }, notes })
}

fn parse<'a>(text: &'a str, notes: &mut Vec<Note>) -> Result<RawMarks<'a>, Unusable> {
    let json = unfenced(text);
    if json.len() != text.trim().len() {
        notes.push(Note::Fenced);
    }
    let mut from = serde_json::Deserializer::from_str(json);
    let raw = serde_path_to_error::deserialize(&mut from).map_err(|error| {
        let path = match error.path().to_string() {
            path if path == "." => "its top".to_owned(),
            path => shortened(&path, 120),
        };
        unusable(error.inner(), path)
    })?;
    from.end().map_err(|error| unusable(&error, String::new()))?;
    Ok(raw)
}

fn unusable(error: &serde_json::Error, path: String) -> Unusable {
    if error.is_data() {
        Unusable::Schema { path, problem: error.to_string() }
    } else {
        Unusable::NotJson { line: error.line(), column: error.column(), problem: error.to_string() }
    }
}

/// The text inside a code fence that wraps all of it; else the text itself. White space around is dropped.
fn unfenced(text: &str) -> &str {
    let text = text.trim();
    let inside = text.strip_prefix("```").and_then(|rest| rest.strip_suffix("```")).and_then(|rest| {
        let (label, inside) = rest.split_once('\n')?;
        label.trim().chars().all(char::is_alphanumeric).then_some(inside)
    });
    inside.unwrap_or(text).trim()
}

fn sentence(sentences: &[Sentence], number: i64) -> Option<(u32, &Sentence)> {
    let number = u32::try_from(number).ok()?;
    Some((number, sentences.get(number.checked_sub(1)? as usize)?))
}

/// The mark for one criterion.
fn one(
    criterion: &Criterion,
    mark: &RawMark<'_>,
    sentences: &[Sentence],
    work: &str,
    notes: &mut Vec<Note>,
) -> Result<CriterionMark, Unusable> {
    let Some((_, level)) = criterion.level(&mark.level) else {
        return Err(Unusable::UnknownLevel {
            criterion: criterion.id.clone(),
            level: shortened(&mark.level, 80),
        });
    };
    let mut evidence: Vec<Evidence> = Vec::with_capacity(mark.evidence.len().min(MOST_EVIDENCE));
    for &number in &mark.evidence {
        let Some((number, place)) = sentence(sentences, number) else {
            notes.push(Note::NoSuchSentence { criterion: criterion.id.clone(), number });
            continue;
        };
        if evidence.iter().any(|e| e.sentence == number) {
            continue;
        }
        if evidence.len() == MOST_EVIDENCE {
            notes.push(Note::EvidenceCut { criterion: criterion.id.clone() });
            break;
        }
        evidence.push(Evidence {
            sentence: number,
            start: place.start,
            end: place.end,
            quote: place.of(work).to_owned(),
        });
    }
    let path = || format!("criteria.{}.comment", criterion.id);
    Ok(CriterionMark {
        criterion: criterion.id.clone(),
        level: level.id.clone(),
        points: level.points,
        evidence,
        comment: clean(path, &mark.comment, LONGEST_COMMENT, notes)?,
    })
}

/// Where in an answer a text stands; made only when it is needed.
trait Path {
    fn path(&self) -> String;
}
impl Path for &str {
    fn path(&self) -> String {
        (*self).to_owned()
    }
}
impl<F: Fn() -> String> Path for F {
    fn path(&self) -> String {
        self()
    }
}

/// A text without control and direction characters, not empty, and not longer than `most` characters.
fn clean(path: impl Path, text: &str, most: usize, notes: &mut Vec<Note>) -> Result<String, Unusable> {
    let bad = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
    };
    let text = text.trim();
    let mut kept = Cow::Borrowed(text);
    if text.contains(bad) {
        notes.push(Note::TextCleaned { path: path.path() });
        // A tab or carriage return stood for a space.
        kept = text
            .chars()
            .map(|c| if matches!(c, '\t' | '\r') { ' ' } else { c })
            .filter(|&c| !bad(c))
            .collect();
    }
    let kept = kept.trim();
    if kept.is_empty() {
        return Err(Unusable::Empty { path: path.path() });
    }
    match kept.char_indices().nth(most) {
        None => Ok(kept.to_owned()),
        Some((end, _)) => {
            notes.push(Note::TextCut { path: path.path() });
            let head = &kept[..end];
            let head = head.rfind(char::is_whitespace).map_or(head, |space| &head[..space]);
            Ok(format!("{}…", head.trim_end()))
        }
    }
}

/// A piece of an answer that goes into an error: bounded, without control characters.
fn shortened(text: &str, most: usize) -> String {
    text.chars().filter(|c| !c.is_control()).take(most).collect()
}

#[cfg(test)]
mod tests;
