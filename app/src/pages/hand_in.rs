//! Handing in.

use super::home::{openness, submission};
use super::{Message, load_for_viewer, param};
use crate::components::{
    ErrorSummary, Field, Note, NoteTone, PageTitle, Paragraphs, PostForm, TextArea, clock, described_by,
    visit,
};
use crate::data::RefusedForm;
use crate::view::{CriterionOutline, HandIn, Openness};
use crate::words;
use leptos::prelude::*;

/// `/assignments/{id}`
#[component]
pub fn HandInPage() -> impl IntoView {
    let id = param("id");
    load_for_viewer(move |data, viewer| async move { data.hand_in(&viewer, &id).await }, draw)
}

fn draw(page: HandIn) -> AnyView {
    let form = visit().form;
    let open = matches!(page.openness, Openness::Open { .. });
    let body = if open && page.drafts_left != Some(0) {
        hand_in_form(&page, form.as_ref()).into_any()
    } else {
        let why = if open {
            "You have handed in as many versions as this assignment takes. The newest one counts.".to_owned()
        } else {
            openness(page.openness)
        };
        view! { <Note tone=NoteTone::Warn><p>{why}" What you have handed in is safe."</p></Note> }.into_any()
    };
    let earlier = (!page.earlier.is_empty()).then(|| {
        view! {
            <section class="stack">
                <h2>"Your versions so far"</h2>
                <ul class="items">{page.earlier.into_iter().map(submission).collect_view()}</ul>
            </section>
        }
    });
    let criteria = (!page.criteria.is_empty()).then(|| criteria(page.criteria));
    let marks_by =
        page.marks_by.map(|by| view! { <p>{format!("Marks are due by {}.", clock().moment(by))}</p> });
    view! {
        <PageTitle text=page.title.clone()/>
        <main id="main" class="narrow">
            <div class="stack-2">
                <p class="quiet">{page.course}" · "{openness(page.openness)}</p>
                <h1>{page.title}</h1>
            </div>
            <Message/>
            <ErrorSummary form=form/>
            <div class="side">
                <div class="stack apart">
                    <section class="stack" aria-label="The task"><Paragraphs text=page.brief/></section>
                    {body}
                    {earlier}
                </div>
                <aside class="stack apart">{criteria}{marks_by}</aside>
            </div>
        </main>
    }
    .into_any()
}

fn criteria(criteria: Vec<CriterionOutline>) -> AnyView {
    let rows = criteria
        .into_iter()
        .map(|criterion| {
            view! {
                <div>
                    <dt>{criterion.name}" "<span class="quiet">{format!("up to {}", words::points(criterion.score.out_of))}</span></dt>
                    <dd class="quiet">{criterion.description}</dd>
                </div>
            }
        })
        .collect_view();
    view! { <section class="stack-2"><h2 class="minor">"What the marks are for"</h2><dl class="terms">{rows}</dl></section> }.into_any()
}

/// "500 to 700 words." and the like; nothing when the assignment asks for no length.
fn length(page: &HandIn) -> String {
    match (page.words_min, page.words_max) {
        (Some(min), Some(max)) => {
            format!("{min} to {} are asked for. ", words::counted(max.into(), "word", "words"))
        }
        (Some(min), None) => {
            format!("At least {} are asked for. ", words::counted(min.into(), "word", "words"))
        }
        (None, Some(max)) => {
            format!("At most {} are asked for. ", words::counted(max.into(), "word", "words"))
        }
        (None, None) => String::new(),
    }
}

fn hand_in_form(page: &HandIn, refused: Option<&RefusedForm>) -> AnyView {
    let error = |field: &str| refused.and_then(|form| form.error(field)).map(str::to_owned);
    let (text_error, file_error) = (error("text"), error("file"));
    let typed = refused.and_then(|form| form.value("text")).unwrap_or_default().to_owned();
    let file_lost = refused.and_then(|form| form.value("file")).filter(|name| !name.is_empty()).map(|name| {
        view! { <p class="small">{format!("Choose {name} again if you want to send it: browsers don’t keep files.")}</p> }
    });
    let invalid = |error: &Option<String>| error.is_some().then_some("true");
    let accept = page.file_types.iter().map(|kind| format!(".{kind}")).collect::<Vec<_>>().join(",");
    let replaces = page.replaces_waiting.then(|| {
        view! { <Note><p>"Your last version is still waiting to be marked. This one takes its place."</p></Note> }
    });
    let left = page.drafts_left.map(|left| {
        let sentence = match left {
            1 => "This is the last version that you can hand in.".to_owned(),
            left => format!(
                "You can hand in {}, this one included.",
                words::counted(left.into(), "version", "versions")
            ),
        };
        let keeps = match page.keeps_marks {
            true => " A version in which next to nothing changed keeps the marks that you have.",
            false => "",
        };
        view! { <p class="small quiet">{sentence}{keeps}</p> }
    });
    let noun = page.noun.clone();
    let form_token = page.form_token.clone();
    let text_hint = format!("{}Type it or paste it here.", length(page));
    let file_hint = format!("{}, up to {}.", upper_types(&page.file_types), words::bytes(page.max_bytes));
    view! {
        <PostForm action=format!("/assignments/{}/hand-in", page.assignment_id) multipart=true class="sheet stack">
            <h2>{format!("Hand in your {noun}")}</h2>
            {replaces}
            <input type="hidden" name="form_token" value=form_token/>
            <Field
                id="text"
                label=format!("Your {noun}")
                hint=text_hint
                error=text_error.clone()
            >
                <TextArea
                    id="text"
                    rows=14
                    value=typed
                    class="work"
                    described_by=described_by("text", true, text_error.is_some())
                    invalid=text_error.is_some()
                />
            </Field>
            <Field
                id="file"
                label="Or a file instead"
                hint=file_hint
                error=file_error.clone()
            >
                <input
                    id="file"
                    name="file"
                    type="file"
                    accept=accept
                    aria-describedby=described_by("file", true, file_error.is_some())
                    aria-invalid=invalid(&file_error)
                />
            </Field>
            {file_lost}
            <div class="row"><button class="button main">"Hand in"</button>{left}</div>
        </PostForm>
    }
    .into_any()
}

/// "TXT, MD or DOCX".
fn upper_types(types: &[String]) -> String {
    let upper: Vec<String> = types.iter().map(|kind| kind.to_uppercase()).collect();
    words::either(&upper)
}
