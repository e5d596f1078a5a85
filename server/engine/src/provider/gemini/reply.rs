//! Gemini's answers and the lines of result files.

use super::{check, error::Status};
use crate::provider::{
    Answer, CallError, CustomId, ErrorClass, LineError, Outcome, ParsedLine, Reply, ResultLine, Usage,
    http::Http, json,
};
use serde::Deserialize;

/// The member that names a result line's request.
const KEY: &str = "key";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Generated {
    #[serde(default, deserialize_with = "json::text")]
    response_id: Option<String>,
    #[serde(default, deserialize_with = "json::text")]
    model_version: Option<String>,
    #[serde(default, deserialize_with = "json::list")]
    candidates: Option<Vec<Candidate>>,
    #[serde(default, deserialize_with = "json::object")]
    prompt_feedback: Option<Feedback>,
    #[serde(default, deserialize_with = "json::object")]
    usage_metadata: Option<UsageWire>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Candidate {
    #[serde(default, deserialize_with = "json::text")]
    finish_reason: Option<String>,
    #[serde(default, deserialize_with = "json::object")]
    content: Option<Content>,
}

#[derive(Deserialize)]
struct Content {
    #[serde(default, deserialize_with = "json::list")]
    parts: Option<Vec<Part>>,
}

#[derive(Deserialize)]
struct Part {
    #[serde(default, deserialize_with = "json::text")]
    text: Option<String>,
    /// It is the model's thinking, not its answer.
    #[serde(default, deserialize_with = "json::flag")]
    thought: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Feedback {
    #[serde(default, deserialize_with = "json::text")]
    block_reason: Option<String>,
}

/// Counts of zero are left out on the wire.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UsageWire {
    #[serde(default, deserialize_with = "json::count")]
    prompt_token_count: Option<u64>,
    #[serde(default, deserialize_with = "json::count")]
    cached_content_token_count: Option<u64>,
    #[serde(default, deserialize_with = "json::count")]
    candidates_token_count: Option<u64>,
    #[serde(default, deserialize_with = "json::count")]
    thoughts_token_count: Option<u64>,
    #[serde(default, deserialize_with = "json::count")]
    tool_use_prompt_token_count: Option<u64>,
    #[serde(default, deserialize_with = "json::count")]
    total_token_count: Option<u64>,
}

impl UsageWire {
    /// Quire's figures, where they make sense: no prompt has 0 tokens, no text either. The prompt's count holds the
    /// cached ones; thoughts come on top of the candidates. What the total has beyond the parts was written as well.
    fn usage(&self, answer: &Answer) -> Option<Usage> {
        let prompt = self.prompt_token_count.filter(|&n| n > 0)?;
        let input_tokens = prompt.checked_add(self.tool_use_prompt_token_count.unwrap_or(0))?;
        let given = [self.candidates_token_count, self.thoughts_token_count, self.total_token_count];
        if given.iter().all(Option::is_none) {
            return None;
        }
        let reasoning = self.thoughts_token_count.unwrap_or(0);
        let parts = self.candidates_token_count.unwrap_or(0).checked_add(reasoning)?;
        let by_total = self.total_token_count.unwrap_or(0).saturating_sub(input_tokens);
        let output_tokens = parts.max(by_total);
        if output_tokens == 0 && matches!(answer, Answer::Json(_)) {
            return None;
        }
        Some(Usage {
            input_tokens,
            cached_tokens: self.cached_content_token_count.unwrap_or(0).min(prompt),
            cache_write_tokens: 0,
            cache_write_long_tokens: 0,
            output_tokens,
            reasoning_tokens: reasoning,
        })
    }
}

/// Reads the body of a real-time answer. `stand_in` is its id where the body has none.
///
/// # Errors
/// Where the body is not an answer.
pub(super) fn read(http: &Http, body: &[u8], stand_in: impl FnOnce() -> String) -> Result<Reply, CallError> {
    answer(http, http.decode(body).map_err(CallError::maybe_done)?, stand_in)
}

fn answer(http: &Http, body: Generated, stand_in: impl FnOnce() -> String) -> Result<Reply, CallError> {
    if body.candidates.is_none() && body.prompt_feedback.is_none() && body.usage_metadata.is_none() {
        let message = "the reply holds neither candidates nor a reason for none";
        return Err(CallError::new(ErrorClass::Malformed, message).maybe_done());
    }
    let candidate = body.candidates.into_iter().flatten().next();
    let answer = match candidate {
        Some(candidate) => said(http, candidate),
        None => match body.prompt_feedback.and_then(|f| f.block_reason) {
            Some(_) => Answer::Filtered,
            None => Answer::Malformed("the reply has no candidate".into()),
        },
    };
    let usage = body.usage_metadata.and_then(|usage| usage.usage(&answer));
    Ok(Reply {
        response_id: body.response_id.unwrap_or_else(stand_in),
        model: body.model_version.unwrap_or_default(),
        answer,
        usage,
    })
}

fn said(http: &Http, candidate: Candidate) -> Answer {
    let parts = candidate.content.and_then(|content| content.parts).unwrap_or_default();
    let text: String =
        parts.into_iter().filter(|part| part.thought != Some(true)).filter_map(|part| part.text).collect();
    match candidate.finish_reason.as_deref() {
        Some("MAX_TOKENS") => Answer::Truncated,
        Some(
            "SAFETY"
            | "RECITATION"
            | "LANGUAGE"
            | "BLOCKLIST"
            | "PROHIBITED_CONTENT"
            | "SPII"
            | "IMAGE_SAFETY"
            | "IMAGE_PROHIBITED_CONTENT"
            | "IMAGE_RECITATION"
            | "IMAGE_OTHER"
            | "NO_IMAGE",
        ) => Answer::Filtered,
        Some(
            reason @ ("OTHER"
            | "MALFORMED_FUNCTION_CALL"
            | "MALFORMED_RESPONSE"
            | "UNEXPECTED_TOOL_CALL"
            | "TOO_MANY_TOOL_CALLS"
            | "MISSING_THOUGHT_SIGNATURE"
            | "CONTINUATION"),
        ) => Answer::Malformed(format!("the model ended with {} instead of an answer", http.clean(reason))),
        // STOP, or a reason that is not known yet: whether the text is whole shows when it is checked.
        _ if text.is_empty() => Answer::Malformed("the candidate has no text".into()),
        _ => Answer::Json(text),
    }
}

/// One line of a result file. The key stands on the line, or in the metadata of the request.
#[derive(Deserialize)]
struct Line {
    #[serde(default, deserialize_with = "json::text")]
    key: Option<String>,
    #[serde(default, deserialize_with = "json::object")]
    metadata: Option<Metadata>,
    #[serde(default, deserialize_with = "json::object")]
    response: Option<Generated>,
    #[serde(default, alias = "status", deserialize_with = "json::error")]
    error: Option<Status>,
}

#[derive(Deserialize)]
struct Metadata {
    #[serde(default, deserialize_with = "json::text")]
    key: Option<String>,
}

/// Reads one line of a result file. `expired` says that the whole batch has expired.
pub(super) fn line(http: &Http, expired: bool, number: u64, bytes: &[u8]) -> ParsedLine {
    let line: Line = serde_json::from_slice(bytes).map_err(|e| json::unreadable(number, bytes, &e, KEY))?;
    let Some(custom_id) = line.key.or_else(|| line.metadata?.key).map(CustomId) else {
        return Err(LineError { line: number, reason: "without a key".into(), custom_id: None });
    };
    let outcome = match (line.error.filter(|e| !e.is_empty()), line.response) {
        (Some(error), response) => failed(http, error, response.is_some(), expired),
        (None, Some(response)) => match answer(http, response, || custom_id.0.clone()) {
            Ok(reply) => Outcome::Answered(checked(reply, &custom_id)),
            Err(error) => Outcome::Failed(error),
        },
        (None, None) => {
            let reason = "neither a response nor an error".into();
            return Err(LineError { line: number, reason, custom_id: Some(custom_id) });
        }
    };
    Ok(ResultLine { custom_id, outcome })
}

/// The reply, if its answer carries the check value of this request.
fn checked(reply: Reply, custom_id: &CustomId) -> Reply {
    let answer = match reply.answer {
        Answer::Json(text) => match check::taken_off(&text, custom_id) {
            Ok(text) => Answer::Json(text),
            Err(why) => Answer::Malformed(why.into()),
        },
        other => other,
    };
    Reply { answer, ..reply }
}

fn failed(http: &Http, error: Status, answered: bool, expired: bool) -> Outcome {
    match error.name() {
        Some("CANCELLED") if !answered => return Outcome::Cancelled,
        Some("DEADLINE_EXCEEDED") if !answered && expired => return Outcome::Expired,
        _ => {}
    }
    let refusal = error.refusal(0);
    let message = refusal.message.map_or_else(|| "the provider gave no reason".into(), |m| http.clean(&m));
    Outcome::Failed(CallError {
        code: refusal.code,
        maybe_done: answered,
        ..CallError::new(refusal.class, message)
    })
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

    fn read(body: &Value) -> Result<Reply, CallError> {
        super::read(&http(), body.to_string().as_bytes(), || "stand-in".into())
    }

    fn body(reason: &str, parts: &Value) -> Value {
        json!({"candidates": [{"index": 0, "finishReason": reason, "content": {"role": "model", "parts": parts}}],
            "usageMetadata": {"promptTokenCount": 1600, "cachedContentTokenCount": 1024,
                "candidatesTokenCount": 300, "thoughtsTokenCount": 100, "totalTokenCount": 2000},
            "modelVersion": "gemini-3.5-flash-lite", "responseId": "r1"})
    }

    const USAGE: Usage = Usage {
        input_tokens: 1600,
        cached_tokens: 1024,
        cache_write_tokens: 0,
        cache_write_long_tokens: 0,
        output_tokens: 400,
        reasoning_tokens: 100,
    };

    #[test]
    fn each_documented_reason_to_finish_has_its_answer() {
        let text = json!([{"text": "thinking", "thought": true}, {"text": "{\"a\":"}, {"text": "1}"}]);
        let whole = Answer::Json("{\"a\":1}".into());
        let instead =
            |reason| Answer::Malformed(format!("the model ended with {reason} instead of an answer"));
        let mut rows = vec![
            ("STOP", whole.clone()),
            ("FINISH_REASON_UNSPECIFIED", whole.clone()),
            ("SOMETHING_NEW", whole),
            ("MAX_TOKENS", Answer::Truncated),
        ];
        for filtered in [
            "SAFETY",
            "RECITATION",
            "LANGUAGE",
            "BLOCKLIST",
            "PROHIBITED_CONTENT",
            "SPII",
            "IMAGE_SAFETY",
            "IMAGE_PROHIBITED_CONTENT",
            "IMAGE_RECITATION",
            "IMAGE_OTHER",
            "NO_IMAGE",
        ] {
            rows.push((filtered, Answer::Filtered));
        }
        for other in [
            "OTHER",
            "MALFORMED_FUNCTION_CALL",
            "MALFORMED_RESPONSE",
            "UNEXPECTED_TOOL_CALL",
            "TOO_MANY_TOOL_CALLS",
            "MISSING_THOUGHT_SIGNATURE",
            "CONTINUATION",
        ] {
            rows.push((other, instead(other)));
        }
        for (reason, expected) in rows {
            let reply = read(&body(reason, &text)).unwrap();
            assert_eq!(reply.answer, expected, "{reason}");
            assert_eq!((reply.response_id.as_str(), reply.model.as_str()), ("r1", "gemini-3.5-flash-lite"));
            assert_eq!(reply.usage, Some(USAGE), "billed whatever it holds");
        }
        let empty = read(&body("STOP", &json!([{"text": "hm", "thought": true}]))).unwrap();
        assert_eq!(empty.answer, Answer::Malformed("the candidate has no text".into()));
    }

    #[test]
    fn replies_without_a_candidate_say_why() {
        let usage = json!({"promptTokenCount": 50, "totalTokenCount": 50});
        for (reason, expected) in [
            (json!({"blockReason": "SAFETY"}), Answer::Filtered),
            (json!({"blockReason": "PROHIBITED_CONTENT"}), Answer::Filtered),
            (json!({}), Answer::Malformed("the reply has no candidate".into())),
        ] {
            let reply = read(&json!({"promptFeedback": reason, "usageMetadata": usage})).unwrap();
            assert_eq!(reply.answer, expected, "{reason}");
            assert_eq!(reply.response_id, "stand-in");
            assert_eq!(reply.usage.unwrap().output_tokens, 0);
        }
        for nothing in [json!({}), json!({"candidates": 7}), json!([1])] {
            let error = read(&nothing).unwrap_err();
            assert_eq!((error.class, error.maybe_done), (ErrorClass::Malformed, true), "{nothing}");
        }
    }

    #[test]
    fn figures_are_summed_and_nonsense_is_unknown() {
        let usage = |usage: Value| {
            let mut body = body("STOP", &json!([{"text": "{}"}]));
            body["usageMetadata"] = usage;
            read(&body).unwrap().usage
        };
        for unknown in [
            Value::Null,
            json!({}),
            json!("many"),
            json!({"promptTokenCount": 0, "candidatesTokenCount": 5}),
            json!({"promptTokenCount": 5}),
            json!({"promptTokenCount": 5, "totalTokenCount": 5}),
            json!({"promptTokenCount": 5, "candidatesTokenCount": 0}),
            json!({"promptTokenCount": -5, "candidatesTokenCount": 5}),
            json!({"candidatesTokenCount": 5, "totalTokenCount": 5}),
            json!({"promptTokenCount": u64::MAX, "toolUsePromptTokenCount": 1, "candidatesTokenCount": 5}),
        ] {
            assert_eq!(usage(unknown.clone()), None, "{unknown}");
        }
        let plain = usage(json!({"promptTokenCount": 5, "candidatesTokenCount": 7})).unwrap();
        assert_eq!(plain, Usage { input_tokens: 5, output_tokens: 7, ..Usage::default() });
        let tools =
            usage(json!({"promptTokenCount": 5, "toolUsePromptTokenCount": 3, "candidatesTokenCount": 7,
            "totalTokenCount": 15}));
        assert_eq!(tools.unwrap().input_tokens, 8);
        let hidden = usage(json!({"promptTokenCount": 5, "candidatesTokenCount": 7, "totalTokenCount": 20}));
        assert_eq!(hidden.unwrap().output_tokens, 15, "what the total has beyond the parts is not free");
        let odd =
            usage(json!({"promptTokenCount": 5, "cachedContentTokenCount": 9, "candidatesTokenCount": 7}));
        assert_eq!(odd.unwrap().cached_tokens, 5, "no more cached than read");
        // All of the limit went into thinking.
        let mut thought = body("MAX_TOKENS", &json!([]));
        thought["usageMetadata"] =
            json!({"promptTokenCount": 5, "thoughtsTokenCount": 400, "totalTokenCount": 405});
        let usage = read(&thought).unwrap().usage.unwrap();
        assert_eq!((usage.output_tokens, usage.reasoning_tokens), (400, 400));
    }

    fn read_line(text: &str) -> ParsedLine {
        line(&http(), false, 7, text.as_bytes())
    }

    #[test]
    fn result_lines_become_outcomes() {
        let of = |rest: Value| {
            let mut value = json!({"key": "t-1"});
            value.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
            let line = read_line(&value.to_string()).unwrap();
            assert_eq!(line.custom_id.0, "t-1");
            line.outcome
        };
        let answered = |text: &str| match of(json!({"response": body("STOP", &json!([{"text": text}]))})) {
            Outcome::Answered(reply) => reply,
            other => panic!("{other:?}"),
        };
        let reply = answered(r#"{"check":"t-1","a":1}"#);
        assert_eq!((reply.answer, reply.usage), (Answer::Json("{\"a\":1}".into()), Some(USAGE)));
        let stranger = answered(r#"{"check":"t-2","a":1}"#);
        assert_eq!(
            stranger.answer,
            Answer::Malformed("the answer carries the check value of another request".into())
        );
        assert_eq!(stranger.usage, Some(USAGE), "it is paid for all the same");
        assert!(matches!(answered("{\"a\":1}").answer, Answer::Malformed(_)));

        assert_eq!(of(json!({"error": {"code": 1, "message": "m"}})), Outcome::Cancelled);
        let late = line(&http(), true, 7, br#"{"key":"t-1","error":{"code":4,"message":"m"}}"#).unwrap();
        assert_eq!(late.outcome, Outcome::Expired, "the whole batch ran out of time, not this request alone");
        let failed = |rest: Value| match of(rest) {
            Outcome::Failed(error) => error,
            other => panic!("{other:?}"),
        };
        for (error, class) in [
            (json!({"code": 4, "message": "why"}), ErrorClass::TimeOut),
            (json!({"code": 8, "message": "why"}), ErrorClass::RateLimit),
            (json!({"code": 13, "message": "why"}), ErrorClass::Provider),
            (json!({"code": 429, "message": "why", "status": "RESOURCE_EXHAUSTED"}), ErrorClass::RateLimit),
            (json!("why"), ErrorClass::Provider),
        ] {
            for name in ["error", "status"] {
                let got = failed(json!({name: error}));
                assert_eq!(
                    (got.class, got.message.as_str(), got.maybe_done),
                    (class, "why", false),
                    "{error}"
                );
            }
        }
        let both = failed(json!({"response": body("STOP", &json!([])), "error": {"code": 13}}));
        assert!(both.maybe_done, "may be billed");
        let empty = failed(json!({"response": {}}));
        assert_eq!((empty.class, empty.maybe_done), (ErrorClass::Malformed, true));
    }

    #[test]
    fn the_key_may_stand_in_the_metadata() {
        let line = read_line(r#"{"metadata":{"key":"t-9"},"error":{"code":13}}"#).unwrap();
        assert_eq!(line.custom_id.0, "t-9");
    }

    #[test]
    fn lines_that_can_not_be_read_say_why_without_quoting() {
        let essay = "the student's own words";
        for (text, reason, id) in [
            (r#"{"key":"t-1"}"#.to_owned(), "neither a response nor an error", Some("t-1")),
            (r#"{"response":{}}"#.to_owned(), "without a key", None),
            (format!(r#"{{"key":"t-1","response":"{essay}"}}"#), "neither a response", Some("t-1")),
            (format!(r#"{{"key":"t-1","response":{{"candidates":"{essay}"#), "cut off", Some("t-1")),
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
}
