//! Tiers: what each promises and owes when it falls short, and its list prices, each from a time on.

use domain::access::Action;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::components::A;

use super::words;
use crate::api;
use crate::backend::{BandText, PriceRow, TierName, TierView, TiersView, When};
use crate::components::problem::{ProblemCard, Refused, Skeleton};
use crate::components::time::Time;
use crate::format::{TimeShape, counted};
use crate::live::Live;
use crate::pages::optimizer::tabs::{OptimizerTabs, TENANTS};
use crate::query::with_query;
use crate::shell::console::Here;

mod edit;
mod preview;
mod price;
mod record;

pub(crate) use preview::ListPricePage;

#[component]
pub(crate) fn TiersPage() -> impl IntoView {
    let live = expect_context::<Live>();
    let page = api::ask(move || live.gaps.get(), |_| api::tiers());
    let retry = Callback::new(move |()| page.refetch());
    view! {
        <Title text="Tiers and list prices" />
        <section class="pricing" aria-label="Tiers and list prices">
            <OptimizerTabs />
            <Refused words=words::refusal />
            <Transition fallback=|| view! { <Skeleton cards=3 /> }>
                {move || Suspend::new(async move {
                    match page.await {
                        Ok(view) => view! { <Tiers view /> }.into_any(),
                        Err(problem) => view! { <ProblemCard problem retry /> }.into_any(),
                    }
                })}
            </Transition>
        </section>
    }
    .into_any()
}

#[component]
fn Tiers(view: TiersView) -> impl IntoView {
    let here = expect_context::<Here>();
    let may = here.viewer.may(Action::EditTenants);
    let refusal = (!may).then(|| here.viewer.role.refusal(Action::EditTenants));
    let TiersView { at, tiers, models } = view;
    let number = u64::try_from(tiers.len()).unwrap_or(u64::MAX);
    let sentence = match number {
        0 => "No tier is known yet.".to_owned(),
        _ => format!("{} on this platform.", counted(number, "tier", "tiers")),
    };
    let offered = (may && !tiers.is_empty()).then(|| {
        let names = tiers
            .iter()
            .map(|TierView { tier, name, .. }| TierName { tier: tier.clone(), name: name.clone() });
        view! { <price::NewPrice tiers=names.collect() models=models.clone() /> }
    });
    let cards = tiers.into_iter().map(|tier| view! { <Tier tier may /> }).collect_view();
    view! {
        <header class="card pricing-head">
            <h2 class="pricing-big">{sentence}</h2>
            <p class="muted">"A tenant pays its tier’s list price, or the share of it that was agreed. Each price counts from its time on."</p>
            {refusal.map(|why| view! { <p class="held">{why}</p> })}
            {may.then(|| view! { <edit::NewTier open={number == 0} /> })}
            {offered}
        </header>
        <price::Models models />
        {cards}
        <p class="whose muted">"As of " <Time at shape=TimeShape::Second /> ". Every cloud derives the same from final events."</p>
    }
    .into_any()
}

#[component]
fn Tier(tier: TierView, may: bool) -> impl IntoView {
    let heading = format!("tier-{}", tier.tier);
    let TierView { tier: id, name, bands, latency_p99_ms, tenants, prices, .. } = tier.clone();
    let href = with_query(TENANTS, &[("tier", id.clone())]);
    let latency = latency_p99_ms.map(|ms| {
        view! { <p>{format!("Promised: 99 of 100 requests within {ms} ms.")}</p> }
    });
    view! {
        <section class="card pricing-part" aria-labelledby=heading.clone()>
            <h2 id=heading.clone() class="card-title">{name} " " <code>{id.clone()}</code></h2>
            <p><A href=href>{counted(tenants, "tenant", "tenants")}</A></p>
            <Ladder bands />
            {latency}
            {may.then(|| view! { <edit::EditTier tier /> })}
            <Prices prices tier=id may />
        </section>
    }
    .into_any()
}

#[component]
fn Ladder(bands: Vec<BandText>) -> impl IntoView {
    if bands.is_empty() {
        return view! { <p class="muted">"No service level is promised: no credit is owed."</p> }
            .into_any();
    }
    let steps = bands.into_iter().map(|BandText { uptime, credit }| {
        view! { <li>{format!("{uptime} % up or more: ")} <strong>{format!("{credit} %")}</strong> " of the month is credited"</li> }
    });
    view! { <ul class="pricing-trail">{steps.collect_view()}</ul> }.into_any()
}

#[component]
fn Prices(prices: Vec<PriceRow>, tier: String, may: bool) -> impl IntoView {
    if prices.is_empty() {
        return view! { <p class="held">"It has no prices: what its tenants use is listed as unpriced, and charged to nobody."</p> }
            .into_any();
    }
    let (past, others): (Vec<PriceRow>, Vec<PriceRow>) =
        prices.into_iter().partition(|price| price.when == When::Past);
    let number = u64::try_from(past.len()).unwrap_or(u64::MAX);
    let past = (number > 0).then(|| {
        view! {
            <details class="pricing-more">
                <summary>{format!("{} of before", counted(number, "price", "prices"))}</summary>
                <PriceTable prices=past may label=format!("Prices of before of {tier}") />
            </details>
        }
    });
    view! { <PriceTable prices=others may label=format!("Prices of {tier}") /> {past} }.into_any()
}

/// Why a price was changed, and who agreed.
fn why(reason: Option<String>, proposal: Option<String>) -> impl IntoView {
    let agreed = proposal.map(|id| {
        view! { " " <A href=format!("/approvals/{id}")>"Who agreed"</A> }
    });
    reason.map(|reason| view! { <span class="cell-about">{format!("“{reason}”")} {agreed}</span> })
}

#[component]
fn PriceTable(prices: Vec<PriceRow>, label: String, may: bool) -> impl IntoView {
    let rows = prices.into_iter().map(|row| {
        let PriceRow { provider, model, price, from, when, event_id, goes_on, withdraw, .. } =
            row.clone();
        let why = why(row.reason, row.proposal);
        let word = if goes_on { "withdrawn: goes on as before" } else { "to come" };
        let coming = (when == When::Coming).then(|| view! { <span class="cell-about">{word}</span> });
        let withdraw = withdraw.filter(|_| may).map(|ask| {
            let name = format!(" the price to come of {model}");
            view! { <A href=price::address(&ask)>"Withdraw…"<span class="visually-hidden">{name}</span></A> }
        });
        let cached = price.cached.unwrap_or_else(|| "as input".to_owned());
        view! {
            <tr>
                <td class="cell-event pricing-first">{model} <span class="cell-about">{provider}</span></td>
                <td data-label="Input" class="number mono">{price.input}</td>
                <td data-label="Output" class="number mono">{price.output}</td>
                <td data-label="Cached input" class="number mono">{cached}</td>
                <td data-label="From"><A href=format!("/ledger/{event_id}")><Time at=from shape=TimeShape::Day /></A> {coming} {withdraw} {why}</td>
            </tr>
        }
    });
    view! {
        <div class="table-scroll" tabindex="0" role="region" aria-label=label>
            <table class="events pricing-table price-table">
                <thead>
                    <tr>
                        <th scope="col">"Model"</th>
                        <th scope="col" class="number">"Input, $ a million"</th>
                        <th scope="col" class="number">"Output"</th>
                        <th scope="col" class="number">"Cached input"</th>
                        <th scope="col">"From"</th>
                    </tr>
                </thead>
                <tbody>{rows.collect_view()}</tbody>
            </table>
        </div>
    }
}
