//! Who falls below the floor, and the figures by tenant, tier, provider and region.

use std::collections::BTreeMap;

use domain::economics::study::{Results, TenantResult, Totals};
use domain::economics::quantity::float;
use leptos::prelude::*;
use leptos_router::components::A;

use super::desk::Desk;
use super::words::{share, stated};
use crate::format::counted;
use crate::query::with_query;

type Name = (String, String, String);

fn name(of: &TenantResult) -> Name {
    (of.tenant_id.to_string(), of.provider.clone(), of.region.clone())
}

/// Follows the finger.
#[component]
pub(super) fn FallingTable() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let rows = move || {
        let answer = desk.answer.read();
        let base: BTreeMap<Name, Option<f64>> =
            answer.base.tenants.iter().map(|it| (name(it), it.margin.map(|it| it.p50))).collect();
        let now = desk.now.read();
        // Those that nobody need look at are left out.
        let risky = now.falling.iter().filter(|it| it.below_floor >= 0.005);
        let row = |it: &domain::economics::study::Falling| {
            let key = (it.tenant_id.to_string(), it.provider.clone(), it.region.clone());
            let before = base.get(&key).copied().flatten().map_or_else(|| "–".to_owned(), share);
            let place = format!("{} · {}", it.provider, it.region);
            let tenant = it.tenant_id.to_string();
            let href = with_query("/billing", &[("tenant", tenant.clone())]);
            view! {
                <tr>
                    <th scope="row"><A href=href>{tenant}</A> <span class="falling-place">{place}</span></th>
                    <td class="number mono">{before}</td>
                    <td class="number mono">{share(it.p50)}</td>
                    <td class="number">{share(it.below_floor)}</td>
                </tr>
            }
        };
        risky.map(row).collect::<Vec<_>>()
    };
    view! {
        <section class="card falling" aria-labelledby="falling-title">
            <h3 class="card-title" id="falling-title">"Likeliest below the floor"</h3>
            {move || {
                let rows = rows();
                if rows.is_empty() {
                    view! { <p class="muted">"Nobody comes near the floor: each has a chance below 0.5 %."</p> }.into_any()
                } else {
                    view! {
                        <div class="table-scroll" tabindex="0" role="region" aria-label="Tenants that may be below the floor">
                        <table>
                            <thead><tr>
                                <th scope="col">"Tenant"</th><th scope="col" class="number">"Base P50"</th>
                                <th scope="col" class="number">"P50"</th><th scope="col" class="number">"P(below)"</th>
                            </tr></thead>
                            <tbody>{rows.into_iter().collect_view()}</tbody>
                        </table>
                        </div>
                    }
                    .into_any()
                }
            }}
            <p class="muted">"Exact, without draws. A tenant who uses several providers or regions is several rows."</p>
        </section>
    }
    .into_any()
}

/// Statements by group, base beside scenario.
#[component]
pub(super) fn Groups() -> impl IntoView {
    let desk = expect_context::<Desk>();
    move || {
        let answer = desk.answer.read();
        let now = answer.scenarios.first().map_or(&answer.base, |it| &it.results);
        let base = &answer.base;
        let part = |title: &'static str, of: fn(&Results) -> &BTreeMap<String, Totals>| {
            view! { <Group title now=of(now).clone() base=of(base).clone() /> }.into_any()
        };
        view! {
            <section class="card groups" aria-labelledby="groups-title">
                <h3 class="card-title" id="groups-title">"By tier, provider and region"</h3>
                <div class="table-scroll" tabindex="0" role="region" aria-label="Statements by group">
                <table>
                    <thead><tr>
                        <th scope="col">"Group"</th><th scope="col" class="number">"Revenue"</th><th scope="col" class="number">"Cost"</th>
                        <th scope="col" class="number">"Owed"</th><th scope="col" class="number">"Profit"</th>
                        <th scope="col" class="number">"Margin"</th><th scope="col" class="number">"Base"</th>
                    </tr></thead>
                    {part("Tier", |it| &it.by_tier)}
                    {part("Provider", |it| &it.by_provider)}
                    {part("Region", |it| &it.by_region)}
                    <tbody><Line name="All".to_owned() now=now.statement.clone() base=Some(base.statement.clone()) /></tbody>
                </table>
                </div>
                <p class="muted">"As metered and priced, levers applied, penalties as they are to be expected. How usage answers to a price is in the draws, and not here."</p>
            </section>
        }
        .into_any()
    }
}

