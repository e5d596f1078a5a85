//! A submission's whole way through the engine and its workers, against the simulator over HTTP, on both databases.
#![allow(clippy::unwrap_used, missing_docs, clippy::expect_used)]

use chrono::Utc;
use quire_engine::{
    budget,
    course::{AssessmentType, Assignment, Course, Criterion, Level, Points, ReleasePolicy, Rubric},
    engine::{Engine, Parts},
    identity::{self, Actor, NewPerson, Role, Zone},
    jobs,
    notice::Mailer,
    provider::{
        MasterKey, ProviderKind, Registry,
        price::{Deal, Price, Rates},
        registry,
    },
    queue::{LaneSettings, Lanes, Turnaround},
    recovery::{RetryPolicy, RetryTable},
    routing::Route,
    settings::Settings,
    store::{AssignmentId, Db, NanoUsd, World, testing::FreshDb},
    submission::{HandIn, Receipt, SubmissionState},
    webhook::Webhook,
};
use quire_simulator as simulator;
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// A school with one course, two providers that are the simulator, and workers.
struct School {
    engine: Engine,
    teacher: Actor,
    assignment: AssignmentId,
    exam: AssignmentId,
    stop: CancellationToken,
    workers: tokio::task::JoinHandle<()>,
}

fn settings() -> Settings {
    let quick = LaneSettings { attempts: 3, gather_seconds: 0, backoff_seconds: 1 };
    let policy = RetryPolicy { attempts: 4, first_seconds: 0, most_seconds: 1, exponential: false };
    Settings {
        lanes: Lanes { urgent: quick, standard: quick, economy: quick },
        retry: RetryTable {
            rate_limit: policy,
            time_out: policy,
            token_limit: policy,
            provider: policy,
            ..RetryTable::default()
        },
        turnaround_prior: Turnaround { p50: 2, p90: 5 },
        ..Settings::default()
    }
}

fn rubric() -> Rubric {
    let criterion = |id: &str, title: &str| Criterion {
        id: id.to_owned(),
        title: title.to_owned(),
        description: format!("How good the {title} is."),
        levels: (1..=6)
            .map(|n| Level {
                id: format!("l{n}"),
                title: format!("Level {n}"),
                description: String::new(),
                points: Points(n * 100),
            })
            .collect(),
    };
    Rubric {
        title: "Persuasion".to_owned(),
        criteria: vec![criterion("position", "Position"), criterion("support", "Support")],
        guidelines: String::new(),
        exemplars: Vec::new(),
    }
}

