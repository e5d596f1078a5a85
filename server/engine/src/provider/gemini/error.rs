//! Gemini's errors: a status of Google's RPCs with details, in a reply's body, an operation or a result line. Classed by
//! the reason in the details, then the quota, then the words, then the status, then HTTP.

use crate::provider::{
    ErrorClass,
    headers::duration,
    http::{Refusal, by_status},
    json::{self, WithMessage},
};
use serde::Deserialize;
use std::time::Duration;

/// The status object. In replies its code is that of HTTP, in result lines and operations that of the RPC.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Status {
    #[serde(default, deserialize_with = "json::count")]
    code: Option<u64>,
    #[serde(default, deserialize_with = "json::text")]
    message: Option<String>,
    #[serde(default, deserialize_with = "json::text")]
    status: Option<String>,
    #[serde(default, deserialize_with = "json::list")]
    details: Option<Vec<Detail>>,
}

/// What stands in the details of some kinds of error.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Detail {
    /// Of an `ErrorInfo`.
    #[serde(default, deserialize_with = "json::text")]
    reason: Option<String>,
    /// Of a `RetryInfo`.
    #[serde(default, deserialize_with = "json::text")]
    retry_delay: Option<String>,
    /// Of a `QuotaFailure`.
    #[serde(default, deserialize_with = "json::list")]
    violations: Option<Vec<Violation>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Violation {
    #[serde(default, deserialize_with = "json::text")]
    quota_id: Option<String>,
    #[serde(default, deserialize_with = "json::text")]
    quota_metric: Option<String>,
}

impl WithMessage for Status {
    fn with_message(message: String) -> Self {
        Self { message: Some(message), ..Self::default() }
    }
}

/// The body of an error reply.
#[derive(Deserialize)]
struct ErrorBody {
    #[serde(default, deserialize_with = "json::error")]
    error: Option<Status>,
}

/// Reads an error body; `None` where it is not one of Gemini's.
pub(super) fn refusal(status: u16, body: &[u8]) -> Option<Refusal> {
    // Some addresses answer with a list of one error.
    let body: ErrorBody = if body.trim_ascii_start().starts_with(b"[") {
        serde_json::from_slice::<Vec<ErrorBody>>(body).ok()?.into_iter().next()?
    } else {
        serde_json::from_slice(body).ok()?
    };
    Some(body.error?.refusal(status))
}

impl Status {
    /// It says nothing.
    pub(super) const fn is_empty(&self) -> bool {
        self.code.is_none() && self.message.is_none() && self.status.is_none()
    }

    /// The name of its status, such as `RESOURCE_EXHAUSTED`.
    pub(super) fn name(&self) -> Option<&str> {
        self.status.as_deref().or_else(|| self.code.and_then(by_code))
    }

    /// Its words.
    pub(super) fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }

    /// What kind of failure it is. `http` is the status of HTTP, 0 where there was none.
    pub(super) fn refusal(self, http: u16) -> Refusal {
        let details = self.details.as_deref().unwrap_or_default();
        let reason = details.iter().find_map(|d| d.reason.clone());
        let name = self.name().map(str::to_owned);
        let http = if http == 0 {
            self.code.and_then(|c| u16::try_from(c).ok()).filter(|c| *c >= 100).unwrap_or(0)
        } else {
            http
        };
        let class = reason
            .as_deref()
            .and_then(by_reason)
            .or_else(|| by_quota(name.as_deref()?, details))
            .or_else(|| by_words(name.as_deref()?, self.message.as_deref()?))
            .or_else(|| by_name(name.as_deref()?))
            .unwrap_or_else(|| by_status(http));
        let retry_after = details.iter().find_map(|d| duration(d.retry_delay.as_deref()?)).map(at_most_a_day);
        Refusal { class, message: self.message, code: reason.or(name), request_id: None, retry_after }
    }
}

fn at_most_a_day(wait: Duration) -> Duration {
    wait.min(Duration::from_secs(24 * 60 * 60))
}

/// The names of the RPC's codes.
fn by_code(code: u64) -> Option<&'static str> {
    const NAMES: [&str; 16] = [
        "CANCELLED",
        "UNKNOWN",
        "INVALID_ARGUMENT",
        "DEADLINE_EXCEEDED",
        "NOT_FOUND",
        "ALREADY_EXISTS",
        "PERMISSION_DENIED",
        "RESOURCE_EXHAUSTED",
        "FAILED_PRECONDITION",
        "ABORTED",
        "OUT_OF_RANGE",
        "UNIMPLEMENTED",
        "INTERNAL",
        "UNAVAILABLE",
        "DATA_LOSS",
        "UNAUTHENTICATED",
    ];
    let at = usize::try_from(code).ok()?.checked_sub(1)?;
    NAMES.get(at).copied()
}

