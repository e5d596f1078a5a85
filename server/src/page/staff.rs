//! Pages of instructors: assignments, their submissions with marks, one submission.

use super::{
    Pages,
    common::{
        assessment, count, draft, failed, lane, money, openness, page_number, paging, per_page, range, route,
        score, small, state, status,
    },
};
use chrono::{DateTime, TimeDelta, Utc};
use quire_app::{
    data::{PageError, PageResult},
    view,
};
use quire_engine::{
    course::{Criterion, Level, ReleasePolicy, Rubric},
    identity::{Act, Actor, Role},
    routing::Decision,
    store::{AssignmentId, NanoUsd, PersonId},
    submission::{Attempt, Row, SubmissionState, SubmissionView, TrackingId},
};

impl Pages {
    pub(super) async fn teach_home_of(&self, actor: &Actor) -> PageResult<view::TeachHome> {
        let now = self.engine.now();
        let assignments =
            self.engine.assignments_as(actor, Role::Instructor).await.map_err(|e| failed(&e))?;
        let all = self.engine.counts_by_assignment().await.map_err(|e| failed(&e))?;
        Ok(view::TeachHome {
            assignments: assignments
                .into_iter()
                .map(|(assignment, course)| view::TeachAssignmentItem {
                    id: assignment.id.to_string(),
                    openness: openness(&assignment, now),
                    counts: counts(all.get(&assignment.id).map_or(&[], Vec::as_slice)),
                    title: assignment.title,
                    course: course.title,
                })
                .collect(),
        })
    }

    pub(super) async fn teach_assignment_of(
        &self,
        actor: &Actor,
        id: AssignmentId,
        filter: view::SubmissionFilter,
        page: u64,
    ) -> PageResult<view::TeachAssignment> {
        let page = page_number(page);
        let list = self
            .engine
            .submissions_of(actor, id, filter.status.map(state), page, per_page())
            .await
            .map_err(|e| failed(&e))?;
        let by_state = self.engine.submission_counts(actor, id).await.map_err(|e| failed(&e))?;
        let figures = self.engine.marking_figures(id).await.map_err(|e| failed(&e))?;
        let marking = self.engine.marking(id).await.map_err(|e| failed(&e))?;
        let context = &marking.context;
        let held = "A person approves all marks of this assignment.";
        Ok(view::TeachAssignment {
            id: id.to_string(),
            title: context.assignment.title.clone(),
            course: context.course.title.clone(),
            openness: openness(&context.assignment, self.engine.now()),
            counts: counts(&by_state),
            mean: figures.mean_hundredths.map(|mean| view::Score {
                points: (mean / 10.0).round() / 10.0,
                out_of: context.rubric.most().into(),
            }),
            cost: money(figures.spent),
            simulated: list.rows.iter().filter_map(|r| r.marks.as_ref()).any(|m| m.is_simulated()),
            rows: list
                .rows
                .iter()
                .map(|row: &Row| view::TeachRow {
                    tracking_id: row.tracking_id.to_string(),
                    student: row.student.clone(),
                    draft: draft(row.draft, context.assignment.max_drafts),
                    submitted_at: row.submitted_at,
                    status: status(row.state),
                    score: row.total.zip(row.most).map(|(total, most)| score(total, most)),
                    confidence: row.confidence,
                    held_because: (row.state == SubmissionState::InReview).then(|| held.to_owned()),
                })
                .collect(),
            paging: paging(list.page, list.per_page, list.total),
        })
    }