#[component]
fn Group(
    title: &'static str,
    now: BTreeMap<String, Totals>,
    base: BTreeMap<String, Totals>,
) -> impl IntoView {
    let lines = now
        .into_iter()
        .map(|(name, now)| {
            let base = base.get(&name).cloned();
            view! { <Line name now base /> }
        })
        .collect_view();
    view! {
        <tbody>
            <tr class="groups-head"><th scope="rowgroup" colspan="7">{title}</th></tr>
            {lines}
        </tbody>
    }
}

fn margin(of: &Totals) -> String {
    of.margin.map_or_else(|| "–".to_owned(), |it| share(float(it)))
}

#[component]
fn Line(name: String, now: Totals, base: Option<Totals>) -> impl IntoView {
    let statement = now.statement;
    view! {
        <tr>
            <th scope="row">{name}</th>
            <td class="number mono">{stated(statement.revenue_usd())}</td>
            <td class="number mono">{stated(statement.cost_usd())}</td>
            <td class="number mono">{stated(statement.penalty_usd())}</td>
            <td class="number mono">{stated(now.profit_usd)}</td>
            <td class="number mono">{margin(&now)}</td>
            <td class="number mono muted">{base.map_or_else(|| "–".to_owned(), |it| margin(&it))}</td>
        </tr>
    }
    .into_any()
}

/// Every tenant's place that a person reads.
#[component]
pub(super) fn Tenants() -> impl IntoView {
    let desk = expect_context::<Desk>();
    move || {
        let answer = desk.answer.read();
        let now = answer.scenarios.first().map_or(&answer.base, |it| &it.results);
        let base: BTreeMap<Name, &TenantResult> =
            answer.base.tenants.iter().map(|it| (name(it), it)).collect();
        let row = |it: &TenantResult| {
            let p50 = |it: &TenantResult| it.margin.map_or_else(|| "–".to_owned(), |it| share(it.p50));
            let before = base.get(&name(it)).map_or_else(|| "–".to_owned(), |it| p50(it));
            let below = it.margin.map_or_else(|| "–".to_owned(), |it| share(it.below_floor));
            view! {
                <tr>
                    <th scope="row">{it.tenant_id.to_string()}</th>
                    <td>{it.tier.clone()}</td>
                    <td>{it.provider.clone()} " · " {it.region.clone()}</td>
                    <td class="number mono">{stated(it.statement.statement.revenue_usd())}</td>
                    <td class="number mono">{stated(it.statement.profit_usd)}</td>
                    <td class="number mono muted">{before}</td>
                    <td class="number mono">{p50(it)}</td>
                    <td class="number mono">{below}</td>
                </tr>
            }
        };
        let (shown, all) = (now.tenants.len() as u64, desk.now.read().tenants as u64);
        let more = (all > shown).then(|| format!(" {} more are in the export.", counted(all - shown, "row", "rows")));
        view! {
            <details class="card tenants-all">
                <summary class="card-title">{counted(shown, "tenant’s place", "tenants’ places")} {more}</summary>
                <div class="table-scroll" tabindex="0" role="region" aria-label="Tenants">
                <table>
                    <thead><tr>
                        <th scope="col">"Tenant"</th><th scope="col">"Tier"</th><th scope="col">"Place"</th>
                        <th scope="col" class="number">"Revenue"</th><th scope="col" class="number">"Profit"</th>
                        <th scope="col" class="number">"Base P50"</th><th scope="col" class="number">"P50"</th><th scope="col" class="number">"P(below)"</th>
                    </tr></thead>
                    <tbody>{now.tenants.iter().map(row).collect_view()}</tbody>
                </table>
                </div>
            </details>
        }
        .into_any()
    }
}
