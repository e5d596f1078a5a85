//! JSON schemas as requests bring them, brought to a form from which an answer can be made.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    marker::PhantomData,
    sync::{Arc, Mutex},
};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::{Value, value::RawValue};
use sha2::{Digest, Sha256};

/// A schema that answers can be made from.
#[derive(Debug)]
pub(crate) struct Schema {
    pub(crate) root: Node,
    pub(crate) definitions: BTreeMap<String, Node>,
}

/// What a value must be.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Node {
    Null,
    Boolean,
    Fixed(Value),
    Enum(Vec<Value>),
    Integer(Bounds),
    Number(Bounds),
    Text(TextBounds),
    Array {
        items: Box<Node>,
        first: Vec<Node>,
        min: usize,
        max: Option<usize>,
    },
    Object(Vec<(String, Node)>),
    AnyOf(Vec<Node>),
    /// The name of a definition; the empty name is the root.
    Reference(String),
}

/// The range of a number, both ends included.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Bounds {
    pub(crate) min: Option<f64>,
    pub(crate) max: Option<f64>,
    pub(crate) step: Option<f64>,
}

/// What a string must look like.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct TextBounds {
    pub(crate) min: usize,
    pub(crate) max: Option<usize>,
    pub(crate) format: Option<String>,
}

/// How strictly a schema is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Strictness {
    /// As it comes.
    Loose,
    /// Objects must say `additionalProperties: false` (Anthropic's output format).
    Closed,
    /// Objects must also require all their properties, and the root must be an object (OpenAI's strict mode).
    Strict,
}

/// JSON objects in the order in which they are written.
#[derive(Debug)]
struct Entries<T>(Vec<(String, T)>);

