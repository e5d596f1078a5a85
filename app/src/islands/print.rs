//! The button that prints.

use leptos::prelude::*;

/// Prints the page. Where no script runs it stays hidden, since it could do nothing.
#[island]
pub fn PrintButton() -> impl IntoView {
    let (awake, set_awake) = signal(false);
    Effect::new(move |_| set_awake.set(true));
    let print = move |_| {
        #[cfg(feature = "hydrate")]
        if let Err(error) = leptos::prelude::window().print() {
            leptos::logging::warn!("printing failed: {error:?}");
        }
    };
    view! { <button class="button" type="button" hidden=move || !awake.get() on:click=print>"Print"</button> }
}
