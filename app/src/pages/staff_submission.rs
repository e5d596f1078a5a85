//! One submission as staff see it: work, marks, why it went the way it went.

use super::result::assessment_body;
use super::teach::staff_tag;
use super::{Message, load_for_viewer, param};
use crate::components::{
    ButtonLink, DataTable, EmptyState, Moment, Note, NoteTone, PageTitle, Tag, Tone, WorkText, clock, col,
    num, visit,
};
use crate::data::Role;
use crate::view::{Assessment, Attempt, AttemptOutcome, Decision, NanoUsd, Reused, StaffSubmission, Status};
use crate::{when, words};
use leptos::prelude::*;

/// `/teach/submissions/{tracking_id}`
#[component]
pub fn StaffSubmissionPage() -> impl IntoView {
    let tracking_id = param("tracking_id");
    load_for_viewer(
        move |data, viewer| async move { data.staff_submission(&viewer, &tracking_id).await },
        draw,
    )
}

fn draw(page: StaffSubmission) -> AnyView {
    let evidence = page.assessment.iter().flat_map(evidence_of).collect::<Vec<_>>();
    let words = words::counted(page.work.words.into(), "word", "words");
    let by_hand = page.dead_letter.map(|letter| {
        // The page of a dead letter is for administrators.
        let admin = visit().viewer.is_some_and(|viewer| viewer.role == Role::Admin);
        let see = admin.then(|| view! { <ButtonLink href=format!("/admin/dead-letters/{letter}") text="See the dead letter"/> });
        view! {
            <div class="row no-print">
                <ButtonLink main=true href=format!("/teach/submissions/{}/mark", page.tracking_id) text="Mark it by hand"/>
                {see}
            </div>
        }
    });
    let closed = page.status == Status::Closed;
    let held = page.held_because.map(|why| {
        let begin = if closed { "Closed without marks: " } else { "Held: " };
        view! { <Note tone=NoteTone::Warn><p><b>{begin}</b>{why}</p></Note> }
    });
    let released = page.assessment.as_ref().is_some_and(|assessment| assessment.released_at.is_some());
    let marks = match page.assessment {
        Some(assessment) => assessment_body(assessment, !released).into_any(),
        None => {
            let when = page
                .estimate
                .map_or_else(String::new, |estimate| format!("Expected {}.", clock().range(estimate)));
            let place = page.place.map_or_else(String::new, |(position, of)| {
                format!(" {} in its lane of {}.", words::ordinal(position.into()), words::count(of.into()))
            });
            view! { <h2>"No marks yet"</h2><p class="quiet">{when}{place}</p> }.into_any()
        }
    };
    let confidence = page.confidence.map(|confidence| {
        view! { <p class="small quiet">{format!("The model’s confidence is {}.", words::percent(confidence))}</p> }
    });
    view! {
        <PageTitle text=format!("{}: {}", page.student, page.assignment)/>
        <main id="main">
            <div class="row between">
                <div class="stack-2">
                    <p class="quiet">
                        <a href=format!("/teach/assignments/{}", page.assignment_id)>{page.assignment.clone()}</a>
                        " · "{page.course}", "{words::draft(page.draft)}" · "<span class="id">{page.tracking_id}</span>
                    </p>
                    <h1>{page.student}</h1>
                    <p class="small quiet">"Handed in "<Moment at=page.submitted_at/></p>
                </div>
                {staff_tag(page.status)}
            </div>
            <Message/>
            {held}
            {by_hand}
            <div class="side turned">
                <section class="sheet stack" aria-label="Marks">{marks}{confidence}</section>
                <section class="sheet stack follow" tabindex="0" aria-label="Work">
                    <div class="row between"><h2>"Work"</h2><span class="small quiet">{words}</span></div>
                    <WorkText work=page.work evidence/>
                </section>
            </div>
            {page.decisions.into_iter().enumerate().map(|(index, decision)| draw_decision(decision, index == 0)).collect_view()}
            {attempts_section(page.attempts, page.reused, page.cost)}
        </main>
    }
    .into_any()
}

fn evidence_of(assessment: &Assessment) -> Vec<crate::view::Evidence> {
    assessment.criteria.iter().flat_map(|criterion| criterion.evidence.clone()).collect()
}

