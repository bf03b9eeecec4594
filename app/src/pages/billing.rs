//! Billing: what each tenant owes for a month, and why; credits, and closing a month.

use domain::access::Action;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::NavigateOptions;
use leptos_router::components::A;
use leptos_router::hooks::{use_navigate, use_query_map};

use crate::api;
use crate::backend::{BillingQuery, BillingView, ClosedMonth, Owed, Trial, UnpricedRow};
use crate::browser;
use crate::components::icon::Icon;
use crate::components::problem::{ProblemCard, Refused, Skeleton};
use crate::components::time::Time;
use crate::format::{TimeShape, counted};
use crate::live::Live;
use crate::pages::billing::amount::{Amount, places_of};
use crate::query::with_query;
use crate::shell::console::Here;

mod acts;
mod amount;
mod balances;
mod statement;

#[component]
pub(crate) fn BillingPage() -> impl IntoView {
    let live = expect_context::<Live>();
    let params = use_query_map();
    let query = Memo::new(move |_| {
        let text = |name: &str| {
            params
                .read()
                .get(name)
                .map(|value| value.trim().to_owned())
                .filter(|text| !text.is_empty())
        };
        BillingQuery { period: text("period"), tenant: text("tenant"), cursor: text("cursor") }
    });
    let page = api::ask(move || (query.get(), live.gaps.get()), |(query, _)| api::billing(query));
    let retry = Callback::new(move |()| page.refetch());
    let busy = RwSignal::new(false);
    view! {
        <Title text="Billing" />
        <section class="billing" aria-label="Billing" class:is-busy=busy aria-busy=move || busy.get().to_string()>
            <Refused words=acts::refusal />
            <Transition fallback=|| view! { <Skeleton cards=2 /> } set_pending=busy>
                {move || Suspend::new(async move {
                    match page.await {
                        Ok(view) => view! { <Month view query=query.get_untracked() /> }.into_any(),
                        Err(problem) => view! { <ProblemCard problem retry /> }.into_any(),
                    }
                })}
            </Transition>
        </section>
    }
    .into_any()
}

/// The page of a month, or of a tenant's month.
fn address(period: &str, tenant: Option<&str>, cursor: Option<&str>) -> String {
    let pairs = [("period", Some(period)), ("tenant", tenant), ("cursor", cursor)];
    let pairs = pairs.into_iter().filter_map(|(name, value)| Some((name, value?.to_owned())));
    with_query("/billing", &pairs.collect::<Vec<_>>())
}

#[component]
fn Month(view: BillingView, query: BillingQuery) -> impl IntoView {
    let here = expect_context::<Here>();
    let may = here.viewer.may(Action::EditBilling);
    let refusal = (!may).then(|| here.viewer.role.refusal(Action::EditBilling));
    let tenant = query.tenant.clone();
    let BillingView { at, period, periods, closing, closable, owed, .. } = view.clone();
    let Some(period) = period else {
        return view! { <Nothing /> <acts::Credit may period=None tenant=String::new() /> }
            .into_any();
    };
    let whole = address(&period, None, None);
    let back =
        tenant.is_some().then(|| view! { <A href=whole attr:class="button">"All tenants"</A> });
    let open = closing.is_none().then(|| period.clone());
    let statement = view.statement.clone();
    view! {
        <header class="card billing-head">
            <Months periods period=period.clone() tenant=tenant.clone() />
            {statement.clone().map(|own| view! { <Total owed=own.owed whose=own.tenant_id period=period.clone() /> })}
            {statement.is_none().then(|| view! { <Total owed whose="all tenants".to_owned() period=period.clone() /> })}
            <div class="billing-acts">
                {back}
                <acts::CreditButton may period=period.clone() tenant=tenant.clone() />
                <Export period=period.clone() tenant=tenant.clone() />
            </div>
            <Closing closing closable may period=period.clone() />
            {refusal.map(|why| view! { <p class="held">{why}</p> })}
        </header>
        <Unpriced rows=view.unpriced.clone() />
        <balances::Balances view=view.clone() period=period.clone() />
        {statement.map(|statement| view! { <statement::StatementCard statement period=period.clone() /> })}
        // The books balance over all tenants: beside one tenant's statement the sums would be another's.
        {view.statement.is_none().then(|| view! { <TrialBalance trial=view.trial.clone() /> })}
        <acts::Credit may period=open tenant=tenant.unwrap_or_default() />
        {closable.then(|| view! { <acts::Close may period=period.clone() /> })}
        <About />
        <p class="whose muted">"As of " <Time at shape=TimeShape::Second /> ". Every cloud derives the same from final events."</p>
    }
    .into_any()
}

/// What a tenant, or all of them, owe for the month.
#[component]
fn Total(owed: Owed, whose: String, period: String) -> impl IntoView {
    let label = if owed.is_credit {
        format!("Credit balance of {whose} for {period}: we owe it")
    } else {
        format!("Owed by {whose} for {period}")
    };
    view! {
        <p class="billing-owed">
            <span class="muted">{label}</span>
            <strong class="mono">{owed.amount}</strong>
        </p>
    }
}

/// A GET form: every month has an address.
#[component]
fn Months(periods: Vec<String>, period: String, tenant: Option<String>) -> impl IntoView {
    let navigate = use_navigate();
    let submit = move |event: web_sys::SubmitEvent| {
        if let Some(url) = browser::form_url(&event) {
            event.prevent_default();
            navigate(&url, NavigateOptions { scroll: false, ..NavigateOptions::default() });
        }
    };
    let mut all = periods;
    if !all.contains(&period) {
        all.insert(0, period.clone());
    }
    let options = all
        .into_iter()
        .map(|one| view! { <option value=one.clone() selected={one == period}>{one.clone()}</option> })
        .collect_view();
    view! {
        <form class="billing-months" method="get" action="/billing" on:submit=submit>
            <label class="field">
                <span>"Month, UTC"</span>
                <select name="period" on:change=|event| browser::submit_form_of(&event)>{options}</select>
            </label>
            {tenant.map(|tenant| view! { <input type="hidden" name="tenant" value=tenant /> })}
            <button class="button" type="submit">"Show"</button>
        </form>
    }
}

