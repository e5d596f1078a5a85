//! Lists: assignments, an assignment's submissions, batches, providers.

use super::{caller::Caller, convert, model};
use crate::http::{
    app::App,
    problem::{Details, Problem},
};
use axum::{
    Json,
    extract::{Path, RawQuery, State},
};
use quire_engine::{batching::BatchState, store::AssignmentId, submission::SubmissionState};

/// Items on a page where nothing is asked, and the most.
const PER_PAGE: i64 = 100;
const MOST_PER_PAGE: i64 = 1_000;

/// The assignments that the token's person may see.
#[utoipa::path(
    get,
    path = "/assignments",
    tag = "lists",
    operation_id = "assignments",
    responses(
        (status = 200, description = "By course and title", body = Vec<model::Assignment>),
        (status = 401, description = "No valid token", body = Details, content_type = "application/problem+json"),
    )
)]
pub(super) async fn assignments(
    State(app): State<App>,
    Caller(actor): Caller,
) -> Result<Json<Vec<model::Assignment>>, Problem> {
    let now = app.engine.now();
    let listed = app.engine.assignments(&actor).await?;
    Ok(Json(listed.iter().map(|one| convert::assignment(one, now)).collect()))
}

/// An assignment's submissions with their marks, the newest first. For staff.
#[utoipa::path(
    get,
    path = "/assignments/{id}/submissions",
    tag = "lists",
    operation_id = "submissions",
    params(
        ("id" = Uuid, Path, description = "The assignment's id"),
        ("status" = Option<model::Status>, Query, description = "Those in this state only"),
        ("page" = Option<i64>, Query, minimum = 1, description = "From 1"),
        ("per_page" = Option<i64>, Query, minimum = 1, maximum = 1000, description = "100 unless said"),
    ),
    responses(
        (status = 200, description = "A page of them", body = model::Page<model::SubmissionItem>),
        (status = 400, description = "A parameter can't be used", body = Details, content_type = "application/problem+json"),
        (status = 401, description = "No valid token", body = Details, content_type = "application/problem+json"),
        (status = 403, description = "Not allowed", body = Details, content_type = "application/problem+json"),
        (status = 404, description = "There is no such assignment for this token", body = Details, content_type = "application/problem+json"),
    )
)]
pub(super) async fn submissions(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Json<model::Page<model::SubmissionItem>>, Problem> {
    let id: AssignmentId = id.parse().map_err(|_| {
        Problem::new(crate::http::problem::Kind::NotFound, "There is no such assignment. Its id is a UUID.")
    })?;
    let query = Query::read(query.as_deref(), &["page", "per_page", "status"])?;
    let status = query.one_of(
        "status",
        "queued, processing, in_review, completed, needs_attention, withdrawn or closed",
        |t| {
            [
                SubmissionState::Queued,
                SubmissionState::Processing,
                SubmissionState::InReview,
                SubmissionState::Completed,
                SubmissionState::NeedsAttention,
                SubmissionState::Withdrawn,
                SubmissionState::Closed,
            ]
            .into_iter()
            .find(|state| state.name() == t)
        },
    )?;
    let (page, per_page) = query.paging()?;
    let found = app.engine.submissions_of(&actor, id, status, page, per_page).await?;
    let marking = app.engine.marking(id).await?;
    let items = found.rows.iter().map(|row| convert::item(row, &marking.context.rubric)).collect();
    Ok(Json(model::Page { items, page: found.page, per_page: found.per_page, total: found.total }))
}

/// Batches, the newest first. For administrators.
#[utoipa::path(
    get,
    path = "/batches",
    tag = "lists",
    operation_id = "batches",
    params(
        ("state" = Option<String>, Query, description = "Those in this state only: `written`, `sending`, `sent`, `ended`, `done`, `failed`"),
        ("page" = Option<i64>, Query, minimum = 1, description = "From 1"),
        ("per_page" = Option<i64>, Query, minimum = 1, maximum = 1000, description = "100 unless said"),
    ),
    responses(
        (status = 200, description = "A page of them", body = model::Page<model::Batch>),
        (status = 400, description = "A parameter can't be used", body = Details, content_type = "application/problem+json"),
        (status = 401, description = "No valid token", body = Details, content_type = "application/problem+json"),
        (status = 403, description = "Not allowed", body = Details, content_type = "application/problem+json"),
    )
)]
pub(super) async fn batches(
    State(app): State<App>,
    Caller(actor): Caller,
    RawQuery(query): RawQuery,
) -> Result<Json<model::Page<model::Batch>>, Problem> {
    let query = Query::read(query.as_deref(), &["page", "per_page", "state"])?;
    let state = query.one_of("state", "written, sending, sent, ended, done or failed", |text| {
        [
            BatchState::Written,
            BatchState::Sending,
            BatchState::Sent,
            BatchState::Ended,
            BatchState::Done,
            BatchState::Failed,
        ]
        .into_iter()
        .find(|state| state.name() == text)
    })?;
    let (page, per_page) = query.paging()?;
    let found = app.engine.batches(&actor, state, page, per_page).await?;
    let items = found.rows.iter().map(convert::batch).collect();
    Ok(Json(model::Page { items, page: found.page, per_page: found.per_page, total: found.total }))
}

