//! The pages, one file each.

mod batches;
mod budget;
mod cost_control;
mod dead_letter;
mod dead_letters;
mod forecast;
mod hand_in;
mod home;
mod mailbox;
mod mark_by_hand;
mod month_plan;
mod notices;
mod overview;
mod prices;
mod prompts;
mod refusal;
mod result;
mod rule;
mod rules;
mod sign_in;
mod staff_submission;
mod submission;
mod teach;
mod text;
mod trial;

pub use batches::*;
pub use budget::*;
pub use dead_letter::*;
pub use dead_letters::*;
pub use hand_in::*;
pub use home::*;
pub use mailbox::*;
pub use mark_by_hand::*;
pub use notices::*;
pub use overview::*;
pub use prices::*;
pub use prompts::*;
pub use refusal::*;
pub use rule::*;
pub use rules::*;
pub use sign_in::*;
pub use staff_submission::*;
pub use submission::*;
pub use teach::*;
pub use text::*;
pub use trial::*;

use crate::components::{Note, NoteTone, visit};
use crate::data::{PageData, PageError, PageResult, Viewer};
use crate::render::{Refusal, answer_error};
use leptos::prelude::*;
use leptos_router::hooks::{use_params_map, use_query_map};
use std::future::Future;
use std::sync::Arc;

type Data = Arc<dyn PageData>;

/// Draws a page once its data is there, or the error in its place.
fn load<T, Fut, V>(fetch: Fut, draw: impl FnOnce(T) -> V + Send + 'static) -> impl IntoView
where
    T: Send + 'static,
    Fut: Future<Output = PageResult<T>> + Send + 'static,
    V: IntoView + 'static,
{
    Suspend::new(async move {
        match fetch.await {
            // Erased, since the type of a whole page is more than the compiler likes to carry around.
            Ok(data) => draw(data).into_any(),
            Err(error) => {
                answer_error(&error);
                view! { <RefusalPage refusal=Refusal::Page(error)/> }.into_any()
            }
        }
    })
}

/// Draws a page for whoever is signed in; others are sent to sign in first.
fn load_for_viewer<T, Fut, V>(
    fetch: impl FnOnce(Data, Viewer) -> Fut + Send + 'static,
    draw: impl FnOnce(T) -> V + Send + 'static,
) -> impl IntoView
where
    T: Send + 'static,
    Fut: Future<Output = PageResult<T>> + Send + 'static,
    V: IntoView + 'static,
{
    let data = expect_context::<Data>();
    let viewer = visit().viewer;
    load(
        async move {
            match viewer {
                Some(viewer) => fetch(data, viewer).await,
                None => Err(PageError::SignIn),
            }
        },
        draw,
    )
}

/// A part of the page's address. The router matched it, so it is there; an empty one is not found by anyone.
fn param(name: &str) -> String {
    use_params_map().with_untracked(|params| params.get(name)).unwrap_or_default()
}

/// A part of the page's query, if it is there and not empty.
fn query(name: &str) -> Option<String> {
    use_query_map().with_untracked(|query| query.get(name)).filter(|value| !value.is_empty())
}

/// The page of a list that the address asks for, counted from 1.
fn page_number() -> PageResult<u64> {
    let Some(text) = query("page") else { return Ok(1) };
    match text.parse() {
        Ok(page) if page >= 1 => Ok(page),
        _ => Err(PageError::Invalid {
            message: format!("“{text}” in the address is not a page. Pages are counted 1, 2, 3."),
        }),
    }
}

/// The message that the last form left, shown once at the top of the page it led to.
#[component]
fn Message() -> impl IntoView {
    visit().message.map(|message| view! { <Note tone=NoteTone::Good live=true><p>{message}</p></Note> })
}
