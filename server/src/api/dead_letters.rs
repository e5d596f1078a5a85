//! Dead letters: work that ran out of automatic remedies, and what is to be done about it. For administrators.

use super::{body, caller::Caller, convert, lists::Query, model};
use crate::http::{
    app::App,
    problem::{Details, Problem},
};
use axum::{
    Json,
    extract::{RawQuery, Request, State},
};
use quire_engine::{
    identity::Actor,
    recovery::{Cause, Remedy, store::Filter},
    routing::Route,
    store::DeadLetterId,
};
use uuid::Uuid;

/// Work that ran out of automatic remedies, the newest first.
#[utoipa::path(
    get,
    path = "/dead-letters",
    tag = "dead letters",
    operation_id = "dead_letters",
    params(
        ("state" = Option<String>, Query, description = "`open` (unless said) for those that wait for something to be done, `resolved`, or `all`"),
        ("cause" = Option<String>, Query, description = "Those of this cause only: `rate_limit`, `no_answer`, `provider`, `malformed`, `too_large`, `refused`, `unusable`, `killed`"),
        ("page" = Option<i64>, Query, minimum = 1, description = "From 1"),
        ("per_page" = Option<i64>, Query, minimum = 1, maximum = 1000, description = "100 unless said"),
    ),
    responses(
        (status = 200, description = "A page of them", body = model::Page<model::DeadLetter>),
        (status = 400, description = "A parameter can't be used", body = Details, content_type = "application/problem+json"),
        (status = 401, description = "No valid token", body = Details, content_type = "application/problem+json"),
        (status = 403, description = "Not allowed", body = Details, content_type = "application/problem+json"),
    )
)]
pub(super) async fn list(
    State(app): State<App>,
    Caller(actor): Caller,
    RawQuery(query): RawQuery,
) -> Result<Json<model::Page<model::DeadLetter>>, Problem> {
    let query = Query::read(query.as_deref(), &["page", "per_page", "state", "cause"])?;
    let open = query.one_of("state", "open, resolved or all", |text| match text {
        "open" => Some(Some(true)),
        "resolved" => Some(Some(false)),
        "all" => Some(None),
        _ => None,
    })?;
    let words = Cause::ALL.map(Cause::name).join(", ");
    let cause = query.one_of("cause", &format!("one of {words}"), |text| {
        Cause::ALL.into_iter().find(|cause| cause.name() == text)
    })?;
    let (page, per_page) = query.paging()?;
    let filter = Filter { open: open.unwrap_or(Some(true)), cause };
    let found = app.engine.dead_letters(&actor, filter, page, per_page).await?;
    let items = found.rows.iter().map(convert::dead_letter).collect();
    Ok(Json(model::Page { items, page: found.page, per_page: found.per_page, total: found.total }))
}

/// Has work tried again that ran out of remedies: all its attempts are before it anew.
#[utoipa::path(
    post,
    path = "/dead-letters/retry",
    tag = "dead letters",
    operation_id = "retry_dead_letters",
    request_body = model::RetryDeadLetters,
    responses(
        (status = 200, description = "What came of each", body = model::DeadLetterOutcomes),
        (status = 400, description = "The body can't be read", body = Details, content_type = "application/problem+json"),
        (status = 401, description = "No valid token", body = Details, content_type = "application/problem+json"),
        (status = 403, description = "Not allowed", body = Details, content_type = "application/problem+json"),
        (status = 422, description = "A field can't be used", body = Details, content_type = "application/problem+json"),
    )
)]
pub(super) async fn retry(
    State(app): State<App>,
    Caller(actor): Caller,
    request: Request,
) -> Result<Json<model::DeadLetterOutcomes>, Problem> {
    let bytes = body::bytes(request).await?;
    let asked: model::RetryDeadLetters = body::json(&bytes)?;
    decide(&app, &actor, &asked.ids, &Remedy::Retry, asked.reason.as_deref()).await
}

/// Sends work that ran out of remedies to another provider, model or route.
#[utoipa::path(
    post,
    path = "/dead-letters/reroute",
    tag = "dead letters",
    operation_id = "reroute_dead_letters",
    request_body = model::RerouteDeadLetters,
    responses(
        (status = 200, description = "What came of each", body = model::DeadLetterOutcomes),
        (status = 400, description = "The body can't be read", body = Details, content_type = "application/problem+json"),
        (status = 401, description = "No valid token", body = Details, content_type = "application/problem+json"),
        (status = 403, description = "Not allowed", body = Details, content_type = "application/problem+json"),
        (status = 422, description = "A field can't be used", body = Details, content_type = "application/problem+json"),
    )
)]
pub(super) async fn reroute(
    State(app): State<App>,
    Caller(actor): Caller,
    request: Request,
) -> Result<Json<model::DeadLetterOutcomes>, Problem> {
    let bytes = body::bytes(request).await?;
    let asked: model::RerouteDeadLetters = body::json(&bytes)?;
    let route = asked.route.map(|route| match route {
        model::RouteType::Realtime => Route::Realtime,
        model::RouteType::Batch => Route::Batch,
    });
    let remedy = Remedy::Reroute { provider: asked.provider, model: asked.model, route };
    decide(&app, &actor, &asked.ids, &remedy, asked.reason.as_deref()).await
}

/// Closes dead letters without marks. The work itself is kept.
#[utoipa::path(
    post,
    path = "/dead-letters/discard",
    tag = "dead letters",
    operation_id = "discard_dead_letters",
    request_body = model::DiscardDeadLetters,
    responses(
        (status = 200, description = "What came of each", body = model::DeadLetterOutcomes),
        (status = 400, description = "The body can't be read", body = Details, content_type = "application/problem+json"),
        (status = 401, description = "No valid token", body = Details, content_type = "application/problem+json"),
        (status = 403, description = "Not allowed", body = Details, content_type = "application/problem+json"),
        (status = 422, description = "A field can't be used", body = Details, content_type = "application/problem+json"),
    )
)]
pub(super) async fn discard(
    State(app): State<App>,
    Caller(actor): Caller,
    request: Request,
) -> Result<Json<model::DeadLetterOutcomes>, Problem> {
    let bytes = body::bytes(request).await?;
    let asked: model::DiscardDeadLetters = body::json(&bytes)?;
    decide(&app, &actor, &asked.ids, &Remedy::Discard, Some(&asked.reason)).await
}

/// Carries a decision out and says what came of each.
async fn decide(
    app: &App,
    actor: &Actor,
    ids: &[Uuid],
    remedy: &Remedy,
    reason: Option<&str>,
) -> Result<Json<model::DeadLetterOutcomes>, Problem> {
    let letters: Vec<DeadLetterId> = ids.iter().copied().map(DeadLetterId).collect();
    let done = app.engine.decide_about(actor, &letters, remedy, reason).await?;
    let outcomes = ids
        .iter()
        .zip(done)
        .map(|(id, done)| model::DeadLetterOutcome { id: *id, outcome: convert::remedy_outcome(done) })
        .collect();
    Ok(Json(model::DeadLetterOutcomes { outcomes }))
}
