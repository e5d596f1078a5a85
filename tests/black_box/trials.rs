//! Trials by API and page: works are marked once more another way, the two are held against each other, and a version of
//! the prompt takes another's place.

use quire_engine::store::Exec as _;
use quire_tests::{
    api::Answer,
    essays::essay,
    on_both,
    school::{Database, Options, School},
    wait,
};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

on_both!(
    a_version_is_tried_and_put_in_use,
    other_models_are_held_against_the_one_in_use,
    a_trial_outlives_a_kill,
    the_pages_start_and_stop_trials
);

const PATIENCE: Duration = Duration::from_secs(90);

/// Works of so many students, marked in batches at OpenAI.
async fn marked(school: &School, count: u64) {
    let assignment = school.assignment("essay");
    let mut ids = Vec::new();
    for n in 0..count {
        let student = format!("student{n}@example.edu");
        let receipt =
            school.api("berg").hand_in_for(&student, assignment, &essay(n, 150), None).await.expect(201);
        ids.push(receipt.string("tracking_id"));
    }
    for id in &ids {
        school.wait_for(id, &["completed"], PATIENCE).await;
    }
}

fn new_trial(school: &School, way: (&str, &str, i64), works: i64) -> Value {
    let (provider, model, version) = way;
    json!({"assignment": school.assignment("essay"), "provider": provider, "model": model,
        "prompt_version": version, "works": works})
}

/// Starts a trial and waits for its end.
async fn tried(school: &School, way: (&str, &str, i64), works: i64) -> Value {
    let started =
        school.api("admin").post("/api/v1/trials", &new_trial(school, way, works)).await.expect(201);
    assert_eq!(started.json["state"], "running", "{}", started.text);
    ended(school, &started.string("id")).await
}

async fn ended(school: &School, id: &str) -> Value {
    let path = format!("/api/v1/trials/{id}");
    wait::until("the trial has ended", PATIENCE, async || {
        let found = school.api("admin").get(&path).await.expect(200).json;
        (found["state"] == "ended").then_some(found)
    })
    .await
}

async fn use_version(school: &School, body: &Value) -> Answer {
    Answer::to(school.api("admin").request(Method::PUT, "/api/v1/prompts/in-use").json(body)).await
}

fn openai() -> Options {
    Options { providers: vec!["openai"], ..Options::default() }
}

async fn a_version_is_tried_and_put_in_use(database: Database) {
    let school = School::open_with(database, openai()).await;
    marked(&school, 34).await;
    let refused = use_version(&school, &json!({"version": 2})).await;
    refused.expect_problem(409, "not-possible-now");
    assert!(refused.text.contains("Version 2 has not been shown to mark like version 1"), "{}", refused.text);
    let found = tried(&school, ("openai", "gpt-6-luna", 2), 34).await;
    assert_eq!(
        (&found["works"], &found["marked"], &found["unanswered"]),
        (&json!(34), &json!(34), &json!(0))
    );
    let agreement = &found["agreement"];
    // The simulator's marks are by the work and the model alone.
    assert_eq!((&agreement["kappa"], &agreement["verdict"]), (&json!(1.0), &json!("equal")), "{found:#}");
    let tokens = |of: &str| found[of]["output_tokens"].as_i64().unwrap();
    assert!(tokens("own") * 10 < tokens("other") * 8, "{found:#}");
    assert!(found["saves_percent"].as_f64().unwrap() > 10.0, "{found:#}");
    assert_eq!(found["criteria"][0]["exact"], 1.0, "{found:#}");

    let used = use_version(&school, &json!({"version": 2})).await.expect(200);
    assert!(used.json["assignments"].as_i64().unwrap() >= 1, "{}", used.text);
    let shown = school.api("admin").get("/api/v1/prompts").await.expect(200).json;
    assert_eq!(
        (&shown["versions"][0]["in_use"], &shown["versions"][1]["in_use"]),
        (&json!(false), &json!(true))
    );
    assert_eq!(shown["versions"][0]["measured"][0]["answers"], 34, "{shown:#}");
    assert!(shown["adoptions"][0]["by_name"].is_string(), "{shown:#}");
    // What was begun goes on as it was; nobody had handed in to the exam.
    for (key, template) in [("essay", "rubric_v1"), ("exam", "rubric_v2")] {
        let receipt =
            school.api("ada").hand_in(school.assignment(key), &essay(90, 150), None).await.expect(201);
        let id = receipt.string("tracking_id");
        school.wait_for(&id, &["completed", "in_review"], PATIENCE).await;
        let (by,): (String,) = school
            .db()
            .query(
                "SELECT a.template FROM assessments a JOIN submissions s ON s.id = a.submission_id \
                 WHERE s.tracking_id = $1",
            )
            .bind(id)
            .one()
            .await
            .unwrap();
        assert_eq!(by, template, "{key}");
    }
    school.wait_until_idle(PATIENCE).await;
    let proof = school.prove().await;
    assert_eq!((proof.assessed, proof.in_real_time, proof.lost_lines), (36, 35, 0), "{proof:?}");
    school.close().await;
}

