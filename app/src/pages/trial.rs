//! One trial: how far both agree, on the whole and by criterion, what each takes, and what went wrong.

use super::{
    Message, load_for_viewer, param,
    prompts::{kappa, marker, saves, taken_columns, taken_row, verdict},
    query,
};
use crate::components::{
    DataTable, Figure, Moment, Note, NoteTone, PageTitle, PostForm, Tag, Tone, clock, col, num,
};
use crate::islands::AutoRefresh;
use crate::view::{Agreement, Trial, TrialCriterion, TrialDetail, TrialState};
use crate::words;
use leptos::prelude::*;

/// The id of the part that is renewed while the trial goes on.
const PART: &str = "found";

/// `/admin/prompts/{id}`
#[component]
pub fn TrialPage() -> impl IntoView {
    let (id, done) = (param("id"), query("done"));
    load_for_viewer(
        move |data, viewer| async move { data.trial(&viewer, &id).await },
        move |page| draw(page, done.is_some()),
    )
}

fn draw(page: TrialDetail, done: bool) -> AnyView {
    let trial = &page.trial;
    let stopped = done.then(|| {
        view! { <Note tone=NoteTone::Good live=true><p>"The trial is stopped. What it has found is kept."</p></Note> }
    });
    let as_of = clock().time_with_seconds(page.as_of);
    let running = trial.state == TrialState::Running;
    let refresh =
        running.then(|| view! { <AutoRefresh part=PART.to_owned() seconds=3 as_of=as_of.clone()/> });
    let id = trial.id.clone();
    let stop = running.then(move || {
        view! {
            <PostForm action="/admin/prompts" class="no-print">
                <input type="hidden" name="trial" value=id/>
                <button class="button" name="do" value="stop">"Stop it"</button>
            </PostForm>
        }
    });
    view! {
        <PageTitle text=format!("Trial, {}", marker(&trial.marker))/>
        <main id="main">
            <div class="stack-2">
                <p class="quiet"><a href="/admin/prompts">"Prompts"</a></p>
                <h1>{marker(&trial.marker)}</h1>
                <p class="quiet">
                    {format!("{}, held against {}. Started ", trial.assignment, marker(&trial.against))}
                    <Moment at=trial.started_at/>"."
                </p>
            </div>
            <Message/>
            {stopped}
            {refresh}
            <div class="stack apart" id=PART data-as-of=as_of>
                <div class="row between">{progress(trial)}<div class="row no-print">{stop}</div></div>
                {figures(trial)}
                {people(&trial.people)}
                {criteria(&page.criteria)}
                {taken(trial)}
                {errors(&page.errors)}
            </div>
        </main>
    }
    .into_any()
}

fn progress(trial: &Trial) -> AnyView {
    let done = trial.marked + trial.unusable + trial.unanswered;
    let tag = match trial.state {
        TrialState::Running => view! { <Tag tone=Tone::On text="Goes on"/> },
        TrialState::Ended => view! { <Tag tone=Tone::Good text="Ended"/> },
        TrialState::Stopped => view! { <Tag tone=Tone::Warn text="Stopped"/> },
    };
    let mut parts = vec![format!("{} of {} works are done", words::count(done), words::count(trial.works))];
    for (count, what) in
        [(trial.unusable, "with an answer that can’t be used"), (trial.unanswered, "without an answer")]
    {
        if count > 0 {
            parts.push(format!("{} {what}", words::count(count)));
        }
    }
    view! { <p class="row">{tag}<span>{format!("{}. {} spent.", parts.join(", "), words::usd(trial.spent))}</span></p> }.into_any()
}

fn figures(trial: &Trial) -> AnyView {
    let agreement = &trial.agreement;
    let difference = match agreement.difference {
        _ if agreement.works == 0 => "nothing is marked by both yet".to_owned(),
        difference if difference.abs() < 0.005 => "the same on average".to_owned(),
        difference if difference > 0.0 => format!("{} points higher on average", words::points(difference)),
        difference => format!("{} points lower on average", words::points(-difference)),
    };
    let same = if agreement.works == 0 { "–".to_owned() } else { words::percent(agreement.same) };
    let works = words::counted(agreement.works, "work", "works");
    view! {
        <section class="stack" aria-labelledby="agreement">
            <div class="row"><h2 id="agreement">"Marks"</h2>{verdict(agreement.verdict)}</div>
            <p>{agreement.words.clone()}</p>
            <div class="grid">
                <Figure label="Quadratic weighted kappa" value=kappa(agreement.kappa)>{format!("over {works}; 1 is full agreement, 0 chance")}</Figure>
                <Figure label="The same points" value=same>{difference}</Figure>
                <Figure label="Cost of an answer" value=saves(trial.saves)>"beside the answers that it is held against"</Figure>
            </div>
        </section>
    }
    .into_any()
}

fn people(people: &Agreement) -> Option<AnyView> {
    if people.works == 0 {
        return None;
    }
    let works = words::counted(people.works, "work", "works");
    let text = format!(
        "With {works} marked by people: kappa {}, the same points in {}. {}",
        kappa(people.kappa),
        words::percent(people.same),
        people.words
    );
    Some(
        view! { <section class="stack" aria-labelledby="people"><h2 id="people">"Marks by people"</h2><p>{text}</p></section> }
            .into_any(),
    )
}

fn criteria(criteria: &[TrialCriterion]) -> AnyView {
    let share = |criterion: &TrialCriterion, share| match criterion.works {
        0 => "–".to_owned(),
        _ => words::percent(share),
    };
    let rows = criteria
        .iter()
        .map(|criterion| {
            view! {
                <tr>
                    <td><b>{criterion.title.clone()}</b></td>
                    <td class="num">{share(criterion, criterion.exact)}</td>
                    <td class="num">{share(criterion, criterion.adjacent)}</td>
                    <td class="num">{kappa(criterion.kappa)}</td>
                </tr>
            }
        })
        .collect_view();
    let columns = vec![col("Criterion"), num("Same level"), num("Or one next to it"), num("Kappa")];
    view! {
        <section class="stack" aria-labelledby="criteria">
            <h2 id="criteria">"By criterion"</h2>
            <DataTable caption="How far both agree about each criterion" columns>{rows}</DataTable>
        </section>
    }
    .into_any()
}

fn taken(trial: &Trial) -> AnyView {
    let own = taken_row(marker(&trial.marker), trial.own);
    let other = taken_row(marker(&trial.against), trial.other);
    view! {
        <section class="stack" aria-labelledby="taken">
            <h2 id="taken">"Tokens and cost"</h2>
            <DataTable caption="What both take for the same works" columns=taken_columns() cards=true>{own}{other}</DataTable>
            <p class="small quiet">"Tokens as the providers counted them. A thousand answers at today’s prices, every prompt read afresh, in batches where the provider takes them."</p>
        </section>
    }
    .into_any()
}

fn errors(errors: &[(String, u64)]) -> Option<AnyView> {
    if errors.is_empty() {
        return None;
    }
    let rows = errors
        .iter()
        .map(|(what, works)| view! { <li>{format!("{}: {what}", words::counted(*works, "work", "works"))}</li> })
        .collect_view();
    Some(
        view! { <section class="stack" aria-labelledby="wrong"><h2 id="wrong">"What went wrong"</h2><ul class="stack-2">{rows}</ul></section> }
            .into_any(),
    )
}
