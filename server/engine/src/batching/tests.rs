//! Cutting and splitting on both databases.
#![allow(clippy::unwrap_used)]

use super::{store, *};
use crate::{
    budget::{self, Held, Line, Tokens},
    engine::testing::{House, house, person},
    identity::{self, Role},
    notice::Mailer,
    plan::{AskPlanError, Workload},
    provider::{
        Keep,
        cache::{MEASURED_DAYS, TRIAL},
    },
    queue::{self, Job, JobState},
    store::{BatchId, Db, Exec as _, NanoUsd, testing::each_db},
    submission::HandIn,
};
use chrono::TimeDelta;
use futures::StreamExt as _;

/// Work of so many students that waits for a batch, an hour later.
async fn waiting(db: &Db, students: usize) -> House {
    let house = house(db.clone(), Mailer::off()).await;
    let mut x = db.clone();
    let world = house.engine.world().clone();
    for n in 0..students {
        let id = person(&mut x, &world, &format!("student{n}@example.edu"), false).await;
        identity::store::set_role(&mut x, house.assignment.course_id, id, Role::Student).await.unwrap();
        let actor = house.engine.identity().actor(id).await.unwrap();
        let input = HandIn {
            assignment: house.assignment.id,
            student: None,
            text: format!("I am student {n}. I hold that computers help us. They let us learn."),
            file_name: None,
            idempotency: None,
        };
        house.engine.hand_in(&actor, input).await.unwrap();
    }
    house.clock.advance(TimeDelta::hours(1));
    house.engine.refresh_load().await.unwrap();
    house
}

async fn cut(house: &House) -> Vec<BatchId> {
    house.engine.cut("openai", house.engine.now()).await.unwrap()
}

async fn jobs(house: &House) -> Vec<Job> {
    let ids: Vec<(crate::store::JobId,)> =
        house.engine.db().query("SELECT id FROM model_jobs ORDER BY arrived_at, id").all().await.unwrap();
    let ids: Vec<_> = ids.into_iter().map(|(id,)| id).collect();
    queue::store::find_many(&mut house.engine.db(), &ids).await.unwrap()
}

/// Takes a batch as a task of this process does.
async fn claimed(house: &House, id: BatchId) -> Batch {
    let engine = &house.engine;
    let states = [BatchState::Written, BatchState::Sending];
    let (now, until) = (engine.now(), engine.lease_until());
    store::claim(&mut engine.db(), id, states, engine.owner(), now, until).await.unwrap().unwrap()
}

/// The provider has it.
async fn sent(house: &House, id: BatchId) {
    let engine = &house.engine;
    let batch = claimed(house, id).await;
    assert_eq!(engine.begin_send(&batch).await.unwrap(), Some(true));
    let now = engine.now();
    let remote = format!("remote-{id}");
    assert!(store::set_sent(&mut engine.db(), id, engine.owner(), &remote, now, now).await.unwrap());
}

#[tokio::test]
async fn a_cut_keeps_why_its_jobs_were_put_together_so() {
    each_db(async |db| {
        let house = waiting(&db, 12).await;
        let ids = cut(&house).await;
        assert_eq!(ids.len(), 1);
        let batch = store::find(&mut house.engine.db(), ids[0]).await.unwrap().unwrap();
        assert_eq!((batch.jobs, batch.name()), (12, batch.id.to_string()));
        let composed = store::composition(&mut house.engine.db(), batch.id).await.unwrap().unwrap();
        assert_eq!((composed.strategy, composed.candidates.len()), (batch.strategy, 4));
        assert!(composed.candidates.iter().all(|r| r.score.is_some() && !r.reasons.is_empty()));
        assert!(composed.candidates[0].cost > crate::store::NanoUsd::ZERO);
        assert!(jobs(&house).await.iter().all(|job| job.batch_id == Some(batch.id)));
    })
    .await;
}

