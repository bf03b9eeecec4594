//! The keys of one cloud: those of now, what became of earlier ones, and how to change one's own.

use domain::cloud::Cloud;
use domain::key::KeyRole;
use leptos::prelude::*;
use leptos_router::components::A;

use crate::backend::{Accusation, CloudKeys, EpochLine, EpochState, KeyLine};
use crate::components::badge::EpochBadge;
use crate::components::hash::Hash;
use crate::components::time::Time;
use crate::components::triad::CloudGlyph;
use crate::format::{TimeShape, counted};
use crate::live::Live;
use crate::pages::keys::change::ChangeButtons;
use crate::pages::keys::words;
use crate::shell::console::Here;

#[component]
pub(super) fn CloudCard(
    cloud: Cloud,
    keys: CloudKeys,
    own: bool,
    recovering: bool,
    may: bool,
) -> impl IntoView {
    let CloudKeys { transport, epochs } = keys;
    let mut epochs = epochs.into_iter();
    let current = epochs.next().map(|epoch| {
        let waits = epoch.state == EpochState::Waiting;
        let acts = if own {
            view! { <ChangeButtons may blocked=waits || recovering /> }.into_any()
        } else {
            view! { <Elsewhere cloud /> }.into_any()
        };
        view! { <Current cloud epoch transport /> {acts} }
    });
    let earlier: Vec<EpochLine> = epochs.collect();
    let heading = format!("keys-{cloud}");
    view! {
        <section class=format!("card key-cloud of-{cloud}") aria-labelledby=heading>
            <h3 id=heading.clone() class="cloud-name"><CloudGlyph cloud size=20 /> {cloud.title()}</h3>
            {current}
            <History earlier />
        </section>
    }
}

/// Of the current epoch: what is proven against its keys.
fn accusations(cloud: Cloud) -> Memo<Vec<Accusation>> {
    let live = expect_context::<Live>();
    Memo::new(move |_| {
        let state = live.state.read();
        let all = state.iter().flat_map(|state| state.accusations.iter());
        all.filter(|one| one.cloud == cloud).copied().collect()
    })
}

#[component]
fn Current(cloud: Cloud, epoch: EpochLine, transport: KeyLine) -> impl IntoView {
    let accused = accusations(cloud);
    let is_bad = move |role: KeyRole| accused.read().iter().any(|one| one.role() == role);
    let proven_bad = Signal::derive(move || !accused.read().is_empty());
    let why = move || {
        accused
            .get()
            .into_iter()
            .map(|one| view! { <p class="key-bad">{one.sentence()} " " <A href="/ledger/evidence">"The evidence"</A></p> })
            .collect_view()
    };
    let since = epoch.since.map(|at| view! { " since " <Time at shape=TimeShape::Day /> });
    let told = epoch.answers.iter().map(words::answer).collect::<Vec<_>>();
    let waiting = (epoch.state == EpochState::Waiting).then(|| {
        view! {
            <div class="key-waits">
                <p>{words::waits(epoch.reason)}</p>
                <ul>{told.into_iter().map(|text| view! { <li>{text}</li> }).collect_view()}</ul>
            </div>
        }
    });
    view! {
        <p class="key-epoch">
            <EpochBadge state=epoch.state proven_bad /> <strong>{format!("Epoch {}", epoch.epoch)}</strong> {since}
        </p>
        {why}
        <p class="muted">{words::origin_of(&epoch)} " " {words::extent(&epoch, true)}</p>
        {waiting}
        <dl class="fields key-lines">
            <Line key=epoch.log_key title="log" proven_bad=Signal::derive(move || is_bad(KeyRole::Log)) />
            <Line key=epoch.cosigner_key title="cosigner" proven_bad=Signal::derive(move || is_bad(KeyRole::Cosigner)) />
            <Line key=transport title="transport" />
        </dl>
    }
}

#[component]
fn Line(
    key: KeyLine,
    title: &'static str,
    #[prop(into, default = false.into())] proven_bad: Signal<bool>,
) -> impl IntoView {
    let bad = move || proven_bad.get().then_some(" proven bad");
    let id = key.key_id.map(|id| view! { <span class="muted">" key ID " <code>{id}</code></span> });
    view! {
        <div>
            <dt>{title}</dt>
            <dd><Hash value=key.fingerprint what="fingerprint" /> <strong class="key-bad">{bad}</strong> {id}</dd>
        </div>
    }
}

/// Keys are changed where they are.
#[component]
fn Elsewhere(cloud: Cloud) -> impl IntoView {
    let here = expect_context::<Here>();
    let href = format!("{}/ledger/keys", here.deployment.clouds.get(cloud).url);
    view! {
        <p class="muted key-elsewhere">
            "Changed at " <a href=href rel="external">{format!("{}’s console", cloud.title())}</a> "."
        </p>
    }
}

#[component]
fn History(earlier: Vec<EpochLine>) -> impl IntoView {
    if earlier.is_empty() {
        return view! { <p class="muted">"No earlier epochs."</p> }.into_any();
    }
    let title = counted(earlier.len() as u64, "earlier epoch", "earlier epochs");
    let items = earlier.into_iter().map(|epoch| view! { <Earlier epoch /> }).collect_view();
    view! {
        <details class="pair key-history">
            <summary>{title}</summary>
            <ol>{items}</ol>
        </details>
    }
    .into_any()
}

#[component]
fn Earlier(epoch: EpochLine) -> impl IntoView {
    let since = epoch.since.map(|at| view! { " since " <Time at shape=TimeShape::Day /> });
    let about = format!("{} {}", words::origin_of(&epoch), words::extent(&epoch, false));
    view! {
        <li>
            <p class="key-epoch">
                <EpochBadge state=epoch.state /> <strong>{format!("Epoch {}", epoch.epoch)}</strong> {since}
            </p>
            <p class="muted">{about}</p>
            <dl class="fields key-lines">
                <Line key=epoch.log_key title="log" />
                <Line key=epoch.cosigner_key title="cosigner" />
                <div><dt>"root"</dt><dd><Hash value=epoch.root what="root" /></dd></div>
            </dl>
        </li>
    }
}
