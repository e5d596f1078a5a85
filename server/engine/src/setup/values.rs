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

/// A share in percent: a number, or text such as `"12.5"`; kept in hundredths of a percent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Percent(pub u32);

impl<'de> Deserialize<'de> for Percent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wrong = || {
            de::Error::custom(
                "a share in percent is written like 12.5, from 0 to 100, with at most two decimals",
            )
        };
        let Amount(parts) = Amount::deserialize(deserializer).map_err(|_| wrong())?;
        const HUNDREDTH: i64 = 10_000_000;
        if parts.0 % HUNDREDTH != 0 || !(0..=10_000).contains(&(parts.0 / HUNDREDTH)) {
            return Err(wrong());
        }
        u32::try_from(parts.0 / HUNDREDTH).map(Self).map_err(|_| wrong())
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
        share: Option<Percent>,
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

    #[test]
    fn shares() {
        for (text, hundredths) in
            [("0", 0), ("5", 500), ("12.5", 1_250), ("\"33.33\"", 3_333), ("100", 10_000)]
        {
            assert_eq!(read(&format!("share = {text}")).unwrap().share, Some(Percent(hundredths)), "{text}");
        }
        for text in ["-1", "100.01", "0.001", "\"half\"", "true"] {
            let wrong = read(&format!("share = {text}")).unwrap_err();
            assert!(wrong.contains("like 12.5"), "{text}: {wrong}");
        }
    }
}
