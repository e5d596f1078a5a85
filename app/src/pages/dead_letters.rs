//! Dead letters, for administrators: work that ran out of automatic remedies, and what to do about it.

use super::{Message, load_for_viewer, page_number, query};
use crate::components::{
    Cell, DataTable, EmptyState, Moment, Note, NoteTone, PageTitle, Pagination, PostForm, Tag, Tone, col,
};
use crate::data::{PageError, PageResult};
use crate::view::{DeadLetter, DeadLetters, LetterFilter, LetterState};
use crate::words;
use leptos::prelude::*;

/// Its address, and that of its form.
const ADDRESS: &str = "/admin/dead-letters";

/// `/admin/dead-letters`
#[component]
pub fn DeadLettersPage() -> impl IntoView {
    let page = page_number();
    let filter = filter();
    let shown = filter.clone().unwrap_or_default();
    let came = outcome();
    load_for_viewer(
        move |data, viewer| async move { data.dead_letters(&viewer, filter?, page?).await },
        move |page| draw(page, shown, came),
    )
}

fn filter() -> PageResult<LetterFilter> {
    let state = match query("state") {
        None => LetterState::default(),
        Some(text) => LetterState::ALL.into_iter().find(|state| state.key() == text).ok_or_else(|| {
            PageError::Invalid {
                message: format!(
                    "“{text}” in the address is not a state. States are open, resolved and all."
                ),
            }
        })?,
    };
    Ok(LetterFilter {
        state,
        cause: query("cause"),
        provider: query("provider"),
        assignment: query("assignment"),
    })
}

/// What came of the form that led here: for how many something was done, of how many, and how many are left to do.
fn outcome() -> Option<AnyView> {
    let number = |name| query(name)?.parse::<u64>().ok();
    let (done, of) = (number("done")?, number("of")?);
    let mut text = if done == of {
        format!("Done for {}.", words::counted(done, "submission", "submissions"))
    } else {
        format!(
            "Done for {} of {}; about the others something had been done before.",
            words::count(done),
            words::count(of)
        )
    };
    if let Some(left) = number("left").filter(|left| *left > 0) {
        text.push_str(&format!(" {} more match: do it again for them.", words::count(left)));
    }
    Some(view! { <Note tone=NoteTone::Good live=true><p>{text}</p></Note> }.into_any())
}

fn draw(page: DeadLetters, filter: LetterFilter, came: Option<AnyView>) -> AnyView {
    let asked = filter.query();
    let href = move |number: u64| format!("{ADDRESS}?{asked}&page={number}");
    let paging = page.paging;
    view! {
        <PageTitle text="Dead letters"/>
        <main id="main">
            <h1>"Dead letters"</h1>
            <p class="quiet">"Work that ran out of automatic remedies. It is safe, and its students are told that a person looks after it."</p>
            <Message/>
            {came}
            {filter_form(&page, &filter)}
            {table(page, &filter)}
            <Pagination paging href noun=("submission", "submissions")/>
        </main>
    }
    .into_any()
}

fn filter_form(page: &DeadLetters, filter: &LetterFilter) -> AnyView {
    let states: Vec<(String, String)> =
        LetterState::ALL.iter().map(|state| (state.key().to_owned(), state.text().to_owned())).collect();
    let providers: Vec<(String, String)> =
        page.providers.iter().map(|name| (name.clone(), name.clone())).collect();
    view! {
        <form method="get" action=ADDRESS class="row field-row no-print" aria-label="Which ones">
            {choice("state", "State", None, &states, Some(filter.state.key()))}
            {choice("cause", "Cause", Some("Any"), &page.causes, filter.cause.as_deref())}
            {choice("provider", "Provider", Some("Any"), &providers, filter.provider.as_deref())}
            {choice("assignment", "Assignment", Some("Any"), &page.assignments, filter.assignment.as_deref())}
            <button class="button">"Show"</button>
        </form>
    }
    .into_any()
}

/// A choice with its label; `any` is the words for no choice.
fn choice(
    name: &'static str,
    label: &'static str,
    any: Option<&'static str>,
    options: &[(String, String)],
    chosen: Option<&str>,
) -> AnyView {
    let options = options
        .iter()
        .map(|(value, text)| {
            let selected = chosen == Some(value.as_str());
            view! { <option value=value.clone() selected=selected>{text.clone()}</option> }
        })
        .collect_view();
    view! {
        <span class="row field-row">
            <label for=name>{label}</label>
            <select id=name name=name>{any.map(|any| view! { <option value="">{any}</option> })}{options}</select>
        </span>
    }
    .into_any()
}

