//! Dead letters, for administrators: work that ran out of automatic remedies, and what to do about it.

use super::{Message, load_for_viewer, page_number, query};
use crate::components::{
    DataTable, EmptyState, Moment, Note, NoteTone, PageTitle, Pagination, PostForm, Tag, Tone, col,
};
use crate::data::{PageError, PageResult};
use crate::view::{DeadLetter, DeadLetterFilter, DeadLetters};
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

fn filter() -> PageResult<DeadLetterFilter> {
    let Some(text) = query("state") else { return Ok(DeadLetterFilter::default()) };
    DeadLetterFilter::ALL.into_iter().find(|filter| filter.key() == text).ok_or_else(|| PageError::Invalid {
        message: format!("“{text}” in the address is not a state. States are open, resolved and all."),
    })
}

/// What came of the form that led here: for how many something was done, of how many.
fn outcome() -> Option<AnyView> {
    let number = |name| query(name)?.parse::<u64>().ok();
    let (done, of) = (number("done")?, number("of")?);
    let text = if done == of {
        format!("Done for {}.", words::counted(done, "submission", "submissions"))
    } else {
        format!(
            "Done for {} of {}; about the others something had been done before.",
            words::count(done),
            words::count(of)
        )
    };
    Some(view! { <Note tone=NoteTone::Good live=true><p>{text}</p></Note> }.into_any())
}

fn draw(page: DeadLetters, filter: DeadLetterFilter, came: Option<AnyView>) -> AnyView {
    let options = DeadLetterFilter::ALL
        .into_iter()
        .map(|option| view! { <option value=option.key() selected=option == filter>{option.text()}</option> })
        .collect_view();
    let href = move |number: u64| format!("{ADDRESS}?state={}&page={number}", filter.key());
    let paging = page.paging;
    view! {
        <PageTitle text="Dead letters"/>
        <main id="main">
            <div class="row between">
                <h1>"Dead letters"</h1>
                <form method="get" action=ADDRESS class="row field-row no-print">
                    <label for="state">"State"</label>
                    <select id="state" name="state">{options}</select>
                    <button class="button">"Show"</button>
                </form>
            </div>
            <p class="quiet">"Work that ran out of automatic remedies. It is safe, and its students are told that a person looks after it."</p>
            <Message/>
            {came}
            {table(page, filter)}
            <Pagination paging href noun=("submission", "submissions")/>
        </main>
    }
    .into_any()
}

fn table(page: DeadLetters, filter: DeadLetterFilter) -> AnyView {
    if page.letters.is_empty() {
        let (title, hint) = match filter {
            DeadLetterFilter::Open => {
                ("Nothing needs a person.", "What runs out of automatic remedies is listed here.")
            }
            DeadLetterFilter::Resolved | DeadLetterFilter::All => {
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
    let rows = page.letters.into_iter().map(|letter| row(letter, any_open)).collect_view();
    let table = view! { <DataTable caption="Dead letters" columns>{rows}</DataTable> };
    if !any_open {
        return table.into_any();
    }
    let ways = page
        .ways
        .into_iter()
        .map(|way| {
            let text = format!("Send to {way}");
            view! { <option value=format!("reroute:{way}")>{text}</option> }
        })
        .collect_view();
    view! {
        <PostForm action=ADDRESS class="stack apart">
            {table}
            <section class="sheet stack no-print" aria-labelledby="what">
                <h2 id="what">"With those chosen"</h2>
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
                    <span class="hint" id="reason-hint">"Kept with each. Needed to close without marks."</span>
                    <input id="reason" name="reason" maxlength="1000" aria-describedby="reason-hint"/>
                </div>
                <p><button class="button main">"Do it"</button></p>
            </section>
        </PostForm>
    }
    .into_any()
}

fn row(letter: DeadLetter, any_open: bool) -> AnyView {
    let open = letter.resolution.is_none();
    let label = format!("Choose {}", letter.tracking_id);
    let choose = any_open.then(|| {
        let the_box = open.then(|| {
            view! { <input type="checkbox" name="id" value=letter.id.clone() aria-label=label/> }
        });
        view! { <td>{the_box}</td> }
    });
    let next = match (letter.resolution, letter.recover_at) {
        (Some(resolution), _) => view! { <Tag tone=Tone::Plain text=resolution/> }.into_any(),
        (None, Some(at)) => {
            view! { <Tag tone=Tone::On text="Tried again at"/>" "<Moment at short=true/> }.into_any()
        }
        (None, None) => view! { <Tag tone=Tone::Warn text="Needs a person"/> }.into_any(),
    };
    let recoveries = (letter.recoveries > 0).then(|| {
        let times = words::counted(letter.recoveries, "time", "times");
        view! { <div class="small quiet">{format!("tried again {times} on schedule")}</div> }
    });
    let advice = open.then(|| view! { <div class="small quiet">{letter.advice}</div> });
    let reason = letter.reason.map(|reason| view! { <div class="small quiet">{reason}</div> });
    view! {
        <tr>
            {choose}
            <td>
                <a class="id" href=format!("/teach/submissions/{}", letter.tracking_id)>{letter.tracking_id.clone()}</a>
                <div class="small quiet">{letter.assignment}</div>
                <div class="small quiet">{letter.student}</div>
            </td>
            <td><b>{letter.cause}</b><div class="small">{letter.why}</div>{advice}</td>
            <td>{letter.provider}<div class="small quiet nowrap">{letter.model}</div><div class="small quiet">{letter.route}</div></td>
            <td><Moment at=letter.died_at short=true/></td>
            <td>{next}{recoveries}{reason}</td>
        </tr>
    }
    .into_any()
}
