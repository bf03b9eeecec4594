//! The three clouds, live: the links between them, and what each says of itself and the others.

use domain::cloud::Cloud;
use leptos::prelude::*;

use crate::backend::{Condition, LabCloud, LabScrub, LabView, ProcessState};
use crate::components::badge::ProcessBadge;
use crate::components::icon::Icon;
use crate::components::time::Time;
use crate::components::triad::CloudGlyph;
use crate::format::{self, TimeShape};
use crate::pages::lab::links::{BrokenWay, broken_ways};
use crate::pages::lab::triangle::Triangle;
use crate::pages::lab::{Bench, words};

#[component]
pub(super) fn Clouds(bench: Bench) -> impl IntoView {
    view! {
        <section class="lab-clouds" aria-labelledby="clouds-title">
            <h2 id="clouds-title" class="visually-hidden">"The three clouds"</h2>
            <Links bench />
            {Cloud::ALL.map(|cloud| view! { <CloudCard cloud bench /> }).collect_view()}
        </section>
    }
}

#[component]
fn Links(bench: Bench) -> impl IntoView {
    let broken = Memo::new(move |_| broken_ways(&bench.state.read().links));
    let calm = move || {
        let state = bench.state.read();
        let sentence = words::whole_links(state.clouds.map(|_, cloud| cloud.process));
        broken.read().is_empty().then(|| view! { <p class="calm">{sentence}</p> })
    };
    view! {
        <section class="card lab-links" aria-labelledby="links-title">
            <h3 id="links-title" class="card-title">"Who hears whom"</h3>
            <Triangle state=bench.state />
            {calm}
            <ul class="lab-broken">
                <For each=move || broken.get() key=BrokenWay::key let:broken>
                    <BrokenLink broken bench />
                </For>
            </ul>
        </section>
    }
}

#[component]
fn BrokenLink(broken: BrokenWay, bench: Bench) -> impl IntoView {
    let BrokenWay { way, how } = broken;
    let name = words::way(way);
    view! {
        <li class="lab-broken-link">
            <span><strong>{name.clone()}</strong> " " {how}</span>
            <Undo bench act="heal" field=("link", way.name()) one_way=way.one_way label=format!("Heal {name}") title="Heal" />
        </li>
    }
}

