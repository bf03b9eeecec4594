//! An address that leads nowhere: what it was, and where one may have wanted to go.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::components::A;
use leptos_router::hooks::use_location;

use crate::backend::PageStatus;
use crate::components::triad::CloudRing;
use domain::finality::Signed;

const NOT_FOUND: u16 = 404;

/// Behind the sign-in: within the console.
#[component]
pub(crate) fn NotFound() -> impl IntoView {
    if let Some(status) = use_context::<PageStatus>() {
        status.set(NOT_FOUND);
    }
    let location = use_location();
    view! {
        <Title text="Not found" />
        <section class="lost">
            <CloudRing up=Signed::default() size=72 />
            <h2>"No cloud has signed for this page."</h2>
            <p>"There is nothing at " <code>{move || location.pathname.get()}</code> "."</p>
            <p class="muted">
                "An event's address is its id. A hash, a slot such as gcp/1/204 or a tenant is found by the search above."
            </p>
            <p class="lost-ways">
                <A href="/" attr:class="button button-first">"Overview"</A>
                <A href="/ledger" attr:class="button">"Ledger"</A>
            </p>
        </section>
    }
    .into_any()
}

/// Outside every route.
#[component]
pub(crate) fn Unknown() -> impl IntoView {
    if let Some(status) = use_context::<PageStatus>() {
        status.set(NOT_FOUND);
    }
    view! {
        <main class="bare">
            <h1>"There is nothing here."</h1>
            <a class="button" href="/">"Overview"</a>
        </main>
    }
}
