//! The parts of the optimizer: what it says of margins, whom it is about, and what the list says.

use leptos::prelude::*;
use leptos_router::components::A;

pub(crate) const TENANTS: &str = "/optimizer/tenants";
pub(crate) const TIERS: &str = "/optimizer/tiers";
pub(crate) const LIST_PRICE: &str = "/optimizer/tiers/price";

#[component]
pub(crate) fn OptimizerTabs() -> impl IntoView {
    view! {
        <nav class="tabs" aria-label="Parts of the optimizer">
            <A href="/optimizer" exact=true>"Margins and advice"</A>
            <A href=TENANTS>"Tenants"</A>
            <A href=TIERS>"Tiers and list prices"</A>
            <A href="/optimizer/policy">"Policy"</A>
        </nav>
    }
}
