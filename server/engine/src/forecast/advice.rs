//! The schedule optimizer: the hours of the day in which batches come back soonest (SPEC 3.3).

use super::{
    Sample,
    history::{quantile, sorted},
};
use crate::queue::Turnaround;

/// Hours of one window.
const WINDOW_HOURS: u32 = 3;

/// Batches that it takes to say anything.
const ENOUGH: usize = 40;

/// Batches that a window takes to be named; of fewer it is not known how they do.
const ENOUGH_IN_WINDOW: usize = 5;

/// The whole day weighs as much as this many batches of a window, so that a few lucky ones don't make it the best.
const WHOLE_DAY: f64 = 5.0;

/// A window is worth choosing, or avoiding, where it differs by this share from the whole day.
const DIFFERENCE: f64 = 0.1;
const MUCH_SLOWER: f64 = 0.25;

/// Hours of the day, and what is known of batches sent in them.
#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    /// The first hour, 0 to 23, in the institution's zone.
    pub from_hour: u32,
    /// The hour at which it ends, 1 to 24 (or less than `from_hour`: after midnight).
    pub to_hour: u32,
    /// Batches measured in it.
    pub batches: usize,
    /// Expected time of a batch sent in it.
    pub expected: Turnaround,
    /// Why it is named, a sentence.
    pub reason: String,
}

impl Window {
    /// As people write hours: "02:00 to 05:00".
    #[must_use]
    pub fn hours(&self) -> String {
        format!("{:02}:00 to {:02}:00", self.from_hour, self.to_hour)
    }

    /// As the hours of a cron expression, every 15 minutes: `*/15 2-4 * * *`.
    #[must_use]
    pub fn cron(&self) -> String {
        let last = (self.to_hour + 23) % 24;
        if last == self.from_hour {
            format!("*/15 {last} * * *")
        } else if last > self.from_hour {
            format!("*/15 {}-{last} * * *", self.from_hour)
        } else {
            let morning = if last == 0 { "0".to_owned() } else { format!("0-{last}") };
            let evening =
                if self.from_hour == 23 { "23".to_owned() } else { format!("{}-23", self.from_hour) };
            format!("*/15 {evening},{morning} * * *")
        }
    }
}

/// When to send batches to one provider.
#[derive(Clone, Debug, PartialEq)]
pub struct Advice {
    /// Batches that were looked at.
    pub batches: usize,
    /// What it comes to, a sentence.
    pub summary: String,
    /// Expected time of a batch sent at any hour; none where too few were measured.
    pub any_hour: Option<Turnaround>,
    /// The best window; none where too little is known, or the hour makes no difference that counts.
    pub primary: Option<Window>,
    /// The next best two, where there are.
    pub alternatives: Vec<Window>,
    /// Those to avoid, the slowest first.
    pub avoid: Vec<Window>,
}

struct Scored {
    from: u32,
    hours: u32,
    batches: usize,
    p50: f64,
    p90: f64,
}

impl Scored {
    /// Logarithms: the middle and the slow end count alike.
    fn score(&self) -> f64 {
        self.p50 + self.p90
    }
    fn to(&self) -> u32 {
        let end = (self.from + self.hours) % 24;
        if end == 0 { 24 } else { end }
    }
    fn overlaps(&self, other: &Self) -> bool {
        (0..self.hours).any(|a| (0..other.hours).any(|b| (self.from + a) % 24 == (other.from + b) % 24))
    }
    fn expected(&self) -> Turnaround {
        super::fixed::turnaround(self.p50, self.p90)
    }
}

