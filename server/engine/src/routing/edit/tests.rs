//! Changing, restoring, trying and replaying rules, on both databases.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::{
    engine::testing::{House, house_with, person},
    identity::Denied,
    notice::Mailer,
    queue::Lane,
    routing::{Action, Route, Way, seeded},
    store::{Db, Exec as _, testing::each_db},
};

async fn with_admin(db: &Db) -> (House, Actor) {
    let house = house_with(db.clone(), Mailer::off(), &["anthropic", "openai"]).await;
    let admin = person(&mut db.clone(), &house.engine.world().clone(), "admin@example.edu", true).await;
    let admin = house.engine.identity().actor(admin).await.unwrap();
    (house, admin)
}

fn all_at_once() -> Vec<Rule> {
    vec![Rule {
        name: "all_at_once".to_owned(),
        title: "All at once".to_owned(),
        condition: "true".to_owned(),
        action: Action {
            lane: Some(Lane::Urgent),
            provider: Some("anthropic".to_owned()),
            ..Action::of(Way::Realtime)
        },
        priority: 1,
        enabled: true,
    }]
}

#[tokio::test]
async fn a_change_is_a_new_version_in_force_everywhere_and_can_be_taken_back() {
    each_db(async |db| {
        let (house, admin) = with_admin(&db).await;
        let engine = &house.engine;
        let first = engine.rules_in_force(&admin).await.unwrap();
        assert_eq!((first.version.version, first.version.author, first.version.rules), (1, None, seeded()));

        // Typed with white space around it.
        let mut rules = all_at_once();
        rules[0].condition = "  true ".to_owned();
        assert_eq!(engine.save_rules(&admin, 1, rules).await.unwrap(), 2);
        assert_eq!(engine.rules().version, 2);
        let second = engine.rules_in_force(&admin).await.unwrap().version;
        assert_eq!(
            (second.version, second.author.as_deref(), second.rules),
            (2, Some("Ada Lind"), all_at_once())
        );
        let receipt = house.hand_in().await;
        let decision = engine.decision_of(&receipt).await;
        assert_eq!(
            (decision.route, &*decision.provider, decision.rules_version),
            (Route::Realtime, "anthropic", 2)
        );

        // Another process wrote a version: this one has it with its next look.
        store::insert(&mut engine.db(), engine.world(), 3, &seeded(), None).await.unwrap();
        engine.refresh_load().await.unwrap();
        assert_eq!(engine.rules().version, 3);

        let stale = engine.save_rules(&admin, 2, seeded()).await.unwrap_err();
        assert!(matches!(stale, RulesError::Changed { based_on: 2, in_force: 3 }), "{stale}");
        assert_eq!(engine.save_rules(&admin, 3, seeded()).await.unwrap(), 3, "nothing changed");
        assert_eq!(engine.restore_rules(&admin, 3, 2).await.unwrap(), 4);
        assert!(matches!(engine.restore_rules(&admin, 4, 9).await.unwrap_err(), RulesError::NoVersion(9)));

        let seen = engine.rule_versions(&admin, i64::MAX, 3).await.unwrap();
        let told: Vec<_> =
            seen.iter().map(|v| (v.version.version, v.changes.as_ref().map(Vec::len))).collect();
        assert_eq!(told, [(4, Some(5)), (3, Some(5)), (2, Some(5))], "four rules for one, or one for four");
        let oldest = engine.rule_versions(&admin, 1, 3).await.unwrap();
        assert_eq!((oldest.len(), oldest[0].changes.is_none()), (1, true));
    })
    .await;
}

