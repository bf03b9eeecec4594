//! The parts of the ledger, above each of them.

use leptos::prelude::*;
use leptos_router::components::A;

/// The first is where the ledger's own address leads.
const SECTIONS: [(&str, &str); 2] = [("/ledger", "Events"), ("/ledger/evidence", "Evidence")];

#[component]
pub(crate) fn LedgerSections() -> impl IntoView {
    let link = |(path, title): (&'static str, &'static str)| {
        view! { <li><A href=path exact={path == "/ledger"}>{title}</A></li> }
    };
    view! {
        <nav class="sections" aria-label="Parts of the ledger">
            <ul>{SECTIONS.map(link).collect_view()}</ul>
        </nav>
    }
}
