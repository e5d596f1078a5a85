//! The one page of a submission: acknowledgement, progress, result.

use super::result::draw_result;
use super::{Message, load_for_viewer, param};
use crate::components::{Note, PageTitle, Remarks, RenewWithoutScript, clock};
use crate::islands::{LiveStatus, PrintButton};
use crate::view::{Interim, Lane, Reach, Release, Replace, Status, Submission};
use crate::words;
use leptos::either::EitherOf3;
use leptos::prelude::*;

/// `/s/{tracking_id}`
#[component]
pub fn SubmissionPage() -> impl IntoView {
    let tracking_id = param("tracking_id");
    load_for_viewer(move |data, viewer| async move { data.submission(&viewer, &tracking_id).await }, draw)
}

fn draw(mut submission: Submission) -> impl IntoView {
    if let Some(outcome) = submission.outcome.take() {
        return EitherOf3::A(draw_result(submission, outcome));
    }
    if submission.progress.status == Status::Withdrawn {
        return EitherOf3::B(draw_withdrawn(&submission));
    }
    if submission.progress.status == Status::Closed {
        return EitherOf3::B(draw_closed(&submission));
    }
    EitherOf3::C(draw_waiting(submission))
}

/// The line above the heading: course, assignment, version.
pub(super) fn lead(submission: &Submission) -> AnyView {
    view! {
        {submission.course.clone()}" · "
        <a href=format!("/assignments/{}", submission.assignment_id)>{submission.assignment.clone()}</a>
        ", "{words::draft(submission.draft)}
    }
    .into_any()
}

fn heading(submission: &Submission) -> String {
    let noun = &submission.noun;
    match submission.progress.status {
        Status::InReview => format!("Your {noun} is marked. Your teacher has the last look."),
        Status::NeedsAttention => format!("Your {noun} is safe, and a person is looking after it."),
        _ => format!("Your {noun} is in. We have it safely."),
    }
}

fn draw_waiting(submission: Submission) -> AnyView {
    let waits = submission.progress.status.waits();
    let live = words::live(&submission.progress, &submission.noun, clock());
    let events = format!("/s/{}/events", submission.tracking_id);
    let heading = heading(&submission);
    let next = next_steps(&submission);
    let replace = submission.replace.filter(|_| waits).map(|replace| replace_section(&submission, replace));
    view! {
        <PageTitle text=format!("{}: {}", submission.assignment, words::status(submission.progress.status))/>
        <main id="main" class="narrow">
            <div class="stack-2"><p class="quiet">{lead(&submission)}</p><h1>{heading}</h1></div>
            <Message/>
            <div class="side">
                <div class="stack apart">
                    <LiveStatus first=live events/>
                    <RenewWithoutScript seconds=30/>
                    {interim_section(submission.interim.clone())}
                </div>
                <aside class="stack apart">
                    {receipt(&submission)}
                    <section class="stack-2">
                        <h2 class="minor">"What happens next"</h2>
                        <ol>{next.into_iter().map(|step| view! { <li>{step}</li> }).collect_view()}</ol>
                    </section>
                    {replace}
                </aside>
            </div>
        </main>
    }
    .into_any()
}

fn interim_section(interim: Option<Interim>) -> impl IntoView {
    let Some(interim) = interim else {
        return view! {
            <div id="interim" class="stack apart">
                <section class="stack">
                    <h2>"While you wait"</h2>
                    <p class="quiet">"We are reading it through for a first look. That takes a second or two."</p>
                </section>
            </div>
        }
        .into_any();
    };
    let prompts = (!interim.prompts.is_empty()).then(|| {
        view! {
            <section class="stack plain">
                <h2>"Think about"</h2>
                <ul>{interim.prompts.into_iter().map(|prompt| view! { <li>{prompt}</li> }).collect_view()}</ul>
            </section>
        }
    });
    let resources = (!interim.resources.is_empty()).then(|| {
        let links = interim
            .resources
            .into_iter()
            .map(|link| view! { <li><a href=link.href rel="noreferrer">{link.label}</a></li> })
            .collect_view();
        view! { <section class="stack plain"><h2>"From your teacher"</h2><ul>{links}</ul></section> }
    });
    view! {
        <div id="interim" class="stack apart">
            <section class="stack">
                <h2>"While you wait: a first look"</h2>
                <p class="quiet">"Fixed rules found this at once; no model was asked. None of it counts for your marks."</p>
                <Remarks remarks=interim.remarks/>
            </section>
            {prompts}
            {resources}
        </div>
    }
    .into_any()
}

fn receipt(submission: &Submission) -> AnyView {
    let words = words::counted(submission.words.into(), "word", "words");
    let keep = match submission.progress.status {
        Status::Withdrawn | Status::Closed => "",
        _ => " Keep the address of this page: your progress shows here, and then your marks.",
    };
    view! {
        <section class="sheet stack">
            <div class="stack-2">
                <h2 class="minor">"Your receipt"</h2>
                <p class="id">{submission.tracking_id.clone()}</p>
                <p class="small quiet">
                    {format!("Handed in on {}, {words}.{keep}", clock().full(submission.submitted_at))}
                </p>
            </div>
            <div class="row no-print">
                <PrintButton/>
                <a class="button" href=format!("/s/{}/text", submission.tracking_id)>"Your text"</a>
            </div>
        </section>
    }
    .into_any()
}

