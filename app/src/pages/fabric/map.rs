//! The map: where the clouds and the client regions are, and which cloud serves which region. Colours
//! and numbers repeat what the table below it says.

use domain::cloud::Cloud;
use leptos::prelude::*;

use crate::backend::FabricView;
use crate::pages::fabric::map::layout::{Arc, Dot, HEIGHT, Label, Picture, Site, WIDTH};
use crate::pages::fabric::words::Band;

mod layout;

#[component]
pub(super) fn MapCard(state: RwSignal<FabricView>) -> impl IntoView {
    let picture = Memo::new(move |_| Picture::of(&state.read()));
    let says = move || picture.with(|picture| picture.says.clone());
    view! {
        <figure class="card fabric-map">
            <div class="map-field">
                <div class="map-land"></div>
                <svg class="map-arcs" viewBox=format!("0 0 {WIDTH} {HEIGHT}") preserveAspectRatio="none" aria-hidden="true">
                    {move || picture.with(|picture| picture.arcs.iter().map(arc).collect_view())}
                </svg>
                <svg class="map-points" role="img" aria-label=says>
                    {move || picture.with(|picture| picture.dots.iter().map(dot).collect_view())}
                    {move || picture.with(|picture| picture.sites.iter().map(site).collect_view())}
                </svg>
            </div>
            <figcaption class="map-legend">
                <ul class="map-keys">
                    {Band::ALL.map(key).collect_view()}
                    {Cloud::ALL.map(cloud_key).collect_view()}
                </ul>
                <p class="muted">
                    "A line leads from each client region to the cloud that serves it. ≈ is a guess by distance, "
                    "where nothing was measured; the table has all numbers. Land: Natural Earth."
                </p>
            </figcaption>
        </figure>
    }
}

fn arc(arc: &Arc) -> AnyView {
    view! { <path class="map-arc" data-band=arc.band.name() d=arc.path.clone() /> }.into_any()
}

fn percent(part: f64, whole: f64) -> String {
    format!("{:.2}%", part / whole * 100.0)
}

fn label(label: &Label, class: &'static str) -> AnyView {
    let Label { text, at: (x, y), anchor } = label;
    let (x, y) = (percent(*x, WIDTH), percent(*y, HEIGHT));
    let text = text.clone();
    view! { <text class=class x=x y=y text-anchor=*anchor dominant-baseline="central">{text}</text> }
        .into_any()
}

fn dot(dot: &Dot) -> AnyView {
    let (x, y) = (percent(dot.at.0, WIDTH), percent(dot.at.1, HEIGHT));
    let words = dot.label.as_ref().map(|words| label(words, "map-region-name"));
    view! {
        <g class=format!("of-{}", dot.pick)>
            <circle class="map-region" cx=x cy=y r="4" />
            {words}
        </g>
    }
    .into_any()
}

fn site(site: &Site) -> AnyView {
    let (x, y) = (percent(site.at.0, WIDTH), percent(site.at.1, HEIGHT));
    view! {
        <g class=format!("map-site of-{}", site.cloud) data-state=site.state>
            <circle class="map-site-ring" cx=x.clone() cy=y.clone() r="9" />
            <circle class="map-site-core" cx=x cy=y r="5" />
            {label(&site.label, "map-site-name")}
        </g>
    }
    .into_any()
}

fn key(band: Band) -> AnyView {
    view! {
        <li>
            <svg class="map-key" viewBox="0 0 36 10" width="36" height="10" aria-hidden="true">
                <path class="map-arc" data-band=band.name() d="M1 5H35" />
            </svg>
            {band.says()}
        </li>
    }
    .into_any()
}

fn cloud_key(cloud: Cloud) -> AnyView {
    view! {
        <li class=format!("of-{cloud}")>
            <svg class="map-key" viewBox="0 0 10 10" width="10" height="10" aria-hidden="true">
                <circle class="map-region" cx="5" cy="5" r="4" />
            </svg>
            "served by " {cloud.name()}
        </li>
    }
    .into_any()
}
