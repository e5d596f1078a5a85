//! Every error, failure and end that Gemini documents, and what Quire takes it for.

#![allow(clippy::unwrap_used)]

use super::{DIALECT, batch::Operation, error, reply};
use crate::provider::{
    Answer,
    ErrorClass::{
        self, Connection, Invalid, Key, NotFound, Provider, QueueFull, RateLimit, TimeOut, TokenLimit,
    },
    Outcome,
    testing::{has_its_remedy, http},
};
use serde_json::{Value, json};

/// Status of HTTP, the RPC's code and its name; what a reply, a result line and a failed batch with it are taken for.
/// A failed batch that says that resources are exhausted met the limit of what may wait in batches.
const STATUSES: [(u16, u64, &str, ErrorClass, ErrorClass); 16] = [
    (499, 1, "CANCELLED", Connection, Invalid),
    (500, 2, "UNKNOWN", Provider, Provider),
    (400, 3, "INVALID_ARGUMENT", Invalid, Invalid),
    (504, 4, "DEADLINE_EXCEEDED", TimeOut, TimeOut),
    (404, 5, "NOT_FOUND", NotFound, NotFound),
    (409, 6, "ALREADY_EXISTS", Provider, Provider),
    (403, 7, "PERMISSION_DENIED", Key, Key),
    (429, 8, "RESOURCE_EXHAUSTED", RateLimit, QueueFull),
    (400, 9, "FAILED_PRECONDITION", Invalid, Invalid),
    (409, 10, "ABORTED", Provider, Provider),
    (400, 11, "OUT_OF_RANGE", Invalid, Invalid),
    (501, 12, "UNIMPLEMENTED", Provider, Provider),
    (500, 13, "INTERNAL", Provider, Provider),
    (503, 14, "UNAVAILABLE", Provider, Provider),
    (500, 15, "DATA_LOSS", Provider, Provider),
    (401, 16, "UNAUTHENTICATED", Key, Key),
];

#[test]
fn each_is_classed() {
    let http = http(&DIALECT);
    for (status, code, name, class, whole) in STATUSES {
        let body = json!({"error": {"code": status, "message": "m", "status": name}});
        assert_eq!(error::refusal(status, body.to_string().as_bytes()).unwrap().class, class, "{name}");
        let line = json!({"key": "t-1", "error": {"code": code, "message": "m"}});
        match reply::line(&http, false, 1, line.to_string().as_bytes()).unwrap().outcome {
            Outcome::Cancelled => assert_eq!(name, "CANCELLED"),
            Outcome::Failed(error) => assert_eq!(error.class, class, "{name}"),
            other => panic!("{name}: {other:?}"),
        }
        let failed = json!({"name": "batches/b", "done": true, "error": {"code": code, "message": "m"},
            "metadata": {"state": "BATCH_STATE_FAILED"}});
        let failed: Operation = serde_json::from_value(failed).unwrap();
        assert_eq!(failed.remote(&http).unwrap().complaints[0].class(), whole, "{name}");
        has_its_remedy(class);
        has_its_remedy(whole);
    }
    for (status, class) in [(413, TokenLimit), (429, RateLimit), (502, Provider), (504, TimeOut)] {
        let body = json!({"error": {"code": status, "message": "m"}});
        assert_eq!(error::refusal(status, body.to_string().as_bytes()).unwrap().class, class, "{status}");
    }
}

#[test]
fn each_end_of_an_answer_is_known() {
    let http = http(&DIALECT);
    let read = |body: &Value| reply::read(&http, body.to_string().as_bytes(), String::new).unwrap().answer;
    let whole = ["FINISH_REASON_UNSPECIFIED", "STOP"];
    let filtered =
        ["SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY"];
    let malformed = [
        "OTHER",
        "MALFORMED_FUNCTION_CALL",
        "MALFORMED_RESPONSE",
        "UNEXPECTED_TOOL_CALL",
        "TOO_MANY_TOOL_CALLS",
        "MISSING_THOUGHT_SIGNATURE",
        "CONTINUATION",
    ];
    let ended = |reason: &str| {
        read(&json!({"candidates": [{"finishReason": reason, "content": {"parts": [{"text": "{}"}]}}]}))
    };
    for reason in whole {
        assert_eq!(ended(reason), Answer::Json("{}".into()), "{reason}");
    }
    assert_eq!(ended("MAX_TOKENS"), Answer::Truncated);
    for reason in filtered {
        assert_eq!(ended(reason), Answer::Filtered, "{reason}");
    }
    for reason in malformed {
        assert!(matches!(ended(reason), Answer::Malformed(_)), "{reason}");
    }
    for reason in ["SAFETY", "OTHER", "BLOCKLIST", "PROHIBITED_CONTENT", "IMAGE_SAFETY"] {
        assert_eq!(read(&json!({"promptFeedback": {"blockReason": reason}})), Answer::Filtered, "{reason}");
    }
}
