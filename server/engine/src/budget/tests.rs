//! The ledger and budgets on both databases: sums that always balance, the hard stop, thresholds, and who may change what.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::{
    course::{self, Course},
    engine::{
        Engine,
        testing::{House, house, house_set, person},
    },
    identity::{Actor, Denied, IdentityError},
    notice::{Kind as NoticeKind, Mailer},
    settings::Settings,
    store::{BatchId, CallId, CourseId, Db, JobId, NanoUsd, testing::each_db},
};
use chrono::{DateTime, TimeDelta, Utc};
use rand::{RngExt as _, SeedableRng as _, rngs::SmallRng};
use std::collections::BTreeMap;

fn usd(n: i64) -> NanoUsd {
    NanoUsd::from_dollars(n)
}

async fn house_with_admin(db: &Db) -> (House, Actor) {
    let house = house(db.clone(), Mailer::off()).await;
    let mut db = db.clone();
    let admin = person(&mut db, &house.engine.world().clone(), "admin@example.edu", true).await;
    let admin = house.engine.identity().actor(admin).await.unwrap();
    (house, admin)
}

fn account(engine: &Engine, course: CourseId) -> Account {
    let job_id: JobId = engine.world().id();
    let (provider, model) = ("openai".to_owned(), "gpt-6-luna".to_owned());
    Account { job_id, provider, model, course_id: course, cost_centre: "arts".to_owned() }
}

fn set_to(house: &House, at: &str) {
    let at: DateTime<Utc> = at.parse().unwrap();
    house.clock.advance(at - house.engine.now());
}

/// Books an answer that was held for, of so many dollars, in a batch.
async fn spend(house: &House, course: CourseId, cost: NanoUsd) {
    let (engine, zone) = (&house.engine, house.engine.zone());
    let held = Held { reserved: cost, expected: cost };
    let account = account(engine, course);
    let tokens = Tokens { input_tokens: 1_000, cached_tokens: 400, output_tokens: 300, ..Tokens::default() };
    let lines = [
        Line::reserve(engine.world(), zone, account.clone(), held),
        Line {
            tokens,
            batch_id: Some(engine.world().id::<BatchId>()),
            ..Line::settle(engine.world(), zone, account, held, cost)
        },
    ];
    record(&mut engine.db(), &lines).await.unwrap();
    engine.refresh_load().await.unwrap();
}

async fn other_course(house: &House) -> Course {
    let world = house.engine.world();
    let course = Course {
        id: world.id(),
        code: "B200".into(),
        title: "Botany".into(),
        cost_centre: "science".into(),
        immediate_feedback: false,
        created_at: world.now(),
    };
    course::store::insert_course(&mut house.engine.db(), &course).await.unwrap();
    course
}

/// A job at work in the random histories.
#[derive(Clone)]
struct AtWork {
    account: Account,
    held: Held,
}

/// What should be on the books.
#[derive(Default)]
struct Model {
    at_work: Vec<AtWork>,
    spent: BTreeMap<(Month, String), NanoUsd>,
    /// How far each scope's spend may come: its limit, or what was spent and reserved when the limit or the month began.
    most: BTreeMap<String, NanoUsd>,
    limits: BTreeMap<String, NanoUsd>,
}

impl Model {
    fn held(&self, scope: &str) -> Held {
        let mut sum = Held::default();
        for job in &self.at_work {
            if scope == INSTITUTION || scope == job.account.course_id.to_string() {
                sum.reserved += job.held.reserved;
                sum.expected += job.held.expected;
            }
        }
        sum
    }

    fn spent(&self, month: Month, scope: &str) -> NanoUsd {
        self.spent.get(&(month, scope.to_owned())).copied().unwrap_or_default()
    }

    fn pay(&mut self, month: Month, job: &AtWork, cost: NanoUsd) {
        for scope in [INSTITUTION.to_owned(), job.account.course_id.to_string()] {
            *self.spent.entry((month, scope)).or_default() += cost;
        }
    }

    fn begin_anew(&mut self, month: Month, scope: &str) {
        let limit = self.limits.get(scope).copied().unwrap_or(NanoUsd(i64::MAX));
        let there = self.spent(month, scope) + self.held(scope).reserved;
        self.most.insert(scope.to_owned(), limit.max(there));
    }
}