/// Books so many answers of a batch, each of which wrote 1,100 tokens to the cache or read them there.
async fn book_marked(house: &House, count: i64, reads: i64) {
    let engine = &house.engine;
    let (world, zone) = (engine.world().clone(), engine.zone());
    let account = jobs(house).await[0].account();
    let batch = Some(world.id());
    let lines: Vec<Line> = (0..count)
        .map(|n| {
            let (cached_tokens, cache_write_tokens) = if n < reads { (1_100, 0) } else { (0, 1_100) };
            Line {
                batch_id: batch,
                response_id: Some(world.id::<BatchId>().to_string()),
                tokens: Tokens {
                    input_tokens: 1_600,
                    cached_tokens,
                    cache_write_tokens,
                    ..Tokens::default()
                },
                ..Line::settle(&world, zone, account.clone(), Held::default(), NanoUsd(1))
            }
        })
        .collect();
    budget::record(&mut engine.db(), &lines).await.unwrap();
    house.clock.advance(TimeDelta::minutes(2));
    engine.refresh_load().await.unwrap();
}

#[tokio::test]
async fn prompts_are_marked_on_trial_and_then_as_was_measured() {
    each_db(async |db| {
        let house = waiting(&db, 12).await;
        let batch = store::find(&mut house.engine.db(), cut(&house).await[0]).await.unwrap().unwrap();
        assert_eq!(batch.prefix_cache, Keep::Short);
        let keep = || {
            let entry = house.engine.registry().get("openai").unwrap();
            house.engine.keep_in_batch(&entry, "gpt-6-luna")
        };
        book_marked(&house, TRIAL - 1, 0).await;
        assert_eq!(keep(), Keep::Short, "too few to say anything");
        book_marked(&house, 1, 0).await;
        assert_eq!(keep(), Keep::Off, "none was read from the cache");
        book_marked(&house, TRIAL, TRIAL).await;
        assert_eq!(keep(), Keep::Short, "half of them were");
        // A part of a batch is marked as the whole was.
        assert!(house.engine.split_batch(&claimed(&house, batch.id).await, Limit::Half, "x").await.unwrap());
        let parts = store::split::parts(&mut house.engine.db(), batch.id).await.unwrap();
        assert!(parts.iter().all(|part| part.prefix_cache == batch.prefix_cache));
        // What is older does not count.
        house.clock.advance(TimeDelta::days(MEASURED_DAYS));
        house.engine.refresh_load().await.unwrap();
        assert_eq!(house.engine.load().marked("openai", "gpt-6-luna"), None);
    })
    .await;
}

#[tokio::test]
async fn a_plan_goes_by_what_an_installation_measured() {
    each_db(async |db| {
        let house = waiting(&db, 2).await;
        let ask =
            async |actor: &identity::Actor| house.engine.plan(actor, &Workload::REFERENCE, None, None).await;
        assert!(matches!(ask(&house.student).await, Err(AskPlanError::Identity(_))));
        let system = identity::Actor::System;
        let before = ask(&system).await.unwrap();
        assert_eq!((before.provider.as_str(), before.model.as_str()), ("openai", "gpt-6-luna"));
        assert!(before.other_models.is_empty(), "what has no price is no offer");
        book_marked(&house, TRIAL, TRIAL * 9 / 10).await;
        let after = ask(&system).await.unwrap();
        assert!(after.saving_percent > before.saving_percent + 10.0);
        assert!(after.assumptions.iter().any(|a| a.source.contains("500 answers of this installation")));
    })
    .await;
}

