//! OpenAI's answers (chat completions and responses) and the lines of result files.

use super::error::ErrorObject;
use crate::provider::{
    Answer, CallError, CustomId, ErrorClass, LineError, Outcome, ParsedLine, Reply, ResultLine, Usage,
    http::Http, json,
};
use serde::Deserialize;

/// The body of an answer of either endpoint.
#[derive(Deserialize)]
struct Body {
    #[serde(default, deserialize_with = "json::text")]
    id: Option<String>,
    #[serde(default, deserialize_with = "json::text")]
    model: Option<String>,
    #[serde(default, deserialize_with = "json::object")]
    usage: Option<UsageWire>,
    #[serde(default, deserialize_with = "json::error")]
    error: Option<ErrorObject>,
    /// Chat completions.
    #[serde(default, deserialize_with = "json::list")]
    choices: Option<Vec<Choice>>,
    /// Responses.
    #[serde(default, deserialize_with = "json::list")]
    output: Option<Vec<Item>>,
    #[serde(default, deserialize_with = "json::text")]
    status: Option<String>,
    #[serde(default, deserialize_with = "json::object")]
    incomplete_details: Option<Incomplete>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default, deserialize_with = "json::text")]
    finish_reason: Option<String>,
    #[serde(default, deserialize_with = "json::object")]
    message: Option<Message>,
}

#[derive(Deserialize)]
struct Message {
    #[serde(default, deserialize_with = "json::text")]
    content: Option<String>,
    #[serde(default, deserialize_with = "json::text")]
    refusal: Option<String>,
}

#[derive(Deserialize)]
struct Item {
    #[serde(rename = "type", default, deserialize_with = "json::text")]
    kind: Option<String>,
    #[serde(default, deserialize_with = "json::list")]
    content: Option<Vec<Part>>,
}

#[derive(Deserialize)]
struct Part {
    #[serde(rename = "type", default, deserialize_with = "json::text")]
    kind: Option<String>,
    #[serde(default, deserialize_with = "json::text")]
    text: Option<String>,
    #[serde(default, deserialize_with = "json::text")]
    refusal: Option<String>,
}

#[derive(Deserialize)]
struct Incomplete {
    #[serde(default, deserialize_with = "json::text")]
    reason: Option<String>,
}

/// The figures of either endpoint: chat completions speak of prompt and completion, responses of input and output.
/// Some compatible servers give both.
#[derive(Deserialize)]
struct UsageWire {
    #[serde(default, deserialize_with = "json::count")]
    prompt_tokens: Option<u64>,
    #[serde(default, deserialize_with = "json::count")]
    input_tokens: Option<u64>,
    #[serde(default, deserialize_with = "json::count")]
    completion_tokens: Option<u64>,
    #[serde(default, deserialize_with = "json::count")]
    output_tokens: Option<u64>,
    #[serde(default, deserialize_with = "json::object")]
    prompt_tokens_details: Option<InputDetails>,
    #[serde(default, deserialize_with = "json::object")]
    input_tokens_details: Option<InputDetails>,
    #[serde(default, deserialize_with = "json::object")]
    completion_tokens_details: Option<OutputDetails>,
    #[serde(default, deserialize_with = "json::object")]
    output_tokens_details: Option<OutputDetails>,
}

#[derive(Deserialize)]
struct InputDetails {
    #[serde(default, deserialize_with = "json::count")]
    cached_tokens: Option<u64>,
    #[serde(default, deserialize_with = "json::count")]
    cache_write_tokens: Option<u64>,
    #[serde(default, deserialize_with = "json::object")]
    cache_write_tokens_details: Option<WriteDetails>,
}

#[derive(Deserialize)]
struct WriteDetails {
    #[serde(default, deserialize_with = "json::count")]
    ttl_30m_tokens: Option<u64>,
    #[serde(default, deserialize_with = "json::count")]
    ttl_12h_tokens: Option<u64>,
}

#[derive(Deserialize)]
struct OutputDetails {
    #[serde(default, deserialize_with = "json::count")]
    reasoning_tokens: Option<u64>,
}