/// A form of its own, so that it works without WebAssembly.
#[component]
pub(super) fn Undo(
    bench: Bench,
    act: &'static str,
    field: (&'static str, String),
    one_way: bool,
    /// For assistive technology: what it takes back.
    label: String,
    title: &'static str,
) -> impl IntoView {
    let (name, value) = field;
    let one_way = one_way.then(|| view! { <input type="hidden" name="oneWay" value="true" /> });
    view! {
        <form method="post" action="/lab/act" on:submit=move |event| bench.submit(&event)>
            <input type="hidden" name="act" value=act />
            <input type="hidden" name=name value=value />
            {one_way}
            <button type="submit" class="button button-small" aria-label=label disabled=!bench.may_operate()>{title}</button>
        </form>
    }
}

#[component]
fn CloudCard(cloud: Cloud, bench: Bench) -> impl IntoView {
    let mine = Memo::new(move |_| bench.state.read().clouds.get(cloud).clone());
    let heading = format!("lab-{cloud}");
    let silent = move || mine.read().view.is_none();
    view! {
        <section class=format!("card lab-cloud of-{cloud}") aria-labelledby=heading>
            <header class="cloud-head">
                <h3 id=heading.clone() class="cloud-name"><CloudGlyph cloud size=20 /> {cloud.title()}</h3>
                <ProcessBadge process=Signal::derive(move || mine.read().process) />
            </header>
            <p class="cloud-region">
                {move || mine.read().pid.map(|pid| format!("process {pid} · "))}
                "since " <Time at=Signal::derive(move || mine.read().since) shape=TimeShape::Second />
            </p>
            <p class="lab-says">{move || says(&mine.read(), cloud)}</p>
            <Show when=move || !silent()>
                <Holdings cloud mine />
            </Show>
            <p class="lab-scrub" data-state=move || scrub_state(&mine.read())>{move || scrub_sentence(&mine.read())}</p>
            <Process cloud bench process=Signal::derive(move || mine.read().process) />
        </section>
    }
}

/// The others, as this cloud sees them.
fn says(mine: &LabCloud, cloud: Cloud) -> String {
    let Some(view) = &mine.view else {
        return match mine.process {
            ProcessState::Running => "Runs, and does not answer.".to_owned(),
            ProcessState::Paused => "Frozen: its connections stay open and say nothing.".to_owned(),
            ProcessState::Starting => "Checks its own log before it says anything.".to_owned(),
            ProcessState::Stopping => "Finishes what it has begun.".to_owned(),
            ProcessState::Stopped => "Says nothing.".to_owned(),
        };
    };
    let [one, two] = cloud.peers().map(|peer| {
        let seen = match view.conditions.get(peer) {
            Condition::Up => "up",
            Condition::Lagging => "lagging",
            Condition::Down => "down",
            Condition::Unknown => "not heard yet",
        };
        format!("{peer} {seen}")
    });
    format!("Sees {one}, {two}.")
}

/// How much of each log it holds, and how much of that is final for it.
#[component]
fn Holdings(cloud: Cloud, mine: Memo<LabCloud>) -> impl IntoView {
    let of = move |origin: Cloud| {
        move || {
            let mine = mine.read();
            mine.view.as_ref().map(|view| *view.logs.get(origin)).unwrap_or_default()
        }
    };
    let log = move |origin: Cloud| {
        let log = of(origin);
        let size = move || format::count(log().size);
        let waiting = move || {
            let waiting = log().size.saturating_sub(log().final_size);
            (waiting > 0).then(|| format!("{} pending", format::count(waiting)))
        };
        view! {
            <div class=format!("of-{origin}")>
                <dt>{format!("{origin}{}", if origin == cloud { ", its own" } else { "" })}</dt>
                <dd>{size} <span class="lab-waiting">{waiting}</span></dd>
            </div>
        }
    };
    view! { <dl class="lab-holdings">{Cloud::ALL.map(log).collect_view()}</dl> }
}

fn scrub_of(mine: &LabCloud) -> Option<LabScrub> {
    mine.view.as_ref().map(|LabView { scrub, .. }| *scrub)
}

fn scrub_state(mine: &LabCloud) -> &'static str {
    match scrub_of(mine) {
        Some(LabScrub { open: 1.., .. }) => "open",
        Some(LabScrub { found: 1.., .. }) => "found",
        _ => "calm",
    }
}

fn scrub_sentence(mine: &LabCloud) -> String {
    let differences = |count| format::counted(count, "difference", "differences");
    match scrub_of(mine) {
        None => String::new(),
        Some(LabScrub { found: 0, .. }) => "Its scrub has found nothing wrong.".to_owned(),
        Some(LabScrub { found, open: 0, .. }) => {
            format!("Its scrub found and repaired {}.", differences(found))
        }
        Some(LabScrub { found, open, .. }) => format!(
            "Its scrub found {}; {} not repaired yet.",
            differences(found),
            format::count(open)
        ),
    }
}

/// Start stands here whatever fault is picked: nobody should have to look for it.
#[component]
fn Process(cloud: Cloud, bench: Bench, process: Signal<ProcessState>) -> impl IntoView {
    let can_start = move || matches!(process.get(), ProcessState::Stopped | ProcessState::Paused);
    view! {
        <Show when=can_start>
            <form class="lab-start" method="post" action="/lab/act" on:submit=move |event| bench.submit(&event)>
                <input type="hidden" name="act" value="start" />
                <input type="hidden" name="cloud" value=cloud.name() />
                <button type="submit" class="button" disabled=!bench.may_operate() aria-label=format!("Start {}", cloud.title())>
                    {Icon::Play.view()} "Start"
                </button>
            </form>
        </Show>
    }
}
