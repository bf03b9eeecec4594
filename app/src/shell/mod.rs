//! The document, the routes, and what surrounds every page.

pub(crate) mod console;
mod header;
mod keys;
mod nav;
mod palette;

use leptos::nonce::use_nonce;
use leptos::prelude::*;
use leptos_meta::{MetaTags, Title, provide_meta_context};
use leptos_router::SsrMode;
use leptos_router::components::{ParentRoute, Route, Router, Routes};
use leptos_router::path;

use crate::api;
use crate::backend::{Problem, Session, Theme};
use crate::browser::{self, theme_name};
use crate::components::announcer::{Announcer, LiveRegion};
use crate::pages::event::EventPage;
use crate::pages::lab::LabPage;
use crate::pages::ledger::LedgerPage;
use crate::pages::not_found::{NotFound, Unknown};
use crate::pages::overview::OverviewPage;
use crate::pages::sign_in::SignInPage;
use crate::pages::verify::VerifyPage;
use crate::zone::Zone;

use console::Console;

/// Addresses of the browser's files, with their fingerprints. The server provides it to every
/// page; without it the page is rendered bare.
#[derive(Clone, Debug, Default)]
pub struct Assets {
    pub css: String,
    pub js: String,
    pub wasm: String,
    pub favicon: String,
}

/// The session, fetched once a page load; a context of every page.
#[derive(Clone, Copy)]
pub(crate) struct CurrentSession(pub(crate) Resource<Result<Session, Problem>>);

/// The document. The server calls it for every page, in a context that holds [`Assets`] and the
/// reader's [`Theme`].
#[must_use]
pub fn shell(_options: LeptosOptions) -> impl IntoView {
    let assets = use_context::<Assets>().unwrap_or_default();
    let theme = use_context::<Theme>().unwrap_or_default();
    view! {
        <!DOCTYPE html>
        <html lang="en" data-theme=theme_name(theme)>
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <meta name="theme-color" media="(prefers-color-scheme: light)" content="#f6f7f5" />
                <meta name="theme-color" media="(prefers-color-scheme: dark)" content="#0c1011" />
                <link rel="icon" type="image/svg+xml" href=assets.favicon.clone() />
                <link rel="stylesheet" href=assets.css.clone() />
                <Hydration assets />
                <MetaTags />
            </head>
            <body>
                <App />
            </body>
        </html>
    }
}

/// Loads the module and lets it take over. Ours instead of Leptos' own, for the fingerprints and
/// a policy without `unsafe-inline`.
#[component]
fn Hydration(assets: Assets) -> impl IntoView {
    let nonce = use_nonce();
    let Assets { js, wasm, .. } = assets;
    let script = format!(
        "import init, {{hydrate}} from {js:?}; init({{module_or_path: {wasm:?}}}).then(() => hydrate());"
    );
    view! {
        <link rel="modulepreload" href=js nonce=nonce.clone() />
        <link rel="preload" href=wasm r#as="fetch" r#type="application/wasm" crossorigin="" />
        <script type="module" nonce=nonce>
            {script}
        </script>
    }
}

/// Everything inside the body.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    Zone::provide();
    let announcer = Announcer::provide();
    Effect::new(move |_| browser::mark_alive());
    provide_context(CurrentSession(Resource::new_blocking(|| (), |()| api::session())));
    view! {
        <Title formatter=|title: String| {
            if title.is_empty() { "Ternion".to_owned() } else { format!("{title} · Ternion") }
        } />
        <Router>
            <Routes fallback=Unknown>
                <Route path=path!("/sign-in") view=SignInPage ssr=SsrMode::Async />
                <ParentRoute path=path!("") view=Console ssr=SsrMode::Async>
                    <Route path=path!("/") view=OverviewPage ssr=SsrMode::Async />
                    <Route path=path!("/ledger") view=LedgerPage ssr=SsrMode::Async />
                    <Route path=path!("/ledger/:event_id") view=EventPage ssr=SsrMode::Async />
                    <Route path=path!("/verify") view=VerifyPage ssr=SsrMode::Async />
                    <Route path=path!("/lab") view=LabPage ssr=SsrMode::Async />
                    <Route path=path!("/*any") view=NotFound ssr=SsrMode::Async />
                </ParentRoute>
            </Routes>
        </Router>
        <LiveRegion announcer />
    }
}