#[component]
fn Closing(
    closing: Option<ClosedMonth>,
    closable: bool,
    may: bool,
    period: String,
) -> impl IntoView {
    match closing {
        Some(ClosedMonth { at, by, event_id }) => {
            let by = by.map_or_else(String::new, |by| format!(" by {by}"));
            view! {
                <p class="billing-state">
                    <strong>"Closed"</strong> {by} " on " <Time at shape=TimeShape::Day /> ": "
                    <A href=format!("/ledger/{event_id}")>"the decision"</A>
                    ". Invoices stand; what is found later goes to the next month."
                </p>
            }
            .into_any()
        }
        None if closable => view! {
            <p class="billing-state">
                <strong>"Over, and not closed."</strong>
                " SLA penalties are owed once it is. "
                {may.then(|| view! { <acts::CloseButton period /> })}
            </p>
        }
        .into_any(),
        None => view! {
            <p class="billing-state"><strong>"Running."</strong> " Amounts grow with usage; SLA penalties follow when the month is closed."</p>
        }
        .into_any(),
    }
}

#[component]
fn Export(period: String, tenant: Option<String>) -> impl IntoView {
    let link = |format: &str| {
        let mut pairs = vec![("format", format.to_owned()), ("period", period.clone())];
        pairs.extend(tenant.clone().map(|tenant| ("tenant", tenant)));
        with_query("/v1/ledger/export", &pairs)
    };
    view! {
        <p class="exports">
            {Icon::Download.view()}
            <a href=link("csv") rel="external" download>"CSV"</a>
            <a href=link("ndjson") rel="external" download>"NDJSON"</a>
        </p>
    }
}

/// Loud: these amounts are missing from every other figure.
#[component]
fn Unpriced(rows: Vec<UnpricedRow>) -> impl IntoView {
    if rows.is_empty() {
        return ().into_any();
    }
    let requests: u64 = rows.iter().map(|row| row.requests).sum();
    let title = format!(
        "{} had no price and {} not charged",
        counted(requests, "request", "requests"),
        if requests == 1 { "is" } else { "are" }
    );
    let items = rows
        .into_iter()
        .map(|row| {
            let requests = counted(row.requests, "request", "requests");
            let about = format!(" · {} · {requests}, {}. ", row.model, row.tokens);
            view! { <li><strong>{row.tenant_id}</strong> {about} {row.why}</li> }
        })
        .collect_view();
    view! {
        <section class="card billing-unpriced" aria-labelledby="unpriced-title">
            <h2 id="unpriced-title" class="card-title">{Icon::Alarm.view()} " " {title}</h2>
            <ul>{items}</ul>
            <p class="muted">"No amount here contains them. A price that is put from before then on charges them at once; in a closed month the difference goes to the next."</p>
        </section>
    }
    .into_any()
}

#[component]
fn TrialBalance(trial: Trial) -> impl IntoView {
    let Trial { accounts, debit, credit, balanced } = trial;
    let sentence = if balanced {
        format!("Debits {debit} = credits {credit}.")
    } else {
        format!("Debits {debit} are not credits {credit}: run `ternion rebuild`.")
    };
    let debits = places_of(accounts.iter().map(|(_, debit, _)| debit.as_str()));
    let credits = places_of(accounts.iter().map(|(.., credit)| credit.as_str()));
    let rows = accounts
        .into_iter()
        .map(|(account, debit, credit)| {
            view! {
                <tr>
                    <th scope="row" class="mono">{account}</th>
                    <td class="number mono"><Amount text=debit places=debits /></td>
                    <td class="number mono"><Amount text=credit places=credits /></td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <section class="card billing-trial" aria-labelledby="trial-title">
            <h2 id="trial-title" class="card-title">"Trial balance of all tenants"</h2>
            <p class="billing-equal" data-balanced=balanced.to_string()>{sentence}</p>
            <div class="table-scroll" tabindex="0" role="region" aria-label="Both sides of every account in this month">
            <table class="trial-table">
                <thead><tr><th scope="col">"Account"</th><th scope="col" class="number">"Debit"</th><th scope="col" class="number">"Credit"</th></tr></thead>
                <tbody>{rows}</tbody>
            </table>
            </div>
        </section>
    }
}

#[component]
fn About() -> impl IntoView {
    view! {
        <section class="card billing-about" aria-labelledby="billing-about-title">
            <h2 id="billing-about-title" class="card-title">"How it is computed"</h2>
            <p>
                "A tenant’s usage of a UTC day at one price is one entry: tokens times the price in force when each hour began, "
                "exact to ten decimals. A credit and a missed service level lower what is owed. Cents are made once, when the "
                "month is closed; the fraction stands on an account of its own."
            </p>
            <p class="muted">"Every entry is one amount on the debit side of one account and on the credit side of another, so the books always balance."</p>
        </section>
    }
}

#[component]
fn Nothing() -> impl IntoView {
    view! {
        <section class="card empty">
            <h2>"Nothing has been charged yet"</h2>
            <p>
                "Usage is charged once it is final and its tenant’s tier has a price for the model. Send events of the kind "
                <code>"usage"</code> " to " <code>"POST /v1/events"</code> ", or import a file with " <code>"ternion import usage"</code> "."
            </p>
            <a class="button" href="/docs" rel="external">"How to send usage"</a>
        </section>
    }
}
