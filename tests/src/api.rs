//! A client of the API, as a program of another system would be.

use reqwest::{Client, Method, RequestBuilder, StatusCode, header::HeaderMap};
use serde_json::{Value, json};
use std::{sync::LazyLock, time::Duration};

/// An answer, read whole.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body as text.
    pub text: String,
    /// Its body as JSON; null where it is none.
    pub json: Value,
}

impl Answer {
    /// Reads the answer to a request.
    ///
    /// # Panics
    /// If there is none.
    pub async fn to(request: RequestBuilder) -> Self {
        Self::try_to(request).await.unwrap_or_else(|error| panic!("no answer came: {error:?}"))
    }

    /// Reads the answer to a request that may be cut off.
    ///
    /// # Errors
    /// If no whole answer came.
    pub async fn try_to(request: RequestBuilder) -> Result<Self, reqwest::Error> {
        let response = request.send().await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await?;
        let json = serde_json::from_str(&text).unwrap_or_default();
        Ok(Self { status, headers, text, json })
    }

    /// The answer, which has this status.
    ///
    /// # Panics
    /// If it has another.
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "answered {}", self.text);
        self
    }

    /// Checks that it is problem details of this status and type, in RFC 9457's form, that say what to do.
    ///
    /// # Panics
    /// If it is not.
    pub fn expect_problem(&self, status: u16, kind: &str) {
        assert_eq!(self.status.as_u16(), status, "answered {}", self.text);
        let content = self.headers.get("content-type").and_then(|v| v.to_str().ok()).unwrap_or_default();
        assert!(content.starts_with("application/problem+json"), "{content}: {}", self.text);
        assert_eq!(self.json["type"], format!("/problems/{kind}"), "{}", self.text);
        assert_eq!(self.json["status"], status, "{}", self.text);
        for field in ["title", "detail", "instance"] {
            let value = self.json[field].as_str().unwrap_or_default();
            assert!(!value.is_empty(), "{field} is missing in {}", self.text);
        }
    }

    /// A field that is text.
    ///
    /// # Panics
    /// If it is not there.
    #[must_use]
    pub fn string(&self, field: &str) -> String {
        let value = self.json[field].as_str();
        value.unwrap_or_else(|| panic!("\"{field}\" is no text in {}", self.text)).to_owned()
    }
}

/// The API as one token's person sees it.
#[derive(Clone, Debug)]
pub struct Api {
    base: String,
    token: Option<String>,
}

impl Api {
    /// The API of the Quire at this address, such as `http://127.0.0.1:8080`.
    #[must_use]
    pub fn new(base: &str, token: Option<&str>) -> Self {
        Self { base: base.trim_end_matches('/').to_owned(), token: token.map(str::to_owned) }
    }

    /// A request to a path, such as `/api/v1/assignments`.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = client().request(method, format!("{}{path}", self.base));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// Gets a path.
    pub async fn get(&self, path: &str) -> Answer {
        Answer::to(self.request(Method::GET, path)).await
    }

    /// Posts JSON to a path.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        Answer::to(self.request(Method::POST, path).json(body)).await
    }

    /// A hand-in of text, with a key where one is given.
    pub async fn hand_in(&self, assignment: &str, text: &str, key: Option<&str>) -> Answer {
        Answer::to(self.hand_in_request(&json!({"assignment": assignment, "text": text}), key)).await
    }

    /// A hand-in on a student's behalf.
    pub async fn hand_in_for(
        &self,
        student: &str,
        assignment: &str,
        text: &str,
        key: Option<&str>,
    ) -> Answer {
        let body = json!({"assignment": assignment, "text": text, "student": student});
        Answer::to(self.hand_in_request(&body, key)).await
    }

    /// The request of a hand-in.
    pub fn hand_in_request(&self, body: &Value, key: Option<&str>) -> RequestBuilder {
        let request = self.request(Method::POST, "/api/v1/submissions").json(body);
        match key {
            Some(key) => request.header("Idempotency-Key", key),
            None => request,
        }
    }

    /// A submission as it stands.
    pub async fn submission(&self, tracking_id: &str) -> Answer {
        self.get(&format!("/api/v1/submissions/{tracking_id}")).await
    }
}

/// The one HTTP client of the tests; it follows no redirects.
///
/// # Panics
/// If it can't be made.
pub fn client() -> &'static Client {
    static CLIENT: LazyLock<Client> = LazyLock::new(|| {
        crate::use_ring();
        // Connections aren't kept: each test has a runtime of its own, and with it they would end.
        Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .pool_max_idle_per_host(0)
            .timeout(Duration::from_secs(30))
            .no_proxy()
            .build()
            .expect("an HTTP client can be made")
    });
    &CLIENT
}
