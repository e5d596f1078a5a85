//! Values that TOML writes in more than one way: moments and amounts of money.

use crate::store::{NanoUsd, to_micros};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, de};

/// A moment: RFC 3339, as text or as TOML's own date and time with its offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment(pub DateTime<Utc>);

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Own(toml::value::Datetime),
            Text(String),
        }
        let text = match Written::deserialize(deserializer) {
            Ok(Written::Own(own)) => own.to_string(),
            Ok(Written::Text(text)) => text,
            Err(_) => return Err(de::Error::custom("a moment is written like 2026-12-01T18:00:00+01:00")),
        };
        DateTime::parse_from_rfc3339(text.trim()).map(|at| Self(to_micros(at.to_utc()))).map_err(|_| {
            de::Error::custom(format!(
                "\"{text}\" is no moment; write date, time and offset, like 2026-12-01T18:00:00+01:00"
            ))
        })
    }
}

/// An amount of US dollars: a number, or text such as `"12.50"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Amount(pub NanoUsd);

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Whole(i64),
            Part(f64),
            Text(String),
        }
        let text = match Written::deserialize(deserializer) {
            Ok(Written::Whole(n)) => n.to_string(),
            // The shortest decimal that reads back as the same number: what was written.
            Ok(Written::Part(n)) => n.to_string(),
            Ok(Written::Text(text)) => text,
            Err(_) => return Err(de::Error::custom("an amount of dollars is written like 12.50")),
        };
        NanoUsd::parse_dollars(&text).map(Self).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Both {
        at: Option<Moment>,
        usd: Option<Amount>,
    }

    fn read(text: &str) -> Result<Both, String> {
        toml::from_str(text).map_err(|e| e.message().to_owned())
    }

    #[test]
    fn moments() {
        let five: DateTime<Utc> = "2026-12-01T17:00:00Z".parse().unwrap();
        for text in ["2026-12-01T18:00:00+01:00", "\"2026-12-01T18:00:00+01:00\"", "2026-12-01 17:00:00Z"] {
            assert_eq!(read(&format!("at = {text}")).unwrap().at, Some(Moment(five)), "{text}");
        }
        for text in ["2026-12-01", "2026-12-01T18:00:00", "\"tomorrow\"", "5"] {
            let wrong = read(&format!("at = {text}")).unwrap_err();
            assert!(wrong.contains("2026-12-01T18:00:00+01:00"), "{text}: {wrong}");
        }
    }

    #[test]
    fn amounts() {
        for (text, nano) in
            [("12", 12_000_000_000), ("0.1", 100_000_000), ("\"$2.000000001\"", 2_000_000_001)]
        {
            assert_eq!(read(&format!("usd = {text}")).unwrap().usd, Some(Amount(NanoUsd(nano))), "{text}");
        }
        for text in ["\"a lot\"", "true", "1e300", "nan"] {
            assert!(read(&format!("usd = {text}")).is_err(), "{text}");
        }
    }
}
