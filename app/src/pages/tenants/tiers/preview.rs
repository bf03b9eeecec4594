//! A list price before it is recorded: what it would change, and for whom.

use domain::access::Action;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::components::A;
use leptos_router::hooks::use_query_map;

use super::price::{Models, PriceForm};
use super::record::Record;
use crate::api;
use crate::backend::{AffectedRow, CorrectedRow, PartRow, PriceAsk, PricePage, PricePreview};
use crate::components::problem::{ProblemCard, Refused, Skeleton};
use crate::components::table::framed;
use crate::components::time::Time;
use crate::format::{TimeShape, counted};
use crate::live::Live;
use crate::pages::optimizer::tabs::{OptimizerTabs, TENANTS, TIERS};
use crate::pages::tenants::words;
use crate::shell::console::Here;

/// Columns, and whether their cells are numbers.
const PARTS: [(&str, bool); 4] =
    [("$ a million tokens", false), ("Now", true), ("Then", true), ("Change", true)];
const CORRECTED: [(&str, bool); 5] = [
    ("Tenant", false),
    ("Daily charges", true),
    ("As charged", true),
    ("Corrected", true),
    ("Difference", true),
];
const AFFECTED: [(&str, bool); 7] = [
    ("Tenant", false),
    ("Pays of list", true),
    ("This model, now", true),
    ("Then", true),
    ("Its bill", true),
    ("Its margin", true),
    ("Note", false),
];

#[component]
pub(crate) fn ListPricePage() -> impl IntoView {
    let live = expect_context::<Live>();
    let params = use_query_map();
    let ask = Memo::new(move |_| {
        let text = |name: &str| params.read().get(name).unwrap_or_default();
        PriceAsk {
            tier: text("tier"),
            provider: text("provider"),
            model: text("model"),
            input: text("input"),
            output: text("output"),
            cached: text("cached"),
            from: text("from"),
            withdraw: text("withdraw"),
        }
    });
    let page = api::ask(move || (ask.get(), live.gaps.get()), |(ask, _)| api::list_price(ask));
    let retry = Callback::new(move |()| page.refetch());
    view! {
        <Title text="A list price" />
        <section class="pricing" aria-label="A list price">
            <OptimizerTabs />
            <Refused words=refusal />
            <Transition fallback=|| view! { <Skeleton cards=2 /> }>
                {move || Suspend::new(async move {
                    match page.await {
                        Ok(view) => view! { <Page view /> }.into_any(),
                        Err(problem) => view! { <ProblemCard problem retry /> }.into_any(),
                    }
                })}
            </Transition>
        </section>
    }
    .into_any()
}

fn refusal(code: &str) -> &'static str {
    match code {
        "confirm" => "Nothing was recorded: read what is odd about it below, then tick the box.",
        "reason" => "Nothing was recorded: say why it is changed.",
        "already_open" => {
            "Nothing was proposed: another price of this model waits for people already. Decide about that one first."
        }
        "kill_switch" => {
            "Nothing was recorded: the kill switch is on, and a price that counts is not changed until it is off."
        }
        "changed_meanwhile" => {
            "Nothing was recorded: another price counts then since you looked. What stands below is how it is now."
        }
        other => words::refusal(other),
    }
}

#[component]
fn Page(view: PricePage) -> impl IntoView {
    let here = expect_context::<Here>();
    let may = here.viewer.may(Action::EditTenants);
    let held = (!may).then(|| here.viewer.role.refusal(Action::EditTenants));
    let PricePage { ask, tiers, models, wrong, preview } = view;
    let withdraws = preview.as_ref().is_some_and(|preview| preview.withdraws);
    let title = format!("{}/{} for {}", ask.provider.trim(), ask.model.trim(), ask.tier.trim());
    let form = (!withdraws).then(|| {
        view! { <PriceForm ask=ask.clone() tiers models=models.clone() wrong /> }
    });
    let heading = if withdraws { "Withdraw a price to come" } else { "A list price" };
    let shown = preview.map(|preview| view! { <Changes preview title ask may /> });
    view! {
        <header class="card pricing-head">
            <h2 class="pricing-big">{heading}</h2>
            <p class="muted">"A tenant’s bill is the list price times its own share of it. A contract fixes that share, so the list moves under contracts, too."</p>
            {held.map(|why| view! { <p class="held">{why}</p> })}
            {form}
            <p><A href=TIERS>"Back to tiers and list prices"</A></p>
        </header>
        <Models models />
        {shown}
    }
    .into_any()
}

