//! What stands above and below every page.

use super::{BrandMark, PostForm, visit};
use crate::data::{Role, Viewer};
use crate::islands::Unread;
use crate::render::Here;
use leptos::prelude::*;
use leptos_meta::Title;

/// One entry of the main navigation: its words, its address, and the beginnings of the addresses it stands for.
struct Entry(&'static str, &'static str, &'static [&'static str]);

fn entries(role: Role) -> &'static [Entry] {
    match role {
        Role::Student => &[Entry("My work", "/", &["/s/", "/assignments/"])],
        Role::Instructor => &[Entry("Assignments", "/teach", &["/teach/"])],
        Role::Admin => &[
            Entry("Overview", "/admin", &[]),
            Entry("Batches", "/admin/batches", &["/admin/batches/"]),
            Entry("Budget", "/admin/budget", &["/admin/prices"]),
            Entry("Rules", "/admin/rules", &["/admin/rules/"]),
            Entry("Prompts", "/admin/prompts", &["/admin/prompts/"]),
            Entry("Dead letters", "/admin/dead-letters", &["/admin/dead-letters/"]),
            Entry("Submissions", "/teach", &["/teach/"]),
        ],
    }
}

/// Brand, main navigation, who is signed in and the way out.
#[component]
pub fn Header() -> impl IntoView {
    let visit = visit();
    let here = use_context::<Here>().map_or_else(|| "/".to_owned(), |here| here.0.path().to_owned());
    let demo = visit.demo.then(|| {
        view! {
            <p class="demo">
                <b>"Demo."</b>" Marks are made up by a simulator, and e-mails go to "<a href="/mailbox">"the mailbox"</a>" only."
            </p>
        }
    });
    let nav = visit.viewer.as_ref().map(|viewer| navigation(viewer, &here));
    let who = visit.viewer.map(|viewer| {
        view! {
            <PostForm action="/sign-out" class="row who">
                <span class="quiet">{viewer.name}</span>
                <button class="link">"Sign out"</button>
            </PostForm>
        }
    });
    view! {
        <header class="top">
            {demo}
            <div>
                <a class="brand" href="/"><BrandMark/>"Quire"</a>
                {nav}
                {who}
            </div>
        </header>
    }
}

fn navigation(viewer: &Viewer, here: &str) -> impl IntoView + use<> {
    let current = |at: bool| at.then_some("page");
    let home = match viewer.role {
        Role::Student => "/",
        Role::Instructor => "/teach",
        Role::Admin => "/admin",
    };
    let links = entries(viewer.role)
        .iter()
        .map(|Entry(label, href, beginnings)| {
            let at = here == *href
                || (here == "/" && *href == home)
                || beginnings.iter().any(|beginning| here.starts_with(beginning));
            view! { <a href=*href aria-current=current(at)>{*label}</a> }
        })
        .collect_view();
    view! {
        <nav aria-label="Main">
            {links}
            <a href="/notices" aria-current=current(here == "/notices")>"Notices "<Unread count=viewer.unread/></a>
        </nav>
    }
}

/// The foot of every page.
#[component]
pub fn Footer() -> impl IntoView {
    view! {
        <footer class="foot no-print">
            <p class="small quiet">{format!("Quire marks with language models; people decide. All times are in {}.", zone_in_words())}</p>
        </footer>
    }
}

/// The page's name in the window. The words are escaped here, since they end in the head as they are.
#[component]
pub fn PageTitle(
    /// The name, without "Quire".
    #[prop(into)]
    text: String,
) -> impl IntoView {
    let refused = visit().form.is_some_and(|form| !form.errors.is_empty());
    let text = if refused { format!("Error: {text}") } else { text };
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    view! { <Title text/> }
}

/// The zone in which times are shown: "UTC", "Berlin time".
fn zone_in_words() -> String {
    match visit().zone().name() {
        name @ ("UTC" | "GMT") => name.to_owned(),
        name => format!("{} time", name.replace('_', " ")),
    }
}
