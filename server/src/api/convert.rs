//! The engine's answers in the words of the interface.

use super::model;
use chrono::{DateTime, TimeDelta, Utc};
use quire_engine::{
    batching::{Alternative, BatchView, Rated, SizeAdvice},
    course::{Listed, Rubric},
    engine::ProviderOverview,
    forecast::{Advice, Estimates, Trial, Verdict, Window},
    provider::health::{self, Left},
    queue::{self, Spot},
    recovery::{DeadLetter, Happening, Opened, RemedyOutcome, What},
    result,
    routing::{self, Decision},
    submission::{self, Interim, Quick, Row, SubmissionState, SubmissionView, Topic},
};

pub(super) const fn status(state: SubmissionState) -> model::Status {
    match state {
        SubmissionState::Queued => model::Status::Queued,
        SubmissionState::Processing => model::Status::Processing,
        SubmissionState::InReview => model::Status::InReview,
        SubmissionState::Completed => model::Status::Completed,
        SubmissionState::NeedsAttention => model::Status::NeedsAttention,
        SubmissionState::Withdrawn => model::Status::Withdrawn,
        SubmissionState::Closed => model::Status::Closed,
    }
}

pub(super) const fn lane(lane: queue::Lane) -> model::Lane {
    match lane {
        queue::Lane::Urgent => model::Lane::Urgent,
        queue::Lane::Standard => model::Lane::Standard,
        queue::Lane::Economy => model::Lane::Economy,
    }
}

/// Where the work goes and why: all of the reasoning for staff, a friendly line for students.
pub(super) fn route(decision: &Decision, staff: bool) -> model::Route {
    let (kind, friendly) = match decision.route {
        routing::Route::Realtime => {
            (model::RouteType::Realtime, "Your marks are needed soon, so your work is marked at once.")
        }
        routing::Route::Batch => (
            model::RouteType::Batch,
            "There is time, so your work is marked together with that of others, which saves money.",
        ),
    };
    model::Route {
        kind,
        provider: decision.provider.clone(),
        model: decision.model.clone(),
        rule: decision.rule.clone(),
        reasoning: if staff { decision.reasoning.clone() } else { friendly.to_owned() },
        confidence: decision.confidence,
    }
}

/// In steps of five seconds, outwards: finer would be false precision, and make every snapshot a new one.
fn estimate(estimate: queue::Estimate) -> model::Estimate {
    let step = |at: DateTime<Utc>, up: i64| {
        DateTime::from_timestamp((at.timestamp() + up).div_euclid(5) * 5, 0).unwrap_or(at)
    };
    model::Estimate { from: step(estimate.from, 0), to: step(estimate.to, 5) }
}

fn position(spot: Option<Spot>) -> Option<u64> {
    spot.and_then(|spot| u64::try_from(spot.position).ok())
}

fn interim(quick: &Quick, interim: Option<&Interim>) -> model::Interim {
    let later = interim.map(|interim| interim.remarks.as_slice()).unwrap_or_default();
    let remark = |remark: &submission::Remark| model::Remark {
        topic: topic(remark.kind).to_owned(),
        good: remark.good,
        title: remark.title.clone(),
        detail: remark.detail.clone(),
        paragraph: remark.paragraph,
    };
    let resource =
        |r: &quire_engine::course::Resource| model::Resource { title: r.title.clone(), url: r.url.clone() };
    model::Interim {
        words: quick.words,
        sentences: quick.sentences,
        paragraphs: quick.paragraphs,
        reading_minutes: quick.minutes,
        remarks: quick.remarks.iter().chain(later).map(remark).collect(),
        language: interim.and_then(|interim| interim.language.clone()),
        think_about: interim.map(|interim| interim.think_about.clone()).unwrap_or_default(),
        resources: interim
            .map(|interim| interim.resources.iter().map(resource).collect())
            .unwrap_or_default(),
        complete: interim.is_some(),
    }
}

const fn topic(topic: Topic) -> &'static str {
    match topic {
        Topic::Empty => "empty",
        Topic::Length => "length",
        Topic::Language => "language",
        Topic::Readability => "readability",
        Topic::Structure => "structure",
        Topic::LongSentence => "long_sentence",
        Topic::Repeat => "repeat",
        Topic::Citations => "citations",
        Topic::Draft => "draft",
        Topic::Leftover => "leftover",
    }
}

