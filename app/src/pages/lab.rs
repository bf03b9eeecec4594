//! The fault lab: stop a cloud and watch the system answer. Demonstration only.

use std::time::Duration;

use domain::access::Action;
use domain::cloud::Cloud;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::components::A;

use crate::api;
use crate::backend::{LabAct, LabState, LiveState, ProcessState};
use crate::components::badge::ProcessBadge;
use crate::components::icon::Icon;
use crate::components::problem::{ProblemCard, Skeleton};
use crate::components::time::Time;
use crate::components::triad::CloudGlyph;
use crate::format::{self, TimeShape};
use crate::live::Live;
use crate::pages::lab::effect::{Effects, Story, Timeline};
use crate::pages::lab::stop::{StopDialog, StopRequest};
use crate::shell::console::Here;

mod effect;
mod stop;

#[component]
pub(crate) fn LabPage() -> impl IntoView {
    let here = expect_context::<Here>();
    let title = view! { <Title text="Fault lab" /> };
    if !here.viewer.may(Action::OperateFaultLab) {
        let reason = here.viewer.role.refusal(Action::OperateFaultLab);
        return view! { {title} <NotForThisRole reason /> }.into_any();
    }
    let lab = Resource::new_blocking(|| (), |()| api::lab());
    let retry = Callback::new(move |()| lab.refetch());
    view! {
        {title}
        <Transition fallback=|| view! { <Skeleton cards=4 /> }>
            {move || Suspend::new(async move {
                match lab.await {
                    Ok(first) => view! { <Body first /> }.into_any(),
                    Err(problem) => view! { <ProblemCard problem retry /> }.into_any(),
                }
            })}
        </Transition>
    }
    .into_any()
}

#[component]
fn NotForThisRole(reason: String) -> impl IntoView {
    view! {
        <section class="lost">
            <h2>"The fault lab is not for this role."</h2>
            <p>{reason}</p>
            <p class="muted">"What it causes is seen everywhere: the overview shows which clouds are up, the ledger what became final."</p>
            <p class="lost-ways"><A href="/" attr:class="button button-first">"Overview"</A></p>
        </section>
    }
}

/// A process starts or drains for a few seconds.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What the page knows and can do.
#[derive(Clone, Copy)]
pub(super) struct Bench {
    state: RwSignal<LabState>,
    story: Story,
    stop: StopRequest,
}

impl Bench {
    /// Stopping asks first; the rest can be undone at once.
    fn ask(self, cloud: Cloud, act: LabAct) {
        if act == LabAct::Stop { self.stop.open(cloud) } else { self.act(cloud, act) }
    }

    fn act(self, cloud: Cloud, act: LabAct) {
        self.story.did(cloud, act);
        leptos::task::spawn_local(async move {
            match api::lab_act(cloud, act).await {
                Ok(state) => self.state.set(state),
                Err(problem) => self.story.failed(&problem),
            }
        });
    }

    /// Processes change without us, too: asked again whenever a cloud's condition changed, and
    /// every second while one starts or stops.
    fn follow(self) {
        let live = expect_context::<Live>();
        let conditions = Memo::new(move |_| {
            live.state.read().as_ref().map(|state| state.clouds.map(|_, cloud| cloud.condition))
        });
        Effect::new(move |before: Option<()>| {
            conditions.track();
            if before.is_some() {
                self.look();
            }
        });
        let look = move || {
            if self.is_in_between() {
                self.look();
            }
        };
        Effect::new(move |_| {
            if let Ok(timer) = set_interval_with_handle(look, LOOK_EVERY) {
                on_cleanup(move || timer.clear());
            }
        });
    }

    fn look(self) {
        leptos::task::spawn_local(async move {
            if let Ok(state) = api::lab().await {
                let _ = self.state.try_set(state);
            }
        });
    }

    fn is_in_between(self) -> bool {
        let between = |process| matches!(process, ProcessState::Starting | ProcessState::Stopping);
        self.state.read_untracked().clouds.iter().any(|(_, cloud)| between(cloud.process))
    }
}

#[component]
fn Body(first: LabState) -> impl IntoView {
    let live = expect_context::<Live>();
    let state = RwSignal::new(first);
    let bench = Bench { state, story: Story::listen(live), stop: StopRequest::new() };
    bench.follow();
    view! {
        <div class="lab">
            <p class="lab-lead">
                "Two clouds keep everything going; one alone accepts events and calls none of them final. \
                 Nothing that is final is ever lost. Try it."
            </p>
            {Cloud::ALL.map(|cloud| view! { <CloudBench cloud bench /> }).collect_view()}
            <Effects />
            <Timeline story=bench.story />
        </div>
        <StopDialog bench />
    }
    .into_any()
}

