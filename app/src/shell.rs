//! The document around every page.

use crate::render::Assets;
use leptos::config::LeptosOptions;
use leptos::prelude::*;
use leptos_meta::MetaTags;

/// The whole document: head, style, the script that wakes the islands, and the page in the body. Light or dark is the
/// reader's setting, which the style sheet follows by itself.
pub(crate) fn shell<V: IntoView + 'static>(assets: Assets, body: impl FnOnce() -> V) -> impl IntoView {
    let scripts = assets.script.map(|name| {
        let options =
            LeptosOptions::builder().output_name(name).site_pkg_dir(Assets::FOLDER).hash_files(false).build();
        view! { <HydrationScripts options islands=true/> }
    });
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="color-scheme" content="light dark"/>
                {assets.icon.map(|name| view! { <link rel="icon" type="image/svg+xml" href=Assets::path(&name)/> })}
                {assets.stylesheet.map(|name| view! { <link rel="stylesheet" href=Assets::path(&name)/> })}
                {scripts}
                <MetaTags/>
            </head>
            <body>{body()}</body>
        </html>
    }
}
