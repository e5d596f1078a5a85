//! One page for one request.

use crate::app::{App, paths};
use crate::data::{PageData, PageError, Visit};
use crate::shell::shell;
use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, LOCATION, REFERRER_POLICY, RETRY_AFTER};
use axum::http::{HeaderValue, Request, Response, StatusCode, Uri};
use leptos::prelude::*;
use leptos_axum::ResponseOptions;
use std::sync::Arc;

/// The names of the built files that every page links, as `quire-bundle` writes them to `manifest.json`.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
pub struct Assets {
    /// The file name of the style sheet; none when nothing was built.
    pub stylesheet: Option<String>,
    /// The name that script and WebAssembly share: `NAME.js` and `NAME_bg.wasm`; none when nothing was built.
    pub script: Option<String>,
    /// The file name of the icon.
    pub icon: Option<String>,
}

impl Assets {
    /// The folder in which the server serves the built files, without slashes.
    pub const FOLDER: &str = "pkg";

    /// The names of a built bundle.
    ///
    /// # Errors
    /// When the text is not a manifest.
    pub fn from_manifest(json: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(json)
    }

    pub(crate) fn path(name: &str) -> String {
        format!("/{}/{name}", Self::FOLDER)
    }
}

/// What every page of a server shares. Cheap to clone.
#[derive(Clone)]
pub struct Site {
    assets: Assets,
    data: Arc<dyn PageData>,
    paths: Arc<[String]>,
}

impl Site {
    /// Pages that link these files and show this data. To be called inside the tokio runtime that serves them, which
    /// leptos is told of here.
    #[must_use]
    pub fn new(assets: Assets, data: Arc<dyn PageData>) -> Self {
        Self { assets, data, paths: paths().into() }
    }

    /// The addresses of all pages, in the notation of axum's router: "/s/{tracking_id}". Any other address is
    /// answered by the page that says so.
    #[must_use]
    pub fn paths(&self) -> &[String] {
        &self.paths
    }
}

/// The path of the page that a request asked for, without its query.
#[derive(Clone, Debug)]
pub(crate) struct Here(pub(crate) Uri);

impl Here {
    /// The path and query to come back to.
    pub(crate) fn address(&self) -> &str {
        self.0.path_and_query().map_or("/", |path| path.as_str())
    }
}

/// What is shown in place of the page, if something is.
#[derive(Clone, Debug)]
pub(crate) struct InPlace(pub(crate) Option<Refusal>);

/// A page shown in place of the one asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// One of the errors a page's data can have.
    Page(PageError),
    /// The session ended while a form was filled in. What was typed is given back.
    SessionEnded {
        /// The longest text that was typed, if any.
        typed: Option<String>,
        /// Where to go on after signing in again: a path of Quire.
        return_to: String,
    },
    /// The form came from an old or foreign page.
    StaleForm {
        /// The longest text that was typed, if any.
        typed: Option<String>,
        /// The page with the form: a path of Quire.
        return_to: String,
    },
    /// More than the server takes.
    TooLarge {
        /// What is taken: "10 MB".
        limit: String,
    },
    /// Too many requests.
    TooMany {
        /// When to try again, in seconds.
        retry_after: u32,
    },
    /// Something went wrong here.
    Internal {
        /// What to tell whoever runs this Quire: the id under which the log has it.
        reference: String,
    },
}

