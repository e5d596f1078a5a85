//! One routing rule being changed or added: checked, tried on a submission, replayed over the past, put in force.

use super::{load_for_viewer, query};
use crate::components::{
    DataTable, ErrorSummary, Field, Note, NoteTone, PageTitle, PostForm, col, described_by, num, visit,
};
use crate::data::{FieldError, RefusedForm};
use crate::islands::ConditionCheck;
use crate::render::answer_refused;
use crate::view::{NanoUsd, ReplayChange, ReplaySide, ReplayWay, RuleEdit, RuleReplay, RuleTried};
use crate::{when, words};
use chrono::TimeDelta;
use leptos::prelude::*;
use std::collections::BTreeMap;

/// `/admin/rules/edit?rule=`; without a name a new one
#[component]
pub fn RulePage() -> impl IntoView {
    let name = query("rule");
    let sent = visit().form;
    load_for_viewer(
        move |data, viewer| async move { data.rule(&viewer, name.as_deref(), sent.as_ref()).await },
        draw,
    )
}

fn draw(page: RuleEdit) -> AnyView {
    let sent = visit().form;
    let errors: Vec<FieldError> = match sent {
        Some(form) if !form.errors.is_empty() => form.errors,
        _ => page.errors.clone(),
    };
    if !errors.is_empty() {
        answer_refused();
    }
    let (title, heading) = match page.place {
        Some(place) => (format!("Change {}", page.draft.title), format!("Change rule {place}")),
        None => ("Add a rule".to_owned(), "Add a rule".to_owned()),
    };
    let refused = RefusedForm { errors, values: Vec::new() };
    let facts = page
        .facts
        .iter()
        .map(|fact| {
            view! {
                <li>
                    <code>{fact.name.clone()}</code>
                    <span>{fact.about.clone()}" "<span class="small quiet">{fact.holds.clone()}</span></span>
                </li>
            }
        })
        .collect_view();
    let tried = page.tried.as_ref().map(tried);
    let replayed = page.replay.as_ref().map(replayed);
    view! {
        <PageTitle text=title/>
        <main id="main">
            <div class="stack-2">
                <p class="quiet"><a href="/admin/rules">"Routing rules"</a></p>
                <h1>{heading}</h1>
            </div>
            <ErrorSummary form=Some(refused.clone())/>
            <div class="side even">
                {form(&page, &refused)}
                <div class="stack apart">
                    {tried}
                    {replayed}
                    <section class="stack">
                        <details open=page.tried.is_none() && page.replay.is_none()>
                            <summary>"What a condition can look at"</summary>
                            <p>"Compare facts with "<code>"=="</code>", "<code>"!="</code>", "<code>"<"</code>", "<code>">"</code>" or "<code>"in [ ]"</code>", and join what must hold with "<code>"&&"</code>" (and), "<code>"||"</code>" (or), "<code>"!"</code>" (not)."</p>
                            <ul class="facts">{facts}</ul>
                        </details>
                    </section>
                </div>
            </div>
        </main>
    }
    .into_any()
}

/// A field in which something is chosen.
fn choice(
    refused: &RefusedForm,
    id: &'static str,
    label: &'static str,
    chosen: &str,
    options: Vec<(String, String)>,
) -> AnyView {
    let error = refused.error(id).map(str::to_owned);
    let (described, wrong) = (described_by(id, false, error.is_some()), error.is_some().then_some("true"));
    let options = options
        .into_iter()
        .map(|(value, text)| {
            let selected = value == chosen;
            view! { <option value=value selected=selected>{text}</option> }
        })
        .collect_view();
    view! {
        <Field id label error>
            <select id=id name=id aria-describedby=described aria-invalid=wrong>{options}</select>
        </Field>
    }
    .into_any()
}

/// How a field is typed into.
#[derive(Default)]
struct Typing {
    most: &'static str,
    class: Option<&'static str>,
    mode: Option<&'static str>,
    example: Option<&'static str>,
}

/// A field in which something is typed.
fn text(
    refused: &RefusedForm,
    id: &'static str,
    label: &'static str,
    value: String,
    typing: Typing,
) -> AnyView {
    let error = refused.error(id).map(str::to_owned);
    let (described, wrong) = (described_by(id, false, error.is_some()), error.is_some().then_some("true"));
    let Typing { most, class, mode, example } = typing;
    view! {
        <Field id label error>
            <input id=id name=id class=class maxlength=most inputmode=mode placeholder=example spellcheck="false" autocapitalize="off" autocomplete="off" value=value aria-describedby=described aria-invalid=wrong/>
        </Field>
    }
    .into_any()
}

