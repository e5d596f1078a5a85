//! What a reply's headers tell: when to ask again, and how much more may be asked.

use super::ErrorClass;
use chrono::{DateTime, Utc};
use reqwest::header::HeaderMap;
use std::{sync::Arc, time::Duration};

/// One of a provider's rate limits, as its last reply told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The most that is allowed.
    pub limit: Option<u64>,
    /// What is left of it.
    pub remaining: Option<u64>,
    /// When all of it is there again.
    pub resets_in: Option<Duration>,
}

/// How much more a provider takes for now. `None` where it did not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Headroom {
    /// Requests.
    pub requests: Option<Window>,
    /// Tokens of both kinds.
    pub tokens: Option<Window>,
    /// Tokens read.
    pub input_tokens: Option<Window>,
    /// Tokens written.
    pub output_tokens: Option<Window>,
}

/// One exchange with a provider, for health and rate limits.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// What was asked, such as `batch.create`.
    pub operation: &'static str,
    /// The HTTP status; `None` where no reply came.
    pub status: Option<u16>,
    /// The kind of failure, where it failed.
    pub error: Option<ErrorClass>,
    /// What happened, where it failed; never a key.
    pub why: Option<String>,
    /// How long the provider asks to wait.
    pub retry_after: Option<Duration>,
    /// From the question to the end of the reply (of its headers, where the body is streamed).
    pub took: Duration,
    /// What the reply told of the rate limits.
    pub headroom: Headroom,
}

/// Is told of each exchange; must return at once.
pub type Observer = Arc<dyn Fn(&Exchange) + Send + Sync>;

/// The text of a header, where it is there and is text.
pub(super) fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok().map(str::trim).filter(|text| !text.is_empty())
}

/// How long the provider asks to wait: `retry-after-ms`, else `retry-after` in seconds or as an HTTP date
/// (RFC 9110, section 10.2.3). Never more than a day, whatever it says.
pub(super) fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    const MOST: Duration = Duration::from_secs(24 * 60 * 60);
    let seconds = |text: &str| text.parse().ok().and_then(|s: f64| Duration::try_from_secs_f64(s).ok());
    let millis = text(headers, "retry-after-ms").and_then(seconds).map(|d| d / 1000);
    let wait = millis.or_else(|| {
        let text = text(headers, "retry-after")?;
        seconds(text).or_else(|| until(DateTime::parse_from_rfc2822(text).ok()?.to_utc(), now))
    });
    wait.map(|d| d.min(MOST))
}

/// From now until then; nothing where it has passed.
fn until(then: DateTime<Utc>, now: DateTime<Utc>) -> Option<Duration> {
    Some((then - now).to_std().unwrap_or(Duration::ZERO))
}

/// OpenAI's `x-ratelimit-*` headers; their resets are durations such as `6m0s`.
pub(super) fn openai_headroom(headers: &HeaderMap, _now: DateTime<Utc>) -> Headroom {
    let window = |what: &str| {
        let get = |part: &str| text(headers, &format!("x-ratelimit-{part}-{what}"));
        window(get("limit"), get("remaining"), get("reset").and_then(duration))
    };
    Headroom { requests: window("requests"), tokens: window("tokens"), ..Headroom::default() }
}

/// Anthropic's `anthropic-ratelimit-*` headers; their resets are times (RFC 3339).
pub(super) fn anthropic_headroom(headers: &HeaderMap, now: DateTime<Utc>) -> Headroom {
    let window = |what: &str| {
        let get = |part: &str| text(headers, &format!("anthropic-ratelimit-{what}-{part}"));
        let reset = get("reset").and_then(|text| DateTime::parse_from_rfc3339(text).ok());
        window(get("limit"), get("remaining"), reset.and_then(|at| until(at.to_utc(), now)))
    };
    Headroom {
        requests: window("requests"),
        tokens: window("tokens"),
        input_tokens: window("input-tokens"),
        output_tokens: window("output-tokens"),
    }
}

/// A window, unless nothing of it is known. Some servers give a limit of 0 or -1 for "none": that is not a limit.
fn window(limit: Option<&str>, remaining: Option<&str>, resets_in: Option<Duration>) -> Option<Window> {
    let limit = match limit {
        Some(text) => Some(text.parse().ok().filter(|&n: &u64| n > 0)?),
        None => None,
    };
    let remaining = remaining.and_then(|text| text.parse().ok());
    (limit.is_some() || remaining.is_some()).then_some(Window { limit, remaining, resets_in })
}

