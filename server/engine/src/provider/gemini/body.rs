//! The questions, in Gemini's words.

use super::check;
use crate::provider::{
    CustomId, Prompt, Request,
    json::{put_json, put_number, put_shared, put_text},
};

/// One line of a batch's input file. Its answer is asked to carry a check value.
pub(super) fn line(out: &mut Vec<u8>, custom_id: &CustomId, request: &Request) {
    out.extend_from_slice(b"{\"key\":");
    put_text(out, &custom_id.0);
    out.extend_from_slice(b",\"request\":");
    let schema = check::schema(&request.prompt.schema, custom_id);
    body(out, &request.prompt, |out| {
        let from = out.len();
        out.extend_from_slice(schema.as_bytes());
        one_line(&mut out[from..]);
    });
    out.extend_from_slice(b"}\n");
}

/// The body of one question.
pub(super) fn question(out: &mut Vec<u8>, request: &Request) {
    body(out, &request.prompt, |out| put_json(out, &request.prompt.schema));
}

fn body(out: &mut Vec<u8>, prompt: &Prompt, schema: impl FnOnce(&mut Vec<u8>)) {
    let Prompt { stable, work, schema_name: _, schema: _, max_output_tokens } = prompt;
    out.push(b'{');
    // A part may not be empty.
    if !stable.is_empty() {
        out.extend_from_slice(b"\"systemInstruction\":{\"parts\":[{\"text\":");
        put_shared(out, stable);
        out.extend_from_slice(b"}]},");
    }
    out.extend_from_slice(b"\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":");
    put_text(out, work);
    out.extend_from_slice(b"}]}],\"generationConfig\":{\"maxOutputTokens\":");
    put_number(out, *max_output_tokens);
    out.extend_from_slice(b",\"responseMimeType\":\"application/json\",\"responseJsonSchema\":");
    schema(out);
    out.extend_from_slice(b"}}");
}

/// In JSON, line ends can only stand between tokens.
fn one_line(json: &mut [u8]) {
    for byte in json {
        if matches!(byte, b'\n' | b'\r') {
            *byte = b' ';
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::provider::testing::request;
    use serde_json::{Value, json};

    fn body_of(schema: &Value) -> Value {
        json!({
            "systemInstruction": {"parts": [{"text": "Mark \"fairly\".\n"}]},
            "contents": [{"role": "user", "parts": [{"text": "[1] An essay \u{2028} with\ttabs."}]}],
            "generationConfig": {"maxOutputTokens": 400, "responseMimeType": "application/json",
                "responseJsonSchema": schema}})
    }

    #[test]
    fn writes_a_line_with_a_check_value() {
        let mut out = b"before".to_vec();
        line(&mut out, &CustomId("t-1".into()), &request());
        assert_eq!(out.iter().filter(|&&b| matches!(b, b'\n' | b'\r')).count(), 1, "one line, one end");
        assert_eq!(out.last(), Some(&b'\n'));
        let value: Value = serde_json::from_slice(&out[6..]).unwrap();
        let schema = json!({"type": "object", "additionalProperties": false,
            "properties": {"check": {"type": "string", "enum": ["t-1"]}}, "required": ["check"]});
        assert_eq!(value, json!({"key": "t-1", "request": body_of(&schema)}));
    }

    #[test]
    fn a_call_asks_for_the_schema_as_it_is() {
        let mut request = request();
        let mut out = Vec::new();
        question(&mut out, &request);
        let schema =
            json!({"type": "object", "additionalProperties": false, "properties": {}, "required": []});
        assert_eq!(serde_json::from_slice::<Value>(&out).unwrap(), body_of(&schema));
        request.prompt.stable = "".into();
        out.clear();
        question(&mut out, &request);
        assert_eq!(serde_json::from_slice::<Value>(&out).unwrap().get("systemInstruction"), None);
    }
}
