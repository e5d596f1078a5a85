//! What a routing decision knows: gathered before it, kept with it, so that it can be replayed.

use super::{Complexity, REALTIME_SECONDS, Route, StudentTier, Urgency};
use crate::{cost_control::Measures, course::AssessmentType, provider::ProviderKind, store::NanoUsd};
use serde::{Deserialize, Serialize};

/// All facts of one decision. Rules see them under the same names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// How soon marks are needed.
    pub urgency: Urgency,
    /// The assignment.
    pub assignment: AssignmentFacts,
    /// The work.
    pub submission: SubmissionFacts,
    /// The student.
    pub student: StudentFacts,
    /// The month's budget.
    pub budget: BudgetFacts,
    /// What the institution and the course have laid down for it.
    #[serde(default)]
    pub policy: PolicyFacts,
    /// The hour.
    pub clock: ClockFacts,
    /// How busy Quire is.
    pub load: LoadFacts,
    /// What each provider can do now; in order of the providers' names.
    pub providers: Vec<ProviderFacts>,
    /// Measures of cost control in force that change where works go.
    #[serde(default, skip_serializing_if = "Measures::is_none")]
    pub measures: Measures,
}

impl Facts {
    /// What each provider takes work with that nothing sends elsewhere, with its place among all.
    pub fn usual(&self) -> impl Iterator<Item = (usize, &ProviderFacts)> {
        self.providers.iter().enumerate().filter(|(_, p)| p.standing == Standing::Usual)
    }

    /// The language of the work, without its region; the assignment's where it can't be told.
    #[must_use]
    pub fn language(&self) -> &str {
        let language = self.submission.language.as_ref().unwrap_or(&self.assignment.language);
        language.split('-').next().unwrap_or_default()
    }

    /// How much its marker has to hold together.
    #[must_use]
    pub fn complexity(&self) -> Complexity {
        Complexity::of(self.submission.words, self.assignment.criteria)
    }

    /// Nobody needs the marks within a day: cost control may delay the work or give it to an economy model.
    #[must_use]
    pub fn can_wait(&self) -> bool {
        const DAY: i64 = 24 * 60;
        self.urgency != Urgency::High
            && self.assignment.minutes_to_deadline.is_none_or(|minutes| minutes > DAY)
    }
}

/// Facts of the assignment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AssignmentFacts {
    /// The kind of assessment.
    #[serde(rename = "type")]
    pub kind: AssessmentType,
    /// The course's code.
    pub course: String,
    /// Its language, such as `en`.
    pub language: String,
    /// How many criteria the rubric has.
    pub criteria: i64,
    /// Minutes until marks are needed; none: no hurry.
    pub minutes_to_deadline: Option<i64>,
}

/// Facts of the work.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SubmissionFacts {
    /// Words.
    pub words: i64,
    /// Input tokens, estimated, instructions and rubric included.
    pub tokens: i64,
    /// Output tokens, estimated.
    pub output_tokens: i64,
    /// Most output tokens.
    pub max_output: i64,
    /// Which draft it is, from 1.
    pub draft: i64,
    /// Share of its lines that are source code, 0 to 1.
    #[serde(default)]
    pub code: f64,
    /// Formulas in it.
    #[serde(default)]
    pub formulas: i64,
    /// The language it is written in, such as `en`, where that can be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
}

/// Facts of the student.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StudentFacts {
    /// The student's standing.
    pub tier: StudentTier,
    /// Drafts that may still be handed in after this one.
    pub drafts_left: i64,
}

/// Facts of the budget that binds (of institution and course the one that is used more).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BudgetFacts {
    /// Share of the month's budget that is spent or expected, 0 and up; 0 without a budget.
    pub used: f64,
    /// What is left before the hard stop; none without a budget.
    pub left: Option<NanoUsd>,
}

/// What the institution and the course have laid down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyFacts {
    /// A person approves the assignment's marks before students see them.
    pub approval: bool,
    /// The course asks for immediate feedback.
    pub immediate_feedback: bool,
    /// A budget that the work counts to has a hard stop: at its limit work waits.
    pub hard_stop: bool,
    /// A draft of the assignment that hardly changed keeps the marks of the one before.
    pub keeps_marks: bool,
}

/// Facts of the hour.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClockFacts {
    /// Within the institution's peak hours.
    pub peak: bool,
    /// Hour of the day in the institution's time zone, 0 to 23.
    pub hour: i64,
    /// Day of the week, 1 (Monday) to 7.
    pub weekday: i64,
}

/// How busy Quire is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoadFacts {
    /// Jobs waiting, all lanes.
    pub waiting: i64,
    /// Jobs with providers.
    pub sent: i64,
}

/// One provider and the model of it that would be asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProviderFacts {
    /// Its name.
    pub name: String,
    /// Its interface.
    pub kind: ProviderKind,
    /// The model.
    pub model: String,
    /// Which works it takes.
    #[serde(default, skip_serializing_if = "Standing::is_usual")]
    pub standing: Standing,
    /// It takes batches.
    pub batch: bool,
    /// It answers (its circuit is closed).
    pub healthy: bool,
    /// Expected cost of the job by a call in real time.
    pub realtime_cost: NanoUsd,
    /// Most that a call in real time can cost.
    pub realtime_most: NanoUsd,
    /// Expected cost of the job in a batch.
    pub batch_cost: NanoUsd,
    /// Most that the job can cost in a batch.
    pub batch_most: NanoUsd,
    /// Jobs that its free batch slots could still take, less those waiting for it.
    pub free_jobs: i64,
    /// Jobs that all its batch slots take together.
    pub capacity_jobs: i64,
    /// Seconds until a batch sent now comes back: half are back within this.
    pub batch_p50: i64,
    /// Nine of ten are back within this.
    pub batch_p90: i64,
}

/// Which works a model of a provider takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// All that nothing sends elsewhere: the provider's first model.
    #[default]
    Usual,
    /// Those that a rule gives it by name: its other models.
    Named,
    /// Those that cost control gives it, or a rule by name: its economy model.
    Economy,
}

impl Standing {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
    const fn is_usual(&self) -> bool {
        matches!(self, Self::Usual)
    }
}

impl ProviderFacts {
    /// Expected cost of the job by a route.
    #[must_use]
    pub const fn cost(&self, route: Route) -> NanoUsd {
        match route {
            Route::Realtime => self.realtime_cost,
            Route::Batch => self.batch_cost,
        }
    }

    /// Seconds within which half of such work is back by a route, and nine of ten.
    #[must_use]
    pub const fn seconds(&self, route: Route) -> (i64, i64) {
        match route {
            Route::Realtime => REALTIME_SECONDS,
            Route::Batch => (self.batch_p50, self.batch_p90),
        }
    }

    /// The share of its batch slots that is free, in millionths; negative where more waits than they take.
    #[must_use]
    pub fn free_share(&self) -> i64 {
        self.free_jobs.saturating_mul(1_000_000) / self.capacity_jobs.max(1)
    }
}
