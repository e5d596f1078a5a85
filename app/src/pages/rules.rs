//! The routing rules in force, for administrators: their order, and what each did.

use super::{Message, load_for_viewer, query};
use crate::components::{ButtonLink, Moment, Note, NoteTone, PageTitle, PostForm, Tag, Tone, visit};
use crate::islands::RuleOrder;
use crate::view::{Rule, RuleVersion, RuleVersions, Rules};
use crate::words;
use leptos::prelude::*;

/// `/admin/rules`
#[component]
pub fn RulesPage() -> impl IntoView {
    let done = query("done");
    load_for_viewer(
        move |data, viewer| async move { data.rules(&viewer).await },
        move |page| draw(page, done.as_deref()),
    )
}

fn draw(page: Rules, done: Option<&str>) -> AnyView {
    let done = done.map(|what| {
        let text = match what {
            "same" => "Nothing was changed.".to_owned(),
            _ => format!("Done. Version {} is in force.", page.version),
        };
        view! { <Note tone=NoteTone::Good live=true><p>{text}</p></Note> }
    });
    let by = page.author.clone().map_or_else(|| ", as Quire came".to_owned(), |name| format!(", by {name}"));
    let last = page.rules.len();
    let rules =
        page.rules.iter().enumerate().map(|(at, rule)| row(rule, at + 1, last, page.version)).collect_view();
    let nothing = page.nothing_applied.map(|share| {
        view! { <span class="small">{format!("· {} of last week’s work", words::percent(share))}</span> }
    });
    view! {
        <PageTitle text="Routing rules"/>
        <main id="main">
            <div class="row between">
                <div class="stack-2">
                    <h1>"Routing rules"</h1>
                    <p class="quiet">
                        {format!("The first rule that applies decides. Version {}, since ", page.version)}
                        <Moment at=page.since/>{by}"."
                    </p>
                </div>
                <div class="row no-print">
                    <ButtonLink href="/admin/rules/versions" text="Versions"/>
                    <ButtonLink href="/admin/rules/edit" text="Add a rule" main=true/>
                </div>
            </div>
            <Message/>
            {done}
            <section class="sheet" aria-labelledby="order">
                <h2 id="order">"In this order"</h2>
                <RuleOrder csrf=visit().csrf version=page.version.to_string()/>
                <ol class="rules">
                    {rules}
                    <li class="rule">
                        <span class="place"></span>
                        <p class="quiet">"Nothing applied: a batch at the cheapest provider that suits, in real time where that would be late "{nothing}</p>
                    </li>
                </ol>
            </section>
        </main>
    }
    .into_any()
}

fn row(rule: &Rule, place: usize, last: usize, version: i64) -> AnyView {
    let class = if rule.enabled { "rule" } else { "rule off" };
    let off = (!rule.enabled).then(|| view! { <Tag text="Off"/> });
    let gone = rule.names_nobody.then(|| view! { <Tag tone=Tone::Warn text="What it names is not set up"/> });
    let share = rule.share.map(|share| {
        view! { <span class="quiet small">{format!(" · decided {} of last week’s work", words::percent(share))}</span> }
    });
    let step = |way: &'static str, sign: &'static str, possible: bool| {
        let (label, value) = (format!("Move {} {way}", rule.title), format!("{way}:{}", rule.name));
        view! { <button class="button" name="do" value=value aria-label=label disabled=!possible>{sign}</button> }
    };
    let (up, down) = (step("up", "↑", place > 1), step("down", "↓", place < last));
    let (edit, label) = (format!("/admin/rules/edit?rule={}", rule.name), format!("Edit {}", rule.title));
    view! {
        <li class=class id=rule.name.clone()>
            <span class="place">{place.to_string()}</span>
            <div class="stack-2">
                <div class="row"><h3>{rule.title.clone()}</h3>{off}{gone}</div>
                <p>"When "<code>{rule.condition.clone()}</code></p>
                <p>"Then "<b>{rule.action.clone()}</b>{share}</p>
            </div>
            <PostForm action="/admin/rules" class="row no-print">
                <input type="hidden" name="based_on" value=version.to_string()/>
                {up}
                {down}
                <a class="button" href=edit aria-label=label>"Edit"</a>
            </PostForm>
        </li>
    }
    .into_any()
}

/// `/admin/rules/versions?up_to=`
#[component]
pub fn RuleVersionsPage() -> impl IntoView {
    let up_to = query("up_to").and_then(|text| text.parse().ok());
    load_for_viewer(
        move |data, viewer| async move { data.rule_versions(&viewer, up_to).await },
        draw_versions,
    )
}

fn draw_versions(page: RuleVersions) -> AnyView {
    let versions = page.versions.iter().map(|version| version_row(version, page.in_force)).collect_view();
    let older = page.older.map(|older| {
        view! { <p><a class="button" href=format!("/admin/rules/versions?up_to={older}")>"Older versions"</a></p> }
    });
    view! {
        <PageTitle text="Versions of the routing rules"/>
        <main id="main">
            <div class="stack-2">
                <p class="quiet"><a href="/admin/rules">"Routing rules"</a></p>
                <h1>"Versions"</h1>
                <p class="quiet">"Each change is a version of its own. To go back is a change as well, and nothing is lost by it."</p>
            </div>
            <Message/>
            {versions}
            {older}
        </main>
    }
    .into_any()
}

fn version_row(version: &RuleVersion, in_force: i64) -> AnyView {
    let number = version.version;
    let by = version.author.clone().map_or_else(|| "as Quire came".to_owned(), |name| format!("by {name}"));
    let changes = match &version.changes {
        None => view! { <p class="quiet">"The oldest version."</p> }.into_any(),
        Some(changes) => {
            let changes =
                changes.iter().map(|change| view! { <li>{words::capital(change)}"."</li> }).collect_view();
            view! { <ul>{changes}</ul> }.into_any()
        }
    };
    let rules = version.rules.iter().map(|rule| view! { <li>{rule.clone()}</li> }).collect_view();
    let state = if number == in_force {
        view! { <Tag tone=Tone::Good text="In force"/> }.into_any()
    } else {
        view! {
            <PostForm action="/admin/rules" class="no-print">
                <input type="hidden" name="based_on" value=in_force.to_string()/>
                <button class="button" name="do" value=format!("restore:{number}") aria-label=format!("Put in force again: version {number}")>"Put in force again"</button>
            </PostForm>
        }
        .into_any()
    };
    let heading = format!("version-{number}");
    let labelled = heading.clone();
    view! {
        <section class="sheet stack" aria-labelledby=labelled>
            <div class="row between">
                <div class="stack-2">
                    <h2 id=heading>{format!("Version {number}")}</h2>
                    <p class="quiet"><Moment at=version.since/>{format!(", {by}")}</p>
                </div>
                {state}
            </div>
            {changes}
            <details><summary>{format!("Its {}", words::counted(version.rules.len() as u64, "rule", "rules"))}</summary><ol>{rules}</ol></details>
        </section>
    }
    .into_any()
}