impl<T> Default for Entries<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Entries<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Pairs<T> {
            type Value = Entries<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(Pairs(PhantomData))
    }
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Types {
    One(String),
    Many(Vec<String>),
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Raw {
    #[serde(rename = "type")]
    types: Option<Types>,
    #[serde(rename = "enum")]
    values: Option<Vec<Value>>,
    #[serde(rename = "const", deserialize_with = "present")]
    fixed: Option<Value>,
    properties: Option<Entries<Raw>>,
    required: Vec<String>,
    #[serde(rename = "additionalProperties")]
    additional: Option<Value>,
    items: Option<Box<Raw>>,
    #[serde(rename = "prefixItems")]
    first: Vec<Raw>,
    #[serde(rename = "minItems")]
    min_items: Option<u32>,
    #[serde(rename = "maxItems")]
    max_items: Option<u32>,
    minimum: Option<f64>,
    maximum: Option<f64>,
    #[serde(rename = "exclusiveMinimum")]
    above: Option<f64>,
    #[serde(rename = "exclusiveMaximum")]
    below: Option<f64>,
    #[serde(rename = "multipleOf")]
    step: Option<f64>,
    #[serde(rename = "minLength")]
    min_length: Option<u32>,
    #[serde(rename = "maxLength")]
    max_length: Option<u32>,
    format: Option<String>,
    #[serde(rename = "anyOf")]
    any_of: Vec<Raw>,
    #[serde(rename = "oneOf")]
    one_of: Vec<Raw>,
    #[serde(rename = "allOf")]
    all_of: Vec<Value>,
    not: Option<Value>,
    #[serde(rename = "if")]
    condition: Option<Value>,
    #[serde(rename = "$ref")]
    reference: Option<String>,
    #[serde(rename = "$defs")]
    defs: Entries<Raw>,
    definitions: Entries<Raw>,
}

/// `"const": null` is a constant too.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// The deepest nesting that a schema may have.
const MAX_DEPTH: usize = 32;

impl Schema {
    /// Reads a schema. The error says where and what is wrong, for the caller's 400.
    pub(crate) fn parse(json: &str, strictness: Strictness) -> Result<Self, String> {
        if !json.trim_start().starts_with('{') {
            return Err("not a JSON schema: it must be an object".into());
        }
        let raw: Raw = serde_json::from_str(json).map_err(|error| format!("not a JSON schema: {error}"))?;
        let mut definitions = BTreeMap::new();
        for (name, def) in raw.defs.0.iter().chain(&raw.definitions.0) {
            definitions.insert(name.clone(), node(def, &format!("$defs/{name}"), strictness, 0)?);
        }
        let root = node(&raw, "root", strictness, 0)?;
        if strictness == Strictness::Strict && !matches!(root, Node::Object(_)) {
            return Err("schema must be a JSON Schema of type \"object\" at its root".into());
        }
        let schema = Self { root, definitions };
        schema.check_references(&schema.root)?;
        schema.definitions.values().try_for_each(|def| schema.check_references(def))?;
        Ok(schema)
    }

    /// The definition that a reference names.
    pub(crate) fn resolve(&self, name: &str) -> &Node {
        // References were checked when the schema was read.
        self.definitions.get(name).unwrap_or(&self.root)
    }

    fn check_references(&self, node: &Node) -> Result<(), String> {
        match node {
            Node::Reference(name) if name.is_empty() || self.definitions.contains_key(name) => Ok(()),
            Node::Reference(name) => Err(format!("reference to {name:?}, which isn't defined in $defs")),
            Node::Array { items, first, .. } => {
                self.check_references(items)?;
                first.iter().try_for_each(|n| self.check_references(n))
            }
            Node::Object(properties) => properties.iter().try_for_each(|(_, n)| self.check_references(n)),
            Node::AnyOf(nodes) => nodes.iter().try_for_each(|n| self.check_references(n)),
            _ => Ok(()),
        }
    }
}

fn node(raw: &Raw, place: &str, strictness: Strictness, depth: usize) -> Result<Node, String> {
    if depth > MAX_DEPTH {
        return Err(format!("at {place}: nested deeper than {MAX_DEPTH} levels"));
    }
    let inner = |raw: &Raw, name: &str| node(raw, &format!("{place}/{name}"), strictness, depth + 1);
    let forbidden =
        [("allOf", !raw.all_of.is_empty()), ("not", raw.not.is_some()), ("if", raw.condition.is_some())];
    if let Some((name, _)) = forbidden.iter().find(|(_, found)| *found) {
        return Err(format!("at {place}: {name:?} is not permitted"));
    }
    if let Some(reference) = &raw.reference {
        let name = reference
            .strip_prefix("#/$defs/")
            .or_else(|| reference.strip_prefix("#/definitions/"))
            .or_else(|| reference.strip_prefix('#').filter(|rest| rest.is_empty()));
        return name
            .map(|name| Node::Reference(name.to_owned()))
            .ok_or_else(|| format!("at {place}: reference {reference:?} must begin with #/$defs/"));
    }
    if let Some(value) = &raw.fixed {
        return Ok(Node::Fixed(value.clone()));
    }
    if let Some(values) = &raw.values {
        return if values.is_empty() {
            Err(format!("at {place}: enum must not be empty"))
        } else {
            Ok(Node::Enum(values.clone()))
        };
    }
    let choices = if raw.any_of.is_empty() { &raw.one_of } else { &raw.any_of };
    if !choices.is_empty() {
        let nodes: Result<Vec<_>, _> =
            choices.iter().enumerate().map(|(at, raw)| inner(raw, &format!("anyOf/{at}"))).collect();
        return Ok(Node::AnyOf(nodes?));
    }
    match &raw.types {
        Some(Types::Many(types)) => {
            let nodes: Result<Vec<_>, _> =
                types.iter().map(|kind| typed(raw, kind, place, strictness, depth)).collect();
            Ok(Node::AnyOf(nodes?))
        }
        Some(Types::One(kind)) => typed(raw, kind, place, strictness, depth),
        None if raw.properties.is_some() => typed(raw, "object", place, strictness, depth),
        None if raw.items.is_some() => typed(raw, "array", place, strictness, depth),
        None if strictness == Strictness::Strict => Err(format!("at {place}: schema must have a 'type' key")),
        None => Ok(Node::Text(TextBounds::default())),
    }
}

fn typed(raw: &Raw, kind: &str, place: &str, strictness: Strictness, depth: usize) -> Result<Node, String> {
    let inner = |raw: &Raw, name: &str| node(raw, &format!("{place}/{name}"), strictness, depth + 1);
    Ok(match kind {
        "null" => Node::Null,
        "boolean" => Node::Boolean,
        "integer" => {
            let min = raw.minimum.map(f64::ceil).or(raw.above.map(|above| above.floor() + 1.0));
            let max = raw.maximum.map(f64::floor).or(raw.below.map(|below| below.ceil() - 1.0));
            Node::Integer(bounds(min, max, raw.step, place)?)
        }
        "number" => {
            const NUDGE: f64 = 0.01;
            let min = raw.minimum.or(raw.above.map(|above| above + NUDGE));
            let max = raw.maximum.or(raw.below.map(|below| below - NUDGE));
            Node::Number(bounds(min, max, raw.step, place)?)
        }
        "string" => {
            let min = raw.min_length.unwrap_or(0) as usize;
            let max = raw.max_length.map(|max| max as usize);
            if max.is_some_and(|max| max < min) {
                return Err(format!("at {place}: maxLength is less than minLength"));
            }
            Node::Text(TextBounds { min, max, format: raw.format.clone() })
        }
        "array" => {
            let items = match &raw.items {
                Some(items) => inner(items, "items")?,
                None if strictness == Strictness::Strict => {
                    return Err(format!("at {place}: array schema missing items"));
                }
                None => Node::Text(TextBounds::default()),
            };
            let first: Result<Vec<_>, _> = raw
                .first
                .iter()
                .enumerate()
                .map(|(at, raw)| inner(raw, &format!("prefixItems/{at}")))
                .collect();
            let min = raw.min_items.unwrap_or(0) as usize;
            let max = raw.max_items.map(|max| max as usize);
            if max.is_some_and(|max| max < min) {
                return Err(format!("at {place}: maxItems is less than minItems"));
            }
            Node::Array { items: Box::new(items), first: first?, min, max }
        }
        "object" => {
            let empty = Entries::default();
            let properties = &raw.properties.as_ref().unwrap_or(&empty).0;
            if strictness != Strictness::Loose && raw.additional != Some(Value::Bool(false)) {
                return Err(format!(
                    "at {place}: 'additionalProperties' is required to be supplied and to be false"
                ));
            }
            if strictness == Strictness::Strict
                && let Some((missing, _)) = properties.iter().find(|(name, _)| !raw.required.contains(name))
            {
                return Err(format!(
                    "at {place}: 'required' is required to be supplied and to be an array including every key in \
                     properties. Missing '{missing}'"
                ));
            }
            if let Some(unknown) =
                raw.required.iter().find(|name| !properties.iter().any(|(known, _)| known == *name))
            {
                return Err(format!("at {place}: required property '{unknown}' is not among the properties"));
            }
            let nodes: Result<Vec<_>, String> =
                properties.iter().map(|(name, raw)| Ok((name.clone(), inner(raw, name)?))).collect();
            Node::Object(nodes?)
        }
        other => return Err(format!("at {place}: {other:?} is not a valid type")),
    })
}

fn bounds(min: Option<f64>, max: Option<f64>, step: Option<f64>, place: &str) -> Result<Bounds, String> {
    if let (Some(min), Some(max)) = (min, max)
        && min > max
    {
        return Err(format!("at {place}: no number lies between the minimum and the maximum"));
    }
    if step.is_some_and(|step| step <= 0.0) {
        return Err(format!("at {place}: multipleOf must be above 0"));
    }
    Ok(Bounds { min, max, step })
}

/// What came of reading a schema.
type Read = Result<Arc<Schema>, String>;

/// Schemas that have been read, since the lines of a batch mostly share one.
#[derive(Debug, Default)]
pub(crate) struct Schemas {
    known: Mutex<HashMap<([u8; 32], Strictness), Read>>,
}

/// How many schemas are remembered before all are forgotten.
const MAX_KNOWN: usize = 256;

impl Schemas {
    /// Reads a schema, or remembers it.
    pub(crate) fn get(&self, json: &RawValue, strictness: Strictness) -> Read {
        let key = (Sha256::digest(json.get().as_bytes()).into(), strictness);
        let lock = || self.known.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(known) = lock().get(&key) {
            return known.clone();
        }
        let schema = Schema::parse(json.get(), strictness).map(Arc::new);
        let mut known = lock();
        if known.len() >= MAX_KNOWN {
            known.clear();
        }
        known.insert(key, schema.clone());
        schema
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn properties_keep_their_order() {
        let schema = Schema::parse(
            r#"{"type":"object","properties":{"b":{"type":"null"},"a":{"const":null}},"required":["b","a"],"additionalProperties":false}"#,
            Strictness::Strict,
        )
        .unwrap();
        let Node::Object(properties) = schema.root else { panic!("not an object") };
        assert_eq!(properties, [("b".into(), Node::Null), ("a".into(), Node::Fixed(Value::Null))]);
    }

    #[test]
    fn strictness_is_that_of_the_provider() {
        let open = r#"{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]}"#;
        let optional =
            r#"{"type":"object","properties":{"a":{"type":"string"}},"additionalProperties":false}"#;
        assert!(Schema::parse(open, Strictness::Loose).is_ok());
        assert!(Schema::parse(open, Strictness::Closed).unwrap_err().contains("additionalProperties"));
        assert!(Schema::parse(optional, Strictness::Closed).is_ok());
        assert!(Schema::parse(optional, Strictness::Strict).unwrap_err().contains("Missing 'a'"));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (json, part) in [
            (r#"{"type":"array","items":{"type":"strin"}}"#, "root/items"),
            (r##"{"$ref":"#/$defs/x"}"##, "\"x\""),
            (r#"{"enum":[]}"#, "enum"),
            (r#"{"type":"integer","minimum":3,"maximum":2}"#, "minimum"),
            (r#"{"type":"string","minLength":3,"maxLength":2}"#, "maxLength"),
            (r#"{"allOf":[{}]}"#, "allOf"),
            (r#"{"type":"object","required":["x"]}"#, "'x'"),
            ("[]", "JSON schema"),
        ] {
            let error = Schema::parse(json, Strictness::Loose).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
        let deep = format!("{}{{}}{}", r#"{"items":"#.repeat(40), "}".repeat(40));
        assert!(Schema::parse(&deep, Strictness::Loose).unwrap_err().contains("nested"));
    }
}
