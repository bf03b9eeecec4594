//! What is recommended, with the inputs, the rules that fired, and what the guardrails did.

use leptos::prelude::*;
use leptos_router::components::A;

use crate::backend::RecommendationRow;
use crate::components::table::{Cell, DataTable, TableRow};
use crate::components::time::Time;
use crate::format::TimeShape;
use crate::pages::approvals::guardrails::Guardrails;

#[component]
pub(super) fn Recommendations(rows: Vec<RecommendationRow>, has_run: bool) -> impl IntoView {
    let empty = if has_run {
        "Nothing is recommended: no margin has stayed too low or very high for as many runs as the policy asks."
    } else {
        "Nothing yet: the optimizer has not run. It does so once an hour, where usage has a price on both sides; an admin has it run at once with “Run now”."
    };
    let none = rows.is_empty();
    let items = rows.into_iter().map(|row| view! { <One row /> }).collect_view();
    view! {
        <section class="card pricing-part" aria-labelledby="advice-title">
            <h2 id="advice-title" class="card-title">"What is recommended"</h2>
            <p class="muted">"The optimizer’s advice from its runs. A price that it advises waits in Approvals; it is in force once people agree, or by itself where that was switched on."</p>
            {if none {
                view! { <p class="muted">{empty}</p> }.into_any()
            } else {
                view! { <ul class="advice-list">{items}</ul> }.into_any()
            }}
        </section>
    }
}

#[component]
fn One(row: RecommendationRow) -> impl IntoView {
    let list =
        |lines: Vec<String>| lines.into_iter().map(|line| view! { <li>{line}</li> }).collect_view();
    let head =
        ["Action", "Expected value", "Deviation", "Score"].map(|text| Cell::from(text.to_owned()));
    let lines: Vec<TableRow> = row
        .actions
        .into_iter()
        .map(|line| TableRow::Cells(line.map(Cell::from).to_vec()))
        .collect();
    let actions = (!lines.is_empty()).then(|| {
        view! { <DataTable label=format!("What could be done about {}", row.tenant_id) head=head.to_vec() rows=lines /> }
    });
    let trail = row.trail.map(|trail| {
        view! { <h4>"What the guardrails did"</h4> <Guardrails trail /> }
    });
    let proposal = row.proposal_id.map(|id| {
        view! { <A href=format!("/approvals/{id}") attr:class="button">"See the proposal"</A> }
    });
    view! {
        <li class="advice">
            <h3><strong>{row.tenant_id.clone()}</strong> <span class="muted">" " {row.name}</span></h3>
            <p>{row.title} "."</p>
            <p class="pricing-acts">
                {proposal}
                <a class="button" href=row.simulate>"Simulate first"</a>
            </p>
            <details class="pricing-more">
                <summary>"Why"</summary>
                <ul class="pricing-trail">{list(row.why)}</ul>
                {trail}
                {actions}
                <p class="muted">
                    "Said " <Time at=row.at shape=TimeShape::Day /> " in "
                    <A href=format!("/ledger/{}", row.event_id)>"an event of the ledger"</A>
                    ". Money is what an action would add in a month: its expected value, how far that may be off, and its score, which is the value less a charge for the risk. The chances that a tenant accepts or leaves are assumptions of the policy."
                </p>
            </details>
        </li>
    }
}
