//! The parts of the ledger: what is recorded, what is held, what is proven against clouds,
//! and whose keys count.

use leptos::prelude::*;
use leptos_router::components::A;

use crate::format::count;
use crate::live::Live;

#[component]
pub(crate) fn LedgerTabs() -> impl IntoView {
    let live = expect_context::<Live>();
    let held = Memo::new(move |_| live.state.read().as_ref().map_or(0, |state| state.quarantined));
    let asked =
        Memo::new(move |_| live.state.read().as_ref().map_or(0, |state| state.key_requests));
    view! {
        <nav class="tabs" aria-label="Parts of the ledger">
            <A href="/ledger" exact=true>"Events"</A>
            <A href="/ledger/quarantine" exact=true>
                "Quarantine"
                <span class="tab-count" hidden=move || held.get() == 0>{move || count(held.get())}</span>
            </A>
            <A href="/ledger/evidence">"Evidence"</A>
            <A href="/ledger/keys">
                "Keys"
                <span class="tab-count" hidden=move || asked.get() == 0>{move || count(asked.get())}</span>
            </A>
        </nav>
    }
}
