//! Crediting a tenant and closing a month: two dialogs with plain forms. Without scripts a button
//! leads to this page with its dialog open.

use leptos::html;
use leptos::prelude::*;

use crate::components::decision::{ConfirmBox, ReasonField};
use crate::components::dialog::{Dialog, Leave, is_asked, open_named};
use crate::components::kept::{TextField, typed};
use crate::pages::billing::address;
use crate::query::with_query;

const CREDIT: &str = "credit";
const CLOSE: &str = "close";

/// Why nothing came of a form.
pub(super) fn refusal(code: &str) -> &'static str {
    match code {
        "not_confirmed" => "Nothing was recorded: the box was not ticked.",
        "tenantId" => "Nothing was recorded: no tenant has that id.",
        "amountUsd" => {
            "Nothing was recorded: the amount must be above 0, such as 25.00, with at most ten decimals."
        }
        "reason" => "Nothing was recorded: the reason must be 1 to 500 printable characters.",
        "period" => {
            "Nothing was recorded: the month is closed already, is not over yet, or has nothing in it."
        }
        "busy" => "Nothing was recorded: this cloud has too much to do. Try again.",
        _ => "Nothing was recorded. Try again, or see the log of this cloud.",
    }
}

#[component]
pub(super) fn CreditButton(may: bool, period: String, tenant: Option<String>) -> impl IntoView {
    let mut pairs = vec![("act", CREDIT.to_owned()), ("period", period)];
    pairs.extend(tenant.map(|tenant| ("tenant", tenant)));
    let href = with_query("/billing", &pairs);
    may.then(|| {
        view! { <a class="button" href=href rel="external" on:click=move |event| open_named(&event, CREDIT)>"Add a credit…"</a> }
    })
}

#[component]
pub(super) fn CloseButton(period: String) -> impl IntoView {
    let href = with_query("/billing", &[("act", CLOSE.to_owned()), ("period", period)]);
    view! { <a class="button" href=href rel="external" on:click=move |event| open_named(&event, CLOSE)>"Close the month…"</a> }
}

/// `period`: an open month that the credit is for; none: the one in which it is recorded.
#[component]
pub(super) fn Credit(may: bool, period: Option<String>, tenant: String) -> impl IntoView {
    let node = NodeRef::<html::Dialog>::new();
    let month = period.clone().unwrap_or_else(|| "the month in which it is recorded".to_owned());
    let back = period
        .as_deref()
        .map_or_else(|| "/billing".to_owned(), |period| address(period, None, None));
    let hidden = period.map(|period| view! { <input type="hidden" name="period" value=period /> });
    let typed = typed(CREDIT);
    let open = is_asked(CREDIT) || typed.is_there();
    may.then(|| {
        view! {
            <Dialog node id=CREDIT title=Signal::stored("Credit a tenant".to_owned()) open>
                <p>{format!("The amount lowers what the tenant owes for {month}. It is an event of the ledger with your name: it cannot be taken back.")}</p>
                <form class="act-form" method="post" action="/billing/act">
                    <input type="hidden" name="act" value=CREDIT />
                    {hidden}
                    <TextField typed=typed.clone() name="tenant" label="Tenant" value=tenant length=64 required=true literal=true />
                    <TextField typed name="amount" label="Amount, US dollars" mode="decimal" length=20 required=true />
                    <ReasonField name=CREDIT />
                    <Leave node back />
                    <button class="button button-first" type="submit">"Record the credit"</button>
                </form>
            </Dialog>
        }
    })
}

#[component]
pub(super) fn Close(may: bool, period: String) -> impl IntoView {
    let node = NodeRef::<html::Dialog>::new();
    let title = format!("Close {period}?");
    let back = address(&period, None, None);
    may.then(|| {
        view! {
            <Dialog node id=CLOSE title=Signal::stored(title) open={is_asked(CLOSE) || typed(CLOSE).is_there()}>
                <ul class="key-means">
                    <li>"Each tenant’s uptime of the month is held against its tier’s ladder, and what is owed is credited."</li>
                    <li>"What each tenant owes is rounded to cents and recorded as its invoice, in an event of the ledger."</li>
                    <li>"Invoices stand. Usage that comes later, and prices corrected for the past, go to the next month."</li>
                </ul>
                <form class="act-form" method="post" action="/billing/act">
                    <input type="hidden" name="act" value=CLOSE />
                    <input type="hidden" name="period" value=period />
                    {typed(CLOSE).named()}
                    <ConfirmBox form=CLOSE text="I have looked at what has no price, and the month may be invoiced." />
                    <Leave node back />
                    <button class="button button-danger" type="submit">"Close the month"</button>
                </form>
            </Dialog>
        }
    })
}
