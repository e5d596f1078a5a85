//! Dead letters on both databases: written, recovered on schedule, and decided about by administrators.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::{
    course::{self, ReleasePolicy},
    engine::testing::{House, house, house_with, mailer_to, person},
    identity::{self, Actor, Denied, IdentityError, Role},
    notice::{self, Mailer},
    queue::{self, Job, JobState},
    result::{self, Arrived, Entered, EnteredMark, Judged, Source},
    routing::Route,
    store::{CallId, Db, DeadLetterId, Exec as _, NanoUsd, testing::each_db},
    submission::{self, SubmissionState},
};
use chrono::TimeDelta;

const ALL: Filter = Filter::ALL;
const OPEN: Filter = Filter::OPEN;

/// A house where something was handed in that the queue then gave up.
async fn dead(db: &Db, cause: Cause) -> (House, Actor, Job) {
    let house = house(db.clone(), Mailer::off()).await;
    let mut db = db.clone();
    let admin = person(&mut db, &house.engine.world().clone(), "admin@example.edu", true).await;
    let admin = house.engine.identity().actor(admin).await.unwrap();
    let receipt = house.hand_in().await;
    let (job, ..) = queue::store::of_submission(&mut db, receipt.submission.id).await.unwrap().unwrap();
    bury(&house, &job, cause).await;
    (house, admin, job)
}

async fn bury(house: &House, job: &Job, cause: Cause) {
    let mut tx = house.engine.db().begin().await.unwrap();
    house.engine.bury_queued(&mut tx, &[job.id], cause, "it did not work").await.unwrap();
    tx.commit().await.unwrap();
}

async fn job_of(house: &House, job: &Job) -> Job {
    queue::store::find(&mut house.engine.db(), job.id).await.unwrap().unwrap()
}

async fn state_of(house: &House, job: &Job) -> SubmissionState {
    submission::store::find(&mut house.engine.db(), job.submission_id).await.unwrap().unwrap().state
}

async fn letters(house: &House, admin: &Actor, filter: Filter) -> Vec<DeadLetter> {
    house.engine.dead_letters(admin, &filter, 1, 100).await.unwrap().rows
}

#[tokio::test]
async fn what_time_may_mend_is_tried_again_three_times_before_a_person_is_asked() {
    each_db(async |db| {
        let (house, admin, job) = dead(&db, Cause::Provider).await;
        let told = async || house.engine.inbox(&admin, false, 0, 10).await.unwrap().total;
        for (recoveries, minutes) in [(0, 15), (1, 60), (2, 240)] {
            let open = letters(&house, &admin, OPEN).await;
            assert_eq!(open.len(), 1);
            assert_eq!((open[0].recoveries, open[0].cause), (recoveries, Cause::Provider));
            assert_eq!(open[0].recover_at, Some(house.engine.now() + TimeDelta::minutes(minutes)));
            assert_eq!(state_of(&house, &job).await, SubmissionState::NeedsAttention);
            assert_eq!(told().await, 0);
            house.clock.advance(TimeDelta::minutes(minutes) - TimeDelta::seconds(1));
            house.engine.recover_due().await.unwrap();
            assert_eq!(job_of(&house, &job).await.state, JobState::Dead);
            house.clock.advance(TimeDelta::seconds(1));
            house.engine.recover_due().await.unwrap();
            let back = job_of(&house, &job).await;
            assert_eq!((back.state, back.attempt, back.failures, back.kills), (JobState::Queued, 0, 0, 0));
            // Money is held when it is sent, not before.
            assert_eq!(back.reserved, NanoUsd::ZERO);
            assert_eq!(state_of(&house, &job).await, SubmissionState::Queued);
            bury(&house, &job, Cause::Provider).await;
        }
        let open = letters(&house, &admin, OPEN).await;
        assert_eq!((open[0].recoveries, open[0].recover_at), (3, None));
        assert_eq!(told().await, 1);
        house.clock.advance(TimeDelta::days(9));
        house.engine.recover_due().await.unwrap();
        assert_eq!(job_of(&house, &job).await.state, JobState::Dead);
        assert_eq!(letters(&house, &admin, ALL).await.len(), 4);
    })
    .await;
}

