//! Forms that work without JavaScript, and what they say when something is wrong.

use super::visit;
use crate::data::RefusedForm;
use leptos::prelude::*;

/// A form that posts, with the token that proves that it came from a page of this session.
#[component]
pub fn PostForm(
    /// Where it posts to.
    #[prop(into)]
    action: String,
    /// Whether it carries a file.
    #[prop(optional)]
    multipart: bool,
    /// Its class.
    #[prop(optional, into)]
    class: Option<String>,
    /// Its fields.
    children: Children,
) -> AnyView {
    let encoding = if multipart { "multipart/form-data" } else { "application/x-www-form-urlencoded" };
    // Our own checks speak in whole sentences and mark the field; the browser's bubbles stay away (`novalidate`).
    view! {
        <form method="post" action=action enctype=encoding class=class novalidate>
            <input type="hidden" name="csrf" value=visit().csrf/>
            {children()}
        </form>
    }
    .into_any()
}

/// A field with its label, a hint, and what is wrong with it. The control comes as the child and must carry
/// `id=id`, `aria-describedby=described_by(..)` and `aria-invalid`.
#[component]
pub fn Field(
    /// The control's id and the field's name.
    #[prop(into)]
    id: String,
    /// The label.
    #[prop(into)]
    label: String,
    /// What to know before filling it in.
    #[prop(optional, into)]
    hint: Option<String>,
    /// What is wrong, if something is.
    #[prop(optional_no_strip)]
    error: Option<String>,
    /// The control.
    children: Children,
) -> AnyView {
    let class = if error.is_some() { "field wrong" } else { "field" };
    view! {
        <div class=class>
            <label for=id.clone()>{label}</label>
            {hint.map(|hint| view! { <span class="hint" id=format!("{id}-hint")>{hint}</span> })}
            {error.map(|error| view! { <span class="wrong-text" id=format!("{id}-error")><span class="unseen">"Error: "</span>{error}</span> })}
            {children()}
        </div>
    }
    .into_any()
}

/// The `aria-describedby` of a field's control.
pub(crate) fn described_by(id: &str, hint: bool, error: bool) -> Option<String> {
    match (hint, error) {
        (true, true) => Some(format!("{id}-hint {id}-error")),
        (true, false) => Some(format!("{id}-hint")),
        (false, true) => Some(format!("{id}-error")),
        (false, false) => None,
    }
}

/// A field of many lines with what was typed into it.
#[component]
pub fn TextArea(
    /// The control's id and the field's name.
    #[prop(into)]
    id: String,
    /// Its height in lines.
    rows: u32,
    /// What was typed.
    value: String,
    /// Its class.
    #[prop(optional, into)]
    class: Option<String>,
    /// Whether it is there to be read and copied from.
    #[prop(optional)]
    readonly: bool,
    /// What is said about it, as ids.
    #[prop(optional_no_strip)]
    described_by: Option<String>,
    /// Whether it is wrong.
    #[prop(optional)]
    invalid: bool,
) -> AnyView {
    // Leptos writes the content of this element as it is, so it is escaped here; and browsers drop a line break at its
    // beginning, so there is one to be dropped.
    let value = format!("\n{}", value.replace('&', "&amp;").replace('<', "&lt;"));
    view! {
        <textarea
            id=id.clone()
            name=(!readonly).then_some(id)
            rows=rows.to_string()
            class=class
            readonly=readonly
            aria-describedby=described_by
            aria-invalid=invalid.then_some("true")
        >
            {value}
        </textarea>
    }
    .into_any()
}

/// What is wrong with a refused form, at its top: each line leads to its field. It has the focus when the page opens.
#[component]
pub fn ErrorSummary(
    /// The form; nothing is shown when it was not refused.
    form: Option<RefusedForm>,
) -> impl IntoView {
    let errors = form.map(|form| form.errors).filter(|errors| !errors.is_empty())?;
    let lines = errors
        .into_iter()
        .map(|error| view! { <li><a href=format!("#{}", error.field)>{error.message}</a></li> })
        .collect_view();
    Some(view! {
        <div class="error-summary stack-2" role="alert" aria-labelledby="error-summary-title" tabindex="-1" autofocus>
            <h2 id="error-summary-title">"There is a problem"</h2>
            <ul>{lines}</ul>
        </div>
    })
}
