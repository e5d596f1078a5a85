//! The contract of the API: the document that describes it, and that answers are as it says.

use quire_tests::{
    api::Answer,
    essays::essay,
    on_both,
    school::{Database, School},
};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

on_both!(answers_are_as_the_document_says, lists_come_in_pages);

/// What must be described, with its methods.
const ROUTES: [(&str, &str); 48] = [
    ("/api/v1/submissions", "post"),
    ("/api/v1/submissions/{tracking_id}", "get"),
    ("/api/v1/submissions/{tracking_id}/events", "get"),
    ("/api/v1/assignments", "get"),
    ("/api/v1/assignments/{id}/submissions", "get"),
    ("/api/v1/batches", "get"),
    ("/api/v1/providers", "get"),
    ("/api/v1/batches/{id}", "get"),
    ("/api/v1/billing/{month}", "get"),
    ("/api/v1/billing/commitment", "get"),
    ("/api/v1/billing/deliveries", "get"),
    ("/api/v1/billing/deliveries/{id}/retry", "post"),
    ("/api/v1/billing/equal-models", "get"),
    ("/api/v1/billing/equal-models/{group}", "put"),
    ("/api/v1/billing/equal-models/{group}", "delete"),
    ("/api/v1/billing/{month}/reused", "get"),
    ("/api/v1/providers/{name}/batch-size", "get"),
    ("/api/v1/dead-letters", "get"),
    ("/api/v1/dead-letters/retry", "post"),
    ("/api/v1/dead-letters/reroute", "post"),
    ("/api/v1/dead-letters/discard", "post"),
    ("/api/v1/dead-letters/{id}", "get"),
    ("/api/v1/dead-letters/{id}/edit", "post"),
    ("/api/v1/dead-letters/{id}/mark", "post"),
    ("/api/v1/estimates", "get"),
    ("/api/v1/providers/{name}/schedule-advice", "get"),
    ("/api/v1/budgets", "get"),
    ("/api/v1/budgets/{scope}", "put"),
    ("/api/v1/budgets/{scope}", "delete"),
    ("/api/v1/cost-control", "get"),
    ("/api/v1/cost-control/{measure}", "put"),
    ("/api/v1/plan", "get"),
    ("/api/v1/prices", "get"),
    ("/api/v1/prices", "post"),
    ("/api/v1/prompts", "get"),
    ("/api/v1/prompts/in-use", "put"),
    ("/api/v1/trials", "get"),
    ("/api/v1/trials", "post"),
    ("/api/v1/trials/{id}", "get"),
    ("/api/v1/trials/{id}/stop", "post"),
    ("/api/v1/rules", "get"),
    ("/api/v1/rules", "put"),
    ("/api/v1/rules/check", "post"),
    ("/api/v1/rules/facts", "get"),
    ("/api/v1/rules/replay", "post"),
    ("/api/v1/rules/restore", "post"),
    ("/api/v1/rules/try", "post"),
    ("/api/v1/rules/versions", "get"),
];

/// The schema that a reference names, or the schema itself.
fn resolve<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str() {
        Some(reference) => {
            let pointer = reference.trim_start_matches('#');
            resolve(
                document,
                document.pointer(pointer).unwrap_or_else(|| panic!("{reference} leads nowhere")),
            )
        }
        None => schema,
    }
}

/// Objects that a value is all of, as one.
fn merged(document: &Value, parts: &[Value]) -> Value {
    let (mut properties, mut required) = (serde_json::Map::new(), Vec::new());
    for part in parts {
        let part = resolve(document, part);
        let whole = part["allOf"].as_array().map(|parts| merged(document, parts));
        let part = whole.as_ref().unwrap_or(part);
        properties.extend(part["properties"].as_object().cloned().unwrap_or_default());
        required.extend(part["required"].as_array().cloned().unwrap_or_default());
    }
    json!({"type": "object", "properties": properties, "required": required})
}

/// What is wrong with a value by its schema: types, required properties, properties that are not described, lists.
fn faults(document: &Value, schema: &Value, value: &Value, at: &str, out: &mut Vec<String>) {
    let schema = resolve(document, schema);
    for word in ["oneOf", "anyOf"] {
        if let Some(choices) = schema[word].as_array() {
            let fits = choices.iter().any(|choice| {
                let mut found = Vec::new();
                faults(document, choice, value, at, &mut found);
                found.is_empty()
            });
            if !fits {
                out.push(format!("{at}: {value} is none of {word}"));
            }
            return;
        }
    }
    if let Some(parts) = schema["allOf"].as_array() {
        return faults(document, &merged(document, parts), value, at, out);
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        _ => return,
    };
    let fits = types.iter().any(|name| match *name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => false,
    });
    if !fits {
        return out.push(format!("{at}: {value} is not {types:?}"));
    }
    if let Some(allowed) = schema["enum"].as_array()
        && !value.is_null()
        && !allowed.contains(value)
    {
        out.push(format!("{at}: {value} is none of {allowed:?}"));
    }
    if let Some(object) = value.as_object() {
        let properties = schema["properties"].as_object();
        for required in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !object.contains_key(required) {
                out.push(format!("{at}.{required} is missing"));
            }
        }
        for (name, inner) in object {
            match properties.and_then(|properties| properties.get(name)) {
                Some(schema) => faults(document, schema, inner, &format!("{at}.{name}"), out),
                None if properties.is_some() => out.push(format!("{at}.{name} is not described")),
                None => {}
            }
        }
    }
    for (n, inner) in value.as_array().into_iter().flatten().enumerate() {
        faults(document, &schema["items"], inner, &format!("{at}[{n}]"), out);
    }
}

