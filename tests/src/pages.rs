//! A visitor of the pages without JavaScript: keeps cookies, follows redirects, fills in forms.

use crate::api::{Answer, client};
use reqwest::{
    Method, RequestBuilder,
    header::{COOKIE, LOCATION, SET_COOKIE},
    multipart::{Form, Part},
};
use std::collections::BTreeMap;

/// Someone in a browser.
#[derive(Clone, Debug)]
pub struct Visitor {
    base: String,
    cookies: BTreeMap<String, String>,
}

/// A page, and where it was found.
#[derive(Clone, Debug)]
pub struct Page {
    /// Its path, after redirects.
    pub path: String,
    /// The answer.
    pub answer: Answer,
}

impl Page {
    /// The page's text without tags, spaces made one.
    #[must_use]
    pub fn words(&self) -> String {
        let mut out = String::new();
        let mut rest = &*self.answer.text;
        while let Some(open) = rest.find('<') {
            out.push_str(&rest[..open]);
            let tag = &rest[open..];
            // What stands in scripts and styles is no text of the page.
            let end = ["script", "style"].iter().find(|name| tag[1..].starts_with(*name));
            let close = end.map_or_else(
                || tag.find('>'),
                |name| tag.find(&format!("</{name}>")).map(|at| at + name.len() + 2),
            );
            out.push(' ');
            rest = close.map_or("", |close| &tag[close + 1..]);
        }
        out.push_str(rest);
        let plain =
            out.replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"");
        plain.replace("&#39;", "'").replace("&#x27;", "'").split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// The value of the first field of this name.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    pub fn field(&self, name: &str) -> String {
        let html = &self.answer.text;
        let at = html
            .find(&format!("name=\"{name}\""))
            .unwrap_or_else(|| panic!("{} has no field {name}", self.path));
        let (begin, end) =
            (html[..at].rfind('<').unwrap_or(0), html[at..].find('>').map_or(html.len(), |n| at + n));
        let tag = &html[begin..end];
        let value = tag.split_once("value=\"").and_then(|(_, rest)| rest.split_once('"'));
        value.map(|(value, _)| value.to_owned()).unwrap_or_default()
    }

    /// The page, of this status.
    ///
    /// # Panics
    /// If it has another.
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.answer.status.as_u16(), status, "{}: {}", self.path, self.words());
        self
    }
}

impl Visitor {
    /// A visitor of the Quire at this address.
    #[must_use]
    pub fn new(base: &str) -> Self {
        Self { base: base.trim_end_matches('/').to_owned(), cookies: BTreeMap::new() }
    }

    /// Opens a page.
    pub async fn open(&mut self, path: &str) -> Page {
        let request = client().get(format!("{}{path}", self.base));
        self.follow(path, request).await
    }

    /// Signs in with a password.
    pub async fn sign_in(&mut self, email: &str, password: &str) -> Page {
        let csrf = self.open("/sign-in").await.expect(200).field("csrf");
        self.post("/sign-in", &[("csrf", &csrf), ("email", email), ("password", password), ("next", "/")])
            .await
    }

    /// Posts a form.
    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let request = client().post(format!("{}{path}", self.base)).form(fields);
        self.follow(path, request).await
    }

    /// Hands in text, or a file of a name and bytes, as the page's form does.
    pub async fn hand_in(&mut self, assignment: &str, text: &str, file: Option<(&str, &[u8])>) -> Page {
        let page = self.open(&format!("/assignments/{assignment}")).await.expect(200);
        self.send(assignment, &page.field("csrf"), &page.field("form_token"), text, file).await
    }

    /// Sends a form that was opened before.
    pub async fn hand_in_again(
        &mut self,
        assignment: &str,
        csrf: &str,
        form_token: &str,
        text: &str,
    ) -> Page {
        self.send(assignment, csrf, form_token, text, None).await
    }

    async fn send(
        &mut self,
        assignment: &str,
        csrf: &str,
        form_token: &str,
        text: &str,
        file: Option<(&str, &[u8])>,
    ) -> Page {
        // A browser sends the file's field also when no file was chosen.
        let (name, bytes) = file.unwrap_or(("", b""));
        let form = Form::new()
            .text("csrf", csrf.to_owned())
            .text("form_token", form_token.to_owned())
            .text("text", text.to_owned())
            .part("file", Part::bytes(bytes.to_vec()).file_name(name.to_owned()));
        let path = format!("/assignments/{assignment}/hand-in");
        let request = client().post(format!("{}{path}", self.base)).multipart(form);
        self.follow(&path, request).await
    }

    /// Forgets all cookies, as when a session has ended elsewhere.
    pub fn forget(&mut self) {
        self.cookies.clear();
    }

    /// The cookies that are kept.
    #[must_use]
    pub const fn cookies(&self) -> &BTreeMap<String, String> {
        &self.cookies
    }

    async fn follow(&mut self, path: &str, first: RequestBuilder) -> Page {
        let mut path = path.to_owned();
        let mut request = first;
        for _ in 0..5 {
            let cookies = self
                .cookies
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect::<Vec<_>>()
                .join("; ");
            let answer = Answer::to(request.header(COOKIE, cookies)).await;
            self.keep(&answer);
            let to = answer.headers.get(LOCATION).and_then(|to| to.to_str().ok());
            let Some(to) = to.filter(|_| answer.status.is_redirection()) else {
                return Page { path, answer };
            };
            path = to.strip_prefix(&self.base).unwrap_or(to).to_owned();
            request = client().request(Method::GET, format!("{}{path}", self.base));
        }
        panic!("{path} leads on and on");
    }

    fn keep(&mut self, answer: &Answer) {
        for cookie in answer.headers.get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok()) {
            let mut parts = cookie.split(';');
            let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else { continue };
            let gone = parts.any(|part| part.trim().eq_ignore_ascii_case("max-age=0"));
            if gone || value.is_empty() {
                self.cookies.remove(name.trim());
            } else {
                self.cookies.insert(name.trim().to_owned(), value.to_owned());
            }
        }
    }
}
