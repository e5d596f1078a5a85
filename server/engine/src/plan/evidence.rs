//! What it saves that models name evidence by the numbers of sentences, and Quire writes the quotations out (SPEC 4.3):
//! measured on answers that came, not assumed.
//!
//! Against it stands that each sentence of the work is sent with its number.

use super::percent;
use crate::{
    engine::{Engine, EngineError},
    prompt,
    provider::{ProviderKind, Usage},
    result::{self, Marks, store::Answered},
    store::NanoUsd,
    submission::tokens::{self, Calibration},
};
use serde::Serialize;

/// So many of the newest answers are looked at.
const LOOKED_AT: i64 = 100;

/// Tokens of a quotation besides its words: its quotation marks and the comma after it.
const QUOTED: u64 = 2;

/// Tokens of a sentence's number and the comma after it.
const NUMBER: u64 = 2;

/// What evidence by sentence number saved on answers that came.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct EvidenceSaving {
    /// How many answers were looked at.
    pub answers: u64,
    /// Output tokens that the quotations would have had more than their numbers.
    pub output_tokens_saved: u64,
    /// Input tokens that the numbers of the sentences have.
    pub input_tokens_added: u64,
    /// What that comes to, by each answer's price; below zero where the numbers cost more.
    pub saved_nano_usd: NanoUsd,
    /// The same in percent of what these answers would have cost with quotations.
    pub saved_percent: f64,
}

/// Tokens that the quotations of an answer have more than the numbers of their sentences.
fn output_saved(marks: &Marks, count: impl Fn(&str) -> u64) -> u64 {
    let all = marks.criteria.iter().flat_map(|mark| &mark.evidence);
    all.map(|evidence| (count(&evidence.quote) + QUOTED).saturating_sub(NUMBER)).sum()
}

/// Tokens that the numbers of its sentences add to a work.
fn input_added(work: &str, count: impl Fn(&str) -> u64) -> u64 {
    count(&prompt::numbered(work)).saturating_sub(count(work))
}

impl EvidenceSaving {
    /// In a sentence.
    #[must_use]
    pub fn text(&self) -> String {
        let each = |tokens: u64| tokens / self.answers.max(1);
        format!(
            "Evidence by sentence number, measured on the last {} answers: {} output tokens fewer for each than with \
             quotations, {} input tokens more for the numbers; {:.1} % of what they would cost. It is in all figures above, \
             those of real time as well.",
            self.answers,
            each(self.output_tokens_saved),
            each(self.input_tokens_added),
            self.saved_percent
        )
    }
}

impl Engine {
    /// What evidence by sentence number saved on the newest answers of models; none where there are none yet.
    ///
    /// # Errors
    /// If the database fails.
    pub(super) async fn evidence_saving(&self) -> Result<Option<EvidenceSaving>, EngineError> {
        let answered = result::store::newest_answers(&mut self.db(), LOOKED_AT).await?;
        let kinds: Vec<ProviderKind> = answered
            .iter()
            .map(|answer| {
                self.provider(&answer.provider).map_or(ProviderKind::Compatible, |entry| entry.kind)
            })
            .collect();
        // Counting the tokens of long works takes a while.
        let counted = tokio::task::spawn_blocking(move || {
            let tokens = |(answer, kind): (Answered, ProviderKind)| {
                let prior = Calibration::prior(kind);
                let count = |text: &str| tokens::count(kind, &answer.model, text, &prior).count;
                let (out, more) = (output_saved(&answer.marks.0, count), input_added(&answer.text, count));
                (answer, out, more)
            };
            answered.into_iter().zip(kinds).map(tokens).collect::<Vec<_>>()
        });
        let counted = counted.await.map_err(|error| EngineError::Busy(error.to_string()))?;
        let (mut saving, mut spent) = (
            EvidenceSaving {
                answers: 0,
                output_tokens_saved: 0,
                input_tokens_added: 0,
                saved_nano_usd: NanoUsd::ZERO,
                saved_percent: 0.0,
            },
            NanoUsd::ZERO,
        );
        let now = self.now();
        for (answer, out, more) in counted {
            let cost = |usage: &Usage| self.cost(&answer.provider, &answer.model, usage, answer.batched, now);
            let fewer = cost(&Usage { output_tokens: out, ..Usage::default() });
            let added = cost(&Usage { input_tokens: more, ..Usage::default() });
            // Of what has no price any more nothing can be said.
            let (Ok(fewer), Ok(added)) = (fewer, added) else { continue };
            saving.answers += 1;
            saving.output_tokens_saved += out;
            saving.input_tokens_added += more;
            saving.saved_nano_usd += fewer - added;
            spent += answer.spent;
        }
        saving.saved_percent = percent(saving.saved_nano_usd, spent + saving.saved_nano_usd);
        Ok((saving.answers > 0).then_some(saving))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{
        course::Points,
        result::{CriterionMark, Evidence},
    };

    #[test]
    fn quotations_are_held_against_their_numbers() {
        let quote = "They let us learn.".to_owned();
        let evidence = Evidence { sentence: 2, start: 0, end: 18, quote };
        let mark = CriterionMark {
            criterion: "position".into(),
            level: "strong".into(),
            points: Points(500),
            evidence: vec![evidence.clone(), evidence],
            comment: "c".into(),
        };
        let marks =
            Marks { criteria: vec![mark], feedback: "f".into(), next_step: "n".into(), confidence: None };
        let words = |text: &str| text.split_whitespace().count() as u64;
        assert_eq!(output_saved(&marks, words), 8);
        // "[1] " and "[2] ".
        assert_eq!(input_added("Computers help us. They let us learn.", words), 2);
        let saving = EvidenceSaving {
            answers: 2,
            output_tokens_saved: 120,
            input_tokens_added: 40,
            saved_nano_usd: NanoUsd(50_000),
            saved_percent: 7.5,
        };
        assert!(saving.text().contains("the last 2 answers: 60 output tokens fewer"), "{}", saving.text());
        assert!(saving.text().contains("20 input tokens more") && saving.text().contains("7.5 %"));
    }
}
