//! Writing requests straight into a buffer, and reading replies that bend the documented shape.

use super::{CustomId, LineError, SharedText};
use chrono::{DateTime, Utc};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, IgnoredAny, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};
use serde_json::value::RawValue;
use std::{collections::HashMap, fmt, marker::PhantomData};

/// Appends a text as a JSON string.
pub(super) fn put_text(out: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(out, text).expect("a string always becomes JSON, and memory takes it");
}

/// Appends a shared text as a JSON string.
pub(super) fn put_shared(out: &mut Vec<u8>, text: &SharedText) {
    out.extend_from_slice(text.json().as_bytes());
}

/// Appends JSON as it is, on one line: in JSON, line ends can only stand between tokens.
pub(super) fn put_json(out: &mut Vec<u8>, json: &RawValue) {
    let from = out.len();
    out.extend_from_slice(json.get().as_bytes());
    for byte in &mut out[from..] {
        if matches!(byte, b'\n' | b'\r') {
            *byte = b' ';
        }
    }
}

/// Appends a number.
pub(super) fn put_number(out: &mut Vec<u8>, number: u32) {
    serde_json::to_writer(out, &number).expect("a number always becomes JSON, and memory takes it");
}

/// Something that is made from the kinds of JSON that fit it. Other kinds are read over, so that a bent member never
/// spoils the rest of a reply.
trait Fitting: Sized {
    fn from_text(_: &str) -> Option<Self> {
        None
    }
    fn from_count(_: u64) -> Option<Self> {
        None
    }
    fn from_flag(_: bool) -> Option<Self> {
        None
    }
    fn from_map<'de, A: MapAccess<'de>>(mut map: A) -> Result<Option<Self>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }
    fn from_seq<'de, A: SeqAccess<'de>>(mut seq: A) -> Result<Option<Self>, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}

struct Reader<T>(PhantomData<T>);

impl<'de, T: Fitting> Visitor<'de> for Reader<T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }
    fn visit_str<E>(self, text: &str) -> Result<Option<T>, E> {
        Ok(T::from_text(text))
    }
    fn visit_u64<E>(self, number: u64) -> Result<Option<T>, E> {
        Ok(T::from_count(number))
    }
    fn visit_i64<E>(self, _: i64) -> Result<Option<T>, E> {
        Ok(None)
    }
    fn visit_f64<E>(self, _: f64) -> Result<Option<T>, E> {
        Ok(None)
    }
    fn visit_bool<E>(self, flag: bool) -> Result<Option<T>, E> {
        Ok(T::from_flag(flag))
    }
    fn visit_unit<E>(self) -> Result<Option<T>, E> {
        Ok(None)
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Option<T>, A::Error> {
        T::from_map(map)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Option<T>, A::Error> {
        T::from_seq(seq)
    }
}

fn read<'de, D: Deserializer<'de>, T: Fitting>(from: D) -> Result<Option<T>, D::Error> {
    from.deserialize_any(Reader(PhantomData))
}

struct Text(String);

impl Fitting for Text {
    fn from_text(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| Self(text.to_owned()))
    }
    fn from_count(number: u64) -> Option<Self> {
        Some(Self(number.to_string()))
    }
}

/// A text that may be missing, `null`, empty (read as missing) or a number (codes are at times HTTP statuses).
pub(super) fn text<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    Ok(read::<_, Text>(from)?.map(|text| text.0))
}

struct Count(u64);

impl Fitting for Count {
    /// Google's interfaces write large counts as texts.
    fn from_text(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }
    fn from_count(number: u64) -> Option<Self> {
        Some(Self(number))
    }
}

/// A count, or its digits as a text, that may be missing, `null` or nonsense such as -1 (read as missing).
pub(super) fn count<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    Ok(read::<_, Count>(from)?.map(|count| count.0))
}

struct Flag(bool);

impl Fitting for Flag {
    fn from_flag(flag: bool) -> Option<Self> {
        Some(Self(flag))
    }
}

/// True or false, missing or not.
pub(super) fn flag<'de, D: Deserializer<'de>>(from: D) -> Result<Option<bool>, D::Error> {
    Ok(read::<_, Flag>(from)?.map(|flag| flag.0))
}

struct Time(DateTime<Utc>);

