//! What several pages translate alike.

use chrono::{DateTime, Utc};
use quire_app::{
    data::{PageError, PageResult},
    view,
};
use quire_engine::{
    batching::BatchViewError,
    course::{Assignment, Points},
    engine::{EngineError, Marking},
    identity::{Denied, IdentityError},
    queue::{Estimate, Lane},
    recovery::RemedyError,
    result::Assessment,
    routing::Route,
    store::{DbError, NanoUsd},
    submission::{ListError, SubmissionState, ViewError},
};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Rows on a full page of a list.
pub(super) const PER_PAGE: u64 = 50;

pub(super) fn uuid(text: &str) -> PageResult<Uuid> {
    Uuid::parse_str(text).map_err(|_| PageError::NotFound)
}

/// What a page makes of the engine's errors. Causes go to the log, not to the page.
pub(crate) trait AsPageError {
    fn page_error(&self) -> PageError;
}

pub(crate) fn failed(error: &impl AsPageError) -> PageError {
    error.page_error()
}

impl AsPageError for IdentityError {
    fn page_error(&self) -> PageError {
        match self {
            Self::Denied(Denied::NotFound) => PageError::NotFound,
            Self::Denied(Denied::Forbidden(_)) => PageError::Forbidden,
            Self::SessionEnded | Self::Disabled | Self::Token | Self::WrongPassword => PageError::SignIn,
            Self::Db(error) => error.page_error(),
            _ => PageError::NotFound,
        }
    }
}

impl AsPageError for DbError {
    fn page_error(&self) -> PageError {
        tracing::error!(error = %self, "a page can't be shown");
        PageError::Unavailable { retry_after: Some(5) }
    }
}

impl AsPageError for EngineError {
    fn page_error(&self) -> PageError {
        if let Self::Missing { .. } = self {
            return PageError::NotFound;
        }
        tracing::error!(error = %self, "a page can't be shown");
        PageError::Unavailable { retry_after: Some(5) }
    }
}

macro_rules! page_errors {
    ($($error:ty),*) => {$(
        impl AsPageError for $error {
            fn page_error(&self) -> PageError {
                match self {
                    Self::NotFound => PageError::NotFound,
                    Self::Identity(error) => error.page_error(),
                    Self::Engine(error) => error.page_error(),
                }
            }
        }
    )*};
}
page_errors!(ViewError, ListError, BatchViewError);

impl AsPageError for RemedyError {
    fn page_error(&self) -> PageError {
        match self {
            Self::Number | Self::Reason | Self::Wrong(_) | Self::Way(_) => {
                PageError::Invalid { message: self.to_string() }
            }
            Self::Identity(error) => error.page_error(),
            Self::Engine(error) => error.page_error(),
        }
    }
}

pub(super) fn status(state: SubmissionState) -> view::Status {
    match state {
        SubmissionState::Queued => view::Status::Queued,
        SubmissionState::Processing => view::Status::Processing,
        SubmissionState::InReview => view::Status::InReview,
        SubmissionState::Completed => view::Status::Completed,
        SubmissionState::NeedsAttention => view::Status::NeedsAttention,
        SubmissionState::Withdrawn => view::Status::Withdrawn,
        SubmissionState::Closed => view::Status::Closed,
    }
}

pub(super) fn state(status: view::Status) -> SubmissionState {
    match status {
        view::Status::Queued => SubmissionState::Queued,
        view::Status::Processing => SubmissionState::Processing,
        view::Status::InReview => SubmissionState::InReview,
        view::Status::Completed => SubmissionState::Completed,
        view::Status::NeedsAttention => SubmissionState::NeedsAttention,
        view::Status::Withdrawn => SubmissionState::Withdrawn,
        view::Status::Closed => SubmissionState::Closed,
    }
}

pub(super) fn lane(lane: Lane) -> view::Lane {
    match lane {
        Lane::Urgent => view::Lane::Urgent,
        Lane::Standard => view::Lane::Standard,
        Lane::Economy => view::Lane::Economy,
    }
}

pub(super) fn route(route: Route) -> view::Route {
    match route {
        Route::Realtime => view::Route::Realtime,
        Route::Batch => view::Route::Batch,
    }
}

pub(super) fn range(estimate: Estimate) -> view::TimeRange {
    view::TimeRange { from: estimate.from, to: estimate.to }
}

