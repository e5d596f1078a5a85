//! Estimates on both databases: kept with their jobs, counted when these end, and made from what came back.
#![allow(clippy::unwrap_used)]

use super::{Coverage, ScheduleError};
use crate::{
    batching::{Batch, BatchState, Strategy, new_token, store as batches},
    engine::testing::{House, house, person},
    identity::{Actor, Denied, IdentityError},
    notice::Mailer,
    queue::{self, JobState, Lane},
    routing::Route,
    store::{Db, Exec as _, JobId, testing::each_db},
    submission::Receipt,
};
use chrono::{DateTime, TimeDelta, Utc};

async fn house_and_admin(db: &Db) -> (House, Actor) {
    let house = house(db.clone(), Mailer::off()).await;
    let admin = person(&mut db.clone(), &house.engine.world().clone(), "admin@example.edu", true).await;
    let admin = house.engine.identity().actor(admin).await.unwrap();
    (house, admin)
}

/// A batch of a provider that was sent at a time and took so many seconds.
async fn came_back(house: &House, sent_at: DateTime<Utc>, seconds: i64, remote_state: &str) {
    let mut db = house.engine.db();
    let back_at = sent_at + TimeDelta::seconds(seconds);
    let batch = Batch {
        id: house.engine.world().id(),
        token: new_token(house.engine.world()),
        provider: "openai".into(),
        model: "gpt-6-luna".into(),
        state: BatchState::Written,
        jobs: 20,
        bytes: 1,
        tokens: 18_000,
        reason: "it was time".into(),
        created_at: sent_at,
        owner: None,
        lease_until: None,
        send_from: None,
        sends: 1,
        input_id: None,
        remote_id: None,
        remote_state: None,
        completed: 0,
        failed: 0,
        sent_at: None,
        ended_at: None,
        finished_at: None,
        polls: 0,
        failures: 0,
        look_at: sent_at,
        error: None,
        strategy: Strategy::Provider,
        prefix_cache: crate::provider::Keep::Short,
        measures: crate::cost_control::Measures::default(),
        parent: None,
        split: None,
        parts: None,
    };
    batches::insert(&mut db, &batch, None, &[]).await.unwrap();
    db.query("UPDATE batches SET state = 'done', sent_at = $2, ended_at = $3, finished_at = $3, remote_state = $4 WHERE id = $1")
        .bind(batch.id)
        .bind(sent_at)
        .bind(back_at)
        .bind(remote_state.to_owned())
        .exec()
        .await
        .unwrap();
}

async fn job_of(house: &House, receipt: &Receipt) -> JobId {
    queue::store::of_submission(&mut house.engine.db(), receipt.submission.id).await.unwrap().unwrap().0.id
}

/// Ends a job so long after it came.
async fn end(house: &House, job: JobId, to: JobState, at: DateTime<Utc>) {
    let mut tx = house.engine.db().begin().await.unwrap();
    let ended = queue::store::finish(&mut tx, &[job], JobState::Queued, None, to, None, at).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(ended, [job]);
}

#[tokio::test]
async fn the_first_estimate_is_kept_and_what_came_of_it_is_counted() {
    each_db(async |db| {
        let (house, admin) = house_and_admin(&db).await;
        let receipts =
            [house.hand_in().await, house.hand_in().await, house.hand_in().await, house.hand_in().await];
        // Newer drafts withdrew the older ones; put them back to have several.
        db.clone().query("UPDATE model_jobs SET state = 'queued', finished_at = NULL").exec().await.unwrap();
        let promised = receipts[0].estimate.unwrap();
        let rows: Vec<(DateTime<Utc>, DateTime<Utc>)> = db
            .clone()
            .query("SELECT likely_at, promised_at FROM model_jobs ORDER BY id")
            .all()
            .await
            .unwrap();
        assert_eq!((rows[0].0, rows[0].1), (promised.from, promised.to));
        assert_eq!(rows.len(), 4);
        let none = house.engine.estimates(&admin).await.unwrap();
        assert_eq!((none.whole(), none.days), (None, 7), "no time has come yet");
        let before_middle = promised.from - TimeDelta::seconds(1);
        end(&house, job_of(&house, &receipts[0]).await, JobState::Done, before_middle).await;
        end(&house, job_of(&house, &receipts[1]).await, JobState::Done, promised.to).await;
        end(&house, job_of(&house, &receipts[2]).await, JobState::Dead, before_middle).await;
        let counted = house.engine.estimates(&admin).await.unwrap();
        assert_eq!(counted.whole(), None, "counted a moment ago");
        // What is dead counts when it was promised to be back, and so does what still waits.
        house.clock.advance(promised.to - house.engine.now() + TimeDelta::seconds(1));
        let counted = house.engine.estimates(&admin).await.unwrap();
        let expected = Coverage {
            provider: "openai".into(),
            lane: Lane::Standard,
            route: Route::Batch,
            jobs: 4,
            within_p50: 1,
            within_p90: 2,
        };
        assert_eq!(*counted.coverage, [expected]);
        assert_eq!(counted.whole(), Some((4, 0.25, 0.5)));
        house.clock.advance(TimeDelta::days(8));
        let later = house.engine.estimates(&admin).await.unwrap();
        assert_eq!(later.whole(), Some((1, 0.0, 0.0)), "what still waits is late for ever");
        let student = house.engine.estimates(&house.student).await;
        assert!(matches!(
            student,
            Err(crate::batching::BatchViewError::Identity(IdentityError::Denied(Denied::Forbidden(_))))
        ));
    })
    .await;
}

