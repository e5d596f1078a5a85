//! The simulator's own interface: settings at run time, interventions in batches, the ledger.

use std::sync::Arc;

use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use chrono::Duration;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{
    Error, Settings,
    batch::{Batch, Ending, State as BatchState},
    models::Provider,
    simulator::Core,
};

/// The routes below `/simulator`.
pub(crate) fn router() -> Router<Arc<Core>> {
    Router::new()
        .route("/control", get(show).post(change))
        .route("/ledger", get(ledger))
        .route("/ledger/summary", get(summary))
        .route("/faults", get(struck))
        .route("/health", get(async || Json(json!({"status": "ok"}))))
}

/// What a caller of this interface did wrong, or what failed.
enum Refusal {
    Wrong(String),
    Failed(Error),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        match error {
            Error::Setting { .. } => Self::Wrong(error.to_string()),
            error => Self::Failed(error),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, message) = match self {
            Self::Wrong(message) => (StatusCode::BAD_REQUEST, message),
            Self::Failed(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
        };
        (status, Json(json!({"error": message}))).into_response()
    }
}

/// What a control call can ask for beside settings.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Acts {
    /// Goes back to the settings of the start, before anything else in the call.
    reset: bool,
    /// Moves a manual clock forward by so many seconds.
    advance_seconds: Option<f64>,
    /// Interventions in batches.
    batches: Vec<Intervention>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Intervention {
    id: String,
    action: Action,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Action {
    /// Makes no progress until released.
    Hold,
    Release,
    /// Ends now, with what is done.
    Expire,
    /// Is cancelled by the provider, with what is done.
    Cancel,
}

const ACTS: [&str; 3] = ["reset", "advance_seconds", "batches"];

/// `GET /simulator/control`
async fn show(State(core): State<Arc<Core>>) -> Result<Json<Value>, Refusal> {
    let settings = Settings { script: core.script(), ..(*core.settings()).clone() };
    let open: Vec<Value> = core.store.open_batches().await?.iter().map(open_batch).collect();
    Ok(Json(json!({
        "settings": settings,
        "now": core.clock.now(),
        "manual_clock": core.clock.is_manual(),
        "open_batches": open,
    })))
}

fn open_batch(batch: &Batch) -> Value {
    json!({
        "id": batch.id,
        "provider": batch.provider,
        "state": batch.state,
        "done": batch.done,
        "total": batch.counts.total,
        "held": batch.held,
    })
}

/// `POST /simulator/control`
async fn change(State(core): State<Arc<Core>>, body: Bytes) -> Result<Json<Value>, Refusal> {
    let wrong = |error: serde_json::Error| Refusal::Wrong(error.to_string());
    let mut patch: Map<String, Value> = serde_json::from_slice(&body).map_err(wrong)?;
    let acts: Map<String, Value> = ACTS.iter().filter_map(|name| patch.remove_entry(*name)).collect();
    let acts: Acts = serde_json::from_value(Value::Object(acts)).map_err(wrong)?;
    let settings = patched(&core, acts.reset, patch)?;
    if let Some(by) = acts.advance_seconds {
        check_advance(&core, by)?;
    }
    for intervention in &acts.batches {
        find(&core, &intervention.id).await?;
    }
    // Everything has been checked; nothing is done by halves. Whatever stops a batch comes before the settings that
    // may let others go, and whatever lets one go after those that may stop it.
    let (released, stopped): (Vec<_>, Vec<_>) =
        acts.batches.into_iter().partition(|intervention| intervention.action == Action::Release);
    for intervention in stopped {
        intervene(&core, intervention).await?;
    }
    core.set(settings);
    if let Some(by) = acts.advance_seconds
        && let Some(now) = core.clock.advance(Duration::microseconds((by * 1e6) as i64))
    {
        core.store.set_number("manual_clock_ms", now.timestamp_millis()).await?;
    }
    for intervention in released {
        intervene(&core, intervention).await?;
    }
    core.wake();
    show(State(core)).await
}

/// The settings after a partial change.
fn patched(core: &Core, reset: bool, patch: Map<String, Value>) -> Result<Settings, Refusal> {
    let base = if reset {
        core.initial().clone()
    } else {
        Settings { script: core.script(), ..(*core.settings()).clone() }
    };
    let base = serde_json::to_value(base).map_err(|error| Refusal::Wrong(error.to_string()))?;
    let Value::Object(mut fields) = base else {
        return Err(Refusal::Wrong("settings are an object".into()));
    };
    for (name, value) in patch {
        match (fields.get_mut(&name), value) {
            // Faults that aren't named stay as they are.
            (Some(Value::Object(faults)), Value::Object(more)) if name == "faults" => faults.extend(more),
            (_, value) => _ = fields.insert(name, value),
        }
    }
    let settings: Settings =
        serde_json::from_value(Value::Object(fields)).map_err(|error| Refusal::Wrong(error.to_string()))?;
    settings.check()?;
    Ok(settings)
}

fn check_advance(core: &Core, by: f64) -> Result<(), Refusal> {
    const MOST: f64 = 366.0 * 86_400.0;
    if !core.clock.is_manual() {
        return Err(Refusal::Wrong(
            "advance_seconds: start the simulator with --manual-clock to move its clock".into(),
        ));
    }
    if !(0.0..=MOST).contains(&by) {
        return Err(Refusal::Wrong(format!("advance_seconds: must lie between 0 and {MOST}, not {by}")));
    }
    Ok(())
}

async fn find(core: &Core, id: &str) -> Result<Batch, Refusal> {
    let mut found = None;
    for provider in [Provider::OpenAi, Provider::Anthropic, Provider::Gemini] {
        if found.is_none() {
            found = core.store.batch(provider, id).await?;
        }
    }
    match found {
        None => Err(Refusal::Wrong(format!("batches: there is no batch {id}"))),
        Some(batch) if batch.state.is_final() => {
            Err(Refusal::Wrong(format!("batches: {id} has already ended ({})", batch.state.as_str())))
        }
        Some(batch) => Ok(batch),
    }
}

async fn intervene(core: &Core, intervention: Intervention) -> Result<(), Error> {
    let now = core.clock.now();
    let change = |batch: &mut Batch| {
        match intervention.action {
            Action::Hold => batch.held = true,
            Action::Release => batch.held = false,
            Action::Expire | Action::Cancel if batch.ending.is_some() || batch.state.is_final() => {}
            Action::Expire => {
                batch.ending = Some(Ending::Expired);
                batch.enter(BatchState::Finalizing, now);
            }
            Action::Cancel => {
                batch.ending = Some(Ending::Cancelled);
                batch.enter(BatchState::Cancelling, now);
            }
        }
        Ok::<_, std::convert::Infallible>(())
    };
    core.store.update_batch(&intervention.id, &[], &[], change).await?;
    Ok(())
}

/// `GET /simulator/ledger/summary`
async fn summary(State(core): State<Arc<Core>>) -> Result<Json<crate::ledger::LedgerSummary>, Refusal> {
    Ok(Json(core.store.ledger_summary().await?))
}

/// `GET /simulator/faults`: the faults that have struck since the start, and how many more there were than are
/// remembered.
async fn struck(State(core): State<Arc<Core>>) -> Json<Value> {
    let (faults, more) = core.struck.all();
    Json(json!({"faults": faults, "more": more}))
}

/// How many lines of the ledger are read at a time.
const PAGE: i64 = 1_000;

/// `GET /simulator/ledger`: a JSON array, sent while it is read.
async fn ledger(State(core): State<Arc<Core>>) -> Response {
    let pages = futures::stream::try_unfold(Some(0), move |after: Option<i64>| {
        let core = core.clone();
        async move {
            let Some(after) = after else { return Ok::<_, Error>(None) };
            let (lines, last) = core.store.ledger(after, PAGE).await?;
            let mut text = Vec::new();
            for (at, line) in lines.iter().enumerate() {
                text.extend_from_slice(if after == 0 && at == 0 { b"[\n" } else { b",\n" });
                serde_json::to_writer(&mut text, line)
                    .map_err(|source| Error::Stored { what: "ledger line", source })?;
            }
            let next = if lines.len() as i64 == PAGE { Some(last) } else { None };
            if next.is_none() {
                text.extend_from_slice(if after == 0 && lines.is_empty() { b"[]\n" } else { b"\n]\n" });
            }
            Ok(Some((Bytes::from(text), next)))
        }
    });
    let mut response = Response::new(Body::from_stream(pages));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
