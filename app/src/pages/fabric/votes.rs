//! Votes, three by three: what each observer says of each cloud, how old its word is, and the
//! verdict of the majority.

use domain::cloud::Cloud;
use domain::fabric::health::Seen;
use leptos::prelude::*;

use crate::backend::{FabricObserver, FabricView};
use crate::components::triad::CloudGlyph;
use crate::pages::fabric::words;

#[component]
pub(super) fn Votes(state: RwSignal<FabricView>) -> impl IntoView {
    let verdict = move |cloud: Cloud| {
        let down = Memo::new(move |_| state.read().clouds.get(cloud).down);
        view! {
            <td><span class="badge" data-state=move || if down.get() { "down" } else { "up" }>{move || if down.get() { "Down" } else { "Up" }}</span></td>
        }
    };
    view! {
        <section class="card fabric-votes" aria-labelledby="votes-title">
            <header class="card-head">
                <h2 id="votes-title" class="card-title">"Who says what of whom"</h2>
            </header>
            <table class="votes-table">
                <caption class="visually-hidden">"Votes: a row for each observer, a column for each cloud"</caption>
                <thead>
                    <tr>
                        <th scope="col">"Observer"</th>
                        {Cloud::ALL.map(|cloud| view! { <th scope="col">{cloud.name()}</th> }).collect_view()}
                    </tr>
                </thead>
                <tbody>{Cloud::ALL.map(|by| view! { <Observer state by /> }).collect_view()}</tbody>
                <tfoot>
                    <tr>
                        <th scope="row">"Verdict"</th>
                        {Cloud::ALL.map(verdict).collect_view()}
                    </tr>
                </tfoot>
            </table>
            <p class="muted fabric-note">"A cloud is down when two of the three say so. One that was not heard for 3 s has no vote."</p>
        </section>
    }
}

#[component]
fn Observer(state: RwSignal<FabricView>, by: Cloud) -> impl IntoView {
    let about = move || state.with(|state| age(state.observers.get(by).as_ref(), state.me == by));
    let counts = Memo::new(move |_| state.read().observers.get(by).is_some_and(|it| it.counts));
    let cell = move |of: Cloud| {
        let seen = Memo::new(move |_| {
            state.read().observers.get(by).map_or(Seen::Unknown, |it| *it.sees.get(of))
        });
        let more = move || state.with(|state| state.observers.get(by).map(|it| detail(&it, of)));
        view! {
            <td>
                <span class="vote" data-seen=move || seen.get().name()>{move || word(seen.get())}</span>
                <span class="cell-about">{more}</span>
            </td>
        }
    };
    view! {
        <tr class:votes-silent=move || !counts.get()>
            <th scope="row">
                <span class="cloud"><CloudGlyph cloud=by size=14 /> {by.name()}</span>
                <span class="cell-about">{about}</span>
            </th>
            {Cloud::ALL.map(cell).collect_view()}
        </tr>
    }
}

fn age(observer: Option<&FabricObserver>, is_me: bool) -> String {
    match observer {
        None => "not heard yet".to_owned(),
        Some(_) if is_me => "this node".to_owned(),
        Some(heard) if heard.counts => words::age(heard.age_ms),
        Some(heard) => format!("no vote, {}", words::age(heard.age_ms)),
    }
}

const fn word(seen: Seen) -> &'static str {
    match seen {
        Seen::Unknown => "?",
        Seen::Up => "Up",
        Seen::Down => "Down",
    }
}

/// The round trip of its probes, or how many failed.
fn detail(observer: &FabricObserver, of: Cloud) -> String {
    let failures = *observer.failures.get(of);
    match (observer.sees.get(of), observer.rtt_ms.get(of)) {
        (Seen::Unknown, _) => "not probed yet".to_owned(),
        (Seen::Down, _) => "probes fail".to_owned(),
        (Seen::Up, _) if failures > 0 => format!("{failures} failed"),
        (Seen::Up, Some(rtt_ms)) => format!("{rtt_ms:.1} ms"),
        (Seen::Up, None) => String::new(),
    }
}
