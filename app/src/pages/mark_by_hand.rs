//! Marking by hand what could not be marked automatically: the work beside a form by the rubric.

use super::{Message, load_for_viewer, param};
use crate::components::{
    ErrorSummary, Field, Note, PageTitle, PostForm, TextArea, WorkText, described_by, visit,
};
use crate::data::RefusedForm;
use crate::view::{CriterionToMark, LevelToMark, MarkByHand};
use crate::words;
use leptos::prelude::*;

/// `/teach/submissions/{tracking_id}/mark`
#[component]
pub fn MarkByHandPage() -> impl IntoView {
    let tracking_id = param("tracking_id");
    load_for_viewer(move |data, viewer| async move { data.mark_by_hand(&viewer, &tracking_id).await }, draw)
}

fn draw(page: MarkByHand) -> AnyView {
    let form = visit().form;
    let words = words::counted(page.work.words.into(), "word", "words");
    let staff = format!("/teach/submissions/{}", page.tracking_id);
    let criteria =
        page.criteria.iter().map(|criterion| criterion_fields(criterion, form.as_ref())).collect_view();
    let feedback =
        text_field("feedback", "Feedback on the whole", "The student reads it first.", 5, form.as_ref());
    let next_step =
        text_field("next_step", "What to try next", "One thing; may be left empty.", 2, form.as_ref());
    let after = if page.held {
        "A person approves the marks of this assignment before the student sees them."
    } else {
        "The student sees the marks at once, with your name."
    };
    view! {
        <PageTitle text=format!("Mark by hand: {}, {}", page.student, page.assignment)/>
        <main id="main">
            <div class="stack-2">
                <p class="quiet">
                    <a href=format!("/teach/assignments/{}", page.assignment_id)>{page.assignment.clone()}</a>
                    {format!(" · {}, {} · ", page.course, words::draft(page.draft))}
                    <a class="id" href=staff>{page.tracking_id.clone()}</a>
                </p>
                <h1>{format!("Mark the work of {}", page.student)}</h1>
            </div>
            <Message/>
            <ErrorSummary form/>
            <Note><p><b>"Why it is with you: "</b>{page.why.clone()}</p></Note>
            <div class="side turned">
                <PostForm action=format!("/teach/submissions/{}/mark", page.tracking_id) class="sheet stack apart">
                    <h2>"Marks"</h2>
                    {criteria}
                    {feedback}
                    {next_step}
                    <div class="row"><button class="button main">"Give these marks"</button><span class="small quiet">{after}</span></div>
                </PostForm>
                <section class="sheet stack follow" tabindex="0" aria-label="Work">
                    <div class="row between"><h2>"Work"</h2><span class="small quiet">{words}</span></div>
                    <WorkText work=page.work/>
                </section>
            </div>
        </main>
    }
    .into_any()
}

fn error_of(form: Option<&RefusedForm>, field: &str) -> Option<String> {
    form.and_then(|form| form.error(field)).map(str::to_owned)
}

fn typed(form: Option<&RefusedForm>, field: &str) -> String {
    form.and_then(|form| form.value(field)).unwrap_or_default().to_owned()
}

fn text_field(id: &str, label: &str, hint: &str, rows: u32, form: Option<&RefusedForm>) -> AnyView {
    let error = error_of(form, id);
    let described = described_by(id, true, error.is_some());
    let (id, value, wrong) = (id.to_owned(), typed(form, id), error.is_some());
    view! {
        <Field id=id.clone() label hint error>
            <TextArea id rows value described_by=described invalid=wrong/>
        </Field>
    }
    .into_any()
}

fn criterion_fields(criterion: &CriterionToMark, form: Option<&RefusedForm>) -> AnyView {
    let name = |part: &str| format!("criteria.{}.{part}", criterion.id);
    let (level, points, comment) = (name("level"), name("points"), name("comment"));
    let chosen = typed(form, &level);
    let error = error_of(form, &level);
    let error_id = format!("{level}-error");
    let described = error.is_some().then(|| error_id.clone());
    let wrong = error.map(|error| {
        view! { <span class="wrong-text" id=error_id><span class="unseen">"Error: "</span>{error}</span> }
    });
    let levels = criterion.levels.iter().map(|one| level_choice(one, &level, &chosen)).collect_view();
    let points_error = error_of(form, &points);
    let points_described = described_by(&points, true, points_error.is_some());
    let points_wrong = points_error.is_some().then_some("true");
    let points_typed = typed(form, &points);
    let description = (!criterion.description.is_empty())
        .then(|| view! { <p class="small quiet">{criterion.description.clone()}</p> });
    view! {
        <div class="stack">
            <fieldset class="choices" id=level tabindex="-1" aria-describedby=described>
                <legend>{criterion.name.clone()}" "<span class="quiet">{format!("up to {}", words::points(criterion.most))}</span></legend>
                {description}
                {wrong}
                {levels}
            </fieldset>
            <Field id=points.clone() label=format!("Points for {}", criterion.name) hint="Empty: the level’s own." error=points_error>
                <input id=points.clone() name=points inputmode="decimal" value=points_typed aria-describedby=points_described aria-invalid=points_wrong/>
            </Field>
            {text_field(&comment, &format!("Comment on {}", criterion.name), "May be left empty.", 3, form)}
        </div>
    }
    .into_any()
}

fn level_choice(level: &LevelToMark, field: &str, chosen: &str) -> AnyView {
    let name = if level.name.is_empty() { level.id.clone() } else { level.name.clone() };
    let described = (!level.description.is_empty()).then(|| {
        view! { <span class="small quiet">{level.description.clone()}</span> }
    });
    view! {
        <label>
            <input type="radio" name=field.to_owned() value=level.id.clone() checked=level.id == chosen/>
            <span class="stack-1"><span>{name}" "<span class="quiet">{words::points(level.points)}</span></span>{described}</span>
        </label>
    }
    .into_any()
}
