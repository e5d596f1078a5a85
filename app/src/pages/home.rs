//! The start page: each role has its own.

use super::overview::OverviewPage;
use super::teach::TeachHomePage;
use super::{Message, load_for_viewer};
use crate::components::{ButtonLink, EmptyState, Moment, PageTitle, Tag, Tone, clock};
use crate::data::Role;
use crate::view::{AssignmentItem, Notice, Openness, Status, StudentHome, SubmissionItem};
use crate::words;
use leptos::prelude::*;

/// `/`
#[component]
pub fn HomePage() -> impl IntoView {
    let role = crate::components::visit().viewer.map(|viewer| viewer.role);
    match role {
        Some(Role::Instructor) => view! { <TeachHomePage/> }.into_any(),
        Some(Role::Admin) => view! { <OverviewPage/> }.into_any(),
        Some(Role::Student) | None => view! { <StudentHomePage/> }.into_any(),
    }
}

#[component]
fn StudentHomePage() -> impl IntoView {
    load_for_viewer(|data, viewer| async move { data.student_home(&viewer).await }, draw)
}

fn draw(home: StudentHome) -> AnyView {
    let news = (!home.notices.is_empty()).then(|| news(home.notices));
    let assignments = if home.assignments.is_empty() {
        view! { <EmptyState title="There is no assignment for you yet." hint="It shows up here as soon as a teacher adds one to your course."/> }
            .into_any()
    } else {
        view! { <ul class="items">{home.assignments.into_iter().map(assignment).collect_view()}</ul> }
            .into_any()
    };
    let submissions = if home.submissions.is_empty() {
        view! { <EmptyState title="You have not handed in anything yet." hint="What you hand in stays listed here, with its marks."/> }
            .into_any()
    } else {
        view! { <ul class="items">{home.submissions.into_iter().map(submission).collect_view()}</ul> }
            .into_any()
    };
    view! {
        <PageTitle text="My work"/>
        <main id="main" class="narrow">
            <h1>"My work"</h1>
            <Message/>
            {news}
            <section class="stack"><h2>"Assignments"</h2>{assignments}</section>
            <section class="stack"><h2>"Handed in"</h2>{submissions}</section>
        </main>
    }
    .into_any()
}

fn news(notices: Vec<Notice>) -> AnyView {
    let rows = notices
        .into_iter()
        .map(|notice| {
            let title = match notice.href {
                Some(href) => view! { <a href=href>{notice.title}</a> }.into_any(),
                None => notice.title.into_any(),
            };
            view! { <li><b>{title}</b>" "<span class="quiet small"><Moment at=notice.at/></span></li> }
        })
        .collect_view();
    view! {
        <section class="note stack-2" aria-labelledby="news">
            <h2 id="news" class="minor">"New for you"</h2>
            <ul class="bare stack-2">{rows}</ul>
            <p class="small"><a href="/notices">"All notices"</a></p>
        </section>
    }
    .into_any()
}

/// Whether and until when an assignment takes work, as a sentence.
pub(super) fn openness(openness: Openness) -> String {
    match openness {
        Openness::Open { until: Some(until) } => format!("Open until {}.", clock().moment(until)),
        Openness::Open { until: None } => "Open.".to_owned(),
        Openness::NotYet { from } => format!("Opens {}.", clock().moment(from)),
        Openness::Closed { since: Some(since) } => format!("Closed since {}.", clock().moment(since)),
        Openness::Closed { since: None } => "Closed.".to_owned(),
    }
}

fn assignment(item: AssignmentItem) -> AnyView {
    let open = matches!(item.openness, Openness::Open { .. });
    let may_hand_in = open && item.drafts_left != Some(0);
    let left = match item.drafts_left {
        Some(0) => " You have used all your versions.".to_owned(),
        Some(left) if item.latest.is_some() => {
            format!(" {} left.", words::counted(left.into(), "version", "versions"))
        }
        _ => String::new(),
    };
    let state = item.latest.as_ref().map(|latest| status_tag(latest.status, latest.unseen));
    let seen = item.latest.as_ref().map(|latest| {
        let label = match latest.status {
            Status::Completed => "See your marks",
            Status::Closed => "See why",
            _ => "See how far it is",
        };
        view! { <ButtonLink href=format!("/s/{}", latest.tracking_id) text=label/> }
    });
    let hand_in = may_hand_in.then(|| {
        let label = if item.latest.is_some() { "Hand in a newer version" } else { "Hand in" };
        view! { <ButtonLink main=item.latest.is_none() href=format!("/assignments/{}", item.id) text=label/> }
    });
    view! {
        <li>
            <div class="stack-1">
                <h3><a href=format!("/assignments/{}", item.id)>{item.title}</a>" "{state}</h3>
                <p class="quiet small">{item.course}" · "{openness(item.openness)}{left}</p>
            </div>
            <div class="row">{seen}{hand_in}</div>
        </li>
    }
    .into_any()
}

/// The state of a submission for its student.
pub(super) fn status_tag(status: Status, unseen: bool) -> AnyView {
    let tone = match status {
        Status::Queued | Status::Processing | Status::InReview => Tone::On,
        Status::Completed => Tone::Good,
        Status::NeedsAttention => Tone::Warn,
        Status::Withdrawn | Status::Closed => Tone::Plain,
    };
    let text = if status == Status::Completed && unseen { "New marks" } else { words::status(status) };
    view! { <Tag tone text/> }.into_any()
}

pub(super) fn submission(item: SubmissionItem) -> AnyView {
    let result = match (item.score, item.estimate) {
        (Some(score), _) => {
            view! { <span><b>{words::points(score.points)}</b>" "<span class="quiet">{format!("of {}", words::points(score.out_of))}</span></span> }.into_any()
        }
        (None, Some(estimate)) if item.status.waits() => {
            view! { <span class="quiet small">{clock().range(estimate)}</span> }.into_any()
        }
        _ => ().into_any(),
    };
    view! {
        <li>
            <div class="stack-1">
                <h3><a href=format!("/s/{}", item.tracking_id)>{item.assignment}", "{words::draft(item.draft)}</a></h3>
                <p class="quiet small">{item.course}" · handed in "<Moment at=item.submitted_at/>" · "<span class="id">{item.tracking_id}</span></p>
            </div>
            <div class="row">{result}{status_tag(item.status, item.unseen)}</div>
        </li>
    }
    .into_any()
}
