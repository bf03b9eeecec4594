//! The screens of Ternion, rendered on the server and hydrated in the browser.
//!
//! [`backend`] is the contract with the server; [`api`] the server functions over it; `shell` the
//! document and what surrounds every page; `pages` one file a page, and `piece` how their code comes
//! late; `components` what pages share;
//! `live` the one event stream of a tab; `browser` everything that touches the browser's own API.
//!
//! Invariants: nothing here knows axum or sqlx. Every page is complete without WebAssembly. No
//! element carries a `style` attribute, since the content security policy refuses them.

// The types of views nest as deep as the markup does.
#![recursion_limit = "512"]
#![expect(
    unreachable_pub,
    reason = "`#[component]` makes an inner function `pub` whatever we write"
)]

pub mod api;
pub mod backend;
mod browser;
mod components;
mod encoding;
mod format;
mod live;
mod pages;
mod piece;
mod query;
mod shell;
mod verification;
mod zone;

pub use shell::{App, Assets, PageContext, shell};

/// Called by the page's script once the module is compiled: takes over the server's HTML, when the
/// piece that its page belongs to has come.
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub async fn hydrate() {
    console_error_panic_hook::set_once();
    if let Some(body) = leptos::prelude::document().body() {
        leptos::mount::hydrate_from_async(body, App).await.forget();
        browser::mark_alive();
    }
}