/// The providers that are switched on, and how they are. For administrators.
#[utoipa::path(
    get,
    path = "/providers",
    tag = "lists",
    operation_id = "providers",
    responses(
        (status = 200, description = "By name", body = Vec<model::Provider>),
        (status = 401, description = "No valid token", body = Details, content_type = "application/problem+json"),
        (status = 403, description = "Not allowed", body = Details, content_type = "application/problem+json"),
    )
)]
pub(super) async fn providers(
    State(app): State<App>,
    Caller(actor): Caller,
) -> Result<Json<Vec<model::Provider>>, Problem> {
    let seen = app.engine.providers_seen(&actor).await?;
    Ok(Json(seen.iter().map(convert::provider).collect()))
}

/// The parameters of a query.
#[derive(Debug)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    pub(super) fn read(query: Option<&str>, known: &[&str]) -> Result<Self, Problem> {
        let pairs: Vec<(String, String)> =
            url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect();
        for (at, (name, _)) in pairs.iter().enumerate() {
            if !known.contains(&name.as_str()) {
                let message = format!("is not a parameter here; there are {}", known.join(", "));
                return Err(Problem::parameter(name, message));
            }
            if pairs[..at].iter().any(|(other, _)| other == name) {
                return Err(Problem::parameter(name, "is there twice"));
            }
        }
        Ok(Self(pairs))
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn one_of<T>(
        &self,
        name: &str,
        words: &str,
        find: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, Problem> {
        self.get(name)
            .map(|text| {
                find(text)
                    .ok_or_else(|| Problem::parameter(name, format!("is \"{text}\", but must be {words}")))
            })
            .transpose()
    }

    fn number(&self, name: &str, default: i64, most: i64) -> Result<i64, Problem> {
        let Some(text) = self.get(name) else { return Ok(default) };
        text.parse().ok().filter(|number| (1..=most).contains(number)).ok_or_else(|| {
            Problem::parameter(name, format!("is \"{text}\", but must be a whole number from 1 to {most}"))
        })
    }

    pub(super) fn paging(&self) -> Result<(i64, i64), Problem> {
        Ok((self.number("page", 1, 1_000_000_000)?, self.number("per_page", PER_PAGE, MOST_PER_PAGE)?))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn parameters_are_checked_by_name() {
        let read = |text| Query::read(Some(text), &["page", "per_page"]);
        assert_eq!(Query::read(None, &["page"]).unwrap().paging().unwrap(), (1, 100));
        assert_eq!(read("page=3&per_page=1000").unwrap().paging().unwrap(), (3, 1000));
        assert!(read("pag=3").unwrap_err().detail().contains("pag: is not a parameter"));
        assert!(read("page=1&page=2").unwrap_err().detail().contains("twice"));
        for (text, part) in [
            ("page=0", "page: is \"0\""),
            ("page=x", "whole number"),
            ("page=", "is \"\""),
            ("per_page=1001", "1 to 1000"),
            ("page=-1", "-1"),
            ("page=99999999999999999999", "999"),
        ] {
            let detail = read(text).unwrap().paging().unwrap_err().detail().to_owned();
            assert!(detail.contains(part), "{text}: {detail}");
        }
    }
}
