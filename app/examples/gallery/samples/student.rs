//! Samples of what students see.

use super::{ago, now};
use chrono::{DateTime, TimeDelta, Utc};
use quire_app::view::*;
use std::sync::atomic::{AtomicU32, Ordering};

/// The essay that most samples are about.
pub const ESSAY: &str = "A library that closes at six is a library for people who have nothing to do after lunch. \
Most of us have lessons until four and then training, work or a little brother to fetch. I want our town to keep the \
reading room open until nine, three evenings a week.\n\n\
The first reason is quiet. There are five of us in three rooms at home, and the kitchen table is only mine when \
everyone else has eaten. In the reading room I wrote my whole history paper in two evenings, because nobody asked me \
anything.\n\n\
The second reason is that it costs less than people think. Our librarian told me that one evening takes two people \
and four hours. That is not nothing, but the town paid more for the new flower beds in front of the station.\n\n\
Some say that nobody would come. Last winter the school tried it for a month and had to fetch chairs from the \
gym. But that is a guess about the future too, and the honest way is to try it and count.\n\n\
So let us try it until Easter and count the people at the door. If the room stays empty I will say sorry in this \
newspaper.";

/// The submission whose wait moves, and how many places it has moved up.
pub const MOVING: &str = "QR-MOVING";
pub static MOVED: AtomicU32 = AtomicU32::new(0);

const COURSE: &str = "Writing 101";
const TITLE: &str = "Essay 2: A letter to the editor";

fn essay() -> Work {
    Work { text: ESSAY.to_owned(), words: 222 }
}

fn link(label: &str, href: &str) -> Option<Link> {
    Some(Link { label: label.to_owned(), href: href.to_owned() })
}

fn remark(sign: RemarkSign, title: &str, detail: &str, link: Option<Link>) -> Remark {
    Remark { sign, title: title.to_owned(), detail: detail.to_owned(), link }
}

pub fn sign_in() -> SignIn {
    let person = |id: &str, name: &str, part: &str| DemoPerson {
        id: id.to_owned(),
        name: name.to_owned(),
        part: part.to_owned(),
    };
    SignIn {
        people: vec![
            person("ada", "Ada Lind", "student in Writing 101"),
            person("berg", "Nora Berg", "teaches Writing 101"),
            person("okafor", "Remi Okafor", "runs this Quire"),
        ],
    }
}

fn item(tracking_id: &str, draft: u32, minutes: i64, status: Status) -> SubmissionItem {
    SubmissionItem {
        tracking_id: tracking_id.to_owned(),
        assignment: TITLE.to_owned(),
        course: COURSE.to_owned(),
        draft: Draft { number: draft, allowed: Some(3) },
        submitted_at: ago(minutes),
        status,
        estimate: None,
        score: None,
        unseen: false,
    }
}

pub fn empty_home() -> StudentHome {
    StudentHome { assignments: Vec::new(), submissions: Vec::new(), notices: Vec::new() }
}

pub fn home() -> StudentHome {
    let waiting = SubmissionItem {
        estimate: Some(TimeRange { from: ago(-65), to: ago(-155) }),
        ..item("QR-7F3K-92MD", 2, 3, Status::Queued)
    };
    let marked = SubmissionItem {
        assignment: "Reading journal, week 46".to_owned(),
        score: Some(Score { points: 8.0, out_of: 10.0 }),
        unseen: true,
        ..item("QR-2HXW-60PA", 1, 2_980, Status::Completed)
    };
    let first = SubmissionItem {
        score: Some(Score { points: 11.0, out_of: 15.0 }),
        ..item("QR-51TB-77QE", 1, 4_300, Status::Completed)
    };
    StudentHome {
        assignments: vec![
            AssignmentItem {
                id: "essay-2".to_owned(),
                title: TITLE.to_owned(),
                course: COURSE.to_owned(),
                openness: Openness::Open { until: Some(ago(-3_115)) },
                drafts_left: Some(1),
                latest: Some(waiting.clone()),
            },
            AssignmentItem {
                id: "journal-47".to_owned(),
                title: "Reading journal, week 47".to_owned(),
                course: COURSE.to_owned(),
                openness: Openness::Open { until: Some(ago(-5_995)) },
                drafts_left: None,
                latest: None,
            },
            AssignmentItem {
                id: "project-plan".to_owned(),
                title: "Project plan".to_owned(),
                course: "Physics for everyone".to_owned(),
                openness: Openness::NotYet { from: ago(-8_000) },
                drafts_left: Some(2),
                latest: None,
            },
            AssignmentItem {
                id: "journal-46".to_owned(),
                title: "Reading journal, week 46".to_owned(),
                course: COURSE.to_owned(),
                openness: Openness::Closed { since: Some(ago(2_700)) },
                drafts_left: None,
                latest: Some(marked.clone()),
            },
        ],
        submissions: vec![waiting, marked, first],
        notices: notices(1).notices.into_iter().filter(|notice| !notice.read).collect(),
    }
}

