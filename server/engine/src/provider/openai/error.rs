//! OpenAI's errors, by code, then type, then HTTP status.

use crate::provider::{
    ErrorClass,
    http::{Refusal, by_status},
    json::{self, WithMessage},
};
use serde::Deserialize;

/// The error object, in a reply's body, a result line, or a failed answer.
#[derive(Debug, Default, Deserialize)]
pub(super) struct ErrorObject {
    #[serde(default, deserialize_with = "json::text")]
    pub(super) message: Option<String>,
    #[serde(default, rename = "type", deserialize_with = "json::text")]
    pub(super) kind: Option<String>,
    #[serde(default, deserialize_with = "json::text")]
    pub(super) code: Option<String>,
}

impl ErrorObject {
    /// It says nothing; some servers put such an object where there is no error.
    pub(super) const fn is_empty(&self) -> bool {
        self.message.is_none() && self.kind.is_none() && self.code.is_none()
    }

    /// What kind of failure it is. `status` is that of HTTP, 0 where there was none.
    pub(super) fn refusal(self, status: u16) -> Refusal {
        let known = |word: &Option<String>| word.as_deref().and_then(by_word);
        let class = known(&self.code).or_else(|| known(&self.kind)).unwrap_or_else(|| by_status(status));
        Refusal {
            class,
            message: self.message,
            code: self.code.or(self.kind),
            request_id: None,
            retry_after: None,
        }
    }
}

/// The body of an error reply.
#[derive(Deserialize)]
struct ErrorBody {
    #[serde(default, deserialize_with = "json::error")]
    error: Option<ErrorObject>,
}

impl WithMessage for ErrorObject {
    fn with_message(message: String) -> Self {
        Self { message: Some(message), ..Self::default() }
    }
}

/// Reads an error body; `None` where it is not one of OpenAI's.
pub(super) fn refusal(status: u16, body: &[u8]) -> Option<Refusal> {
    let body: ErrorBody = serde_json::from_slice(body).ok()?;
    Some(body.error?.refusal(status))
}

/// Codes and types that say more than the status they come with.
fn by_word(word: &str) -> Option<ErrorClass> {
    Some(match word {
        "insufficient_quota" | "billing_hard_limit_reached" | "billing_not_active" => ErrorClass::Quota,
        "rate_limit_exceeded" | "rate_limit_error" => ErrorClass::RateLimit,
        "token_limit_exceeded" | "too_many_batches" => ErrorClass::QueueFull,
        "context_length_exceeded" | "string_above_max_length" | "request_too_large" => ErrorClass::TokenLimit,
        "invalid_api_key" | "account_deactivated" | "unsupported_country_region_territory" => ErrorClass::Key,
        "model_not_found" => ErrorClass::NotFound,
        "request_timeout" | "vector_store_timeout" => ErrorClass::TimeOut,
        "server_error" | "internal_error" | "engine_overloaded" | "slow_down" => ErrorClass::Provider,
        "invalid_prompt"
        | "data_residency_mismatch"
        | "bio_policy"
        | "misalignment_policy_violation"
        | "content_policy_violation"
        | "unsupported_parameter" => ErrorClass::Invalid,
        // A whole family of codes about images, of which Quire sends none.
        _ if word.contains("image") => ErrorClass::Invalid,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::provider::ErrorClass::{
        Connection, Invalid, Key, NotFound, Provider, QueueFull, Quota, RateLimit, TimeOut, TokenLimit,
    };
    use serde_json::json;

    #[test]
    fn each_documented_error_has_its_class() {
        let rows = [
            (400, "invalid_request_error", None, Invalid),
            (400, "invalid_request_error", Some("context_length_exceeded"), TokenLimit),
            (400, "invalid_request_error", Some("string_above_max_length"), TokenLimit),
            (400, "invalid_request_error", Some("unsupported_parameter"), Invalid),
            (400, "invalid_request_error", Some("model_not_found"), NotFound),
            (400, "invalid_request_error", Some("billing_hard_limit_reached"), Quota),
            (400, "invalid_request_error", Some("token_limit_exceeded"), QueueFull),
            (400, "invalid_request_error", Some("invalid_prompt"), Invalid),
            (401, "invalid_request_error", Some("invalid_api_key"), Key),
            (401, "invalid_request_error", None, Key),
            (403, "invalid_request_error", Some("unsupported_country_region_territory"), Key),
            (403, "", None, Key),
            (404, "invalid_request_error", Some("model_not_found"), NotFound),
            (404, "invalid_request_error", None, NotFound),
            (408, "", None, TimeOut),
            (409, "", None, Provider),
            (413, "", None, TokenLimit),
            (422, "", None, Invalid),
            (429, "requests", Some("rate_limit_exceeded"), RateLimit),
            (429, "tokens", Some("rate_limit_exceeded"), RateLimit),
            (429, "insufficient_quota", Some("insufficient_quota"), Quota),
            (429, "insufficient_quota", None, Quota),
            (429, "", Some("billing_not_active"), Quota),
            (429, "", Some("429"), RateLimit),
            (499, "", None, Connection),
            (500, "server_error", None, Provider),
            (500, "", None, Provider),
            (502, "", None, Provider),
            (503, "server_error", Some("slow_down"), Provider),
            (504, "", None, TimeOut),
            (0, "", Some("request_timeout"), TimeOut),
            (0, "", Some("something_new"), Provider),
        ];
        for (status, kind, code, class) in rows {
            let body = json!({"error": {"message": "why", "type": kind, "param": null, "code": code}});
            let got = refusal(status, &serde_json::to_vec(&body).unwrap()).unwrap();
            assert_eq!(got.class, class, "{status} {kind} {code:?}");
            assert_eq!(got.message.as_deref(), Some("why"));
        }
    }

    #[test]
    fn bent_error_bodies_are_read_as_far_as_they_go() {
        let got = refusal(429, br#"{"error":{"message":"m","code":429}}"#).unwrap();
        assert_eq!((got.class, got.code.as_deref()), (RateLimit, Some("429")));
        let got = refusal(500, br#"{"error":"it broke"}"#).unwrap();
        assert_eq!((got.class, got.message.as_deref()), (Provider, Some("it broke")));
        assert_eq!(refusal(500, b"<html>"), None);
        assert_eq!(refusal(500, b"{\"detail\":\"x\"}"), None);
    }
}
