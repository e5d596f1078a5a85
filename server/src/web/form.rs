//! Reading forms.

use super::visitor::Visitor;
use crate::http::app::App;
use axum::{
    body::Bytes,
    extract::{FromRequest, Request, rejection::BytesRejection},
    http::{HeaderMap, StatusCode, Uri},
    response::Response,
};
use quire_app::{
    data::{FieldError, PageError, RefusedForm},
    render::Refusal,
    words,
};

/// A form without a file.
pub(super) struct Form {
    fields: Vec<(String, String)>,
    pub(super) headers: HeaderMap,
}

impl Form {
    /// Reads a form and checks that it is one of ours; else the page that says what is wrong. `return_to` is the page
    /// with the form.
    pub(super) async fn read(
        app: &App,
        visitor: &Visitor,
        request: Request,
        return_to: &str,
    ) -> Result<Self, Response> {
        Self::read_up_to(app, visitor, request, return_to, super::SMALL_FORM as u64).await
    }

    /// The same for a form that may bring so many bytes.
    pub(super) async fn read_up_to(
        app: &App,
        visitor: &Visitor,
        request: Request,
        return_to: &str,
        most: u64,
    ) -> Result<Self, Response> {
        let (address, headers) = (request.uri().clone(), request.headers().clone());
        let bytes = match Bytes::from_request(request, &()).await {
            Ok(bytes) => bytes,
            Err(rejection) => return Err(broken(app, visitor, &address, &rejection, most).await),
        };
        let fields = url::form_urlencoded::parse(&bytes).into_owned().collect();
        let form = Self { fields, headers };
        if visitor.is_ours(app, &form.headers, form.get("csrf")) {
            return Ok(form);
        }
        let refusal = Refusal::StaleForm { typed: None, return_to: return_to.to_owned() };
        Err(visitor.refuse(app, &address, refusal).await)
    }

    /// All fields of a name.
    pub(super) fn all<'f>(&'f self, name: &'f str) -> impl Iterator<Item = &'f str> {
        self.fields.iter().filter(move |(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    /// All fields, in the form's order.
    pub(super) fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// All that was typed, to be given back with what is wrong with it.
    pub(super) fn refused(&self, errors: Vec<FieldError>) -> RefusedForm {
        let values = self.fields.iter().filter(|(name, _)| name != "csrf").cloned().collect();
        RefusedForm { errors, values }
    }

    /// The first field of a name.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
    }
}

/// Why nothing was done of what a form asked for.
pub(super) enum Refused {
    /// What is wrong with its fields, to be said beside them; none where it only asked to see something.
    Form(Vec<FieldError>),
    /// The whole of it.
    Page(PageError),
}

impl From<PageError> for Refused {
    fn from(error: PageError) -> Self {
        Self::Page(error)
    }
}

impl Refused {
    /// The page at this address with its form as it was sent, or the page that says why not.
    pub(super) async fn shown(self, app: &App, visitor: &Visitor, address: &Uri, form: &Form) -> Response {
        match self {
            Self::Form(errors) => visitor.page(app, address, false, Some(form.refused(errors))).await,
            Self::Page(error) => visitor.refuse(app, address, Refusal::Page(error)).await,
        }
    }
}

/// What is wrong with one field.
pub(super) fn field(field: &str, message: &str) -> FieldError {
    FieldError { field: field.to_owned(), message: message.to_owned() }
}

async fn broken(
    app: &App,
    visitor: &Visitor,
    address: &Uri,
    rejection: &BytesRejection,
    most: u64,
) -> Response {
    let too_large = matches!(rejection, BytesRejection::FailedToBufferBody(error) if error.status() == StatusCode::PAYLOAD_TOO_LARGE);
    let refusal = if too_large {
        Refusal::TooLarge { limit: words::bytes(most) }
    } else {
        let message = "The form broke off on its way. Go back and send it again.".to_owned();
        Refusal::Page(PageError::Invalid { message })
    };
    visitor.refuse(app, address, refusal).await
}
