//! Why here? Of a region or an address, now or at a past time: the answer as steps.

use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::components::A;
use leptos_router::hooks::use_navigate;

use crate::backend::{FabricAnswer, FabricNow, FabricQuery, FabricThen, FabricView};
use crate::browser;
use crate::components::time::Time;
use crate::components::triad::CloudGlyph;
use crate::format::TimeShape;
use crate::pages::fabric::steps::{self, Step};
use crate::query::input_time;

#[component]
pub(super) fn WhyCard(state: RwSignal<FabricView>, query: FabricQuery) -> impl IntoView {
    let answer = Memo::new(move |_| state.read().reason.clone());
    let aside = left_aside(&query);
    view! {
        <section class="card fabric-why" id="why" aria-labelledby="why-title">
            <header class="card-head"><h2 id="why-title" class="card-title">"Why here?"</h2></header>
            <AskForm state query />
            <Show when=move || answer.read().is_none()>
                <p class="fabric-note">"Choose a region, or give a client’s address or network. With a time, the answer is the one that was recorded then."</p>
            </Show>
            {aside.map(|text| view! { <p class="fabric-note">{text}</p> })}
            {move || answer.get().map(|answer| shown(&answer))}
        </section>
    }
}

/// Both were given: the address is answered for.
fn left_aside(query: &FabricQuery) -> Option<String> {
    let (region, subnet) = query.region.as_ref().zip(query.subnet.as_ref())?;
    Some(format!(
        "Asked of {subnet}: an address goes before a region, so “{region}” is left aside. Empty the \
         address to ask about the region."
    ))
}

/// A GET form: every explanation has an address.
#[component]
fn AskForm(state: RwSignal<FabricView>, query: FabricQuery) -> impl IntoView {
    let navigate = use_navigate();
    let submit = move |event: web_sys::SubmitEvent| {
        if let Some(url) = browser::form_url(&event) {
            event.prevent_default();
            navigate(&url, NavigateOptions { scroll: false, ..NavigateOptions::default() });
        }
    };
    let wrong = state.with_untracked(|state| match &state.reason {
        Some(FabricAnswer::Refused { field: Some(field), .. }) => Some(field.clone()),
        _ => None,
    });
    lead_to(wrong.clone());
    let is_wrong = |name: &str| wrong.as_deref() == Some(name);
    let invalid = |name: &str| is_wrong(name).then_some("true");
    let told_by = |name: &str| is_wrong(name).then_some(REFUSED_ID);
    let FabricQuery { region, subnet, at, .. } = query;
    let by_address = subnet.is_some();
    let names = state.with_untracked(|state| {
        state.regions.iter().map(|region| region.name.clone()).collect::<Vec<_>>()
    });
    let option = |name: String| {
        let selected = !by_address && region.as_ref() == Some(&name);
        view! { <option value=name.clone() selected=selected>{name.clone()}</option> }
    };
    let options = names.into_iter().map(option).collect_view();
    let none =
        by_address.then(|| view! { <option value="" selected>"left to the address"</option> });
    let hint = if is_wrong("subnet") {
        format!("{ADDRESS_HINT_ID} {REFUSED_ID}")
    } else {
        ADDRESS_HINT_ID.to_owned()
    };
    view! {
        <form class="fabric-ask" method="get" action="/fabric" on:submit=submit>
            <label class="field">
                <span>"Client region"</span>
                <select id=field_id("region") name="region" aria-invalid=invalid("region") aria-describedby=told_by("region") autofocus=is_wrong("region")>{none} {options}</select>
            </label>
            <label class="field">
                <span>"or an address or network"</span>
                <input id=field_id("subnet") name="subnet" type="text" maxlength="64" placeholder="198.51.100.0/24" value=subnet.unwrap_or_default() autocomplete="off" spellcheck="false" aria-invalid=invalid("subnet") aria-describedby=hint autofocus=is_wrong("subnet") />
                <span id=ADDRESS_HINT_ID class="cell-about">"Goes before the region: leave it empty to ask about a region."</span>
            </label>
            <label class="field">
                <span>"When, UTC; empty: now"</span>
                <input id=field_id("at") name="at" type="datetime-local" step="1" value=at.map(input_time).unwrap_or_default() aria-invalid=invalid("at") aria-describedby=told_by("at") autofocus=is_wrong("at") />
            </label>
            <button class="button" type="submit">"Explain"</button>
        </form>
    }
}

