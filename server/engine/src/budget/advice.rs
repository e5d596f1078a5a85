//! What to do about the month's money (SPEC 7.3): recommendations, each with its reason. Pure.

use super::{Monitor, Standing};
use crate::store::NanoUsd;

/// From this share of a budget on it is said what to do.
const NEAR: f64 = 0.9;

/// From this share of the spend in real time on it is said that batches cost less.
const MUCH_REALTIME: f64 = 0.2;

/// A recommendation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advice {
    /// Its kind, for programs.
    pub kind: &'static str,
    /// What is so, in a sentence.
    pub title: String,
    /// What to do about it.
    pub detail: String,
}

/// What to do about an open month; nothing about one that has ended.
#[must_use]
pub fn advice(monitor: &Monitor) -> Vec<Advice> {
    if !monitor.open {
        return Vec::new();
    }
    let mut out: Vec<Advice> =
        monitor.standings.iter().filter_map(|standing| of(standing, monitor)).collect();
    out.extend(too_much_at_once(monitor));
    out
}

fn of(standing: &Standing, monitor: &Monitor) -> Option<Advice> {
    let whose =
        standing.course.as_ref().map_or_else(|| "the institution".to_owned(), |course| course.code.clone());
    let Some(budget) = &standing.budget else {
        return Some(Advice {
            kind: "no_budget",
            title: "The institution has no budget.".to_owned(),
            detail: "Set one, and you are told before the money runs out.".to_owned(),
        });
    };
    let (used, limit) = (standing.used().unwrap_or(1.0), budget.limit);
    if used >= 1.0 {
        let (kind, detail) = if budget.hard_stop {
            ("stopped", "Work waits in the queue. Raise the limit, or let it wait for the next month.")
        } else {
            ("passed", "Nothing stops, since no hard stop is set. Raise the limit, or set the stop.")
        };
        let title = format!("The budget of {whose} is used up.");
        return Some(Advice { kind, title, detail: detail.to_owned() });
    }
    let projection = standing.projection?;
    let projected = standing.projected()?;
    if projected < NEAR {
        return None;
    }
    let comes_to = format!("The month will likely come to {} of {limit}.", projection.likely);
    let remedies = "Send less in real time, or choose a cheaper model; or raise the limit.";
    if projected < 1.0 {
        let title = format!("The budget of {whose} will nearly be used up.");
        return Some(Advice { kind: "nearly_used", title, detail: format!("{comes_to} {remedies}") });
    }
    let days_left = (monitor.month.last() - monitor.until).num_days() + 1;
    let ahead = (projection.likely - standing.spending.spent).dollars().max(f64::MIN_POSITIVE);
    let part = (limit - standing.spending.spent).dollars() / ahead;
    #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "days of a month")]
    let day = monitor.until + chrono::TimeDelta::days((part * days_left as f64) as i64);
    let title = format!("The budget of {whose} will be used up about {}.", day.format("%-d %B"));
    Some(Advice { kind: "will_pass", title, detail: format!("{comes_to} {remedies}") })
}

/// Calls in real time that take much of the money.
fn too_much_at_once(monitor: &Monitor) -> Option<Advice> {
    let sum = |batched: bool| -> NanoUsd {
        monitor.ways.iter().filter(|(way, ..)| way.batched == batched).map(|(_, paid, _)| paid.spent).sum()
    };
    let (realtime, batched) = (sum(false), sum(true));
    let all = realtime + batched;
    (all > NanoUsd::ZERO && realtime.dollars() / all.dollars() >= MUCH_REALTIME).then(|| Advice {
        kind: "much_in_real_time",
        title: format!("{:.0} % of the spend went in real time.", realtime.dollars() / all.dollars() * 100.0),
        detail: "Batches cost half. Look at which rules send work at once, and replay a change to them."
            .to_owned(),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{
        budget::{Budget, Paid, Projection, Spending, Way},
        store::World,
    };

    fn standing(limit: Option<i64>, spent: i64, likely: Option<i64>, hard_stop: bool) -> Standing {
        let usd = NanoUsd::from_dollars;
        Standing {
            course: None,
            budget: limit.map(|limit| Budget {
                id: World::system().id(),
                scope: "all".into(),
                limit: usd(limit),
                hard_stop,
            }),
            spending: Spending { scope: "all".into(), spent: usd(spent), ..Spending::default() },
            projection: likely.map(|likely| Projection {
                low: usd(likely - 5),
                likely: usd(likely),
                high: usd(likely + 5),
                days: 30,
                weekly: true,
            }),
        }
    }

    fn told(standing: Standing, realtime: i64) -> Vec<(&'static str, String)> {
        let world = World::system();
        let way = |batched, spent| {
            let (cost_centre, provider, model) = (String::new(), String::new(), String::new());
            let way = Way { course_id: world.id(), cost_centre, provider, model, batched };
            (way, Paid { spent: NanoUsd::from_dollars(spent), ..Paid::default() }, None)
        };
        let monitor = Monitor {
            month: "2026-11".parse().unwrap(),
            until: "2026-11-21".parse().unwrap(),
            open: true,
            standings: vec![standing],
            by_day: Vec::new(),
            ways: vec![way(true, 40), way(false, realtime)],
            courses: Vec::new(),
            changes: vec![],
        };
        assert_eq!(advice(&Monitor { open: false, ..monitor.clone() }), []);
        advice(&monitor).into_iter().map(|advice| (advice.kind, advice.title)).collect()
    }

    #[test]
    fn what_to_do_follows_from_how_it_stands() {
        let kinds = |standing, realtime| {
            told(standing, realtime).into_iter().map(|(kind, _)| kind).collect::<Vec<_>>()
        };
        assert_eq!(kinds(standing(None, 5, None, false), 0), ["no_budget"]);
        assert_eq!(kinds(standing(Some(100), 50, Some(89), true), 0), Vec::<&str>::new());
        assert_eq!(kinds(standing(Some(100), 50, Some(90), true), 0), ["nearly_used"]);
        assert_eq!(kinds(standing(Some(100), 100, Some(120), true), 0), ["stopped"]);
        assert_eq!(kinds(standing(Some(100), 100, Some(120), false), 10), ["passed", "much_in_real_time"]);
        // 50 more dollars at 10 a day, from the 21st.
        let [(kind, title)] = &told(standing(Some(100), 50, Some(150), true), 0)[..] else { panic!() };
        assert_eq!(
            (*kind, &**title),
            ("will_pass", "The budget of the institution will be used up about 26 November.")
        );
    }
}
