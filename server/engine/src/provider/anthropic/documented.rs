//! Every error, failure and end that Anthropic documents, and what Quire takes it for.

#![allow(clippy::unwrap_used)]

use super::{DIALECT, error, reply};
use crate::provider::{
    Answer,
    ErrorClass::{self, Connection, Invalid, Key, NotFound, Provider, Quota, RateLimit, TimeOut, TokenLimit},
    Outcome,
    testing::{has_its_remedy, http},
};
use serde_json::{Value, json};

/// Status of HTTP, type and spend-limit code of an error reply.
const REPLIES: [(u16, &str, &str, ErrorClass); 22] = [
    (400, "invalid_request_error", "", Invalid),
    (401, "authentication_error", "", Key),
    (402, "billing_error", "", Quota),
    (403, "permission_error", "", Key),
    (404, "not_found_error", "", NotFound),
    (408, "timeout_error", "", TimeOut),
    (409, "conflict_error", "", Provider),
    (412, "memory_precondition_failed_error", "", Invalid),
    (409, "memory_path_conflict_error", "", Provider),
    (413, "request_too_large", "", TokenLimit),
    (422, "invalid_request_error", "", Invalid),
    (429, "rate_limit_error", "", RateLimit),
    (429, "rate_limit_error", "contract_spend_limit_reached", Quota),
    (429, "rate_limit_error", "enforced_spend_limit_reached", Quota),
    (429, "rate_limit_error", "ramp_limit_exceeded", RateLimit),
    (431, "invalid_request_error", "", Invalid),
    (499, "", "", Connection),
    (500, "api_error", "", Provider),
    (501, "", "", Provider),
    (503, "", "", Provider),
    (504, "timeout_error", "", TimeOut),
    (529, "overloaded_error", "", Provider),
];

/// Types of error in the results of a batch, where there is no status of HTTP.
const LINES: [(&str, ErrorClass); 11] = [
    ("invalid_request_error", Invalid),
    ("authentication_error", Key),
    ("billing_error", Quota),
    ("permission_error", Key),
    ("not_found_error", NotFound),
    ("rate_limit_error", RateLimit),
    ("timeout_error", TimeOut),
    ("api_error", Provider),
    ("overloaded_error", Provider),
    ("conflict_error", Provider),
    ("request_too_large", TokenLimit),
];

fn line(result: &Value) -> Outcome {
    let line = json!({"custom_id": "t-1", "result": result});
    reply::line(&http(&DIALECT), 1, line.to_string().as_bytes()).unwrap().outcome
}

#[test]
fn each_is_classed() {
    for (status, kind, code, class) in REPLIES {
        let mut body = json!({"type": "error", "error": {"type": kind, "message": "m"}, "request_id": null});
        if !code.is_empty() {
            body["error"]["details"] = json!({"error_code": code});
        }
        let got = error::refusal(status, body.to_string().as_bytes()).unwrap();
        assert_eq!(got.class, class, "{status} {kind} {code}");
        has_its_remedy(class);
    }
    for (kind, class) in LINES {
        let error = json!({"type": "error", "error": {"type": kind, "message": "m"}, "request_id": null});
        let Outcome::Failed(failed) = line(&json!({"type": "errored", "error": error})) else {
            panic!("{kind}")
        };
        assert_eq!(failed.class, class, "{kind}");
        has_its_remedy(class);
    }
    assert_eq!(line(&json!({"type": "canceled"})), Outcome::Cancelled);
    assert_eq!(line(&json!({"type": "expired"})), Outcome::Expired);
}

#[test]
fn each_end_of_an_answer_is_known() {
    let read = |reason: &str, details: Value| {
        let message = json!({"id": "m", "type": "message", "model": "m", "stop_reason": reason,
            "stop_details": details, "content": [{"type": "text", "text": "{}"}],
            "usage": {"input_tokens": 5, "output_tokens": 5}});
        match line(&json!({"type": "succeeded", "message": message})) {
            Outcome::Answered(reply) => reply.answer,
            other => panic!("{other:?}"),
        }
    };
    let instead = |reason| Answer::Malformed(format!("the model ended with {reason} instead of an answer"));
    for (reason, expected) in [
        ("end_turn", Answer::Json("{}".into())),
        ("stop_sequence", Answer::Json("{}".into())),
        ("max_tokens", Answer::Truncated),
        ("model_context_window_exceeded", Answer::Truncated),
        ("tool_use", instead("tool_use")),
        ("pause_turn", instead("pause_turn")),
    ] {
        assert_eq!(read(reason, Value::Null), expected, "{reason}");
    }
    for category in ["cyber", "bio", "frontier_llm", "reasoning_extraction", "general_harms"] {
        let details = json!({"type": "refusal", "category": category});
        assert!(matches!(read("refusal", details), Answer::Refused(_)), "{category}");
    }
}
