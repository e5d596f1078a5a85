//! The questions, in OpenAI's words.

use crate::provider::{
    CustomId, Prompt, Request,
    json::{put_json, put_number, put_text},
    settings::Endpoint,
};

impl Endpoint {
    /// The endpoint as batches name it, whatever the base URL is.
    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::ChatCompletions => "/v1/chat/completions",
            Self::Responses => "/v1/responses",
        }
    }
}

/// One line of a batch's input file.
pub(super) fn line(out: &mut Vec<u8>, endpoint: Endpoint, custom_id: &CustomId, request: &Request) {
    out.extend_from_slice(b"{\"custom_id\":");
    put_text(out, &custom_id.0);
    out.extend_from_slice(b",\"method\":\"POST\",\"url\":\"");
    out.extend_from_slice(endpoint.path().as_bytes());
    out.extend_from_slice(b"\",\"body\":");
    question(out, endpoint, request);
    out.extend_from_slice(b"}\n");
}

/// The body of one question.
pub(super) fn question(out: &mut Vec<u8>, endpoint: Endpoint, request: &Request) {
    let Prompt { stable, work, schema_name, schema, max_output_tokens } = &request.prompt;
    out.extend_from_slice(b"{\"model\":");
    put_text(out, &request.model);
    match endpoint {
        Endpoint::ChatCompletions => {
            out.extend_from_slice(b",\"messages\":[{\"role\":\"system\",\"content\":");
            put_text(out, stable);
            out.extend_from_slice(b"},{\"role\":\"user\",\"content\":");
            put_text(out, work);
            out.extend_from_slice(b"}],\"max_completion_tokens\":");
            put_number(out, *max_output_tokens);
            out.extend_from_slice(
                b",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":",
            );
            put_text(out, schema_name);
            out.extend_from_slice(b",\"strict\":true,\"schema\":");
            put_json(out, schema);
            out.extend_from_slice(b"}}}");
        }
        Endpoint::Responses => {
            out.extend_from_slice(b",\"instructions\":");
            put_text(out, stable);
            out.extend_from_slice(b",\"input\":");
            put_text(out, work);
            out.extend_from_slice(b",\"max_output_tokens\":");
            put_number(out, *max_output_tokens);
            // Students' work is not left with the provider longer than the answer takes.
            out.extend_from_slice(
                b",\"store\":false,\"text\":{\"format\":{\"type\":\"json_schema\",\"name\":",
            );
            put_text(out, schema_name);
            out.extend_from_slice(b",\"strict\":true,\"schema\":");
            put_json(out, schema);
            out.extend_from_slice(b"}}}");
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::provider::testing::request;
    use serde_json::{Value, json};

    #[test]
    fn writes_a_line_of_chat_completions() {
        let mut out = b"before".to_vec();
        line(&mut out, Endpoint::ChatCompletions, &CustomId("t-1".into()), &request());
        assert_eq!(out.iter().filter(|&&b| b == b'\n').count(), 1, "one line, one end");
        assert_eq!(out.last(), Some(&b'\n'));
        let value: Value = serde_json::from_slice(&out[6..]).unwrap();
        assert_eq!(
            value,
            json!({"custom_id": "t-1", "method": "POST", "url": "/v1/chat/completions", "body": {
                "model": "gpt-6-luna",
                "messages": [
                    {"role": "system", "content": "Mark \"fairly\".\n"},
                    {"role": "user", "content": "[1] An essay \u{2028} with\ttabs."}],
                "max_completion_tokens": 400,
                "response_format": {"type": "json_schema", "json_schema": {
                    "name": "marks", "strict": true,
                    "schema": {"type": "object", "additionalProperties": false, "properties": {}, "required": []}}}}})
        );
    }

    #[test]
    fn writes_a_question_of_responses() {
        let mut out = Vec::new();
        question(&mut out, Endpoint::Responses, &request());
        let value: Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(
            value,
            json!({"model": "gpt-6-luna", "instructions": "Mark \"fairly\".\n",
                "input": "[1] An essay \u{2028} with\ttabs.", "max_output_tokens": 400, "store": false,
                "text": {"format": {"type": "json_schema", "name": "marks", "strict": true,
                    "schema": {"type": "object", "additionalProperties": false, "properties": {}, "required": []}}}})
        );
    }

    #[test]
    fn a_line_names_the_endpoint_of_its_batch() {
        let mut out = Vec::new();
        line(&mut out, Endpoint::Responses, &CustomId("t-1".into()), &request());
        let value: Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(value["url"], "/v1/responses");
    }
}
