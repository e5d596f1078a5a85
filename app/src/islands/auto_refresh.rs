//! Keeps a part of a page up to date, until it is paused.

#![expect(missing_docs, reason = "the macro of an island makes a struct without them")]

use leptos::prelude::*;

/// Renews the part of the page with the id `part` every few seconds while it is visible, says as of when it is, and
/// can be paused. Without JavaScript it says as of when the page is, and links to itself.
#[island]
pub fn AutoRefresh(
    /// The id of the part; it carries `data-as-of`, the time of its figures in the reader's zone.
    part: String,
    /// How often, in seconds.
    seconds: u32,
    /// As of when the part is.
    as_of: String,
) -> impl IntoView {
    let (awake, set_awake) = signal(false);
    let (paused, set_paused) = signal(false);
    let (lost, set_lost) = signal(false);
    let (time, set_time) = signal(as_of);
    Effect::new(move |_| set_awake.set(true));
    #[cfg(feature = "hydrate")]
    Effect::new(move |_| {
        let part = part.clone();
        super::browser::poll(seconds.into(), move || {
            let part = part.clone();
            async move {
                if paused.get_untracked() {
                    return;
                }
                match super::browser::renew(&part).await {
                    Ok(fresh) => {
                        set_lost.set(false);
                        if let Some(as_of) = fresh.get_attribute("data-as-of") {
                            set_time.set(as_of);
                        }
                    }
                    Err(_) => set_lost.set(true),
                }
            }
        });
    });
    #[cfg(not(feature = "hydrate"))]
    let _ = (part, seconds, set_lost, set_time);
    let state = move || match (awake.get(), paused.get(), lost.get()) {
        (false, ..) => format!("As of {}", time.get()),
        (_, true, _) => format!("Paused, as of {}", time.get()),
        (_, _, true) => format!("Connection lost, as of {}. We keep trying.", time.get()),
        _ => format!("Live, as of {}", time.get()),
    };
    view! {
        <span class="row small quiet no-print">
            <span>{state}</span>
            <a class="button" href="" hidden=awake>"Refresh"</a>
            <button
                class="button"
                type="button"
                hidden=move || !awake.get()
                on:click=move |_| set_paused.update(|paused| *paused = !*paused)
            >
                {move || if paused.get() { "Go on" } else { "Pause" }}
            </button>
        </span>
    }
}
