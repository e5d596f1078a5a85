//! Tables and lists shown a page at a time.

use crate::view::Paging;
use crate::words;
use leptos::prelude::*;

/// The head of one column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    label: String,
    number: bool,
}

/// A column of words.
#[must_use]
pub fn col(label: &str) -> Column {
    Column { label: label.to_owned(), number: false }
}

/// A column of numbers.
#[must_use]
pub fn num(label: &str) -> Column {
    Column { label: label.to_owned(), number: true }
}

/// A table in a box of its own, so that a wide table scrolls and the page does not.
#[component]
pub fn DataTable(
    /// What the table shows, for those who can't see the heading above it.
    #[prop(into)]
    caption: String,
    /// The columns.
    columns: Vec<Column>,
    /// Whether each row is a card on a narrow window; its cells then are [`Cell`]s.
    #[prop(optional)]
    cards: bool,
    /// The rows.
    children: Children,
) -> AnyView {
    // As cards the table is no table to the browser, so that its parts say what they are.
    let role = |role: &'static str| cards.then_some(role);
    let head = columns
        .into_iter()
        .map(|column| view! { <th scope="col" role=role("columnheader") class=column.number.then_some("num")>{column.label}</th> })
        .collect_view();
    let label = caption.clone();
    view! {
        <div class=if cards { "scroll cards" } else { "scroll" } role="region" tabindex="0" aria-label=label>
            <table role=role("table")>
                <caption class="unseen">{caption}</caption>
                <thead role=role("rowgroup")><tr role=role("row")>{head}</tr></thead>
                <tbody role=role("rowgroup")>{children()}</tbody>
            </table>
        </div>
    }
    .into_any()
}

/// A cell of a table whose rows are cards on a narrow window.
#[component]
pub fn Cell(
    /// The column's label, which stands beside it on a card.
    label: &'static str,
    /// What is in it.
    children: Children,
) -> AnyView {
    view! { <td role="cell" data-label=label><div>{children()}</div></td> }.into_any()
}

/// Links to the pages before and after, and where we are.
#[component]
pub fn Pagination(
    /// Where the list stands.
    paging: Paging,
    /// The address of a page by its number.
    #[prop(into)]
    href: Callback<u64, String>,
    /// What is counted: singular and plural.
    noun: (&'static str, &'static str),
) -> impl IntoView {
    let pages = paging.pages();
    if pages <= 1 {
        return None;
    }
    let page = paging.page.clamp(1, pages);
    let first = (page - 1) * paging.per_page + 1;
    let last = (page * paging.per_page).min(paging.total);
    let before =
        (page > 1).then(|| view! { <a class="button" rel="prev" href=href.run(page - 1)>"Previous"</a> });
    let after =
        (page < pages).then(|| view! { <a class="button" rel="next" href=href.run(page + 1)>"Next"</a> });
    let range = format!(
        "{} to {} of {}",
        words::count(first),
        words::count(last),
        words::counted(paging.total, noun.0, noun.1)
    );
    Some(view! {
        <nav class="row between paging" aria-label="Pages">
            <span class="row">{before}{after}</span>
            <span class="quiet">{range}</span>
        </nav>
    })
}