impl Refusal {
    /// The status code that goes with it.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Page(error) => error_status(error),
            Self::SessionEnded { .. } => StatusCode::UNAUTHORIZED,
            Self::StaleForm { .. } => StatusCode::FORBIDDEN,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Internal { .. } => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// The status code of a page that can't be shown.
#[must_use]
pub fn error_status(error: &PageError) -> StatusCode {
    match error {
        PageError::NotFound => StatusCode::NOT_FOUND,
        PageError::Forbidden => StatusCode::FORBIDDEN,
        PageError::SignIn => StatusCode::SEE_OTHER,
        PageError::Invalid { .. } => StatusCode::BAD_REQUEST,
        PageError::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// Renders the page at `address` (a path with its query). The status code is the page's own; a form that was
/// refused ([`Visit::form`]) makes it 422.
pub async fn page(site: &Site, visit: Visit, address: &Uri) -> Response<Body> {
    let refused = visit.form.as_ref().is_some_and(|form| !form.errors.is_empty());
    let status = refused.then_some(StatusCode::UNPROCESSABLE_ENTITY);
    respond(site, visit, address, None, status).await
}

/// Renders a page in place of the one at `address`.
pub async fn refusal(site: &Site, visit: Visit, address: &Uri, refusal: Refusal) -> Response<Body> {
    let status = refusal.status();
    respond(site, visit, address, Some(refusal), Some(status)).await
}

async fn respond(
    site: &Site,
    visit: Visit,
    address: &Uri,
    in_place: Option<Refusal>,
    status: Option<StatusCode>,
) -> Response<Body> {
    let assets = site.assets.clone();
    let context = {
        let (data, assets, address) = (site.data.clone(), assets.clone(), address.clone());
        move || {
            provide_context(visit.clone());
            provide_context(data.clone());
            provide_context(assets.clone());
            provide_context(Here(address.clone()));
            provide_context(InPlace(in_place.clone()));
            let response = expect_context::<ResponseOptions>();
            if let Some(status) = status {
                response.set_status(status);
            }
            headers(&response);
        }
    };
    let handler = leptos_axum::render_app_async_with_context(context, move || {
        shell(assets.clone(), || view! { <App/> })
    });
    let mut request = Request::new(Body::empty());
    // The router wants a path; a proxy's absolute address has it too.
    *request.uri_mut() =
        address.path_and_query().map_or_else(|| Uri::from_static("/"), |path| Uri::from(path.clone()));
    handler(request).await
}

/// A page may run its own scripts and nothing else, is not to be framed, and is not kept where others might find it.
fn headers(response: &ResponseOptions) {
    let scripts = leptos::nonce::use_nonce().map_or_else(
        || "'none'".to_owned(),
        |nonce| format!("'nonce-{nonce}' 'strict-dynamic' 'wasm-unsafe-eval'"),
    );
    let policy = format!(
        "default-src 'none'; script-src {scripts}; style-src 'self'; font-src 'self'; img-src 'self'; \
         connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        response.insert_header(CONTENT_SECURITY_POLICY, policy);
    }
    response.insert_header(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    response.insert_header(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
}

/// Answers that what a form asked for can't be done, from inside a page.
pub(crate) fn answer_refused() {
    if let Some(response) = use_context::<ResponseOptions>() {
        response.set_status(StatusCode::UNPROCESSABLE_ENTITY);
    }
}

/// Sets the status and headers that go with an error, from inside a page.
pub(crate) fn answer_error(error: &PageError) {
    let Some(response) = use_context::<ResponseOptions>() else { return };
    response.set_status(error_status(error));
    match error {
        PageError::SignIn => {
            let here = use_context::<Here>();
            let target = sign_in_address(here.as_ref().map_or("/", Here::address));
            if let Ok(target) = HeaderValue::from_str(&target) {
                response.insert_header(LOCATION, target);
            }
        }
        PageError::Unavailable { retry_after: Some(seconds) } => {
            response.insert_header(RETRY_AFTER, HeaderValue::from(*seconds));
        }
        _ => {}
    }
}

/// The sign-in page that leads back to `return_to`.
#[must_use]
pub fn sign_in_address(return_to: &str) -> String {
    match local_path(return_to) {
        "/" => "/sign-in".to_owned(),
        path => {
            let next: String = url::form_urlencoded::byte_serialize(path.as_bytes()).collect();
            format!("/sign-in?next={next}")
        }
    }
}

/// The address if it is a page of this server that one may be sent to after signing in, else the start page: so that
/// a crafted link can't lead away.
#[must_use]
pub fn local_path(address: &str) -> &str {
    let local = address.starts_with('/')
        && !address.starts_with("//")
        && !address.starts_with("/\\")
        && !address.starts_with("/sign-")
        && !address.chars().any(char::is_control);
    if local { address } else { "/" }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_own_pages_are_returned_to() {
        for foreign in
            ["https://evil.example/", "//evil.example", "/\\evil.example", "", "/sign-out", "/a\nb"]
        {
            assert_eq!(local_path(foreign), "/", "{foreign:?}");
        }
        assert_eq!(local_path("/s/QR-7F3K-92MD?a=1"), "/s/QR-7F3K-92MD?a=1");
        assert_eq!(sign_in_address("/s/QR 1?a=b&c"), "/sign-in?next=%2Fs%2FQR+1%3Fa%3Db%26c");
        assert_eq!(sign_in_address("https://evil.example/"), "/sign-in");
    }

    #[test]
    fn a_manifest_names_the_files() {
        let assets = Assets::from_manifest(
            r#"{"stylesheet":"quire-1a.css","script":"quire-2b","icon":"icon-3c.svg","later":"x"}"#,
        )
        .unwrap();
        assert_eq!(assets.script.as_deref(), Some("quire-2b"));
        assert!(Assets::from_manifest("[").is_err());
    }
}
