//! The questions, in OpenAI's words.

use super::caching::Marks;
use crate::provider::{
    CustomId, Prompt, Request, SharedText,
    json::{put_json, put_number, put_shared, put_text},
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

/// How the answer is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Output {
    /// As OpenAI wants it.
    Json,
    /// By the schema too, in the words that every compatible server knows.
    Compatible,
    /// As any JSON object, with the schema in the instructions.
    AnyObject,
}

/// How questions are asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asking {
    pub(super) endpoint: Endpoint,
    pub(super) output: Output,
}

/// What stands between the instructions and the schema where the server does not enforce it.
const OBEY: &str = "\n\nAnswer with one JSON object and nothing else. It obeys this JSON schema:\n";

/// One line of a batch's input file.
pub(super) fn line(out: &mut Vec<u8>, asking: Asking, custom_id: &CustomId, request: &Request) {
    out.extend_from_slice(b"{\"custom_id\":");
    put_text(out, &custom_id.0);
    out.extend_from_slice(b",\"method\":\"POST\",\"url\":\"");
    out.extend_from_slice(asking.endpoint.path().as_bytes());
    out.extend_from_slice(b"\",\"body\":");
    question(out, asking, request);
    out.extend_from_slice(b"}\n");
}

/// The body of one question.
pub(super) fn question(out: &mut Vec<u8>, asking: Asking, request: &Request) {
    let Prompt { stable, work, schema_name, schema, max_output_tokens } = &request.prompt;
    let told = (asking.output == Output::AnyObject)
        .then(|| SharedText::from(&*format!("{}{OBEY}{}", &**stable, schema.get())));
    let stable = told.as_ref().unwrap_or(stable);
    let marks = match asking.output {
        Output::Json => Marks::of(&request.model, request.keep),
        Output::Compatible | Output::AnyObject => Marks::Unknown,
    };
    out.extend_from_slice(b"{\"model\":");
    put_text(out, &request.model);
    marks.put_options(out, stable.name());
    match asking.endpoint {
        Endpoint::ChatCompletions => {
            out.extend_from_slice(b",\"messages\":[{\"role\":\"system\",\"content\":");
            marks.put_stable(out, "text", stable);
            out.extend_from_slice(b"},{\"role\":\"user\",\"content\":");
            put_text(out, work);
            // The older word for the limit is the one that all compatible servers know.
            out.extend_from_slice(match asking.output {
                Output::Json => b"}],\"max_completion_tokens\":".as_slice(),
                Output::Compatible | Output::AnyObject => b"}],\"max_tokens\":",
            });
            put_number(out, *max_output_tokens);
            if told.is_some() {
                out.extend_from_slice(b",\"response_format\":{\"type\":\"json_object\"}}");
                return;
            }
            out.extend_from_slice(
                b",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":",
            );
            put_text(out, schema_name);
            out.extend_from_slice(b",\"strict\":true,\"schema\":");
            put_json(out, schema);
            out.extend_from_slice(b"}}}");
        }
        Endpoint::Responses => {
            if marks == Marks::Kept {
                // What stands under `instructions` can't be marked.
                out.extend_from_slice(b",\"input\":[{\"role\":\"developer\",\"content\":");
                marks.put_stable(out, "input_text", stable);
                out.extend_from_slice(b"},{\"role\":\"user\",\"content\":");
                put_text(out, work);
                out.extend_from_slice(b"}]");
            } else {
                out.extend_from_slice(b",\"instructions\":");
                put_shared(out, stable);
                out.extend_from_slice(b",\"input\":");
                put_text(out, work);
            }
            out.extend_from_slice(b",\"max_output_tokens\":");
            put_number(out, *max_output_tokens);
            // Students' work is not left with the provider longer than the answer takes.
            out.extend_from_slice(b",\"store\":false,\"text\":{\"format\":{\"type\":");
            if told.is_some() {
                out.extend_from_slice(b"\"json_object\"}}}");
                return;
            }
            out.extend_from_slice(b"\"json_schema\",\"name\":");
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
    use crate::provider::{Keep, testing::request};
    use serde_json::{Value, json};

    const fn json_by(endpoint: Endpoint) -> Asking {
        Asking { endpoint, output: Output::Json }
    }

    #[test]
    fn writes_a_line_of_chat_completions() {
        let mut out = b"before".to_vec();
        line(&mut out, json_by(Endpoint::ChatCompletions), &CustomId("t-1".into()), &request());
        assert_eq!(out.iter().filter(|&&b| b == b'\n').count(), 1, "one line, one end");
        assert_eq!(out.last(), Some(&b'\n'));
        let value: Value = serde_json::from_slice(&out[6..]).unwrap();
        assert_eq!(
            value,
            json!({"custom_id": "t-1", "method": "POST", "url": "/v1/chat/completions", "body": {
                "model": "gpt-6-luna",
                "prompt_cache_key": key(), "prompt_cache_options": {"mode": "explicit"},
                "messages": [
                    {"role": "system", "content": [{"type": "text", "text": "Mark \"fairly\".\n",
                        "prompt_cache_breakpoint": {"mode": "explicit"}}]},
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
        question(&mut out, json_by(Endpoint::Responses), &request());
        let value: Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(
            value,
            json!({"model": "gpt-6-luna",
                "prompt_cache_key": key(), "prompt_cache_options": {"mode": "explicit"},
                "input": [
                    {"role": "developer", "content": [{"type": "input_text", "text": "Mark \"fairly\".\n",
                        "prompt_cache_breakpoint": {"mode": "explicit"}}]},
                    {"role": "user", "content": "[1] An essay \u{2028} with\ttabs."}],
                "max_output_tokens": 400, "store": false,
                "text": {"format": {"type": "json_schema", "name": "marks", "strict": true,
                    "schema": {"type": "object", "additionalProperties": false, "properties": {}, "required": []}}}})
        );
    }

    /// The name of the small question's stable part.
    fn key() -> String {
        request().prompt.stable.name().to_owned()
    }

    #[test]
    fn without_a_mark_nothing_is_written_to_the_cache() {
        let off = Request { keep: Keep::Off, ..request() };
        for (endpoint, told) in
            [(Endpoint::ChatCompletions, "/messages/0/content"), (Endpoint::Responses, "/instructions")]
        {
            let mut out = Vec::new();
            question(&mut out, json_by(endpoint), &off);
            let value: Value = serde_json::from_slice(&out).unwrap();
            assert_eq!(value["prompt_cache_options"], json!({"mode": "explicit"}));
            assert_eq!(
                (value.pointer(told), value.get("prompt_cache_key")),
                (Some(&json!("Mark \"fairly\".\n")), None)
            );
        }
    }

    #[test]
    fn models_that_know_no_marks_are_sent_none() {
        let old = Request { model: "gpt-4o-mini".into(), ..request() };
        let mut out = Vec::new();
        question(&mut out, json_by(Endpoint::ChatCompletions), &old);
        let value: Value = serde_json::from_slice(&out).unwrap();
        assert_eq!((value.get("prompt_cache_options"), &value["prompt_cache_key"]), (None, &json!(key())));
        assert_eq!(value["messages"][0]["content"], "Mark \"fairly\".\n");
    }

    #[test]
    fn a_line_names_the_endpoint_of_its_batch() {
        let mut out = Vec::new();
        line(&mut out, json_by(Endpoint::Responses), &CustomId("t-1".into()), &request());
        let value: Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(value["url"], "/v1/responses");
    }

    #[test]
    fn compatible_servers_are_asked_in_words_that_all_of_them_know() {
        let asked = |endpoint, output| {
            let mut out = Vec::new();
            question(&mut out, Asking { endpoint, output }, &request());
            serde_json::from_slice::<Value>(&out).unwrap()
        };
        let schema = asked(Endpoint::ChatCompletions, Output::Compatible);
        assert_eq!((&schema["max_tokens"], schema.get("max_completion_tokens")), (&json!(400), None));
        assert!(schema.get("prompt_cache_options").is_none() && schema.get("prompt_cache_key").is_none());
        assert!(schema["messages"][0]["content"].is_string());
        assert_eq!(schema["response_format"]["json_schema"]["name"], "marks");

        let object = asked(Endpoint::ChatCompletions, Output::AnyObject);
        assert_eq!(object["response_format"], json!({"type": "json_object"}));
        let told = object["messages"][0]["content"].as_str().unwrap();
        assert!(told.starts_with("Mark \"fairly\".\n\n\nAnswer with one JSON object"), "{told}");
        let told: Value = serde_json::from_str(told.split_once("schema:\n").unwrap().1).unwrap();
        assert_eq!(told, schema["response_format"]["json_schema"]["schema"]);

        let object = asked(Endpoint::Responses, Output::AnyObject);
        assert_eq!(object["text"], json!({"format": {"type": "json_object"}}));
        assert!(object["instructions"].as_str().unwrap().contains("JSON schema"));
    }
}
