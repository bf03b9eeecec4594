//! The ledger: every event, newest first, filtered by what stands in the address.

use domain::access::Action;
use domain::finality::Finality;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::components::A;
use leptos_router::hooks::use_query_map;

use crate::api;
use crate::backend::{EventPage, EventQuery, EventRow};
use crate::browser;
use crate::components::announcer::Announcer;
use crate::components::events::{Columns, EventTable, LiveRows};
use crate::components::icon::Icon;
use crate::components::problem::{ProblemCard, Skeleton};
use crate::components::time::Time;
use crate::format::{TimeShape, counted};
use crate::live::Live;
use crate::pages::ledger::filters::Filters;
use crate::pages::ledger::tabs::LedgerTabs;
use crate::shell::console::Here;
use crate::shell::places::Places;

pub(crate) mod filters;
pub(crate) mod tabs;

const LIST_ID: &str = "ledger-list";

#[component]
pub(crate) fn LedgerPage() -> impl IntoView {
    let live = expect_context::<Live>();
    let params = use_query_map();
    let query = Memo::new(move |_| EventQuery::from_url(&params.read()));
    let page = api::ask(move || (query.get(), live.gaps.get()), |(query, _)| api::events(query));
    let refetch = Callback::new(move |()| page.refetch());
    let unsettled = RwSignal::new(false);
    live.catch_up(unsettled.into(), refetch);
    let busy = RwSignal::new(false);
    view! {
        <Title text="Ledger" />
        <section class="ledger" aria-label="Ledger" class:is-busy=busy aria-busy=move || busy.get().to_string()>
            <LedgerTabs />
            <Filters query />
            <Transition fallback=|| view! { <Skeleton cards=1 /> } set_pending=busy>
                {move || Suspend::new(async move {
                    match page.await {
                        Ok(page) => view! { <Rows page query=query.get_untracked() refetch unsettled /> }.into_any(),
                        Err(problem) => view! { <ProblemCard problem retry=refetch /> }.into_any(),
                    }
                })}
            </Transition>
        </section>
    }
    .into_any()
}

#[component]
fn Rows(
    page: EventPage,
    query: EventQuery,
    refetch: Callback<()>,
    unsettled: RwSignal<bool>,
) -> impl IntoView {
    let EventPage { items, next_cursor, previous_cursor, at } = page;
    let count = items.len();
    let rows = LiveRows::new(items);
    unsettled.set(rows.is_unsettled());
    let new = count_new_rows(rows, query.clone());
    let scrolled = keep_place(&query);
    let first_page = query.cursor.is_none();
    let older = next_cursor.map(|cursor| query.page_url(Some(&cursor)));
    let newer = previous_cursor.map(|cursor| query.page_url(Some(&cursor)));
    let words = query.is_filtered().then(|| empty_words(&query));
    let none = (count == 0).then(|| view! { <NoRows words /> });
    view! {
        <section class="card table-card" aria-label="Events">
            <header class="card-head">
                <p class="table-about">
                    {format!("{} on this page", counted(count as u64, "event", "events"))}
                    <span class="muted">" · as of " <Time at=at shape=TimeShape::Second /></span>
                </p>
                <Show when=move || { first_page && new.get() > 0 }>
                    <button type="button" class="button button-new" on:click=move |_| refetch.run(())>
                        {move || counted(new.get(), "new event", "new events")}
                    </button>
                </Show>
                <Exports query />
            </header>
            <div class="table-scroll" id=LIST_ID on:scroll=scrolled>
                <EventTable rows columns=Columns::Whole caption="Events, newest first" />
            </div>
            {none}
            <Pages newer older first_page />
        </section>
    }
    .into_any()
}

