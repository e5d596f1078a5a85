//! Errors of the API as problem details (RFC 9457), and the table of their kinds.

use super::observe;
use axum::{
    Json,
    http::{
        HeaderValue, StatusCode,
        header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
    },
    response::{IntoResponse, Response},
};
use serde::Serialize;
use std::fmt::Write;

/// The media type of problem details.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// The path under which kinds of problems are explained.
pub const PATH: &str = "/problems/";

macro_rules! kinds {
    ($($kind:ident $slug:literal $status:ident $title:literal $meaning:literal;)*) => {
        /// What kind of problem it is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Kind {
            $(#[doc = $title] $kind,)*
        }

        impl Kind {
            /// All kinds, in the order of their status codes.
            pub const ALL: &[Self] = &[$(Self::$kind,)*];

            /// The last part of the type's address.
            #[must_use]
            pub const fn slug(self) -> &'static str {
                match self { $(Self::$kind => $slug,)* }
            }
            /// The status code that goes with it.
            #[must_use]
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$kind => StatusCode::$status,)* }
            }
            /// What it is, in a few words.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$kind => $title,)* }
            }
            /// When it happens and what to do.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$kind => $meaning,)* }
            }
        }
    };
}

kinds! {
    InvalidBody "invalid-body" BAD_REQUEST "The body can't be read"
        "The body is not the JSON, UTF-8 or multipart form that its content type promises. `detail` says where it stops making sense. Mend the body; sending it again unchanged fails again.";
    InvalidParameter "invalid-parameter" BAD_REQUEST "A parameter can't be used"
        "A value in the query, the path or a header is not of the form it must have. `errors` names it and says what is allowed.";
    Unauthenticated "unauthenticated" UNAUTHORIZED "No valid token"
        "The `Authorization: Bearer` header is missing, or its token is unknown, expired or revoked. Make a token with `quire token create`.";
    Forbidden "forbidden" FORBIDDEN "Not allowed"
        "The token's person may see this, but not do this.";
    NotFound "not-found" NOT_FOUND "Not found"
        "There is nothing here, or nothing that the token's person may know of.";
    MethodNotAllowed "method-not-allowed" METHOD_NOT_ALLOWED "Method not allowed"
        "The address exists, but not for this method. The `Allow` header lists those it takes.";
    Timeout "timeout" REQUEST_TIMEOUT "It took too long"
        "The request's body did not arrive in time. With the same `Idempotency-Key` it is safe to send again.";
    Closed "assignment-closed" CONFLICT "The assignment does not take work now"
        "The assignment is not open yet, or closed. `detail` says since or until when.";
    NoDraftLeft "no-draft-left" CONFLICT "No draft left"
        "The student has handed in as many drafts as the assignment allows.";
    Resolved "already-resolved" CONFLICT "Something was done before"
        "Someone, or Quire itself on schedule, did something about this dead letter before. Look at it again.";
    Changed "changed-meanwhile" CONFLICT "Changed meanwhile"
        "Someone changed this after it was read. Nothing was changed now; read it again and make the change anew.";
    NotNow "not-possible-now" CONFLICT "It can't be done now"
        "The state of things does not allow it; nothing was changed. `detail` says why, and what to do first.";
    TooLarge "too-large" PAYLOAD_TOO_LARGE "Too large"
        "The body, or the file in it, is larger than this Quire takes. `detail` says how much it takes.";
    UnsupportedType "unsupported-type" UNSUPPORTED_MEDIA_TYPE "Wrong type"
        "The body's content type, or the type of the file, is not one that is taken here. `detail` lists those that are.";
    InvalidField "invalid-field" UNPROCESSABLE_ENTITY "A field can't be used"
        "The body can be read, but a field in it is missing, of the wrong type or not allowed. `errors` names each and says what to do.";
    UnusableWork "unusable-work" UNPROCESSABLE_ENTITY "The work can't be taken"
        "The work is empty, too long, or its text can't be read from the file. `detail` says which and what to do.";
    KeyReused "idempotency-key-reused" UNPROCESSABLE_ENTITY "The key was used for another request"
        "The `Idempotency-Key` came before with another body. Use a new key for each new request.";
    TooMany "too-many-requests" TOO_MANY_REQUESTS "Too many requests"
        "More requests or open streams than one person or network may have. `Retry-After` says when to try again.";
    Internal "internal" INTERNAL_SERVER_ERROR "Something went wrong here"
        "A fault of Quire's own. `instance` is the id under which the log has it. A hand-in that was not answered can be sent again with the same `Idempotency-Key`.";
    Unavailable "unavailable" SERVICE_UNAVAILABLE "Not available now"
        "The database can't be reached or the server is stopping. `Retry-After` says when to try again. Nothing that was acknowledged is lost.";
}

/// One thing wrong with a field or parameter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Complaint {
    /// The field's or parameter's name.
    pub field: String,
    /// What is wrong and what to do.
    pub message: String,
}

/// The body of an error answer (RFC 9457).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Details {
    /// Which kind of problem: an address, relative to this server, that explains it.
    #[serde(rename = "type")]
    #[schema(example = "/problems/not-found")]
    kind: String,
    /// The kind, in a few words.
    title: &'static str,
    /// The status code.
    status: u16,
    /// What is wrong this time and what to do.
    detail: String,
    /// The id under which the log has this request.
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<String>,
    /// Each field or parameter that is wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Complaint>,
}

/// An error answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    kind: Kind,
    detail: String,
    errors: Vec<Complaint>,
    retry_after: Option<u32>,
    instance: Option<String>,
}

