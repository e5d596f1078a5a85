//! Times as people read them, in their own zone.

use crate::view::TimeRange;
use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, SecondsFormat, TimeDelta, Timelike, Utc};
use chrono_tz::Tz;

/// The reader's zone and the time of the visit: what every wording of a time depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// The time of the visit.
    pub now: DateTime<Utc>,
    /// The reader's zone.
    pub zone: Tz,
}

impl Clock {
    /// The hour and minute: "14:02".
    #[must_use]
    pub fn time(&self, at: DateTime<Utc>) -> String {
        at.with_timezone(&self.zone).format("%H:%M").to_string()
    }

    /// The hour, minute and second: "14:31:07".
    #[must_use]
    pub fn time_with_seconds(&self, at: DateTime<Utc>) -> String {
        at.with_timezone(&self.zone).format("%H:%M:%S").to_string()
    }

    /// The day in relation to today: "today", "tomorrow", "Friday 27 November", with the year when it is another.
    #[must_use]
    pub fn day(&self, at: DateTime<Utc>) -> String {
        let today = self.now.with_timezone(&self.zone).date_naive();
        let day = at.with_timezone(&self.zone).date_naive();
        match (day - today).num_days() {
            0 => "today".to_owned(),
            1 => "tomorrow".to_owned(),
            -1 => "yesterday".to_owned(),
            _ if day.year() == today.year() => day.format("%A %-d %B").to_string(),
            _ => day.format("%A %-d %B %Y").to_string(),
        }
    }

    /// Day and time: "today, 14:02", "Friday 27 November, 16:10".
    #[must_use]
    pub fn moment(&self, at: DateTime<Utc>) -> String {
        format!("{}, {}", self.day(at), self.time(at))
    }

    /// Day and time for a narrow column: "14:02" today, else "25 Nov, 14:02", with the year when it is another.
    #[must_use]
    pub fn short(&self, at: DateTime<Utc>) -> String {
        let today = self.now.with_timezone(&self.zone).date_naive();
        let local = at.with_timezone(&self.zone);
        if local.date_naive() == today {
            self.time(at)
        } else if local.year() == today.year() {
            local.format("%-d %b, %H:%M").to_string()
        } else {
            local.format("%-d %b %Y, %H:%M").to_string()
        }
    }

    /// The full date and time, the same on every day it is read: "25 November 2026, 14:02".
    #[must_use]
    pub fn full(&self, at: DateTime<Utc>) -> String {
        at.with_timezone(&self.zone).format("%-d %B %Y, %H:%M").to_string()
    }

    /// The date without the year: "25 November".
    #[must_use]
    pub fn date(&self, at: DateTime<Utc>) -> String {
        at.with_timezone(&self.zone).format("%-d %B").to_string()
    }

    /// A range as one line: "today, 16:10 to 17:40". What is near is told as a wait ("in 2 to 4 minutes"); what is
    /// further off is widened to full five minutes, since the range is not more exact than that.
    #[must_use]
    pub fn range(&self, range: TimeRange) -> String {
        if range.to <= self.now {
            return "any moment now".to_owned();
        }
        let most = minutes_up(range.to - self.now);
        if most <= 1 {
            // Tens of seconds, outwards: seconds one by one would promise too much.
            let most = ((range.to - self.now).num_milliseconds() + 9_999).div_euclid(10_000) * 10;
            let least = (range.from - self.now).num_seconds().max(0) / 10 * 10;
            return match (least, most) {
                (0, 60) => "within a minute".to_owned(),
                (0, most) => format!("within {most} seconds"),
                (least, most) => format!("in {least} to {most} seconds"),
            };
        }
        if most < 10 {
            let least = (range.from - self.now).num_minutes().max(0);
            return match least {
                0 => format!("within {most} minutes"),
                least if least == most => format!("in {most} minutes"),
                least => format!("in {least} to {most} minutes"),
            };
        }
        let from = self.five_minutes(range.from.max(self.now), false);
        let to = self.five_minutes(range.to, true);
        if self.day(from) == self.day(to) {
            format!("{}, {} to {}", self.day(from), self.time(from), self.time(to))
        } else {
            format!("{} to {}", self.moment(from), self.moment(to))
        }
    }