impl UsageWire {
    /// Quire's figures, where both totals are there and make sense: no prompt has 0 tokens, no text either. OpenAI's
    /// `prompt_tokens` already hold the cached and written ones, `completion_tokens` the reasoning.
    fn usage(&self, answer: &Answer) -> Option<Usage> {
        let input_tokens = self.prompt_tokens.or(self.input_tokens).filter(|&n| n > 0)?;
        let output_tokens = self.completion_tokens.or(self.output_tokens)?;
        if output_tokens == 0 && matches!(answer, Answer::Json(_)) {
            return None;
        }
        let input = self.prompt_tokens_details.as_ref().or(self.input_tokens_details.as_ref());
        let writes = input.and_then(|d| d.cache_write_tokens_details.as_ref());
        let long = writes.and_then(|w| w.ttl_12h_tokens).unwrap_or(0);
        let short = writes.and_then(|w| w.ttl_30m_tokens).unwrap_or(0);
        let written = input.and_then(|d| d.cache_write_tokens).unwrap_or(0).max(long.saturating_add(short));
        let cached_tokens = input.and_then(|d| d.cached_tokens).unwrap_or(0).min(input_tokens);
        let written = written.min(input_tokens - cached_tokens);
        let cache_write_long_tokens = long.min(written);
        let output = self.completion_tokens_details.as_ref().or(self.output_tokens_details.as_ref());
        let reasoning = output.and_then(|d| d.reasoning_tokens);
        Some(Usage {
            input_tokens,
            cached_tokens,
            cache_write_tokens: written - cache_write_long_tokens,
            cache_write_long_tokens,
            output_tokens,
            reasoning_tokens: reasoning.unwrap_or(0).min(output_tokens),
        })
    }
}

/// Reads the body of a real-time answer. `stand_in` is its id where the body has none.
///
/// # Errors
/// Where the body is that of a failure, or none of the endpoints'.
pub(super) fn read(http: &Http, body: &[u8], stand_in: impl FnOnce() -> String) -> Result<Reply, CallError> {
    answer(http, http.decode(body).map_err(CallError::maybe_done)?, stand_in)
}

fn answer(http: &Http, body: Body, stand_in: impl FnOnce() -> String) -> Result<Reply, CallError> {
    let failed = body.error.filter(|e| !e.is_empty());
    let answer = match (&body.choices, &body.output, body.status.as_deref()) {
        (_, _, Some("failed" | "cancelled")) => return Err(failure(http, failed, 0)),
        (None, None, _) if failed.is_some() => return Err(failure(http, failed, 0)),
        (None, _, Some("incomplete")) => incomplete(body.incomplete_details),
        (Some(choices), _, _) => chat(choices),
        (None, Some(output), None | Some("completed")) => response(output),
        (None, Some(_), Some(status)) => {
            Answer::Malformed(format!("the response is \"{}\"", http.clean(status)))
        }
        (None, None, _) => {
            let message = "the reply holds neither choices nor output".to_owned();
            return Err(CallError::new(ErrorClass::Malformed, message).maybe_done());
        }
    };
    let usage = body.usage.and_then(|usage| usage.usage(&answer));
    Ok(Reply {
        response_id: body.id.unwrap_or_else(stand_in),
        model: body.model.unwrap_or_default(),
        answer,
        usage,
    })
}

fn chat(choices: &[Choice]) -> Answer {
    let Some(choice) = choices.first() else {
        return Answer::Malformed("the reply has no choice".into());
    };
    let message = choice.message.as_ref();
    if let Some(words) = message.and_then(|m| m.refusal.clone()) {
        return Answer::Refused(words);
    }
    let content = message.and_then(|m| m.content.clone());
    match (choice.finish_reason.as_deref(), content) {
        (Some("length"), _) => Answer::Truncated,
        (Some("content_filter"), _) => Answer::Filtered,
        (Some(reason @ ("tool_calls" | "function_call")), _) => {
            Answer::Malformed(format!("the model ended with {reason} instead of an answer"))
        }
        // Compatible servers end with words of their own; whether the text is whole shows when it is checked.
        (_, Some(text)) => Answer::Json(text),
        (_, None) => Answer::Malformed("the message has no content".into()),
    }
}

fn incomplete(details: Option<Incomplete>) -> Answer {
    match details.and_then(|d| d.reason).as_deref() {
        Some("max_output_tokens") => Answer::Truncated,
        Some("content_filter") => Answer::Filtered,
        _ => Answer::Malformed("the response is incomplete, without a reason that says why".into()),
    }
}

