//! When batches are cut by the clock: cron expressions as people know them.
//!
//! The crate underneath wants a field of seconds and counts weekdays from 1 (Sunday). Here five fields mean what they
//! mean to cron(8), six begin with seconds, and weekdays 0 and 7 are both Sunday. Where both the day of the month and
//! the weekday are given, a day that fits either is one (POSIX, crontab). In the hour that a time zone repeats in
//! autumn a schedule fires once, in the hour that it leaves out in spring not at all.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use std::{collections::BTreeSet, fmt, str::FromStr};

/// A cron expression in a time zone.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    text: String,
    zone: Tz,
    /// It fires when any of these does.
    any: Vec<cron::Schedule>,
}

/// Longest expression that is looked at.
const LONGEST: usize = 200;
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// Reads a cron expression of five fields, or six with seconds first; in UTC until [`Schedule::in_zone`].
///
/// # Errors
/// Says what is wrong with it; an expression that never fires is wrong, too.
pub fn parse_schedule(text: &str) -> Result<Schedule, String> {
    let wrong = |reason: String| format!("the schedule \"{}\" {reason}", text.trim());
    if text.len() > LONGEST {
        return Err(format!("the schedule has {} characters; {LONGEST} are possible", text.len()));
    }
    let fields: Vec<&str> = text.split_whitespace().collect();
    let (seconds, rest) = match fields.len() {
        5 => ("0", &fields[..]),
        6 => (fields[0], &fields[1..]),
        n => {
            return Err(wrong(format!(
                "has {n} fields; write minute, hour, day of the month, month and weekday, with or without seconds \
                 before them"
            )));
        }
    };
    let [minute, hour, day, month, weekday] = rest else {
        return Err(wrong("has too few fields".to_owned()));
    };
    // The crate panics at a step of zero.
    if fields
        .iter()
        .any(|f| f.split(',').any(|p| p.split_once('/').is_some_and(|(_, s)| s.trim_matches('0').is_empty())))
    {
        return Err(wrong("has a step of zero or of nothing".to_owned()));
    }
    let every = |field: &str| field.starts_with('*') || field == "?";
    let weekdays = weekdays(weekday).map_err(&wrong)?;
    let cron = |day: &str, weekdays: &str| {
        let text = format!("{seconds} {minute} {hour} {day} {month} {weekdays}");
        cron::Schedule::from_str(&text).map_err(|_| {
            wrong("can't be read; fields hold numbers, names of months or weekdays, *, lists (1,2), ranges (1-5) and steps (*/10)".to_owned())
        })
    };
    let any = if every(day) || every(weekday) {
        vec![cron(day, &weekdays)?]
    } else {
        vec![cron(day, "*")?, cron("*", &weekdays)?]
    };
    let schedule = Schedule { text: fields.join(" "), zone: Tz::UTC, any };
    if schedule.next_after(DateTime::UNIX_EPOCH).is_none() {
        return Err(wrong("never fires: there is no such day".to_owned()));
    }
    Ok(schedule)
}

/// The weekdays of a field as the crate counts them (1 is Sunday), in a list without ranges or steps.
fn weekdays(field: &str) -> Result<String, String> {
    let number = |text: &str| -> Result<u8, String> {
        let name = text.to_ascii_lowercase();
        if let Some(day) = DAYS.iter().position(|day| *day == name) {
            return Ok(u8::try_from(day).unwrap_or(0));
        }
        match text.parse() {
            Ok(day @ 0..=7) => Ok(day),
            _ => Err(format!("has the weekday \"{text}\"; write 0 to 7 (0 and 7 are Sunday) or mon, tue, …")),
        }
    };
    let mut days = BTreeSet::new();
    for part in field.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => {
                let step: u8 =
                    step.parse().map_err(|_| format!("has the step \"{step}\", which is no number"))?;
                (range, Some(step))
            }
            None => (part, None),
        };
        let (from, to) = match range.split_once('-') {
            Some((from, to)) => (number(from)?, number(to)?),
            None if range == "*" || range == "?" => (0, 6),
            None if step.is_some() => (number(range)?, 6),
            None => (number(range)?, number(range)?),
        };
        // Friday to Monday goes over the end of the week.
        let to = if to < from { to + 7 } else { to };
        days.extend((from..=to).step_by(usize::from(step.unwrap_or(1).max(1))).map(|day| day % 7 + 1));
    }
    Ok(days.iter().map(ToString::to_string).collect::<Vec<_>>().join(","))
}

impl Schedule {
    /// The same expression by the clocks of another zone.
    #[must_use]
    pub fn in_zone(mut self, zone: Tz) -> Self {
        self.zone = zone;
        self
    }

