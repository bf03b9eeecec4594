//! Approvals: what waits for people, what they decided lately, and who approves in whose stead.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::components::A;
use leptos_router::hooks::use_query_map;

use crate::api;
use crate::backend::{ApprovalsQuery, ApprovalsView};
use crate::components::problem::{ProblemCard, Refused, Skeleton};
use crate::components::time::Time;
use crate::format::{TimeShape, counted};
use crate::live::Live;

pub(crate) mod guardrails;
mod keys;
pub(crate) mod news;
mod odd;
mod outside;
pub(crate) mod proposal;
mod queue;
mod stead;
pub(crate) mod together;
pub(crate) mod words;

#[component]
pub(crate) fn ApprovalsPage() -> impl IntoView {
    let live = expect_context::<Live>();
    let params = use_query_map();
    let query = Memo::new(move |_| ApprovalsQuery::from_url(&params.read()));
    let page = api::ask(move || (query.get(), live.gaps.get()), |(query, _)| api::approvals(query));
    let retry = Callback::new(move |()| page.refetch());
    keys::on_keys(queue::pick_by_key);
    view! {
        <Title text="Approvals" />
        <section class="pricing" aria-label="Approvals">
            <news::News live retry />
            <Refused words=words::refusal />
            <Transition fallback=|| view! { <Skeleton cards=2 /> }>
                {move || Suspend::new(async move {
                    match page.await {
                        Ok(view) => view! { <Body view query /> }.into_any(),
                        Err(problem) => view! { <ProblemCard problem retry /> }.into_any(),
                    }
                })}
            </Transition>
        </section>
    }
    .into_any()
}

#[component]
fn Body(view: ApprovalsView, query: Memo<ApprovalsQuery>) -> impl IntoView {
    let ApprovalsView { at, killed, waiting, not_looked_at, open, closed, stead, receivers } = view;
    let sentence = match waiting {
        0 => "Nothing waits for approval.".to_owned(),
        1 => "1 proposal waits.".to_owned(),
        _ => format!("{} wait.", counted(waiting, "proposal", "proposals")),
    };
    let killed = killed.then(|| {
        view! { <p class="held">"The kill switch is on: what is approved waits until it is off."</p> }
    });
    let stands_in = stead.taken.iter().any(|row| row.holds);
    let body = if waiting == 0 {
        view! {
            <p class="muted">"The optimizer proposes prices when a margin leaves its band, and people can propose from the page " <A href="/optimizer">"Optimizer"</A> "."</p>
        }
        .into_any()
    } else {
        view! { <queue::Filters query /> <queue::Waiting rows=open at stands_in /> }.into_any()
    };
    let unseen = queue::unseen_words(not_looked_at);
    let unseen = unseen.map(|told| view! { <p class="muted">{told}</p> });
    view! {
        <section class="card pricing-head" aria-labelledby="queue-title">
            <h2 id="queue-title" class="pricing-big">{sentence}</h2>
            {killed}
            {body}
            {unseen}
        </section>
        <section class="card pricing-part" aria-labelledby="decided-title">
            <h2 id="decided-title" class="card-title">"Decided lately"</h2>
            {if closed.is_empty() {
                view! { <p class="muted">"Nothing was decided yet."</p> }.into_any()
            } else {
                view! { <queue::Decided rows=closed at /> }.into_any()
            }}
        </section>
        <stead::Stead stead />
        <outside::Outside rows=receivers />
        <p class="whose muted">"As of " <Time at shape=TimeShape::Second /> ". Every cloud derives the same from final events. Keys: j and k walk the rows, Enter opens one, x picks it, b goes on with those that are picked."</p>
    }
    .into_any()
}
