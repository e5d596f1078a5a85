//! Handing in by the form.

use super::visitor::Visitor;
use crate::http::{
    app::App,
    problem::{Kind, Problem},
};
use axum::{
    body::Bytes,
    extract::{FromRequest, Multipart, Path, Request, State},
    http::{StatusCode, Uri},
    response::Response,
};
use quire_app::{
    data::{FieldError, PageError, RefusedForm},
    render::Refusal,
    words,
};
use quire_engine::{
    identity::Actor,
    store::AssignmentId,
    submission::{
        HandIn,
        extract::{self, ExtractError},
    },
};

/// What the form brought.
#[derive(Default)]
struct Brought {
    csrf: Option<String>,
    form_token: Option<String>,
    text: String,
    file: Option<(String, Option<String>, Bytes)>,
}

/// Why the form could not be read to its end.
enum Broken {
    TooLarge,
    Malformed,
    Encoding,
}

/// `POST /assignments/{id}/hand-in`
pub(super) async fn hand_in(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    let headers = request.headers().clone();
    let page =
        format!("/assignments/{}", id.chars().filter(char::is_ascii_graphic).take(64).collect::<String>());
    let address = page.parse::<Uri>().unwrap_or_else(|_| Uri::from_static("/"));
    let brought = match read(request).await {
        Ok(brought) => brought,
        Err(broken) => {
            let refusal = match broken {
                Broken::TooLarge => Refusal::TooLarge { limit: words::bytes(app.settings.uploads.bytes) },
                Broken::Malformed => invalid("The form broke off on its way. Go back and send it again."),
                Broken::Encoding => invalid("The text of the form is not UTF-8. Go back and send it again."),
            };
            return visitor.refuse(&app, &address, refusal).await;
        }
    };
    let typed = Some(brought.text.clone()).filter(|text| !text.trim().is_empty());
    if !visitor.is_ours(&app, &headers, brought.csrf.as_deref()) {
        return visitor.refuse(&app, &address, Refusal::StaleForm { typed, return_to: page }).await;
    }
    let Some((actor, _)) = &visitor.person else {
        return visitor.refuse(&app, &address, Refusal::SessionEnded { typed, return_to: page }).await;
    };
    let Ok(assignment) = id.parse::<AssignmentId>() else {
        return visitor.refuse(&app, &address, Refusal::Page(PageError::NotFound)).await;
    };
    match take(&app, actor, assignment, &brought).await {
        Ok(tracking_id) => Visitor::on_to(&format!("/s/{tracking_id}")),
        Err(Refused::Form { field, message, status }) => {
            let mut values = vec![("text".to_owned(), brought.text)];
            values.extend(brought.form_token.map(|token| ("form_token".to_owned(), token)));
            let form = RefusedForm { errors: vec![FieldError { field: field.to_owned(), message }], values };
            let mut response = visitor.page(&app, &address, false, Some(form)).await;
            if response.status() == StatusCode::UNPROCESSABLE_ENTITY {
                *response.status_mut() = status;
            }
            response
        }
        Err(Refused::Page(error)) => visitor.refuse(&app, &address, Refusal::Page(error)).await,
        Err(Refused::Ours) => {
            let reference = visitor.request.clone();
            visitor.refuse(&app, &address, Refusal::Internal { reference }).await
        }
    }
}

fn invalid(message: &str) -> Refusal {
    Refusal::Page(PageError::Invalid { message: message.to_owned() })
}

async fn read(request: Request) -> Result<Brought, Broken> {
    let mut form = Multipart::from_request(request, &()).await.map_err(|_| Broken::Malformed)?;
    let mut brought = Brought::default();
    let broken = |error: axum::extract::multipart::MultipartError| {
        if error.status() == StatusCode::PAYLOAD_TOO_LARGE { Broken::TooLarge } else { Broken::Malformed }
    };
    while let Some(field) = form.next_field().await.map_err(broken)? {
        let name = field.name().unwrap_or_default().to_owned();
        let file_name = field.file_name().map(str::to_owned);
        let media = field.content_type().map(str::to_owned);
        let bytes = field.bytes().await.map_err(broken)?;
        let text = |bytes: Bytes| String::from_utf8(bytes.into()).map_err(|_| Broken::Encoding);
        match name.as_str() {
            "csrf" => brought.csrf = Some(text(bytes)?),
            "form_token" => brought.form_token = Some(text(bytes)?),
            "text" => brought.text = text(bytes)?,
            // A browser sends an empty file where none was chosen.
            "file" if !bytes.is_empty() || file_name.as_ref().is_some_and(|name| !name.is_empty()) => {
                brought.file = Some((file_name.unwrap_or_default(), media, bytes));
            }
            _ => {}
        }
    }
    Ok(brought)
}

/// Work that was not taken.
enum Refused {
    /// Something in the form, to be said beside the field.
    Form { field: &'static str, message: String, status: StatusCode },
    /// The page can't be shown to this person.
    Page(PageError),
    /// A fault of ours.
    Ours,
}

async fn take(
    app: &App,
    actor: &Actor,
    assignment: AssignmentId,
    brought: &Brought,
) -> Result<String, Refused> {
    let unreadable = |field: &'static str, error: &ExtractError| {
        let status = match error {
            ExtractError::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            ExtractError::WrongType { .. } | ExtractError::Mismatch { .. } => {
                StatusCode::UNSUPPORTED_MEDIA_TYPE
            }
            ExtractError::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        };
        Refused::Form { field, message: error.to_string(), status }
    };
    let limits = &app.settings.uploads;
    let (text, file_name, field) = match &brought.file {
        Some(_) if !brought.text.trim().is_empty() => {
            let message = "You typed a text and chose a file. Hand in one of the two: empty the text, or send it without the file.";
            return Err(Refused::Form {
                field: "file",
                message: message.to_owned(),
                status: StatusCode::UNPROCESSABLE_ENTITY,
            });
        }
        Some((name, media, bytes)) => {
            let extracted = app.extractor.extract(name, media.as_deref(), bytes, limits).await;
            (extracted.map_err(|error| unreadable("file", &error))?.text, Some(name.clone()), "file")
        }
        None => (
            extract::typed(&brought.text, limits).map_err(|error| unreadable("text", &error))?.text,
            None,
            "text",
        ),
    };
    let input = HandIn {
        assignment,
        student: None,
        text,
        file_name: file_name.filter(|name| !name.is_empty()),
        idempotency: brought
            .form_token
            .as_ref()
            .filter(|token| !token.is_empty())
            .map(|token| format!("form-{token}")),
    };
    let receipt = app.engine.hand_in(actor, input).await.map_err(|error| {
        let message = error.to_string();
        let problem = Problem::from(error);
        match problem.kind() {
            Kind::NotFound => Refused::Page(PageError::NotFound),
            Kind::Forbidden => Refused::Page(PageError::Forbidden),
            Kind::Unavailable => Refused::Page(PageError::Unavailable { retry_after: Some(5) }),
            Kind::Internal => Refused::Ours,
            kind => Refused::Form { field, message, status: kind.status() },
        }
    })?;
    Ok(receipt.submission.tracking_id.to_string())
}
