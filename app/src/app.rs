//! The frame that all pages share, and which page stands at which address.

use crate::components::{Footer, Header};
use crate::pages;
use crate::render::InPlace;
use leptos::either::Either;
use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::components::{FlatRoutes, Route, Router};
use leptos_router::{SsrMode, path};

/// The addresses of all pages, in the notation of axum's router: "/s/{tracking_id}".
pub(crate) fn paths() -> Vec<String> {
    leptos_axum::generate_route_list(Pages).iter().map(|route| route.path().to_owned()).collect()
}

/// Every page of Quire. Pages wait for their data before anything is sent, so that the status code is right and the
/// page is whole without JavaScript.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    let in_place = use_context::<InPlace>().and_then(|in_place| in_place.0);
    let body = match in_place {
        Some(refusal) => Either::Left(view! { <pages::RefusalPage refusal/> }),
        None => Either::Right(view! { <Pages/> }),
    };
    view! {
        <Title formatter=|title: String| if title.is_empty() { "Quire".to_owned() } else { format!("{title} · Quire") }/>
        <a class="skip" href="#main">"Skip to content"</a>
        <Header/>
        {body}
        <Footer/>
    }
}

#[component]
fn Pages() -> impl IntoView {
    view! {
        <Router>
            <FlatRoutes fallback=pages::NotFoundPage>
                <Route path=path!("/") view=pages::HomePage ssr=SsrMode::Async/>
                <Route path=path!("/sign-in") view=pages::SignInPage ssr=SsrMode::Async/>
                <Route path=path!("/assignments/:id") view=pages::HandInPage ssr=SsrMode::Async/>
                <Route path=path!("/s/:tracking_id") view=pages::SubmissionPage ssr=SsrMode::Async/>
                <Route path=path!("/s/:tracking_id/text") view=pages::SubmittedTextPage ssr=SsrMode::Async/>
                <Route path=path!("/notices") view=pages::NoticesPage ssr=SsrMode::Async/>
                <Route path=path!("/teach") view=pages::TeachHomePage ssr=SsrMode::Async/>
                <Route path=path!("/teach/assignments/:id") view=pages::TeachAssignmentPage ssr=SsrMode::Async/>
                <Route path=path!("/teach/submissions/:tracking_id") view=pages::StaffSubmissionPage ssr=SsrMode::Async/>
                <Route path=path!("/teach/submissions/:tracking_id/mark") view=pages::MarkByHandPage ssr=SsrMode::Async/>
                <Route path=path!("/admin") view=pages::OverviewPage ssr=SsrMode::Async/>
                <Route path=path!("/admin/batches") view=pages::BatchesPage ssr=SsrMode::Async/>
                <Route path=path!("/admin/batches/:id") view=pages::BatchPage ssr=SsrMode::Async/>
                <Route path=path!("/admin/dead-letters") view=pages::DeadLettersPage ssr=SsrMode::Async/>
                <Route path=path!("/admin/dead-letters/:id") view=pages::DeadLetterPage ssr=SsrMode::Async/>
                <Route path=path!("/admin/budget") view=pages::BudgetPage ssr=SsrMode::Async/>
                <Route path=path!("/admin/rules") view=pages::RulesPage ssr=SsrMode::Async/>
                <Route path=path!("/admin/rules/edit") view=pages::RulePage ssr=SsrMode::Async/>
                <Route path=path!("/admin/rules/versions") view=pages::RuleVersionsPage ssr=SsrMode::Async/>
                <Route path=path!("/admin/prices") view=pages::PricesPage ssr=SsrMode::Async/>
                <Route path=path!("/admin/prompts") view=pages::PromptsPage ssr=SsrMode::Async/>
                <Route path=path!("/admin/prompts/:id") view=pages::TrialPage ssr=SsrMode::Async/>
                <Route path=path!("/mailbox") view=pages::MailboxPage ssr=SsrMode::Async/>
                <Route path=path!("/mailbox/:id") view=pages::MailboxPage ssr=SsrMode::Async/>
            </FlatRoutes>
        </Router>
    }
}