fn response(output: &[Item]) -> Answer {
    let parts = || {
        output
            .iter()
            .filter(|item| item.kind.as_deref() == Some("message"))
            .flat_map(|item| item.content.iter().flatten())
    };
    if let Some(words) =
        parts().find(|p| p.kind.as_deref() == Some("refusal")).map(|p| p.refusal.clone().unwrap_or_default())
    {
        return Answer::Refused(words);
    }
    let text: String = parts()
        .filter(|p| p.kind.as_deref() == Some("output_text"))
        .filter_map(|p| p.text.as_deref())
        .collect();
    if text.is_empty() { Answer::Malformed("the response has no text".into()) } else { Answer::Json(text) }
}

fn failure(http: &Http, object: Option<ErrorObject>, status: u16) -> CallError {
    let refusal = object.unwrap_or_default().refusal(status);
    let message = refusal.message.map_or_else(|| "the provider gave no reason".into(), |m| http.clean(&m));
    CallError { code: refusal.code, ..CallError::new(refusal.class, message) }
}

/// One line of an output or error file.
#[derive(Deserialize)]
struct Line {
    #[serde(default, deserialize_with = "json::text")]
    id: Option<String>,
    #[serde(default, deserialize_with = "json::text")]
    custom_id: Option<String>,
    #[serde(default, deserialize_with = "json::object")]
    response: Option<LineResponse>,
    #[serde(default, deserialize_with = "json::error")]
    error: Option<ErrorObject>,
}

#[derive(Deserialize)]
struct LineResponse {
    #[serde(default, deserialize_with = "json::count")]
    status_code: Option<u64>,
    #[serde(default, deserialize_with = "json::text")]
    request_id: Option<String>,
    #[serde(default, deserialize_with = "json::object")]
    body: Option<Body>,
}

/// Reads one line of an output or error file.
pub(super) fn line(http: &Http, number: u64, bytes: &[u8]) -> ParsedLine {
    let line: Line =
        serde_json::from_slice(bytes).map_err(|e| json::unreadable(number, bytes, &e, "custom_id"))?;
    let Some(custom_id) = line.custom_id.map(CustomId) else {
        return Err(LineError { line: number, reason: "without a custom_id".into(), custom_id: None });
    };
    let error = line.error.filter(|e| !e.is_empty() || line.response.is_none());
    let outcome = match (error, line.response) {
        (Some(error), response) => match error.code.as_deref() {
            Some("batch_expired") => Outcome::Expired,
            Some("batch_cancelled") => Outcome::Cancelled,
            _ => {
                let mut failed = failure(http, Some(error), 0);
                failed.maybe_done = response.is_some_and(|r| is_success(r.status_code));
                Outcome::Failed(failed)
            }
        },
        (None, Some(response)) if is_success(response.status_code) => {
            let stand_in = || response.request_id.or(line.id).unwrap_or_else(|| custom_id.0.clone());
            match response.body.map(|body| answer(http, body, stand_in)) {
                Some(Ok(reply)) => Outcome::Answered(reply),
                Some(Err(error)) => Outcome::Failed(error),
                None => {
                    let error = CallError::new(ErrorClass::Malformed, "the response has no body");
                    Outcome::Failed(error.maybe_done())
                }
            }
        }
        (None, Some(response)) => Outcome::Failed(refused(http, response)),
        (None, None) => {
            let reason = "neither a response nor an error".into();
            return Err(LineError { line: number, reason, custom_id: Some(custom_id) });
        }
    };
    Ok(ResultLine { custom_id, outcome })
}

fn is_success(status: Option<u64>) -> bool {
    matches!(status, Some(200..=299))
}

