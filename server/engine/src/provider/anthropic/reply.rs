//! Anthropic's answers and the lines of results.

use super::error::ErrorBody;
use crate::provider::{
    Answer, CallError, CustomId, ErrorClass, LineError, Outcome, ParsedLine, Reply, ResultLine, Usage,
    http::Http, json,
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Message {
    #[serde(default, deserialize_with = "json::text")]
    id: Option<String>,
    #[serde(default, deserialize_with = "json::text")]
    model: Option<String>,
    #[serde(default, deserialize_with = "json::list")]
    content: Option<Vec<Block>>,
    #[serde(default, deserialize_with = "json::text")]
    stop_reason: Option<String>,
    #[serde(default, deserialize_with = "json::object")]
    stop_details: Option<StopDetails>,
    #[serde(default, deserialize_with = "json::object")]
    usage: Option<UsageWire>,
}

#[derive(Deserialize)]
struct Block {
    #[serde(rename = "type", default, deserialize_with = "json::text")]
    kind: Option<String>,
    #[serde(default, deserialize_with = "json::text")]
    text: Option<String>,
}

#[derive(Deserialize)]
struct StopDetails {
    #[serde(default, deserialize_with = "json::text")]
    category: Option<String>,
}

#[derive(Deserialize)]
struct UsageWire {
    #[serde(default, deserialize_with = "json::count")]
    input_tokens: Option<u64>,
    #[serde(default, deserialize_with = "json::count")]
    cache_creation_input_tokens: Option<u64>,
    #[serde(default, deserialize_with = "json::count")]
    cache_read_input_tokens: Option<u64>,
    #[serde(default, deserialize_with = "json::object")]
    cache_creation: Option<Creation>,
    #[serde(default, deserialize_with = "json::count")]
    output_tokens: Option<u64>,
    #[serde(default, deserialize_with = "json::object")]
    output_tokens_details: Option<OutputDetails>,
}

#[derive(Deserialize)]
struct Creation {
    #[serde(default, deserialize_with = "json::count")]
    ephemeral_5m_input_tokens: Option<u64>,
    #[serde(default, deserialize_with = "json::count")]
    ephemeral_1h_input_tokens: Option<u64>,
}

#[derive(Deserialize)]
struct OutputDetails {
    #[serde(default, alias = "thinking_tokens", deserialize_with = "json::count")]
    reasoning_tokens: Option<u64>,
}

impl UsageWire {
    /// Quire's figures, where they make sense: no prompt has 0 tokens, no text either. Anthropic's `input_tokens` leave
    /// out what was read from and written to the cache.
    fn usage(&self, answer: &Answer) -> Option<Usage> {
        let uncached = self.input_tokens?;
        let output_tokens = self.output_tokens?;
        if output_tokens == 0 && matches!(answer, Answer::Json(_)) {
            return None;
        }
        let creation = self.cache_creation.as_ref();
        let long = creation.and_then(|c| c.ephemeral_1h_input_tokens).unwrap_or(0);
        let short = creation.and_then(|c| c.ephemeral_5m_input_tokens).unwrap_or(0);
        let written = self.cache_creation_input_tokens.unwrap_or(0).max(long.saturating_add(short));
        let cached_tokens = self.cache_read_input_tokens.unwrap_or(0);
        let input_tokens = uncached.checked_add(written)?.checked_add(cached_tokens)?;
        if input_tokens == 0 {
            return None;
        }
        let reasoning = self.output_tokens_details.as_ref().and_then(|d| d.reasoning_tokens);
        Some(Usage {
            input_tokens,
            cached_tokens,
            cache_write_tokens: written - long,
            cache_write_long_tokens: long,
            output_tokens,
            reasoning_tokens: reasoning.unwrap_or(0).min(output_tokens),
        })
    }
}

/// Reads a real-time answer. `stand_in` is its id where it has none.
///
/// # Errors
/// Where the body is not a message.
pub(super) fn read(http: &Http, body: &[u8], stand_in: impl FnOnce() -> String) -> Result<Reply, CallError> {
    answer(http.decode(body).map_err(CallError::maybe_done)?, stand_in)
}

fn answer(message: Message, stand_in: impl FnOnce() -> String) -> Result<Reply, CallError> {
    if message.content.is_none() && message.stop_reason.is_none() && message.usage.is_none() {
        return Err(not_a_message());
    }
    let text: Option<String> = message
        .content
        .into_iter()
        .flatten()
        .filter(|block| block.kind.as_deref() == Some("text"))
        .find_map(|block| block.text);
    let answer = match (message.stop_reason.as_deref(), text) {
        (Some("refusal"), text) => {
            let category = message.stop_details.and_then(|d| d.category);
            Answer::Refused(text.or(category).unwrap_or_default())
        }
        (Some("max_tokens" | "model_context_window_exceeded"), _) => Answer::Truncated,
        (Some(reason @ ("tool_use" | "pause_turn")), _) => {
            Answer::Malformed(format!("the model ended with {reason} instead of an answer"))
        }
        // A reason that is not known yet: whether the text is whole shows when it is checked.
        (_, Some(text)) => Answer::Json(text),
        (_, None) => Answer::Malformed("the message has no text".into()),
    };
    let usage = message.usage.and_then(|usage| usage.usage(&answer));
    Ok(Reply {
        response_id: message.id.unwrap_or_else(stand_in),
        model: message.model.unwrap_or_default(),
        answer,
        usage,
    })
}

#[derive(Deserialize)]
struct Line {
    #[serde(default, deserialize_with = "json::text")]
    custom_id: Option<String>,
    #[serde(default, deserialize_with = "json::object")]
    result: Option<LineResult>,
}

#[derive(Deserialize)]
struct LineResult {
    #[serde(rename = "type", default, deserialize_with = "json::text")]
    kind: Option<String>,
    #[serde(default, deserialize_with = "json::object")]
    message: Option<Message>,
    #[serde(default, deserialize_with = "json::object")]
    error: Option<ErrorBody>,
}

/// Reads one line of results.
pub(super) fn line(http: &Http, number: u64, bytes: &[u8]) -> ParsedLine {
    let line: Line =
        serde_json::from_slice(bytes).map_err(|e| json::unreadable(number, bytes, &e, "custom_id"))?;
    let Some(custom_id) = line.custom_id.map(CustomId) else {
        return Err(LineError { line: number, reason: "without a custom_id".into(), custom_id: None });
    };
    let wrong = |reason: String, custom_id: CustomId| {
        Err(LineError { line: number, reason, custom_id: Some(custom_id) })
    };
    let Some(result) = line.result else {
        return wrong("without a result".into(), custom_id);
    };
    let outcome = match result.kind.as_deref() {
        Some("succeeded") => {
            match result.message.ok_or_else(not_a_message).and_then(|m| answer(m, || custom_id.0.clone())) {
                Ok(reply) => Outcome::Answered(reply),
                Err(error) => Outcome::Failed(error),
            }
        }
        Some("errored") => Outcome::Failed(errored(http, result.error)),
        Some("expired") => Outcome::Expired,
        Some("canceled") => Outcome::Cancelled,
        other => {
            let kind = http.clean(other.unwrap_or("none"));
            return wrong(format!("with the unknown result type \"{kind}\""), custom_id);
        }
    };
    Ok(ResultLine { custom_id, outcome })
}

/// The custom id of a line, whatever else is in it.
pub(super) fn custom_id(bytes: &[u8]) -> Option<CustomId> {
    let line: Line = serde_json::from_slice(bytes).ok()?;
    line.custom_id.map(CustomId)
}

fn not_a_message() -> CallError {
    CallError::new(ErrorClass::Malformed, "the reply is not a message").maybe_done()
}

fn errored(http: &Http, error: Option<ErrorBody>) -> CallError {
    let Some(error) = error else {
        return CallError::new(ErrorClass::Provider, "the provider gave no reason");
    };
    let refusal = error.refusal(0);
    let message = refusal.message.map_or_else(|| "the provider gave no reason".into(), |m| http.clean(&m));
    CallError { code: refusal.code, request_id: refusal.request_id, ..CallError::new(refusal.class, message) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::provider::testing;
    use serde_json::{Value, json};

    fn http() -> Http {
        testing::http(&super::super::DIALECT)
    }

    fn message(rest: &Value) -> Value {
        let mut value = json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-haiku-5-5",
            "content": [{"type": "text", "text": "{}"}], "stop_reason": "end_turn", "stop_sequence": null,
            "stop_details": null,
            "usage": {"input_tokens": 500, "cache_creation_input_tokens": 300, "cache_read_input_tokens": 1100,
                "cache_creation": {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 200},
                "output_tokens": 400, "server_tool_use": null, "service_tier": "batch"}});
        value.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        value
    }

    const USAGE: Usage = Usage {
        input_tokens: 1900,
        cached_tokens: 1100,
        cache_write_tokens: 100,
        cache_write_long_tokens: 200,
        output_tokens: 400,
        reasoning_tokens: 0,
    };

    fn read(rest: &Value) -> Result<Reply, CallError> {
        super::read(&http(), message(rest).to_string().as_bytes(), || "stand-in".into())
    }

    #[test]
    fn messages_become_answers() {
        let malformed = |why: &str| Answer::Malformed(why.into());
        let rows = [
            (json!({}), Answer::Json("{}".into())),
            (json!({"stop_reason": "stop_sequence"}), Answer::Json("{}".into())),
            (json!({"stop_reason": "something_new"}), Answer::Json("{}".into())),
            (json!({"stop_reason": "max_tokens"}), Answer::Truncated),
            (json!({"stop_reason": "model_context_window_exceeded"}), Answer::Truncated),
            (
                json!({"stop_reason": "refusal", "content": [], "stop_details": {"type": "refusal", "category": "bio"}}),
                Answer::Refused("bio".into()),
            ),
            (json!({"stop_reason": "refusal", "content": null}), Answer::Refused(String::new())),
            (
                json!({"stop_reason": "refusal", "content": [{"type": "text", "text": "No."}]}),
                Answer::Refused("No.".into()),
            ),
            (
                json!({"content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "[]"}]}),
                Answer::Json("[]".into()),
            ),
            (json!({"content": []}), malformed("the message has no text")),
            (json!({"content": "text"}), malformed("the message has no text")),
            (
                json!({"stop_reason": "pause_turn"}),
                malformed("the model ended with pause_turn instead of an answer"),
            ),
            (
                json!({"stop_reason": "tool_use"}),
                malformed("the model ended with tool_use instead of an answer"),
            ),
        ];
        for (rest, expected) in rows {
            let reply = read(&rest).unwrap();
            assert_eq!(reply.answer, expected, "{rest}");
            assert_eq!((reply.response_id.as_str(), reply.model.as_str()), ("msg_1", "claude-haiku-5-5"));
            assert_eq!(reply.usage, Some(USAGE), "billed whatever it holds");
        }
        assert_eq!(read(&json!({"id": null})).unwrap().response_id, "stand-in");
        let other = super::read(&http(), b"{\"ok\":true}", String::new).unwrap_err();
        assert_eq!((other.class, other.maybe_done), (ErrorClass::Malformed, true));
    }

    #[test]
    fn figures_are_summed_and_nonsense_is_unknown() {
        let usage = |usage: Value| read(&json!({"usage": usage})).unwrap().usage;
        for unknown in [
            Value::Null,
            json!({}),
            json!([]),
            json!({"input_tokens": 0, "output_tokens": 0}),
            json!({"input_tokens": 5, "output_tokens": 0}),
            json!({"input_tokens": 0, "output_tokens": 5}),
            json!({"input_tokens": 5}),
            json!({"output_tokens": 5}),
            json!({"input_tokens": u64::MAX, "cache_read_input_tokens": u64::MAX, "output_tokens": 5}),
        ] {
            assert_eq!(usage(unknown.clone()), None, "{unknown}");
        }
        let plain = usage(json!({"input_tokens": 5, "output_tokens": 7, "cache_creation_input_tokens": null,
            "cache_read_input_tokens": null, "cache_creation": null}));
        assert_eq!(plain, Some(Usage { input_tokens: 5, output_tokens: 7, ..Usage::default() }));
        let cached =
            usage(json!({"input_tokens": 0, "output_tokens": 7, "cache_read_input_tokens": 9})).unwrap();
        assert_eq!((cached.input_tokens, cached.cached_tokens), (9, 9));
        let short =
            usage(json!({"input_tokens": 1, "output_tokens": 7, "cache_creation_input_tokens": 9})).unwrap();
        assert_eq!((short.input_tokens, short.cache_write_tokens, short.cache_write_long_tokens), (10, 9, 0));
    }

    fn read_line(value: &Value) -> ParsedLine {
        line(&http(), 3, value.to_string().as_bytes())
    }

    #[test]
    fn result_lines_become_outcomes() {
        let of = |result: Value| {
            let line = read_line(&json!({"custom_id": "t-1", "result": result})).unwrap();
            assert_eq!(line.custom_id.0, "t-1");
            line.outcome
        };
        let Outcome::Answered(reply) = of(json!({"type": "succeeded", "message": message(&json!({}))}))
        else {
            panic!("not answered")
        };
        assert_eq!((reply.answer, reply.usage), (Answer::Json("{}".into()), Some(USAGE)));
        assert_eq!(of(json!({"type": "expired"})), Outcome::Expired);
        assert_eq!(of(json!({"type": "canceled"})), Outcome::Cancelled);
        let failed = |result: Value| match of(result) {
            Outcome::Failed(error) => error,
            other => panic!("{other:?}"),
        };
        for (kind, class) in [
            ("invalid_request_error", ErrorClass::Invalid),
            ("overloaded_error", ErrorClass::Provider),
            ("billing_error", ErrorClass::Quota),
            ("something_new", ErrorClass::Provider),
        ] {
            let error = failed(json!({"type": "errored", "error": {"type": "error",
                "error": {"type": kind, "message": "why"}, "request_id": "req_1"}}));
            assert_eq!((error.class, error.message.as_str(), error.maybe_done), (class, "why", false));
            assert_eq!((error.code.as_deref(), error.request_id.as_deref()), (Some(kind), Some("req_1")));
        }
        let bare = failed(json!({"type": "errored", "error": null}));
        assert_eq!(bare.message, "the provider gave no reason");
        let empty = failed(json!({"type": "succeeded"}));
        assert_eq!((empty.class, empty.maybe_done), (ErrorClass::Malformed, true), "may be billed");
    }

    #[test]
    fn an_unknown_result_is_an_error_of_its_line() {
        for (value, reason, id) in [
            (
                json!({"custom_id": "t-1", "result": {"type": "melted"}}),
                "with the unknown result type \"melted\"",
                Some("t-1"),
            ),
            (json!({"custom_id": "t-1", "result": {}}), "with the unknown result type \"none\"", Some("t-1")),
            (json!({"custom_id": "t-1"}), "without a result", Some("t-1")),
            (json!({"result": {"type": "expired"}}), "without a custom_id", None),
            (json!({"custom_id": "t-1", "result": 7}), "without a result", Some("t-1")),
        ] {
            let error = read_line(&value).unwrap_err();
            assert_eq!(error.reason, reason);
            assert_eq!((error.line, error.custom_id.map(|id| id.0).as_deref()), (3, id));
        }
    }
}