/// What is answered when work was handed in.
pub(super) fn receipt(receipt: &submission::Receipt, staff: bool) -> model::Receipt {
    model::Receipt {
        tracking_id: receipt.submission.tracking_id.to_string(),
        status: status(receipt.submission.state),
        lane: lane(receipt.decision.lane),
        route: route(&receipt.decision, staff),
        position: position(receipt.spot),
        estimate: receipt.estimate.map(estimate),
        interim: interim(&receipt.quick, None),
    }
}

/// A submission as it stands.
pub(super) fn submission(view: &SubmissionView) -> model::Submission {
    let submission = &view.submission;
    let state = submission.state;
    let expected = view.estimate.map(estimate);
    let assessment = view.assessment.as_ref().map(|a| {
        let by =
            Marker { person: a.decided_by.clone(), provider: a.provider.clone(), model: a.model.clone() };
        marks(&view.marking.context.rubric, a.total, a.most, &a.marks, by, a.released_at)
    });
    model::Submission {
        tracking_id: submission.tracking_id.to_string(),
        assignment: submission.assignment_id.0,
        draft: submission.draft,
        submitted_at: submission.submitted_at,
        status: status(state),
        lane: lane(view.job.lane),
        route: route(&view.decision, view.staff),
        position: position(view.spot),
        estimate: expected,
        progress: (view.progress * 100.0).round() / 100.0,
        milestones: milestones(view, expected),
        message: message(state, view.spot, view.closing.as_deref()),
        next_steps: next_steps(view),
        interim: interim(&view.quick, view.interim.as_ref()),
        assessment,
        failure: view.failure.clone(),
        dead_letter: view.dead_letter.map(|id| id.0),
        kept_from_draft: view.borrowed.and_then(|borrowed| borrowed.kept_from()),
        reused: view
            .borrowed
            .filter(|_| view.staff)
            .map(|borrowed| model::Reused { saved_nano_usd: borrowed.saved.0 }),
    }
}

fn milestones(view: &SubmissionView, expected: Option<model::Estimate>) -> Vec<model::Milestone> {
    let milestone = |name: &str, at: Option<DateTime<Utc>>, expected: Option<DateTime<Utc>>| {
        model::Milestone { name: name.to_owned(), at, expected: expected.filter(|_| at.is_none()) }
    };
    // Marking takes what the decision reckoned with; it begins so long before the marks are there.
    let marking = TimeDelta::seconds(view.decision.seconds.0);
    let begins = expected.map(|estimate| (estimate.from - marking).max(view.job.ready_at));
    let released = view.assessment.as_ref().and_then(|a| a.released_at);
    vec![
        milestone("submitted", Some(view.submission.submitted_at), None),
        milestone("queued", Some(view.job.arrived_at), None),
        milestone("processing", view.started_at, begins),
        milestone("completed", released, expected.map(|estimate| estimate.to)),
    ]
}

/// Where it stands, for the student. Times are left to `estimate`, for the reader's own zone.
fn message(state: SubmissionState, spot: Option<Spot>, closing: Option<&str>) -> String {
    match (state, spot) {
        (SubmissionState::Queued, Some(spot)) => {
            format!("Your work is safe and waits to be marked: place {} of {}.", spot.position, spot.of)
        }
        (SubmissionState::Queued, None) => "Your work is safe and waits to be marked.".to_owned(),
        (SubmissionState::Processing, _) => "Your work is being marked.".to_owned(),
        (SubmissionState::InReview, _) => {
            "Your work is marked. Your teacher looks at the marks before you see them.".to_owned()
        }
        (SubmissionState::Completed, _) => "Your marks are ready.".to_owned(),
        (SubmissionState::NeedsAttention, _) => {
            "Your work could not be marked automatically. It is safe, and a person takes care of it."
                .to_owned()
        }
        (SubmissionState::Withdrawn, _) => {
            "A newer version of your work took the place of this one before it was marked.".to_owned()
        }
        (SubmissionState::Closed, _) => format!(
            "Your work could not be marked, and a person closed it without marks. Its text is kept. Why: {}",
            closing.unwrap_or("no reason was given.")
        ),
    }
}

fn next_steps(view: &SubmissionView) -> Vec<String> {
    if let Some(assessment) = view.assessment.as_ref().filter(|a| a.released_at.is_some()) {
        return vec!["Read the feedback beside your work.".to_owned(), assessment.marks.next_step.clone()];
    }
    if view.submission.state == SubmissionState::Closed {
        return vec![
            "Hand in again, where the assignment still takes work from you.".to_owned(),
            "Else ask your teacher what to do, and name your tracking id.".to_owned(),
        ];
    }
    let steps = view.interim.as_ref().map(|interim| interim.next_steps.clone()).unwrap_or_default();
    if steps.is_empty() {
        vec!["You need not wait: you are told as soon as your marks are ready.".to_owned()]
    } else {
        steps
    }
}