/// Over random histories with crashes, across the ends of months and with limits that change: what is held is what jobs
/// at work hold, what is spent is what was settled, and no spend passes the hard stop but for what was reserved before.
#[tokio::test]
async fn the_books_always_balance() {
    // Some histories again and again, and a new one each time; QUIRE_TEST_SEED repeats one of those.
    let given = std::env::var("QUIRE_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    let fresh = given.unwrap_or_else(rand::random::<u64>);
    for seed in [11, 12, 13, 14, 15, fresh] {
        each_db(async |db| books_balance(db, seed).await).await;
    }
}

async fn books_balance(db: Db, seed: u64) {
    let (house, admin) = house_with_admin(&db).await;
    let engine = &house.engine;
    let courses = [house.assignment.course_id, other_course(&house).await.id];
    let zone = engine.zone();
    let mut random = SmallRng::seed_from_u64(seed);
    let mut model = Model::default();
    let mut month = engine.month();
    for step in 0..150 {
        let crash = random.random_bool(0.2);
        let mut tx = engine.db().begin().await.unwrap();
        let mut after = None;
        match random.random_range(0..10) {
            0..4 => {
                let account = account(engine, courses[random.random_range(0..2)]);
                let reserved = NanoUsd(random.random_range(1..5_000_000_000));
                let held = Held { reserved, expected: NanoUsd(reserved.0 / 2) };
                let mut budgets = engine.budgets_for_update(&mut tx).await.unwrap();
                if budgets.take(account.course_id, reserved) {
                    let line = Line::reserve(engine.world(), zone, account.clone(), held);
                    record(&mut tx, &[line]).await.unwrap();
                    after = Some((Some(AtWork { account, held }), None));
                }
            }
            4..8 if !model.at_work.is_empty() => {
                let at = random.random_range(0..model.at_work.len());
                let AtWork { account, held } = model.at_work[at].clone();
                let cost = NanoUsd(random.random_range(0..=held.reserved.0));
                let call: CallId = engine.world().id();
                let (line, cost) = match random.random_range(0..3) {
                    0 => (Line::settle(engine.world(), zone, account, held, cost), cost),
                    1 => (Line::release(engine.world(), zone, account, held, "no"), NanoUsd::ZERO),
                    _ => (Line::lost(engine.world(), zone, account, held, call), held.reserved),
                };
                record(&mut tx, &[line]).await.unwrap();
                after = Some((None, Some((at, cost))));
            }
            8 => house.clock.advance(TimeDelta::days(random.random_range(1..12))),
            _ => {
                drop(tx);
                let scope = match random.random_range(0..3) {
                    0 => Scope::Institution,
                    n => Scope::Course(courses[n - 1]),
                };
                let limit = NanoUsd(random.random_range(0..60_000_000_000));
                engine.set_budget(&admin, scope, limit, true).await.unwrap();
                model.limits.insert(scope.to_string(), limit);
                model.begin_anew(engine.month(), &scope.to_string());
                continue;
            }
        }
        if crash {
            // The process ends before its transaction does.
            drop(tx);
        } else {
            tx.commit().await.unwrap();
            match after {
                Some((Some(job), None)) => model.at_work.push(job),
                Some((None, Some((at, cost)))) => {
                    let job = model.at_work.swap_remove(at);
                    model.pay(engine.month(), &job, cost);
                }
                _ => {}
            }
        }
        let now = engine.month();
        let scopes = [INSTITUTION.to_owned(), courses[0].to_string(), courses[1].to_string()];
        let sums = spending(&mut engine.db(), now).await.unwrap();
        for scope in scopes {
            if now != month {
                model.begin_anew(now, &scope);
            }
            let sum = sums.iter().find(|sum| sum.scope == scope).cloned().unwrap_or_default();
            let held = Held { reserved: sum.reserved, expected: sum.expected };
            assert_eq!((step, held), (step, model.held(&scope)), "seed {seed}, {scope}");
            assert_eq!((step, sum.spent), (step, model.spent(now, &scope)), "seed {seed}, {scope}");
            if let Some(most) = model.most.get(&scope) {
                assert!(
                    sum.spent + sum.reserved <= *most,
                    "seed {seed}, step {step}, {scope}: {sum:?} passes {most}"
                );
            }
        }
        month = now;
    }
    for job in model.at_work.drain(..) {
        let line = Line::release(engine.world(), zone, job.account, job.held, "the end");
        record(&mut engine.db(), &[line]).await.unwrap();
    }
    let sums = spending(&mut engine.db(), month).await.unwrap();
    assert!(sums.iter().all(|sum| (sum.reserved, sum.expected) == (NanoUsd::ZERO, NanoUsd::ZERO)));
    assert!(model.spent.len() > 1, "seed {seed}: money was spent in several months");
}

/// Both months of the institution, and not those of UTC: on the last evening of November it is December there.
#[tokio::test]
async fn months_end_where_the_institution_is() {
    each_db(async |db| {
        let settings = Settings { time_zone: chrono_tz::Europe::Stockholm, ..Settings::default() };
        let house = house_set(db.clone(), Mailer::off(), &["openai"], settings).await;
        let (engine, course) = (&house.engine, house.assignment.course_id);
        let zone = engine.zone();
        engine.set_budget(&Actor::System, Scope::Institution, usd(10), true).await.unwrap();
        set_to(&house, "2026-11-30T22:50:00Z");
        assert_eq!(engine.month().to_string(), "2026-11");
        let held = Held { reserved: usd(8), expected: usd(8) };
        let account = account(engine, course);
        record(&mut engine.db(), &[Line::reserve(engine.world(), zone, account.clone(), held)])
            .await
            .unwrap();
        spend(&house, course, usd(1)).await;
        house.clock.advance(TimeDelta::minutes(20));
        assert_eq!(engine.month().to_string(), "2026-12");
        let line = Line::settle(engine.world(), zone, account, held, usd(8));
        assert_eq!(line.day.to_string(), "2026-12-01");
        record(&mut engine.db(), &[line]).await.unwrap();
        engine.refresh_load().await.unwrap();
        assert_eq!(engine.load().budgets.left(course), Some(usd(2)), "the dollar was November's");
        let spent = async |month: &str| {
            let monitor = engine.budget_monitor(&Actor::System, Some(month.parse().unwrap())).await.unwrap();
            monitor.standings[0].spending.spent
        };
        assert_eq!((spent("2026-11").await, spent("2026-12").await), (usd(1), usd(8)));
        let mut budgets = engine.budgets_for_update(&mut engine.db().begin().await.unwrap()).await.unwrap();
        assert!(!budgets.take(course, usd(3)) && budgets.take(course, usd(2)), "December's hard stop");
    })
    .await;
}

#[tokio::test]
async fn the_clock_of_rules_is_that_of_the_institution() {
    each_db(async |db| {
        let settings = Settings { time_zone: chrono_tz::Europe::Stockholm, ..Settings::default() };
        let house = house_set(db.clone(), Mailer::off(), &["openai"], settings).await;
        let at = |text: &str| house.engine.clock_facts(text.parse().unwrap());
        for (moment, hour, weekday, peak) in [
            // Clocks go from 2 to 3, and from 3 back to 2; both on Sundays.
            ("2026-03-29T00:59:59Z", 1, 7, false),
            ("2026-03-29T01:00:00Z", 3, 7, false),
            ("2026-10-25T00:30:00Z", 2, 7, false),
            ("2026-10-25T01:30:00Z", 2, 7, false),
            // A Monday in summer time and one in winter time: 9 to 17 there.
            ("2026-03-30T06:59:59Z", 8, 1, false),
            ("2026-03-30T07:00:00Z", 9, 1, true),
            ("2026-10-26T15:59:59Z", 16, 1, true),
            ("2026-10-26T16:00:00Z", 17, 1, false),
            // Already Saturday there.
            ("2026-11-27T23:30:00Z", 0, 6, false),
        ] {
            let facts = at(moment);
            assert_eq!((facts.hour, facts.weekday, facts.peak), (hour, weekday, peak), "{moment}");
        }
    })
    .await;
}

#[tokio::test]
async fn what_was_reserved_before_the_month_ended_is_held_and_paid_in_the_next() {
    each_db(async |db| {
        let (house, admin) = house_with_admin(&db).await;
        let (engine, course) = (&house.engine, house.assignment.course_id);
        let zone = engine.zone();
        set_to(&house, "2026-11-30T23:50:00Z");
        engine.set_budget(&admin, Scope::Institution, usd(10), true).await.unwrap();
        let held = Held { reserved: usd(4), expected: usd(2) };
        let account = account(engine, course);
        let line = Line::reserve(engine.world(), zone, account.clone(), held);
        record(&mut engine.db(), &[line]).await.unwrap();
        house.clock.advance(TimeDelta::minutes(20));
        engine.refresh_load().await.unwrap();
        let left = || engine.load().budgets.left(course);
        assert_eq!(left(), Some(usd(6)), "it will be paid for in December");
        let line = Line::settle(engine.world(), zone, account, held, usd(3));
        record(&mut engine.db(), &[line]).await.unwrap();
        engine.refresh_load().await.unwrap();
        assert_eq!(left(), Some(usd(7)));
        let november = engine.budget_monitor(&admin, Some("2026-11".parse().unwrap())).await.unwrap();
        assert_eq!(november.standings[0].spending, Spending { scope: "all".into(), ..Spending::default() });
        assert!(!november.open && november.standings[0].projection.is_none());
        assert_eq!(november.until.to_string(), "2026-11-30");
    })
    .await;
}

#[tokio::test]
async fn administrators_are_told_once_of_each_threshold() {
    each_db(async |db| {
        let (house, admin) = house_with_admin(&db).await;
        let (engine, course) = (&house.engine, house.assignment.course_id);
        let news = async || {
            engine.tell_of_budgets().await.unwrap();
            engine.tell_of_budgets().await.unwrap();
            let inbox = engine.inbox(&admin, true, 0, 10).await.unwrap();
            engine.read_all_notices(&admin).await.unwrap();
            inbox.items.into_iter().map(|item| (item.kind, item.body)).collect::<Vec<_>>()
        };
        engine.set_budget(&admin, Scope::Institution, usd(100), true).await.unwrap();
        engine.set_budget(&admin, Scope::Course(course), usd(20), false).await.unwrap();
        spend(&house, course, usd(15)).await;
        assert_eq!(news().await, []);
        spend(&house, course, usd(4)).await;
        let told = news().await;
        // 80 and 90 % were passed at once: the higher is told.
        assert_eq!((told.len(), told[0].0), (1, NoticeKind::BudgetThreshold));
        let words = "$19.00 of the budget of “Writing 101” for 2026-11 is spent or expected for work under way: 95 % of $20.00.";
        assert_eq!(told[0].1, words);
        spend(&house, course, usd(71)).await;
        let told = news().await;
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told.iter().any(|(_, body)| body.contains("the institution") && body.contains("90 % of $100.00")));
        assert!(told.iter().any(|(_, body)| body.contains("450 % of $20.00") && !body.contains("waits")));
        spend(&house, course, usd(20)).await;
        let told = news().await;
        assert!(told.len() == 1 && told[0].1.contains("waits in the queue until the limit is raised"), "{told:?}");
        // A new limit is a new matter, and so is a new month.
        engine.set_budget(&admin, Scope::Institution, usd(130), true).await.unwrap();
        assert_eq!(news().await.len(), 1);
        set_to(&house, "2026-12-02T10:00:00Z");
        engine.refresh_load().await.unwrap();
        assert_eq!(news().await, []);
        spend(&house, course, usd(17)).await;
        assert!(news().await[0].1.contains("for 2026-12"));
    })
    .await;
}

