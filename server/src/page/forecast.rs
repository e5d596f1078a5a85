//! Estimates and schedules on the overview.

use super::common::{count, lane};
use chrono::TimeDelta;
use quire_app::view;
use quire_engine::{
    forecast::{Advice, Estimates, ProviderForecast, Window},
    queue::Turnaround,
    routing::Route,
};

pub(super) fn estimates(e: &Estimates) -> view::Estimates {
    let kept = e
        .coverage
        .iter()
        .filter_map(|row| {
            let (before_middle, before_end) = row.shares()?;
            Some(view::EstimatesKept {
                provider: row.provider.clone(),
                lane: lane(row.lane),
                route: match row.route {
                    Route::Realtime => view::Route::Realtime,
                    Route::Batch => view::Route::Batch,
                },
                jobs: count(row.jobs),
                before_middle,
                before_end,
            })
        })
        .collect();
    view::Estimates {
        days: count(e.days),
        whole: e.whole().map(|(jobs, middle, end)| (count(jobs), middle, end)),
        kept,
        providers: e.providers.iter().map(times).collect(),
    }
}

fn times(p: &ProviderForecast) -> view::ProviderTimes {
    view::ProviderTimes {
        provider: p.provider.clone(),
        batches: spans(p.batches),
        basis: p.basis.words(),
        calls: spans(p.calls),
        calls_basis: p.calls_basis.words(),
        model: p.trial.words(),
        schedule: schedule(&p.advice),
    }
}

fn schedule(advice: &Advice) -> view::ScheduleAdvice {
    let window = |kind| {
        move |w: &Window| view::ScheduleWindow {
            kind,
            hours: w.hours(),
            expected: spans(w.expected),
            reason: w.reason.clone(),
        }
    };
    let windows = advice
        .primary
        .iter()
        .map(window(view::WindowKind::Primary))
        .chain(advice.alternatives.iter().map(window(view::WindowKind::Alternative)))
        .chain(advice.avoid.iter().map(window(view::WindowKind::Avoid)))
        .collect();
    view::ScheduleAdvice { summary: advice.summary.clone(), windows }
}

fn spans(turnaround: Turnaround) -> (TimeDelta, TimeDelta) {
    (TimeDelta::seconds(turnaround.p50), TimeDelta::seconds(turnaround.p90))
}
