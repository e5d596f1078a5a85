//! Assignments and their submissions, for instructors.

use super::home::openness;
use super::{Message, load_for_viewer, page_number, param, query};
use crate::components::{
    ButtonLink, DataTable, EmptyState, Figure, Moment, PageTitle, Pagination, Tag, Tone, col, num,
};
use crate::data::{PageError, PageResult};
use crate::view::{Status, SubmissionFilter, TeachAssignment, TeachAssignmentItem, TeachHome, TeachRow};
use crate::words;
use leptos::prelude::*;

/// `/teach`
#[component]
pub fn TeachHomePage() -> impl IntoView {
    load_for_viewer(|data, viewer| async move { data.teach_home(&viewer).await }, draw_home)
}

fn draw_home(home: TeachHome) -> AnyView {
    let list = if home.assignments.is_empty() {
        view! { <EmptyState title="You have no assignments yet." hint="They are set up with “quire setup”, which your administrator runs."/> }
            .into_any()
    } else {
        let columns = vec![
            col("Assignment"),
            num("Submissions"),
            num("Waiting"),
            num("In review"),
            num("Completed"),
            num("Needs attention"),
        ];
        view! {
            <DataTable caption="Assignments" columns>{home.assignments.into_iter().map(home_row).collect_view()}</DataTable>
        }
        .into_any()
    };
    view! {
        <PageTitle text="Assignments"/>
        <main id="main">
            <h1>"Assignments"</h1>
            <Message/>
            {list}
        </main>
    }
    .into_any()
}

fn home_row(item: TeachAssignmentItem) -> AnyView {
    let counts = item.counts;
    let attention = if counts.needs_attention > 0 {
        view! { <Tag tone=Tone::Warn text=words::count(counts.needs_attention)/> }.into_any()
    } else {
        "0".into_any()
    };
    view! {
        <tr>
            <td class="text">
                <b><a href=format!("/teach/assignments/{}", item.id)>{item.title}</a></b>
                <div class="small quiet">{item.course}" · "{openness(item.openness)}</div>
            </td>
            <td class="num">{words::count(counts.total())}</td>
            <td class="num">{words::count(counts.queued + counts.processing)}</td>
            <td class="num">{words::count(counts.in_review)}</td>
            <td class="num">{words::count(counts.completed)}</td>
            <td class="num">{attention}</td>
        </tr>
    }
    .into_any()
}

/// `/teach/assignments/{id}`
#[component]
pub fn TeachAssignmentPage() -> impl IntoView {
    let id = param("id");
    let page = page_number();
    let filter = filter();
    let shown = filter.clone().unwrap_or_default();
    load_for_viewer(
        move |data, viewer| async move { data.teach_assignment(&viewer, &id, filter?, page?).await },
        move |page| draw_assignment(page, shown),
    )
}

fn filter() -> PageResult<SubmissionFilter> {
    let Some(text) = query("status") else { return Ok(SubmissionFilter::default()) };
    match Status::ALL.into_iter().find(|&status| words::status_key(status) == text) {
        Some(status) => Ok(SubmissionFilter { status: Some(status) }),
        None => Err(PageError::Invalid {
            message: format!(
                "“{text}” in the address is not a state. States are {}.",
                words::either(&Status::ALL.map(|status| words::status_key(status).to_owned()))
            ),
        }),
    }
}