/// What the status alone says.
pub(super) fn by_name(name: &str) -> Option<ErrorClass> {
    Some(match name {
        "RESOURCE_EXHAUSTED" => ErrorClass::RateLimit,
        "UNAUTHENTICATED" | "PERMISSION_DENIED" => ErrorClass::Key,
        "NOT_FOUND" => ErrorClass::NotFound,
        "INVALID_ARGUMENT" | "FAILED_PRECONDITION" | "OUT_OF_RANGE" => ErrorClass::Invalid,
        "DEADLINE_EXCEEDED" => ErrorClass::TimeOut,
        "CANCELLED" => ErrorClass::Connection,
        "UNKNOWN" | "INTERNAL" | "UNAVAILABLE" | "DATA_LOSS" | "UNIMPLEMENTED" | "ABORTED"
        | "ALREADY_EXISTS" => ErrorClass::Provider,
        _ => return None,
    })
}

/// Reasons in the details that say more than the status. Keys that are not valid come as `INVALID_ARGUMENT`.
fn by_reason(reason: &str) -> Option<ErrorClass> {
    Some(match reason {
        "BILLING_DISABLED" => ErrorClass::Quota,
        "CONSUMER_SUSPENDED" | "CONSUMER_INVALID" | "SERVICE_DISABLED" => ErrorClass::Key,
        _ if reason.starts_with("API_KEY_") || reason.starts_with("ACCESS_TOKEN_") => ErrorClass::Key,
        "RATE_LIMIT_EXCEEDED" => ErrorClass::RateLimit,
        _ => return None,
    })
}

/// Which quota is used up: that of batches lets go when some have ended, that of a day at its end.
fn by_quota(name: &str, details: &[Detail]) -> Option<ErrorClass> {
    if name != "RESOURCE_EXHAUSTED" {
        return None;
    }
    let mut quotas = details
        .iter()
        .flat_map(|d| d.violations.iter().flatten())
        .flat_map(|v| [&v.quota_id, &v.quota_metric].into_iter().flatten())
        .map(|quota| quota.to_ascii_lowercase());
    quotas.find_map(|quota| {
        if quota.contains("batch") || quota.contains("enqueued") {
            Some(ErrorClass::QueueFull)
        } else if quota.contains("perday") || quota.contains("per_day") {
            Some(ErrorClass::Quota)
        } else {
            None
        }
    })
}

