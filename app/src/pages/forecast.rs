//! The parts of the overview that tell how estimates were kept and when to send.

use crate::components::{DataTable, Tag, Tone, col, num};
use crate::view::{Estimates, EstimatesKept, ProviderTimes, Route, ScheduleWindow, WindowKind};
use crate::{when, words};
use chrono::TimeDelta;
use leptos::prelude::*;

/// How estimates were kept, and what they are made from.
pub(super) fn estimates(estimates: &Estimates) -> AnyView {
    let days = estimates.days;
    let sentence = match estimates.whole {
        Some((jobs, middle, end)) => format!(
            "{} came within the promised range (P90), {} before its middle, of {} in {days} days.",
            words::percent(end),
            words::percent(middle),
            words::count(jobs)
        ),
        None => format!("No work of the last {days} days has an estimate whose time has come."),
    };
    let kept = (!estimates.kept.is_empty()).then(|| {
        let columns = vec![
            col("Provider"),
            col("Lane"),
            num("Jobs"),
            num("Within the range"),
            num("Before its middle"),
        ];
        let rows = estimates.kept.iter().map(kept_row).collect_view();
        view! { <DataTable caption="Estimates kept" columns>{rows}</DataTable> }
    });
    let times = estimates.providers.iter().map(times_of).collect_view();
    view! {
        <section class="stack" id="estimates">
            <h2>"Estimates"</h2>
            <p>{sentence}</p>
            {kept}
            {times}
        </section>
    }
    .into_any()
}

fn kept_row(row: &EstimatesKept) -> AnyView {
    let calls =
        (row.route == Route::Realtime).then_some(view! { <div class="small quiet">"direct calls"</div> });
    view! {
        <tr>
            <td>{row.provider.clone()}</td>
            <td>{words::lane(row.lane)}{calls}</td>
            <td class="num">{words::count(row.jobs)}</td>
            <td class="num">{words::percent(row.before_end)}</td>
            <td class="num">{words::percent(row.before_middle)}</td>
        </tr>
    }
    .into_any()
}

/// How long a provider takes, and what that leans on.
fn times_of(row: &ProviderTimes) -> AnyView {
    let leaning =
        |takes, on: &str| view! { {spans(takes)}", " <span class="small quiet">{on.to_owned()}</span> };
    view! {
        <section class="stack-2">
            <h3>{row.provider.clone()}</h3>
            <dl class="pairs">
                <div><dt>"Batches sent now"</dt><dd>{leaning(row.batches, &row.basis)}</dd></div>
                <div><dt>"Calls"</dt><dd>{leaning(row.calls, &row.calls_basis)}</dd></div>
                <div><dt>"Model"</dt><dd>{row.model.clone()}</dd></div>
            </dl>
        </section>
    }
    .into_any()
}

/// When to send to each provider.
pub(super) fn schedule(providers: &[ProviderTimes]) -> AnyView {
    let parts = providers
        .iter()
        .map(|provider| {
            let advice = &provider.schedule;
            let caption = format!("Schedule, {}", provider.provider);
            let table = (!advice.windows.is_empty()).then(|| {
                let columns = vec![col("Hours"), col("Advice"), num("A batch takes"), col("Why")];
                let rows = advice.windows.iter().map(window_row).collect_view();
                view! { <DataTable caption columns>{rows}</DataTable> }
            });
            view! { <div class="stack"><p><b>{provider.provider.clone()}</b>" "{advice.summary.clone()}</p>{table}</div> }
        })
        .collect_view();
    (!providers.is_empty())
        .then(|| view! { <section class="stack" id="schedule"><h2>"Schedule"</h2>{parts}</section> })
        .into_any()
}

fn window_row(window: &ScheduleWindow) -> AnyView {
    let (tone, word) = match window.kind {
        WindowKind::Primary => (Tone::Good, "Best"),
        WindowKind::Alternative => (Tone::Plain, "Good too"),
        WindowKind::Avoid => (Tone::Warn, "Avoid"),
    };
    view! {
        <tr>
            <td class="nowrap">{window.hours.clone()}</td>
            <td><Tag tone text=word/></td>
            <td class="num">{spans(window.expected)}</td>
            <td class="small">{window.reason.clone()}</td>
        </tr>
    }
    .into_any()
}

/// "44 min to 81 min": half of them within the first, nine of ten within the second.
fn spans((half, most): (TimeDelta, TimeDelta)) -> String {
    format!("{} to {}", when::span(half), when::span(most))
}
