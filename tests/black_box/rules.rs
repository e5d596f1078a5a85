//! Routing rules by the API: checked, tried, replayed, put in force, taken back.

use quire_tests::{
    api::{Answer, Api},
    essays::essay,
    on_both,
    school::{Database, School},
};
use reqwest::Method;
use serde_json::{Value, json};

on_both!(
    an_administrator_changes_the_rules_and_work_goes_another_way,
    rules_that_can_not_be_used_are_refused,
    the_pages_do_the_same,
);

async fn put(api: &Api, body: &Value) -> Answer {
    Answer::to(api.request(Method::PUT, "/api/v1/rules").json(body)).await
}

async fn an_administrator_changes_the_rules_and_work_goes_another_way(database: Database) {
    let school = School::open(database).await;
    let admin = school.api("admin");
    let hand_in = async |n: u64| {
        let receipt = school.api("ada").hand_in(school.assignment("essay"), &essay(n, 150), None).await;
        receipt.expect(201)
    };
    let first = hand_in(1).await;
    let before = school.api("berg").submission(&first.string("tracking_id")).await.expect(200).json;
    assert_eq!(before["route"]["type"], "batch", "{before}");

    let rules = admin.get("/api/v1/rules").await.expect(200).json;
    assert_eq!((&rules["version"], &rules["author"]), (&json!(1), &Value::Null));
    assert_eq!(rules["rules"].as_array().unwrap().len(), 4, "{rules}");
    assert_eq!(rules["decided"][0]["works"], 1, "{rules}");

    // One more rule that decides before all others.
    let mut wanted = rules["rules"].as_array().unwrap().clone();
    wanted.push(json!({
        "name": "short_work", "title": "Short work at once", "condition": "submission.words < 5000",
        "action": {"way": "realtime", "lane": "urgent", "provider": "anthropic"}, "priority": 0, "enabled": true,
    }));
    let tried = admin
        .post("/api/v1/rules/try", &json!({"rules": wanted, "tracking_id": first.string("tracking_id")}))
        .await
        .expect(200)
        .json;
    assert_eq!((&tried["was"]["type"], &tried["would_be"]["type"]), (&json!("batch"), &json!("realtime")));
    assert_eq!(tried["asked"][0], json!({"rule": "short_work", "applies": true, "problem": null}));
    let replay =
        admin.post("/api/v1/rules/replay", &json!({"rules": wanted, "days": 30})).await.expect(200).json;
    assert_eq!((&replay["replayed"], &replay["changed"]), (&json!(1), &json!(1)), "{replay}");
    assert_eq!(replay["changes"][0]["tracking_id"], first.json["tracking_id"]);
    let cost = |side: &str| replay[side]["cost_nano_usd"].as_i64().unwrap();
    assert_eq!(cost("would_be"), 2 * cost("was"), "a batch is half the price");
    let same = admin.post("/api/v1/rules/replay", &json!({"days": 30})).await.expect(200).json;
    assert_eq!(same["changed"], 0);
    // None of this changed anything.
    assert_eq!(admin.get("/api/v1/rules").await.expect(200).json["version"], 1);

    let saved = put(&admin, &json!({"based_on": 1, "rules": wanted})).await.expect(200).json;
    assert_eq!((&saved["version"], saved["changes"].as_array().unwrap().len()), (&json!(2), 1), "{saved}");
    assert!(saved["author"].is_string(), "{saved}");
    put(&admin, &json!({"based_on": 1, "rules": wanted})).await.expect_problem(409, "changed-meanwhile");
    let second = hand_in(2).await;
    let after = school.api("berg").submission(&second.string("tracking_id")).await.expect(200).json;
    assert_eq!(after["route"]["type"], "realtime", "{after}");
    assert_eq!(
        (&after["route"]["provider"], &after["route"]["rule"]),
        (&json!("anthropic"), &json!("short_work"))
    );

    let back = json!({"based_on": 2, "version": 1});
    let restored = admin.post("/api/v1/rules/restore", &back).await.expect(200).json;
    assert_eq!(restored["version"], 3);
    let versions = admin.get("/api/v1/rules/versions?most=2").await.expect(200).json;
    let numbers: Vec<_> =
        versions["versions"].as_array().unwrap().iter().map(|v| v["version"].clone()).collect();
    assert_eq!(numbers, [json!(3), json!(2)]);
    admin
        .post("/api/v1/rules/restore", &json!({"based_on": 3, "version": 9}))
        .await
        .expect_problem(404, "not-found");
    school.close().await;
}

