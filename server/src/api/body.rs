//! Reading bodies, with problems that name what is wrong.

use crate::http::problem::{Kind, Problem};
use axum::{
    body::Bytes,
    extract::{FromRequest, Request, rejection::BytesRejection},
    http::header::CONTENT_TYPE,
};
use serde::Deserialize;

/// What kind of body a request says that it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    Json,
    Multipart,
}

impl Content {
    /// As the content type says; nothing said is JSON.
    pub(super) fn of(request: &Request) -> Result<Self, Problem> {
        let Some(header) = request.headers().get(CONTENT_TYPE) else { return Ok(Self::Json) };
        let kind = header.to_str().unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        match () {
            () if kind.eq_ignore_ascii_case("application/json") => Ok(Self::Json),
            () if kind.eq_ignore_ascii_case("multipart/form-data") => Ok(Self::Multipart),
            () => Err(Problem::new(
                Kind::UnsupportedType,
                "The content type must be application/json or multipart/form-data.",
            )),
        }
    }
}

/// All bytes of the body.
pub(super) async fn bytes(request: Request) -> Result<Bytes, Problem> {
    match Bytes::from_request(request, &()).await {
        Ok(bytes) => Ok(bytes),
        Err(BytesRejection::FailedToBufferBody(error)) => {
            Err(if error.status() == axum::http::StatusCode::PAYLOAD_TOO_LARGE {
                too_large()
            } else {
                Problem::new(Kind::InvalidBody, "The body broke off before its end. Send it again.")
            })
        }
        Err(_) => Err(Problem::new(Kind::InvalidBody, "The body could not be read. Send it again.")),
    }
}

/// The body is over the limit.
pub(super) fn too_large() -> Problem {
    Problem::new(Kind::TooLarge, "The body is larger than this Quire takes. Shorten the work or its file.")
}

/// Reads JSON. Only when it can't be read is it looked at again, to say why.
pub(super) fn json<'b, T: Deserialize<'b>>(bytes: &'b [u8]) -> Result<T, Problem> {
    serde_json::from_slice(bytes).map_err(|error| {
        if let Err(wrong) = std::str::from_utf8(bytes) {
            let at = wrong.valid_up_to();
            return Problem::new(
                Kind::InvalidBody,
                format!("The body is not UTF-8: byte {} fits no letter.", at + 1),
            );
        }
        if !error.is_data() {
            return Problem::new(Kind::InvalidBody, format!("The body is not JSON: {error}."));
        }
        let mut reader = serde_json::Deserializer::from_slice(bytes);
        let message = match serde_path_to_error::deserialize::<_, T>(&mut reader) {
            Ok(_) => error.to_string(),
            Err(found) => {
                let path = found.path().to_string();
                let message = plain(&found.inner().to_string());
                if path != "." {
                    return match unknown(&message) {
                        Some(_) => Problem::field(path, format!("is not a field here ({message})")),
                        None => Problem::field(path, message),
                    };
                }
                message
            }
        };
        match (missing(&message), unknown(&message)) {
            (Some(field), _) => Problem::field(field, "is missing"),
            (_, Some(field)) => Problem::field(field, format!("is not a field here ({message})")),
            _ => Problem::new(Kind::InvalidBody, format!("The body must be a JSON object: {message}.")),
        }
    })
}

/// Serde's message without the place in the text.
fn plain(message: &str) -> String {
    message.split(" at line ").next().unwrap_or(message).to_owned()
}

fn missing(message: &str) -> Option<&str> {
    message.strip_prefix("missing field `")?.split('`').next()
}

fn unknown(message: &str) -> Option<&str> {
    message.strip_prefix("unknown field `")?.split('`').next()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::api::model::NewSubmission;

    fn wrong(body: &[u8]) -> (Kind, String) {
        let problem = json::<NewSubmission<'_>>(body).unwrap_err();
        (problem.kind(), problem.detail().to_owned())
    }

    #[test]
    fn wrong_bodies_name_the_field() {
        let id = "01970000-0000-7000-8000-000000000000";
        for (body, kind, part) in [
            (String::new(), Kind::InvalidBody, "not JSON"),
            ("{".to_owned(), Kind::InvalidBody, "not JSON"),
            ("[]".to_owned(), Kind::InvalidBody, "JSON object"),
            ("5".to_owned(), Kind::InvalidBody, "JSON object"),
            ("null".to_owned(), Kind::InvalidBody, "JSON object"),
            ("{}".to_owned(), Kind::InvalidField, "assignment: is missing"),
            (format!("{{\"assignment\":\"{id}\"}}"), Kind::InvalidField, "text: is missing"),
            (
                format!("{{\"assignment\":\"{id}\",\"text\":5}}"),
                Kind::InvalidField,
                "text: invalid type: integer `5`",
            ),
            (
                format!("{{\"assignment\":\"{id}\",\"text\":null}}"),
                Kind::InvalidField,
                "text: invalid type: null",
            ),
            ("{\"assignment\":\"7\",\"text\":\"x\"}".to_owned(), Kind::InvalidField, "assignment: "),
            (
                format!("{{\"assignment\":\"{id}\",\"text\":\"x\",\"student\":[]}}"),
                Kind::InvalidField,
                "student: invalid type: sequence",
            ),
            (
                format!("{{\"assignment\":\"{id}\",\"text\":\"x\",\"colour\":1}}"),
                Kind::InvalidField,
                "colour: is not a field here",
            ),
        ] {
            let (kind_, detail) = wrong(body.as_bytes());
            assert_eq!(kind_, kind, "{body}: {detail}");
            assert!(detail.contains(part), "{body}: {detail}");
        }
        let (kind, detail) = wrong(b"{\"assignment\":\"\xff\"}");
        assert_eq!(kind, Kind::InvalidBody);
        assert!(detail.contains("byte 16"), "{detail}");
    }

    #[test]
    fn text_is_borrowed_where_it_can_be() {
        let body = br#"{"assignment":"01970000-0000-7000-8000-000000000000","text":"plain"}"#;
        let read: NewSubmission<'_> = json(body).unwrap();
        assert!(matches!(read.text, std::borrow::Cow::Borrowed("plain")));
        let body = br#"{"assignment":"01970000-0000-7000-8000-000000000000","text":"two\nlines"}"#;
        assert_eq!(json::<NewSubmission<'_>>(body).unwrap().text, "two\nlines");
    }
}
