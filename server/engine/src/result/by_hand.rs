//! Marks that a person enters, checked against the rubric. Pure.

use super::{
    CriterionMark, Marks,
    validate::{LONGEST_COMMENT, LONGEST_FEEDBACK},
};
use crate::course::{Criterion, Points, Rubric};
use std::collections::BTreeMap;

/// What a person entered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Entered {
    /// By the criteria's ids.
    pub criteria: BTreeMap<String, EnteredMark>,
    /// Feedback on the whole.
    pub feedback: String,
    /// The one thing to do next; may be empty.
    pub next_step: String,
}

/// What a person entered for one criterion.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EnteredMark {
    /// The level's id.
    pub level: String,
    /// Points other than the level's; none: the level's.
    pub points: Option<f64>,
    /// Why; may be empty.
    pub comment: String,
}

/// Something that can't be taken, by the field it stands in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// The field, such as `feedback` or `criteria.position.level`.
    pub field: String,
    /// What is wrong and what to do, as a sentence.
    pub message: String,
}

impl Wrong {
    /// Something wrong with a field.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

/// The marks that a person entered: every criterion has one of its levels, points lie between its least and its most, and
/// there is feedback on the whole.
///
/// # Errors
/// Each field that is wrong, in the order of the form.
pub fn by_hand(rubric: &Rubric, entered: &Entered) -> Result<Marks, Vec<Wrong>> {
    let mut wrongs = Vec::new();
    let mut criteria = Vec::with_capacity(rubric.criteria.len());
    for criterion in &rubric.criteria {
        criteria.extend(one(criterion, entered.criteria.get(&criterion.id), &mut wrongs));
    }
    for name in entered.criteria.keys().filter(|name| rubric.criterion(name).is_none()) {
        let shown: String = name.chars().take(80).collect();
        wrongs.push(Wrong::new("criteria", format!("The rubric has no criterion “{shown}”. Leave it out.")));
    }
    let feedback = text("feedback", &entered.feedback, LONGEST_FEEDBACK, &mut wrongs);
    if feedback.is_empty() {
        wrongs.push(Wrong::new(
            "feedback",
            "Write a sentence or two on the whole: the student reads it first.",
        ));
    }
    let next_step = text("next_step", &entered.next_step, LONGEST_FEEDBACK, &mut wrongs);
    if wrongs.is_empty() {
        Ok(Marks { criteria, feedback, next_step, confidence: None })
    } else {
        Err(wrongs)
    }
}

fn one(
    criterion: &Criterion,
    entered: Option<&EnteredMark>,
    wrongs: &mut Vec<Wrong>,
) -> Option<CriterionMark> {
    let (id, title) = (&criterion.id, &criterion.title);
    let field = |name: &str| format!("criteria.{id}.{name}");
    let Some(entered) = entered.filter(|entered| !entered.level.is_empty()) else {
        wrongs.push(Wrong::new(field("level"), format!("{title}: choose a level.")));
        return None;
    };
    let comment = text(&field("comment"), &entered.comment, LONGEST_COMMENT, wrongs);
    let Some((_, level)) = criterion.level(&entered.level) else {
        let levels: Vec<&str> = criterion.levels.iter().map(|level| level.id.as_str()).collect();
        let message = format!("{title}: there is no such level. Levels are {}.", levels.join(", "));
        wrongs.push(Wrong::new(field("level"), message));
        return None;
    };
    let points = match entered.points {
        None => level.points,
        Some(points) => {
            let least = criterion.levels.iter().map(|level| level.points).min().unwrap_or_default();
            let most = criterion.most();
            let within = Points::try_from(points).ok().filter(|points| (least..=most).contains(points));
            let Some(points) = within else {
                let message = format!(
                    "{title}: points must be from {least} to {most}, with at most two digits after the point. Leave \
                     the field empty for the level’s own."
                );
                wrongs.push(Wrong::new(field("points"), message));
                return None;
            };
            points
        }
    };
    Some(CriterionMark {
        criterion: id.clone(),
        level: level.id.clone(),
        points,
        evidence: Vec::new(),
        comment,
    })
}

/// A text without control characters and without white space around it.
fn text(field: &str, typed: &str, most: usize, wrongs: &mut Vec<Wrong>) -> String {
    let kept: String = typed
        .replace("\r\n", "\n")
        .replace('\t', " ")
        .chars()
        .filter(|c| !c.is_control() || *c == '\n')
        .collect();
    let kept = kept.trim();
    let length = kept.chars().count();
    if length > most {
        wrongs.push(Wrong::new(field, format!("At most {most} characters; these are {length}. Shorten it.")));
    }
    kept.to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::course::Level;

    fn rubric() -> Rubric {
        let level = |id: &str, points| Level {
            id: id.into(),
            title: id.into(),
            description: String::new(),
            points: Points(points),
        };
        let criterion = |id: &str| Criterion {
            id: id.into(),
            title: id.to_uppercase(),
            description: String::new(),
            levels: vec![level("weak", 100), level("strong", 500)],
        };
        Rubric {
            title: "Essay".into(),
            criteria: vec![criterion("position"), criterion("style")],
            guidelines: String::new(),
            exemplars: vec![],
        }
    }

    fn mark(level: &str, points: Option<f64>) -> EnteredMark {
        EnteredMark { level: level.into(), points, comment: " Why.\u{7}\r\nMore. ".into() }
    }

    fn entered(position: EnteredMark) -> Entered {
        Entered {
            criteria: [("position".to_owned(), position), ("style".to_owned(), mark("weak", None))].into(),
            feedback: "Well argued.".into(),
            next_step: String::new(),
        }
    }

    #[test]
    fn points_follow_from_the_level_or_lie_in_its_criterions_range() {
        for (points, total) in [(None, 600), (Some(4.25), 525), (Some(1.0), 200), (Some(5.0), 600)] {
            let marks = by_hand(&rubric(), &entered(mark("strong", points))).unwrap();
            assert_eq!((marks.total(), marks.confidence), (Points(total), None));
            assert_eq!(marks.criteria[0].comment, "Why.\nMore.");
        }
    }

    #[test]
    fn each_wrong_field_is_named() {
        let fields = |entered: &Entered| -> Vec<String> {
            by_hand(&rubric(), entered).unwrap_err().into_iter().map(|wrong| wrong.field).collect()
        };
        assert_eq!(
            fields(&Entered::default()),
            ["criteria.position.level", "criteria.style.level", "feedback"]
        );
        assert_eq!(fields(&entered(mark("splendid", None))), ["criteria.position.level"]);
        for points in [0.5, 5.01, -1.0, 2.345, f64::NAN, f64::INFINITY] {
            assert_eq!(
                fields(&entered(mark("strong", Some(points)))),
                ["criteria.position.points"],
                "{points}"
            );
        }
        let mut other = entered(mark("strong", None));
        other.criteria.insert("luck".into(), mark("weak", None));
        assert_eq!(fields(&other), ["criteria"]);
        let long = Entered {
            feedback: "x".repeat(LONGEST_FEEDBACK + 1),
            next_step: "x".repeat(LONGEST_FEEDBACK + 1),
            ..entered(EnteredMark { comment: "x".repeat(LONGEST_COMMENT + 1), ..mark("weak", None) })
        };
        assert_eq!(fields(&long), ["criteria.position.comment", "feedback", "next_step"]);
    }
}