#[tokio::test]
async fn what_can_not_be_put_in_force_is_refused_and_only_administrators_see_rules() {
    each_db(async |db| {
        let (house, admin) = with_admin(&db).await;
        let engine = &house.engine;
        let mut rules = seeded();
        rules[1].condition = "budget.usd > 0.7".to_owned();
        rules[2].action.provider = Some("nobody".to_owned());
        let refused = engine.save_rules(&admin, 1, rules.clone()).await.unwrap_err();
        assert_eq!(
            refused.to_string(),
            "Column 8: budget has no “usd”. Did you mean “used”?; nobody is not set up (set up: anthropic, openai)"
        );
        assert!(matches!(engine.replay_rules(&admin, Some(rules), 7).await, Err(RulesError::Faults(_))));
        assert_eq!(engine.rules().version, 1);
        assert!(matches!(engine.replay_rules(&admin, None, 0).await, Err(RulesError::Days)));
        let denied = [
            engine.rules_in_force(&house.student).await.map(drop),
            engine.rule_versions(&house.student, 9, 9).await.map(drop),
            engine.save_rules(&house.student, 1, seeded()).await.map(drop),
            engine.restore_rules(&house.student, 1, 1).await.map(drop),
            engine.replay_rules(&house.student, None, 7).await.map(drop),
            engine.try_rules(&house.student, seeded(), &"QR-7F3K-92MD".parse().unwrap()).await.map(drop),
            engine.tracking_ids(&house.student, &[]).await.map(drop),
        ];
        for (n, outcome) in denied.into_iter().enumerate() {
            let is_denied = matches!(outcome, Err(RulesError::Identity(IdentityError::Denied(Denied::Forbidden(_)))));
            assert!(is_denied, "{n}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_replay_shows_what_would_have_changed() {
    each_db(async |db| {
        let (house, admin) = with_admin(&db).await;
        let engine = &house.engine;
        let old = house.hand_in().await;
        house.clock.advance(TimeDelta::days(20));
        let mut jobs = Vec::new();
        for _ in 0..3 {
            let receipt = house.hand_in().await;
            jobs.push(receipt);
            house.clock.advance(TimeDelta::minutes(1));
        }
        let same = engine.replay_rules(&admin, None, 10).await.unwrap();
        assert_eq!((same.replayed, same.left_out, same.changed), (3, 0, 0));
        assert_eq!((same.was.batch, same.was.realtime), (3, 0));
        assert_eq!(same.was, same.would_be);

        let other = engine.replay_rules(&admin, Some(all_at_once()), 10).await.unwrap();
        assert_eq!((other.replayed, other.changed), (3, 3));
        assert_eq!((other.would_be.batch, other.would_be.realtime), (0, 3));
        assert_eq!(other.would_be.cost.0, other.was.cost.0 * 2, "a batch is half the price");
        assert_eq!((other.would_be.half_within, other.would_be.longest), crate::routing::REALTIME_SECONDS);
        assert!(other.was.half_within > other.would_be.half_within);
        let newest = &other.changes[0];
        assert_eq!((newest.was.route, newest.would_be.route), (Route::Batch, Route::Realtime));
        assert_eq!(newest.would_be.rule.as_deref(), Some("all_at_once"));
        let named = engine.tracking_ids(&admin, &[newest.job]).await.unwrap();
        assert_eq!(named[&newest.job], jobs[2].submission.tracking_id);

        let mut held = seeded();
        held[0] = Rule {
            condition: "true".to_owned(),
            action: Action { hold: true, ..Action::of(Way::Batch) },
            ..held[0].clone()
        };
        let other = engine.replay_rules(&admin, Some(held), 10).await.unwrap();
        assert_eq!((other.changed, other.was.held, other.would_be.held), (3, 0, 3));
        assert_eq!(other.would_be.cost, other.was.cost);

        // Decided again later: the first decision is the one that is replayed. One that can't be read is left out.
        let decision = engine.decision_of(&jobs[0]).await;
        let job = engine.job_of(&jobs[0]).await;
        queue::store::keep_decision(&mut engine.db(), job, engine.now(), "late", &decision).await.unwrap();
        let broken = engine.job_of(&jobs[1]).await;
        let mut db = engine.db();
        db.query("UPDATE decisions SET decision = '{}' WHERE job_id = $1").bind(job).exec().await.unwrap();
        db.query("UPDATE decisions SET decision = '{}' WHERE job_id = $1").bind(broken).exec().await.unwrap();
        let again = engine.replay_rules(&admin, None, 366).await.unwrap();
        assert_eq!((again.replayed, again.left_out), (3, 1), "with the old one");
        let decided = engine.rules_in_force(&admin).await.unwrap().decided;
        assert_eq!(decided.values().sum::<i64>(), 3, "of the last week");
        assert_ne!(old.submission.id, jobs[0].submission.id);
    })
    .await;
}

#[tokio::test]
async fn rules_are_tried_on_one_submission() {
    each_db(async |db| {
        let (house, admin) = with_admin(&db).await;
        let engine = &house.engine;
        let receipt = house.hand_in().await;
        let tracking_id = receipt.submission.tracking_id.clone();
        let mut rules = all_at_once();
        rules.insert(
            0,
            Rule {
                name: "never".to_owned(),
                priority: 0,
                condition: "submission.words > 9999".to_owned(),
                ..rules[0].clone()
            },
        );
        let tried = engine.try_rules(&admin, rules, &tracking_id).await.unwrap();
        assert_eq!((tried.was.route, tried.would_be.route), (Route::Batch, Route::Realtime));
        let asked: Vec<_> =
            tried.asked.iter().map(|(rule, applies)| (&*rule.name, applies.clone())).collect();
        assert_eq!(asked, [("never", Ok(false)), ("all_at_once", Ok(true))]);
        let none = engine.try_rules(&admin, seeded(), &"QR-7F3K-92MD".parse().unwrap()).await.unwrap_err();
        assert_eq!(none.to_string(), "There is no submission QR-7F3K-92MD that was routed.");
    })
    .await;
}

impl Engine {
    async fn decision_of(&self, receipt: &submission::Receipt) -> Decision {
        let found = queue::store::of_submission(&mut self.db(), receipt.submission.id).await.unwrap();
        found.unwrap().1
    }

    async fn job_of(&self, receipt: &submission::Receipt) -> JobId {
        queue::store::of_submission(&mut self.db(), receipt.submission.id).await.unwrap().unwrap().0.id
    }
}

#[tokio::test]
async fn a_provider_that_is_switched_off_keeps_no_other_rule_from_being_changed() {
    each_db(async |db| {
        let (house, admin) = with_admin(&db).await;
        let engine = &house.engine;
        let mut rules = seeded();
        rules.insert(0, Rule { priority: 0, ..all_at_once().remove(0) });
        assert_eq!(engine.save_rules(&admin, 1, rules.clone()).await.unwrap(), 2);
        house.clock.advance(TimeDelta::seconds(1));
        let sql = "UPDATE providers SET enabled = $1, updated_at = $2 WHERE name = 'anthropic'";
        db.clone().query(sql).bind(false).bind(engine.now()).exec().await.unwrap();
        engine.refresh_load().await.unwrap();
        // The rule is passed over, and says so.
        let receipt = house.hand_in().await;
        let decision = engine.decision_of(&receipt).await;
        assert_eq!(decision.provider, "openai");
        assert!(decision.reasoning.contains("anthropic"), "{}", decision.reasoning);
        // Others are moved, tried, replayed, and put in force again.
        let mut moved = rules.clone();
        moved.swap(0, 1);
        for (priority, rule) in (1..).zip(&mut moved) {
            rule.priority = priority;
        }
        engine.replay_rules(&admin, Some(moved.clone()), 7).await.unwrap();
        engine.try_rules(&admin, moved.clone(), &receipt.submission.tracking_id).await.unwrap();
        assert_eq!(engine.save_rules(&admin, 2, moved.clone()).await.unwrap(), 3);
        assert_eq!(engine.restore_rules(&admin, 3, 2).await.unwrap(), 4);
        assert_eq!(engine.restore_rules(&admin, 4, 1).await.unwrap(), 5, "without it");
        assert_eq!(engine.restore_rules(&admin, 5, 2).await.unwrap(), 6, "with it again");
        // A new one may not name what is not there.
        let other = Rule { name: "another".to_owned(), priority: 10, ..all_at_once().remove(0) };
        rules.push(other);
        let refused = engine.save_rules(&admin, 6, rules).await.unwrap_err();
        assert_eq!(refused.to_string(), "anthropic is not set up (set up: openai)");
    })
    .await;
}