pub fn hand_in(assignment: &str) -> Option<HandIn> {
    let page = HandIn {
        assignment_id: assignment.to_owned(),
        title: TITLE.to_owned(),
        course: COURSE.to_owned(),
        noun: "essay".to_owned(),
        brief: "Write a letter to the editor of your local newspaper. Take one position on something that your town \
                could change within a year, and win over a reader who disagrees.\n\n\
                Give at least two reasons from your own experience or from a source that you name, and answer the \
                strongest point of the other side."
            .to_owned(),
        openness: Openness::Open { until: Some(ago(-3_115)) },
        marks_by: Some(ago(-7_435)),
        words_min: Some(200),
        words_max: Some(400),
        max_characters: 60_000,
        max_bytes: 10_000_000,
        file_types: ["txt", "md", "docx", "pdf", "html"].map(str::to_owned).to_vec(),
        drafts_left: Some(3),
        earlier: Vec::new(),
        replaces_waiting: false,
        keeps_marks: false,
        criteria: [
            ("Position", "One clear position, held to the end."),
            ("Support", "Reasons that a stranger can follow and check."),
            ("Other side", "The strongest point of the other side, answered fairly."),
        ]
        .map(|(name, description)| CriterionOutline {
            name: name.to_owned(),
            description: description.to_owned(),
            score: Score { points: 0.0, out_of: 5.0 },
        })
        .to_vec(),
        form_token: "01935f2e-5f5e-7c3a-9b1d-0a1b2c3d4e5f".to_owned(),
    };
    match assignment {
        "essay-2" => Some(page),
        "essay-2-again" => Some(HandIn {
            drafts_left: Some(1),
            earlier: vec![
                item("QR-7F3K-92MD", 2, 3, Status::Queued),
                SubmissionItem {
                    score: Some(Score { points: 11.0, out_of: 15.0 }),
                    ..item("QR-51TB-77QE", 1, 4_300, Status::Completed)
                },
            ],
            replaces_waiting: true,
            keeps_marks: true,
            ..page
        }),
        "hostile" => Some(HandIn {
            title: "<script>alert(1)</script> & co".to_owned(),
            brief: "<img src=x onerror=alert(2)>".to_owned(),
            ..page
        }),
        "essay-2-closed" => Some(HandIn { openness: Openness::Closed { since: Some(ago(60)) }, ..page }),
        "essay-2-used" => Some(HandIn {
            drafts_left: Some(0),
            earlier: vec![item("QR-7F3K-92MD", 3, 3, Status::Processing)],
            ..page
        }),
        _ => None,
    }
}

