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

/// A number of bytes, written as `512 kB`, `10 MB` (thousands) or `10 MiB` (1,024s).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub u64);

impl Size {
    /// A number of megabytes (1,000,000 bytes each).
    #[must_use]
    pub const fn megabytes(megabytes: u64) -> Self {
        Self(megabytes * 1_000_000)
    }
    /// As a length in memory; more than memory can have becomes the most it can.
    #[must_use]
    pub fn as_len(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            n if n > 0 && n % 1_000_000_000 == 0 => write!(f, "{} GB", n / 1_000_000_000),
            n if n > 0 && n % 1_000_000 == 0 => write!(f, "{} MB", n / 1_000_000),
            n if n > 0 && n % 1_000 == 0 => write!(f, "{} kB", n / 1_000),
            n => write!(f, "{n} B"),
        }
    }
}

impl Serialize for Size {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        text.trim().parse::<bytesize::ByteSize>().map(|size| Self(size.as_u64())).map_err(|_| {
            de::Error::custom(format!(
                "\"{text}\" is not a size; write a number and a unit, such as 512 kB or 10 MB"
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn period(text: &str) -> Result<Period, String> {
        text.parse()
    }
    fn size(text: &str) -> Result<Size, String> {
        let from: de::value::StrDeserializer<'_, de::value::Error> =
            de::IntoDeserializer::into_deserializer(text);
        Size::deserialize(from).map_err(|e| e.to_string())
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

    #[test]
    fn sizes() {
        assert_eq!(size("10 MB").unwrap(), Size::megabytes(10));
        assert_eq!(size("1KiB").unwrap(), Size(1024));
        assert_eq!(size("77").unwrap(), Size(77));
        for bad in ["", "big", "-1 MB", "5 apples"] {
            assert!(size(bad).unwrap_err().contains("is not a size"), "{bad}");
        }
        for size_ in [Size(0), Size(77), Size(512_000), Size::megabytes(10), Size(3_000_000_000)] {
            assert_eq!(size(&size_.to_string()).unwrap(), size_);
        }
    }
}
