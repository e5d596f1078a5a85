//! What was saved in a month by giving answers again. For administrators.

use super::{caller::Caller, lists::Query, model::reused as model};
use crate::http::{
    app::App,
    problem::{Details, Problem},
};
use axum::{
    Json,
    extract::{Path, RawQuery, State},
};
use quire_engine::answer;

/// How many answers were given again in a month rather than paid for again, and what that saved. For administrators.
///
/// Of a month that has not ended it is what was saved so far.
#[utoipa::path(
    get,
    path = "/billing/{month}/reused",
    tag = "billing",
    operation_id = "reused_answers",
    params(("month" = String, Path, description = "The month in the institution's time zone, such as 2026-11")),
    responses(
        (status = 200, description = "What was saved, in all and by course", body = model::ReusedAnswers),
        (status = 400, description = "It is no month, or has not begun; or a parameter can't be used", body = Details, content_type = "application/problem+json"),
        (status = 401, description = "No valid token", body = Details, content_type = "application/problem+json"),
        (status = 403, description = "Not allowed", body = Details, content_type = "application/problem+json"),
    )
)]
pub(super) async fn month(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(month): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Json<model::ReusedAnswers>, Problem> {
    Query::read(query.as_deref(), &[])?;
    let answer::Reused { month, answers, saved, courses } = app.engine.reused(&actor, &month).await?;
    let in_course = |by: answer::ReusedBy| model::ReusedInCourse {
        course_id: by.course_id.0,
        course: by.course,
        cost_centre: by.cost_centre,
        answers: by.answers,
        saved_nano_usd: by.saved.0,
        near_drafts: by.near_drafts,
        near_drafts_saved_nano_usd: by.near_drafts_saved.0,
    };
    Ok(Json(model::ReusedAnswers {
        month,
        answers,
        saved_nano_usd: saved.0,
        near_drafts: courses.iter().map(|by| by.near_drafts).sum(),
        near_drafts_saved_nano_usd: courses.iter().map(|by| by.near_drafts_saved.0).sum(),
        courses: courses.into_iter().map(in_course).collect(),
    }))
}
