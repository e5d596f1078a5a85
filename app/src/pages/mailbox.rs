//! The demo's mailbox: what Quire would have e-mailed.

use super::{Data, load, page_number, query};
use crate::components::{EmptyState, Moment, PageTitle, Pagination, RenewWithoutScript};
use crate::view::{Mail, MailItem, Mailbox};
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

/// `/mailbox` and `/mailbox/{id}`
#[component]
pub fn MailboxPage() -> impl IntoView {
    let data = expect_context::<Data>();
    let open = use_params_map().with_untracked(|params| params.get("id")).or_else(|| query("open"));
    let page = page_number();
    load(async move { data.mailbox(open.as_deref(), page?).await }, draw)
}

fn draw(page: Mailbox) -> AnyView {
    let open_id = page.open.as_ref().map(|mail| mail.item.id.clone());
    let list = if page.mails.is_empty() {
        view! { <EmptyState title="No e-mail has been sent yet." hint="Hand something in: the confirmation lands here within seconds."/> }
            .into_any()
    } else {
        let rows = page.mails.into_iter().map(|mail| row(mail, open_id.as_deref())).collect_view();
        view! { <ul class="items mails">{rows}</ul> }.into_any()
    };
    let open = match page.open {
        Some(mail) => letter(mail).into_any(),
        None => view! { <p class="quiet">"Choose an e-mail to read it."</p> }.into_any(),
    };
    view! {
        <PageTitle text="Mailbox"/>
        <main id="main">
            <div class="stack-2">
                <h1>"Mailbox"</h1>
                <p class="quiet">"Every e-mail of this demo ends here, whomever it is for. Nothing leaves this machine."</p>
            </div>
            {open_id.is_none().then(|| view! { <RenewWithoutScript seconds=30/> })}
            <div class="side even turned">
                {open}
                <section class="stack" aria-label="E-mails">
                    {list}
                    <Pagination paging=page.paging href=|page| format!("/mailbox?page={page}") noun=("e-mail", "e-mails")/>
                </section>
            </div>
        </main>
    }
    .into_any()
}

fn row(mail: MailItem, open: Option<&str>) -> AnyView {
    let current = (open == Some(mail.id.as_str())).then_some("true");
    view! {
        <li>
            <div class="stack-1">
                <h2 class="minor"><a href=format!("/mailbox/{}", mail.id) aria-current=current>{mail.subject}</a></h2>
                <p class="quiet small">"to "{mail.to}" · "<Moment at=mail.at/></p>
            </div>
        </li>
    }
    .into_any()
}

fn letter(mail: Mail) -> AnyView {
    let html = mail.has_html.then(|| {
        view! {
            <iframe
                class="letter"
                title="The e-mail as a mail program shows it"
                src=format!("/mailbox/{}/html", mail.item.id)
                sandbox="allow-top-navigation-by-user-activation"
            ></iframe>
        }
    });
    view! {
        <article class="sheet stack">
            <h2>{mail.item.subject}</h2>
            <dl class="pairs">
                <div><dt>"From"</dt><dd>{mail.from}</dd></div>
                <div><dt>"To"</dt><dd>{mail.item.to}</dd></div>
                <div><dt>"Sent"</dt><dd><Moment at=mail.item.at/></dd></div>
            </dl>
            {html}
            <details id="mail-text" open=!mail.has_html><summary>"As plain text"</summary><pre class="letter-text">{mail.text}</pre></details>
        </article>
    }
    .into_any()
}