async fn rules_that_can_not_be_used_are_refused(database: Database) {
    let school = School::open(database).await;
    let admin = school.api("admin");
    let check = async |condition: &str| {
        let body = json!({"condition": condition});
        admin.post("/api/v1/rules/check", &body).await.expect(200).json["faults"].clone()
    };
    assert_eq!(check("budget.used > 0.7").await, json!([]));
    let fault = json!([{"column": 8, "message": "budget has no “usd”. Did you mean “used”?"}]);
    assert_eq!(check("budget.usd > 0.7").await, fault);
    assert!(check("[1].all(x, x > 0)").await[0]["message"].as_str().unwrap().contains("no loops"));
    assert!(check(&"(".repeat(900)).await[0]["message"].as_str().unwrap().contains("too deeply"));

    let rule = |change: Value| {
        let mut rule = json!({
            "name": "mine", "title": "Mine", "condition": "true", "action": {"way": "batch"}, "priority": 1, "enabled": true,
        });
        for (field, value) in change.as_object().unwrap() {
            rule[field] = value.clone();
        }
        rule
    };
    for (rules, field) in [
        (json!([rule(json!({"condition": "budget.usd > 1"}))]), "rules[0].condition"),
        (json!([rule(json!({"condition": "submission.words"}))]), "rules[0].condition"),
        (json!([rule(json!({"name": "Not This"}))]), "rules[0].name"),
        (json!([rule(json!({"title": ""}))]), "rules[0].title"),
        (json!([rule(json!({})), rule(json!({"name": "other"}))]), "rules[1].priority"),
        (json!([rule(json!({})), rule(json!({"priority": 2}))]), "rules[1].name"),
        (
            json!([rule(json!({"action": {"way": "batch", "provider": "nobody"}}))]),
            "rules[0].action.provider",
        ),
        (json!([rule(json!({"action": {"way": "batch", "model": "no-such"}}))]), "rules[0].action.model"),
        (json!([rule(json!({"action": {"way": "batch", "hold": "yes"}}))]), "rules[0].action.hold"),
        (json!([rule(json!({"action": {"way": "by post"}}))]), "rules[0].action.way"),
        (json!([rule(json!({"colour": "red"}))]), "rules[0].colour"),
    ] {
        let refused = put(&admin, &json!({"based_on": 1, "rules": rules})).await;
        refused.expect_problem(422, "invalid-field");
        assert_eq!(refused.json["errors"][0]["field"], field, "{}", refused.text);
    }
    for (path, body, field) in [
        ("replay", json!({"days": 0}), "days"),
        ("replay", json!({"days": 367}), "days"),
        ("try", json!({"rules": [], "tracking_id": "none"}), "tracking_id"),
    ] {
        let refused = admin.post(&format!("/api/v1/rules/{path}"), &body).await;
        refused.expect_problem(422, "invalid-field");
        assert_eq!(refused.json["errors"][0]["field"], field, "{}", refused.text);
    }
    let unknown = json!({"rules": [], "tracking_id": "QR-7F3K-92MD"});
    admin.post("/api/v1/rules/try", &unknown).await.expect_problem(404, "not-found");
    for query in ["most=0", "most=101", "up_to=x", "colour=red"] {
        let refused = admin.get(&format!("/api/v1/rules/versions?{query}")).await;
        refused.expect_problem(400, "invalid-parameter");
    }
    for (who, status) in [("nobody", 401), ("ada", 403), ("berg", 403)] {
        let api = school.api(who);
        assert_eq!(put(&api, &json!({"based_on": 1, "rules": []})).await.status.as_u16(), status, "{who}");
        for path in ["check", "replay", "restore", "try"] {
            let body = match path {
                "check" => json!({"condition": "true"}),
                "replay" => json!({"days": 1}),
                "restore" => json!({"based_on": 1, "version": 1}),
                _ => unknown.clone(),
            };
            let refused = api.post(&format!("/api/v1/rules/{path}"), &body).await;
            assert_eq!(refused.status.as_u16(), status, "{who} at {path}: {}", refused.text);
        }
    }
    school.close().await;
}

