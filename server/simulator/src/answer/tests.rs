#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};

use super::{
    generate::{Spoil, generate},
    manner::Manner,
    schema::{Node, Schema, Strictness},
    work,
};

/// The shape of a rubric as a marking system asks for it: criteria by id, levels from worst to best.
fn rubric() -> Schema {
    let criterion = json!({
        "type": "object",
        "properties": {
            "level": {"type": "string", "enum": ["l1", "l2", "l3", "l4", "l5", "l6"]},
            "points": {"type": "number", "minimum": 0, "maximum": 10, "multipleOf": 0.5},
            "evidence": {"type": "array", "items": {"type": "integer", "minimum": 1}, "maxItems": 4},
            "comment": {"type": "string", "maxLength": 400},
        },
        "required": ["level", "points", "evidence", "comment"],
        "additionalProperties": false,
    });
    let schema = json!({
        "type": "object",
        "properties": {
            "criteria": {
                "type": "object",
                "properties": {"ideas": {"$ref": "#/$defs/criterion"}, "language_use": {"$ref": "#/$defs/criterion"}},
                "required": ["ideas", "language_use"],
                "additionalProperties": false,
            },
            "feedback": {"type": "string"},
            "confidence": {"type": "number", "minimum": 0, "maximum": 1},
            "note": {"anyOf": [{"type": "null"}, {"type": "string"}]},
        },
        "required": ["criteria", "feedback", "confidence", "note"],
        "additionalProperties": false,
        "$defs": {"criterion": criterion},
    });
    Schema::parse(&schema.to_string(), Strictness::Strict).unwrap()
}

const ESSAY: &str = "Mark this essay.\n```\n[1] Computers help us to learn.\n[2] However, they take time, \
                     because games are fun.\n[3] I think that we should use them with care.\n```";

fn answer(schema: &Schema, text: &str) -> Value {
    serde_json::from_str(&generate(schema, &work::find(text), &Manner::default(), None)).unwrap()
}

/// What is wrong with a value by a schema.
fn problem(schema: &Schema, node: &Node, value: &Value) -> Option<String> {
    let wrong = || Some(format!("{value} is not {node:?}"));
    let ok = |fine: bool| if fine { None } else { wrong() };
    match node {
        Node::Null => ok(value.is_null()),
        Node::Boolean => ok(value.is_boolean()),
        Node::Fixed(fixed) => ok(value == fixed),
        Node::Enum(values) => ok(values.contains(value)),
        Node::Integer(b) | Node::Number(b) => {
            let Some(n) = value.as_f64() else { return wrong() };
            let whole = matches!(node, Node::Number(_)) || value.is_i64();
            let on_grid = b.step.is_none_or(|step| ((n / step) - (n / step).round()).abs() < 1e-6);
            ok(whole && on_grid && b.min.is_none_or(|min| n >= min) && b.max.is_none_or(|max| n <= max))
        }
        Node::Text(b) => {
            let Some(text) = value.as_str() else { return wrong() };
            let length = text.chars().count();
            ok(length >= b.min && b.max.is_none_or(|max| length <= max))
        }
        Node::Array { items, first, min, max } => {
            let Some(values) = value.as_array() else { return wrong() };
            if values.len() < *min || max.is_some_and(|max| values.len() > max) {
                return wrong();
            }
            let node_at = |at: usize| first.get(at).unwrap_or(items);
            values.iter().enumerate().find_map(|(at, value)| problem(schema, node_at(at), value))
        }
        Node::Object(properties) => {
            let Some(object) = value.as_object() else { return wrong() };
            if object.len() != properties.len() {
                return wrong();
            }
            properties.iter().find_map(|(name, node)| match object.get(name) {
                Some(value) => problem(schema, node, value),
                None => Some(format!("{name} is missing")),
            })
        }
        Node::AnyOf(nodes) => {
            if nodes.iter().any(|node| problem(schema, node, value).is_none()) {
                None
            } else {
                wrong()
            }
        }
        Node::Reference(name) => problem(schema, schema.resolve(name), value),
    }
}

#[track_caller]
fn assert_obeys(schema: &Schema, text: &str) -> Value {
    let value = answer(schema, text);
    assert_eq!(problem(schema, &schema.root, &value), None, "{value}");
    value
}

#[test]
fn a_rubric_is_answered_by_its_schema() {
    let marks = assert_obeys(&rubric(), ESSAY);
    let criterion = &marks["criteria"]["language_use"];
    let evidence: Vec<i64> =
        criterion["evidence"].as_array().unwrap().iter().map(|n| n.as_i64().unwrap()).collect();
    assert!(!evidence.is_empty() && evidence.iter().all(|n| (1..=3).contains(n)), "{evidence:?}");
    assert!(evidence.is_sorted_by(|a, b| a < b), "{evidence:?}");
    assert!(criterion["comment"].as_str().unwrap().starts_with("Simulated: "));
    assert!(criterion["comment"].as_str().unwrap().contains("language use"));
    assert!(marks["note"].is_string(), "the part that says something is chosen");
    let level: f64 = criterion["level"].as_str().unwrap()[1..].parse::<f64>().unwrap();
    let points = criterion["points"].as_f64().unwrap();
    assert!((points - (level - 1.0) / 5.0 * 10.0).abs() <= 0.25, "{points} points go with level {level}");
}