/// Refusals that share a status with others and are known by their words alone. Should the words change, the status
/// decides, as before.
fn by_words(name: &str, message: &str) -> Option<ErrorClass> {
    let message = message.to_ascii_lowercase();
    let says = |words: &str| message.contains(words);
    match name {
        "INVALID_ARGUMENT" if says("api key") => Some(ErrorClass::Key),
        "INVALID_ARGUMENT" if says("number of tokens") || says("token limit") || says("payload size") => {
            Some(ErrorClass::TokenLimit)
        }
        // A file that is gone is not told apart from one of somebody else.
        "PERMISSION_DENIED" if says("may not exist") => Some(ErrorClass::NotFound),
        "FAILED_PRECONDITION" if says("billing") || says("free tier") => Some(ErrorClass::Quota),
        "FAILED_PRECONDITION" if says("location") => Some(ErrorClass::Key),
        "RESOURCE_EXHAUSTED" if says("credits are depleted") || says("spending cap") => {
            Some(ErrorClass::Quota)
        }
        "RESOURCE_EXHAUSTED" if says("enqueued") || says("concurrent batch") => Some(ErrorClass::QueueFull),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::provider::ErrorClass::{
        Connection, Invalid, Key, NotFound, Provider, QueueFull, Quota, RateLimit, TimeOut, TokenLimit,
    };
    use serde_json::{Value, json};

    fn info(reason: &str) -> Value {
        json!([{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason}])
    }

    fn quota(id: &str) -> Value {
        json!([{"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [
            {"quotaMetric": "generativelanguage.googleapis.com/requests", "quotaId": id}]}])
    }

    #[test]
    fn each_documented_error_has_its_class() {
        let none = || json!([]);
        let rows = [
            (400, "INVALID_ARGUMENT", "contents is not specified", none(), Invalid),
            (400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", none(), Key),
            (400, "INVALID_ARGUMENT", "bad key", info("API_KEY_INVALID"), Key),
            (
                400,
                "INVALID_ARGUMENT",
                "The input token count (9) exceeds the maximum number of tokens allowed (8).",
                none(),
                TokenLimit,
            ),
            (400, "INVALID_ARGUMENT", "Request payload size exceeds the limit", none(), TokenLimit),
            (400, "FAILED_PRECONDITION", "cannot cancel", none(), Invalid),
            (400, "FAILED_PRECONDITION", "User location is not supported for the API use.", none(), Key),
            (400, "FAILED_PRECONDITION", "Please enable billing on your project", none(), Quota),
            (400, "OUT_OF_RANGE", "", none(), Invalid),
            (401, "UNAUTHENTICATED", "", none(), Key),
            (403, "PERMISSION_DENIED", "", none(), Key),
            (403, "PERMISSION_DENIED", "", info("API_KEY_SERVICE_BLOCKED"), Key),
            (403, "PERMISSION_DENIED", "", info("SERVICE_DISABLED"), Key),
            (403, "PERMISSION_DENIED", "", info("CONSUMER_SUSPENDED"), Key),
            (403, "PERMISSION_DENIED", "", info("BILLING_DISABLED"), Quota),
            (
                403,
                "PERMISSION_DENIED",
                "You do not have permission to access the File x or it may not exist.",
                none(),
                NotFound,
            ),
            (404, "NOT_FOUND", "", none(), NotFound),
            (409, "ALREADY_EXISTS", "", none(), Provider),
            (409, "ABORTED", "", none(), Provider),
            (413, "", "", none(), TokenLimit),
            (429, "RESOURCE_EXHAUSTED", "You exceeded your current quota", none(), RateLimit),
            (429, "RESOURCE_EXHAUSTED", "", quota("GenerateRequestsPerMinutePerProjectPerModel"), RateLimit),
            (
                429,
                "RESOURCE_EXHAUSTED",
                "",
                quota("GenerateRequestsPerDayPerProjectPerModel-FreeTier"),
                Quota,
            ),
            (429, "RESOURCE_EXHAUSTED", "", quota("BatchEnqueuedTokensPerProjectPerModel"), QueueFull),
            (429, "RESOURCE_EXHAUSTED", "Too many concurrent batch jobs", none(), QueueFull),
            (429, "RESOURCE_EXHAUSTED", "Your prepayment credits are depleted.", none(), Quota),
            (429, "", "", info("RATE_LIMIT_EXCEEDED"), RateLimit),
            (499, "CANCELLED", "", none(), Connection),
            (500, "INTERNAL", "", none(), Provider),
            (500, "UNKNOWN", "", none(), Provider),
            (500, "DATA_LOSS", "", none(), Provider),
            (501, "UNIMPLEMENTED", "", none(), Provider),
            (502, "", "", none(), Provider),
            (503, "UNAVAILABLE", "The model is overloaded.", none(), Provider),
            (504, "DEADLINE_EXCEEDED", "", none(), TimeOut),
            (429, "SOMETHING_NEW", "", none(), RateLimit),
            (500, "SOMETHING_NEW", "", none(), Provider),
        ];
        for (status, name, message, details, class) in rows {
            let body =
                json!({"error": {"code": status, "message": message, "status": name, "details": details}});
            let got = refusal(status, body.to_string().as_bytes()).unwrap();
            assert_eq!(got.class, class, "{status} {name} {message} {details}");
        }
    }

    /// In result lines and operations a status has the RPC's code alone.
    #[test]
    fn each_code_of_the_rpc_has_its_class() {
        let rows = [
            (1, "CANCELLED", Connection),
            (2, "UNKNOWN", Provider),
            (3, "INVALID_ARGUMENT", Invalid),
            (4, "DEADLINE_EXCEEDED", TimeOut),
            (5, "NOT_FOUND", NotFound),
            (6, "ALREADY_EXISTS", Provider),
            (7, "PERMISSION_DENIED", Key),
            (8, "RESOURCE_EXHAUSTED", RateLimit),
            (9, "FAILED_PRECONDITION", Invalid),
            (10, "ABORTED", Provider),
            (11, "OUT_OF_RANGE", Invalid),
            (12, "UNIMPLEMENTED", Provider),
            (13, "INTERNAL", Provider),
            (14, "UNAVAILABLE", Provider),
            (15, "DATA_LOSS", Provider),
            (16, "UNAUTHENTICATED", Key),
        ];
        for (code, name, class) in rows {
            let status: Status = serde_json::from_value(json!({"code": code, "message": "m"})).unwrap();
            assert_eq!(status.name(), Some(name));
            let got = status.refusal(0);
            assert_eq!((got.class, got.code.as_deref()), (class, Some(name)), "{code}");
        }
        for (code, class) in [(0, Provider), (17, Provider), (429, RateLimit), (400, Invalid)] {
            let status: Status = serde_json::from_value(json!({"code": code})).unwrap();
            assert_eq!(status.refusal(0).class, class, "{code}");
        }
    }

    #[test]
    fn details_tell_when_to_come_again() {
        let wait = |delay: &str| {
            let body = json!({"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "details": [
                {"@type": "type.googleapis.com/google.rpc.Help", "links": []},
                {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}]}});
            refusal(429, body.to_string().as_bytes()).unwrap().retry_after
        };
        assert_eq!(wait("17s"), Some(Duration::from_secs(17)));
        assert_eq!(wait("17.5s"), Some(Duration::from_millis(17_500)));
        assert_eq!(wait("999999999s"), Some(Duration::from_secs(86_400)));
        assert_eq!(wait("soon"), None);
    }

    #[test]
    fn bent_error_bodies_are_read_as_far_as_they_go() {
        let got = refusal(503, br#"[{"error":{"code":503,"message":"m","status":"UNAVAILABLE"}}]"#).unwrap();
        assert_eq!((got.class, got.message.as_deref()), (Provider, Some("m")));
        let got = refusal(429, br#"{"error":"slow down"}"#).unwrap();
        assert_eq!((got.class, got.message.as_deref()), (RateLimit, Some("slow down")));
        assert_eq!(refusal(500, b"<html>"), None);
        assert_eq!(refusal(500, b"{\"detail\":\"x\"}"), None);
        assert_eq!(refusal(500, b"[]"), None);
    }
}
