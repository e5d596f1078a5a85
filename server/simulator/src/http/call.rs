//! The layer around every simulated call: it checks the key, lets faults strike, and puts refusals into the
//! provider's form.

use std::{sync::Arc, time::Instant};

use axum::{
    body::{Body, Bytes, to_bytes},
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{Html, IntoResponse, Response},
};
use futures::StreamExt;
use tokio_util::sync::CancellationToken;

use super::{ApiError, Kind, Scissors};
use crate::{
    faults::Fault,
    models::Provider,
    simulator::{Core, new_id},
};

/// What will become of a call's answer. It is decided before the call is carried out, so that the ledger can say
/// whether the answer was given out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// It is sent.
    Sent,
    /// The connection is closed in its place.
    Dropped,
    /// It is held back until the stall is over; then the connection is closed.
    Stalled,
    /// Only its beginning is sent, as if it were all.
    Halved,
}

/// Whoever made a call.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    fate: Fate,
    gone: CancellationToken,
}

impl Caller {
    /// Whether the caller will get a readable answer, as far as can be known now.
    pub(crate) fn hears(&self) -> bool {
        self.fate == Fate::Sent && !self.gone.is_cancelled()
    }
}

/// The most of a request's body that is read before it is refused, so that the caller gets to see the refusal.
const MAX_DRAINED: usize = 600 << 20;
/// The most of an answer that is held in memory in order to halve it.
const MAX_HALVED: usize = 64 << 20;

/// Runs a call of a provider.
pub(crate) async fn around(
    State((core, provider)): State<(Arc<Core>, Provider)>,
    request: Request,
    next: Next,
) -> Response {
    let begun = Instant::now();
    let call = kind_of(provider, request.method(), request.uri().path());
    let request_id = new_id("req_");
    let scissors = request.extensions().get::<ConnectInfo<Scissors>>().map(|info| info.0.clone());
    let settings = core.settings();
    let headroom = core.limits.count(provider, core.clock.now(), settings.requests_per_minute);

    let strikes = |fault| core.strikes_call(fault, call);
    let (answer, fate) = if let Err(refusal) = check_key(&core, provider, request.headers()) {
        (refuse(request, refusal).await, Fate::Sent)
    } else if strikes(Fault::DropBefore) {
        tracing::info!(call, fault = %Fault::DropBefore, "simulated fault");
        return drop_connection(scissors);
    } else if strikes(Fault::Stall) {
        tracing::info!(call, fault = %Fault::Stall, "simulated fault");
        core.stall().await;
        return drop_connection(scissors);
    } else if headroom.refused || strikes(Fault::RateLimit) {
        let wait = if headroom.refused { headroom.wait_seconds() } else { settings.retry_after_seconds };
        let message = format!("Rate limit reached. Please try again in {wait}s. (Simulated.)");
        let mut response = refuse(request, ApiError::new(Kind::RateLimit, message).wait(wait)).await;
        // Gemini tells it in the body.
        if provider != Provider::Gemini {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait));
        }
        (response, Fate::Sent)
    } else if let Some(refusal) = struck_refusal(strikes) {
        (refuse(request, refusal).await, Fate::Sent)
    } else if strikes(Fault::Html) {
        drain(request.into_body()).await;
        let page = "<!doctype html><title>Bad gateway</title><h1>Bad gateway</h1><p>Simulated.</p>";
        (Html(page).into_response(), Fate::Sent)
    } else {
        let fate = if strikes(Fault::DropAfter) {
            Fate::Dropped
        } else if strikes(Fault::StallAfter) {
            Fate::Stalled
        } else if strikes(Fault::MalformedReply) {
            Fate::Halved
        } else {
            Fate::Sent
        };
        (carry_out(&core, fate, request, next).await, fate)
    };

    let mut response = in_form(answer, provider, &request_id).await;
    match fate {
        Fate::Sent => {}
        Fate::Dropped => {
            tracing::info!(call, fault = %Fault::DropAfter, "simulated fault");
            return drop_connection(scissors);
        }
        Fate::Stalled => {
            tracing::info!(call, fault = %Fault::StallAfter, "simulated fault");
            core.stall().await;
            return drop_connection(scissors);
        }
        Fate::Halved => response = halved(response).await,
    }
    headroom.write(provider, response.headers_mut());
    let names = match provider {
        Provider::OpenAi => Some(("x-request-id", "openai-organization", "org-simulated")),
        Provider::Anthropic => {
            Some(("request-id", "anthropic-organization-id", "00000000-0000-4000-8000-000000000000"))
        }
        Provider::Gemini => None,
    };
    if let (Some((id_header, organization, value)), Ok(id)) = (names, HeaderValue::try_from(&request_id)) {
        response.headers_mut().insert(id_header, id);
        response.headers_mut().insert(organization, HeaderValue::from_static(value));
    }
    tracing::debug!(
        call,
        status = response.status().as_u16(),
        ms = begun.elapsed().as_millis() as u64,
        "call"
    );
    response
}

