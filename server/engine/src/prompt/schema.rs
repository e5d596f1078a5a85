//! The JSON schema of an answer, in the strict subset that providers enforce: each object closed, each property required,
//! no bounds. What a schema cannot say (each criterion's own levels it can), `result::marks` checks.

use crate::course::{Criterion, Rubric};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{json, value::RawValue};

/// The properties of an object, written in the order in which the model is to think: the evidence and the reason before the
/// level, the parts before the whole.
struct Object<'a>(Vec<(&'a str, Property<'a>)>);

enum Property<'a> {
    Simple(serde_json::Value),
    Object(Object<'a>),
}

impl Serialize for Property<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Simple(value) => value.serialize(to),
            Self::Object(object) => object.serialize(to),
        }
    }
}

/// A map in the order of the list; `serde_json`'s own is sorted.
struct Ordered<'a, T>(&'a [(&'a str, T)]);

impl<T: Serialize> Serialize for Ordered<'_, T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(4))?;
        map.serialize_entry("type", "object")?;
        map.serialize_entry("properties", &Ordered(&self.0))?;
        map.serialize_entry("required", &self.0.iter().map(|(name, _)| name).collect::<Vec<_>>())?;
        map.serialize_entry("additionalProperties", &false)?;
        map.end()
    }
}

fn criterion(criterion: &Criterion) -> Property<'_> {
    let levels: Vec<&str> = criterion.levels.iter().map(|level| level.id.as_str()).collect();
    Property::Object(Object(vec![
        ("evidence", Property::Simple(json!({"type": "array", "items": {"type": "integer"}}))),
        ("comment", Property::Simple(json!({"type": "string"}))),
        ("level", Property::Simple(json!({"type": "string", "enum": levels}))),
    ]))
}

/// The schema of the marks by this rubric.
pub(super) fn marks(rubric: &Rubric) -> serde_json::Result<Box<RawValue>> {
    let criteria = rubric.criteria.iter().map(|c| (c.id.as_str(), criterion(c))).collect();
    let root = Object(vec![
        ("criteria", Property::Object(Object(criteria))),
        ("feedback", Property::Simple(json!({"type": "string"}))),
        ("next_step", Property::Simple(json!({"type": "string"}))),
        ("confidence", Property::Simple(json!({"type": "number"}))),
    ]);
    serde_json::value::to_raw_value(&root)
}