/// How far the sample submissions are. `moved` is how many places the moving one has moved up.
pub fn progress(tracking_id: &str, moved: u32, at: DateTime<Utc>) -> Option<Progress> {
    let queued = Progress {
        status: Status::Queued,
        lane: Lane::Standard,
        estimate: Some(TimeRange { from: ago(-125), to: ago(-215) }),
        approval_follows: false,
        place: Some(Place { position: 23, of: 34, joined_at: 29, moved_back_because: None }),
        submitted_at: ago(3),
        queued_at: Some(ago(3)),
        processing_at: None,
        processing_expected: Some(ago(-85)),
        marked_at: None,
        released_at: None,
        fraction: 0.02,
        interim_ready: true,
    };
    let processing = Progress {
        status: Status::Processing,
        place: None,
        processing_at: Some(ago(1)),
        fraction: 0.4,
        ..queued.clone()
    };
    Some(match tracking_id {
        "QR-7F3K-92MD" => queued,
        MOVING => Progress {
            status: if moved < 6 { Status::Queued } else { Status::Processing },
            place: Some(Place {
                position: 23 - moved.min(22),
                of: 34 - moved.min(22),
                joined_at: 29,
                moved_back_because: None,
            }),
            processing_at: (moved >= 6).then_some(at),
            interim_ready: moved >= 1,
            ..queued
        },
        "QR-BACK" => Progress {
            place: Some(Place {
                position: 31,
                of: 220,
                joined_at: 29,
                moved_back_because: Some("work with an earlier deadline came in".to_owned()),
            }),
            approval_follows: true,
            ..queued
        },
        "QR-FRESH" => Progress { interim_ready: false, estimate: None, place: None, ..queued },
        "QR-URGENT" => Progress {
            lane: Lane::Urgent,
            estimate: Some(TimeRange {
                from: now() + TimeDelta::seconds(4),
                to: now() + TimeDelta::seconds(20),
            }),
            ..processing
        },
        "QR-MARKING" => processing,
        "QR-LATE" => Progress { estimate: Some(TimeRange { from: ago(30), to: ago(5) }), ..processing },
        "QR-REVIEW" => Progress {
            status: Status::InReview,
            approval_follows: true,
            marked_at: Some(ago(1)),
            ..processing
        },
        "QR-TROUBLE" => Progress { status: Status::NeedsAttention, estimate: None, ..processing },
        "QR-CLOSED" | "QR-CLOSED-FOR-GOOD" => {
            Progress { status: Status::Closed, estimate: None, place: None, ..processing }
        }
        "QR-GONE" => Progress { status: Status::Withdrawn, place: None, ..queued },
        "QR-DONE" | "QR-ALONE" | "QR-BY-HAND" | "QR-KEPT" => Progress {
            status: Status::Completed,
            marked_at: Some(ago(2)),
            released_at: Some(ago(1)),
            fraction: 1.0,
            ..processing
        },
        _ => return None,
    })
}

pub fn interim(tracking_id: &str) -> Interim {
    let text = |paragraph: u32| format!("/s/{tracking_id}/text#p{paragraph}");
    Interim {
        remarks: vec![
            remark(
                RemarkSign::Fine,
                "The length fits.",
                "222 words, and 200 to 400 were asked for. It takes about a minute to read.",
                None,
            ),
            remark(
                RemarkSign::Fine,
                "Five paragraphs,",
                "with an opening and a closing one. Your sentences have 15 words on average.",
                None,
            ),
            remark(
                RemarkSign::Look,
                "You name a source without saying where to find it.",
                "The task asks for sources that a reader can look up.",
                link("See paragraph 3", &text(3)),
            ),
            remark(
                RemarkSign::Look,
                "The word “count” closes two paragraphs in a row.",
                "",
                link("See paragraph 4", &text(4)),
            ),
        ],
        prompts: vec![
            "Which of your reasons would move someone who pays for the reading room and never uses it?"
                .to_owned(),
            "Where could a reader ask how you know?".to_owned(),
        ],
        resources: vec![Link {
            label: "How to answer the other side (two pages)".to_owned(),
            href: "https://example.org/answering".to_owned(),
        }],
    }
}

pub fn submission(tracking_id: &str) -> Option<Submission> {
    let moved = if tracking_id == MOVING { MOVED.load(Ordering::Relaxed) } else { 0 };
    let progress = progress(tracking_id, moved, now())?;
    let status = progress.status;
    Some(Submission {
        tracking_id: tracking_id.to_owned(),
        course: COURSE.to_owned(),
        assignment_id: "essay-2".to_owned(),
        assignment: TITLE.to_owned(),
        noun: "essay".to_owned(),
        draft: Draft { number: 2, allowed: Some(3) },
        submitted_at: progress.submitted_at,
        words: 222,
        interim: progress.interim_ready.then(|| interim(tracking_id)),
        replace: (!["QR-ALONE", "QR-CLOSED-FOR-GOOD"].contains(&tracking_id))
            .then_some(Replace { until: Some(ago(-3_115)), left: Some(1) }),
        reach: vec![Reach::Platform, Reach::Email("ada.lind@example.org".to_owned())],
        release: if progress.approval_follows { Release::Approved } else { Release::UnsureHeld },
        outcome: (status == Status::Completed).then(|| Outcome {
            assessment: match tracking_id {
                "QR-BY-HAND" => by_hand(),
                "QR-KEPT" => kept(),
                _ => assessment(tracking_id == "QR-DONE"),
            },
            work: essay(),
        }),
        replaced_by: (status == Status::Withdrawn).then(|| "QR-7F3K-92MD".to_owned()),
        closed: (status == Status::Closed).then(|| Closed {
            reason: "Your file holds a blank page only. Hand in the essay itself.".to_owned(),
            at: ago(12),
        }),
        progress,
    })
}

fn evidence(quote: &str) -> Evidence {
    let range = ESSAY.find(quote).map(|start| start..start + quote.len());
    Evidence { quote: quote.to_owned(), range }
}

