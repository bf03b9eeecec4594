//! One tenant: what it is, what it pays, what was agreed, and every version of it.

use domain::access::Action;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::components::A;
use leptos_router::hooks::use_params_map;

use super::{edit, history, terms, words};
use crate::api;
use crate::backend::{PaidRow, PriceText, TenantDetail};
use crate::components::problem::{ProblemCard, Refused, Skeleton};
use crate::components::table::{Cell, DataTable, TableRow};
use crate::components::time::Time;
use crate::format::TimeShape;
use crate::live::Live;
use crate::pages::optimizer::tabs::{OptimizerTabs, TIERS};
use crate::shell::console::Here;

#[component]
pub(crate) fn TenantPage() -> impl IntoView {
    let live = expect_context::<Live>();
    let params = use_params_map();
    let id = Memo::new(move |_| params.read().get("tenant_id").unwrap_or_default());
    let page = api::ask(move || (id.get(), live.gaps.get()), |(id, _)| api::tenant(id));
    let retry = Callback::new(move |()| page.refetch());
    view! {
        <section class="pricing" aria-label="Tenant">
            <OptimizerTabs />
            <Refused words=words::refusal />
            <Transition fallback=|| view! { <Skeleton cards=3 /> }>
                {move || Suspend::new(async move {
                    match page.await {
                        Ok(view) => view! { <Tenant view /> }.into_any(),
                        Err(problem) => view! { <Title text="Tenant" /> <ProblemCard problem retry /> }.into_any(),
                    }
                })}
            </Transition>
        </section>
    }
    .into_any()
}

#[component]
fn Tenant(view: TenantDetail) -> impl IntoView {
    let here = expect_context::<Here>();
    let may = here.viewer.may(Action::EditTenants);
    let refusal = (!may).then(|| here.viewer.role.refusal(Action::EditTenants));
    let TenantDetail { at, form, seen, tiers, terms, prices, history } = view;
    let id = form.tenant_id.clone();
    let state = if form.active { "active" } else { "not active: its events are refused" };
    let tier = tiers.iter().find(|tier| tier.tier == form.tier);
    let tier = tier.map_or_else(|| form.tier.clone(), |tier| tier.name.clone());
    view! {
        <Title text=id.clone() />
        <header class="card pricing-head">
            <h2 class="pricing-big">{form.name.clone()}</h2>
            <p>
                <code>{id.clone()}</code>
                {format!(", {state}. Tier {tier}, served first by {} in {}.", form.cloud.name(), form.region)}
            </p>
            <p class="pricing-acts">
                <A href=format!("/billing?tenant={id}") attr:class="button">"Its bill"</A>
                <A href=format!("/ledger?tenant={id}") attr:class="button">"Its events"</A>
                <A href=format!("/verify?price={id}") attr:class="button">"Follow its price to the evidence"</A>
            </p>
            {refusal.map(|why| view! { <p class="held">{why}</p> })}
        </header>
        <Prices prices tier=form.tier.clone() own=terms.price.clone() />
        <terms::Terms terms tenant=id />
        <section class="card pricing-part" aria-labelledby="edit-title">
            <h2 id="edit-title" class="card-title">"What is set of it"</h2>
            <edit::EditTenant form seen tiers may />
        </section>
        <history::History rows=history />
        <p class="whose muted">"As of " <Time at shape=TimeShape::Second /> ". Every cloud derives the same from final events."</p>
    }
    .into_any()
}

#[component]
fn Prices(prices: Vec<PaidRow>, tier: String, own: String) -> impl IntoView {
    if prices.is_empty() {
        return view! {
            <section class="card pricing-part" aria-labelledby="paid-title">
                <h2 id="paid-title" class="card-title">"What it pays"</h2>
                <p class="held">{format!("Nothing has a price in the tier {tier}: its usage is listed as unpriced, and charged to nobody.")}</p>
                <p><A href=TIERS>"Set list prices"</A></p>
            </section>
        }
        .into_any();
    }
    let head = ["Provider and model", "Input", "Output", "Cached input"];
    let head = head.map(|title| Cell::from(title.to_owned())).to_vec();
    let rows = prices.into_iter().map(|row| {
        let PaidRow { provider, model, list, paid } = row;
        let cell = |paid: String, list: String| {
            let differs = paid != list;
            let cell = Cell::from(paid);
            if differs { cell.about(format!("list {list}")) } else { cell }
        };
        let cached = match (paid.cached, list.cached) {
            (Some(paid), Some(list)) => cell(paid, list),
            _ => Cell::from("as input".to_owned()).quiet(),
        };
        let PriceText { input, output, .. } = list;
        TableRow::Cells(vec![
            Cell::from(model).about(provider),
            cell(paid.input, input),
            cell(paid.output, output),
            cached,
        ])
    });
    view! {
        <section class="card pricing-part" aria-labelledby="paid-title">
            <h2 id="paid-title" class="card-title">{format!("What it pays: {own} of the list of {tier}")}</h2>
            <DataTable label="Prices".to_owned() head rows=rows.collect() />
            <p class="muted">"US dollars a million tokens, for what is used now. What is used later is charged at the prices of that time."</p>
        </section>
    }
    .into_any()
}
