//! A month of the institution, and its days.

use super::BillingError;
use crate::budget::{self, begin_of};
use chrono::{DateTime, Days, NaiveDate, Utc};
use chrono_tz::Tz;

/// A span of time, its end not included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// When it begins.
    pub from: DateTime<Utc>,
    /// When it has ended.
    pub to: DateTime<Utc>,
}

/// A month by the clocks of the institution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Month {
    month: budget::Month,
    zone: Tz,
}

impl Month {
    /// Reads a month such as `2026-11`, which must have begun.
    ///
    /// # Errors
    /// If it is none, or has not begun.
    pub fn read(text: &str, zone: Tz, now: DateTime<Utc>) -> Result<Self, BillingError> {
        let month: budget::Month = text.parse().map_err(|budget::NoMonth(text)| BillingError::Month(text))?;
        let latest = budget::Month::at(now, zone);
        if month > latest {
            return Err(BillingError::Future { month: month.to_string(), now: latest.to_string() });
        }
        Ok(Self { month, zone })
    }

    /// A month in a time zone, whether it has begun or not.
    #[must_use]
    pub const fn new(month: budget::Month, zone: Tz) -> Self {
        Self { month, zone }
    }

    /// Its name, such as `2026-11`.
    #[must_use]
    pub fn name(&self) -> String {
        self.month.to_string()
    }

    /// The whole of it.
    #[must_use]
    pub fn period(&self) -> Period {
        self.between(self.month.first(), self.month.next().first())
    }

    /// One of its days; one on which clocks are changed has 23 or 25 hours.
    #[must_use]
    pub fn day(&self, day: NaiveDate) -> Period {
        self.between(day, day.checked_add_days(Days::new(1)).unwrap_or(day))
    }

    /// Its first and last day.
    #[must_use]
    pub fn days(&self) -> (NaiveDate, NaiveDate) {
        (self.month.first(), self.month.last())
    }

    /// The month has not ended.
    #[must_use]
    pub fn is_open(&self, now: DateTime<Utc>) -> bool {
        now < self.period().to
    }

    fn between(&self, from: NaiveDate, to: NaiveDate) -> Period {
        Period { from: begin_of(from, self.zone), to: begin_of(to, self.zone) }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use chrono::{Datelike as _, Months};
    use proptest::prelude::*;

    fn now() -> DateTime<Utc> {
        "2026-11-30T23:30:00Z".parse().unwrap()
    }

    fn month(text: &str, zone: Tz) -> Month {
        Month::read(text, zone, now()).unwrap()
    }

    #[test]
    fn only_months_that_have_begun_are_read() {
        for wrong in
            ["", "2026", "2026-1", "2026-13", "2026-00", "11-2026", "2026/11", "+026-11", "2026-11-01"]
        {
            assert!(matches!(Month::read(wrong, Tz::UTC, now()), Err(BillingError::Month(_))), "{wrong}");
        }
        let long = Month::read(&"9".repeat(1_000), Tz::UTC, now()).unwrap_err().to_string();
        assert!(long.len() < 200, "{long}");
        assert_eq!(month("2026-11", Tz::UTC).name(), "2026-11");
        let future = Month::read("2026-12", Tz::UTC, now()).unwrap_err().to_string();
        assert_eq!(future, "2026-12 has not begun; the latest month is 2026-11");
        // In Stockholm December has begun.
        assert_eq!(month("2026-12", Tz::Europe__Stockholm).name(), "2026-12");
        assert!(month("2026-11", Tz::UTC).is_open(now()));
        assert!(!month("2026-11", Tz::Europe__Stockholm).is_open(now()));
    }

    #[test]
    fn days_are_those_of_the_institutions_clocks() {
        let hours = |month: &Month, day: &str| {
            let day = month.day(day.parse().unwrap());
            (day.to - day.from).num_hours()
        };
        let march = month("2026-03", Tz::Europe__Stockholm);
        let october = month("2026-10", Tz::Europe__Stockholm);
        assert_eq!((hours(&march, "2026-03-28"), hours(&march, "2026-03-29")), (24, 23));
        assert_eq!((hours(&october, "2026-10-25"), hours(&october, "2026-10-26")), (25, 24));
        let period = october.period();
        assert_eq!(period.from.to_rfc3339(), "2026-09-30T22:00:00+00:00");
        assert_eq!(period.to.to_rfc3339(), "2026-10-31T23:00:00+00:00");
        // Where clocks are put forward at midnight, the day begins at one.
        let cairo = month("2026-04", Tz::Africa__Cairo);
        assert_eq!(hours(&cairo, "2026-04-24"), 23);
    }

    proptest! {
        #[test]
        fn days_follow_each_other_and_fill_the_month(months in 0_u32..500, zone in 0..chrono_tz::TZ_VARIANTS.len()) {
            let zone = chrono_tz::TZ_VARIANTS[zone];
            let first = NaiveDate::from_ymd_opt(1985, 1, 1).unwrap() + Months::new(months);
            let month = Month { month: budget::Month::of(first), zone };
            let mut at = month.period().from;
            for day in first.iter_days().take_while(|day| day.month() == first.month()) {
                let period = month.day(day);
                prop_assert_eq!(period.from, at);
                prop_assert!(period.from <= period.to, "{} {}", zone, day);
                at = period.to;
            }
            prop_assert_eq!(at, month.period().to);
        }
    }
}
