//! Client regions: who serves each, and how far every cloud is. The map's numbers, and those that it
//! has no room for.

use domain::cloud::Cloud;
use leptos::prelude::*;
use leptos_router::components::A;

use crate::backend::{FabricRegion, FabricTrip, FabricView, TripFrom};
use crate::components::triad::CloudGlyph;
use crate::format::{counted, url_value};
use crate::pages::fabric::words::{self, Band};

#[component]
pub(super) fn Regions(state: RwSignal<FabricView>) -> impl IntoView {
    let names = Memo::new(move |_| {
        state.read().regions.iter().map(|region| region.name.clone()).collect::<Vec<_>>()
    });
    let alone = move || names.read().len() < 2;
    let more = move || state.read().regions_left_out;
    let is_cut = move || more() > 0;
    let are_shared = move || state.read().shares.kept.is_some();
    let shared = Memo::new(move |_| are_shared());
    let title = move || {
        if shared.get() { "Who would serve whom without shares" } else { "Who serves whom" }
    };
    let caption = move || {
        if shared.get() {
            "Client regions with the cloud that would serve each without the shares in force, and the \
             round trip to every cloud"
        } else {
            "Client regions with the cloud that serves each, and the round trip to every cloud"
        }
    };
    let served = move || if shared.get() { "Without shares" } else { "Served by" };
    view! {
        <section class="card table-card fabric-regions" aria-labelledby="regions-title">
            <header class="card-head">
                <h2 id="regions-title" class="card-title">{title}</h2>
                <p class="muted">{move || about(names.read().len())}</p>
            </header>
            <div class="table-scroll">
                <table class="events fabric-table">
                    <caption class="visually-hidden">{caption}</caption>
                    <thead>
                        <tr>
                            <th scope="col">"Client region"</th>
                            <th scope="col">{served}</th>
                            {Cloud::ALL.map(|cloud| view! { <th scope="col" class="number">{cloud.name()}</th> }).collect_view()}
                            <th scope="col"><span class="visually-hidden">"Explanation"</span></th>
                        </tr>
                    </thead>
                    <tbody>
                        <For each=move || names.get() key=String::clone let:name>
                            <Row state name />
                        </For>
                    </tbody>
                </table>
            </div>
            <Show when=move || shared.get()>
                <p class="fabric-note">
                    "Shares of the traffic are in force: each client’s network is dealt by them, in every region, and the card “Shares of the traffic” says what each cloud gets. Map and table show what distance and load would decide, which holds again once no shares are in force. “Why here?” says where one network goes."
                </p>
            </Show>
            <Show when=alone>
                <p class="fabric-note">
                    "No client region is known yet. Name networks (fabric.networks), or record round trips with "
                    <code>"ternion import latency"</code> ". Until then load alone decides."
                </p>
            </Show>
            <Show when=is_cut>
                <p class="fabric-note">{move || counted(more(), "more region", "more regions")} " at GET /v1/fabric/state."</p>
            </Show>
        </section>
    }
}

fn about(regions: usize) -> String {
    counted(regions as u64, "region", "regions") + ", round trip and below it the score"
}

#[component]
fn Row(state: RwSignal<FabricView>, name: String) -> impl IntoView {
    let href = format!("/fabric?region={}#why", url_value(&name));
    let place = if name == domain::fabric::selector::ANYWHERE {
        "clients of whom nothing is known"
    } else {
        ""
    };
    let mine = {
        let name = name.clone();
        Memo::new(move |_| state.read().regions.iter().find(|region| region.name == name).cloned())
    };
    let cell = move |cloud: Cloud| {
        let label = cloud.name();
        let picked = move || mine.read().as_ref().is_some_and(|region| region.pick == cloud);
        view! {
            <td class="number mono fabric-trip" data-label=label class:fabric-picked=picked>
                {move || mine.with(|region| region.as_ref().map(|region| trip(region, cloud)))}
            </td>
        }
    };
    let says = format!("Why is {name} served there?");
    view! {
        <tr>
            <th scope="row" class="cell-region">{name} <span class="cell-about">{place}</span></th>
            <td class="cell-pick">{move || mine.with(|region| region.as_ref().map(pick))}</td>
            {Cloud::ALL.map(cell).collect_view()}
            <td class="cell-why"><A href=href attr:class="fabric-why-link" attr:aria-label=says>"Why?"</A></td>
        </tr>
    }
}

fn pick(region: &FabricRegion) -> AnyView {
    let (pick, why) = (region.pick, words::why_short(region.why, region.level));
    let spill = region.spill.as_ref().map(|shares| format!("no room for all of it: {shares}"));
    view! {
        <span class="cloud"><CloudGlyph cloud=pick /> <strong>{pick.name()}</strong></span>
        <span class="cell-about">{spill.unwrap_or_else(|| why.to_owned())}</span>
    }
    .into_any()
}

fn trip(region: &FabricRegion, cloud: Cloud) -> AnyView {
    let trip = region.trips.as_ref().map(|trips| *trips.get(cloud));
    let score = region.scores.iter().find(|(of, _)| *of == cloud);
    let score = score.map_or_else(|| "out".to_owned(), |(_, score)| format!("{score:.1}"));
    let chosen =
        (region.pick == cloud).then(|| view! { <span class="visually-hidden">" serves"</span> });
    view! {
        {trip.map(|trip| view! { <TripMark trip /> })}
        {chosen}
        <span class="cell-about">{score}</span>
    }
    .into_any()
}

/// The number, with the line that the map has for it.
#[component]
fn TripMark(trip: FabricTrip) -> impl IntoView {
    let text = words::trip(&trip);
    let how = match trip.from {
        TripFrom::Recorded => "measured",
        TripFrom::Distance => "a guess by distance",
        TripFrom::Nowhere => "unknown: as far as the farthest",
    };
    view! {
        <svg class="map-key" viewBox="0 0 20 8" width="20" height="8" aria-hidden="true">
            <path class="map-arc" data-band=Band::of(trip.rtt_ms).name() d="M1 4H19" />
        </svg>
        <span title=how>{text}</span>
    }
}
