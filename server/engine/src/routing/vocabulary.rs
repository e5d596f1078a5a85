//! The names that conditions may use, with what each holds: what is checked while a rule is typed, and what people are
//! told they can look at. [`super::rule`] fills them from the facts of a decision.

use super::{Complexity, StudentTier, Urgency};
use crate::course::AssessmentType;

/// What a fact holds.
#[derive(Clone, Copy, Debug)]
pub enum Holds {
    /// True or false.
    Truth,
    /// A whole number.
    Whole,
    /// A number with decimals.
    Number,
    /// Any text.
    Text,
    /// One of a few words.
    Word(fn() -> Vec<&'static str>),
    /// More facts.
    Parts(&'static [Fact]),
}

/// A fact that conditions can look at.
#[derive(Clone, Copy, Debug)]
pub struct Fact {
    /// Its name; a part's name follows its whole and a dot.
    pub name: &'static str,
    /// What it holds.
    pub holds: Holds,
    /// It can be missing: `null`.
    pub can_be_missing: bool,
    /// What it says, for people.
    pub about: &'static str,
}

/// No two facts are described alike.
impl PartialEq for Fact {
    fn eq(&self, other: &Self) -> bool {
        (self.name, self.about) == (other.name, other.about)
    }
}

const fn fact(name: &'static str, holds: Holds, about: &'static str) -> Fact {
    Fact { name, holds, can_be_missing: false, about }
}

const fn missing(fact: Fact) -> Fact {
    Fact { can_be_missing: true, ..fact }
}

fn urgencies() -> Vec<&'static str> {
    Urgency::ALL.iter().map(|urgency| urgency.name()).collect()
}

fn types() -> Vec<&'static str> {
    AssessmentType::ALL.iter().map(|kind| kind.name()).collect()
}

fn tiers() -> Vec<&'static str> {
    StudentTier::ALL.iter().map(|tier| tier.name()).collect()
}

fn complexities() -> Vec<&'static str> {
    Complexity::ALL.iter().map(|complexity| complexity.name()).collect()
}

/// All of them.
pub(super) const VOCABULARY: &[Fact] = &[
    fact("urgency", Holds::Word(urgencies), "how soon marks are needed"),
    fact("assignment", Holds::Parts(ASSIGNMENT), "the assignment"),
    fact("submission", Holds::Parts(SUBMISSION), "the work"),
    fact("student", Holds::Parts(STUDENT), "the student"),
    fact("cost", Holds::Parts(COST), "what marking this work is expected to cost"),
    fact("providers", Holds::Parts(PROVIDERS), "how the providers are"),
    fact("policy", Holds::Parts(POLICY), "what the institution and the course have laid down"),
    fact("clock", Holds::Parts(CLOCK), "the hour in the institution's time zone"),
    fact(
        "budget",
        Holds::Parts(BUDGET),
        "the month's budget, of institution and course the one that is used more",
    ),
    fact("load", Holds::Parts(LOAD), "how busy Quire is"),
];

/// Every fact that is no group of others, under its whole name, in order.
#[must_use]
pub fn every_fact() -> Vec<(String, &'static Fact)> {
    fn list(facts: &'static [Fact], before: &str, out: &mut Vec<(String, &'static Fact)>) {
        for fact in facts {
            let name = format!("{before}{}", fact.name);
            match fact.holds {
                Holds::Parts(parts) => list(parts, &format!("{name}."), out),
                _ => out.push((name, fact)),
            }
        }
    }
    let mut out = Vec::new();
    list(VOCABULARY, "", &mut out);
    out
}

const ASSIGNMENT: &[Fact] = &[
    fact("type", Holds::Word(types), "the kind of assessment"),
    fact("course", Holds::Text, "the course's code"),
    fact("language", Holds::Text, "its language, such as \"en\""),
    fact("criteria", Holds::Whole, "how many criteria the rubric has"),
    missing(fact("minutes_to_deadline", Holds::Whole, "minutes until marks are needed; null: no hurry")),
];

const SUBMISSION: &[Fact] = &[
    fact("words", Holds::Whole, "words of the work"),
    fact("tokens", Holds::Whole, "tokens that the model reads, estimated"),
    fact("output_tokens", Holds::Whole, "tokens that the model writes, estimated"),
    fact("draft", Holds::Whole, "which draft it is, from 1"),
    fact("code", Holds::Number, "share of its lines that are source code, 0 to 1"),
    fact("formulas", Holds::Whole, "formulas in it"),
    fact(
        "language",
        Holds::Text,
        "the language it is written in, such as \"en\"; the assignment's where that can't be told",
    ),
    fact(
        "complexity",
        Holds::Word(complexities),
        "how much its marker has to hold together: by its words and the criteria",
    ),
];

const STUDENT: &[Fact] = &[
    fact("tier", Holds::Word(tiers), "the student's standing"),
    fact("drafts_left", Holds::Whole, "drafts that may still be handed in after this one"),
];

const COST: &[Fact] = &[
    fact("realtime_usd", Holds::Number, "at the cheapest provider, in real time"),
    fact("batch_usd", Holds::Number, "at the cheapest provider, in a batch"),
    fact("saved_usd", Holds::Number, "what a batch saves"),
    fact("affordable", Holds::Truth, "what is left of the budget pays for real time, at its worst"),
];

const PROVIDERS: &[Fact] = &[
    fact("all", Holds::Whole, "providers that are switched on"),
    fact("up", Holds::Whole, "of these, those that answer"),
    fact("free_jobs", Holds::Whole, "jobs that their free batch slots could still take"),
];

const POLICY: &[Fact] = &[
    fact("approval", Holds::Truth, "a person approves the assignment's marks before students see them"),
    fact("immediate_feedback", Holds::Truth, "the course asks for immediate feedback"),
    fact(
        "hard_stop",
        Holds::Truth,
        "work waits where the budget of its course or of the institution is used up",
    ),
    fact("keeps_marks", Holds::Truth, "a draft that hardly changed keeps the marks of the one before"),
];

const CLOCK: &[Fact] = &[
    fact("peak", Holds::Truth, "within the peak hours"),
    fact("hour", Holds::Whole, "hour of the day, 0 to 23"),
    fact("weekday", Holds::Whole, "day of the week, 1 (Monday) to 7"),
];

const BUDGET: &[Fact] = &[
    fact("used", Holds::Number, "share that is spent or expected, from 0; 0 without a budget"),
    missing(fact("left_usd", Holds::Number, "dollars left before the hard stop; null: nothing stops")),
];

const LOAD: &[Fact] =
    &[fact("waiting", Holds::Whole, "jobs that wait"), fact("sent", Holds::Whole, "jobs with providers")];
