//! Cost control on both databases: who may set it, what is kept of it, and what it does to batches.
#![allow(clippy::unwrap_used)]

mod month;

use super::*;
use crate::{
    budget::{BudgetError, Scope},
    engine::{
        Engine,
        testing::{House, house, person},
    },
    identity::{Actor, Denied, IdentityError},
    notice::Mailer,
    store::{Db, NanoUsd, testing::each_db},
};
use chrono::TimeDelta;

pub(super) async fn house_with_admin(db: &Db) -> (House, Actor) {
    let house = house(db.clone(), Mailer::off()).await;
    let admin = person(&mut db.clone(), &house.engine.world().clone(), "admin@example.edu", true).await;
    let admin = house.engine.identity().actor(admin).await.unwrap();
    (house, admin)
}

fn on(engine: &Engine) -> Vec<Measure> {
    engine.load().measures.each().collect()
}

#[tokio::test]
async fn administrators_hold_measures_on_and_off() {
    each_db(async |db| {
        let (house, admin) = house_with_admin(&db).await;
        let engine = &house.engine;
        let denied = engine.set_cost_control(&house.student, Measure::Delay, Mode::On).await;
        assert!(matches!(denied, Err(BudgetError::Identity(IdentityError::Denied(Denied::Forbidden(_))))));
        assert!(engine.cost_control(&house.student, None).await.is_err());
        engine.set_cost_control(&admin, Measure::Delay, Mode::On).await.unwrap();
        engine.set_cost_control(&admin, Measure::Delay, Mode::On).await.unwrap();
        assert_eq!(on(engine), [Measure::Delay]);
        // Left to the projection it stays as it is; without a budget it is given up.
        engine.set_cost_control(&admin, Measure::Delay, Mode::Automatic).await.unwrap();
        assert_eq!(on(engine), [Measure::Delay]);
        house.clock.advance(TimeDelta::minutes(1));
        engine.control_costs().await.unwrap();
        assert_eq!(on(engine), []);
        house.clock.advance(TimeDelta::minutes(1));
        engine.set_cost_control(&admin, Measure::Economy, Mode::On).await.unwrap();
        house.clock.advance(TimeDelta::minutes(1));
        engine.set_cost_control(&admin, Measure::Economy, Mode::Off).await.unwrap();
        let found = engine.cost_control(&admin, None).await.unwrap();
        let changes: Vec<_> =
            found.changes.iter().rev().map(|c| (c.measure, c.taken, c.by.is_some())).collect();
        assert_eq!(
            changes,
            [
                (Measure::Delay, true, true),
                (Measure::Delay, true, true),
                (Measure::Delay, false, false),
                (Measure::Economy, true, true),
                (Measure::Economy, false, true)
            ]
        );
        assert!(found.changes[2].why.contains("no budget"), "{:?}", found.changes[2]);
        // That it is left to the projection is a decision too, though nothing changes at once.
        assert_eq!(found.changes[3].why, "an administrator leaves it to the projection");
        assert_eq!(found.outlook, Outlook::NoBudget);
        let modes: Vec<_> =
            found.measures.iter().map(|entry| (entry.state.measure, entry.state.mode)).collect();
        let automatic = |measure| (measure, Mode::Automatic);
        let [caching, larger, delay, _] = Measure::ALL.map(automatic);
        assert_eq!(modes, [caching, larger, delay, (Measure::Economy, Mode::Off)]);
        assert!(found.measures.iter().all(|entry| entry.saved.is_none()));
        let future = engine.cost_control(&admin, Some(engine.month().next())).await;
        assert!(matches!(future, Err(BudgetError::Future(_))));
    })
    .await;
}

#[tokio::test]
async fn batches_gather_for_longer_while_they_are_to_be_larger() {
    each_db(async |db| {
        let (house, admin) = house_with_admin(&db).await;
        let engine = &house.engine;
        let entry = engine.provider("openai").unwrap();
        let usual = (entry.sizes(), entry.schedule().clone());
        assert_eq!((usual.0.min, usual.0.longest), (10, TimeDelta::minutes(10)));
        engine.set_cost_control(&admin, Measure::LargerBatches, Mode::On).await.unwrap();
        assert_eq!((entry.sizes().min, entry.sizes().longest), (40, TimeDelta::hours(4)));
        assert_eq!(*entry.schedule(), entry.economy_schedule);
        engine.set_cost_control(&admin, Measure::LargerBatches, Mode::Off).await.unwrap();
        assert_eq!((entry.sizes(), entry.schedule().clone()), usual);
    })
    .await;
}

/// Two processes look at the same month: one of them takes the measure.
#[tokio::test]
async fn a_measure_is_taken_once() {
    each_db(async |db| {
        let (house, admin) = house_with_admin(&db).await;
        let engine = &house.engine;
        engine.set_budget(&admin, Scope::Institution, NanoUsd::from_dollars(1), false).await.unwrap();
        let other = {
            let (settings, registry) = (engine.settings().clone(), engine.registry().clone());
            let parts = crate::engine::Parts {
                db: db.clone(),
                world: engine.world().clone(),
                settings,
                registry,
                mailer: Mailer::off(),
                webhook: crate::webhook::Webhook::off(),
            };
            Engine::new(parts).await.unwrap()
        };
        let account = crate::budget::Account {
            job_id: engine.world().id(),
            provider: "openai".into(),
            model: "gpt-6-luna".into(),
            course_id: house.assignment.course_id,
            cost_centre: "arts".into(),
        };
        let cost = NanoUsd::from_dollars(1);
        let line = crate::budget::Line::settle(
            engine.world(),
            engine.zone(),
            account,
            crate::budget::Held::default(),
            cost,
        );
        crate::budget::record(&mut engine.db(), &[line]).await.unwrap();
        house.clock.advance(TimeDelta::days(1));
        for engine in [engine, &other] {
            engine.refresh_load().await.unwrap();
        }
        let (one, two) = tokio::join!(engine.control_costs(), other.control_costs());
        one.and(two).unwrap();
        let found = engine.cost_control(&admin, None).await.unwrap();
        assert_eq!(found.changes.len(), 1, "{:?}", found.changes);
        assert!(matches!(found.outlook, Outlook::Projected { likely, limit } if likely > limit));
        assert!(found.changes[0].why.contains("of $1.00"), "{:?}", found.changes);
        let told = engine.inbox(&admin, true, 0, 10).await.unwrap();
        let told: Vec<_> = told.items.iter().map(|item| (item.kind, &*item.body, &*item.path)).collect();
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!((told[0].0, told[0].2), (crate::notice::Kind::CostControl, "/admin/budget#cost-control"));
        assert!(told[0].1.starts_with("“More caching” began, since the month will likely"), "{told:?}");
        for engine in [engine, &other] {
            engine.refresh_load().await.unwrap();
        }
        assert_eq!((on(engine), on(&other)), (vec![Measure::Caching], vec![Measure::Caching]));
    })
    .await;
}
