//! Versions of the prompt, which one is in use, and trials that hold them and other models against the marks there are.

use super::{Message, load_for_viewer, query};
use crate::components::{
    Cell, Column, DataTable, EmptyState, ErrorSummary, Field, Moment, Note, NoteTone, PageTitle, PostForm,
    Tag, Tone, clock, col, described_by, visit,
};
use crate::data::RefusedForm;
use crate::islands::AutoRefresh;
use crate::view::{PromptAdoption, PromptVersion, Prompts, Taken, Trial, TrialState, Verdict};
use crate::words;
use leptos::prelude::*;

/// The id of the part that is renewed while trials go on.
const PART: &str = "trials";

/// `/admin/prompts`
#[component]
pub fn PromptsPage() -> impl IntoView {
    let done = query("done");
    let sent = visit().form;
    load_for_viewer(
        move |data, viewer| async move { data.prompts(&viewer, sent.as_ref()).await },
        move |page| draw(page, done.as_deref()),
    )
}

fn draw(page: Prompts, done: Option<&str>) -> AnyView {
    let done = done.and_then(|what| {
        let text = match what {
            "used" => "Done. New assignments are marked by this version; those that were begun keep theirs.",
            _ => return None,
        };
        Some(view! { <Note tone=NoteTone::Good live=true><p>{text}</p></Note> })
    });
    let as_of = clock().time_with_seconds(page.as_of);
    let refresh = page
        .trials
        .iter()
        .any(|trial| trial.state == TrialState::Running)
        .then(|| view! { <AutoRefresh part=PART.to_owned() seconds=5 as_of=as_of.clone()/> });
    let refused = visit().form;
    let can_try = !page.assignments.is_empty() && !page.models.is_empty();
    view! {
        <PageTitle text="Prompts"/>
        <main id="main">
            <div class="stack-2">
                <h1>"Prompts"</h1>
                <p class="quiet">"How models are asked for marks. All work of an assignment is marked by one version, from its first to its last."</p>
            </div>
            <ErrorSummary form=refused/>
            <Message/>
            {done}
            <div class="side">
                <div class="stack apart">
                    {versions(&page.versions)}
                    <section class="stack" aria-labelledby="tried">
                        <div class="row between"><h2 id="tried">"Trials"</h2>{refresh}</div>
                        <div id=PART data-as-of=as_of>{trials(&page.trials)}</div>
                    </section>
                    {adoptions(&page.adoptions)}
                </div>
                <aside class="stack apart">
                    {if can_try { form(&page) } else { nothing_to_try() }}
                </aside>
            </div>
        </main>
    }
    .into_any()
}

fn versions(versions: &[PromptVersion]) -> AnyView {
    let rows = versions.iter().map(version).collect_view();
    view! {
        <section class="stack" aria-labelledby="versions">
            <h2 id="versions">"Versions"</h2>
            {rows}
            <p class="small quiet">"Costs are those of a thousand answers at today’s prices, every prompt read afresh, in batches where the provider takes them. What answers took is told from the newest 5,000 of the last 30 days."</p>
        </section>
    }
    .into_any()
}

fn version(version: &PromptVersion) -> AnyView {
    let number = version.number;
    let state = if version.in_use {
        view! { <Tag tone=Tone::Good text="In use"/> }.into_any()
    } else {
        let label = format!("Use it: version {number} for new assignments");
        view! {
            <PostForm action="/admin/prompts" class="row no-print">
                <input type="hidden" name="version" value=number.to_string()/>
                <div class="row"><input type="checkbox" id=format!("untried-{number}") name="untried" value="1"/><label for=format!("untried-{number}")>"even if no trial judged it equal"</label></div>
                <button class="button" name="do" value="use" aria-label=label>"Use it"</button>
            </PostForm>
        }
        .into_any()
    };
    let measured = if version.measured.is_empty() {
        view! { <p class="small quiet">"No answers in the last 30 days."</p> }.into_any()
    } else {
        let rows =
            version.measured.iter().map(|(model, taken)| taken_row(model.clone(), *taken)).collect_view();
        view! { <DataTable caption=format!("What answers to version {number} took in the last 30 days") columns=taken_columns() cards=true>{rows}</DataTable> }
            .into_any()
    };
    let assignments = words::counted(version.assignments, "assignment", "assignments");
    view! {
        <section class="sheet stack" aria-labelledby=format!("version-{number}")>
            <div class="row between"><h3 id=format!("version-{number}")>{format!("Version {number}")}</h3>{state}</div>
            <p>{format!("{}.", version.about)}" "<span class="quiet">{format!("{assignments} marked by it.")}</span></p>
            {measured}
        </section>
    }
    .into_any()
}

