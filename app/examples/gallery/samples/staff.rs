//! Samples of what instructors see.

use super::student::{ESSAY, assessment};
use super::{ago, now};
use chrono::TimeDelta;
use quire_app::view::*;

const COUNTS: StatusCounts = StatusCounts {
    queued: 34,
    processing: 112,
    in_review: 9,
    completed: 1_048,
    needs_attention: 2,
    withdrawn: 61,
    closed: 3,
};

pub fn home() -> TeachHome {
    let item = |id: &str, title: &str, openness: Openness, counts: StatusCounts| TeachAssignmentItem {
        id: id.to_owned(),
        title: title.to_owned(),
        course: "Writing 101".to_owned(),
        openness,
        counts,
    };
    TeachHome {
        assignments: vec![
            item(
                "essay-2",
                "Essay 2: A letter to the editor",
                Openness::Open { until: Some(ago(-3_115)) },
                COUNTS,
            ),
            item(
                "journal-47",
                "Reading journal, week 47",
                Openness::Open { until: None },
                StatusCounts::default(),
            ),
            item(
                "essay-1",
                "Essay 1: A place I know",
                Openness::Closed { since: Some(ago(30_000)) },
                StatusCounts { completed: 1_211, withdrawn: 40, ..StatusCounts::default() },
            ),
        ],
    }
}

pub fn assignment(id: &str, filter: SubmissionFilter, page: u64) -> Option<TeachAssignment> {
    let row = |tracking_id: &str, student: &str, draft: u32, minutes: i64, status: Status| TeachRow {
        tracking_id: tracking_id.to_owned(),
        student: student.to_owned(),
        draft: Draft { number: draft, allowed: Some(3) },
        submitted_at: ago(minutes),
        status,
        score: None,
        confidence: None,
        held_because: None,
    };
    let rows = vec![
        row("QR-7F3K-92MD", "Ada Lind", 2, 3, Status::Queued),
        row("QR-80CN-41VS", "Jonas Weber", 1, 9, Status::Processing),
        TeachRow {
            score: Some(Score { points: 9.0, out_of: 15.0 }),
            confidence: Some(0.52),
            held_because: Some("confidence below 0.6".to_owned()),
            ..row("QR-HELD", "Mirjam Oduya", 1, 96, Status::InReview)
        },
        TeachRow {
            score: Some(Score { points: 13.0, out_of: 15.0 }),
            confidence: Some(0.91),
            ..row("QR-DONE", "Ada Lind", 1, 4_300, Status::Completed)
        },
        TeachRow {
            held_because: Some("two replies could not be used".to_owned()),
            ..row("QR-TROUBLE", "Tomás Ferreira-Villalobos", 1, 5_100, Status::NeedsAttention)
        },
        row("QR-GONE", "Jonas Weber", 1, 6_000, Status::Withdrawn),
        row("QR-CLOSED", "Mirjam Oduya", 2, 6_100, Status::Closed),
    ];
    let page_of = |rows: Vec<TeachRow>, total: u64| TeachAssignment {
        id: id.to_owned(),
        title: "Essay 2: A letter to the editor".to_owned(),
        course: "Writing 101".to_owned(),
        openness: Openness::Open { until: Some(ago(-3_115)) },
        counts: COUNTS,
        mean: Some(Score { points: 10.84, out_of: 15.0 }),
        cost: NanoUsd(1_914_200_000),
        simulated: true,
        rows: rows
            .into_iter()
            .filter(|row| filter.status.is_none_or(|status| row.status == status))
            .collect(),
        paging: Paging { page, per_page: 50, total },
    };
    match id {
        "essay-2" => Some(page_of(rows, filter.status.map_or(COUNTS.total(), |status| COUNTS.of(status)))),
        "journal-47" => Some(TeachAssignment {
            title: "Reading journal, week 47".to_owned(),
            openness: Openness::Open { until: None },
            counts: StatusCounts::default(),
            mean: None,
            cost: NanoUsd(0),
            simulated: false,
            ..page_of(Vec::new(), 0)
        }),
        _ => None,
    }
}

