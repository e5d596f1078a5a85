//! Times in words, in the reader's zone.

use chrono::{DateTime, DurationRound as _, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;

/// A range of time as people say it: "today, 16:10 to 17:40", "tomorrow, 09:00 to 11:30", "27 November, 23:30 to 28
/// November, 01:00". Longer ranges are widened to five minutes: no false precision.
#[must_use]
pub fn time_range(from: DateTime<Utc>, to: DateTime<Utc>, now: DateTime<Utc>, zone: Tz) -> String {
    let step =
        if to - from >= TimeDelta::minutes(10) { TimeDelta::minutes(5) } else { TimeDelta::minutes(1) };
    let down = |at: DateTime<Tz>| at.duration_trunc(step).unwrap_or(at);
    let local = |at: DateTime<Utc>| at.with_timezone(&zone);
    let from = down(local(from));
    let to = down(local(to) + step - TimeDelta::microseconds(1));
    let today = local(now).date_naive();
    let day = day(from.date_naive(), today);
    if from == to {
        return format!("{day}, about {}", from.format("%H:%M"));
    }
    if from.date_naive() == to.date_naive() {
        return format!("{day}, {} to {}", from.format("%H:%M"), to.format("%H:%M"));
    }
    format!(
        "{day}, {} to {}, {}",
        from.format("%H:%M"),
        self::day(to.date_naive(), today),
        to.format("%H:%M")
    )
}

/// One moment: "25 November 2026, 14:02".
#[must_use]
pub(super) fn moment(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone).format("%-d %B %Y, %H:%M").to_string()
}

fn day(date: NaiveDate, today: NaiveDate) -> String {
    match (date - today).num_days() {
        0 => "today".to_owned(),
        1 => "tomorrow".to_owned(),
        _ => date.format("%-d %B").to_string(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn ranges_as_people_say_them() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let zone = chrono_tz::Europe::Stockholm;
        let now = at("2026-11-25T13:02:00Z");
        for (from, to, words) in [
            ("2026-11-25T15:12:10Z", "2026-11-25T16:38:00Z", "today, 16:10 to 17:40"),
            ("2026-11-25T15:10:00Z", "2026-11-25T16:40:00Z", "today, 16:10 to 17:40"),
            ("2026-11-25T13:02:10Z", "2026-11-25T13:02:40Z", "today, 14:02 to 14:03"),
            ("2026-11-25T13:02:00Z", "2026-11-25T13:02:00Z", "today, about 14:02"),
            ("2026-11-26T08:00:00Z", "2026-11-26T10:30:00Z", "tomorrow, 09:00 to 11:30"),
            ("2026-11-25T22:50:00Z", "2026-11-25T23:20:00Z", "today, 23:50 to tomorrow, 00:20"),
            ("2026-11-27T22:30:00Z", "2026-11-28T00:00:00Z", "27 November, 23:30 to 28 November, 01:00"),
        ] {
            assert_eq!(time_range(at(from), at(to), now, zone), words);
        }
        assert_eq!(moment(now, zone), "25 November 2026, 14:02");
    }
}