#[component]
fn CloudBench(cloud: Cloud, bench: Bench) -> impl IntoView {
    let live = expect_context::<Live>();
    let here = expect_context::<Here>();
    let mine = Memo::new(move |_| bench.state.read().clouds.get(cloud).clone());
    let serving = here.deployment.cloud == cloud;
    let heading = format!("lab-{cloud}");
    let running = move || live.state.read().as_ref().map(|state| behind_sentence(state, cloud));
    view! {
        <section class=format!("card lab-cloud of-{cloud}") aria-labelledby=heading>
            <header class="cloud-head">
                <h2 id=heading.clone() class="cloud-name"><CloudGlyph cloud size=20 /> {cloud.title()}</h2>
                <ProcessBadge process=Signal::derive(move || mine.read().process) />
            </header>
            <p class="cloud-region">
                {move || mine.read().pid.map(|pid| format!("process {pid} · "))}
                "since " <Time at=Signal::derive(move || mine.read().since) shape=TimeShape::Second />
            </p>
            <p class="lab-behind">{running}</p>
            <p class="sentence">{move || prospect(mine.read().process, cloud, serving)}</p>
            <Acts cloud bench process=Signal::derive(move || mine.read().process) />
        </section>
    }
}

fn behind_sentence(state: &LiveState, cloud: Cloud) -> String {
    match state.clouds.get(cloud).behind {
        0 => "Has signed for everything.".to_owned(),
        behind => format!("{} behind.", format::counted(behind, "entry", "entries")),
    }
}

/// What will happen, before it does.
fn prospect(process: ProcessState, cloud: Cloud, serving: bool) -> String {
    let [one, two] = cloud.peers();
    match (process, serving) {
        (ProcessState::Running, false) => format!(
            "Stop it, and {one} and {two} go on making events final. It catches up by itself when it returns."
        ),
        (ProcessState::Running, true) => format!(
            "It serves this page: stop it and the page goes stale. {one} and {two} go on, and show the same."
        ),
        (ProcessState::Paused, _) => {
            "Frozen, not dead: its connections stay open and say nothing. Start lets it go on."
                .to_owned()
        }
        (ProcessState::Stopped, _) => {
            "Start it: it verifies what it holds, asks the others for what it missed, and signs."
                .to_owned()
        }
        (ProcessState::Starting, _) => "Verifying its own log before it says anything.".to_owned(),
        (ProcessState::Stopping, _) => "Draining: it finishes what it has begun.".to_owned(),
    }
}

#[component]
fn Acts(cloud: Cloud, bench: Bench, process: Signal<ProcessState>) -> impl IntoView {
    let act = move |act: LabAct| view! { <ActButton cloud act bench process /> };
    view! {
        <div class="lab-acts">
            {act(LabAct::Stop)}
            {act(LabAct::Pause)}
            {act(LabAct::Start)}
        </div>
    }
}

const fn word(act: LabAct) -> (&'static str, &'static str, Icon) {
    match act {
        LabAct::Stop => ("stop", "Stop", Icon::Stop),
        LabAct::Pause => ("pause", "Pause", Icon::Pause),
        LabAct::Start => ("start", "Start", Icon::Play),
    }
}

const fn makes_sense(act: LabAct, process: ProcessState) -> bool {
    match act {
        LabAct::Stop => matches!(process, ProcessState::Running | ProcessState::Paused),
        LabAct::Pause => matches!(process, ProcessState::Running),
        LabAct::Start => matches!(process, ProcessState::Stopped | ProcessState::Paused),
    }
}

/// A form of its own: works without WebAssembly.
#[component]
fn ActButton(
    cloud: Cloud,
    act: LabAct,
    bench: Bench,
    process: Signal<ProcessState>,
) -> impl IntoView {
    let (name, title, icon) = word(act);
    let submit = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        bench.ask(cloud, act);
    };
    view! {
        <form method="post" action="/lab/act" on:submit=submit>
            <input type="hidden" name="cloud" value=cloud.name() />
            <input type="hidden" name="act" value=name />
            <input type="hidden" name="next" value="/lab" />
            <button type="submit" class=format!("button act-{name}") disabled=move || !makes_sense(act, process.get()) aria-label=format!("{title} {}", cloud.title())>
                {icon.view()} {title}
            </button>
        </form>
    }
}
