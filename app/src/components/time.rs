//! An instant: UTC in the server's HTML, the reader's zone once the page is alive.

use domain::clock::Timestamp;
use leptos::prelude::*;

use crate::format::TimeShape;
use crate::zone::Zone;

/// `<time datetime>`; the zone's name follows unless a heading nearby prints it ([`ZoneName`]).
#[component]
pub(crate) fn Time(
    #[prop(into)] at: Signal<Timestamp>,
    shape: TimeShape,
    #[prop(optional)] zone_in_heading: bool,
) -> impl IntoView {
    let zone = expect_context::<Zone>();
    let text = move || {
        let at = at.get();
        let clock = zone.clock(at, shape);
        if zone_in_heading { clock } else { format!("{clock} {}", zone.name(at)) }
    };
    view! {
        <time class="time" datetime=move || at.get().to_string() title=move || at.get().to_string()>
            {text}
        </time>
    }
}

/// The zone that times nearby are shown in.
#[component]
pub(crate) fn ZoneName(#[prop(into)] at: Signal<Timestamp>) -> impl IntoView {
    let zone = expect_context::<Zone>();
    view! { <span class="zone">{move || zone.name(at.get())}</span> }
}