    /// The first time after this one at which it fires; none if there is none this century.
    #[must_use]
    pub fn next_after(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let local = after.with_timezone(&self.zone);
        // In a repeated hour the crate also names the times of its first run, which may have passed.
        let next = |cron: &cron::Schedule| cron.after(&local).map(|at| at.to_utc()).find(|at| *at > after);
        self.any.iter().filter_map(next).min()
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use chrono::TimeDelta;
    use proptest::prelude::*;

    fn fires(schedule: &Schedule, from: &str, most: usize) -> Vec<String> {
        let mut at: DateTime<Utc> = from.parse().unwrap();
        let mut fires = Vec::new();
        while fires.len() < most {
            at = schedule.next_after(at).unwrap();
            fires.push(at.format("%a %d %H:%M:%S").to_string());
        }
        fires
    }

    #[test]
    fn five_and_six_fields() {
        let from = "2026-11-25T10:07:30Z";
        for (text, expected) in [
            ("*/10 * * * *", ["Wed 25 10:10:00", "Wed 25 10:20:00"]),
            ("  0   */2 * * * ", ["Wed 25 12:00:00", "Wed 25 14:00:00"]),
            ("*/5 * * * * *", ["Wed 25 10:07:35", "Wed 25 10:07:40"]),
            ("30 7 10 * * *", ["Thu 26 10:07:30", "Fri 27 10:07:30"]),
            ("0 9 * * 0", ["Sun 29 09:00:00", "Sun 06 09:00:00"]),
            ("0 9 * * 7", ["Sun 29 09:00:00", "Sun 06 09:00:00"]),
            ("0 9 * * 1", ["Mon 30 09:00:00", "Mon 07 09:00:00"]),
            ("0 9 * * SAT,sun", ["Sat 28 09:00:00", "Sun 29 09:00:00"]),
            ("0 9 * * 5-7", ["Fri 27 09:00:00", "Sat 28 09:00:00"]),
            ("0 9 * * fri-mon", ["Fri 27 09:00:00", "Sat 28 09:00:00"]),
            ("0 9 * * 1-5/2", ["Fri 27 09:00:00", "Mon 30 09:00:00"]),
            ("0 9 * * */3", ["Sat 28 09:00:00", "Sun 29 09:00:00"]),
            // Either day fits where both are given.
            ("0 9 28 * 1", ["Sat 28 09:00:00", "Mon 30 09:00:00"]),
            ("0 9 1 jan ?", ["Fri 01 09:00:00", "Sat 01 09:00:00"]),
        ] {
            assert_eq!(fires(&parse_schedule(text).unwrap(), from, 2), expected, "{text}");
        }
        assert_eq!(parse_schedule(" 0  */2 * * *").unwrap().to_string(), "0 */2 * * *");
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, word) in [
            ("", "0 fields"),
            ("* * * *", "4 fields"),
            ("* * * * * * *", "7 fields"),
            ("61 * * * *", "can't be read"),
            ("* 24 * * *", "can't be read"),
            ("*/0 * * * *", "step of zero"),
            ("* * * * */0", "step of zero"),
            ("5/ * * * *", "step of zero or of nothing"),
            ("* * * * 8", "weekday \"8\""),
            ("* * * * */x", "step \"x\""),
            ("* * * * moon", "weekday \"moon\""),
            ("@daily", "1 fields"),
            ("0 0 30 2 *", "never fires"),
            ("0 0 31 4,6 *", "never fires"),
        ] {
            let wrong = parse_schedule(text).unwrap_err();
            assert!(wrong.contains(word), "{text}: {wrong}");
        }
        assert!(parse_schedule(&"*".repeat(300)).unwrap_err().contains("300 characters"));
    }

    #[test]
    fn zones_and_their_changes() {
        let stockholm = chrono_tz::Europe::Stockholm;
        let nightly = parse_schedule("30 2 * * *").unwrap().in_zone(stockholm);
        assert_eq!(fires(&nightly, "2026-11-25T10:00:00Z", 1), ["Thu 26 01:30:00"]);
        // 02:30 is left out on 29 March, and comes twice on 25 October but fires once.
        assert_eq!(fires(&nightly, "2026-03-28T10:00:00Z", 1), ["Mon 30 00:30:00"]);
        assert_eq!(fires(&nightly, "2026-10-24T10:00:00Z", 2), ["Sun 25 00:30:00", "Mon 26 01:30:00"]);
        // Time never runs backwards, also within the repeated hour.
        let often = parse_schedule("*/10 * * * *").unwrap().in_zone(stockholm);
        let mut at: DateTime<Utc> = "2026-10-24T23:00:00Z".parse().unwrap();
        for _ in 0..40 {
            let next = often.next_after(at).unwrap();
            assert!(next > at && next - at <= TimeDelta::minutes(70), "{at} {next}");
            at = next;
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[0-9*/,\\-? a-z]{0,40}") {
            let _ = parse_schedule(&text);
        }
        #[test]
        fn no_fields_make_it_panic(fields in prop::collection::vec("(\\*|[0-9]{1,10})(-[0-9]{1,10})?(/[0-9]{1,10})?", 5..7)) {
            let _ = parse_schedule(&fields.join(" "));
        }
    }
}
