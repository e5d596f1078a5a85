//! Handing in, and a submission as it stands.

use super::{body, caller::Caller, convert, error::unreadable, model};
use crate::{
    http::{
        app::App,
        problem::{Details, Kind, Problem},
    },
    live,
};
use axum::{
    Json,
    extract::{FromRequest, Multipart, Path, Request, State, multipart::MultipartError},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header::LOCATION},
    response::{IntoResponse, Response},
};
use quire_engine::{
    identity::{Act, Actor, Email},
    store::AssignmentId,
    submission::{HandIn, SubmissionView, TrackingId, extract},
};
use uuid::Uuid;

/// Says that the answer is that of an earlier request with the same key.
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// Hands work in.
///
/// The answer comes when the work is stored durably. With an `Idempotency-Key` it is safe to send again: the same
/// key and body is the same submission, and `Idempotent-Replayed: true` says so.
#[utoipa::path(
    post,
    path = "/submissions",
    tag = "submissions",
    operation_id = "hand_in",
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 200 visible ASCII characters of your own choice")),
    request_body(content(
        (model::NewSubmission = "application/json"),
        (model::NewSubmissionForm = "multipart/form-data"),
    )),
    responses(
        (status = 201, description = "It is stored, and will be marked", body = model::Receipt,
            headers(("Location" = String, description = "Where the submission is"))),
        (status = 400, description = "The body or a header can't be read", body = Details, content_type = "application/problem+json"),
        (status = 401, description = "No valid token", body = Details, content_type = "application/problem+json"),
        (status = 403, description = "Not allowed", body = Details, content_type = "application/problem+json"),
        (status = 404, description = "There is no such assignment", body = Details, content_type = "application/problem+json"),
        (status = 409, description = "The assignment takes no work now, or no more drafts", body = Details, content_type = "application/problem+json"),
        (status = 413, description = "Too large", body = Details, content_type = "application/problem+json"),
        (status = 415, description = "Wrong type of body or file", body = Details, content_type = "application/problem+json"),
        (status = 422, description = "A field, the work or the key can't be used", body = Details, content_type = "application/problem+json"),
    )
)]
pub(super) async fn hand_in(
    State(app): State<App>,
    Caller(actor): Caller,
    request: Request,
) -> Result<Response, Problem> {
    let key = idempotency_key(request.headers())?;
    let mut input = match body::Content::of(&request)? {
        body::Content::Json => {
            let bytes = body::bytes(request).await?;
            let new: model::NewSubmission<'_> = body::json(&bytes)?;
            let text =
                extract::typed(&new.text, &app.settings.uploads).map_err(|e| unreadable("text", &e))?.text;
            work(AssignmentId(new.assignment), new.student.as_deref(), text, None)?
        }
        body::Content::Multipart => form(&app, request).await?,
    };
    input.idempotency = key;
    let receipt = app.engine.hand_in(&actor, input).await?;
    let staff = is_staff(&app, &actor, receipt.submission.assignment_id).await;
    let location = format!("/api/v1/submissions/{}", receipt.submission.tracking_id);
    let mut response = (StatusCode::CREATED, Json(convert::receipt(&receipt, staff))).into_response();
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(LOCATION, location);
    }
    if receipt.repeated {
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    }
    Ok(response)
}

/// A submission as it stands.
#[utoipa::path(
    get,
    path = "/submissions/{tracking_id}",
    tag = "submissions",
    operation_id = "submission",
    params(("tracking_id" = String, Path, description = "As answered when it was handed in", example = "QR-7F3K-92MD")),
    responses(
        (status = 200, description = "The submission", body = model::Submission),
        (status = 401, description = "No valid token", body = Details, content_type = "application/problem+json"),
        (status = 404, description = "There is no such submission for this token", body = Details, content_type = "application/problem+json"),
    )
)]
pub(super) async fn submission(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(tracking_id): Path<String>,
) -> Result<Response, Problem> {
    let view = app.engine.submission(&actor, &tracking(&tracking_id)?).await?;
    app.engine.note_viewed(&actor, &view).await?;
    Ok(Json(convert::submission(&view)).into_response())
}

