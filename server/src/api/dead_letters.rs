//! Dead letters: work that ran out of automatic remedies, and what is to be done about it. For administrators.

use super::{body, caller::Caller, convert, lists::Query, model};
use crate::http::{
    app::App,
    problem::{Details, Kind, Problem},
};
use axum::{
    Json,
    extract::{Path, RawQuery, Request, State},
};
use quire_engine::{
    identity::Actor,
    recovery::{Cause, Edit, Filter, Remedy, RemedyOutcome},
    result::{Entered, EnteredMark},
    routing::Route,
    store::{AssignmentId, DeadLetterId},
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
        ("provider" = Option<String>, Query, description = "Those that died at this provider only"),
        ("assignment" = Option<Uuid>, Query, description = "Those of this assignment only"),
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
    let known = ["page", "per_page", "state", "cause", "provider", "assignment"];
    let query = Query::read(query.as_deref(), &known)?;
    let open = query.one_of("state", "open, resolved or all", |text| match text {
        "open" => Some(Some(true)),
        "resolved" => Some(Some(false)),
        "all" => Some(None),
        _ => None,
    })?;
    let filter = Filter {
        open: open.unwrap_or(Some(true)),
        cause: query.one_of("cause", &causes(), cause)?,
        provider: query.get("provider").map(str::to_owned),
        assignment: query.one_of("assignment", "an assignment's id", |text| text.parse().ok())?,
        until: None,
    };
    let (page, per_page) = query.paging()?;
    let found = app.engine.dead_letters(&actor, &filter, page, per_page).await?;
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
    let which = Which::of(asked.ids, asked.filter, asked.preview)?;
    decide(&app, &actor, which, &Remedy::Retry, asked.reason.as_deref()).await
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
    let which = Which::of(asked.ids, asked.filter, asked.preview)?;
    let remedy =
        Remedy::Reroute { provider: asked.provider, model: asked.model, route: asked.route.map(route) };
    decide(&app, &actor, which, &remedy, asked.reason.as_deref()).await
}

/// Closes dead letters without marks: their students are told, with the reason. The work itself is kept.
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
    let which = Which::of(asked.ids, asked.filter, asked.preview)?;
    decide(&app, &actor, which, &Remedy::Discard, Some(&asked.reason)).await
}

/// One dead letter: why, its whole history, and the request that would be sent.
///
/// The student's text is left out unless it is asked for with `show=work`; that it was is noted in the history.
#[utoipa::path(
    get,
    path = "/dead-letters/{id}",
    tag = "dead letters",
    operation_id = "dead_letter",
    params(
        ("id" = Uuid, Path, description = "Its id"),
        ("show" = Option<String>, Query, description = "`work` shows the student's text"),
    ),
    responses(
        (status = 200, description = "The dead letter", body = model::OpenedDeadLetter),
        (status = 400, description = "A parameter can't be used", body = Details, content_type = "application/problem+json"),
        (status = 401, description = "No valid token", body = Details, content_type = "application/problem+json"),
        (status = 403, description = "Not allowed", body = Details, content_type = "application/problem+json"),
        (status = 404, description = "There is no such dead letter for this token", body = Details, content_type = "application/problem+json"),
    )
)]
pub(super) async fn one(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Json<model::OpenedDeadLetter>, Problem> {
    let query = Query::read(query.as_deref(), &["show"])?;
    let show = query.one_of("show", "work", |text| (text == "work").then_some(()))?.is_some();
    let opened = app.engine.dead_letter(&actor, letter(&id)?, show).await?;
    Ok(Json(convert::opened(&opened)))
}

/// Changes what made a request fail and sends it again: another way, a longer answer, passages left out of the text that
/// is sent. The work as it was handed in is kept.
#[utoipa::path(
    post,
    path = "/dead-letters/{id}/edit",
    tag = "dead letters",
    operation_id = "edit_dead_letter",
    params(("id" = Uuid, Path, description = "Its id")),
    request_body = model::EditDeadLetter,
    responses(
        (status = 200, description = "It is sent again", body = model::DeadLetterOutcome),
        (status = 400, description = "The body can't be read", body = Details, content_type = "application/problem+json"),
        (status = 401, description = "No valid token", body = Details, content_type = "application/problem+json"),
        (status = 403, description = "Not allowed", body = Details, content_type = "application/problem+json"),
        (status = 404, description = "There is no such dead letter for this token", body = Details, content_type = "application/problem+json"),
        (status = 409, description = "Something was done about it before", body = Details, content_type = "application/problem+json"),
        (status = 422, description = "A field can't be used", body = Details, content_type = "application/problem+json"),
    )
)]
pub(super) async fn edit(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
    request: Request,
) -> Result<Json<model::DeadLetterOutcome>, Problem> {
    let id = letter(&id)?;
    let bytes = body::bytes(request).await?;
    let asked: model::EditDeadLetter = body::json(&bytes)?;
    let edit = Edit {
        provider: asked.provider,
        model: asked.model,
        route: asked.route.map(route),
        max_output: asked.max_output,
        text: asked.text,
    };
    done(id, app.engine.edit_dead_letter(&actor, id, &edit, Some(&asked.reason)).await?)
}