    /// A range as times alone, for a place where the day is clear: "16:10 to 17:40", "about 16:10".
    #[must_use]
    pub fn short_range(&self, range: TimeRange) -> String {
        if range.to - self.now < TimeDelta::minutes(10) {
            return self.range(range);
        }
        let from = self.five_minutes(range.from.max(self.now), false);
        let to = self.five_minutes(range.to, true);
        if self.short(from) == self.short(to) {
            format!("about {}", self.short(from))
        } else if self.day(from) == self.day(to) {
            format!("{} to {}", self.short(from), self.time(to))
        } else {
            format!("{} to {}", self.short(from), self.short(to))
        }
    }

    /// How long it is until then, roughly: "about 2 hours", "a few minutes".
    #[must_use]
    pub fn until(&self, at: DateTime<Utc>) -> String {
        let left = at - self.now;
        match minutes_up(left) {
            ..=1 => "less than a minute".to_owned(),
            2..=4 => "a few minutes".to_owned(),
            minutes @ 5..=55 => format!("about {} minutes", (minutes + 4) / 5 * 5),
            56..=89 => "about an hour".to_owned(),
            minutes @ 90..=2_850 => format!("about {} hours", (minutes + 30) / 60),
            minutes => format!("about {} days", (minutes + 720) / 1_440),
        }
    }

    fn five_minutes(&self, at: DateTime<Utc>, up: bool) -> DateTime<Utc> {
        let step = 300;
        let over = at.timestamp().rem_euclid(step);
        let floor = at.timestamp() - over;
        let exact = over == 0 && at.nanosecond() == 0;
        let seconds = if up && !exact { floor + step } else { floor };
        DateTime::from_timestamp(seconds, 0).unwrap_or(at)
    }
}

fn minutes_up(span: TimeDelta) -> i64 {
    (span.num_seconds() + 59).div_euclid(60)
}

