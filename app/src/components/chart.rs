//! The month's spend as a chart, with the same figures as a table under it.

use super::{DataTable, col, num};
use crate::view::{NanoUsd, Spend};
use crate::{when, words};
use chrono::NaiveDate;
use leptos::prelude::*;

const WIDTH: f64 = 360.0;
const LEFT: f64 = 44.0;
const RIGHT: f64 = WIDTH - 6.0;
const TOP: f64 = 26.0;
const BOTTOM: f64 = 132.0;

/// Maps days and amounts to the drawing.
struct Scale {
    first: NaiveDate,
    days: f64,
    most: f64,
}

impl Scale {
    fn of(spend: &Spend) -> Self {
        let days = (when::last_of_month(spend.month) - spend.month).num_days() as f64 + 1.0;
        let ahead = spend.ahead.map_or(0, |(_, _, most)| most.0);
        let reached = spend.spent.0.saturating_add(spend.reserved.0).max(ahead);
        let most = round_up(spend.budget.map_or(0, |budget| budget.0).max(reached));
        Self { first: spend.month, days, most }
    }

    /// The end of a day; `None` is the start of the month.
    fn x(&self, day: Option<NaiveDate>) -> f64 {
        let passed = day.map_or(0.0, |day| (day - self.first).num_days() as f64 + 1.0);
        LEFT + (RIGHT - LEFT) * (passed / self.days).clamp(0.0, 1.0)
    }

    fn y(&self, amount: NanoUsd) -> f64 {
        BOTTOM - (BOTTOM - TOP) * (amount.0 as f64 / self.most).clamp(0.0, 1.0)
    }
}

/// The next amount that is pleasant on an axis: 1, 2, 2.5, 5 or 10 times a power of ten.
fn round_up(nano: i64) -> f64 {
    let amount = (nano.max(1)) as f64;
    let power = 10_f64.powf(amount.log10().floor());
    [1.0, 2.0, 2.5, 5.0, 10.0]
        .iter()
        .map(|step| step * power)
        .find(|step| *step >= amount * 0.999_999)
        .unwrap_or(amount)
}

/// The chart.
#[component]
pub fn SpendChart(
    /// The month's spend.
    spend: Spend,
) -> AnyView {
    let scale = Scale::of(&spend);
    let month = when::month(spend.month, spend.today);
    let label = match spend.budget {
        Some(budget) => format!(
            "Spend in {month}: {} of {} by {}",
            words::usd(spend.spent),
            words::usd(budget),
            when::day_of_month(spend.today)
        ),
        None => format!(
            "Spend in {month}: {} by {}; there is no budget",
            words::usd(spend.spent),
            when::day_of_month(spend.today)
        ),
    };
    let axis = [0.0, 0.5, 1.0].map(|part| {
        let y = BOTTOM - (BOTTOM - TOP) * part;
        let text = words::usd(NanoUsd((scale.most * part).round() as i64));
        view! {
            <path class="axis" d=format!("M{LEFT} {y:.1}H{RIGHT}")/>
            <text x=format!("{:.1}", LEFT - 5.0) y=format!("{:.1}", y + 4.0) text-anchor="end">{text}</text>
        }
    });
    let mut line = format!("M{:.1} {:.1}", scale.x(None), scale.y(NanoUsd(0)));
    for (day, amount) in &spend.by_day {
        line.push_str(&format!("L{:.1} {:.1}", scale.x(Some(*day)), scale.y(*amount)));
    }
    let today = scale.x(Some(spend.today));
    let reserved = (spend.reserved.0 > 0).then(|| {
        let top = scale.y(NanoUsd(spend.spent.0.saturating_add(spend.reserved.0)));
        let bottom = scale.y(spend.spent);
        view! {
            <rect class="held" x=format!("{:.1}", today - 3.0) y=format!("{top:.1}") width="6" height=format!("{:.1}", (bottom - top).max(0.0))/>
        }
    });
    let limit = spend.budget.map(|budget| {
        let y = scale.y(budget);
        view! {
            <path class="limit" d=format!("M{LEFT} {y:.1}H{RIGHT}")/>
            <text x=RIGHT y=format!("{:.1}", y - 6.0) text-anchor="end">{format!("budget {}", words::usd(budget))}</text>
        }
    });
    let last = when::last_of_month(spend.month);
    let ahead = spend.ahead.map(|(low, likely, high)| {
        let end = scale.x(Some(last));
        let (from, low, likely, high) = (scale.y(spend.spent), scale.y(low), scale.y(likely), scale.y(high));
        view! {
            <path class="band" d=format!("M{today:.1} {from:.1}L{end:.1} {high:.1}V{low:.1}Z")/>
            <path class="ahead" d=format!("M{today:.1} {from:.1}L{end:.1} {likely:.1}")/>
        }
    });
    // The first and last day are left out where "today" stands over them.
    let room = 72.0;
    let near_start = spend.open && today - LEFT < room;
    let near_end = spend.open && RIGHT - today < room;
    let rows = spend
        .by_day
        .iter()
        .map(|(day, amount)| {
            view! { <tr><td>{when::day_of_month(*day)}</td><td class="num">{words::usd(*amount)}</td></tr> }
        })
        .collect_view();
    view! {
        <svg class="chart" viewBox=format!("0 0 {WIDTH} 156") role="img" aria-label=label>
            {axis}
            {limit}
            {ahead}
            <path class="line" d=line/>
            {reserved}
            {(!near_start).then(|| view! { <text x=LEFT y="150">{when::day_of_month(spend.month)}</text> })}
            {spend.open.then(|| view! { <text x=format!("{:.1}", today.clamp(LEFT + 14.0, RIGHT - 14.0)) y="150" text-anchor="middle">"today"</text> })}
            {(!near_end).then(|| view! { <text x=RIGHT y="150" text-anchor="end">{when::day_of_month(last)}</text> })}
        </svg>
        <details class="small" id="spend-table">
            <summary>"Figures as a table"</summary>
            <DataTable caption=format!("Spend in {month} by day") columns=vec![col("Day"), num("Spent by its end")]>{rows}</DataTable>
        </details>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn axes_end_at_a_pleasant_amount_above_the_figures() {
        assert_eq!(round_up(900_000_000_000), 1_000_000_000_000.0);
        assert_eq!(round_up(1_000_000_000), 1_000_000_000.0);
        assert_eq!(round_up(12_000_000), 20_000_000.0);
        assert_eq!(round_up(0), 1.0);
    }

    #[test]
    fn the_line_stays_in_the_drawing_when_spend_passes_the_budget() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let spend = Spend {
            month: day("2026-11-01"),
            today: day("2026-11-30"),
            budget: Some(NanoUsd(1_000)),
            spent: NanoUsd(5_000),
            reserved: NanoUsd(1_000),
            without_answer: NanoUsd(0),
            calls_without_answer: 0,
            by_day: vec![(day("2026-11-30"), NanoUsd(5_000))],
            ahead: Some((NanoUsd(5_000), NanoUsd(6_000), NanoUsd(9_000))),
            open: true,
        };
        let scale = Scale::of(&spend);
        assert!(scale.most >= 9_000.0);
        assert!((scale.x(Some(spend.today)) - RIGHT).abs() < 1e-9);
        assert!(scale.y(spend.spent) > TOP);
    }
}