/// What answers of a marker take, as a row of a table.
pub(super) fn taken_row(who: String, taken: Taken) -> AnyView {
    let thousand = taken.thousand.map_or_else(|| "–".to_owned(), words::usd);
    view! {
        <tr role="row">
            <Cell label="Marked by"><b>{who}</b></Cell>
            <Cell label="Answers">{words::count(taken.answers)}</Cell>
            <Cell label="Tokens read">{words::count(taken.input_tokens)}</Cell>
            <Cell label="Tokens written">{words::count(taken.output_tokens)}</Cell>
            <Cell label="A thousand cost">{thousand}</Cell>
        </tr>
    }
    .into_any()
}

/// The columns of such a table.
pub(super) fn taken_columns() -> Vec<Column> {
    vec![col("Marked by"), col("Answers"), col("Tokens read"), col("Tokens written"), col("A thousand cost")]
}

/// The tag of a verdict.
pub(super) fn verdict(verdict: Verdict) -> AnyView {
    let (tone, text) = match verdict {
        Verdict::Equal => (Tone::Good, "Equal"),
        Verdict::Different => (Tone::Warn, "Not equal"),
        Verdict::Open => (Tone::Plain, "Open"),
    };
    view! { <Tag tone text/> }.into_any()
}

/// Kappa with two digits.
pub(super) fn kappa(kappa: Option<f64>) -> String {
    kappa.map_or_else(|| "–".to_owned(), |kappa| format!("{kappa:.2}"))
}

/// By how much one costs less or more than another, in words.
pub(super) fn saves(share: Option<f64>) -> String {
    match share {
        None => "–".to_owned(),
        Some(share) if share.abs() < 0.005 => "as much".to_owned(),
        Some(share) if share > 0.0 => format!("{} less", words::percent(share)),
        Some(share) => format!("{} more", words::percent(-share)),
    }
}

/// "gpt-6-luna of openai, prompt 2".
pub(super) fn marker((model, version): &(String, i64)) -> String {
    format!("{model}, prompt {version}")
}

fn trials(trials: &[Trial]) -> AnyView {
    if trials.is_empty() {
        return view! { <EmptyState title="No trials yet." hint="A trial marks works once more, another way, and tells how far both agree and what each takes."/> }
            .into_any();
    }
    let rows = trials.iter().map(trial).collect_view();
    let columns = vec![
        col("Trial"),
        col("Held against"),
        col("Works"),
        col("Kappa"),
        col("Marks"),
        col("Tokens written"),
        col("Costs"),
    ];
    view! { <DataTable caption="What trials have found" columns cards=true>{rows}</DataTable> }.into_any()
}

