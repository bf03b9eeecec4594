//! Where a snapshot's hash is published outside, how far that is, and the proof's files.

use domain::anchor::Publisher;
use leptos::prelude::*;

use crate::backend::{AnchorLine, AnchorStage, PublishPlace};
use crate::components::hash::Hash;
use crate::components::time::Time;
use crate::format::{TimeShape, count};
use crate::pages::anchors::words;

#[component]
pub(super) fn Published(
    places: Vec<PublishPlace>,
    anchors: Vec<AnchorLine>,
    demonstration: bool,
) -> impl IntoView {
    let has = |publisher: &Publisher| {
        places.iter().any(|it| it.publisher == *publisher)
            || anchors.iter().any(|line| line.publisher == *publisher)
    };
    let missing: Vec<Publisher> =
        Publisher::ALL.into_iter().filter(|it| demonstration && !has(it)).collect();
    let missing = missing.into_iter().map(|it| {
        view! { <li><strong>{words::publisher(it)}</strong> " " <span class="muted">{words::how_to_get(it)}</span></li> }
    });
    let missing = missing.collect_view();
    let rows = if places.is_empty() && anchors.is_empty() {
        view! {
            <p class="held">
                "Not anchored externally: no publisher is configured at this cloud. Whoever does not believe the clouds has only "
                "their word for when this was so."
            </p>
        }
        .into_any()
    } else {
        let waiting = places
            .into_iter()
            .filter(|it| !anchors.iter().any(|line| line.publisher == it.publisher));
        let waiting = waiting.map(|it| view! { <li><strong>{words::publisher(it.publisher)}</strong> " " <span class="muted">{it.place} ": once two clouds agree"</span></li> });
        let waiting = waiting.collect_view();
        let lines =
            anchors.into_iter().map(|line| view! { <Line line demonstration /> }).collect_view();
        view! { <ul class="anchor-list">{lines} {waiting} {missing}</ul> }.into_any()
    };
    view! {
        <section class="card snapshot-published" aria-labelledby="published-title">
            <h2 id="published-title" class="card-title">"Anchored with others"</h2>
            {rows}
        </section>
    }
}

#[component]
fn Line(line: AnchorLine, demonstration: bool) -> impl IntoView {
    let AnchorLine { id, publisher, stage, trouble, files, explorers } = line;
    let name_of_stage = stage_name(&stage);
    let own = demonstration.then_some(match publisher {
        Publisher::Rfc3161 => {
            "The authority is the demonstration’s own: it proves nothing to outsiders."
        }
        _ => "A development chain of the demonstration’s own: it proves nothing to outsiders.",
    });
    let links = files
        .into_iter()
        .map(|file| {
            let href = format!("/v1/anchors/{id}/proof?file={file}");
            view! { <a href=href download=file.clone() rel="external">{file.clone()}</a> " " }
        })
        .collect_view();
    let trouble = trouble.map(|why| view! { <p class="word-differs">{why}</p> });
    view! {
        <li data-stage=name_of_stage>
            <p><strong>{words::publisher(publisher)}</strong> " " <Stage stage /></p>
            <p class="muted">{links}</p>
            {(!explorers.is_empty()).then(|| view! { <p class="muted">"See its block at " <Explorers pages=explorers /></p> })}
            {own.map(|own| view! { <p class="muted">{own}</p> })}
            {trouble}
        </li>
    }
}

/// Public pages about a block.
#[component]
pub(crate) fn Explorers(pages: Vec<(String, String)>) -> impl IntoView {
    let links = pages.into_iter().map(|(name, url)| {
        view! { <a href=url rel="external noopener noreferrer" target="_blank">{name}</a> " " }
    });
    links.collect_view()
}

const fn stage_name(stage: &AnchorStage) -> &'static str {
    match stage {
        AnchorStage::Queued => "queued",
        AnchorStage::Submitted => "submitted",
        AnchorStage::InBlock { .. } => "inBlock",
        AnchorStage::Final { .. } => "final",
        AnchorStage::Failed { .. } => "failed",
    }
}

#[component]
fn Stage(stage: AnchorStage) -> impl IntoView {
    match stage {
        AnchorStage::Queued => view! { <span class="badge" data-state="pending">"QUEUED"</span> }.into_any(),
        AnchorStage::Submitted => {
            view! { <span class="badge" data-state="pending">"SUBMITTED"</span> }.into_any()
        }
        AnchorStage::InBlock { place, height, time, confirmations } => view! {
            <span class="badge" data-state="pending">"IN BLOCK"</span>
            " " <Where place height /> " of " <Time at=time shape=TimeShape::Day />
            {format!(", {} deep", count(confirmations))}
        }
        .into_any(),
        AnchorStage::Final { place, height, time } => view! {
            <span class="badge" data-state="final">"ANCHORED"</span>
            " read back and compared: " <Where place height /> " of " <Time at=time shape=TimeShape::Day />
        }
        .into_any(),
        AnchorStage::Failed { why } => view! {
            <span class="badge" data-state="quarantined">"FAILED"</span> " " {why}
        }
        .into_any(),
    }
}

#[component]
fn Where(place: String, height: Option<u64>) -> impl IntoView {
    match height {
        Some(height) => {
            view! { {format!("block {} ", count(height))} <Hash value=place what="block" /> }
                .into_any()
        }
        None => view! { "stamp " <Hash value=place what="serial number" /> }.into_any(),
    }
}