/// Who decided on marks.
struct Marker {
    /// The person's name; none: a model.
    person: Option<String>,
    provider: Option<String>,
    model: Option<String>,
}

/// Marks, with the titles that the rubric gives them.
fn marks(
    rubric: &Rubric,
    total: i64,
    most: i64,
    marks: &result::Marks,
    by: Marker,
    released_at: Option<DateTime<Utc>>,
) -> model::Assessment {
    #[expect(clippy::cast_precision_loss, reason = "points are far below 2^52 hundredths")]
    let points = |hundredths: i64| hundredths as f64 / 100.0;
    let criterion = |mark: &result::CriterionMark| {
        let criterion = rubric.criterion(&mark.criterion);
        let level = criterion.and_then(|c| c.level(&mark.level)).map(|(_, level)| level);
        model::CriterionMark {
            id: mark.criterion.clone(),
            title: criterion.map_or_else(|| mark.criterion.clone(), |c| c.title.clone()),
            level: mark.level.clone(),
            level_title: level.map_or_else(|| mark.level.clone(), |l| l.title.clone()),
            points: mark.points.into(),
            out_of: criterion.map_or(mark.points, quire_engine::course::Criterion::most).into(),
            comment: mark.comment.clone(),
            evidence: mark
                .evidence
                .iter()
                .map(|e| model::Evidence { quote: e.quote.clone(), sentence: e.sentence })
                .collect(),
        }
    };
    model::Assessment {
        total: points(total),
        out_of: points(most),
        criteria: marks.criteria.iter().map(criterion).collect(),
        feedback: marks.feedback.clone(),
        next_step: marks.next_step.clone(),
        confidence: marks.confidence,
        decided_by: if by.person.is_some() { "person" } else { "model" }.to_owned(),
        marker: by.person,
        provider: by.provider,
        model: by.model,
        released_at,
    }
}

/// One submission in a list.
pub(crate) fn item(row: &Row, rubric: &Rubric) -> model::SubmissionItem {
    let assessment = row.marks.as_ref().zip(row.total.zip(row.most)).map(|(given, (total, most))| {
        let by = Marker {
            person: row.decided_by.clone(),
            provider: row.model.is_some().then(|| row.provider.clone()),
            model: row.model.clone(),
        };
        marks(rubric, total.0, most.0, given, by, row.released_at)
    });
    model::SubmissionItem {
        tracking_id: row.tracking_id.to_string(),
        student: row.email.clone(),
        student_name: row.student.clone(),
        draft: row.draft,
        status: status(row.state),
        submitted_at: row.submitted_at,
        words: row.words,
        assessment,
    }
}

/// An assignment.
pub(super) fn assignment(listed: &Listed, now: DateTime<Utc>) -> model::Assignment {
    let a = &listed.assignment;
    model::Assignment {
        id: a.id.0,
        title: a.title.clone(),
        course: listed.course_code.clone(),
        course_title: listed.course_title.clone(),
        kind: a.kind.name().to_owned(),
        open: a.opens_at.is_none_or(|opens| opens <= now) && a.closes_at.is_none_or(|closes| now < closes),
        opens_at: a.opens_at,
        closes_at: a.closes_at,
        marks_by: a.marks_by,
        max_drafts: a.max_drafts,
    }
}

pub(super) const fn route_type(route: routing::Route) -> model::RouteType {
    match route {
        routing::Route::Realtime => model::RouteType::Realtime,
        routing::Route::Batch => model::RouteType::Batch,
    }
}

pub(super) fn dead_letter(letter: &DeadLetter) -> model::DeadLetter {
    model::DeadLetter {
        id: letter.id.0,
        tracking_id: letter.tracking_id.to_string(),
        assignment: letter.assignment_id.0,
        assignment_title: letter.assignment.clone(),
        student: letter.student.to_string(),
        provider: letter.provider.clone(),
        model: letter.model.clone(),
        route: route_type(letter.route),
        cause: letter.cause.name().to_owned(),
        why: letter.why.clone(),
        advice: letter.cause.advice().to_owned(),
        died_at: letter.died_at,
        recoveries: letter.recoveries,
        recover_at: letter.recover_at,
        resolution: letter.resolution.map(|resolution| resolution.name().to_owned()),
        resolved_at: letter.resolved_at,
        resolved_by: letter.resolver.clone(),
        reason: letter.reason.clone(),
    }
}

