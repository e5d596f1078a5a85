//! What the islands need of the browser.

use leptos::prelude::*;
use std::future::Future;
use std::time::Duration;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{DomParser, Element, HtmlElement, Response, SupportedType, VisibilityState};

/// Runs a task every so many seconds while the page is visible.
pub(super) fn poll<F: Future<Output = ()> + 'static>(seconds: u64, task: impl Fn() -> F + 'static) {
    let tick = move || {
        if document().visibility_state() == VisibilityState::Visible {
            leptos::task::spawn_local(task());
        }
    };
    if let Err(error) = set_interval_with_handle(tick, Duration::from_secs(seconds)) {
        leptos::logging::warn!("no timer: {error:?}");
    }
}

/// The text at an address of this server. An answer that is not a success, or comes from another page after a
/// redirect (the session ended), is an error.
pub(super) async fn fetch_text(address: &str) -> Result<String, JsValue> {
    let response: Response = JsFuture::from(window().fetch_with_str(address)).await?.dyn_into()?;
    if !response.ok() || response.redirected() {
        return Err(JsValue::from_f64(response.status().into()));
    }
    let text = JsFuture::from(response.text()?).await?;
    text.as_string().ok_or(JsValue::NULL)
}

/// Fetches this page anew and puts its part with this id in the place of ours. What the reader has unfolded stays so,
/// and the focus stays where it was.
pub(super) async fn renew(id: &str) -> Result<Element, JsValue> {
    let address = window().location().href()?;
    let html = fetch_text(&address).await?;
    let fresh = DomParser::new()?
        .parse_from_string(&html, SupportedType::TextHtml)?
        .get_element_by_id(id)
        .ok_or(JsValue::NULL)?;
    let old = document().get_element_by_id(id).ok_or(JsValue::NULL)?;

    let open = old.query_selector_all("details[open][id]")?;
    for index in 0..open.length() {
        let unfolded = open.item(index).and_then(|node| node.dyn_into::<Element>().ok());
        if let Some(unfolded) = unfolded
            && let Ok(Some(same)) = fresh.query_selector(&format!("#{}", unfolded.id()))
        {
            same.set_attribute("open", "")?;
        }
    }
    // The focused element is known by where its link leads, or by its text.
    let focused = document().active_element().filter(|element| old.contains(Some(element)));
    let same = focused.and_then(|element| match element.get_attribute("href") {
        Some(href) => {
            fresh.query_selector(&format!("[href=\"{}\"]", href.replace('"', "\\\""))).ok().flatten()
        }
        None => fresh.query_selector(&element.tag_name()).ok().flatten(),
    });
    old.replace_with_with_node_1(&fresh)?;
    if let Some(element) = same.and_then(|element| element.dyn_into::<HtmlElement>().ok()) {
        element.focus()?;
    }
    Ok(fresh)
}
