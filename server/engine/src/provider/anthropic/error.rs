//! Anthropic's errors, by spend-limit code, then type, then HTTP status.

use crate::provider::{
    ErrorClass,
    http::{Refusal, by_status},
    json::{self, WithMessage},
};
use serde::Deserialize;

/// The body of an error reply, and the error inside an `errored` result.
#[derive(Debug, Deserialize)]
pub(super) struct ErrorBody {
    #[serde(default, deserialize_with = "json::error")]
    error: Option<ErrorObject>,
    #[serde(default, deserialize_with = "json::object")]
    details: Option<Details>,
    #[serde(default, deserialize_with = "json::text")]
    request_id: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct ErrorObject {
    #[serde(default, rename = "type", deserialize_with = "json::text")]
    kind: Option<String>,
    #[serde(default, deserialize_with = "json::text")]
    message: Option<String>,
    #[serde(default, deserialize_with = "json::object")]
    details: Option<Details>,
}

#[derive(Debug, Deserialize)]
struct Details {
    #[serde(default, deserialize_with = "json::text")]
    error_code: Option<String>,
}

impl WithMessage for ErrorObject {
    fn with_message(message: String) -> Self {
        Self { message: Some(message), ..Self::default() }
    }
}

impl ErrorBody {
    /// What kind of failure it is. `status` is that of HTTP, 0 where there was none.
    pub(super) fn refusal(self, status: u16) -> Refusal {
        let error = self.error.unwrap_or_default();
        let code = error.details.or(self.details).and_then(|d| d.error_code);
        let kind = error.kind;
        let class = code
            .as_deref()
            .and_then(by_code)
            .or_else(|| by_words(kind.as_deref()?, error.message.as_deref()?))
            .or_else(|| by_type(kind.as_deref()?, status))
            .unwrap_or_else(|| by_status(status));
        let request_id = self.request_id;
        Refusal { class, message: error.message, code: code.or(kind), request_id, retry_after: None }
    }
}

/// Reads an error body; `None` where it is not one of Anthropic's.
pub(super) fn refusal(status: u16, body: &[u8]) -> Option<Refusal> {
    let body: ErrorBody = serde_json::from_slice(body).ok()?;
    body.error.is_some().then(|| body.refusal(status))
}

/// Codes in the details of a 429: limits of spending, which no waiting lifts, and of a steep rise, which waiting does.
fn by_code(code: &str) -> Option<ErrorClass> {
    Some(match code {
        "contract_spend_limit_reached" | "enforced_spend_limit_reached" => ErrorClass::Quota,
        "ramp_limit_exceeded" => ErrorClass::RateLimit,
        _ => return None,
    })
}

fn by_type(kind: &str, status: u16) -> Option<ErrorClass> {
    Some(match kind {
        // The most general type; a status, where there is one, says as much or more.
        "invalid_request_error" if status < 400 => ErrorClass::Invalid,
        "authentication_error" | "permission_error" => ErrorClass::Key,
        "billing_error" => ErrorClass::Quota,
        "not_found_error" => ErrorClass::NotFound,
        "request_too_large" => ErrorClass::TokenLimit,
        "rate_limit_error" => ErrorClass::RateLimit,
        "timeout_error" => ErrorClass::TimeOut,
        "api_error" | "overloaded_error" | "conflict_error" => ErrorClass::Provider,
        _ => return None,
    })
}

/// Refusals that come as plain `invalid_request_error`, known by their words alone. Should the words change, the
/// request counts as invalid, as before.
fn by_words(kind: &str, message: &str) -> Option<ErrorClass> {
    if kind != "invalid_request_error" {
        return None;
    }
    let message = message.to_ascii_lowercase();
    let says = |words: &str| message.contains(words);
    let too_many = message.starts_with("requests:") && says("should have at most");
    if too_many || says("prompt is too long") || says("exceed context limit") || says("context window") {
        return Some(ErrorClass::TokenLimit);
    }
    says("credit balance is too low").then_some(ErrorClass::Quota)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::provider::ErrorClass::{
        Connection, Invalid, Key, NotFound, Provider, Quota, RateLimit, TimeOut, TokenLimit,
    };
    use serde_json::json;

    #[test]
    fn each_documented_error_has_its_class() {
        let rows = [
            (400, "invalid_request_error", "max_tokens: must be at least 1", None, Invalid),
            (400, "invalid_request_error", "prompt is too long: 1000001 tokens", None, TokenLimit),
            (
                400,
                "invalid_request_error",
                "requests: List should have at most 100000 items",
                None,
                TokenLimit,
            ),
            (400, "invalid_request_error", "messages: List should have at most 100000 items", None, Invalid),
            (400, "invalid_request_error", "Your credit balance is too low", None, Quota),
            (401, "authentication_error", "", None, Key),
            (402, "billing_error", "", None, Quota),
            (403, "permission_error", "", None, Key),
            (404, "not_found_error", "", None, NotFound),
            (408, "timeout_error", "", None, TimeOut),
            (409, "conflict_error", "", None, Provider),
            (412, "new_error", "", None, Invalid),
            (413, "request_too_large", "", None, TokenLimit),
            (413, "invalid_request_error", "", None, TokenLimit),
            (413, "new_error", "", None, TokenLimit),
            (422, "invalid_request_error", "", None, Invalid),
            (429, "rate_limit_error", "", None, RateLimit),
            (429, "rate_limit_error", "", Some("contract_spend_limit_reached"), Quota),
            (429, "rate_limit_error", "", Some("enforced_spend_limit_reached"), Quota),
            (429, "rate_limit_error", "", Some("ramp_limit_exceeded"), RateLimit),
            (429, "rate_limit_error", "", Some("something_new"), RateLimit),
            (429, "new_error", "", None, RateLimit),
            (431, "new_error", "", None, Invalid),
            (499, "new_error", "", None, Connection),
            (500, "api_error", "", None, Provider),
            (501, "new_error", "", None, Provider),
            (503, "new_error", "", None, Provider),
            (504, "timeout_error", "", None, TimeOut),
            (504, "new_error", "", None, TimeOut),
            (529, "overloaded_error", "", None, Provider),
            (529, "new_error", "", None, Provider),
            (0, "overloaded_error", "", None, Provider),
            (0, "invalid_request_error", "", None, Invalid),
        ];
        for (status, kind, message, code, class) in rows {
            let mut body =
                json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"});
            if let Some(code) = code {
                body["error"]["details"] = json!({"error_code": code});
            }
            let got = refusal(status, &serde_json::to_vec(&body).unwrap()).unwrap();
            assert_eq!(got.class, class, "{status} {kind} {message} {code:?}");
            assert_eq!(got.code.as_deref(), Some(code.unwrap_or(kind)));
            assert_eq!(got.request_id.as_deref(), Some("req_1"));
        }
    }

    #[test]
    fn the_code_may_stand_beside_the_error() {
        let body = br#"{"type":"error","error":{"type":"rate_limit_error","message":"m"},
            "details":{"error_code":"enforced_spend_limit_reached"},"request_id":null}"#;
        assert_eq!(refusal(429, body).unwrap().class, Quota);
        assert_eq!(refusal(429, b"overloaded"), None);
        assert_eq!(refusal(429, b"{\"detail\":\"x\"}"), None);
    }
}
