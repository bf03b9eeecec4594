//! The quarantine: what is held without effect, newest first, filtered by what stands in the
//! address.

use domain::access::Action;
use domain::quarantine::{Reason, SOURCE_BYTES_MAX, SOURCE_ITEMS_MAX, State};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::NavigateOptions;
use leptos_router::components::A;
use leptos_router::hooks::{use_navigate, use_query_map};

use crate::api;
use crate::backend::{HeldCount, HeldPage, HeldQuery, HeldRow};
use crate::browser;
use crate::components::badge::HeldBadge;
use crate::components::icon::Icon;
use crate::components::problem::{ProblemCard, Skeleton};
use crate::components::time::{Time, ZoneName};
use crate::format::{TimeShape, count, counted};
use crate::live::Live;
use crate::pages::ledger::filters::{ChoiceFilter, TextFilter};
use crate::pages::ledger::tabs::LedgerTabs;
use crate::shell::console::Here;

mod act;
mod content;
pub(crate) mod item;
mod query;

#[component]
pub(crate) fn QuarantinePage() -> impl IntoView {
    let live = expect_context::<Live>();
    let params = use_query_map();
    let query = Memo::new(move |_| HeldQuery::from_url(&params.read()));
    // What is held changes when somebody sends or decides something: seen in the count.
    let held = Memo::new(move |_| live.state.read().as_ref().map(|state| state.quarantined));
    let page = api::ask(
        move || (query.get(), live.gaps.get(), held.get()),
        |(query, ..)| api::quarantine(query),
    );
    let retry = Callback::new(move |()| page.refetch());
    let busy = RwSignal::new(false);
    view! {
        <Title text="Quarantine" />
        <section class="ledger" aria-label="Quarantine" class:is-busy=busy aria-busy=move || busy.get().to_string()>
            <LedgerTabs />
            <Filters query />
            <Transition fallback=|| view! { <Skeleton cards=1 /> } set_pending=busy>
                {move || Suspend::new(async move {
                    match page.await {
                        Ok(page) => view! { <Rows page query=query.get_untracked() /> }.into_any(),
                        Err(problem) => view! { <ProblemCard problem retry /> }.into_any(),
                    }
                })}
            </Transition>
        </section>
    }
    .into_any()
}

/// A GET form: every set of filters has an address.
#[component]
fn Filters(query: Memo<HeldQuery>) -> impl IntoView {
    let navigate = use_navigate();
    let submit = move |event: web_sys::SubmitEvent| {
        if let Some(url) = browser::form_url(&event) {
            event.prevent_default();
            navigate(&url, NavigateOptions { scroll: false, ..NavigateOptions::default() });
        }
    };
    let text = move |pick: fn(&HeldQuery) -> Option<String>| {
        Signal::derive(move || pick(&query.read()).unwrap_or_default())
    };
    let reasons = Reason::ALL.map(|reason| (reason.code(), reason.title())).to_vec();
    let states = State::ALL.map(|state| (state.name(), state.name())).to_vec();
    view! {
        <form class="filters held-filters" method="get" action="/ledger/quarantine" role="search" aria-label="Filter the quarantine" on:submit=submit>
            <ChoiceFilter name="state" label="State" options=states
                value=text(|query| query.state.map(|state| state.name().to_owned())) />
            <ChoiceFilter name="reason" label="Reason" options=reasons
                value=text(|query| query.reason.map(|reason| reason.code().to_owned())) />
            <TextFilter name="source" label="Source: aws, client:login, logs" value=text(|query| query.source.as_ref().map(ToString::to_string)) />
            <TextFilter name="tenant" label="Tenant" value=text(|query| query.tenant.clone()) />
            <div class="filter-acts">
                <button class="button button-first" type="submit">"Filter"</button>
                <Show when=move || query.read().is_filtered()>
                    <A href="/ledger/quarantine" attr:class="button">"Clear"</A>
                </Show>
            </div>
        </form>
    }
    .into_any()
}

#[component]
fn Rows(page: HeldPage, query: HeldQuery) -> impl IntoView {
    let HeldPage { items, next_cursor, beyond, at } = page;
    let older = next_cursor.map(|cursor| query.page_url(Some(&cursor)));
    let newest = query.cursor.is_some().then(|| query.page_url(None));
    let about = format!("{} on this page", counted(items.len() as u64, "item", "items"));
    let filtered = query.is_filtered();
    let none = items.is_empty().then(|| view! { <NothingHeld filtered /> });
    view! {
        <Beyond counts=beyond />
        <section class="card table-card" aria-label="Held">
            <header class="card-head">
                <p class="table-about">
                    {about} <span class="muted">" · as of " <Time at shape=TimeShape::Second /></span>
                </p>
                <Export query />
            </header>
            {(!items.is_empty()).then(|| view! { <HeldTable rows=items.clone() /> })}
            {none}
            <Pages newest older />
        </section>
        <Whose />
    }
    .into_any()
}

