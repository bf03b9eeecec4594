//! Tenants with their margins: how each is distributed and went by day, and which are outside their
//! band. Which of them are shown stands in the address.

use leptos::prelude::*;
use leptos_router::components::A;
use leptos_router::hooks::use_query_map;

use super::switches;
use super::trend::Trend;
use crate::backend::{MarginBand, MarginSpread, OptimizerView, TenantMargin};
use crate::format::counted;

/// Which of them are asked for.
const BANDS: [(&str, MarginBand); 2] = [("below", MarginBand::Below), ("above", MarginBand::Above)];

/// What a margin is made of, and where each is set.
fn nothing() -> AnyView {
    view! {
        "No margin can be told yet. It takes tenants and the list prices of their tiers ("
        <A href=super::tabs::TENANTS>"Tenants"</A> "), what providers charge (" <code>"ternion import prices"</code>
        "), and usage: events with model, region and tokens, final here and of the days above. "
        <a href="/docs" rel="external">"How to send them"</a>
    }
    .into_any()
}

#[component]
pub(super) fn Tenants(view: OptimizerView) -> impl IntoView {
    let params = use_query_map();
    let band = Memo::new(move |_| {
        let asked = params.read().get("band");
        BANDS.into_iter().find(|(name, _)| asked.as_deref() == Some(*name)).map(|(_, band)| band)
    });
    let OptimizerView { window_days: days, unpriced, edges, tenants, .. } = view;
    let unpriced = (!unpriced.is_empty()).then(|| {
        let names = unpriced.join(", ");
        view! { <p class="held">{format!("Some usage of {names} has no price and is in no figure here.")}</p> }
    });
    let of = |wanted: MarginBand| tenants.iter().filter(|row| row.band == wanted).count();
    let [low, high] = edges;
    let choices = [
        ("/optimizer", format!("All {}", tenants.len()), None),
        (
            "/optimizer?band=below",
            format!("Below {low}: {}", of(MarginBand::Below)),
            Some(MarginBand::Below),
        ),
        (
            "/optimizer?band=above",
            format!("Above {high}: {}", of(MarginBand::Above)),
            Some(MarginBand::Above),
        ),
    ];
    let choices = choices.map(|(href, words, wanted)| {
        view! { <li><a class="button button-small" href=href aria-current=move || (band.get() == wanted).then_some("true")>{words}</a></li> }
    });
    let rows = move || {
        let wanted = band.get();
        let shown = tenants.iter().filter(|row| wanted.is_none_or(|band| band == row.band));
        let shown = shown.map(|row| view! { <Tenant row=row.clone() /> }).collect::<Vec<_>>();
        if tenants.is_empty() {
            return view! { <tr><td colspan="9">{nothing()}</td></tr> }.into_any();
        }
        if shown.is_empty() {
            return view! { <tr><td colspan="9">"No tenant’s margin is there now. " <a href="/optimizer">"Show all of them"</a></td></tr> }
                .into_any();
        }
        shown.into_any()
    };
    view! {
        <section class="card pricing-part" aria-labelledby="tenants-title">
            <h2 id="tenants-title" class="card-title">{format!("Margins over {}, the lowest first", counted(u64::from(days), "day", "days"))}</h2>
            {unpriced}
            <nav aria-label="Which tenants"><ul class="pricing-choices">{choices.into_iter().collect_view()}</ul></nav>
            <div class="table-scroll" tabindex="0" role="region" aria-label="Tenants with their margins">
                <table class="events pricing-table margin-table">
                    <thead>
                        <tr>
                            <th scope="col">"Tenant"</th>
                            <th scope="col" class="number">"Margin"</th>
                            <th scope="col" class="number">"P5, P50, P95"</th>
                            <th scope="col">"By day"</th>
                            <th scope="col" class="number">"Revenue"</th>
                            <th scope="col" class="number">"Cost"</th>
                            <th scope="col" class="number">"Price of list"</th>
                            <th scope="col">"By itself"</th>
                            <th scope="col">"Next"</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
            <p class="muted">"P5, P50, P95: the margin ends below these with a chance of 5, 50 and 95 %, if costs stray by about 10 % (an assumption), penalties are those recorded in these days, and no provider changes its prices. Scenarios expects penalties by its model instead, and says beside its baseline how far the two are apart. Price of list: what the tenant pays, as a share of its tier’s list price. By itself: whether its price may move within the policy without an approval."</p>
        </section>
    }
}

#[component]
fn Tenant(row: TenantMargin) -> impl IntoView {
    let (band, look) = match row.band {
        MarginBand::Below => (Some("below"), "below"),
        MarginBand::Above => (Some("above"), "above"),
        MarginBand::Within => (None, "within"),
        MarginBand::Absent => (None, "absent"),
    };
    let statement = format!("/billing?tenant={}", row.tenant_id);
    let (tenant, named) = (row.tenant_id.clone(), row.tenant_id.clone());
    let simulated = named.clone();
    let proposal = row.proposal_id.map(|id| {
        view! { <A href=format!("/approvals/{id}")>"Proposal"</A> " " }
    });
    let spread = row.spread.map(|MarginSpread { p5, p50, p95, below_floor }| {
        let floor = format!("chance to be below the floor: {below_floor}");
        view! { {format!("{p5}, {p50}, {p95}")} <span class="cell-about">{floor}</span> }
    });
    view! {
        <tr>
            <td class="cell-event pricing-first">
                <A href=statement><span class="row-link">{row.tenant_id.clone()}</span></A>
                <span class="cell-about">{format!("{}, tier {}", row.name, row.tier)}</span>
            </td>
            <td data-label="Margin" class="number mono"><span class="margin" data-band=look>{row.margin} {band.map(|band| view! { <span class="cell-about">{band}</span> })}</span></td>
            <td data-label="P5, P50, P95" class="number mono margin-spread">{spread}</td>
            <td data-label="By day"><Trend tenant=named days=row.trend /></td>
            <td data-label="Revenue" class="number mono">{row.revenue}</td>
            <td data-label="Cost" class="number mono"><span>{row.cost} <span class="cell-about">{format!("penalties {}", row.penalties)}</span></span></td>
            <td data-label="Price of list" class="number mono">{row.price}</td>
            <td data-label="By itself"><switches::TenantSwitch tenant on=row.automatic word=row.automatic_word /></td>
            <td data-label="Next" class="pricing-next">{proposal} <a href=row.simulate aria-label=format!("Simulate the price of {}", simulated)>"Simulate"</a></td>
        </tr>
    }
}
