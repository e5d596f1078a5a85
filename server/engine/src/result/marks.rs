//! Marks and feedback, as a model or a person gave them, already checked against the rubric.

use crate::{course::Points, submission::sentences};
use serde::{Deserialize, Serialize};

/// A passage of the work that a mark leans on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The sentence's number in the work, from 1.
    pub sentence: u32,
    /// First byte of the passage in the work's text.
    pub start: u32,
    /// The byte after its last.
    pub end: u32,
    /// The passage itself.
    pub quote: String,
}

/// The mark for one criterion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CriterionMark {
    /// The criterion's id in the rubric.
    pub criterion: String,
    /// The level's id in the criterion.
    pub level: String,
    /// What the level is worth.
    pub points: Points,
    /// What the mark leans on; may be empty.
    pub evidence: Vec<Evidence>,
    /// Why, and what would make it better.
    pub comment: String,
}

/// All marks of a piece of work.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Marks {
    /// One for each criterion of the rubric, in its order.
    pub criteria: Vec<CriterionMark>,
    /// Feedback on the whole.
    pub feedback: String,
    /// The one thing to do next.
    pub next_step: String,
    /// How sure the marker is, 0 to 1; `None` for a person.
    pub confidence: Option<f64>,
}

impl Marks {
    /// Whether a simulator made them up: each of its texts says so at its beginning (docs/simulator.md).
    #[must_use]
    pub fn is_simulated(&self) -> bool {
        self.feedback.starts_with("Simulated: ")
    }

    /// Places the evidence in the work as it was handed in, where the text that was marked is another. What is not there
    /// word for word is left out: no student is shown a quotation of what they did not write.
    pub fn place_in(&mut self, work: &str) {
        let sentences = sentences::split(work);
        for mark in &mut self.criteria {
            mark.evidence.retain_mut(|evidence| {
                // The numbers only grew less as passages were left out: the first match from there on is the one.
                let from = (evidence.sentence as usize).saturating_sub(1);
                let mut numbered = (1_u32..).zip(&sentences);
                let found = numbered.clone().skip(from).find(|(_, s)| s.of(work) == evidence.quote);
                let found = found.or_else(|| numbered.find(|(_, s)| s.of(work).contains(&*evidence.quote)));
                let Some((number, sentence)) = found else { return false };
                let offset = sentence.of(work).find(&*evidence.quote).unwrap_or(0);
                let start = sentence.start + u32::try_from(offset).unwrap_or(0);
                let length = u32::try_from(evidence.quote.len()).unwrap_or(0);
                (evidence.sentence, evidence.start, evidence.end) = (number, start, start + length);
                true
            });
        }
    }

    /// All points together.
    #[must_use]
    pub fn total(&self) -> Points {
        self.criteria.iter().map(|c| c.points).sum()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn evidence_is_placed_in_the_work_as_it_was_handed_in() {
        let sent = "We need buses. Cars are loud. We need buses.";
        let work = "We need buses. \u{fffd}\u{fffd} broken. Cars are loud. We need buses.";
        let evidence: Vec<Evidence> = (1_u32..)
            .zip(sentences::split(sent))
            .map(|(sentence, s)| Evidence { sentence, start: s.start, end: s.end, quote: s.of(sent).into() })
            .chain([Evidence { sentence: 2, start: 0, end: 9, quote: "Not there".into() }])
            .collect();
        let mark = CriterionMark {
            criterion: "position".into(),
            level: "strong".into(),
            points: Points(500),
            evidence,
            comment: "c".into(),
        };
        let mut marks = Marks {
            criteria: vec![mark],
            feedback: "f".into(),
            next_step: "n".into(),
            confidence: Some(0.5),
        };
        marks.place_in(work);
        let placed = &marks.criteria[0].evidence;
        assert_eq!(placed.iter().map(|e| e.sentence).collect::<Vec<_>>(), [1, 3, 4]);
        for e in placed {
            assert_eq!(&work[e.start as usize..e.end as usize], e.quote);
        }
    }
}