/// What happens next, a sentence each.
fn next_steps(submission: &Submission) -> Vec<String> {
    let progress = &submission.progress;
    let mut steps = Vec::new();
    match progress.status {
        Status::Queued if progress.lane == Lane::Urgent => {
            steps.push(format!("Your {} goes first and is marked on its own.", submission.noun));
        }
        Status::Queued => steps.push(format!(
            "We gather {}s and have them marked together. It costs half as much, and the marks are the same.",
            submission.noun
        )),
        Status::NeedsAttention => {
            steps.push(
                "Someone finds out what went wrong and has it marked. You need not do anything.".to_owned(),
            );
        }
        _ => {}
    }
    match (progress.status, submission.release) {
        (Status::InReview, _) => steps.push("Your teacher approves the marks, or changes them.".to_owned()),
        (_, Release::Approved) => steps.push("Your teacher looks at the marks and releases them.".to_owned()),
        (_, Release::UnsureHeld) => {
            steps.push("Where we are unsure of a mark, your teacher looks at it first.".to_owned());
        }
        (_, Release::AtOnce) => {}
    }
    steps.push(reach(&submission.reach));
    steps
}

fn reach(ways: &[Reach]) -> String {
    let email = ways.iter().find_map(|way| match way {
        Reach::Email(address) => Some(address),
        Reach::Platform => None,
    });
    match email {
        Some(address) => format!("You get an e-mail at {address} and a notice here."),
        None => "You get a notice here.".to_owned(),
    }
}

fn replace_section(submission: &Submission, replace: Replace) -> AnyView {
    let until = replace.until.map_or_else(String::new, |until| format!(" until {}", clock().moment(until)));
    let left = replace.left.map_or_else(String::new, |left| {
        format!(" You have {} left.", words::counted(left.into(), "version", "versions"))
    });
    let leaves = match submission.progress.status {
        Status::Queued => " This one then leaves the queue.",
        _ => "",
    };
    view! {
        <section class="stack-2">
            <h2 class="minor">"You can still"</h2>
            <p><a href=format!("/assignments/{}", submission.assignment_id)>"hand in a newer version"</a>{format!("{until}.{leaves}{left}")}</p>
        </section>
    }
    .into_any()
}

fn draw_withdrawn(submission: &Submission) -> AnyView {
    let newer = submission.replaced_by.as_ref().map(|newer| {
        view! { <p><a class="button main" href=format!("/s/{newer}")>"See the newer version"</a></p> }
    });
    let why = if newer.is_some() {
        "You handed in a newer version, so this one left the queue before it was marked. Its text is kept."
    } else {
        "It left the queue before it was marked. Its text is kept."
    };
    view! {
        <PageTitle text=format!("{}: withdrawn", submission.assignment)/>
        <main id="main" class="narrow">
            <div class="stack-2"><p class="quiet">{lead(submission)}</p><h1>"This version was withdrawn"</h1></div>
            <Message/>
            <p>{why}</p>
            {newer}
            {receipt(submission)}
        </main>
    }
    .into_any()
}

fn draw_closed(submission: &Submission) -> AnyView {
    let noun = &submission.noun;
    let (reason, when) = submission.closed.as_ref().map_or_else(
        || (None, String::new()),
        |closed| {
            let reason = Some(closed.reason.clone()).filter(|reason| !reason.is_empty());
            (reason, format!(" ({})", clock().moment(closed.at)))
        },
    );
    let reason = reason.map(|reason| view! { <Note><p><b>"Why: "</b>{reason}</p></Note> });
    let what = match submission.replace {
        Some(_) => view! {
            <p>{format!("You can hand in your {noun} again, or another version of it. If you think that this is wrong, or don’t know what to change, ask your teacher and name your receipt.")}</p>
            <p><a class="button main" href=format!("/assignments/{}", submission.assignment_id)>"Hand in again"</a></p>
        }
        .into_any(),
        None => view! {
            <p>"This assignment takes no further version from you. Ask your teacher what to do now, and name your receipt."</p>
        }
        .into_any(),
    };
    view! {
        <PageTitle text=format!("{}: closed without marks", submission.assignment)/>
        <main id="main" class="narrow">
            <div class="stack-2"><p class="quiet">{lead(submission)}</p><h1>{format!("Your {noun} was closed without marks")}</h1></div>
            <Message/>
            <section class="stack" aria-labelledby="why">
                <h2 id="why">"What happened"</h2>
                <p>{format!("Your {noun} could not be marked automatically. A person looked at it and closed it{when}. Its text is kept.")}</p>
                {reason}
            </section>
            <section class="stack" aria-labelledby="now"><h2 id="now">"What you can do now"</h2>{what}</section>
            {receipt(submission)}
        </main>
    }
    .into_any()
}
