//! Facts to decide about, for tests and benchmarks.

use super::{
    AssignmentFacts, BudgetFacts, ClockFacts, Facts, LoadFacts, PolicyFacts, ProviderFacts, Standing,
    StudentFacts, StudentTier, SubmissionFacts, Urgency,
};
use crate::{cost_control::Measures, course::AssessmentType, provider::ProviderKind, store::NanoUsd};

/// A provider that answers and takes batches; a batch costs so many nano-dollars, real time twice as much.
#[must_use]
pub fn provider(name: &str, cost: i64) -> ProviderFacts {
    ProviderFacts {
        name: name.into(),
        kind: ProviderKind::Openai,
        model: format!("{name}-model"),
        standing: Standing::Usual,
        batch: true,
        healthy: true,
        realtime_cost: NanoUsd(cost * 2),
        realtime_most: NanoUsd(cost * 4),
        batch_cost: NanoUsd(cost),
        batch_most: NanoUsd(cost * 2),
        free_jobs: 100,
        capacity_jobs: 100,
        batch_p50: 3_600,
        batch_p90: 7_200,
    }
}

/// Work that nobody is in a hurry about, on a quiet evening.
#[must_use]
pub fn facts() -> Facts {
    Facts {
        urgency: Urgency::Medium,
        assignment: AssignmentFacts {
            kind: AssessmentType::Summative,
            course: "W101".into(),
            language: "en".into(),
            criteria: 4,
            minutes_to_deadline: None,
        },
        submission: SubmissionFacts {
            words: 350,
            tokens: 900,
            output_tokens: 400,
            max_output: 600,
            draft: 1,
            code: 0.0,
            formulas: 0,
            language: None,
        },
        student: StudentFacts { tier: StudentTier::Standard, drafts_left: 1 },
        budget: BudgetFacts { used: 0.1, left: None },
        policy: PolicyFacts::default(),
        clock: ClockFacts { peak: false, hour: 20, weekday: 3 },
        load: LoadFacts { waiting: 10, sent: 20 },
        providers: vec![provider("dear", 2_000), provider("cheap", 1_000)],
        measures: Measures::default(),
    }
}