/// Carries a call out, to its end even if the caller hangs up: what was begun must not stop half-way.
async fn carry_out(core: &Core, fate: Fate, mut request: Request, next: Next) -> Response {
    let caller = Caller { fate, gone: CancellationToken::new() };
    let hang_up = caller.gone.clone().drop_guard();
    request.extensions_mut().insert(caller);
    let answer = core.tasks.spawn(next.run(request)).await;
    hang_up.disarm();
    answer.unwrap_or_else(|error| ApiError::from(crate::Error::from(error)).into_response())
}

/// The first fault that refuses the call, if one strikes.
fn struck_refusal(strikes: impl Fn(Fault) -> bool) -> Option<ApiError> {
    let refusals = [
        (Fault::Unauthorized, Kind::Auth, "Incorrect API key provided. (Simulated.)"),
        (
            Fault::QuotaExhausted,
            Kind::Quota,
            "You exceeded your current quota, please check your plan and billing details. (Simulated.)",
        ),
        (Fault::Overloaded, Kind::Overloaded, "Overloaded. (Simulated.)"),
        (
            Fault::ServerError,
            Kind::Server,
            "The server had an error while processing your request. (Simulated.)",
        ),
    ];
    let (_, kind, message) = refusals.into_iter().find(|(fault, ..)| strikes(*fault))?;
    Some(ApiError::new(kind, message))
}

/// Checks the key, and at Anthropic the version header.
fn check_key(core: &Core, provider: Provider, headers: &HeaderMap) -> Result<(), ApiError> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let bearer = || text("authorization").and_then(|value| value.strip_prefix("Bearer ")).map(str::trim);
    let key = match provider {
        Provider::OpenAi => bearer(),
        Provider::Anthropic => text("x-api-key").or_else(bearer),
        Provider::Gemini => text("x-goog-api-key"),
    };
    let Some(key) = key.filter(|key| !key.is_empty()) else {
        return Err(ApiError::new(
            Kind::Auth,
            match provider {
                Provider::OpenAi => {
                    "You didn't provide an API key. Send it in an Authorization header: Authorization: Bearer YOUR_KEY."
                }
                Provider::Anthropic => "x-api-key header is required",
                Provider::Gemini => "API key not valid. Send one in the header x-goog-api-key.",
            },
        ));
    };
    if !core.accepts_key(key) {
        return Err(ApiError::new(
            Kind::Auth,
            match provider {
                Provider::OpenAi => "Incorrect API key provided.",
                Provider::Anthropic => "invalid x-api-key",
                Provider::Gemini => "API key not valid. Please pass a valid API key.",
            },
        ));
    }
    if provider == Provider::Anthropic && text("anthropic-version").is_none_or(str::is_empty) {
        return Err(ApiError::invalid("anthropic-version: header is required"));
    }
    Ok(())
}

/// Refuses a call after its body has been read, as long as that isn't endless.
async fn refuse(request: Request, refusal: ApiError) -> Response {
    drain(request.into_body()).await;
    refusal.into_response()
}

async fn drain(body: Body) {
    let mut stream = body.into_data_stream();
    let mut left = MAX_DRAINED;
    while let Some(Ok(chunk)) = stream.next().await {
        left = left.saturating_sub(chunk.len());
        if left == 0 {
            break;
        }
    }
}

/// Puts a refusal into the provider's form: our own, or one of the framework (a body that is too large, a query that
/// can't be read, a method that isn't known).
async fn in_form(mut response: Response, provider: Provider, request_id: &str) -> Response {
    let json = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    let (status, error) = match response.extensions_mut().remove::<ApiError>() {
        Some(error) => (error.status(provider), error),
        None if response.status().is_client_error() && !json => {
            let (parts, body) = response.into_parts();
            let text = to_bytes(body, 64 << 10).await.unwrap_or_default();
            let text = String::from_utf8_lossy(&text);
            let reason = parts.status.canonical_reason().unwrap_or("Refused");
            let kind = match parts.status {
                StatusCode::PAYLOAD_TOO_LARGE => Kind::TooLarge,
                StatusCode::NOT_FOUND => Kind::NotFound,
                _ => Kind::Invalid,
            };
            response = parts.status.into_response();
            (parts.status, ApiError::new(kind, if text.is_empty() { reason } else { &text }))
        }
        None => return response,
    };
    let mut formed = (status, axum::Json(error.body(provider, Some(request_id)))).into_response();
    if let Some(wait) = response.headers().get(header::RETRY_AFTER) {
        formed.headers_mut().insert(header::RETRY_AFTER, wait.clone());
    }
    formed
}

