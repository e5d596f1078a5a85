//! The administrator's overview.

use super::batches::state_tag;
use super::{Message, forecast, load_for_viewer};
use crate::components::{
    Bar, BarPart, DataTable, EmptyState, Figure, PageTitle, Remarks, RenewWithoutScript, SpendChart, Tag,
    Tone, clock, col, num,
};
use crate::islands::AutoRefresh;
use crate::view::{BatchItem, Headroom, Health, LaneState, Overview, Pause, ProviderState, Spend};
use crate::{when, words};
use chrono::TimeDelta;
use leptos::prelude::*;

/// The id of the part that is renewed.
const PART: &str = "figures";

/// `/admin`
#[component]
pub fn OverviewPage() -> impl IntoView {
    load_for_viewer(|data, viewer| async move { data.overview(&viewer).await }, draw)
}

fn draw(page: Overview) -> AnyView {
    let as_of = clock().time_with_seconds(page.as_of);
    view! {
        <PageTitle text="Overview"/>
        <main id="main">
            <div class="row between"><h1>"Overview"</h1><AutoRefresh part=PART.to_owned() seconds=5 as_of=as_of.clone()/></div>
            <Message/>
            <RenewWithoutScript seconds=30/>
            <div class="stack apart" id=PART data-as-of=as_of>
                {key_figures(&page)}
                <div class="side">
                    <div class="stack apart">
                        {lanes(page.lanes)}
                        {batches(page.batches)}
                        {providers(page.providers)}
                        {forecast::estimates(&page.estimates)}
                        {forecast::schedule(&page.estimates.providers)}
                    </div>
                    <aside class="stack apart">
                        {spend(page.spend)}
                        {alerts(page.alerts)}
                    </aside>
                </div>
            </div>
        </main>
    }
    .into_any()
}

fn key_figures(page: &Overview) -> AnyView {
    let oldest = page
        .oldest
        .map_or_else(|| "nothing waits".to_owned(), |oldest| format!("oldest {}", when::span(oldest)));
    let median = page.median_wait.map_or_else(
        || "none yet".to_owned(),
        |median| format!("half of them within {}", when::span(median)),
    );
    let saved = match page.saved_share {
        Some(share) if share > 0.0 => {
            view! { <Tag tone=Tone::Good text=format!("{} less than real time", words::percent(share))/> }
                .into_any()
        }
        Some(_) => "no less than real time".into_any(),
        None => "nothing spent yet".into_any(),
    };
    let batches = words::counted(page.batches_in_flight, "batch", "batches");
    view! {
        <section class="grid" aria-label="Key figures">
            <Figure label="Waiting" value=words::count(page.waiting)>{oldest}</Figure>
            <Figure label="With providers" value=words::count(page.with_providers)>{batches}</Figure>
            <Figure label="Marked today" value=words::count(page.marked_today)>{median}</Figure>
            <Figure label="Saved this month" value=words::usd(page.saved)>{saved}</Figure>
        </section>
    }
    .into_any()
}

fn lanes(lanes: Vec<LaneState>) -> AnyView {
    let rows = lanes
        .into_iter()
        .map(|lane| {
            let fill = match lane.fill {
                Some(fill) => {
                    let label = format!("{} of the next batch", words::percent(fill.clamp(0.0, 1.0)));
                    view! { <Bar label parts=vec![(BarPart::Full, fill)]/> }.into_any()
                }
                None => view! { <span class="quiet">"no batch"</span> }.into_any(),
            };
            view! {
                <tr>
                    <td><b>{words::lane(lane.lane)}</b><div class="small quiet">{lane.next}</div></td>
                    <td class="num">{words::count(lane.jobs)}</td>
                    <td class="num">{lane.oldest.map_or_else(|| "–".to_owned(), when::span)}</td>
                    <td class="third">{fill}</td>
                </tr>
            }
        })
        .collect_view();
    let columns = vec![col("Lane"), num("Jobs"), num("Oldest"), col("Next batch")];
    view! { <section class="stack"><h2>"Lanes"</h2><DataTable caption="Lanes" columns>{rows}</DataTable></section> }.into_any()
}