#[tokio::test]
async fn the_monitor_shows_what_the_month_went_to_and_will_come_to() {
    each_db(async |db| {
        let (house, admin) = house_with_admin(&db).await;
        let (engine, course) = (&house.engine, house.assignment.course_id);
        let botany = other_course(&house).await;
        set_to(&house, "2026-12-10T09:00:00Z");
        engine.set_budget(&admin, Scope::Course(botany.id), usd(50), true).await.unwrap();
        spend(&house, course, usd(3)).await;
        spend(&house, botany.id, usd(2)).await;
        let monitor = engine.budget_monitor(&admin, None).await.unwrap();
        assert_eq!(
            monitor.standings.len(),
            2,
            "the institution without a budget, and the course that has one"
        );
        let [institution, of_course] = &monitor.standings[..] else { panic!() };
        assert_eq!((institution.used(), institution.left(), institution.projection), (None, None, None));
        assert_eq!((of_course.used(), of_course.left()), (Some(0.04), Some(usd(48))));
        set_to(&house, "2026-12-11T09:00:00Z");
        let monitor = engine.budget_monitor(&admin, None).await.unwrap();
        let projected = |at: usize| monitor.standings[at].projection.unwrap().likely;
        // One day of 5 and of 2 dollars; 21 such days are left.
        assert_eq!((projected(0), projected(1)), (usd(110), usd(44)));
        assert_eq!(monitor.standings[1].projected(), Some(0.88));
        let day = |text: &str| text.parse().unwrap();
        assert_eq!(
            monitor.by_day[8..],
            [(day("2026-12-09"), usd(0)), (day("2026-12-10"), usd(5)), (day("2026-12-11"), usd(5))]
        );
        let of = |course: CourseId| monitor.ways.iter().find(|(way, ..)| way.course_id == course).unwrap();
        let (way, paid, realtime) = of(course);
        assert_eq!((monitor.ways.len(), &*way.cost_centre, way.batched), (2, "arts", true));
        assert_eq!(
            (paid.spent, paid.answers, paid.input_tokens, paid.cached_tokens),
            (usd(3), 1, 1_000, 400)
        );
        assert!(realtime.unwrap() > NanoUsd::ZERO);
        assert_eq!(of(botany.id).1.spent, usd(2));
        let future = engine.budget_monitor(&admin, Some("2027-01".parse().unwrap())).await;
        assert!(matches!(future, Err(BudgetError::Future(_))));
        let earlier = engine.budget_monitor(&admin, Some("2026-02".parse().unwrap())).await.unwrap();
        assert_eq!((earlier.by_day.len(), earlier.ways.len()), (28, 0));
    })
    .await;
}