/// A provider: its interface, its address, its model.
type Named = (ProviderKind, String, &'static str);

async fn provider(db: &Db, world: &World, master: &MasterKey, (kind, url, model): Named) {
    let settings = serde_json::json!({
        "models": [model],
        "schedule": "* * * * * *",
        "economy_schedule": "* * * * * *",
        "poll_first_s": 1,
        "poll_max_s": 1,
        "create_timeout_s": 3,
        "call_timeout_s": 3,
    });
    let new = registry::store::NewProvider {
        name: kind.name().to_lowercase(),
        kind,
        base_url: url,
        key: Some("sk-test".into()),
        enabled: true,
        settings: settings.as_object().unwrap().clone(),
    };
    registry::store::put_provider(&mut db.clone(), world, master, &new).await.unwrap();
}

impl School {
    async fn open(db: Db, simulator: &simulator::Running) -> Self {
        let openai = (ProviderKind::Openai, simulator.openai_url(), "gpt-6-luna");
        let anthropic_url = format!("{}/v1", simulator.anthropic_url());
        let anthropic = (ProviderKind::Anthropic, anthropic_url, "claude-haiku-5-5");
        Self::with(db, vec![openai, anthropic]).await
    }

    async fn with(db: Db, providers: Vec<Named>) -> Self {
        let world = World::system();
        let master = MasterKey::generate(&world);
        for named in providers {
            provider(&db, &world, &master, named).await;
        }
        let course = Course {
            id: world.id(),
            code: "W101".to_owned(),
            title: "Writing 101".to_owned(),
            cost_centre: "4711".to_owned(),
            immediate_feedback: false,
            created_at: world.now(),
        };
        let mut x = db.clone();
        quire_engine::course::store::insert_course(&mut x, &course).await.unwrap();
        let teacher = world.id();
        identity::store::insert_person(
            &mut x,
            teacher,
            &NewPerson {
                email: "berg@example.org".parse().unwrap(),
                name: "N. Berg".to_owned(),
                is_admin: true,
                tier: quire_engine::routing::StudentTier::Standard,
                time_zone: Zone::default(),
                password_hash: None,
            },
            world.now(),
        )
        .await
        .unwrap();
        let teacher = identity::store::person(&mut x, teacher).await.unwrap().unwrap();
        identity::store::set_role(&mut x, course.id, teacher.id, Role::Instructor).await.unwrap();
        let mut tx = db.begin().await.unwrap();
        let (version, _) =
            quire_engine::course::store::put_rubric(&mut tx, &world, course.id, "persuasion", &rubric())
                .await
                .unwrap();
        tx.commit().await.unwrap();
        let assignment = |key: &str, kind| Assignment {
            id: world.id(),
            course_id: course.id,
            key: key.to_owned(),
            title: "Computers and people".to_owned(),
            kind,
            brief: "Write a letter on the effects of computers on people.".to_owned(),
            language: "en".to_owned(),
            rubric_version_id: version.id,
            opens_at: None,
            closes_at: None,
            marks_by: None,
            max_drafts: 5,
            min_words: None,
            max_words: None,
            citations: false,
            release: ReleasePolicy::AtOnce,
            resources: Vec::new(),
            near_draft_percent: None,
            prompt_version: 1,
            created_at: world.now(),
        };
        let (essay, exam) =
            (assignment("essay", AssessmentType::Summative), assignment("exam", AssessmentType::FinalExam));
        quire_engine::course::store::insert_assignment(&mut x, &essay).await.unwrap();
        quire_engine::course::store::insert_assignment(&mut x, &exam).await.unwrap();
        let registry = Registry::new(master, chrono_tz::Tz::UTC);
        let mailer = Mailer::off();
        let engine = Engine::new(Parts {
            db: db.clone(),
            world: world.clone(),
            settings: settings(),
            registry,
            mailer,
            webhook: Webhook::off(),
        })
        .await
        .unwrap();
        engine.start();
        let stop = CancellationToken::new();
        let workers = tokio::spawn({
            let (engine, stop) = (engine.clone(), stop.clone());
            async move { jobs::run(db, Arc::new(engine), jobs::Settings::default(), stop).await.unwrap() }
        });
        let teacher = Actor::session(Arc::new(teacher));
        Self { engine, teacher, assignment: essay.id, exam: exam.id, stop, workers }
    }

    async fn hand_in(&self, assignment: AssignmentId, student: usize) -> Receipt {
        let text = format!(
            "Dear editor, computers help student {student} to learn. They show us places that we will never see. \
             My sister writes to her friends abroad each week.\n\nSome say that screens make us lonely. I think that \
             it depends on how we use them. Therefore schools should teach it."
        );
        self.engine
            .hand_in(
                &self.teacher,
                HandIn {
                    assignment,
                    student: Some(format!("student{student}@example.org").parse().unwrap()),
                    text,
                    file_name: None,
                    idempotency: Some(format!("row-{student}")),
                },
            )
            .await
            .unwrap()
    }

    async fn wait_for(&self, receipts: &[Receipt], state: SubmissionState) {
        let started = Utc::now();
        for receipt in receipts {
            loop {
                let view =
                    self.engine.submission(&self.teacher, &receipt.submission.tracking_id).await.unwrap();
                if view.submission.state == state {
                    break;
                }
                if (Utc::now() - started).num_seconds() >= 60 {
                    let open = self.engine.open_batches(&self.teacher).await.unwrap();
                    let open: Vec<_> = open.iter().map(|b| &b.batch).collect();
                    panic!(
                        "{} is still {:?} ({:?}); {:?}; {open:#?}",
                        receipt.submission.tracking_id, view.submission.state, view.job.state, view.failure
                    );
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }

    async fn close(self) {
        self.stop.cancel();
        self.workers.await.unwrap();
    }
}

async fn ledger(simulator: &simulator::Running) -> Vec<serde_json::Value> {
    let url = format!("http://{}/simulator/ledger", simulator.addr);
    reqwest::get(url).await.unwrap().json().await.unwrap()
}

async fn on_each(test: impl AsyncFn(School, simulator::Running)) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    for fresh in [FreshDb::sqlite().await, FreshDb::postgres().await] {
        let simulator = simulator::start(simulator::Config::instant()).await.unwrap();
        let school = School::open(fresh.db.clone(), &simulator).await;
        test(school, simulator).await;
        fresh.remove().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_goes_all_the_way() {
    on_each(async |school, simulator| {
        let mut receipts = Vec::new();
        for student in 0..30 {
            receipts.push(school.hand_in(school.assignment, student).await);
        }
        assert!(receipts.iter().all(|r| r.spot.is_some() && r.estimate.is_some()));
        school.wait_for(&receipts, SubmissionState::Completed).await;
        let lines = ledger(&simulator).await;
        assert_eq!(lines.len(), 30);
        for provider in ["openai", "anthropic"] {
            assert!(lines.iter().any(|l| l["provider"] == provider), "{provider} got nothing");
        }
        let simulated: i64 = lines.iter().map(|l| l["price_nano_usd"].as_i64().unwrap()).sum();
        let month = budget::Month::at(Utc::now(), school.engine.zone());
        let spending = budget::spending(&mut school.engine.db(), month).await.unwrap();
        let all = spending.iter().find(|s| s.scope == "all").unwrap();
        assert_eq!((all.spent.0, all.reserved.0, all.expected.0), (simulated, 0, 0));
        for line in &lines {
            let ours = budget::line_of_response(
                &mut school.engine.db(),
                line["provider"].as_str().unwrap(),
                line["response_id"].as_str().unwrap(),
            )
            .await
            .unwrap()
            .unwrap();
            assert_eq!(ours.spent.0, line["price_nano_usd"].as_i64().unwrap());
        }
        // Handed in again under the same key it is the same submission.
        let again = school.hand_in(school.assignment, 3).await;
        assert!(again.repeated);
        assert_eq!(again.submission.id, receipts[3].submission.id);
        school.close().await;
        simulator.shutdown().await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exam_is_marked_by_a_call() {
    on_each(async |school, simulator| {
        let receipt = school.hand_in(school.exam, 1).await;
        assert_eq!(receipt.decision.rule.as_deref(), Some("high_urgency_override"));
        school.wait_for(&[receipt], SubmissionState::Completed).await;
        let lines = ledger(&simulator).await;
        assert_eq!(lines.len(), 1);
        assert!(lines[0]["batch_id"].is_null());
        school.close().await;
        simulator.shutdown().await.unwrap();
    })
    .await;
}

/// Gemini alone: a batch and a call, each booked to the nano-dollar as the provider did.
#[tokio::test(flavor = "multi_thread")]
async fn gemini_marks_in_batches_and_by_call() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    for fresh in [FreshDb::sqlite().await, FreshDb::postgres().await] {
        let simulator = simulator::start(simulator::Config::instant()).await.unwrap();
        let gemini = (ProviderKind::Gemini, simulator.gemini_url(), "gemini-3.5-flash-lite");
        let school = School::with(fresh.db.clone(), vec![gemini]).await;
        let mut receipts = Vec::new();
        for student in 0..20 {
            receipts.push(school.hand_in(school.assignment, student).await);
        }
        receipts.push(school.hand_in(school.exam, 99).await);
        school.wait_for(&receipts, SubmissionState::Completed).await;
        let lines = ledger(&simulator).await;
        assert_eq!(lines.len(), 21);
        assert!(lines.iter().all(|line| line["provider"] == "gemini" && line["usable"] == true));
        assert_eq!(lines.iter().filter(|line| line["batch_id"].is_null()).count(), 1);
        assert_eq!(spent(&school).await, (sum(&lines), 0, 0));
        school.close().await;
        simulator.shutdown().await.unwrap();
        fresh.remove().await;
    }
}

/// A server of one's own without batches marks everything in real time, at its own price, which may be nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_batches_marks_in_real_time_at_its_own_price() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    for input in [200_000_000, 0] {
        for fresh in [FreshDb::sqlite().await, FreshDb::postgres().await] {
            let simulator = simulator::start(simulator::Config::instant()).await.unwrap();
            let own = (ProviderKind::Compatible, simulator.compatible_url(), "gpt-6-luna");
            let world = World::system();
            let mut db = fresh.db.clone();
            let rates = Rates {
                input,
                cached_input: None,
                cache_write: None,
                cache_write_long: None,
                output: input * 5,
            };
            let price = registry::store::PriceRow {
                provider_kind: ProviderKind::Compatible,
                provider: "openai-compatible".to_owned(),
                model: "gpt-6-luna".to_owned(),
                valid_from: world.now() - chrono::TimeDelta::days(1),
                price: Price { realtime: rates, batch: None, long_context: None },
                deal: Deal::default(),
            };
            registry::store::put_price(&mut db, &world, &price).await.unwrap();
            // Where it costs nothing, a budget of nothing stops nothing.
            let limit = NanoUsd::from_dollars(i64::from(input > 0));
            let mut tx = fresh.db.begin().await.unwrap();
            budget::save_budget(&mut tx, &world, budget::INSTITUTION, (limit, true), None).await.unwrap();
            tx.commit().await.unwrap();
            let school = School::with(fresh.db.clone(), vec![own]).await;
            let mut receipts = Vec::new();
            for student in 0..6 {
                receipts.push(school.hand_in(school.assignment, student).await);
            }
            for receipt in &receipts {
                assert_eq!(receipt.decision.route, Route::Realtime);
                assert!(receipt.decision.reasoning.contains("takes no batches"));
                assert!(receipt.decision.fallbacks.is_empty(), "no batch is ever offered");
            }
            school.wait_for(&receipts, SubmissionState::Completed).await;
            let lines = ledger(&simulator).await;
            assert_eq!(lines.len(), 6);
            assert!(lines.iter().all(|line| line["batch_id"].is_null()));
            let of = |line: &serde_json::Value, name: &str| line[name].as_i64().unwrap();
            let cost = |line: &serde_json::Value| {
                (of(line, "input_tokens") * input + of(line, "output_tokens") * input * 5 + 500_000)
                    / 1_000_000
            };
            let expected: i64 = lines.iter().map(cost).sum();
            assert_eq!(spent(&school).await, (expected, 0, 0));
            school.close().await;
            simulator.shutdown().await.unwrap();
            fresh.remove().await;
        }
    }
}

/// What was spent, is held and is expected, in the institution's books.
async fn spent(school: &School) -> (i64, i64, i64) {
    let month = budget::Month::at(Utc::now(), school.engine.zone());
    let spending = budget::spending(&mut school.engine.db(), month).await.unwrap();
    let all = spending.iter().find(|s| s.scope == "all").unwrap();
    (all.spent.0, all.reserved.0, all.expected.0)
}

/// What the simulator's books say.
fn sum(lines: &[serde_json::Value]) -> i64 {
    lines.iter().map(|line| line["price_nano_usd"].as_i64().unwrap()).sum()
}

/// Each fault strikes each provider once: nothing is lost, no batched request is paid for twice, and all work is marked.
#[tokio::test(flavor = "multi_thread")]
async fn every_fault_is_survived() {
    let simulator = simulator::start(simulator::Config::instant()).await.unwrap();
    let fresh = FreshDb::sqlite().await;
    let school = School::open(fresh.db.clone(), &simulator).await;
    survives_every_fault(school, simulator, &["openai", "anthropic"]).await;
    fresh.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_of_gemini_is_survived() {
    let simulator = simulator::start(simulator::Config::instant()).await.unwrap();
    let fresh = FreshDb::sqlite().await;
    let gemini = (ProviderKind::Gemini, simulator.gemini_url(), "gemini-3.5-flash-lite");
    let school = School::with(fresh.db.clone(), vec![gemini]).await;
    survives_every_fault(school, simulator, &["gemini"]).await;
    fresh.remove().await;
}

async fn survives_every_fault(school: School, simulator: simulator::Running, providers: &[&str]) {
    // Each group strikes at once; those of calls strike one try after the other.
    const GROUPS: [&[(&str, &str)]; 5] = [
        &[
            ("rate_limit", "batches.create"),
            ("drop_after", "batches.create"),
            ("html", "batches.get"),
            ("cut_download", ""),
        ],
        &[("overloaded", "batches.create"), ("malformed_reply", "batches.create"), ("empty_file_ids", "")],
        &[("drop_before", "batches.create"), ("drop_before", "batches.get"), ("batch_expired", "")],
        &[("bad_line", ""), ("errored_line", ""), ("line_timeout", ""), ("status_zero", "")],
        &[
            ("missing_line", ""),
            ("malformed_line", ""),
            ("duplicate_line", ""),
            ("unknown_id", ""),
            ("wrong_level", ""),
            ("batch_cancelled", ""),
        ],
    ];
    let _ = rustls::crypto::ring::default_provider().install_default();
    let control = format!("{}/control", simulator.control_url().trim_end_matches("/control"));
    let client = reqwest::Client::new();
    let mut student = 0;
    let mut all = Vec::new();
    for group in GROUPS {
        let script: Vec<serde_json::Value> = group
            .iter()
            .flat_map(|pair| providers.iter().map(move |provider| (pair, *provider)))
            .map(|((fault, call), provider)| {
                let (fault, call) = (*fault, *call);
                let call = match call {
                    "" => serde_json::Value::Null,
                    call => format!("{provider}.{call}").into(),
                };
                if call.is_null() && !matches!(fault, "cut_download") {
                    serde_json::json!({"fault": fault, "call": provider})
                } else if call.is_null() {
                    serde_json::json!({"fault": fault})
                } else {
                    serde_json::json!({"fault": fault, "call": call})
                }
            })
            .collect();
        let answer =
            client.post(&control).json(&serde_json::json!({ "script": script })).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
        let mut receipts = Vec::new();
        for _ in 0..24 {
            receipts.push(school.hand_in(school.assignment, student).await);
            student += 1;
        }
        school.wait_for(&receipts, SubmissionState::Completed).await;
        all.extend(receipts);
    }
    let mut usable: std::collections::HashMap<String, u32> = std::collections::HashMap::new();
    let mut spent = 0;
    let mut by_provider = std::collections::BTreeSet::new();
    for line in ledger(&simulator).await {
        if line["usable"].as_bool().unwrap() {
            by_provider.insert(line["provider"].as_str().unwrap().to_owned());
            let custom_id = line["custom_id"].as_str().unwrap();
            *usable.entry(custom_id[custom_id.len() - 36..].to_owned()).or_default() += 1;
            spent += line["price_nano_usd"].as_i64().unwrap();
        }
    }
    assert_eq!(usable.len(), all.len());
    assert_eq!(by_provider.len(), providers.len(), "every provider got work: {by_provider:?}");
    // An answer that breaks the schema is usable to the simulator's books only where it was whole.
    let twice = usable.values().filter(|n| **n > 1).count();
    assert_eq!(twice, 0, "batched requests paid for twice");
    let month = budget::Month::at(Utc::now(), school.engine.zone());
    let spending = budget::spending(&mut school.engine.db(), month).await.unwrap();
    let booked = spending.iter().find(|s| s.scope == "all").unwrap();
    assert_eq!((booked.reserved.0, booked.expected.0), (0, 0));
    assert!(booked.spent.0 >= spent, "{} {spent}", booked.spent.0);
    school.close().await;
    simulator.shutdown().await.unwrap();
}
