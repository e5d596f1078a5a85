//! Signing in.

use super::{Data, load, query};
use crate::components::{ErrorSummary, Field, Note, NoteTone, PageTitle, PostForm, described_by, visit};
use crate::data::Visit;
use crate::render::local_path;
use crate::view::{DemoPerson, SignIn};
use leptos::prelude::*;

/// `/sign-in`
#[component]
pub fn SignInPage() -> impl IntoView {
    let data = expect_context::<Data>();
    load(async move { data.sign_in().await }, draw)
}

fn draw(page: SignIn) -> AnyView {
    let visit = visit();
    let typed_next = visit.form.as_ref().and_then(|form| form.value("next")).map(str::to_owned);
    let next = local_path(&typed_next.or_else(|| query("next")).unwrap_or_default()).to_owned();
    let ended = visit.session_ended.then(|| {
        view! {
            <Note tone=NoteTone::Warn>
                <p>"You were signed out because you had been away for a while. Everything that we confirmed to you is stored safely."</p>
            </Note>
        }
    });
    let already = visit.viewer.as_ref().map(|viewer| {
        let who = format!("You are signed in as {}. Sign in as someone else here, or ", viewer.name);
        view! { <Note><p>{who}<a href="/">"go on"</a>"."</p></Note> }
    });
    let people = (!page.people.is_empty()).then(|| one_click(page.people, &next));
    view! {
        <PageTitle text="Sign in"/>
        <main id="main" class="small-page">
            <h1>"Sign in"</h1>
            {ended}
            {already}
            <ErrorSummary form=visit.form.clone()/>
            {password_form(&visit, &next)}
            {people}
        </main>
    }
    .into_any()
}

fn password_form(visit: &Visit, next: &str) -> AnyView {
    let value = |field: &str| visit.form.as_ref().and_then(|form| form.value(field)).map(str::to_owned);
    let error = |field: &str| visit.form.as_ref().and_then(|form| form.error(field)).map(str::to_owned);
    let (email_error, password_error) = (error("email"), error("password"));
    let invalid = |error: &Option<String>| error.is_some().then_some("true");
    let (email, next) = (value("email"), next.to_owned());
    view! {
        <PostForm action="/sign-in" class="sheet stack">
            <input type="hidden" name="next" value=next/>
            <Field id="email" label="E-mail address" error=email_error.clone()>
                <input
                    id="email"
                    name="email"
                    type="email"
                    autocomplete="username"
                    spellcheck="false"
                    value=email
                    aria-describedby=described_by("email", false, email_error.is_some())
                    aria-invalid=invalid(&email_error)
                />
            </Field>
            <Field id="password" label="Password" error=password_error.clone()>
                <input
                    id="password"
                    name="password"
                    type="password"
                    autocomplete="current-password"
                    aria-describedby=described_by("password", false, password_error.is_some())
                    aria-invalid=invalid(&password_error)
                />
            </Field>
            <div><button class="button main">"Sign in"</button></div>
        </PostForm>
    }
    .into_any()
}

fn one_click(people: Vec<DemoPerson>, next: &str) -> AnyView {
    let next = next.to_owned();
    let forms = people
        .into_iter()
        .map(|person| {
            let next = next.clone();
            view! {
                <li>
                    <PostForm action="/demo/sign-in">
                        <input type="hidden" name="person" value=person.id/>
                        <input type="hidden" name="next" value=next/>
                        <button class="button wide"><b>{person.name}</b>" "<span class="quiet">{person.part}</span></button>
                    </PostForm>
                </li>
            }
        })
        .collect_view();
    view! {
        <section class="stack">
            <h2>"Or be someone in this demo"</h2>
            <p class="quiet">"One click and no password, since nothing here is real."</p>
            <ul class="bare stack-2">{forms}</ul>
        </section>
    }
    .into_any()
}
