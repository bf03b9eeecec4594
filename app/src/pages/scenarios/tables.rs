//! Who falls below the floor, and the figures by tenant, tier, provider and region.

use domain::economics::study::{Falling, GroupRow, Grouping, TenantRow};
use leptos::prelude::*;

use super::desk::Desk;
use super::words::{share, usd};
use crate::components::table::{Cell, DataTable, TableRow};
use crate::format::counted;
use crate::query::with_query;

/// A chance below this nobody need look at.
const WORTH_SEEING: f64 = 0.005;

/// Traffic that was led there by a lever has costs that are nobody's own.
const NEW_PLACE: &str = " · not used before: at what others’ tokens cost there";

fn maybe(part: Option<f64>) -> Cell {
    Cell::from(part.map_or_else(|| "–".to_owned(), share))
}

pub(super) fn head(names: &[&str]) -> Vec<Cell> {
    names.iter().map(|name| Cell::from((*name).to_owned())).collect()
}

/// Follows the finger.
#[component]
pub(super) fn FallingTable() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let rows = move || {
        let routed = !desk.levers.read().routing.is_empty();
        let row = |it: &Falling| {
            let tenant = it.tenant_id.to_string();
            let link = with_query("/billing", &[("tenant", tenant.clone())]);
            let new = if routed && it.base_p50.is_none() { NEW_PLACE } else { "" };
            TableRow::Cells(vec![
                Cell::from(tenant)
                    .link(link)
                    .about(format!("{} · {}{new}", it.provider, it.region)),
                maybe(it.base_p50).quiet(),
                Cell::from(share(it.p50)),
                Cell::from(share(it.below_floor)),
            ])
        };
        let now = desk.now.read();
        now.falling.iter().filter(|it| it.below_floor >= WORTH_SEEING).map(row).collect::<Vec<_>>()
    };
    let table = move || {
        match rows() {
        rows if rows.is_empty() => {
            view! { <p class="muted">"Nobody comes near the floor: each has a chance below 0.5 %."</p> }
                .into_any()
        }
        rows => {
            let label = "Tenants that may be below the floor".to_owned();
            view! { <DataTable label head=head(&["Tenant", "Base P50", "P50", "P(below)"]) rows /> }
                .into_any()
        }
    }
    };
    view! {
        <section class="card falling" aria-labelledby="falling-title">
            <h2 class="card-title" id="falling-title">"Likeliest below the floor"</h2>
            {table}
            <p class="muted">"Exact, without draws. A tenant who uses several providers or regions is several rows."</p>
        </section>
    }
    .into_any()
}

/// Statements by group, base beside scenario.
#[component]
pub(super) fn Groups() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let table = move || {
        let mut rows = Vec::new();
        let mut under = Grouping::All;
        for row in &desk.board.read().groups {
            if row.grouping != under {
                under = row.grouping;
                rows.push(TableRow::Heading(title(under).to_owned()));
            }
            rows.push(line(row));
        }
        let head = head(&["Group", "Revenue", "Cost", "Owed", "Profit", "Margin", "Base"]);
        view! { <DataTable label="Statements by group".to_owned() head rows /> }
    };
    view! {
        <section class="card groups" aria-labelledby="groups-title">
            <h2 class="card-title" id="groups-title">"By tier, provider and region"</h2>
            {table}
            <p class="muted">"As metered and priced, levers applied, penalties as they are to be expected. How usage answers to a price is in the draws, and not here. So the profit here, the usual case of the bridge, and the median above are three figures: report the median, with P5 and P95."</p>
        </section>
    }
    .into_any()
}

const fn title(grouping: Grouping) -> &'static str {
    match grouping {
        Grouping::All => "All",
        Grouping::Tier => "By tier",
        Grouping::Provider => "By provider",
        Grouping::Region => "By region",
    }
}

fn line(row: &GroupRow) -> TableRow {
    let amounts = row.usd.iter().map(|amount| Cell::from(usd(*amount)));
    let margins = [maybe(row.margin), maybe(row.base_margin).quiet()];
    let name = Cell::from(row.name.clone());
    TableRow::Cells([name].into_iter().chain(amounts).chain(margins).collect())
}

/// Every tenant's place that a person reads.
#[component]
pub(super) fn Tenants() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let title = move || {
        let board = desk.board.read();
        let shown = board.tenants.len();
        let more = board.places.saturating_sub(shown) as u64;
        let title = counted(shown as u64, "tenant’s place", "tenants’ places");
        if more == 0 { title } else { format!("{title}; {more} more are in the export") }
    };
    let table = move || {
        let row = |it: &TenantRow| {
            let name = Cell::from(it.tenant_id.clone());
            TableRow::Cells(vec![
                name.about(format!("{} · {} · {}", it.tier, it.provider, it.region)),
                Cell::from(usd(it.usd[0])),
                Cell::from(usd(it.usd[1])),
                maybe(it.base_p50).quiet(),
                maybe(it.p50),
                maybe(it.below_floor),
            ])
        };
        let rows = desk.board.read().tenants.iter().map(row).collect::<Vec<_>>();
        let head = head(&["Tenant", "Revenue", "Profit", "Base P50", "P50", "P(below)"]);
        view! { <DataTable label="Tenants".to_owned() head rows /> }
    };
    view! {
        <details class="card tenants-all">
            <summary class="card-title">{title}</summary>
            {table}
        </details>
    }
    .into_any()
}