/// A dead letter with its history and request.
pub(super) fn opened(opened: &Opened) -> model::OpenedDeadLetter {
    let Opened { letter, course: _, history, payload } = opened;
    model::OpenedDeadLetter {
        letter: dead_letter(letter),
        meaning: letter.cause.meaning().to_owned(),
        history: history.iter().map(happening).collect(),
        request: model::DeadLetterRequest {
            provider: payload.provider.clone(),
            model: payload.model.clone(),
            route: route_type(payload.route),
            template: payload.template.clone(),
            max_output: payload.max_output,
            input_tokens: payload.input_tokens,
            words_left_out: payload.left_out.map(|words| words as u64),
            body: payload.body.clone(),
            text: payload.text.clone(),
        },
    }
}

fn happening(happening: &Happening) -> model::DeadLetterEvent {
    let (what, said, attempt) = match &happening.what {
        What::HandedIn => ("handed_in", None, None),
        What::Looked => ("text_shown", None, None),
        What::Died { why, .. } => ("died", Some(why.clone()), None),
        What::Edited { reason, .. } => ("request_edited", Some(reason.clone()), None),
        What::Resolved { resolution, reason } => (resolution.name(), reason.clone(), None),
        What::Attempt(attempt) => ("attempt", attempt.error.clone(), Some(attempt)),
    };
    model::DeadLetterEvent {
        at: happening.at,
        what: what.to_owned(),
        by: happening.by.clone(),
        said,
        attempt: attempt.map(|attempt| model::DeadLetterAttempt {
            route: route_type(attempt.route),
            provider: attempt.provider.clone(),
            model: attempt.model.clone(),
            batch: attempt.batch.map(|id| id.0),
            ended_at: attempt.ended_at,
            outcome: attempt.outcome.clone(),
            spent_nano_usd: attempt.spent.map(|spent| spent.0),
        }),
    }
}

pub(super) const fn remedy_outcome(outcome: RemedyOutcome) -> model::RemedyOutcome {
    match outcome {
        RemedyOutcome::Done => model::RemedyOutcome::Done,
        RemedyOutcome::WasResolved => model::RemedyOutcome::WasResolved,
        RemedyOutcome::NotFound => model::RemedyOutcome::NotFound,
    }
}

/// A provider, and how it is.
pub(super) fn provider(p: &ProviderOverview) -> model::Provider {
    let h = &p.health;
    let latency = |l: health::Latency| model::Latency { count: l.count, p50_ms: l.p50_ms, p90_ms: l.p90_ms };
    let of = |route: model::RouteType, left: &[Left]| -> Vec<model::Headroom> {
        let one = |left: &Left| model::Headroom {
            route,
            of: left.measure.name().to_owned(),
            left: left.left,
            limit: left.limit,
            resets_at: left.resets_at,
        };
        left.iter().map(one).collect()
    };
    let calls = of(model::RouteType::Realtime, &h.calls_left);
    model::Provider {
        name: p.name.clone(),
        models: p.models.clone(),
        batches: p.batches.0,
        most_batches: p.batches.1,
        exchanges: h.exchanges,
        success: h.success(),
        calls: h.calls.map(latency),
        questions: h.questions.map(latency),
        turnaround: p
            .measured
            .then_some(model::Turnaround { p50_s: p.turnaround.p50, p90_s: p.turnaround.p90 }),
        rate_limited: h.rate_limited,
        headroom: calls.into_iter().chain(of(model::RouteType::Batch, &h.batches_left)).collect(),
        pause: h.pause.as_ref().map(|pause| model::Pause {
            since: pause.since,
            next_try: pause.next_try,
            reason: pause.reason(),
        }),
        not_before: h.not_before,
        last_error: h.last_error.as_ref().map(|e| model::LastError { at: e.at, what: e.what.clone() }),
    }
}

/// A batch.
pub(super) fn batch(view: &BatchView) -> model::Batch {
    let b = &view.batch;
    model::Batch {
        id: b.id.0,
        name: b.name(),
        parent: b.parent.map(|parent| parent.0),
        parts: b.parts,
        strategy: b.strategy.name().to_owned(),
        provider: b.provider.clone(),
        model: b.model.clone(),
        state: b.state.name().to_owned(),
        provider_batch_id: b.remote_id.clone(),
        provider_state: b.remote_state.clone(),
        jobs: b.jobs,
        completed: b.completed,
        failed: b.failed,
        outcomes: view
            .outcomes
            .iter()
            .map(|(outcome, jobs)| model::Outcomes { outcome: outcome.clone(), jobs: *jobs })
            .collect(),
        reason: b.reason.clone(),
        created_at: b.created_at,
        sent_at: b.sent_at,
        ended_at: b.ended_at,
        finished_at: b.finished_at,
        estimate: view.estimate.map(estimate),
        expected_nano_usd: view.expected.0,
        spent_nano_usd: view.spent.0,
        error: b.error.clone(),
    }
}