#[tokio::test]
async fn only_administrators_set_budgets_and_no_nonsense_is_set() {
    each_db(async |db| {
        let (house, admin) = house_with_admin(&db).await;
        let engine = &house.engine;
        let denied = engine.set_budget(&house.student, Scope::Institution, usd(1), true).await;
        assert!(matches!(denied, Err(BudgetError::Identity(IdentityError::Denied(Denied::Forbidden(_))))));
        assert!(engine.remove_budget(&house.student, Scope::Institution).await.is_err());
        assert!(engine.budget_monitor(&house.student, None).await.is_err());
        let negative = engine.set_budget(&admin, Scope::Institution, NanoUsd(-1), true).await;
        assert!(matches!(negative, Err(BudgetError::Negative)));
        let nobody = Scope::Course(engine.world().id());
        assert!(matches!(
            engine.set_budget(&admin, nobody, usd(1), true).await,
            Err(BudgetError::NoCourse(_))
        ));
        assert!(matches!(engine.remove_budget(&admin, nobody).await, Err(BudgetError::NoBudget)));
        engine.set_budget(&admin, Scope::Institution, usd(1), true).await.unwrap();
        engine.set_budget(&admin, Scope::Institution, usd(2), false).await.unwrap();
        let [kept] = &budgets(&mut engine.db()).await.unwrap()[..] else { panic!() };
        assert_eq!((kept.limit, kept.hard_stop), (usd(2), false));
        engine.remove_budget(&admin, Scope::Institution).await.unwrap();
        assert_eq!(engine.load().budgets.budgets, []);
    })
    .await;
}

