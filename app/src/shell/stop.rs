//! The word on every page that all price changes are stopped: since when, by whom, and why.

use domain::access::Action;
use leptos::prelude::*;
use leptos_router::components::A;

use crate::api;
use crate::backend::SwitchRow;
use crate::components::icon::Icon;
use crate::components::time::Time;
use crate::format::TimeShape;
use crate::live::Live;
use crate::shell::console::Here;

/// For those who may see prices.
#[component]
pub(super) fn Stopped(live: Live) -> impl IntoView {
    let may = expect_context::<Here>().viewer.may(Action::ReadPricing);
    may.then(|| view! { <Banner live /> })
}

#[component]
fn Banner(live: Live) -> impl IntoView {
    let changes = Memo::new(move |_| live.state.read().as_ref().map(|state| state.switch_changes));
    let stop = api::ask(move || changes.get(), |_| api::stop());
    view! {
        <Transition>
            {move || Suspend::new(async move {
                // A page without it is better than none.
                stop.await.ok().flatten().map(|stop| view! { <Said stop /> })
            })}
        </Transition>
    }
    .into_any()
}

#[component]
fn Said(stop: SwitchRow) -> impl IntoView {
    let SwitchRow { at, by, reason, reason_by, .. } = stop;
    let reason_by = reason_by.map(|by| format!(" ({by})"));
    view! {
        <aside class="banner banner-stop" aria-label="All price changes are stopped">
            {Icon::Pause.view()}
            <p>
                <strong>"All price changes are stopped since " <Time at shape=TimeShape::Day /> {format!(" by {by}: ")}</strong>
                {format!("“{reason}”")} {reason_by} ". No price changes on any cloud, automatic or approved."
            </p>
            <div class="banner-ways">
                <A href="/optimizer#switches" attr:class="button">"See the switches"</A>
            </div>
        </aside>
    }
}
