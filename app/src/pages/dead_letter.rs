//! One dead letter, for administrators: why, its whole history, the request, and what to do about it.

use super::dead_letters::state_tag;
use super::{Message, load_for_viewer, param, query};
use crate::components::{
    ButtonLink, ErrorSummary, Field, Moment, Note, NoteTone, PageTitle, PostForm, TextArea, described_by,
    visit,
};
use crate::data::RefusedForm;
use crate::view::{LetterEvent, LetterPayload, OpenedLetter};
use crate::words;
use leptos::prelude::*;

/// `/admin/dead-letters/{id}`; `?show=work` shows the student's text
#[component]
pub fn DeadLetterPage() -> impl IntoView {
    let id = param("id");
    let show = query("show").is_some_and(|what| what == "work");
    let done = query("done").is_some();
    load_for_viewer(
        move |data, viewer| async move { data.dead_letter(&viewer, &id, show).await },
        move |page| draw(page, show, done),
    )
}

fn draw(page: OpenedLetter, show: bool, done: bool) -> AnyView {
    let form = visit().form;
    let letter = &page.letter;
    let done = done.then(|| view! { <Note tone=NoteTone::Good live=true><p>"Done."</p></Note> });
    let open = letter.resolution.is_none();
    let resolved = letter.resolution.clone().map(|what| {
        let by = letter.resolver.clone().unwrap_or_else(|| "Quire".to_owned());
        let at = letter.resolved_at.map(|at| view! { ", "<Moment at/> });
        let reason = letter.reason.clone().map(|reason| view! { <p>{reason}</p> });
        view! { <Note><p><b>{what}</b>{format!(" by {by}")}{at}"."</p>{reason}</Note> }
    });
    let recoveries = match letter.recoveries {
        0 => "not yet".to_owned(),
        n => words::counted(n, "time", "times"),
    };
    let advice = open.then(|| view! { <p><b>"What may help: "</b>{letter.advice.clone()}</p> });
    let actions = open.then(|| {
        view! {
            <div class="side even">
                {decide_form(&page, form.as_ref(), show)}
                {edit_form(&page, form.as_ref(), show)}
            </div>
        }
    });
    view! {
        <PageTitle text=format!("Dead letter {}", letter.tracking_id)/>
        <main id="main">
            <div class="row between">
                <div class="stack-2">
                    <p class="quiet">
                        <a href="/admin/dead-letters">"Dead letters"</a>
                        {format!(" · {} · {} · ", page.course, letter.assignment)}
                        <a class="id" href=format!("/teach/submissions/{}", letter.tracking_id)>{letter.tracking_id.clone()}</a>
                    </p>
                    <h1>{letter.cause.clone()}</h1>
                </div>
                <span>{state_tag(letter)}</span>
            </div>
            <Message/>
            {done}
            <ErrorSummary form=form.clone()/>
            {resolved}
            <div class="side">
                <div class="stack apart">
                    <section class="stack" aria-labelledby="analysis">
                        <h2 id="analysis">"What it means"</h2>
                        <p>{page.meaning.clone()}</p>
                        <p><b>"What happened last: "</b>{letter.why.clone()}</p>
                        {advice}
                    </section>
                    <section class="stack" aria-labelledby="history">
                        <h2 id="history">"What has happened"</h2>
                        <ol class="timeline">{page.history.iter().map(|event| happened(event.clone())).collect_view()}</ol>
                    </section>
                </div>
                <aside class="stack-2">
                    <h2 class="minor">"About it"</h2>
                    <dl class="pairs">
                        <div><dt>"Student"</dt><dd class="whole">{letter.student.clone()}</dd></div>
                        <div><dt>"Sent to"</dt><dd>{format!("{}, {}", letter.provider, letter.model)}</dd></div>
                        <div><dt>"Sent"</dt><dd>{letter.route.clone()}</dd></div>
                        <div><dt>"Since"</dt><dd><Moment at=letter.died_at/></dd></div>
                        <div><dt>"Tried again"</dt><dd>{recoveries}</dd></div>
                        <div><dt>"Id"</dt><dd class="id">{letter.id.clone()}</dd></div>
                    </dl>
                </aside>
            </div>
            {actions}
            {payload(&page.payload, &letter.id, show)}
        </main>
    }
    .into_any()
}