    pub(super) async fn staff_submission_of(
        &self,
        actor: &Actor,
        id: &TrackingId,
    ) -> PageResult<view::StaffSubmission> {
        let s = self.engine.submission(actor, id).await.map_err(|e| failed(&e))?;
        let context = &s.marking.context;
        self.engine
            .identity()
            .check(actor, &Act::SeeCourseWork { course: context.course.id })
            .await
            .map_err(|e| failed(&e))?;
        let text = self.engine.submitted_text(actor, id).await.map_err(|e| failed(&e))?;
        let attempts = self.engine.attempts(s.job.id).await.map_err(|e| failed(&e))?;
        let student = self.student_name(s.submission.student_id).await?;
        let cost = attempts.iter().filter_map(|a| a.spent).fold(NanoUsd::ZERO, |sum, n| sum + n);
        let all = attempts.len();
        let kept_from = s.borrowed.and_then(|borrowed| borrowed.kept_from());
        Ok(view::StaffSubmission {
            tracking_id: s.submission.tracking_id.to_string(),
            assignment_id: context.assignment.id.to_string(),
            assignment: context.assignment.title.clone(),
            course: context.course.title.clone(),
            student,
            draft: draft(s.submission.draft, context.assignment.max_drafts),
            submitted_at: s.submission.submitted_at,
            status: status(s.submission.state),
            estimate: s.estimate.map(range),
            place: s.spot.map(|spot| {
                let int = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
                (int(spot.position), int(spot.of))
            }),
            work: view::Work { words: small(s.submission.words), text },
            confidence: s.assessment.as_ref().and_then(|a| a.confidence),
            held_because: match s.submission.state {
                SubmissionState::InReview => Some(match context.assignment.release {
                    ReleasePolicy::OnApproval => "A person approves all marks of this assignment.".to_owned(),
                    ReleasePolicy::AtOnce => "A routing rule has a person approve them.".to_owned(),
                }),
                SubmissionState::NeedsAttention => s.failure.clone(),
                SubmissionState::Closed => {
                    let closing = self.engine.closing(s.submission.id).await.map_err(|e| failed(&e))?;
                    closing.map(|(reason, _)| reason)
                }
                _ => None,
            },
            dead_letter: self
                .engine
                .open_dead_letter(s.submission.id)
                .await
                .map_err(|e| failed(&e))?
                .map(|id| id.to_string()),
            decisions: decisions(&s),
            attempts: attempts.into_iter().enumerate().map(|(i, a)| attempt(a, all - i)).collect(),
            assessment: s.assessment.as_ref().map(|a| assessment(&s.marking, a, None, kept_from)),
            reused: s.borrowed.map(|borrowed| view::Reused { saved: money(borrowed.saved), kept_from }),
            cost: money(cost),
        })
    }

    pub(super) async fn mark_by_hand_of(
        &self,
        actor: &Actor,
        id: &TrackingId,
    ) -> PageResult<view::MarkByHand> {
        let s = self.engine.submission(actor, id).await.map_err(|e| failed(&e))?;
        let context = &s.marking.context;
        let act = Act::ReleaseMarks { course: context.course.id };
        self.engine.identity().check(actor, &act).await.map_err(|e| failed(&e))?;
        let open = self.engine.open_dead_letter(s.submission.id).await.map_err(|e| failed(&e))?;
        if open.is_none() {
            let message = format!("{id} does not wait for a person any more. Its page says where it stands.");
            return Err(PageError::Invalid { message });
        }
        let text = self.engine.submitted_text(actor, id).await.map_err(|e| failed(&e))?;
        Ok(view::MarkByHand {
            tracking_id: s.submission.tracking_id.to_string(),
            assignment_id: context.assignment.id.to_string(),
            assignment: context.assignment.title.clone(),
            course: context.course.title.clone(),
            student: self.student_name(s.submission.student_id).await?,
            draft: draft(s.submission.draft, context.assignment.max_drafts),
            why: s.failure.clone().unwrap_or_else(|| "it could not be marked automatically".to_owned()),
            held: s.marking.held_for_approval(),
            criteria: criteria(&context.rubric),
            work: view::Work { words: small(s.submission.words), text },
        })
    }

    async fn student_name(&self, id: PersonId) -> PageResult<String> {
        let person = quire_engine::identity::store::person(&mut self.engine.db(), id).await;
        Ok(person.map_err(|e| failed(&e))?.map_or_else(String::new, |person| person.name))
    }
}