fn check(document: &Value, path: &str, method: &str, status: u16, kind: &str, value: &Value) {
    let operation = &document["paths"][path][method];
    let answer = resolve(document, &operation["responses"][status.to_string()]);
    let schema = &answer["content"][kind]["schema"];
    assert!(!schema.is_null(), "{method} {path} does not describe {status} {kind}: {answer}");
    let mut out = Vec::new();
    faults(document, schema, value, "", &mut out);
    assert!(out.is_empty(), "{method} {path} {status}: {out:#?}\n{value:#}");
}

async fn answers_are_as_the_document_says(database: Database) {
    let school = School::open(database).await;
    let document: Value = serde_json::from_str(&school.run_well(&["openapi"])).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"), "{}", document["openapi"]);
    for (path, method) in ROUTES {
        let operation = &document["paths"][path][method];
        assert!(operation["responses"].is_object(), "{method} {path} is not described");
        assert!(operation["summary"].is_string() || operation["description"].is_string(), "{method} {path}");
    }
    let json = "application/json";
    let (api, assignment) = (school.api("ada"), school.assignment("essay"));
    let receipt = api.hand_in(assignment, &essay(1, 150), None).await.expect(201);
    check(&document, "/api/v1/submissions", "post", 201, json, &receipt.json);
    let one = "/api/v1/submissions/{tracking_id}";
    let id = receipt.string("tracking_id");
    check(&document, one, "get", 200, json, &api.submission(&id).await.expect(200).json);
    school.wait_for(&id, &["completed"], Duration::from_secs(60)).await;
    check(&document, one, "get", 200, json, &api.submission(&id).await.expect(200).json);
    check(&document, one, "get", 200, json, &school.api("berg").submission(&id).await.expect(200).json);
    let list = api.get("/api/v1/assignments").await.expect(200).json;
    check(&document, "/api/v1/assignments", "get", 200, json, &list);
    let path = format!("/api/v1/assignments/{assignment}/submissions");
    let list = school.api("berg").get(&path).await.expect(200).json;
    check(&document, "/api/v1/assignments/{id}/submissions", "get", 200, json, &list);
    let batches = school.api("admin").get("/api/v1/batches").await.expect(200).json;
    check(&document, "/api/v1/batches", "get", 200, json, &batches);
    let providers = school.api("admin").get("/api/v1/providers").await.expect(200).json;
    check(&document, "/api/v1/providers", "get", 200, json, &providers);
    let batch = format!("/api/v1/batches/{}", batches["items"][0]["id"].as_str().unwrap());
    let batch = school.api("admin").get(&batch).await.expect(200).json;
    check(&document, "/api/v1/batches/{id}", "get", 200, json, &batch);
    assert_eq!(batch["candidates"].as_array().unwrap().len(), 4, "{batch:#}");
    let sizes = school.api("admin").get("/api/v1/providers/openai/batch-size").await.expect(200).json;
    check(&document, "/api/v1/providers/{name}/batch-size", "get", 200, json, &sizes);
    assert_eq!(sizes["sizes"][0]["provider"], "openai", "{sizes:#}");
    for path in
        ["/api/v1/providers/nobody/batch-size", "/api/v1/batches/00000000-0000-0000-0000-000000000000"]
    {
        school.api("admin").get(path).await.expect_problem(404, "not-found");
    }
    school.api("admin").get("/api/v1/batches/none").await.expect_problem(400, "invalid-parameter");
    let reused = school.api("admin").get("/api/v1/billing/2026-11/reused").await.expect(200).json;
    check(&document, "/api/v1/billing/{month}/reused", "get", 200, json, &reused);
    let estimates = school.api("admin").get("/api/v1/estimates").await.expect(200).json;
    check(&document, "/api/v1/estimates", "get", 200, json, &estimates);
    let provider = estimates["providers"][0]["provider"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/providers/{provider}/schedule-advice");
    let advice = school.api("admin").get(&path).await.expect(200).json;
    check(&document, "/api/v1/providers/{name}/schedule-advice", "get", 200, json, &advice);
    assert!(advice["summary"].as_str().unwrap().starts_with("Too short a history"), "{advice}");
    school
        .api("admin")
        .get("/api/v1/providers/nobody/schedule-advice")
        .await
        .expect_problem(404, "not-found");
    let admin = school.api("admin");
    for path in [
        "/api/v1/rules",
        "/api/v1/rules/facts",
        "/api/v1/rules/versions",
        "/api/v1/billing/commitment",
        "/api/v1/billing/deliveries",
        "/api/v1/billing/equal-models",
        "/api/v1/prices",
        "/api/v1/prompts",
        "/api/v1/trials",
    ] {
        check(&document, path, "get", 200, json, &admin.get(path).await.expect(200).json);
    }
    let rules = admin.get("/api/v1/rules").await.expect(200).json["rules"].clone();
    for (path, body) in [
        ("/api/v1/rules/check", json!({"condition": "budget.usd > 1"})),
        ("/api/v1/rules/replay", json!({"rules": [], "days": 7})),
        ("/api/v1/rules/try", json!({"rules": rules, "tracking_id": id})),
        ("/api/v1/rules/restore", json!({"based_on": 1, "version": 1})),
    ] {
        check(&document, path, "post", 200, json, &admin.post(path, &body).await.expect(200).json);
    }
    let by = admin.get("/api/v1/prompts").await.expect(200).json["versions"][0]["measured"][0].clone();
    let trial = json!({"assignment": assignment, "provider": by["provider"], "model": by["model"],
        "prompt_version": 2, "works": 1});
    let started = admin.post("/api/v1/trials", &trial).await.expect(201);
    check(&document, "/api/v1/trials", "post", 201, json, &started.json);
    let path = format!("/api/v1/trials/{}", started.string("id"));
    check(&document, "/api/v1/trials/{id}", "get", 200, json, &admin.get(&path).await.expect(200).json);
    let used = json!({"version": 2, "untried": true});
    let used = Answer::to(admin.request(Method::PUT, "/api/v1/prompts/in-use").json(&used)).await.expect(200);
    check(&document, "/api/v1/prompts/in-use", "put", 200, json, &used.json);
    for path in ["/api/v1/prompts", "/api/v1/trials"] {
        check(&document, path, "get", 200, json, &admin.get(path).await.expect(200).json);
    }
    let price = json!({"provider": "openai", "model": "gpt-6-luna", "discount_percent": 12.5,
        "tiers": [{"from_tokens": 1_000_000, "discount_percent": 5}]});
    let book = admin.post("/api/v1/prices", &price).await.expect(201);
    check(&document, "/api/v1/prices", "post", 201, json, &book.json);
    let mut own = book.json.as_array().unwrap().iter().filter(|price| price["provider"] == "openai");
    assert!(
        own.any(|price| price["discount_percent"] == 12.5 && price["standing"] == "holds"),
        "{}",
        book.text
    );
    admin
        .post("/api/v1/prices", &json!({"provider": "openai", "model": "m", "discount_percent": 100}))
        .await
        .expect_problem(422, "invalid-field");
    let problem = "application/problem+json";
    let refused = api.hand_in(assignment, "", None).await;
    check(&document, "/api/v1/submissions", "post", 422, problem, &refused.json);
    let missing = api.submission("QR-XXXX-XXXX").await;
    check(&document, one, "get", 404, problem, &missing.json);
    let denied = api.get("/api/v1/batches").await;
    check(&document, "/api/v1/batches", "get", 403, problem, &denied.json);
    school.close().await;
}

async fn lists_come_in_pages(database: Database) {
    let school = School::open(database).await;
    let assignment = school.assignment("essay");
    let mut handed_in = Vec::new();
    for n in 0..7 {
        let student = format!("student{n}@example.edu");
        let receipt =
            school.api("berg").hand_in_for(&student, assignment, &essay(n, 100), None).await.expect(201);
        handed_in.push(receipt.string("tracking_id"));
    }
    let mut seen = Vec::new();
    for (page, items) in [(1, 3), (2, 3), (3, 1), (4, 0)] {
        let path = format!("/api/v1/assignments/{assignment}/submissions?page={page}&per_page=3");
        let list = school.api("berg").get(&path).await.expect(200).json;
        assert_eq!(
            (&list["total"], &list["page"], &list["per_page"]),
            (&7.into(), &page.into(), &3.into()),
            "{list}"
        );
        let ids = list["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["tracking_id"].as_str().unwrap().to_owned());
        let before = seen.len();
        seen.extend(ids);
        assert_eq!(seen.len() - before, items, "{list}");
    }
    seen.sort();
    handed_in.sort();
    assert_eq!(seen, handed_in);
    for wrong in ["page=0", "page=x", "per_page=0", "per_page=100000", "page=-1"] {
        let path = format!("/api/v1/assignments/{assignment}/submissions?{wrong}");
        school.api("berg").get(&path).await.expect_problem(400, "invalid-parameter");
    }
    school.close().await;
}
