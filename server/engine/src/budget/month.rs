//! Calendar months, which budgets and bills are about.

use chrono::{DateTime, Datelike as _, Months, NaiveDate, Utc};
use chrono_tz::Tz;
use std::{fmt, str::FromStr};

/// A calendar month in the institution's time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month(NaiveDate);

impl Month {
    /// The month of a day.
    #[must_use]
    pub fn of(day: NaiveDate) -> Self {
        Self(day.with_day(1).unwrap_or(day))
    }

    /// The month of a moment.
    #[must_use]
    pub fn at(at: DateTime<Utc>, zone: Tz) -> Self {
        Self::of(day_of(at, zone))
    }

    /// Its first day.
    #[must_use]
    pub const fn first(self) -> NaiveDate {
        self.0
    }

    /// Its last day.
    #[must_use]
    pub fn last(self) -> NaiveDate {
        self.next().0.pred_opt().unwrap_or(self.0)
    }

    /// The month after it.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.checked_add_months(Months::new(1)).unwrap_or(self.0))
    }

    /// The month before it.
    #[must_use]
    pub fn before(self) -> Self {
        Self(self.0.checked_sub_months(Months::new(1)).unwrap_or(self.0))
    }
}

/// `2026-11`
impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.format("%Y-%m"))
    }
}

/// The text is no month.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("“{0}” is no month. Write year and month, such as 2026-11.")]
pub struct NoMonth(pub String);

impl FromStr for Month {
    type Err = NoMonth;

    fn from_str(text: &str) -> Result<Self, NoMonth> {
        let no_month = || NoMonth(text.chars().take(40).collect());
        let digits = |part: &str, most: usize| part.len() == most && part.bytes().all(|b| b.is_ascii_digit());
        let (year, month) = text.split_once('-').ok_or_else(no_month)?;
        if !digits(year, 4) || !digits(month, 2) {
            return Err(no_month());
        }
        let first = NaiveDate::from_str(&format!("{text}-01")).map_err(|_| no_month())?;
        Ok(Self(first))
    }
}

/// The day of a moment in a time zone.
#[must_use]
pub fn day_of(at: DateTime<Utc>, zone: Tz) -> NaiveDate {
    at.with_timezone(&zone).date_naive()
}

/// The first moment of a day; where the clock is put forward at midnight, the first that exists.
#[must_use]
pub fn begin_of(day: NaiveDate, zone: Tz) -> DateTime<Utc> {
    (0..24)
        .filter_map(|hour| day.and_hms_opt(hour, 0, 0)?.and_local_timezone(zone).earliest())
        .next()
        .map_or(DateTime::UNIX_EPOCH, |at| at.with_timezone(&Utc))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn month(text: &str) -> Month {
        text.parse().unwrap()
    }

    #[test]
    fn months_follow_each_other() {
        assert_eq!(month("2026-12").next(), month("2027-01"));
        assert_eq!(month("2027-01").before().to_string(), "2026-12");
        assert_eq!(month("2028-02").last().to_string(), "2028-02-29");
        assert_eq!(Month::of(month("2026-11").last()), month("2026-11"));
    }

    #[test]
    fn what_is_no_month_is_refused() {
        for text in ["", "2026", "2026-13", "2026-1", "26-01", "2026-00", "+026-01", "2026-11-01", "November"]
        {
            assert!(text.parse::<Month>().unwrap_err().to_string().contains("such as 2026-11"), "{text}");
        }
    }

    /// At the end of a month, and on days that begin late or last 23 or 25 hours.
    #[test]
    fn a_moment_counts_to_the_day_where_the_institution_is() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let berlin = chrono_tz::Europe::Berlin;
        assert_eq!(Month::at(at("2026-10-31T22:59:59Z"), berlin), month("2026-10"));
        assert_eq!(Month::at(at("2026-10-31T23:00:00Z"), berlin), month("2026-11"));
        assert_eq!(Month::at(at("2026-11-01T04:30:00Z"), chrono_tz::America::Chicago), month("2026-10"));
        let hours = |day: &str, zone| {
            let day: NaiveDate = day.parse().unwrap();
            (begin_of(day.succ_opt().unwrap(), zone) - begin_of(day, zone)).num_hours()
        };
        assert_eq!((hours("2026-03-29", berlin), hours("2026-10-25", berlin)), (23, 25));
        // The clock is put forward at midnight: the day begins at one.
        let beirut = chrono_tz::Asia::Beirut;
        assert_eq!(begin_of("2026-03-29".parse().unwrap(), beirut), at("2026-03-28T22:00:00Z"));
    }
}