/// Rows on the screen change in place; others that belong here are counted, and spoken of once.
fn count_new_rows(rows: LiveRows, query: EventQuery) -> RwSignal<u64> {
    let live = expect_context::<Live>();
    let announcer = expect_context::<Announcer>();
    let new = RwSignal::new(0_u64);
    let newest = rows.newest();
    Effect::new(move |_| {
        let Some(message) = live.events.get() else { return };
        let unknown = rows.update(&message.items);
        let is_new = |row: &&EventRow| newest.is_none_or(|newest| row.accepted_at > newest);
        let fitting = unknown.iter().filter(is_new).filter(|row| query.admits(row)).count() as u64;
        if fitting > 0 {
            if new.get_untracked() == 0 {
                announcer.say("There are new events; a button above the table shows them.");
            }
            new.update(|new| *new += fitting + message.skipped);
        }
    });
    new
}

/// Whoever comes back from an event finds the list where they left it. The handler remembers.
fn keep_place(query: &EventQuery) -> impl Fn(web_sys::Event) + 'static {
    let places = expect_context::<Places>();
    let address = query.page_url(query.cursor.as_deref());
    let here = address.clone();
    Effect::new(move |_| {
        if let Some(top) = places.returned_to(&here) {
            browser::scroll_to(LIST_ID, top);
        }
    });
    move |_| places.scrolled(&address, browser::scroll_top(LIST_ID))
}

#[component]
fn Exports(query: EventQuery) -> impl IntoView {
    let here = expect_context::<Here>();
    if !here.viewer.may(Action::ExportLedger) {
        let reason = here.viewer.role.refusal(Action::ExportLedger);
        return view! { <span class="muted" title=reason>"Export: not for this role"</span> }
            .into_any();
    }
    view! {
        <p class="exports">
            {Icon::Download.view()}
            <a href=query.export_url("csv") rel="external" download>"CSV"</a>
            <a href=query.export_url("json") rel="external" download>"JSON"</a>
        </p>
    }
    .into_any()
}

/// Asked for nothing but a state, an empty list is an answer.
fn empty_words(query: &EventQuery) -> (&'static str, &'static str) {
    let state_alone = EventQuery { status: None, ..query.clone() } == EventQuery::default();
    match query.status.filter(|_| state_alone) {
        Some(Finality::Pending) => (
            "Nothing is pending",
            "Every event that was accepted has the signatures of two clouds.",
        ),
        Some(Finality::Quarantined) => {
            ("Nothing is quarantined", "No two clouds recorded one id with different contents.")
        }
        Some(Finality::Disputed) => {
            ("Nothing is disputed", "No cloud has been found to sign two histories of its log.")
        }
        _ => (
            "No event fits these filters",
            "A hash is found by its first 8 digits, an event by its id or slot (gcp/1/204), a tenant by its name.",
        ),
    }
}

#[component]
fn NoRows(words: Option<(&'static str, &'static str)>) -> impl IntoView {
    if let Some((title, text)) = words {
        return view! {
            <div class="empty">
                <h2>{title}</h2>
                <p>{text}</p>
                <A href="/ledger" attr:class="button">"Show all events"</A>
            </div>
        }
        .into_any();
    }
    view! {
        <div class="empty">
            <h2>"No events yet"</h2>
            <p>"The first event appears here as soon as a program submits one: the overview shows the command."</p>
            <A href="/" attr:class="button">"Overview"</A>
        </div>
    }
    .into_any()
}

/// Keyset pages: an address of a page shows the same rows tomorrow.
#[component]
fn Pages(newer: Option<String>, older: Option<String>, first_page: bool) -> impl IntoView {
    let way = |href: Option<String>, text: &'static str| match href {
        Some(href) => view! { <A href=href attr:class="button">{text}</A> }.into_any(),
        None => view! { <span class="button" aria-disabled="true">{text}</span> }.into_any(),
    };
    view! {
        <nav class="pages" aria-label="Pages of the ledger">
            {way(newer, "Newer")}
            <span class="muted">{if first_page { "Newest page; rows update by themselves" } else { "An older page" }}</span>
            {way(older, "Older")}
        </nav>
    }
}