async fn the_pages_do_the_same(database: Database) {
    const EDIT: &str = "/admin/rules/edit?rule=budget_conservation";
    let school = School::open(database).await;
    let receipt =
        school.api("ada").hand_in(school.assignment("essay"), &essay(1, 150), None).await.expect(201);
    let id = receipt.string("tracking_id");
    let mut admin = school.signed_in("admin").await;
    let page = admin.open("/admin/rules").await.expect(200);
    assert!(page.words().contains("Version 1"), "{}", page.words());
    let csrf = page.field("csrf");

    let step = [("csrf", &*csrf), ("based_on", "1"), ("do", "down:high_urgency_override")];
    let page = admin.post("/admin/rules", &step).await.expect(200);
    assert!(page.words().contains("Done. Version 2 is in force."), "{}", page.words());
    let names = async || -> Vec<String> {
        let rules = school.api("admin").get("/api/v1/rules").await.expect(200).json;
        rules["rules"]
            .as_array()
            .unwrap()
            .iter()
            .map(|rule| rule["name"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(names().await[..2], ["budget_conservation", "high_urgency_override"]);
    let page = admin.post("/admin/rules", &step).await.expect(400);
    assert!(page.words().contains("version 2 is in force"), "{}", page.words());

    let typed = |what: &'static str, condition: &'static str| {
        vec![
            ("csrf", csrf.clone()),
            ("based_on", "2".to_owned()),
            ("title", "Thrift".to_owned()),
            ("condition", condition.to_owned()),
            ("way", "realtime".to_owned()),
            ("lane", "urgent".to_owned()),
            ("provider", String::new()),
            ("enabled", "1".to_owned()),
            ("days", "7".to_owned()),
            ("tracking_id", id.clone()),
            ("do", what.to_owned()),
        ]
    };
    let mut send = async |fields: Vec<(&'static str, String)>, status: u16| {
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        admin.post(EDIT, &fields).await.expect(status).words()
    };
    for what in ["save", "replay", "try"] {
        let words = send(typed(what, "budget.usd > 0.7"), 422).await;
        assert!(words.contains("Column 8: budget has no “usd”. Did you mean “used”?"), "{what}: {words}");
    }
    let words = send(typed("replay", "budget.used >= 0.0"), 200).await;
    assert!(words.contains("1 submission replayed") && words.contains("1 would go another way"), "{words}");
    let words = send(typed("try", "budget.used >= 0.0"), 200).await;
    assert!(words.contains("it would go real time, urgent lane"), "{words}");
    let words = send(typed("save", "budget.used >= 0.0"), 200).await;
    assert!(words.contains("Done. Version 3 is in force.") && words.contains("Thrift"), "{words}");

    let page = admin.open("/admin/rules/versions").await.expect(200);
    assert!(page.words().contains("“Budget conservation” is now called “Thrift”"), "{}", page.words());
    let back = [("csrf", &*csrf), ("based_on", "3"), ("do", "restore:1")];
    let page = admin.post("/admin/rules", &back).await.expect(200);
    assert!(page.words().contains("Done. Version 4 is in force."), "{}", page.words());
    let remove = [("csrf", &*csrf), ("based_on", "4"), ("do", "remove")];
    admin.post("/admin/rules/edit?rule=peak_hours_optimization", &remove).await.expect(200);
    assert_eq!(
        names().await,
        ["high_urgency_override", "budget_conservation", "assessment_type_optimization"]
    );
    admin.open("/admin/rules/edit?rule=peak_hours_optimization").await.expect(404);
    school.close().await;
}
