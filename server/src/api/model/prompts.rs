//! Versions of the prompt, and trials, over the wire.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// The versions of the prompt, and who put which in use.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Prompts {
    /// All versions, by number.
    pub versions: Vec<PromptVersion>,
    /// Who put which in use for new assignments, newest first.
    pub adoptions: Vec<Adoption>,
}

/// A version of the prompt, and how it is used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PromptVersion {
    /// Its number, from 1.
    pub version: i64,
    /// What sets it apart.
    pub about: String,
    /// New assignments are marked by it.
    pub in_use: bool,
    /// How many assignments are.
    pub assignments: i64,
    /// What its answers took in the last 30 days, by model.
    pub measured: Vec<MeasuredModel>,
}

/// What the answers of a model took.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MeasuredModel {
    /// Provider's name.
    pub provider: String,
    /// The model.
    pub model: String,
    /// What they took.
    #[serde(flatten)]
    pub measured: Measured,
}

/// What answers took, on average.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Measured {
    /// Answers that the provider counted.
    pub answers: i64,
    /// Mean tokens read.
    pub input_tokens: i64,
    /// Mean tokens written.
    pub output_tokens: i64,
    /// What a thousand such answers cost at today's prices, every prompt read afresh, in batches where the provider takes
    /// them, in nano-dollars. None where nothing was counted, or there is no price today.
    pub thousand_nano_usd: Option<i64>,
}

/// A version was put in use.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Adoption {
    /// The version.
    pub version: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// The id of who did; none: a person who is gone.
    pub by: Option<Uuid>,
    /// Their name.
    pub by_name: Option<String>,
    /// What was known of its marks then.
    pub evidence: String,
}

/// A version to be put in use.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UsePrompt {
    /// The version.
    #[schema(example = 2)]
    pub version: i64,
    /// It is to be used although no trial judged its marks equal to those of the version in use.
    #[serde(default)]
    pub untried: bool,
}

/// A version is in use.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct UsedPrompt {
    /// The version.
    pub version: i64,
    /// How many assignments that nobody has handed in to are marked by it from now on; those begun keep theirs.
    pub assignments: usize,
}

/// A trial to be started.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTrial {
    /// The id of the assignment whose works are marked once more.
    pub assignment: Uuid,
    /// Provider's name.
    #[schema(example = "openai")]
    pub provider: String,
    /// The model that is to mark them.
    #[schema(example = "gpt-6-luna")]
    pub model: String,
    /// The version of the prompt.
    #[schema(example = 2)]
    pub prompt_version: i64,
    /// How many, 1 to 200; 30 are needed to judge by.
    #[schema(example = 40)]
    pub works: i64,
}

/// Who marks, and by which version of the prompt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Marker {
    /// Provider's name.
    #[schema(example = "openai")]
    pub provider: String,
    /// The model.
    #[schema(example = "gpt-6-luna")]
    pub model: String,
    /// The version of the prompt.
    #[schema(example = 2)]
    pub prompt_version: i64,
}

/// How a trial stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TrialState {
    /// It goes on.
    Running,
    /// It has ended.
    Ended,
    /// A person stopped it.
    Stopped,
}

/// What figures of agreement say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// One can stand for the other.
    Equal,
    /// One can't stand for the other.
    Different,
    /// Too little is known.
    Open,
}

/// How far the points of two markers agree.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Agreement {
    /// Works that both marked.
    pub works: usize,
    /// Quadratic weighted kappa; none where nobody marked, or all points are the same.
    pub kappa: Option<f64>,
    /// By how much the mean of the trial is above the other, in points.
    pub difference: f64,
    /// The same in standard deviations.
    pub shift: Option<f64>,
    /// The share of works with the same points.
    pub same: f64,
    /// What that says.
    pub verdict: Verdict,
    /// The verdict in words.
    pub words: String,
}

/// A trial with what it has found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Trial {
    /// Its id.
    pub id: Uuid,
    /// The id of the assignment.
    pub assignment: Uuid,
    /// The code of its course.
    pub course: String,
    /// The title of the assignment.
    pub title: String,
    /// Who marks.
    pub marker: Marker,
    /// Whose marks they are held against, beside those of people.
    pub against: Marker,
    /// How it stands.
    pub state: TrialState,
    /// When it was started.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// Works of it.
    pub works: i64,
    /// Of these, marked.
    pub marked: i64,
    /// Answered in a way that can't be used.
    pub unusable: i64,
    /// Not answered: refused, cut off, or stopped.
    pub unanswered: i64,
    /// What was spent on it, in nano-dollars.
    pub spent_nano_usd: i64,
    /// With the marks of the model that it is held against.
    pub agreement: Agreement,
    /// With marks by people.
    pub agreement_with_people: Agreement,
    /// What its answers take.
    pub own: Measured,
    /// What those that it is held against took, for the same works.
    pub other: Measured,
    /// By how much a thousand of its answers cost less, in percent; below 0 they cost more.
    pub saves_percent: Option<f64>,
}

/// A trial with all that it has found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TrialDetail {
    /// The trial.
    #[serde(flatten)]
    pub trial: Trial,
    /// By criterion, in the order of the rubric.
    pub criteria: Vec<TrialCriterion>,
    /// What went wrong, and how often.
    pub errors: Vec<TrialFault>,
}

/// How far both agree about one criterion, by all marks that the works have.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TrialCriterion {
    /// Its title.
    pub title: String,
    /// Works whose level both gave.
    pub works: usize,
    /// The share with the same level.
    pub exact: f64,
    /// The share with the same level or one next to it.
    pub adjacent: f64,
    /// Quadratic weighted kappa of the levels.
    pub kappa: Option<f64>,
}

/// Something that went wrong in a trial.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TrialFault {
    /// What.
    pub what: String,
    /// How often.
    pub works: usize,
}

/// What a trial found of one model's marks against another's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ModelAgreement {
    /// Works that both marked.
    pub works: usize,
    /// Quadratic weighted kappa.
    pub kappa: Option<f64>,
    /// What that says.
    pub verdict: Verdict,
}
