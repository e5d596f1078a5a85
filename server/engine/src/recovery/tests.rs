//! Dead letters on both databases: written, recovered on schedule, and decided about by administrators.
#![allow(clippy::unwrap_used)]

use super::{store::Filter, *};
use crate::{
    engine::testing::{House, house, house_with, person},
    identity::{Actor, Denied, IdentityError},
    notice::Mailer,
    queue::{self, Job, JobState},
    result::{Arrived, Judged, Source},
    routing::Route,
    store::{CallId, Db, DeadLetterId, Exec as _, NanoUsd, testing::each_db},
    submission::{self, SubmissionState},
};
use chrono::TimeDelta;

const ALL: Filter = Filter { open: None, cause: None };
const OPEN: Filter = Filter { open: Some(true), cause: None };

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
    house.engine.dead_letters(admin, filter, 1, 100).await.unwrap().rows
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
        assert!(engine.dead_letters(&house.student, OPEN, 1, 10).await.is_err());
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
        let refused_only = Filter { open: Some(false), cause: Some(Cause::Refused) };
        assert_eq!(letters(&house, &admin, refused_only).await.len(), 2);
        let other = Filter { open: None, cause: Some(Cause::Killed) };
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