fn batches(batches: Vec<BatchItem>) -> AnyView {
    let table = if batches.is_empty() {
        view! { <EmptyState title="No batch is with a provider." hint="The next one is cut as soon as a lane is ready."/> }.into_any()
    } else {
        let rows = batches
            .into_iter()
            .map(|batch| {
                view! {
                    <tr>
                        <td class="id"><a href=format!("/admin/batches/{}", batch.id)>{words::short_id(&batch.name).to_owned()}</a></td>
                        <td>{batch.provider.clone()}<div class="small quiet nowrap">{batch.model.clone()}</div></td>
                        <td>{state_tag(batch.state, &batch.counts)}</td>
                        <td class="num">{words::count(batch.counts.total)}</td>
                        <td class="num">{batch.back_by.map_or_else(|| "–".to_owned(), |by| clock().short(by))}</td>
                    </tr>
                }
            })
            .collect_view();
        let columns = vec![col("Batch"), col("Provider"), col("State"), num("Jobs"), num("Back by")];
        view! { <DataTable caption="Batches in flight" columns>{rows}</DataTable> }.into_any()
    };
    view! { <section class="stack"><h2>"Batches in flight"</h2>{table}</section> }.into_any()
}

fn providers(providers: Vec<ProviderState>) -> AnyView {
    let table = if providers.is_empty() {
        view! { <EmptyState title="No provider is set up." hint="Add one to the file that “quire setup” reads."/> }.into_any()
    } else {
        let columns = vec![
            col("Provider"),
            col("Health"),
            num("Succeeded"),
            num("Half within"),
            col("Batches in flight"),
        ];
        view! { <DataTable caption="Providers" columns>{providers.into_iter().map(provider_row).collect_view()}</DataTable> }
            .into_any()
    };
    view! { <section class="stack"><h2>"Providers"</h2>{table}</section> }.into_any()
}

fn provider_row(provider: ProviderState) -> AnyView {
    let (tone, word, why) = match provider.health {
        Health::Good => (Tone::Good, "Good", None),
        Health::Impaired(why) => (Tone::Warn, "Impaired", Some(why)),
        Health::Down(pause) => (Tone::Bad, "Paused", Some(paused(&pause))),
        Health::Untried => (Tone::Plain, "Not tried yet", None),
    };
    let simulated = provider.simulated.then(|| view! { " "<Tag text="Simulator"/> });
    let (used, of) = provider.batches;
    let share = if of == 0 { 0.0 } else { used as f64 / of as f64 };
    let slots = format!("{} of {}", words::count(used), words::count(of));
    let tokens = provider.enqueued_tokens.map(|(enqueued, limit)| {
        view! { <div class="small quiet nowrap">{format!("{} of {} tokens", words::short_count(enqueued), words::short_count(limit))}</div> }
    });
    let within = match (provider.turnaround, provider.latency) {
        (Some(turnaround), Some(latency)) => {
            view! { {when::span(turnaround)}<div class="small quiet">{calls_within(latency)}</div> }
                .into_any()
        }
        (Some(turnaround), None) => when::span(turnaround).into_any(),
        (None, Some(latency)) => calls_within(latency).into_any(),
        (None, None) => "–".into_any(),
    };
    let mut left: Vec<String> = provider.headroom.iter().map(headroom).collect();
    left.extend(
        provider.not_before.map(|at| format!("asked to wait until {}", clock().time_with_seconds(at))),
    );
    // A line of its own, since it is a sentence and not a figure.
    let more = (!left.is_empty()).then(|| {
        let left = format!("Headroom: {}", left.join("; "));
        view! { <tr class="more"><td colspan="5" class="small quiet">{left}</td></tr> }
    });
    view! {
        <tr class=more.is_some().then_some("with-more")>
            <td><b>{provider.name}</b>{simulated}<div class="small quiet nowrap">{provider.models.join(", ")}</div></td>
            <td><Tag tone text=word/>{why.map(|why| view! { <div class="small quiet why">{why}</div> })}</td>
            <td class="num">{provider.success.map_or_else(|| "–".to_owned(), words::percent)}</td>
            <td class="num">{within}</td>
            <td>{slots.clone()}<Bar label=format!("{slots} batches in flight") parts=vec![(BarPart::Full, share)]/>{tokens}</td>
        </tr>
        {more}
    }
    .into_any()
}