fn criteria(rubric: &Rubric) -> Vec<view::CriterionToMark> {
    let level = |level: &Level| view::LevelToMark {
        id: level.id.clone(),
        name: level.title.clone(),
        description: level.description.clone(),
        points: level.points.into(),
    };
    let criterion = |criterion: &Criterion| view::CriterionToMark {
        id: criterion.id.clone(),
        name: criterion.title.clone(),
        description: criterion.description.clone(),
        most: criterion.most().into(),
        levels: criterion.levels.iter().map(level).collect(),
    };
    rubric.criteria.iter().map(criterion).collect()
}

fn counts(by_state: &[(SubmissionState, i64)]) -> view::StatusCounts {
    let of = |state| by_state.iter().find(|(s, _)| *s == state).map_or(0, |(_, n)| count(*n));
    view::StatusCounts {
        queued: of(SubmissionState::Queued),
        processing: of(SubmissionState::Processing),
        in_review: of(SubmissionState::InReview),
        completed: of(SubmissionState::Completed),
        needs_attention: of(SubmissionState::NeedsAttention),
        withdrawn: of(SubmissionState::Withdrawn),
        closed: of(SubmissionState::Closed),
    }
}

/// The present decision and those before it, the newest first.
fn decisions(s: &SubmissionView) -> Vec<view::Decision> {
    let ends = s.past.iter().map(|past| past.ended_at);
    let begins = std::iter::once(s.submission.submitted_at).chain(ends);
    let all = s.past.iter().map(|past| &past.decision).chain([&s.decision]);
    let mut shown: Vec<_> = begins.zip(all).map(|(at, one)| decision(one, at)).collect();
    shown.reverse();
    shown
}

fn decision(decision: &Decision, at: DateTime<Utc>) -> view::Decision {
    let expected = |seconds: i64| at + TimeDelta::seconds(seconds);
    let (soon, late) = decision.seconds;
    view::Decision {
        at,
        route: route(decision.route),
        lane: lane(decision.lane),
        provider: decision.provider.clone(),
        model: decision.model.clone(),
        rule: decision.rule.clone(),
        reasons: vec![decision.reasoning.clone()],
        confidence: decision.confidence,
        cost: money(decision.cost),
        estimate: Some(view::TimeRange { from: expected(soon), to: expected(late) }),
        fallbacks: decision
            .fallbacks
            .iter()
            .map(|f| format!("{} by {}, {} ({})", f.route.name(), f.provider, f.model, f.cost))
            .collect(),
        facts: decision.facts.all(),
    }
}

fn attempt(a: Attempt, number: usize) -> view::Attempt {
    let outcome = match a.outcome.as_deref() {
        None => view::AttemptOutcome::Running,
        Some("marked") => view::AttemptOutcome::Marked,
        Some("answered") if a.error.is_none() => view::AttemptOutcome::Marked,
        Some("answered" | "unusable") => view::AttemptOutcome::Failed(format!(
            "the answer could not be used{}",
            a.error.as_ref().map_or_else(String::new, |why| format!(": {why}"))
        )),
        Some("unfinished") => {
            view::AttemptOutcome::Failed("the batch ended before it was answered".to_owned())
        }
        Some("lost") => view::AttemptOutcome::Failed(format!(
            "spent without an answer{}",
            a.error.as_ref().map_or_else(String::new, |e| format!(": {e}"))
        )),
        Some(other) => view::AttemptOutcome::Failed(a.error.clone().unwrap_or_else(|| other.to_owned())),
    };
    view::Attempt {
        number: u32::try_from(number).unwrap_or(u32::MAX),
        route: route(a.route),
        provider: a.provider,
        model: a.model,
        batch_id: a.batch.map(|id| id.to_string()),
        started_at: a.started_at,
        took: a.ended_at.map(|ended| ended - a.started_at),
        outcome,
        tokens: a.tokens.map(|(input, output)| (count(input), count(output))),
        cost: a.spent.map(money),
    }
}