const REFUSED_ID: &str = "why-refused";
const ADDRESS_HINT_ID: &str = "why-address-hint";

fn field_id(name: &str) -> String {
    format!("why-{name}")
}

/// The field that is wrong has the focus, on a page that moved here without a load, too.
fn lead_to(wrong: Option<String>) {
    Effect::new(move |_| {
        if let Some(name) = &wrong {
            browser::focus(&field_id(name));
        }
    });
}

fn shown(answer: &FabricAnswer) -> AnyView {
    let (said, steps) = match answer {
        FabricAnswer::Refused { because, .. } => {
            return view! { <p id=REFUSED_ID class="form-error" role="alert">{because.clone()}</p> }
                .into_any();
        }
        FabricAnswer::Now(now) => (said_now(now), steps::now(now)),
        FabricAnswer::Then(then) => (said_then(then), steps::then(then)),
    };
    view! {
        <p class="why-answer">{said}</p>
        <ol class="why-steps">{steps.into_iter().map(step).collect_view()}</ol>
    }
    .into_any()
}

fn said_now(now: &FabricNow) -> AnyView {
    let dealt = now.dealt.as_ref().filter(|_| steps::is_dealt_unnamed(now));
    if let Some(dealt) = dealt {
        let by = dealt.by.clone();
        return view! { <span>"Clients are sent by shares: " <strong>{by}</strong> "."</span> }
            .into_any();
    }
    let cloud = now.asked.cloud;
    view! {
        <CloudGlyph cloud size=20 /> <span>"Clients are sent to " <strong>{cloud.name()}</strong> "."</span>
    }
    .into_any()
}

fn said_then(then: &FabricThen) -> AnyView {
    let (cloud, at) = (then.asked.cloud, then.asked.at);
    let verb = if then.shares.is_some() {
        "Without shares, clients were sent to "
    } else {
        "Clients were sent to "
    };
    view! {
        <CloudGlyph cloud size=20 />
        <span>{verb} <strong>{cloud.name()}</strong> " at " <Time at shape=TimeShape::Day /> "."</span>
    }
    .into_any()
}

fn step(step: Step) -> AnyView {
    let link = step.event_id.map(|id| {
        view! { " " <A href=format!("/ledger/{id}")>"The event"</A> }
    });
    let decision = step.proposal_id.map(|id| {
        view! { " " <A href=format!("/approvals/{id}")>"The decision"</A> }
    });
    let lines = step.lines.into_iter().map(|line| view! { <span class="why-line">{line}</span> });
    let at = step.at.map(|at| view! { <Time at shape=TimeShape::Day /> ": " });
    view! {
        <li>
            <strong class="why-head">{step.head}</strong>
            <span class="why-text">{at} {lines.collect_view()} {link} {decision}</span>
        </li>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_that_is_left_aside_for_an_address_is_said_to_be() {
        let query = |region: Option<&str>, subnet: Option<&str>| FabricQuery {
            region: region.map(str::to_owned),
            subnet: subnet.map(str::to_owned),
            ..FabricQuery::default()
        };
        let both = left_aside(&query(Some("eu"), Some("10.5.1.2"))).expect("both are given");
        assert!(both.starts_with("Asked of 10.5.1.2") && both.contains("“eu” is left aside"));
        assert_eq!(left_aside(&query(Some("eu"), None)), None);
        assert_eq!(left_aside(&query(None, Some("10.5.1.2"))), None);
    }
}
