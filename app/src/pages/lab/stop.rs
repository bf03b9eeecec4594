//! Stopping a cloud asks first: what goes on without it, and what does not.

use domain::cloud::Cloud;
use leptos::html;
use leptos::prelude::*;

use crate::backend::{LabAct, LiveState};
use crate::browser;
use crate::components::dialog::Dialog;
use crate::live::{Health, Live};
use crate::pages::lab::Bench;

#[derive(Clone, Copy)]
pub(super) struct StopRequest {
    dialog: NodeRef<html::Dialog>,
    cloud: RwSignal<Cloud>,
}

impl StopRequest {
    pub(super) fn new() -> Self {
        StopRequest { dialog: NodeRef::new(), cloud: RwSignal::new(Cloud::Gcp) }
    }

    pub(super) fn open(self, cloud: Cloud) {
        self.cloud.set(cloud);
        browser::open_dialog(self.dialog);
    }
}

#[component]
pub(super) fn StopDialog(bench: Bench) -> impl IntoView {
    let live = expect_context::<Live>();
    let StopRequest { dialog, cloud } = bench.stop;
    let consequence = move || {
        let health = live.state.read().as_ref().map(LiveState::health);
        match health {
            Some(Health::Degraded | Health::NoQuorum) => {
                "Another cloud is down already. After this, new events are accepted and none becomes final \
                 until a second cloud is back. What is final stays final."
            }
            _ => {
                "The other two go on making events final. New events wait for a third signature until it is back."
            }
        }
    };
    let confirm = move |_| {
        browser::close_dialog(dialog);
        bench.act(cloud.get_untracked(), LabAct::Stop);
    };
    let title = Signal::derive(move || format!("Stop {}?", cloud.get().title()));
    view! {
        <Dialog node=dialog id="stop" title>
            <p>{consequence}</p>
            <p class="muted">"The process ends and its connections with it, as in an outage. Start brings it back."</p>
            <div class="dialog-acts">
                <button type="button" class="button" on:click=move |_| browser::close_dialog(dialog)>"Leave it running"</button>
                <button type="button" class="button button-danger" on:click=confirm>
                    {move || format!("Stop {}", cloud.get().title())}
                </button>
            </div>
        </Dialog>
    }
}
