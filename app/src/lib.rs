//! The pages of Quire: what people see.
//!
//! Built twice. On the server (feature `ssr`) it renders every page to HTML that works without JavaScript: forms
//! post, links link. In the browser (feature `hydrate`) only the [`islands`] are there, which keep live what changes
//! while a person looks.
//!
//! On the server a page comes about in four steps: the server makes a [`Visit`](data::Visit) (who looks, when, what
//! came of a form); [`render`](render::render) runs the [`App`](app::App) whose routes name the pages; a page asks
//! [`PageData`](data::PageData) for its [`view`] structs; and the [`components`] draw them.

// The type of a view grows with every element in it.
#![recursion_limit = "256"]

pub mod islands;
pub mod view;

#[cfg(feature = "ssr")]
pub mod app;
#[cfg(feature = "ssr")]
pub mod components;
#[cfg(feature = "ssr")]
pub mod data;
#[cfg(feature = "ssr")]
pub mod pages;
#[cfg(feature = "ssr")]
pub mod render;
#[cfg(feature = "ssr")]
mod shell;
#[cfg(feature = "ssr")]
pub mod when;
#[cfg(feature = "ssr")]
pub mod words;
