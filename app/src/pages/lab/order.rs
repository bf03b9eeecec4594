//! Picking a fault, and doing it. Every order is a form: it works without WebAssembly.

use domain::cloud::Cloud;
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use crate::backend::{DELAY_MS_MAX, LabWay, LinkState, ProcessState};
use crate::components::triad::CloudGlyph;
use crate::pages::lab::fault::{Fault, GROUPS};
use crate::pages::lab::{Bench, WHY_ID, words};

/// What a delay field begins with: from Europe to America and back, twice.
const DELAY_MS_FIRST: u32 = 300;

/// The faults, and the one that is picked: it stands in the address.
#[component]
pub(super) fn Chooser(bench: Bench) -> impl IntoView {
    let query = use_query_map();
    let fault = Memo::new(move |_| Fault::of_slug(query.read().get_str("fault")));
    let groups = GROUPS.map(|(title, faults)| view! { <Group title faults fault /> });
    view! {
        <nav class="card lab-faults" aria-label="Faults">{groups.collect_view()}</nav>
        {move || view! { <Chosen fault=fault.get() bench /> }}
    }
}

#[component]
fn Group(title: &'static str, faults: &'static [Fault], fault: Memo<Fault>) -> impl IntoView {
    let link = |each: &Fault| {
        let (each, words) = (*each, each.words());
        let current = move || (fault.get() == each).then_some("true");
        view! {
            <li>
                <a href=format!("/lab?fault={}", words.slug) class="lab-fault" aria-current=current data-noscroll="true">
                    {words.title}
                </a>
            </li>
        }
    };
    let id = format!("faults-{}", faults.first().map_or("", |fault| fault.words().slug));
    view! {
        <div class="lab-group">
            <h2 class="card-title" id=id.clone()>{title}</h2>
            <ul aria-labelledby=id>{faults.iter().map(link).collect_view()}</ul>
        </div>
    }
}

#[component]
fn Chosen(fault: Fault, bench: Bench) -> impl IntoView {
    let words = fault.words();
    view! {
        <section class="card lab-chosen" aria-labelledby="chosen-title">
            <h2 id="chosen-title">{words.heading}</h2>
            <dl class="lab-words">
                <div><dt>"In the world"</dt><dd>{words.world}</dd></div>
                <div><dt>"What you should see"</dt><dd>{words.sight}</dd></div>
                <div><dt>"The way back"</dt><dd>{words.way_back}</dd></div>
            </dl>
            <OrderForm fault bench />
        </section>
    }
}

/// The act that a form orders.
const fn act(fault: Fault) -> &'static str {
    match fault {
        Fault::Stop => "stop",
        Fault::Pause => "pause",
        Fault::Cut | Fault::CutOneWay => "cut",
        Fault::Delay => "delay",
        Fault::Payload | Fault::Hash | Fault::Row | Fault::Tail | Fault::Usage => "corrupt",
        Fault::Forge => "forge",
        Fault::Equivocate => "equivocate",
    }
}

#[component]
fn OrderForm(fault: Fault, bench: Bench) -> impl IntoView {
    let hidden = |name: &'static str, value: &'static str| {
        view! { <input type="hidden" name=name value=value /> }
    };
    let fields = match fault {
        Fault::Cut => view! { <BlackHole /> }.into_any(),
        Fault::CutOneWay => view! { {hidden("oneWay", "true")} <BlackHole /> }.into_any(),
        Fault::Delay => view! { <DelayField /> }.into_any(),
        Fault::Usage => hidden("what", fault.words().slug).into_any(),
        Fault::Payload | Fault::Hash | Fault::Row | Fault::Tail => {
            view! { {hidden("what", fault.words().slug)} <EventField fault /> }.into_any()
        }
        _ => ().into_any(),
    };
    let why = (!bench.may_operate()).then_some(WHY_ID);
    view! {
        <form class="lab-form" method="post" action="/lab/act" on:submit=move |event| bench.submit(&event)>
            <fieldset disabled=!bench.may_operate() aria-describedby=why>
                <legend class="visually-hidden">{fault.words().heading}</legend>
                {hidden("act", act(fault))}
                {hidden("fault", fault.words().slug)}
                {fields}
                <Targets fault bench />
            </fieldset>
        </form>
    }
}