fn table(page: DeadLetters, filter: &LetterFilter) -> AnyView {
    if page.letters.is_empty() {
        let (title, hint) = match filter.state {
            _ if filter.narrows() => ("Nothing matches.", "Choose other causes, providers or assignments."),
            LetterState::Open => {
                ("Nothing needs a person.", "What runs out of automatic remedies is listed here.")
            }
            LetterState::Resolved | LetterState::All => {
                ("Nothing here yet.", "Choose another state to see more.")
            }
        };
        return view! { <EmptyState title hint/> }.into_any();
    }
    let any_open = page.letters.iter().any(|letter| letter.resolution.is_none());
    let mut columns = vec![col("Work"), col("What happened"), col("Sent to"), col("Since"), col("Next")];
    if any_open {
        columns.insert(0, col("Choose"));
    }
    let rows = page.letters.iter().map(|letter| row(letter.clone(), any_open)).collect_view();
    let table = view! { <DataTable caption="Dead letters" columns cards=true>{rows}</DataTable> };
    if !any_open {
        return table.into_any();
    }
    let decide = decide(&page, filter);
    view! { <PostForm action=ADDRESS class="stack apart">{table}{decide}</PostForm> }.into_any()
}

/// About which ones, and what is to be done.
fn decide(page: &DeadLetters, filter: &LetterFilter) -> AnyView {
    let ways = page
        .ways
        .iter()
        .map(|way| {
            let text = format!("Send to {}", way.provider);
            view! { <option value=format!("reroute:{}", way.provider)>{text}</option> }
        })
        .collect_view();
    // Only where all that are listed wait is their number the number of those that an act on all of them is about.
    let all = (filter.state == LetterState::Open).then(|| {
        let total = page.paging.total;
        let these = if total > page.most {
            format!("The oldest {} of all {} that match", words::count(page.most), words::count(total))
        } else {
            match total {
                1 => "The one that matches".to_owned(),
                _ => format!("All {} that match, on every page", words::count(total)),
            }
        };
        let fields = filter
            .fields()
            .into_iter()
            .map(|(name, value)| view! { <input type="hidden" name=name value=value/> })
            .collect_view();
        view! {
            {fields}
            <input type="hidden" name="until" value=page.as_of.to_rfc3339()/>
            <fieldset class="choices">
                <legend>"About"</legend>
                <label><input type="radio" name="scope" value="chosen" checked/>"Those chosen above"</label>
                <label><input type="radio" name="scope" value="all"/>{these}</label>
            </fieldset>
        }
    });
    view! {
        <section class="sheet stack no-print" aria-labelledby="what">
            <h2 id="what">"What to do"</h2>
            {all}
            <div class="row field-row">
                <label for="remedy">"Do"</label>
                <select id="remedy" name="remedy">
                    <option value="retry">"Try again the same way"</option>
                    {ways}
                    <option value="discard">"Close without marks"</option>
                </select>
            </div>
            <div class="field">
                <label for="reason">"Reason"</label>
                <span class="hint" id="reason-hint">"Kept with each. To close without marks it is needed, and the students read it."</span>
                <input id="reason" name="reason" maxlength="1000" aria-describedby="reason-hint"/>
            </div>
            <p><button class="button main">"Do it"</button></p>
        </section>
    }
    .into_any()
}

/// Where a dead letter stands: tried again at a time, with a person, or what was done.
pub(super) fn state_tag(letter: &DeadLetter) -> AnyView {
    match (&letter.resolution, letter.recover_at) {
        (Some(resolution), _) => view! { <Tag tone=Tone::Plain text=resolution.clone()/> }.into_any(),
        (None, Some(at)) => {
            view! { <Tag tone=Tone::On text="Tried again at"/>" "<Moment at short=true/> }.into_any()
        }
        (None, None) => view! { <Tag tone=Tone::Warn text="Needs a person"/> }.into_any(),
    }
}

fn row(letter: DeadLetter, any_open: bool) -> AnyView {
    let open = letter.resolution.is_none();
    let next = state_tag(&letter);
    let choose = any_open.then(|| {
        let label = format!("Choose {}", letter.tracking_id);
        let the_box = open.then(|| {
            view! { <input type="checkbox" name="id" value=letter.id.clone() aria-label=label/> }
        });
        view! { <Cell label="Choose">{the_box}</Cell> }
    });
    let recoveries = (letter.recoveries > 0).then(|| {
        let times = words::counted(letter.recoveries, "time", "times");
        view! { <div class="small quiet">{format!("tried again {times} on schedule")}</div> }
    });
    let advice = open.then(|| view! { <div class="small quiet">{letter.advice}</div> });
    let by = letter.resolver.map(|name| view! { <div class="small quiet">{format!("by {name}")}</div> });
    let reason = letter.reason.map(|reason| view! { <div class="small quiet">{reason}</div> });
    view! {
        <tr role="row">
            {choose}
            <Cell label="Work">
                <a class="id" href=format!("{ADDRESS}/{}", letter.id)>{letter.tracking_id.clone()}</a>
                <div class="small quiet">{letter.assignment}</div>
                <div class="small quiet">{letter.student}</div>
            </Cell>
            <Cell label="What happened"><b>{letter.cause}</b><div class="small">{letter.why}</div>{advice}</Cell>
            <Cell label="Sent to">{letter.provider}<div class="small quiet nowrap">{letter.model}</div><div class="small quiet">{letter.route}</div></Cell>
            <Cell label="Since"><Moment at=letter.died_at short=true/></Cell>
            <Cell label="Next">{next}{recoveries}{by}{reason}</Cell>
        </tr>
    }
    .into_any()
}