#[test]
fn the_same_work_gets_the_same_marks_and_better_work_better_ones() {
    let schema = rubric();
    let marks = answer(&schema, ESSAY);
    let reworded = ESSAY.replace("Mark this essay.", "Please judge the following.");
    assert_eq!(marks, answer(&schema, &reworded));
    let strong: String = (1..=40)
        .map(|n| {
            format!(
                "[{n}] Nevertheless, computers, for example in schools, deserve considerable attention.\n"
            )
        })
        .collect();
    let level = |marks: &Value| marks["criteria"]["ideas"]["level"].as_str().unwrap().to_owned();
    assert!(level(&answer(&schema, &strong)) > level(&marks));
}

#[test]
fn criteria_in_a_list_come_once_each() {
    let by_enum = json!({"type": "object", "properties": {"criteria": {"type": "array", "items": {
        "type": "object",
        "properties": {
            "criterion": {"type": "string", "enum": ["ideas", "style", "grammar"]},
            "level": {"type": "string", "enum": ["low", "middle", "high"]},
        },
        "required": ["criterion", "level"],
        "additionalProperties": false,
    }}}, "required": ["criteria"], "additionalProperties": false});
    let constant = |id: &str| {
        json!({"type": "object", "properties": {"id": {"const": id}, "score": {"type": "integer", "minimum": 1,
        "maximum": 6}}, "required": ["id", "score"], "additionalProperties": false})
    };
    let by_constant = json!({"type": "array", "items": {"anyOf": [constant("a"), constant("b")]}});
    let names = |schema: &Value, pointer: &str, key: &str| -> Vec<String> {
        let schema = Schema::parse(&schema.to_string(), Strictness::Loose).unwrap();
        let value = assert_obeys(&schema, ESSAY);
        let list = value.pointer(pointer).unwrap().as_array().unwrap().clone();
        list.iter().map(|item| item[key].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&by_enum, "/criteria", "criterion"), ["ideas", "style", "grammar"]);
    assert_eq!(names(&by_constant, "", "id"), ["a", "b"]);
}

#[test]
fn a_comparison_prefers_the_better_work() {
    let schema = json!({"type": "object", "properties": {
        "winner": {"type": "string", "enum": ["a", "b", "tie"]},
        "justification": {"type": "string"},
        "confidence": {"type": "number", "minimum": 0, "maximum": 1},
    }, "required": ["winner", "justification", "confidence"], "additionalProperties": false});
    let schema = Schema::parse(&schema.to_string(), Strictness::Strict).unwrap();
    let weak = "[1] it is fun. [2] i like it.\n";
    let strong =
        "[1] Nevertheless, computers deserve attention. [2] Families, for example, depend upon them.\n";
    assert_eq!(assert_obeys(&schema, &format!("A:\n{weak}B:\n{strong}"))["winner"], "b");
    assert_eq!(assert_obeys(&schema, &format!("A:\n{strong}B:\n{weak}"))["winner"], "a");
}

#[test]
fn all_sorts_of_schemas_are_obeyed() {
    let recursive = json!({"type": "object", "properties": {"children": {"type": "array",
        "items": {"$ref": "#"}}, "next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}}});
    for schema in [
        recursive,
        json!({"type": ["string", "null"], "minLength": 5, "maxLength": 12}),
        json!({"type": "array", "items": {"type": "boolean"}, "minItems": 3, "maxItems": 3}),
        json!({"type": "array", "items": {"type": "integer", "minimum": 5}, "minItems": 2}),
        json!({"type": "array", "items": {"type": "integer"}, "maxItems": 0}),
        json!({"type": "array", "prefixItems": [{"const": 1}, {"type": "null"}], "items": {"type": "string"}}),
        json!({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}),
        json!({"type": "integer", "minimum": -7, "maximum": -3, "multipleOf": 2}),
        json!({"enum": [1, "two", null]}),
        json!({"oneOf": [{"type": "null"}, {"type": "object", "properties": {"id": {"type": "string", "format": "uuid"}}}]}),
        json!({}),
    ] {
        let schema = Schema::parse(&schema.to_string(), Strictness::Loose).unwrap();
        assert_obeys(&schema, ESSAY);
        assert_obeys(&schema, "");
    }
}

#[test]
fn endless_schemas_end() {
    let schema = json!({"type": "object", "properties": {"a": {"$ref": "#"}, "b": {"$ref": "#"}}});
    let schema = Schema::parse(&schema.to_string(), Strictness::Loose).unwrap();
    assert!(
        serde_json::from_str::<Value>(&generate(&schema, &work::find(ESSAY), &Manner::default(), None))
            .is_ok()
    );
}

#[test]
fn spoilt_answers_break_the_schema_in_one_place() {
    let schema = rubric();
    let works = work::find(ESSAY);
    for (spoil, sign) in [(Spoil::Value, "is not Enum"), (Spoil::Field, "is not Object")] {
        let value: Value =
            serde_json::from_str(&generate(&schema, &works, &Manner::default(), Some(spoil))).unwrap();
        let problem = problem(&schema, &schema.root, &value).unwrap();
        assert!(problem.contains(sign), "{problem}");
    }
    // Where no value is listed, a field is left out; where there is none either, it is no JSON at all.
    let flat =
        Schema::parse(r#"{"type":"object","properties":{"a":{"type":"null"}}}"#, Strictness::Loose).unwrap();
    assert_eq!(generate(&flat, &works, &Manner::default(), Some(Spoil::Value)), "{}");
    let bare = Schema::parse(r#"{"type":"integer"}"#, Strictness::Loose).unwrap();
    assert!(
        serde_json::from_str::<Value>(&generate(&bare, &works, &Manner::default(), Some(Spoil::Value)))
            .is_err()
    );
}
