//! Every error, failure and end that OpenAI documents, and what Quire takes it for.

#![allow(clippy::unwrap_used)]

use super::{DIALECT, error, reply};
use crate::provider::{
    Answer, BatchComplaint,
    ErrorClass::{
        self, Connection, Invalid, Key, NotFound, Provider, QueueFull, Quota, RateLimit, TimeOut, TokenLimit,
    },
    Outcome,
    testing::{has_its_remedy, http},
};
use serde_json::{Value, json};

/// Status of HTTP, type and code of an error reply.
const REPLIES: [(u16, &str, &str, ErrorClass); 22] = [
    (400, "invalid_request_error", "", Invalid),
    (400, "invalid_request_error", "context_length_exceeded", TokenLimit),
    (400, "invalid_request_error", "unsupported_parameter", Invalid),
    (400, "invalid_request_error", "billing_hard_limit_reached", Quota),
    (401, "invalid_request_error", "invalid_api_key", Key),
    (401, "", "", Key),
    (403, "", "", Key),
    (403, "", "unsupported_country_region_territory", Key),
    (404, "invalid_request_error", "model_not_found", NotFound),
    (404, "invalid_request_error", "", NotFound),
    (408, "", "", TimeOut),
    (409, "", "", Provider),
    (413, "", "", TokenLimit),
    (422, "", "", Invalid),
    (429, "requests", "rate_limit_exceeded", RateLimit),
    (429, "tokens", "rate_limit_exceeded", RateLimit),
    (429, "insufficient_quota", "insufficient_quota", Quota),
    (429, "", "", RateLimit),
    (499, "", "", Connection),
    (500, "server_error", "", Provider),
    (503, "server_error", "", Provider),
    (504, "", "", TimeOut),
];

/// Codes for which a whole batch fails.
const BATCHES: [(&str, ErrorClass); 12] = [
    ("invalid_json_line", Invalid),
    ("duplicate_custom_id", Invalid),
    ("url_mismatch", Invalid),
    ("model_mismatch", Invalid),
    ("empty_file", Invalid),
    ("missing_required_parameter", Invalid),
    ("invalid_method", Invalid),
    ("invalid_url", Invalid),
    ("too_many_tasks", TokenLimit),
    ("token_limit_exceeded", QueueFull),
    ("model_not_found", NotFound),
    // LiteLLM's, after a restart.
    ("runner_lost", Provider),
];

/// Codes of a failed response.
const RESPONSES: [(&str, ErrorClass); 13] = [
    ("server_error", Provider),
    ("rate_limit_exceeded", RateLimit),
    ("invalid_prompt", Invalid),
    ("data_residency_mismatch", Invalid),
    ("bio_policy", Invalid),
    ("misalignment_policy_violation", Invalid),
    ("vector_store_timeout", TimeOut),
    ("invalid_image", Invalid),
    ("invalid_image_url", Invalid),
    ("image_too_large", Invalid),
    ("image_content_policy_violation", Invalid),
    ("failed_to_download_image", Invalid),
    ("image_file_not_found", Invalid),
];

#[test]
fn each_is_classed() {
    for (status, kind, code, class) in REPLIES {
        let given = |text: &str| if text.is_empty() { Value::Null } else { json!(text) };
        let body =
            json!({"error": {"message": "m", "type": given(kind), "param": null, "code": given(code)}});
        let got = error::refusal(status, body.to_string().as_bytes()).unwrap();
        assert_eq!(got.class, class, "{status} {kind} {code}");
        has_its_remedy(class);
    }
    for (code, class) in BATCHES {
        let complaint = BatchComplaint { code: code.into(), message: String::new(), line: None };
        assert_eq!(complaint.class(), class, "{code}");
        has_its_remedy(class);
    }
    for (code, class) in RESPONSES {
        let body =
            json!({"id": "r", "status": "failed", "error": {"code": code, "message": "m"}, "output": []});
        let error = reply::read(&http(&DIALECT), body.to_string().as_bytes(), String::new).unwrap_err();
        assert_eq!(error.class, class, "{code}");
        has_its_remedy(class);
    }
    let line = |code: &str| {
        let line =
            json!({"id": "l", "custom_id": "t-1", "response": null, "error": {"code": code, "message": "m"}});
        reply::line(&http(&DIALECT), 1, line.to_string().as_bytes()).unwrap().outcome
    };
    assert_eq!(line("batch_expired"), Outcome::Expired);
    assert_eq!(line("batch_cancelled"), Outcome::Cancelled);
    assert!(matches!(line("request_timeout"), Outcome::Failed(error) if error.class == TimeOut));
}

#[test]
fn each_end_of_an_answer_is_known() {
    let read =
        |body: Value| reply::read(&http(&DIALECT), body.to_string().as_bytes(), String::new).unwrap().answer;
    for (reason, message, expected) in [
        ("stop", json!({"content": "{}"}), Answer::Json("{}".into())),
        ("stop", json!({"content": null, "refusal": "No."}), Answer::Refused("No.".into())),
        ("length", json!({"content": "{"}), Answer::Truncated),
        ("content_filter", json!({"content": null}), Answer::Filtered),
        (
            "tool_calls",
            json!({}),
            Answer::Malformed("the model ended with tool_calls instead of an answer".into()),
        ),
        (
            "function_call",
            json!({}),
            Answer::Malformed("the model ended with function_call instead of an answer".into()),
        ),
    ] {
        let got = read(json!({"choices": [{"finish_reason": reason, "message": message}]}));
        assert_eq!(got, expected, "{reason}");
    }
    for (reason, truncated, filtered) in [
        ("max_output_tokens", true, false),
        ("content_filter", false, true),
        ("max_messages", false, false),
        ("steered", false, false),
    ] {
        let got =
            read(json!({"status": "incomplete", "incomplete_details": {"reason": reason}, "output": []}));
        assert_eq!((got == Answer::Truncated, got == Answer::Filtered), (truncated, filtered), "{reason}");
        assert!(!matches!(got, Answer::Json(_)), "{reason}");
    }
    for status in ["in_progress", "queued"] {
        assert!(matches!(read(json!({"status": status, "output": []})), Answer::Malformed(_)), "{status}");
    }
}
