//! Tenants: who is served, from where, on which terms. Each leads to a page of its own.

use domain::access::Action;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::NavigateOptions;
use leptos_router::components::A;
use leptos_router::hooks::{use_navigate, use_query_map};

use crate::api;
use crate::backend::{TenantForm, TenantRow, TenantsQuery, TenantsView};
use crate::browser;
use crate::components::problem::{ProblemCard, Refused, Skeleton};
use crate::components::time::Time;
use crate::components::triad::CloudGlyph;
use crate::format::{TimeShape, counted};
use crate::live::Live;
use crate::pages::optimizer::tabs::{OptimizerTabs, TENANTS};
use crate::query::with_query;
use crate::shell::console::Here;

mod edit;
mod history;
pub(crate) mod one;
mod terms;
pub(crate) mod tiers;
mod words;

#[component]
pub(crate) fn TenantsPage() -> impl IntoView {
    let live = expect_context::<Live>();
    let params = use_query_map();
    let query = Memo::new(move |_| {
        let text = |name: &str| {
            let text = params.read().get(name).map(|value| value.trim().to_owned());
            text.filter(|text| !text.is_empty())
        };
        TenantsQuery { q: text("q"), tier: text("tier"), cursor: text("cursor") }
    });
    let page = api::ask(move || (query.get(), live.gaps.get()), |(query, _)| api::tenants(query));
    let retry = Callback::new(move |()| page.refetch());
    let busy = RwSignal::new(false);
    view! {
        <Title text="Tenants" />
        <section class="pricing" aria-label="Tenants" class:is-busy=busy aria-busy=move || busy.get().to_string()>
            <OptimizerTabs />
            <Refused words=words::refusal />
            <Transition fallback=|| view! { <Skeleton cards=2 /> } set_pending=busy>
                {move || Suspend::new(async move {
                    match page.await {
                        Ok(view) => view! { <List view query=query.get_untracked() /> }.into_any(),
                        Err(problem) => view! { <ProblemCard problem retry /> }.into_any(),
                    }
                })}
            </Transition>
        </section>
    }
    .into_any()
}

#[component]
fn List(view: TenantsView, query: TenantsQuery) -> impl IntoView {
    let here = expect_context::<Here>();
    let may = here.viewer.may(Action::EditTenants);
    let refusal = (!may).then(|| here.viewer.role.refusal(Action::EditTenants));
    let TenantsView { at, rows, tiers, all, next_cursor } = view;
    let sentence = if all == 0 {
        "No tenant is known yet.".to_owned()
    } else {
        format!("{} on this platform.", counted(all, "tenant", "tenants"))
    };
    let nothing = if all == 0 {
        "Add the first one above, or bring many by `ternion import tenants`."
    } else {
        "No tenant is like that."
    };
    view! {
        <header class="card pricing-head">
            <h2 class="pricing-big">{sentence}</h2>
            {refusal.map(|why| view! { <p class="held">{why}</p> })}
            {may.then(|| view! { <edit::NewTenant tiers=tiers.clone() open={all == 0} /> })}
        </header>
        <section class="card pricing-part" aria-labelledby="tenant-list-title">
            <h2 id="tenant-list-title" class="card-title">"Who they are"</h2>
            <Filter query=query.clone() tiers />
            {if rows.is_empty() {
                view! { <p class="muted">{nothing}</p> }.into_any()
            } else {
                view! { <Table rows /> }.into_any()
            }}
            <Elsewhere query next_cursor />
        </section>
        <p class="whose muted">"As of " <Time at shape=TimeShape::Second /> ". Every cloud derives the same from final events."</p>
    }
    .into_any()
}

/// Other pages, and all of them.
#[component]
fn Elsewhere(query: TenantsQuery, next_cursor: Option<String>) -> impl IntoView {
    let is_narrowed = query.q.is_some() || query.tier.is_some();
    let is_later = query.cursor.is_some();
    let next = next_cursor.map(|cursor| {
        let pairs = [("q", query.q), ("tier", query.tier), ("cursor", Some(cursor))];
        let pairs = pairs.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let href = with_query(TENANTS, &pairs.collect::<Vec<_>>());
        view! { <A href=href attr:class="button">"Next page"</A> }
    });
    let first = is_later.then(|| view! { <A href=TENANTS attr:class="button">"First page"</A> });
    let whole = is_narrowed.then(|| view! { <A href=TENANTS>"Show all of them"</A> });
    view! { <p class="pricing-acts">{first} {next} {whole}</p> }
}

#[component]
fn Table(rows: Vec<TenantRow>) -> impl IntoView {
    let rows = rows.into_iter().map(|row| view! { <Row row /> }).collect_view();
    view! {
        <div class="table-scroll" tabindex="0" role="region" aria-label="List of tenants">
            <table class="events pricing-table tenant-table">
                <thead>
                    <tr>
                        <th scope="col">"Tenant"</th>
                        <th scope="col">"Tier"</th>
                        <th scope="col">"Served by"</th>
                        <th scope="col">"Region"</th>
                        <th scope="col" class="number">"Price of list"</th>
                        <th scope="col">"State"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
}

/// A GET form: every selection has an address.
#[component]
fn Filter(query: TenantsQuery, tiers: Vec<crate::backend::TierName>) -> impl IntoView {
    let navigate = use_navigate();
    let submit = move |event: web_sys::SubmitEvent| {
        if let Some(url) = browser::form_url(&event) {
            event.prevent_default();
            navigate(&url, NavigateOptions { scroll: false, ..NavigateOptions::default() });
        }
    };
    let chosen = query.tier.unwrap_or_default();
    let options = tiers
        .into_iter()
        .map(|tier| {
            let selected = tier.tier == chosen;
            view! { <option value=tier.tier selected=selected>{tier.name}</option> }
        })
        .collect_view();
    view! {
        <form class="tenant-filter" method="get" action=TENANTS on:submit=submit>
            <label class="field" for="tenant-q">
                <span>"Id or name"</span>
                <input id="tenant-q" name="q" type="search" maxlength="64" value=query.q.unwrap_or_default() autocomplete="off" spellcheck="false" />
            </label>
            <label class="field" for="tenant-tier">
                <span>"Tier"</span>
                <select id="tenant-tier" name="tier">
                    <option value="">"any"</option>
                    {options}
                </select>
            </label>
            <button class="button" type="submit">"Show"</button>
        </form>
    }
}

#[component]
fn Row(row: TenantRow) -> impl IntoView {
    let TenantRow { form, price, fixed_until } = row;
    let TenantForm { tenant_id, name, tier, cloud, region, active } = form;
    let fixed = fixed_until.map(|until| {
        view! { <span class="cell-about">{format!("fixed by contract to the end of {}", words::last_day(until))}</span> }
    });
    let state = if active { "active" } else { "not active" };
    view! {
        <tr>
            <td class="cell-event pricing-first">
                <A href=format!("{TENANTS}/{tenant_id}")><span class="row-link">{tenant_id.clone()}</span></A>
                <span class="cell-about">{name}</span>
            </td>
            <td data-label="Tier">{tier}</td>
            <td data-label="Served by"><span><CloudGlyph cloud size=14 /> " " {cloud.name()}</span></td>
            <td data-label="Region">{region}</td>
            <td data-label="Price of list" class="number mono">{price} {fixed}</td>
            <td data-label="State" class:muted=!active>{state}</td>
        </tr>
    }
}
