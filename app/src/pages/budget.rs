//! Budgets: how the month's money stands, what it went to, what it will come to; and setting what may be spent.

use super::{Message, cost_control, load_for_viewer, month_plan, query};
use crate::components::{
    Bar, BarPart, DataTable, EmptyState, ErrorSummary, Field, Figure, Moment, Note, NoteTone, PageTitle,
    PostForm, Remarks, SpendChart, Tag, Tone, col, described_by, num, visit,
};
use crate::data::RefusedForm;
use crate::view::{Budget, CourseSpend, Standing, WaySpend};
use crate::{when, words};
use chrono::{DateTime, Datelike as _, Months, NaiveDate, Utc};
use leptos::prelude::*;

/// `/admin/budget?month=&set=`
#[component]
pub fn BudgetPage() -> impl IntoView {
    let (month, set, done) = (query("month"), query("set"), query("done"));
    let sent = visit().form;
    load_for_viewer(
        move |data, viewer| async move {
            data.budget(&viewer, month.as_deref(), set.as_deref(), sent.as_ref()).await
        },
        move |page| draw(page, done.as_deref()),
    )
}

fn month_name(first: NaiveDate) -> String {
    first.format("%B %Y").to_string()
}

fn address(month: NaiveDate) -> String {
    format!("/admin/budget?month={}", month.format("%Y-%m"))
}

fn draw(page: Budget, done: Option<&str>) -> AnyView {
    let done = done.map(|what| {
        let text = match what {
            "removed" => "The budget is removed.",
            "control" => "Cost control is set.",
            _ => "The budget is set. It counts from now on.",
        };
        view! { <Note tone=NoteTone::Good live=true><p>{text}</p></Note> }
    });
    let name = month_name(page.month);
    let earlier = page.month.checked_sub_months(Months::new(1)).map(|month| {
        view! { <a class="button" rel="prev" href=address(month)>{month_name(month)}</a> }
    });
    let later = (!page.open).then(|| page.month.checked_add_months(Months::new(1))).flatten().map(|month| {
        view! { <a class="button" rel="next" href=address(month)>{month_name(month)}</a> }
    });
    let advice = (page.open).then(|| {
        let list = if page.advice.is_empty() {
            view! { <p class="quiet">"Nothing: the month will end within its budgets."</p> }.into_any()
        } else {
            view! { <Remarks remarks=page.advice.clone()/> }.into_any()
        };
        view! { <section class="stack" aria-labelledby="to-do"><h2 id="to-do">"What to do"</h2>{list}</section> }
    });
    let bill = format!("/admin/budget/bill?month={}", page.month.format("%Y-%m"));
    let form = page.open.then(|| form(&page));
    let refused = visit().form;
    view! {
        <PageTitle text=format!("Budget, {name}")/>
        <main id="main">
            <div class="row between">
                <div class="stack-2">
                    <h1>{format!("Budget, {name}")}</h1>
                    <p class="quiet">{until(&page)}</p>
                </div>
                <nav class="row no-print" aria-label="Months">{earlier}{later}<a class="button" href="/admin/prices">"Prices"</a><a class="button" href=bill download="">"Bill (CSV)"</a></nav>
            </div>
            <ErrorSummary form=refused/>
            <Message/>
            {done}
            {figures(&page)}
            <div class="side">
                <div class="stack apart">
                    {standings(&page)}
                    {changes(&page.changes)}
                    {cost_control::section(&page.control, page.open)}
                    {courses(&page.courses)}
                    {ways(&page.ways)}
                    {page.plan.as_ref().map(month_plan::section)}
                </div>
                <aside class="stack apart">
                    <section class="sheet stack" aria-labelledby="spend"><h2 id="spend">"Spend"</h2><SpendChart spend=page.spend.clone()/>{ahead(&page)}</section>
                    {advice}
                    {form}
                </aside>
            </div>
        </main>
    }
    .into_any()
}

fn until(page: &Budget) -> String {
    if page.open {
        let last = when::last_of_month(page.month);
        let left = u64::from(last.day() - page.until.day());
        format!(
            "Until today, {}; {} left after it.",
            when::day_of_month(page.until),
            words::counted(left, "day", "days")
        )
    } else {
        "This month has ended.".to_owned()
    }
}

