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
    view! {
        <section class="card fabric-why" id="why" aria-labelledby="why-title">
            <header class="card-head"><h2 id="why-title" class="card-title">"Why here?"</h2></header>
            <AskForm state query />
            <Show when=move || answer.read().is_none()>
                <p class="fabric-note">"Choose a region, or give a client’s address or network. With a time, the answer is the one that was recorded then."</p>
            </Show>
            {move || answer.get().map(|answer| shown(&answer))}
        </section>
    }
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
    let FabricQuery { region, subnet, at, .. } = query;
    let names = state.with_untracked(|state| {
        state.regions.iter().map(|region| region.name.clone()).collect::<Vec<_>>()
    });
    let option = |name: String| {
        let selected = region.as_ref() == Some(&name);
        view! { <option value=name.clone() selected=selected>{name.clone()}</option> }
    };
    let options = names.into_iter().map(option).collect_view();
    view! {
        <form class="fabric-ask" method="get" action="/fabric" on:submit=submit>
            <label class="field">
                <span>"Client region"</span>
                <select name="region">{options}</select>
            </label>
            <label class="field">
                <span>"or an address or network"</span>
                <input name="subnet" type="text" maxlength="64" placeholder="198.51.100.0/24" value=subnet.unwrap_or_default() autocomplete="off" spellcheck="false" />
            </label>
            <label class="field">
                <span>"When, UTC; empty: now"</span>
                <input name="at" type="datetime-local" step="1" value=at.map(input_time).unwrap_or_default() />
            </label>
            <button class="button" type="submit">"Explain"</button>
        </form>
    }
}

fn shown(answer: &FabricAnswer) -> AnyView {
    let (said, steps) = match answer {
        FabricAnswer::Refused { because } => {
            return view! { <p class="form-error" role="alert">{because.clone()}</p> }.into_any();
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