/// A line whose response has a status that is not one of success.
fn refused(http: &Http, response: LineResponse) -> CallError {
    let status = response.status_code.and_then(|s| u16::try_from(s).ok()).unwrap_or(0);
    CallError {
        status: (status != 0).then_some(status),
        request_id: response.request_id,
        ..failure(http, response.body.and_then(|body| body.error), status)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::provider::testing::{self, KEY};
    use serde_json::{Value, json};

    fn http() -> Http {
        testing::http(&super::super::DIALECT)
    }

    fn read(body: &Value) -> Result<Reply, CallError> {
        super::read(&http(), body.to_string().as_bytes(), || "stand-in".into())
    }

    fn chat_body(finish: &str, message: &Value) -> Value {
        json!({"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "gpt-6-luna-2026",
            "choices": [{"index": 0, "finish_reason": finish, "logprobs": null, "message": message}],
            "usage": {"prompt_tokens": 1600, "completion_tokens": 400, "total_tokens": 2000,
                "prompt_tokens_details": {"cached_tokens": 1024, "cache_write_tokens": 256},
                "completion_tokens_details": {"reasoning_tokens": 100}}})
    }

    const USAGE: Usage = Usage {
        input_tokens: 1600,
        cached_tokens: 1024,
        cache_write_tokens: 256,
        cache_write_long_tokens: 0,
        output_tokens: 400,
        reasoning_tokens: 100,
    };

    #[test]
    fn chat_completions_become_answers() {
        let text = r#"{"levels":[]}"#;
        let malformed = |why: &str| Answer::Malformed(why.into());
        let rows = [
            (
                "stop",
                json!({"role": "assistant", "content": text, "refusal": null}),
                Answer::Json(text.into()),
            ),
            ("eos", json!({"content": text}), Answer::Json(text.into())),
            ("stop", json!({"content": null, "refusal": "No."}), Answer::Refused("No.".into())),
            ("length", json!({"content": "{\"lev"}), Answer::Truncated),
            ("content_filter", json!({"content": null}), Answer::Filtered),
            ("stop", json!({"content": null}), malformed("the message has no content")),
            ("stop", json!({"content": ""}), malformed("the message has no content")),
            ("stop", json!({"content": [{"type": "text"}]}), malformed("the message has no content")),
            ("stop", Value::Null, malformed("the message has no content")),
            (
                "tool_calls",
                json!({"content": text}),
                malformed("the model ended with tool_calls instead of an answer"),
            ),
        ];
        for (finish, message, expected) in rows {
            let reply = read(&chat_body(finish, &message)).unwrap();
            assert_eq!(reply.answer, expected, "{finish} {message}");
            assert_eq!(reply.response_id, "chatcmpl-1");
            assert_eq!(reply.model, "gpt-6-luna-2026");
            assert_eq!(reply.usage, Some(USAGE), "billed whatever it holds");
        }
    }

    #[test]
    fn replies_without_a_choice_are_told_apart_from_failures() {
        let mut body = chat_body("stop", &Value::Null);
        body["choices"] = json!([]);
        assert_eq!(read(&body).unwrap().answer, Answer::Malformed("the reply has no choice".into()));

        let nothing = read(&json!({"id": "x"})).unwrap_err();
        assert_eq!((nothing.class, nothing.maybe_done), (ErrorClass::Malformed, true));
        let array = read(&json!([1])).unwrap_err();
        assert_eq!((array.class, array.maybe_done), (ErrorClass::Malformed, true));

        let error =
            json!({"error": {"message": "slow down", "type": "requests", "code": "rate_limit_exceeded"}});
        assert_eq!(read(&error).unwrap_err().class, ErrorClass::RateLimit);
        // An empty error beside an answer is none.
        let mut body = chat_body("stop", &json!({"content": "{}"}));
        body["error"] = json!({"message": null});
        assert_eq!(read(&body).unwrap().answer, Answer::Json("{}".into()));
    }

    #[test]
    fn figures_that_make_no_sense_are_unknown() {
        let usage = |usage: Value| {
            let mut body = chat_body("stop", &json!({"content": "{}"}));
            body["usage"] = usage;
            read(&body).unwrap().usage
        };
        for unknown in [
            Value::Null,
            json!({}),
            json!("many"),
            json!({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}),
            json!({"prompt_tokens": 5, "completion_tokens": 0}),
            json!({"prompt_tokens": 0, "completion_tokens": 5}),
            json!({"prompt_tokens": 5}),
            json!({"prompt_tokens": -5, "completion_tokens": 5}),
            json!({"total_tokens": 5}),
        ] {
            assert_eq!(usage(unknown.clone()), None, "{unknown}");
        }
        let plain = usage(json!({"prompt_tokens": 5, "completion_tokens": 7})).unwrap();
        assert_eq!(plain, Usage { input_tokens: 5, output_tokens: 7, ..Usage::default() });
        let both =
            usage(json!({"prompt_tokens": 5, "input_tokens": 5, "completion_tokens": 7, "output_tokens": 7}));
        assert_eq!(both, Some(plain));
        let odd = usage(json!({"prompt_tokens": 5, "completion_tokens": 7,
            "prompt_tokens_details": {"cached_tokens": 9, "cache_write_tokens": 9}}));
        assert_eq!(odd.unwrap().cached_tokens, 5, "no more cached than read");
        assert_eq!(odd.unwrap().cache_write_tokens, 0);
        // A missing usage altogether.
        let mut body = chat_body("stop", &json!({"content": "{}"}));
        body.as_object_mut().unwrap().remove("usage");
        assert_eq!(read(&body).unwrap().usage, None);
    }

    fn response_body(status: &str, rest: &Value) -> Value {
        let mut body = json!({"id": "resp_1", "object": "response", "status": status, "model": "m", "error": null,
            "incomplete_details": null, "output": [],
            "usage": {"input_tokens": 1600, "output_tokens": 400, "total_tokens": 2000,
                "input_tokens_details": {"cached_tokens": 1024, "cache_write_tokens": 256,
                    "cache_write_tokens_details": {"ttl_30m_tokens": 56, "ttl_12h_tokens": 200}},
                "output_tokens_details": {"reasoning_tokens": 100}}});
        body.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        body
    }

    #[test]
    fn responses_become_answers() {
        let output = |parts: Value| {
            json!({"output": [{"type": "reasoning", "summary": []},
                {"type": "message", "role": "assistant", "content": parts}]})
        };
        let rows = [
            (
                "completed",
                output(
                    json!([{"type": "output_text", "text": "{\"a\":"}, {"type": "output_text", "text": "1}"}]),
                ),
                Answer::Json("{\"a\":1}".into()),
            ),
            (
                "completed",
                output(json!([{"type": "refusal", "refusal": "No."}])),
                Answer::Refused("No.".into()),
            ),
            ("completed", json!({}), Answer::Malformed("the response has no text".into())),
            ("incomplete", json!({"incomplete_details": {"reason": "max_output_tokens"}}), Answer::Truncated),
            ("incomplete", json!({"incomplete_details": {"reason": "content_filter"}}), Answer::Filtered),
            (
                "incomplete",
                json!({"incomplete_details": {"reason": "steered"}}),
                Answer::Malformed("the response is incomplete, without a reason that says why".into()),
            ),
            ("queued", json!({}), Answer::Malformed("the response is \"queued\"".into())),
        ];
        for (status, rest, expected) in rows {
            let reply = read(&response_body(status, &rest)).unwrap();
            assert_eq!(reply.answer, expected, "{status} {rest}");
            let usage = reply.usage.unwrap();
            assert_eq!(usage, Usage { cache_write_tokens: 56, cache_write_long_tokens: 200, ..USAGE });
        }
    }

    #[test]
    fn failed_responses_are_failures() {
        for (code, class) in [
            ("server_error", ErrorClass::Provider),
            ("rate_limit_exceeded", ErrorClass::RateLimit),
            ("invalid_prompt", ErrorClass::Invalid),
            ("bio_policy", ErrorClass::Invalid),
            ("something_new", ErrorClass::Provider),
        ] {
            let error = json!({"error": {"code": code, "message": "why"}});
            let error = read(&response_body("failed", &error)).unwrap_err();
            assert_eq!(
                (error.class, error.message.as_str(), error.code.as_deref()),
                (class, "why", Some(code))
            );
        }
        assert_eq!(read(&response_body("cancelled", &json!({}))).unwrap_err().class, ErrorClass::Provider);
    }

    fn read_line(text: &str) -> ParsedLine {
        line(&http(), 7, text.as_bytes())
    }

    #[test]
    fn result_lines_become_outcomes() {
        let of = |rest: Value| {
            let mut value = json!({"id": "batch_req_1", "custom_id": "t-1"});
            value.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
            let line = read_line(&value.to_string()).unwrap();
            assert_eq!(line.custom_id.0, "t-1");
            line.outcome
        };
        let body = chat_body("stop", &json!({"content": "{}"}));
        let Outcome::Answered(reply) =
            of(json!({"response": {"status_code": 200, "request_id": "r", "body": body}, "error": null}))
        else {
            panic!("not answered")
        };
        assert_eq!((reply.answer, reply.usage), (Answer::Json("{}".into()), Some(USAGE)));

        assert_eq!(
            of(json!({"response": null, "error": {"code": "batch_expired", "message": "m"}})),
            Outcome::Expired
        );
        assert_eq!(of(json!({"error": {"code": "batch_cancelled", "message": "m"}})), Outcome::Cancelled);

        let failed = |rest: Value| match of(rest) {
            Outcome::Failed(error) => error,
            other => panic!("{other:?}"),
        };
        let timeout = failed(json!({"response": null, "error": {"code": "request_timeout", "message": "m"}}));
        assert_eq!((timeout.class, timeout.maybe_done), (ErrorClass::TimeOut, false));

        let refused = json!({"error": {"message": "too long", "type": "invalid_request_error", "code": "context_length_exceeded"}});
        let refused = failed(
            json!({"response": {"status_code": 400, "request_id": "r", "body": refused}, "error": null}),
        );
        assert_eq!((refused.class, refused.status), (ErrorClass::TokenLimit, Some(400)));
        assert_eq!((refused.message.as_str(), refused.request_id.as_deref()), ("too long", Some("r")));

        for (status, class) in [
            (json!(0), ErrorClass::Provider),
            (json!(null), ErrorClass::Provider),
            (json!(429), ErrorClass::RateLimit),
            (json!(500), ErrorClass::Provider),
        ] {
            let error = failed(json!({"response": {"status_code": status, "body": {}}}));
            assert_eq!(error.class, class, "{status}");
        }
        let no_body = failed(json!({"response": {"status_code": 200, "body": null}, "error": null}));
        assert_eq!((no_body.class, no_body.maybe_done), (ErrorClass::Malformed, true), "may be billed");
        assert_eq!(failed(json!({"error": "worker lost"})).message, "worker lost");
    }

    #[test]
    fn an_answer_without_an_id_gets_the_lines() {
        let mut body = chat_body("stop", &json!({"content": "{}"}));
        body["id"] = Value::Null;
        let id = |line: Value| match read_line(&line.to_string()).unwrap().outcome {
            Outcome::Answered(reply) => reply.response_id,
            other => panic!("{other:?}"),
        };
        assert_eq!(
            id(
                json!({"id": "l", "custom_id": "t-1", "response": {"status_code": 200, "request_id": "r", "body": body}})
            ),
            "r"
        );
        assert_eq!(id(json!({"custom_id": "t-1", "response": {"status_code": 200, "body": body}})), "t-1");
    }

    #[test]
    fn lines_that_can_not_be_read_say_why_without_quoting() {
        let essay = "the student's own words";
        for (text, reason, id) in [
            (r#"{"custom_id":"t-1"}"#.to_owned(), "neither a response nor an error", Some("t-1")),
            (r#"{"response":{}}"#.to_owned(), "without a custom_id", None),
            (
                format!(r#"{{"custom_id":"t-1","response":"{essay}"}}"#),
                "neither a response nor an error",
                Some("t-1"),
            ),
            (format!(r#"{{"custom_id":"t-1","response":{{"body":"{essay}"#), "cut off", Some("t-1")),
            (format!("{essay} {{"), "not JSON", None),
            ("7".to_owned(), "without the members expected", None),
        ] {
            let error = read_line(&text).unwrap_err();
            assert!(error.reason.starts_with(reason), "{text}: {}", error.reason);
            assert!(!error.reason.contains(essay));
            assert_eq!(error.line, 7);
            assert_eq!(error.custom_id.map(|id| id.0).as_deref(), id, "{text}");
        }
    }

    #[test]
    fn messages_never_show_the_key() {
        let error = json!({"error": {"message": format!("Incorrect API key provided: {KEY}, also \"sk-ab*****yz\"."), "code": "invalid_api_key"}});
        let message = read(&error).unwrap_err().message;
        assert_eq!(message, "Incorrect API key provided: [key], also \"[key]\".");
        let words = json!({"error": {"message": "a task-force of risk-takers"}});
        assert_eq!(read(&words).unwrap_err().message, "a task-force of risk-takers");
        let long = json!({"error": {"message": "é\n".repeat(1_000)}});
        assert_eq!(read(&long).unwrap_err().message.chars().count(), 501);
    }
}