#[tokio::test]
async fn the_size_is_recommended_to_administrators_alone() {
    each_db(async |db| {
        let house = waiting(&db, 12).await;
        let admin = person(&mut db.clone(), &house.engine.world().clone(), "a@example.edu", true).await;
        let admin = house.engine.identity().actor(admin).await.unwrap();
        assert!(house.engine.size_advice(&house.student, None).await.is_err());
        let advice = house.engine.size_advice(&admin, Some("openai")).await.unwrap();
        assert_eq!((advice.len(), advice[0].waiting, advice[0].bounds), (1, 12, (10, 1_000)));
        assert!(advice[0].standing.starts_with("It is cut now"), "{}", advice[0].standing);
        assert!(advice[0].recommendation.size >= 12);
        let nobody = house.engine.size_advice(&admin, Some("nobody")).await;
        assert!(matches!(nobody, Err(BatchViewError::NotFound)));
    })
    .await;
}

#[tokio::test]
async fn a_batch_that_is_too_large_is_split_and_no_failure_counts() {
    each_db(async |db| {
        let house = waiting(&db, 5).await;
        let engine = &house.engine;
        let whole = claimed(&house, cut(&house).await[0]).await;
        assert!(engine.split_batch(&whole, Limit::Half, "too many tokens").await.unwrap());
        let mut x = engine.db();
        let parent = store::find(&mut x, whole.id).await.unwrap().unwrap();
        let parts = store::split::parts(&mut x, whole.id).await.unwrap();
        assert_eq!((parent.state, parent.error.as_deref()), (BatchState::Failed, Some("too many tokens")));
        assert_eq!(parent.parts, Some(i64::try_from(parts.len()).unwrap()));
        assert_eq!(parts.iter().map(|p| p.jobs).sum::<i64>(), 5);
        assert_eq!(parts.iter().map(|p| p.tokens).sum::<i64>(), whole.tokens);
        for (n, part) in (1..).zip(&parts) {
            assert_eq!((part.split, part.name()), (Some(n), format!("{}_split_{n}", whole.id)));
            assert_eq!(part.look_at, engine.now() + TimeDelta::seconds(30) * i32::try_from(n - 1).unwrap());
            assert_eq!(part.expected_start(), part.look_at);
            let items = store::items(&mut x, part.id, 0, 10).await.unwrap();
            assert_eq!(items.len(), usize::try_from(part.jobs).unwrap());
            assert!(items.iter().all(|item| item.outcome.is_none()));
        }
        assert_eq!(store::outcomes(&mut x, whole.id).await.unwrap(), [(Some("split".into()), 5)]);
        let ids: Vec<_> = parts.iter().map(|p| Some(p.id)).collect();
        for job in jobs(&house).await {
            assert_eq!((job.state, job.failures, job.attempt), (JobState::Batched, 0, 0));
            assert!(ids.contains(&job.batch_id));
        }
        // A second time there is nothing left to split, and an answer that comes late moves no job.
        assert!(!engine.split_batch(&whole, Limit::Half, "again").await.unwrap());
        assert_eq!(store::split::parts(&mut x, whole.id).await.unwrap().len(), parts.len());
        // A part that is too large as well is split too; its parts are numbered on.
        let first = claimed(&house, parts[0].id).await;
        assert!(engine.split_batch(&first, Limit::Requests(1), "still").await.unwrap());
        let all = store::split::parts(&mut x, whole.id).await.unwrap();
        let numbers: Vec<_> = all.iter().map(|p| p.split.unwrap()).collect();
        assert_eq!(numbers, (1..=i64::try_from(all.len()).unwrap()).collect::<Vec<_>>());
        assert!(all.len() > parts.len());
        let here: i64 = all.iter().filter(|p| p.state == BatchState::Written).map(|p| p.jobs).sum();
        assert_eq!(here, 5);
        // One job alone can't be split.
        let single = all.iter().rfind(|p| p.state == BatchState::Written && p.jobs == 1).unwrap();
        let single = claimed(&house, single.id).await;
        assert!(!engine.split_batch(&single, Limit::Half, "no").await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn a_batch_that_another_process_took_over_is_not_split_here() {
    each_db(async |db| {
        let house = waiting(&db, 4).await;
        let id = cut(&house).await[0];
        // Not claimed: it is nobody's, so also not ours.
        let batch = store::find(&mut house.engine.db(), id).await.unwrap().unwrap();
        assert!(house.engine.split_batch(&batch, Limit::Half, "too large").await.unwrap());
        assert_eq!(store::split::parts(&mut house.engine.db(), id).await.unwrap(), []);
        assert!(jobs(&house).await.iter().all(|job| job.batch_id == Some(id)));
    })
    .await;
}

#[tokio::test]
async fn parts_go_one_after_the_other_where_there_is_room() {
    each_db(async |db| {
        let house = waiting(&db, 4).await;
        let engine = &house.engine;
        let mut x = engine.db();
        let whole = claimed(&house, cut(&house).await[0]).await;
        assert!(engine.split_batch(&whole, Limit::Requests(2), "too many").await.unwrap());
        let parts = store::split::parts(&mut x, whole.id).await.unwrap();
        assert_eq!(parts.len(), 2);
        let (first, second) = (&parts[0], &parts[1]);
        assert_eq!(engine.turn_of(first).await.unwrap(), None);
        let soon = engine.now() + TimeDelta::seconds(5);
        assert_eq!(engine.turn_of(second).await.unwrap(), Some(soon), "the first was not created yet");
        sent(&house, first.id).await;
        let at = engine.now() + TimeDelta::seconds(30);
        assert_eq!(engine.turn_of(second).await.unwrap(), Some(at));
        house.clock.advance(TimeDelta::seconds(30));
        assert_eq!(engine.turn_of(second).await.unwrap(), None);
        // Every slot is taken: it waits, and its slot is kept from the next cut.
        let fill = Batch { jobs: 1, state: BatchState::Sent, ..first.clone() };
        for n in 0..4 {
            let id = engine.world().id();
            let other = Batch { id, token: format!("other-{n}"), parent: None, split: None, ..fill.clone() };
            store::insert(&mut x, &other, None, &[]).await.unwrap();
        }
        let ours = claimed(&house, second.id).await;
        assert_eq!(engine.begin_send(&ours).await.unwrap(), None);
        assert_eq!(store::find(&mut x, second.id).await.unwrap().unwrap().state, BatchState::Written);
        x.query("UPDATE batches SET state = 'done' WHERE token = 'other-0'").exec().await.unwrap();
        assert_eq!(engine.begin_send(&ours).await.unwrap(), Some(true));
    })
    .await;
}

#[tokio::test]
async fn of_parts_that_wait_for_their_turn_only_the_next_takes_a_slot() {
    each_db(async |db| {
        let house = waiting(&db, 4).await;
        let engine = &house.engine;
        let mut x = engine.db();
        let whole = claimed(&house, cut(&house).await[0]).await;
        assert!(engine.split_batch(&whole, Limit::Requests(1), "too many").await.unwrap());
        let parts = store::split::parts(&mut x, whole.id).await.unwrap();
        let tokens = |of: &[Batch]| of.iter().map(|part| part.tokens).sum::<i64>();
        let mut taken = async || {
            let out = store::in_flight(&mut x).await.unwrap();
            out.into_iter().map(|f| (f.batches, f.jobs, f.tokens)).collect::<Vec<_>>()
        };
        assert_eq!(taken().await, [(1, 4, tokens(&parts[..1]))]);
        sent(&house, parts[0].id).await;
        assert_eq!(taken().await, [(2, 4, tokens(&parts[..2]))], "one is there, and one goes next");
    })
    .await;
}

#[tokio::test]
async fn a_limit_that_the_provider_named_holds_for_the_next_cut() {
    each_db(async |db| {
        let house = waiting(&db, 6).await;
        let engine = &house.engine;
        let mut x = engine.db();
        let each = jobs(&house).await[0].input_tokens;
        let whole = claimed(&house, cut(&house).await[0]).await;
        // Room for two and a half, with what is kept to spare.
        let limit = each * 25 / 9;
        assert!(engine.split_batch(&whole, Limit::Tokens(limit), "Limit: some tokens").await.unwrap());
        let parts = store::split::parts(&mut x, whole.id).await.unwrap();
        assert_eq!(parts.iter().map(|p| p.jobs).collect::<Vec<_>>(), [2, 2, 2]);
        // One part at a time has room.
        sent(&house, parts[0].id).await;
        let second = claimed(&house, parts[1].id).await;
        assert_eq!(engine.begin_send(&second).await.unwrap(), None);
        engine.refresh_load().await.unwrap();
        let load = engine.load();
        let recent = load.recent.iter().find(|r| r.provider == "openai").unwrap();
        assert_eq!((recent.named_limit, recent.refused, recent.jobs), (Some(limit), None, 6));
        assert_eq!(load.tokens_left("openai", "gpt-6-luna", None, 0), most_tokens(None, Some(limit)));
        // All else is done: the next cut keeps to it.
        x.query("UPDATE batches SET state = 'done'").exec().await.unwrap();
        x.query("UPDATE model_jobs SET state = 'queued', batch_id = NULL").exec().await.unwrap();
        let again = cut(&house).await;
        assert_eq!(again.len(), 1);
        assert_eq!(store::find(&mut x, again[0]).await.unwrap().unwrap().jobs, 2);
        // After a day it is forgotten.
        house.clock.advance(TimeDelta::hours(25));
        assert_eq!(store::recent(&mut x, engine.now()).await.unwrap()[0].named_limit, None);
    })
    .await;
}

#[tokio::test]
async fn no_request_has_more_bytes_than_it_was_thought_to_have() {
    each_db(async |db| {
        let house = house(db.clone(), Mailer::off()).await;
        let world = house.engine.world().clone();
        let texts = [
            "I hold that computers help us. They let us learn, and that matters more than noise.".repeat(40),
            "\"Quoted\" \\ and\ttabbed!\r\nNext? Yes… 「はい。」 それは本当です。ほんとうに？ \u{2028}Ещё одна строка. ".repeat(30),
            "A.\n\nB!\n\nC?\n\n".repeat(200),
        ];
        for (n, text) in texts.into_iter().enumerate() {
            let mut x = db.clone();
            let id = person(&mut x, &world, &format!("student{n}@example.edu"), false).await;
            identity::store::set_role(&mut x, house.assignment.course_id, id, Role::Student).await.unwrap();
            let actor = house.engine.identity().actor(id).await.unwrap();
            let (assignment, student, file_name, idempotency) = (house.assignment.id, None, None, None);
            let input = HandIn { assignment, student, text, file_name, idempotency };
            house.engine.hand_in(&actor, input).await.unwrap();
        }
        house.clock.advance(TimeDelta::hours(1));
        house.engine.refresh_load().await.unwrap();
        let thought: i64 = jobs(&house).await.iter().map(|job| job.bytes).sum();
        let batch = claimed(&house, cut(&house).await[0]).await;
        assert_eq!(batch.jobs, 3);
        let bytes = house.engine.measure(&batch).await.unwrap();
        assert!(bytes <= thought, "{bytes} of {thought}");
        assert!(bytes * 3 > thought, "nor far fewer: {bytes} of {thought}");
        let written = house.engine.lines(&batch).map(|line| line.unwrap().len() as i64);
        assert_eq!(bytes, written.fold(0, async |sum, length| sum + length).await, "as noted");
        // What was noted wrongly is counted after the first failure.
        let mut x = db.clone();
        x.query("UPDATE model_jobs SET work_bytes = work_bytes - 1").exec().await.unwrap();
        assert_eq!(house.engine.measure(&batch).await.unwrap(), bytes - 3);
        let failed = Batch { failures: 1, ..batch };
        assert_eq!(house.engine.measure(&failed).await.unwrap(), bytes);
    })
    .await;
}
