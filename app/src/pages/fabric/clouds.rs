//! The three clouds: how each stands, what it serves, and taking it out of service.

use domain::access::Action;
use domain::cloud::Cloud;
use domain::fabric::score::Status;
use leptos::prelude::*;
use leptos_router::components::A;

use crate::backend::{FabricCloud, FabricView};
use crate::components::triad::CloudGlyph;
use crate::format::{counted, percent};
use crate::pages::fabric::drain::DrainButton;
use crate::shell::console::Here;

#[component]
pub(super) fn Clouds(state: RwSignal<FabricView>) -> impl IntoView {
    let role = expect_context::<Here>().viewer.role;
    let refusal = (!role.may(Action::DrainCloud)).then(|| role.refusal(Action::DrainCloud));
    view! {
        <section class="fabric-clouds" aria-label="Clouds">
            {Cloud::ALL.map(|cloud| view! { <Card state cloud /> }).collect_view()}
            {refusal.map(|why| view! { <p class="held fabric-refusal">{why}</p> })}
        </section>
    }
}

#[component]
fn Card(state: RwSignal<FabricView>, cloud: Cloud) -> impl IntoView {
    let mine = Memo::new(move |_| state.read().clouds.get(cloud).clone());
    let serves = Memo::new(move |_| {
        let state = state.read();
        if let Some(share) = state.clouds.get(cloud).share {
            let row = state.shares.rows.iter().find(|row| row.cloud == cloud);
            return row.filter(|row| row.now != row.wished).map_or_else(
                || format!("{} of networks", percent(share)),
                |row| format!("{} of networks, of {} decided", row.now, row.wished),
            );
        }
        let served = state.regions.iter().filter(|region| region.pick == cloud);
        counted(served.count() as u64, "region", "regions")
    });
    let site =
        move || mine.read().site.clone().unwrap_or_else(|| "place not configured".to_owned());
    let load = move || percent(mine.read().load);
    let damping = move || format!("{:.0} points", mine.read().damping);
    let drain = Memo::new(move |_| mine.read().drain.clone());
    view! {
        <article class=format!("card fabric-cloud of-{cloud}") aria-label=cloud.title()>
            <header class="cloud-head">
                <h2 class="cloud-name"><CloudGlyph cloud size=20 /> {cloud.title()}</h2>
                <span class="badge" data-state=move || badge(&mine.read()).0>{move || badge(&mine.read()).1}</span>
            </header>
            <p class="cloud-region">{site}</p>
            <dl class="figures">
                <div class="figure"><dt>"Serves"</dt><dd>{serves}</dd></div>
                <div class="figure"><dt>"Load"</dt><dd>{load}</dd></div>
                <div class="figure"><dt>"Flap damping"</dt><dd>{damping}</dd></div>
            </dl>
            {move || drain.get().map(|drain| view! {
                <p class="fabric-drained">
                    "Drained: " <q>{drain.reason}</q> " "
                    <A href=format!("/ledger/{}", drain.event_id)>"The decision"</A>
                </p>
            })}
            <DrainButton state cloud />
        </article>
    }
}

/// Down comes before drained: a cloud that is both serves nobody for the graver reason.
fn badge(cloud: &FabricCloud) -> (&'static str, &'static str) {
    match cloud {
        FabricCloud { down: true, .. } => ("down", "Down"),
        FabricCloud { drained: true, .. } => ("paused", "Drained"),
        FabricCloud { held_out: true, .. } => ("lagging", "Held out"),
        FabricCloud { status: Status::Degraded, .. } => ("lagging", "Says it is degraded"),
        _ => ("up", "Up"),
    }
}