#[tokio::test]
async fn a_month_that_has_ended_keeps_the_budgets_that_it_had() {
    each_db(async |db| {
        let (house, admin) = house_with_admin(&db).await;
        let (engine, course) = (&house.engine, house.assignment.course_id);
        set_to(&house, "2026-10-10T12:00:00Z");
        engine.set_budget(&admin, Scope::Course(course), usd(5), false).await.unwrap();
        set_to(&house, "2026-11-10T12:00:00Z");
        engine.set_budget(&Actor::System, Scope::Institution, usd(50), true).await.unwrap();
        house.clock.advance(TimeDelta::hours(1));
        engine.set_budget(&admin, Scope::Institution, usd(80), true).await.unwrap();
        set_to(&house, "2026-12-02T12:00:00Z");
        engine.remove_budget(&admin, Scope::Course(course)).await.unwrap();
        engine.set_budget(&admin, Scope::Institution, usd(10), true).await.unwrap();
        let limits = async |month: &str| -> Vec<Option<NanoUsd>> {
            let monitor = engine.budget_monitor(&admin, Some(month.parse().unwrap())).await.unwrap();
            monitor.standings.into_iter().map(|standing| standing.budget.map(|budget| budget.limit)).collect()
        };
        assert_eq!(limits("2026-09").await, [None], "before the first");
        assert_eq!(limits("2026-10").await, [None, Some(usd(5))]);
        assert_eq!(limits("2026-11").await, [Some(usd(80)), Some(usd(5))], "the last of the month");
        assert_eq!(limits("2026-12").await, [Some(usd(10))]);
        let november = engine.budget_monitor(&admin, Some("2026-11".parse().unwrap())).await.unwrap();
        let told: Vec<_> = november.changes.iter().map(|c| (c.limit, c.by.as_deref())).collect();
        assert_eq!(told, [(Some(usd(80)), Some("Ada Lind")), (Some(usd(50)), None)]);
        let december = engine.budget_monitor(&admin, None).await.unwrap();
        assert_eq!((december.changes.len(), december.changes[1].limit), (2, None));
    })
    .await;
}
