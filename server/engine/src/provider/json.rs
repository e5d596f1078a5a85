//! Writing requests straight into a buffer, and reading replies that bend the documented shape.

use super::{CustomId, LineError};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::value::RawValue;

/// Appends a text as a JSON string.
pub(super) fn put_text(out: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(out, text).expect("a string always becomes JSON, and memory takes it");
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

/// A member that may be missing, `null` or of another type without spoiling the rest.
pub(super) fn lenient<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    from: D,
) -> Result<Option<T>, D::Error> {
    let raw = Box::<RawValue>::deserialize(from)?;
    Ok(serde_json::from_str(raw.get()).ok())
}

/// A text that may be missing, `null`, empty (read as missing) or a number (codes are at times HTTP statuses).
pub(super) fn text<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    Ok(match Option::<serde_json::Value>::deserialize(from)? {
        Some(serde_json::Value::String(text)) if !text.is_empty() => Some(text),
        Some(serde_json::Value::Number(number)) => Some(number.to_string()),
        _ => None,
    })
}

/// A count that may be missing, `null` or nonsense such as -1 (read as missing).
pub(super) fn count<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    Ok(Option::<serde_json::Value>::deserialize(from)?.and_then(|value| value.as_u64()))
}

/// What to say of a line that is not the JSON expected, without quoting it.
pub(super) fn unreadable(line: u64, bytes: &[u8], error: &serde_json::Error) -> LineError {
    let what = match error.classify() {
        serde_json::error::Category::Eof => "cut off",
        serde_json::error::Category::Data => "without the members expected",
        _ => "not JSON",
    };
    LineError { line, reason: format!("{what} at column {}", error.column()), custom_id: salvaged_id(bytes) }
}

/// The custom id of a spoiled line. The name in plain quotes can't stand inside a JSON string, where quotes are escaped.
fn salvaged_id(line: &[u8]) -> Option<CustomId> {
    const NAME: &[u8] = b"\"custom_id\"";
    let at = memchr::memmem::find(line, NAME)?;
    let rest = line[at + NAME.len()..].trim_ascii_start().strip_prefix(b":")?.trim_ascii_start();
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

    #[test]
    fn bent_members_do_not_spoil_the_rest() {
        #[derive(Deserialize)]
        struct Bent {
            #[serde(default, deserialize_with = "text")]
            code: Option<String>,
            #[serde(default, deserialize_with = "count")]
            tokens: Option<u64>,
            #[serde(default, deserialize_with = "lenient")]
            list: Option<Vec<u8>>,
        }
        let read = |json: &str| {
            let bent: Bent = serde_json::from_str(json).unwrap();
            (bent.code, bent.tokens, bent.list)
        };
        assert_eq!(read("{}"), (None, None, None));
        assert_eq!(read(r#"{"code":null,"tokens":null,"list":null}"#), (None, None, None));
        assert_eq!(read(r#"{"code":"","tokens":-1,"list":"x"}"#), (None, None, None));
        assert_eq!(
            read(r#"{"code":429,"tokens":7,"list":[1]}"#),
            (Some("429".into()), Some(7), Some(vec![1]))
        );
        assert_eq!(read(r#"{"code":{},"tokens":1.5,"list":[300]}"#), (None, None, None));
    }

    #[test]
    fn finds_the_custom_id_of_a_spoiled_line() {
        let id = |line: &str| salvaged_id(line.as_bytes()).map(|id| id.0);
        assert_eq!(id(r#"{"id":1,"custom_id" : "t-1","resp"#).as_deref(), Some("t-1"));
        assert_eq!(id(r#"{"x":"\"custom_id\":\"evil\"","custom_id":"t-2"#), None, "cut inside the id");
        assert_eq!(id(r#"{"x":"\"custom_id\":\"evil\"","custom_id":"t-2""#).as_deref(), Some("t-2"));
        assert_eq!(id(r#"{"custom_id":"a b","#), None);
        assert_eq!(id(r#"{"custom_id":7"#), None);
    }
}