impl Fitting for Time {
    fn from_text(text: &str) -> Option<Self> {
        DateTime::parse_from_rfc3339(text).ok().map(|at| Self(at.to_utc()))
    }
    fn from_count(seconds: u64) -> Option<Self> {
        DateTime::from_timestamp(seconds.try_into().ok()?, 0).map(Self)
    }
}

/// A time as RFC 3339 or in seconds since 1970, missing or not.
pub(super) fn time<'de, D: Deserializer<'de>>(from: D) -> Result<Option<DateTime<Utc>>, D::Error> {
    Ok(read::<_, Time>(from)?.map(|time| time.0))
}

struct Object<T>(T);

impl<T: DeserializeOwned> Fitting for Object<T> {
    fn from_map<'de, A: MapAccess<'de>>(map: A) -> Result<Option<Self>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(|object| Some(Self(object)))
    }
}

/// An object, missing or not. Its own members should be of the kinds of this file.
pub(super) fn object<'de, D: Deserializer<'de>, T: DeserializeOwned>(from: D) -> Result<Option<T>, D::Error> {
    Ok(read::<_, Object<T>>(from)?.map(|object| object.0))
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Object<Option<T>> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        object(from).map(Self)
    }
}

/// An error that may be only words.
pub(super) trait WithMessage {
    /// The error that says this.
    fn with_message(message: String) -> Self;
}

struct Failure<T>(T);

impl<T: DeserializeOwned + WithMessage> Fitting for Failure<T> {
    fn from_text(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| Self(T::with_message(text.to_owned())))
    }
    fn from_map<'de, A: MapAccess<'de>>(map: A) -> Result<Option<Self>, A::Error> {
        Ok(Object::<T>::from_map(map)?.map(|object| Self(object.0)))
    }
}

/// An error object, missing or not, or only its words (compatible servers).
pub(super) fn error<'de, D: Deserializer<'de>, T: DeserializeOwned + WithMessage>(
    from: D,
) -> Result<Option<T>, D::Error> {
    Ok(read::<_, Failure<T>>(from)?.map(|failure| failure.0))
}

struct List<T>(Vec<T>);

impl<T: DeserializeOwned> Fitting for List<T> {
    fn from_seq<'de, A: SeqAccess<'de>>(mut seq: A) -> Result<Option<Self>, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = seq.next_element::<Object<Option<T>>>()? {
            list.extend(item.0);
        }
        Ok(Some(Self(list)))
    }
}

/// A list of objects, missing or not; items of other kinds are left out.
pub(super) fn list<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    from: D,
) -> Result<Option<Vec<T>>, D::Error> {
    Ok(read::<_, List<T>>(from)?.map(|list| list.0))
}

struct Texts(HashMap<String, String>);

impl Fitting for Texts {
    fn from_map<'de, A: MapAccess<'de>>(mut map: A) -> Result<Option<Self>, A::Error> {
        let mut texts = HashMap::new();
        while let Some((name, Value(text))) = map.next_entry::<String, Value>()? {
            texts.extend(text.map(|text| (name, text)));
        }
        Ok(Some(Self(texts)))
    }
}

struct Value(Option<String>);

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        text(from).map(Self)
    }
}

/// Names with texts, missing or not; other kinds of values are left out.
pub(super) fn texts<'de, D: Deserializer<'de>>(from: D) -> Result<Option<HashMap<String, String>>, D::Error> {
    Ok(read::<_, Texts>(from)?.map(|texts| texts.0))
}

/// What to say of a line that is not the JSON expected, without quoting it. `name` is that of the custom id's member.
pub(super) fn unreadable(line: u64, bytes: &[u8], error: &serde_json::Error, name: &str) -> LineError {
    let what = match error.classify() {
        serde_json::error::Category::Eof => "cut off",
        serde_json::error::Category::Data => "without the members expected",
        _ => "not JSON",
    };
    let reason = format!("{what} at column {}", error.column());
    LineError { line, reason, custom_id: salvaged_id(bytes, name) }
}

