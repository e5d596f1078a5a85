//! Versions of the prompt, and trials of them and of other models. For administrators.

use super::{body, caller::Caller, model::prompts as model};
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
    identity::Actor,
    store::{AssignmentId, Id as _, TrialId},
    trial::{Agreement, Compared, Marker, Measured, NewTrial, TrialDetail, TrialError, Verdict},
};

/// The versions of the prompt, what the answers to each take, and who put which in use. For administrators.
#[utoipa::path(
    get,
    path = "/prompts",
    tag = "prompts",
    operation_id = "prompts",
    responses(
        (status = 200, description = "The versions", body = model::Prompts),
        (status = 401, description = "No valid token", body = Details, content_type = "application/problem+json"),
        (status = 403, description = "Not allowed", body = Details, content_type = "application/problem+json"),
    )
)]
pub(super) async fn list(
    State(app): State<App>,
    Caller(actor): Caller,
) -> Result<Json<model::Prompts>, Problem> {
    let found = app.engine.prompts(&actor).await?;
    let versions = found.versions.into_iter().map(|version| model::PromptVersion {
        version: version.version.number,
        about: version.version.about.to_owned(),
        in_use: version.in_use,
        assignments: version.assignments,
        measured: version
            .measured
            .into_iter()
            .map(|(by, measured)| model::MeasuredModel {
                provider: by.provider,
                model: by.model,
                measured: taken(&measured),
            })
            .collect(),
    });
    let adoptions = found.adoptions.into_iter().map(|adoption| model::Adoption {
        version: adoption.version,
        at: adoption.at,
        by: adoption.by.map(|id| id.0),
        by_name: adoption.by_name,
        evidence: adoption.evidence,
    });
    Ok(Json(model::Prompts { versions: versions.collect(), adoptions: adoptions.collect() }))
}

/// Has new assignments, and those that nobody has handed in to yet, marked by a version of the prompt. Those that were
/// begun keep theirs. For administrators.
#[utoipa::path(
    put,
    path = "/prompts/in-use",
    tag = "prompts",
    operation_id = "use_prompt",
    request_body = model::UsePrompt,
    responses(
        (status = 200, description = "It is in use", body = model::UsedPrompt),
        (status = 400, description = "The body can't be read", body = Details, content_type = "application/problem+json"),
        (status = 401, description = "No valid token", body = Details, content_type = "application/problem+json"),
        (status = 403, description = "Not allowed", body = Details, content_type = "application/problem+json"),
        (status = 409, description = "It can't be done now", body = Details, content_type = "application/problem+json"),
        (status = 422, description = "A field can't be used", body = Details, content_type = "application/problem+json"),
    )
)]
pub(super) async fn put(
    State(app): State<App>,
    Caller(actor): Caller,
    request: Request,
) -> Result<Json<model::UsedPrompt>, Problem> {
    let bytes = body::bytes(request).await?;
    let asked: model::UsePrompt = body::json(&bytes)?;
    let used =
        app.engine.use_prompt(&actor, asked.version, asked.untried).await.map_err(|error| match error {
            TrialError::Version(_) => Problem::field("version", error.to_string()),
            error => error.into(),
        })?;
    Ok(Json(model::UsedPrompt { version: used.version, assignments: used.assignments }))
}

/// The newest trials with what they have found. For administrators.
#[utoipa::path(
    get,
    path = "/trials",
    tag = "prompts",
    operation_id = "trials",
    responses(
        (status = 200, description = "The trials", body = Vec<model::Trial>),
        (status = 401, description = "No valid token", body = Details, content_type = "application/problem+json"),
        (status = 403, description = "Not allowed", body = Details, content_type = "application/problem+json"),
    )
)]
pub(super) async fn trials(
    State(app): State<App>,
    Caller(actor): Caller,
) -> Result<Json<Vec<model::Trial>>, Problem> {
    Ok(Json(app.engine.trials(&actor).await?.iter().map(trial).collect()))
}

/// Starts a trial: works of an assignment that have marks are marked once more, in real time, by another model or version
/// of the prompt. No student sees anything of it. For administrators.
#[utoipa::path(
    post,
    path = "/trials",
    tag = "prompts",
    operation_id = "start_trial",
    request_body = model::NewTrial,
    responses(
        (status = 201, description = "It goes on", body = model::TrialDetail),
        (status = 400, description = "The body can't be read", body = Details, content_type = "application/problem+json"),
        (status = 401, description = "No valid token", body = Details, content_type = "application/problem+json"),
        (status = 403, description = "Not allowed", body = Details, content_type = "application/problem+json"),
        (status = 409, description = "It can't be done now", body = Details, content_type = "application/problem+json"),
        (status = 422, description = "A field can't be used", body = Details, content_type = "application/problem+json"),
    )
)]
pub(super) async fn start(
    State(app): State<App>,
    Caller(actor): Caller,
    request: Request,
) -> Result<(StatusCode, Json<model::TrialDetail>), Problem> {
    let bytes = body::bytes(request).await?;
    let model::NewTrial { assignment, provider, model, prompt_version, works } = body::json(&bytes)?;
    let new = NewTrial {
        assignment: AssignmentId::from_uuid(assignment),
        marker: Marker { provider, model, prompt_version },
        works,
    };
    let trial = app.engine.start_trial(&actor, &new).await?;
    Ok((StatusCode::CREATED, detail_of(&app, &actor, trial.id).await?))
}

