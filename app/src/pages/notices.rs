//! Notices.

use super::{Message, load_for_viewer, page_number};
use crate::components::{EmptyState, Moment, PageTitle, Pagination, PostForm, Tag, Tone};
use crate::view::{Notice, Notices};
use leptos::prelude::*;

/// `/notices`
#[component]
pub fn NoticesPage() -> impl IntoView {
    let page = page_number();
    load_for_viewer(move |data, viewer| async move { data.notices(&viewer, page?).await }, draw)
}

fn draw(page: Notices) -> AnyView {
    let read_all = (page.unread > 0).then(|| {
        view! { <PostForm action="/notices/read-all" class="no-print"><button class="button">"Mark all as read"</button></PostForm> }
    });
    let list = if page.notices.is_empty() {
        view! { <EmptyState title="No notices yet." hint="We write here when something happens to what you handed in."/> }.into_any()
    } else {
        view! { <ul class="items">{page.notices.into_iter().map(notice).collect_view()}</ul> }.into_any()
    };
    view! {
        <PageTitle text="Notices"/>
        <main id="main" class="narrow">
            <div class="row between"><h1>"Notices"</h1>{read_all}</div>
            <Message/>
            {list}
            <Pagination paging=page.paging href=|page| format!("/notices?page={page}") noun=("notice", "notices")/>
        </main>
    }
    .into_any()
}

fn notice(notice: Notice) -> AnyView {
    let unread = !notice.read;
    let title = match notice.href {
        Some(href) => view! { <a href=href>{notice.title.clone()}</a> }.into_any(),
        None => notice.title.clone().into_any(),
    };
    let title_text = notice.title.clone();
    let mark = unread.then(|| {
        view! {
            <PostForm action=format!("/notices/{}/read", notice.id) class="no-print">
                <button class="button small">"Mark as read"<span class="unseen">{format!(": {title_text}")}</span></button>
            </PostForm>
        }
    });
    view! {
        <li class=unread.then_some("unread")>
            <div class="stack-1">
                <h2 class="minor">{title}" "{unread.then(|| view! { <Tag tone=Tone::On text="New"/> })}</h2>
                <p>{notice.body}</p>
                <p class="quiet small"><Moment at=notice.at/></p>
            </div>
            {mark}
        </li>
    }
    .into_any()
}