impl Problem {
    /// A problem of a kind; the detail says what is wrong this time and what to do.
    #[must_use]
    pub fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), errors: Vec::new(), retry_after: None, instance: None }
    }

    /// Something wrong with one field of the body.
    #[must_use]
    pub fn field(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::about(Kind::InvalidField, field, message)
    }

    /// Something wrong with one parameter in query, path or header.
    #[must_use]
    pub fn parameter(name: impl Into<String>, message: impl Into<String>) -> Self {
        Self::about(Kind::InvalidParameter, name, message)
    }

    /// A problem of a kind with one field or parameter.
    #[must_use]
    pub fn about(kind: Kind, field: impl Into<String>, message: impl Into<String>) -> Self {
        let (field, message) = (field.into(), message.into());
        let detail = format!("{field}: {message}");
        Self { errors: vec![Complaint { field, message }], ..Self::new(kind, detail) }
    }

    /// Names one more field or parameter that is wrong.
    #[must_use]
    pub fn and(mut self, field: impl Into<String>, message: impl Into<String>) -> Self {
        let (field, message) = (field.into(), message.into());
        let _ = write!(self.detail, "; {field}: {message}");
        self.errors.push(Complaint { field, message });
        self
    }

    /// Says after how many seconds it may be tried again.
    #[must_use]
    pub const fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// Names the id under which the log has the request.
    #[must_use]
    pub fn instance(mut self, id: impl Into<String>) -> Self {
        self.instance = Some(id.into());
        self
    }

    /// What kind of problem it is.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// After how many seconds it may be tried again.
    #[must_use]
    pub const fn seconds_to_wait(&self) -> Option<u32> {
        self.retry_after
    }

    /// What is wrong this time.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.kind.status();
        let details = Details {
            kind: format!("{PATH}{}", self.kind.slug()),
            title: self.kind.title(),
            status: status.as_u16(),
            detail: self.detail,
            instance: self.instance.or_else(|| observe::current().map(|id| id.to_string())),
            errors: self.errors,
        };
        let mut response = (status, Json(details)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if self.kind == Kind::Unauthenticated {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// The explanation of one kind, as the server gives it at the type's address.
#[must_use]
pub fn explain(slug: &str) -> Option<String> {
    let kind = Kind::ALL.iter().find(|kind| kind.slug() == slug)?;
    Some(format!("{} ({})\n\n{}\n", kind.title(), kind.status().as_u16(), kind.meaning()))
}

/// The table of all kinds, as it stands in `docs/api-errors.md`.
#[must_use]
pub fn table() -> String {
    let mut out =
        String::from("| type | status | title | when, and what to do |\n| --- | --- | --- | --- |\n");
    for kind in Kind::ALL {
        let _ = writeln!(
            out,
            "| `{PATH}{}` | {} | {} | {} |",
            kind.slug(),
            kind.status().as_u16(),
            kind.title(),
            kind.meaning()
        );
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    async fn body(problem: Problem) -> (Response<()>, serde_json::Value) {
        let (parts, body) = problem.into_response().into_parts();
        let bytes = axum::body::to_bytes(body, 1 << 16).await.unwrap();
        (Response::from_parts(parts, ()), serde_json::from_slice(&bytes).unwrap())
    }

    #[tokio::test]
    async fn a_problem_is_told_in_full() {
        let problem = Problem::field("text", "is missing").and("assignment", "is no id").instance("01-ab");
        let (response, body) = body(problem).await;
        assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(response.headers()[CONTENT_TYPE], MEDIA_TYPE);
        assert_eq!(
            body,
            serde_json::json!({
                "type": "/problems/invalid-field",
                "title": "A field can't be used",
                "status": 422,
                "detail": "text: is missing; assignment: is no id",
                "instance": "01-ab",
                "errors": [
                    {"field": "text", "message": "is missing"},
                    {"field": "assignment", "message": "is no id"},
                ],
            })
        );
    }

    #[tokio::test]
    async fn headers_that_go_with_a_kind() {
        let (response, body_) = body(Problem::new(Kind::Unauthenticated, "no token")).await;
        assert_eq!(response.headers()[WWW_AUTHENTICATE], "Bearer");
        assert!(body_.get("errors").is_none() && body_.get("instance").is_none());
        let (response, _) = body(Problem::new(Kind::TooMany, "wait").retry_after(7)).await;
        assert_eq!(response.headers()[RETRY_AFTER], "7");
    }

    #[test]
    fn kinds_are_told_apart_and_explained() {
        let mut slugs: Vec<_> = Kind::ALL.iter().map(|kind| kind.slug()).collect();
        slugs.sort_unstable();
        slugs.dedup();
        assert_eq!(slugs.len(), Kind::ALL.len());
        for kind in Kind::ALL {
            assert!(explain(kind.slug()).unwrap().contains(kind.title()));
            assert!(kind.status().is_client_error() || kind.status().is_server_error());
        }
        assert!(explain("nonsense").is_none());
    }

    /// With `UPDATE_DOCS=1` it writes the table instead.
    #[test]
    fn the_manual_holds_this_table() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/api-errors.md");
        let (begin, end) = ("<!-- problems: begin -->\n", "<!-- problems: end -->");
        let text = std::fs::read_to_string(path).unwrap();
        let (before, rest) = text.split_once(begin).expect("docs/api-errors.md marks where the table begins");
        let (found, after) = rest.split_once(end).expect("docs/api-errors.md marks where the table ends");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(path, format!("{before}{begin}{}{end}{after}", table())).unwrap();
        } else {
            assert_eq!(found, table(), "run the test with UPDATE_DOCS=1 to bring the table up to date");
        }
    }
}