/// The institution's figures.
fn figures(page: &Budget) -> AnyView {
    let Some(institution) = page.standings.first() else { return ().into_any() };
    let of = match institution.limit {
        Some((limit, _)) => format!("of {} a month", words::usd(limit)),
        None => "no budget is set".to_owned(),
    };
    let used = institution
        .used
        .map_or_else(String::new, |used| format!("{} spent or expected", words::percent(used)));
    let left = institution.left.map_or_else(|| "–".to_owned(), words::usd);
    let open = page.open.then(|| {
        let (value, range) = match page.projection {
            Some(p) => {
                (words::usd(p.likely), format!("between {} and {}", words::usd(p.low), words::usd(p.high)))
            }
            None => ("–".to_owned(), "after the first whole day of spend".to_owned()),
        };
        view! {
            <Figure label="Expected for work under way" value=words::usd(institution.expected)>{used}</Figure>
            <Figure label="Left" value=left>"the worst case of work under way taken off"</Figure>
            <Figure label="Likely by the end of the month" value>{range}</Figure>
        }
    });
    view! {
        <section class="grid" aria-label="The institution’s figures">
            <Figure label="Spent" value=words::usd(institution.spent)>{of}</Figure>
            {open}
        </section>
    }
    .into_any()
}

/// What the projection rests on, in words.
fn ahead(page: &Budget) -> Option<AnyView> {
    let projection = page.projection.as_ref()?;
    let days = words::counted(projection.days, "day", "days");
    let how = if projection.weekly {
        format!("It carries on the last {days} with their weekly rhythm")
    } else {
        format!("It carries on the mean of {days}, since the weekly rhythm shows only after three weeks")
    };
    let text = format!(
        "The dashed line is what the month will likely come to. {how}; four of five months end within the shaded range."
    );
    Some(view! { <p class="small quiet">{text}</p> }.into_any())
}

fn standings(page: &Budget) -> AnyView {
    let rows = page.standings.iter().map(|standing| standing_row(standing, page.open)).collect_view();
    let mut columns = vec![col("Budget"), num("A month"), num("Spent")];
    if page.open {
        columns.extend([col("Spent or expected"), num("Likely"), col("Change")]);
    }
    view! {
        <section class="stack" aria-labelledby="budgets">
            <h2 id="budgets">"Budgets"</h2>
            <DataTable caption="How the budgets stand" columns>{rows}</DataTable>
        </section>
    }
    .into_any()
}

fn changes(changes: &[(DateTime<Utc>, String)]) -> Option<AnyView> {
    if changes.is_empty() {
        return None;
    }
    let items = changes
        .iter()
        .map(|(at, words)| view! { <li><Moment at=*at short=true/><div class="whole">{words.clone()}</div></li> })
        .collect_view();
    Some(
        view! {
            <details>
                <summary>"Budgets that were changed this month"</summary>
                <ol class="timeline">{items}</ol>
            </details>
        }
        .into_any(),
    )
}

fn standing_row(standing: &Standing, open: bool) -> AnyView {
    let (whose, title) = standing.whose.clone();
    let title = title.map(|title| view! { <div class="small quiet">{title}</div> });
    let (limit, stop) = match standing.limit {
        Some((limit, hard_stop)) => {
            (words::usd(limit), Some(if hard_stop { "hard stop" } else { "warns only" }))
        }
        None => ("none".to_owned(), None),
    };
    let stop = stop.map(|stop| view! { <div class="small quiet nowrap">{stop}</div> });
    let now = open.then(|| {
        let used = standing.used.map(|used| {
            let label = format!("{} spent or expected", words::percent(used));
            let parts = if used > 1.0 {
                vec![(BarPart::Full, 1.0 / used), (BarPart::Over, 1.0 - 1.0 / used)]
            } else {
                vec![(BarPart::Full, used)]
            };
            let tag = match used {
                1.0.. => Some((Tone::Bad, "Used up")),
                0.8.. => Some((Tone::Warn, "Nearly used up")),
                _ => None,
            };
            let tag = tag.map(|(tone, text)| view! { " "<Tag tone text/> });
            view! { <span class="nowrap">{words::percent(used)}</span>{tag}<Bar label parts/> }
        });
        let change = if standing.limit.is_some() { "Change" } else { "Set" };
        let href = format!("/admin/budget?set={}#scope", standing.scope);
        let remove = standing.limit.is_some().then(|| {
            let (scope, label) = (standing.scope.clone(), format!("Remove the budget: {whose}"));
            view! {
                <PostForm action="/admin/budget">
                    <input type="hidden" name="scope" value=scope/>
                    <button class="link" name="do" value="remove" aria-label=label>"Remove"</button>
                </PostForm>
            }
        });
        view! {
            <td class="third">{used}</td>
            <td class="num">{standing.likely.map_or_else(|| "–".to_owned(), words::usd)}</td>
            <td><div class="stack-1"><a href=href aria-label=format!("{change} the budget: {whose}")>{change}</a>{remove}</div></td>
        }
    });
    let whose = whose.clone();
    view! {
        <tr>
            <td><b>{whose}</b>{title}</td>
            <td class="num">{limit}{stop}</td>
            <td class="num">{words::usd(standing.spent)}</td>
            {now}
        </tr>
    }
    .into_any()
}

