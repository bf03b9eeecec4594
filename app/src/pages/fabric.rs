//! Fabric: who is up by whose word, where the clients of each region are sent and why, and taking a
//! cloud out of service.

use std::time::Duration;

use domain::fabric::verdict::Mode;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::components::A;
use leptos_router::hooks::use_query_map;

use crate::api;
use crate::backend::{FabricQuery, FabricShares, FabricView};
use crate::components::announcer::Announcer;
use crate::components::problem::{ProblemCard, Refused, Skeleton};
use crate::components::time::Time;
use crate::format::TimeShape;
use crate::pages::fabric::capacity::Capacity;
use crate::pages::fabric::clouds::Clouds;
use crate::pages::fabric::drain::DrainDialogs;
use crate::pages::fabric::map::MapCard;
use crate::pages::fabric::publishers::Publishers;
use crate::pages::fabric::regions::Regions;
use crate::pages::fabric::shares::SharesCard;
use crate::pages::fabric::timeline::Timeline;
use crate::pages::fabric::votes::Votes;
use crate::pages::fabric::why::WhyCard;

mod capacity;
mod clouds;
mod drain;
mod map;
mod publishers;
mod regions;
mod shares;
mod steps;
mod timeline;
mod votes;
mod why;
mod words;

/// Verdicts change within seconds, and scores with every probe: each is 2 s apart.
const LOOK_EVERY: Duration = Duration::from_secs(2);

#[component]
pub(crate) fn FabricPage() -> impl IntoView {
    let params = use_query_map();
    let query = Memo::new(move |_| FabricQuery::from_url(&params.read()));
    let page = api::ask(move || query.get(), api::fabric);
    let retry = Callback::new(move |()| page.refetch());
    view! {
        <Title text="Fabric" />
        <Refused words=drain::refusal />
        <Transition fallback=|| view! { <Skeleton cards=4 /> }>
            {move || Suspend::new(async move {
                match page.await {
                    Ok(first) => view! { <Body first query=query.get_untracked() /> }.into_any(),
                    Err(problem) => view! { <ProblemCard problem retry /> }.into_any(),
                }
            })}
        </Transition>
    }
    .into_any()
}

#[component]
fn Body(first: FabricView, query: FabricQuery) -> impl IntoView {
    let state = RwSignal::new(first);
    follow(state, query.clone());
    announce(state);
    view! {
        <div class="fabric">
            <Banner state />
            <MapCard state />
            <Regions state />
            <Clouds state />
            <Votes state />
            <WhyCard state query />
            <SharesCard state />
            <Timeline state />
            <Capacity state />
            <Publishers state />
            <p class="whose muted">
                "As of " <Time at=Signal::derive(move || state.read().at) shape=TimeShape::Second />
                ", as " {move || state.read().me.name()} " sees it. Programs ask GET /v1/fabric/state."
            </p>
        </div>
        <DrainDialogs state />
    }
    .into_any()
}

/// Asks again and again. While no answer comes, what stands here stays, with its time.
fn follow(state: RwSignal<FabricView>, query: FabricQuery) {
    let look = move || {
        let query = query.clone();
        leptos::task::spawn_local(async move {
            if let Ok(view) = api::fabric(query).await {
                let _ = state.try_set(view);
            }
        });
    };
    Effect::new(move |_| {
        if let Ok(timer) = set_interval_with_handle(look.clone(), LOOK_EVERY) {
            on_cleanup(move || timer.clear());
        }
    });
}

/// Speaks when a switch, or a change of the shares, is recorded that was not there before.
fn announce(state: RwSignal<FabricView>) {
    let announcer = expect_context::<Announcer>();
    let newest = Memo::new(move |_| {
        let newest = timeline::entries(&state.read()).into_iter().next();
        newest.map(|entry| (entry.event_id().to_owned(), entry.headline()))
    });
    Effect::new(move |before: Option<Option<(String, String)>>| {
        let now = newest.get();
        if let (Some(before), Some((_, headline))) = (before, &now)
            && before != now
        {
            announcer.say(headline.clone());
        }
        now
    });
}

/// What the deployment is, and what that means now.
#[component]
fn Banner(state: RwSignal<FabricView>) -> impl IntoView {
    let mode = Memo::new(move |_| state.read().mode);
    let sentence = Memo::new(move |_| words::mode_sentence(&state.read()));
    let bound = Memo::new(move |_| words::bound(&state.read().bound));
    let shares = Memo::new(move |_| state.read().shares.clone());
    view! {
        <section class="card fabric-mode" aria-label="Mode" data-mode=move || mode.get().name()>
            <span class="badge" data-state=move || badge(mode.get())>{move || words::mode_word(mode.get())}</span>
            <p class="fabric-mode-sentence">{sentence}</p>
            {move || shares.with(in_force)}
            <p class="fabric-mode-bound muted">{bound}</p>
        </section>
    }
}

/// The shares that decide, since when, and by which decision.
fn in_force(shares: &FabricShares) -> Option<AnyView> {
    let text = words::shares_in_force(shares)?;
    let since = shares.changes.first().map(|change| {
        let (at, by) = (change.at, change.by.clone());
        view! { " Since " <Time at shape=TimeShape::Day /> {format!(", {by}. ")} }
    });
    let decision = shares.proposal_id.as_ref().map(|id| {
        view! { <A href=format!("/approvals/{id}")>"The decision"</A> }
    });
    let view = view! { <p class="fabric-mode-shares">{text} {since} {decision}</p> };
    Some(view.into_any())
}

const fn badge(mode: Mode) -> &'static str {
    match mode {
        Mode::Normal => "up",
        Mode::Degraded | Mode::FailStatic => "lagging",
        Mode::Critical | Mode::Panic => "down",
    }
}