fn draw_assignment(page: TeachAssignment, filter: SubmissionFilter) -> AnyView {
    let id = page.id.clone();
    let status = filter.status.map(words::status_key);
    let href = move |number: u64| match status {
        Some(status) => format!("/teach/assignments/{id}?status={status}&page={number}"),
        None => format!("/teach/assignments/{id}?page={number}"),
    };
    let table = if page.rows.is_empty() {
        let hint = if filter.status.is_some() {
            "Choose another state to see more."
        } else {
            "They show up here as soon as students hand in."
        };
        view! { <EmptyState title="No submissions here." hint/> }.into_any()
    } else {
        let columns = vec![
            col("Student"),
            col("Handed in"),
            col("State"),
            num("Marks"),
            num("Confidence"),
            col("Submission"),
        ];
        view! {
            <DataTable caption=format!("Submissions for {}", page.title) columns>
                {page.rows.into_iter().map(submission_row).collect_view()}
            </DataTable>
        }
        .into_any()
    };
    let counts = page.counts;
    let mean = page.mean.map_or_else(|| "–".to_owned(), |mean| words::points(mean.points));
    let simulated = page.simulated.then(|| view! { <Tag tone=Tone::Warn text="Simulated marks"/> });
    view! {
        <PageTitle text=page.title.clone()/>
        <main id="main">
            <div class="row between">
                <div class="stack-2">
                    <p class="quiet"><a href="/teach">"Assignments"</a>" · "{page.course}" · "{openness(page.openness)}</p>
                    <h1>{page.title}</h1>
                </div>
                <div class="row">{simulated}<ButtonLink href=format!("/teach/assignments/{}/export.csv", page.id) text="Export as CSV"/></div>
            </div>
            <Message/>
            <section class="grid" aria-label="Key figures">
                <Figure label="Submissions" value=words::count(counts.total())>{format!("{} waiting", words::count(counts.queued + counts.processing))}</Figure>
                <Figure label="Completed" value=words::count(counts.completed)>{format!("{} in review", words::count(counts.in_review))}</Figure>
                <Figure label="Mean mark" value=mean>{page.mean.map(|mean| format!("of {}", words::points(mean.out_of)))}</Figure>
                <Figure label="Cost" value=words::usd(page.cost)>"for marking so far"</Figure>
            </section>
            <section class="stack">
                <div class="row between"><h2>"Submissions"</h2>{filter_form(&page.id, filter, &counts)}</div>
                {table}
                <Pagination paging=page.paging href noun=("submission", "submissions")/>
            </section>
        </main>
    }
    .into_any()
}

fn filter_form(id: &str, filter: SubmissionFilter, counts: &crate::view::StatusCounts) -> AnyView {
    let options = Status::ALL
        .into_iter()
        .map(|status| {
            view! {
                <option value=words::status_key(status) selected=filter.status == Some(status)>
                    {format!("{} ({})", words::staff_status(status), words::count(counts.of(status)))}
                </option>
            }
        })
        .collect_view();
    view! {
        <form method="get" action=format!("/teach/assignments/{id}") class="row field-row no-print">
            <label for="status">"State"</label>
            <select id="status" name="status"><option value="">"All"</option>{options}</select>
            <button class="button">"Show"</button>
        </form>
    }
    .into_any()
}

/// The state of a submission for staff.
pub(super) fn staff_tag(status: Status) -> AnyView {
    let tone = match status {
        Status::Queued => Tone::Plain,
        Status::Processing => Tone::On,
        Status::InReview | Status::NeedsAttention => Tone::Warn,
        Status::Completed => Tone::Good,
        Status::Withdrawn | Status::Closed => Tone::Plain,
    };
    view! { <Tag tone text=words::staff_status(status)/> }.into_any()
}

fn submission_row(row: TeachRow) -> AnyView {
    let score = row.score.map_or_else(|| "–".to_owned(), words::score);
    let confidence = row.confidence.map_or_else(|| "–".to_owned(), words::percent);
    let href = format!("/teach/submissions/{}", row.tracking_id);
    view! {
        <tr>
            <td><b><a href=href>{row.student}</a></b><div class="small quiet nowrap">{words::draft(row.draft)}</div></td>
            <td><Moment at=row.submitted_at short=true/></td>
            <td>{staff_tag(row.status)}{row.held_because.map(|why| view! { <div class="small quiet why">{why}</div> })}</td>
            <td class="num">{score}</td>
            <td class="num">{confidence}</td>
            <td class="id">{row.tracking_id}</td>
        </tr>
    }
    .into_any()
}