/// A duration in Go's notation: `12ms`, `1s`, `6m0s`, `1h2m3.5s`.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let unit_end = rest[digits..].find(|c: char| c.is_ascii_digit()).map_or(rest.len(), |n| digits + n);
        let seconds = match &rest[digits..unit_end] {
            "ms" => 0.001,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3_600.0,
            "d" => 86_400.0,
            _ => return None,
        };
        let number: f64 = rest[..digits].parse().ok()?;
        total = total.checked_add(Duration::try_from_secs_f64(number * seconds).ok()?)?;
        rest = &rest[unit_end..];
    }
    (!text.is_empty()).then_some(total)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use reqwest::header::{HeaderName, HeaderValue};

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(k, v)| (k.parse::<HeaderName>().unwrap(), v.parse::<HeaderValue>().unwrap()))
            .collect()
    }

    fn now() -> DateTime<Utc> {
        "2026-11-24T10:00:00Z".parse().unwrap()
    }

    #[test]
    fn waits_as_long_as_it_is_asked_to() {
        let wait = |pairs: &[(&str, &str)]| retry_after(&headers(pairs), now()).map(|d| d.as_millis());
        assert_eq!(wait(&[("retry-after", "7")]), Some(7_000));
        assert_eq!(wait(&[("retry-after", "0.5")]), Some(500));
        assert_eq!(wait(&[("retry-after-ms", "1500"), ("retry-after", "9")]), Some(1_500));
        assert_eq!(wait(&[("retry-after-ms", "soon"), ("retry-after", "9")]), Some(9_000));
        assert_eq!(wait(&[("retry-after", "Tue, 24 Nov 2026 10:01:30 GMT")]), Some(90_000));
        assert_eq!(wait(&[("retry-after", "Tue, 24 Nov 2026 09:00:00 GMT")]), Some(0));
        assert_eq!(wait(&[("retry-after", "1e300")]), None);
        assert_eq!(wait(&[("retry-after", "999999999")]), Some(86_400_000));
        for bad in ["-1", "nan", "inf", "tomorrow", ""] {
            assert_eq!(wait(&[("retry-after", bad)]), None, "{bad}");
        }
        assert_eq!(wait(&[]), None);
    }

    #[test]
    fn reads_durations() {
        for (text, millis) in [
            ("12ms", 12),
            ("1s", 1_000),
            ("6m0s", 360_000),
            ("1h2m3.5s", 3_723_500),
            ("0s", 0),
            ("1d", 86_400_000),
        ] {
            assert_eq!(duration(text).unwrap().as_millis(), millis, "{text}");
        }
        for bad in ["", "5", "s", "1y", "1.2.3s", "-1s", "1 s", "99999999999999999999999h"] {
            assert_eq!(duration(bad), None, "{bad}");
        }
    }

    #[test]
    fn reads_the_rate_limits() {
        let openai = openai_headroom(
            &headers(&[
                ("x-ratelimit-limit-requests", "500"),
                ("x-ratelimit-remaining-requests", "499"),
                ("x-ratelimit-reset-requests", "120ms"),
                ("x-ratelimit-limit-tokens", "-1"),
                ("x-ratelimit-remaining-tokens", "0"),
            ]),
            now(),
        );
        let requests = openai.requests.unwrap();
        assert_eq!((requests.limit, requests.remaining), (Some(500), Some(499)));
        assert_eq!(requests.resets_in, Some(Duration::from_millis(120)));
        assert_eq!(openai.tokens, None, "no limit is not an exhausted one");

        let anthropic = anthropic_headroom(
            &headers(&[
                ("anthropic-ratelimit-input-tokens-limit", "40000"),
                ("anthropic-ratelimit-input-tokens-remaining", "0"),
                ("anthropic-ratelimit-input-tokens-reset", "2026-11-24T10:00:42Z"),
            ]),
            now(),
        );
        let input = anthropic.input_tokens.unwrap();
        assert_eq!(input.remaining, Some(0));
        assert_eq!(input.resets_in, Some(Duration::from_secs(42)));
        assert_eq!(anthropic.requests, None);
    }
}