pub(super) fn money(amount: NanoUsd) -> view::NanoUsd {
    view::NanoUsd(amount.0)
}

pub(super) fn score(total: Points, most: Points) -> view::Score {
    view::Score { points: total.into(), out_of: most.into() }
}

pub(super) fn count(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

pub(super) fn small(n: i64) -> u32 {
    u32::try_from(n.max(0)).unwrap_or(u32::MAX)
}

pub(super) fn draft(number: i64, allowed: i64) -> view::Draft {
    view::Draft { number: small(number), allowed: Some(small(allowed)) }
}

pub(super) fn paging(page: i64, per_page: i64, total: i64) -> view::Paging {
    view::Paging { page: count(page).max(1), per_page: count(per_page).max(1), total: count(total) }
}

pub(super) fn page_number(page: u64) -> i64 {
    i64::try_from(page).unwrap_or(i64::MAX / 1000).clamp(1, 1_000_000)
}

pub(super) fn per_page() -> i64 {
    i64::try_from(PER_PAGE).unwrap_or(50)
}

pub(super) fn openness(assignment: &Assignment, now: DateTime<Utc>) -> view::Openness {
    match (assignment.opens_at, assignment.closes_at) {
        (Some(from), _) if now < from => view::Openness::NotYet { from },
        (_, Some(closed)) if now >= closed => view::Openness::Closed { since: Some(closed) },
        (_, until) => view::Openness::Open { until },
    }
}

/// What work of this kind is called within a sentence.
pub(super) fn noun(assignment: &Assignment) -> String {
    use quire_engine::course::AssessmentType;
    match assignment.kind {
        AssessmentType::Draft => "draft",
        AssessmentType::Quiz => "quiz",
        AssessmentType::FinalExam | AssessmentType::Practice => "work",
        AssessmentType::Summative | AssessmentType::Formative => "essay",
    }
    .to_owned()
}

/// Marks as pages show them.
pub(super) fn assessment(
    marking: &Marking,
    assessment: &Assessment,
    before: Option<&Assessment>,
    kept_from: Option<i64>,
) -> view::Assessment {
    let rubric = &marking.context.rubric;
    let criteria = assessment
        .marks
        .criteria
        .iter()
        .map(|mark| {
            let criterion = rubric.criterion(&mark.criterion);
            let level = criterion.and_then(|c| c.level(&mark.level));
            view::Criterion {
                name: criterion.map_or_else(|| mark.criterion.clone(), |c| c.title.clone()),
                score: score(mark.points, criterion.map_or(mark.points, |c| c.most())),
                level: level.map(|(_, level)| level.title.clone()).filter(|title| !title.is_empty()),
                level_number: level.map_or(0, |(number, _)| u32::try_from(number).unwrap_or(0)),
                levels: criterion.map_or(0, |c| u32::try_from(c.levels.len()).unwrap_or(0)),
                comment: mark.comment.clone(),
                evidence: mark
                    .evidence
                    .iter()
                    .map(|e| view::Evidence {
                        quote: e.quote.clone(),
                        range: Some(e.start as usize..e.end as usize),
                    })
                    .collect(),
            }
        })
        .collect();
    let compared = before.map_or_else(Vec::new, |before| {
        let old: BTreeMap<&str, Points> =
            before.marks.criteria.iter().map(|m| (m.criterion.as_str(), m.points)).collect();
        assessment
            .marks
            .criteria
            .iter()
            .filter_map(|mark| {
                let gained = Points(mark.points.0 - old.get(mark.criterion.as_str())?.0);
                let name = rubric.criterion(&mark.criterion)?.title.clone();
                (gained.0 != 0).then(|| view::Change { criterion: name, points: gained.into() })
            })
            .collect()
    });
    view::Assessment {
        total: score(Points(assessment.total), Points(assessment.most)),
        feedback: assessment.marks.feedback.clone(),
        criteria,
        next: Some(assessment.marks.next_step.clone()).filter(|next| !next.trim().is_empty()),
        decided_by: match &assessment.decided_by {
            None => match kept_from.and_then(|draft| u32::try_from(draft).ok()) {
                None => view::DecidedBy::Model,
                Some(draft) => view::DecidedBy::Kept { draft },
            },
            Some(by) => view::DecidedBy::Person { by: by.clone(), at: assessment.created_at },
        },
        released_at: assessment.released_at,
        simulated: assessment.marks.is_simulated(),
        compared,
    }
}