fn named(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(value, text)| ((*value).to_owned(), (*text).to_owned())).collect()
}

/// What is chosen but not set up any more can be seen, and chosen again.
fn with_gone(options: &mut Vec<(String, String)>, chosen: &str) {
    if options.iter().all(|(value, _)| value != chosen) {
        options.push((chosen.to_owned(), format!("{chosen} (not set up)")));
    }
}

/// Each model once, with those who have it.
fn whose_models(providers: &[(String, Vec<String>)]) -> Vec<(String, String)> {
    let mut whose: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (provider, models) in providers {
        for model in models {
            whose.entry(model).or_default().push(provider);
        }
    }
    whose
        .iter()
        .map(|(model, whose)| ((*model).to_owned(), format!("{model} ({})", whose.join(", "))))
        .collect()
}

fn form(page: &RuleEdit, refused: &RefusedForm) -> AnyView {
    let draft = page.draft.clone();
    let ways = named(&[
        ("prefer_batch", "prefer batch, unless it would be late"),
        ("batch", "batch"),
        ("batch_unless_urgent", "batch unless urgent"),
        ("realtime", "mark in real time"),
    ]);
    let lanes =
        named(&[("", "by urgency"), ("urgent", "urgent"), ("standard", "standard"), ("economy", "economy")]);
    let mut providers = named(&[("", "the cheapest that suits")]);
    providers.extend(page.providers.iter().map(|(name, _)| (name.clone(), name.clone())));
    with_gone(&mut providers, &draft.provider);
    let mut models = named(&[("", "the one that its provider marks with")]);
    models.extend(whose_models(&page.providers));
    with_gone(&mut models, &draft.model);
    let action = if draft.name.is_empty() {
        "/admin/rules/edit".to_owned()
    } else {
        format!("/admin/rules/edit?rule={}", draft.name)
    };
    let remove = page.place.map(|_| {
        view! { <button class="button" name="do" value="remove">"Remove this rule"</button> }
    });
    let code = Typing { most: "1000", class: Some("code"), ..Typing::default() };
    let number = Typing { most: "3", mode: Some("numeric"), ..Typing::default() };
    let id = Typing { most: "20", example: Some("QR-7F3K-92MD"), ..Typing::default() };
    let title = text(refused, "title", "Called", draft.title, Typing { most: "60", ..Typing::default() });
    let condition = text(refused, "condition", "When", draft.condition, code);
    let way = choice(refused, "way", "Then", &draft.way, ways);
    let lane = choice(refused, "lane", "Lane", &draft.lane, lanes);
    let provider = choice(refused, "provider", "Provider", &draft.provider, providers);
    let model = choice(refused, "model", "Model", &draft.model, models);
    let days = text(refused, "days", "Days back", draft.days, number);
    let tracking_id = text(refused, "tracking_id", "A submission’s tracking id", draft.tracking_id, id);
    let (version, enabled, hold) = (page.version.to_string(), draft.enabled, draft.hold);
    view! {
        <PostForm action=action class="sheet stack no-print">
            <h2>"The rule"</h2>
            <input type="hidden" name="based_on" value=version/>
            {title}
            {condition}
            <ConditionCheck/>
            {way}
            {lane}
            {provider}
            {model}
            <div class="row"><input type="checkbox" id="hold" name="hold" value="1" checked=hold/><label for="hold">"A person approves the marks"</label></div>
            <div class="row"><input type="checkbox" id="enabled" name="enabled" value="1" checked=enabled/><label for="enabled">"Switched on"</label></div>
            <h2>"See what it would change"</h2>
            {days}
            <p><button class="button" name="do" value="replay">"Replay"</button></p>
            {tracking_id}
            <p><button class="button" name="do" value="try">"Try on it"</button></p>
            <h2>"Put it in force"</h2>
            <p class="small quiet">"Work that is handed in from then on goes by it. Work that waits keeps its way."</p>
            <div class="row">
                <button class="button main" name="do" value="save">"Put in force"</button>
                {remove}
            </div>
        </PostForm>
    }
    .into_any()
}

