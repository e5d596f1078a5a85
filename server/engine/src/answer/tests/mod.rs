//! The same work is not paid for twice, on both databases.
#![allow(clippy::unwrap_used)]

mod near;

use super::*;
use crate::{
    batching,
    billing::BillingError,
    budget::{self, Kind, Line},
    course::{self, AssessmentType, Assignment, ReleasePolicy},
    engine::testing::{House, house, house_set, house_with, person},
    identity::{self, Actor, Role},
    jobs::Verdict,
    notice::Mailer,
    provider::{
        Answer, ApiKey, Outcome, ProviderKind, Reply, Usage,
        registry::{NewProvider, store::put_provider},
    },
    queue::{self, Job, JobState},
    recovery::{Cause, Remedy},
    result::{Arrived, Judged, Marks, Source, judge},
    routing::Route,
    settings::Settings,
    store::{BatchId, Db, Digest, Exec as _, JobId, Json, NanoUsd, SubmissionId, testing::each_db},
    submission::{HandIn, SubmissionState, TrackingId},
};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

const WORK: &str = "I hold that computers help us. They let us learn.";

const USAGE: Usage = Usage {
    input_tokens: 900,
    cached_tokens: 0,
    cache_write_tokens: 0,
    cache_write_long_tokens: 0,
    output_tokens: 40,
    reasoning_tokens: 0,
};

/// What a student handed in.
struct Handed {
    student: Actor,
    tracking_id: TrackingId,
    submission: SubmissionId,
    job: JobId,
}

/// A student of this number hands this work in.
async fn hand_in(house: &House, number: usize, assignment: &Assignment, text: &str) -> Handed {
    let mut db = house.engine.db();
    let email = format!("student{number}@example.edu");
    let id = match identity::store::person_by_email(&mut db, &email.parse().unwrap()).await.unwrap() {
        Some(person) => person.id,
        None => person(&mut db, &house.engine.world().clone(), &email, false).await,
    };
    identity::store::set_role(&mut db, assignment.course_id, id, Role::Student).await.unwrap();
    let student = house.engine.identity().actor(id).await.unwrap();
    let (assignment, text) = (assignment.id, text.to_owned());
    let input = HandIn { assignment, student: None, text, file_name: None, idempotency: None };
    let receipt = house.engine.hand_in(&student, input).await.unwrap();
    let submission = receipt.submission.id;
    let (job, ..) = queue::store::of_submission(&mut db, submission).await.unwrap().unwrap();
    Handed { student, tracking_id: receipt.submission.tracking_id, submission, job: job.id }
}

/// The same work of so many students.
async fn alike(house: &House, students: usize) -> Vec<Handed> {
    let mut handed = Vec::new();
    for number in 0..students {
        house.clock.advance(TimeDelta::seconds(1));
        handed.push(hand_in(house, number, &house.assignment, WORK).await);
    }
    handed
}

/// Cuts an hour later; answers how many jobs each batch has.
async fn cut(house: &House) -> Vec<(BatchId, i64)> {
    house.clock.advance(TimeDelta::hours(1));
    cut_now(house).await
}

async fn cut_now(house: &House) -> Vec<(BatchId, i64)> {
    house.engine.refresh_load().await.unwrap();
    let mut cut = Vec::new();
    for provider in house.engine.ready_to_cut(house.engine.now()).await.unwrap() {
        for id in house.engine.cut(&provider, house.engine.now()).await.unwrap() {
            let batch = batching::store::find(&mut house.engine.db(), id).await.unwrap().unwrap();
            cut.push((id, batch.jobs));
        }
    }
    cut
}

fn marks(words: &str) -> String {
    let mark = json!({"level": "strong", "evidence": [1], "comment": words});
    json!({"criteria": {"position": mark}, "feedback": "Good.", "next_step": "Go on.", "confidence": 0.9})
        .to_string()
}

/// A batch comes back: what was asked in it was answered so.
async fn back(house: &House, batch: BatchId, said: &str) {
    let engine = &house.engine;
    let mut db = engine.db();
    let items = batching::store::items(&mut db, batch, 0, 100).await.unwrap();
    let ids: Vec<JobId> = items.iter().map(|item| item.job_id).collect();
    let mut arrived = Vec::new();
    for (job, work) in queue::store::with_works(&mut db, &ids).await.unwrap() {
        let marking = engine.marking(work.assignment_id).await.unwrap();
        let reply = Reply {
            response_id: format!("answer-{}", job.id),
            model: job.model.clone(),
            answer: Answer::Json(said.to_owned()),
            usage: Some(USAGE),
        };
        let (lanes, retry) = (engine.settings().lanes, engine.settings().retry);
        let rubric = &marking.context.rubric;
        let judged = judge(Outcome::Answered(reply), &job, rubric, &work, lanes.of(job.lane), &retry);
        arrived.push(Arrived::new(job, work.student_id, &marking, judged));
    }
    engine.take_in(Source::Batch(batch), arrived).await.unwrap();
    close(house, batch).await;
}