fn courses(courses: &[CourseSpend]) -> AnyView {
    let table = if courses.is_empty() {
        view! { <EmptyState title="Nothing was spent." hint="What each course spends appears here."/> }
            .into_any()
    } else {
        let rows = courses
            .iter()
            .map(|course| {
                let code = course.code.clone().unwrap_or_else(|| "a course that is gone".to_owned());
                view! {
                    <tr>
                        <td><b>{code}</b></td>
                        <td>{course.cost_centre.clone()}</td>
                        <td class="num">{words::count(course.answers)}</td>
                        <td class="num">{words::usd(course.spent)}</td>
                    </tr>
                }
            })
            .collect_view();
        let columns = vec![col("Course"), col("Cost centre"), num("Answers"), num("Spent")];
        view! { <DataTable caption="Spend by course" columns>{rows}</DataTable> }.into_any()
    };
    view! { <section class="stack" aria-labelledby="courses"><h2 id="courses">"By course"</h2>{table}</section> }.into_any()
}

fn ways(ways: &[WaySpend]) -> Option<AnyView> {
    if ways.is_empty() {
        return None;
    }
    let rows = ways
        .iter()
        .map(|way| {
            let route = if way.batched { "in batches" } else { "in real time" };
            let saved = way.realtime.filter(|realtime| realtime.0 > 0).map_or_else(
                || "–".to_owned(),
                |realtime| words::percent(1.0 - way.spent.0 as f64 / realtime.0 as f64),
            );
            view! {
                <tr>
                    <td><b>{way.provider.clone()}</b><div class="small quiet nowrap">{way.model.clone()}</div></td>
                    <td>{route}</td>
                    <td class="num">{words::count(way.answers)}</td>
                    <td class="num">{words::percent(way.cached)}</td>
                    <td class="num">{words::usd(way.spent)}</td>
                    <td class="num">{saved}</td>
                </tr>
            }
        })
        .collect_view();
    let columns = vec![
        col("Model"),
        col("Route"),
        num("Answers"),
        num("From cache"),
        num("Spent"),
        num("Less than real time"),
    ];
    Some(
        view! {
            <section class="stack" aria-labelledby="ways">
                <h2 id="ways">"By model"</h2>
                <DataTable caption="Spend by model and route" columns>{rows}</DataTable>
                <p class="small quiet">"“From cache” is the share of the tokens read that the provider had kept from requests before. The last column holds what was spent against the same answers in real time without that, at today’s prices."</p>
            </section>
        }
        .into_any(),
    )
}

fn form(page: &Budget) -> AnyView {
    let refused = visit().form.unwrap_or_else(|| RefusedForm { errors: Vec::new(), values: Vec::new() });
    let of = |id: &str| refused.error(id).map(str::to_owned);
    let wrong = |error: &Option<String>| error.is_some().then_some("true");
    let (scope_error, limit_error) = (of("scope"), of("limit"));
    let (scope_wrong, limit_wrong) = (wrong(&scope_error), wrong(&limit_error));
    let scope_described = described_by("scope", false, scope_error.is_some());
    let limit_described = described_by("limit", true, limit_error.is_some());
    let options = page
        .scopes
        .iter()
        .map(|(value, text)| {
            let selected = *value == page.draft.scope;
            view! { <option value=value.clone() selected=selected>{text.clone()}</option> }
        })
        .collect_view();
    let (limit, hard_stop) = (page.draft.limit.clone(), page.draft.hard_stop);
    view! {
        <PostForm action="/admin/budget" class="sheet stack no-print">
            <h2>"Set a budget"</h2>
            <Field id="scope" label="For" error=scope_error>
                <select id="scope" name="scope" aria-describedby=scope_described aria-invalid=scope_wrong>{options}</select>
            </Field>
            <Field id="limit" label="Dollars a month" hint="Such as 500 or 12.50. It counts for each month from now on." error=limit_error>
                <input id="limit" name="limit" inputmode="decimal" maxlength="20" autocomplete="off" value=limit aria-describedby=limit_described aria-invalid=limit_wrong/>
            </Field>
            <div class="row"><input type="checkbox" id="hard_stop" name="hard_stop" value="1" checked=hard_stop/><label for="hard_stop">"Hard stop: work waits at the limit"</label></div>
            <p class="small quiet">"Administrators are told at 80, 90 and 100 %."</p>
            <button class="button main" name="do" value="set">"Set it"</button>
        </PostForm>
    }
    .into_any()
}