/// Advice from finished batches.
#[must_use]
pub fn advise(samples: &[Sample]) -> Advice {
    let batches = samples.len();
    let mut advice = Advice {
        batches,
        summary: format!(
            "Too short a history: {batches} of the {ENOUGH} finished batches that it takes to compare hours."
        ),
        any_hour: None,
        primary: None,
        alternatives: Vec::new(),
        avoid: Vec::new(),
    };
    if batches < ENOUGH {
        return advice;
    }
    let day = quantiles(samples.iter());
    advice.any_hour = Some(super::fixed::turnaround(day.0, day.1));
    let window = |from: u32, hours: u32| -> Scored {
        let inside: Vec<&Sample> = samples
            .iter()
            .filter(|s| (s.hour - f64::from(from)).rem_euclid(24.0) < f64::from(hours))
            .collect();
        #[expect(clippy::cast_precision_loss, reason = "a few hundred")]
        let weight = inside.len() as f64 / (inside.len() as f64 + WHOLE_DAY);
        let own = if inside.is_empty() { day } else { quantiles(inside.iter().copied()) };
        let mix = |own: f64, day: f64| weight * own + (1.0 - weight) * day;
        Scored { from, hours, batches: inside.len(), p50: mix(own.0, day.0), p90: mix(own.1, day.1) }
    };
    let mut known: Vec<Scored> =
        (0..24).map(|from| window(from, WINDOW_HOURS)).filter(|w| w.batches >= ENOUGH_IN_WINDOW).collect();
    known.sort_by(|a, b| a.score().total_cmp(&b.score()).then(a.from.cmp(&b.from)));
    let slow: Vec<Scored> = slow_hours(&window, day);
    let mut chosen: Vec<Scored> = Vec::new();
    for candidate in known {
        if chosen.len() < 3 && !chosen.iter().chain(&slow).any(|other| other.overlaps(&candidate)) {
            chosen.push(candidate);
        }
    }
    advice.avoid = slow.iter().map(|w| named(w, day, "slower", "Avoid: ")).collect();
    let gain = chosen.first().map_or(0.0, |best| difference(best, day));
    if advice.avoid.is_empty() && gain < DIFFERENCE {
        advice.summary = format!(
            "The hour makes no difference that counts in {batches} finished batches; any schedule will do."
        );
        return advice;
    }
    let mut windows = chosen.iter().map(|w| named(w, day, "sooner", ""));
    advice.primary = windows.next();
    advice.alternatives = windows.collect();
    advice.summary = match &advice.primary {
        Some(best) => format!(
            "Batches sent from {} come back soonest, in the light of {batches} finished batches.",
            best.hours()
        ),
        None => format!("In {batches} finished batches only hours to avoid stand out."),
    };
    advice
}

/// Hours in which batches take much longer than usual, neighbours joined, the slowest first.
fn slow_hours(window: &impl Fn(u32, u32) -> Scored, day: (f64, f64)) -> Vec<Scored> {
    let is_slow = |hour: u32| {
        let own = window(hour, 1);
        // One hour alone may hold few: then its neighbours speak for it.
        let own = if own.batches >= ENOUGH_IN_WINDOW { own } else { window((hour + 23) % 24, WINDOW_HOURS) };
        own.batches >= ENOUGH_IN_WINDOW && -difference(&own, day) > MUCH_SLOWER
    };
    let slow: Vec<bool> = (0..24).map(is_slow).collect();
    let at = |hour: u32| slow[usize::try_from(hour % 24).unwrap_or(0)];
    let mut runs: Vec<Scored> = (0..24)
        .filter(|hour| at(*hour) && !at(hour + 23))
        .map(|from| window(from, (1..24).find(|n| !at(from + n)).unwrap_or(24)))
        .filter(|run| run.batches >= ENOUGH_IN_WINDOW)
        .collect();
    runs.sort_by(|a, b| b.score().total_cmp(&a.score()));
    runs
}

/// By what share a window is quicker than the whole day; negative where it is slower.
fn difference(window: &Scored, day: (f64, f64)) -> f64 {
    1.0 - ((window.score() - day.0 - day.1) / 2.0).exp()
}