fn tried(tried: &RuleTried) -> AnyView {
    let outcome = if tried.same {
        format!("It would go the same way: {}.", tried.would_be)
    } else {
        format!("It went {}; it would go {}.", tried.was, tried.would_be)
    };
    let (id, reasoning) = (tried.tracking_id.clone(), tried.reasoning.clone());
    let address = format!("/teach/submissions/{id}");
    view! {
        <section class="stack" aria-labelledby="tried">
            <h2 id="tried">"Tried on one submission"</h2>
            <Note live=true>
                <p><a class="id" href=address>{id}</a>" "{outcome}</p>
                <p class="quiet">{reasoning}</p>
            </Note>
        </section>
    }
    .into_any()
}

fn span(seconds: i64) -> String {
    when::span(TimeDelta::seconds(seconds))
}

fn replayed(replay: &RuleReplay) -> AnyView {
    let line = |what: &'static str, of: &dyn Fn(&ReplaySide) -> String| {
        view! {
            <tr>
                <td>{what}</td>
                <td class="num">{of(&replay.was)}</td>
                <td class="num"><b>{of(&replay.would_be)}</b></td>
            </tr>
        }
        .into_any()
    };
    let held = replay.was.held + replay.would_be.held > 0;
    let held = held.then(|| line("Held for approval", &|side| words::count(side.held)));
    let lines = [
        line("Real time", &|side| words::count(side.realtime)),
        line("Batch", &|side| words::count(side.batch)),
        line("Cost", &|side| words::usd(side.cost)),
        line("Half ready within", &|side| span(side.half_within)),
        line("Longest wait", &|side| span(side.longest)),
    ];
    let took = TimeDelta::milliseconds(i64::try_from(replay.milliseconds).unwrap_or(i64::MAX));
    let took = format!("{}.{} s", took.num_seconds(), took.num_milliseconds() % 1_000 / 100);
    let works = words::counted(replay.replayed, "submission", "submissions");
    let left_out = (replay.left_out > 0)
        .then(|| format!(" {} left out: their decisions can’t be replayed.", words::count(replay.left_out)));
    let changes = (!replay.changes.is_empty()).then(|| changes(replay.changed, &replay.changes));
    let body = if replay.replayed == 0 {
        view! { <Note tone=NoteTone::Info live=true><p>"Nothing was handed in in that time."</p></Note> }
            .into_any()
    } else {
        view! {
            <DataTable caption=format!("Over {}", words::counted(replay.days, "day", "days")) columns=vec![col("What"), num("Was"), num("Would be")]>{lines}{held}</DataTable>
            <p class="small quiet" role="status">{format!("{works} replayed in {took}; {} would go another way.", words::count(replay.changed))}{left_out}</p>
            {changes}
        }
        .into_any()
    };
    view! {
        <section class="stack" aria-labelledby="replay">
            <h2 id="replay">"Replay: what would have changed"</h2>
            {body}
        </section>
    }
    .into_any()
}

fn changes(changed: u64, changes: &[ReplayChange]) -> AnyView {
    let way = |way: &ReplayWay, by_model: bool| {
        let (route, lane) = (words::route(way.route), words::lane(way.lane).to_lowercase());
        let model = if by_model { format!(", by {}", way.model) } else { String::new() };
        let held = if way.held { ", held for approval" } else { "" };
        format!("{route}, {lane} lane, {}{model}{held}", way.provider)
    };
    let money =
        |(was, would_be): (NanoUsd, NanoUsd)| format!("{} → {}", words::usd(was), words::usd(would_be));
    let rows = changes
        .iter()
        .map(|change| {
            let id = change.tracking_id.clone().map(|id| {
                view! { <a class="id" href=format!("/teach/submissions/{id}")>{id.clone()}</a> }
            });
            // Models are named where nothing else tells two ways apart.
            let by_model =
                change.was.provider == change.would_be.provider && change.was.model != change.would_be.model;
            view! {
                <tr>
                    <td>{id}</td>
                    <td>{way(&change.was, by_model)}</td>
                    <td>{way(&change.would_be, by_model)}</td>
                    <td class="num">{money(change.cost)}</td>
                </tr>
            }
        })
        .collect_view();
    let shown = changes.len() as u64;
    let what = if shown < changed {
        format!("The newest {} of the {} that change", words::count(shown), words::count(changed))
    } else {
        format!("The {} that change", words::count(changed))
    };
    view! {
        <details>
            <summary>{what}</summary>
            <DataTable caption="What would go another way" columns=vec![col("Submission"), col("Was"), col("Would be"), num("Cost")]>{rows}</DataTable>
        </details>
    }
    .into_any()
}
