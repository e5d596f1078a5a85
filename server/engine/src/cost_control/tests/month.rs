//! A month of a course, simulated: ordinary days, then fifteen days with twice the work, then ordinary days again.
//! Everything is real but the time and the provider, which is the simulator over HTTP: hand-ins, routing, batches, calls,
//! the ledger, the projection, cost control.

use super::{super::*, house_with_admin, on};
use crate::{
    batching::{self, BatchState},
    budget::{self, INSTITUTION, Scope, day_of},
    course::{self, AssessmentType, Assignment},
    engine::testing::House,
    identity::{self, Actor, Role},
    jobs::{Handler as _, Task},
    provider::{
        ApiKey, ProviderKind,
        registry::{NewProvider, store::put_provider},
    },
    queue,
    routing::{Action, Rule, Way, seeded},
    store::{AssignmentId, Db, NanoUsd, testing::FreshDb},
    submission::HandIn,
};
use chrono::{DateTime, TimeDelta, Utc};
use quire_simulator as simulator;
use std::{collections::HashMap, fmt::Write as _};

/// Hours of the day at which work is handed in.
const HOURS: std::ops::Range<i64> = 8..17;

/// Works at each of these hours: half of the days' is handed in to each of two assignments.
const USUAL: usize = 5;

/// Days of December with twice the work.
const BUSY: std::ops::RangeInclusive<u32> = 6..=20;

struct Month {
    house: House,
    admin: Actor,
    simulator: simulator::Running,
    clock: simulator::Clock,
    assignments: Vec<AssignmentId>,
    handed_in: usize,
}

/// What was seen at the end of a day.
struct Day {
    at: DateTime<Utc>,
    works: usize,
    spent: NanoUsd,
    share: Option<f64>,
    on: Vec<Measure>,
}

impl Month {
    async fn begin(db: &Db) -> Self {
        let (house, admin) = house_with_admin(db).await;
        let start: DateTime<Utc> = "2026-12-01T00:00:00Z".parse().unwrap();
        house.clock.advance(start - house.engine.now());
        let clock = simulator::Clock::manual(start);
        let mut config = simulator::Config::instant();
        config.settings.batch_cache_hits = 0.9;
        let simulator = simulator::start_with_clock(config, clock.clone()).await.unwrap();
        let engine = &house.engine;
        let mut x = engine.db();
        let settings = serde_json::json!({
            "models": ["gpt-6.1-terra"], "economy_model": "gpt-6-luna", "schedule": "0 * * * *",
            "economy_schedule": "0 */4 * * *", "max_wait_s": 3600, "min_jobs": 8,
        });
        let provider = NewProvider {
            name: "openai".into(),
            kind: ProviderKind::Openai,
            base_url: simulator.openai_url(),
            key: Some(ApiKey::from("sk-test")),
            enabled: true,
            settings: settings.as_object().unwrap().clone(),
        };
        put_provider(&mut x, engine.world(), engine.registry().master(), &provider).await.unwrap();
        engine.refresh_load().await.unwrap();
        identity::store::set_role(
            &mut x,
            house.assignment.course_id,
            admin.person_id().unwrap(),
            Role::Instructor,
        )
        .await
        .unwrap();
        // Prompts that are long enough to be kept by the provider's cache.
        let brief =
            "Say what the letter claims, how each claim is supported, and what a reader might answer. ";
        let mut assignments = Vec::new();
        for key in ["letters", "answers"] {
            let assignment = Assignment {
                id: engine.world().id(),
                key: key.into(),
                title: format!("{key} to the editor"),
                kind: AssessmentType::Summative,
                brief: format!("{key}: {}", brief.repeat(70)),
                ..house.assignment.clone()
            };
            course::store::insert_assignment(&mut x, &assignment).await.unwrap();
            assignments.push(assignment.id);
        }
        let month = Self { admin, simulator, clock, assignments, handed_in: 0, house };
        month.send_short_works_at_once().await;
        month
    }

    /// What a rule of this institution does with its money: every third work.
    async fn send_short_works_at_once(&self) {
        let engine = &self.house.engine;
        let short = Rule {
            name: "short_works".into(),
            title: "Short works at once".into(),
            condition: "submission.words < 40".into(),
            action: Action::of(Way::Realtime),
            priority: 0,
            enabled: true,
        };
        let rules = std::iter::once(short).chain(seeded()).collect();
        let version = engine.rules().version;
        engine.save_rules(&self.admin, version, rules).await.unwrap();
    }