fn decision(minutes: i64) -> Decision {
    Decision {
        at: ago(minutes),
        route: Route::Batch,
        lane: Lane::Standard,
        provider: "OpenAI".to_owned(),
        model: "gpt-6-luna".to_owned(),
        rule: Some("peak_hours_optimization".to_owned()),
        reasons: vec![
            "It is a peak hour and the work is not urgent, so it goes in a batch.".to_owned(),
            "Marks are needed by Monday; a batch is back within two hours in nine of ten cases.".to_owned(),
            "OpenAI and Anthropic cost the same for this model class; OpenAI has three of five batch slots free."
                .to_owned(),
        ],
        confidence: 0.94,
        cost: NanoUsd(1_640_000),
        estimate: Some(TimeRange { from: ago(-125), to: ago(-215) }),
        fallbacks: vec!["Anthropic, claude-haiku-5-5".to_owned()],
        facts: [
            ("assignment.type", "essay"),
            ("budget.used", "0.46"),
            ("clock.peak", "true"),
            ("course.id", "writing-101"),
            ("submission.tokens", "1318"),
            ("urgency", "medium"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec(),
    }
}

fn attempt(number: u32, minutes: i64, outcome: AttemptOutcome) -> Attempt {
    Attempt {
        number,
        route: Route::Batch,
        provider: "OpenAI".to_owned(),
        model: "gpt-6-luna".to_owned(),
        batch_id: Some("b-2041".to_owned()),
        started_at: ago(minutes),
        took: Some(TimeDelta::minutes(47)),
        outcome,
        tokens: Some((1_318, 402)),
        cost: Some(NanoUsd(812_000)),
    }
}

pub fn submission(tracking_id: &str) -> Option<StaffSubmission> {
    let waiting = StaffSubmission {
        tracking_id: tracking_id.to_owned(),
        assignment_id: "essay-2".to_owned(),
        assignment: "Essay 2: A letter to the editor".to_owned(),
        course: "Writing 101".to_owned(),
        student: "Ada Lind".to_owned(),
        draft: Draft { number: 2, allowed: Some(3) },
        submitted_at: ago(3),
        status: Status::Queued,
        estimate: Some(TimeRange { from: ago(-125), to: ago(-215) }),
        place: Some((23, 34)),
        work: Work { text: ESSAY.to_owned(), words: 222 },
        assessment: None,
        confidence: None,
        held_because: None,
        dead_letter: None,
        decisions: vec![decision(3)],
        attempts: Vec::new(),
        reused: None,
        cost: NanoUsd(0),
    };
    match tracking_id {
        "QR-7F3K-92MD" => Some(waiting),
        "QR-HELD" => Some(StaffSubmission {
            student: "Mirjam Oduya".to_owned(),
            status: Status::InReview,
            place: None,
            assessment: Some(Assessment { released_at: None, ..assessment(false) }),
            confidence: Some(0.52),
            held_because: Some(
                "the model’s confidence of 0.52 is below 0.6, which this assignment asks for.".to_owned(),
            ),
            decisions: vec![decision(50), Decision { rule: None, confidence: 0.71, ..decision(96) }],
            attempts: vec![
                attempt(2, 49, AttemptOutcome::Marked),
                Attempt {
                    tokens: Some((1_318, 611)),
                    ..attempt(
                        1,
                        96,
                        AttemptOutcome::Failed(
                            "the reply was not valid JSON: it ended at character 2,048".to_owned(),
                        ),
                    )
                },
            ],
            cost: NanoUsd(1_702_000),
            ..waiting
        }),
        "QR-TROUBLE" => Some(StaffSubmission {
            student: "Tomás Ferreira-Villalobos".to_owned(),
            status: Status::NeedsAttention,
            estimate: None,
            place: None,
            held_because: Some("two replies could not be used".to_owned()),
            dead_letter: Some("dead-one".to_owned()),
            attempts: vec![attempt(
                1,
                96,
                AttemptOutcome::Failed(
                    "the reply was not valid JSON: it ended at character 2,048".to_owned(),
                ),
            )],
            cost: NanoUsd(812_000),
            ..waiting
        }),
        "QR-DONE" => Some(StaffSubmission {
            status: Status::Completed,
            place: None,
            assessment: Some(assessment(true)),
            confidence: Some(0.91),
            attempts: vec![Attempt {
                route: Route::Realtime,
                batch_id: None,
                took: Some(TimeDelta::seconds(6)),
                started_at: now() - TimeDelta::seconds(70),
                ..attempt(1, 1, AttemptOutcome::Marked)
            }],
            cost: NanoUsd(812_000),
            ..waiting
        }),
        "QR-AGAIN" => Some(StaffSubmission {
            status: Status::Completed,
            place: None,
            assessment: Some(assessment(true)),
            confidence: Some(0.91),
            reused: Some(Reused { saved: NanoUsd(812_000), kept_from: None }),
            ..waiting
        }),
        _ => None,
    }
}

pub fn mark_by_hand(tracking_id: &str) -> Option<MarkByHand> {
    let level = |id: &str, name: &str, description: &str, points: f64| LevelToMark {
        id: id.to_owned(),
        name: name.to_owned(),
        description: description.to_owned(),
        points,
    };
    let criterion = |id: &str, name: &str, description: &str| CriterionToMark {
        id: id.to_owned(),
        name: name.to_owned(),
        description: description.to_owned(),
        most: 5.0,
        levels: vec![
            level("missing", "Missing", "It is not there.", 0.0),
            level("begun", "Begun", "It is there, and the reader has to look for it.", 2.5),
            level("clear", "Clear and held throughout", "The reader knows it early and never loses it.", 5.0),
        ],
    };
    (tracking_id == "QR-TROUBLE").then(|| MarkByHand {
        tracking_id: tracking_id.to_owned(),
        assignment_id: "essay-2".to_owned(),
        assignment: "Essay 2: A letter to the editor".to_owned(),
        course: "Writing 101".to_owned(),
        student: "Tomás Ferreira-Villalobos".to_owned(),
        draft: Draft { number: 1, allowed: Some(3) },
        why: "the level \"splendid\" of the criterion \"position\" is not one of the rubric".to_owned(),
        held: false,
        criteria: vec![
            criterion("position", "Position", "Whether the reader learns what is asked for."),
            criterion("support", "Support", ""),
        ],
        work: Work { text: ESSAY.to_owned(), words: 222 },
    })
}
