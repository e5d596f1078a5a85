//! The student's own text, as it was handed in.

use super::{load_for_viewer, param};
use crate::components::{PageTitle, WorkText, clock};
use crate::islands::PrintButton;
use crate::view::SubmittedText;
use crate::words;
use leptos::prelude::*;

/// `/s/{tracking_id}/text`
#[component]
pub fn SubmittedTextPage() -> impl IntoView {
    let tracking_id = param("tracking_id");
    load_for_viewer(move |data, viewer| async move { data.submitted_text(&viewer, &tracking_id).await }, draw)
}

fn draw(page: SubmittedText) -> AnyView {
    let from = page.file_name.map_or_else(String::new, |name| format!(", taken from {name}"));
    let words = words::counted(page.work.words.into(), "word", "words");
    view! {
        <PageTitle text=format!("{}: your text", page.assignment)/>
        <main id="main" class="narrow">
            <div class="stack-2">
                <p class="quiet">{page.course}" · "{page.assignment}", "{words::draft(page.draft)}</p>
                <h1>{format!("Your {} as we have it", page.noun)}</h1>
                <p class="small quiet">{format!("Handed in on {}{from}, {words}.", clock().full(page.submitted_at))}</p>
            </div>
            <div class="row no-print">
                <a class="button" href=format!("/s/{}", page.tracking_id)>"Back to its page"</a>
                <PrintButton/>
            </div>
            <div class="sheet"><WorkText work=page.work/></div>
        </main>
    }
    .into_any()
}