    async fn hand_in(&mut self, works: usize) {
        for _ in 0..works {
            self.handed_in += 1;
            let n = self.handed_in;
            let short = format!("Dear editor, computers helped student {n} to learn. I am glad of it.");
            let long =
                "They show us places that we will never see, and let us write to friends abroad. ".repeat(6);
            let text = if n.is_multiple_of(3) { short } else { format!("{short} {long}") };
            let input = HandIn {
                assignment: self.assignments[n % 2],
                student: Some(format!("student{n}@example.edu").parse().unwrap()),
                text,
                file_name: None,
                idempotency: None,
            };
            self.house.engine.hand_in(&self.admin, input).await.unwrap();
        }
    }

    /// Lets some minutes pass, and does what workers do at their end.
    async fn pass(&self, minutes: i64) {
        let engine = &self.house.engine;
        let by = TimeDelta::minutes(minutes);
        self.house.clock.advance(by);
        self.clock.advance(by);
        engine.refresh_load().await.unwrap();
        engine.refresh_snapshot().await.unwrap();
        engine.tick().await;
        let now = engine.now();
        let calls = queue::store::calls_due(&mut engine.db(), now, 1_000).await.unwrap();
        for job in calls {
            engine.handle(Task::Call(job)).await;
        }
        // Sent, followed and taken in: the simulator has each batch ready at once.
        for _ in 0..3 {
            let due =
                batching::store::due(&mut engine.db(), engine.now(), TimeDelta::zero(), 1_000).await.unwrap();
            for batch in due {
                let task = match batch.state {
                    BatchState::Written | BatchState::Sending => Task::Submit(batch.id),
                    BatchState::Sent => Task::Poll(batch.id),
                    _ => Task::Ingest(batch.id),
                };
                engine.handle(task).await;
            }
        }
    }

    async fn day(&mut self) -> Day {
        let today = day_of(self.house.engine.now(), self.house.engine.zone());
        let day = chrono::Datelike::day(&today);
        let each = if BUSY.contains(&day) { 2 * USUAL } else { USUAL };
        let mut seen = None;
        for hour in 0..24 {
            if hour == 23 {
                seen = Some(self.seen(each).await);
            }
            if HOURS.contains(&hour) {
                self.hand_in(each).await;
            }
            // At night little happens.
            let steps: &[i64] =
                if (HOURS.start..HOURS.end + 4).contains(&hour) { &[1, 9, 20, 30] } else { &[60] };
            for minutes in steps {
                self.pass(*minutes).await;
            }
        }
        seen.unwrap()
    }

    async fn seen(&self, each: usize) -> Day {
        let engine = &self.house.engine;
        let outlook = engine.outlook_of_month().await.unwrap();
        let works = each * usize::try_from(HOURS.end - HOURS.start).unwrap();
        Day {
            at: engine.now(),
            works,
            spent: engine.load().budgets.of(INSTITUTION).spent,
            share: match outlook {
                Outlook::Projected { likely, limit } => Some(likely.dollars() / limit.dollars()),
                _ => None,
            },
            on: on(engine),
        }
    }
}

/// A month on a database: its days, what cost control says of it, and what was spent.
async fn month(db: &Db, held_off: bool) -> (Vec<Day>, CostControl, NanoUsd, NanoUsd) {
    let mut month = Month::begin(db).await;
    if held_off {
        for measure in Measure::ALL {
            month.house.engine.set_cost_control(&month.admin, measure, Mode::Off).await.unwrap();
        }
    }
    let mut days = Vec::new();
    let mut limit = NanoUsd::ZERO;
    while chrono::Datelike::month(&month.house.engine.now()) == 12 {
        days.push(month.day().await);
        if days.len() == 2 {
            // Ordinary days alone would come to 72 % of the budget.
            limit = NanoUsd(days[1].spent.0 / 2 * 31 * 100 / 72);
            month.house.engine.set_budget(&month.admin, Scope::Institution, limit, true).await.unwrap();
        }
    }
    let december = Some("2026-12".parse().unwrap());
    let control = month.house.engine.cost_control(&month.admin, december).await.unwrap();
    let mut db = month.house.engine.db();
    let december = "2026-12".parse().unwrap();
    let spent = budget::spending(&mut db, december).await.unwrap();
    let spent = spent.iter().find(|sum| sum.scope == INSTITUTION).unwrap().spent;
    // Every work was marked, and what the provider would bill is what is in the ledger.
    let bill: Vec<serde_json::Value> = reqwest::get(format!("{}/ledger", month.simulator.control_url()))
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(bill.len(), month.handed_in);
    let billed: i64 = bill.iter().map(|line| line["price_nano_usd"].as_i64().unwrap()).sum();
    assert_eq!(billed, spent.0);
    month.simulator.shutdown().await.unwrap();
    (days, control, spent, limit)
}

