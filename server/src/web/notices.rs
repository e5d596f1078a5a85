//! Notices: how many are unread, and marking them read.

use super::{form::Form, visitor::Visitor};
use crate::http::app::App;
use axum::{
    Json,
    extract::{Path, Request, State},
    http::{StatusCode, Uri, header::CACHE_CONTROL},
    response::{IntoResponse, Response},
};
use quire_app::{
    data::PageError,
    render::{Refusal, sign_in_address},
};
use quire_engine::{
    identity::{Actor, IdentityError},
    store::NoticeId,
};

/// How many notices of this person are unread.
pub(super) async fn count(app: &App, actor: &Actor) -> Result<u32, IdentityError> {
    Ok(u32::try_from(app.engine.unread(actor).await?).unwrap_or(u32::MAX))
}

/// `GET /notices/unread`
pub(super) async fn unread(visitor: Visitor) -> Response {
    match &visitor.person {
        Some((_, viewer)) => {
            let body = Json(serde_json::json!({ "unread": viewer.unread }));
            ([(CACHE_CONTROL, "no-store")], body).into_response()
        }
        None => (StatusCode::UNAUTHORIZED, "Sign in to see your notices.").into_response(),
    }
}

/// `POST /notices/{id}/read`
pub(super) async fn read(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    let done = match (&visitor.person, id.parse::<NoticeId>()) {
        (None, _) => return Visitor::on_to(&sign_in_address("/notices")),
        (_, Err(_)) => Err(PageError::NotFound),
        (Some((actor, _)), Ok(id)) => {
            if let Err(response) = Form::read(&app, &visitor, request, "/notices").await {
                return response;
            }
            app.engine.read_notice(actor, id).await.map_err(failed)
        }
    };
    answer(&app, &visitor, done).await
}

/// `POST /notices/read-all`
pub(super) async fn read_all(State(app): State<App>, visitor: Visitor, request: Request) -> Response {
    let Some((actor, _)) = &visitor.person else { return Visitor::on_to(&sign_in_address("/notices")) };
    if let Err(response) = Form::read(&app, &visitor, request, "/notices").await {
        return response;
    }
    let done = app.engine.read_all_notices(actor).await.map(|_| ()).map_err(failed);
    answer(&app, &visitor, done).await
}

fn failed(error: IdentityError) -> PageError {
    match error {
        IdentityError::Db(error) => {
            tracing::error!(%error, "notices can't be marked read");
            PageError::Unavailable { retry_after: Some(5) }
        }
        _ => PageError::NotFound,
    }
}

async fn answer(app: &App, visitor: &Visitor, done: Result<(), PageError>) -> Response {
    match done {
        Ok(()) => Visitor::on_to("/notices"),
        Err(error) => visitor.refuse(app, &Uri::from_static("/notices"), Refusal::Page(error)).await,
    }
}