async fn other_models_are_held_against_the_one_in_use(database: Database) {
    let options = openai();
    let school =
        School::open_with(database, Options { providers: vec!["openai", "anthropic"], ..options }).await;
    marked(&school, 34).await;
    let against = school.api("admin").get("/api/v1/trials").await.expect(200).json;
    assert_eq!(against, json!([]));
    // Whichever has marked more, or comes first, the other is held against it.
    let usual = school.count("SELECT COUNT(*) FROM model_jobs WHERE provider = 'openai'").await > 17;
    let (own, usual) = match usual {
        true => (("anthropic", "claude-haiku-5-5", 1), "openai"),
        false => (("openai", "gpt-6-luna", 1), "anthropic"),
    };
    let found = tried(&school, own, 30).await;
    assert_eq!(found["against"]["provider"], usual, "{found:#}");
    let agreement = &found["agreement"];
    assert!(agreement["works"].as_i64().unwrap() >= 15, "{found:#}");
    // Models see a work a little differently.
    let same = agreement["same"].as_f64().unwrap();
    assert!(same > 0.3 && same < 1.0, "{found:#}");
    assert!(found["criteria"][0]["adjacent"].as_f64().unwrap() > 0.9, "{found:#}");
    let listed = school.api("admin").get("/api/v1/trials").await.expect(200).json;
    assert_eq!((&listed[0]["id"], &listed[0]["agreement"]), (&found["id"], &found["agreement"]));
    school.wait_until_idle(PATIENCE).await;
    school.prove().await;
    school.close().await;
}

async fn a_trial_outlives_a_kill(database: Database) {
    let mut options = openai();
    options.simulator.latency_ms = 1_500;
    let mut school = School::open_with(database, options).await;
    marked(&school, 6).await;
    let started = school
        .api("admin")
        .post("/api/v1/trials", &new_trial(&school, ("openai", "gpt-6-luna", 2), 6))
        .await
        .expect(201);
    wait::until("something is asked", PATIENCE, async || {
        (school.count("SELECT COUNT(*) FROM trial_works WHERE state = 'asking'").await > 0).then_some(())
    })
    .await;
    school.kill();
    school.start().await;
    let found = ended(&school, &started.string("id")).await;
    let (marked, lost) = (found["marked"].as_i64().unwrap(), found["unanswered"].as_i64().unwrap());
    assert!(marked + lost == 6 && lost >= 1, "{found:#}");
    assert!(found["errors"][0]["what"].as_str().unwrap().contains("process that asked ended"), "{found:#}");
    school.wait_until_idle(PATIENCE).await;
    let proof = school.prove().await;
    assert_eq!(i64::try_from(proof.lost_lines).unwrap(), lost, "{proof:?}");
    school.close().await;
}

async fn the_pages_start_and_stop_trials(database: Database) {
    let mut options = openai();
    // A few works at a time, each for long enough to be stopped in between.
    options.simulator.latency_ms = 2_000;
    let school = School::open_with(database, options).await;
    let mut admin = school.signed_in("admin").await;
    let page = admin.open("/admin/prompts").await.expect(200);
    assert!(page.words().contains("A trial needs a provider that is set up, and works that have marks."));
    marked(&school, 12).await;
    let page = admin.open("/admin/prompts").await.expect(200);
    assert!(page.words().contains("No trials yet."), "{}", page.words());
    let csrf = page.field("csrf");
    let assignment = school.assignment("essay").to_owned();
    let form = |works: &str| {
        [
            ("csrf", csrf.clone()),
            ("assignment", assignment.clone()),
            ("model", "openai/gpt-6-luna".to_owned()),
            ("prompt", "2".to_owned()),
            ("works", works.to_owned()),
            ("do", "start".to_owned()),
        ]
    };
    let mut send = async |works: &str| {
        let fields = form(works);
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        admin.post("/admin/prompts", &fields).await
    };
    for (works, told) in
        [("many", "Write how many works are to be marked once more"), ("900", "A trial has 1 to 200 works")]
    {
        let page = send(works).await.expect(422);
        assert!(page.words().contains(told) && page.answer.text.contains(works), "{}", page.words());
    }
    let page = send("12").await.expect(200);
    assert!(
        page.path.starts_with("/admin/prompts/") && page.words().contains("gpt-6-luna of openai, prompt 2")
    );
    let id = page.path.trim_start_matches("/admin/prompts/").to_owned();
    let stop = [("csrf", csrf.as_str()), ("trial", id.as_str()), ("do", "stop")];
    let page = admin.post("/admin/prompts", &stop).await.expect(200);
    assert!(page.words().contains("The trial is stopped."), "{}", page.words());
    let again = school
        .api("admin")
        .post("/api/v1/trials", &new_trial(&school, ("openai", "gpt-6-luna", 2), 900))
        .await;
    again.expect_problem(422, "invalid-field");
    // Not shown to be equal, it is used only where one says so.
    let wanted = [("csrf", csrf.as_str()), ("version", "2"), ("do", "use")];
    let page = admin.post("/admin/prompts", &wanted).await.expect(422);
    assert!(page.words().contains("Version 2 has not been shown to mark like version 1"), "{}", page.words());
    let page = admin.post("/admin/prompts", &[&wanted[..], &[("untried", "1")]].concat()).await.expect(200);
    assert!(page.words().contains("New assignments are marked by this version"), "{}", page.words());
    assert!(page.words().contains("version 2 was put in use by "), "{}", page.words());
    let nothing = [("csrf", csrf.as_str()), ("do", "dance")];
    admin.post("/admin/prompts", &nothing).await.expect(400);
    wait::until("the trial has ended", PATIENCE, async || {
        let found = school.api("admin").get(&format!("/api/v1/trials/{id}")).await.expect(200).json;
        (!found["ended_at"].is_null()).then_some(())
    })
    .await;
    let found = school.api("admin").get(&format!("/api/v1/trials/{id}")).await.expect(200).json;
    assert_eq!(found["state"], "stopped", "{found:#}");
    assert!(found["unanswered"].as_i64().unwrap() > 0, "{found:#}");
    school.prove().await;
    school.close().await;
}
