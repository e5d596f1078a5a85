//! The WebAssembly entry: wakes the islands of a page, nothing else.

// The islands are found by name from the page; they only have to be linked in.
#[allow(unused_imports)]
use quire_app::islands;
use wasm_bindgen::prelude::wasm_bindgen;

/// Makes ready for the islands of the page, which the page's own script then wakes one by one.
#[wasm_bindgen]
pub fn hydrate() {
    leptos::mount::hydrate_islands();
}
