//! Keys: whose count from when to when, what waits for a person, and changing this cloud's own.

use domain::access::Action;
use domain::cloud::Cloud;
use leptos::prelude::*;
use leptos_meta::Title;

use crate::api;
use crate::backend::{CloudKeys, KeysView};
use crate::browser;
use crate::components::problem::{ProblemCard, Refused, Skeleton};
use crate::components::time::Time;
use crate::format::TimeShape;
use crate::live::Live;
use crate::pages::ledger::tabs::LedgerTabs;
use crate::shell::console::Here;

pub(crate) mod change;
mod epoch;
mod gone;
mod request;
mod words;

/// Somebody is writing: what the page shows stays until they are done, and their words with it.
const IN_USE: &str = ".keys form:focus-within, .keys dialog[open]";

#[component]
pub(crate) fn KeysPage() -> impl IntoView {
    let live = expect_context::<Live>();
    // The server has no stream: on it this is read once, before there is a document.
    let news = Memo::new(move |before: Option<&Option<u64>>| {
        let now = live.state.read().as_ref().map(|state| state.key_changes);
        match before {
            Some(Some(before)) if now != Some(*before) && browser::is_there(IN_USE) => {
                Some(*before)
            }
            _ => now,
        }
    });
    let page = api::ask(move || (news.get(), live.gaps.get()), |_| api::keys());
    let retry = Callback::new(move |()| page.refetch());
    view! {
        <Title text="Keys" />
        <section class="ledger keys" aria-label="Keys">
            <LedgerTabs />
            <Refused words=words::problem />
            <Transition fallback=|| view! { <Skeleton cards=3 /> }>
                {move || Suspend::new(async move {
                    match page.await {
                        Ok(keys) => view! { <Keys keys /> }.into_any(),
                        Err(problem) => view! { <ProblemCard problem retry /> }.into_any(),
                    }
                })}
            </Transition>
        </section>
    }
    .into_any()
}

#[component]
fn Keys(keys: KeysView) -> impl IntoView {
    let here = expect_context::<Here>();
    let may = here.viewer.may(Action::ManageKeys);
    let refusal = (!may).then(|| here.viewer.role.refusal(Action::ManageKeys));
    let KeysView { at, cloud, genesis, clouds, requests, recovering, gone } = keys;
    let next = clouds.get(cloud).epochs.first().map_or(0, |epoch| epoch.epoch + 1);
    let requests = requests
        .into_iter()
        .map(|request| view! { <request::RequestCard request may /> })
        .collect_view();
    let waits = recovering.then(|| view! { <gone::GoneCard cloud said=gone may /> });
    let card = |of: Cloud, keys: &CloudKeys| {
        view! { <epoch::CloudCard cloud=of keys=keys.clone() own={of == cloud} recovering may /> }
    };
    let cards = clouds.iter().map(|(of, keys)| card(of, keys)).collect_view();
    view! {
        {refusal.map(|why| view! { <p class="held">{why}</p> })}
        {requests}
        {waits}
        <section aria-labelledby="clouds-keys-title">
            <h2 id="clouds-keys-title" class="visually-hidden">"The keys of each cloud"</h2>
            <div class="key-clouds">{cards}</div>
        </section>
        {(may && !recovering).then(|| view! { <change::ChangeDialogs cloud next /> })}
        <About genesis />
        <p class="whose muted">{format!("As {} knows it at ", cloud.title())} <Time at shape=TimeShape::Second /> "."</p>
    }
}

/// What keys are for, and what everything rests on.
#[component]
fn About(genesis: String) -> impl IntoView {
    view! {
        <section class="card keys-about" aria-labelledby="about-keys-title">
            <h2 id="about-keys-title" class="card-title">"What counts"</h2>
            <p>
                "Each cloud has one key a role: the log key signs what it records, the cosigner key confirms what others "
                "recorded, the transport key signs messages between the clouds. A key counts from when its epoch began. "
                "What it signed up to where the epoch ended counts for ever, so old receipts stay valid."
            </p>
            <p class="muted">
                "A change holds by the word of two clouds, and is pinned for good. It all begins with the genesis that "
                "every configuration pins: compare it at the other clouds, and each key with what "
                <code>"ternion keygen"</code> " prints there."
            </p>
            <dl class="fields">
                <div><dt>"genesis"</dt><dd class="mono keys-genesis">{genesis}</dd></div>
            </dl>
        </section>
    }
}