/// The marks of the sample essay, approved by a teacher or by a simulator alone.
pub fn assessment(approved: bool) -> Assessment {
    let criterion = |name: &str, level: (u32, &str), comment: &str, quotes: &[&str]| Criterion {
        name: name.to_owned(),
        score: Score { points: level.0.into(), out_of: 5.0 },
        level: Some(level.1.to_owned()),
        level_number: level.0,
        levels: 5,
        comment: comment.to_owned(),
        evidence: quotes.iter().map(|quote| evidence(quote)).collect(),
    };
    Assessment {
        total: Score { points: 13.0, out_of: 15.0 },
        feedback: "You ask for one thing, small enough to be tried, and you stay with it. What you have seen yourself \
                   carries the letter; the money deserves one figure that a reader can look up."
            .to_owned(),
        criteria: vec![
            criterion("Position", (5, "Clear and held throughout"), "The reader knows after three sentences what you want and until when.", &["I want our town to keep the reading room open until nine, three evenings a week."]),
            criterion("Support", (4, "Convincing, not yet checked"), "The kitchen table makes the point better than any number would. The comparison with the flower beds does need one.", &["In the reading room I wrote my whole history paper in two evenings, because nobody asked me anything.", "the town paid more for the new flower beds in front of the station."]),
            criterion("Other side", (4, "Taken seriously"), "You answer the doubt with a trial, which is fair. Say how many came during the trial month.", &["Some say that nobody would come. Last winter the school tried it for a month and had to fetch chairs from the gym."]),
        ],
        next: Some("ask the town hall what the flower beds cost, and name the figure and the year.".to_owned()),
        decided_by: if approved {
            DecidedBy::Approved { by: "N. Berg".to_owned(), at: ago(1) }
        } else {
            DecidedBy::Model
        },
        released_at: Some(ago(1)),
        simulated: !approved,
        compared: if approved {
            vec![Change { criterion: "Support".to_owned(), points: 2.0 }]
        } else {
            Vec::new()
        },
    }
}

/// The same marks, as a model gave them to the draft before.
fn kept() -> Assessment {
    let decided_by = DecidedBy::Kept { draft: 1 };
    Assessment { decided_by, compared: Vec::new(), simulated: false, ..assessment(false) }
}

/// The same marks, given by a person.
fn by_hand() -> Assessment {
    let mut given = assessment(true);
    for criterion in &mut given.criteria {
        criterion.evidence.clear();
    }
    given.criteria[1].comment.clear();
    let decided_by = DecidedBy::Person { by: "N. Berg".to_owned(), at: ago(1) };
    Assessment { decided_by, compared: Vec::new(), ..given }
}

pub fn submitted_text(tracking_id: &str) -> Option<SubmittedText> {
    let progress = progress(tracking_id, 0, now())?;
    Some(SubmittedText {
        tracking_id: tracking_id.to_owned(),
        course: COURSE.to_owned(),
        assignment: TITLE.to_owned(),
        noun: "essay".to_owned(),
        draft: Draft { number: 2, allowed: Some(3) },
        submitted_at: progress.submitted_at,
        file_name: Some("letter.docx".to_owned()),
        work: essay(),
    })
}

pub fn notices(page: u64) -> Notices {
    let notice = |id: u32, title: &str, body: &str, minutes: i64, read: bool, href: Option<&str>| Notice {
        id: id.to_string(),
        title: title.to_owned(),
        body: body.to_owned(),
        at: ago(minutes),
        read,
        href: href.map(str::to_owned),
    };
    Notices {
        notices: vec![
            notice(
                4,
                "Your essay is in",
                "We have “Essay 2: A letter to the editor” safely. Marks are expected today, 16:10 to 17:40.",
                3,
                false,
                Some("/s/QR-7F3K-92MD"),
            ),
            notice(
                3,
                "Your marks are ready",
                "“Reading journal, week 46” has been marked: 8 of 10.",
                1_400,
                false,
                Some("/s/QR-2HXW-60PA"),
            ),
            notice(
                2,
                "Your journal is in",
                "We have “Reading journal, week 46” safely.",
                2_980,
                true,
                Some("/s/QR-2HXW-60PA"),
            ),
            notice(
                1,
                "Welcome to Quire",
                "This is where you read what happens to the work that you hand in.",
                20_000,
                true,
                None,
            ),
        ],
        unread: 2,
        paging: Paging { page, per_page: 20, total: 44 },
    }
}