fn trial(trial: &Trial) -> AnyView {
    let (href, name) = (format!("/admin/prompts/{}", trial.id), marker(&trial.marker));
    let (assignment, at) = (trial.assignment.clone(), trial.started_at);
    let (against, figure) = (marker(&trial.against), kappa(trial.agreement.kappa));
    let (judged, costs) = (verdict(trial.agreement.verdict), saves(trial.saves));
    let done = trial.marked + trial.unusable + trial.unanswered;
    let works = match trial.state {
        TrialState::Running => format!("{} of {}", words::count(done), words::count(trial.works)),
        TrialState::Stopped => {
            format!("{} of {}, stopped", words::count(trial.marked), words::count(trial.works))
        }
        TrialState::Ended => words::count(trial.agreement.works + trial.people.works),
    };
    let tokens =
        format!("{} / {}", words::count(trial.own.output_tokens), words::count(trial.other.output_tokens));
    view! {
        <tr role="row">
            <Cell label="Trial">
                <a href=href><b>{name}</b></a>
                <div class="small quiet">{assignment}", "<Moment at=at/></div>
            </Cell>
            <Cell label="Held against">{against}</Cell>
            <Cell label="Works">{works}</Cell>
            <Cell label="Kappa">{figure}</Cell>
            <Cell label="Marks">{judged}</Cell>
            <Cell label="Tokens written">{tokens}</Cell>
            <Cell label="Costs">{costs}</Cell>
        </tr>
    }
    .into_any()
}

fn adoptions(adoptions: &[PromptAdoption]) -> Option<AnyView> {
    if adoptions.is_empty() {
        return None;
    }
    let rows = adoptions
        .iter()
        .map(|adoption| {
            let by = adoption.by.clone().unwrap_or_else(|| "a person who is gone".to_owned());
            view! { <li><Moment at=adoption.at/>{format!(": version {} was put in use by {by}; {}.", adoption.version, adoption.evidence)}</li> }
        })
        .collect_view();
    Some(
        view! {
            <section class="stack" aria-labelledby="changes">
                <h2 id="changes">"Changes"</h2>
                <ul class="stack-2">{rows}</ul>
            </section>
        }
        .into_any(),
    )
}

fn nothing_to_try() -> AnyView {
    view! {
        <section class="sheet stack" aria-labelledby="try">
            <h2 id="try">"Start a trial"</h2>
            <p>"A trial needs a provider that is set up, and works that have marks."</p>
        </section>
    }
    .into_any()
}

fn form(page: &Prompts) -> AnyView {
    let refused = visit().form.unwrap_or_else(|| RefusedForm { errors: Vec::new(), values: Vec::new() });
    let select = |id: &'static str, label: &'static str, chosen: &str, all: Vec<(String, String)>| {
        let error = refused.error(id).map(str::to_owned);
        let (described, wrong) =
            (described_by(id, false, error.is_some()), error.is_some().then_some("true"));
        let options = all
            .into_iter()
            .map(|(value, text)| {
                let selected = value == chosen;
                view! { <option value=value selected=selected>{text}</option> }
            })
            .collect_view();
        view! { <Field id=id label=label error=error><select id=id name=id aria-describedby=described aria-invalid=wrong>{options}</select></Field> }.into_any()
    };
    let versions = page
        .versions
        .iter()
        .map(|version| (version.number.to_string(), format!("Version {}", version.number)))
        .collect();
    let works_error = refused.error("works").map(str::to_owned);
    let works_wrong = works_error.is_some().then_some("true");
    let works_described = described_by("works", true, works_error.is_some());
    let works = page.draft.works.clone();
    let assignment = select("assignment", "Works of", &page.draft.assignment, page.assignments.clone());
    let model = select("model", "Marked by", &page.draft.model, page.models.clone());
    let prompt = select("prompt", "Asked by", &page.draft.version, versions);
    view! {
        <PostForm action="/admin/prompts" class="sheet stack no-print">
            <h2>"Start a trial"</h2>
            <p class="small quiet">"Works that have marks are marked once more, and the two are held against each other. No student sees anything of it."</p>
            {assignment}
            {model}
            {prompt}
            <Field id="works" label="How many works" hint="30 are needed to judge by; 200 are possible. They are asked for in real time, at its price." error=works_error>
                <input id="works" name="works" inputmode="numeric" maxlength="5" autocomplete="off" value=works aria-describedby=works_described aria-invalid=works_wrong/>
            </Field>
            <button class="button main" name="do" value="start">"Start it"</button>
        </PostForm>
    }
    .into_any()
}
