//! Batches, for administrators.

use super::{Message, load_for_viewer, page_number, param, query};
use crate::components::{
    DataTable, EmptyState, Figure, Moment, PageTitle, Pagination, RenewWithoutScript, Tag, Tone, clock, col,
    num,
};
use crate::data::{PageError, PageResult};
use crate::islands::AutoRefresh;
use crate::view::{
    Batch, BatchCandidate, BatchCounts, BatchEvent, BatchItem, BatchJob, BatchPart, BatchState, Batches,
    SizeAdvice, SizeOutlook,
};
use crate::{when, words};
use leptos::prelude::*;

/// `/admin/batches`
#[component]
pub fn BatchesPage() -> impl IntoView {
    let page = page_number();
    let state = filter();
    let shown = state.clone().unwrap_or_default();
    load_for_viewer(
        move |data, viewer| async move { data.batches(&viewer, state?, page?).await },
        move |page| draw_list(page, shown),
    )
}

fn filter() -> PageResult<Option<BatchState>> {
    let Some(text) = query("state") else { return Ok(None) };
    match BatchState::ALL.into_iter().find(|&state| words::batch_state_key(state) == text) {
        Some(state) => Ok(Some(state)),
        None => Err(PageError::Invalid {
            message: format!(
                "“{text}” in the address is not a state of a batch. States are {}.",
                words::either(&BatchState::ALL.map(|state| words::batch_state_key(state).to_owned()))
            ),
        }),
    }
}

/// The state of a batch, with how much is answered while it is being marked.
pub(super) fn state_tag(state: BatchState, counts: &BatchCounts) -> AnyView {
    let tone = match state {
        BatchState::Planned => Tone::Plain,
        BatchState::Submitting | BatchState::InProgress | BatchState::Ingesting => Tone::On,
        BatchState::Completed if counts.failed + counts.requeued > 0 => Tone::Warn,
        BatchState::Completed => Tone::Good,
        BatchState::Expired | BatchState::Cancelled => Tone::Warn,
        BatchState::Failed if counts.split > 0 => Tone::Warn,
        BatchState::Failed => Tone::Bad,
    };
    let share = counts.answered_share();
    let text = match state {
        BatchState::InProgress if share > 0.0 => format!("Marking, {}", words::percent(share)),
        BatchState::Completed | BatchState::Expired | BatchState::Cancelled if counts.requeued > 0 => {
            format!("{}, {} queued again", words::batch_state(state), words::count(counts.requeued))
        }
        BatchState::Failed if counts.split > 0 => "Split into parts".to_owned(),
        BatchState::Completed if counts.failed > 0 => {
            format!("Completed, {} failed", words::count(counts.failed))
        }
        _ => words::batch_state(state).to_owned(),
    };
    view! { <Tag tone text/> }.into_any()
}

fn draw_list(page: Batches, state: Option<BatchState>) -> AnyView {
    let key = state.map(words::batch_state_key);
    let href = move |number: u64| match key {
        Some(key) => format!("/admin/batches?state={key}&page={number}"),
        None => format!("/admin/batches?page={number}"),
    };
    let table = if page.batches.is_empty() {
        let hint = if state.is_some() {
            "Choose another state to see more."
        } else {
            "The first one is cut as soon as a lane is ready."
        };
        view! { <EmptyState title="No batches here." hint/> }.into_any()
    } else {
        let columns = vec![
            col("Batch"),
            col("Provider"),
            col("State"),
            num("Jobs"),
            num("Answered"),
            col("Written down"),
            num("Back by"),
            num("Cost"),
        ];
        view! { <DataTable caption="Batches" columns>{page.batches.into_iter().map(list_row).collect_view()}</DataTable> }
            .into_any()
    };
    let options = BatchState::ALL
        .into_iter()
        .map(|option| {
            view! {
                <option value=words::batch_state_key(option) selected=state == Some(option)>{words::batch_state(option)}</option>
            }
        })
        .collect_view();
    view! {
        <PageTitle text="Batches"/>
        <main id="main">
            <div class="row between">
                <h1>"Batches"</h1>
                <form method="get" action="/admin/batches" class="row field-row no-print">
                    <label for="state">"State"</label>
                    <select id="state" name="state"><option value="">"All"</option>{options}</select>
                    <button class="button">"Show"</button>
                </form>
            </div>
            <Message/>
            {table}
            <Pagination paging=page.paging href noun=("batch", "batches")/>
            {sizes(page.sizes)}
        </main>
    }
    .into_any()
}

