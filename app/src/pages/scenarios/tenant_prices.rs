//! One tenant's price: a lever for each tenant that the address names or that was chosen here. Without
//! scripts two fields of the form say whose price moves and how far.

use std::collections::BTreeSet;

use leptos::prelude::*;

use super::desk::Desk;
use super::levers::{Field, Fold};
use crate::backend::LeverKind;

const KIND: LeverKind = LeverKind::TenantPrice;

#[component]
pub(super) fn TenantPrices() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let offered = desk.movable.with_value(|levers| KIND.names(levers));
    let named = desk.address.with_value(|address| address.tenant.clone());
    let open = named.is_some();
    let mut first: BTreeSet<String> = BTreeSet::new();
    first.extend(named.clone());
    let chosen = RwSignal::new(first);
    // Whoever had a lever once keeps it: one that is put back must not vanish under the finger.
    let tenants = Memo::new(move |before: Option<&BTreeSet<String>>| {
        let mut all = before.cloned().unwrap_or_default();
        all.extend(chosen.get());
        all.extend(KIND.percents(&desk.levers.read()).into_keys());
        all
    });
    view! {
        <Fold kind=KIND open>
            <For each=move || tenants.get() key=|name| name.clone() let:name>
                <Field kind=KIND name />
            </For>
            <Choice offered named chosen />
        </Fold>
    }
    .into_any()
}

/// Which tenant gets a lever.
#[component]
fn Choice(
    mut offered: Vec<String>,
    named: Option<String>,
    chosen: RwSignal<BTreeSet<String>>,
) -> impl IntoView {
    // An address may name one that is not among those offered.
    offered.extend(named.clone().filter(|name| !offered.contains(name)));
    let scripted = RwSignal::new(false);
    Effect::new(move |_| scripted.set(true));
    let choose = move |event: web_sys::Event| {
        let name = event_target_value(&event);
        if !name.is_empty() {
            chosen.update(|names| {
                names.insert(name);
            });
        }
    };
    let options = offered
        .into_iter()
        .map(|name| {
            let selected = named.as_ref() == Some(&name);
            view! { <option value=name.clone() selected=selected>{name.clone()}</option> }
        })
        .collect_view();
    view! {
        <div class="lever-settings">
            <label class="field"><span>"Add a tenant"</span>
                <select name="tenant" on:change=choose>
                    <option value="">"Choose one…"</option>
                    {options}
                </select>
            </label>
            <label class="field" hidden=move || scripted.get()><span>"Its price changes by, %"</span>
                <input name="tenant-price" type="number" step="any" inputmode="decimal" disabled=move || scripted.get() />
            </label>
        </div>
    }
    .into_any()
}