/// The time for a machine, as in the `datetime` of a `time` element.
#[must_use]
pub fn machine(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// A length of time, short: "9 s", "38 min", "6 h 10 min", "3 days".
#[must_use]
pub fn span(span: TimeDelta) -> String {
    let seconds = span.num_seconds().max(0);
    match seconds {
        0 => "under 1 s".to_owned(),
        1..=99 => format!("{seconds} s"),
        100..=5_999 => format!("{} min", seconds / 60),
        6_000..=172_799 => {
            let (hours, minutes) = (seconds / 3_600, seconds % 3_600 / 60);
            if minutes == 0 { format!("{hours} h") } else { format!("{hours} h {minutes} min") }
        }
        _ => format!("{} days", seconds / 86_400),
    }
}

/// A month: "November", with the year when it is not the present one.
#[must_use]
pub fn month(first: NaiveDate, today: NaiveDate) -> String {
    if first.year() == today.year() {
        first.format("%B").to_string()
    } else {
        first.format("%B %Y").to_string()
    }
}

/// A day of a month, short: "14 Nov".
#[must_use]
pub fn day_of_month(day: NaiveDate) -> String {
    day.format("%-d %b").to_string()
}

/// The last day of the month that begins with `first`.
#[must_use]
pub fn last_of_month(first: NaiveDate) -> NaiveDate {
    let next = first.with_day(1).unwrap_or(first) + chrono::Months::new(1);
    next.pred_opt().unwrap_or(first)
}

/// Midnight at the start of a visit's day, for counting "today" in the reader's zone.
#[must_use]
pub fn start_of_today(clock: Clock) -> DateTime<Utc> {
    let today = clock.now.with_timezone(&clock.zone).date_naive();
    // A zone may skip midnight when its summer begins: the day then starts with the first time there is.
    (0..4)
        .filter_map(|hour| NaiveTime::from_hms_opt(hour, 0, 0))
        .find_map(|time| today.and_time(time).and_local_timezone(clock.zone).earliest())
        .map_or(clock.now, |start| start.with_timezone(&Utc))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn clock() -> Clock {
        // 14:05 in Berlin, a Wednesday.
        Clock { now: at("2026-11-25T13:05:00Z"), zone: chrono_tz::Europe::Berlin }
    }

    fn range(from: &str, to: &str) -> String {
        clock().range(TimeRange { from: at(from), to: at(to) })
    }

    #[test]
    fn days_are_named_from_the_readers_side() {
        assert_eq!(clock().moment(at("2026-11-25T15:10:00Z")), "today, 16:10");
        assert_eq!(clock().moment(at("2026-11-25T23:10:00Z")), "tomorrow, 00:10");
        assert_eq!(clock().moment(at("2026-11-24T12:00:00Z")), "yesterday, 13:00");
        assert_eq!(clock().moment(at("2026-11-27T15:10:00Z")), "Friday 27 November, 16:10");
        assert_eq!(clock().moment(at("2027-01-04T08:00:00Z")), "Monday 4 January 2027, 09:00");
    }

    #[test]
    fn ranges_are_widened_and_never_sharpened() {
        assert_eq!(range("2026-11-25T15:12:00Z", "2026-11-25T16:38:00Z"), "today, 16:10 to 17:40");
        assert_eq!(range("2026-11-25T15:10:00Z", "2026-11-25T16:40:00Z"), "today, 16:10 to 17:40");
        assert_eq!(range("2026-11-25T22:31:00Z", "2026-11-25T23:29:00Z"), "today, 23:30 to tomorrow, 00:30");
    }

    #[test]
    fn near_ranges_are_waits() {
        assert_eq!(range("2026-11-25T13:05:05Z", "2026-11-25T13:06:00Z"), "within a minute");
        assert_eq!(range("2026-11-25T13:05:05Z", "2026-11-25T13:05:31Z"), "within 40 seconds");
        assert_eq!(range("2026-11-25T13:05:19Z", "2026-11-25T13:05:40Z"), "in 10 to 40 seconds");
        assert_eq!(range("2026-11-25T13:05:30Z", "2026-11-25T13:08:10Z"), "within 4 minutes");
        assert_eq!(range("2026-11-25T13:07:00Z", "2026-11-25T13:09:00Z"), "in 2 to 4 minutes");
        assert_eq!(range("2026-11-25T12:50:00Z", "2026-11-25T13:00:00Z"), "any moment now");
    }

    #[test]
    fn the_past_part_of_a_range_is_not_promised() {
        assert_eq!(range("2026-11-25T12:00:00Z", "2026-11-25T13:58:00Z"), "today, 14:05 to 15:00");
    }

    #[test]
    fn spans_are_short() {
        let of = |seconds| span(TimeDelta::seconds(seconds));
        assert_eq!(of(-3), "under 1 s");
        assert_eq!(of(9), "9 s");
        assert_eq!(of(38 * 60), "38 min");
        assert_eq!(of(6 * 3_600 + 600), "6 h 10 min");
        assert_eq!(of(4 * 86_400), "4 days");
    }

    #[test]
    fn today_starts_even_where_midnight_is_skipped() {
        // In Beirut the clocks went from 00:00 to 01:00 on 27 March 2022.
        let clock = Clock { now: at("2022-03-27T09:00:00Z"), zone: chrono_tz::Asia::Beirut };
        assert_eq!(start_of_today(clock), at("2022-03-26T22:00:00Z"));
    }

    #[test]
    fn months_end() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        assert_eq!(last_of_month(day("2026-11-01")), day("2026-11-30"));
        assert_eq!(last_of_month(day("2026-12-01")), day("2026-12-31"));
        assert_eq!(month(day("2026-11-01"), day("2026-11-14")), "November");
    }
}