#[tokio::test]
async fn what_only_people_can_mend_is_told_to_them_at_once() {
    each_db(async |db| {
        let (house, admin, job) = dead(&db, Cause::Refused).await;
        let open = letters(&house, &admin, OPEN).await;
        assert_eq!((open[0].recover_at, open[0].why.as_str()), (None, "it did not work"));
        assert_eq!(open[0].student.to_string(), "ada@example.edu");
        let inbox = house.engine.inbox(&admin, false, 0, 10).await.unwrap();
        assert_eq!((inbox.total, inbox.unread), (1, 1));
        // Each further death is news again.
        house.engine.read_all_notices(&admin).await.unwrap();
        let retried = house.engine.decide_about(&admin, &[open[0].id], &Remedy::Retry, Some(" again ")).await;
        assert_eq!(retried.unwrap(), [RemedyOutcome::Done]);
        bury(&house, &job, Cause::Refused).await;
        let inbox = house.engine.inbox(&admin, false, 0, 10).await.unwrap();
        assert_eq!((inbox.total, inbox.unread), (1, 1));
        let all = letters(&house, &admin, ALL).await;
        let resolved = all.iter().find(|letter| letter.id == open[0].id).unwrap();
        assert_eq!(resolved.resolution, Some(Resolution::Retried));
        assert_eq!((resolved.resolved_by, resolved.reason.as_deref()), (admin.person_id(), Some("again")));
    })
    .await;
}

#[tokio::test]
async fn an_administrator_decides_once() {
    each_db(async |db| {
        let (house, admin, job) = dead(&db, Cause::Refused).await;
        let engine = &house.engine;
        let id = letters(&house, &admin, OPEN).await[0].id;
        let unknown: DeadLetterId = engine.world().id();

        let refused = engine.decide_about(&house.student, &[id], &Remedy::Retry, None).await;
        assert!(matches!(refused, Err(RemedyError::Identity(IdentityError::Denied(Denied::Forbidden(_))))));
        assert!(engine.dead_letters(&house.student, &OPEN, 1, 10).await.is_err());
        for reason in [None, Some(" "), Some(&*"x".repeat(1_001))] {
            let refused = engine.decide_about(&admin, &[id], &Remedy::Discard, reason).await;
            assert!(matches!(refused, Err(RemedyError::Reason)), "{reason:?}");
        }
        assert!(matches!(
            engine.decide_about(&admin, &[], &Remedy::Retry, None).await,
            Err(RemedyError::Number)
        ));
        let way = |provider: &str, model: Option<&str>, route| Remedy::Reroute {
            provider: provider.into(),
            model: model.map(str::to_owned),
            route,
        };
        for wrong in [
            way("nobody", None, None),
            way("openai", Some("gpt-none"), None),
            // Set up, but what it costs is not known.
            way("openai", Some("gpt-unpriced"), None),
        ] {
            let refused = engine.decide_about(&admin, &[id], &wrong, None).await;
            assert!(matches!(refused, Err(RemedyError::Way(_))), "{refused:?}");
        }
        assert_eq!(letters(&house, &admin, OPEN).await.len(), 1);

        let before = job_of(&house, &job).await;
        let remedy = way("openai", Some("gpt-6-luna"), Some(Route::Realtime));
        let done = engine.decide_about(&admin, &[id, unknown, id], &remedy, None).await.unwrap();
        assert_eq!(done, [RemedyOutcome::Done, RemedyOutcome::NotFound, RemedyOutcome::WasResolved]);
        let after = job_of(&house, &job).await;
        assert_eq!((after.state, after.route), (JobState::Queued, Route::Realtime));
        assert_eq!(after.expected.0, before.expected.0 * 2, "real time costs twice as much");

        bury(&house, &job, Cause::Refused).await;
        let id = letters(&house, &admin, OPEN).await[0].id;
        let done = engine.decide_about(&admin, &[id], &Remedy::Discard, Some("not meant to be marked")).await;
        assert_eq!(done.unwrap(), [RemedyOutcome::Done]);
        assert_eq!(job_of(&house, &job).await.state, JobState::Dead);
        assert_eq!(letters(&house, &admin, OPEN).await.len(), 0);
        // The student reads why, and is told once.
        assert_eq!(state_of(&house, &job).await, SubmissionState::Closed);
        let (why, at) = engine.closing(job.submission_id).await.unwrap().unwrap();
        assert_eq!((why.as_str(), at), ("not meant to be marked", engine.now()));
        assert_eq!(told(&house, &house.student, notice::Kind::Closed).await, 1);
        let refused_only = Filter { open: Some(false), cause: Some(Cause::Refused), ..ALL };
        assert_eq!(letters(&house, &admin, refused_only).await.len(), 2);
        let other = Filter { cause: Some(Cause::Killed), ..ALL };
        assert_eq!(letters(&house, &admin, other).await.len(), 0);
    })
    .await;
}

