//! Budgets by page and API: set, a hard stop that queues rather than drops, thresholds that are told, and the month's view.

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
    work_waits_at_the_hard_stop_and_goes_on_once_there_is_money,
    the_page_sets_budgets,
    cost_control_is_held_on_and_off,
    nonsense_is_refused
);

const PATIENCE: Duration = Duration::from_secs(90);

async fn set(school: &School, scope: &str, body: &Value) -> Answer {
    let path = format!("/api/v1/budgets/{scope}");
    Answer::to(school.api("admin").request(Method::PUT, &path).json(body)).await
}

fn limit(nano_usd: i64) -> Value {
    json!({"limit_nano_usd": nano_usd, "hard_stop": true})
}

async fn work_waits_at_the_hard_stop_and_goes_on_once_there_is_money(database: Database) {
    let school = School::open_with(database, Options::default()).await;
    let hand_in = async |n: u64| {
        let receipt = school.api("ada").hand_in(school.assignment("essay"), &essay(n, 150), None).await;
        receipt.expect(201).string("tracking_id")
    };
    let first = hand_in(1).await;
    school.wait_for(&first, &["completed"], PATIENCE).await;
    let stand = school.api("admin").get("/api/v1/budgets").await.expect(200).json;
    let spent = stand["standings"][0]["spent_nano_usd"].as_i64().unwrap();
    assert!(spent > 0, "{stand}");
    assert_eq!(stand["spending"][0]["spent_nano_usd"], spent, "{stand}");
    assert!(stand["spending"][0]["realtime_nano_usd"].as_i64().unwrap() > spent, "{stand}");
    assert_eq!(stand["by_day"].as_array().unwrap().last().unwrap()["spent_nano_usd"], spent);

    // What was spent, and not enough for another.
    let stand = set(&school, "all", &limit(spent + 1)).await.expect(200).json;
    assert_eq!(stand["standings"][0]["limit_nano_usd"], spent + 1);
    let second = hand_in(2).await;
    wait::until("administrators are told", PATIENCE, async || {
        let mut admin = school.signed_in("admin").await;
        let page = admin.open("/notices").await.expect(200).words();
        page.contains("A budget is nearly used up").then_some(page)
    })
    .await;
    let held = school.api("ada").submission(&second).await.expect(200).json;
    assert_eq!(held["status"], "queued", "the acknowledged work is kept: {held}");
    set(&school, "all", &limit(1_000_000_000_000)).await.expect(200);
    school.wait_for(&second, &["completed"], PATIENCE).await;

    let gone = Answer::to(school.api("admin").request(Method::DELETE, "/api/v1/budgets/all")).await;
    assert_eq!(gone.status.as_u16(), 204);
    let stand = school.api("admin").get("/api/v1/budgets").await.expect(200).json;
    assert_eq!(stand["advice"][0]["kind"], "no_budget", "{stand}");
    school.close().await;
}

async fn the_page_sets_budgets(database: Database) {
    let school = School::open(database).await;
    let mut admin = school.signed_in("admin").await;
    let page = admin.open("/admin/budget").await.expect(200);
    let csrf = page.field("csrf");
    let typed = |what: &'static str, scope: &'static str, limit: &'static str| {
        [("csrf", csrf.clone()), ("scope", scope.into()), ("limit", limit.into()), ("do", what.into())]
    };
    let mut send = async |fields: [(&'static str, String); 4], status: u16| {
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        admin.post("/admin/budget", &fields).await.expect(status).words()
    };
    let words = send(typed("set", "all", "120.00"), 200).await;
    assert!(words.contains("The budget is set.") && words.contains("$120"), "{words}");
    for (scope, limit, told) in [
        ("all", "much", "not an amount of dollars such as 12.50"),
        ("all", "-3", "A budget can’t be below $0"),
        ("all", "", "Write what may be spent in a month"),
        ("nobody", "5", "Choose for whom from the list."),
        ("01a00000-0000-7000-8000-000000000000", "5", "There is no such course."),
    ] {
        let words = send(typed("set", scope, limit), 422).await;
        assert!(words.contains(told), "{scope} {limit}: {words}");
    }
    let words = send(typed("remove", "all", ""), 200).await;
    assert!(words.contains("The budget is removed."), "{words}");
    send(typed("remove", "all", ""), 404).await;
    send(typed("sell", "all", ""), 400).await;
    let page = admin.open("/admin/budget?month=2026-01").await.expect(200).words();
    assert!(page.contains("Budget, January 2026") && page.contains("This month has ended."), "{page}");
    assert!(!page.contains("Set a budget"), "what has ended can't be changed: {page}");
    assert!(page.contains("What such a month costs") && page.contains("reference workload"), "{page}");
    let bill = admin.open("/admin/budget/bill?month=2026-01").await.expect(200);
    assert!(bill.answer.text.contains("BilledCost"), "{}", bill.answer.text);
    for month in ["2999-01", "soon", ""] {
        admin.open(&format!("/admin/budget/bill?month={month}")).await.expect(400);
    }
    school.signed_in("ada").await.open("/admin/budget/bill?month=2026-01").await.expect(403);
    for month in ["2999-01", "soon", "2026-13"] {
        admin.open(&format!("/admin/budget?month={month}")).await.expect(400);
    }
    school.close().await;
}

