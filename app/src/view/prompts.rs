//! What the pages of prompts and trials show.

use super::NanoUsd;
use chrono::{DateTime, Utc};

/// Versions of the prompt, and trials.
#[derive(Clone, Debug, PartialEq)]
pub struct Prompts {
    /// As of when.
    pub as_of: DateTime<Utc>,
    /// All versions, by number.
    pub versions: Vec<PromptVersion>,
    /// Who put which in use, newest first.
    pub adoptions: Vec<PromptAdoption>,
    /// The newest trials.
    pub trials: Vec<Trial>,
    /// Assignments that can be tried on: the value of the form, and the words.
    pub assignments: Vec<(String, String)>,
    /// Models that can be tried: the value of the form, and the words.
    pub models: Vec<(String, String)>,
    /// What the form holds.
    pub draft: TrialDraft,
}

/// A version of the prompt.
#[derive(Clone, Debug, PartialEq)]
pub struct PromptVersion {
    /// Its number.
    pub number: i64,
    /// What sets it apart.
    pub about: String,
    /// New assignments are marked by it.
    pub in_use: bool,
    /// How many assignments are.
    pub assignments: u64,
    /// What answers took in the last 30 days, by model.
    pub measured: Vec<(String, Taken)>,
}

/// What answers took, on average.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Answers that were counted.
    pub answers: u64,
    /// Tokens read.
    pub input_tokens: u64,
    /// Tokens written.
    pub output_tokens: u64,
    /// What a thousand such answers cost.
    pub thousand: Option<NanoUsd>,
}

/// A version was put in use.
#[derive(Clone, Debug, PartialEq)]
pub struct PromptAdoption {
    /// The version.
    pub version: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// By whom; none: a person who is gone.
    pub by: Option<String>,
    /// What was known of its marks.
    pub evidence: String,
}

/// What the form of a trial holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrialDraft {
    /// The assignment.
    pub assignment: String,
    /// The model, as the form names it.
    pub model: String,
    /// The version of the prompt.
    pub version: String,
    /// How many works.
    pub works: String,
}

/// How a trial stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrialState {
    /// It goes on.
    Running,
    /// It has ended.
    Ended,
    /// A person stopped it.
    Stopped,
}

/// What figures of agreement say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// One can stand for the other.
    Equal,
    /// One can't stand for the other.
    Different,
    /// Too little is known.
    Open,
}

/// How far two markers agree.
#[derive(Clone, Debug, PartialEq)]
pub struct Agreement {
    /// Works that both marked.
    pub works: u64,
    /// Quadratic weighted kappa.
    pub kappa: Option<f64>,
    /// By how much the mean is above the other, in points.
    pub difference: f64,
    /// The share with the same points.
    pub same: f64,
    /// What that says.
    pub verdict: Verdict,
    /// In words.
    pub words: String,
}

/// A trial with what it has found.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// Its id.
    pub id: String,
    /// The assignment: the course's code and the title.
    pub assignment: String,
    /// Who marks: "gpt-6-luna of openai", and the version of the prompt.
    pub marker: (String, i64),
    /// Whose marks they are held against.
    pub against: (String, i64),
    /// How it stands.
    pub state: TrialState,
    /// When it was started.
    pub started_at: DateTime<Utc>,
    /// Works of it.
    pub works: u64,
    /// Of these, marked.
    pub marked: u64,
    /// Of these, answered in a way that can't be used.
    pub unusable: u64,
    /// Of these, not answered.
    pub unanswered: u64,
    /// What was spent.
    pub spent: NanoUsd,
    /// With the marks of the model that it is held against.
    pub agreement: Agreement,
    /// With marks by people.
    pub people: Agreement,
    /// What its answers took.
    pub own: Taken,
    /// What those that it is held against took.
    pub other: Taken,
    /// By how much a thousand of its answers cost less, as a share; below 0 they cost more.
    pub saves: Option<f64>,
}

/// A trial with all that it has found.
#[derive(Clone, Debug, PartialEq)]
pub struct TrialDetail {
    /// As of when.
    pub as_of: DateTime<Utc>,
    /// The trial.
    pub trial: Trial,
    /// By criterion.
    pub criteria: Vec<TrialCriterion>,
    /// What went wrong, and how often.
    pub errors: Vec<(String, u64)>,
}

/// How far both agree about one criterion.
#[derive(Clone, Debug, PartialEq)]
pub struct TrialCriterion {
    /// Its title.
    pub title: String,
    /// Works whose level both gave.
    pub works: u64,
    /// The share with the same level.
    pub exact: f64,
    /// The share with the same level or one next to it.
    pub adjacent: f64,
    /// Quadratic weighted kappa.
    pub kappa: Option<f64>,
}
