//! The fault lab, told as a story: pick a fault, see what the three clouds do, see the evidence or
//! the repair, take it back. Demonstration only.

use std::time::Duration;

use domain::access::Action;
use leptos::prelude::*;
use leptos_meta::Title;

use crate::api;
use crate::backend::{LabLink, LabOrder, LabOutcome, LabState, ProcessState};
use crate::browser;
use crate::components::problem::{ProblemCard, Skeleton};
use crate::live::Live;
use crate::pages::lab::clouds::Clouds;
use crate::pages::lab::confirm::{Confirm, ConfirmDialog, asks_first};
use crate::pages::lab::effect::Effects;
use crate::pages::lab::order::Chooser;
use crate::pages::lab::timeline::{Story, Timeline};
use crate::shell::console::Here;

mod clouds;
mod confirm;
mod effect;
mod fault;
mod links;
mod order;
mod timeline;
mod triangle;
mod words;

#[component]
pub(crate) fn LabPage() -> impl IntoView {
    let lab = api::ask(|| (), |()| api::lab());
    let retry = Callback::new(move |()| lab.refetch());
    view! {
        <Title text="Fault lab" />
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

/// While something is on its way, or broken.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Looks that are left out while everything is calm: the clouds' sizes still move.
const CALM_LOOKS: u32 = 3;

/// What the page knows and can do.
#[derive(Clone, Copy)]
pub(super) struct Bench {
    state: RwSignal<LabState>,
    story: Story,
    confirm: Confirm,
    /// Why this viewer may only watch.
    refusal: StoredValue<Option<String>>,
}

impl Bench {
    fn new(first: LabState) -> Self {
        let role = expect_context::<Here>().viewer.role;
        let refusal =
            (!role.may(Action::OperateFaultLab)).then(|| role.refusal(Action::OperateFaultLab));
        let bench = Bench {
            state: RwSignal::new(first),
            story: Story::listen(expect_context::<Live>()),
            confirm: Confirm::new(),
            refusal: StoredValue::new(refusal),
        };
        bench.follow();
        bench
    }

    fn may_operate(self) -> bool {
        self.refusal.with_value(Option::is_none)
    }

    /// The form that was submitted; where scripts do not run, the server reads it.
    fn submit(self, event: &web_sys::SubmitEvent) {
        event.prevent_default();
        match LabOrder::from_fields(&browser::form_fields(event)) {
            Ok(order) if asks_first(&order) => self.confirm.open(order),
            Ok(order) => self.act(order),
            Err(sentence) => self.story.failed(sentence),
        }
    }

    fn act(self, order: LabOrder) {
        leptos::task::spawn_local(async move {
            match api::lab_act(order).await {
                Ok(state) => self.learn(state),
                Err(problem) => {
                    self.story.failed(format!("{}: {}", problem.title, problem.detail));
                }
            }
        });
    }

    fn learn(self, state: LabState) {
        self.story.announce_new(&self.state.read_untracked().acts, &state.acts);
        let _ = self.state.try_set(state);
    }

    /// Everything here changes without us, too: by other people, and by the clouds themselves.
    fn follow(self) {
        let skipped = StoredValue::new(0_u32);
        let look = move || {
            let calm = skipped.get_value();
            if self.is_calm() && calm < CALM_LOOKS {
                skipped.set_value(calm + 1);
            } else {
                skipped.set_value(0);
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
                self.learn(state);
            }
        });
    }

    fn is_calm(self) -> bool {
        let state = self.state.read_untracked();
        let runs = |process| process == ProcessState::Running;
        let waits = |outcome: &LabOutcome| matches!(outcome, LabOutcome::Corrupted(damage) if damage.repair.is_none());
        state.clouds.iter().all(|(_, cloud)| runs(cloud.process))
            && state.links.iter().all(LabLink::is_whole)
            && !state.acts.iter().any(|act| waits(&act.outcome))
    }
}

#[component]
fn Body(first: LabState) -> impl IntoView {
    let bench = Bench::new(first);
    let refusal = bench.refusal.get_value().map(|reason| {
        view! { <p class="lab-watch" id=WHY_ID>{reason} " You can watch."</p> }
    });
    view! {
        <div class="lab">
            <p class="lab-lead">
                "Two clouds keep everything going; one alone accepts events and calls none of them final. \
                 Nothing that is final is ever lost. Try it."
            </p>
            {refusal}
            <Chooser bench />
            <Clouds bench />
            <Effects />
            <Timeline bench />
        </div>
        <ConfirmDialog bench />
    }
    .into_any()
}

/// The sentence that says why everything here is disabled.
const WHY_ID: &str = "lab-why-not";