async fn cost_control_is_held_on_and_off(database: Database) {
    let school = School::open(database).await;
    let put = async |measure: &str, mode: &str| {
        let path = format!("/api/v1/cost-control/{measure}");
        Answer::to(school.api("admin").request(Method::PUT, &path).json(&json!({"mode": mode}))).await
    };
    let found = put("delay", "on").await.expect(200).json;
    let delay = &found["measures"][2];
    assert_eq!((&delay["measure"], &delay["mode"]), (&json!("delay"), &json!("on")), "{found}");
    assert!(delay["on_since"].is_string() && delay["saved_nano_usd"].is_null(), "{found}");
    assert_eq!(found["changes"][0]["why"], "an administrator holds it on");
    // What is handed in now waits in the economy lane, and staff read why.
    let receipt = school.api("ada").hand_in(school.assignment("essay"), &essay(1, 150), None).await;
    let id = receipt.expect(201).string("tracking_id");
    let seen = school.api("berg").submission(&id).await.expect(200);
    assert!(seen.text.contains("Cost control delays it"), "{}", seen.text);
    put("cheaper", "on").await.expect_problem(404, "not-found");
    put("delay", "maybe").await.expect_problem(422, "invalid-field");
    school
        .api("admin")
        .get("/api/v1/cost-control?month=2999-01")
        .await
        .expect_problem(400, "invalid-parameter");

    let mut admin = school.signed_in("admin").await;
    let page = admin.open("/admin/budget").await.expect(200);
    let csrf = page.field("csrf");
    assert!(page.words().contains("Delay what is not urgent"), "{}", page.words());
    let form = |measure: &'static str, mode: &'static str| {
        [("csrf", csrf.clone()), ("measure", measure.into()), ("mode", mode.into()), ("do", "control".into())]
    };
    for (measure, mode, status, told) in [
        ("delay", "off", 200, "Cost control is set."),
        ("bigger", "off", 400, "is no measure of cost control"),
        ("delay", "perhaps", 400, "There are automatic, on and off"),
    ] {
        let fields = form(measure, mode);
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let words = admin.post("/admin/budget", &fields).await.expect(status).words();
        assert!(words.contains(told), "{measure} {mode}: {words}");
    }
    let found = school.api("admin").get("/api/v1/cost-control").await.expect(200).json;
    assert!(found["measures"][2]["on_since"].is_null(), "{found}");
    assert_eq!(found["changes"].as_array().unwrap().len(), 2);
    school.close().await;
}

async fn nonsense_is_refused(database: Database) {
    let school = School::open(database).await;
    let refused = set(&school, "all", &limit(-1)).await;
    refused.expect_problem(422, "invalid-field");
    assert_eq!(refused.json["errors"][0]["field"], "limit_nano_usd", "{}", refused.text);
    set(&school, "nobody", &limit(1)).await.expect_problem(404, "not-found");
    set(&school, "01a00000-0000-7000-8000-000000000000", &limit(1)).await.expect_problem(404, "not-found");
    set(&school, "all", &json!({"limit_nano_usd": 5})).await.expect_problem(422, "invalid-field");
    for month in ["soon", "2026-13", "2999-01"] {
        let refused = school.api("admin").get(&format!("/api/v1/budgets?month={month}")).await;
        refused.expect_problem(400, "invalid-parameter");
    }
    let gone = Answer::to(school.api("admin").request(Method::DELETE, "/api/v1/budgets/all")).await;
    gone.expect_problem(404, "not-found");
    school.close().await;
}
