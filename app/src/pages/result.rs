//! The result: the work and its marks side by side.

use super::Message;
use super::submission::lead;
use crate::components::{CriterionMarks, Note, PageTitle, Tag, Tone, Total, WorkText, clock};
use crate::islands::PrintButton;
use crate::view::{Assessment, DecidedBy, Outcome, Submission};
use crate::words;
use leptos::prelude::*;

pub(super) fn draw_result(submission: Submission, outcome: Outcome) -> AnyView {
    let Outcome { assessment, work } = outcome;
    let evidence =
        assessment.criteria.iter().flat_map(|criterion| criterion.evidence.clone()).collect::<Vec<_>>();
    let words = words::counted(work.words.into(), "word", "words");
    let title = format!("Your {}", submission.noun);
    let replace = submission.replace.map(|_| {
        view! { <a class="button" href=format!("/assignments/{}", submission.assignment_id)>"Hand in a newer version"</a> }
    });
    view! {
        <PageTitle text=format!("{}: marks", submission.assignment)/>
        <main id="main">
            <div class="stack-2">
                <p class="quiet">{lead(&submission)}" · "<span class="id">{submission.tracking_id.clone()}</span></p>
                <h1>"Your marks are ready"</h1>
            </div>
            <Message/>
            <div class="side turned">
                <section class="sheet stack" aria-label="Your marks">
                    {assessment_body(assessment, false)}
                    <div class="row no-print">{replace}<PrintButton/></div>
                </section>
                <section class="sheet stack follow" tabindex="0" aria-label=title.clone()>
                    <div class="row between"><h2>{title.clone()}</h2><span class="small quiet">{words}</span></div>
                    <WorkText work evidence/>
                </section>
            </div>
        </main>
    }
    .into_any()
}

/// The marks and feedback, for the student or for staff.
pub(super) fn assessment_body(assessment: Assessment, held: bool) -> AnyView {
    let mut first_evidence = 1;
    let criteria = assessment
        .criteria
        .into_iter()
        .map(|criterion| {
            let first = first_evidence;
            first_evidence += criterion.evidence.len();
            let change =
                assessment.compared.iter().find(|change| change.criterion == criterion.name).cloned();
            view! { <CriterionMarks criterion first_evidence=first change/> }
        })
        .collect_view();
    let tag = if held {
        view! { <Tag tone=Tone::Warn text="Held, not released"/> }
    } else {
        match assessment.decided_by {
            DecidedBy::Kept { draft } => {
                view! { <Tag tone=Tone::On text=format!("Marks of version {draft}")/> }
            }
            DecidedBy::Model => view! { <Tag tone=Tone::On text="Marked by a model"/> },
            DecidedBy::Approved { .. } => view! { <Tag tone=Tone::Good text="Approved by a teacher"/> },
            DecidedBy::Person { .. } => view! { <Tag tone=Tone::Good text="Marked by a teacher"/> },
        }
    };
    let simulated = assessment.simulated.then(|| {
        view! {
            <Note tone=crate::components::NoteTone::Warn>
                <p><b>"Simulated marks."</b>" A stand-in made them up from simple features of the text. They say nothing about the work."</p>
            </Note>
        }
    });
    let next = assessment.next.map(|next| view! { <Note><p><b>"Try next: "</b>{next}</p></Note> });
    view! {
        <h2 class="unseen">"Marks"</h2>
        <div class="row between"><Total score=assessment.total/>{tag}</div>
        {simulated}
        <p>{assessment.feedback}</p>
        <div>{criteria}</div>
        {next}
        <p class="small quiet">{words::decided_by(&assessment.decided_by, clock())}</p>
    }
    .into_any()
}
