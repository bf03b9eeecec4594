//! From one event up to a chain, in three stretches.

use domain::bundle::{Stretch, Walked};
use domain::receipt::Step;
use domain::snapshot::Period;
use leptos::prelude::*;
use leptos_router::components::A;

use crate::api;
use crate::backend::{AnchorLine, AnchorStage, Problem};
use crate::components::stepper::Stepper;
use crate::format::count;
use crate::pages::anchors::publisher_name;

#[component]
pub(super) fn Stretches(stretches: Vec<(Stretch, Vec<Step>)>, period: Period) -> impl IntoView {
    let shown = stretches.into_iter().enumerate().map(|(at, (stretch, steps))| {
        let (sure, all) = Walked::sure(&steps);
        let (title, means) = words(stretch);
        let depth = (stretch == Stretch::Others).then(|| view! { <Depth period /> });
        let nothing = steps.is_empty().then(|| {
            view! { <p class="held">"Nobody outside has confirmed this snapshot yet: there is no proof by others in its bundle."</p> }
        });
        let id = format!("stretch-{at}");
        let heading = id.clone();
        view! {
            <section class="stretch" aria-labelledby=id>
                <h3 id=heading>{format!("{}. {title}", at + 1)} <span class="muted">{format!(" · {sure} of {all} steps need nobody’s word")}</span></h3>
                <p class="muted">{means}</p>
                {depth}
                {nothing}
                <Stepper steps checked=true animate=false />
            </section>
        }
    });
    view! { <div class="stretches">{shown.collect_view()}</div> }
}

const fn words(stretch: Stretch) -> (&'static str, &'static str) {
    match stretch {
        Stretch::Event => (
            "The event",
            "From the payload to its hash, to a leaf of the log, to a root that two clouds signed.",
        ),
        Stretch::Snapshot => (
            "The snapshot that covers it",
            "From the same leaf to the log’s root in the manifest, and to the one hash over the manifest, \
             which two clouds attest.",
        ),
        Stretch::Others => (
            "What others keep of that hash",
            "From the hash to a transaction, a block and its work, or to a time-stamping authority’s \
             signature.",
        ),
    }
}

/// How far each anchor is: what no proof says, and this cloud does.
#[component]
fn Depth(period: Period) -> impl IntoView {
    let lines: RwSignal<Option<Result<Vec<AnchorLine>, Problem>>> = RwSignal::new(None);
    Effect::new(move |_| {
        leptos::task::spawn_local(async move {
            let told = api::snapshot(period.to_string()).await.map(|detail| detail.anchors);
            let _ = lines.try_set(Some(told));
        });
    });
    move || match lines.get() {
        None | Some(Err(_)) => ().into_any(),
        Some(Ok(lines)) => {
            let lines = lines.iter().map(|line| {
                view! { <li><strong>{publisher_name(line.publisher)}</strong> ": " {far(&line.stage)}</li> }
            });
            view! {
                <ul class="stretch-depth">{lines.collect_view()}</ul>
                <p class="muted">
                    "How deep a block lies is no part of a proof. This is what the cloud says that serves this page, "
                    <A href=format!("/anchors/{period}")>"on the snapshot’s page"</A> " too; nodes or explorers of yours can be asked beside it."
                </p>
            }
            .into_any()
        }
    }
}

fn far(stage: &AnchorStage) -> String {
    let block = |height: &Option<u64>| {
        height.map_or_else(|| "stamped".to_owned(), |height| format!("block {}", count(height)))
    };
    match stage {
        AnchorStage::Queued => "queued, and not sent yet.".to_owned(),
        AnchorStage::Submitted => "sent, and in no block yet.".to_owned(),
        AnchorStage::InBlock { height, confirmations, .. } => {
            let deep = count(*confirmations);
            format!("{}, {deep} deep, which is not called final yet.", block(height))
        }
        AnchorStage::Final { height: Some(height), .. } => {
            format!("block {}, as deep as is called final here.", count(*height))
        }
        AnchorStage::Final { height: None, .. } => "stamped, and final with that.".to_owned(),
        AnchorStage::Failed { why } => format!("failed: {why}."),
    }
}
