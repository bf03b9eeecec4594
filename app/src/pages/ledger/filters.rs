//! The filters: a GET form, so that every set of filters has an address.

use domain::cloud::Cloud;
use domain::finality::Finality;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::components::A;
use leptos_router::hooks::use_navigate;

use crate::backend::EventQuery;
use crate::browser;
use crate::query::input_time;

/// On a phone the rarer fields wait behind this box, without any script.
const MORE_ID: &str = "more-filters";

/// Built once: after a navigation the fields take the new values and the focus stays.
#[component]
pub(super) fn Filters(query: Memo<EventQuery>) -> impl IntoView {
    let navigate = use_navigate();
    let submit = move |event: web_sys::SubmitEvent| {
        if let Some(url) = browser::form_url(&event) {
            event.prevent_default();
            navigate(&url, NavigateOptions { scroll: false, ..NavigateOptions::default() });
        }
    };
    let text = move |pick: fn(&EventQuery) -> Option<String>| {
        Signal::derive(move || pick(&query.read()).unwrap_or_default())
    };
    view! {
        <form class="filters" method="get" action="/ledger" role="search" aria-label="Filter the ledger" on:submit=submit>
            <TextFilter name="q" label="Id, hash, slot" value=text(|query| query.q.clone()) wide=true />
            <label class="filters-more button needs-phone">
                <input id=MORE_ID type="checkbox" checked=query.get_untracked().is_filtered() />
                "More filters"
            </label>
            <TextFilter name="tenant" label="Tenant" value=text(|query| query.tenant.clone()) />
            <TextFilter name="kind" label="Kind" value=text(|query| query.kind.clone()) />
            <ChoiceFilter name="status" label="Finality" options=named(Finality::ALL.map(Finality::word))
                value=text(|query| query.status.map(|status| status.word().to_owned())) />
            <ChoiceFilter name="origin" label="Origin" options=named(Cloud::ALL.map(Cloud::name))
                value=text(|query| query.origin.map(|origin| origin.name().to_owned())) />
            <TimeFilter name="from" label="From, UTC" value=text(|query| query.from.map(input_time)) />
            <TimeFilter name="to" label="To, UTC" value=text(|query| query.to.map(input_time)) />
            <div class="filter-acts">
                <button class="button button-first" type="submit">"Filter"</button>
                <Show when=move || query.read().is_filtered()>
                    <A href="/ledger" attr:class="button">"Clear"</A>
                </Show>
            </div>
        </form>
    }
    .into_any()
}

/// Choices whose values are their words.
fn named<const N: usize>(words: [&'static str; N]) -> Vec<(&'static str, &'static str)> {
    words.map(|word| (word, word)).to_vec()
}

#[component]
pub(crate) fn TextFilter(
    name: &'static str,
    label: &'static str,
    value: Signal<String>,
    #[prop(optional)] wide: bool,
) -> impl IntoView {
    view! {
        <label class="field" class:field-wide=wide>
            <span>{label}</span>
            <input name=name type="search" value=value.get_untracked() prop:value=value autocomplete="off" spellcheck="false" />
        </label>
    }
}

/// A choice takes effect at once where scripts run.
#[component]
pub(crate) fn ChoiceFilter(
    name: &'static str,
    label: &'static str,
    /// Values and words.
    options: Vec<(&'static str, &'static str)>,
    value: Signal<String>,
) -> impl IntoView {
    let options = options
        .into_iter()
        .map(|(option, word)| {
            view! { <option value=option selected=move || *value.read() == option>{word}</option> }
        })
        .collect_view();
    view! {
        <label class="field">
            <span>{label}</span>
            <select name=name on:change=|event| browser::submit_form_of(&event)>
                <option value="" selected=move || value.read().is_empty()>"Any"</option>
                {options}
            </select>
        </label>
    }
}

#[component]
fn TimeFilter(name: &'static str, label: &'static str, value: Signal<String>) -> impl IntoView {
    view! {
        <label class="field">
            <span>{label}</span>
            <input name=name type="datetime-local" step="any" value=value.get_untracked() prop:value=value />
        </label>
    }
}