/// "paused since 10:42 after 5 failures in a row (HTTP 503); next try 10:47"
fn paused(pause: &Pause) -> String {
    let clock = clock();
    let after = match pause.failures {
        Some(n) if n > 1 => format!(" after {} failures in a row", words::count(n.into())),
        _ => String::new(),
    };
    format!(
        "paused since {}{after} ({}); next try {}",
        clock.short(pause.since),
        pause.why,
        clock.time_with_seconds(pause.next_try)
    )
}

/// "calls 5 s, most 12 s"
fn calls_within((half, most): (TimeDelta, TimeDelta)) -> String {
    format!("calls {}, most {}", when::span(half), when::span(most))
}

/// "412 of 500 requests left, resets in 12 s"
fn headroom(headroom: &Headroom) -> String {
    let left = words::short_count(headroom.left);
    let of = &headroom.of;
    let left = match headroom.limit {
        Some(limit) => format!("{left} of {} {of} left", words::short_count(limit)),
        None => format!("{left} {of} left"),
    };
    let wait = headroom.resets_at - clock().now;
    if headroom.limit == Some(headroom.left) || wait <= TimeDelta::zero() {
        left
    } else {
        format!("{left}, resets in {}", when::span(wait))
    }
}

fn spend(spend: Spend) -> AnyView {
    let month = when::month(spend.month, spend.today);
    let sentence = match spend.budget {
        Some(budget) => format!(
            "Spent {} of {}; {} more are reserved for work under way.",
            words::usd(spend.spent),
            words::usd(budget),
            words::usd(spend.reserved)
        ),
        None => format!(
            "Spent {}; {} more are reserved for work under way. No budget is set.",
            words::usd(spend.spent),
            words::usd(spend.reserved)
        ),
    };
    let bar = spend.budget.filter(|budget| budget.0 > 0).map(|budget| {
        let share = |amount: i64| amount as f64 / budget.0 as f64;
        let spent = share(spend.spent.0);
        let (full, over) = if spent > 1.0 { (1.0 / spent, 1.0 - 1.0 / spent) } else { (spent, 0.0) };
        let held = share(spend.reserved.0);
        let label =
            format!("{} of the budget spent, {} reserved", words::percent(spent), words::percent(held));
        let parts = if over > 0.0 {
            vec![(BarPart::Full, full), (BarPart::Over, over)]
        } else {
            vec![(BarPart::Full, full), (BarPart::Held, held)]
        };
        let words = label.clone();
        view! { <div class="stack-1"><Bar label parts/><p class="small quiet">{words}"."</p></div> }
    });
    let unanswered = (spend.calls_without_answer > 0).then(|| {
        view! {
            <p class="small quiet">
                {format!(
                    "{} spent in {} whose answer never came.",
                    words::usd(spend.without_answer),
                    words::counted(spend.calls_without_answer, "direct call", "direct calls")
                )}
            </p>
        }
    });
    view! {
        <section class="sheet stack">
            <h2>{format!("Budget, {month}")}</h2>
            <SpendChart spend=spend/>
            {bar}
            <p class="small quiet">{sentence}</p>
            {unanswered}
        </section>
    }
    .into_any()
}

fn alerts(alerts: Vec<crate::view::Remark>) -> AnyView {
    let list = if alerts.is_empty() {
        view! { <p class="quiet">"Nothing needs a person."</p> }.into_any()
    } else {
        view! { <Remarks remarks=alerts/> }.into_any()
    };
    view! { <section class="stack"><h2>"Needs a person"</h2>{list}</section> }.into_any()
}