/// The custom id of a spoiled line. The name in plain quotes can't stand inside a JSON string, where quotes are escaped.
fn salvaged_id(line: &[u8], name: &str) -> Option<CustomId> {
    let name = format!("\"{name}\"");
    let at = memchr::memmem::find(line, name.as_bytes())?;
    let rest = line[at + name.len()..].trim_ascii_start().strip_prefix(b":")?.trim_ascii_start();
    let rest = rest.strip_prefix(b"\"")?;
    let id = &rest[..memchr::memchr(b'"', rest)?];
    let plain = id.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    (plain && !id.is_empty()).then(|| CustomId(String::from_utf8_lossy(id).into_owned()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn json_stays_on_one_line() {
        let mut out = Vec::new();
        put_json(&mut out, &RawValue::from_string("{\n  \"a\": \"\\n\"\r\n}".into()).unwrap());
        assert_eq!(out, b"{   \"a\": \"\\n\"  }");
        let mut out = Vec::new();
        put_text(&mut out, "a\"\n\u{1}ü");
        assert_eq!(out, "\"a\\\"\\n\\u0001ü\"".as_bytes());
    }

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default)]
    struct Bent {
        #[serde(deserialize_with = "text")]
        code: Option<String>,
        #[serde(deserialize_with = "count")]
        tokens: Option<u64>,
        #[serde(deserialize_with = "list")]
        list: Option<Vec<Inner>>,
        #[serde(deserialize_with = "object")]
        inner: Option<Inner>,
        #[serde(deserialize_with = "time")]
        at: Option<DateTime<Utc>>,
        #[serde(deserialize_with = "flag")]
        flag: Option<bool>,
        #[serde(deserialize_with = "texts")]
        tags: Option<HashMap<String, String>>,
    }

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default)]
    struct Inner {
        #[serde(deserialize_with = "count")]
        n: Option<u64>,
    }

    #[test]
    fn bent_members_do_not_spoil_the_rest() {
        for odd in ["null", "\"\"", "-1", "1.5", "true", "[[{}], 1]", "{\"x\": [1, {}]}"] {
            for name in ["code", "tokens", "list", "inner", "at", "tags", "unknown"] {
                let json = format!(r#"{{"{name}": {odd}, "{name}2": 0}}"#);
                let bent: Bent = serde_json::from_str(&json).unwrap();
                match (name, odd.as_bytes()[0]) {
                    ("list", b'[') => assert_eq!(bent.list.unwrap(), []),
                    ("inner", b'{') => assert_eq!(bent.inner.unwrap(), Inner { n: None }),
                    ("tags", b'{') => assert_eq!(bent.tags.unwrap(), HashMap::new()),
                    _ => assert_eq!(bent, Bent::default(), "{json}"),
                }
            }
        }
    }

    #[test]
    fn good_members_are_read() {
        let json = r#"{"code": 429, "tokens": 7, "list": [{"n": 1}, null, {"n": "x"}], "inner": {"n": 3},
            "at": 1795000000, "tags": {"a": "b", "c": {}}}"#;
        let good: Bent = serde_json::from_str(json).unwrap();
        assert_eq!((good.code.as_deref(), good.tokens), (Some("429"), Some(7)));
        assert_eq!(good.list.unwrap(), [Inner { n: Some(1) }, Inner { n: None }]);
        assert_eq!(good.inner.unwrap().n, Some(3));
        assert_eq!(good.at.unwrap().timestamp(), 1_795_000_000);
        assert_eq!(good.tags.unwrap(), HashMap::from([("a".into(), "b".into())]));
        let texts: Bent = serde_json::from_str(r#"{"tokens": "70", "flag": true}"#).unwrap();
        assert_eq!((texts.tokens, texts.flag), (Some(70), Some(true)));
        let at: Bent = serde_json::from_str(r#"{"at": "2026-11-24T10:00:00.5+01:00"}"#).unwrap();
        assert_eq!(at.at.unwrap().to_rfc3339(), "2026-11-24T09:00:00.500+00:00");
        assert!(serde_json::from_str::<Bent>(r#"{"inner": {"n": 3"#).is_err(), "broken JSON stays an error");
    }

    #[test]
    fn finds_the_custom_id_of_a_spoiled_line() {
        let id = |line: &str| salvaged_id(line.as_bytes(), "custom_id").map(|id| id.0);
        assert_eq!(id(r#"{"id":1,"custom_id" : "t-1","resp"#).as_deref(), Some("t-1"));
        assert_eq!(id(r#"{"x":"\"custom_id\":\"evil\"","custom_id":"t-2"#), None, "cut inside the id");
        assert_eq!(id(r#"{"x":"\"custom_id\":\"evil\"","custom_id":"t-2""#).as_deref(), Some("t-2"));
        assert_eq!(id(r#"{"custom_id":"a b","#), None);
        assert_eq!(id(r#"{"custom_id":7"#), None);
    }
}