fn list_row(batch: BatchItem) -> AnyView {
    view! {
        <tr>
            <td class="id"><a href=format!("/admin/batches/{}", batch.id)>{words::short_id(&batch.name).to_owned()}</a></td>
            <td>{batch.provider}<div class="small quiet nowrap">{batch.model}</div></td>
            <td>{state_tag(batch.state, &batch.counts)}</td>
            <td class="num">{words::count(batch.counts.total)}</td>
            <td class="num">{words::count(batch.counts.succeeded + batch.counts.failed)}</td>
            <td><Moment at=batch.created_at short=true/></td>
            <td class="num">{batch.back_by.map_or_else(|| "–".to_owned(), |by| clock().short(by))}</td>
            <td class="num">{words::usd(batch.cost)}</td>
        </tr>
    }
    .into_any()
}

/// The sizes that are recommended now.
fn sizes(advice: Vec<SizeAdvice>) -> Option<AnyView> {
    if advice.is_empty() {
        return None;
    }
    let all = advice.into_iter().map(size).collect_view();
    Some(view! { <section class="stack apart"><h2>"Batch size"</h2>{all}</section> }.into_any())
}

fn size(advice: SizeAdvice) -> AnyView {
    let (least, most) = advice.bounds;
    let until = advice.until.map(|at| format!(" At the latest it is cut at {}.", clock().short(at)));
    let set = format!(
        "{} ready; set are {} to {} jobs a batch.",
        words::counted(advice.waiting, "job is", "jobs are"),
        words::count(least),
        words::count(most)
    );
    let caption = format!("Sizes for {} {}", advice.provider, advice.model);
    let columns =
        vec![num("Jobs"), num("Cost"), num("Half back in"), num("Nine of ten"), col("For and against")];
    let mut rows: Vec<(SizeOutlook, bool)> =
        advice.alternatives.into_iter().map(|other| (other, false)).collect();
    let recommended = words::counted(advice.size.jobs, "job", "jobs");
    rows.push((advice.size, true));
    rows.sort_by_key(|(size, _)| size.jobs);
    let rows = rows.into_iter().map(|(size, chosen)| size_row(size, chosen)).collect_view();
    view! {
        <section class="stack-2">
            <h3>{advice.provider}" "<span class="quiet">{advice.model}</span>": "{recommended}</h3>
            <p>{advice.standing}{until}" "<span class="quiet">{set}</span></p>
            <ul>{advice.reasons.into_iter().map(|reason| view! { <li>{reason}</li> }).collect_view()}</ul>
            <DataTable caption columns>{rows}</DataTable>
        </section>
    }
    .into_any()
}

fn size_row(size: SizeOutlook, chosen: bool) -> AnyView {
    let tag = chosen.then(|| view! { " "<Tag tone=Tone::Good text="Recommended"/> });
    view! {
        <tr>
            <td class="num">{words::count(size.jobs)}</td>
            <td class="num">{size.cost.map_or_else(|| "–".to_owned(), words::usd)}</td>
            <td class="num">{when::span(size.half_within)}</td>
            <td class="num">{when::span(size.most_within)}</td>
            <td>{words::capital(&size.note)}{tag}</td>
        </tr>
    }
    .into_any()
}

/// The id of the part that is renewed.
const PART: &str = "batch";

/// `/admin/batches/{id}`
#[component]
pub fn BatchPage() -> impl IntoView {
    let id = param("id");
    let page = page_number();
    load_for_viewer(move |data, viewer| async move { data.batch(&viewer, &id, page?).await }, draw)
}

