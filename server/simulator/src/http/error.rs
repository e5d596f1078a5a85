//! Refusals in the words and forms of each provider.

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use crate::{Error, models::Provider};

/// The kinds of refusal that the providers know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The request is wrong.
    Invalid,
    /// The key is missing or refused.
    Auth,
    /// The key may not do this.
    Forbidden,
    /// The account has no money left.
    Quota,
    /// There is no such object, model, or path.
    NotFound,
    /// The object's state doesn't allow it.
    Conflict,
    /// The request is too large.
    TooLarge,
    /// Too many calls.
    RateLimit,
    /// The provider failed.
    Server,
    /// The provider has no capacity.
    Overloaded,
    /// The provider took too long.
    Timeout,
}

/// A refusal, before it is put into a provider's form.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ApiError {
    /// What kind of refusal.
    pub(crate) kind: Kind,
    /// For people.
    pub(crate) message: String,
    /// OpenAI's `code`; the id of Gemini's quota that is used up.
    pub(crate) code: Option<&'static str>,
    /// OpenAI's `param`: what the refusal is about.
    pub(crate) param: Option<String>,
    /// Seconds after which to come again, where Gemini tells them.
    pub(crate) wait: Option<u64>,
}

impl ApiError {
    /// A refusal without code and parameter.
    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), code: None, param: None, wait: None }
    }

    /// A wrong request.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(Kind::Invalid, message)
    }

    /// With OpenAI's `code`.
    pub(crate) fn code(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }

    /// With OpenAI's `param`.
    pub(crate) fn param(mut self, param: impl Into<String>) -> Self {
        self.param = Some(param.into());
        self
    }

    /// With the seconds after which to come again.
    pub(crate) fn wait(mut self, seconds: u64) -> Self {
        self.wait = Some(seconds);
        self
    }

    /// The RPC's code and name of Gemini's status.
    pub(crate) fn rpc(&self) -> (u64, &'static str) {
        match self.kind {
            Kind::Invalid | Kind::Auth | Kind::TooLarge => (3, "INVALID_ARGUMENT"),
            Kind::Forbidden => (7, "PERMISSION_DENIED"),
            Kind::Quota | Kind::RateLimit => (8, "RESOURCE_EXHAUSTED"),
            Kind::NotFound => (5, "NOT_FOUND"),
            Kind::Conflict => (9, "FAILED_PRECONDITION"),
            Kind::Server => (13, "INTERNAL"),
            Kind::Overloaded => (14, "UNAVAILABLE"),
            Kind::Timeout => (4, "DEADLINE_EXCEEDED"),
        }
    }

    /// The HTTP status at a provider.
    pub(crate) fn status(&self, provider: Provider) -> StatusCode {
        let overloaded = || StatusCode::from_u16(529).expect("529 is within the range of statuses");
        match (self.kind, provider) {
            (Kind::Invalid, _) => StatusCode::BAD_REQUEST,
            (Kind::Auth | Kind::TooLarge | Kind::Conflict, Provider::Gemini) => StatusCode::BAD_REQUEST,
            (Kind::Auth, _) => StatusCode::UNAUTHORIZED,
            (Kind::Forbidden, _) => StatusCode::FORBIDDEN,
            (Kind::Quota, Provider::OpenAi | Provider::Gemini) => StatusCode::TOO_MANY_REQUESTS,
            (Kind::Quota, Provider::Anthropic) => StatusCode::PAYMENT_REQUIRED,
            (Kind::NotFound, _) => StatusCode::NOT_FOUND,
            (Kind::Conflict, _) => StatusCode::CONFLICT,
            (Kind::TooLarge, _) => StatusCode::PAYLOAD_TOO_LARGE,
            (Kind::RateLimit, _) => StatusCode::TOO_MANY_REQUESTS,
            (Kind::Server, _) => StatusCode::INTERNAL_SERVER_ERROR,
            (Kind::Overloaded, Provider::OpenAi | Provider::Gemini) => StatusCode::SERVICE_UNAVAILABLE,
            (Kind::Overloaded, Provider::Anthropic) => overloaded(),
            (Kind::Timeout, _) => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    /// The body in a provider's form.
    pub(crate) fn body(&self, provider: Provider, request_id: Option<&str>) -> Value {
        match provider {
            Provider::OpenAi => {
                let (kind, code) = match self.kind {
                    Kind::Auth => ("invalid_request_error", Some("invalid_api_key")),
                    Kind::Quota => ("insufficient_quota", Some("insufficient_quota")),
                    Kind::RateLimit => ("requests", Some("rate_limit_exceeded")),
                    Kind::Server | Kind::Timeout => ("server_error", None),
                    Kind::Overloaded => ("server_error", Some("overloaded")),
                    Kind::Invalid | Kind::Forbidden | Kind::NotFound | Kind::Conflict | Kind::TooLarge => {
                        ("invalid_request_error", None)
                    }
                };
                json!({"error": {
                    "message": self.message, "type": kind, "param": self.param, "code": self.code.or(code),
                }})
            }
            Provider::Anthropic => {
                let kind = match self.kind {
                    Kind::Invalid => "invalid_request_error",
                    Kind::Auth => "authentication_error",
                    Kind::Forbidden => "permission_error",
                    Kind::Quota => "billing_error",
                    Kind::NotFound => "not_found_error",
                    Kind::Conflict => "conflict_error",
                    Kind::TooLarge => "request_too_large",
                    Kind::RateLimit => "rate_limit_error",
                    Kind::Server => "api_error",
                    Kind::Overloaded => "overloaded_error",
                    Kind::Timeout => "timeout_error",
                };
                json!({
                    "type": "error",
                    "error": {"type": kind, "message": self.message},
                    "request_id": request_id,
                })
            }
            Provider::Gemini => {
                let mut details = Vec::new();
                let of = |kind: &str| format!("type.googleapis.com/google.rpc.{kind}");
                if self.kind == Kind::Auth {
                    details.push(json!({"@type": of("ErrorInfo"), "reason": "API_KEY_INVALID",
                        "domain": "googleapis.com"}));
                }
                let quota = match self.kind {
                    Kind::Quota => Some("GenerateRequestsPerDayPerProjectPerModel"),
                    Kind::RateLimit => {
                        Some(self.code.unwrap_or("GenerateRequestsPerMinutePerProjectPerModel"))
                    }
                    _ => None,
                };
                if let Some(quota) = quota {
                    let violation = json!({"quotaMetric": "generativelanguage.googleapis.com/generate",
                        "quotaId": quota});
                    details.push(json!({"@type": of("QuotaFailure"), "violations": [violation]}));
                }
                if let Some(wait) = self.wait {
                    details.push(json!({"@type": of("RetryInfo"), "retryDelay": format!("{wait}s")}));
                }
                let mut error = json!({
                    "code": self.status(provider).as_u16(), "message": self.message, "status": self.rpc().1,
                });
                if !details.is_empty() {
                    error["details"] = details.into();
                }
                json!({ "error": error })
            }
        }
    }
}

impl From<Error> for ApiError {
    /// A failure of the simulator itself: told apart from simulated ones by its message.
    fn from(error: Error) -> Self {
        tracing::error!(%error, "a call failed inside the simulator");
        Self::new(Kind::Server, format!("The simulator itself failed: {error}"))
    }
}

impl IntoResponse for ApiError {
    /// An empty response that carries the refusal: the layer around all calls knows the provider and the request's
    /// id, and writes the body.
    fn into_response(self) -> Response {
        let mut response = StatusCode::INTERNAL_SERVER_ERROR.into_response();
        response.extensions_mut().insert(self);
        response
    }
}