fn draw_decision(decision: Decision, newest: bool) -> AnyView {
    let rule = decision.rule.unwrap_or_else(|| "none applied".to_owned());
    let estimate = decision.estimate.map_or_else(|| "–".to_owned(), |estimate| clock().range(estimate));
    let fallbacks =
        if decision.fallbacks.is_empty() { "none".to_owned() } else { decision.fallbacks.join(", then ") };
    let facts = decision
        .facts
        .into_iter()
        .map(|(name, value)| view! { <tr><td class="id">{name}</td><td>{value}</td></tr> })
        .collect_view();
    let heading = if newest { "Routing decision" } else { "Earlier decision" };
    view! {
        <section class="stack plain">
            <div class="row between"><h2>{heading}</h2><span class="small quiet"><Moment at=decision.at/></span></div>
            <div class="side">
                <div class="stack-2">
                    <p>
                        <b>{format!("{}, {} lane", words::route(decision.route), words::lane(decision.lane).to_lowercase())}</b>
                        {format!(", with {} and ", decision.provider)}<span class="nowrap">{decision.model}</span>"."
                    </p>
                    <ul>{decision.reasons.into_iter().map(|reason| view! { <li>{reason}</li> }).collect_view()}</ul>
                    <details class="small">
                        <summary>"What was known then"</summary>
                        <DataTable caption="Facts of the decision" columns=vec![col("Fact"), col("Value")]>{facts}</DataTable>
                    </details>
                </div>
                <dl class="pairs">
                    <div><dt>"Rule"</dt><dd>{rule}</dd></div>
                    <div><dt>"Confidence"</dt><dd>{words::percent(decision.confidence)}</dd></div>
                    <div><dt>"Cost expected"</dt><dd>{words::usd(decision.cost)}</dd></div>
                    <div><dt>"Marks expected"</dt><dd>{estimate}</dd></div>
                    <div><dt>"If it fails"</dt><dd>{fallbacks}</dd></div>
                </dl>
            </div>
        </section>
    }
    .into_any()
}

fn attempts_section(attempts: Vec<Attempt>, reused: Option<Reused>, cost: NanoUsd) -> AnyView {
    let again = reused.map(|Reused { saved, kept_from }| {
        let saved = words::usd(saved);
        let text = match kept_from {
            None => format!("Answered by an earlier request for the same work. Asking again would have cost {saved}. Students are not told of it."),
            Some(draft) => format!("Next to nothing changed since version {draft}, so its marks stand, as this assignment has it. Asking again would have cost {saved}. The student is told."),
        };
        view! { <p>{text}</p> }
    });
    let table = if attempts.is_empty() && reused.is_some() {
        ().into_any()
    } else if attempts.is_empty() {
        view! { <EmptyState title="No attempt yet." hint="The first one begins when the work is sent to a provider."/> }
            .into_any()
    } else {
        let columns = vec![
            num("No."),
            col("Way"),
            col("Began"),
            num("Took"),
            col("Outcome"),
            num("Tokens"),
            num("Cost"),
        ];
        view! { <DataTable caption="Attempts" columns>{attempts.into_iter().map(attempt_row).collect_view()}</DataTable> }
            .into_any()
    };
    view! {
        <section class="stack plain">
            <div class="row between"><h2>"Attempts"</h2><span class="small quiet">{format!("{} so far", words::usd(cost))}</span></div>
            {again}
            {table}
        </section>
    }
    .into_any()
}

fn attempt_row(attempt: Attempt) -> AnyView {
    // The page of a batch is for administrators.
    let admin = visit().viewer.is_some_and(|viewer| viewer.role == Role::Admin);
    let way = match attempt.batch_id {
        Some(batch) if admin => {
            view! { "in "<a class="id" href=format!("/admin/batches/{batch}")>{batch.clone()}</a> }.into_any()
        }
        Some(batch) => view! { "in "<span class="id">{batch}</span> }.into_any(),
        None => words::route(attempt.route).to_lowercase().into_any(),
    };
    let outcome = match attempt.outcome {
        AttemptOutcome::Running => view! { <Tag tone=Tone::On text="Running"/> }.into_any(),
        AttemptOutcome::Marked => view! { <Tag tone=Tone::Good text="Marked"/> }.into_any(),
        AttemptOutcome::Failed(why) => {
            view! { <Tag tone=Tone::Bad text="Failed"/><div class="small quiet">{why}</div> }.into_any()
        }
    };
    let tokens = attempt.tokens.map_or_else(
        || "–".to_owned(),
        |(read, written)| format!("{} in, {} out", words::count(read), words::count(written)),
    );
    view! {
        <tr>
            <td class="num">{attempt.number}</td>
            <td class="text">{format!("{}, {}", attempt.provider, attempt.model)}<div class="small quiet">{way}</div></td>
            <td><Moment at=attempt.started_at short=true/></td>
            <td class="num">{attempt.took.map_or_else(|| "–".to_owned(), when::span)}</td>
            <td class="text">{outcome}</td>
            <td class="num">{tokens}</td>
            <td class="num">{attempt.cost.map_or_else(|| "–".to_owned(), words::usd)}</td>
        </tr>
    }
    .into_any()
}