fn draw(page: Batch) -> AnyView {
    let moving = matches!(
        page.item.state,
        BatchState::Planned | BatchState::Submitting | BatchState::InProgress | BatchState::Ingesting
    );
    let as_of = clock().time_with_seconds(clock().now);
    let refresh = moving.then(|| {
        view! { <AutoRefresh part=PART.to_owned() seconds=5 as_of=as_of.clone()/><RenewWithoutScript seconds=30/> }
    });
    let id = words::short_id(&page.item.name).to_owned();
    view! {
        <PageTitle text=format!("Batch {id}")/>
        <main id="main">
            <div class="row between">
                <div class="stack-2"><p class="quiet"><a href="/admin/batches">"Batches"</a></p><h1>"Batch "<span class="id">{id}</span></h1></div>
                {refresh}
            </div>
            <Message/>
            <div class="stack apart" id=PART data-as-of=as_of.clone()>{body(page)}</div>
        </main>
    }
    .into_any()
}

fn body(page: Batch) -> AnyView {
    let counts = page.item.counts;
    let cost = page.cost_settled.unwrap_or(page.item.cost);
    let cost_note = match page.cost_settled {
        Some(_) => format!("{} expected", words::usd(page.cost_expected)),
        None => "expected".to_owned(),
    };
    let back = match (page.item.back_by, page.estimate) {
        (_, Some(estimate)) => clock().range(estimate),
        (Some(by), None) => clock().moment(by),
        (None, None) => "–".to_owned(),
    };
    let lanes = page.lanes.iter().map(|lane| words::lane(*lane)).collect::<Vec<_>>().join(", ");
    let tokens = page.tokens.map_or_else(
        || "–".to_owned(),
        |tokens| {
            format!(
                "{} in ({} cached), {} out",
                words::count(tokens.input),
                words::count(tokens.cached),
                words::count(tokens.output)
            )
        },
    );
    let from = page.split_from.map(|(id, name)| {
        let name = words::short_id(&name).to_owned();
        view! { <div><dt>"Split from"</dt><dd class="id"><a href=format!("/admin/batches/{id}")>{name}</a></dd></div> }
    });
    let (id, whole_id) = (page.item.id, page.item.name);
    let href = move |number: u64| format!("/admin/batches/{id}?page={number}");
    view! {
        <section class="grid" aria-label="Key figures">
            <Figure label="Jobs" value=words::count(counts.total)>{state_tag(page.item.state, &counts)}</Figure>
            <Figure label="Marked" value=words::count(counts.succeeded)>{format!("{} failed", words::count(counts.failed))}</Figure>
            <Figure label="Queued again" value=words::count(counts.requeued)>"not answered in time"</Figure>
            <Figure label="Cost" value=words::usd(cost)>{cost_note}</Figure>
        </section>
        <div class="side">
            <section class="stack"><h2>"Timeline"</h2><ol class="timeline">{page.timeline.into_iter().map(event).collect_view()}</ol></section>
            <aside class="stack apart">
                <section class="stack-2">
                    <h2 class="minor">"About it"</h2>
                    <dl class="pairs">
                        <div><dt>"Whole id"</dt><dd class="id">{whole_id}</dd></div>
                        {from}
                        <div><dt>"Provider"</dt><dd>{page.item.provider}</dd></div>
                        <div><dt>"Model"</dt><dd>{page.item.model}</dd></div>
                        <div><dt>"Lanes"</dt><dd>{lanes}</dd></div>
                        <div><dt>"At the provider"</dt><dd class="id">{page.provider_batch_id.unwrap_or_else(|| "not known yet".to_owned())}</dd></div>
                        <div><dt>"Back"</dt><dd>{back}</dd></div>
                        <div><dt>"Tokens"</dt><dd>{tokens}</dd></div>
                    </dl>
                </section>
                <section class="stack-2">
                    <h2 class="minor">"Why it was cut so"</h2>
                    <ul>{page.reasons.into_iter().map(|reason| view! { <li>{reason}</li> }).collect_view()}</ul>
                </section>
            </aside>
        </div>
        {parts(page.parts)}
        {candidates(page.candidates)}
        {jobs(page.jobs)}
        <Pagination paging=page.paging href noun=("job", "jobs")/>
    }
    .into_any()
}

