//! Cron schedules as people write them: five fields, or six with seconds first; weekday 0 and 7 are Sunday.
//! The `cron` crate counts weekdays from 1 (Sunday) to 7 and wants seconds, so they are converted.

use chrono::{DateTime, Utc};
use std::{fmt, str::FromStr};

/// When something is done again and again; times are UTC.
#[derive(Clone, Debug)]
pub struct Schedule {
    text: String,
    inner: cron::Schedule,
}

impl Schedule {
    /// The first time after this one.
    #[must_use]
    pub fn next_after(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.inner.after(&at).next()
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Schedule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut fields: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        match fields.len() {
            5 => fields.insert(0, "0".to_owned()),
            6 => {}
            n => {
                return Err(format!(
                    "\"{text}\" has {n} fields; cron has five (minute, hour, day, month, weekday) or six with seconds first"
                ));
            }
        }
        fields[5] = weekdays(&fields[5]).map_err(|wrong| format!("\"{text}\": {wrong}"))?;
        let inner = cron::Schedule::from_str(&fields.join(" "))
            .map_err(|error| format!("\"{text}\" is no cron expression: {error}"))?;
        let schedule = Self { text: text.trim().to_owned(), inner };
        // Any time will do to see whether it fires at all.
        if schedule.next_after(DateTime::UNIX_EPOCH + chrono::TimeDelta::days(20_000)).is_none() {
            return Err(format!("\"{text}\" never fires"));
        }
        Ok(schedule)
    }
}

/// Weekdays from 0 (Sunday) to 7 (Sunday again) as the crate counts them.
fn weekdays(field: &str) -> Result<String, String> {
    let number = |text: &str| -> Result<Option<u8>, String> {
        if !text.bytes().all(|b| b.is_ascii_digit()) || text.is_empty() {
            return Ok(None);
        }
        match text.parse::<u8>() {
            Ok(day) if day <= 7 => Ok(Some(day)),
            _ => Err(format!("{text} is no weekday; 0 to 7 are, and 0 and 7 are Sunday")),
        }
    };
    let mut days = Vec::new();
    for part in field.split(',') {
        let (range, step) = part.split_once('/').map_or((part, None), |(range, step)| (range, Some(step)));
        let (from, to) = range.split_once('-').map_or((range, None), |(from, to)| (from, Some(to)));
        match (number(from)?, to.map(number).transpose()?.flatten()) {
            // A name or a star means the same there.
            (None, _) => days.push(part.to_owned()),
            (Some(day), None) if to.is_none() && step.is_none() => days.push((day % 7 + 1).to_string()),
            (Some(first), last) => {
                let last = if to.is_some() {
                    last.ok_or_else(|| format!("{range} mixes names and numbers"))?
                } else {
                    7
                };
                let step: usize =
                    step.map_or(Ok(1), str::parse).map_err(|_| format!("{part} has no whole step"))?;
                if first > last || step == 0 {
                    return Err(format!("{part} holds no weekday"));
                }
                days.extend((first..=last).step_by(step).map(|day| (day % 7 + 1).to_string()));
            }
        }
    }
    Ok(days.join(","))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use chrono::{Datelike, TimeZone, Weekday};

    fn next(cron: &str, from: DateTime<Utc>) -> DateTime<Utc> {
        cron.parse::<Schedule>().unwrap().next_after(from).unwrap()
    }

    #[test]
    fn fires_when_people_expect() {
        // A Wednesday.
        let from = Utc.with_ymd_and_hms(2026, 11, 25, 10, 3, 20).unwrap();
        assert_eq!(next("*/10 * * * *", from), Utc.with_ymd_and_hms(2026, 11, 25, 10, 10, 0).unwrap());
        assert_eq!(next("0 */2 * * *", from), Utc.with_ymd_and_hms(2026, 11, 25, 12, 0, 0).unwrap());
        assert_eq!(next("*/4 * * * * *", from), Utc.with_ymd_and_hms(2026, 11, 25, 10, 3, 24).unwrap());
        for sunday in ["0 9 * * 0", "0 9 * * 7", "0 9 * * SUN"] {
            assert_eq!(next(sunday, from).weekday(), Weekday::Sun, "{sunday}");
        }
        assert_eq!(next("0 9 * * 1-5", from).weekday(), Weekday::Thu);
        assert_eq!(next("0 9 * * 5-7", from).weekday(), Weekday::Fri);
        assert_eq!(next("0 9 * * 1/2", from).weekday(), Weekday::Fri);
    }

    #[test]
    fn what_can_not_be_is_said() {
        for (cron, says) in [
            ("* * * *", "4 fields"),
            ("61 * * * *", "no cron"),
            ("0 9 * * 8", "no weekday"),
            ("0 0 30 2 *", "never fires"),
            ("", "0 fields"),
        ] {
            let wrong = cron.parse::<Schedule>().unwrap_err();
            assert!(wrong.contains(says), "{cron}: {wrong}");
        }
    }
}