/// Follows a submission by server-sent events.
///
/// Each event's data is the submission as it stands, as `GET /submissions/{tracking_id}` answers it: one at once and
/// one whenever something changes. The stream ends when nothing more will happen. After a lost connection, connect
/// again: the first event is the whole state.
#[utoipa::path(
    get,
    path = "/submissions/{tracking_id}/events",
    tag = "submissions",
    operation_id = "submission_events",
    params(
        ("tracking_id" = String, Path, description = "As answered when it was handed in", example = "QR-7F3K-92MD"),
        ("Last-Event-ID" = Option<String>, Header, description = "The id of the last event that arrived"),
    ),
    responses(
        (status = 200, description = "The stream", body = model::Submission, content_type = "text/event-stream"),
        (status = 401, description = "No valid token", body = Details, content_type = "application/problem+json"),
        (status = 404, description = "There is no such submission for this token", body = Details, content_type = "application/problem+json"),
        (status = 429, description = "Too many open streams", body = Details, content_type = "application/problem+json"),
    )
)]
pub(super) async fn events(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(tracking_id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let id = tracking(&tracking_id)?;
    let view = app.engine.submission(&actor, &id).await?;
    let render =
        |view: &SubmissionView| serde_json::to_string(&convert::submission(view)).unwrap_or_default();
    live::follow(&app, actor, view, &headers, render)
        .ok_or_else(|| Problem::new(Kind::TooMany, live::TOO_MANY).retry_after(live::RETRY_SECONDS))
}

/// A text that is no tracking id names nothing.
fn tracking(text: &str) -> Result<TrackingId, Problem> {
    text.parse().map_err(|_| {
        Problem::new(Kind::NotFound, "There is no such submission. A tracking id looks like QR-7F3K-92MD.")
    })
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    match value.to_str() {
        Ok(key) => Ok(Some(key.to_owned())),
        Err(_) => Err(Problem::parameter("Idempotency-Key", "must have 1 to 200 visible ASCII characters")),
    }
}

async fn is_staff(app: &App, actor: &Actor, assignment: AssignmentId) -> bool {
    match app.engine.courses().context(assignment).await {
        Ok(Some(context)) => {
            let act = Act::SeeCourseWork { course: context.course.id };
            app.engine.identity().check(actor, &act).await.is_ok()
        }
        _ => false,
    }
}

fn work(
    assignment: AssignmentId,
    student: Option<&str>,
    text: String,
    file_name: Option<String>,
) -> Result<HandIn, Problem> {
    let student = student
        .map(|address| address.parse::<Email>().map_err(|e| Problem::field("student", e.to_string())))
        .transpose()?;
    Ok(HandIn { assignment, student, text, file_name, idempotency: None })
}

/// Reads the work from a form.
async fn form(app: &App, request: Request) -> Result<HandIn, Problem> {
    let mut form = Multipart::from_request(request, &())
        .await
        .map_err(|rejection| Problem::new(Kind::InvalidBody, rejection.body_text()))?;
    let (mut assignment, mut student, mut typed, mut file) = (None, None, None, None);
    while let Some(field) = form.next_field().await.map_err(broken)? {
        let name = field.name().unwrap_or_default().to_owned();
        let once = |there: bool| if there { Err(Problem::field(&name, "is there twice")) } else { Ok(()) };
        match name.as_str() {
            "assignment" => {
                once(assignment.is_some())?;
                let text = text_of(&name, field).await?;
                let id: Uuid = text.trim().parse().map_err(|_| {
                    Problem::field("assignment", format!("\"{text}\" is not an id of an assignment"))
                })?;
                assignment = Some(id);
            }
            "student" => {
                once(student.is_some())?;
                student = Some(text_of(&name, field).await?);
            }
            "text" => {
                once(typed.is_some())?;
                typed = Some(text_of(&name, field).await?);
            }
            "file" => {
                once(file.is_some())?;
                let file_name = field.file_name().unwrap_or_default().to_owned();
                let media = field.content_type().map(str::to_owned);
                file = Some((file_name, media, field.bytes().await.map_err(broken)?));
            }
            _ => {
                return Err(Problem::field(
                    name,
                    "is not a field here; there are assignment, text, file and student",
                ));
            }
        }
    }
    let assignment = assignment.ok_or_else(|| Problem::field("assignment", "is missing"))?;
    let typed = typed.filter(|text| !text.trim().is_empty());
    let (text, file_name) = match (typed, file) {
        (Some(_), Some(_)) => {
            return Err(Problem::field("file", "came together with text; send one of the two"));
        }
        (Some(text), None) => {
            (extract::typed(&text, &app.settings.uploads).map_err(|e| unreadable("text", &e))?.text, None)
        }
        (None, Some((name, media, bytes))) => {
            let extracted =
                app.extractor.extract(&name, media.as_deref(), &bytes, &app.settings.uploads).await;
            (extracted.map_err(|e| unreadable("file", &e))?.text, Some(name).filter(|name| !name.is_empty()))
        }
        (None, None) => return Err(Problem::field("text", "is missing; send text or a file")),
    };
    work(AssignmentId(assignment), student.as_deref(), text, file_name)
}

async fn text_of(name: &str, field: axum::extract::multipart::Field<'_>) -> Result<String, Problem> {
    let bytes = field.bytes().await.map_err(broken)?;
    String::from_utf8(bytes.into()).map_err(|error| {
        let at = error.utf8_error().valid_up_to() + 1;
        Problem::field(name, format!("is not UTF-8: byte {at} fits no letter"))
    })
}

/// The form ended early, is malformed, or is over the limit.
fn broken(error: MultipartError) -> Problem {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        body::too_large()
    } else {
        Problem::new(Kind::InvalidBody, format!("The form can't be read: {}.", error.body_text()))
    }
}