/// The parts that it was split into.
fn parts(parts: Vec<BatchPart>) -> Option<AnyView> {
    if parts.is_empty() {
        return None;
    }
    let row = |part: BatchPart| {
        let starts = part.starts.map_or_else(|| "–".to_owned(), |at| clock().short(at));
        view! {
            <tr>
                <td class="id"><a href=format!("/admin/batches/{}", part.id)>{words::short_id(&part.name).to_owned()}</a></td>
                <td>{words::capital(&part.state)}</td>
                <td class="num">{words::count(part.jobs)}</td>
                <td class="num">{starts}</td>
            </tr>
        }
    };
    let rows = parts.into_iter().map(row).collect_view();
    let columns = vec![col("Part"), col("State"), num("Jobs"), num("Sent from")];
    Some(
        view! {
            <section class="stack">
                <h2>"Parts"</h2>
                <p class="quiet">"The provider takes no batch so large. Its jobs are sent in parts, one after the other."</p>
                <DataTable caption="Parts of this batch" columns>{rows}</DataTable>
            </section>
        }
        .into_any(),
    )
}

/// The ways in which its jobs could have been put together.
fn candidates(candidates: Vec<BatchCandidate>) -> Option<AnyView> {
    if candidates.is_empty() {
        return None;
    }
    let rows = candidates.into_iter().map(candidate).collect_view();
    let columns =
        vec![col("Way"), num("Batches"), num("Cost"), num("Half back in"), num("Risk"), num("Score")];
    Some(
        view! {
            <section class="stack">
                <h2>"Ways to put the jobs together"</h2>
                <p class="quiet">"Rated for all batches of this cut. The least score is best."</p>
                <DataTable caption="Ways to put the jobs together" columns>{rows}</DataTable>
            </section>
        }
        .into_any(),
    )
}

fn candidate(way: BatchCandidate) -> AnyView {
    let tag = way.chosen.then(|| view! { " "<Tag tone=Tone::Good text="Kept"/> });
    let there = way.batches.is_some();
    let or_none = |text: String| if there { text } else { "–".to_owned() };
    view! {
        <tr>
            <td class="text">
                {words::capital(&way.way)}{tag}
                <div class="small quiet why">{way.reasons.join(" ")}</div>
            </td>
            <td class="num">{way.batches.map_or_else(|| "–".to_owned(), words::count)}</td>
            <td class="num">{or_none(words::usd(way.cost))}</td>
            <td class="num">{or_none(when::span(way.half_within))}</td>
            <td class="num">{or_none(words::percent(way.risk))}</td>
            <td class="num">{way.score.map_or_else(|| "–".to_owned(), |score| format!("{score:.3}"))}</td>
        </tr>
    }
    .into_any()
}

fn event(event: BatchEvent) -> AnyView {
    view! {
        <li>
            <time datetime=when::machine(event.at)>{clock().short(event.at)}</time>
            <div><b>{event.what}</b>{event.detail.map(|detail| view! { <div class="small quiet">{detail}</div> })}</div>
        </li>
    }
    .into_any()
}

fn jobs(jobs: Vec<BatchJob>) -> AnyView {
    let table = if jobs.is_empty() {
        view! { <EmptyState title="No jobs here." hint="A batch that was never sent gives its jobs back to the queue."/> }.into_any()
    } else {
        let rows = jobs
            .into_iter()
            .map(|job| {
                let tokens = job.tokens.map_or_else(
                    || "–".to_owned(),
                    |tokens| format!("{} in, {} out", words::count(tokens.input), words::count(tokens.output)),
                );
                view! {
                    <tr>
                        <td class="id"><a href=format!("/teach/submissions/{}", job.tracking_id)>{job.tracking_id.clone()}</a></td>
                        <td class="text">{job.assignment}</td>
                        <td>{words::capital(&job.state)}{job.error.map(|error| view! { <div class="small quiet why">{error}</div> })}</td>
                        <td class="num">{tokens}</td>
                        <td class="num">{job.cost.map_or_else(|| "–".to_owned(), words::usd)}</td>
                    </tr>
                }
            })
            .collect_view();
        let columns = vec![col("Submission"), col("Assignment"), col("State"), num("Tokens"), num("Cost")];
        view! { <DataTable caption="Jobs of this batch" columns>{rows}</DataTable> }.into_any()
    };
    view! { <section class="stack"><h2>"Jobs"</h2>{table}</section> }.into_any()
}
