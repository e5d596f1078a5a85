//! Refusals in the words and forms of either provider.

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use crate::{Error, models::Provider};

/// The kinds of refusal that both providers know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The request is wrong.
    Invalid,
    /// The key is missing or refused.
    Auth,
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
    /// OpenAI's `code`.
    pub(crate) code: Option<&'static str>,
    /// OpenAI's `param`: what the refusal is about.
    pub(crate) param: Option<String>,
}

impl ApiError {
    /// A refusal without code and parameter.
    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), code: None, param: None }
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

    /// The HTTP status at a provider.
    pub(crate) fn status(&self, provider: Provider) -> StatusCode {
        let overloaded = || StatusCode::from_u16(529).expect("529 is within the range of statuses");
        match (self.kind, provider) {
            (Kind::Invalid, _) => StatusCode::BAD_REQUEST,
            (Kind::Auth, _) => StatusCode::UNAUTHORIZED,
            (Kind::Quota, Provider::OpenAi) => StatusCode::TOO_MANY_REQUESTS,
            (Kind::Quota, Provider::Anthropic) => StatusCode::PAYMENT_REQUIRED,
            (Kind::NotFound, _) => StatusCode::NOT_FOUND,
            (Kind::Conflict, _) => StatusCode::CONFLICT,
            (Kind::TooLarge, _) => StatusCode::PAYLOAD_TOO_LARGE,
            (Kind::RateLimit, _) => StatusCode::TOO_MANY_REQUESTS,
            (Kind::Server, _) => StatusCode::INTERNAL_SERVER_ERROR,
            (Kind::Overloaded, Provider::OpenAi) => StatusCode::SERVICE_UNAVAILABLE,
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
                    Kind::Invalid | Kind::NotFound | Kind::Conflict | Kind::TooLarge => {
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