fn happened(event: LetterEvent) -> AnyView {
    let by = event.by.map(|name| format!(" by {name}"));
    let details = event
        .details
        .into_iter()
        .map(|detail| view! { <div class="small quiet">{detail}</div> })
        .collect_view();
    view! { <li><Moment at=event.at short=true/><div class="whole"><b>{event.what}</b>{by}{details}</div></li> }.into_any()
}

/// Where the forms of this page go: back to the page as it is.
fn address(id: &str, show: bool) -> String {
    let show = if show { "?show=work" } else { "" };
    format!("/admin/dead-letters/{id}{show}")
}

fn wrong(form: Option<&RefusedForm>, field: &str) -> Option<String> {
    form.and_then(|form| form.error(field)).map(str::to_owned)
}

fn typed(form: Option<&RefusedForm>, field: &str) -> Option<String> {
    form.and_then(|form| form.value(field)).map(str::to_owned)
}

fn invalid(error: &Option<String>) -> Option<&'static str> {
    error.is_some().then_some("true")
}

fn decide_form(page: &OpenedLetter, form: Option<&RefusedForm>, show: bool) -> AnyView {
    let chosen = typed(form, "remedy").unwrap_or_default();
    let options = [("retry", "Try again the same way"), ("discard", "Close without marks")]
        .map(|(value, text)| view! { <option value=value selected=value == chosen>{text}</option> })
        .into_iter()
        .collect_view();
    let error = wrong(form, "reason");
    let described = described_by("reason", true, error.is_some());
    let marked = invalid(&error);
    let reason = typed(form, "reason");
    let by_hand = format!("/teach/submissions/{}/mark", page.letter.tracking_id);
    view! {
        <PostForm action=address(&page.letter.id, show) class="sheet stack no-print">
            <h2>"Decide"</h2>
            <div class="row field-row">
                <label for="remedy">"Do"</label>
                <select id="remedy" name="remedy">{options}</select>
            </div>
            <Field id="reason" label="Reason" hint="Kept with it. To close without marks it is needed, and the student reads it." error=error>
                <input id="reason" name="reason" maxlength="1000" value=reason aria-describedby=described aria-invalid=marked/>
            </Field>
            <div class="row">
                <button class="button main">"Do it"</button>
                <ButtonLink href=by_hand text="Mark it by hand"/>
            </div>
        </PostForm>
    }
    .into_any()
}

