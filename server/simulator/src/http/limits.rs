//! Rate limits: what the headers say, and the refusal of calls above `requests_per_minute`.

use std::sync::Mutex;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use chrono::{DateTime, Duration, SecondsFormat, Utc};

use crate::models::Provider;

/// What the headers promise when no limit is set.
const NOMINAL_REQUESTS: u64 = 10_000;
/// The token limits that the headers show; tokens are never refused.
const NOMINAL_TOKENS: u64 = 30_000_000;

/// Calls of one provider in the current minute.
#[derive(Debug)]
struct Minute {
    begins: DateTime<Utc>,
    calls: u64,
}

/// Counts the calls of each provider by the minute.
#[derive(Debug, Default)]
pub(crate) struct Limits {
    openai: Mutex<Option<Minute>>,
    anthropic: Mutex<Option<Minute>>,
    gemini: Mutex<Option<Minute>>,
}

/// How a call stands against the limit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Headroom {
    limit: u64,
    remaining: u64,
    reset: Duration,
    now: DateTime<Utc>,
    /// Whether the call is above the limit.
    pub(crate) refused: bool,
}

impl Limits {
    /// Counts a call.
    pub(crate) fn count(&self, provider: Provider, now: DateTime<Utc>, limit: Option<u64>) -> Headroom {
        let minute = match provider {
            Provider::OpenAi => &self.openai,
            Provider::Anthropic => &self.anthropic,
            Provider::Gemini => &self.gemini,
        };
        let mut minute = minute.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let current = match minute.take() {
            Some(current) if now - current.begins < Duration::minutes(1) => current,
            _ => Minute { begins: now, calls: 0 },
        };
        let top = limit.unwrap_or(NOMINAL_REQUESTS);
        let refused = limit.is_some() && current.calls >= top;
        let calls = if refused { current.calls } else { current.calls + 1 };
        let reset = current.begins + Duration::minutes(1) - now;
        *minute = Some(Minute { begins: current.begins, calls });
        Headroom { limit: top, remaining: top.saturating_sub(calls), reset, now, refused }
    }
}

impl Headroom {
    /// Seconds until calls are accepted again, at least one.
    pub(crate) fn wait_seconds(&self) -> u64 {
        u64::try_from(self.reset.num_milliseconds()).unwrap_or(0).div_ceil(1_000).max(1)
    }

    /// Writes the provider's headers.
    pub(crate) fn write(&self, provider: Provider, headers: &mut HeaderMap) {
        let mut set = |name: String, value: String| {
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                headers.insert(name, value);
            }
        };
        match provider {
            Provider::OpenAi => {
                let reset = duration(self.reset);
                for (what, limit, remaining) in
                    [("requests", self.limit, self.remaining), ("tokens", NOMINAL_TOKENS, NOMINAL_TOKENS)]
                {
                    set(format!("x-ratelimit-limit-{what}"), limit.to_string());
                    set(format!("x-ratelimit-remaining-{what}"), remaining.to_string());
                    set(format!("x-ratelimit-reset-{what}"), reset.clone());
                }
            }
            Provider::Anthropic => {
                let reset = (self.now + self.reset).to_rfc3339_opts(SecondsFormat::Secs, true);
                for (what, limit, remaining) in [
                    ("requests", self.limit, self.remaining),
                    ("tokens", NOMINAL_TOKENS, NOMINAL_TOKENS),
                    ("input-tokens", NOMINAL_TOKENS, NOMINAL_TOKENS),
                    ("output-tokens", NOMINAL_TOKENS, NOMINAL_TOKENS),
                ] {
                    set(format!("anthropic-ratelimit-{what}-limit"), limit.to_string());
                    set(format!("anthropic-ratelimit-{what}-remaining"), remaining.to_string());
                    set(format!("anthropic-ratelimit-{what}-reset"), reset.clone());
                }
            }
            // Gemini's replies tell nothing of its limits.
            Provider::Gemini => {}
        }
    }
}

/// A duration as OpenAI writes it: `12ms`, `1s`, `6m0s`.
fn duration(duration: Duration) -> String {
    let ms = duration.num_milliseconds().max(0);
    match ms {
        0..1_000 => format!("{ms}ms"),
        1_000..60_000 => format!("{}s", ms / 1_000),
        _ => format!("{}m{}s", ms / 60_000, ms % 60_000 / 1_000),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_minute_takes_so_many_calls() {
        let limits = Limits::default();
        let at = |s: i64| DateTime::from_timestamp(1_800_000_000 + s, 0).unwrap();
        let refused = |s| limits.count(Provider::OpenAi, at(s), Some(2)).refused;
        assert!(!refused(0) && !refused(1));
        assert!(refused(2));
        assert_eq!(limits.count(Provider::OpenAi, at(50), Some(2)).wait_seconds(), 10);
        assert!(!limits.count(Provider::Anthropic, at(50), Some(2)).refused);
        assert!(!refused(60));
    }

    #[test]
    fn durations_are_written_as_openai_does() {
        assert_eq!(duration(Duration::milliseconds(12)), "12ms");
        assert_eq!(duration(Duration::seconds(1)), "1s");
        assert_eq!(duration(Duration::minutes(6)), "6m0s");
    }

    #[test]
    fn headers_are_those_of_the_provider() {
        let headroom = Limits::default().count(Provider::Anthropic, Utc::now(), None);
        let mut headers = HeaderMap::new();
        headroom.write(Provider::Anthropic, &mut headers);
        assert_eq!(headers["anthropic-ratelimit-requests-remaining"], "9999");
        assert_eq!(headers.len(), 12);
        let mut headers = HeaderMap::new();
        headroom.write(Provider::OpenAi, &mut headers);
        assert_eq!(headers["x-ratelimit-limit-requests"], "10000");
        assert_eq!(headers["x-ratelimit-reset-requests"], "1m0s");
    }
}