async fn close(house: &House, batch: BatchId) {
    let sql = "UPDATE batches SET state = 'done', finished_at = $2 WHERE id = $1";
    house.engine.db().query(sql).bind(batch).bind(house.engine.now()).exec().await.unwrap();
}

/// A batch comes back in which its jobs failed for good.
async fn failed(house: &House, batch: BatchId) {
    let engine = &house.engine;
    let mut db = engine.db();
    let items = batching::store::items(&mut db, batch, 0, 100).await.unwrap();
    let ids: Vec<JobId> = items.iter().map(|item| item.job_id).collect();
    let mut arrived = Vec::new();
    for (job, work) in queue::store::with_works(&mut db, &ids).await.unwrap() {
        let marking = engine.marking(work.assignment_id).await.unwrap();
        let judged =
            Judged::Failed { cause: Cause::Refused, why: "refused".into(), again: None, counts: true };
        arrived.push(Arrived::new(job, work.student_id, &marking, judged));
    }
    engine.take_in(Source::Batch(batch), arrived).await.unwrap();
    close(house, batch).await;
}

async fn job(house: &House, handed: &Handed) -> Job {
    queue::store::find(&mut house.engine.db(), handed.job).await.unwrap().unwrap()
}

async fn states(house: &House, handed: &[Handed]) -> Vec<JobState> {
    let mut states = Vec::new();
    for one in handed {
        states.push(job(house, one).await.state);
    }
    states
}

async fn lines(house: &House, handed: &Handed) -> Vec<Line> {
    budget::lines_of_job(&mut house.engine.db(), handed.job).await.unwrap()
}

/// What was spent on a job, and what is held for it still.
async fn money(house: &House, handed: &Handed) -> (NanoUsd, NanoUsd) {
    let lines = lines(house, handed).await;
    (lines.iter().map(|l| l.spent).sum(), lines.iter().map(|l| l.reserved + l.expected).sum())
}

/// The assessment of a job as staff see it, and what was saved by giving it again.
async fn seen(house: &House, handed: &Handed) -> (Option<Marks>, Option<NanoUsd>) {
    let view = house.engine.submission(&Actor::System, &handed.tracking_id).await.unwrap();
    (view.assessment.map(|assessment| assessment.marks.0), view.borrowed.map(|borrowed| borrowed.saved))
}

/// Kinds and channels of all notices about a submission.
async fn notices(house: &House, handed: &Handed) -> Vec<(String, String)> {
    let sql = "SELECT kind, channel FROM notices WHERE subject_id = $1 ORDER BY kind, channel";
    house.engine.db().query(sql).bind(handed.submission.0).all().await.unwrap()
}

/// Kinds of all events about a submission, in order.
async fn events(house: &House, handed: &Handed) -> Vec<String> {
    let sql = "SELECT kind FROM events WHERE subject_id = $1 ORDER BY seq";
    let rows: Vec<(String,)> = house.engine.db().query(sql).bind(handed.submission.0).all().await.unwrap();
    rows.into_iter().map(|(kind,)| kind).collect()
}

async fn change(db: &Db, sql: &'static str, job: JobId) {
    assert_eq!(db.clone().query(sql).bind(job).exec().await.unwrap(), 1);
}

