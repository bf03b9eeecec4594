//! Every version of a tenant, who decided it, and what it changed. None is ever rewritten.

use leptos::prelude::*;
use leptos_router::components::A;

use crate::backend::VersionRow;
use crate::components::time::Time;
use crate::format::{TimeShape, counted};

#[component]
pub(super) fn History(rows: Vec<VersionRow>) -> impl IntoView {
    let number = u64::try_from(rows.len()).unwrap_or(u64::MAX);
    let title = format!("How it came to that: {}", counted(number, "version", "versions"));
    let rows = rows.into_iter().map(|row| {
        let VersionRow { at, by, event_id, changes } = row;
        let by = by.unwrap_or_else(|| "a program".to_owned());
        view! {
            <li>
                <Time at shape=TimeShape::Day /> " " <strong>{changes.join("; ")}</strong>
                <span class="cell-about">{format!("By {by}: ")} <A href=format!("/ledger/{event_id}")>"the event"</A></span>
            </li>
        }
    });
    view! {
        <section class="card pricing-part" aria-labelledby="versions-title">
            <h2 id="versions-title" class="card-title">{title}</h2>
            <ol class="pricing-history">{rows.collect_view()}</ol>
        </section>
    }
}