#[component]
fn HeldTable(rows: Vec<HeldRow>) -> impl IntoView {
    let at =
        rows.first().map_or_else(|| domain::clock::Timestamp::from_unix_ms(0), |row| row.first_at);
    view! {
        <div class="table-scroll">
            <table class="events held-table">
                <caption class="visually-hidden">"What is held, newest first"</caption>
                <thead>
                    <tr>
                        <th scope="col">"State"</th>
                        <th scope="col">"Reason"</th>
                        <th scope="col">"What came"</th>
                        <th scope="col">"From"</th>
                        <th scope="col">"Tenant"</th>
                        <th scope="col" class="number">"Times"</th>
                        <th scope="col" class="number">"First, " <ZoneName at /></th>
                    </tr>
                </thead>
                <tbody>{rows.into_iter().map(|row| view! { <Row row /> }).collect_view()}</tbody>
            </table>
        </div>
    }
}

#[component]
fn Row(row: HeldRow) -> impl IntoView {
    let href = format!("/ledger/quarantine/{}", row.id);
    let place = row.place.map(|place| view! { " · " <span class="mono">{place}</span> });
    view! {
        <tr>
            <td class="cell-state" data-label="State"><HeldBadge state=row.state /></td>
            <td class="cell-event" data-label="Reason">
                <A href=href><span class="row-link">{row.reason.title()}</span></A>
            </td>
            <td class="cell-what" data-label="What came">{row.form.phrase()} {place}</td>
            <td class="cell-from" data-label="From">{row.source.phrase()}</td>
            <td class="cell-tenant" data-label="Tenant">{row.tenant_id.unwrap_or_else(|| "–".to_owned())}</td>
            // Of what stands in the logs there are places, not times.
            <td class="cell-times number" data-label="Times">{row.local.then(|| count(row.count))}</td>
            <td class="cell-first number mono" data-label="First">
                <Time at=row.first_at shape=TimeShape::Day zone_in_heading=true />
            </td>
        </tr>
    }
}

/// Sources that sent more than is kept of one: said plainly, since the list does not show it.
#[component]
fn Beyond(counts: Vec<HeldCount>) -> impl IntoView {
    if counts.is_empty() {
        return ().into_any();
    }
    let lines = counts
        .into_iter()
        .map(|one| {
            let (inputs, not_kept) = (count(one.inputs), count(one.not_kept));
            view! {
                <li>
                    <strong>{capital(&one.source.phrase())}</strong>
                    {format!(": {inputs} inputs held as “{}”, of which {not_kept} are only counted. The last came at ", one.reason.title())}
                    <Time at=one.last_at shape=TimeShape::Day /> "."
                </li>
            }
        })
        .collect_view();
    view! {
        <aside class="card beyond" aria-label="Beyond what is kept">
            <h2 class="card-title">"More came than is kept"</h2>
            <ul>{lines}</ul>
            <p class="muted">{bound_sentence()}</p>
        </aside>
    }
    .into_any()
}

fn bound_sentence() -> String {
    format!(
        "Of one source at most {SOURCE_ITEMS_MAX} undecided inputs and {} MiB are kept, so that nobody fills this disk. Deciding about some makes room for others.",
        SOURCE_BYTES_MAX / (1024 * 1024)
    )
}

/// A sentence begins with a capital letter.
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Who holds what, and where a decision counts.
#[component]
fn Whose() -> impl IntoView {
    let cloud = expect_context::<Here>().deployment.cloud.title();
    view! {
        <p class="whose muted">
            {format!("Inputs that {cloud} refused are held by {cloud} alone; the other clouds hold theirs. Ids in conflict stand in the logs: all clouds hold them, and a decision about one counts everywhere once it is final.")}
        </p>
    }
}

#[component]
fn NothingHeld(filtered: bool) -> impl IntoView {
    let cloud = expect_context::<Here>().deployment.cloud.title();
    let (title, text) = if filtered {
        (
            "Nothing held fits these filters",
            "Without them, everything that is or was held is listed.".to_owned(),
        )
    } else {
        (
            "Nothing is held",
            format!(
                "Everything that arrived at {cloud} passed its checks, and no two clouds recorded one id with different contents."
            ),
        )
    };
    let all =
        filtered.then(|| view! { <A href="/ledger/quarantine" attr:class="button">"Show all"</A> });
    view! {
        <div class="empty">
            <h2>{title}</h2>
            <p>{text}</p>
            {all}
        </div>
    }
}

#[component]
fn Export(query: HeldQuery) -> impl IntoView {
    let here = expect_context::<Here>();
    if !here.viewer.may(Action::ExportLedger) {
        let reason = here.viewer.role.refusal(Action::ExportLedger);
        return view! { <span class="muted" title=reason>"Export: not for this role"</span> }
            .into_any();
    }
    view! {
        <p class="exports">
            {Icon::Download.view()}
            <a href=query.export_url() rel="external" download>"JSON"</a>
        </p>
    }
    .into_any()
}

#[component]
fn Pages(newest: Option<String>, older: Option<String>) -> impl IntoView {
    if newest.is_none() && older.is_none() {
        return ().into_any();
    }
    let way = |href: Option<String>, text: &'static str| match href {
        Some(href) => view! { <A href=href attr:class="button">{text}</A> }.into_any(),
        None => view! { <span class="button" aria-disabled="true">{text}</span> }.into_any(),
    };
    view! {
        <nav class="pages" aria-label="Pages of the quarantine">
            {way(newest, "Newest")}
            {way(older, "Older")}
        </nav>
    }
    .into_any()
}