/// A trial with all that it has found. For administrators.
#[utoipa::path(
    get,
    path = "/trials/{id}",
    tag = "prompts",
    operation_id = "trial",
    params(("id" = String, Path, description = "The trial's id")),
    responses(
        (status = 200, description = "The trial", body = model::TrialDetail),
        (status = 401, description = "No valid token", body = Details, content_type = "application/problem+json"),
        (status = 403, description = "Not allowed", body = Details, content_type = "application/problem+json"),
        (status = 404, description = "There is no such trial", body = Details, content_type = "application/problem+json"),
    )
)]
pub(super) async fn one(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Json<model::TrialDetail>, Problem> {
    detail_of(&app, &actor, trial_id(&id)?).await
}

/// Stops a trial: what is not asked yet never is. For administrators.
#[utoipa::path(
    post,
    path = "/trials/{id}/stop",
    tag = "prompts",
    operation_id = "stop_trial",
    params(("id" = String, Path, description = "The trial's id")),
    responses(
        (status = 200, description = "It is stopped", body = model::TrialDetail),
        (status = 401, description = "No valid token", body = Details, content_type = "application/problem+json"),
        (status = 403, description = "Not allowed", body = Details, content_type = "application/problem+json"),
        (status = 404, description = "There is no such trial", body = Details, content_type = "application/problem+json"),
        (status = 409, description = "It can't be done now", body = Details, content_type = "application/problem+json"),
    )
)]
pub(super) async fn stop(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Json<model::TrialDetail>, Problem> {
    let id = trial_id(&id)?;
    app.engine.stop_trial(&actor, id).await?;
    detail_of(&app, &actor, id).await
}

fn trial_id(id: &str) -> Result<TrialId, Problem> {
    id.parse().map_err(|_| Problem::new(Kind::NotFound, "There is no such trial. Its id is a UUID."))
}

async fn detail_of(app: &App, actor: &Actor, id: TrialId) -> Result<Json<model::TrialDetail>, Problem> {
    let TrialDetail { compared, criteria, errors } = app.engine.trial(actor, id).await?;
    let criteria = criteria.into_iter().map(|criterion| model::TrialCriterion {
        title: criterion.title,
        works: criterion.levels.works,
        exact: criterion.levels.exact,
        adjacent: criterion.levels.adjacent,
        kappa: criterion.levels.kappa,
    });
    Ok(Json(model::TrialDetail {
        trial: trial(&compared),
        criteria: criteria.collect(),
        errors: errors.into_iter().map(|(what, works)| model::TrialFault { what, works }).collect(),
    }))
}

fn trial(compared: &Compared) -> model::Trial {
    let Compared { trial, assignment: (course, title), .. } = compared;
    model::Trial {
        id: trial.id.0,
        assignment: trial.assignment_id.0,
        course: course.clone(),
        title: title.clone(),
        marker: marker(&trial.marker),
        against: marker(&trial.against),
        state: match (trial.stopped, trial.ended_at) {
            (true, _) => model::TrialState::Stopped,
            (false, Some(_)) => model::TrialState::Ended,
            (false, None) => model::TrialState::Running,
        },
        started_at: trial.started_at,
        ended_at: trial.ended_at,
        works: compared.works,
        marked: compared.marked,
        unusable: compared.unusable,
        unanswered: compared.unanswered,
        spent_nano_usd: compared.spent.0,
        agreement: agreement(&compared.agreement),
        agreement_with_people: agreement(&compared.people),
        own: taken(&compared.own),
        other: taken(&compared.other),
        saves_percent: compared.saves(),
    }
}

fn marker(marker: &Marker) -> model::Marker {
    model::Marker {
        provider: marker.provider.clone(),
        model: marker.model.clone(),
        prompt_version: marker.prompt_version,
    }
}

fn taken(measured: &Measured) -> model::Measured {
    model::Measured {
        answers: measured.answers,
        input_tokens: measured.input_tokens,
        output_tokens: measured.output_tokens,
        thousand_nano_usd: measured.thousand.map(|amount| amount.0),
    }
}

fn agreement(found: &Agreement) -> model::Agreement {
    model::Agreement {
        works: found.works,
        kappa: found.kappa,
        difference: found.difference / 100.0,
        shift: found.shift,
        same: found.same,
        verdict: verdict(found.verdict()),
        words: found.words(),
    }
}

const fn verdict(verdict: Verdict) -> model::Verdict {
    match verdict {
        Verdict::Equal => model::Verdict::Equal,
        Verdict::Different => model::Verdict::Different,
        Verdict::Open => model::Verdict::Open,
    }
}

/// What a trial found of two models.
pub(super) fn of_models(found: &Agreement) -> model::ModelAgreement {
    model::ModelAgreement { works: found.works, kappa: found.kappa, verdict: verdict(found.verdict()) }
}

impl From<TrialError> for Problem {
    fn from(error: TrialError) -> Self {
        let told = error.to_string();
        match error {
            TrialError::Works(_) => Self::field("works", told),
            TrialError::Version(_) => Self::field("prompt_version", told),
            TrialError::Model { .. } => Self::field("model", told),
            TrialError::NoAssignment => Self::field("assignment", told),
            TrialError::NothingMarked
            | TrialError::UnderWay(_)
            | TrialError::NoMoney { .. }
            | TrialError::Untried { .. }
            | TrialError::Ended => Self::new(Kind::NotNow, told),
            TrialError::NotFound => Self::new(Kind::NotFound, told),
            TrialError::Identity(error) => error.into(),
            TrialError::Engine(error) => error.into(),
        }
    }
}
