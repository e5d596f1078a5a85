//! Icons, drawn in the colour of the text around them and hidden from screen readers: a word always stands beside.

use leptos::prelude::*;

/// Quire's sign, an open quire of leaves.
#[component]
pub fn BrandMark() -> impl IntoView {
    view! {
        <svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.8" stroke-linejoin="round" aria-hidden="true">
            <path d="M12 5.5C9.6 3.9 6.6 3.5 3 3.6v14.2c3.6-.1 6.6.3 9 1.9 2.4-1.6 5.4-2 9-1.9V3.6c-3.6-.1-6.6.3-9 1.9Z"/>
            <path d="M12 5.5v14.2M6 8c1.3.1 2.4.3 3.4.7M6 11.5c1.3.1 2.4.3 3.4.7"/>
        </svg>
    }
}

/// Something is as it should be.
#[component]
pub fn TickIcon() -> impl IntoView {
    view! {
        <svg class="ok" viewBox="0 0 20 20" fill="none" stroke="currentColor" stroke-width="2.2" aria-hidden="true">
            <path d="m4 10.5 4 4 8-9"/>
        </svg>
    }
}

/// Something is worth a look.
#[component]
pub fn LookIcon() -> impl IntoView {
    view! {
        <svg class="look" viewBox="0 0 20 20" fill="none" stroke="currentColor" stroke-width="2" aria-hidden="true">
            <circle cx="10" cy="10" r="7.5"/>
            <path d="M10 6v5M10 13.2v.8"/>
        </svg>
    }
}
