//! Models that are held equal. For administrators.

use super::{body, caller::Caller, model::equal_models as model, prompts};
use crate::http::{
    app::App,
    problem::{Details, Kind, Problem},
};
use axum::{
    Json,
    extract::{Path, Request, State},
    http::StatusCode,
};
use quire_engine::{
    arbitrage::{
        Arbitrage, At, EqualError, EqualGroup, EqualModel, GroupComparison, NewGroup, WorkComparison,
        WrongGroup,
    },
    store::NanoUsd,
};

/// The groups of models that are held equal, by name. For administrators.
#[utoipa::path(
    get,
    path = "/billing/equal-models",
    tag = "billing",
    operation_id = "equal_models",
    responses(
        (status = 200, description = "The groups", body = Vec<model::EqualGroup>),
        (status = 401, description = "No valid token", body = Details, content_type = "application/problem+json"),
        (status = 403, description = "Not allowed", body = Details, content_type = "application/problem+json"),
    )
)]
pub(super) async fn list(
    State(app): State<App>,
    Caller(actor): Caller,
) -> Result<Json<Vec<model::EqualGroup>>, Problem> {
    Ok(Json(app.engine.equal_models(&actor).await?.iter().map(group).collect()))
}

/// States which models are held equal, with where that comes from, in place of what the group said before. For
/// administrators.
#[utoipa::path(
    put,
    path = "/billing/equal-models/{group}",
    tag = "billing",
    operation_id = "put_equal_models",
    params(("group" = String, Path, description = "A name for the group, such as small-models")),
    request_body = model::NewEqualGroup,
    responses(
        (status = 200, description = "It is stated", body = model::EqualGroup),
        (status = 400, description = "The body or the name can't be used", body = Details, content_type = "application/problem+json"),
        (status = 401, description = "No valid token", body = Details, content_type = "application/problem+json"),
        (status = 403, description = "Not allowed", body = Details, content_type = "application/problem+json"),
        (status = 422, description = "A field can't be used", body = Details, content_type = "application/problem+json"),
    )
)]
pub(super) async fn put(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(name): Path<String>,
    request: Request,
) -> Result<Json<model::EqualGroup>, Problem> {
    let bytes = body::bytes(request).await?;
    let asked: model::NewEqualGroup = body::json(&bytes)?;
    let models = asked.models.into_iter().map(|one| EqualModel { provider: one.provider, model: one.model });
    let new = NewGroup { models: models.collect(), evidence: asked.evidence };
    Ok(Json(group(&app.engine.put_equal_models(&actor, &name, &new).await?)))
}

/// Takes back that models are held equal. For administrators.
#[utoipa::path(
    delete,
    path = "/billing/equal-models/{group}",
    tag = "billing",
    operation_id = "delete_equal_models",
    params(("group" = String, Path, description = "The group's name")),
    responses(
        (status = 204, description = "It is taken back"),
        (status = 401, description = "No valid token", body = Details, content_type = "application/problem+json"),
        (status = 403, description = "Not allowed", body = Details, content_type = "application/problem+json"),
        (status = 404, description = "There is no such group", body = Details, content_type = "application/problem+json"),
    )
)]
pub(super) async fn remove(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(name): Path<String>,
) -> Result<StatusCode, Problem> {
    app.engine.remove_equal_models(&actor, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn group(found: &EqualGroup) -> model::EqualGroup {
    let models = found
        .models
        .iter()
        .map(|one| model::EqualModel { provider: one.provider.clone(), model: one.model.clone() });
    model::EqualGroup {
        group: found.name.clone(),
        models: models.collect(),
        evidence: found.evidence.clone(),
        by_trial: found.by_trial,
        stated_by: found.stated_by.map(|id| id.0),
        stated_by_name: found.stated_by_name.clone(),
        stated_at: found.stated_at,
    }
}

/// The comparison as it goes over the wire.
pub(super) fn shown(found: &Arbitrage) -> model::Arbitrage {
    let groups = found.groups.iter().map(|GroupComparison { group: stated, works }| model::GroupComparison {
        stated: group(stated),
        works: works.iter().map(compared).collect(),
    });
    model::Arbitrage {
        groups: groups.collect(),
        assumptions: found.assumptions.clone(),
        notes: found.notes.clone(),
    }
}

fn compared(found: &WorkComparison) -> model::WorkComparison {
    let work = &found.work;
    model::WorkComparison {
        provider: work.at.provider.clone(),
        model: work.at.model.clone(),
        batch_answers: work.batch.answers,
        realtime_answers: work.realtime.answers,
        spent_nano_usd: work.batch.spent.saturating_add(work.realtime.spent).0,
        costs: found.at.iter().map(cost).collect(),
        saved_nano_usd: found.saved.map(|saved| saved.0),
        saved_percent: found.saved_percent,
        within_error: found.within_error,
    }
}

fn cost(at: &At) -> model::EqualCost {
    let nano = |amount: NanoUsd| amount.0;
    let known = at.costs.as_ref().ok();
    model::EqualCost {
        provider: at.at.provider.clone(),
        model: at.at.model.clone(),
        own: at.is_own,
        as_done_nano_usd: known.map(|(as_done, ..)| nano(*as_done)),
        realtime_nano_usd: known.map(|(_, realtime, _)| nano(*realtime)),
        batch_nano_usd: known.and_then(|(.., batch)| batch.map(nano)),
        unknown: at.costs.as_ref().err().cloned(),
        agreement: at.agreement.as_ref().map(prompts::of_models),
    }
}

impl From<EqualError> for Problem {
    fn from(error: EqualError) -> Self {
        let told = error.to_string();
        match error {
            EqualError::Wrong(WrongGroup::Name) => Self::parameter("group", told),
            EqualError::Wrong(WrongGroup::Evidence) => Self::field("evidence", told),
            EqualError::Wrong(WrongGroup::Models(_))
            | EqualError::Model { .. }
            | EqualError::Elsewhere { .. } => Self::field("models", told),
            EqualError::NotFound => Self::new(Kind::NotFound, told),
            EqualError::Identity(error) => error.into(),
            EqualError::Engine(error) => error.into(),
        }
    }
}
