//! Requests that change something must come from our own pages: two checks, either of which is enough on its own.

use axum::http::{HeaderMap, header::HOST, header::ORIGIN};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use url::Url;

/// The form token of a session (or, before signing in, of a browser): a digest of the cookie's secret value, so that
/// nothing is stored and the token tells nothing of the cookie.
#[must_use]
pub fn token(secret: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::new().chain_update("quire form token\0").chain_update(secret).finalize())
}

/// Whether a form brought the token of this secret. How long the comparison takes tells nothing useful, since what
/// is compared are digests of the two.
#[must_use]
pub fn token_matches(secret: &str, given: &str) -> bool {
    Sha256::digest(token(secret)) == Sha256::digest(given)
}

/// Whether the browser says that the request comes from a page of ours: by `Sec-Fetch-Site`, else by `Origin`, which
/// must name the host asked or the public address. A client that sends neither is no browser of today; it still
/// needs the token.
#[must_use]
pub fn same_origin(headers: &HeaderMap, public: Option<&Url>) -> bool {
    let text = |name| headers.get(name).and_then(|value: &axum::http::HeaderValue| value.to_str().ok());
    if let Some(site) = headers.get("sec-fetch-site") {
        return matches!(site.as_bytes(), b"same-origin" | b"none");
    }
    if !headers.contains_key(ORIGIN) {
        return true;
    }
    let Some(origin) = text(ORIGIN.as_str()).and_then(|origin| Url::parse(origin).ok()) else { return false };
    if !matches!(origin.scheme(), "http" | "https") {
        return false;
    }
    if public.is_some_and(|public| public.origin() == origin.origin()) {
        return true;
    }
    let named = match (origin.host_str(), origin.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (Some(host), None) => host.to_owned(),
        (None, _) => return false,
    };
    text(HOST.as_str()).is_some_and(|host| host.eq_ignore_ascii_case(&named))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn tokens_belong_to_one_secret() {
        let one = token("secret one");
        assert!(token_matches("secret one", &one));
        for wrong in ["", "secret one", &token("secret two"), &one[1..]] {
            assert!(!token_matches("secret one", wrong), "{wrong}");
        }
        assert!(!one.contains("secret"));
    }

    #[test]
    fn the_browser_names_where_a_request_comes_from() {
        let public = Url::parse("https://quire.example.edu").unwrap();
        let ok = |pairs: &[(&'static str, &str)]| same_origin(&headers(pairs), Some(&public));
        assert!(ok(&[("host", "a"), ("sec-fetch-site", "same-origin")]));
        assert!(ok(&[("host", "a"), ("sec-fetch-site", "none")]));
        assert!(!ok(&[("host", "a"), ("sec-fetch-site", "same-site")]));
        assert!(!ok(&[
            ("host", "a"),
            ("sec-fetch-site", "cross-site"),
            ("origin", "https://quire.example.edu")
        ]));
        assert!(ok(&[("host", "127.0.0.1:8080"), ("origin", "http://127.0.0.1:8080")]));
        assert!(ok(&[("host", "inside:1"), ("origin", "https://quire.example.edu")]), "behind a proxy");
        assert!(!ok(&[("host", "127.0.0.1:8080"), ("origin", "http://127.0.0.1:8081")]));
        assert!(!ok(&[("host", "a"), ("origin", "https://evil.example")]));
        assert!(!ok(&[("host", "a"), ("origin", "null")]));
        assert!(!ok(&[("host", "quire.example.edu"), ("origin", "https://quire.example.edu.evil.example")]));
        assert!(ok(&[("host", "a")]), "neither header: the token decides");
        assert!(!same_origin(&headers(&[("host", "a"), ("origin", "https://quire.example.edu")]), None));
    }
}