#[tokio::test]
async fn of_two_alike_in_one_cut_one_is_asked_and_both_are_marked() {
    each_db(async |db| {
        let house = house(db.clone(), Mailer::off()).await;
        let handed = alike(&house, 2).await;
        let batches = cut(&house).await;
        assert_eq!(batches.len(), 1);
        assert_eq!(batches[0].1, 1, "one request for both");
        assert_eq!(states(&house, &handed).await, [JobState::Batched, JobState::Queued]);
        // The other waits, and no batch is cut for it.
        assert!(cut(&house).await.is_empty());
        house.engine.end_waits().await.unwrap();
        assert_eq!(states(&house, &handed).await, [JobState::Batched, JobState::Queued]);
        let backlog = queue::store::backlog(&mut db.clone(), house.engine.now()).await.unwrap();
        assert_eq!(backlog.iter().map(|b| (b.ready, b.waiting)).collect::<Vec<_>>(), [(0, 1)]);

        back(&house, batches[0].0, &marks("Clear.")).await;
        house.engine.end_waits().await.unwrap();
        assert_eq!(states(&house, &handed).await, [JobState::Done; 2]);
        let (first, second) = (seen(&house, &handed[0]).await, seen(&house, &handed[1]).await);
        assert!(first.0.is_some());
        assert_eq!(first.0, second.0, "the same marks");
        let (paid, held) = money(&house, &handed[0]).await;
        assert!(paid > NanoUsd::ZERO);
        assert_eq!((first.1, second.1), (None, Some(paid)), "what it would have cost");
        assert_eq!((held, money(&house, &handed[1]).await), (NanoUsd::ZERO, (NanoUsd::ZERO, NanoUsd::ZERO)));
        let last = lines(&house, &handed[1]).await.pop().unwrap();
        assert_eq!((last.kind, last.note.as_deref()), (Kind::Release, Some(Likeness::SameWork.why())));
        // Their students were told the same, and see the same.
        assert_eq!(notices(&house, &handed[0]).await, notices(&house, &handed[1]).await);
        assert_eq!(events(&house, &handed[0]).await, events(&house, &handed[1]).await);
        for one in &handed {
            let view = house.engine.submission(&one.student, &one.tracking_id).await.unwrap();
            assert_eq!((view.submission.state, view.borrowed), (SubmissionState::Completed, None));
            assert!(view.started_at.is_some() && view.finished_at.is_some());
        }
    })
    .await;
}