#[component]
fn BlackHole() -> impl IntoView {
    view! {
        <label class="lab-check">
            <input type="checkbox" name="how" value="blackHole" />
            <span>"As a black hole: nothing is refused and nothing arrives, so that whoever calls has to wait."</span>
        </label>
    }
}

#[component]
fn DelayField() -> impl IntoView {
    view! {
        <label class="field lab-field">
            <span>"Milliseconds each way"</span>
            <input type="number" name="ms" min="1" max=DELAY_MS_MAX value=DELAY_MS_FIRST inputmode="numeric" required />
        </label>
    }
}

#[component]
fn EventField(fault: Fault) -> impl IntoView {
    let label = if fault == Fault::Tail {
        "From this event on (its id); empty: the newest dozen of the cloud’s own log"
    } else {
        "Event id; empty: the newest that is final"
    };
    view! {
        <label class="field lab-field lab-field-wide">
            <span>{label}</span>
            <input type="text" name="eventId" autocomplete="off" spellcheck="false" />
        </label>
    }
}

/// A button for each thing that can be hit: it names what it does.
#[component]
fn Targets(fault: Fault, bench: Bench) -> impl IntoView {
    let buttons = match fault {
        Fault::Cut | Fault::Delay => view! { <Ways fault bench /> }.into_any(),
        Fault::CutOneWay => view! { <Directions fault bench /> }.into_any(),
        _ => Cloud::ALL
            .map(|cloud| view! { <CloudButton fault cloud bench /> })
            .collect_view()
            .into_any(),
    };
    view! { <div class="lab-targets">{buttons}</div> }
}

#[component]
fn CloudButton(fault: Fault, cloud: Cloud, bench: Bench) -> impl IntoView {
    let name = cloud.title();
    let label = match fault {
        Fault::Stop => format!("Stop {name}"),
        Fault::Pause => format!("Freeze {name}"),
        Fault::Forge => format!("Forge as {name}"),
        Fault::Equivocate => format!("Let {name} tell two"),
        Fault::Row => format!("Delete in {name}"),
        Fault::Tail => format!("Cut in {name}"),
        _ => format!("Edit in {name}"),
    };
    let sensible = move || {
        let process = bench.state.read().clouds.get(cloud).process;
        match fault {
            Fault::Stop => matches!(process, ProcessState::Running | ProcessState::Paused),
            // Its database runs on while it is frozen.
            Fault::Payload | Fault::Hash | Fault::Row | Fault::Tail | Fault::Usage => {
                matches!(process, ProcessState::Running | ProcessState::Paused)
            }
            _ => process == ProcessState::Running,
        }
    };
    view! {
        <button type="submit" class=format!("button of-{cloud}") name="cloud" value=cloud.name() disabled=move || !sensible()>
            <CloudGlyph cloud size=16 /> {label}
        </button>
    }
}

/// Three links, and all links of each cloud.
#[component]
fn Ways(fault: Fault, bench: Bench) -> impl IntoView {
    let [gcp, aws, azure] = Cloud::ALL;
    let pairs = [(gcp, aws), (aws, azure), (azure, gcp)];
    let pair = |(from, to)| LabWay { from, to: Some(to), one_way: false };
    let all = |from| LabWay { from, to: None, one_way: false };
    let button = |way| view! { <WayButton fault way bench /> };
    view! {
        <div class="lab-target-row">{pairs.map(pair).map(button).collect_view()}</div>
        <div class="lab-target-row">{Cloud::ALL.map(all).map(button).collect_view()}</div>
    }
}

#[component]
fn Directions(fault: Fault, bench: Bench) -> impl IntoView {
    let ways = Cloud::ALL
        .into_iter()
        .flat_map(|from| from.peers().map(|to| LabWay { from, to: Some(to), one_way: true }));
    let button = |way| view! { <WayButton fault way bench /> };
    view! { <div class="lab-target-row">{ways.map(button).collect_view()}</div> }
}

#[component]
fn WayButton(fault: Fault, way: LabWay, bench: Bench) -> impl IntoView {
    let verb = if fault == Fault::Delay { "Slow" } else { "Cut" };
    let sensible = move || {
        let state = bench.state.read();
        let open =
            |(from, to)| state.link(from, to).is_some_and(|link| link.state == LinkState::Open);
        fault == Fault::Delay || way.links().into_iter().any(open)
    };
    view! {
        <button type="submit" class="button" name="link" value=way.name() disabled=move || !sensible()>
            {format!("{verb} {}", words::way(way))}
        </button>
    }
}
