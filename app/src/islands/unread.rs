//! The count of unread notices in the header.

#![expect(missing_docs, reason = "the macro of an island makes a struct without them")]

use leptos::prelude::*;

/// Where the count is asked for: `{"unread": 3}`.
#[cfg(feature = "hydrate")]
const ADDRESS: &str = "/notices/unread";

/// The count, kept up to date while the page is looked at; nothing when there is none.
#[island]
pub fn Unread(
    /// The count when the page was rendered.
    count: u32,
) -> impl IntoView {
    let (unread, set_unread) = signal(count);
    #[cfg(feature = "hydrate")]
    Effect::new(move |_| {
        super::browser::poll(20, move || async move {
            if let Ok(text) = super::browser::fetch_text(ADDRESS).await
                && let Ok(answer) = serde_json::from_str::<Answer>(&text)
            {
                set_unread.set(answer.unread);
            }
        })
    });
    #[cfg(not(feature = "hydrate"))]
    let _ = set_unread;
    view! {
        <span class="tag on" hidden=move || unread.get() == 0>{unread}<span class="unseen">" unread"</span></span>
    }
}

/// The server's answer.
#[cfg(feature = "hydrate")]
#[derive(serde::Deserialize)]
struct Answer {
    unread: u32,
}