#[tokio::test]
async fn what_was_answered_before_is_given_again_when_it_would_be_sent() {
    each_db(async |db| {
        let house = house(db.clone(), Mailer::off()).await;
        let first = hand_in(&house, 1, &house.assignment, WORK).await;
        let batch = cut(&house).await[0];
        back(&house, batch.0, &marks("Clear.")).await;
        // The student's own next draft, word for word, and that of another.
        let again = [
            hand_in(&house, 1, &house.assignment, WORK).await,
            hand_in(&house, 2, &house.assignment, WORK).await,
            hand_in(&house, 3, &house.assignment, "Quite another work. It has its own words.").await,
        ];
        assert_eq!(states(&house, &again).await, [JobState::Queued; 3], "not at hand-in");
        let held: NanoUsd = money(&house, &again[1]).await.1;
        assert!(held > NanoUsd::ZERO);
        let batches = cut(&house).await;
        assert_eq!(batches.iter().map(|b| b.1).collect::<Vec<_>>(), [1], "the other work alone is sent");
        assert_eq!(states(&house, &again).await, [JobState::Done, JobState::Done, JobState::Batched]);
        let ids: Vec<(JobId, Option<String>)> = db
            .clone()
            .query("SELECT job_id, response_id FROM assessments ORDER BY created_at, id")
            .all()
            .await
            .unwrap();
        assert_eq!(ids.len(), 3, "an assessment for each");
        assert_eq!(seen(&house, &again[1]).await.1, Some(money(&house, &first).await.0));
        // Estimates are not learnt from it.
        let learnt =
            crate::forecast::store::outcomes(&mut db.clone(), DateTime::UNIX_EPOCH, 10).await.unwrap();
        assert_eq!(learnt.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_letter_a_brief_or_a_rubric_makes_it_another_request() {
    each_db(async |db| {
        let house = house(db.clone(), Mailer::off()).await;
        let first = hand_in(&house, 0, &house.assignment, WORK).await;
        let batch = cut(&house).await[0];
        back(&house, batch.0, &marks("Clear.")).await;
        let letter = hand_in(&house, 1, &house.assignment, &WORK.replace("help", "helm")).await;
        let mut x = db.clone();
        let world = house.engine.world().clone();
        let brief = Assignment {
            id: world.id(),
            key: "essay-3".into(),
            brief: "Write more.".into(),
            ..house.assignment.clone()
        };
        course::store::insert_assignment(&mut x, &brief).await.unwrap();
        let brief = hand_in(&house, 2, &brief, WORK).await;
        let marking = house.engine.marking(house.assignment.id).await.unwrap();
        let mut rubric = marking.context.rubric.clone();
        rubric.criteria[0].description = "How clear it is.".into();
        let (version, _) =
            course::store::put_rubric(&mut x, &world, house.assignment.course_id, "essay", &rubric)
                .await
                .unwrap();
        let changed = Assignment { rubric_version_id: version.id, ..house.assignment.clone() };
        course::store::update_assignment(&mut x, &changed).await.unwrap();
        house.engine.courses().forget_all();
        let rubric = hand_in(&house, 3, &house.assignment, WORK).await;
        // The same title, brief and rubric in another assignment ask the same.
        house.clock.advance(TimeDelta::seconds(1));
        let twin = Assignment { id: world.id(), key: "essay-4".into(), ..changed };
        course::store::insert_assignment(&mut x, &twin).await.unwrap();
        let twin = hand_in(&house, 4, &twin, WORK).await;
        let sent: i64 = cut(&house).await.iter().map(|b| b.1).sum();
        assert_eq!(sent, 3);
        let all = [first, letter, brief, rubric, twin];
        use JobState::{Batched, Done, Queued};
        assert_eq!(states(&house, &all).await, [Done, Batched, Batched, Batched, Queued]);
    })
    .await;
}

#[tokio::test]
async fn another_provider_is_asked_for_itself() {
    each_db(async |db| {
        let house = house_with(db.clone(), Mailer::off(), &["alpha", "beta"]).await;
        let handed = alike(&house, 2).await;
        let providers = ["alpha", "beta"];
        for (one, name) in handed.iter().zip(providers) {
            let sql = "UPDATE model_jobs SET provider = $2 WHERE id = $1";
            db.clone().query(sql).bind(one.job).bind(name.to_owned()).exec().await.unwrap();
        }
        assert_eq!(cut(&house).await.iter().map(|b| b.1).collect::<Vec<_>>(), [1, 1]);
    })
    .await;
}

#[tokio::test]
async fn if_the_first_dies_the_next_is_asked_and_the_first_is_given_its_answer() {
    each_db(async |db| {
        let house = house(db.clone(), Mailer::off()).await;
        let admin = person(&mut db.clone(), &house.engine.world().clone(), "a@example.edu", true).await;
        let admin = house.engine.identity().actor(admin).await.unwrap();
        let handed = alike(&house, 3).await;
        let batch = cut(&house).await[0];
        failed(&house, batch.0).await;
        assert_eq!(job(&house, &handed[0]).await.state, JobState::Dead);
        house.engine.end_waits().await.unwrap();
        let batches = cut_now(&house).await;
        assert_eq!(batches.iter().map(|b| b.1).collect::<Vec<_>>(), [1]);
        use JobState::{Batched, Dead, Done, Queued};
        assert_eq!(states(&house, &handed).await, [Dead, Batched, Queued]);
        back(&house, batches[0].0, &marks("Clear.")).await;
        house.engine.end_waits().await.unwrap();
        assert_eq!(states(&house, &handed).await, [Dead, Done, Done]);
        // The first is tried again as it is: by now there is an answer.
        let filter = crate::recovery::Filter::OPEN;
        let letters = house.engine.dead_letters(&admin, &filter, 1, 10).await.unwrap().rows;
        house.engine.decide_about(&admin, &[letters[0].id], &Remedy::Retry, None).await.unwrap();
        assert!(cut_now(&house).await.is_empty());
        assert_eq!(states(&house, &handed).await, [Done; 3]);
        for one in &handed {
            assert_eq!(money(&house, one).await.1, NanoUsd::ZERO);
        }
    })
    .await;
}

#[tokio::test]
async fn a_draft_that_is_withdrawn_while_it_waits_leaves_nothing_behind() {
    each_db(async |db| {
        let house = house(db.clone(), Mailer::off()).await;
        let handed = alike(&house, 2).await;
        let batch = cut(&house).await[0];
        let newer = hand_in(&house, 1, &house.assignment, "Another draft. It says more.").await;
        back(&house, batch.0, &marks("Clear.")).await;
        house.engine.end_waits().await.unwrap();
        assert_eq!(states(&house, &handed).await, [JobState::Done, JobState::Withdrawn]);
        assert_eq!(seen(&house, &handed[1]).await, (None, None));
        assert_eq!(money(&house, &handed[1]).await, (NanoUsd::ZERO, NanoUsd::ZERO));
        assert_eq!(job(&house, &newer).await.state, JobState::Queued);
    })
    .await;
}

#[tokio::test]
async fn a_second_time_changes_nothing_and_a_crash_loses_nothing() {
    each_db(async |db| {
        let house = house(db.clone(), Mailer::off()).await;
        let handed = alike(&house, 2).await;
        let batch = cut(&house).await[0];
        back(&house, batch.0, &marks("Clear.")).await;
        let pair = [(handed[1].job, handed[0].job)];
        // The process ends before it is on disk.
        let mut tx = house.engine.db().begin().await.unwrap();
        house.engine.give(&mut tx, &pair).await.unwrap();
        tx.rollback().await.unwrap();
        assert_eq!(job(&house, &handed[1]).await.state, JobState::Queued);
        let over = async || {
            let before = house.engine.now() - LONGEST_WAIT;
            queue::store::waits_over(&mut db.clone(), before, 10).await.unwrap()
        };
        assert_eq!(over().await, [handed[1].job], "it is found again");
        for _ in 0..2 {
            let mut tx = house.engine.db().begin().await.unwrap();
            house.engine.give(&mut tx, &pair).await.unwrap();
            tx.commit().await.unwrap();
        }
        assert_eq!(over().await, []);
        assert_eq!(job(&house, &handed[1]).await.state, JobState::Done);
        let kinds: Vec<Kind> = lines(&house, &handed[1]).await.iter().map(|line| line.kind).collect();
        assert_eq!(kinds, [Kind::Reserve, Kind::Release]);
        let state = house.engine.submission(&Actor::System, &handed[1].tracking_id).await.unwrap();
        assert_eq!(state.submission.state, SubmissionState::Completed);
    })
    .await;
}

#[tokio::test]
async fn a_person_approves_what_is_given_again_where_a_person_approves() {
    each_db(async |db| {
        let house = house(db.clone(), Mailer::off()).await;
        hand_in(&house, 0, &house.assignment, WORK).await;
        let batch = cut(&house).await[0];
        back(&house, batch.0, &marks("Clear.")).await;
        let world = house.engine.world().clone();
        let approved = Assignment {
            id: world.id(),
            key: "approved".into(),
            release: ReleasePolicy::OnApproval,
            ..house.assignment.clone()
        };
        course::store::insert_assignment(&mut db.clone(), &approved).await.unwrap();
        let held = hand_in(&house, 1, &approved, WORK).await;
        assert!(cut(&house).await.is_empty());
        let view = house.engine.submission(&held.student, &held.tracking_id).await.unwrap();
        assert_eq!(view.submission.state, SubmissionState::InReview);
        assert!(view.assessment.is_none(), "not before it is approved");
        let (marks, saved) = seen(&house, &held).await;
        assert!(marks.is_some() && saved.is_some());
        assert!(notices(&house, &held).await.iter().all(|(kind, _)| kind != "ready"));
    })
    .await;
}

#[tokio::test]
async fn nobody_waits_for_an_answer_for_more_than_a_day() {
    each_db(async |db| {
        let house = house(db.clone(), Mailer::off()).await;
        let handed = alike(&house, 2).await;
        cut(&house).await;
        house.clock.advance(LONGEST_WAIT);
        house.engine.end_waits().await.unwrap();
        assert_eq!(cut_now(&house).await.iter().map(|b| b.1).collect::<Vec<_>>(), [1]);
        assert_eq!(states(&house, &handed).await, [JobState::Batched; 2]);
        assert!(!db.clone().query("SELECT id FROM model_jobs").all::<(JobId,)>().await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn what_is_to_be_asked_anew_is_asked() {
    each_db(async |db| {
        let house = house(db.clone(), Mailer::off()).await;
        let handed = alike(&house, 1).await;
        let batch = cut(&house).await[0];
        back(&house, batch.0, &marks("Clear.")).await;
        let sent = async |why: &str, expected: i64| {
            let sent: i64 = cut(&house).await.iter().map(|b| b.1).sum();
            assert_eq!(sent, expected, "{why}");
            db.clone().query("UPDATE batches SET state = 'done'").exec().await.unwrap();
        };
        let unusable = hand_in(&house, 1, &house.assignment, WORK).await;
        change(&db, "UPDATE model_jobs SET attempt = 1 WHERE id = $1", unusable.job).await;
        sent("an answer to it could not be used", 1).await;
        let edited = hand_in(&house, 2, &house.assignment, WORK).await;
        change(&db, "UPDATE model_jobs SET edit_id = id WHERE id = $1", edited.job).await;
        sent("a person edited it", 1).await;
        hand_in(&house, 3, &house.assignment, WORK).await;
        sent("the first still has its answer", 0).await;
        // The prompt was another when the first was marked.
        let sql = "UPDATE assessments SET prompt = $2 WHERE job_id = $1";
        db.clone().query(sql).bind(handed[0].job).bind(Digest::of("else")).exec().await.unwrap();
        let other = hand_in(&house, 4, &house.assignment, WORK).await;
        sent("it was marked by another prompt", 1).await;
        change(&db, "UPDATE model_jobs SET state = 'dead' WHERE id = $1", other.job).await;
        // Marked by hand in the end.
        let by_hand = hand_in(&house, 5, &house.assignment, WORK).await;
        sent("the one before died", 1).await;
        let sql = "INSERT INTO assessments (id, submission_id, job_id, total, most, created_at, decided_by, marks) \
                   VALUES ($1, $2, $1, 0, 500, $3, $4, $5)";
        let marks: serde_json::Value = serde_json::to_value(seen(&house, &handed[0]).await.0.unwrap()).unwrap();
        let mut x = db.clone();
        let query = x.query(sql).bind(by_hand.job).bind(by_hand.submission).bind(house.engine.now());
        query.bind(by_hand.student.person_id()).bind(Json(marks)).exec().await.unwrap();
        change(&db, "UPDATE model_jobs SET state = 'done' WHERE id = $1", by_hand.job).await;
        hand_in(&house, 6, &house.assignment, WORK).await;
        sent("a person's marks are given to nobody else", 1).await;
    })
    .await;
}

#[tokio::test]
async fn it_can_be_switched_off() {
    each_db(async |db| {
        let settings = Settings { reuse_answers: false, ..Settings::default() };
        let house = house_set(db.clone(), Mailer::off(), &["openai"], settings).await;
        let handed = alike(&house, 2).await;
        assert_eq!(cut(&house).await.iter().map(|b| b.1).sum::<i64>(), 2);
        // Those that waited when it was switched off wait no longer.
        let sql = "UPDATE model_jobs SET state = 'queued', batch_id = NULL, same_as = $2 WHERE id = $1";
        db.clone().query(sql).bind(handed[1].job).bind(handed[0].job).exec().await.unwrap();
        house.clock.advance(TimeDelta::seconds(1));
        house.engine.end_waits().await.unwrap();
        assert_eq!(cut(&house).await.iter().map(|b| b.1).sum::<i64>(), 1);
    })
    .await;
}

#[tokio::test]
async fn work_that_is_decided_again_waits_for_nobody() {
    each_db(async |db| {
        let house = house(db.clone(), Mailer::off()).await;
        let handed = alike(&house, 2).await;
        cut(&house).await;
        let (before, decision, _) =
            queue::store::of_submission(&mut db.clone(), handed[1].submission).await.unwrap().unwrap();
        let after = Job { provider: "other".into(), ..before.clone() };
        let mut x = db.clone();
        assert!(queue::store::decide_again(&mut x, &before, &after, &decision, "why").await.unwrap());
        let ready = queue::store::ready(&mut x, "other", &after.model, house.engine.now(), 10).await.unwrap();
        assert_eq!(ready.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn what_a_month_saved_is_told_to_administrators_by_course() {
    each_db(async |db| {
        let house = house(db.clone(), Mailer::off()).await;
        let handed = alike(&house, 3).await;
        let batch = cut(&house).await[0];
        back(&house, batch.0, &marks("Clear.")).await;
        house.engine.end_waits().await.unwrap();
        let month = house.engine.now().format("%Y-%m").to_string();
        let told = house.engine.reused(&Actor::System, &month).await.unwrap();
        let paid = money(&house, &handed[0]).await.0;
        let twice = NanoUsd(paid.0 * 2);
        assert_eq!((told.month.as_str(), told.answers, told.saved), (&*month, 2, twice));
        assert_eq!(told.courses.len(), 1);
        let by = &told.courses[0];
        assert_eq!((&*by.course, &*by.cost_centre, by.answers, by.saved), ("W101", "arts", 2, twice));
        let next = house.engine.reused(&Actor::System, "2999-01").await;
        assert!(matches!(next, Err(BillingError::Future { .. })));
        let denied = house.engine.reused(&house.student, &month).await;
        assert!(matches!(denied, Err(BillingError::Identity(_))));
        // Nothing of it is spent.
        house.engine.refresh_load().await.unwrap();
        let spent = house.engine.load().budgets.spending.clone();
        assert!(spent.iter().all(|s| s.spent == paid && s.reserved == NanoUsd::ZERO), "{spent:?}");
    })
    .await;
}

/// A provider that answers calls, and how many it answered.
async fn answering() -> (String, Arc<AtomicUsize>) {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    let answer = move || {
        let nth = counted.fetch_add(1, Ordering::SeqCst);
        async move {
            let message = json!({"role": "assistant", "content": marks("Clear.")});
            json!({"id": format!("chatcmpl-{nth}"), "object": "chat.completion", "model": "gpt-6-luna",
                "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
                "usage": {"prompt_tokens": 900, "completion_tokens": 40, "total_tokens": 940}})
            .to_string()
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/v1", listener.local_addr().unwrap());
    let router = axum::Router::new().fallback(answer);
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (base, calls)
}

/// A house whose provider answers calls.
async fn calling(db: Db) -> (House, Arc<AtomicUsize>) {
    let house = house(db, Mailer::off()).await;
    let (base_url, calls) = answering().await;
    let new = NewProvider {
        name: "openai".into(),
        kind: ProviderKind::Openai,
        base_url,
        key: Some(ApiKey::from("sk-test")),
        enabled: true,
        settings: serde_json::from_str(r#"{"models": ["gpt-6-luna"]}"#).unwrap(),
    };
    house.clock.advance(TimeDelta::seconds(1));
    let engine = &house.engine;
    put_provider(&mut engine.db(), &engine.world().clone(), engine.registry().master(), &new).await.unwrap();
    engine.refresh_load().await.unwrap();
    (house, calls)
}

async fn exam(house: &House) -> Assignment {
    let exam = Assignment {
        id: house.engine.world().id(),
        key: "exam".into(),
        kind: AssessmentType::FinalExam,
        ..house.assignment.clone()
    };
    course::store::insert_assignment(&mut house.engine.db(), &exam).await.unwrap();
    exam
}

fn later(verdict: Verdict) -> DateTime<Utc> {
    match verdict {
        Verdict::LookAgain(at) => at,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_call_is_not_made_again_and_takes_as_long_as_one() {
    each_db(async |db| {
        let (house, calls) = calling(db.clone()).await;
        let exam = exam(&house).await;
        let handed = [hand_in(&house, 0, &exam, WORK).await, hand_in(&house, 1, &exam, WORK).await];
        assert_eq!(job(&house, &handed[1]).await.route, Route::Realtime);
        // While the first is asked the second waits a moment.
        let mut tx = house.engine.db().begin().await.unwrap();
        let first = job(&house, &handed[0]).await;
        assert!(house.engine.instead_of_call(&mut tx, &first).await.unwrap().is_none());
        assert!(queue::store::take_for_call(&mut tx, first.id, house.engine.now()).await.unwrap());
        tx.commit().await.unwrap();
        let at = later(house.engine.call_job(handed[1].job).await.unwrap());
        assert_eq!(at, house.engine.now() + TimeDelta::seconds(2));
        change(&db, "UPDATE model_jobs SET state = 'queued' WHERE id = $1", handed[0].job).await;
        assert!(matches!(house.engine.call_job(handed[0].job).await.unwrap(), Verdict::Done));
        assert_eq!(calls.load(Ordering::SeqCst), 1);
        house.clock.advance(at - house.engine.now());
        let due = later(house.engine.call_job(handed[1].job).await.unwrap());
        let arrived = job(&house, &handed[1]).await.arrived_at;
        assert_eq!(due, arrived + house.engine.call_takes("openai"));
        house.clock.advance(due - house.engine.now());
        assert!(matches!(house.engine.call_job(handed[1].job).await.unwrap(), Verdict::Done));
        assert_eq!(states(&house, &handed).await, [JobState::Done; 2]);
        assert_eq!(calls.load(Ordering::SeqCst), 1, "one call for both");
        assert_eq!(seen(&house, &handed[0]).await.0, seen(&house, &handed[1]).await.0);
        assert_eq!(seen(&house, &handed[1]).await.1, Some(money(&house, &handed[0]).await.0));
        assert_eq!(money(&house, &handed[1]).await, (NanoUsd::ZERO, NanoUsd::ZERO));
        assert_eq!(notices(&house, &handed[0]).await, notices(&house, &handed[1]).await);
        assert_eq!(events(&house, &handed[0]).await, events(&house, &handed[1]).await);
    })
    .await;
}

#[tokio::test]
async fn of_calls_that_begin_at_once_one_is_made() {
    each_db(async |db| {
        let (house, calls) = calling(db.clone()).await;
        let exam = exam(&house).await;
        let mut handed = Vec::new();
        for number in 0..4 {
            handed.push(hand_in(&house, number, &exam, WORK).await);
        }
        let all = handed.iter().map(|one| house.engine.call_job(one.job));
        let verdicts: Vec<Verdict> =
            futures::future::join_all(all).await.into_iter().map(Result::unwrap).collect();
        assert_eq!(calls.load(Ordering::SeqCst), 1, "{verdicts:?}");
        let done = verdicts.iter().filter(|verdict| matches!(verdict, Verdict::Done)).count();
        assert_eq!(done, 1, "{verdicts:?}");
        let done = states(&house, &handed).await.into_iter().filter(|state| *state == JobState::Done);
        assert_eq!(done.count(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_call_does_not_wait_for_a_batch_but_takes_its_answer_at_the_price_of_a_call() {
    each_db(async |db| {
        let (house, calls) = calling(db.clone()).await;
        let handed = alike(&house, 4).await;
        let soon = "UPDATE model_jobs SET route = 'realtime', ready_at = arrived_at WHERE id = $1";
        change(&db, soon, handed[2].job).await;
        change(&db, soon, handed[3].job).await;
        let batch = cut(&house).await[0];
        assert_eq!(batch.1, 1);
        assert!(matches!(house.engine.call_job(handed[2].job).await.unwrap(), Verdict::Done));
        assert_eq!(calls.load(Ordering::SeqCst), 1, "it could not wait");
        use JobState::{Batched, Done, Queued};
        assert_eq!(states(&house, &handed).await, [Batched, Queued, Done, Queued]);
        // Its answer is there for the others: for the one in real time at once, at its own price.
        assert!(matches!(house.engine.call_job(handed[3].job).await.unwrap(), Verdict::Done));
        assert_eq!(calls.load(Ordering::SeqCst), 1);
        let call = money(&house, &handed[2]).await.0;
        assert_eq!(seen(&house, &handed[3]).await.1, Some(call));
        back(&house, batch.0, &marks("Clear.")).await;
        house.engine.end_waits().await.unwrap();
        assert_eq!(states(&house, &handed).await, [Done; 4]);
        let batched = money(&house, &handed[0]).await.0;
        assert!(batched < call);
        assert_eq!(seen(&house, &handed[1]).await.1, Some(batched), "at the price of a batch");
    })
    .await;
}

fn a_job(route: Route, now: DateTime<Utc>) -> Job {
    Job { route, ..queue::testing::job(JobId(uuid::Uuid::from_u128(1)), now) }
}

#[test]
fn what_is_done_follows_from_how_the_first_stands() {
    let now = DateTime::UNIX_EPOCH + TimeDelta::days(1);
    let prompt = Digest::of("prompt");
    let id = JobId(uuid::Uuid::from_u128(9));
    let first = |state| First {
        id,
        state,
        provider: "openai".into(),
        model: "m".into(),
        edited: false,
        given: false,
        prompt: Some(prompt.clone()),
    };
    let (batch, call) = (a_job(Route::Batch, now), a_job(Route::Realtime, now));
    let told = |job: &Job, first: First| next(job, Some(&first), &prompt, now);
    assert_eq!(next(&batch, None, &prompt, now), Next::Ask);
    for (state, by_batch, by_call) in [
        (JobState::Queued, Next::Ask, Next::Ask),
        (JobState::Batched, Next::Wait(id), Next::Ask),
        (JobState::Calling, Next::Wait(id), Next::Wait(id)),
        (JobState::Done, Next::Give(id), Next::Give(id)),
        (JobState::Dead, Next::Ask, Next::Ask),
        (JobState::Withdrawn, Next::Ask, Next::Ask),
    ] {
        assert_eq!((told(&batch, first(state)), told(&call, first(state))), (by_batch, by_call), "{state:?}");
        let again = Job { attempt: 1, ..batch.clone() };
        assert_eq!(told(&again, first(state)), Next::Ask);
        assert_eq!(told(&batch, First { id: batch.id, ..first(state) }), Next::Ask, "itself");
        for other in [
            First { edited: true, ..first(state) },
            First { given: true, ..first(state) },
            First { provider: "other".into(), ..first(state) },
            First { model: "other".into(), ..first(state) },
        ] {
            assert!(!other.stands(&batch, &prompt));
            assert_eq!(told(&batch, other), Next::Ask);
        }
    }
    for prompt in [None, Some(Digest::of("else"))] {
        assert_eq!(told(&batch, First { prompt, ..first(JobState::Done) }), Next::Ask);
    }
    let old = Job { arrived_at: now - LONGEST_WAIT, ..batch };
    assert_eq!(told(&old, first(JobState::Batched)), Next::Ask);
    assert_eq!(told(&old, first(JobState::Done)), Next::Give(id));
}

#[test]
fn all_that_makes_a_request_is_in_its_digest() {
    let (here, there) = ("http://a.example/v1".parse().unwrap(), "http://b.example/v1".parse().unwrap());
    let (one, two) = (Digest::of("1"), Digest::of("2"));
    let all = [
        request(("p", ProviderKind::Openai, &here), "m", &one, &two),
        request(("q", ProviderKind::Openai, &here), "m", &one, &two),
        request(("p", ProviderKind::Compatible, &here), "m", &one, &two),
        request(("p", ProviderKind::Openai, &there), "m", &one, &two),
        request(("p", ProviderKind::Openai, &here), "n", &one, &two),
        request(("p", ProviderKind::Openai, &here), "m", &two, &two),
        request(("p", ProviderKind::Openai, &here), "m", &one, &one),
    ];
    let different: std::collections::HashSet<_> = all.iter().collect();
    assert_eq!(different.len(), all.len());
    assert_eq!(all[0], request(("p", ProviderKind::Openai, &here), "m", &one, &two));
}