/// A call for the job that the provider failed for good.
async fn fail(house: &House, job: &Job, cause: Cause) {
    let engine = &house.engine;
    let mut tx = engine.db().begin().await.unwrap();
    assert!(queue::store::take_for_call(&mut tx, job.id, engine.now()).await.unwrap());
    let call: CallId = engine.world().id();
    let arrived = Arrived {
        job: Job { state: JobState::Calling, ..job.clone() },
        student: house.student.person_id().unwrap(),
        held_for_approval: false,
        most: 500,
        template: "t".into(),
        prompt: crate::store::Digest::of("t"),
        judged: Judged::Failed { cause, why: "it failed".into(), again: None, counts: true },
    };
    engine.take_in_tx(&mut tx, Source::Call(call), vec![arrived]).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn what_one_provider_fails_the_next_one_takes_until_there_is_none() {
    each_db(async |mut db| {
        let house = house_with(db.clone(), Mailer::off(), &["alpha", "beta", "gamma"]).await;
        let receipt = house.hand_in().await;
        let of = receipt.submission.id;
        let (first, decision, _) = queue::store::of_submission(&mut db, of).await.unwrap().unwrap();
        let order = chain(&decision, first.route);
        assert_eq!(order.len(), 2);
        assert!(order.iter().all(|way| way.route == first.route && way.provider != first.provider));
        house.clock.advance(TimeDelta::hours(1));
        let mut job = first.clone();
        for (diverted, way) in (1..).zip(&order) {
            fail(&house, &job, Cause::Provider).await;
            job = job_of(&house, &job).await;
            assert_eq!((job.state, &job.provider, job.diverted), (JobState::Queued, &way.provider, diverted));
            assert!(job.reserved > NanoUsd::ZERO);
            let (held, last): (i64, Option<String>) = db
                .query(
                    "SELECT CAST(SUM(l.reserved_nano) AS BIGINT), MAX(j.failure) FROM ledger l \
                     JOIN model_jobs j ON j.id = l.job_id WHERE l.job_id = $1",
                )
                .bind(job.id)
                .one()
                .await
                .unwrap();
            assert_eq!(held, job.reserved.0, "what was held for the one before is released");
            assert_eq!(last, Some(format!("it failed; sent on to {}", way.provider)));
            assert_eq!(state_of(&house, &job).await, SubmissionState::Queued);
        }
        fail(&house, &job, Cause::Provider).await;
        assert_eq!(job_of(&house, &job).await.state, JobState::Dead);
    })
    .await;
}

#[tokio::test]
async fn what_another_provider_can_not_mend_is_not_sent_on() {
    each_db(async |mut db| {
        let house = house_with(db.clone(), Mailer::off(), &["alpha", "beta"]).await;
        let receipt = house.hand_in().await;
        let (job, ..) = queue::store::of_submission(&mut db, receipt.submission.id).await.unwrap().unwrap();
        house.clock.advance(TimeDelta::hours(1));
        fail(&house, &job, Cause::NoAnswer).await;
        assert_eq!(job_of(&house, &job).await.state, JobState::Dead);
    })
    .await;
}

async fn told(house: &House, actor: &Actor, kind: notice::Kind) -> usize {
    let inbox = house.engine.inbox(actor, false, 0, 100).await.unwrap();
    inbox.items.iter().filter(|item| item.kind == kind).count()
}

/// An instructor of the house's course.
async fn instructor(house: &House) -> Actor {
    let mut db = house.engine.db();
    let id = person(&mut db, &house.engine.world().clone(), "berg@example.edu", false).await;
    identity::store::set_role(&mut db, house.assignment.course_id, id, Role::Instructor).await.unwrap();
    house.engine.identity().actor(id).await.unwrap()
}

fn entered(level: &str, points: Option<f64>) -> Entered {
    let mark = EnteredMark { level: level.into(), points, comment: "Clear.".into() };
    Entered {
        criteria: [("position".to_owned(), mark)].into(),
        feedback: "Well argued.".into(),
        next_step: "Read it aloud.".into(),
    }
}

#[tokio::test]
async fn an_instructor_of_the_course_marks_by_hand() {
    each_db(async |db| {
        let (house, admin, job) = dead(&db, Cause::Unusable).await;
        let engine = &house.engine;
        let berg = instructor(&house).await;
        let stranger = person(&mut engine.db(), &engine.world().clone(), "eve@example.edu", false).await;
        let stranger = engine.identity().actor(stranger).await.unwrap();
        let id = engine.open_dead_letter(job.submission_id).await.unwrap().unwrap();
        let good = entered("strong", Some(4.5));
        let denied = |refused| match refused {
            Err(RemedyError::Identity(IdentityError::Denied(denied))) => denied,
            other => panic!("{other:?}"),
        };
        let by = async |actor: &Actor| engine.mark_by_hand(actor, id, &good).await;
        assert!(matches!(denied(by(&house.student).await), Denied::Forbidden(_)));
        assert!(matches!(denied(by(&stranger).await), Denied::NotFound));
        let unknown = engine.mark_by_hand(&admin, engine.world().id(), &good).await;
        assert!(matches!(denied(unknown), Denied::NotFound));
        match engine.mark_by_hand(&berg, id, &entered("splendid", None)).await {
            Err(RemedyError::Wrong(wrongs)) => assert_eq!(wrongs[0].field, "criteria.position.level"),
            other => panic!("{other:?}"),
        }
        assert_eq!(state_of(&house, &job).await, SubmissionState::NeedsAttention);

        assert_eq!(by(&berg).await.unwrap(), RemedyOutcome::Done);
        assert_eq!(by(&admin).await.unwrap(), RemedyOutcome::WasResolved);
        assert_eq!(state_of(&house, &job).await, SubmissionState::Completed);
        let done = job_of(&house, &job).await;
        assert_eq!((done.state, done.reserved), (JobState::Done, NanoUsd::ZERO));
        let given = result::store::of_submission(&mut engine.db(), job.submission_id).await.unwrap().unwrap();
        assert_eq!((given.total, given.most, given.confidence), (450, 500, None));
        assert_eq!((given.decided_by.as_deref(), given.provider), (Some("Ada Lind"), None));
        assert_eq!(given.released_at, Some(engine.now()));
        assert_eq!(told(&house, &house.student, notice::Kind::Ready).await, 1);
        let (held, spent): (i64, i64) = engine
            .db()
            .query(
                "SELECT CAST(SUM(reserved_nano) AS BIGINT), CAST(SUM(spent_nano) AS BIGINT) FROM ledger \
                 WHERE job_id = $1",
            )
            .bind(job.id)
            .one()
            .await
            .unwrap();
        assert_eq!((held, spent), (0, 0), "what was held is released, and nothing was spent");
        let letter = letters(&house, &admin, ALL).await.remove(0);
        assert_eq!(letter.resolution, Some(Resolution::Marked));
        assert_eq!(letter.resolved_by, berg.person_id());
    })
    .await;
}

#[tokio::test]
async fn marks_by_hand_wait_where_the_assignment_says_so() {
    each_db(async |db| {
        let (house, admin, job) = dead(&db, Cause::TooLarge).await;
        let held = course::Assignment { release: ReleasePolicy::OnApproval, ..house.assignment.clone() };
        course::store::update_assignment(&mut house.engine.db(), &held).await.unwrap();
        house.engine.courses().forget(held.id).await;
        let id = letters(&house, &admin, OPEN).await[0].id;
        house.engine.mark_by_hand(&admin, id, &entered("weak", None)).await.unwrap();
        assert_eq!(state_of(&house, &job).await, SubmissionState::InReview);
        assert_eq!(told(&house, &house.student, notice::Kind::Ready).await, 0);
        let given = result::store::of_submission(&mut house.engine.db(), job.submission_id).await.unwrap();
        assert_eq!(given.unwrap().released_at, None);
    })
    .await;
}

#[tokio::test]
async fn a_request_is_edited_and_the_work_stays() {
    each_db(async |db| {
        let (house, admin, job) = dead(&db, Cause::Unusable).await;
        let engine = &house.engine;
        let id = letters(&house, &admin, OPEN).await[0].id;
        let least = engine.dead_letter(&admin, id, false).await.unwrap().payload.least_output;
        let text = |text: &str| Edit { text: Some(text.into()), ..Edit::default() };
        let longer = |max_output| Edit { max_output: Some(max_output), ..Edit::default() };
        for (wrong, field) in [
            (Edit::default(), "max_output"),
            (longer(least - 1), "max_output"),
            (longer(MOST_OUTPUT + 1), "max_output"),
            (text("I hold that computers harm us."), "text"),
            (text(" "), "text"),
        ] {
            match engine.edit_dead_letter(&admin, id, &wrong, Some("why")).await {
                Err(RemedyError::Wrong(wrongs)) => assert_eq!(wrongs[0].field, field, "{wrong:?}"),
                other => panic!("{wrong:?}: {other:?}"),
            }
        }
        let unpriced = Edit { model: Some("gpt-unpriced".into()), ..Edit::default() };
        let refused = engine.edit_dead_letter(&admin, id, &unpriced, Some("why")).await;
        assert!(matches!(refused, Err(RemedyError::Way(_))), "{refused:?}");
        let refused = engine.edit_dead_letter(&admin, id, &longer(5_000), None).await;
        assert!(matches!(refused, Err(RemedyError::Reason)), "{refused:?}");
        let refused = engine.edit_dead_letter(&house.student, id, &longer(5_000), Some("why")).await;
        assert!(refused.is_err());

        let edit = Edit { max_output: Some(5_000), ..text("They let us learn.\r\n") };
        let done = engine.edit_dead_letter(&admin, id, &edit, Some("the first half is broken")).await;
        assert_eq!(done.unwrap(), RemedyOutcome::Done);
        let sent =
            submission::store::as_sent(&mut engine.db(), &[job.submission_id]).await.unwrap().remove(0);
        assert_eq!(sent.text, "They let us learn.\n");
        let work = "I hold that computers help us. They let us learn.";
        assert_eq!(sent.handed_in.as_deref(), Some(work));
        let after = job_of(&house, &job).await;
        assert_eq!((after.state, after.max_output), (JobState::Queued, 5_000));
        assert!(after.input_tokens < job.input_tokens && after.bytes < job.bytes);
        let view = engine.submission(&house.student, &sent_id(&house, &job).await).await.unwrap();
        let own = engine.submitted_text(&house.student, &view.submission.tracking_id).await.unwrap();
        assert_eq!(own, work);

        // The edit stays for what comes after it.
        bury(&house, &after, Cause::Unusable).await;
        let id = letters(&house, &admin, OPEN).await[0].id;
        let opened = engine.dead_letter(&admin, id, false).await.unwrap();
        assert_eq!((opened.payload.left_out, opened.payload.max_output), (Some(6), 5_000));
        let body = opened.payload.body.unwrap();
        assert!(
            body.contains("5000") && body.contains("text is hidden") && !body.contains("learn"),
            "{body}"
        );
        assert_eq!(opened.payload.text, None);
        let shown = engine.dead_letter(&admin, id, true).await.unwrap();
        assert!(shown.payload.body.unwrap().contains("[1] They let us learn."));
        assert_eq!(shown.payload.text.as_deref(), Some("They let us learn.\n"));
        let happened: Vec<&str> = shown
            .history
            .iter()
            .map(|happening| match &happening.what {
                What::HandedIn => "handed in",
                What::Attempt(_) => "sent",
                What::Died { .. } => "died",
                What::Edited { left_out: Some(6), max_output: 5_000, .. } => "edited",
                What::Edited { .. } => "edited otherwise",
                What::Looked => "looked",
                What::Resolved { resolution: Resolution::Edited, .. } => "sent again",
                What::Resolved { .. } => "resolved otherwise",
            })
            .collect();
        assert_eq!(
            happened.iter().filter(|what| **what == "died").count(),
            2,
            "the whole history of the work, not of one death: {happened:?}"
        );
        for what in ["handed in", "edited", "sent again", "looked"] {
            assert_eq!(
                happened.iter().filter(|happened| **happened == what).count(),
                1,
                "{what}: {happened:?}"
            );
        }
        let by = shown.history.iter().filter_map(|happening| happening.by.as_deref()).collect::<Vec<_>>();
        assert_eq!(by, ["Ada Lind"; 3], "who edited, who sent it again, who looked");

        // Back to the work as it was handed in.
        let done = engine.edit_dead_letter(&admin, id, &text(work), Some("it was not broken")).await;
        assert_eq!(done.unwrap(), RemedyOutcome::Done);
        let sent =
            submission::store::as_sent(&mut engine.db(), &[job.submission_id]).await.unwrap().remove(0);
        assert_eq!((sent.text.as_str(), sent.handed_in), (work, None));
    })
    .await;
}

async fn sent_id(house: &House, job: &Job) -> submission::TrackingId {
    submission::store::find(&mut house.engine.db(), job.submission_id).await.unwrap().unwrap().tracking_id
}

#[tokio::test]
async fn many_are_decided_about_by_what_they_have_in_common() {
    each_db(async |db| {
        let (house, admin, first) = dead(&db, Cause::Refused).await;
        let engine = &house.engine;
        let mut jobs = vec![first];
        for cause in [Cause::Refused, Cause::Killed] {
            house.clock.advance(TimeDelta::seconds(1));
            let receipt = house.hand_in().await;
            let (job, ..) =
                queue::store::of_submission(&mut engine.db(), receipt.submission.id).await.unwrap().unwrap();
            bury(&house, &job, cause).await;
            jobs.push(job);
        }
        let number = async |filter: Filter| letters(&house, &admin, filter).await.len();
        assert_eq!(number(OPEN).await, 3);
        assert_eq!(number(Filter { cause: Some(Cause::Refused), ..OPEN }).await, 2);
        assert_eq!(number(Filter { provider: Some("openai".into()), ..OPEN }).await, 3);
        assert_eq!(number(Filter { provider: Some("other".into()), ..OPEN }).await, 0);
        assert_eq!(number(Filter { assignment: Some(house.assignment.id), ..OPEN }).await, 3);
        assert_eq!(number(Filter { assignment: Some(engine.world().id()), ..OPEN }).await, 0);
        let (providers, assignments) = engine.dead_letter_choices(&admin).await.unwrap();
        assert_eq!((providers, assignments.len()), (vec!["openai".to_owned()], 1));

        let until = engine.now() - TimeDelta::seconds(1);
        let two = Filter { until: Some(until), ..ALL };
        let decide = async |filter: &Filter, remedy: Remedy, preview| {
            engine.decide_about_matching(&admin, filter, &remedy, Some("by lot"), preview).await.unwrap()
        };
        let preview = decide(&two, Remedy::Discard, true).await;
        assert_eq!((preview.matching, preview.outcomes.len()), (2, 0));
        assert_eq!(number(OPEN).await, 3, "a preview does nothing");
        let done = decide(&two, Remedy::Retry, false).await;
        assert_eq!(done.matching, 2);
        assert!(done.outcomes.iter().all(|(_, outcome)| *outcome == RemedyOutcome::Done));
        assert_eq!(number(OPEN).await, 1);
        assert_eq!(job_of(&house, &jobs[2]).await.state, JobState::Dead);
        assert_eq!(decide(&two, Remedy::Retry, false).await, Decisions::default());
        let refused = engine.decide_about_matching(&admin, &ALL, &Remedy::Discard, None, false).await;
        assert!(matches!(refused, Err(RemedyError::Reason)));
        let refused = engine.decide_about_matching(&house.student, &ALL, &Remedy::Retry, None, true).await;
        assert!(matches!(refused, Err(RemedyError::Identity(_))));
    })
    .await;
}

#[tokio::test]
async fn administrators_get_one_summary_an_hour_and_instructors_are_told_of_theirs() {
    each_db(async |db| {
        // Nobody listens there: the letters are only written.
        let house = house(db.clone(), mailer_to(9)).await;
        let engine = &house.engine;
        let admin = person(&mut engine.db(), &engine.world().clone(), "admin@example.edu", true).await;
        let admin = engine.identity().actor(admin).await.unwrap();
        let berg = instructor(&house).await;
        let die = async || {
            let receipt = house.hand_in().await;
            let (job, ..) =
                queue::store::of_submission(&mut engine.db(), receipt.submission.id).await.unwrap().unwrap();
            bury(&house, &job, Cause::Refused).await;
        };
        let summaries = async || -> i64 {
            let (n,): (i64,) = engine
                .db()
                .query("SELECT COUNT(*) FROM notices WHERE kind = 'dead_letters' AND channel = 'email'")
                .one()
                .await
                .unwrap();
            n
        };
        engine.sum_up_deaths().await.unwrap();
        assert_eq!(summaries().await, 0, "there is nothing to tell");
        die().await;
        die().await;
        assert_eq!(told(&house, &berg, notice::Kind::NeedsAttention).await, 2);
        assert_eq!(told(&house, &admin, notice::Kind::NeedsAttention).await, 2);
        engine.sum_up_deaths().await.unwrap();
        engine.sum_up_deaths().await.unwrap();
        assert_eq!(summaries().await, 1);
        let counted = store::open_by_cause(&mut engine.db()).await.unwrap();
        assert_eq!(counted, [(Cause::Refused, 2)]);
        house.clock.advance(TimeDelta::minutes(59));
        die().await;
        engine.sum_up_deaths().await.unwrap();
        assert_eq!(summaries().await, 1, "not twice within an hour");
        house.clock.advance(TimeDelta::minutes(1));
        engine.sum_up_deaths().await.unwrap();
        assert_eq!(summaries().await, 2);
        house.clock.advance(TimeDelta::hours(5));
        engine.sum_up_deaths().await.unwrap();
        assert_eq!(summaries().await, 2, "nothing new has come");
    })
    .await;
}
