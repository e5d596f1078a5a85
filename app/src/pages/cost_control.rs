//! The part of the page of budgets that shows cost control: measures, what each saved, and who decides about it.

use crate::components::{Cell, DataTable, Moment, PostForm, Tag, Tone, col};
use crate::view::{CostChange, CostControl, CostMeasure};
use crate::words;
use leptos::prelude::*;

/// Ways of deciding about a measure: the value of the form, and the words.
const MODES: [(&str, &str); 3] =
    [("automatic", "By the projection"), ("on", "Always on"), ("off", "Always off")];

/// Cost control in a month; in one that has ended only what was done and saved.
pub(super) fn section(control: &CostControl, open: bool) -> AnyView {
    let rows = control.measures.iter().map(|measure| row(measure, open)).collect_view();
    let mut columns = vec![col("Measure"), col("Saved")];
    if open {
        columns.insert(1, col("Now"));
        columns.push(col("Decided"));
    }
    let intro = open.then(|| {
        view! {
            <p>"While the month is projected to come to more than 90 % of the institution’s budget, these measures are taken one after the other, at most one a day; more quickly where it would pass the whole of it. Below 80 % they are given up again."</p>
        }
    });
    view! {
        <section class="stack" aria-labelledby="cost-control">
            <h2 id="cost-control">"Cost control"</h2>
            {intro}
            <DataTable caption="Measures that save money" columns cards=true>{rows}</DataTable>
            {economy(control, open)}
            {changes(&control.changes)}
        </section>
    }
    .into_any()
}

fn row(measure: &CostMeasure, open: bool) -> AnyView {
    let saved = match measure.saved {
        Some((saved, answers)) => {
            let over = words::counted(answers, "answer", "answers");
            view! { {words::usd(saved)}<div class="small quiet nowrap">{over}</div> }.into_any()
        }
        None => "–".into_any(),
    };
    let now = open.then(|| {
        let now = match measure.on_since {
            Some(since) => {
                view! { <Tag tone=Tone::Warn text="On"/><div class="small quiet">"since "<Moment at=since short=true/></div> }
                    .into_any()
            }
            None => view! { <Tag tone=Tone::Plain text="Off"/> }.into_any(),
        };
        view! { <Cell label="Now">{now}</Cell> }
    });
    let decide = open.then(|| decide(measure));
    let (title, what) = (measure.title.clone(), measure.what.clone());
    view! {
        <tr role="row">
            <Cell label="Measure"><b>{title}</b><div class="small quiet">{what}</div></Cell>
            {now}
            <Cell label="Saved">{saved}</Cell>
            {decide}
        </tr>
    }
    .into_any()
}

fn decide(measure: &CostMeasure) -> AnyView {
    let options = MODES
        .map(|(value, text)| view! { <option value=value selected=value == measure.mode>{text}</option> })
        .into_iter()
        .collect_view();
    let (name, label) = (measure.name.clone(), format!("Who decides: {}", measure.title));
    let button = format!("Save: {}", measure.title);
    view! {
        <Cell label="Decided">
            <PostForm action="/admin/budget" class="row field-row no-print">
                <input type="hidden" name="measure" value=name/>
                <select name="mode" aria-label=label>{options}</select>
                <button class="button" name="do" value="control" aria-label=button>"Save"</button>
            </PostForm>
        </Cell>
    }
    .into_any()
}

fn economy(control: &CostControl, open: bool) -> Option<AnyView> {
    let text = if control.economy_models.is_empty() {
        "No economy model is set, so that measure has little to choose from: name one in a provider’s settings (economy_model).".to_owned()
    } else {
        format!("Economy models: {}.", control.economy_models.join(", "))
    };
    let how = "What changes where a work goes is counted answer by answer, by the provider’s own figures; what changes batches is what a token read cost against batches before it.";
    open.then(|| view! { <p class="small quiet">{text}" "{how}</p> }.into_any())
}

fn changes(changes: &[CostChange]) -> Option<AnyView> {
    if changes.is_empty() {
        return None;
    }
    let items = changes
        .iter()
        .map(|change| {
            let what = if change.taken { "on" } else { "off" };
            let by = change.by.as_ref().map(|name| format!(" ({name})"));
            view! {
                <li><Moment at=change.at short=true/><div class="whole"><b>{change.title.clone()}</b>" "{what}": "{change.why.clone()}{by}</div></li>
            }
        })
        .collect_view();
    Some(
        view! {
            <details>
                <summary>"What was done this month"</summary>
                <ol class="timeline">{items}</ol>
            </details>
        }
        .into_any(),
    )
}
