//! Pages for when the page asked for can't be shown: what is wrong, what is safe, what to do.

use crate::components::{ButtonLink, PageTitle, TextArea};
use crate::data::PageError;
use crate::render::{Here, Refusal, answer_error, sign_in_address};
use crate::words;
use leptos::prelude::*;

/// Nothing stands at this address.
#[component]
pub fn NotFoundPage() -> impl IntoView {
    answer_error(&PageError::NotFound);
    view! { <RefusalPage refusal=Refusal::Page(PageError::NotFound)/> }
}

/// What a refusal says: heading, sentences, and where to go.
struct Said {
    title: &'static str,
    sentences: Vec<String>,
    action: (String, &'static str),
    typed: Option<String>,
}

/// A page in place of the one asked for.
#[component]
pub fn RefusalPage(
    /// Why.
    refusal: Refusal,
) -> impl IntoView {
    let said = say(refusal);
    let typed = said.typed.filter(|typed| !typed.trim().is_empty()).map(|typed| {
        view! {
            <div class="field">
                <label for="typed">"What you had typed"</label>
                <span class="hint" id="typed-hint">"Copy it before you leave this page."</span>
                <TextArea id="typed" rows=12 value=typed readonly=true described_by=Some("typed-hint".to_owned())/>
            </div>
        }
    });
    view! {
        <PageTitle text=said.title/>
        <main id="main" class="narrow">
            <div class="stack">
                <h1>{said.title}</h1>
                {said.sentences.into_iter().map(|sentence| view! { <p>{sentence}</p> }).collect_view()}
            </div>
            {typed}
            <div><ButtonLink main=true href=said.action.0 text=said.action.1/></div>
        </main>
    }
}

fn say(refusal: Refusal) -> Said {
    let home = || ("/".to_owned(), "Go to the start page");
    let plain = |title, sentences: &[&str], action| Said {
        title,
        sentences: sentences.iter().map(|&sentence| sentence.to_owned()).collect(),
        action,
        typed: None,
    };
    match refusal {
        Refusal::Page(PageError::NotFound) => plain(
            "There is nothing here",
            &[
                "The address may be mistyped, or what it names is not yours to see.",
                "Everything that you handed in is listed on your start page.",
            ],
            home(),
        ),
        Refusal::Page(PageError::Forbidden) => plain(
            "This page is not for you",
            &["You are signed in, but your part in Quire does not include this page. If it should, ask whoever runs it."],
            home(),
        ),
        Refusal::Page(PageError::SignIn) => {
            let here = use_context::<Here>();
            let address = sign_in_address(here.as_ref().map_or("/", Here::address));
            plain("Sign in first", &["This page is shown to people who are signed in."], (address, "Sign in"))
        }
        Refusal::Page(PageError::Invalid { message }) => Said {
            title: "We can’t make sense of this address",
            sentences: vec![message],
            action: home(),
            typed: None,
        },
        Refusal::Page(PageError::Unavailable { retry_after }) => {
            let when = retry_after.map_or_else(
                || "Try again in a moment.".to_owned(),
                |seconds| format!("Try again in {}.", words::counted(seconds.into(), "second", "seconds")),
            );
            let here = use_context::<Here>();
            let address = here.as_ref().map_or("/", Here::address).to_owned();
            Said {
                title: "We can’t show this just now",
                sentences: vec!["Everything that we confirmed to you is stored safely.".to_owned(), when],
                action: (address, "Try again"),
                typed: None,
            }
        }
        Refusal::SessionEnded { typed, return_to } => Said {
            title: "Your session has ended",
            sentences: vec![
                "You were signed out because you had been away for a while, so what you just sent was not taken."
                    .to_owned(),
                "Everything that we confirmed to you before is stored safely. Sign in again and go on where you were."
                    .to_owned(),
            ],
            action: (sign_in_address(&return_to), "Sign in again"),
            typed,
        },
        Refusal::StaleForm { typed, return_to } => Said {
            title: "This form is too old",
            sentences: vec![
                "The page had been open since before you last signed in, so what you just sent was not taken. Open it again and send it once more."
                    .to_owned(),
            ],
            action: (crate::render::local_path(&return_to).to_owned(), "Open the page again"),
            typed,
        },
        Refusal::TooLarge { limit } => Said {
            title: "That is too large",
            sentences: vec![format!(
                "We take up to {limit} at once, so what you just sent was not taken. Pictures make files large: save the text alone, or paste it instead of sending a file."
            )],
            action: home(),
            typed: None,
        },
        Refusal::TooMany { retry_after } => Said {
            title: "That was a bit fast",
            sentences: vec![format!(
                "There were too many tries in a short time. Wait {} and try again.",
                words::counted(retry_after.into(), "second", "seconds")
            )],
            action: home(),
            typed: None,
        },
        Refusal::Internal { reference } => Said {
            title: "Something went wrong here",
            sentences: vec![
                "It is our fault and not yours. Everything that we confirmed to you is stored safely.".to_owned(),
                format!("Try again in a moment. If it happens again, tell whoever runs this Quire the reference {reference}."),
            ],
            action: home(),
            typed: None,
        },
    }
}