fn edit_form(page: &OpenedLetter, form: Option<&RefusedForm>, show: bool) -> AnyView {
    let payload = &page.payload;
    let chosen = typed(form, "way").unwrap_or_default();
    let ways = page
        .ways
        .iter()
        .flat_map(|way| way.models.iter().map(|model| (way.provider.clone(), model.clone())))
        .map(|(provider, model)| {
            let value = format!("{provider}/{model}");
            let selected = value == chosen;
            view! { <option value=value selected=selected>{format!("{provider}, {model}")}</option> }
        })
        .collect_view();
    let route = typed(form, "route").unwrap_or_default();
    let (realtime, batch) = (route == "realtime", route == "batch");
    let (least, most) = payload.output_bounds;
    let output = typed(form, "max_output").unwrap_or_else(|| payload.max_output.to_string());
    let (way_error, output_error, reason_error) =
        (wrong(form, "way"), wrong(form, "max_output"), wrong(form, "edit_reason"));
    let way_described = described_by("way", false, way_error.is_some());
    let output_described = described_by("max_output", true, output_error.is_some());
    let reason_described = described_by("edit_reason", true, reason_error.is_some());
    let (way_wrong, output_wrong, reason_wrong) =
        (invalid(&way_error), invalid(&output_error), invalid(&reason_error));
    let reason = typed(form, "edit_reason");
    let output_hint = format!(
        "From {} to {}. Raise it where answers were cut off.",
        words::count(least),
        words::count(most)
    );
    let text = match &payload.text {
        Some(text) => {
            let error = wrong(form, "text");
            let value = typed(form, "text").unwrap_or_else(|| text.clone());
            let (described, wrong) = (described_by("text", true, error.is_some()), error.is_some());
            view! {
                <Field
                    id="text"
                    label="The text that is sent"
                    hint="Leave out what is broken. Words can’t be added, changed or moved, and the student’s own page goes on showing the work as it was handed in."
                    error=error
                >
                    <TextArea id="text" rows=10 value described_by=described invalid=wrong/>
                </Field>
            }
            .into_any()
        }
        None => view! {
            <p class="small quiet">"To leave out a broken passage, "<a href=format!("{}#request", address(&page.letter.id, true)) rel="nofollow">"show the student’s text"</a>" first. That is noted."</p>
        }
        .into_any(),
    };
    view! {
        <PostForm action=address(&page.letter.id, show) class="sheet stack no-print">
            <h2>"Edit and send again"</h2>
            <input type="hidden" name="remedy" value="edit"/>
            <Field id="way" label="Provider and model" error=way_error>
                <select id="way" name="way" aria-describedby=way_described aria-invalid=way_wrong>
                    <option value="">"As before"</option>
                    {ways}
                </select>
            </Field>
            <Field id="route" label="Sent">
                <select id="route" name="route">
                    <option value="">"As before"</option>
                    <option value="realtime" selected=realtime>"By a call of its own"</option>
                    <option value="batch" selected=batch>"In a batch"</option>
                </select>
            </Field>
            <Field id="max_output" label="Longest answer, in tokens" hint=output_hint error=output_error>
                <input id="max_output" name="max_output" inputmode="numeric" value=output aria-describedby=output_described aria-invalid=output_wrong/>
            </Field>
            {text}
            <Field id="edit_reason" label="Why" hint="Kept with the edit." error=reason_error>
                <input id="edit_reason" name="edit_reason" maxlength="1000" value=reason aria-describedby=reason_described aria-invalid=reason_wrong/>
            </Field>
            <p><button class="button main">"Send it again"</button></p>
        </PostForm>
    }
    .into_any()
}

fn payload(payload: &LetterPayload, id: &str, show: bool) -> AnyView {
    let left_out = match payload.left_out {
        None => "as handed in".to_owned(),
        Some(words) => format!("edited, {} left out", words::counted(words, "word", "words")),
    };
    let body = match payload.body.clone() {
        Some(body) => view! {
            <details open=show>
                <summary>"The whole request"</summary>
                <pre class="letter-text" tabindex="0" aria-label="The whole request">{body}</pre>
            </details>
        }
        .into_any(),
        None => view! { <p class="quiet">"Its provider is not set up any more, so that nothing would be sent."</p> }.into_any(),
    };
    let toggle = if show {
        view! { <a class="button" href=format!("{}#request", address(id, false))>"Hide the student’s text"</a> }.into_any()
    } else {
        view! {
            <a class="button" href=format!("{}#request", address(id, true)) rel="nofollow">"Show the student’s text"</a>
            <span class="small quiet">"That you did is noted above."</span>
        }
        .into_any()
    };
    view! {
        <section class="stack plain" id="request" aria-labelledby="request-title">
            <h2 id="request-title">"What would be sent now"</h2>
            <dl class="pairs">
                <div><dt>"Text"</dt><dd>{format!("{}, {left_out}", words::counted(payload.words, "word", "words"))}</dd></div>
                <div><dt>"Prompt"</dt><dd>{payload.template.clone()}</dd></div>
                <div><dt>"Reads"</dt><dd>{format!("about {}", words::counted(payload.input_tokens, "token", "tokens"))}</dd></div>
                <div><dt>"Writes"</dt><dd>{format!("at most {}", words::counted(payload.max_output, "token", "tokens"))}</dd></div>
            </dl>
            <div class="row no-print">{toggle}</div>
            {body}
        </section>
    }
    .into_any()
}
