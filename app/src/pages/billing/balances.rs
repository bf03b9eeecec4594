//! What each tenant's month comes to.

use leptos::prelude::*;
use leptos_router::components::A;

use crate::backend::{BalanceRow, BillingView};
use crate::format::counted;
use crate::pages::billing::address;
use crate::pages::billing::amount::{Amount, places_of};

#[component]
pub(super) fn Balances(view: BillingView, period: String) -> impl IntoView {
    let BillingView { balances, next_cursor, .. } = view;
    let about = counted(balances.len() as u64, "tenant", "tenants");
    let next = next_cursor.map(|cursor| address(&period, None, Some(&cursor)));
    let places = Places::of(&balances);
    let row = move |row| view! { <Row row places period=period.clone() /> };
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
                            <th scope="col" class="number">"Overage"</th>
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

/// Of each column of amounts.
#[derive(Clone, Copy)]
struct Places {
    charges: usize,
    overage: usize,
    credits: usize,
    penalties: usize,
    other: usize,
    net: usize,
}

impl Places {
    fn of(rows: &[BalanceRow]) -> Self {
        let most = |of: fn(&BalanceRow) -> &str| places_of(rows.iter().map(of));
        Places {
            charges: most(|row| &row.charges),
            overage: most(|row| &row.overage),
            credits: most(|row| &row.credits),
            penalties: most(|row| &row.penalties),
            other: most(|row| &row.other),
            net: most(|row| &row.net),
        }
    }
}

#[component]
fn Row(row: BalanceRow, places: Places, period: String) -> impl IntoView {
    let href = address(&period, Some(&row.tenant_id), None);
    let unpriced = (row.unpriced_requests > 0).then(|| {
        let text = counted(row.unpriced_requests, "request", "requests") + " without a price";
        view! { <span class="billing-missing">{text}</span> }
    });
    let name = row.name.unwrap_or_else(|| "no such tenant is known".to_owned());
    let amount = |label: &'static str, text: String, places: usize| {
        view! { <td class="number mono" data-label=label><Amount text places /></td> }
    };
    view! {
        <tr>
            <td class="cell-tenant">
                <A href=href><span class="row-link">{row.tenant_id}</span></A>
                <span class="muted">" " {name}</span>
                {unpriced}
            </td>
            {amount("Charges", row.charges, places.charges)}
            {amount("Overage", row.overage, places.overage)}
            {amount("Credits", row.credits, places.credits)}
            {amount("SLA", row.penalties, places.penalties)}
            {amount("Rounding, carried", row.other, places.other)}
            {amount("Net", row.net, places.net)}
        </tr>
    }
}