#[tokio::test]
async fn what_came_back_makes_the_next_estimate() {
    each_db(async |db| {
        let (house, admin) = house_and_admin(&db).await;
        let now = house.engine.now();
        let assumed = house.hand_in().await.estimate.unwrap();
        assert_eq!(house.engine.load().forecast("openai").unwrap().basis.words(), "no history yet: assumed");
        assert!(!house.engine.load().measured("openai"));
        for n in 0..60 {
            came_back(&house, now - TimeDelta::hours(n + 3), 300 + n, "ended").await;
        }
        came_back(&house, now - TimeDelta::hours(2), 9, "cancelled").await;
        came_back(&house, now - TimeDelta::days(30), 80_000, "ended").await;
        house.engine.refresh_load().await.unwrap();
        let load = house.engine.load();
        let forecast = load.forecast("openai").unwrap();
        assert_eq!(forecast.basis.words(), "from 60 batches of the last 14 days");
        let turnaround = load.turnaround("openai").unwrap();
        assert!((300..450).contains(&turnaround.p50), "{turnaround:?}");
        let measured = house.hand_in().await.estimate.unwrap();
        assert!(measured.from < assumed.from && measured.to < assumed.to, "{measured:?} {assumed:?}");
        // The forecast is kept until something comes back.
        house.engine.refresh_load().await.unwrap();
        assert!(std::sync::Arc::ptr_eq(forecast, house.engine.load().forecast("openai").unwrap()));
        came_back(&house, now - TimeDelta::minutes(20), 500, "ended").await;
        house.engine.refresh_load().await.unwrap();
        assert_eq!(house.engine.load().forecast("openai").unwrap().basis.measured, 61);
        let known = house.engine.estimates(&admin).await.unwrap();
        assert_eq!(known.providers.len(), 1);
        assert_eq!(known.providers[0].calls_basis.words(), "no history yet: assumed");
        let advice = house.engine.schedule_advice(&admin, "openai").await.unwrap();
        assert_eq!(advice.batches, 61);
        assert!(advice.summary.contains("makes no difference that counts"), "{advice:?}");
        let nobody = house.engine.schedule_advice(&admin, "nobody").await;
        assert!(matches!(nobody, Err(ScheduleError::NoProvider(name)) if name == "nobody"));
        let student = house.engine.schedule_advice(&house.student, "openai").await;
        assert!(matches!(student, Err(ScheduleError::Identity(IdentityError::Denied(Denied::Forbidden(_))))));
    })
    .await;
}

#[tokio::test]
async fn what_takes_longer_than_reckoned_is_told_longer_the_next_time() {
    each_db(async |db| {
        let (house, _) = house_and_admin(&db).await;
        let first = house.hand_in().await;
        let promised = first.estimate.unwrap();
        let now = house.engine.now();
        let late = now + (promised.to - now) * 3;
        end(&house, job_of(&house, &first).await, JobState::Done, late).await;
        house.clock.advance(late - now + TimeDelta::minutes(2));
        house.engine.refresh_load().await.unwrap();
        let second = house.hand_in().await;
        let now = house.engine.now();
        let (told, before) = (second.estimate.unwrap().to - now, promised.to - first.submission.submitted_at);
        assert!(told > before && told < before * 2, "{told} after {before}");
        let reckoned: Vec<(i64, i64)> = db
            .clone()
            .query("SELECT reckoned_p50, reckoned_p90 FROM model_jobs ORDER BY arrived_at")
            .all()
            .await
            .unwrap();
        // What was reckoned does not grow with what was told.
        assert!((reckoned[0].1 - reckoned[1].1).abs() <= 600, "{reckoned:?}");
    })
    .await;
}
