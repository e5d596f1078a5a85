//! What is wrong with a rule's condition, said while it is typed.

use leptos::prelude::*;

/// The first fault of the condition in the field `condition`, once its reader stops typing; nothing without one. Without
/// JavaScript the form says the same when it is sent.
#[island]
pub fn ConditionCheck() -> impl IntoView {
    let (told, set_told) = signal(String::new());
    #[cfg(feature = "hydrate")]
    Effect::new(move |_| watch(set_told));
    #[cfg(not(feature = "hydrate"))]
    let _ = set_told;
    view! { <p class="wrong-text" id="condition-check" role="status">{told}</p> }
}

#[cfg(feature = "hydrate")]
fn watch(set_told: WriteSignal<String>) {
    use std::{cell::Cell, rc::Rc, time::Duration};
    use wasm_bindgen::{JsCast, prelude::Closure};
    use web_sys::HtmlInputElement;

    /// A pause in typing.
    const PAUSE: Duration = Duration::from_millis(400);

    let field = document().get_element_by_id("condition");
    let Some(field) = field.and_then(|field| field.dyn_into::<HtmlInputElement>().ok()) else { return };
    let typed = Rc::new(Cell::new(0_u32));
    let asked = field.clone();
    let check_soon = move || {
        let this = typed.get().wrapping_add(1);
        typed.set(this);
        let (field, typed) = (asked.clone(), typed.clone());
        let check = move || {
            // Only after the last key, and for what is there by then.
            if typed.get() != this {
                return;
            }
            leptos::task::spawn_local(async move {
                let condition = js_sys::encode_uri_component(&field.value());
                let address = format!("/admin/rules/check?condition={condition}");
                if let Ok(text) = super::browser::fetch_text(&address).await
                    && let Ok(answer) = serde_json::from_str::<Answer>(&text)
                    && typed.get() == this
                {
                    let fault = answer.faults.into_iter().next();
                    let told = fault.map(|fault| format!("Column {}: {}", fault.column, fault.message));
                    set_told.set(told.unwrap_or_default());
                }
            });
        };
        set_timeout(check, PAUSE);
    };
    // Somebody may have typed before this was awake.
    if field.value() != field.default_value() {
        check_soon();
    }
    let listener = Closure::<dyn FnMut()>::new(check_soon);
    if let Err(error) = field.add_event_listener_with_callback("input", listener.as_ref().unchecked_ref()) {
        leptos::logging::warn!("the condition can't be watched: {error:?}");
    }
    // It lives as long as the page.
    listener.forget();
}

/// The server's answer.
#[cfg(feature = "hydrate")]
#[derive(serde::Deserialize)]
struct Answer {
    faults: Vec<Fault>,
}

#[cfg(feature = "hydrate")]
#[derive(serde::Deserialize)]
struct Fault {
    column: usize,
    message: String,
}
