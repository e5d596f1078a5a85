//! Whether the process lives, and whether it can do its work.

use super::app::App;
use axum::{
    Json,
    extract::State,
    http::{
        StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE},
    },
    response::{IntoResponse, Response},
};
use quire_engine::{queue::Lane, store::Exec};
use serde_json::json;
use std::time::Duration;

/// A database that does not answer by then is away.
const PATIENCE: Duration = Duration::from_secs(2);

/// Workers that have not looked after the queue for so long are stuck.
const STALLED: Duration = Duration::from_secs(15);

/// `/healthz`: the process answers.
pub async fn healthz() -> &'static str {
    "ok\n"
}

/// `/readyz`: the database answers and holds the schema, and the workers of this process, if it has any, work.
pub async fn readyz(State(app): State<App>) -> Response {
    let mut db = app.engine.db();
    // A table of the schema's last step stands for all of it.
    let asked =
        tokio::time::timeout(PATIENCE, db.query("SELECT COUNT(*) FROM rule_sets").one::<(i64,)>()).await;
    let database = matches!(asked, Ok(Ok(_)));
    let workers = !app.works || app.engine.last_tick().is_none_or(|at| at.elapsed() < STALLED);
    let stopping = app.stop.is_cancelled();
    let ready = database && workers && !stopping;
    let word = |fine: bool, otherwise: &'static str| if fine { "ok" } else { otherwise };
    let body = json!({
        "ready": ready,
        "database": word(database, "can't be reached, or its schema is not up to date"),
        "workers": if app.works { word(workers, "have not looked after the queue for 15 s") } else { "none here" },
        "stopping": stopping,
    });
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, [(CACHE_CONTROL, "no-store")], Json(body)).into_response()
}

/// `/metrics`: all figures for Prometheus.
pub async fn metrics(State(app): State<App>) -> Response {
    let now = app.engine.now();
    let snapshot = app.engine.snapshot();
    for lane in Lane::ALL {
        let view = snapshot.lane(lane);
        #[expect(clippy::cast_precision_loss, reason = "figures for show")]
        let (jobs, age) = (
            view.len() as f64,
            view.oldest.map_or(0.0, |at| (now - at).num_milliseconds().max(0) as f64 / 1_000.0),
        );
        metrics::gauge!("quire_queue_jobs", "lane" => lane.name()).set(jobs);
        metrics::gauge!("quire_queue_oldest_age_seconds", "lane" => lane.name()).set(age);
    }
    let load = app.engine.load();
    let mut flights: std::collections::BTreeMap<&str, (i64, i64, i64)> = std::collections::BTreeMap::new();
    for entry in app.engine.registry().all() {
        metrics::gauge!("quire_batches_in_flight", "provider" => entry.name.clone()).set(0.0);
        metrics::gauge!("quire_batch_jobs_in_flight", "provider" => entry.name.clone()).set(0.0);
        metrics::gauge!("quire_batch_tokens_in_flight", "provider" => entry.name.clone()).set(0.0);
    }
    for flight in &load.in_flight {
        let sums = flights.entry(&flight.provider).or_default();
        *sums = (sums.0 + flight.batches, sums.1 + flight.jobs, sums.2 + flight.tokens);
    }
    for (provider, (batches, jobs, tokens)) in flights {
        #[expect(clippy::cast_precision_loss, reason = "figures for show")]
        let set = |gauge: metrics::Gauge, value: i64| gauge.set(value as f64);
        set(metrics::gauge!("quire_batches_in_flight", "provider" => provider.to_owned()), batches);
        set(metrics::gauge!("quire_batch_jobs_in_flight", "provider" => provider.to_owned()), jobs);
        set(metrics::gauge!("quire_batch_tokens_in_flight", "provider" => provider.to_owned()), tokens);
    }
    if let Some(month) = load.budgets.spending.iter().find(|s| s.scope == quire_engine::budget::INSTITUTION) {
        metrics::gauge!("quire_spent_month_dollars").set(month.spent.dollars());
        metrics::gauge!("quire_reserved_month_dollars").set(month.reserved.dollars());
    }
    if let Some(at) = app.engine.last_tick() {
        metrics::gauge!("quire_workers_tick_age_seconds").set(at.elapsed().as_secs_f64());
    }
    let headers = [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8"), (CACHE_CONTROL, "no-store")];
    (headers, app.figures.render()).into_response()
}