#[component]
fn Changes(preview: PricePreview, title: String, ask: PriceAsk, may: bool) -> impl IntoView {
    let PricePreview { from, until, replaces, withdraws, is_first, unchanged, parts, .. } =
        preview.clone();
    let proposes = preview.persons > 1;
    let PricePreview {
        tenants, tenants_looked_at, idle, corrections, window_days, window_to, ..
    } = preview.clone();
    let replaced = match (withdraws, replaces) {
        (true, _) if is_first => Some(
            "It is the model’s first price in this tier: without it nothing is charged for the model. Both stay in the ledger.",
        ),
        (true, _) => Some(
            "What counts before goes on: the price to come is replaced by it, at the same time. Both stay in the ledger.",
        ),
        (false, true) => Some(
            "It takes the place of the price that counts from just that time. Both stay in the ledger.",
        ),
        (false, false) => None,
    };
    let until = until.map(|at| {
        view! { " until " <Time at shape=TimeShape::Day /> ", when another price begins" }
    });
    let heading = match (withdraws, proposes) {
        (true, _) => "Withdraw it",
        (false, true) => "Propose it",
        (false, false) => "Record it",
    };
    let past = (!corrections.is_empty()).then(|| view! { <Corrections rows=corrections /> });
    let record = if unchanged {
        view! { <p class="held">"That is how it is already: there is nothing to record."</p> }
            .into_any()
    } else {
        view! { <Record preview ask may /> }.into_any()
    };
    view! {
        <section class="card pricing-part" aria-labelledby="price-change">
            <h2 id="price-change" class="card-title">"What it would change"</h2>
            <p>{title} ", from " <Time at=from shape=TimeShape::Day /> {until} "."</p>
            {replaced.map(|text| view! { <p>{text}</p> })}
            <Parts parts />
        </section>
        {past}
        <Tenants rows=tenants looked_at=tenants_looked_at idle window_days window_to />
        <section class="card pricing-part" aria-labelledby="price-record">
            <h2 id="price-record" class="card-title">{heading}</h2>
            {record}
        </section>
    }
    .into_any()
}

#[component]
fn Parts(parts: Vec<PartRow>) -> impl IntoView {
    let rows = parts.into_iter().map(|PartRow { title, was, is, change }| {
        let change = match (&was, change) {
            (None, _) => "new".to_owned(),
            (Some(_), None) => "beyond percent".to_owned(),
            (Some(_), Some(change)) => change,
        };
        view! {
            <tr>
                <th scope="row">{title}</th>
                <td class="number mono">{was.unwrap_or_else(|| "none".to_owned())}</td>
                <td class="number mono">{is}</td>
                <td class="number mono">{change}</td>
            </tr>
        }
    });
    framed("The price, before and after", "pricing-facts", &PARTS, rows.collect_view())
}