pub(super) fn batch_detail(view: &BatchView) -> model::BatchDetail {
    let composed = view.composed.as_ref();
    model::BatchDetail {
        batch: batch(view),
        reasons: composed.map(|c| c.reasons.clone()).unwrap_or_default(),
        candidates: composed.map(|c| c.candidates.iter().map(candidate).collect()).unwrap_or_default(),
        part_ids: view.parts.iter().map(|part| part.id.0).collect(),
    }
}

fn candidate(rated: &Rated) -> model::Candidate {
    let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    model::Candidate {
        strategy: rated.strategy.name().to_owned(),
        batches: count(rated.batches),
        jobs: count(rated.jobs),
        cost_nano_usd: rated.cost.0,
        cached_tokens: rated.cached_tokens,
        seconds: rated.seconds,
        risk: rated.risk,
        score: rated.score,
        reasons: rated.reasons.clone(),
    }
}

pub(super) fn batch_size(advice: SizeAdvice) -> model::BatchSize {
    let outlook = |a: &Alternative| model::BatchSizeOutlook {
        jobs: a.size,
        cost_nano_usd: a.cost.map(|cost| cost.0),
        gathers_seconds: a.gathers,
        p50_seconds: a.seconds.0,
        p90_seconds: a.seconds.1,
        score: a.score,
        note: a.note.clone(),
    };
    let r = advice.recommendation;
    model::BatchSize {
        provider: advice.provider,
        model: advice.model,
        min_jobs: advice.bounds.0,
        max_jobs: advice.bounds.1,
        waiting: advice.waiting,
        standing: advice.standing,
        until: advice.until,
        recommended: outlook(&r.expected),
        reasons: r.reasons,
        alternatives: r.alternatives.iter().map(outlook).collect(),
    }
}

/// How estimates were kept, and what they are made from.
pub(super) fn estimates(e: &Estimates) -> model::Estimates {
    let kept = |row: &quire_engine::forecast::Coverage| model::Coverage {
        provider: row.provider.clone(),
        lane: lane(row.lane),
        route: route_type(row.route),
        jobs: row.jobs,
        within_p50: row.within_p50,
        within_p90: row.within_p90,
    };
    let forecast = |p: &quire_engine::forecast::ProviderForecast| model::ProviderForecast {
        provider: p.provider.clone(),
        batches: seconds(p.batches),
        batches_basis: p.basis.words(),
        calls: seconds(p.calls),
        calls_basis: p.calls_basis.words(),
        trial: trial(&p.trial),
    };
    model::Estimates {
        days: e.days,
        coverage: e.coverage.iter().map(kept).collect(),
        providers: e.providers.iter().map(forecast).collect(),
    }
}

fn trial(trial: &Trial) -> model::ModelTrial {
    model::ModelTrial {
        in_use: trial.verdict == Verdict::Learnt,
        fitted: trial.fitted,
        held_out: trial.held_out,
        fixed_loss_p50: trial.fixed.p50,
        fixed_loss_p90: trial.fixed.p90,
        learnt_loss_p50: trial.learnt.p50,
        learnt_loss_p90: trial.learnt.p90,
        summary: trial.words(),
    }
}

const fn seconds(turnaround: queue::Turnaround) -> model::Seconds {
    model::Seconds { p50: turnaround.p50, p90: turnaround.p90 }
}

/// When to send to a provider.
pub(super) fn schedule_advice(provider: &str, advice: &Advice) -> model::ScheduleAdvice {
    let window = |w: &Window| model::ScheduleWindow {
        from_hour: w.from_hour,
        to_hour: w.to_hour,
        cron: w.cron(),
        batches: w.batches,
        expected: seconds(w.expected),
        reason: w.reason.clone(),
    };
    model::ScheduleAdvice {
        provider: provider.to_owned(),
        batches: advice.batches,
        summary: advice.summary.clone(),
        any_hour: advice.any_hour.map(seconds),
        primary: advice.primary.as_ref().map(window),
        alternatives: advice.alternatives.iter().map(window).collect(),
        avoid: advice.avoid.iter().map(window).collect(),
    }
}