/// Gives marks by hand. For administrators and the instructors of the course; released as the assignment says.
#[utoipa::path(
    post,
    path = "/dead-letters/{id}/mark",
    tag = "dead letters",
    operation_id = "mark_dead_letter",
    params(("id" = Uuid, Path, description = "Its id; instructors find it with the submission")),
    request_body = model::MarkDeadLetter,
    responses(
        (status = 200, description = "It is marked", body = model::DeadLetterOutcome),
        (status = 400, description = "The body can't be read", body = Details, content_type = "application/problem+json"),
        (status = 401, description = "No valid token", body = Details, content_type = "application/problem+json"),
        (status = 403, description = "Not allowed", body = Details, content_type = "application/problem+json"),
        (status = 404, description = "There is no such dead letter for this token", body = Details, content_type = "application/problem+json"),
        (status = 409, description = "Something was done about it before", body = Details, content_type = "application/problem+json"),
        (status = 422, description = "A field can't be used", body = Details, content_type = "application/problem+json"),
    )
)]
pub(super) async fn mark(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
    request: Request,
) -> Result<Json<model::DeadLetterOutcome>, Problem> {
    let id = letter(&id)?;
    let bytes = body::bytes(request).await?;
    let asked: model::MarkDeadLetter = body::json(&bytes)?;
    let mark =
        |mark: model::HandMark| EnteredMark { level: mark.level, points: mark.points, comment: mark.comment };
    let entered = Entered {
        criteria: asked.criteria.into_iter().map(|(id, given)| (id, mark(given))).collect(),
        feedback: asked.feedback,
        next_step: asked.next_step,
    };
    done(id, app.engine.mark_by_hand(&actor, id, &entered).await?)
}

fn letter(id: &str) -> Result<DeadLetterId, Problem> {
    id.parse().map_err(|_| Problem::new(Kind::NotFound, "There is no such dead letter. Its id is a UUID."))
}

const fn route(route: model::RouteType) -> Route {
    match route {
        model::RouteType::Realtime => Route::Realtime,
        model::RouteType::Batch => Route::Batch,
    }
}

fn causes() -> String {
    format!("one of {}", Cause::ALL.map(Cause::name).join(", "))
}

fn cause(text: &str) -> Option<Cause> {
    Cause::ALL.into_iter().find(|cause| cause.name() == text)
}

/// What came of an act on one: what was done before is a conflict.
fn done(id: DeadLetterId, outcome: RemedyOutcome) -> Result<Json<model::DeadLetterOutcome>, Problem> {
    match outcome {
        RemedyOutcome::Done => {
            Ok(Json(model::DeadLetterOutcome { id: id.0, outcome: convert::remedy_outcome(outcome) }))
        }
        RemedyOutcome::WasResolved => Err(Problem::new(
            Kind::Resolved,
            "Something was done about this dead letter before. Look at it again.",
        )),
        RemedyOutcome::NotFound => Err(Problem::new(Kind::NotFound, "There is no such dead letter.")),
    }
}

/// Which dead letters a request is about.
enum Which {
    Ids(Vec<DeadLetterId>),
    Matching { filter: Filter, preview: bool },
}

impl Which {
    fn of(
        ids: Option<Vec<Uuid>>,
        filter: Option<model::DeadLetterFilter>,
        preview: bool,
    ) -> Result<Self, Problem> {
        match (ids, filter) {
            (Some(_), Some(_)) => {
                Err(Problem::field("filter", "is there beside ids; name ids or a filter, not both"))
            }
            (None, None) => Err(Problem::field("ids", "is missing; name 1 to 1,000 ids, or a filter")),
            (Some(_), None) if preview => {
                Err(Problem::field("preview", "is for a filter: it counts what matches"))
            }
            (Some(ids), None) => Ok(Self::Ids(ids.into_iter().map(DeadLetterId).collect())),
            (None, Some(asked)) => {
                let cause = match &asked.cause {
                    None => None,
                    Some(text) => Some(cause(text).ok_or_else(|| {
                        Problem::field("filter.cause", format!("is \"{text}\", but must be {}", causes()))
                    })?),
                };
                let filter = Filter {
                    open: Some(true),
                    cause,
                    provider: asked.provider,
                    assignment: asked.assignment.map(AssignmentId),
                    until: asked.until,
                };
                Ok(Self::Matching { filter, preview })
            }
        }
    }
}

/// Carries a decision out and says what came of each.
async fn decide(
    app: &App,
    actor: &Actor,
    which: Which,
    remedy: &Remedy,
    reason: Option<&str>,
) -> Result<Json<model::DeadLetterOutcomes>, Problem> {
    let (matching, decided) = match which {
        Which::Ids(ids) => {
            let outcomes = app.engine.decide_about(actor, &ids, remedy, reason).await?;
            (i64::try_from(ids.len()).unwrap_or(i64::MAX), ids.into_iter().zip(outcomes).collect())
        }
        Which::Matching { filter, preview } => {
            let done = app.engine.decide_about_matching(actor, &filter, remedy, reason, preview).await?;
            (done.matching, done.outcomes)
        }
    };
    let outcome = |(id, outcome): (DeadLetterId, RemedyOutcome)| model::DeadLetterOutcome {
        id: id.0,
        outcome: convert::remedy_outcome(outcome),
    };
    Ok(Json(model::DeadLetterOutcomes { matching, outcomes: decided.into_iter().map(outcome).collect() }))
}
