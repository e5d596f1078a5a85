//! Trials from their start to what they have found, on both databases, with a server that answers calls.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::{
    budget::{self, Kind},
    course,
    engine::testing::{House, house_with, person},
    identity::{self, Actor, Denied, IdentityError, Role},
    jobs::Verdict as Answered,
    notice::Mailer,
    plan::Workload,
    provider::{
        Answer, ApiKey, Outcome, ProviderKind, Reply, Usage,
        registry::{NewProvider, store::put_provider},
    },
    queue::{self, JobState},
    result::{Arrived, Source, judge},
    store::{BatchId, Db, Exec as _, Id as _, JobId, NanoUsd, TrialId, TrialWorkId, testing::each_db},
    submission::HandIn,
};
use axum::{Json, http::StatusCode, response::IntoResponse as _};
use chrono::TimeDelta;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use uuid::Uuid;

/// What the server says to a work, by its text.
type Says = fn(&str) -> Result<(&'static str, u32), u16>;

/// A server that answers calls, and the bodies that it was sent.
struct Server {
    base: String,
    asked: Arc<Mutex<Vec<Value>>>,
}

fn marks(level: &str) -> String {
    let mark = json!({"level": level, "evidence": [1], "comment": "Clear."});
    json!({"criteria": {"position": mark}, "feedback": "Good.", "next_step": "Go on.", "confidence": 0.9})
        .to_string()
}

async fn server(says: Says) -> Server {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&asked);
    let answer = move |Json(body): Json<Value>| {
        let nth = log.lock().unwrap().len();
        log.lock().unwrap().push(body.clone());
        async move {
            match says(&body.to_string()) {
                Ok((level, output)) => {
                    let message = json!({"role": "assistant", "content": marks(level)});
                    Json(json!({"id": format!("chatcmpl-{nth}"), "object": "chat.completion", "model": "gpt-6-luna",
                        "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
                        "usage": {"prompt_tokens": 800, "completion_tokens": output, "total_tokens": 800 + output}}))
                    .into_response()
                }
                Err(status) => {
                    let status = StatusCode::from_u16(status).unwrap();
                    (status, Json(json!({"error": {"message": "no", "type": "server_error"}})))
                        .into_response()
                }
            }
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/v1", listener.local_addr().unwrap());
    let router = axum::Router::new().fallback(answer);
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    Server { base, asked }
}

impl Server {
    fn asked(&self) -> Vec<Value> {
        self.asked.lock().unwrap().clone()
    }
}

/// A house with a second provider that answers calls, and an administrator.
async fn with(db: Db, says: Says) -> (House, Server, Actor) {
    let house = house_with(db.clone(), Mailer::off(), &["openai", "second"]).await;
    let engine = &house.engine;
    let server = server(says).await;
    let new = NewProvider {
        name: "second".into(),
        kind: ProviderKind::Openai,
        base_url: server.base.clone(),
        key: Some(ApiKey::from("sk-test")),
        enabled: true,
        settings: serde_json::from_str(r#"{"models": ["gpt-6-luna", "gpt-6-astra"]}"#).unwrap(),
    };
    house.clock.advance(TimeDelta::seconds(1));
    put_provider(&mut engine.db(), &engine.world().clone(), engine.registry().master(), &new).await.unwrap();
    engine.refresh_load().await.unwrap();
    let admin = person(&mut engine.db(), &engine.world().clone(), "admin@example.edu", true).await;
    let admin = engine.identity().actor(admin).await.unwrap();
    (house, server, admin)
}

/// Works of so many students that were marked in a batch: each third is weak. Work number 0 is first.
async fn marked(house: &House, count: usize) -> Vec<JobId> {
    let engine = &house.engine;
    let mut db = engine.db();
    let batch = BatchId::from_uuid(Uuid::from_u128(77));
    let mut ids = Vec::new();
    let mut arrived = Vec::new();
    for number in 0..count {
        house.clock.advance(TimeDelta::seconds(1));
        let email = format!("student{number}@example.edu");
        let id = person(&mut db, &engine.world().clone(), &email, false).await;
        identity::store::set_role(&mut db, house.assignment.course_id, id, Role::Student).await.unwrap();
        let student = engine.identity().actor(id).await.unwrap();
        let kind = if number % 3 == 0 { "weak" } else { "strong" };
        let text = format!("This is the {kind} work of number {number}. It says a little more.");
        let input = HandIn {
            assignment: house.assignment.id,
            student: None,
            text,
            file_name: None,
            idempotency: None,
        };
        let receipt = engine.hand_in(&student, input).await.unwrap();
        let (job, ..) = queue::store::of_submission(&mut db, receipt.submission.id).await.unwrap().unwrap();
        db.query("UPDATE model_jobs SET state = 'batched', batch_id = $2, provider = 'openai' WHERE id = $1")
            .bind(job.id)
            .bind(batch)
            .exec()
            .await
            .unwrap();
        ids.push(job.id);
        let (job, work) = queue::store::with_works(&mut db, &[job.id]).await.unwrap().pop().unwrap();
        assert_eq!(job.state, JobState::Batched);
        let marking = engine.marking(work.assignment_id).await.unwrap();
        let reply = Reply {
            response_id: format!("answer-{number}"),
            model: job.model.clone(),
            answer: Answer::Json(marks(kind)),
            usage: Some(Usage { input_tokens: 900, output_tokens: 200, ..Usage::default() }),
        };
        let (lanes, retry) = (engine.settings().lanes, engine.settings().retry);
        let rubric = &marking.context.rubric;
        let judged = judge(Outcome::Answered(reply), &job, rubric, &work, lanes.of(job.lane), &retry);
        arrived.push(Arrived::new(job, work.student_id, &marking, judged));
    }
    // Taken in as calls are: what a batch notes beside is of no matter here.
    for a in arrived {
        db.query("UPDATE model_jobs SET state = 'calling', batch_id = NULL WHERE id = $1")
            .bind(a.job.id)
            .exec()
            .await
            .unwrap();
        let source = Source::Call(engine.world().id());
        let mut a = a;
        a.job.state = JobState::Calling;
        engine.take_in(source, vec![a]).await.unwrap();
    }
    ids
}

fn marker(model: &str, prompt_version: i64) -> Marker {
    Marker { provider: "second".into(), model: model.into(), prompt_version }
}

fn trial_of(house: &House, marker: Marker, works: i64) -> NewTrial {
    NewTrial { assignment: house.assignment.id, marker, works }
}

async fn waiting(house: &House) -> Vec<TrialWorkId> {
    due(&mut house.engine.db(), house.engine.now(), 1_000).await.unwrap()
}

/// Asks about all that waits.
async fn run(house: &House) {
    for id in waiting(house).await {
        assert!(matches!(house.engine.try_work(id).await.unwrap(), Answered::Done));
    }
}

/// Money held for all works of trials, by lines of the ledger: reserved, expected, spent.
async fn money(house: &House) -> (NanoUsd, NanoUsd, NanoUsd) {
    house
        .engine
        .db()
        .query(
            "SELECT CAST(COALESCE(SUM(reserved_nano), 0) AS BIGINT), CAST(COALESCE(SUM(expected_nano), 0) AS BIGINT), \
             CAST(COALESCE(SUM(spent_nano), 0) AS BIGINT) FROM ledger WHERE job_id IN (SELECT id FROM trial_works)",
        )
        .one()
        .await
        .unwrap()
}

async fn detail(house: &House, id: TrialId) -> TrialDetail {
    house.engine.trial(&Actor::System, id).await.unwrap()
}

/// As the first marker, in shorter words; number 3 the other way round.
fn nearly(body: &str) -> Result<(&'static str, u32), u16> {
    let weak = body.contains("the weak work") != body.contains("number 3.");
    Ok((if weak { "weak" } else { "strong" }, 100))
}

#[tokio::test]
async fn another_prompt_is_held_against_the_one_in_use() {
    each_db(async |db| {
        let (house, server, admin) = with(db.clone(), nearly).await;
        let engine = &house.engine;
        marked(&house, 40).await;
        let (before, told) = (spending(&house).await, notices(&db).await);
        let trial = engine.start_trial(&admin, &trial_of(&house, marker("gpt-6-luna", 2), 40)).await.unwrap();
        let usual = Marker { provider: "openai".into(), ..marker("gpt-6-luna", 1) };
        assert_eq!((&trial.against, trial.started_by), (&usual, admin.person_id()));
        let (reserved, expected, spent) = money(&house).await;
        assert!(reserved > expected && expected > NanoUsd::ZERO && spent == NanoUsd::ZERO);
        let twice = engine.start_trial(&admin, &trial_of(&house, marker("gpt-6-luna", 2), 5)).await;
        assert!(matches!(twice, Err(TrialError::UnderWay(_))));
        assert_eq!(detail(&house, trial.id).await.compared.open(), 40);
        run(&house).await;
        // All were asked by the second version, as one call each.
        let asked = server.asked();
        assert_eq!(asked.len(), 40);
        assert!(asked.iter().all(|body| body.to_string().contains("at most 20 words")));
        let found = detail(&house, trial.id).await;
        let compared = &found.compared;
        assert_eq!((compared.works, compared.marked, compared.open()), (40, 40, 0));
        assert_eq!(compared.trial.ended_at, Some(engine.now()));
        let agreement = compared.agreement;
        assert_eq!((agreement.works, agreement.same), (40, 39.0 / 40.0));
        assert_eq!(agreement.verdict(), Verdict::Equal);
        assert_eq!(compared.people.works, 0);
        assert_eq!((compared.own.input_tokens, compared.own.output_tokens), (800, 100));
        assert_eq!((compared.other.input_tokens, compared.other.output_tokens), (900, 200));
        // 0.1 and 0.5 dollars a million, half in batches: (800 x 50 + 100 x 250) and (900 x 50 + 200 x 250) each.
        assert_eq!(compared.own.thousand, Some(NanoUsd(65_000_000)));
        assert_eq!(compared.other.thousand, Some(NanoUsd(95_000_000)));
        assert!((compared.saves().unwrap() - 31.6).abs() < 0.1);
        let levels = &found.criteria[0];
        assert_eq!((levels.title.as_str(), levels.levels.works), ("Position", 40));
        assert!((levels.levels.exact - 0.975).abs() < 1e-9 && levels.levels.adjacent == 1.0);
        // Spent at the provider's figures, in real time, and nothing is held any more.
        let spent = NanoUsd(40 * (800 * 100 + 100 * 500));
        assert_eq!(money(&house).await, (NanoUsd::ZERO, NanoUsd::ZERO, spent));
        assert_eq!(compared.spent, spent);
        let after = spending(&house).await;
        assert_eq!(after.0 - before.0, spent);
        assert_eq!(after.1, before.1);
        // No student hears of it.
        assert_eq!(notices(&db).await, told);
        // In a plan it stands apart only at the model that it was tried at.
        let plan = engine.plan(&admin, &Workload::REFERENCE, Some("openai"), None).await.unwrap();
        assert!(plan.other_prompts.is_empty(), "{plan:?}");
        // Another than the one in use at another provider says nothing of the version alone.
        let refused = engine.use_prompt(&admin, 2, false).await.unwrap_err().to_string();
        assert!(refused.contains("no trial of at least 30 works that was let end held it"), "{refused}");
    })
    .await;
}

async fn notices(db: &Db) -> i64 {
    let (count,): (i64,) = db.clone().query("SELECT COUNT(*) FROM notices").one().await.unwrap();
    count
}

/// What was spent by the institution this month, and what is held.
async fn spending(house: &House) -> (NanoUsd, NanoUsd) {
    let month = house.engine.month();
    let sums = budget::spending(&mut house.engine.db(), month).await.unwrap();
    let all = sums.into_iter().find(|sum| sum.scope == budget::INSTITUTION).unwrap();
    (all.spent, all.reserved)
}

#[tokio::test]
async fn a_version_is_put_in_use_once_a_trial_judged_it_equal() {
    each_db(async |db| {
        let (house, _server, admin) = with(db.clone(), nearly).await;
        let engine = &house.engine;
        let jobs = marked(&house, 36).await;
        for job in &jobs {
            let sql = "UPDATE model_jobs SET provider = 'second' WHERE id = $1";
            db.clone().query(sql).bind(*job).exec().await.unwrap();
        }
        let fresh =
            course::Assignment { id: engine.world().id(), key: "essay-3".into(), ..house.assignment.clone() };
        course::store::insert_assignment(&mut db.clone(), &fresh).await.unwrap();
        assert!(matches!(engine.use_prompt(&admin, 2, false).await, Err(TrialError::Untried { .. })));
        assert!(matches!(engine.use_prompt(&admin, 9, true).await, Err(TrialError::Version(9))));
        // Too few tell nothing.
        engine.start_trial(&admin, &trial_of(&house, marker("gpt-6-luna", 2), 20)).await.unwrap();
        run(&house).await;
        assert!(matches!(engine.use_prompt(&admin, 2, false).await, Err(TrialError::Untried { .. })));
        house.clock.advance(TimeDelta::seconds(1));
        engine.start_trial(&admin, &trial_of(&house, marker("gpt-6-luna", 2), 36)).await.unwrap();
        run(&house).await;
        let plan =
            engine.plan(&admin, &Workload::REFERENCE, Some("second"), Some("gpt-6-luna")).await.unwrap();
        let [other] = &plan.other_prompts[..] else { panic!("{plan:?}") };
        assert_eq!(
            (other.prompt_version, other.against, other.output_tokens, other.counts),
            (2, 1, 200, true)
        );
        assert!(other.saving_percent > plan.saving_percent);
        let adopted = engine.use_prompt(&admin, 2, false).await.unwrap();
        assert_eq!(adopted, Adopted { version: 2, assignments: 1 });
        // What was begun goes on as it was; what nobody has handed in to is marked by the new one.
        let version = async |id| engine.marking(id).await.unwrap().stable.template.version;
        assert_eq!((version(house.assignment.id).await, version(fresh.id).await), (1, 2));
        let shown = engine.prompts(&admin).await.unwrap();
        let [one, two] = &shown.versions[..] else { panic!("{shown:?}") };
        assert_eq!((one.in_use, one.assignments, two.in_use, two.assignments), (false, 1, true, 1));
        assert_eq!(one.measured.len(), 1);
        let (by, measured) = &one.measured[0];
        assert_eq!((by.prompt_version, measured.answers, measured.output_tokens), (1, 36, 200));
        let adoption = &shown.adoptions[0];
        assert_eq!(
            (adoption.version, adoption.by, adoption.by_name.as_deref()),
            (2, admin.person_id(), Some("Ada Lind"))
        );
        assert!(
            adoption.evidence.contains("a trial of 36 works at gpt-6-luna found a kappa of 0.9"),
            "{}",
            adoption.evidence
        );
        // Back to the first without more ado, and nothing is noted twice.
        house.clock.advance(TimeDelta::seconds(1));
        assert!(matches!(engine.use_prompt(&admin, 1, false).await, Err(TrialError::Untried { .. })));
        assert_eq!(engine.use_prompt(&admin, 1, true).await.unwrap().assignments, 1);
        assert_eq!(engine.use_prompt(&admin, 1, true).await.unwrap().assignments, 0);
        assert_eq!(engine.prompts(&admin).await.unwrap().adoptions.len(), 2);
        assert_eq!(version(fresh.id).await, 1);
    })
    .await;
}

/// Number 1 is refused, number 2 can't be used.
fn badly(body: &str) -> Result<(&'static str, u32), u16> {
    match body {
        _ if body.contains("number 1.") => Err(400),
        _ if body.contains("number 2.") => Ok(("no such level", 50)),
        _ => Ok(("strong", 100)),
    }
}

#[tokio::test]
async fn what_goes_wrong_is_booked_and_said() {
    each_db(async |db| {
        let (house, server, admin) = with(db.clone(), badly).await;
        let engine = &house.engine;
        marked(&house, 6).await;
        let trial = engine.start_trial(&admin, &trial_of(&house, marker("gpt-6-luna", 1), 6)).await.unwrap();
        // One is asked by a process that ends: it is found when its lease is over.
        let (cut_off,): (TrialWorkId,) = db
            .clone()
            .query(
                "SELECT t.id FROM trial_works t JOIN works w ON w.submission_id = t.submission_id \
                 WHERE w.text LIKE '%number 4.%'",
            )
            .one()
            .await
            .unwrap();
        let gone = engine.lease_until();
        assert!(store::take(&mut db.clone(), cut_off, "gone", gone).await.unwrap());
        for id in waiting(&house).await {
            // What is refused is asked once more.
            if let Answered::LookAgain(at) = engine.try_work(id).await.unwrap() {
                house.clock.advance(at - engine.now());
                assert!(matches!(engine.try_work(id).await.unwrap(), Answered::Done));
            }
        }
        house.clock.advance(gone - engine.now() + TimeDelta::seconds(1));
        engine.lose_orphaned_tries().await.unwrap();
        engine.lose_orphaned_tries().await.unwrap();
        let found = detail(&house, trial.id).await;
        let compared = &found.compared;
        assert_eq!(compared.works, 6);
        assert_eq!(compared.open(), 0);
        assert!(compared.trial.ended_at.is_some());
        assert_eq!((compared.agreement.works + 3, compared.unanswered + compared.unusable), (6, 3));
        let told: Vec<&str> = found.errors.iter().map(|(error, _)| error.as_str()).collect();
        for part in ["process that asked ended", "no such level"] {
            assert!(told.iter().any(|error| error.contains(part)), "{told:?}");
        }
        let (reserved, expected, spent) = money(&house).await;
        assert_eq!((reserved, expected), (NanoUsd::ZERO, NanoUsd::ZERO));
        assert_eq!(spent, compared.spent);
        let lines = budget::lines_of_job(&mut db.clone(), JobId(cut_off.0)).await.unwrap();
        assert_eq!(lines.iter().map(|line| line.kind).collect::<Vec<_>>(), [Kind::Reserve, Kind::Lost]);
        assert!(server.asked().len() >= 5);
    })
    .await;
}

#[tokio::test]
async fn a_trial_is_stopped() {
    each_db(async |db| {
        let (house, server, admin) = with(db.clone(), nearly).await;
        let engine = &house.engine;
        marked(&house, 8).await;
        let trial = engine.start_trial(&admin, &trial_of(&house, marker("gpt-6-luna", 2), 8)).await.unwrap();
        let works = waiting(&house).await;
        engine.try_work(works[0]).await.unwrap();
        // One is at work as it is stopped, and ends as it would have.
        assert!(store::take(&mut db.clone(), works[1], "another", engine.lease_until()).await.unwrap());
        engine.stop_trial(&admin, trial.id).await.unwrap();
        engine.stop_trial(&admin, trial.id).await.unwrap();
        assert_eq!(detail(&house, trial.id).await.compared.open(), 1);
        assert!(waiting(&house).await.is_empty());
        assert!(matches!(engine.try_work(works[2]).await.unwrap(), Answered::Done));
        assert_eq!(server.asked().len(), 1);
        house.clock.advance(TimeDelta::hours(1));
        engine.lose_orphaned_tries().await.unwrap();
        let found = detail(&house, trial.id).await.compared;
        assert_eq!((found.marked, found.unanswered, found.open()), (1, 7, 0));
        assert!(found.trial.stopped && found.trial.ended_at.is_some());
        assert!(matches!(engine.stop_trial(&admin, trial.id).await, Err(TrialError::Ended)));
        let (reserved, expected, _) = money(&house).await;
        assert_eq!((reserved, expected), (NanoUsd::ZERO, NanoUsd::ZERO));
    })
    .await;
}

#[tokio::test]
async fn marks_by_people_stand_apart() {
    each_db(async |db| {
        let (house, _server, admin) = with(db.clone(), nearly).await;
        let engine = &house.engine;
        let jobs = marked(&house, 12).await;
        // A person gave number 1, that is strong, weak marks.
        let sql = "UPDATE assessments SET decided_by = $2, provider = NULL, model = NULL, response_id = NULL, \
                   template = NULL, prompt = NULL, total = 0 WHERE job_id = $1";
        let by = admin.person_id().unwrap();
        assert_eq!(db.clone().query(sql).bind(jobs[1]).bind(by).exec().await.unwrap(), 1);
        let trial = engine.start_trial(&admin, &trial_of(&house, marker("gpt-6-luna", 2), 12)).await.unwrap();
        run(&house).await;
        let found = detail(&house, trial.id).await.compared;
        assert_eq!((found.people.works, found.agreement.works), (1, 11));
        assert_eq!((found.people.same, found.people.difference), (0.0, 500.0));
        assert_eq!((found.own.answers, found.other.answers), (11, 11), "of the same works");
        // What the usual marker did is not given up for it.
        engine.start_trial(&admin, &trial_of(&house, marker("gpt-6-luna", 1), 3)).await.unwrap();
        run(&house).await;
        let few = engine.trials(&admin).await.unwrap().remove(0);
        assert_eq!((few.people.works, few.agreement.works), (0, 3));
    })
    .await;
}

#[tokio::test]
async fn what_a_trial_found_counts_in_plans_and_comparisons() {
    each_db(async |db| {
        let (house, _server, admin) = with(db.clone(), nearly).await;
        let engine = &house.engine;
        marked(&house, 40).await;
        let plan = async || engine.plan(&admin, &Workload::REFERENCE, Some("openai"), None).await.unwrap();
        let of = |plan: crate::plan::Plan| {
            let other =
                plan.other_models.into_iter().find(|o| o.provider == "second" && o.model == "gpt-6-luna");
            other.map(|other| (other.agreement.is_some(), other.counts)).unwrap()
        };
        assert_eq!(of(plan().await), (false, false));
        let before = engine.arbitrage(&admin, 1).await.unwrap();
        assert!(before.groups.is_empty());
        let trial = engine.start_trial(&admin, &trial_of(&house, marker("gpt-6-luna", 1), 40)).await.unwrap();
        assert_eq!(of(plan().await), (false, false), "not while it goes on");
        run(&house).await;
        assert!(detail(&house, trial.id).await.compared.trial.ended_at.is_some());
        assert_eq!(of(plan().await), (true, true));
        let found = engine.arbitrage(&admin, 1).await.unwrap();
        assert_eq!(found.groups.len(), 1);
        let group = &found.groups[0].group;
        assert_eq!((group.models.len(), group.stated_by), (2, None));
        assert!(group.evidence.starts_with("a trial of 40 works found a kappa of 0.9"), "{}", group.evidence);
    })
    .await;
}

#[tokio::test]
async fn what_can_t_be_tried_is_said() {
    each_db(async |db| {
        let (house, _server, admin) = with(db.clone(), nearly).await;
        let engine = &house.engine;
        let start = async |new: NewTrial| engine.start_trial(&admin, &new).await.unwrap_err().to_string();
        let luna = || marker("gpt-6-luna", 2);
        assert!(start(trial_of(&house, luna(), 5)).await.starts_with("No work of this assignment has marks"));
        marked(&house, 3).await;
        for (new, words) in [
            (trial_of(&house, luna(), 0), "A trial has 1 to 200 works, and 0 were asked for"),
            (trial_of(&house, luna(), 201), "A trial has 1 to 200 works"),
            (
                trial_of(&house, marker("gpt-6-luna", 3), 5),
                "There is no version 3 of the prompt; there are 1 to 2.",
            ),
            (
                trial_of(&house, marker("gpt-7", 1), 5),
                "gpt-7 of second can’t be asked here: the provider is set up with gpt-6-luna, gpt-6-astra.",
            ),
            (
                trial_of(&house, Marker { provider: "third".into(), ..luna() }, 5),
                "gpt-6-luna of third can’t be asked here: the provider is not set up, or is switched off.",
            ),
            (
                trial_of(&house, Marker { provider: "openai".into(), ..marker("gpt-unpriced", 1) }, 5),
                "gpt-unpriced of openai can’t be asked here: ",
            ),
            (
                NewTrial { assignment: engine.world().id(), ..trial_of(&house, luna(), 5) },
                "There is no such assignment.",
            ),
        ] {
            let told = start(new).await;
            assert!(told.starts_with(words), "{told}");
        }
        // A budget that stops it leaves nothing behind.
        engine.set_budget(&admin, budget::Scope::Institution, NanoUsd(1), true).await.unwrap();
        let told = start(trial_of(&house, luna(), 3)).await;
        assert!(told.starts_with("The budget stops it: 3 works may cost up to $0.00"), "{told}");
        assert!(waiting(&house).await.is_empty() && engine.trials(&admin).await.unwrap().is_empty());
        let denied =
            |error| matches!(error, TrialError::Identity(IdentityError::Denied(Denied::Forbidden(_))));
        assert!(denied(engine.start_trial(&house.student, &trial_of(&house, luna(), 3)).await.unwrap_err()));
        assert!(denied(engine.trials(&house.student).await.unwrap_err()));
        assert!(denied(engine.prompts(&house.student).await.unwrap_err()));
        assert!(denied(engine.use_prompt(&house.student, 2, true).await.unwrap_err()));
        let unknown: TrialId = engine.world().id();
        assert!(denied(engine.trial(&house.student, unknown).await.unwrap_err()));
        assert!(denied(engine.stop_trial(&house.student, unknown).await.unwrap_err()));
        assert!(matches!(engine.trial(&admin, unknown).await, Err(TrialError::NotFound)));
        assert!(matches!(engine.stop_trial(&admin, unknown).await, Err(TrialError::NotFound)));
    })
    .await;
}

#[tokio::test]
async fn a_lease_is_prolonged_only_for_what_is_at_work() {
    each_db(async |db| {
        let (house, _server, admin) = with(db.clone(), nearly).await;
        let engine = &house.engine;
        marked(&house, 2).await;
        engine.start_trial(&admin, &trial_of(&house, marker("gpt-6-luna", 2), 2)).await.unwrap();
        let works = waiting(&house).await;
        let (begun, later) = (engine.lease_until(), engine.lease_until() + TimeDelta::minutes(5));
        for id in &works {
            assert!(store::take(&mut db.clone(), *id, "own", begun).await.unwrap());
        }
        // The answer to the first could not be booked: nobody is at work on it any more.
        renew(&mut db.clone(), "own", &[works[1].0], later).await.unwrap();
        renew(&mut db.clone(), "another", &[works[0].0], later).await.unwrap();
        let left = store::orphaned(&mut db.clone(), begun, 10).await.unwrap();
        assert_eq!(left.iter().map(|work| work.id).collect::<Vec<_>>(), [works[0]]);
    })
    .await;
}

#[tokio::test]
async fn what_is_put_back_into_a_stopped_trial_is_not_asked() {
    each_db(async |db| {
        let (house, server, admin) = with(db.clone(), nearly).await;
        let engine = &house.engine;
        marked(&house, 3).await;
        let trial = engine.start_trial(&admin, &trial_of(&house, marker("gpt-6-luna", 2), 3)).await.unwrap();
        let at_work = waiting(&house).await[0];
        assert!(store::take(&mut db.clone(), at_work, "own", engine.lease_until()).await.unwrap());
        engine.stop_trial(&admin, trial.id).await.unwrap();
        // Its process put it back and ended before it looked whether the trial was stopped.
        let now = engine.now();
        assert!(store::put_back(&mut db.clone(), at_work, 1, now, "busy").await.unwrap());
        assert!(!store::take(&mut db.clone(), at_work, "own", engine.lease_until()).await.unwrap());
        assert!(matches!(engine.try_work(at_work).await.unwrap(), Answered::Done));
        assert!(server.asked().is_empty() && waiting(&house).await.is_empty());
        let found = detail(&house, trial.id).await.compared;
        assert_eq!((found.unanswered, found.open()), (3, 0));
        assert!(found.trial.ended_at.is_some());
        assert_eq!(money(&house).await, (NanoUsd::ZERO, NanoUsd::ZERO, NanoUsd::ZERO));
    })
    .await;
}

#[tokio::test]
async fn what_can_t_be_asked_any_more_ends_without_cost() {
    each_db(async |db| {
        let (house, server, admin) = with(db.clone(), nearly).await;
        let engine = &house.engine;
        marked(&house, 2).await;
        let trial = engine.start_trial(&admin, &trial_of(&house, marker("gpt-6-luna", 2), 2)).await.unwrap();
        let works = waiting(&house).await;
        let sql = "UPDATE providers SET enabled = $1, updated_at = $2 WHERE name = 'second'";
        house.clock.advance(TimeDelta::seconds(1));
        db.clone().query(sql).bind(false).bind(engine.now()).exec().await.unwrap();
        engine.refresh_load().await.unwrap();
        assert!(matches!(engine.try_work(works[0]).await.unwrap(), Answered::Done));
        // Nor is what nobody came to in hours.
        house.clock.advance(TimeDelta::hours(7));
        assert!(matches!(engine.try_work(works[1]).await.unwrap(), Answered::Done));
        let found = detail(&house, trial.id).await;
        assert_eq!((found.compared.unanswered, found.compared.open()), (2, 0));
        assert_eq!(found.errors.len(), 2, "{:?}", found.errors);
        assert!(server.asked().is_empty());
        assert_eq!(money(&house).await, (NanoUsd::ZERO, NanoUsd::ZERO, NanoUsd::ZERO));
    })
    .await;
}

#[tokio::test]
async fn marks_by_a_rubric_of_another_day_are_not_tried_on() {
    each_db(async |db| {
        let (house, _server, admin) = with(db.clone(), nearly).await;
        let engine = &house.engine;
        marked(&house, 3).await;
        let mut rubric = engine.marking(house.assignment.id).await.unwrap().context.rubric.clone();
        rubric.criteria[0].description = "How clear it is.".into();
        let world = engine.world().clone();
        let course = house.assignment.course_id;
        let (version, _) =
            course::store::put_rubric(&mut db.clone(), &world, course, "essay", &rubric).await.unwrap();
        let changed = course::Assignment { rubric_version_id: version.id, ..house.assignment.clone() };
        course::store::update_assignment(&mut db.clone(), &changed).await.unwrap();
        engine.courses().forget_all();
        let told = engine.start_trial(&admin, &trial_of(&house, marker("gpt-6-luna", 2), 3)).await;
        assert!(matches!(told, Err(TrialError::NothingMarked)));
    })
    .await;
}
