//! Style sheets, scripts, WebAssembly and fonts, built beforehand and carried inside the program.

use axum::{
    extract::Path,
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, VARY},
    },
    response::{IntoResponse, Response},
};
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/../target/bundle"]
struct Bundle;

/// What to run when the bundle is missing.
pub const HOW_TO_BUILD: &str = "run `make bundle` and build again";

/// The file that names the others.
#[must_use]
pub fn manifest() -> Option<String> {
    String::from_utf8(Bundle::get("manifest.json")?.data.into_owned()).ok()
}

/// Answers one file. Its name holds a digest of what is in it, so it may be kept for ever.
pub async fn file(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let brotli = takes_brotli(&headers);
    let found = brotli
        .then(|| Bundle::get(&format!("{name}.br")))
        .flatten()
        .map(|file| (file, true))
        .or_else(|| Bundle::get(&name).map(|file| (file, false)));
    let Some((file, compressed)) = found else { return StatusCode::NOT_FOUND.into_response() };
    let kind = mime_guess::from_path(&name).first_or_octet_stream();
    let mut response = match file.data {
        std::borrow::Cow::Borrowed(bytes) => bytes.into_response(),
        std::borrow::Cow::Owned(bytes) => bytes.into_response(),
    };
    let headers = response.headers_mut();
    if let Ok(kind) = HeaderValue::from_str(kind.as_ref()) {
        headers.insert(CONTENT_TYPE, kind);
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    if compressed {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("br"));
    }
    response
}

/// Whether the client reads Brotli: it names it, and not with a weight of nothing.
fn takes_brotli(headers: &HeaderMap) -> bool {
    headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok()).any(|value| {
        value.split(',').any(|coding| {
            let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
            let refused = weight.trim().trim_start_matches("q=").parse::<f32>().is_ok_and(|q| q <= 0.0);
            name.trim().eq_ignore_ascii_case("br") && !refused
        })
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn brotli_only_for_those_who_ask() {
        let takes = |value: &'static str| {
            takes_brotli(&HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static(value))]))
        };
        assert!(takes("gzip, deflate, br, zstd") && takes("br;q=0.5") && takes("gzip,BR"));
        assert!(!takes("gzip") && !takes("br;q=0") && !takes("") && !takes("brotli"));
        assert!(!takes_brotli(&HeaderMap::new()));
    }

    #[tokio::test]
    async fn there_is_nothing_outside() {
        for name in ["../../Cargo.toml", "nothing.css", "", "/etc/passwd"] {
            let response = file(Path(name.to_owned()), HeaderMap::new()).await;
            assert_eq!(response.status(), StatusCode::NOT_FOUND, "{name}");
        }
    }
}
