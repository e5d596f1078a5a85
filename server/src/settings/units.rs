//! Values of settings that people write with a unit.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{fmt, str::FromStr, time::Duration};

/// A length of time, written as `30s`, `5min`, `12h` or `14days`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Period(pub Duration);

impl Period {
    /// A number of seconds.
    #[must_use]
    pub const fn seconds(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }
    /// A number of minutes.
    #[must_use]
    pub const fn minutes(minutes: u64) -> Self {
        Self::seconds(minutes * 60)
    }
    /// A number of hours.
    #[must_use]
    pub const fn hours(hours: u64) -> Self {
        Self::minutes(hours * 60)
    }
    /// A number of days.
    #[must_use]
    pub const fn days(days: u64) -> Self {
        Self::hours(days * 24)
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", humantime::format_duration(self.0))
    }
}

impl Serialize for Period {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(self)
    }
}

impl FromStr for Period {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        humantime::parse_duration(text.trim()).map(Self).map_err(|_| {
            format!(
                "\"{text}\" is not a length of time; write a number and a unit, such as 30s, 5min, 12h or 14days"
            )
        })
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn period(text: &str) -> Result<Period, String> {
        text.parse()
    }
    #[test]
    fn lengths_of_time() {
        assert_eq!(period("30s").unwrap(), Period::seconds(30));
        assert_eq!(period("5min").unwrap(), Period::minutes(5));
        assert_eq!(period("1h 30m").unwrap(), Period::minutes(90));
        assert_eq!(period("0s").unwrap(), Period::seconds(0));
        for bad in ["", "30", "soon", "-5s", "5 fortnights"] {
            assert!(period(bad).unwrap_err().contains("is not a length of time"), "{bad}");
        }
        for period_ in [Period::seconds(30), Period::days(14), Period(Duration::from_millis(250))] {
            assert_eq!(period(&period_.to_string()).unwrap(), period_);
        }
    }
}
