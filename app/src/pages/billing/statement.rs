//! A tenant's statement: its entries, each with what it was computed from.

use leptos::prelude::*;
use leptos_router::components::A;

use crate::backend::{Statement, StatementLine};
use crate::format::counted;
use crate::pages::billing::address;
use crate::pages::billing::amount::{Amount, places_of};

#[component]
pub(super) fn StatementCard(statement: Statement, period: String) -> impl IntoView {
    let Statement { tenant_id, owed, lines, next_cursor } = statement;
    let about = counted(lines.len() as u64, "entry", "entries");
    let next = next_cursor.map(|cursor| address(&period, Some(&tenant_id), Some(&cursor)));
    let title = format!("Statement of {tenant_id} for ");
    let none = lines.is_empty().then(|| {
        view! { <p class="muted">"No entries: nothing that has a price was used, and nothing was credited."</p> }
    });
    let total = (!lines.is_empty()).then_some(owed.exact);
    let places = places_of(lines.iter().map(|line| &line.amount).chain(&total).map(String::as_str));
    let rows = lines.into_iter().map(|line| view! { <Line line places /> }).collect_view();
    let total = total.map(|amount| view! { <Sum amount is_credit=owed.is_credit places /> });
    view! {
        <section class="card table-card" aria-labelledby="statement-title">
            <header class="card-head">
                <h2 id="statement-title" class="card-title">{title} {period}</h2>
                <p class="muted">{about} " on this page, exact"</p>
            </header>
            {none}
            <div class="table-scroll">
                <table class="events statement-table">
                    <caption class="visually-hidden">"Entries by day"</caption>
                    <thead>
                        <tr>
                            <th scope="col">"Day, UTC"</th>
                            <th scope="col">"What"</th>
                            <th scope="col">"Quantity"</th>
                            <th scope="col">"Price in force"</th>
                            <th scope="col">"Account"</th>
                            <th scope="col" class="number">"Amount"</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                    {total}
                </table>
            </div>
            {next.map(|href| view! {
                <nav class="pages" aria-label="Pages of the statement"><A href=href attr:class="button">"More entries"</A></nav>
            })}
        </section>
    }
}

/// Of all entries of the month, whichever page of them stands above.
#[component]
fn Sum(amount: String, is_credit: bool, places: usize) -> impl IntoView {
    let label = if is_credit {
        "Total of the month’s entries: a credit balance"
    } else {
        "Total of the month’s entries"
    };
    view! {
        <tfoot>
            <tr>
                <th scope="row" colspan="5">{label}</th>
                <td class="cell-amount number mono"><Amount text=amount places /></td>
            </tr>
        </tfoot>
    }
}

#[component]
fn Line(line: StatementLine, places: usize) -> impl IntoView {
    let StatementLine { day, kind, what, price, quantity, amount, account, event_id } = line;
    let decision = |text: String| match event_id {
        Some(id) => view! { <A href=format!("/ledger/{id}")>{text}</A> }.into_any(),
        None => text.into_any(),
    };
    // The link leads to the decision: of a charge its price, of a credit itself.
    let (what, price) = if price.is_empty() {
        (decision(what), ().into_any())
    } else {
        (what.into_any(), decision(price))
    };
    view! {
        <tr>
            <td class="cell-day mono">{day}</td>
            <td class="cell-what"><strong>{kind}</strong> " · " {what}</td>
            <td class="cell-quantity">{quantity}</td>
            <td class="cell-price">{price}</td>
            <td class="cell-account mono">{account}</td>
            <td class="cell-amount number mono"><Amount text=amount places /></td>
        </tr>
    }
}
