//! A check value in each answer of a batch: large jobs have been seen to give answers back under the key of another
//! request, and a mark must never reach another student.
//!
//! The request's schema asks for one more property that can have one value only, which is made from the request's own
//! custom id. The schema travels with the prompt, so an answer carries the value of the request that it answers,
//! whatever key the line has.

use crate::provider::{CustomId, json::put_text};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;
use std::{borrow::Cow, fmt};

/// The property's name.
const NAME: &str = "check";

/// How much of the custom id the value is: the random end of the job's id.
const LENGTH: usize = 12;

/// The value that the answer to this request carries.
fn value(custom_id: &CustomId) -> String {
    let from = custom_id.0.char_indices().rev().take(LENGTH).last().map_or(0, |(at, _)| at);
    custom_id.0[from..].to_owned()
}

/// The members of a JSON object in their order, which is the order in which the model thinks.
struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Vec<(Cow<'de, str>, &'de RawValue)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, &RawValue>()? {
                    members.push((Cow::Owned(name), value));
                }
                Ok(members)
            }
        }
        from.deserialize_map(InOrder).map(Members)
    }
}

/// The schema with the check value as its first property. Every schema of Quire's is a closed object; any other is
/// written as it is.
pub(super) fn schema(schema: &RawValue, custom_id: &CustomId) -> String {
    let Ok(Members(members)) = serde_json::from_str::<Members<'_>>(schema.get()) else {
        return schema.get().to_owned();
    };
    let mut value_json = Vec::new();
    put_text(&mut value_json, &value(custom_id));
    let value_json = String::from_utf8_lossy(&value_json).into_owned();
    written(members.into_iter().map(|(name, json)| {
        let json = json.get();
        let json = match name.as_ref() {
            "properties" => {
                opened(json, &format!("\"{NAME}\":{{\"type\":\"string\",\"enum\":[{value_json}]}}"))
            }
            "required" => opened(json, &format!("\"{NAME}\"")),
            _ => json.to_owned(),
        };
        (name, json)
    }))
}

/// The answer without its check value.
///
/// # Errors
/// Why it can't be taken for the answer to this request.
pub(super) fn taken_off(answer: &str, custom_id: &CustomId) -> Result<String, &'static str> {
    let Ok(Members(members)) = serde_json::from_str::<Members<'_>>(answer) else {
        // No object at all: said when the answer is checked against its schema.
        return Ok(answer.to_owned());
    };
    let Some((_, found)) = members.iter().find(|(name, _)| name == NAME) else {
        return Err("the answer carries no check value, so whose it is can't be told");
    };
    if serde_json::from_str::<String>(found.get()).ok().as_deref() != Some(&value(custom_id)) {
        return Err("the answer carries the check value of another request");
    }
    let rest = members.into_iter().filter(|(name, _)| name != NAME);
    Ok(written(rest.map(|(name, json)| (name, json.get().to_owned()))))
}

/// An object of these members.
fn written<'a>(members: impl Iterator<Item = (Cow<'a, str>, String)>) -> String {
    let mut out = b"{".to_vec();
    for (at, (name, json)) in members.enumerate() {
        if at > 0 {
            out.push(b',');
        }
        put_text(&mut out, &name);
        out.push(b':');
        out.extend_from_slice(json.as_bytes());
    }
    out.push(b'}');
    String::from_utf8_lossy(&out).into_owned()
}

/// An object or list with one more member at its beginning.
fn opened(json: &str, first: &str) -> String {
    let (bracket, rest) = json.split_at(1);
    let comma = if rest.trim_start().starts_with(['}', ']']) { "" } else { "," };
    format!("{bracket}{first}{comma}{rest}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn id(text: &str) -> CustomId {
        CustomId(text.into())
    }

    const LONG: &str = "tok1-01936e2c-7d5a-7cc3-98c4-dc0c0c07398f";

    #[test]
    fn the_schema_asks_for_the_value_first_and_keeps_its_order() {
        let text = r#"{"type":"object","properties":{"b":{"type":"string"},"a":{"type":"string"}},"required":["b","a"],"additionalProperties":false}"#;
        let raw = RawValue::from_string(text.into()).unwrap();
        assert_eq!(
            schema(&raw, &id(LONG)),
            r#"{"type":"object","properties":{"check":{"type":"string","enum":["dc0c0c07398f"]},"b":{"type":"string"},"a":{"type":"string"}},"required":["check","b","a"],"additionalProperties":false}"#
        );
        let empty = RawValue::from_string(r#"{"properties": { }, "required": [ ]}"#.into()).unwrap();
        assert_eq!(
            schema(&empty, &id("t-1")),
            r#"{"properties":{"check":{"type":"string","enum":["t-1"]} },"required":["check" ]}"#
        );
        let other = RawValue::from_string("true".into()).unwrap();
        assert_eq!(schema(&other, &id("t-1")), "true");
    }

    #[test]
    fn an_answer_is_taken_only_with_its_own_value() {
        let answer = r#"{"check": "dc0c0c07398f", "b": {"z": 1, "a": [2]}, "a": "x\"y"}"#;
        assert_eq!(taken_off(answer, &id(LONG)).unwrap(), r#"{"b":{"z": 1, "a": [2]},"a":"x\"y"}"#);
        assert_eq!(
            taken_off(answer, &id("tok1-01936e2c-7d5a-7cc3-98c4-dc0c0c073990")),
            Err("the answer carries the check value of another request")
        );
        assert!(taken_off(r#"{"check": 7}"#, &id(LONG)).is_err());
        assert!(taken_off(r#"{"b": 1}"#, &id(LONG)).unwrap_err().contains("no check value"));
        assert_eq!(taken_off("just words", &id(LONG)).unwrap(), "just words");
        assert_eq!(taken_off("[1]", &id(LONG)).unwrap(), "[1]");
    }
}
