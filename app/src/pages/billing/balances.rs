//! What each tenant's month comes to.

use leptos::prelude::*;
use leptos_router::components::A;

use crate::backend::{BalanceRow, BillingView};
use crate::format::counted;
use crate::pages::billing::address;

#[component]
pub(super) fn Balances(view: BillingView, period: String) -> impl IntoView {
    let BillingView { balances, next_cursor, .. } = view;
    let about = counted(balances.len() as u64, "tenant", "tenants");
    let next = next_cursor.map(|cursor| address(&period, None, Some(&cursor)));
    let row = move |row| view! { <Row row period=period.clone() /> };
    let rows = balances.into_iter().map(row).collect_view();
    view! {
        <section class="card table-card" aria-label="Balances">
            <header class="card-head">
                <p class="table-about">{about} <span class="muted">" on this page, US dollars"</span></p>
            </header>
            <div class="table-scroll">
                <table class="events balance-table">
                    <caption class="visually-hidden">"Balances by tenant"</caption>
                    <thead>
                        <tr>
                            <th scope="col">"Tenant"</th>
                            <th scope="col" class="number">"Charges"</th>
                            <th scope="col" class="number">"Credits"</th>
                            <th scope="col" class="number">"SLA"</th>
                            <th scope="col" class="number">"Rounding, carried"</th>
                            <th scope="col" class="number">"Net"</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
            {next.map(|href| view! {
                <nav class="pages" aria-label="Pages of tenants"><A href=href attr:class="button">"More tenants"</A></nav>
            })}
        </section>
    }
}

#[component]
fn Row(row: BalanceRow, period: String) -> impl IntoView {
    let href = address(&period, Some(&row.tenant_id), None);
    let unpriced = (row.unpriced_requests > 0).then(|| {
        let text = counted(row.unpriced_requests, "request", "requests") + " without a price";
        view! { <span class="billing-missing">{text}</span> }
    });
    let name = row.name.unwrap_or_else(|| "no such tenant is known".to_owned());
    let amount = |label: &'static str, text: String| {
        view! { <td class="number mono" data-label=label>{text}</td> }
    };
    view! {
        <tr>
            <td class="cell-tenant">
                <A href=href><span class="row-link">{row.tenant_id}</span></A>
                <span class="muted">" " {name}</span>
                {unpriced}
            </td>
            {amount("Charges", row.charges)}
            {amount("Credits", row.credits)}
            {amount("SLA", row.penalties)}
            {amount("Rounding, carried", row.other)}
            {amount("Net", row.net)}
        </tr>
    }
}