#[tokio::test(flavor = "multi_thread")]
#[allow(clippy::print_stderr, reason = "the table is what docs/saving.md shows")]
async fn measures_come_and_go_with_the_projection_and_what_each_saved_is_told() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let fresh = [FreshDb::sqlite().await, FreshDb::postgres().await];
    let without = {
        let fresh = FreshDb::sqlite().await;
        let (days, control, spent, _) = month(&fresh.db, true).await;
        assert!(
            days.iter().all(|day| day.on.is_empty()) && control.changes.iter().all(|change| !change.taken)
        );
        fresh.remove().await;
        spent
    };
    for fresh in fresh {
        let (days, control, spent, limit) = month(&fresh.db, false).await;
        eprintln!("{}", told(&days, &control, spent, without, limit));
        fresh.remove().await;
        // Some may come twice, as chance has it; the gentlest come first and go last.
        let changes: Vec<(Measure, bool)> =
            control.changes.iter().rev().map(|c| (c.measure, c.taken)).collect();
        let taken = Measure::ALL.map(|measure| (measure, true));
        // The gentlest may stay, where the month still comes to about what it is given up below.
        let last = days.last().unwrap();
        let still = last.on.len();
        assert_eq!(last.on, Measure::ALL[..still]);
        assert!(
            still == 0 || (still == 1 && last.share.is_some_and(|share| share >= 0.79)),
            "{:?}",
            last.share
        );
        let given_up: Vec<_> = Measure::ALL[still..].iter().rev().map(|measure| (*measure, false)).collect();
        assert!(changes.starts_with(&taken), "{changes:?}");
        assert!(changes.ends_with(&given_up), "{changes:?}");
        assert!(days[..6].iter().all(|day| day.on.is_empty()), "ordinary days are left alone");
        assert!(spent < without && spent < limit);
        let saved: HashMap<Measure, Saved> =
            control.measures.iter().filter_map(|entry| Some((entry.state.measure, entry.saved?))).collect();
        assert_eq!(saved.len(), 4, "each was measured: {saved:?}");
        for measure in [Measure::Delay, Measure::Economy] {
            assert!(saved[&measure].saved > NanoUsd::ZERO, "{measure:?}: {saved:?}");
        }
        // What the measures say that they saved is what the month without them cost more.
        let all: NanoUsd = saved.values().map(|saved| saved.saved).sum();
        let truly = without - spent;
        let share = all.dollars() / truly.dollars();
        // What the provider's cache does differs by chance between the two months.
        assert!((0.6..1.4).contains(&share), "told {all}, truly {truly}");
    }
}

/// The month as a table.
fn told(days: &[Day], control: &CostControl, spent: NanoUsd, without: NanoUsd, limit: NanoUsd) -> String {
    let mut out =
        String::from("| day | works | spent | likely | measures |\n| --- | --: | --: | --: | --- |\n");
    for day in days {
        let share = day.share.map_or_else(|| "–".to_owned(), |share| format!("{:.0} %", share * 100.0));
        let on: Vec<&str> = day.on.iter().map(|measure| measure.title()).collect();
        let spent = format!("${:.4}", day.spent.dollars());
        writeln!(out, "| {} | {} | {spent} | {share} | {} |", day.at.format("%-d"), day.works, on.join(", "))
            .unwrap();
    }
    for change in control.changes.iter().rev() {
        let what = if change.taken { "taken" } else { "given up" };
        writeln!(
            out,
            "{} {}: {what}, as {}",
            change.at.format("%-d %H:%M"),
            change.measure.title(),
            change.why
        )
        .unwrap();
    }
    for entry in &control.measures {
        let saved =
            entry.saved.map(|saved| format!("${:.4} over {} answers", saved.saved.dollars(), saved.answers));
        writeln!(out, "{}: {}", entry.state.measure.title(), saved.unwrap_or_default()).unwrap();
    }
    let dollars = [spent, without, limit].map(NanoUsd::dollars);
    writeln!(
        out,
        "spent ${:.4}, without cost control ${:.4}, budget ${:.4}",
        dollars[0], dollars[1], dollars[2]
    )
    .unwrap();
    out
}