/// The beginning of an answer, as if it were all of it.
async fn halved(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let bytes = to_bytes(body, MAX_HALVED).await.unwrap_or_else(|_| Bytes::new());
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(bytes.slice(..bytes.len() / 2)))
}

/// Closes the connection without an answer.
fn drop_connection(scissors: Option<Scissors>) -> Response {
    if let Some(scissors) = scissors {
        scissors.cut();
    }
    // What can't be sent any more over a real connection; called in process, its body fails.
    let broken =
        futures::stream::iter([Err::<Bytes, _>(std::io::Error::from(std::io::ErrorKind::ConnectionReset))]);
    Response::new(Body::from_stream(broken))
}

/// Names the kind of a call, for scripts and logs.
fn kind_of(provider: Provider, method: &Method, path: &str) -> &'static str {
    let version = if provider == Provider::Gemini { "/v1beta" } else { "/v1" };
    let path = path.split_once(version).map_or(path, |(_, rest)| rest);
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    match (provider, method.as_str(), parts.as_slice()) {
        (Provider::OpenAi, "POST", ["files"]) => "openai.files.create",
        (Provider::OpenAi, _, ["files"]) => "openai.files.list",
        (Provider::OpenAi, "DELETE", ["files", _]) => "openai.files.delete",
        (Provider::OpenAi, _, ["files", _]) => "openai.files.get",
        (Provider::OpenAi, _, ["files", _, "content"]) => "openai.files.content",
        (Provider::OpenAi, "POST", ["batches"]) => "openai.batches.create",
        (Provider::OpenAi, _, ["batches"]) => "openai.batches.list",
        (Provider::OpenAi, _, ["batches", _]) => "openai.batches.get",
        (Provider::OpenAi, _, ["batches", _, "cancel"]) => "openai.batches.cancel",
        (Provider::OpenAi, _, ["chat", "completions"]) => "openai.chat",
        (Provider::OpenAi, _, ["responses", ..]) => "openai.responses",
        (Provider::OpenAi, _, ["models", ..]) => "openai.models",
        (Provider::OpenAi, ..) => "openai.other",
        (Provider::Anthropic, _, ["messages"]) => "anthropic.messages",
        (Provider::Anthropic, _, ["messages", "count_tokens"]) => "anthropic.count_tokens",
        (Provider::Anthropic, "POST", ["messages", "batches"]) => "anthropic.batches.create",
        (Provider::Anthropic, _, ["messages", "batches"]) => "anthropic.batches.list",
        (Provider::Anthropic, "DELETE", ["messages", "batches", _]) => "anthropic.batches.delete",
        (Provider::Anthropic, _, ["messages", "batches", _]) => "anthropic.batches.get",
        (Provider::Anthropic, _, ["messages", "batches", _, "cancel"]) => "anthropic.batches.cancel",
        (Provider::Anthropic, _, ["messages", "batches", _, "results"]) => "anthropic.batches.results",
        (Provider::Anthropic, _, ["models", ..]) => "anthropic.models",
        (Provider::Anthropic, ..) => "anthropic.other",
        (Provider::Gemini, "POST", ["files"]) => "gemini.files.begin",
        (Provider::Gemini, _, ["files"]) => "gemini.files.list",
        (Provider::Gemini, "POST" | "PUT", ["files", _]) => "gemini.files.create",
        (Provider::Gemini, "DELETE", ["files", _]) => "gemini.files.delete",
        (Provider::Gemini, _, ["files", name]) if name.ends_with(":download") => "gemini.files.download",
        (Provider::Gemini, _, ["files", _]) => "gemini.files.get",
        (Provider::Gemini, _, ["batches"]) => "gemini.batches.list",
        (Provider::Gemini, "POST", ["batches", _]) => "gemini.batches.cancel",
        (Provider::Gemini, "DELETE", ["batches", _]) => "gemini.batches.delete",
        (Provider::Gemini, _, ["batches", _]) => "gemini.batches.get",
        (Provider::Gemini, "POST", ["models", name]) if name.ends_with(":batchGenerateContent") => {
            "gemini.batches.create"
        }
        (Provider::Gemini, "POST", ["models", _]) => "gemini.generate",
        (Provider::Gemini, _, ["models", ..]) => "gemini.models",
        (Provider::Gemini, ..) => "gemini.other",
    }
}