#[component]
fn Corrections(rows: Vec<CorrectedRow>) -> impl IntoView {
    let rows = rows.into_iter().map(|row| {
        let CorrectedRow { tenant_id, charges, days_first, was, is, change } = row;
        let href = format!("{TENANTS}/{tenant_id}");
        let first = (days_first > 0).then(|| {
            let days = counted(days_first, "day", "days");
            view! { <span class="cell-about">{format!("{days} charged for the first time")}</span> }
        });
        view! {
            <tr>
                <td class="cell-event pricing-first"><A href=href>{tenant_id}</A></td>
                <td data-label="Daily charges" class="number mono">{charges} {first}</td>
                <td data-label="As charged" class="number mono">{was}</td>
                <td data-label="Corrected" class="number mono">{is}</td>
                <td data-label="Difference" class="number mono">{change}</td>
            </tr>
        }
    });
    view! {
        <section class="card pricing-part" aria-labelledby="price-past">
            <h2 id="price-past" class="card-title">"What it corrects of the past"</h2>
            <p>"Charges of months that are open become these. Months that are closed stand as they were invoiced, and the difference goes to the first one that is open."</p>
            {framed("Charges that it corrects", "events pricing-table price-table", &CORRECTED, rows.collect_view())}
        </section>
    }
}

#[component]
fn Tenants(
    rows: Vec<AffectedRow>,
    looked_at: bool,
    idle: Vec<String>,
    window_days: u32,
    window_to: String,
) -> impl IntoView {
    let other = rows.iter().any(|row| row.margin_today.is_some());
    let meanwhile = other.then_some(" Another price begins before this one: the margin before is at that one, and today’s stands below it.");
    let basis = format!(
        "At their usage of {window_days} days up to {window_to}. Margins count recorded penalties: before, they are those of the Optimizer."
    );
    let table = (!rows.is_empty()).then(|| view! { <TenantTable rows /> });
    let none = if looked_at {
        "No tenant of the tier used this model in that time, or its time is over."
    } else {
        "The tier has too many tenants, or they used too much in that time, to look at each of them here. Their bills and margins are not known before it is recorded."
    };
    let none = table.is_none().then(|| view! { <p>{none}</p> });
    let idle = (!idle.is_empty()).then(|| {
        let number = u64::try_from(idle.len()).unwrap_or(u64::MAX);
        view! {
            <details class="pricing-more">
                <summary>{format!("{} of the tier did not use it", counted(number, "tenant", "tenants"))}</summary>
                <p class="pricing-wrap">{idle.join(", ")}</p>
            </details>
        }
    });
    view! {
        <section class="card pricing-part" aria-labelledby="price-tenants">
            <h2 id="price-tenants" class="card-title">"Whom it affects"</h2>
            <p class="muted">{basis} {meanwhile}</p>
            {table}
            {none}
            {idle}
        </section>
    }
}

#[component]
fn TenantTable(rows: Vec<AffectedRow>) -> impl IntoView {
    let rows = rows.into_iter().map(tenant_row).collect_view();
    framed("Tenants that it affects", "events pricing-table price-table", &AFFECTED, rows)
}

fn tenant_row(row: AffectedRow) -> impl IntoView {
    let AffectedRow { tenant_id, name, own, was, is, change, .. } = row;
    let AffectedRow { margin_was, margin_today, margin_is, crosses, fixed_until, .. } = row;
    let margin = |margin: Option<String>| margin.unwrap_or_else(|| "none".to_owned());
    let margin = format!("{} → {}", margin(margin_was), margin(margin_is));
    let today = margin_today
        .map(|text| view! { <span class="cell-about">{format!("today {text}")}</span> });
    let crosses = crosses.map(|text| view! { <strong>{text}</strong> " " });
    let fixed = fixed_until.map(|at| {
        view! { "a contract fixes its share until " <Time at shape=TimeShape::Day /> ", not the list" }
    });
    let href = format!("{TENANTS}/{tenant_id}");
    view! {
        <tr>
            <td class="cell-event pricing-first"><A href=href>{name}</A> <span class="cell-about">{tenant_id}</span></td>
            <td data-label="Pays of list" class="number mono">{own}</td>
            <td data-label="This model, now" class="number mono">{was.unwrap_or_else(|| "not charged".to_owned())}</td>
            <td data-label="Then" class="number mono">{is}</td>
            <td data-label="Its bill" class="number mono">{change}</td>
            <td data-label="Its margin" class="number mono">{margin} {today}</td>
            <td data-label="Note" class="pricing-wrap">{crosses} {fixed}</td>
        </tr>
    }
}