fn named(window: &Scored, day: (f64, f64), word: &str, before: &str) -> Window {
    let share = (difference(window, day).abs() * 100.0).round();
    let reason = if share < 1.0 || (difference(window, day) < 0.0) != (word == "slower") {
        format!("{before}about as long as at any hour, from {} batches.", window.batches)
    } else if word == "slower" {
        format!("{before}{share} % slower than at any hour, from {} batches.", window.batches)
    } else {
        format!("{before}{share} % sooner than at any hour, from {} batches.", window.batches)
    };
    Window {
        from_hour: window.from,
        to_hour: window.to(),
        batches: window.batches,
        expected: window.expected(),
        reason,
    }
}

/// Logarithms of P50 and P90.
#[expect(clippy::cast_precision_loss, reason = "seconds are far below 2^52")]
fn quantiles<'a>(samples: impl Iterator<Item = &'a Sample>) -> (f64, f64) {
    let logs = sorted(samples.map(|s| (s.seconds.max(1) as f64).ln()).collect());
    (quantile(&logs, 0.5), quantile(&logs, 0.9))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{
        super::model::tests::{PRIOR, history},
        *,
    };
    use crate::{provider::registry::parse_schedule, store::testing::still_world};

    #[test]
    fn the_quiet_hours_are_named_and_the_busy_ones_to_be_avoided() {
        let (world, _) = still_world();
        let middle = |hour: f64, _| match hour {
            h if (13.0..18.0).contains(&h) => 6_000.0,
            h if (2.0..5.0).contains(&h) => 900.0,
            _ => 2_000.0,
        };
        let advice = advise(&history(&world, 400, 0.2, middle));
        let primary = advice.primary.as_ref().unwrap();
        assert_eq!((primary.from_hour, primary.to_hour), (2, 5), "{advice:?}");
        assert_eq!((primary.hours().as_str(), primary.cron().as_str()), ("02:00 to 05:00", "*/15 2-4 * * *"));
        assert!((800..1_300).contains(&primary.expected.p50), "{primary:?}");
        assert!(primary.reason.contains("% sooner than at any hour"), "{primary:?}");
        assert_eq!(advice.alternatives.len(), 2, "{advice:?}");
        let avoid: Vec<(u32, u32)> = advice.avoid.iter().map(|w| (w.from_hour, w.to_hour)).collect();
        assert_eq!(avoid, [(13, 18)], "{advice:?}");
        assert!(advice.avoid[0].reason.starts_with("Avoid: ") && advice.avoid[0].reason.contains("slower"));
        // No two of them share an hour.
        let mut hours: Vec<u32> = advice
            .alternatives
            .iter()
            .chain(&advice.primary)
            .chain(&advice.avoid)
            .flat_map(|w| w.from_hour..w.to_hour)
            .collect();
        hours.sort_unstable();
        assert!(hours.windows(2).all(|h| h[0] != h[1]), "{advice:?}");
        for window in advice.alternatives.iter().chain(&advice.primary) {
            parse_schedule(&window.cron()).unwrap();
        }
    }

    #[test]
    fn short_and_even_histories_are_told_as_such() {
        let (world, _) = still_world();
        let short = advise(&history(&world, 12, 0.3, |_, _| 2_000.0));
        assert!(short.summary.starts_with("Too short a history: 12 of the 40"), "{short:?}");
        assert_eq!((short.primary, short.any_hour), (None, None));
        let even = advise(&history(&world, 400, 0.05, |_, _| 2_000.0));
        assert!(even.summary.contains("no difference that counts"), "{even:?}");
        assert!(even.primary.is_none() && even.avoid.is_empty() && even.any_hour.is_some());
        assert_ne!(even.any_hour, Some(PRIOR));
    }

    #[test]
    fn windows_over_midnight() {
        let (world, _) = still_world();
        let late = |hour: f64, _| if !(1.0..22.0).contains(&hour) { 700.0 } else { 2_500.0 };
        let advice = advise(&history(&world, 400, 0.1, late));
        let primary = advice.primary.unwrap();
        assert_eq!((primary.from_hour, primary.to_hour), (22, 1), "{primary:?}");
        assert_eq!(primary.cron(), "*/15 22-23,0 * * *");
        parse_schedule(&primary.cron()).unwrap();
    }
}
